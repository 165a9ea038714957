"""Several shops of one seller: their own Kaspi, session, hours, caps and texts; one opt-out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from app.demo.kaspi import EmulatedKaspi, shops_app
from app.demo.kaspi_shapes import Buyer
from app.demo.server import serving
from app.worker.poll import poll
from tests.builders import NOON, PHONE
from tests.clock import Clock
from tests.e2e.kaspi_shop import BUYER, JACKET, SOCKS
from tests.e2e.stage import Stage, on_stage

OTHER = "77010000009"

SHOPS = """
[tdom]
name = "Тёплый дом"
session = "default"
token = "token-of-tdom="
merchant_uid = "30000001"
max_daily_messages = 1

[sporty]
name = "Sporty"
session = "sporty"
token = "token-of-sporty="
merchant_uid = "30000002"
language = "kk"
quiet_hours = "11:00-15:00"
off = ["order_delivered"]

[sporty.texts.post_purchase]
kk = "{hello} Sporty дүкенінен {product} алғаныңызға рахмет!"
"""


@dataclass(frozen=True, kw_only=True)
class Shops:
    stage: Stage
    tdom: EmulatedKaspi
    sporty: EmulatedKaspi

    async def news(self, **delta: float) -> None:
        self.stage.clock.advance(**(delta or {"hours": 1, "minutes": 1}))
        for shop in self.stage.bot.kaspi:
            await poll(self.stage.bot, shop)
        await self.stage.settle()

    @property
    def sessions(self) -> list[str]:
        """Whose WhatsApp each message went out by, in order."""
        return [sent.session for sent in self.stage.waha.sent]


@asynccontextmanager
async def two_shops(store_url: str, folder: Path) -> AsyncIterator[Shops]:
    path = folder / "shops.toml"
    path.write_text(SHOPS)
    clock = Clock(NOON)
    tdom = EmulatedKaspi("token-of-tdom=", "30000001", clock)
    sporty = EmulatedKaspi("token-of-sporty=", "30000002", clock)
    async with (
        serving(shops_app(tdom, sporty)) as url,
        on_stage(store_url, KASPI_API_BASE_URL=url, AI_SELLER_SHOPS_FILE=str(path)) as stage,
    ):
        tdom.world = sporty.world = stage.clock
        stage.waha.new_session("sporty", {})
        shops = Shops(stage=stage, tdom=tdom, sporty=sporty)
        await shops.news()
        yield shops


async def test_each_shop_speaks_by_its_own_session_hours_language_and_words(
    store_url: str, tmp_path: Path
) -> None:
    async with two_shops(store_url, tmp_path) as shops:
        shops.tdom.place([JACKET], BUYER)
        shops.sporty.place([SOCKS], Buyer(phone=OTHER.removeprefix("7")))
        await shops.news()
        assert shops.sessions == ["default"]
        assert "Тёплый дом" in shops.stage.texts[0]

        await shops.stage.advance(hours=3)

        assert shops.sessions == ["default", "sporty"]
        assert "Sporty дүкенінен Носки CL 3 пары алғаныңызға рахмет!" in shops.stage.texts[1]
        [entry] = await shops.stage.messages(OTHER)
        assert (entry["purpose"], entry["status"]) == ("post_purchase", "delivered")


async def test_a_cap_and_what_is_off_hold_for_one_shop_only(store_url: str, tmp_path: Path) -> None:
    async with two_shops(store_url, tmp_path) as shops:
        for n in range(3):
            shops.tdom.place([JACKET], Buyer(phone=f"701000002{n}"))
            shops.sporty.place([SOCKS], Buyer(phone=f"702000002{n}"))
        await shops.news()
        await shops.stage.advance(hours=4)
        by_session = shops.sessions
        assert by_session.count("default") == 1
        assert by_session.count("sporty") == 3
        for code in list(shops.sporty.orders):
            shops.sporty.complete(code)
        await shops.news(days=2)
        assert shops.sessions.count("sporty") == 3


async def test_a_stop_said_to_one_shop_holds_for_all(store_url: str, tmp_path: Path) -> None:
    async with two_shops(store_url, tmp_path) as shops:
        shops.tdom.place([JACKET], BUYER)
        await shops.news()
        await shops.stage.phone(PHONE).writes("стоп")
        await shops.stage.advance(minutes=1)
        said = len(shops.stage.texts)

        shops.sporty.place([SOCKS], BUYER)
        await shops.news()
        await shops.stage.advance(days=2)

        assert len(shops.stage.texts) == said
        reasons = [entry["reason"] for entry in await shops.stage.journal(PHONE)]
        assert "opted_out" in reasons


async def test_a_refused_token_stops_its_own_shop_only(store_url: str, tmp_path: Path) -> None:
    async with two_shops(store_url, tmp_path) as shops:
        shops.tdom.token = "another-now="
        await shops.news()
        asked = len(shops.tdom.requests)
        shops.sporty.place([SOCKS], BUYER)
        await shops.news(hours=5)
        assert len(shops.tdom.requests) == asked
        assert shops.sessions == ["sporty"]
