"""The one door to time. Everything that asks what time it is, or waits, is handed a World."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta


class World:
    """The real clock. Tests hand in one of their own, where hours pass at once."""

    def now(self) -> datetime:
        """The time, aware and in UTC."""
        return datetime.now(UTC)

    def real(self, moment: datetime) -> datetime:
        """When a moment of this world comes by the real clock, by which others run our work."""
        return moment

    def monotonic(self) -> float:
        """Seconds from some fixed moment; for measuring, never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait; zero or less lets others run once."""
        await asyncio.sleep(max(seconds, 0))


class MovableWorld(World):
    """The real clock, put forward by hand: what waits for tomorrow can be seen today.

    It never goes back, for what was promised for a moment would have been forgotten by then.
    """

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        self._ahead = ahead

    @property
    def ahead(self) -> timedelta:
        """How far it is before the real clock."""
        return self._ahead

    def now(self) -> datetime:
        """The time, aware and in UTC."""
        return super().now() + self._ahead

    def real(self, moment: datetime) -> datetime:
        """When a moment of this world comes, if nobody moves the clock until then."""
        return moment - self._ahead

    def move(self, by: timedelta) -> None:
        """Go forward at once. Raises ValueError for a way back."""
        if by < timedelta():
            raise ValueError("time goes forward only")
        self._ahead += by
