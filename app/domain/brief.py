"""What a writer is told and what comes back: the brief is all that the model may know."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from app.domain.asked import Asked, asked_about, mood_in
from app.domain.conversation import Author, Conversation, Message, Pending, Status, Written
from app.domain.events import SPOKEN, Language, Media, Order, Speech, Stage
from app.domain.experiments import FIRST, arm_of, arms_on
from app.domain.hand_over import is_upset
from app.domain.language import first_name
from app.domain.meaning import Mood, Segment, Topic
from app.domain.product import Product
from app.domain.reviews import review_link
from app.domain.rules import CONTEXT_MESSAGES, Purpose, Rules, Shop
from app.domain.segments import segment_of
from app.domain.speaking import in_cyrillic_letters
from app.domain.topics import topics_of
from app.domain.tracking import asks_to_track, order_meant, tracking_link
from app.domain.working_hours import hours_in_words

_STATED: dict[Purpose, frozenset[Topic]] = {
    Purpose.HANDED_OVER: frozenset(),
    Purpose.READY_FOR_PICKUP: frozenset({Topic.ADDRESS, Topic.HOURS}),
    Purpose.ORDER_CANCELLED: frozenset(),
}
"""News of an order is no place for the shop's rules: «1–2 дня» would read as this parcel's day,
and how goods are returned as what becomes of this customer's money.
"""


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
    ``products`` are those asked about, or those that fit the order; ``unknown_goods``: they ask
    about goods that the catalogue does not have; ``statements`` are the shop's
    rules. ``topics`` and ``mood`` are what the rules read in ``messages_to_answer``. ``hours`` is
    when people at the shop answer, in words. ``review_link`` is given once the customer has
    answered, ``review_order`` the number of the order it is about. ``person_called``: somebody at
    the shop was asked to answer here, and has not yet; ``open_now``: they are there at this hour.
    ``asked``: we asked whether all is well with an order, and this may be the answer.
    ``ask_stop``: the text ends with the question whether they want to be left alone.
    ``tracking_link`` shows where the order is; it is given with the news that the order was handed
    over, and to who asks, once. ``own_text`` is the seller's own wording, said instead of ours.
    ``arm`` is which of the purpose's prompts this person gets.
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
    unknown_goods: bool = False
    statements: tuple[Statement, ...] = ()
    hours: str | None = None
    open_now: bool = True
    review_link: str | None = None
    review_order: str | None = None
    person_called: bool = False
    asked: bool = False
    ask_stop: bool = False
    tracking_link: str | None = None
    own_text: str | None = None
    arm: str = FIRST

    def may_tell(self, topic: Topic) -> bool:
        """Whether what the shop states of ``topic`` belongs into a text of this purpose."""
        return self.purpose not in _STATED or topic in _STATED[self.purpose]

    @property
    def stated(self) -> tuple[Statement, ...]:
        """The ``statements`` that a text of this purpose may speak of."""
        return tuple(one for one in self.statements if self.may_tell(one.topic))

    @property
    def stated_hours(self) -> str | None:
        """The ``hours`` where they may be spoken of."""
        return self.hours if self.may_tell(Topic.HOURS) else None


class Draft(Struct, frozen=True, kw_only=True):
    """A checked text, or none when a person must write it. ``needs_person`` says why, if so.

    ``reviewed`` is the number of the order whose review the text tells how to leave; ``tells``: it
    says that somebody at the shop will answer; ``mood``: how the customer is, as the model read it.
    ``faults`` are the codes of the checks that refused what the model wrote.
    """

    text: str | None
    language: Language
    written: Written
    needs_person: str | None = None
    reviewed: str | None = None
    tells: bool = False
    mood: Mood | None = None
    faults: tuple[str, ...] = ()


def brief_for(
    conversation: Conversation, pending: Pending, *, now: datetime, rules: Rules
) -> Brief:
    """The facts for ``pending``: its order first, then what else the customer has with us."""
    said = [m for m in conversation.messages if m.status is not Status.QUEUED and _words(m)]
    answers = [m for m in said if m.id in pending.answers and not m.revoked]
    history = [m for m in said if m.id not in pending.answers and not m.revoked]
    asked = "\n".join(m.text for m in answers)
    rules = rules.of(pending.shop)
    shop = rules.shop(pending.shop)
    local = rules.local(now)
    language = _language(conversation, pending, rules)
    question = asked_about(conversation, at=answers[-1].at) if answers else None
    review = _review_of(conversation, pending, question)
    brief = Brief(
        purpose=pending.purpose,
        language=language,
        shop=shop.name,
        customer_name=first_name(conversation.name),
        orders=_orders(conversation, pending),
        history=tuple(_line(m) for m in history[-CONTEXT_MESSAGES:]),
        messages_to_answer=tuple(_words(m) for m in answers),
        local_time=local,
        opener=not history,
        canned=pending.canned,
        speech=conversation.speech,
        segment=segment_of(conversation),
        topics=topics_of(in_cyrillic_letters(asked)) if asked else (),
        mood=_mood(conversation, answers),
        statements=_statements(shop, language),
        hours=hours_in_words(shop.hours, language) if shop.hours else None,
        open_now=shop.hours is None or shop.hours.are_open(local),
        review_link=review_link(review) if review and conversation.answered else None,
        review_order=review.code if review else None,
        person_called=_person_called(conversation, pending),
        asked=question is not None,
        ask_stop=pending.canned is None and conversation.stop_question == pending.id,
        own_text=_own_text(shop, pending, language),
    )
    return replace(brief, tracking_link=_tracking_of(brief), arm=_arm(conversation, pending, rules))


def _person_called(conversation: Conversation, pending: Pending) -> bool:
    person = conversation.needs_person
    return person is not None and person.told and pending.canned is None


def _arm(conversation: Conversation, pending: Pending, rules: Rules) -> str:
    on = arms_on(pending.purpose, rules)
    return arm_of(conversation.chat, pending.purpose, arms=on)


def _language(conversation: Conversation, pending: Pending, rules: Rules) -> Language:
    """Answers follow the customer; what we start is in one of the shop's languages."""
    known = conversation.language or rules.languages[0]
    if pending.purpose.proactive and known not in rules.languages:
        return rules.languages[0]
    return known


