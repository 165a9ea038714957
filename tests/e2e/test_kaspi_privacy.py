"""Whoever asks to be forgotten is, and whoever asks what we know is told all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from app.demo.demper import pushed
from app.demo.kaspi_shapes import Buyer, Order
from app.domain.events import READ
from app.domain.events import Order as ReadOrder
from app.domain.events import Stage as OrderStage
from app.store.known_orders import MOST_SWEPT
from tests.builders import NOON, PHONE
from tests.e2e.kaspi_shop import BUYER, JACKET, SOCKS, KaspiShop, kaspi_shop

OTHER = "77019876543"
WITHOUT_LIMITS = {
    "AI_SELLER_SEND_INTERVAL_SECONDS": "0",
    "AI_SELLER_QUIET_HOURS": "",
    "AI_SELLER_COOLDOWN_HOURS": "0",
    "AI_SELLER_MAX_MESSAGES": "50",
}


@pytest.fixture
async def unconnected(store_url: str) -> AsyncIterator[KaspiShop]:
    async with kaspi_shop(store_url, **WITHOUT_LIMITS) as shop:
        yield shop


@pytest.fixture
async def shop(unconnected: KaspiShop) -> KaspiShop:
    await unconnected.connect()
    return unconnected


async def left_of(shop: KaspiShop, phone: str, *, only: str = "*") -> list[str]:
    """Every key of the store that names this phone, or whose value does, in any writing."""
    store: Any = shop.stage.assembly.redis
    reads = {
        "string": store.get,
        "hash": store.hgetall,
        "set": store.smembers,
        "list": lambda key: store.lrange(key, 0, -1),
        "zset": lambda key: store.zrange(key, 0, -1),
        "stream": store.xrange,
    }
    found = []
    async for key in store.scan_iter(match=only, count=1000):
        kind = (await store.type(key)).decode()
        if kind != "none" and phone[1:] in f"{key} {await reads[kind](key)}":
            found.append(key.decode())
    return found


async def erase(shop: KaspiShop, phone: str = PHONE) -> int:
    answer = await shop.stage.api.post(f"/api/contacts/{phone}/erase")
    await shop.stage.settle()
    return answer.status_code


async def demper(shop: KaspiShop, order: Order, stage: str = "POST_PURCHASE") -> None:
    body = pushed(stage, order, order.buyer)
    assert (await shop.stage.public.post("/event_handler", json=body)).status_code == 200
    await shop.stage.settle()


# --- who is known by orders alone -------------------------------------------------------------


async def test_who_is_known_by_what_was_there_before_alone_is_told_of_it_and_erased(
    unconnected: KaspiShop,
) -> None:
    shop = unconnected
    first = shop.kaspi.place([JACKET], BUYER, created=NOON - timedelta(hours=5))
    second = shop.kaspi.place([SOCKS], BUYER, created=NOON - timedelta(days=3))
    shop.kaspi.place([SOCKS], Buyer(phone=OTHER[1:]), created=NOON - timedelta(hours=5))
    await shop.connect()
    assert await left_of(shop, PHONE) != []

    told = await shop.stage.api.get("/api/contacts/8 (705) 123-45-67/export")
    assert told.status_code == 200, told.text
    shown = told.json()["contact"]
    assert (shown["phone"], shown["messages"], shown["opted_out"]) == (PHONE, 0, False)
    assert [each["code"] for each in shown["orders"]] == [second.code, first.code]

    assert await erase(shop, "+7 705 123-45-67") == 200
    assert await left_of(shop, PHONE) == []
    assert await left_of(shop, OTHER) != []
    assert (await shop.stage.api.get(f"/api/contacts/{PHONE}/export")).status_code == 404
    assert await erase(shop) == 404


async def test_all_orders_of_a_buyer_of_many_are_told_and_erased(unconnected: KaspiShop) -> None:
    shop = unconnected
    placed = [
        shop.kaspi.place([JACKET], BUYER, created=NOON - timedelta(hours=1 + at)).code
        for at in range(30)
    ]
    await shop.connect()
    await shop.stage.phone().writes("Здравствуйте")
    await shop.stage.advance(minutes=1)
    told = (await shop.stage.api.get(f"/api/contacts/{PHONE}/export")).json()
    assert {each["code"] for each in told["contact"]["orders"]} == set(placed)
    assert await erase(shop) == 200
    assert await left_of(shop, PHONE, only="aiseller:*") == []


# --- who was erased ---------------------------------------------------------------------------


@pytest.mark.parametrize("seeded", [False, True])
async def test_an_order_of_who_was_erased_brings_nobody_back(
    unconnected: KaspiShop, *, seeded: bool
) -> None:
    shop = unconnected
    if not seeded:
        await shop.connect()
    order = shop.kaspi.place([JACKET], BUYER)
    await (shop.connect() if seeded else shop.news())
    assert await erase(shop) == 200
    before = len(shop.stage.texts)
    for step in (shop.kaspi.accept, shop.kaspi.hand_over, shop.kaspi.complete):
        step(order.code)
        taken = await shop.news()
        assert (taken.new, taken.delivered, taken.skipped) == (0, 0, 1)
    await shop.stage.advance(days=4)
    await shop.news()
    assert len(shop.stage.texts) == before
    assert await shop.unusable() == []
    assert await left_of(shop, PHONE, only="aiseller:*") == []


async def test_a_shop_that_is_connected_anew_brings_nobody_back(shop: KaspiShop) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    await shop.news()
    await erase(shop)
    shop.kaspi.accept(order.code)
    await shop.news(days=4)
    assert await left_of(shop, PHONE, only="aiseller:*") == []


async def test_what_who_was_erased_buys_later_is_news(shop: KaspiShop) -> None:
    shop.kaspi.place([JACKET], BUYER)
    await shop.news()
    await erase(shop)
    shop.kaspi.place([SOCKS], BUYER)
    assert (await shop.news()).new == 1
    assert await shop.said() == ["post_purchase"]


async def test_an_order_a_demper_told_before_the_erase_is_not_read_as_news(
    shop: KaspiShop,
) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    await demper(shop, order)
    await erase(shop)
    before = len(shop.stage.texts)
    assert (await shop.news()).skipped == 1
    assert len(shop.stage.texts) == before
    assert await left_of(shop, PHONE, only="aiseller:*") == []


async def test_a_demper_that_repeats_itself_after_an_erase_is_not_thanked_for_twice(
    shop: KaspiShop,
) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    await demper(shop, order)
    await demper(shop, order, "ORDER_DELIVERED")
    await shop.stage.advance(minutes=5)
    before = len(shop.stage.texts)
    for _ in range(2):  # what is told anew is forgotten anew
        await erase(shop)
        await demper(shop, order)
        await demper(shop, order, "ORDER_DELIVERED")
    await shop.stage.advance(days=4)
    assert len(shop.stage.texts) == before


async def test_what_a_demper_tells_that_is_new_after_an_erase_is_said(shop: KaspiShop) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    await shop.news()
    await erase(shop)
    await demper(shop, order)
    assert await shop.said() == []
    await demper(shop, order, "ORDER_DELIVERED")
    await shop.stage.advance(minutes=5)
    assert await shop.said() == ["order_delivered"]


# --- what is kept, and for how long -----------------------------------------------------------


async def test_orders_of_long_ago_are_forgotten_with_their_phones(unconnected: KaspiShop) -> None:
    shop = unconnected
    shop.kaspi.place([JACKET], BUYER, created=NOON - timedelta(days=2))
    await shop.connect()
    await shop.news(days=363)
    assert await left_of(shop, PHONE) != []
    shop.kaspi.place([SOCKS], Buyer(phone=OTHER[1:]))
    await shop.news(days=2)
    assert await left_of(shop, PHONE) == []
    sold = await shop.stage.bot.contacts.orders_since("default", NOON)
    assert [each.chat for each in sold] == [OTHER]


async def test_a_year_of_orders_is_forgotten_little_by_little(shop: KaspiShop) -> None:
    contacts, orders = shop.stage.bot.contacts, shop.stage.bot.orders
    read = [(read_order(f"9{at:08}"), PHONE) for at in range(MOST_SWEPT + 1)]
    await contacts.keep_orders(read, NOON, first="default")
    later = NOON + timedelta(days=367)
    await orders.sweep("default", later)
    assert len(await contacts.orders_of(PHONE)) == 1
    await orders.sweep("default", later)
    assert await left_of(shop, PHONE) == []


def read_order(code: str) -> ReadOrder:
    return ReadOrder(code=code, shop="default", stage=OrderStage.PAID, created_at=NOON, source=READ)


async def test_an_order_told_under_another_phone_keeps_nothing_of_that_phone(
    shop: KaspiShop,
) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    await shop.news()
    await demper(shop, replace(order, buyer=Buyer(phone=OTHER[1:])))
    assert await left_of(shop, OTHER, only="aiseller:*") == []
