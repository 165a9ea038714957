"""A conversation as it is read: both sides by the day, why each text was said, and each silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from itertools import groupby
from typing import TypeAlias

from msgspec import Struct

from app.domain.conversation import (
    Author,
    Conversation,
    Entry,
    Kind,
    Message,
    Owner,
    Status,
    Written,
)
from app.domain.events import Media, Order
from app.domain.meaning import Segment
from app.domain.rules import Purpose, Reason, Rules
from app.domain.segments import segment_of
from app.domain.view import Stand, Waiting, overview

ANSWERED = 120
"""Characters shown of a message that was answered."""


class Answered(Struct, frozen=True, kw_only=True):
    """The beginning of a message that was answered; '' for one that is ``media`` alone, or gone."""

    text: str
    media: Media | None


class Why(Struct, frozen=True, kw_only=True):
    """Why a bot's text was said, and what it answers."""

    purpose: Purpose | None
    order_code: str | None
    written: Written | None
    answers: tuple[Answered, ...] = ()


class Bubble(Struct, frozen=True, kw_only=True):
    """One message. ``is_transcript``: the text is what was heard in a voice note. ``is_late``: it
    came too late to be answered.

    ``blocked`` says why a text of ours waits, ``why`` is there under what the bot said, ``emoji``
    what the customer put on it.
    """

    id: str
    author: Author
    text: str
    at: datetime
    status: Status
    media: Media | None = None
    is_transcript: bool = False
    is_unheard: bool = False
    is_revoked: bool = False
    is_edited: bool = False
    is_late: bool = False
    failure: str | None = None
    blocked: Reason | None = None
    read_at: datetime | None = None
    emoji: str = ""
    why: Why | None = None


class Note(Struct, frozen=True, kw_only=True):
    """A quiet line between the messages: a silence, an act of a person, news of an order."""

    at: datetime
    entry: Entry


Piece: TypeAlias = Bubble | Note


class Day(Struct, frozen=True, kw_only=True):
    """What was said and not said on one local day."""

    at: datetime
    pieces: tuple[Piece, ...]


class Person(Struct, frozen=True, kw_only=True):
    """What is known of who is written with, as it stands beside the conversation.

    ``owned_until`` is set while people own the chat; ``most_sent`` is the cap ``sent`` counts to.
    """

    known: Conversation
    segment: Segment
    owner: Owner
    owned_until: datetime | None
    paused_until: datetime | None
    sent: int
    most_sent: int
    window_days: int | None
    orders: tuple[Order, ...]
    waiting: tuple[Waiting, ...]


def person_of(conversation: Conversation, *, now: datetime, rules: Rules) -> Person:
    """The person as of ``now``; the newest orders first."""
    seen, shop = overview(conversation, now, rules), conversation.session
    limits = rules.of(rules.shop_of_session(shop).id if shop else rules.shops[0].id)
    pause, window = conversation.paused_until, limits.messages_window
    return Person(
        known=conversation,
        segment=segment_of(conversation),
        owner=seen.owner,
        owned_until=seen.owned_until,
        paused_until=pause if pause is not None and now < pause else None,
        sent=seen.sent_in_window,
        most_sent=limits.max_messages,
        window_days=window.days if window else None,
        orders=tuple(reversed(conversation.orders)),
        waiting=tuple(w for w in seen.waiting if w.stand in _TO_COME),
    )


_TO_COME = frozenset({Stand.SCHEDULED, Stand.QUEUED})


def by_day(pieces: Iterable[Piece], *, zone: tzinfo) -> tuple[Day, ...]:
    """What was said and what was not, oldest first, by the local day."""

    def local(piece: Piece) -> date:
        return piece.at.astimezone(zone).date()

    ordered = sorted(pieces, key=lambda piece: piece.at)
    of_days = (tuple(of_day) for _, of_day in groupby(ordered, key=local))
    return tuple(Day(at=of_day[0].at, pieces=of_day) for of_day in of_days)