def _statements(shop: Shop, language: Language) -> tuple[Statement, ...]:
    """What the shop says, in this language or else in the first it is said in."""
    return tuple(
        Statement(
            topic=stated.topic,
            text=stated.texts.get(language) or next(iter(stated.texts.values())),
        )
        for stated in shop.stated
    )


def _mood(conversation: Conversation, answers: list[Message]) -> Mood | None:
    """The last telling word, but what is bad in any of them stays bad."""
    moods = [mood_in(m.text, asked_about(conversation, at=m.at)) for m in answers]
    told = [mood for mood in moods if mood is not None]
    return Mood.BAD if Mood.BAD in told else told[-1] if told else None


def _review_of(conversation: Conversation, pending: Pending, asked: Asked | None) -> Order | None:
    """The order a review may be asked for: the one we asked about, else the last one delivered."""
    if pending.purpose.proactive:
        wanted = pending.purpose is Purpose.REVIEW_REQUEST
        return conversation.order(pending.order_code) if wanted else None
    if pending.purpose is not Purpose.REPLY or is_upset(conversation):
        return None
    if asked is not None:
        known = asked.order_code in conversation.linked
        return None if known else conversation.order(asked.order_code)
    delivered = [o for o in conversation.orders if o.stage is Stage.DELIVERED]
    return delivered[-1] if delivered else None


def _own_text(shop: Shop, pending: Pending, language: Language) -> str | None:
    """The seller's wording of what we start; answers are never worded beforehand."""
    if pending.canned is not None or not pending.purpose.proactive:
        return None
    return shop.own_text(pending.purpose, language)


def _tracking_of(brief: Brief) -> str | None:
    """Where to follow the order that is spoken of, unless it was said in this chat before."""
    order = _followed(brief)
    link = tracking_link(order) if order and order.stage is Stage.HANDED_OVER else None
    known = link and any(link in line.text for line in brief.history)
    return None if known else link


def _followed(brief: Brief) -> Order | None:
    """The order whose way is news, or is asked for by somebody who has nothing to complain of."""
    if brief.canned is not None:
        return None
    if brief.purpose is Purpose.HANDED_OVER:
        return next(iter(brief.orders), None)
    asked = in_cyrillic_letters("\n".join(brief.messages_to_answer))
    asks = Topic.ORDER_STATUS in brief.topics or asks_to_track(asked)
    return order_meant(brief.orders, asked) if asks and brief.mood is not Mood.BAD else None


def _orders(conversation: Conversation, pending: Pending) -> tuple[Order, ...]:
    """The order spoken about, or for a reply the newest ones, newest first."""
    if pending.purpose.proactive:
        order = conversation.order(pending.order_code)
        return (order,) if order else ()
    return tuple(reversed(conversation.orders))[:5]


def _line(message: Message) -> Line:
    return Line(author=message.author, text=_words(message))


def _words(message: Message) -> str:
    """What was said; of what cannot be read, that it was there."""
    heard = message.text or message.attachment is not None
    if message.media in (None, Media.STICKER) or (message.media in SPOKEN and heard):
        return message.text
    return f"[{message.media.value}] {message.text}".strip()
