"""A WAMessage of WAHA, told by a webhook or by a chat's history: whose it is and what it says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from app.domain.events import Address, CustomerWrote, Fact, LeftOurNumber
from app.gateways.waha_files import attachment_of
from app.gateways.waha_wire import (
    Info,
    Key,
    Payload,
    Quote,
    Raw,
    address_of,
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

_BROWSERS = frozenset({"WEBJS", "WPP"})
"""Engines whose ``from`` of an own message is us; the others put the peer there."""


class Telling(Struct, frozen=True, kw_only=True):
    """A payload and who tells it: the session, its engine and number.

    ``told_at`` is when WAHA told, which a retry does not change.
    """

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


# -- who, in which chat


class Line(Struct, frozen=True, kw_only=True):
    """Whose chat a payload is about, whether we acted, and the short id where there is one."""

    person: Address
    chat: str | None
    from_me: bool
    short: str | None


def line_of(telling: Telling, payload: Payload) -> Line | str:
    """The chat is the second part of the message's id: ``from`` and ``to`` differ by engine.

    A word where it is no person's chat, or cannot be made out.
    """
    raw = part(payload.raw, Raw)
    key, info = part(raw.key, Key), part(raw.info, Info)
    own, web = identity(payload.id), identity(raw.id)
    from_me = yes_or_no(payload.from_me, own.from_me, key.from_me, info.is_from_me, web.from_me)
    if from_me is None:
        return "unreadable"
    peer = payload.to if from_me and telling.engine in _BROWSERS else payload.sender
    chat = text(own.chat, peer, key.remote_jid, info.chat, web.chat)
    alt = info.recipient_alt if from_me else info.sender_alt
    sender = None if from_me else key.sender_pn
    person = person_of(chat, (key.remote_jid_alt, sender, alt), us=telling.us)
    if isinstance(person, str):
        return person
    short = text(own.short, key.id, info.id, web.short)
    return Line(person=person, chat=chat, from_me=from_me, short=short)


def person_of(chat: str | None, others: tuple[object, ...], *, us: Address) -> Address | str:
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


# -- messages


def read_message(telling: Telling) -> Fact | str:
    """CustomerWrote or LeftOurNumber with the person, or the word for why it is neither.

    Its id is made of the session and WhatsApp's own message id, whoever tells of it.
    """
    payload = telling.payload
    line = line_of(telling, payload)
    if isinstance(line, str):
        return line
    if line.short is None:
        return "unreadable"
    media = media_of(payload)
    said = text_of(payload, media)
    if not said and media is None:
        return "empty"
    if line.from_me:
        return _left_our_number(telling, line, message=line.short, said=said)
    raw = part(payload.raw, Raw)
    event = CustomerWrote(
        id=telling.fact_id("in", line.short),
        at=telling.at,
        received_at=telling.received_at,
        message=line.short,
        wire_id=_wire_id(payload.id) or f"false_{line.chat}_{line.short}",
        session=telling.session,
        text=said,
        media=media,
        name=text(raw.push_name, part(raw.info, Info).push_name, raw.notify_name),
        quoted=identity(part(payload.reply_to, Quote).id).short,
        attachment=attachment_of(payload),
    )
    return Fact(person=line.person, event=event)


def _left_our_number(telling: Telling, line: Line, *, message: str, said: str) -> Fact:
    event = LeftOurNumber(
        id=telling.fact_id("out", message),
        at=telling.at,
        received_at=telling.received_at,
        message=message,
        session=telling.session,
        text=said,
        by_api=telling.payload.source == "api",
    )
    return Fact(person=line.person, event=event)


def _wire_id(id_: object) -> str | None:
    """The full id as it came: sendSeen takes no other."""
    return id_ if isinstance(id_, str) and identity(id_).chat else None


# -- a chat's history


def read_history(
    messages: Iterable[object],
    *,
    session: str,
    engine: str | None,
    us: Address,
    since: datetime,
    received_at: datetime,
) -> tuple[Fact, ...]:
    """The facts of WAMessages in any order, oldest first, each once.

    What is no person's, cannot be read, has no time or is older than ``since`` is left out.
    WhatsApp tells whole seconds: what came in the second of ``since`` may be new.
    """
    found: dict[str, Fact] = {}
    for message in messages:
        payload = part(message, Payload)
        at = moment(number(payload.timestamp))
        if at is None or at < since.replace(microsecond=0):
            continue
        telling = Telling(
            session=session,
            engine=engine,
            us=us,
            payload=payload,
            told_at=received_at,
            received_at=received_at,
        )
        fact = read_message(telling)
        if isinstance(fact, Fact):
            known = found.get(fact.event.id)
            found[fact.event.id] = fact if known is None else _fuller(known, fact)
    return tuple(sorted(found.values(), key=lambda fact: (fact.event.at, fact.event.id)))


def _fuller(one: Fact, other: Fact) -> Fact:
    """Of two tellings of one message that which knows both addresses of the person.

    They are never put together: a stranger may choose the id of a message of theirs.
    """
    return other if other.person.phone and other.person.lid else one
