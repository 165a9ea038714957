"""What the list of chats shows of each; nobody's phone can be read there."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import urlencode

from msgspec import Struct

from app.domain.conversation import Author, Conversation, Message, Owner, Status
from app.domain.events import Language, Media, Order, Stage
from app.domain.findable import Shelf, last_said
from app.domain.meaning import Segment
from app.domain.rules import Rules
from app.domain.segments import segment_of
from app.domain.view import overview
from app.web.desk.masks import without_phones
from app.web.front import Front
from app.web.reading import Reading, read

AT_ONCE = 50
"""Chats of one page of the list."""

LONGEST_LINE = 160
"""Characters of the last message that are handed over; the page shows fewer."""

_HIDDEN = "••"


class Last(Struct, frozen=True, kw_only=True):
    """The newest message of a chat, short, with no phone in it."""

    author: Author
    text: str
    at: datetime
    status: Status
    media: Media | None = None
    revoked: bool = False


class Row(Struct, frozen=True, kw_only=True):
    """One chat of the list. ``called`` is why a person is needed, ``unread`` how many messages of
    the customer nobody has looked at. ``moved_at`` is when something last happened.
    """

    ref: str
    name: str | None
    phone: str | None
    last: Last | None
    moved_at: datetime
    owner: Owner
    unread: int
    stage: Stage | None
    language: Language | None
    called: str | None
    is_unhappy: bool
    is_opted_out: bool


def row_of(
    reading: Reading, *, ref: str, seen: datetime | None, now: datetime, rules: Rules
) -> Row:
    """The chat as a row; ``seen`` is when a person last looked at it."""
    known = reading.conversation
    newest, order = newest_message(known), newest_order(known)
    return Row(
        ref=ref,
        name=name_of(known),
        phone=masked_phone(known.phone) if known.phone else None,
        last=_last(newest) if newest else None,
        moved_at=last_said(known),
        owner=overview(known, now, rules).owner,
        unread=unread(known, seen),
        stage=order.stage if order else None,
        language=known.language,
        called=known.needs_person.reason if known.needs_person else None,
        is_unhappy=segment_of(known) is Segment.UPSET,
        is_opted_out=known.opt_out is not None,
    )


class Asked(Struct, frozen=True, kw_only=True):
    """Which part of the list is looked at: a shelf, words that were searched for, after whom."""

    shelf: Shelf = Shelf.ALL
    q: str = ""
    after: str = ""

    def address(self, path: str = "/desk/chats", **other: str) -> str:
        """The address of ``path`` with the same list beside it, or ``other`` of it."""
        asked = {"shelf": str(self.shelf), "q": self.q, "after": self.after} | other
        told = {k: v for k, v in asked.items() if v and (k, v) != ("shelf", str(Shelf.ALL))}
        return f"{path}?{urlencode(told)}" if told else path


class Listing(Struct, frozen=True, kw_only=True):
    """A page of the list. ``more`` is where it goes on; ``is_cut``: a search found more than that.

    ``counts`` is how many chats stand on each shelf.
    """

    asked: Asked
    rows: tuple[Row, ...]
    counts: dict[Shelf, int]
    more: str | None = None
    is_cut: bool = False


async def listing(front: Front, asked: Asked) -> Listing:
    """The chats asked for, the newest first, their unread mail taken in. Raises ``StoreDown``."""
    if asked.q:
        chats = await front.chats.found(asked.q, shelf=asked.shelf, limit=AT_ONCE + 1)
    else:
        after = asked.after or None
        chats = await front.chats.page(asked.shelf, after=after, limit=AT_ONCE + 1)
    goes_on, chats = len(chats) > AT_ONCE, chats[:AT_ONCE]
    claimed = await front.chats.many(chats)
    seen = await front.chats.looked_at(chats)
    rows, last = [], None
    for one in claimed:
        last = one.conversation or last
        reading = await read(front, one)
        if reading is not None:
            ref = await front.chats.ref(one.chat)
            rows.append(_row(front, reading, ref=ref, seen=seen.get(one.chat)))
    on = goes_on and not asked.q and last is not None
    return Listing(
        asked=asked,
        rows=tuple(rows),
        counts=await front.chats.counts(),
        more=asked.address(after=await front.chats.bookmark(last)) if on and last else None,
        is_cut=goes_on and bool(asked.q),
    )


def _row(front: Front, reading: Reading, *, ref: str, seen: datetime | None) -> Row:
    return row_of(reading, ref=ref, seen=seen, now=front.world.now(), rules=front.rules)


def unread(conversation: Conversation, seen: datetime | None) -> int:
    """The customer's messages after what a person last saw, or wrote themselves."""
    count = 0
    for message in reversed(conversation.messages):
        if seen is not None and message.at <= seen:
            break
        if message.author is Author.PERSON and message.status is not Status.FAILED:
            break
        count += message.author is Author.CUSTOMER and not message.revoked
    return count


def newest_message(conversation: Conversation) -> Message | None:
    """What was said last."""
    return conversation.messages[-1] if conversation.messages else None


def newest_order(conversation: Conversation) -> Order | None:
    """The order made last; of those without a date the one heard of last."""
    dated = [order for order in conversation.orders if order.created_at is not None]
    if len(dated) < len(conversation.orders):
        return conversation.orders[-1]
    return max(dated, key=lambda order: order.created_at or conversation.since, default=None)


def _last(message: Message) -> Last:
    words = " ".join(message.text[: 2 * LONGEST_LINE].split())
    return Last(
        author=message.author,
        text=without_phones(words)[:LONGEST_LINE],
        at=message.at,
        status=message.status,
        media=message.media,
        revoked=message.revoked,
    )


# --- names ------------------------------------------------------------------------------------

_WORD = re.compile(r"[^\W\d_]+")
FIRMS = frozenset({"ТОО", "ИП", "АО", "ОАО", "ООО", "ЖШС", "ЖК", "АҚ", "КХ", "LLP", "LLC"})
"""What stays in capitals within a name."""


def name_of(known: Conversation) -> str | None:
    """What the customer is called here; None for who has no name."""
    return read_name(known.name) if known.name else None


def read_name(name: str) -> str:
    """``АЙГЕРИМ С`` -> «Айгерим С»: Kaspi's capitals shout. A phone in it is masked."""
    shown = without_phones(name)
    return _WORD.sub(_capital, shown) if shown.isupper() else shown


def _capital(found: re.Match[str]) -> str:
    word = found.group()
    return word if word in FIRMS else word.capitalize()


# --- phones -----------------------------------------------------------------------------------

_KAZAKH = 11
"""Digits of a phone from here: 7, three of the operator, seven of the person."""


def masked_phone(phone: str) -> str:
    """``77011234567`` -> «+7 701 ••• •• 67»: enough to know one's own customer by."""
    if len(phone) == _KAZAKH and phone.startswith("7"):
        return f"+7 {phone[1:4]} •{_HIDDEN} {_HIDDEN} {phone[-2:]}"
    return f"+{phone[:3]} •{_HIDDEN} {_HIDDEN} {phone[-2:]}"


def full_phone(phone: str) -> str:
    """``77011234567`` -> «+7 701 123 45 67»."""
    if len(phone) == _KAZAKH and phone.startswith("7"):
        return f"+7 {phone[1:4]} {phone[4:7]} {phone[7:9]} {phone[9:]}"
    return f"+{phone}"
