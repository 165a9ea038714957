"""What a person at the shop is shown of a conversation, worked out by the rules."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from app.domain.conversation import Conversation, Message, Owner, Pending, Status
from app.domain.policy import owner_at, people_own_until, sent_in_window
from app.domain.rules import Purpose, Reason, Rules
from app.domain.sending import sending_of
from app.domain.shops import shop_spoken_with


class Stand(StrEnum):
    """How far something that waits has got: a purpose without words yet, a written text, or one
    of which nobody knows yet whether it went. ``CANCELLED``: a person has just taken it out.
    """

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"


class Waiting(Struct, frozen=True, kw_only=True):
    """Something that is to be said. ``blocked`` says why it is not said sooner than ``due``."""

    id: str
    stand: Stand
    shop: str
    due: datetime
    expires_at: datetime
    purpose: Purpose | None = None
    order_code: str | None = None
    text: str | None = None
    blocked: Reason | None = None


class Overview(Struct, frozen=True, kw_only=True):
    """A chat at a moment. ``owned_until`` is set while people own it.

    ``sent_in_window`` counts in the window of the shop that would start something next.
    """

    owner: Owner
    owned_until: datetime | None
    sent_in_window: int
    waiting: tuple[Waiting, ...]

    @property
    def next(self) -> Waiting | None:
        """What is to be said first."""
        return next(iter(self.waiting), None)


def overview(conversation: Conversation, now: datetime, rules: Rules) -> Overview:
    """Who owns the chat, how much of its cap is used, and what waits, soonest first."""
    owner, waits = owner_at(conversation, now, rules), waiting(conversation)
    limits = rules.of(_next_to_start(conversation, waits, rules))
    return Overview(
        owner=owner,
        owned_until=people_own_until(conversation, rules) if owner is Owner.PEOPLE else None,
        sent_in_window=sent_in_window(conversation, now, limits),
        waiting=waits,
    )


def _next_to_start(conversation: Conversation, waits: tuple[Waiting, ...], rules: Rules) -> str:
    """The id of the shop whose cap is the next to hold: where nothing waits, who would speak."""
    started = (w.shop for w in waits if w.purpose is not None and w.purpose.proactive)
    return next(started, None) or shop_spoken_with(conversation, conversation.session, rules).id


def waiting(conversation: Conversation) -> tuple[Waiting, ...]:
    """All that is to be said in this chat, soonest first."""
    scheduled = [_scheduled(pending) for pending in conversation.pending]
    queued = [_queued(message) for message in conversation.unsettled]
    return tuple(sorted([*queued, *scheduled], key=lambda w: w.due))


def _scheduled(pending: Pending) -> Waiting:
    return Waiting(
        id=pending.id,
        stand=Stand.SCHEDULED,
        shop=pending.shop,
        due=pending.due,
        expires_at=pending.expires_at,
        purpose=pending.purpose,
        order_code=pending.order_code,
        blocked=pending.blocked,
    )


def _queued(message: Message) -> Waiting:
    sending = sending_of(message)
    return Waiting(
        id=message.id,
        stand=Stand.UNCERTAIN if message.status is Status.UNCERTAIN else Stand.QUEUED,
        shop=message.shop,
        due=sending.not_before,
        expires_at=sending.expires_at,
        purpose=message.purpose,
        order_code=message.order_code,
        text=message.text,
        blocked=sending.blocked,
    )
