"""What a customer does: writes, edits, deletes, rings. Stops are heeded before all else."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from app.domain.conversation import (
    Author,
    Conversation,
    Entry,
    Folded,
    Kind,
    Message,
    NeedsPerson,
    OptOut,
    Pending,
    Status,
    derive_id,
    noted,
    with_message,
    with_pending,
    without_message,
    without_pending,
    without_proactive,
)
from app.domain.events import CustomerCalled, CustomerEdited, CustomerRevoked, CustomerWrote, Media
from app.domain.language import language_of, normalise
from app.domain.rules import (
    BEST_BEFORE,
    LATE_AFTER,
    LONGEST_HEARD,
    MEANWHILE,
    PROACTIVE,
    REPLIES_AN_HOUR,
    SAME_WORDS,
    Purpose,
    Reason,
    Rules,
)
from app.domain.wishes import Wish, wish_of


def customer_wrote(
    conversation: Conversation, event: CustomerWrote, *, now: datetime, rules: Rules
) -> Folded:
    """A message is kept, a stop in it is heeded, a question in it waits to be answered."""
    if conversation.theirs(event.message) is not None:
        return conversation, ()
    message = Message(
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
    )
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
    conversation = replace(
        with_message(conversation, message),
        session=event.session,
        name=conversation.name or event.name,
        language=language_of(event.text, conversation.language) or conversation.language,
        heard_at=max(event.at, conversation.heard_at or event.at),
        no_whatsapp=None,
    )
    conversation, entries = _heed(conversation, message, late=late, now=now, rules=rules)
    return conversation, (received, *entries)


def _replied_to(conversation: Conversation) -> Purpose | None:
    """What we had started, when this is the first word of the customer since."""
    last = next((m for m in reversed(conversation.messages) if m.status is not Status.QUEUED), None)
    return last.purpose if last is not None and last.purpose and last.purpose.proactive else None


def _heed(
    conversation: Conversation, message: Message, *, late: bool, now: datetime, rules: Rules
) -> Folded:
    """A stop and a start are heeded at once, however late; the rest is to be answered."""
    wish = wish_of(message.text, rules.opt_out_words)
    if wish is Wish.STOP:
        return _opt_out(conversation, message, late=late, now=now)
    if wish is Wish.START and conversation.opt_out is not None:
        newer = not late and message.at >= conversation.opt_out.at
        return _opt_in(conversation, message, now=now) if newer else (conversation, ())
    if message.media is Media.STICKER:
        return conversation, ()
    if late:
        return call_person(conversation, "late", now=now)
    if _answered_meanwhile(conversation, message, now=now):
        return conversation, ()
    if _goes_in_circles(conversation, message):
        return call_person(conversation, "loop", now=now)
    if _floods(conversation, now=now):
        return call_person(conversation, "flood", now=now)
    return _to_be_answered(conversation, message, now=now, rules=rules)


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


def _opt_out(conversation: Conversation, message: Message, *, late: bool, now: datetime) -> Folded:
    """What a stop ends, it ends every time; it is told, counted and answered once."""
    conversation = _no_longer_answered(conversation, message.id)
    known = conversation.opt_out
    at = max(message.at, known.at) if known else message.at
    conversation, dropped = silenced(
        conversation, by=known.by if known else Author.CUSTOMER, at=at, now=now, said=True
    )
    if known is not None:
        return conversation, dropped
    if not late:
        conversation = with_pending(
            conversation, _fixed(message, Purpose.OPT_OUT_CONFIRMATION, now=now)
        )
    started = _started(conversation)
    counts = started is not None and started.id != conversation.stopped
    conversation = replace(conversation, stopped=started.id if started else conversation.stopped)
    entry = Entry(
        at=now,
        kind=Kind.OPTED_OUT,
        shop=message.shop,
        purpose=started.purpose if started and counts else None,
        message=message.id,
    )
    return conversation, (entry, *dropped)


def _started(conversation: Conversation) -> Message | None:
    """The last message that we started, and a stop is the answer to."""
    return next(
        (m for m in reversed(conversation.messages) if m.purpose in PROACTIVE),
        None,
    )


def _opt_in(conversation: Conversation, message: Message, *, now: datetime) -> Folded:
    pending = _fixed(message, Purpose.REPLY, now=now, canned="opt_in_confirmation")
    conversation = with_pending(replace(conversation, opt_out=None), pending)
    return conversation, (Entry(at=now, kind=Kind.OPTED_IN, shop=message.shop, message=message.id),)


def silenced(
    conversation: Conversation, *, by: Author, at: datetime, now: datetime, said: bool = False
) -> Folded:
    """Opted out: nothing that we would have started waits any more, nor is half said.

    A stop that the customer ``said`` also ends an answer that is being written or typed: a person
    is asked to look at the question instead. Where no answer had begun, the question gets one.
    """
    conversation = replace(conversation, opt_out=OptOut(at=at, by=by))
    entries: list[Entry] = []
    for pending in conversation.pending:
        begun = said and pending.due <= now
        if pending.purpose.proactive or (pending.purpose is Purpose.REPLY and begun):
            conversation = without_pending(conversation, pending.id)
            counted = pending.purpose.proactive and not pending.counted
            entries.append(dropped_entry(pending, Reason.OPTED_OUT, now=now, counted=counted))
    for message in conversation.unsettled:
        if _is_half_said(message, said=said):
            conversation = without_message(conversation, message.id)
            conversation = without_proactive(conversation, message.id)
            thrown = noted(message, Kind.DROPPED, now=now, reason=Reason.OPTED_OUT)
            entries.append(replace(thrown, counted=message.purpose in PROACTIVE))
    if any(entry.purpose is Purpose.REPLY for entry in entries):
        conversation, called = call_person(conversation, "unanswered", now=now)
        entries.extend(called)
    return conversation, tuple(entries)


def _is_half_said(message: Message, *, said: bool) -> bool:
    """Written and not handed over: a text of ours that a stop is meant for."""
    if message.purpose is None or (message.sending is not None and message.sending.tried_at):
        return False
    return message.purpose.proactive or (message.purpose is Purpose.REPLY and said)


def dropped_entry(pending: Pending, reason: Reason, *, now: datetime, counted: bool) -> Entry:
    """The journal's line for a purpose that will not be spoken."""
    return Entry(
        at=now,
        kind=Kind.DROPPED,
        shop=pending.shop,
        purpose=pending.purpose,
        reason=reason,
        message=pending.id,
        order_code=pending.order_code,
        counted=counted,
    )


