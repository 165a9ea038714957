"""From a written text to a message that is known to be out: queued, tried, and what came of it.

::

    queued ──▶ tried ──▶ sent ──▶ delivered ──▶ read
      ▲          │  └──▶ failed
      │          ▼
      └────── uncertain    our echo or WhatsApp's history says that it went, or that it did not
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from app.domain.conversation import (
    OPEN,
    Author,
    Conversation,
    Entry,
    Folded,
    Kind,
    Message,
    Pending,
    Sending,
    Status,
    given_up,
    noted,
    share,
    with_message,
    with_pending,
    with_proactive_at,
    without_message,
    without_proactive,
)
from app.domain.events import FORBIDDEN, Receipt, ReceiptCame
from app.domain.hand_over import UNCONFIRMED, call_person, looked_into
from app.domain.reminders import remind_later
from app.domain.rules import (
    BEST_BEFORE,
    LOOK_DELAYS,
    MOST_LOOKS,
    MOST_SENDS,
    PROACTIVE,
    RETRY_DELAYS,
    RETRY_JITTER,
    Purpose,
    Reason,
    Rules,
)

DID_NOT_GO = "did_not_go"
"""Why a message failed of which WhatsApp's history showed nothing; seen after all, it went."""

KEPT_STRAYS = 20
"""Receipts kept for messages whose id is not known yet."""

_HELD_LOOK = timedelta(hours=1)
"""How soon an uncertain message is looked for again while its session is down."""

PAST = timedelta(seconds=1)
"""Just after a moment, so that what is asked then is asked once."""


def retry_delay(
    cause: str, attempt: int, delays: tuple[timedelta, ...] = RETRY_DELAYS
) -> timedelta:
    """How long to wait after the ``attempt``-th failure (0 is the first): one policy for all.

    The jitter is a hash of ``cause``, so that what failed together is not tried together.
    """
    delay = delays[min(attempt, len(delays) - 1)]
    return delay * (1 + RETRY_JITTER * share(cause, str(attempt), "retry"))


# --- the queue --------------------------------------------------------------------------------


def sending_of(message: Message) -> Sending:
    """How a message is being sent. Raises ValueError for one that is settled."""
    if message.sending is None:
        raise ValueError("only an unsettled message is sent")
    return message.sending


def sendable(conversation: Conversation) -> tuple[Message, ...]:
    """Texts that may be the next to go, or to be looked for.

    Until it is known whether an answer went, the next one waits, or the two would arrive in the
    wrong order. What we start ourselves holds nobody up, and a person's words wait for a person's.
    """
    free: list[Message] = []
    answer = person = False
    for message in conversation.unsettled:
        if message.author is Author.PERSON:
            if not person:
                free.append(message)
            person = True
        elif message.purpose is not None and message.purpose.proactive:
            if not answer and not person:
                free.append(message)
        else:
            if not answer and not person:
                free.append(message)
            answer = True
    return tuple(free)


def due_texts(conversation: Conversation, now: datetime) -> tuple[Message, ...]:
    """The texts whose time has come, to be sent or looked for. What is held is asked about."""
    return tuple(m for m in sendable(conversation) if _is_due(m, now))


def wake_of(message: Message) -> datetime:
    """When a text must be looked at again if nothing happens before; at last when it is too late.

    What is held is released with its session.
    """
    sending = sending_of(message)
    if message.status is Status.UNCERTAIN:
        return sending.not_before
    too_late = sending.expires_at + PAST
    return too_late if sending.blocked is not None else min(sending.not_before, too_late)


def _is_due(message: Message, now: datetime) -> bool:
    sending = sending_of(message)
    expired = message.status is Status.QUEUED and now > sending.expires_at
    return sending.blocked is not None or expired or sending.not_before <= now


# --- before the POST --------------------------------------------------------------------------


def held(
    conversation: Conversation,
    message: Message,
    *,
    now: datetime,
    reason: Reason = Reason.SESSION_DOWN,
) -> Folded:
    """The session is down, or the bot is off for now: the text waits, told once and never tried
    meanwhile.

    One of which nobody knows whether it went is asked about again now and then, for it has no end.
    """
    sending = sending_of(message)
    uncertain, known = message.status is Status.UNCERTAIN, sending.blocked is reason
    if known and not (uncertain and sending.not_before <= now):
        return conversation, ()
    waiting = replace(
        sending,
        blocked=reason,
        counted=True,
        not_before=now + _HELD_LOOK if uncertain else sending.not_before,
    )
    conversation = with_message(conversation, replace(message, sending=waiting))
    if known:
        return conversation, ()
    entry = noted(message, Kind.BLOCKED, now=now, reason=reason)
    return conversation, (replace(entry, counted=not sending.counted and not uncertain),)


