"""What a customer's message may mean, as far as the rules know: closed sets of words."""

from __future__ import annotations

from enum import StrEnum


class Topic(StrEnum):
    """What a question is about. The seller may state a rule for some of them."""

    ORDER_STATUS = "order_status"
    DELIVERY = "delivery"
    RETURNS = "returns"
    WARRANTY = "warranty"
    HOURS = "hours"
    ADDRESS = "address"
    PAYMENT = "payment"
    PRICE = "price"
    STOCK = "stock"
    DISCOUNT = "discount"
    ACCESSORIES = "accessories"
    REVIEW = "review"


class Concern(StrEnum):
    """Why a person at the shop should answer rather than the bot."""

    WANTS_PERSON = "wants_person"
    REFUND = "refund"
    COMPLAINT = "complaint"
    LEGAL = "legal"
    HEALTH = "health"
    ANGER = "anger"
    MISUNDERSTOOD = "misunderstood"


class Mood(StrEnum):
    """How the customer is with what was bought."""

    GOOD = "good"
    BAD = "bad"


class Segment(StrEnum):
    """Who the customer is to the shop."""

    NEW = "new"
    REGULAR = "regular"
    VIP = "vip"
    UPSET = "upset"
