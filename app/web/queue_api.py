"""What waits to be said, and what failed for good."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct
from msgspec.structs import replace

from app.domain.conversation import given_up
from app.domain.events import Act
from app.domain.people_acts import held_back, may_be_acted_on
from app.domain.rules import Reason
from app.domain.view import Stand
from app.errors import Refused
from app.store.claims import Buried
from app.store.journal import Unusable
from app.web.front import FromFront, Front
from app.web.problems import GUARDED, told
from app.web.reading import Reading, Wish, act, cause_of, chat_named, journal, look
from app.web.views import Calling, Grave, Item, calling, grave, items

_AT_ONCE = 50
"""Chats read side by side: well below the connections of the pool."""

Limit = Annotated[int, QueryParameter(ge=1, le=500, description="At most so many.")]
Offset = Annotated[int, QueryParameter(ge=0, le=10_000, description="After so many.")]


class Replayed(Struct, frozen=True, kw_only=True):
    """What had failed is tried again; ``blocked`` is the rule that has a message wait first."""

    id: str
    status: str
    facts: int
    message: str | None
    blocked: Reason | None = None


@get("/outbox", responses=GUARDED, summary="What waits to be said, soonest first")
async def outbox(front: FromFront, limit: Limit = 100, offset: Offset = 0) -> list[Item]:
    """Purposes without words yet (``scheduled``) and written texts (``queued``)."""
    found = await upcoming(front, offset + limit)
    return found[offset : offset + limit]


@get("/unusable", responses=GUARDED, summary="Facts nobody can be written to about, newest first")
async def unusable(front: FromFront, limit: Limit = 100) -> list[Unusable]:
    """What was told of orders without a phone to write to, with the reason."""
    return (await front.journal.all_unusable())[: -limit - 1 : -1]


async def upcoming(front: Front, wanted: int) -> list[Item]:
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


# --- what waits, and is not to ----------------------------------------------------------------


class Whose(Struct, frozen=True, kw_only=True):
    """Whose message it is: a phone in any writing, or ``lid:…``, as the outbox names the chat."""

    phone: Annotated[str, Meta(min_length=1, max_length=40)]


Phone = Annotated[
    str | None, QueryParameter(max_length=40, description="Whose it is, when no body says so.")
]


@post(
    "/outbox/{id:str}/cancel",
    status_code=HTTPStatus.OK,
    responses=GUARDED | told(HTTPStatus.CONFLICT),
    summary="Not to be said",
)
async def cancel(  # noqa: PLR0917 - handlers get their parameters by name
    front: FromFront,
    id: FromPath[str],  # noqa: A002
    data: JSONBody[Whose | None] = None,
    phone: Phone = None,
) -> Item:
    """It is taken out, its place under the caps is free again, and it does not come back; the
    answer is what it was. 409 when it is under way, or waits no longer.
    """
    return await cancelled(front, await _chat_of(front, data, phone), id)


@post(
    "/outbox/{id:str}/send-now",
    status_code=HTTPStatus.OK,
    responses=GUARDED | told(HTTPStatus.CONFLICT),
    summary="To be said as soon as the rules allow",
)
async def send_now(  # noqa: PLR0917 - handlers get their parameters by name
    front: FromFront,
    id: FromPath[str],  # noqa: A002
    data: JSONBody[Whose | None] = None,
    phone: Phone = None,
) -> Item:
    """It does not wait for its time any more. Opt-outs, caps, quiet hours, people's chats, the pace
    and the state of the session hold: ``blocked`` and the journal say what it waits for then. 409
    when it is under way, or waits no longer.
    """
    return await hurried(front, await _chat_of(front, data, phone), id)


async def _chat_of(front: Front, data: Whose | None, phone: str | None) -> str:
    written = data.phone if data is not None else phone
    if written is None:
        raise Refused("say whose message it is: its phone", code="no_phone")
    return await chat_named(front, written)


async def cancelled(front: Front, chat: str, id_: str) -> Item:
    """It will not be said; as it was. Raises Refused (404, 409), ``StoreDown``."""
    before = await _still_waits(front, chat, id_)
    await act(front, chat, Wish(act=Act.CANCEL, cause=cause_of(None), message=id_))
    front.log.info("operator", act=Act.CANCEL, chat=chat, id=id_)
    after = await look(front, chat)
    if after is not None and after.conversation.message(id_) is not None:
        raise _UNDER_WAY
    return replace(before, status=Stand.CANCELLED)


async def hurried(front: Front, chat: str, id_: str) -> Item:
    """It goes as soon as the rules allow; as it is then. Raises Refused (404, 409), ``StoreDown``.

    What went at once is told as it was when it went.
    """
    before = await _still_waits(front, chat, id_)
    await act(front, chat, Wish(act=Act.SEND_NOW, cause=cause_of(None), message=id_))
    front.log.info("operator", act=Act.SEND_NOW, chat=chat, id=id_)
    reading = await look(front, chat)
    now = None if reading is None else _item(front, reading, id_)
    return now or replace(before, until=min(before.until, front.world.now()), blocked=None)


_UNDER_WAY = Refused("this is under way, or waits no longer", code="settled", status=409)


async def _still_waits(front: Front, chat: str, id_: str) -> Item:
    """What waits with this id, and may be acted on. Raises Refused (404, 409)."""
    reading = await look(front, chat)
    if reading is None:
        raise Refused("nobody with this phone is known", code="unknown_contact", status=404)
    found = _item(front, reading, id_)
    if found is not None and may_be_acted_on(reading.conversation, id_):
        return found
    if found is not None or await _was_known(front, reading, id_):
        raise _UNDER_WAY
    raise Refused("nothing with this id waits in this chat", code="not_waiting", status=404)


def _item(front: Front, reading: Reading, id_: str) -> Item | None:
    waiting = items(reading, now=front.world.now(), rules=front.rules)
    return next((item for item in waiting if item.id == id_), None)


async def _was_known(front: Front, reading: Reading, id_: str) -> bool:
    """Whether it waited once: it went, or was dropped."""
    if reading.conversation.message(id_) is not None:
        return True
    return any(entry.message == id_ for entry in await journal(front, reading))


# --- who is needed ----------------------------------------------------------------------------


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
    graves = await front.journal.graves(limit=limit, offset=offset)
    return [grave(one) for one in graves.listed]


@post(
    "/buried/{id:str}/replay",
    status_code=HTTPStatus.ACCEPTED,
    responses=GUARDED | told(HTTPStatus.CONFLICT),
    summary="Try it again",
)
async def replay(front: FromFront, id: FromPath[str]) -> Replayed:  # noqa: A002
    """Facts go into the mailbox again, a message into the outbox; without either a turn is run.

    A message keeps its ids, and one of which nobody knows whether it went is looked for in WhatsApp
    before anything is sent: a replay cannot send twice. 409 when it has not failed any more, or
    the rules would throw it away; it stays listed then.
    """
    return await replayed(front, id)


async def replayed(front: Front, id_: str) -> Replayed:
    """Try it again. Raises Refused (404, 409), ``StoreDown``."""
    found = await _grave_of(front, id_)
    now, blocked = front.world.now(), None
    if found.message is not None:
        blocked = await _requeue(front, found, found.message)
    elif found.letters:
        await front.mailbox.put_back(found.chat, found.letters, now=now)
    else:
        await front.mailbox.wake({found.chat: now})
    await front.journal.unbury(found.id)
    front.log.info("operator", act=Act.REPLAY, chat=found.chat, id=found.id)
    return Replayed(
        id=found.id,
        status="accepted",
        facts=len(found.letters),
        message=found.message,
        blocked=blocked,
    )


async def _requeue(front: Front, found: Buried, message_id: str) -> Reason | None:
    """Have the message sent again; asked twice for one failure, once. What it waits for then.

    Raises Refused (409) when it did not fail, or nothing allows it any more.
    """
    reading = await look(front, found.chat)
    message = reading.conversation.message(message_id) if reading else None
    if reading is None or message is None or not given_up(message):
        raise Refused("this message has not failed any more", code="settled", status=409)
    held = held_back(reading.conversation, message, now=front.world.now(), rules=front.rules)
    if held is not None and held.for_good:
        advice = (
            f"the rules do not let this go again ({held.reason}): write yourself, or dismiss it"
        )
        raise Refused(advice, code="not_allowed", status=409, about=held.reason)
    cause = f"{found.id}:{found.at.isoformat()}"
    await act(front, found.chat, Wish(act=Act.REPLAY, cause=cause, message=message_id))
    return None if held is None else held.reason


async def _grave_of(front: Front, id_: str) -> Buried:
    found = await front.journal.buried(id_)
    if found is None:
        raise Refused("nothing with this id is buried", code="not_buried", status=404)
    return found


class Seen(Struct, frozen=True, kw_only=True):
    """Who says that nothing more is to be done."""

    who: Annotated[str, Meta(max_length=100)] | None = None


class Dismissed(Struct, frozen=True, kw_only=True):
    """It is listed no more. ``facts_lost`` were thrown away for good; a ``message`` stays in its
    chat as it is, failed or uncertain.
    """

    id: str
    status: str
    facts_lost: int
    message: str | None


@post(
    "/buried/{id:str}/dismiss",
    status_code=HTTPStatus.OK,
    responses=GUARDED,
    summary="Nothing more is to be done about it",
)
async def dismiss(
    front: FromFront,
    id: FromPath[str],  # noqa: A002
    data: JSONBody[Seen | None] = None,
) -> Dismissed:
    """It is not listed again, and the chat's journal says so. Facts are dropped for good: what was
    told in them is not known. A message stays failed, or uncertain, in its chat.
    """
    return await dismissed(front, id, who=data.who if data else None)


async def dismissed(front: Front, id_: str, *, who: str | None = None) -> Dismissed:
    """Nothing more is done about it. Raises Refused (404), ``StoreDown``."""
    found = await _grave_of(front, id_)
    cause = f"{found.id}:{found.at.isoformat()}"
    await act(
        front, found.chat, Wish(act=Act.DISMISS, cause=cause, message=found.message or found.id)
    )
    await front.journal.unbury(found.id)
    lost = len(found.letters)
    front.log.info("operator", act=Act.DISMISS, chat=found.chat, id=found.id, who=who, facts=lost)
    return Dismissed(id=found.id, status="dismissed", facts_lost=lost, message=found.message)


ROUTER = Router(
    "/api",
    route_handlers=[
        outbox, cancel, send_now, people, unusable, buried, replay, dismiss,
    ],
    tags=["queue"],
)  # fmt: skip
