"""Voice notes: their words are taken as if they had been written."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from app.domain.asked import mood_told
from app.domain.conversation import (
    Conversation,
    Entry,
    Folded,
    Kind,
    Message,
    Written,
    with_message,
    with_pending,
)
from app.domain.hand_over import call_person, waiting_answer
from app.domain.heed import heed
from app.domain.language import speech_of
from app.domain.rules import LATE_AFTER, LONGEST_HEARD, Purpose, Rules
from app.domain.speaking import in_their_language


def unheard(conversation: Conversation) -> tuple[Message, ...]:
    """Voice notes that wait to be listened to, oldest first."""
    return tuple(m for m in conversation.messages if m.attachment is not None and not m.revoked)


def heard(
    conversation: Conversation,
    message: Message,
    text: str,
    *,
    written: Written,
    now: datetime,
    rules: Rules,
) -> Folded:
    """The words of a voice note are taken as if they had been written: a stop in them is a stop.

    ``written`` is what it cost to listen.
    """
    words = text.strip()[:LONGEST_HEARD]
    known = replace(message, text=words, attachment=None, speech=speech_of(words))
    conversation = in_their_language(with_message(conversation, known), known)
    conversation, mood = mood_told(conversation, known)
    entry = Entry(
        at=now,
        kind=Kind.HEARD,
        shop=message.shop,
        purpose=Purpose.REPLY,
        message=message.id,
        written=written,
        mood=mood,
    )
    late = now - message.at > LATE_AFTER
    conversation, entries = heed(conversation, known, late=late, now=now, rules=rules)
    return conversation, (entry, *entries)


def not_heard(conversation: Conversation, message: Message, *, why: str, now: datetime) -> Folded:
    """Nobody could listen to a voice note: an honest answer, and a person."""
    conversation = with_message(conversation, replace(message, attachment=None))
    waiting = waiting_answer(conversation)
    alone = waiting is not None and not any(
        m is not None and (m.text.strip() or m.attachment)
        for m in map(conversation.message, waiting.answers)
    )
    if waiting is not None and alone and waiting.purpose is Purpose.REPLY:
        conversation = with_pending(conversation, replace(waiting, canned="voice"))
    entry = Entry(at=now, kind=Kind.HEARD, shop=message.shop, message=message.id, reason=why)
    conversation, called = call_person(conversation, f"media:{message.media}", now=now, told=alone)
    return conversation, (entry, *called)