# --- messages ---------------------------------------------------------------------------------


def bubbles(messages: Iterable[Message], entries: Sequence[Entry]) -> list[Bubble]:
    """The messages, each with what the journal knows of it."""
    shown = {message.id: message for message in messages}
    by_message: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.message is not None:
            by_message.setdefault(entry.message, []).append(entry)
    return [_bubble(each, by_message.get(each.id, ()), shown) for each in shown.values()]


def _bubble(message: Message, told: Sequence[Entry], shown: Mapping[str, Message]) -> Bubble:
    heard = message.media in (Media.VOICE, Media.AUDIO)
    return Bubble(
        id=message.id,
        author=message.author,
        text=message.text,
        at=message.at,
        status=message.status,
        media=message.media,
        is_transcript=heard and bool(message.text),
        is_unheard=heard and not message.text,
        is_revoked=message.revoked,
        is_edited=any(e.kind is Kind.RECEIVED and e.reason == "edited" for e in told),
        is_late=any(e.kind is Kind.RECEIVED and e.reason == "late" for e in told),
        failure=message.failure,
        blocked=message.sending.blocked if message.sending else None,
        read_at=next(
            (e.at for e in told if e.kind is Kind.RECEIPT and e.reason == Status.READ), None
        ),
        emoji=next((e.emoji for e in reversed(told) if e.emoji is not None), ""),
        why=_why(message, told, shown) if message.author is Author.BOT else None,
    )


def _why(message: Message, told: Sequence[Entry], shown: Mapping[str, Message]) -> Why:
    """From the message itself, and from the journal for as long as it remembers."""
    wrote = [entry for entry in told if entry.kind is Kind.WRITTEN]
    answered = wrote[-1].facts if wrote else ()
    return Why(
        purpose=message.purpose,
        order_code=message.order_code,
        written=message.written or (wrote[-1].written if wrote else None),
        answers=tuple(_answered(shown[id_]) for id_ in answered if id_ in shown),
    )


def _answered(message: Message) -> Answered:
    words = " ".join(message.text[: 2 * ANSWERED].split())
    begins = words if len(words) <= ANSWERED else f"{words[:ANSWERED].rstrip()}…"
    return Answered(text=begins, media=message.media)


# --- what was not said ------------------------------------------------------------------------

_ALWAYS = frozenset(
    {
        Kind.BLOCKED,
        Kind.DROPPED,
        Kind.RETRYING,
        Kind.OPTED_OUT,
        Kind.OPTED_IN,
        Kind.TAKEN_OVER,
        Kind.HANDED_BACK,
        Kind.PERSON_CALLED,
        Kind.PAUSED,
        Kind.MERGED,
        Kind.ORDER,
    }
)
_WITH_REASON: dict[Kind, frozenset[str]] = {
    Kind.RECEIVED: frozenset({"call", "reaction", "late"}),
    Kind.SCHEDULED: frozenset({"replayed", "hurried"}),
}
_REPEATED = frozenset({Kind.BLOCKED, Kind.RETRYING, Kind.ORDER})
"""What may be told many times over: only the newest of the same is shown."""


def notes(entries: Sequence[Entry]) -> list[Note]:
    """The journal's lines that belong between the messages; of repeated ones the newest."""
    shown: dict[object, Entry] = {}
    for place, entry in enumerate(entries):
        if not _is_shown(entry):
            continue
        key = _same(entry) if entry.kind in _REPEATED else place
        shown.pop(key, None)
        shown[key] = entry
    return [Note(at=entry.at, entry=entry) for entry in shown.values()]


def _is_shown(entry: Entry) -> bool:
    if entry.kind in _ALWAYS:
        return entry.reason != Reason.PACE
    if entry.kind is Kind.HEARD:
        return entry.reason is not None
    return entry.reason in _WITH_REASON.get(entry.kind, ())


def _same(entry: Entry) -> object:
    return entry.kind, entry.message, entry.order_code, entry.purpose, entry.reason
