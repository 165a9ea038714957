"""Soft reminders: two at most for an order, days apart, and none once the customer has spoken."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from app.domain.conversation import (
    Conversation,
    Entry,
    Folded,
    Kind,
    Message,
    Pending,
    derive_id,
    dropped_entry,
    noted,
    with_pending,
    without_message,
    without_pending,
    without_proactive,
)
from app.domain.rules import BEST_BEFORE, KEPT_FIRED, REMIND_AFTER, Purpose, Reason

_REMINDED = frozenset({Purpose.ORDER_DELIVERED, Purpose.REVIEW_REQUEST, Purpose.REMINDER})
"""Questions that are asked again when nobody answers."""

_ASKS_AGAIN = frozenset({Purpose.REVIEW_REQUEST, Purpose.REMINDER})


def remind_later(conversation: Conversation, message: Message, *, now: datetime) -> Folded:
    """``message`` went: if it asked about an order, silence will be followed by a reminder.

    None before the request for a review, which asks again by itself, and none for who has the link
    to the review.
    """
    code = message.order_code
    if message.purpose not in _REMINDED or code is None or code in conversation.linked:
        return conversation, ()
    if any(p.order_code == code and p.purpose in _ASKS_AGAIN for p in conversation.pending):
        return conversation, ()
    keys = [f"{Purpose.REMINDER}:{message.shop}:{code}:{n}" for n, _ in enumerate(REMIND_AFTER)]
    n = sum(key in conversation.fired for key in keys)
    if n >= len(REMIND_AFTER):
        return conversation, ()
    due = now + REMIND_AFTER[n]
    pending = Pending(
        id=derive_id(keys[n]),
        purpose=Purpose.REMINDER,
        shop=message.shop,
        order_code=code,
        due=due,
        expires_at=due + BEST_BEFORE[Purpose.REMINDER],
    )
    fired = tuple(dict.fromkeys((*conversation.fired, keys[n])))[-KEPT_FIRED:]
    conversation = replace(with_pending(conversation, pending), fired=fired)
    entry = noted(message, Kind.SCHEDULED, now=now)
    entry = replace(entry, purpose=Purpose.REMINDER, message=pending.id, until=due)
    return conversation, (entry,)


def no_reminders(
    conversation: Conversation, *, now: datetime, order_code: str | None = None
) -> Folded:
    """Somebody has answered: what would remind them (of ``order_code`` only, if given) is dropped,
    and not said when it is written already.
    """
    entries: list[Entry] = []
    for pending in conversation.pending:
        if _is_reminder_of(pending, order_code):
            conversation = without_pending(conversation, pending.id)
            entries.append(dropped_entry(pending, Reason.ANSWERED, now=now, counted=False))
    for message in conversation.unsettled:
        tried = message.sending is not None and message.sending.tried_at is not None
        if _is_reminder_of(message, order_code) and not tried:
            conversation = without_message(conversation, message.id)
            conversation = without_proactive(conversation, message.id)
            entries.append(noted(message, Kind.DROPPED, now=now, reason=Reason.ANSWERED))
    return conversation, tuple(entries)


def _is_reminder_of(one: Pending | Message, code: str | None) -> bool:
    return one.purpose is Purpose.REMINDER and code in (None, one.order_code)
