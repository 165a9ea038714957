"""``GET /kaspi/get_sells_info``: the shop's sales, pulled now, by the poller's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.demo.faults import CutBefore, Status
from app.demo.kaspi_faults import Html, KaspiFault, Redirect, TooMany, Truncated
from app.demo.kaspi_shapes import Buyer
from app.worker.poll import poll
from tests.builders import NOON, PHONE
from tests.e2e.kaspi_shop import BUYER, JACKET, SOCKS, TOKEN, KaspiShop, kaspi_shop
from tests.e2e.stage import Stage

OTHER = "77010000009"


@pytest.fixture
async def shop(store_url: str) -> AsyncIterator[KaspiShop]:
    async with kaspi_shop(store_url) as shop:
        await shop.connect()
        shop.stage.clock.advance(minutes=30)
        yield shop


async def test_it_answers_as_promised(shop: KaspiShop) -> None:
    shop.kaspi.masks = "never"
    shop.kaspi.place([JACKET, SOCKS], BUYER)
    done = shop.kaspi.place([SOCKS], Buyer(phone=OTHER[1:]))
    gone = shop.kaspi.place([JACKET], Buyer(phone="7010000010"))
    shop.kaspi.place([JACKET], Buyer(phone="7010000011"), needs_signature=True)
    shop.kaspi.place([JACKET], Buyer(phone=None))
    shop.kaspi.complete(done.code)
    shop.kaspi.cancel(gone.code)

    answer = await shop.pull()

    assert answer.status_code == 200
    body = answer.json()
    assert body.pop("timestamp").startswith("2026-11-23T07:3")
    assert body == {
        "success": True,
        "data": {
            "orders": [{"date": "2026-11-23", "count": 3, "amount": 34980.0}],
            "top_products": [
                {
                    "id": JACKET.sku,
                    "name": JACKET.name,
                    "quantity": 2,
                    "totalAmount": 31980.0,
                    "averagePrice": 15990.0,
                },
                {
                    "id": SOCKS.sku,
                    "name": SOCKS.name,
                    "quantity": 2,
                    "totalAmount": 3000.0,
                    "averagePrice": 1500.0,
                },
            ],
            "metrics": {"totalSales": 34980.0, "totalOrders": 3, "avgOrderValue": 11660.0},
        },
        "ai_seller": {"new": 1, "delivered": 1, "already_known": 1, "skipped": 1},
        "ai_seller_enabled": True,
    }


async def test_asking_twice_sends_nothing_twice(shop: KaspiShop) -> None:
    shop.kaspi.place([JACKET], BUYER)
    assert (await shop.pull()).json()["ai_seller"]["new"] == 1
    again = (await shop.pull()).json()["ai_seller"]
    assert again == {"new": 0, "delivered": 0, "already_known": 1, "skipped": 0}
    await shop.news()
    await shop.stage.advance(days=2)
    assert await shop.said() == ["post_purchase"]


async def test_asked_at_the_same_time_as_the_poll_nothing_is_sent_twice(shop: KaspiShop) -> None:
    for n in range(20):
        shop.kaspi.place([JACKET], Buyer(phone=f"70100000{n:02}"))
    shop.stage.clock.advance(hours=1)
    both = [poll(shop.stage.bot, "default"), poll(shop.stage.bot, "default")]
    *read, first, second = await asyncio.gather(*both, shop.pull(), shop.pull())
    pulled = [answer.json()["ai_seller"]["new"] for answer in (first, second)]
    assert sum(pulled) + sum(taken.new for taken in read) == 20
    await shop.stage.advance(hours=3)
    assert len({sent.chat_id for sent in shop.stage.waha.sent}) == len(shop.stage.texts) == 20
    assert shop.kaspi.busiest_second() <= 2


async def test_what_was_cancelled_or_returned_is_no_sale(shop: KaspiShop) -> None:
    order = shop.kaspi.place([JACKET, SOCKS], BUYER)
    assert (await shop.pull()).json()["data"]["metrics"]["totalSales"] == 17490.0
    shop.kaspi.partial_cancel(order.code, 1)
    assert (await shop.pull()).json()["data"]["metrics"]["totalSales"] == 15990.0
    shop.kaspi.cancel(order.code)
    assert (await shop.pull()).json()["data"]["metrics"]["totalSales"] == 0


async def test_orders_are_counted_on_the_shops_days_and_old_ones_by_what_was_read(
    store_url: str,
) -> None:
    async with kaspi_shop(store_url) as shop:
        shop.kaspi.place([JACKET], BUYER, created=NOON.replace(hour=18) - timedelta(days=1))
        shop.kaspi.place([JACKET], BUYER, created=NOON.replace(hour=19) - timedelta(days=1))
        shop.kaspi.complete(
            shop.kaspi.place([JACKET], BUYER, created=NOON - timedelta(days=40)).code
        )
        await shop.connect()
        days = (await shop.pull()).json()["data"]["orders"]
        assert [(day["date"], day["count"]) for day in days] == [
            ("2026-10-14", 1),
            ("2026-11-22", 1),
            ("2026-11-23", 1),
        ]


async def test_an_unknown_shop_is_404_and_one_without_a_token_502(
    shop: KaspiShop, stage: Stage
) -> None:
    assert (await shop.pull("nobody")).status_code == 404
    answer = await stage.api.get("/kaspi/get_sells_info/default")
    assert answer.status_code == 502
    assert "token" in answer.json()["detail"].lower()
    assert (await stage.public.get("/kaspi/get_sells_info/default")).status_code == 401


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Status(503), "down"),
        (CutBefore(), "reached"),
        (Html(200), "web page"),
        (Html(403), "web page"),
        (Truncated(), "JSON"),
        (TooMany(120), "slow down"),
        (Status(401, {"errors": [{"title": "no"}]}), "token"),
        (Status(403), "token"),
        (Redirect("https://evil.example/"), "redirect"),
        (Status(400, {"errors": [{"title": f"{TOKEN} ({PHONE[:0]}) is odd"}]}), "odd"),
    ],
)
async def test_what_keeps_kaspi_from_answering_is_said_without_a_secret(
    shop: KaspiShop, fault: KaspiFault, reason: str
) -> None:
    shop.kaspi.fail(fault, times=None)
    answer = await shop.pull()
    assert answer.status_code == 502
    assert reason in answer.json()["detail"]
    assert TOKEN not in answer.text
    assert PHONE[1:] not in answer.text


async def test_a_pull_that_works_ends_a_refusal(shop: KaspiShop) -> None:
    shop.kaspi.fail(Status(403))
    assert (await shop.pull()).status_code == 502
    asked = len(shop.kaspi.requests)
    await shop.news(hours=5)
    assert len(shop.kaspi.requests) == asked
    assert (await shop.pull()).status_code == 200
    shop.kaspi.place([JACKET], BUYER)
    assert (await shop.news()).new == 1
