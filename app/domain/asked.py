"""What we asked the customer last about an order, and how they are with what was bought."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from app.domain.conversation import Author, Conversation, Message, Status
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
    """The order we asked about; ``fresh`` while the bot has said nothing else since."""

    order_code: str
    fresh: bool


def asked_about(conversation: Conversation, *, at: datetime) -> Asked | None:
    """What a message that came ``at`` this time may answer, or None."""
    said = [m for m in conversation.messages if m.status not in _UNSAID and m.at <= at]
    question = next((m for m in reversed(said) if m.purpose in QUESTIONS and m.order_code), None)
    if question is None or question.order_code is None or at - question.at > ASKED_WITHIN:
        return None
    since = said[said.index(question) + 1 :]
    return Asked(order_code=question.order_code, fresh=not any(map(_is_answer, since)))


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


def _is_answer(message: Message) -> bool:
    return message.author is not Author.CUSTOMER and message.purpose not in QUESTIONS
