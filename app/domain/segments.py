"""Who a customer is to the shop."""

from __future__ import annotations

from app.domain.conversation import OFF_STAGES, Conversation
from app.domain.hand_over import is_upset
from app.domain.meaning import Segment
from app.domain.rules import REGULAR_ORDERS, VIP_ORDERS, VIP_SUM


def segment_of(conversation: Conversation) -> Segment:
    """By what they have bought and kept; upset before all else."""
    if is_upset(conversation):
        return Segment.UPSET
    kept = [order for order in conversation.orders if order.stage not in OFF_STAGES]
    spent = sum(order.total or 0 for order in kept)
    if len(kept) >= VIP_ORDERS or spent >= VIP_SUM:
        return Segment.VIP
    return Segment.REGULAR if len(kept) >= REGULAR_ORDERS else Segment.NEW
