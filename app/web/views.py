"""The shapes of the seller's API, and how they come of what we know."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from app.domain.conversation import (
    Author,
    Entry,
    Kind,
    Message,
    NeedsPerson,
    Owner,
    Status,
    Written,
)
from app.domain.events import Language, Media, Order, Speech
from app.domain.meaning import Segment
from app.domain.rules import Purpose, Reason, Rules
from app.domain.segments import segment_of
from app.domain.view import Stand, Waiting, overview
from app.store.claims import Buried
from app.store.contacts import lid_of
from app.web.reading import Reading


class Next(Struct, frozen=True, kw_only=True):
    """What is to be said first. ``purpose`` is null for a person's own words."""

    purpose: Purpose | None
    due: datetime
    blocked: Reason | None
    status: Stand


class Person(Struct, frozen=True, kw_only=True):
    """Why, and since when, somebody at the shop should look here.

    ``told``: the customer knows it. ``summary`` and ``suggested_reply`` come a moment later.
    """

    reason: str
    since: datetime
    told: bool
    summary: str | None
    suggested_reply: str | None


class Calling(Struct, frozen=True, kw_only=True):
    """A chat that needs a person."""

    phone: str | None
    chat: str
    name: str | None
    language: Language | None
    needs_person: Person
    owner: Owner
    last_message: str | None
    last_message_at: datetime | None


class Contact(Struct, frozen=True, kw_only=True):
    """One person. ``sent_in_window`` proactive messages count against the cap of the customer.

    ``owned_until`` is set while people own the chat: after it the bot may answer again.
    ``language`` is the one we answer in, ``speech`` what they last wrote in. Nothing is started
    before ``paused_until``.
    """

    phone: str | None
    lid: str | None
    name: str | None
    language: Language | None
    speech: Speech | None
    segment: Segment
    opted_out: bool
    opted_out_at: datetime | None
    opted_out_by: Author | None
    paused_until: datetime | None
    owner: Owner
    owned_until: datetime | None
    sent_in_window: int
    next: Next | None
    waiting: int
    needs_person: Person | None
    orders: tuple[Order, ...]
    messages: int
    since: datetime


def contact(reading: Reading, *, now: datetime, rules: Rules) -> Contact:
    """The person as the API shows them. ``messages`` counts those kept at hand."""
    known = reading.conversation
    seen = overview(known, now, rules)
    out, person = known.opt_out, known.needs_person
    return Contact(
        phone=known.phone,
        lid=known.lid,
        name=known.name,
        language=known.language,
        speech=known.speech,
        segment=segment_of(known),
        opted_out=out is not None,
        opted_out_at=out.at if out else None,
        opted_out_by=out.by if out else None,
        paused_until=known.paused_until,
        owner=seen.owner,
        owned_until=seen.owned_until,
        sent_in_window=seen.sent_in_window,
        next=_next(seen.next) if seen.next else None,
        waiting=len(seen.waiting),
        needs_person=_person(person) if person else None,
        orders=known.orders,
        messages=len(known.messages),
        since=known.since,
    )


def _person(person: NeedsPerson) -> Person:
    return Person(
        reason=person.reason,
        since=person.since,
        told=person.told,
        summary=person.summary,
        suggested_reply=person.suggestion,
    )


def calling(reading: Reading, *, now: datetime, rules: Rules) -> Calling | None:
    """The chat as one that needs a person; None when it does not."""
    known = reading.conversation
    if known.needs_person is None:
        return None
    theirs = [m for m in known.messages if m.author is Author.CUSTOMER]
    return Calling(
        phone=known.phone,
        chat=known.chat,
        name=known.name,
        language=known.language,
        needs_person=_person(known.needs_person),
        owner=overview(known, now, rules).owner,
        last_message=theirs[-1].text if theirs else None,
        last_message_at=theirs[-1].at if theirs else None,
    )


def _next(waiting: Waiting) -> Next:
    return Next(
        purpose=waiting.purpose,
        due=waiting.due,
        blocked=waiting.blocked,
        status=waiting.stand,
    )


class Said(Struct, frozen=True, kw_only=True):
    """One message of either side.

    ``status`` is how far a message of ours got; the customer's own have none. ``purpose`` is why
    the bot wrote; a person's and a customer's messages have none. ``speech`` is the language of
    the customer's own; the text of a voice note is what was heard in it.
    """

    id: str
    direction: str
    text: str
    at: datetime
    purpose: Purpose | None
    author: Author
    status: Status | None
    media: Media | None
    speech: Speech | None
    order_code: str | None
    revoked: bool
    failure: str | None


def said(message: Message) -> Said:
    """The message as the API shows it."""
    came_in = message.author is Author.CUSTOMER
    return Said(
        id=message.id,
        direction="in" if came_in else "out",
        text=message.text,
        at=message.at,
        purpose=message.purpose,
        author=message.author,
        status=None if came_in else message.status,
        media=message.media,
        speech=message.speech,
        order_code=message.order_code,
        revoked=message.revoked,
        failure=message.failure,
    )


class Line(Struct, frozen=True, kw_only=True):
    """One line of the journal: what was decided or happened, why, until when, from which facts."""

    at: datetime
    kind: Kind
    shop: str | None
    purpose: Purpose | None
    reason: str | None
    until: datetime | None
    message: str | None
    order_code: str | None
    facts: tuple[str, ...]
    written: Written | None
    emoji: str | None


def line(entry: Entry) -> Line:
    """The entry as the API shows it."""
    return msgspec.convert(entry, Line, from_attributes=True)


class Export(Struct, frozen=True, kw_only=True):
    """All we keep of one person."""

    exported_at: datetime
    contact: Contact
    messages: list[Said]
    journal: list[Line]


class Erased(Struct, frozen=True, kw_only=True):
    """A person was forgotten. ``opt_out_kept``: a hash alone remembers not to write to them."""

    erased: bool
    opt_out_kept: bool


class Item(Struct, frozen=True, kw_only=True):
    """One thing of the outbox. ``until`` is when it is to be said, ``blocked`` why not sooner."""

    id: str
    phone: str | None
    chat: str
    name: str | None
    shop: str
    purpose: Purpose | None
    status: Stand
    blocked: Reason | None
    until: datetime
    expires_at: datetime
    order_code: str | None
    text: str | None


def items(reading: Reading, *, now: datetime, rules: Rules) -> list[Item]:
    """All that waits in a chat, soonest first."""
    known = reading.conversation
    return [
        Item(
            id=w.id,
            phone=known.phone,
            chat=known.chat,
            name=known.name,
            shop=w.shop,
            purpose=w.purpose,
            status=w.stand,
            blocked=w.blocked,
            until=w.due,
            expires_at=w.expires_at,
            order_code=w.order_code,
            text=w.text,
        )
        for w in overview(known, now, rules).waiting
    ]


class Grave(Struct, frozen=True, kw_only=True):
    """What failed for good: a ``message`` that cannot be sent, or ``facts`` no turn took in."""

    id: str
    kind: str
    phone: str | None
    chat: str
    cause: str
    at: datetime
    message: str | None
    facts: int


def grave(buried: Buried) -> Grave:
    """What failed for good as the API shows it."""
    return Grave(
        id=buried.id,
        kind="message" if buried.message else "facts",
        phone=None if lid_of(buried.chat) else buried.chat,
        chat=buried.chat,
        cause=buried.cause,
        at=buried.at,
        message=buried.message,
        facts=len(buried.letters),
    )
