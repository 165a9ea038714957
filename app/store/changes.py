"""What changes, as it changes: one reader a process tells everybody who listens."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from msgspec import Struct

from app.errors import StoreDown
from app.store import keys
from app.store.connection import Redis, ended, in_time, store_errors

HEARTBEAT = 10.0
"""Seconds after which a listener is told that there is nothing: proxies cut silent lines."""

MOST_TOLD = 1_000
"""Chats a listener is told of at once; of more it is told that it has to look at everything."""

_BLOCK = 2_000
"""Milliseconds one reading waits for a change: less than the store has to answer."""

_AT_ONCE = 1_000
_LEAVING = 5.0
"""Seconds those who listen have to leave."""

_PAUSE = 1.0
"""Seconds until a store that does not answer is asked again."""

_CURSOR = re.compile(r"\d{1,18}-\d{1,18}")


class Batch(Struct, frozen=True, kw_only=True):
    """Chats that changed up to ``cursor``, which is '' while the store does not answer.

    ``missed``: others may have changed too, or are gone, so that all has to be read again.
    """

    cursor: str
    chats: frozenset[str] = frozenset()
    missed: bool = False


class Listening:
    """Batches for one listener, the first at once, the next with a change or after a while.

    What is not fetched in time is put together, so that nobody is told less for being slow.
    """

    def __init__(self, cursor: str, *, heartbeat: float) -> None:
        self._cursor = cursor
        self._heartbeat = heartbeat
        self._chats: set[str] = set()
        self._missed = False
        self._news = asyncio.Event()
        self._ended = False

    def __aiter__(self) -> AsyncIterator[Batch]:
        return self._batches()

    async def _batches(self) -> AsyncIterator[Batch]:
        yield self._taken()
        while not self._ended:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._heartbeat):
                    await self._news.wait()
            if not self._ended:
                yield self._taken()

    def tell(self, cursor: str, chats: set[str], *, missed: bool = False) -> None:
        """Something changed up to ``cursor``; an earlier one than is known leaves it."""
        if _order(cursor) > _order(self._cursor):
            self._cursor = cursor
        self._chats |= chats - {""}
        self._missed = self._missed or missed or "" in chats or len(self._chats) > MOST_TOLD
        if chats or missed:
            self._news.set()

    def begin_anew(self, cursor: str) -> None:
        """What happened up to ``cursor`` is not known."""
        self._cursor = cursor
        self.tell(cursor, set(), missed=True)

    def end(self) -> None:
        """There are no more batches."""
        self._ended = True
        self._news.set()

    def _taken(self) -> Batch:
        chats = frozenset() if self._missed else frozenset(self._chats)
        batch = Batch(cursor=self._cursor, chats=chats, missed=self._missed)
        self._chats, self._missed = set(), False
        self._news.clear()
        return batch


class Changes:
    """The changes of all chats. Reads while somebody listens, and over any trouble of the store."""

    def __init__(
        self, redis: Redis, *, heartbeat: float = HEARTBEAT, pause: float = _PAUSE
    ) -> None:
        self._redis = redis
        self._heartbeat = heartbeat
        self._pause = pause
        self._listeners: set[Listening] = set()
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._at: str | None = None
        self._closed = False
        self._present = 0
        self._deserted = asyncio.Event()
        self._deserted.set()

    @asynccontextmanager
    async def listen(self, after: str | None = None) -> AsyncIterator[Listening]:
        """Whoever listens is told of every change from now on, and of those since the cursor
        ``after``: or that they are ``missed``, where the store does not know them any more.

        Waits for the store no longer than a door does: while it does not answer there are empty
        batches, and one that is ``missed`` when it does again.
        """
        listening = Listening(after or "", heartbeat=self._heartbeat)
        self._listeners.add(listening)
        self._present += 1
        self._deserted.clear()
        try:
            if not self._closed:
                await self._begin()
                await self._catch_up(listening, after)
            if self._closed:
                listening.end()
            yield listening
        finally:
            self._listeners.discard(listening)
            try:
                await self._stop_unless_heard()
            finally:
                self._present -= 1  # the last to leave may have waited for the reader longest
                if not self._present:
                    self._deserted.set()

    def close(self) -> None:
        """End what everybody listens to: the process is asked to stop."""
        self._closed = True
        for listening in self._listeners:
            listening.end()

    async def aclose(self) -> None:
        """The same, and nobody asks the store any more when it returns, or a while has passed."""
        self.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVING):
                await self._deserted.wait()

    async def _begin(self) -> None:
        """The reading is under way, from a place that is known if the store answers."""
        async with self._starting:
            if self._reading is None or self._reading.done():
                self._at = await self._tail_if_up()
                self._reading = asyncio.create_task(self._read(), name="changes")

    async def _stop_unless_heard(self) -> None:
        if self._listeners or self._reading is None:
            return
        reading, self._reading = self._reading, None
        await ended(reading)

    async def _catch_up(self, listening: Listening, after: str | None) -> None:
        """What changed between ``after`` and now; the reader is past nothing that comes later."""
        if after is None:
            now = self._at or await self._tail_if_up()
            if now is None:
                listening.tell("", set(), missed=True)
            else:
                listening.tell(now, set())
            return
        try:
            async with in_time():
                now, chats = await self._since(after)
        except StoreDown:
            listening.begin_anew("")
            return
        if chats is None:
            listening.begin_anew(now)
        else:
            listening.tell(now, chats)

    async def _since(self, after: str) -> tuple[str, set[str] | None]:
        """Where the changes are, and the chats that changed after a cursor; None for one they do
        not reach back to, or never came to.
        """
        now = await self._tail()
        if _CURSOR.fullmatch(after) is None or _order(after) > _order(now):
            return now, None
        if after == now:
            return now, set()
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.xrange(keys.changes(), count=1)
            pipe.xrange(keys.changes(), f"({after}", "+", count=MOST_TOLD)
            first, entries = await pipe.execute()
        if not first or _order(_id(first[0])) > _order(after) or len(entries) == MOST_TOLD:
            return now, None
        return _id(entries[-1]) if entries else now, _chats(entries)

    # --- the reader ---------------------------------------------------------------------------

    async def _read(self) -> None:
        """Tell all listeners, until cancelled."""
        while self._reading is asyncio.current_task():
            try:
                await self._read_on()
            except StoreDown:
                self._at = None
                await asyncio.sleep(self._pause)

    async def _read_on(self) -> None:
        """One reading. Raises ``StoreDown``."""
        with store_errors():
            if self._at is None:
                self._at = await self._tail()
                for listening in self._listeners:
                    listening.begin_anew(self._at)
            told = await self._redis.xread({keys.changes(): self._at}, count=_AT_ONCE, block=_BLOCK)
            entries = told[0][1] if told else []
            if not entries:
                return
            missed = len(entries) == _AT_ONCE and await self._overtaken(self._at)
        self._at = _id(entries[-1])
        for listening in self._listeners:
            listening.tell(self._at, _chats(entries), missed=missed)

    async def _overtaken(self, at: str) -> bool:
        """Whether changes went before they were read: this process stood still for long."""
        first = await self._redis.xrange(keys.changes(), count=1)
        return not first or _order(_id(first[0])) > _order(at)

    async def _tail_if_up(self) -> str | None:
        try:
            async with in_time():
                return await self._tail()
        except StoreDown:
            return None

    async def _tail(self) -> str:
        """The cursor of the last change there ever was."""
        if not await self._redis.exists(keys.changes()):
            return "0-0"
        told = await self._redis.xinfo_stream(keys.changes())
        last: bytes = told["last-generated-id"]
        return last.decode()


def _order(cursor: str) -> tuple[int, int]:
    """Cursors in order; what is none comes before all."""
    if _CURSOR.fullmatch(cursor) is None:
        return -1, -1
    ms, number = cursor.split("-")
    return int(ms), int(number)


def _id(entry: Any) -> str:  # noqa: ANN401 - as redis-py tells an entry
    name: bytes = entry[0]
    return name.decode()


def _chats(entries: Any) -> set[str]:  # noqa: ANN401 - as redis-py tells entries
    return {fields[b"chat"].decode() for _, fields in entries if fields}
