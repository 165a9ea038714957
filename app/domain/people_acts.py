"""What people at the shop do with a chat, and with what is to be said in it."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from app.domain.conversation import (
    Author,
    Conversation,
    Entry,
    Folded,
    Kind,
    Message,
    Owner,
    Pending,
    Proactive,
    Sending,
    Status,
    derive_id,
    dropped_entry,
    given_up,
    noted,
    with_message,
    with_pending,
    without_message,
    without_pending,
    without_proactive,
)
from app.domain.decide import verdict_on, wait
from app.domain.events import Act, OperatorActed
from app.domain.hand_over import looked_into, not_told
from app.domain.policy import Allow, Deny, may_speak
from app.domain.rules import BEST_BEFORE, PROACTIVE, Purpose, Reason, Rules
from app.domain.shops import shop_spoken_with
from app.domain.silence import silenced

HURRIED = "hurried"
"""Why something is due sooner than it was: a person wants it said now."""

DISMISSED = "dismissed"
"""Why nothing more is done about what had failed: a person has seen it."""


def operator_acted(
    conversation: Conversation, event: OperatorActed, *, now: datetime, rules: Rules
) -> Folded:
    """The conversation after a person at the shop acted on it."""
    match event.act:
        case Act.TAKE_OVER:
            return taken_over(conversation, at=now, now=now)
        case Act.HAND_BACK:
            conversation = replace(
                conversation, owner=Owner.BOT, needs_person=None, handed_back=event.at
            )
            return conversation, (Entry(at=now, kind=Kind.HANDED_BACK),)
        case Act.SAY:
            return _said(conversation, event, now=now, rules=rules)
        case Act.OPT_OUT:
            conversation, dropped = silenced(conversation, by=Author.PERSON, at=now, now=now)
            return conversation, (Entry(at=now, kind=Kind.OPTED_OUT, reason="person"), *dropped)
        case Act.OPT_IN:
            conversation = replace(conversation, opt_out=None, paused_until=None)
            return conversation, (Entry(at=now, kind=Kind.OPTED_IN, reason="person"),)
        case Act.REPLAY:
            return _replayed(conversation, event, now=now)
        case Act.CANCEL:
            return _cancelled(conversation, event.message or "", now=now)
        case Act.SEND_NOW:
            return _hurried(conversation, event, now=now, rules=rules)
        case Act.DISMISS:
            entry = _dismissed(conversation, event.message, now=now)
            return looked_into(conversation, event.message), (entry,)


def taken_over(conversation: Conversation, *, at: datetime, now: datetime) -> Folded:
    """People own the chat from ``at`` on; the bot's waiting answers are theirs to give."""
    dropped = tuple(p for p in conversation.pending if not p.purpose.proactive)
    kept = tuple(p for p in conversation.pending if p.purpose.proactive)
    conversation = replace(
        conversation,
        owner=Owner.PEOPLE,
        person_at=max(at, conversation.person_at or at),
        needs_person=None,
        pending=kept,
    )
    entries = tuple(
        dropped_entry(p, Reason.PEOPLE_OWN_CHAT, now=now, counted=not p.counted) for p in dropped
    )
    return conversation, (Entry(at=now, kind=Kind.TAKEN_OVER), *entries)


def _said(
    conversation: Conversation, event: OperatorActed, *, now: datetime, rules: Rules
) -> Folded:
    shop = shop_spoken_with(conversation, conversation.session, rules)
    message = Message(
        id=derive_id("say", event.id),
        author=Author.PERSON,
        text=event.text,
        at=now,
        status=Status.QUEUED,
        session=conversation.session or shop.session,
        shop=shop.id,
        sending=Sending(not_before=now, expires_at=now + BEST_BEFORE[Purpose.REPLY]),
    )
    if conversation.message(message.id) is not None:
        return conversation, ()
    conversation, taken = taken_over(with_message(conversation, message), at=now, now=now)
    said = Entry(at=now, kind=Kind.PERSON_SAID, shop=message.shop, message=message.id)
    return conversation, (said, *taken)


# --- what failed ------------------------------------------------------------------------------


def _replayed(conversation: Conversation, event: OperatorActed, *, now: datetime) -> Folded:
    """A message that was given up is queued again under its own ids; the last look still decides.

    One of which nobody knows whether it went is looked for first, so that it is not sent twice.
    """
    message = conversation.message(event.message or "")
    if message is None or not given_up(message):
        return conversation, ()
    sending = Sending(not_before=now, expires_at=now + _worth_saying(message))
    if message.status is Status.UNCERTAIN:
        sending = replace(sending, tried_at=message.at)
        again = replace(message, sending=sending, failure=None)
    else:
        again = replace(message, status=Status.QUEUED, sending=sending, failure=None)
    entry = noted(message, Kind.SCHEDULED, now=now, reason="replayed")
    conversation = looked_into(conversation, message.id)
    conversation = replace(with_message(conversation, again), no_whatsapp=None)
    if message.purpose is not None and message.purpose.proactive:
        counted = Proactive(id=message.id, at=now)
        conversation = without_proactive(conversation, message.id)
        conversation = replace(conversation, proactive=(*conversation.proactive, counted))
    return conversation, (entry,)


class HeldBack(Struct, frozen=True, kw_only=True):
    """A rule says no to what failed: for a while, or ``for_good``, and it would be thrown away."""

    reason: Reason
    for_good: bool


