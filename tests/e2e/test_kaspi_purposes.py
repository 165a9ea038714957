"""What an order's way gives to say, each at its time, and the more important first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.demo.kaspi_shapes import Buyer, Delivery
from tests.builders import NOON
from tests.e2e.kaspi_shop import BUYER, JACKET, KaspiShop, kaspi_shop

PATIENT = {"AI_SELLER_MAX_MESSAGES": "10"}
EAGER = {**PATIENT, "AI_SELLER_COOLDOWN_HOURS": "0"}
OTHER = "77010000009"
PRICE_LIST = """<?xml version="1.0" encoding="utf-8"?>
<kaspi_catalog date="string" xmlns="kaspiShopping"><company>T</company>
<merchantid>30000001</merchantid><offers>
<offer sku="102529963_318274"><model>Куртка Alpin черная 48</model><brand>Alpin</brand>
<availabilities><availability available="no" storeId="PP1"/></availabilities>
<price>15990</price></offer>
<offer sku="102529964_1"><model>Куртка Alpin синяя 48</model><brand>Alpin</brand>
<availabilities><availability available="yes" storeId="PP1"/></availabilities>
<price>16490</price></offer>
</offers></kaspi_catalog>"""


@pytest.fixture
async def shop(store_url: str, tmp_path: Path) -> AsyncIterator[KaspiShop]:
    path = tmp_path / "list.xml"
    path.write_text(PRICE_LIST)
    async with kaspi_shop(store_url, KASPI_PRICE_LIST=str(path), **EAGER) as shop:
        await shop.connect()
        yield shop


async def test_an_order_on_its_way_is_told_with_a_link_to_follow_it(shop: KaspiShop) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    await shop.news()
    shop.kaspi.assemble(order.code)
    await shop.news()
    assert await shop.said() == ["post_purchase"]
    shop.kaspi.hand_over(order.code)
    await shop.news()
    assert await shop.said() == ["post_purchase", "handed_over"]
    assert f"https://logistics.kaspi.kz/ksl/tracking/order/{order.code}" in shop.stage.texts[1]


async def test_a_pickup_is_told_when_it_waits_in_the_shop(shop: KaspiShop) -> None:
    order = shop.kaspi.place([JACKET], BUYER, delivery=Delivery.PICKUP)
    await shop.news()
    assert await shop.said() == ["post_purchase"]
    shop.kaspi.accept(order.code)
    await shop.news()
    assert await shop.said() == ["post_purchase", "ready_for_pickup"]
    assert "забрать" in shop.stage.texts[1]


@pytest.mark.parametrize("delivery", [d for d in Delivery if d is not Delivery.PICKUP])
async def test_what_is_brought_is_not_to_be_fetched(shop: KaspiShop, delivery: Delivery) -> None:
    order = shop.kaspi.place([JACKET], BUYER, delivery=delivery)
    shop.kaspi.accept(order.code)
    await shop.news()
    await shop.stage.advance(minutes=10)
    assert await shop.said() == ["post_purchase"]


async def test_a_preorder_is_not_ready_before_it_is_there(shop: KaspiShop) -> None:
    later = shop.stage.clock.now() + timedelta(days=20)
    order = shop.kaspi.place([JACKET], BUYER, delivery=Delivery.PICKUP, reserved_until=later)
    shop.kaspi.accept(order.code)
    await shop.news()
    assert await shop.said() == ["post_purchase"]


async def test_who_is_not_sold_an_order_is_offered_another_one(shop: KaspiShop) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    await shop.news()
    shop.kaspi.cancel(order.code, "MERCHANT_OUT_OF_STOCK")
    await shop.news()
    assert await shop.said() == ["post_purchase", "order_cancelled"]
    assert "синяя" in shop.stage.texts[1]
    await shop.stage.advance(days=8)
    assert await shop.said() == ["post_purchase", "order_cancelled"]


@pytest.mark.parametrize(
    "reason", ["BUYER_CANCELLATION_BY_MERCHANT", "BUYER_NOT_REACHABLE", "TIMEOUT_BUYER_PICKUP"]
)
async def test_what_the_buyer_cancelled_is_nobodys_to_apologise_for(
    shop: KaspiShop, reason: str
) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    await shop.news()
    shop.kaspi.cancel(order.code, reason)
    await shop.news()
    await shop.stage.advance(days=3)
    assert await shop.said() == ["post_purchase"]


async def whole_way(shop: KaspiShop) -> None:
    """Each purpose of an order falls due once, with nothing in its way."""
    order = shop.kaspi.place([JACKET], BUYER)
    await shop.news()
    shop.kaspi.hand_over(order.code)
    await shop.news()
    shop.kaspi.complete(order.code)
    await shop.news()
    fetched = shop.kaspi.place([JACKET], BUYER, delivery=Delivery.PICKUP)
    shop.kaspi.accept(fetched.code)
    await shop.news()
    await shop.stage.advance(minutes=10)
    shop.kaspi.cancel(fetched.code, "MERCHANT_OUT_OF_STOCK")
    await shop.news()
    await shop.stage.advance(hours=50)


ALL = (
    *("post_purchase", "handed_over", "order_delivered"),
    *("ready_for_pickup", "order_cancelled", "review_request"),
)


@pytest.mark.parametrize("off", [None, *ALL])
async def test_each_purpose_is_switched_off_by_itself(store_url: str, off: str | None) -> None:
    switched = {"AI_SELLER_PURPOSES_OFF": off} if off else {}
    async with kaspi_shop(store_url, **EAGER, **switched) as shop:
        await shop.connect()
        await whole_way(shop)
        assert set(await shop.said()) == set(ALL) - {off}


async def test_when_two_are_due_at_once_the_more_important_goes_first(store_url: str) -> None:
    async with kaspi_shop(store_url, **PATIENT) as shop:
        await shop.connect()
        shop.stage.clock.set(NOON + timedelta(hours=12))
        order = shop.kaspi.place([JACKET], BUYER)
        fetched = shop.kaspi.place([JACKET], Buyer(phone=OTHER[1:]), delivery=Delivery.PICKUP)
        await shop.news()
        shop.kaspi.hand_over(order.code)
        shop.kaspi.accept(fetched.code)
        await shop.news()
        await shop.stage.advance(hours=8)
        assert await shop.said() == ["handed_over"]
        assert await shop.said(OTHER) == ["ready_for_pickup"]


async def test_once_it_is_delivered_its_way_there_is_no_news(store_url: str) -> None:
    """The cooldown of the thank-you holds the other back until then."""
    async with kaspi_shop(store_url, **PATIENT) as shop:
        await shop.connect()
        order = shop.kaspi.place([JACKET], BUYER)
        await shop.news()
        shop.kaspi.hand_over(order.code)
        await shop.news()
        assert await shop.said() == ["post_purchase"]
        shop.kaspi.complete(order.code)
        await shop.news()
        assert ("dropped", "handed_over", "order_changed") in await shop.reasons()
        await shop.stage.advance(days=1, hours=2)
        assert await shop.said() == ["post_purchase", "order_delivered"]


@pytest.mark.parametrize(
    ("purpose", "hours"),
    [
        ("handed_over", 24),
        ("ready_for_pickup", 36),
        ("order_cancelled", 48),
        ("order_delivered", 72),
    ],
)
@pytest.mark.parametrize("late", [False, True])
async def test_each_is_worth_saying_for_its_own_time(
    store_url: str, purpose: str, hours: int, late: bool
) -> None:
    off = ",".join({"post_purchase", "review_request"} - {purpose})
    async with kaspi_shop(
        store_url, **EAGER, AI_SELLER_QUIET_HOURS="", AI_SELLER_PURPOSES_OFF=off
    ) as shop:
        await shop.connect()
        shop.kaspi.masks = "never"
        pickup = purpose == "ready_for_pickup"
        order = shop.kaspi.place(
            [JACKET], BUYER, delivery=Delivery.PICKUP if pickup else Delivery.POSTOMAT
        )
        await shop.stage.waha.session_becomes("FAILED")
        match purpose:
            case "handed_over":
                shop.kaspi.hand_over(order.code)
            case "ready_for_pickup":
                shop.kaspi.accept(order.code)
            case "order_cancelled":
                shop.kaspi.cancel(order.code, "MERCHANT_OUT_OF_STOCK")
            case _:
                shop.kaspi.complete(order.code)
        await shop.news()
        shop.stage.clock.advance(hours=hours, minutes=10 if late else -10)
        await shop.stage.waha.session_becomes("WORKING")
        await shop.stage.advance(minutes=2)
        assert await shop.said() == ([] if late else [purpose])
        assert (("dropped", purpose, "expired") in await shop.reasons()) is late
