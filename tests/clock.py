"""A world in which hours pass at once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from app.world import World


class Clock(World):
    """Stands still until told to go on; a sleep takes its time in no time."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._now = start
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The time it was set to."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since it was made."""
        return (self._now - self._start).total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Go on by that much."""
        self.slept.append(seconds)
        self._now += timedelta(seconds=max(seconds, 0))
        await asyncio.sleep(0)

    def advance(self, **delta: float) -> None:
        """Go on by ``hours=9`` or the like."""
        self._now += timedelta(**delta)

    def set(self, moment: datetime) -> None:
        """Go to that moment."""
        self._now = moment
