"""What a customer does: writes, edits, deletes, reacts, rings."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from app.domain.asked import QUESTIONS, mood_of_answer, mood_told
from app.domain.conversation import (
    Author,
    Conversation,
    Entry,
    Folded,
    Kind,
    Message,
    NeedsPerson,
    Pending,
    Status,
    derive_id,
    with_message,
    with_pending,
)
from app.domain.events import (
    SPOKEN,
    CustomerCalled,
    CustomerEdited,
    CustomerReacted,
    CustomerRevoked,
    CustomerWrote,
)
from app.domain.hand_over import call_person, called_for, hand_over, knows_already
from app.domain.heed import heed, why_a_person
from app.domain.language import speech_of
from app.domain.meaning import Concern, Mood
from app.domain.moods import mood_of
from app.domain.reminders import no_reminders
from app.domain.rules import (
    BEST_BEFORE,
    CALL_AGAIN,
    LATE_AFTER,
    LONGEST_EMOJI,
    LONGEST_HEARD,
    Purpose,
    Rules,
)
from app.domain.shops import shop_spoken_with
from app.domain.silence import no_longer_answered, paused
from app.domain.speaking import in_their_language
from app.domain.wishes import Wish, wish_of


def customer_wrote(
    conversation: Conversation, event: CustomerWrote, *, now: datetime, rules: Rules
) -> Folded:
    """A message is kept, a stop in it is heeded, a question in it waits to be answered."""
    if conversation.theirs(event.message) is not None:
        return conversation, ()
    message = _message(conversation, event, rules)
    late = now - event.at > LATE_AFTER
    answered = _replied_to(conversation)
    received = Entry(
        at=now,
        kind=Kind.RECEIVED,
        shop=message.shop,
        purpose=answered.purpose if answered else None,
        message=message.id,
        reason="late" if late else None,
        facts=(event.id,),
        arm=answered.arm if answered else None,
    )
    conversation, dropped = no_reminders(conversation, now=now)
    conversation = replace(
        in_their_language(with_message(conversation, message), message),
        session=event.session,
        name=conversation.name or event.name,
        heard_at=max(event.at, conversation.heard_at or event.at),
        no_whatsapp=None,
        needs_person=_told_anew(conversation.needs_person),
    )
    conversation, mood = mood_told(conversation, message)
    conversation, entries = heed(conversation, message, late=late, now=now, rules=rules)
    return conversation, (replace(received, mood=mood), *dropped, *entries)


def _message(conversation: Conversation, event: CustomerWrote, rules: Rules) -> Message:
    words = bool(event.text.strip())
    return Message(
        id=derive_id("in", event.session, event.message),
        author=Author.CUSTOMER,
        text=event.text[:LONGEST_HEARD],
        at=event.at,
        status=Status.RECEIVED,
        session=event.session,
        shop=shop_spoken_with(conversation, event.session, rules, at=event.at).id,
        message=event.message,
        wire_id=event.wire_id,
        media=event.media,
        speech=speech_of(event.text),
        attachment=event.attachment if event.media in SPOKEN and not words else None,
    )


def _replied_to(conversation: Conversation) -> Message | None:
    """What we had started, when this is the first word of the customer since."""
    last = next((m for m in reversed(conversation.messages) if m.status is not Status.QUEUED), None)
    return last if last is not None and last.purpose and last.purpose.proactive else None


def _told_anew(person: NeedsPerson | None) -> NeedsPerson | None:
    """Whoever takes the chat over is told of the newest words too."""
    return None if person is None else replace(person, summary=None, suggestion=None)


# --- edits, deletions, calls ------------------------------------------------------------------


def customer_edited(
    conversation: Conversation, event: CustomerEdited, *, now: datetime, rules: Rules
) -> Folded:
    """The new words take the old ones' place; an edit may turn a message into a stop."""
    message = conversation.theirs(event.message)
    if message is None:
        first_seen = CustomerWrote(
            id=event.id,
            at=event.at,
            received_at=event.received_at,
            message=event.message,
            wire_id="",
            session=event.session,
            text=event.text,
        )
        return customer_wrote(conversation, first_seen, now=now, rules=rules)
    text = event.text[:LONGEST_HEARD]
    if message.author is not Author.CUSTOMER or message.revoked or message.text == text:
        return conversation, ()
    edited = replace(message, text=text, speech=speech_of(text))
    conversation, mood = mood_told(with_message(conversation, edited), edited)
    entry = Entry(
        at=now,
        kind=Kind.RECEIVED,
        shop=edited.shop,
        message=edited.id,
        reason="edited",
        facts=(event.id,),
        mood=mood,
    )
    wish = wish_of(edited.text, rules.opt_out_words)
    wished = replace(edited, at=max(event.at, edited.at))
    if wish is Wish.MAYBE_STOP:
        conversation, pause = paused(conversation, wished, now=now)
        return conversation, (entry, *pause)
    if wish in (None, Wish.HELP):
        conversation, called = _now_complains(conversation, edited, now=now, rules=rules)
        return conversation, (entry, *called)
    conversation, entries = heed(conversation, wished, late=False, now=now, rules=rules)
    return conversation, (entry, *entries)


