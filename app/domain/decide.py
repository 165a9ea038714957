"""What to do now: one decision for all that waits in a chat."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from app.domain.asked import mood_read
from app.domain.brief import Brief, Draft, brief_for
from app.domain.conversation import (
    Author,
    Conversation,
    Entry,
    Folded,
    Kind,
    Message,
    Pending,
    Proactive,
    Sending,
    Status,
    Written,
    derive_id,
    dropped_entry,
    noted,
    with_message,
    with_pending,
    with_reply,
    without_message,
    without_pending,
    without_proactive,
)
from app.domain.hand_over import call_person, called_for, not_told
from app.domain.policy import Deny, Verdict, may_speak
from app.domain.reminders import no_reminders
from app.domain.rules import (
    KEPT_ORDERS,
    KEPT_PROACTIVE,
    MOST_REWRITES,
    PRIORITY,
    Purpose,
    Reason,
    Rules,
)
from app.domain.sending import PAST, sendable, sending_of, wake_of
from app.domain.session import Session
from app.domain.silence import HELP

_FINAL = frozenset({Reason.OPTED_OUT, Reason.ORDER_CHANGED})
"""Reasons that drop a purpose even before it is due: nothing is gained by waiting."""

Sessions = Mapping[str, Session]
"""What is known of the WhatsApp sessions, by name."""


class Write(Struct, frozen=True, kw_only=True):
    """Have a text written for ``pending`` from ``brief``."""

    pending: Pending
    brief: Brief


class Decision(Struct, frozen=True, kw_only=True):
    """What becomes of a chat: its new state, and what to write now."""

    conversation: Conversation
    entries: tuple[Entry, ...] = ()
    write: Write | None = None


def decide(
    conversation: Conversation, *, now: datetime, rules: Rules, sessions: Sessions
) -> Decision:
    """The most important purpose that is due and allowed; the rest waits or is dropped.

    At most one text at a time: the next is decided on a conversation that holds this one.
    """
    entries: list[Entry] = []
    write: Write | None = None
    for pending in sorted(conversation.pending, key=_rank):
        verdict = verdict_on(conversation, pending, now=now, rules=rules, sessions=sessions)
        conversation, new, allowed = _consider(conversation, pending, verdict, now=now)
        entries.extend(new)
        if allowed and write is None:
            brief = brief_for(conversation, pending, now=now, rules=rules)
            write = Write(pending=pending, brief=brief)
    return Decision(
        conversation=conversation,
        entries=tuple(entries),
        write=write,
    )


def next_wake(conversation: Conversation) -> datetime | None:
    """When this chat must be looked at again if nothing happens before."""
    moments = [_wake_of(pending) for pending in conversation.pending]
    moments.extend(wake_of(message) for message in sendable(conversation))
    return min(moments, default=None)


def _wake_of(pending: Pending) -> datetime:
    """What is held is released with its session, or dropped when it is too late for it."""
    if pending.blocked is Reason.SESSION_DOWN:
        return max(pending.due, pending.expires_at + PAST)
    return pending.due


def wait(
    conversation: Conversation,
    pending: Pending,
    reason: Reason,
    *,
    until: datetime,
    now: datetime,
    slot: datetime | None = None,
) -> Folded:
    """``pending`` waits until then, counted as blocked once; or is dropped if that is too late."""
    if until > pending.expires_at:
        return drop(conversation, pending, reason, now=now)
    count = not pending.counted and reason is not Reason.PACE
    later = replace(pending, due=until, blocked=reason, counted=pending.counted or count, slot=slot)
    conversation = with_pending(conversation, later)
    if pending.blocked is reason and not count:
        return conversation, ()
    return conversation, (_blocked(pending, reason, now=now, counted=count, until=until),)


def drop(conversation: Conversation, pending: Pending, reason: Reason, *, now: datetime) -> Folded:
    """``pending`` will not be spoken. An answer that comes too late, or that a stop overtook, is a
    person's to give.
    """
    entry = dropped_entry(pending, reason, now=now, counted=not pending.counted)
    conversation = without_pending(conversation, pending.id)
    if pending.purpose is Purpose.HANDOFF_NOTICE:
        conversation = not_told(conversation)
    if pending.purpose is Purpose.REPLY and reason in (Reason.EXPIRED, Reason.OPTED_OUT):
        conversation, called = call_person(conversation, "unanswered", now=now)
        return conversation, (entry, *called)
    return conversation, (entry,)


def spoken(
    conversation: Conversation, pending: Pending, draft: Draft, *, now: datetime, rules: Rules
) -> Folded:
    """The text for ``pending`` is written and queued, or a person is asked to write it."""
    conversation, mood = mood_read(_left_over(conversation, pending), pending, draft.mood)
    entries: list[Entry] = []
    if draft.text is not None:
        conversation = _queued(conversation, pending, draft, now=now, rules=rules)
        entries.append(replace(_written(pending, draft, now=now), mood=mood))
    if draft.needs_person is not None:
        conversation, called = called_for(
            conversation, draft.needs_person, now=now, told=draft.tells
        )
        mine = draft.text is None or any(entry.kind is Kind.PERSON_CALLED for entry in called)
        entries.extend(entry for entry in called if entry.kind is not Kind.PERSON_CALLED)
        entries.extend([_called(pending, draft, now=now)] if mine else [])
    if draft.reviewed is not None:
        conversation, dropped = _linked(conversation, draft.reviewed, now=now)
        entries.extend(dropped)
    return conversation, tuple(entries)


def _linked(conversation: Conversation, order_code: str, *, now: datetime) -> Folded:
    """They know where to review this order: it is not asked for again."""
    linked = tuple(dict.fromkeys((*conversation.linked, order_code)))[-KEPT_ORDERS:]
    conversation = replace(conversation, linked=linked)
    entries: list[Entry] = []
    for pending in conversation.pending:
        if pending.purpose is Purpose.REVIEW_REQUEST and pending.order_code == order_code:
            conversation = without_pending(conversation, pending.id)
            entries.append(dropped_entry(pending, Reason.ANSWERED, now=now, counted=False))
    conversation, reminders = no_reminders(conversation, now=now, order_code=order_code)
    return conversation, (*entries, *reminders)


def unspoken(
    conversation: Conversation, message: Message, verdict: Deny, *, now: datetime
) -> Folded:
    """The last look said no: the text is thrown away, its purpose waits again or is dropped."""
    conversation = without_proactive(without_message(conversation, message.id), message.id)
    pending = _pending_of(message, now=now)
    if verdict.until is not None and pending.purpose.proactive:
        return wait(conversation, pending, verdict.reason, until=verdict.until, now=now)
    return drop(conversation, pending, verdict.reason, now=now)


def _rank(pending: Pending) -> tuple[int, datetime]:
    return PRIORITY.index(pending.purpose), pending.due


def verdict_on(
    conversation: Conversation,
    pending: Pending,
    *,
    now: datetime,
    rules: Rules,
    sessions: Sessions,
) -> Verdict:
    """Whether ``pending`` may be spoken, on the session it would go out by."""
    return may_speak(
        conversation,
        pending.purpose,
        now=now,
        rules=rules.of(pending.shop),
        order_code=pending.order_code,
        always=pending.canned == HELP,
        session=sessions.get(session_for(conversation, pending, rules)),
    )


def session_for(conversation: Conversation, pending: Pending, rules: Rules) -> str:
    """What we start goes out by the shop's session, an answer by the one that was written to."""
    shop = rules.shop(pending.shop)
    return shop.session if pending.purpose.proactive else conversation.session or shop.session


