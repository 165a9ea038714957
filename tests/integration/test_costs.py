"""What the model costs, from a turn's commit to the seller's doors, on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.domain.conversation import Entry, Kind, Written
from app.domain.rules import Purpose, Rules, Shop
from app.errors import Conflict
from app.store import keys
from app.store.claims import Claimed, Settled
from app.store.connection import connect
from app.store.counters import COSTS_KEPT, Counters
from app.store.mailbox import Mailbox
from app.store.texts import TEXTS_KEPT, Texts
from tests.builders import NOON, PHONE, person
from tests.e2e.stage import on_stage
from tests.integration.test_api import get, post
from tests.integration.test_doors import House, house, is_problem

MONDAY = date(2026, 11, 23)
TWO_SHOPS = Rules(
    shops=(
        Shop(id="default", name="Спорт", session="default"),
        Shop(id="second", name="Дом", session="two"),
    )
)
CENT = Written(
    prompt="reply/v1", canned=False, requests=1, tokens_in=1000, tokens_out=100, cost=0.01
)
COSTS = "/ai-seller/costs"


@pytest.fixture
async def doors(store_url: str) -> AsyncIterator[House]:
    async with house(store_url, rules=TWO_SHOPS) as doors:
        yield doors


def entry(**fields: Any) -> Entry:
    known: dict[str, Any] = {
        "at": NOON,
        "kind": Kind.WRITTEN,
        "shop": "default",
        "purpose": Purpose.REPLY,
        "written": CENT,
    }
    return Entry(**known | fields)


async def settle(doors: House, *entries: Entry, chat: str = PHONE) -> Claimed:
    """A turn of ``chat`` ends with these lines in its journal."""
    claimed = await doors.front.mailbox.look(chat)
    settled = Settled(conversation=person(chat=chat, phone=chat), entries=entries)
    return await doors.front.mailbox.commit(claimed, settled, now=doors.clock.now())


# --- how it is kept ---------------------------------------------------------------------------


async def test_costs_are_told_by_day_shop_and_purpose(doors: House) -> None:
    await settle(doors, entry(), entry(kind=Kind.DROPPED), entry(shop="second"))
    await settle(doors, entry(purpose=Purpose.CAMPAIGN), chat="77010000001")
    doors.clock.advance(days=1)
    await settle(doors, entry())
    told = await get(doors, COSTS)
    assert (told["success"], told["currency"]) == (True, "USD")
    assert [
        (d["day"], d["shop"], d["purpose"], d["requests"], d["tokens_in"], d["tokens_out"])
        for d in told["days"]
    ] == [
        ("2026-11-23", "default", "campaign", 1, 1000, 100),
        ("2026-11-23", "default", "reply", 2, 2000, 200),
        ("2026-11-23", "second", "reply", 1, 1000, 100),
        ("2026-11-24", "default", "reply", 1, 1000, 100),
    ]
    assert told["total"] == {"requests": 5, "tokens_in": 5000, "tokens_out": 500, "cost": 0.05}
    assert sum(day["cost"] for day in told["days"]) == pytest.approx(0.05, abs=1e-12)


async def test_a_turn_settled_by_somebody_else_costs_nothing(doors: House) -> None:
    claimed = await doors.front.mailbox.look(PHONE)
    settled = Settled(conversation=person(), entries=(entry(),))
    await doors.front.mailbox.commit(claimed, settled, now=NOON)
    with pytest.raises(Conflict):
        await doors.front.mailbox.commit(claimed, settled, now=NOON)
    assert (await get(doors, COSTS))["total"]["cost"] == 0.01


async def test_many_turns_at_once_add_up_to_the_cent(doors: House) -> None:
    chats = [f"7701{number:07}" for number in range(60)]
    await asyncio.gather(*(settle(doors, entry(), chat=chat) for chat in chats))
    told = await get(doors, COSTS)
    assert told["total"]["cost"] == told["budget"]["spent_today"] == 0.6
    assert told["total"]["requests"] == 60


async def test_a_day_is_the_shops_own_not_greenwichs(doors: House) -> None:
    doors.clock.advance(hours=11, minutes=59)  # 23:59 in Almaty
    await settle(doors, entry())
    doors.clock.advance(minutes=2)  # 00:01, and still Monday in Greenwich
    await settle(doors, entry())
    assert [day["day"] for day in (await get(doors, COSTS))["days"]] == ["2026-11-23", "2026-11-24"]
    assert await doors.front.counters.spent_on(MONDAY) == 0.01


async def test_a_shop_in_another_time_zone_has_its_own_midnight(doors: House) -> None:
    async def nowhere(_chats: dict[str, Any]) -> None: ...

    abroad = Mailbox(doors.redis, nowhere, zone=ZoneInfo("Pacific/Auckland"))
    settled = Settled(conversation=person(), entries=(entry(),))
    late = NOON + timedelta(hours=5)  # 17:00 in Almaty, and tomorrow there
    await abroad.commit(await abroad.look(PHONE), settled, now=late)
    assert await doors.front.counters.spent_on(MONDAY + timedelta(days=1)) == 0.01


async def test_what_belongs_to_no_shop_is_counted_too(doors: House) -> None:
    voice = Written(prompt="voice/1", canned=False, requests=1, cost=0.003)
    await settle(doors, entry(kind=Kind.RECEIVED, shop=None, purpose=None, written=voice))
    (day,) = (await get(doors, COSTS))["days"]
    assert (day["shop"], day["purpose"], day["cost"], day["tokens_in"]) == ("-", "-", 0.003, 0)


async def test_a_turn_without_the_model_leaves_no_costs(doors: House) -> None:
    await settle(doors, entry(written=None), entry(written=Written(prompt="x", canned=True)))
    assert (await get(doors, COSTS))["days"] == []
    assert await doors.redis.exists(keys.costs(MONDAY)) == 0


async def test_costs_are_swept_after_four_hundred_days(doors: House) -> None:
    await settle(doors, entry())
    left = await doors.redis.ttl(keys.costs(MONDAY))
    assert timedelta(days=399) < timedelta(seconds=left) <= COSTS_KEPT == timedelta(days=400)


async def test_a_real_turn_is_booked_once_though_it_is_told_twice(store_url: str) -> None:
    async with on_stage(store_url) as stage:
        await stage.ordered("POST_PURCHASE")
        await stage.settle()
        await stage.ordered("POST_PURCHASE")
        await stage.settle()
        model = (await stage.metrics())["model"]
        told = await stage._get(COSTS)
    (day,) = told["days"]
    assert (day["shop"], day["purpose"], day["requests"]) == ("default", "post_purchase", 1)
    assert day["tokens_in"] > day["tokens_out"] > 0
    assert day["tokens_in"] + day["tokens_out"] == model["tokens"]
    assert day["cost"] == pytest.approx(model["cost"], abs=1e-6) == model["cost_today"]
    assert day["cost"] > 0


# --- what is told of it -----------------------------------------------------------------------


async def test_thirty_days_are_told_unless_others_are_asked_for(doors: House) -> None:
    await settle(doors, entry())
    doors.clock.advance(days=29)
    told = await get(doors, COSTS)
    assert (told["from"], told["to"], len(told["days"])) == ("2026-11-23", "2026-12-22", 1)
    doors.clock.advance(days=1)
    assert (await get(doors, COSTS))["days"] == []
    assert len((await get(doors, f"{COSTS}?from=2026-11-23"))["days"]) == 1
    assert len((await get(doors, f"{COSTS}?to=2026-11-23"))["days"]) == 1
    assert (await get(doors, f"{COSTS}?from=2026-11-24&to=2026-12-01"))["days"] == []


async def test_a_year_and_more_is_told_at_once(doors: House) -> None:
    await settle(doors, entry())
    doors.clock.advance(days=399)
    told = await get(doors, f"{COSTS}?from=2026-11-23")
    assert told["total"]["cost"] == 0.01


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("from=yesterday", "from is no date: write it like 2026-11-23"),
        ("to=2026-02-30", "to is no date"),
        ("from=20261123", "from is no date"),
        ("from=2026-W48-1", "from is no date"),
        ("from=٢٠٢٦-١١-٢٣", "from is no date"),
        ("to=2026-11-23T00:00", "to is no date"),
        ("from=", "from is no date"),
        ("to=0000-00-00", "to is no date"),
        ("from=2026-11-23&to=2026-11-22", "from is after to"),
        ("from=2025-01-01&to=2026-11-23", "more than 400 days"),
        ("from=2025-10-19", "more than 400 days"),
        ("from=0001-01-01", "more than 400 days"),
    ],
)
async def test_days_that_cannot_be_told_are_refused_with_what_to_write(
    doors: House, asked: str, says: str
) -> None:
    answer = await doors.api.get(f"{COSTS}?{asked}")
    assert is_problem(answer, 400)
    assert says in answer.json()["detail"]


@pytest.mark.parametrize("asked", ["to=0001-01-02", "to=9999-12-31", "from=2030-01-01"])
async def test_days_in_which_nothing_happened_cost_nothing(doors: House, asked: str) -> None:
    assert (await get(doors, f"{COSTS}?{asked}"))["days"] == []


async def test_what_a_day_cost_is_for_the_admin_only(doors: House) -> None:
    assert is_problem(await doors.public.get(COSTS), 401)


async def test_without_a_store_it_is_said_so(store_url: str) -> None:
    async with house(store_url, alive=False) as doors:
        assert is_problem(await doors.api.get(COSTS), 503)
        state = await get(doors, "/ai-seller/status")
    assert (state["budget"], state["alerts"]) == (None, [])


async def test_a_reset_zeroes_the_figures_and_not_the_money_of_days(doors: House) -> None:
    await settle(doors, entry())
    await post(doors, "/ai-seller/reset-metrics")
    model = (await get(doors, "/ai-seller/metrics"))["metrics"]["ai_seller_metrics"]["model"]
    assert (model["requests"], model["cost"], model["cost_today"]) == (0, 0.0, 0.01)
    assert (await get(doors, COSTS))["total"]["requests"] == 1


# --- the budget -------------------------------------------------------------------------------


@asynccontextmanager
async def with_a_budget(store_url: str, dollars: float) -> AsyncIterator[House]:
    redis = connect(store_url)
    counters = Counters(redis, daily_budget=dollars)
    async with house(store_url, rules=TWO_SHOPS, counters=counters) as doors:
        yield doors
    await redis.aclose()


async def test_without_a_budget_nothing_is_limited(doors: House) -> None:
    await settle(doors, entry())
    told = (await get(doors, COSTS))["budget"]
    assert told == {"daily": None, "spent_today": 0.01, "state": "off"}
    assert (await get(doors, "/ai-seller/status"))["alerts"] == []


async def test_a_budget_is_warned_of_then_spent_and_whole_again_the_next_day(
    store_url: str,
) -> None:
    async with with_a_budget(store_url, 0.03) as doors:

        async def told() -> tuple[str, list[str], str]:
            state = await get(doors, "/ai-seller/status")
            figures = (await get(doors, "/ai-seller/metrics"))["metrics"]["ai_seller_metrics"]
            assert figures["model"]["budget"] == state["budget"]["state"]
            until = state["alerts"][0]["until"] if state["alerts"] else ""
            return state["budget"]["state"], [one["kind"] for one in state["alerts"]], until

        await settle(doors, entry())
        assert await told() == ("ok", [], "")
        await settle(doors, entry(shop="second", written=CENT), entry(written=Written(
            prompt="reply/v1", canned=False, requests=1, cost=0.004)))  # fmt: skip
        midnight = "2026-11-23T19:00:00Z"
        assert await told() == ("warning", ["budget_warning"], midnight)
        await settle(doors, entry())
        assert await told() == ("spent", ["budget_spent"], midnight)
        doors.clock.advance(days=1)
        assert await told() == ("ok", [], "")


async def test_a_budget_of_nothing_is_spent_from_the_start(doors: House) -> None:
    assert (await Counters(doors.redis, daily_budget=0.0).budget(MONDAY)).state == "spent"


async def test_prometheus_tells_the_days_money_with_labels_that_stay_few(store_url: str) -> None:
    async with with_a_budget(store_url, 0.05) as doors:
        closed = [entry(shop=f"closed{number}") for number in range(2)]
        await settle(doors, entry(), *closed)
        lines = (await doors.public.get("/metrics")).text.splitlines()
    today = "ai_seller_model_cost_today_usd"
    assert f'{today}{{purpose="reply",shop="default"}} 0.01' in lines
    assert f'{today}{{purpose="reply",shop="-"}} 0.02' in lines
    assert 'ai_seller_model_tokens_today{purpose="reply",shop="default",way="out"} 100.0' in lines
    assert 'ai_seller_model_requests_today{purpose="reply",shop="-"} 2.0' in lines
    assert "ai_seller_model_budget_usd 0.05" in lines
    assert "ai_seller_model_budget_state 1.0" in lines
    assert not any("closed" in line for line in lines)


# --- texts that may be shared -----------------------------------------------------------------


async def test_texts_are_kept_each_once_and_the_newest_only(doors: House) -> None:
    texts = Texts(doors.redis)
    assert await texts.some("kind") == ()
    for number in range(TEXTS_KEPT + 2):
        await texts.remember("kind", f"Рахмет, {{name}}! {number}")
    await texts.remember("kind", "Рахмет, {name}! 5")
    kept = await texts.some("kind")
    assert len(kept) == TEXTS_KEPT == len(set(kept))
    assert kept == tuple(sorted(f"Рахмет, {{name}}! {number}" for number in range(2, 10)))
    assert await texts.some("another") == ()


async def test_texts_are_forgotten_a_week_after_the_first_of_them(doors: House) -> None:
    texts = Texts(doors.redis)
    await texts.remember("kind", "one")
    await doors.redis.expire(keys.texts("kind"), 1000)
    await texts.remember("kind", "two")
    assert 0 < await doors.redis.ttl(keys.texts("kind")) <= 1000
    await texts.remember("other", "one")
    week = timedelta(days=7).total_seconds()
    assert week - 100 < await doors.redis.ttl(keys.texts("other")) <= week
