"""What a customer does: writes, edits, deletes, rings. Stops are heeded before all else."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from app.domain.asked import asked_about, mood_in
from app.domain.conversation import (
    Author,
    Conversation,
    Entry,
    Folded,
    Kind,
    Message,
    Pending,
    Status,
    Written,
    derive_id,
    with_message,
    with_pending,
)
from app.domain.events import CustomerCalled, CustomerEdited, CustomerRevoked, CustomerWrote, Media
from app.domain.hand_over import (
    answers_with,
    call_person,
    due_after,
    hand_over,
    reason_to_call,
    waiting_answer,
)
from app.domain.language import language_of, normalise, speech_of
from app.domain.meaning import Mood
from app.domain.reminders import no_reminders
from app.domain.rules import (
    BEST_BEFORE,
    CALL_AGAIN,
    LATE_AFTER,
    LONGEST_HEARD,
    MEANWHILE,
    REPLIES_AN_HOUR,
    SAME_WORDS,
    Purpose,
    Rules,
)
from app.domain.silence import (
    agrees_to_stop,
    asked_about_stop,
    fixed,
    may_ask_about_stop,
    no_longer_answered,
    opted_in,
    opted_out,
    paused,
)
from app.domain.wishes import Wish, wish_of

_WORDLESS = {
    Media.VOICE: "voice",
    Media.AUDIO: "voice",
    Media.IMAGE: "picture",
    Media.VIDEO: "picture",
    Media.DOCUMENT: "file",
    Media.CONTACT: "file",
    Media.LOCATION: "location",
}
"""The fixed text that answers what came without words."""

SPOKEN = frozenset({Media.VOICE, Media.AUDIO})
"""What has words in it that can be listened to."""


def customer_wrote(
    conversation: Conversation, event: CustomerWrote, *, now: datetime, rules: Rules
) -> Folded:
    """A message is kept, a stop in it is heeded, a question in it waits to be answered."""
    if conversation.theirs(event.message) is not None:
        return conversation, ()
    message = _message(event, rules)
    late = now - event.at > LATE_AFTER
    received = Entry(
        at=now,
        kind=Kind.RECEIVED,
        shop=message.shop,
        purpose=_replied_to(conversation),
        message=message.id,
        reason="late" if late else None,
        facts=(event.id,),
    )
    conversation, dropped = no_reminders(conversation, now=now)
    conversation = replace(
        _in_their_language(with_message(conversation, message), message),
        session=event.session,
        name=conversation.name or event.name,
        heard_at=max(event.at, conversation.heard_at or event.at),
        no_whatsapp=None,
    )
    conversation, entries = _heed(conversation, message, late=late, now=now, rules=rules)
    return conversation, (received, *dropped, *entries)


def _message(event: CustomerWrote, rules: Rules) -> Message:
    words = bool(event.text.strip())
    return Message(
        id=derive_id("in", event.session, event.message),
        author=Author.CUSTOMER,
        text=event.text[:LONGEST_HEARD],
        at=event.at,
        status=Status.RECEIVED,
        session=event.session,
        shop=rules.shop_of_session(event.session).id,
        message=event.message,
        wire_id=event.wire_id,
        media=event.media,
        speech=speech_of(event.text),
        attachment=event.attachment if event.media in SPOKEN and not words else None,
    )


def _in_their_language(conversation: Conversation, message: Message) -> Conversation:
    """Answers follow the customer: the language of a message that tells one."""
    known = conversation.language
    return replace(
        conversation,
        language=language_of(message.text, known) or known,
        speech=message.speech or conversation.speech,
    )


def _replied_to(conversation: Conversation) -> Purpose | None:
    """What we had started, when this is the first word of the customer since."""
    last = next((m for m in reversed(conversation.messages) if m.status is not Status.QUEUED), None)
    return last.purpose if last is not None and last.purpose and last.purpose.proactive else None


# --- what is heeded ---------------------------------------------------------------------------


def _heed(
    conversation: Conversation, message: Message, *, late: bool, now: datetime, rules: Rules
) -> Folded:
    """A stop and a start are heeded at once, however late; the rest is to be answered."""
    wish = _wish(conversation, message, rules)
    if wish is Wish.STOP:
        words = rules.opt_out_words
        return opted_out(conversation, message, late=late, now=now, stop_words=words)
    if wish is Wish.START and (conversation.opt_out or conversation.paused_until):
        since = conversation.opt_out.at if conversation.opt_out else message.at
        newer = not late and message.at >= since
        return opted_in(conversation, message, now=now) if newer else (conversation, ())
    entries: tuple[Entry, ...] = ()
    if wish is Wish.MAYBE_STOP:
        conversation, entries = paused(conversation, message, now=now)
    if message.media is Media.STICKER:
        return conversation, entries
    if late:
        conversation, called = call_person(conversation, "late", now=now)
        return conversation, (*entries, *called)
    conversation, answered = _answer(conversation, message, wish, now=now, rules=rules)
    return conversation, (*entries, *answered)


def _wish(conversation: Conversation, message: Message, rules: Rules) -> Wish | None:
    """What the message wishes; a yes to our question whether they want to be left alone is one."""
    wish = wish_of(message.text, rules.opt_out_words)
    if wish is None and agrees_to_stop(conversation, message):
        return Wish.STOP
    return wish


def _answer(
    conversation: Conversation,
    message: Message,
    wish: Wish | None,
    *,
    now: datetime,
    rules: Rules,
) -> Folded:
    if wish is Wish.HELP:
        return with_pending(conversation, fixed(message, Purpose.REPLY, now=now, canned="help")), ()
    asks = wish is Wish.MAYBE_STOP and may_ask_about_stop(conversation, now)
    if asks and "?" not in message.text:
        return asked_about_stop(conversation, message, now=now)
    if _answered_meanwhile(conversation, message, now=now):
        return conversation, ()
    if _goes_in_circles(conversation, message):
        return call_person(conversation, "loop", now=now)
    if _floods(conversation, now=now):
        return call_person(conversation, "flood", now=now)
    handed_over = _handed_over(conversation, message, now=now, rules=rules)
    if handed_over is not None:
        return handed_over
    conversation, entries = _to_be_answered(conversation, message, now=now, rules=rules)
    waiting = waiting_answer(conversation)
    if asks and waiting is not None:  # answered, and asked whether to be left alone
        conversation = replace(conversation, asked_stop=now, stop_question=waiting.id)
    return conversation, entries


def _handed_over(
    conversation: Conversation, message: Message, *, now: datetime, rules: Rules
) -> Folded | None:
    """A person is called where one is needed; None where the bot answers."""
    asked = asked_about(conversation, at=message.at)
    unhappy = mood_in(message.text, asked) is Mood.BAD
    reason = reason_to_call(conversation, message, unhappy=unhappy)
    if reason is None:
        return None
    knew = conversation.needs_person is not None and conversation.needs_person.told
    conversation, entries = hand_over(conversation, message, reason, now=now, rules=rules)
    if not knew:
        return conversation, entries
    conversation, more = _to_be_answered(conversation, message, now=now, rules=rules)
    return conversation, (*entries, *more)


def _answered_meanwhile(conversation: Conversation, message: Message, *, now: datetime) -> bool:
    """Whether it was on the way so long that a later word of ours has answered it."""
    return now - message.at > MEANWHILE and any(
        m.at > message.at
        and m.author is Author.PERSON  # an answer of ours answers what we knew of
        and m.status not in (Status.QUEUED, Status.UNCERTAIN, Status.FAILED)
        for m in conversation.messages
    )


def _goes_in_circles(conversation: Conversation, message: Message) -> bool:
    """Whether another machine answers ours: the same words again and again."""
    theirs = [m for m in conversation.messages if m.author is Author.CUSTOMER][-SAME_WORDS:]
    words = normalise(message.text)
    return len(theirs) == SAME_WORDS and all(normalise(m.text) == words for m in theirs)


def _floods(conversation: Conversation, *, now: datetime) -> bool:
    """Whether so much was answered lately that a person should look before more is."""
    lately = [at for at in conversation.replies if now - at < timedelta(hours=1)]
    return len(lately) >= REPLIES_AN_HOUR


def _to_be_answered(
    conversation: Conversation, message: Message, *, now: datetime, rules: Rules
) -> Folded:
    """Into the answer that already waits, or into a new one: both are answered together."""
    waiting = waiting_answer(conversation)
    silent = not message.text.strip() and message.attachment is None
    wordless = silent and (waiting is None or waiting.canned is not None)
    notice = waiting is not None and waiting.purpose is Purpose.HANDOFF_NOTICE
    canned = _WORDLESS.get(message.media, "reply") if wordless and message.media else None
    pending = Pending(
        id=waiting.id if waiting else derive_id("reply", message.id),
        purpose=waiting.purpose if waiting else Purpose.REPLY,
        shop=message.shop,
        due=due_after(waiting, now=now, rules=rules),
        expires_at=now + BEST_BEFORE[waiting.purpose if waiting else Purpose.REPLY],
        answers=answers_with(waiting, message),
        since=waiting.since if waiting else now,
        canned=waiting.canned if waiting and notice else canned or ("reply" if wordless else None),
        counted=waiting.counted if waiting else False,
        rewrites=waiting.rewrites if waiting else 0,
    )
    conversation = with_pending(conversation, pending)
    unseen = message.media is not None and message.media not in SPOKEN
    if not (silent or unseen):
        return conversation, ()
    told = not message.text.strip()
    return call_person(conversation, f"media:{message.media or 'empty'}", now=now, told=told)


# --- voice notes ------------------------------------------------------------------------------


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
    conversation = _in_their_language(with_message(conversation, known), known)
    entry = Entry(
        at=now,
        kind=Kind.HEARD,
        shop=message.shop,
        purpose=Purpose.REPLY,
        message=message.id,
        written=written,
    )
    late = now - message.at > LATE_AFTER
    conversation, entries = _heed(conversation, known, late=late, now=now, rules=rules)
    return conversation, (entry, *entries)


def not_heard(conversation: Conversation, message: Message, *, why: str, now: datetime) -> Folded:
    """Nobody could listen to a voice note: an honest answer, and a person."""
    conversation = with_message(conversation, replace(message, attachment=None))
    waiting = waiting_answer(conversation)
    if waiting is not None and waiting.purpose is Purpose.REPLY:
        texts = [conversation.message(a) for a in waiting.answers]
        if not any(m is not None and (m.text.strip() or m.attachment) for m in texts):
            conversation = with_pending(conversation, replace(waiting, canned="voice"))
    entry = Entry(at=now, kind=Kind.HEARD, shop=message.shop, message=message.id, reason=why)
    conversation, called = call_person(conversation, f"media:{message.media}", now=now, told=True)
    return conversation, (entry, *called)


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
    conversation = with_message(conversation, edited)
    entry = Entry(
        at=now,
        kind=Kind.RECEIVED,
        shop=edited.shop,
        message=edited.id,
        reason="edited",
        facts=(event.id,),
    )
    wish = wish_of(edited.text, rules.opt_out_words)
    if wish in (None, Wish.HELP):
        return conversation, (entry,)
    wished = replace(edited, at=max(event.at, edited.at))
    if wish is Wish.MAYBE_STOP:
        conversation, pause = paused(conversation, wished, now=now)
        return conversation, (entry, *pause)
    conversation, entries = _heed(conversation, wished, late=False, now=now, rules=rules)
    return conversation, (entry, *entries)


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
    conversation, called = call_person(conversation, "call", now=now, told=True)
    entry = Entry(at=now, kind=Kind.RECEIVED, reason="call", facts=(event.id,))
    conversation = replace(conversation, session=event.session)
    if now - event.at <= LATE_AFTER and not _told_of_calls(conversation, now):
        polite = Pending(
            id=derive_id("call", event.id),
            purpose=Purpose.REPLY,
            shop=rules.shop_of_session(event.session).id,
            due=now,
            expires_at=now + BEST_BEFORE[Purpose.HANDOFF_NOTICE],
            canned="call",
        )
        conversation = with_pending(conversation, polite)
    return conversation, (entry, *called)


def _told_of_calls(conversation: Conversation, now: datetime) -> bool:
    """Whether a caller was lately told that this number takes no calls, or is about to be."""
    return any(p.canned == "call" for p in conversation.pending) or any(
        m.written is not None and m.written.prompt.startswith("call/") and now - m.at < CALL_AGAIN
        for m in conversation.messages
    )