def _now_complains(
    conversation: Conversation, edited: Message, *, now: datetime, rules: Rules
) -> Folded:
    """A message that was answered as something else, and is now one for a person."""
    reason = why_a_person(conversation, edited, rules)
    if reason is None or knows_already(conversation, reason):
        return conversation, ()
    return hand_over(conversation, edited, reason, now=now, rules=rules)


def customer_reacted(
    conversation: Conversation, event: CustomerReacted, *, now: datetime
) -> Folded:
    """An emoji is an answer of a kind: no reminder that waits is sent, and 👎 is a complaint."""
    message = conversation.ours(event.message)
    about = message or conversation.theirs(event.message)
    entry = Entry(
        at=now,
        kind=Kind.RECEIVED,
        message=about.id if about else None,
        reason="reaction",
        facts=(event.id,),
        emoji=event.emoji[:LONGEST_EMOJI],
    )
    if not event.emoji:
        return conversation, (entry,)
    conversation, dropped = no_reminders(conversation, now=now)
    if message is None or message.purpose not in QUESTIONS:
        return conversation, (entry, *dropped)
    mood = mood_of(event.emoji)
    conversation, told = mood_of_answer(conversation, message.id, mood)
    entry = replace(entry, shop=message.shop, mood=told)
    if mood is not Mood.BAD:
        return conversation, (entry, *dropped)
    conversation, called = called_for(conversation, Concern.COMPLAINT, now=now)
    return conversation, (entry, *dropped, *called)


def customer_revoked(
    conversation: Conversation, event: CustomerRevoked, *, now: datetime
) -> Folded:
    """A message deleted for everyone is deleted here too, and needs no answer."""
    message = conversation.theirs(event.message)
    if message is None or message.revoked:
        return conversation, ()
    deleted = replace(message, text="", attachment=None, revoked=True)
    conversation = no_longer_answered(with_message(conversation, deleted), message.id)
    return conversation, (
        Entry(at=now, kind=Kind.RECEIVED, message=message.id, reason="revoked", facts=(event.id,)),
    )


def customer_called(
    conversation: Conversation, event: CustomerCalled, *, now: datetime, rules: Rules
) -> Folded:
    """A call gets one polite text, once a day at most, and a person is told of it."""
    conversation, dropped = no_reminders(conversation, now=now)
    conversation, called = call_person(conversation, "call", now=now)
    entry = Entry(at=now, kind=Kind.RECEIVED, reason="call", facts=(event.id,))
    conversation = replace(conversation, session=event.session)
    if now - event.at <= LATE_AFTER and not _told_of_calls(conversation, now):
        polite = Pending(
            id=derive_id("call", event.id),
            purpose=Purpose.REPLY,
            shop=shop_spoken_with(conversation, event.session, rules, at=event.at).id,
            due=now,
            expires_at=now + BEST_BEFORE[Purpose.HANDOFF_NOTICE],
            canned="call",
        )
        conversation = with_pending(conversation, polite)
    return conversation, (entry, *dropped, *called)


def _told_of_calls(conversation: Conversation, now: datetime) -> bool:
    """Whether a caller was lately told that this number takes no calls, or is about to be."""
    return any(p.canned == "call" for p in conversation.pending) or any(
        m.written is not None and m.written.prompt.startswith("call/") and now - m.at < CALL_AGAIN
        for m in conversation.messages
    )
