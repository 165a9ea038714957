"""What it takes to look through a shop's orders: pages read, compared, and taken in as facts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import msgspec

from app.config import Settings
from app.demo.kaspi_shapes import Buyer, Item, Order, entries_of, order_resource
from app.gateways.kaspi_resources import Told, page_of
from app.wiring import assembled
from app.worker.bot import Bot
from app.worker.orders import Connected, take_in
from app.world import World
from tests.benchmarks.figures import Figure, part
from tests.benchmarks.product import Bench

ORDERS = 5_000
_PAGE = 100
_SHOP = "default"


async def kaspi(bench: Bench) -> list[Figure]:
    """Orders a second: the first time as facts, and the next when nothing has changed."""
    pages = list(_pages())
    floor = _seconds(pages)
    begun = time.perf_counter()
    told = [page_of(page, shop_id=_SHOP).orders for page in pages]
    read = time.perf_counter() - begun
    world = World()
    settings = Settings.load(bench.environ(), dotenv=None)
    async with assembled(settings, world=world, redis_url=bench.url) as parts:
        new = await _taken(parts.bot, told, world)
        again = await _taken(parts.bot, told, world)
    await bench.redis.flushall()
    return [
        Figure(
            name="Kaspi, known orders",
            value=ORDERS / (read + again),
            unit="/s",
            against=ORDERS / floor,
            ratio=floor / (read + again),
            means="pages read, compared with what is remembered, nothing new; against their JSON",
        ),
        part("new ones", ORDERS / (read + new), "/s", "taken in as facts, turns not run"),
    ]


async def _taken(bot: Bot, told: list[tuple[Told, ...]], world: World) -> float:
    begun = time.perf_counter()
    for orders in told:
        now = world.now()
        long_ago = Connected(at=now - timedelta(days=365))
        await take_in(bot, _SHOP, orders, connected=long_ago, now=now)
    return time.perf_counter() - begun


def _seconds(pages: list[bytes]) -> float:
    """As quickly as anybody may: the JSON alone."""
    begun = time.perf_counter()
    for page in pages:
        msgspec.json.decode(page)
    return time.perf_counter() - begun


def _pages() -> Iterator[bytes]:
    now = int(time.time() * 1000)
    item = Item(sku="102529963_318274", name="Куртка CL 101 черный 48", price=12_990.0)
    for start in range(0, ORDERS, _PAGE):
        orders = [
            Order(
                code=str(912_000_000 + n),
                buyer=Buyer(phone=f"70{n:08d}", first_name="АЙГЕРИМ", last_name="С"),
                items=(item,),
                created=now - n * 1000,
            )
            for n in range(start, start + _PAGE)
        ]
        body = {
            "data": [order_resource(order, phone=order.buyer.phone) for order in orders],
            "included": [entry for order in orders for entry in entries_of(order)],
            "meta": {"pageCount": ORDERS // _PAGE, "totalCount": ORDERS},
        }
        yield msgspec.json.encode(body)
