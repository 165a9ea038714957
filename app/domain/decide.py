"""What to do now: one decision for all that waits in a chat."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from app.domain.brief import Brief, Draft, brief_for
from app.domain.conversation import (
    Author,
    Conversation,
    Entry,
    Folded,
    Kind,
    Message,
    NeedsPerson,
    Pending,
    Proactive,
    Sending,
    Status,
    with_message,
    with_pending,
    without_message,
    without_pending,
    without_proactive,
)
from app.domain.customer import call_person, dropped_entry
from app.domain.policy import Deny, may_speak
from app.domain.rules import KEPT_PROACTIVE, PRIORITY, Purpose, Reason, Rules

_FINAL = frozenset({Reason.OPTED_OUT, Reason.ORDER_CHANGED})
"""Reasons that drop a purpose even before it is due: nothing is gained by waiting."""


class Write(Struct, frozen=True, kw_only=True):
    """Have a text written for ``pending`` from ``brief``."""

    pending: Pending
    brief: Brief


class Decision(Struct, frozen=True, kw_only=True):
    """What becomes of a chat: its new state, and what to write now."""

    conversation: Conversation
    entries: tuple[Entry, ...] = ()
    write: Write | None = None


def decide(conversation: Conversation, *, now: datetime, rules: Rules) -> Decision:
    """The most important purpose that is due and allowed; the rest waits or is dropped.

    At most one text at a time: the next is decided on a conversation that holds this one.
    """
    entries: list[Entry] = []
    write: Write | None = None
    for pending in sorted(conversation.pending, key=_rank):
        conversation, new, allowed = _consider(conversation, pending, now=now, rules=rules)
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
    moments = [pending.due for pending in conversation.pending]
    moments.extend(sending_of(message).not_before for message in sendable(conversation))
    return min(moments, default=None)


def sendable(conversation: Conversation) -> tuple[Message, ...]:
    """Written texts that may be the next to go. Only what we start ourselves is overtaken."""
    free: list[Message] = []
    for message in conversation.queued:
        free.append(message)
        if message.purpose is None or not message.purpose.proactive:
            break
    return tuple(free)


def next_text(conversation: Conversation, now: datetime) -> Message | None:
    """The first written text whose time has come."""
    return next((m for m in sendable(conversation) if sending_of(m).not_before <= now), None)


def sending_of(message: Message) -> Sending:
    """How a queued message is being sent. Raises ValueError for one that is not queued."""
    if message.sending is None:
        raise ValueError("only a queued message is sent")
    return message.sending


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
    entry = Entry(
        at=now,
        kind=Kind.SCHEDULED if reason is Reason.PACE else Kind.BLOCKED,
        shop=pending.shop,
        purpose=pending.purpose,
        reason=reason,
        until=until,
        message=pending.id,
        order_code=pending.order_code,
        counted=count,
    )
    return conversation, (entry,)


def drop(conversation: Conversation, pending: Pending, reason: Reason, *, now: datetime) -> Folded:
    """``pending`` will not be spoken. An answer that comes too late is a person's to give."""
    entry = dropped_entry(pending, reason, now=now, counted=not pending.counted)
    conversation = without_pending(conversation, pending.id)
    if pending.purpose is Purpose.REPLY and reason is Reason.EXPIRED:
        conversation, called = call_person(conversation, "unanswered", now=now)
        return conversation, (entry, *called)
    return conversation, (entry,)


def spoken(
    conversation: Conversation, pending: Pending, draft: Draft, *, now: datetime, rules: Rules
) -> Folded:
    """The text for ``pending`` is written and queued, or a person is asked to write it."""
    conversation = without_pending(conversation, pending.id)
    entries: list[Entry] = []
    if draft.text is not None:
        conversation = _queued(conversation, pending, draft, now=now, rules=rules)
        entries.append(_written(pending, draft, now=now))
    if draft.needs_person is not None:
        person = NeedsPerson(reason=draft.needs_person, since=now)
        conversation = replace(conversation, needs_person=conversation.needs_person or person)
        entries.append(_called(pending, draft, now=now))
    return conversation, tuple(entries)


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


def _consider(
    conversation: Conversation, pending: Pending, *, now: datetime, rules: Rules
) -> tuple[Conversation, tuple[Entry, ...], bool]:
    verdict = may_speak(
        conversation, pending.purpose, now=now, rules=rules, order_code=pending.order_code
    )
    if isinstance(verdict, Deny) and verdict.reason in _FINAL:
        return (*drop(conversation, pending, verdict.reason, now=now), False)
    if pending.due > now:
        return conversation, (), False
    if now > pending.expires_at:
        return (*drop(conversation, pending, Reason.EXPIRED, now=now), False)
    if not isinstance(verdict, Deny):
        return conversation, (), True
    if verdict.until is None or not pending.purpose.proactive:
        return (*drop(conversation, pending, verdict.reason, now=now), False)
    waiting = wait(conversation, pending, verdict.reason, until=verdict.until, now=now)
    return (*waiting, False)


def _queued(
    conversation: Conversation, pending: Pending, draft: Draft, *, now: datetime, rules: Rules
) -> Conversation:
    shop = rules.shop(pending.shop)
    session = shop.session if pending.purpose.proactive else conversation.session or shop.session
    message = Message(
        id=pending.id,
        author=Author.BOT,
        text=draft.text or "",
        at=now,
        status=Status.QUEUED,
        session=session,
        shop=pending.shop,
        purpose=pending.purpose,
        order_code=pending.order_code,
        written=draft.written,
        sending=Sending(not_before=now, expires_at=pending.expires_at, counted=pending.counted),
    )
    conversation = with_message(conversation, message)
    if not pending.purpose.proactive:
        return conversation
    counted = Proactive(id=message.id, at=now)
    kept = max(KEPT_PROACTIVE, rules.max_messages + 1)
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