def tried(
    conversation: Conversation, message: Message, *, short_id: str, now: datetime
) -> Conversation:
    """Just before the POST: a crash from here on leaves a message nobody knows the fate of.

    ``short_id`` is the id we ask WhatsApp to give it; an engine that cannot gives another.
    """
    sending = replace(sending_of(message), tried_at=now, blocked=None)
    return with_message(conversation, replace(message, message=short_id, sending=sending))


# --- what came of it --------------------------------------------------------------------------


def went(
    conversation: Conversation,
    message: Message,
    *,
    now: datetime,
    short_id: str | None = None,
    reason: str | None = None,
    facts: tuple[str, ...] = (),
) -> Folded:
    """It is out, under this id if that is known. Receipts that came before are taken in."""
    if message.status not in OPEN and message.failure != DID_NOT_GO:
        return conversation, ()
    after = replace(
        message,
        status=Status.SENT,
        message=short_id or message.message,
        sending=None,
        failure=None,
    )
    conversation = with_proactive_at(with_message(conversation, after), message.id, now)
    if given_up(message):
        conversation = looked_into(conversation, message.id)
    entries = [replace(noted(message, Kind.SENT, now=now, reason=reason), facts=facts)]
    strays = conversation.strays
    mine = [stray for stray in strays if stray.message == after.message]
    others = tuple(stray for stray in strays if stray not in mine)
    conversation = replace(conversation, strays=others if _is_waiting(conversation) else ())
    for stray in mine:
        conversation, more = receipt_came(conversation, stray, now=now)
        entries.extend(more)
    conversation, reminder = remind_later(conversation, after, now=now)
    return conversation, (*entries, *reminder)


def left_out(conversation: Conversation, message: Message, *, now: datetime) -> Folded:
    """Test mode: all was done but the sending."""
    after = replace(message, status=Status.DRY_RUN, sending=None)
    conversation = with_proactive_at(with_message(conversation, after), message.id, now)
    conversation, reminder = remind_later(conversation, after, now=now)
    return conversation, (noted(message, Kind.DRY_RUN, now=now), *reminder)


def later(
    conversation: Conversation,
    message: Message,
    *,
    reason: str | None,
    now: datetime,
    at_least: timedelta = timedelta(),
) -> Folded:
    """It certainly did not go: again after a while, in its place in the queue."""
    sending = sending_of(message)
    again = now + max(retry_delay(message.id, sending.attempts), at_least)
    waiting = replace(
        sending,
        tried_at=None,
        slot=None,
        blocked=None,
        looks=0,
        attempts=sending.attempts + 1,
        not_before=again,
    )
    conversation = with_message(
        conversation, replace(message, status=Status.QUEUED, sending=waiting)
    )
    entry = noted(message, Kind.RETRYING, now=now, reason=reason)
    return conversation, (replace(entry, until=again),)


def untried(conversation: Conversation, message: Message) -> Folded:
    """It certainly did not go, and that was the session's fault: it stays as it was."""
    waiting = replace(sending_of(message), tried_at=None)
    queued = replace(message, status=Status.QUEUED, sending=waiting)
    return with_message(conversation, queued), ()


def failed(conversation: Conversation, message: Message, *, reason: str, now: datetime) -> Folded:
    """It certainly did not go and never will; people see it and may have it sent again."""
    if message.status not in OPEN:
        return conversation, ()
    after = replace(message, status=Status.FAILED, sending=None, failure=reason)
    conversation = without_proactive(with_message(conversation, after), message.id)
    if reason == Reason.NOT_ON_WHATSAPP:
        conversation = replace(conversation, no_whatsapp=now)
    return conversation, (noted(message, Kind.FAILED, now=now, reason=reason),)


def unclear(
    conversation: Conversation, message: Message, *, reason: str, now: datetime, taken: bool = False
) -> Folded:
    """It left and nobody knows whether it arrived: never sent again before that is known."""
    if message.status is not Status.QUEUED:
        return conversation, ()
    looking = replace(
        sending_of(message),
        tried_at=sending_of(message).tried_at or now,
        not_before=now + LOOK_DELAYS[0],
        looks=0,
        taken=taken,
    )
    after = replace(message, status=Status.UNCERTAIN, sending=looking)
    conversation = with_proactive_at(with_message(conversation, after), message.id, now)
    return conversation, (noted(message, Kind.UNCERTAIN, now=now, reason=reason),)


def look_later(conversation: Conversation, message: Message, *, now: datetime) -> Folded:
    """WhatsApp could not be asked: again after a while."""
    sending = sending_of(message)
    again = now + retry_delay(message.id, sending.looks)
    asked = replace(sending, looks=sending.looks + 1, not_before=again, blocked=None)
    return with_message(conversation, replace(message, sending=asked)), ()


