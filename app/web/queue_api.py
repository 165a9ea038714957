"""What waits to be said, and what failed for good."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated

from litestar import Router, get, post
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from app.domain.conversation import given_up
from app.domain.events import Act
from app.errors import Refused
from app.store.claims import Buried
from app.store.journal import Unusable
from app.web.front import FromFront, Front
from app.web.problems import GUARDED, told
from app.web.reading import Wish, act, look
from app.web.views import Calling, Grave, Item, calling, grave, items

_AT_ONCE = 50
"""Chats read side by side: well below the connections of the pool."""

Limit = Annotated[int, QueryParameter(ge=1, le=500, description="At most so many.")]
Offset = Annotated[int, QueryParameter(ge=0, le=10_000, description="After so many.")]


class Replayed(Struct, frozen=True, kw_only=True):
    """What had failed is tried again."""

    id: str
    status: str
    facts: int
    message: str | None


@get("/outbox", responses=GUARDED, summary="What waits to be said, soonest first")
async def outbox(front: FromFront, limit: Limit = 100, offset: Offset = 0) -> list[Item]:
    """Purposes without words yet (``scheduled``) and written texts (``queued``)."""
    found = await _waiting(front, offset + limit)
    return found[offset : offset + limit]


@get("/unusable", responses=GUARDED, summary="Facts nobody can be written to about, newest first")
async def unusable(front: FromFront, limit: Limit = 100) -> list[Unusable]:
    """What was told of orders without a phone to write to, with the reason."""
    return (await front.journal.all_unusable())[: -limit - 1 : -1]


async def _waiting(front: Front, wanted: int) -> list[Item]:
    """The first ``wanted`` things, and maybe more. Each chat here brings one at least.

    Chats come by their soonest, so ``wanted`` chats that wait hold the ``wanted`` soonest.
    """
    found: list[Item] = []
    seen = at = 0
    while seen < wanted:
        chats = await front.mailbox.waiting(offset=at, limit=_AT_ONCE)
        if not chats:
            break
        at += len(chats)
        for waiting in await asyncio.gather(*(_waiting_in(front, chat) for chat in chats)):
            found.extend(waiting)
            seen += bool(waiting)
    return sorted(found, key=lambda item: item.until)


async def _waiting_in(front: Front, chat: str) -> list[Item]:
    reading = await look(front, chat)
    if reading is None:
        return []
    return items(reading, now=front.world.now(), rules=front.rules)


@get("/people", responses=GUARDED, summary="Chats that need a person, the longest waiting first")
async def people(front: FromFront, limit: Limit = 100, offset: Offset = 0) -> list[Calling]:
    """Why, what happened in short, what might be answered. An answer or a hand-back ends it."""
    found: list[Calling] = []
    now, rules = front.world.now(), front.rules
    for start in range(offset, offset + limit, _AT_ONCE):
        most = min(_AT_ONCE, offset + limit - start)
        chats = await front.mailbox.called(offset=start, limit=most)
        for reading in await asyncio.gather(*(look(front, chat) for chat in chats)):
            waiting = calling(reading, now=now, rules=rules) if reading is not None else None
            if waiting is not None:
                found.append(waiting)
        if len(chats) < most:
            break
    return found


@get("/buried", responses=GUARDED, summary="What failed for good, oldest first")
async def buried(front: FromFront, limit: Limit = 100, offset: Offset = 0) -> list[Grave]:
    """Facts no turn could take in, and messages that cannot be sent."""
    everything = await front.journal.all_buried()
    return [grave(one) for one in everything[offset : offset + limit]]


@post(
    "/buried/{id:str}/replay",
    status_code=HTTPStatus.ACCEPTED,
    responses=GUARDED | told(HTTPStatus.CONFLICT),
    summary="Try it again",
)
async def replay(front: FromFront, id: FromPath[str]) -> Replayed:  # noqa: A002
    """Facts go into the mailbox again, a message into the outbox; without either a turn is run.

    A message keeps its ids, and one of which nobody knows whether it went is looked for in WhatsApp
    before anything is sent: a replay cannot send twice. 409 when it has not failed any more.
    """
    found = await front.journal.buried(id)
    if found is None:
        raise Refused("nothing with this id is buried", code="not_buried", status=404)
    now = front.world.now()
    if found.message is not None:
        await _requeue(front, found, found.message)
    elif found.letters:
        await front.mailbox.put_back(found.chat, found.letters, now=now)
    else:
        await front.mailbox.wake({found.chat: now})
    await front.journal.unbury(found.id)
    front.log.info("operator", act=Act.REPLAY, chat=found.chat, id=found.id)
    return Replayed(id=found.id, status="accepted", facts=len(found.letters), message=found.message)


async def _requeue(front: Front, found: Buried, message_id: str) -> None:
    """Have the message sent again; asked twice for one failure, once. Raises Refused (409)."""
    reading = await look(front, found.chat)
    message = reading.conversation.message(message_id) if reading else None
    if message is None or not given_up(message):
        raise Refused("this message has not failed any more", code="settled", status=409)
    cause = f"{found.id}:{found.at.isoformat()}"
    await act(front, found.chat, Wish(act=Act.REPLAY, cause=cause, message=message_id))


ROUTER = Router("/api", route_handlers=[outbox, people, unusable, buried, replay], tags=["queue"])
