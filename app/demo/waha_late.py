"""Work an emulated WAHA has taken upon itself and does later, whoever still waits for it."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.world import World


class Later:
    """Does each thing once its time has come by the world's clock.

    A clock that a test moves tells nobody, so `catch_up` is called wherever WAHA is looked at.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self._due: list[tuple[datetime, Callable[[], object]]] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, seconds: float, work: Callable[[], object]) -> None:
        """Do `work` so many seconds from now."""
        self._due.append((self._world.now() + timedelta(seconds=seconds), work))
        self._look_again()

    def catch_up(self) -> None:
        """Do what is due, in the order of time."""
        now = self._world.now()
        ripe = [entry for entry in self._due if entry[0] <= now]
        self._due = [entry for entry in self._due if entry[0] > now]
        for _, work in sorted(ripe, key=lambda entry: entry[0]):
            work()

    def stop(self) -> None:
        """Forget what is not done yet, as a stopped WAHA does."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _ring(self) -> None:
        self.catch_up()
        self._look_again()

    def _look_again(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._due:
            left = min(due for due, _ in self._due) - self._world.now()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(left.total_seconds(), 0), self._ring)
