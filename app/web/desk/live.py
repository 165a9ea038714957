"""What changes, told to the open pages as it changes; a page that was away catches up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec
from litestar import get
from litestar.response import Stream

from app.errors import StoreDown
from app.store.changes import Batch
from app.web.desk.visit import FromVisit
from app.web.front import Front

LONGEST = 60.0
"""Seconds of one stream; the browser asks anew and misses nothing, and a server can stop."""

SEATS = 20
"""Streams of one process at a time; who finds none free looks at the page now and then."""

_AGAIN = b"retry: 1000\n\n"
_ALL = b"event: missed\ndata: {}\n\n"
_LATER = b"retry: 20000\n" + _ALL
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_encode = msgspec.json.Encoder().encode


class Seats:
    """How many listen."""

    def __init__(self, most: int) -> None:
        self._free = most

    def take(self) -> bool:
        """Whether there was one free, which is taken now."""
        if self._free < 1:
            return False
        self._free -= 1
        return True

    def leave(self) -> None:
        """Somebody else may listen."""
        self._free += 1


_seats = Seats(SEATS)


@get("/events", media_type="text/event-stream")
async def events(visit: FromVisit) -> Stream:
    """``changed`` names chats by their refs, after ``missed`` all has to be read again.

    Each tells as its id how far the reader is: ``Last-Event-ID``, or ``after``, goes on there. Who
    names no place may have missed what happened since their page was made, and is told so.
    """
    request = visit.request
    after = request.headers.get("last-event-id") or request.query_params.get("after")
    told = _told(visit.front, after)
    return Stream(told, media_type="text/event-stream", headers=_HEADERS)


async def _told(front: Front, after: str | None) -> AsyncIterator[bytes]:
    """What a browser reads, until it leaves. All seats taken, it is told to look again later."""
    if not _seats.take():
        yield _LATER
        return
    events: asyncio.Queue[bytes] = asyncio.Queue(maxsize=1)
    hearing = asyncio.create_task(_hear(front, after, events))
    try:
        yield _AGAIN
        while event := await events.get():
            yield event
    finally:
        hearing.cancel()
        _seats.leave()


async def _hear(front: Front, after: str | None, events: asyncio.Queue[bytes]) -> None:
    """What changes, for a while, and b'' at its end.

    A task of its own: a stream is cut wherever it is and as often as it waits, and listening has to
    be left in order.
    """
    clock = asyncio.get_running_loop().time
    ends = clock() + LONGEST
    if after is None:
        await events.put(_ALL)
    with suppress(StoreDown):
        async with front.changes.listen(after) as listening:
            async for batch in listening:
                await events.put(await _event(front, batch))
                if clock() >= ends:
                    break
    await events.put(b"")


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
