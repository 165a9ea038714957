"""Kaspi in trouble, and settings changed meanwhile: nothing is stuck, nothing is said too late."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from app.demo.faults import Hang, Status
from app.demo.kaspi_faults import TooMany
from app.demo.kaspi_shapes import Delivery, Order
from app.domain.conversation import Conversation
from app.domain.events import Stage
from app.worker.chores import unless_stopped
from app.worker.poll import poll, shops_due
from tests.builders import PHONE
from tests.e2e.kaspi_shop import BUYER, JACKET, KaspiShop, kaspi_shop

AT_ONCE = {
    "AI_SELLER_SEND_INTERVAL_SECONDS": "0",
    "AI_SELLER_QUIET_HOURS": "",
    "AI_SELLER_COOLDOWN_HOURS": "0",
    "AI_SELLER_MAX_MESSAGES": "50",
}


async def chat_of(shop: KaspiShop) -> Conversation:
    conversation = (await shop.stage.bot.mailbox.look(PHONE)).conversation
    assert conversation is not None
    return conversation


def delivered(shop: KaspiShop, code: str) -> None:
    shop.kaspi.hand_over(code)
    shop.kaspi.complete(code)


async def bought_and_delivered(shop: KaspiShop) -> Order:
    """An order that was thanked for; that it is delivered was not read yet."""
    await shop.connect()
    order = shop.kaspi.place([JACKET], BUYER)
    await shop.news(minutes=3)
    delivered(shop, order.code)
    return order


async def test_a_new_token_that_meets_a_busy_kaspi_is_waited_for_and_goes_on(
    store_url: str,
) -> None:
    async with kaspi_shop(store_url) as shop:
        await shop.connect()
        shop.kaspi.token = "a-new-token="
        await shop.news()
    async with kaspi_shop(store_url, KASPI_API_TOKEN="a-new-token=") as shop:
        shop.kaspi.token = "a-new-token="
        shop.stage.clock.advance(hours=2)
        shop.kaspi.fail(TooMany(20))
        polls = 0
        for _ in range(300):
            if "default" in await shops_due(shop.stage.bot):
                polls += 1
                await poll(shop.stage.bot, "default")
            shop.stage.clock.advance(seconds=1)
        assert polls < 10
        reading = await shop.stage.bot.orders.reading("default")
        assert (reading.failures, reading.refused) == (0, None)


async def test_what_was_switched_off_then_is_not_said_when_it_is_switched_on(
    store_url: str,
) -> None:
    off = {"AI_SELLER_PURPOSES_OFF": "order_delivered,review_request"}
    async with kaspi_shop(store_url, **AT_ONCE, **off) as shop:
        order = await bought_and_delivered(shop)
        await shop.news()
        assert await shop.said() == ["post_purchase"]
        orders, now = shop.kaspi, shop.stage.clock.now()
    async with kaspi_shop(store_url, **AT_ONCE) as shop:
        shop.stage.clock.set(now + timedelta(hours=1))
        again = shop.kaspi.place([JACKET], BUYER, code=order.code, created=order.created)
        delivered(shop, again.code)
        again.planned = orders.orders[order.code].created  # something of it has changed
        await shop.news(days=2)
        assert await shop.said() == ["post_purchase"]


async def test_one_list_that_fails_does_not_keep_the_others_from_being_read(
    store_url: str,
) -> None:
    async with kaspi_shop(store_url, **AT_ONCE) as shop:
        await bought_and_delivered(shop)
        shop.kaspi.fail(Status(500), times=None, only="PICKUP")
        await shop.news(minutes=20)
        assert await shop.said() == ["post_purchase", "order_delivered"]
        reading = await shop.stage.bot.orders.reading("default")
        assert (reading.code, reading.failures) == ("down", 1)
        for _ in range(2):
            await shop.news()
        assert (await shop.stage.bot.orders.reading("default")).failures == 3
        shop.kaspi.heal()
        await shop.news()
        reading = await shop.stage.bot.orders.reading("default")
        assert (reading.code, reading.failures) == (None, 0)


async def test_a_return_that_is_withdrawn_is_heard_of_after_it_was_read_before_a_text(
    store_url: str,
) -> None:
    async with kaspi_shop(store_url, **AT_ONCE) as shop:
        order = await bought_and_delivered(shop)
        await shop.news()
        shop.kaspi.request_return(order.code)
        await shop.stage.advance(hours=49)  # the review request reads it, no list does
        known = (await chat_of(shop)).order(order.code)
        assert known is not None
        assert known.stage is Stage.RETURN_REQUESTED
        assert "review_request" not in await shop.said()
        shop.kaspi.decline_return(order.code)
        await shop.news()
        known = (await chat_of(shop)).order(order.code)
        assert known is not None
        assert known.stage is Stage.DELIVERED


async def test_who_asks_for_the_sales_meanwhile_waits_for_the_same_reading(
    store_url: str,
) -> None:
    async with kaspi_shop(store_url, **AT_ONCE) as shop:
        await shop.connect()
        before = len(shop.kaspi.requests)
        asked = [shop.stage.api.get("/kaspi/get_sells_info/default") for _ in range(8)]
        answers = await asyncio.gather(*asked)
        assert {answer.status_code for answer in answers} == {200}
        assert len(shop.kaspi.requests) - before <= 2 * 5


async def test_a_process_that_stops_does_not_read_a_shop_to_the_end(store_url: str) -> None:
    async with kaspi_shop(store_url) as shop:
        shop.stage.bot.stopping.set()
        await shop.connect()
        reading = await shop.stage.bot.orders.reading("default")
        assert shop.kaspi.requests == []
        assert (reading.seeded_at, reading.failures) == (None, 0)
        shop.stage.bot.stopping.clear()
        await shop.connect()
        assert (await shop.stage.bot.orders.reading("default")).seeded_at is not None


async def test_who_asks_in_vain_does_not_put_off_the_next_look(store_url: str) -> None:
    async with kaspi_shop(store_url) as shop:
        await shop.connect()
        shop.kaspi.down = True
        for _ in range(4):
            answer = await shop.stage.api.get("/kaspi/get_sells_info/default")
            assert answer.status_code == 502
        reading = await shop.stage.bot.orders.reading("default")
        assert (reading.failures, reading.not_before) == (0, None)


async def test_a_chore_ends_with_the_process_though_kaspi_never_answers(store_url: str) -> None:
    async with kaspi_shop(store_url) as shop:
        bot = shop.stage.bot
        shop.kaspi.fail(Hang(), times=None)
        reading = asyncio.create_task(unless_stopped(bot, poll(bot, "default")))
        while not shop.kaspi.requests:  # noqa: ASYNC110 - the emulator tells of it in no other way
            await asyncio.sleep(0)
        assert not reading.done()
        bot.stopping.set()
        await reading
        shop.kaspi.heal()


async def test_a_chore_that_was_left_has_ended(store_url: str) -> None:
    ended = []

    async def chore() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("the store is asked for nothing more")

    async with kaspi_shop(store_url) as shop:
        shop.stage.bot.stopping.set()
        await unless_stopped(shop.stage.bot, chore())
        assert ended


async def test_who_may_fetch_an_order_is_not_thanked_for_it_afterwards(store_url: str) -> None:
    async with kaspi_shop(store_url, **AT_ONCE) as shop:
        await shop.connect()
        shop.kaspi.auto_accept = True
        shop.kaspi.place([JACKET], BUYER, delivery=Delivery.PICKUP)
        await shop.news()
        await shop.stage.advance(days=2)
        assert await shop.said() == ["ready_for_pickup"]


async def test_new_orders_are_looked_for_between_the_lists_of_others(store_url: str) -> None:
    async with kaspi_shop(store_url, KASPI_POLL_SECONDS="3") as shop:
        await shop.connect()
        asked = len(shop.kaspi.requests)
        await shop.news()
        states = [seen.query["filter[orders][state]"] for seen in shop.kaspi.requests[asked:]]
        between = "".join("n" if state == "NEW" else "." for state in states).split("n")
        assert max(map(len, between)) <= 6
        assert shop.kaspi.busiest_second() <= 2