def not_seen(
    conversation: Conversation,
    message: Message,
    *,
    knowable: bool,
    works_since: datetime | None = None,
    now: datetime,
    rules: Rules,
) -> Folded:
    """WhatsApp's history does not show it, or (not ``knowable``) cannot be read on this WAHA.

    Until WAHA has worked long enough to settle what it was asked, that says nothing: one that
    stood still goes on with it when it wakes. After it, what is not in the history did not go; what
    cannot be known stays uncertain and is never sent again by itself.
    """
    sending = sending_of(message)
    tried_at = sending.tried_at or now
    settled = max(tried_at, works_since or tried_at) + rules.settle
    if now < settled and sending.looks < MOST_LOOKS:
        delay = LOOK_DELAYS[min(sending.looks, len(LOOK_DELAYS) - 1)]
        looked = replace(
            sending, looks=sending.looks + 1, not_before=min(now + delay, settled), blocked=None
        )
        return with_message(conversation, replace(message, sending=looked)), ()
    if sending.taken and now >= settled:
        return went(conversation, message, now=now, reason="taken")
    if not knowable or now < settled:
        return _never_known(conversation, message, now=now)
    if sending.attempts + 1 < MOST_SENDS:
        return later(conversation, message, reason=DID_NOT_GO, now=now)
    return failed(conversation, message, reason=DID_NOT_GO, now=now)


def _never_known(conversation: Conversation, message: Message, *, now: datetime) -> Folded:
    unknown = replace(message, sending=None, failure=UNCONFIRMED)
    conversation, called = call_person(with_message(conversation, unknown), UNCONFIRMED, now=now)
    # Counted as uncertain when it became so: here it is only given up.
    return conversation, (noted(message, Kind.RECEIPT, now=now, reason=UNCONFIRMED), *called)


# --- receipts ---------------------------------------------------------------------------------

_PROGRESS = (Status.QUEUED, Status.UNCERTAIN, Status.SENT, Status.DELIVERED, Status.READ)
_STATUS_OF = {
    Receipt.ACCEPTED: Status.SENT,
    Receipt.DELIVERED: Status.DELIVERED,
    Receipt.READ: Status.READ,
    Receipt.FAILED: Status.FAILED,
}


def receipt_came(conversation: Conversation, event: ReceiptCame, *, now: datetime) -> Folded:
    """Statuses only go forward; a failure counts only while nothing says that it arrived."""
    message = conversation.ours(event.message)
    if message is None:
        return _astray(conversation, event), ()
    if message.status not in _PROGRESS:
        return conversation, ()
    status = _STATUS_OF[event.receipt]
    is_failure = status is Status.FAILED
    reached = _PROGRESS.index(message.status)
    if reached >= _PROGRESS.index(Status.DELIVERED if is_failure else status):
        return conversation, ()
    if is_failure and _is_forbidden(message, event):
        return _forbidden(conversation, message, now=now)
    entries: list[Entry] = []
    if not is_failure and message.status in OPEN:
        conversation, proof = went(conversation, message, now=now, reason="seen_on_whatsapp")
        entries.extend(proof)
        message = conversation.message(message.id) or message
        if status is Status.SENT:
            return conversation, tuple(entries)
    changed = replace(message, status=status, sending=None, failure=event.reason)
    conversation = with_message(conversation, changed)
    if is_failure:
        conversation = without_proactive(conversation, message.id)
    kind = Kind.FAILED if is_failure else Kind.RECEIPT
    reasons = [event.reason if is_failure else str(status)]
    if status is Status.READ and message.status is not Status.DELIVERED:
        reasons.insert(0, str(Status.DELIVERED))  # read is delivered too, and that is counted
    for reason in reasons:
        entry = noted(message, kind, now=now, reason=reason)
        entries.append(replace(entry, facts=(event.id,)))
    return conversation, tuple(entries)


def _is_forbidden(message: Message, event: ReceiptCame) -> bool:
    """WhatsApp lets the number write to no new contacts: not this message's fault."""
    return event.reason == FORBIDDEN and message.purpose in PROACTIVE


def _forbidden(conversation: Conversation, message: Message, *, now: datetime) -> Folded:
    """What we started waits again, and is written anew when it may be."""
    purpose = message.purpose or Purpose.POST_PURCHASE
    pending = Pending(
        id=message.id,
        purpose=purpose,
        shop=message.shop,
        order_code=message.order_code,
        due=now,
        expires_at=message.at + BEST_BEFORE[purpose],
    )
    conversation = without_proactive(without_message(conversation, message.id), message.id)
    entry = noted(message, Kind.RETRYING, now=now, reason=Reason.RESTRICTED)
    return with_pending(conversation, pending), (entry,)


def _astray(conversation: Conversation, event: ReceiptCame) -> Conversation:
    """Kept while a message of ours is out whose id we do not know."""
    if event in conversation.strays or not _is_waiting(conversation):
        return conversation
    return replace(conversation, strays=(*conversation.strays, event)[-KEPT_STRAYS:])


def _is_waiting(conversation: Conversation) -> bool:
    return any(sending_of(message).tried_at for message in conversation.unsettled)
