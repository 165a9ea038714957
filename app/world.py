"""The one door to time. Everything that asks what time it is, or waits, is handed a World."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class World:
    """The real clock. Tests hand in one of their own, where hours pass at once."""

    def now(self) -> datetime:
        """The time, aware and in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds from some fixed moment; for measuring, never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait; zero or less lets others run once."""
        await asyncio.sleep(max(seconds, 0))
