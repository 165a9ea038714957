"""Read again before speaking: what was cancelled or returned meanwhile is not asked about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.demo.faults import CutBefore, Status
from app.demo.kaspi_faults import Garbage, Html, KaspiFault, TooMany
from app.demo.kaspi_shapes import Buyer, Order
from tests.builders import NOON, PHONE
from tests.e2e.kaspi_shop import BUYER, JACKET, SOCKS, KaspiShop, kaspi_shop

OTHER = "77010000009"
LATE = NOON + timedelta(hours=12)
"""Midnight: what is due waits for the morning."""


@pytest.fixture
async def shop(store_url: str) -> AsyncIterator[KaspiShop]:
    async with kaspi_shop(store_url, AI_SELLER_MAX_MESSAGES="10") as shop:
        await shop.connect()
        yield shop


async def bought_at_night(shop: KaspiShop) -> Order:
    """An order whose thank-you waits for the morning; nothing is read until then."""
    shop.stage.clock.set(LATE)
    order = shop.kaspi.place([JACKET, SOCKS], BUYER)
    await shop.news()
    assert shop.stage.texts == []
    return order


async def delivered(shop: KaspiShop) -> Order:
    shop.kaspi.masks = "never"
    order = shop.kaspi.place([JACKET], BUYER)
    shop.kaspi.complete(order.code)
    await shop.news()
    assert await shop.said() == ["order_delivered"]
    return order


async def test_a_review_is_not_asked_for_of_what_was_returned_meanwhile(shop: KaspiShop) -> None:
    order = await delivered(shop)
    shop.kaspi.return_(order.code)
    await shop.stage.advance(days=4)
    assert await shop.said() == ["order_delivered"]
    assert ("dropped", "review_request", "order_changed") in await shop.reasons()


async def test_a_review_is_asked_for_of_what_was_kept(shop: KaspiShop) -> None:
    order = await delivered(shop)
    asked = len(shop.kaspi.requests)
    await shop.stage.advance(days=2, hours=3)
    assert await shop.said() == ["order_delivered", "review_request"]
    [seen] = shop.kaspi.requests[asked:]
    assert seen.query["filter[orders][code]"] == order.code


async def test_nobody_is_reminded_of_what_was_returned_meanwhile(shop: KaspiShop) -> None:
    order = await delivered(shop)
    await shop.stage.advance(days=3)
    assert await shop.said() == ["order_delivered", "review_request"]
    shop.kaspi.request_return(order.code)
    await shop.stage.advance(days=14)
    assert await shop.said() == ["order_delivered", "review_request"]
    assert ("dropped", "reminder", "order_changed") in await shop.reasons()


@pytest.mark.parametrize("step", ["cancel", "cancelling", "complete"])
async def test_nobody_is_thanked_for_what_was_cancelled_or_delivered_meanwhile(
    shop: KaspiShop, step: str
) -> None:
    order = await bought_at_night(shop)
    if step == "cancelling":
        shop.kaspi.accept(order.code)
    getattr(shop.kaspi, step)(order.code)
    await shop.stage.advance(hours=12)
    assert "post_purchase" not in await shop.said()
    assert ("dropped", "post_purchase", "order_changed") in await shop.reasons()


@pytest.mark.parametrize("fault", [Status(500), CutBefore(), Html(200), Html(404), Garbage()])
async def test_while_kaspi_does_not_answer_a_text_waits(shop: KaspiShop, fault: KaspiFault) -> None:
    order = await bought_at_night(shop)
    shop.kaspi.fail(fault, times=None)
    if isinstance(fault, Garbage):
        order.overrides["code"] = None
    await shop.stage.advance(hours=12)
    assert shop.stage.texts == []
    assert ("blocked", "post_purchase", "order_unread") in await shop.reasons()
    shop.kaspi.heal()
    order.overrides.clear()
    await shop.stage.advance(minutes=15)
    assert await shop.said() == ["post_purchase"]


async def test_what_could_not_be_read_until_it_was_too_late_is_not_said(shop: KaspiShop) -> None:
    await bought_at_night(shop)
    shop.kaspi.down = True
    await shop.stage.advance(days=3)
    shop.kaspi.down = False
    await shop.stage.advance(days=1)
    assert shop.stage.texts == []
    kind, purpose, _ = next(line for line in reversed(await shop.reasons()) if line[1])
    assert (kind, purpose) == ("dropped", "post_purchase")


async def test_an_order_that_only_a_demper_knows_is_spoken_of(shop: KaspiShop) -> None:
    await shop.stage.ordered(code="777000111", phone=PHONE)
    await shop.stage.settle()
    assert await shop.said() == ["post_purchase"]


async def test_an_order_that_a_demper_gave_no_number_is_not_asked_for(shop: KaspiShop) -> None:
    asked = len(shop.kaspi.requests)
    await shop.stage.ordered(code="", phone=PHONE)
    await shop.stage.settle()
    assert await shop.said() == ["post_purchase"]
    assert len(shop.kaspi.requests) == asked


async def test_where_the_merchants_id_is_wrong_nothing_is_known_of_any_order(
    shop: KaspiShop,
) -> None:
    """Kaspi answers 404 then, which is no word on this order: thanks go, a question waits."""
    order = await bought_at_night(shop)
    shop.kaspi.merchant_uid = "30000099"
    await shop.stage.advance(hours=12)
    assert await shop.said() == ["post_purchase"]
    await shop.stage.ordered("ORDER_DELIVERED", code=order.code, phone=PHONE)
    await shop.stage.advance(days=4)
    assert "review_request" not in await shop.said()
    assert ("blocked", "review_request", "order_unread") in await shop.reasons()


@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_text_that_waited_for_whatsapp_is_read_again_before_it_leaves(
    shop: KaspiShop, cancelled: bool
) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    shop.stage.waha.deaf = True
    await shop.stage.waha.session_becomes("FAILED")
    await shop.news()
    [message] = await shop.stage.messages()
    assert message["status"] == "queued"
    shop.stage.waha.deaf = False
    if cancelled:
        shop.kaspi.cancel(order.code)
    shop.stage.clock.advance(minutes=30)
    await shop.stage.waha.session_becomes("WORKING")
    await shop.stage.advance(minutes=5)
    assert await shop.said() == ([] if cancelled else ["post_purchase"])
    dropped = ("dropped", "post_purchase", "order_changed") in await shop.reasons()
    assert dropped is cancelled


async def test_a_held_text_waits_on_while_kaspi_is_down(shop: KaspiShop) -> None:
    shop.kaspi.place([JACKET], BUYER)
    shop.stage.waha.deaf = True
    await shop.stage.waha.session_becomes("FAILED")
    await shop.news()
    shop.stage.waha.deaf = False
    shop.kaspi.down = True
    shop.stage.clock.advance(minutes=30)
    await shop.stage.waha.session_becomes("WORKING")
    await shop.stage.advance(minutes=30)
    assert shop.stage.texts == []
    shop.kaspi.down = False
    await shop.stage.advance(minutes=15)
    assert await shop.said() == ["post_purchase"]


async def test_what_kaspi_asked_of_one_question_holds_for_all(shop: KaspiShop) -> None:
    """A 429 to a text's question keeps the next texts and the polls from asking."""
    await bought_at_night(shop)
    shop.kaspi.place([JACKET], Buyer(phone=OTHER[1:]))
    await shop.news()
    shop.stage.clock.set(LATE + timedelta(hours=8, minutes=30))
    shop.kaspi.fail(TooMany(7200))
    asked = len(shop.kaspi.requests)
    await shop.stage.advance(hours=1, minutes=10)
    assert len(shop.kaspi.requests) == asked + 1
    assert await shop.read() == await shop.read()
    assert (await shop.pull()).status_code == 502
    assert len(shop.kaspi.requests) == asked + 1
    await shop.stage.advance(hours=1)
    assert await shop.said() == await shop.said(OTHER) == ["post_purchase"]