def _fixed(
    message: Message, purpose: Purpose, *, now: datetime, canned: str | None = None
) -> Pending:
    return Pending(
        id=derive_id(canned or purpose, message.id),
        purpose=purpose,
        shop=message.shop,
        due=now,
        expires_at=now + BEST_BEFORE[purpose],
        answers=(message.id,),
        canned=canned or purpose,
    )


def _to_be_answered(
    conversation: Conversation, message: Message, *, now: datetime, rules: Rules
) -> Folded:
    """Into the reply that already waits, or into a new one: both are answered together."""
    waiting = next(
        (p for p in conversation.pending if p.purpose is Purpose.REPLY and p.since), None
    )
    since = waiting.since if waiting and waiting.since else now
    wordless = not message.text.strip() and (waiting is None or waiting.canned is not None)
    pending = Pending(
        id=waiting.id if waiting else derive_id("reply", message.id),
        purpose=Purpose.REPLY,
        shop=message.shop,
        due=max(now, min(now + rules.debounce, since + rules.debounce_max)),
        expires_at=now + BEST_BEFORE[Purpose.REPLY],
        answers=(*(waiting.answers if waiting else ()), message.id),
        since=since,
        canned="reply" if wordless else None,
        counted=waiting.counted if waiting else False,
        rewrites=waiting.rewrites if waiting else 0,
    )
    conversation = with_pending(conversation, pending)
    if not wordless:
        return conversation, ()
    return call_person(conversation, f"media:{message.media or 'empty'}", now=now)


def _no_longer_answered(conversation: Conversation, message_id: str) -> Conversation:
    for pending in conversation.pending:
        if message_id not in pending.answers or pending.canned not in (None, "reply"):
            continue
        answers = tuple(a for a in pending.answers if a != message_id)
        if answers:
            return with_pending(conversation, replace(pending, answers=answers))
        return without_pending(conversation, pending.id)
    return conversation


def call_person(conversation: Conversation, reason: str, *, now: datetime) -> Folded:
    """Somebody at the shop should look here; the first reason stays."""
    if conversation.needs_person is not None:
        return conversation, ()
    conversation = replace(conversation, needs_person=NeedsPerson(reason=reason, since=now))
    return conversation, (Entry(at=now, kind=Kind.PERSON_CALLED, reason=reason),)


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
    edited = replace(message, text=text)
    conversation = with_message(conversation, edited)
    entry = Entry(
        at=now,
        kind=Kind.RECEIVED,
        shop=edited.shop,
        message=edited.id,
        reason="edited",
        facts=(event.id,),
    )
    if wish_of(edited.text, rules.opt_out_words) is None:
        return conversation, (entry,)
    wished = replace(edited, at=max(event.at, edited.at))
    conversation, entries = _heed(conversation, wished, late=False, now=now, rules=rules)
    return conversation, (entry, *entries)


def customer_revoked(
    conversation: Conversation, event: CustomerRevoked, *, now: datetime
) -> Folded:
    """A message deleted for everyone is deleted here too, and needs no answer."""
    message = conversation.theirs(event.message)
    if message is None or message.revoked:
        return conversation, ()
    conversation = with_message(conversation, replace(message, text="", revoked=True))
    conversation = _no_longer_answered(conversation, message.id)
    return conversation, (
        Entry(at=now, kind=Kind.RECEIVED, message=message.id, reason="revoked", facts=(event.id,)),
    )


def customer_called(conversation: Conversation, event: CustomerCalled, *, now: datetime) -> Folded:
    """A call is answered by a person."""
    conversation, called = call_person(conversation, "call", now=now)
    entry = Entry(at=now, kind=Kind.RECEIVED, reason="call", facts=(event.id,))
    return replace(conversation, session=event.session), (entry, *called)
