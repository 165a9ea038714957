"""Where a customer may leave a review of an order on Kaspi."""

from __future__ import annotations

from urllib.parse import urlencode

from app.domain.cards import card_in
from app.domain.events import Item, Order

_REVIEW = "https://kaspi.kz/shop/review/productreview?"


def card_of(item: Item) -> str | None:
    """Kaspi's card code of a thing: as it was told, or from a SKU of the form ``card_suffix``."""
    if item.card and item.card.isdecimal():
        return item.card
    return card_in(item.sku or "")


def review_link(order: Order) -> str | None:
    """The page for a review of the first thing of ``order`` whose card is known, or None.

    No stars are chosen beforehand: the form takes ``rating``, and it is the customer's to give.
    """
    card = next((card for card in map(card_of, order.items) if card), None)
    return _REVIEW + urlencode({"orderCode": order.code, "productCode": card}) if card else None