def _consider(
    conversation: Conversation, pending: Pending, verdict: Verdict, *, now: datetime
) -> tuple[Conversation, tuple[Entry, ...], bool]:
    if isinstance(verdict, Deny) and verdict.reason in _FINAL:
        return (*drop(conversation, pending, verdict.reason, now=now), False)
    if pending.due > now:
        return conversation, (), False
    if now > pending.expires_at:
        return (*drop(conversation, pending, Reason.EXPIRED, now=now), False)
    if not isinstance(verdict, Deny):
        return conversation, (), True
    if verdict.reason is Reason.SESSION_DOWN:
        return (*_held(conversation, pending, now=now), False)
    return (*_not_now(conversation, pending, verdict, now=now), False)


def _not_now(
    conversation: Conversation, pending: Pending, verdict: Deny, *, now: datetime
) -> Folded:
    """It waits, or is dropped. An answer waits for no limit, only for the bot to be switched on:
    at last it is too late for it, and a person's to give.
    """
    until, off = verdict.until, verdict.reason is Reason.DISABLED
    if until is None or not (off or pending.purpose.proactive):
        return drop(conversation, pending, verdict.reason, now=now)
    if until <= pending.expires_at or not off:
        return wait(conversation, pending, verdict.reason, until=until, now=now)
    conversation, entries = wait(
        conversation, pending, verdict.reason, until=pending.expires_at, now=now
    )
    waiting = next(each for each in conversation.pending if each.id == pending.id)
    return with_pending(conversation, replace(waiting, due=pending.expires_at + PAST)), entries


