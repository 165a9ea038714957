"""When a shop is asked, how often, how fast; and what Kaspi's refusals do to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.config import Settings
from app.demo.faults import Status
from app.demo.kaspi import EmulatedKaspi, shops_app
from app.demo.kaspi_faults import Html, SlowByWorld, TooMany
from app.demo.kaspi_shapes import Buyer
from app.demo.server import serving
from app.domain.events import Stage as OrderStage
from app.errors import StoreDown
from app.store import keys
from app.store.kaspi import Reading
from app.wiring import assembled
from app.worker.bot import Bot
from app.worker.poll import EVERY, Kind, is_due, poll, shops_due
from app.worker.react import run_turn
from tests.builders import NOON, PHONE
from tests.clock import Clock
from tests.e2e.kaspi_shop import BUYER, JACKET, KaspiShop, kaspi_shop
from tests.e2e.stage import Stage, on_stage
from tests.integration.proxy import wire_to


@pytest.fixture
async def shop(store_url: str) -> AsyncIterator[KaspiShop]:
    async with kaspi_shop(store_url) as shop:
        await shop.connect()
        yield shop


def due_after(kind: Kind, shop: str, last: datetime = NOON) -> timedelta:
    """How long after ``last`` a shop is asked for this kind again, to the second."""
    reading = Reading(read_at={kind: last})
    for seconds in range(4000):
        now = last + timedelta(seconds=seconds)
        if is_due(kind, reading, shop=shop, now=now, every=None):
            return timedelta(seconds=seconds)
    raise AssertionError("never due")


# --- when -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [(Kind.NEW, 2, 3), (Kind.UNDER_WAY, 5, 10), (Kind.COMPLETED, 10, 15), (Kind.OLDER, 60, 60)],
)
def test_each_kind_of_list_is_read_as_often_as_it_should_be(
    kind: Kind, low: int, high: int
) -> None:
    waits = [due_after(kind, f"shop{n}") for n in range(20)]
    assert min(waits) >= timedelta(minutes=low)
    assert max(waits) <= timedelta(minutes=high)
    if low < high:
        assert len(set(waits)) > 15  # each shop at its own time, and another one each time
        assert len({due_after(kind, "shop0", NOON + timedelta(days=n)) for n in range(20)}) > 15


async def test_a_day_of_polling_keeps_to_the_bounds(shop: KaspiShop) -> None:
    asked: dict[str, list[datetime]] = {}
    for _ in range(3 * 360):
        shop.stage.clock.advance(seconds=10)
        before = len(shop.kaspi.requests)
        await shop.read()
        for seen in shop.kaspi.requests[before:]:
            since = int(seen.query["filter[orders][creationDate][$ge]"]) / 1000
            recent = shop.stage.clock.now().timestamp() - since < timedelta(days=15).total_seconds()
            tab = seen.query["filter[orders][state]"]
            asked.setdefault(tab if recent else "older", []).append(seen.at)
    tabs = ["NEW", "KASPI_DELIVERY", "DELIVERY", "PICKUP", "ARCHIVE"]
    kinds = [Kind.NEW, Kind.UNDER_WAY, Kind.UNDER_WAY, Kind.UNDER_WAY, Kind.COMPLETED]
    for tab, kind in zip(tabs, kinds, strict=True):
        low, high = EVERY[kind]
        slack = timedelta(seconds=30)  # looked every ten seconds, other lists first
        gaps = [later - sooner for sooner, later in pairwise(asked[tab])]
        assert low - slack <= min(gaps), (tab, min(gaps))
        assert max(gaps) <= high + slack, (tab, max(gaps))
    assert len(asked["older"]) == 12 * 3  # three hours, four tabs of three fortnights
    assert "SIGN_REQUIRED" not in asked
    assert shop.kaspi.busiest_second() <= 2


async def test_the_seller_may_set_one_interval_for_all(store_url: str) -> None:
    async with kaspi_shop(store_url, KASPI_POLL_SECONDS="20") as shop:
        await shop.connect()
        shop.stage.clock.advance(seconds=21)
        before = len(shop.kaspi.requests)
        await shop.read()
        assert len(shop.kaspi.requests) - before == 17


def test_a_clock_that_was_put_back_stops_nothing() -> None:
    reading = Reading(read_at=dict.fromkeys(Kind, NOON + timedelta(days=3)))
    assert all(is_due(kind, reading, shop="s", now=NOON, every=None) for kind in Kind)


# --- what is seen -----------------------------------------------------------------------------


async def test_windows_are_of_14_days_at_most_and_leave_no_gap(store_url: str) -> None:
    clock_of = timedelta(microseconds=500)  # where rounding would make a millisecond more
    async with kaspi_shop(store_url) as shop:
        shop.stage.clock.set(NOON + clock_of)
        await shop.connect()
        windows = sorted(
            {
                (int(query["filter[orders][creationDate][$ge]"]), int(until))
                for query in (seen.query for seen in shop.kaspi.requests)
                if (until := query["filter[orders][creationDate][$le]"])
                and query["filter[orders][state]"] == "ARCHIVE"
            }
        )
        fortnight = timedelta(days=14) / timedelta(milliseconds=1)
        assert all(until - since <= fortnight for since, until in windows)
        later = [since for since, _ in windows[1:]]
        assert all(
            since - until <= 60_000 for since, (_, until) in zip(later, windows, strict=False)
        )
        assert (windows[-1][1] - windows[0][0]) / fortnight > 3.99
        assert shop.kaspi.answers.keys() == {200}


@pytest.mark.parametrize("days", [20, 40, 58])
async def test_an_old_order_that_is_completed_today_is_seen(store_url: str, days: int) -> None:
    async with kaspi_shop(store_url) as shop:
        order = shop.kaspi.place([JACKET], BUYER, created=NOON - timedelta(days=days - 3))
        shop.kaspi.hand_over(order.code)
        await shop.connect()
        await shop.news(days=2, hours=23)
        shop.kaspi.complete(order.code)
        await shop.news()
        assert await shop.said() == ["order_delivered"]


async def test_an_open_order_that_no_list_shows_any_more_is_read_by_its_number(
    store_url: str,
) -> None:
    async with kaspi_shop(store_url) as shop:
        order = shop.kaspi.place([JACKET], BUYER, created=NOON - timedelta(days=55))
        gone = shop.kaspi.place([JACKET], BUYER, created=NOON - timedelta(days=55))
        for each in (order, gone):
            shop.kaspi.accept(each.code)
        await shop.connect()
        for _ in range(6):
            await shop.news(days=2, hours=12)
        shop.kaspi.complete(order.code)  # 70 days old: nothing is said of it any more
        del shop.kaspi.orders[gone.code]
        asked = len(shop.kaspi.requests)
        await shop.news()
        codes = [s.query.get("filter[orders][code]") for s in shop.kaspi.requests[asked:]]
        assert {order.code, gone.code} <= set(codes)
        known = await shop.stage.bot.contacts.order("default", order.code)
        assert known is not None
        assert known.order.stage is OrderStage.DELIVERED
        asked = len(shop.kaspi.requests)
        await shop.news()
        codes = [s.query.get("filter[orders][code]") for s in shop.kaspi.requests[asked:]]
        assert set(codes) == {None}  # one has ended, the other is not Kaspi's any more
        assert shop.stage.texts == []


async def test_one_number_that_cannot_be_read_keeps_no_other_back(store_url: str) -> None:
    async with kaspi_shop(store_url) as shop:
        made = NOON - timedelta(days=55)
        codes = [shop.kaspi.place([JACKET], BUYER, created=made).code for _ in range(3)]
        for code in codes:
            shop.kaspi.accept(code)
        await shop.connect()
        await shop.news(days=2)
        shop.kaspi.fail(Status(500), times=None, only=codes[0])
        shop.kaspi.fail(Html(200), times=None, only=codes[1])
        await shop.news()
        assert (await shop.stage.bot.orders.reading("default")).failures == 0
        seen = [s.query.get("filter[orders][code]") for s in shop.kaspi.requests]
        assert seen.count(codes[2]) == seen.count(codes[0]) == 2


async def test_all_pages_of_a_list_are_read(shop: KaspiShop) -> None:
    shop.stage.clock.advance(hours=1)
    for n in range(230):
        shop.kaspi.place([JACKET], Buyer(phone=f"7010000{n:03}"))
    shop.kaspi.sorts = False
    taken = await shop.read()
    for _ in range(20):
        taken += await shop.read() if taken.new == 230 else await shop.news(minutes=4)
    assert taken.new == 230
    numbers = {seen.query["page[number]"] for seen in shop.kaspi.requests}
    assert numbers == {"0", "1", "2"}
    assert {seen.query["page[size]"] for seen in shop.kaspi.requests} <= {"100", "1"}


# --- how fast ---------------------------------------------------------------------------------


async def test_whoever_asks_there_are_two_requests_a_second_at_most(store_url: str) -> None:
    """Polls, pulls and texts that are read again, with slow answers."""
    async with kaspi_shop(store_url, AI_SELLER_SEND_INTERVAL_SECONDS="0") as shop:
        await shop.connect()
        shop.stage.clock.advance(hours=1)
        for n in range(30):
            order = shop.kaspi.place([JACKET], Buyer(phone=f"70100000{n:02}"))
            await shop.stage.ordered(code=order.code, phone=f"770100000{n:02}")
        shop.kaspi.fail(SlowByWorld(3), times=None, only="ARCHIVE")
        bot = shop.stage.bot
        chats = await bot.mailbox.all_due(shop.stage.clock.now())
        texts = [run_turn(bot, chat) for chat in chats]
        await asyncio.gather(poll(bot, "default"), poll(bot, "default"), shop.pull(), *texts)
        asked = [seen.query.get("filter[orders][code]") for seen in shop.kaspi.requests]
        assert len({code for code in asked if code}) == 30
        assert shop.kaspi.busiest_second() <= 2
        await shop.stage.advance(hours=1)
        assert len({sent.chat_id for sent in shop.stage.waha.sent}) == len(shop.stage.texts) == 30


@asynccontextmanager
async def another(stage: Stage, store_url: str) -> AsyncIterator[Bot]:
    """Another process on the same store."""
    settings: Settings = stage.assembly.settings
    async with assembled(settings, world=stage.clock, redis_url=store_url) as assembly:
        yield assembly.bot


async def test_two_workers_that_poll_at_once_send_nothing_twice_and_lose_nothing(
    store_url: str,
) -> None:
    async with kaspi_shop(store_url, AI_SELLER_SEND_INTERVAL_SECONDS="0") as shop:
        await shop.connect()
        async with another(shop.stage, store_url) as other:
            for round_ in range(3):
                shop.stage.clock.advance(hours=1, minutes=1)
                for n in range(15):
                    shop.kaspi.place([JACKET], Buyer(phone=f"7010000{round_}{n:02}"))
                both = await asyncio.gather(poll(shop.stage.bot, "default"), poll(other, "default"))
                assert both[0].new + both[1].new == 15
        await shop.stage.advance(minutes=10)
        chats = [sent.chat_id for sent in shop.stage.waha.sent]
        assert len(chats) == len(set(chats)) == 45


@pytest.mark.parametrize("lost", [b"kaspi_seen", b"kaspi_made", b"orders", b"EVALSHA", b"mail"])
async def test_a_worker_that_dies_between_two_steps_neither_doubles_nor_loses(
    store_url: str, lost: bytes
) -> None:
    """The answer to one of its commands never comes, so it cannot go on."""
    async with kaspi_shop(store_url) as shop, wire_to(store_url) as wire:
        await shop.connect()
        shop.stage.clock.advance(hours=1, minutes=1)
        shop.kaspi.place([JACKET], BUYER)
        settings = shop.stage.assembly.settings
        async with assembled(settings, world=shop.stage.clock, redis_url=wire.url) as dying:
            await shops_due(dying.bot)
            wire.lose = lost
            with suppress(StoreDown):
                await poll(dying.bot, "default")
            assert wire.lost == 1
        await shop.news()
        await shop.news()
        await shop.stage.advance(days=1)
        assert await shop.said() == ["post_purchase"]


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("as_date", [False, True])
async def test_peace_that_kaspi_asks_for_is_kept(shop: KaspiShop, as_date: bool) -> None:
    shop.stage.clock.advance(hours=1)
    begun = shop.stage.clock.now()
    shop.kaspi.fail(TooMany(begun + timedelta(minutes=5) if as_date else 300))
    asked = await tries_in(shop, minutes=10)
    assert asked[0] == begun
    assert timedelta(minutes=5) <= asked[1] - begun <= timedelta(minutes=5, seconds=15)


async def test_waits_grow_while_kaspi_is_down_and_end_when_it_is_back(shop: KaspiShop) -> None:
    shop.stage.clock.advance(hours=1)
    shop.kaspi.fail(Status(502), times=None)
    with capture_logs() as lines:
        tries = await tries_in(shop, hours=1)
    pauses = [later - sooner for sooner, later in pairwise(tries)]
    gaps = [pause for pause in pauses if pause > timedelta(seconds=5)]  # two lists a try
    for at_least, gap in zip((30, 60, 180, 600, 600), gaps, strict=False):
        assert timedelta(seconds=at_least) <= gap <= timedelta(seconds=at_least * 1.25 + 10)
    failed = [line for line in lines if line["event"] == "kaspi_failed"]
    assert [line["code"] for line in failed] == ["down"]
    shop.kaspi.heal()
    shop.kaspi.place([JACKET], BUYER)
    assert (await shop.news()).new == 1
    reading = await shop.stage.bot.orders.reading("default")
    assert (reading.failures, reading.code) == (0, None)
    shop.kaspi.fail(Status(502))
    await shop.news(minutes=4)
    assert (await shop.stage.bot.orders.reading("default")).failures == 1


async def tries_in(shop: KaspiShop, **delta: float) -> list[datetime]:
    """When Kaspi was asked in this time, looked at every ten seconds."""
    before, target = len(shop.kaspi.requests), shop.stage.clock.now() + timedelta(**delta)
    while shop.stage.clock.now() < target:
        await shop.read()
        shop.stage.clock.advance(seconds=10)
    return [seen.at for seen in shop.kaspi.requests[before:]]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_stops_its_shop_and_is_told_until_there_is_another(
    store_url: str, status: int
) -> None:
    async with kaspi_shop(store_url) as shop:
        await shop.connect()
        shop.kaspi.refusal, shop.kaspi.token = status, "a-new-token="
        with capture_logs() as lines:
            await shop.news()
            asked = len(shop.kaspi.requests)
            assert await tries_in(shop, hours=2) == []
        [stopped] = [line for line in lines if line["event"] == "kaspi_stopped"]
        assert (stopped["shop"], stopped["log_level"]) == ("default", "error")
        assert str(status) in stopped["reason"]
        assert "token-for-tests" not in str(lines)
        assert len(shop.kaspi.requests) == asked
    async with kaspi_shop(store_url, KASPI_API_TOKEN="a-new-token=") as shop:
        shop.kaspi.token = "a-new-token="
        shop.kaspi.place([JACKET], BUYER, created=NOON + timedelta(hours=1))
        assert (await shop.news(hours=3)).new == 1
        assert await shop.said() == ["post_purchase"]


async def test_a_page_of_kaspis_protection_stops_the_shop_for_an_hour(shop: KaspiShop) -> None:
    shop.kaspi.fail(Html(403))
    shop.kaspi.place([JACKET], BUYER)
    await shop.news()
    asked = len(shop.kaspi.requests)
    assert (await shop.news(minutes=50)).new == 0
    assert len(shop.kaspi.requests) == asked
    assert (await shop.news(minutes=30)).new == 1


async def test_one_shops_refusals_are_not_the_others(store_url: str, tmp_path: Path) -> None:
    path = tmp_path / "shops.toml"
    path.write_text(
        '[one]\nname = "One"\ntoken = "one="\nmerchant_uid = "1"\n'
        '[two]\nname = "Two"\ntoken = "two="\nmerchant_uid = "2"\n'
    )
    clock = Clock(NOON)
    one, two = EmulatedKaspi("one=", "1", clock), EmulatedKaspi("two=", "2", clock)
    async with (
        serving(shops_app(one, two)) as url,
        on_stage(store_url, KASPI_API_BASE_URL=url, AI_SELLER_SHOPS_FILE=str(path)) as stage,
    ):
        one.world = two.world = stage.clock
        for shop in ("one", "two"):
            await poll(stage.bot, shop)
        one.down = True
        two.place([JACKET], BUYER, code="555", created=NOON + timedelta(hours=1))
        stage.clock.advance(hours=2)
        assert [(await poll(stage.bot, shop)).new for shop in ("one", "two")] == [0, 1]
        assert one.busiest_second() <= 2
        assert two.busiest_second() <= 2
        await stage.settle()
        assert len(await stage.messages(PHONE)) == 1


async def test_a_fault_of_ours_is_told_and_waits_as_kaspis_do(shop: KaspiShop) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    redis = shop.stage.assembly.redis
    await redis.hset(keys.kaspi_seen("default"), order.code, b"{")
    with capture_logs() as lines:
        await shop.news()
        assert await tries_in(shop, seconds=25) == []
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["poll_failed"]
    await redis.hdel(keys.kaspi_seen("default"), order.code)
    await shop.news()
    assert await shop.said() == ["post_purchase"]
