"""What changes, told to the open pages as it changes; a page that was away catches up."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec
from litestar import get
from litestar.response import Stream

from app.errors import StoreDown
from app.store.changes import Batch, Listening
from app.web.desk.login import is_logged_in
from app.web.desk.visit import FromVisit, Visit
from app.web.front import Front

LONGEST = 60.0
"""Seconds of one stream; the browser asks anew and misses nothing, and a server can stop."""

SEATS = 20
"""Streams of one process at a time; who finds none free looks at the page now and then."""

OF_ONE = 6
"""Of these, one login may have so many: a browser opens no more to one server anyway."""

_AGAIN = b"retry: 1000\n\n"
_ALL = b"event: missed\ndata: {}\n\n"
_LATER = b"retry: 20000\n" + _ALL
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_encode = msgspec.json.Encoder().encode


class Seats:
    """How many listen, and who."""

    def __init__(self, most: int, *, of_one: int) -> None:
        self._most = most
        self._of_one = of_one
        self._taken: Counter[str] = Counter()

    def take(self, whose: str) -> bool:
        """Whether there was one free for them, which is taken now."""
        if self._taken.total() >= self._most or self._taken[whose] >= self._of_one:
            return False
        self._taken[whose] += 1
        return True

    def leave(self, whose: str) -> None:
        """Somebody else may listen."""
        self._taken[whose] -= 1
        self._taken = +self._taken


_seats = Seats(SEATS, of_one=OF_ONE)


@get("/events", media_type="text/event-stream")
async def events(visit: FromVisit) -> Stream:
    """``changed`` names chats by their refs, after ``missed`` all has to be read again.

    Each tells as its id how far the reader is: ``Last-Event-ID``, or ``after``, goes on there. Who
    names no place may have missed what happened since their page was made, and is told so.
    """
    request = visit.request
    after = request.headers.get("last-event-id") or request.query_params.get("after")
    told = _told(visit, after)
    return Stream(told, media_type="text/event-stream", headers=_HEADERS)


class Reader:
    """A browser that reads, until it leaves. What is told to it waits until it was read.

    A stream is cut wherever it is, and as often as it waits; so what it reads is heard by a task of
    its own, which is never cut, but finds that nobody reads any more.
    """

    def __init__(self) -> None:
        self._told: asyncio.Queue[bytes] = asyncio.Queue(maxsize=1)
        self._listening: Listening | None = None
        self._left = False

    async def hear(self, visit: Visit, after: str | None) -> None:
        """What changes, for a while and as long as they are logged in, and b'' at its end."""
        clock = asyncio.get_running_loop().time
        ends = clock() + LONGEST
        if after is None:
            await self._tell(_ALL)
        try:
            with suppress(StoreDown):
                async with visit.front.changes.listen(after) as self._listening:
                    async for batch in self._listening:
                        if self._left or not await _may_hear(visit):
                            break
                        await self._tell(await _event(visit.front, batch))
                        if clock() >= ends:
                            break
        finally:  # whatever happened: a stream without its end keeps its seat
            await self._tell(b"")

    async def read(self) -> bytes:
        """The next of it."""
        return await self._told.get()

    def leave(self) -> None:
        """Nobody reads any more."""
        self._left = True
        while not self._told.empty():
            self._told.get_nowait()
        if self._listening is not None:
            self._listening.end()

    async def _tell(self, event: bytes) -> None:
        if not self._left:
            await self._told.put(event)


_hearing: set[asyncio.Task[None]] = set()
"""What runs beside the streams: the loop alone would forget it."""


async def _told(visit: Visit, after: str | None) -> AsyncIterator[bytes]:
    """What a browser reads, until it leaves. All seats taken, it is told to look again later."""
    if not _seats.take(visit.csrf):
        yield _LATER
        return
    reader = Reader()
    hearing = asyncio.create_task(reader.hear(visit, after))
    _hearing.add(hearing)
    hearing.add_done_callback(_hearing.discard)
    try:
        yield _AGAIN
        while event := await reader.read():
            yield event
    finally:
        reader.leave()
        _seats.leave(visit.csrf)


async def _may_hear(visit: Visit) -> bool:
    """Whether they are logged in still; who was, is while the store does not answer."""
    try:
        return await is_logged_in(visit.request)
    except StoreDown:
        return True


async def _event(front: Front, batch: Batch) -> bytes:
    """The batch as a browser reads it; an empty one keeps the line open and the place known."""
    place = f"id: {batch.cursor}\n" if batch.cursor else ""
    if batch.missed:
        return place.encode() + _ALL
    if not batch.chats:
        return f"{place}: \n\n".encode()
    refs = sorted([await front.chats.ref(chat) for chat in batch.chats])
    return f"{place}event: changed\ndata: ".encode() + _encode({"refs": refs}) + b"\n\n"


ROUTES = [events]
