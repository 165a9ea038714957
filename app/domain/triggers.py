"""Order facts -> which purpose is due, when, until when."""

from __future__ import annotations

from datetime import datetime

from app.domain.conversation import Pending, derive_id
from app.domain.events import Order, Stage
from app.domain.rules import BEST_BEFORE, OLDEST_ORDER, Purpose, Rules

_BOUGHT = frozenset({Stage.PAID, Stage.ACCEPTED, Stage.PACKED, Stage.HANDED_OVER})


def purposes_due(order: Order, *, now: datetime, rules: Rules) -> tuple[Pending, ...]:
    """What an order in this stage asks us to say. The caller drops what was due before.

    A shop that accepts orders automatically never shows them as paid, so any stage between
    payment and delivery is a purchase. Delivery asks at once how the item is, and for a
    review when there was time to use it.
    """
    if order.created_at is not None and now - order.created_at > OLDEST_ORDER:
        return ()
    if order.stage in _BOUGHT:
        return (_pending(Purpose.POST_PURCHASE, order, due=now),)
    if order.stage is Stage.DELIVERED:
        return (
            _pending(Purpose.ORDER_DELIVERED, order, due=now),
            _pending(Purpose.REVIEW_REQUEST, order, due=now + rules.review_delay),
        )
    return ()


def fired_key(pending: Pending) -> str:
    """What is remembered for ever, so that an order asks for each purpose once."""
    return f"{pending.purpose}:{pending.shop}:{pending.order_code}"


def _pending(purpose: Purpose, order: Order, *, due: datetime) -> Pending:
    return Pending(
        id=derive_id(purpose, order.shop, order.code),
        purpose=purpose,
        shop=order.shop,
        order_code=order.code,
        due=due,
        expires_at=due + BEST_BEFORE[purpose],
    )