async def test_a_refused_token_is_not_tried_with_every_text(shop: KaspiShop) -> None:
    await bought_at_night(shop)
    shop.kaspi.place([JACKET], Buyer(phone=OTHER[1:]))
    await shop.news()
    shop.kaspi.token = "another-now="
    asked = len(shop.kaspi.requests)
    await shop.stage.advance(hours=14)
    assert len(shop.kaspi.requests) == asked + 1
    assert await shop.said() == await shop.said(OTHER) == ["post_purchase"]
    assert await shop.read() == await shop.read()
    assert len(shop.kaspi.requests) == asked + 1


async def test_reading_again_costs_a_text_no_second_turn_in_the_pace(shop: KaspiShop) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    await shop.stage.ordered(code=order.code, phone=PHONE)
    await shop.stage.settle()
    assert await shop.said() == ["post_purchase"]


async def test_what_is_read_again_of_another_buyer_changes_no_name(shop: KaspiShop) -> None:
    order = shop.kaspi.place([SOCKS], Buyer(phone=OTHER[1:], first_name="БОЛАТ"))
    await shop.stage.ordered(code=order.code, phone=PHONE, name="Айгерим С")
    await shop.stage.settle()
    assert (await shop.stage.contact())["name"] == "Айгерим С"
    assert "Куртка" in shop.stage.texts[0]
    assert "Айгерим" in shop.stage.texts[0]
