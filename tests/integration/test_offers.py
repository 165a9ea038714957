"""What is kept of a shop's goods and orders: written and read in parts, whole for whoever asks."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
import redis

from app.domain.events import READ, Stage
from app.domain.product import Product
from app.errors import StoreDown
from app.store import keys
from app.store.claims import millis
from app.store.connection import Redis, connect
from app.store.contacts import Contacts
from app.store.kaspi import KaspiOrders, Sighting
from app.store.known_orders import KnownOrder
from app.store.offers import AT_ONCE, Offers
from app.worker.shelves import CARDS_ANEW, Shelves
from tests.builders import NOON, PHONE, order
from tests.e2e.kaspi_shop import BUYER, JACKET, kaspi_shop

LIST, SHEET = "default:list", "default:sheet"
MANY = 2 * AT_ONCE + 1
MUG, LID = "MUG-350", "LID-28"


@pytest.fixture
async def kept(store_url: str) -> AsyncIterator[Redis]:
    client = connect(store_url)
    yield client
    await client.aclose()


def shelves(kept: Redis, *lists: str) -> Shelves:
    return Shelves(Offers(kept), KaspiOrders(kept), {"default": lists or (LIST,)})


def mugs(count: int, *, price: int = 1990) -> list[Product]:
    return [Product(sku=f"MUG-{n}", name=f"Кружка {n} мл", price=price) for n in range(count)]


def prices(shelf: Shelves) -> dict[str, int | None]:
    return {product.sku: product.price for product in shelf.of("default").products}


async def cut_before_the_version(kept: Redis, products: list[Product]) -> None:
    """All rows are written, and others have heard nothing of it."""
    told = await Offers(kept).version(LIST)
    await Offers(kept).renew(LIST, products)
    await kept.hset(keys.offers_state(LIST), "version", told)


async def learn(kept: Redis, **cards: str) -> None:
    seen = {"1": Sighting(stage=Stage.PAID, mark="m")}
    names = {sku.replace("_", "-"): card for sku, card in cards.items()}
    await KaspiOrders(kept).see("default", seen, made={"1": NOON}, cards=names)


# --- rows -------------------------------------------------------------------------------------


async def test_what_was_written_before_a_crash_is_told_by_the_next_try(kept: Redis) -> None:
    offers, other = Offers(kept), shelves(kept)
    await offers.renew(LIST, mugs(3))
    await other.keep_up()
    await cut_before_the_version(kept, mugs(2, price=990))
    assert await other.keep_up() == 0

    assert await offers.renew(LIST, mugs(2, price=990)) == (0, 0)

    assert await other.keep_up() == 3
    assert prices(other) == {"MUG-0": 990, "MUG-1": 990}
    assert await offers.renew(LIST, mugs(2, price=990)) == (0, 0)
    assert await offers.version(LIST) == 2, "nothing is new any more"


async def test_who_comes_after_a_crash_misses_no_row(kept: Redis) -> None:
    await Offers(kept).renew(LIST, mugs(3))
    await cut_before_the_version(kept, mugs(2, price=990))
    newcomer = shelves(kept)
    await newcomer.keep_up()
    assert newcomer.of("default").by_sku("MUG-1") is not None
    await Offers(kept).renew(LIST, mugs(2, price=990))
    await newcomer.keep_up()
    assert prices(newcomer) == {"MUG-0": 990, "MUG-1": 990}


async def test_a_large_list_is_compared_and_renewed_in_parts(
    kept: Redis, store_client: redis.Redis
) -> None:
    offers, other = Offers(kept), shelves(kept)
    assert await offers.renew(LIST, mugs(MANY)) == (MANY, 0)
    await other.keep_up()
    store_client.config_resetstat()

    assert await offers.renew(LIST, [Product(sku="MUG-7", name="К"), *mugs(AT_ONCE)]) == (0, 2001)
    assert await offers.renew(LIST, [*mugs(AT_ONCE), Product(sku="MUG-7", name="К")]) == (1, 0)

    asked = store_client.info("commandstats")
    assert "cmdstat_hgetall" not in asked
    assert await other.keep_up() == MANY - AT_ONCE + 1
    assert prices(other) == {f"MUG-{n}": None if n == 7 else 1990 for n in range(AT_ONCE)}


async def test_whatever_crashes_and_comes_back_all_end_with_the_rows_of_the_list(
    kept: Redis,
) -> None:
    dice, offers = random.Random(17), Offers(kept)
    others = [shelves(kept) for _ in range(3)]
    for _ in range(60):
        chosen = dice.sample(range(8), dice.randrange(1, 8))
        some = [Product(sku=f"S{n}", name="К", price=dice.randrange(2)) for n in chosen]
        if dice.random() < 0.5:
            await cut_before_the_version(kept, some)
        else:
            await offers.renew(LIST, some)
        if dice.random() < 0.3:
            others[dice.randrange(3)] = shelves(kept)
        await others[dice.randrange(3)].keep_up()
    await offers.renew(LIST, mugs(1))
    await cut_before_the_version(kept, mugs(5))
    await offers.renew(LIST, mugs(5))
    for other in others:
        await other.keep_up()
        assert prices(other) == dict.fromkeys((f"MUG-{n}" for n in range(5)), 1990)


# --- the shelves of a process -----------------------------------------------------------------


@pytest.mark.parametrize("fault", [keys.cards("default"), keys.offers_state(SHEET)])
async def test_what_was_taken_before_the_store_failed_is_on_the_shelf_once_it_is_back(
    kept: Redis, fault: str
) -> None:
    shelf = shelves(kept, LIST, SHEET)
    await Offers(kept).renew(LIST, mugs(2))
    await kept.set(fault, "of another kind")
    with pytest.raises(StoreDown):
        await shelf.keep_up()
    await kept.delete(fault)

    assert await shelf.keep_up() == 2

    assert prices(shelf) == {"MUG-0": 1990, "MUG-1": 1990}
    assert await shelf.keep_up() == 0


async def test_a_card_that_is_another_one_now_is_learned_too(kept: Redis) -> None:
    shelf = shelves(kept)
    rows = [Product(sku=MUG, name="Кружка"), Product(sku=LID, name="Крышка")]
    await Offers(kept).renew(LIST, rows)
    await learn(kept, MUG_350="101", LID_28="102")
    await shelf.keep_up()
    await learn(kept, MUG_350="103")
    assert sum([await shelf.keep_up() for _ in range(CARDS_ANEW)]) == 1
    found = {product.sku: product.card for product in shelf.of("default").products}
    assert found == {MUG: "103", LID: "102"}


# --- orders -----------------------------------------------------------------------------------


async def test_many_orders_are_read_in_parts_oldest_first(
    kept: Redis, store_client: redis.Redis
) -> None:
    contacts = Contacts(kept)
    codes = [str(n) for n in range(2500, 0, -1)]
    async with kept.pipeline() as pipe:
        for at, code in enumerate(codes):
            known = KnownOrder(chat=PHONE, order=order(code=code), heard_at=NOON)
            pipe.zadd(keys.orders("default"), {code: millis(NOON) + at})
            if code not in {"2500", "1300"}:
                pipe.set(keys.order("default", code), msgspec.json.encode(known))
        await pipe.execute()
    store_client.config_resetstat()

    found = await contacts.orders_since("default", NOON)

    assert [each.order.code for each in found] == [c for c in codes if c not in {"2500", "1300"}]
    assert store_client.info("commandstats")["cmdstat_mget"]["calls"] == 3
    assert await contacts.orders_since("nobody", NOON) == []


async def test_sales_that_were_read_at_kaspi_are_told_without_asking_any_chat(
    store_url: str, kept: Redis
) -> None:
    async with kaspi_shop(store_url) as shop:
        shop.kaspi.masks = "never"
        shop.kaspi.place([JACKET], BUYER)
        await shop.connect()
        known = await shop.stage.bot.contacts.orders_since("default", NOON - timedelta(days=9))
        assert [(each.order.source, each.chat) for each in known] == [(READ, PHONE)]
        await kept.hset(keys.conversation(PHONE), mapping={"v": 1, "doc": "not to be read"})

        answer = await shop.pull()

        assert answer.status_code == 200
        assert answer.json()["data"]["metrics"]["totalSales"] == 15990.0
