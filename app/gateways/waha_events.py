"""WAHA's webhooks: signed bytes -> facts.

An authentic body that means nothing to us yields no facts and the reason in a word; it is
never an exception.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha512
from hmac import compare_digest
from hmac import new as hmac_of
from typing import TypeAlias

from msgspec import Struct, structs

from app.domain.events import (
    FORBIDDEN,
    CustomerCalled,
    CustomerEdited,
    CustomerReacted,
    CustomerRevoked,
    Fact,
    Receipt,
    ReceiptCame,
    SessionChanged,
)
from app.gateways.waha_messages import Line, Telling, line_of, person_of, read_message
from app.gateways.waha_wire import (
    AckError,
    Envelope,
    Environment,
    Payload,
    Reaction,
    SessionData,
    Timelock,
    account,
    decoded,
    identity,
    moment,
    number,
    part,
    text,
    time_of,
)

KNOWN_EVENTS = frozenset(
    {
        *("message", "message.any", "message.ack", "message.ack.group", "message.waiting"),
        *("message.reaction", "message.revoked", "message.edited", "session.status"),
        *("call.received", "call.accepted", "call.rejected", "poll.vote", "poll.vote.failed"),
        *("group.join", "group.leave", "group.v2.join", "group.v2.leave", "group.v2.update"),
        *("group.v2.participants", "presence.update", "chat.archive", "label.upsert"),
        *("label.deleted", "label.chat.added", "label.chat.deleted", "state.change"),
        *("event.response", "event.response.failed", "engine.event"),
    }
)
"""Every event WAHA 2026.7 may post."""

_RECEIPTS = {
    -1: Receipt.FAILED,
    1: Receipt.ACCEPTED,
    2: Receipt.DELIVERED,
    3: Receipt.READ,
    4: Receipt.READ,
}
_PENDING = 0
_ACK_NAMES = {"ERROR": -1, "PENDING": _PENDING, "SERVER": 1, "DEVICE": 2, "READ": 3, "PLAYED": 4}

_TIMELOCK_REASON = "account_restricted"

_MILLISECONDS = 1000
_OPEN_END = timedelta(days=1)
"""How long a restriction is believed that WhatsApp announced without saying its end."""


class Reading(Struct, frozen=True, kw_only=True):
    """What a webhook's body says. ``ignored`` is why it says nothing, in a word of ours.

    ``heard`` is the session that something of WhatsApp's was told of, whatever it means to us.
    """

    facts: tuple[Fact, ...] = ()
    sessions: tuple[SessionChanged, ...] = ()
    ignored: str | None = None
    heard: str | None = None


def verify(
    body: bytes, signature: str | None, key: str, *, algorithm: str | None = "sha512"
) -> bool:
    """Whether ``signature`` (``X-Webhook-Hmac``, hex) is HMAC-SHA512 of the raw ``body``.

    Compared in constant time. ``algorithm`` is ``X-Webhook-Hmac-Algorithm``, where it was sent.
    False, never an exception, for whatever a stranger may send, and for an empty key.
    """
    if not signature or not key or (algorithm or "sha512").lower() != "sha512":
        return False
    expected = hmac_of(key.encode(), body, sha512).hexdigest()
    return compare_digest(expected.encode(), signature.encode("utf-8", "replace").lower())


def read_webhook(body: bytes, received_at: datetime) -> Reading:
    """The facts in an authentic webhook body. Never raises for what a body may hold.

    A fact's id is made of the session and WhatsApp's own message id, so ``message`` and
    ``message.any``, a redelivery and a second address of the same person are one fact.
    """
    value = decoded(body)
    if not isinstance(value, dict):
        return Reading(ignored="not_json")
    envelope = part(value, Envelope)
    reader = _READERS.get(envelope.event) if isinstance(envelope.event, str) else None
    if reader is None:
        return Reading(ignored=_unread(envelope.event))
    delivery = _delivery(envelope, received_at)
    heard = None if delivery is None else delivery.session
    match "unreadable" if delivery is None else reader(delivery):
        case Reading() as reading:
            return structs.replace(reading, heard=heard)
        case Fact() as fact:
            return Reading(facts=(fact,), heard=heard)
        case SessionChanged() as session:
            return Reading(sessions=(session,))
        case str() as why:
            return Reading(ignored=why, heard=heard)


_Outcome: TypeAlias = Reading | Fact | SessionChanged | str
"""A fact, a session's news, both, or the word for why it is neither."""


class _Delivery(Telling, frozen=True, kw_only=True):
    """One webhook; ``id`` is its envelope's."""

    id: str


def _unread(event: object) -> str:
    return event if isinstance(event, str) and event in KNOWN_EVENTS else "unknown_event"


def _delivery(envelope: Envelope, received_at: datetime) -> _Delivery | None:
    """None without a payload, or without the session to answer from."""
    session = text(envelope.session)
    if session is None or not isinstance(envelope.payload, dict):
        return None
    milliseconds = number(envelope.timestamp)
    seconds = None if milliseconds is None else milliseconds / _MILLISECONDS
    return _Delivery(
        id=text(envelope.id) or str(envelope.timestamp),
        session=session,
        engine=text(envelope.engine, part(envelope.environment, Environment).engine),
        us=account(envelope.me),
        payload=part(envelope.payload, Payload),
        told_at=moment(seconds, latest=received_at) or received_at,
        received_at=received_at,
    )


# -- one reader an event


def _message(delivery: _Delivery) -> _Outcome:
    """``message`` and ``message.any``: the same message under two names."""
    return read_message(delivery)


