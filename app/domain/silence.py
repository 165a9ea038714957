"""Being left alone: a stop, its opposite, and a pause for who may have meant one."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec.structs import replace

from app.domain.conversation import (
    Author,
    Conversation,
    Entry,
    Folded,
    Kind,
    Message,
    OptOut,
    Pending,
    derive_id,
    dropped_entry,
    noted,
    with_pending,
    without_message,
    without_pending,
    without_proactive,
)
from app.domain.hand_over import call_person
from app.domain.language import normalise
from app.domain.rules import (
    ASK_ABOUT_STOP_EVERY,
    BEST_BEFORE,
    PAUSED_FOR,
    PROACTIVE,
    Purpose,
    Reason,
)
from app.domain.wishes import tier_of

HELP = "help"
"""The fixed text that says who we are and what may be asked for."""

STOP_QUESTION = "maybe_stop"
"""The fixed text that asks whether they want to be left alone."""

_YES = frozenset("да ага угу иә иа ия yes yep yeah конечно".split())
_ONLY = frozenset(
    """не хочу надо нужны нужно больше спасибо пожалуйста конечно нет керек емес қажет рахмет да
    please no not thanks i dont want them""".split()
)
_NO = ("не хочу", "не надо", "не нужн", "керек емес", "қажет емес", "кажет емес", "dont want")
_THUMBS = frozenset("👍👌🙏")
_REPEATED = re.compile(r"(.)\1+")


def _is_yes(text: str) -> bool:
    """Whether a short answer says yes to being left alone, and nothing else."""
    words = _REPEATED.sub(r"\1", normalise(text)).split()
    if not words:
        return bool(text.strip()) and set(text.strip()) <= _THUMBS
    only = all(word in _ONLY or word in _YES for word in words)
    return only and (words[0] in _YES or any(no in " ".join(words) for no in _NO))


def fixed(
    message: Message, purpose: Purpose, *, now: datetime, canned: str | None = None
) -> Pending:
    """A fixed text that answers ``message`` at once."""
    return Pending(
        id=derive_id(canned or purpose, message.id),
        purpose=purpose,
        shop=message.shop,
        due=now,
        expires_at=now + BEST_BEFORE[purpose],
        answers=(message.id,),
        canned=canned or purpose,
    )


def opted_out(
    conversation: Conversation,
    message: Message,
    *,
    late: bool,
    now: datetime,
    stop_words: tuple[str, ...],
) -> Folded:
    """What a stop ends, it ends every time; it is told, counted and answered once.

    The journal tells whether it was a word alone or a phrase, which a person may see otherwise.
    """
    conversation = no_longer_answered(conversation, message.id)
    known = conversation.opt_out
    at = max(message.at, known.at) if known else message.at
    conversation, dropped = silenced(
        conversation, by=known.by if known else Author.CUSTOMER, at=at, now=now, said=True
    )
    if known is not None:
        again = noted(message, Kind.DROPPED, now=now, reason=Reason.DUPLICATE)
        again = replace(again, purpose=Purpose.OPT_OUT_CONFIRMATION)
        return conversation, (*dropped, again)
    if not late:
        confirmation = fixed(message, Purpose.OPT_OUT_CONFIRMATION, now=now)
        conversation = with_pending(conversation, confirmation)
    started = _started(conversation)
    counts = started is not None and started.id != conversation.stopped
    conversation = replace(conversation, stopped=started.id if started else conversation.stopped)
    entry = Entry(
        at=now,
        kind=Kind.OPTED_OUT,
        shop=message.shop,
        purpose=started.purpose if started and counts else None,
        message=message.id,
        reason=tier_of(message.text, stop_words),
    )
    return conversation, (entry, *dropped)


def _started(conversation: Conversation) -> Message | None:
    """The last message that we started, and a stop is the answer to."""
    return next(
        (m for m in reversed(conversation.messages) if m.purpose in PROACTIVE),
        None,
    )


def opted_in(conversation: Conversation, message: Message, *, now: datetime) -> Folded:
    """They want to hear of us again."""
    conversation = no_longer_answered(conversation, message.id)
    pending = fixed(message, Purpose.REPLY, now=now, canned="opt_in_confirmation")
    conversation = replace(conversation, opt_out=None, paused_until=None)
    conversation = with_pending(conversation, pending)
    return conversation, (Entry(at=now, kind=Kind.OPTED_IN, shop=message.shop, message=message.id),)


def paused(conversation: Conversation, message: Message, *, now: datetime) -> Folded:
    """They may have meant a stop: nothing is started for a day."""
    until = max(message.at + PAUSED_FOR, conversation.paused_until or message.at)
    conversation = replace(conversation, paused_until=until)
    entry = Entry(at=now, kind=Kind.PAUSED, shop=message.shop, until=until, message=message.id)
    return conversation, (entry,)


def may_ask_about_stop(conversation: Conversation, now: datetime) -> bool:
    """Whether they were not asked lately if they want to be left alone."""
    asked = conversation.asked_stop
    return conversation.opt_out is None and (asked is None or now - asked >= ASK_ABOUT_STOP_EVERY)


def asked_about_stop(conversation: Conversation, message: Message, *, now: datetime) -> Folded:
    """One question whether they want to be left alone: there is nothing else to answer."""
    question = fixed(message, Purpose.REPLY, now=now, canned=STOP_QUESTION)
    conversation = no_longer_answered(conversation, message.id)
    conversation = replace(conversation, asked_stop=now, stop_question=question.id)
    return with_pending(conversation, question), ()


def agrees_to_stop(conversation: Conversation, message: Message) -> bool:
    """Whether ``message`` is a yes to that question, the last thing we said before it."""
    if not _is_yes(message.text):
        return False
    ours = [m for m in conversation.messages if m.author is not Author.CUSTOMER]
    last = next((m for m in reversed(ours) if m.at <= message.at), None)
    return last is not None and last.id == conversation.stop_question


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


def no_longer_answered(conversation: Conversation, message_id: str) -> Conversation:
    """What waits to answer ``message_id`` answers the rest, or nothing. A notice stands."""
    for pending in conversation.pending:
        answering = pending.since is not None and pending.purpose is Purpose.REPLY
        if message_id not in pending.answers or not answering:
            continue
        answers = tuple(a for a in pending.answers if a != message_id)
        if answers:
            return with_pending(conversation, replace(pending, answers=answers))
        return without_pending(conversation, pending.id)
    return conversation
