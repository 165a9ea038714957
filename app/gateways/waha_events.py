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

from msgspec import Struct

from app.domain.events import (
    Address,
    CustomerCalled,
    CustomerEdited,
    CustomerReacted,
    CustomerRevoked,
    CustomerWrote,
    Fact,
    LeftOurNumber,
    Receipt,
    ReceiptCame,
    SessionChanged,
)
from app.gateways.waha_wire import (
    AckError,
    Envelope,
    Environment,
    Info,
    Key,
    Payload,
    Quote,
    Raw,
    Reaction,
    SessionData,
    Timelock,
    account,
    address_of,
    decoded,
    identity,
    media_of,
    moment,
    nobody,
    number,
    part,
    text,
    text_of,
    yes_or_no,
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

_BROWSERS = frozenset({"WEBJS", "WPP"})
"""Engines whose ``from`` of an own message is us; the others put the peer there."""

_RECEIPTS = {
    -1: Receipt.FAILED,
    1: Receipt.ACCEPTED,
    2: Receipt.DELIVERED,
    3: Receipt.READ,
    4: Receipt.READ,
}
_PENDING = 0
_ACK_NAMES = {"ERROR": -1, "PENDING": _PENDING, "SERVER": 1, "DEVICE": 2, "READ": 3, "PLAYED": 4}

_MILLISECONDS = 1000
_OPEN_END = timedelta(days=1)
"""How long a restriction is believed that WhatsApp announced without saying its end."""


class Reading(Struct, frozen=True, kw_only=True):
    """What a webhook's body says. ``ignored`` is why it says nothing, in a word of ours."""

    facts: tuple[Fact, ...] = ()
    sessions: tuple[SessionChanged, ...] = ()
    ignored: str | None = None


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
    match "unreadable" if delivery is None else reader(delivery):
        case Fact() as fact:
            return Reading(facts=(fact,))
        case SessionChanged() as session:
            return Reading(sessions=(session,))
        case str() as why:
            return Reading(ignored=why)


_Outcome: TypeAlias = Fact | SessionChanged | str
"""A fact, a session's news, or the word for why it is neither."""


class _Delivery(Struct, frozen=True, kw_only=True):
    """One webhook. ``told_at`` is when WAHA made it, which a retry does not change."""

    id: str
    session: str
    engine: str | None
    us: Address
    payload: Payload
    told_at: datetime
    received_at: datetime

    @property
    def at(self) -> datetime:
        """When it happened by WhatsApp, else when WAHA told; never in the future."""
        seconds = number(self.payload.timestamp)
        return moment(seconds, latest=self.received_at) or self.told_at

    def fact_id(self, *what: object) -> str:
        """The source's own id of a fact."""
        return ":".join(["waha", self.session, *map(str, what)])


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


# -- who, in which chat


class _Line(Struct, frozen=True, kw_only=True):
    """Whose chat a payload is about, whether we acted, and the short id where there is one."""

    person: Address
    chat: str | None
    from_me: bool
    short: str | None


def _line(delivery: _Delivery, payload: Payload) -> _Line | str:
    """The chat is the second part of the message's id: ``from`` and ``to`` differ by engine."""
    raw = part(payload.raw, Raw)
    key, info = part(raw.key, Key), part(raw.info, Info)
    own, web = identity(payload.id), identity(raw.id)
    from_me = yes_or_no(payload.from_me, own.from_me, key.from_me, info.is_from_me, web.from_me)
    if from_me is None:
        return "unreadable"
    peer = payload.to if from_me and delivery.engine in _BROWSERS else payload.sender
    chat = text(own.chat, peer, key.remote_jid, info.chat, web.chat)
    alt = info.recipient_alt if from_me else info.sender_alt
    sender = None if from_me else key.sender_pn
    person = _person(chat, (key.remote_jid_alt, sender, alt), us=delivery.us)
    if isinstance(person, str):
        return person
    short = text(own.short, key.id, info.id, web.short)
    return _Line(person=person, chat=chat, from_me=from_me, short=short)


def _person(chat: str | None, others: tuple[object, ...], *, us: Address) -> Address | str:
    """The person of ``chat`` with the second address learned from ``others``, or why nobody."""
    if chat is None:
        return "unreadable"
    person = address_of(chat)
    if person is None:
        return nobody(chat)
    if _same(person, us):
        return "own_number"
    for other in map(address_of, others):
        if other is not None and not _same(other, us):
            person = Address(phone=person.phone or other.phone, lid=person.lid or other.lid)
    return person


def _same(one: Address, us: Address) -> bool:
    by_phone = one.phone is not None and one.phone == us.phone
    return by_phone or (one.lid is not None and one.lid == us.lid)


# -- one reader an event


def _message(delivery: _Delivery) -> _Outcome:
    """``message`` and ``message.any``: the same message under two names."""
    payload = delivery.payload
    line = _line(delivery, payload)
    if isinstance(line, str):
        return line
    if line.short is None:
        return "unreadable"
    media = media_of(payload)
    said = text_of(payload, media)
    if not said and media is None:
        return "empty"
    if line.from_me:
        return _left_our_number(delivery, line, message=line.short, said=said)
    raw = part(payload.raw, Raw)
    event = CustomerWrote(
        id=delivery.fact_id("in", line.short),
        at=delivery.at,
        received_at=delivery.received_at,
        message=line.short,
        wire_id=_wire_id(payload.id) or f"false_{line.chat}_{line.short}",
        session=delivery.session,
        text=said,
        media=media,
        name=text(raw.push_name, part(raw.info, Info).push_name, raw.notify_name),
        quoted=identity(part(payload.reply_to, Quote).id).short,
    )
    return Fact(person=line.person, event=event)


def _left_our_number(delivery: _Delivery, line: _Line, *, message: str, said: str) -> Fact:
    event = LeftOurNumber(
        id=delivery.fact_id("out", message),
        at=delivery.at,
        received_at=delivery.received_at,
        message=message,
        session=delivery.session,
        text=said,
        by_api=delivery.payload.source == "api",
    )
    return Fact(person=line.person, event=event)


def _wire_id(id_: object) -> str | None:
    """The full id as it came: sendSeen takes no other."""
    return id_ if isinstance(id_, str) and identity(id_).chat else None


def _ack(delivery: _Delivery) -> _Outcome:
    payload = delivery.payload
    line = _line(delivery, payload)
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
    event = ReceiptCame(
        id=delivery.fact_id("ack", line.short, ack),
        at=delivery.told_at,
        received_at=delivery.received_at,
        message=line.short,
        receipt=receipt,
        reason=_ack_error(payload.error) if receipt is Receipt.FAILED else None,
    )
    return Fact(person=line.person, event=event)


def _ack_number(payload: Payload) -> int | None:
    ack = number(payload.ack)
    if ack is None:
        return _ACK_NAMES.get(text(payload.ack_name) or "")
    return int(ack) if ack.is_integer() else None


def _ack_error(error: object) -> str | None:
    shape = part(error, AckError)
    code = number(shape.code)
    return text(shape.code) or (f"{code:g}" if code is not None else text(shape.reason, error))


def _reaction(delivery: _Delivery) -> _Outcome:
    line = _line(delivery, delivery.payload)
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
    lines = [_line(delivery, act) for act in (*acts, payload)]
    line = next((line for line in lines if isinstance(line, _Line)), lines[0])
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
    line = _line(delivery, payload)
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
    person = _person(text(payload.sender), (), us=delivery.us)
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
            return moment(number(shape.time_enforcement_ends)) or at + _OPEN_END
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
