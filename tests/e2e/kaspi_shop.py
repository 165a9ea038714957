"""A stage whose shop is read at an emulated Kaspi."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from app.demo.kaspi import EmulatedKaspi
from app.demo.kaspi_shapes import Buyer, Item
from app.demo.server import serving
from app.store.kaspi import Taken
from app.worker.poll import poll, shops_due
from tests.builders import NOON, PHONE
from tests.clock import Clock
from tests.e2e.stage import Stage, on_stage

TOKEN = "a-kaspi-token-for-tests="
UID = "30000001"
JACKET = Item(sku="102529963_318274", name="Куртка Alpin черная 48", price=15_990.0)
SOCKS = Item(sku="SOCKS-3PK", name="Носки CL 3 пары", price=1_500.0, card="138957097")
BUYER = Buyer(phone=PHONE.removeprefix("7"), first_name="АЙГЕРИМ", last_name="С")


@dataclass(frozen=True, kw_only=True)
class KaspiShop:
    """The stage and the Kaspi behind it."""

    stage: Stage
    kaspi: EmulatedKaspi

    async def read(self, shop: str = "default") -> Taken:
        """What a worker does when a shop is due; nothing when it is not."""
        if shop not in await shops_due(self.stage.bot):
            return Taken()
        return await poll(self.stage.bot, shop)

    async def connect(self, shop: str = "default") -> None:
        """The first reading: what is there is no news."""
        await self.read(shop)

    async def news(self, shop: str = "default") -> Taken:
        """Let so much time pass that everything is due, read it, and let the turns run."""
        self.stage.clock.advance(hours=1, minutes=1)
        taken = await self.read(shop)
        await self.stage.settle()
        return taken

    async def later(self, **delta: float) -> None:
        """Time passes, and the shop is read as often as it is due."""
        target = self.stage.clock.now() + timedelta(**delta)
        while self.stage.clock.now() < target:
            await self.stage.advance(minutes=5)
            await self.read()
            await self.stage.settle()


@asynccontextmanager
async def kaspi_shop(store_url: str, **environ: str) -> AsyncIterator[KaspiShop]:
    """The product, reading a shop at Kaspi; connected when the test says so."""
    kaspi = EmulatedKaspi(TOKEN, UID, Clock(NOON))
    async with serving(kaspi.app) as url:
        settings = {
            "KASPI_API_TOKEN": f" {TOKEN}\n",
            "KASPI_MERCHANT_UID": UID,
            "KASPI_API_BASE_URL": url,
            **environ,
        }
        async with on_stage(store_url, **settings) as stage:
            kaspi.world = stage.clock
            yield KaspiShop(stage=stage, kaspi=kaspi)
    assert kaspi.unexpected == []
