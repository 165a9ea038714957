"""What a seller with several shops sees of each: figures, Kaspi, sessions, price lists."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from app.config import Settings
from app.demo.kaspi import EmulatedKaspi
from app.demo.kaspi_faults import Html, TooMany
from app.demo.server import serving
from app.domain.conversation import Entry, Kind, Written
from app.domain.rules import Purpose, Reason, Rules, Shop
from app.store.claims import Settled
from app.store.kaspi import Reading
from app.store.offers import ListState, ToldFault
from app.web.front import Health, KaspiPart, ListPart, PricesPart, Probe, ShopReading
from app.wiring import assembled
from app.wiring.probe import how_it_goes, probe
from app.worker.poll import poll
from app.worker.prices import renew
from tests.builders import NOON, PHONE, person
from tests.clock import Clock
from tests.e2e.kaspi_shop import BUYER, JACKET, TOKEN, UID
from tests.e2e.stage import ADMIN, HMAC, Stage, on_stage
from tests.integration.test_api import get, post
from tests.integration.test_doors import (
    PRICES,
    House,
    house,
    probed,
    pushed,
)

TDOM, KIDS = "tdom", "kids"
KIDS_TOKEN = "another-token-of-the-kids-9x="
SHOPS = f"""
[tdom]
name = "Тёплый дом"
session = "home"
token = "{TOKEN}"
merchant_uid = "{UID}"
price_list = "tdom.csv"
max_daily_messages = 40

