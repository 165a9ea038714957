"""The link to a review: only where the card is known, and with no stars chosen."""

from __future__ import annotations

import pytest

from app.domain.events import Item, Order, Stage
from app.domain.reviews import review_link


def order(*items: Item) -> Order:
    return Order(code="912000001", shop="default", stage=Stage.DELIVERED, items=items)


@pytest.mark.parametrize(
    "item",
    [
        Item(name="Куртка", sku="102529963_318274"),
        Item(name="Куртка", sku="J-1", card="102529963"),
        Item(name="Куртка", sku="999999999_1", card="102529963"),
    ],
)
def test_the_card_is_told_or_stands_in_the_sku(item: Item) -> None:
    assert review_link(order(item)) == (
        "https://kaspi.kz/shop/review/productreview?orderCode=912000001&productCode=102529963"
    )


@pytest.mark.parametrize(
    "item",
    [Item(name="Носки"), Item(name="Носки", sku="SOCKS-3PK"), Item(name="Носки", sku="12_3"),
     Item(name="Носки", card="no&rating=5")],
)  # fmt: skip
def test_without_a_card_there_is_no_link(item: Item) -> None:
    assert review_link(order(item)) is None


def test_the_first_thing_with_a_card_is_reviewed() -> None:
    link = review_link(order(Item(name="Носки"), Item(name="Куртка", card="102529963")))
    assert link is not None
    assert "102529963" in link
    assert "rating" not in link