def _ack(delivery: _Delivery) -> _Outcome:
    payload = delivery.payload
    line = line_of(delivery, payload)
    if isinstance(line, str):
        return line
    if not line.from_me:
        return "not_ours"
    ack = _ack_number(payload)
    if ack == _PENDING:
        return "pending"
    receipt = None if ack is None else _RECEIPTS.get(ack)
    if receipt is None or line.short is None:
        return "unreadable"
    why = _ack_error(payload.error) if receipt is Receipt.FAILED else None
    event = ReceiptCame(
        id=delivery.fact_id("ack", line.short, ack),
        at=delivery.told_at,
        received_at=delivery.received_at,
        message=line.short,
        receipt=receipt,
        reason=why,
    )
    fact = Fact(person=line.person, event=event)
    return _refused_as_restricted(delivery, fact) if why == FORBIDDEN else fact


def _ack_number(payload: Payload) -> int | None:
    ack = number(payload.ack)
    if ack is None:
        return _ACK_NAMES.get(text(payload.ack_name) or "")
    return int(ack) if ack.is_integer() else None


def _ack_error(error: object) -> str | None:
    """Why WhatsApp refused a message; its timelock has one name, however it is told."""
    shape = part(error, AckError)
    code = number(shape.code)
    if _TIMELOCK_REASON in (shape.reason, shape.code, error):
        return FORBIDDEN
    if code is not None and code.is_integer():
        return str(int(code))
    return text(shape.code, shape.reason, error)


def _refused_as_restricted(delivery: _Delivery, fact: Fact) -> Reading:
    """WhatsApp's ban on new contacts is news of the session too, told by no other event."""
    at = delivery.told_at
    until = time_of(part(delivery.payload.error, AckError).until)
    news = SessionChanged(
        session=delivery.session,
        status=None,
        at=at,
        restricted_until=until if until is not None and until > at else at + _OPEN_END,
        inferred=True,
        our_phone=delivery.us.phone,
        our_lid=delivery.us.lid,
    )
    return Reading(facts=(fact,), sessions=(news,))


def _reaction(delivery: _Delivery) -> _Outcome:
    line = line_of(delivery, delivery.payload)
    if isinstance(line, str):
        return line
    if line.from_me:
        return "own_reaction"
    reaction = part(delivery.payload.reaction, Reaction)
    target = identity(reaction.message_id).short
    if line.short is None or target is None:
        return "unreadable"
    event = CustomerReacted(
        id=delivery.fact_id("reaction", line.short),
        at=delivery.at,
        received_at=delivery.received_at,
        message=target,
        session=delivery.session,
        emoji=text(reaction.text) or "",
    )
    return Fact(person=line.person, event=event)


def _revoked(delivery: _Delivery) -> _Outcome:
    """``after`` is the act, ``before`` the message where WAHA still has it; either may be null."""
    payload = delivery.payload
    acts = [part(act, Payload) for act in (payload.after, payload.before) if act]
    lines = [line_of(delivery, act) for act in (*acts, payload)]
    line = next((line for line in lines if isinstance(line, Line)), lines[0])
    if isinstance(line, str):
        return line
    if line.from_me:
        return "own_revoke"
    before = part(payload.before, Payload)
    target = identity(payload.revoked_message_id).short or identity(before.id).short
    if target is None:
        return "unreadable"
    event = CustomerRevoked(
        id=delivery.fact_id("revoked", target),
        at=delivery.told_at,
        received_at=delivery.received_at,
        message=target,
        session=delivery.session,
    )
    return Fact(person=line.person, event=event)


def _edited(delivery: _Delivery) -> _Outcome:
    """One message may be edited many times, in WEBJS under one id: each telling is a fact."""
    payload = delivery.payload
    line = line_of(delivery, payload)
    if isinstance(line, str):
        return line
    if line.from_me:
        return "own_edit"
    target = identity(payload.edited_message_id).short or line.short
    said = text(payload.body, payload.caption)
    if target is None or said is None:
        return "empty" if target else "unreadable"
    event = CustomerEdited(
        id=delivery.fact_id("edit", line.short or target, delivery.id),
        at=delivery.at,
        received_at=delivery.received_at,
        message=target,
        session=delivery.session,
        text=said,
    )
    return Fact(person=line.person, event=event)


def _call(delivery: _Delivery) -> _Outcome:
    payload = delivery.payload
    call = text(payload.id)
    if call is None:
        return "unreadable"
    if payload.is_group is True:
        return "group"
    person = person_of(text(payload.sender), (), us=delivery.us)
    if isinstance(person, str):
        return person
    event = CustomerCalled(
        id=delivery.fact_id("call", call),
        at=delivery.at,
        received_at=delivery.received_at,
        session=delivery.session,
    )
    return Fact(person=person, event=event)


def _session_status(delivery: _Delivery) -> _Outcome:
    status = text(delivery.payload.status)
    if status is None:
        return "unreadable"
    data = part(delivery.payload.data, SessionData)
    return SessionChanged(
        session=delivery.session,
        status=status,
        at=delivery.told_at,
        restricted_until=_restricted_until(data.reachout_timelock, delivery.told_at),
        our_phone=delivery.us.phone,
        our_lid=delivery.us.lid,
    )


def _restricted_until(timelock: object, at: datetime) -> datetime | None:
    """The end of a restriction, ``at`` itself when it is lifted, None when nothing is said."""
    shape = part(timelock, Timelock)
    match shape.is_active:
        case True:
            return time_of(shape.time_enforcement_ends) or at + _OPEN_END
        case False:
            return at
        case _:
            return None


_READERS: dict[str, Callable[[_Delivery], _Outcome]] = {
    "message": _message,
    "message.any": _message,
    "message.ack": _ack,
    "message.reaction": _reaction,
    "message.revoked": _revoked,
    "message.edited": _edited,
    "call.received": _call,
    "session.status": _session_status,
}
