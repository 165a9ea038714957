"""A shop without a demper: its orders are read at Kaspi."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.builders import PHONE
from tests.e2e.kaspi_shop import BUYER, JACKET, KaspiShop, kaspi_shop


@pytest.fixture
async def shop(store_url: str) -> AsyncIterator[KaspiShop]:
    async with kaspi_shop(store_url) as shop:
        yield shop


async def test_a_new_order_is_thanked_for_once(shop: KaspiShop) -> None:
    await shop.connect()
    shop.kaspi.place([JACKET], BUYER)

    taken = await shop.news()

    assert taken.new == 1
    assert len(shop.stage.texts) == 1
    assert "Куртка Alpin" in shop.stage.texts[0]
    again = await shop.news()
    assert (again.new, again.already_known) == (0, 1)
    assert len(shop.stage.texts) == 1


async def test_what_was_there_before_is_no_news_and_what_becomes_of_it_is(shop: KaspiShop) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    await shop.connect()
    await shop.news()
    assert shop.stage.texts == []

    shop.kaspi.complete(order.code)
    taken = await shop.news()

    assert taken.delivered == 1
    [entry] = [m for m in await shop.stage.messages(PHONE)]
    assert entry["purpose"] == "order_delivered"