def held_back(
    conversation: Conversation, message: Message, *, now: datetime, rules: Rules
) -> HeldBack | None:
    """What holds back a message that failed, if it was tried again; None where it goes.

    A person's own words need no permission, and what may have gone is looked for, not sent.
    """
    if message.purpose is None or message.status is Status.UNCERTAIN:
        return None
    verdict = may_speak(
        replace(conversation, no_whatsapp=None),
        message.purpose,
        now=now,
        rules=rules.of(message.shop),
        order_code=message.order_code,
        ignoring=message.id,
    )
    if isinstance(verdict, Allow):
        return None
    until, latest = verdict.until, now + _worth_saying(message)
    in_vain = until is None or until > latest or verdict.reason is Reason.DISABLED
    return HeldBack(reason=verdict.reason, for_good=in_vain)


def _worth_saying(message: Message) -> timedelta:
    """How long it may wait once more: a night at least, where the night can hold it back."""
    return BEST_BEFORE[message.purpose if message.purpose in PROACTIVE else Purpose.REPLY]


def _dismissed(conversation: Conversation, id_: str | None, *, now: datetime) -> Entry:
    """It stays as it is: failed, or nobody knows; or facts of it were thrown away."""
    message = conversation.message(id_ or "")
    if message is None:
        return Entry(at=now, kind=Kind.DROPPED, reason=DISMISSED, message=id_)
    return noted(message, Kind.DROPPED, now=now, reason=DISMISSED)


# --- what waits -------------------------------------------------------------------------------


def may_be_acted_on(conversation: Conversation, id_: str) -> bool:
    """Whether this can still be cancelled or hurried: it waits, and is not under way."""
    waits = waiting_message(conversation, id_) or waiting_purpose(conversation, id_)
    return waits is not None


def waiting_message(conversation: Conversation, id_: str) -> Message | None:
    """The written text with this id that waits and is not under way: it certainly did not go."""
    message = conversation.message(id_)
    if message is None or message.sending is None or message.sending.tried_at is not None:
        return None
    return message if message.status is Status.QUEUED else None


def waiting_purpose(conversation: Conversation, id_: str) -> Pending | None:
    """The purpose with this id that waits and has no words yet."""
    return next((p for p in conversation.pending if p.id == id_), None)


def _cancelled(conversation: Conversation, id_: str, *, now: datetime) -> Folded:
    """It will not be said, and what asked for it is not asked again. What is under way goes on."""
    message, pending = waiting_message(conversation, id_), waiting_purpose(conversation, id_)
    entries: list[Entry] = []
    if message is not None and message.sending is not None:
        conversation = without_proactive(without_message(conversation, id_), id_)
        counted = message.purpose in PROACTIVE and not message.sending.counted
        entry = noted(message, Kind.DROPPED, now=now, reason=Reason.CANCELLED)
        entries.append(replace(entry, counted=counted))
    if pending is not None:
        conversation = without_pending(conversation, id_)
        counted = pending.purpose.proactive and not pending.counted
        entries.append(dropped_entry(pending, Reason.CANCELLED, now=now, counted=counted))
    if any(entry.purpose is Purpose.HANDOFF_NOTICE for entry in entries):
        conversation = not_told(conversation)
    return conversation, tuple(entries)


def _hurried(
    conversation: Conversation, event: OperatorActed, *, now: datetime, rules: Rules
) -> Folded:
    """It is due now. All that holds back what is due holds it back too, and is told."""
    id_, at = event.message or "", event.at
    message, pending = waiting_message(conversation, id_), waiting_purpose(conversation, id_)
    if message is not None and message.sending is not None:
        return _tried_sooner(conversation, message, message.sending, at=at, now=now)
    if pending is None or pending.due <= at:
        return conversation, ()
    verdict = verdict_on(conversation, pending, now=now, rules=rules, sessions={})
    match verdict:
        case Allow():
            sooner = replace(pending, due=at, blocked=None)
            entry = _told_of(pending, Kind.SCHEDULED, HURRIED, now=now, until=at)
            return with_pending(conversation, sooner), (entry,)
        case Deny(until=until) if until is not None and until <= pending.expires_at:
            until = min(until, pending.due)
            return wait(conversation, pending, verdict.reason, until=until, now=now)
        case Deny():  # it would be dropped for the hurry: it keeps its time instead
            entry = _told_of(pending, Kind.BLOCKED, verdict.reason, now=now, until=pending.due)
            return conversation, (entry,)


def _tried_sooner(
    conversation: Conversation, message: Message, sending: Sending, *, at: datetime, now: datetime
) -> Folded:
    """A text that waits to be tried again is tried now, but for its place in the session's pace."""
    if sending.not_before <= at or sending.slot is not None or sending.blocked is not None:
        return conversation, ()
    sooner = replace(message, sending=replace(sending, not_before=at))
    entry = noted(message, Kind.SCHEDULED, now=now, reason=HURRIED)
    return with_message(conversation, sooner), (replace(entry, until=at),)


def _told_of(pending: Pending, kind: Kind, reason: str, *, now: datetime, until: datetime) -> Entry:
    return Entry(
        at=now,
        kind=kind,
        shop=pending.shop,
        purpose=pending.purpose,
        reason=reason,
        until=until,
        message=pending.id,
        order_code=pending.order_code,
    )
