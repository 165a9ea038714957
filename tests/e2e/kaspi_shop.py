"""A stage whose shop is read at an emulated Kaspi."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

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

    async def news(self, shop: str = "default", **delta: float) -> Taken:
        """Let so much time pass that everything is due, read it, and let the turns run."""
        self.stage.clock.advance(**(delta or {"hours": 1, "minutes": 1}))
        taken = await self.read(shop)
        await self.stage.settle()
        return taken

    async def said(self, phone: str = PHONE) -> list[str]:
        """Why the bot has written to them, in order; what is not out yet is left out."""
        if (await self.stage.api.get(f"/api/contacts/{phone}")).status_code == HTTPStatus.NOT_FOUND:
            return []
        return [
            message["purpose"]
            for message in await self.stage.messages(phone)
            if message["author"] == "bot" and message["status"] not in ("queued", "failed")
        ]

    async def reasons(self, phone: str = PHONE) -> list[tuple[str, str | None, str | None]]:
        """What the journal tells: kind, purpose and reason of each line."""
        lines = await self.stage.journal(phone)
        return [(line["kind"], line["purpose"], line["reason"]) for line in lines]

    async def unusable(self) -> list[tuple[str, str, str]]:
        """Orders nobody can be written to about: shop, number and reason, newest first."""
        told = (await self.stage.api.get("/api/unusable")).json()
        return [(each["shop"], each["order_code"], each["reason"]) for each in told]

    async def pull(self, shop: str = "default") -> Any:
        """What the seller's page does: ask for the shop's sales."""
        return await self.stage.api.get(f"/kaspi/get_sells_info/{shop}")


@asynccontextmanager
async def kaspi_shop(store_url: str, **environ: str) -> AsyncIterator[KaspiShop]:
    """The product, reading a shop at Kaspi; connected when the test says so."""
    kaspi = EmulatedKaspi(TOKEN, UID, Clock(NOON))
    async with serving(kaspi.app) as url:
        settings: dict[str, Any] = {
            "KASPI_API_TOKEN": f" {TOKEN}\n",
            "KASPI_MERCHANT_UID": UID,
            "KASPI_API_BASE_URL": url,
            **environ,
        }
        async with on_stage(store_url, **settings) as stage:
            kaspi.world = stage.clock
            yield KaspiShop(stage=stage, kaspi=kaspi)
    assert kaspi.unexpected == []