def _held(conversation: Conversation, pending: Pending, *, now: datetime) -> Folded:
    """It stays due, for when the session is back; told and counted once."""
    if pending.blocked is Reason.SESSION_DOWN:
        return conversation, ()
    waiting = replace(pending, blocked=Reason.SESSION_DOWN, counted=True)
    entry = _blocked(pending, Reason.SESSION_DOWN, now=now, counted=not pending.counted)
    return with_pending(conversation, waiting), (entry,)


def _blocked(
    pending: Pending,
    reason: Reason,
    *,
    now: datetime,
    counted: bool,
    until: datetime | None = None,
) -> Entry:
    return Entry(
        at=now,
        kind=Kind.SCHEDULED if reason is Reason.PACE else Kind.BLOCKED,
        shop=pending.shop,
        purpose=pending.purpose,
        reason=reason,
        until=until,
        message=pending.id,
        order_code=pending.order_code,
        counted=counted,
    )


# --- while a text is written, and until it goes ------------------------------------------------


def overtaken(
    conversation: Conversation, write: Write, *, now: datetime, rules: Rules, sessions: Sessions
) -> Conversation | None:
    """What to go on with when the text that is being written is no longer the one to say.

    None while it is: the customer wrote on (twice at most, the third draft is sent), a person took
    over, the order was cancelled, whatever made a yes a no.
    """
    current = next((p for p in conversation.pending if p.id == write.pending.id), None)
    if current is None:
        return conversation
    verdict = verdict_on(conversation, current, now=now, rules=rules, sessions=sessions)
    if isinstance(verdict, Deny):
        return conversation
    asked = brief_for(conversation, current, now=now, rules=rules).messages_to_answer
    if asked == write.brief.messages_to_answer or current.rewrites >= MOST_REWRITES:
        return None
    return with_pending(conversation, replace(current, rewrites=current.rewrites + 1))


def thrown_away(
    conversation: Conversation, write: Write, draft: Draft | None, *, now: datetime
) -> Folded:
    """The draft is not sent; what it cost is told. One that was not finished cost a request."""
    pending = write.pending
    begun = Written(prompt=pending.purpose, canned=False, requests=int(pending.canned is None))
    entry = Entry(
        at=now,
        kind=Kind.DROPPED,
        shop=pending.shop,
        purpose=pending.purpose,
        reason="overtaken",
        message=pending.id,
        written=draft.written if draft is not None else begun,
    )
    return conversation, (entry,)


