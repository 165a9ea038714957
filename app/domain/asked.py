"""What we asked the customer last about an order, and how they are with what was bought."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from app.domain.conversation import Author, Conversation, Message, Pending, Status
from app.domain.language import normalise
from app.domain.meaning import Mood
from app.domain.moods import mood_of
from app.domain.rules import ASKED_WITHIN, Purpose
from app.domain.speaking import in_cyrillic_letters

QUESTIONS = frozenset({Purpose.ORDER_DELIVERED, Purpose.REVIEW_REQUEST, Purpose.REMINDER})
"""What asks whether all is well with an order."""

_TELLING_PRAISE, _TELLING_BLAME = 3, 2
"""Words from which praise and blame are about the purchase whatever was said between."""

_UNSAID = frozenset({Status.QUEUED, Status.FAILED})


class Asked(Struct, frozen=True, kw_only=True):
    """The order we asked about, and the id of the message that asks; ``fresh`` while the bot has
    said nothing else since.
    """

    question: str
    order_code: str
    fresh: bool


def asked_about(conversation: Conversation, *, at: datetime) -> Asked | None:
    """What a message that came ``at`` this time may answer, or None."""
    said = [m for m in conversation.messages if m.status not in _UNSAID and m.at <= at]
    question = next((m for m in reversed(said) if m.purpose in QUESTIONS and m.order_code), None)
    if question is None or question.order_code is None or at - question.at > ASKED_WITHIN:
        return None
    since = said[said.index(question) + 1 :]
    fresh = not any(map(_is_answer, since))
    return Asked(question=question.id, order_code=question.order_code, fresh=fresh)


def mood_in(text: str, asked: Asked | None) -> Mood | None:
    """How they are, by ``text`` as the answer to ``asked``; None where nothing tells.

    Once we have talked of something else, a bare «да» or «ок, спасибо» may answer that.
    """
    if asked is None:
        return None
    words = len(normalise(text).split())
    mood = mood_of(in_cyrillic_letters(text))
    if asked.fresh or mood is None:
        return mood
    return mood if words >= (_TELLING_PRAISE if mood is Mood.GOOD else _TELLING_BLAME) else None


def mood_told(conversation: Conversation, message: Message) -> tuple[Conversation, Mood | None]:
    """How they are, if ``message`` is the first to tell it of what we asked; else None."""
    asked = asked_about(conversation, at=message.at)
    if asked is None:
        return conversation, None
    return mood_of_answer(conversation, asked.question, mood_in(message.text, asked))


def mood_read(
    conversation: Conversation, pending: Pending, mood: Mood | None
) -> tuple[Conversation, Mood | None]:
    """The same, where the model read ``mood`` in what ``pending`` answers."""
    answered = conversation.message(pending.answers[-1]) if pending.answers else None
    asked = asked_about(conversation, at=answered.at) if answered is not None else None
    if asked is None:
        return conversation, None
    return mood_of_answer(conversation, asked.question, mood)


def mood_of_answer(
    conversation: Conversation, question: str, mood: Mood | None
) -> tuple[Conversation, Mood | None]:
    """``mood`` as the answer to ``question``; None when it is no news.

    A question is answered once, but trouble after praise is news.
    """
    known = conversation.mood
    told = known[1] if known is not None and known[0] == question else None
    if mood is None or told in (mood, Mood.BAD):
        return conversation, None
    return replace(conversation, mood=(question, mood)), mood


def _is_answer(message: Message) -> bool:
    return message.author is not Author.CUSTOMER and message.purpose not in QUESTIONS
