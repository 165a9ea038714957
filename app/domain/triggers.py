"""Order facts -> which purpose is due, when, until when."""

from __future__ import annotations

from datetime import datetime

from app.domain.conversation import Pending, derive_id
from app.domain.events import Delivery, Order, Stage
from app.domain.rules import BEST_BEFORE, OLDEST_ORDER, Purpose, Rules

_BOUGHT = frozenset({Stage.PAID, Stage.ACCEPTED, Stage.PACKED, Stage.HANDED_OVER})
_WAITS_IN_SHOP = frozenset({Stage.ACCEPTED, Stage.PACKED})


def purposes_due(order: Order, *, now: datetime, rules: Rules) -> tuple[Pending, ...]:
    """What an order in this stage asks us to say, but for what its shop has switched off."""
    off = rules.of(order.shop).off
    return tuple(one for one in asked_for(order, now=now, rules=rules) if one.purpose not in off)


def asked_for(order: Order, *, now: datetime, rules: Rules) -> tuple[Pending, ...]:
    """All that an order in this stage asks for. The caller drops what was asked for before.

    A shop that accepts orders automatically never shows them as paid, so any stage between
    payment and delivery is a purchase; a thank-you is measured from the moment it was made.
    Delivery asks at once how the item is, and for a review when there was time to use it.
    What the order asked for when its shop was connected is never said.
    """
    if order.created_at is not None and now - order.created_at > OLDEST_ORDER:
        return ()
    rules = rules.of(order.shop)
    known = frozenset() if order.before is None else _asked_by(order, order.before)
    wanted = _asked_by(order, order.stage) - known
    due = [
        _pending(purpose, order, now=now, rules=rules) for purpose in Purpose if purpose in wanted
    ]
    return tuple(pending for pending in due if pending.expires_at >= now)


def fired_key(purpose: Purpose, order: Order) -> str:
    """What is remembered for ever, so that an order asks for each purpose once."""
    return f"{purpose}:{order.shop}:{order.code}"


def _asked_by(order: Order, stage: Stage) -> frozenset[Purpose]:
    """What ``order`` asks for in ``stage``."""
    asked: set[Purpose] = set()
    if stage in _BOUGHT:
        asked.add(Purpose.POST_PURCHASE)
    if stage in _WAITS_IN_SHOP and order.delivery is Delivery.PICKUP and not order.preordered:
        asked.add(Purpose.READY_FOR_PICKUP)
    if stage is Stage.HANDED_OVER:
        asked.add(Purpose.HANDED_OVER)
    if stage is Stage.DELIVERED:
        asked |= {Purpose.ORDER_DELIVERED, Purpose.REVIEW_REQUEST}
    if stage is Stage.CANCELLED and order.cancelled_by_shop:
        asked.add(Purpose.ORDER_CANCELLED)
    return frozenset(asked)


def _pending(purpose: Purpose, order: Order, *, now: datetime, rules: Rules) -> Pending:
    due = now + rules.review_delay if purpose is Purpose.REVIEW_REQUEST else now
    since = due
    if purpose is Purpose.POST_PURCHASE and order.created_at is not None:
        since = min(due, order.created_at)
    return Pending(
        id=derive_id(purpose, order.shop, order.code),
        purpose=purpose,
        shop=order.shop,
        order_code=order.code,
        due=due,
        expires_at=since + BEST_BEFORE[purpose],
    )
