"""Two chats that turn out to be one person: by phone and by hidden id."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from app.domain.conversation import (
    Conversation,
    Entry,
    Folded,
    Kind,
    Message,
    OptOut,
    Owner,
    Pending,
    Proactive,
)
from app.domain.events import Order
from app.domain.hand_over import ANSWERS
from app.domain.rules import KEPT_FIRED, KEPT_ORDERS, Purpose
from app.domain.silence import silenced


def merged(conversation: Conversation, other: Conversation, *, now: datetime) -> Folded:
    """``conversation`` with all that was kept of the same person as ``other``.

    An opt-out of either holds, a person who owns either owns both, every cap counts both.
    Merging a second time changes nothing.
    """
    one = replace(
        conversation,
        since=min(conversation.since, other.since),
        phone=conversation.phone or other.phone,
        lid=conversation.lid or other.lid,
        name=conversation.name or other.name,
        language=conversation.language or other.language,
        needs_person=conversation.needs_person or other.needs_person,
        session=_newer(conversation, other).session or conversation.session,
        orders=_orders(conversation, other),
        messages=_messages(conversation, other),
        pending=_pending(conversation, other),
        proactive=tuple(sorted({*conversation.proactive, *other.proactive}, key=_when)),
        fired=tuple(dict.fromkeys((*other.fired, *conversation.fired)))[-KEPT_FIRED:],
        replies=tuple(sorted({*conversation.replies, *other.replies})),
        heard_at=_latest(conversation.heard_at, other.heard_at),
        strays=tuple(dict.fromkeys((*conversation.strays, *other.strays))),
        speech=conversation.speech or other.speech,
        paused_until=_latest(conversation.paused_until, other.paused_until),
        asked_stop=_latest(conversation.asked_stop, other.asked_stop),
        stop_question=conversation.stop_question or other.stop_question,
        linked=tuple(dict.fromkeys((*other.linked, *conversation.linked))),
        mood=conversation.mood or other.mood,
        no_whatsapp=None,
        owner=Owner.PEOPLE if Owner.PEOPLE in (conversation.owner, other.owner) else Owner.BOT,
        person_at=_latest(conversation.person_at, other.person_at),
    )
    entry = Entry(at=now, kind=Kind.MERGED, reason="one_person")
    stop = _stop(conversation, other)
    if stop is None or conversation.opt_out is not None:
        return replace(one, opt_out=stop), (entry,)
    one, dropped = silenced(one, by=stop.by, at=stop.at, now=now)
    opted_out = Entry(at=now, kind=Kind.OPTED_OUT, reason="one_person")
    return one, (entry, opted_out, *dropped)


def _when(counted: Proactive) -> tuple[datetime, str]:
    return counted.at, counted.id


def _stop(conversation: Conversation, other: Conversation) -> OptOut | None:
    stops = [c.opt_out for c in (conversation, other) if c.opt_out is not None]
    return max(stops, key=lambda stop: stop.at, default=None)


def _newer(conversation: Conversation, other: Conversation) -> Conversation:
    """The one in which the customer wrote last."""
    if other.heard_at is None or conversation.heard_at is None:
        return conversation if other.heard_at is None else other
    return conversation if conversation.heard_at >= other.heard_at else other


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at is not None), default=None)


def _orders(conversation: Conversation, other: Conversation) -> tuple[Order, ...]:
    known = {order.code for order in conversation.orders}
    others = tuple(order for order in other.orders if order.code not in known)
    return (*others, *conversation.orders)[-KEPT_ORDERS:]


def _messages(conversation: Conversation, other: Conversation) -> tuple[Message, ...]:
    """Each message once, though it may have been told under both addresses."""
    ids = {m.id for m in conversation.messages}
    names = {m.message for m in conversation.messages if m.message}
    new = [m for m in other.messages if m.id not in ids and m.message not in names]
    return tuple(sorted([*conversation.messages, *new], key=lambda m: m.at))


def _pending(conversation: Conversation, other: Conversation) -> tuple[Pending, ...]:
    """What waits in both; questions that wait for an answer get one together."""
    ids = {p.id for p in conversation.pending}
    kept = list(conversation.pending)
    for pending in other.pending:
        question = next((p for p in kept if _is_question(p) and _is_question(pending)), None)
        if question is not None:
            kept[kept.index(question)] = _together(question, pending)
        elif pending.id not in ids:
            kept.append(pending)
    return tuple(kept)


def _is_question(pending: Pending) -> bool:
    return pending.purpose in ANSWERS and pending.since is not None


def _together(one: Pending, other: Pending) -> Pending:
    notice = next((p for p in (one, other) if p.purpose is Purpose.HANDOFF_NOTICE), None)
    canned = notice.canned if notice else one.canned if other.canned else None
    return replace(
        one,
        purpose=notice.purpose if notice else one.purpose,
        answers=tuple(dict.fromkeys((*other.answers, *one.answers))),
        due=min(one.due, other.due),
        expires_at=min(one.expires_at, other.expires_at),
        canned=canned,
        rewrites=max(one.rewrites, other.rewrites),
    )