def written_over(conversation: Conversation, message: Message) -> Pending | None:
    """What waits to be answered together with what ``message`` answers, as it is not out yet."""
    sending = sending_of(message)
    if message.purpose is not Purpose.REPLY or not sending.answers:
        return None
    if sending.tried_at or sending.rewrites >= MOST_REWRITES:
        return None
    return next(
        (p for p in conversation.pending if p.purpose is Purpose.REPLY and p.since is not None),
        None,
    )


def withdrawn(
    conversation: Conversation, message: Message, pending: Pending, *, now: datetime
) -> Folded:
    """The customer wrote on before ``message`` went: both questions get one answer."""
    sending = sending_of(message)
    together = replace(
        pending,
        answers=(*sending.answers, *(a for a in pending.answers if a not in sending.answers)),
        rewrites=sending.rewrites + 1,
        canned=None,
    )
    conversation = with_pending(without_message(conversation, message.id), together)
    entry = noted(message, Kind.DROPPED, now=now, reason="written_over")
    return conversation, (entry,)


# --- a text is written ------------------------------------------------------------------------


def _left_over(conversation: Conversation, pending: Pending) -> Conversation:
    """``pending`` is answered; what came to it while it was being written is not."""
    current = next((p for p in conversation.pending if p.id == pending.id), pending)
    conversation = without_pending(conversation, pending.id)
    answers = tuple(a for a in current.answers if a not in pending.answers)
    if current.since is None or not answers:
        return conversation
    notice = current.purpose is Purpose.HANDOFF_NOTICE  # said once; the rest is answered
    rest = replace(
        current,
        id=derive_id("reply", answers[0]),
        purpose=Purpose.REPLY,
        answers=answers,
        canned=None if notice else current.canned,
        rewrites=0,
    )
    return with_pending(conversation, rest)


def _queued(
    conversation: Conversation, pending: Pending, draft: Draft, *, now: datetime, rules: Rules
) -> Conversation:
    message = Message(
        id=pending.id,
        author=Author.BOT,
        text=draft.text or "",
        at=now,
        status=Status.QUEUED,
        session=session_for(conversation, pending, rules),
        shop=pending.shop,
        purpose=pending.purpose,
        order_code=pending.order_code,
        written=draft.written,
        sending=Sending(
            not_before=now,
            expires_at=pending.expires_at,
            counted=pending.counted,
            answers=pending.answers if pending.since is not None else (),
            rewrites=pending.rewrites,
        ),
    )
    conversation = with_message(conversation, message)
    if not pending.purpose.proactive:
        return with_reply(conversation, now)
    counted = Proactive(id=message.id, at=now)
    most = max(each.max_messages for each in (rules, *rules.by_shop.values()))
    kept = max(KEPT_PROACTIVE, most + 1)
    return replace(conversation, proactive=(*conversation.proactive, counted)[-kept:])


def _written(pending: Pending, draft: Draft, *, now: datetime) -> Entry:
    return Entry(
        at=now,
        kind=Kind.WRITTEN,
        shop=pending.shop,
        purpose=pending.purpose,
        message=pending.id,
        order_code=pending.order_code,
        reason=draft.written.why_canned,
        facts=pending.answers,
        written=draft.written,
    )


def _called(pending: Pending, draft: Draft, *, now: datetime) -> Entry:
    """Where there is no text, the calls to the model are told here."""
    return Entry(
        at=now,
        kind=Kind.PERSON_CALLED,
        shop=pending.shop,
        purpose=pending.purpose,
        reason=draft.needs_person,
        message=pending.id,
        written=draft.written if draft.text is None else None,
    )


def _pending_of(message: Message, *, now: datetime) -> Pending:
    """The purpose a queued text was written for. Only bots' texts have one."""
    if message.purpose is None:
        raise ValueError("only a text of the bot has a purpose to go back to")
    sending = sending_of(message)
    return Pending(
        id=message.id,
        purpose=message.purpose,
        shop=message.shop,
        order_code=message.order_code,
        due=now,
        expires_at=sending.expires_at,
        counted=sending.counted,
    )
