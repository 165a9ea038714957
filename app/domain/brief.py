"""What a writer is told and what comes back: the brief is all that the model may know."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from app.domain.conversation import Author, Conversation, Message, Pending, Status, Written
from app.domain.events import Language, Order, Speech
from app.domain.language import first_name
from app.domain.meaning import Mood, Segment, Topic
from app.domain.product import Product
from app.domain.rules import CONTEXT_MESSAGES, Purpose, Rules


class Line(Struct, frozen=True, kw_only=True):
    """One line of the history as the model sees it."""

    author: Author
    text: str


class Statement(Struct, frozen=True, kw_only=True):
    """What the seller says about delivery, returns and the like, in the language of the brief."""

    topic: Topic
    text: str


class Brief(Struct, frozen=True, kw_only=True):
    """Everything a text may be made of. No phone, no id of the person, no key.

    ``canned`` names a fixed text to use as it is; ``customer_name`` is a first name or None;
    ``opener`` is true when nothing was said between us yet (greet once, not in every line).
    ``products`` are those asked about, or those that fit the order; ``statements`` are the shop's
    rules. ``topics`` and ``mood`` are what the rules read in ``messages_to_answer``. ``hours`` is
    when people at the shop answer, in words. ``review_link`` is given once the customer has
    answered. ``person_called``: somebody at the shop was asked to answer here, and has not yet.
    """

    purpose: Purpose
    language: Language
    shop: str
    customer_name: str | None
    orders: tuple[Order, ...]
    history: tuple[Line, ...]
    messages_to_answer: tuple[str, ...]
    local_time: datetime
    opener: bool
    canned: str | None = None
    speech: Speech | None = None
    segment: Segment = Segment.NEW
    topics: tuple[Topic, ...] = ()
    mood: Mood | None = None
    products: tuple[Product, ...] = ()
    statements: tuple[Statement, ...] = ()
    hours: str | None = None
    review_link: str | None = None
    person_called: bool = False


class Draft(Struct, frozen=True, kw_only=True):
    """A checked text, or none when a person must write it. ``needs_person`` says why, if so."""

    text: str | None
    language: Language
    written: Written
    needs_person: str | None = None


def brief_for(
    conversation: Conversation, pending: Pending, *, now: datetime, rules: Rules
) -> Brief:
    """The facts for ``pending``: its order first, then what else the customer has with us."""
    said = [m for m in conversation.messages if m.status is not Status.QUEUED and m.text]
    answers = [m for m in said if m.id in pending.answers and not m.revoked]
    history = [m for m in said if m.id not in pending.answers and not m.revoked]
    return Brief(
        purpose=pending.purpose,
        language=conversation.language or rules.languages[0],
        shop=rules.shop(pending.shop).name,
        customer_name=first_name(conversation.name),
        orders=_orders(conversation, pending),
        history=tuple(_line(m) for m in history[-CONTEXT_MESSAGES:]),
        messages_to_answer=tuple(m.text for m in answers),
        local_time=rules.local(now),
        opener=not history,
        canned=pending.canned,
    )


def _orders(conversation: Conversation, pending: Pending) -> tuple[Order, ...]:
    """The order spoken about, or for a reply the newest ones, newest first."""
    if pending.purpose.proactive:
        order = conversation.order(pending.order_code)
        return (order,) if order else ()
    return tuple(reversed(conversation.orders))[:5]


def _line(message: Message) -> Line:
    return Line(author=message.author, text=message.text)