[kids]
name = "Дети"
session = "kids"
token = "{KIDS_TOKEN}"
merchant_uid = "30000002"
max_daily_messages = 7
"""
LIST = "SKU,model,brand,price,PP1\nJKT-1,Куртка,Alpin,15990,3\n,Без кода,Alpin,100,1\n"
SECRETS = (TOKEN, KIDS_TOKEN, ADMIN, HMAC, PHONE[1:], "АЙГЕРИМ", "Айгерим")

TWO = Rules(
    shops=(
        Shop(id=TDOM, name="Тёплый дом", session="home"),
        Shop(id=KIDS, name="Дети", session="kids"),
    ),
    by_shop={KIDS: Rules(max_daily_messages=7)},
)


@pytest.fixture
async def doors(store_url: str) -> AsyncIterator[House]:
    async with house(store_url, rules=TWO, shop_id=TDOM) as doors:
        yield doors


def entry(kind: Kind, shop: str | None, **about: Any) -> Entry:
    return Entry(at=NOON, kind=kind, shop=shop, **about)


async def settle(doors: House, *entries: Entry) -> None:
    """A turn ends with these lines in its journal."""
    claimed = await doors.front.mailbox.look(PHONE)
    settled = Settled(conversation=person(), entries=entries)
    await doors.front.mailbox.commit(claimed, settled, now=NOON)


def written(cost: float) -> Written:
    return Written(prompt="reply/v1", canned=False, requests=1, cost=cost)


async def happened(doors: House) -> None:
    """Both shops have written, one was held back and answered."""
    await settle(
        doors,
        entry(Kind.SENT, TDOM, purpose=Purpose.POST_PURCHASE),
        entry(Kind.SENT, TDOM, purpose=Purpose.REPLY),
        entry(Kind.SENT, TDOM),
        entry(Kind.WRITTEN, TDOM, purpose=Purpose.REPLY, written=written(0.25)),
        entry(Kind.RECEIVED, TDOM),
        entry(Kind.SENT, KIDS, purpose=Purpose.REPLY),
        entry(Kind.BLOCKED, KIDS, reason=Reason.COOLDOWN, counted=True),
        entry(Kind.OPTED_OUT, KIDS, reason="word"),
        entry(Kind.OPTED_OUT, None, reason="person"),
        entry(Kind.SENT, "closed", purpose=Purpose.REPLY),
    )


# --- figures ------------------------------------------------------------------------------------


async def by_shop(doors: House) -> Any:
    return (await get(doors, "/ai-seller/metrics"))["metrics"]["ai_seller_metrics"]


async def test_the_figures_of_each_shop_are_its_own(doors: House) -> None:
    await happened(doors)
    told = await by_shop(doors)
    assert (told["messages_sent"], told["opted_out"]) == (5, 2)
    assert told["by_shop"] == {
        TDOM: {
            "messages_sent": 3,
            "messages_blocked": 0,
            "errors": 0,
            "success_rate": 1.0,
            "blocked_by_reason": {},
            "sent_by_purpose": {"post_purchase": 1, "reply": 1},
            "messages_received": 1,
            "opted_out": 0,
            "model_cost": 0.25,
        },
        KIDS: {
            "messages_sent": 1,
            "messages_blocked": 1,
            "errors": 0,
            "success_rate": 0.5,
            "blocked_by_reason": {"cooldown": 1},
            "sent_by_purpose": {"reply": 1},
            "messages_received": 0,
            "opted_out": 1,
            "model_cost": 0.0,
        },
    }


async def test_each_shop_has_its_own_cap_of_the_day(doors: House) -> None:
    await doors.front.counters.reserve(KIDS, NOON.date(), "m1", cap=7)
    shops = (await by_shop(doors))["rate_limiter_stats"]["shops"]
    assert shops[TDOM] == {"sent_today": 0, "daily_limit": 100, "daily_remaining": 100}
    assert shops[KIDS] == {"sent_today": 1, "daily_limit": 7, "daily_remaining": 6}


async def test_a_reset_zeroes_the_figures_of_the_shops_too(doors: House) -> None:
    await happened(doors)
    await post(doors, "/ai-seller/reset-metrics")
    told = (await by_shop(doors))["by_shop"]
    assert [shop["messages_sent"] for shop in told.values()] == [0, 0]
    assert told[KIDS]["blocked_by_reason"] == {}


async def test_prometheus_tells_the_shops_there_are_and_no_others(doors: House) -> None:
    await happened(doors)
    lines = (await doors.public.get("/metrics")).text.splitlines()
    assert 'ai_seller_messages_sent_total{purpose="reply"} 3.0' in lines
    for line in (
        'ai_seller_shop_messages_sent_total{purpose="reply",shop="tdom"} 1.0',
        'ai_seller_shop_messages_sent_total{purpose="person",shop="tdom"} 1.0',
        'ai_seller_shop_messages_blocked_total{reason="cooldown",shop="kids"} 1.0',
        'ai_seller_shop_messages_received_total{shop="tdom"} 1.0',
        'ai_seller_shop_opt_outs_total{shop="kids"} 1.0',
        'ai_seller_shop_errors_total{shop="kids"} 0.0',
        'ai_seller_shop_model_cost_usd_total{shop="tdom"} 0.25',
    ):
        assert line in lines
    assert not any("closed" in line for line in lines)


async def seen() -> Probe:
    """One shop is read at Kaspi, one is stopped, one tells its orders by push."""
    read = NOON - timedelta(seconds=90)
    shops = (
        ShopReading(shop=TDOM, state=Health.OK, read_at=read, connected_at=NOON),
        ShopReading(shop=KIDS, state=Health.DOWN, connected_at=NOON),
        ShopReading(shop="push", state=Health.OFF),
    )
    prices = ListPart(shop=TDOM, list="sheet", name="at x", state=Health.OK, offers=5, faults=2)
    return probed(
        kaspi=KaspiPart(state=Health.DOWN, shops=shops),
        prices=PricesPart(state=Health.OK, lists=(prices,)),
    )


async def test_prometheus_tells_how_kaspi_and_the_lists_are(store_url: str) -> None:
    async with house(store_url, probe=seen) as doors:
        lines = (await doors.public.get("/metrics")).text.splitlines()
        ready = await doors.public.get("/health/ready")
    for line in (
        'ai_seller_kaspi_up{shop="tdom"} 1.0',
        'ai_seller_kaspi_up{shop="kids"} 0.0',
        'ai_seller_kaspi_read_age_seconds{shop="tdom"} 90.0',
        'ai_seller_price_list_offers{list="sheet",shop="tdom"} 5.0',
        'ai_seller_price_list_faults{list="sheet",shop="tdom"} 2.0',
    ):
        assert line in lines
    assert not any('shop="push"' in line for line in lines)
    assert (ready.status_code, ready.json()["down"]) == (200, ["kaspi"])


# --- whose order a push tells -------------------------------------------------------------------


@pytest.mark.parametrize(("query", "shop"), [("", TDOM), ("?shop_id=kids", KIDS)])
async def test_a_push_is_of_the_shop_its_address_names(doors: House, query: str, shop: str) -> None:
    answer = await doors.public.post(f"/event_handler{query}", json=pushed())
    assert answer.json()["action"] == "accepted"
    (event,) = await doors.mail()
    assert event.order.shop == shop


@pytest.mark.parametrize("shop", ["elsewhere", "", "KIDS", "kids "])
async def test_a_push_of_a_shop_that_is_not_there_is_refused_in_the_dempers_words(
    doors: House, shop: str
) -> None:
    answer = await doors.public.post("/event_handler", params={"shop_id": shop}, json=pushed())
    assert answer.status_code == 400
    assert answer.json() == {"status": "error", "message": "no shop with this id is set up"}
    assert await doors.mail() == ()


async def test_a_stranger_is_not_told_which_shops_there_are(store_url: str) -> None:
    async with house(store_url, rules=TWO, trusted=()) as doors:
        for shop in (KIDS, "elsewhere"):
            answer = await doors.public.post(f"/event_handler?shop_id={shop}", json=pushed())
            assert answer.status_code == 401


async def test_an_order_without_a_phone_is_counted_for_its_shop(doors: House) -> None:
    await doors.public.post("/event_handler?shop_id=kids", json=pushed(phone=""))
    (fact,) = await doors.front.journal.all_unusable()
    assert fact.shop == KIDS
    told = (await by_shop(doors))["by_shop"]
    assert told[KIDS]["blocked_by_reason"] == {"no_phone": 1}
    assert told[TDOM]["messages_blocked"] == 0


# --- price lists --------------------------------------------------------------------------------


async def test_every_list_is_told_with_all_its_faults(store_url: str) -> None:
    sheet = replace(PRICES, stored_as="default:sheet", kind="sheet", name="in the Google sheet")
    async with house(store_url, lists=(PRICES, sheet)) as doors:
        faults = tuple(
            ToldFault(offer=f"#{row}", reason="price: not a number", row=row, column="price")
            for row in range(2, 60)
        )
        state = ListState(
            name="prices.xml", asked_at=NOON, good_at=NOON, offers=7, faults=faults, failed="later"
        )
        await doors.front.offers.keep_state("default:list", state)
        listed, unread = await get(doors, "/api/price-lists")
    assert (listed["shop"], listed["list"], listed["name"]) == ("default", "list", "prices.xml")
    assert (listed["offers"], listed["fault_count"], len(listed["faults"])) == (7, 58, 58)
    assert listed["faults"][0] == {
        "offer": "#2", "row": 2, "column": "price", "reason": "price: not a number",
    }  # fmt: skip
    assert (listed["asked_at"], listed["failed"]) == ("2026-11-23T07:00:00Z", "later")
    assert (unread["list"], unread["offers"], unread["good_at"]) == ("sheet", 0, None)


# --- the state ----------------------------------------------------------------------------------


@asynccontextmanager
async def two_shops(store_url: str, folder: Path) -> AsyncIterator[tuple[Stage, EmulatedKaspi]]:
    """Two shops of one file; Kaspi knows the token of the first."""
    (folder / "shops.toml").write_text(SHOPS, encoding="utf-8")
    (folder / "shops.toml").chmod(0o600)
    (folder / "tdom.csv").write_text(LIST, encoding="utf-8")
    kaspi = EmulatedKaspi(TOKEN, UID, Clock(NOON))
    async with serving(kaspi.app) as url:
        told: dict[str, Any] = {
            "AI_SELLER_SHOPS_FILE": str(folder / "shops.toml"),
            "KASPI_API_BASE_URL": url,
        }
        async with on_stage(store_url, **told) as stage:
            kaspi.world = stage.clock
            stage.waha.new_session("home", {})
            stage.waha.new_session("kids", {})
            yield stage, kaspi


async def test_the_status_shows_every_shop_and_list(store_url: str, tmp_path: Path) -> None:
    async with two_shops(store_url, tmp_path) as (stage, kaspi):
        kaspi.place([JACKET], BUYER)
        for shop in (TDOM, KIDS):
            await poll(stage.bot, shop)
        answer = await stage.api.get("/ai-seller/status")
        ready = (await stage.public.get("/health/ready")).json()
        metrics = (await stage.public.get("/metrics")).text
    state = answer.json()
    good, refused = state["kaspi"]["shops"]
    assert (good["shop"], good["state"], good["detail"]) == (TDOM, "ok", None)
    assert good["connected_at"] == "2026-11-23T07:00:00Z"
    assert good["seeded_at"] is not None
    assert good["read_at"] is not None
    assert (refused["shop"], refused["state"], refused["read_at"]) == (KIDS, "down", None)
    assert "Kaspi refuses the token (HTTP 401): make a new one" in refused["detail"]
    assert state["kaspi"]["state"] == "down"
    assert state["kaspi"]["detail"] == f"kids: {refused['detail']}"
    (prices,) = state["prices"]["lists"]
    assert (prices["shop"], prices["list"], prices["name"]) == (TDOM, "list", "tdom.csv")
    assert (prices["offers"], prices["faults"], prices["state"]) == (1, 1, "ok")
    assert (ready["down"], ready["kaspi"]) == (["kaspi"], "down")
    assert 'ai_seller_kaspi_up{shop="kids"} 0.0' in metrics
    assert 'ai_seller_price_list_faults{list="list",shop="tdom"} 1.0' in metrics
    assert not [secret for secret in SECRETS if secret in answer.text + metrics]


async def test_a_session_of_any_shop_that_is_down_is_named(store_url: str, tmp_path: Path) -> None:
    async with two_shops(store_url, tmp_path) as (stage, _):
        stage.waha.change_status(stage.waha.sessions["kids"], "SCAN_QR_CODE", None)
        waha = (await probe(stage.assembly)).waha
        assert (waha.state, waha.detail) == (Health.DOWN, "kids: session SCAN_QR_CODE")
        stage.waha.change_status(stage.waha.sessions["kids"], "WORKING", None)
        waha = (await probe(stage.assembly)).waha
        assert (waha.state, waha.detail) == (Health.OK, "2 sessions WORKING")


async def test_a_broken_list_is_down_and_says_what_is_spoken_by(
    store_url: str, tmp_path: Path
) -> None:
    async with two_shops(store_url, tmp_path) as (stage, _):
        (tmp_path / "tdom.csv").write_text("<html>", encoding="utf-8")
        (source,) = stage.bot.prices
        await renew(source, stage.bot.offers, world=stage.clock, log=stage.bot.log)
        prices = (await probe(stage.assembly)).prices
    assert prices.state is Health.DOWN
    assert (prices.detail or "").endswith("the last good one is spoken by, of 12:00")
    assert prices.lists[0].offers == 1


async def test_without_its_store_nothing_is_known_and_nothing_raised(tmp_path: Path) -> None:
    (tmp_path / "tdom.csv").write_text(LIST, encoding="utf-8")
    environ = {
        "REDIS_URL": "unix:///nonexistent/store.sock",
        "KASPI_API_TOKEN": TOKEN,
        "KASPI_PRICE_LIST": str(tmp_path / "tdom.csv"),
    }
    settings = Settings.load(environ, dotenv=None)
    async with assembled(
        settings, world=Clock(NOON), redis_url="unix:///nonexistent/store.sock"
    ) as parts:
        found = await probe(parts)
    assert found.store.state is found.kaspi.state is found.prices.state is Health.DOWN
    assert (found.kaspi.detail or "").startswith("unknown")
    assert (found.prices.detail or "").startswith("unknown")


async def test_without_a_token_and_a_list_there_is_nothing_to_be_down(store_url: str) -> None:
    async with on_stage(store_url) as stage:
        found = await probe(stage.assembly)
    assert found.kaspi.state is found.prices.state is Health.OFF
    assert found.kaspi.detail == "KASPI_API_TOKEN is not set: orders come by push"
    assert [shop.state for shop in found.kaspi.shops] == [Health.OFF]


async def test_kaspi_is_down_when_it_fails_three_times_in_a_row(
    store_url: str, tmp_path: Path
) -> None:
    async with two_shops(store_url, tmp_path) as (stage, kaspi):

        async def seen_after(fault: Any) -> ShopReading:
            kaspi.fail(fault, times=None)
            await poll(stage.bot, TDOM)
            kaspi.heal()
            return (await probe(stage.assembly)).kaspi.shops[0]

        first = await seen_after(Html())
        assert first.state is Health.OK
        assert (first.detail or "").startswith("Kaspi answered with a web page; asked again at ")
        stage.clock.advance(minutes=1)
        await seen_after(Html())
        stage.clock.advance(minutes=2)
        third = await seen_after(TooMany(1200))
        assert third.state is Health.DOWN
        assert third.detail == "Kaspi asks to slow down (HTTP 429); asked again at 12:23"
        assert third.next_try_at is not None


def told(**reading: Any) -> tuple[Health, str | None]:
    """What is said of a reading by whoever has the token ``mine``."""
    return how_it_goes(Reading(**reading), token_mark="mine", rules=Rules(), now=NOON)


def test_what_is_said_of_a_reading_tells_what_to_do() -> None:
    begun, later = NOON - timedelta(minutes=1), NOON + timedelta(minutes=40)
    assert told() == (Health.OK, "not connected yet: what is there is read first")
    assert told(connected_at=begun) == (Health.OK, "connecting: what is there is being read")
    assert told(connected_at=begun, seeded_at=NOON) == (Health.OK, None)
    failing = {"detail": "Kaspi is down (HTTP 503)", "failures": 2, "not_before": later}
    assert told(**failing) == (Health.OK, "Kaspi is down (HTTP 503); asked again at 12:40")
    assert told(**failing | {"failures": 3})[0] is Health.DOWN
    overdue = told(**failing | {"not_before": begun})
    assert overdue == (Health.OK, "Kaspi is down (HTTP 503); asked again soon")
    tomorrow = told(**failing | {"not_before": NOON + timedelta(hours=13)})
    assert tomorrow[1] == "Kaspi is down (HTTP 503); asked again at 24.11 01:00"
    refused = {"detail": "Kaspi refuses the token (HTTP 403)", "failures": 9, "not_before": later}
    assert told(refused="mine", **refused)[0] is Health.DOWN
    assert told(refused="yours", **refused) == (
        Health.OK, "the token is another one than Kaspi refused: asked again at 12:40",
    )  # fmt: skip
