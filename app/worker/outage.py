"""A store that went away: noticed once, told once, and gone on with as soon as it is back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from redis.exceptions import RedisError

from app.errors import StoreDown
from app.worker.bot import Bot

STORE_PAUSE = timedelta(seconds=1)
"""Between two looks at a store that went away."""

TOLD_AGAIN = 60.0
"""Seconds without a word of docket's on Redis after which the next one is of another outage."""


class Outage:
    """What turns could not even be scheduled again runs as soon as the store takes writes.

    ``resume`` schedules all that is due; it raises ``StoreDown`` while that cannot be done.
    """

    def __init__(self, bot: Bot, resume: Callable[[], Awaitable[object]]) -> None:
        self._bot = bot
        self._resume = resume
        self._down: StoreDown | None = None
        self._lost = asyncio.Event()

    def begins(self, down: StoreDown) -> None:
        """A turn ended and left its chat without a schedule."""
        self._down = down
        self._lost.set()

    async def watch(self) -> None:
        """Schedule what is due, whenever the store is back. Runs until cancelled."""
        while True:
            await self._lost.wait()
            self._bot.log.warning("store_lost", reason=self._down and self._down.reason)
            await self._until_back()
            self._bot.log.warning("store_back")

    async def _until_back(self) -> None:
        while self._lost.is_set():
            await self._bot.world.sleep(STORE_PAUSE.total_seconds())
            self._lost.clear()
            try:
                await self._resume()
            except StoreDown as down:
                self.begins(down)


class _OnceAnOutage(logging.Filter):
    """Of what docket says of Redis, the first line of an outage: it has a traceback for each of
    twenty tries a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is told; without its traceback when it is of Redis."""
        error = record.exc_info[1] if record.exc_info else None
        if not _is_of_redis(error) and "Redis" not in str(record.msg):
            return True
        first = record.created - self._last > TOLD_AGAIN
        self._last = record.created
        record.exc_info = None
        return first


def _is_of_redis(error: BaseException | None) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.split((RedisError, StoreDown))[1] is None
    return isinstance(error, RedisError | StoreDown)


_TALKERS = ("docket.worker", "docket.strikelist", "docket._redelivery", "docket.dependencies")


@contextmanager
def told_once_an_outage() -> Iterator[None]:
    """What the loggers of docket say of an outage is what a person needs to know."""
    once = _OnceAnOutage()
    loggers = [logging.getLogger(name) for name in _TALKERS]
    for logger in loggers:
        logger.addFilter(once)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(once)
