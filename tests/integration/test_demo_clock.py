"""The demo's clock moves the whole product: real doors, store and worker around the demo's shop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx

from app.config import Settings
from app.demo.clock import DemoClock
from app.demo.kaspi_shapes import Moves
from app.demo.server import serving
from app.demo.shop import TIMEZONE, DemoShop
from app.demo.waha_phone import Phone
from app.wiring import Assembly, assembled
from app.wiring.parts import front_of
from app.wiring.serve import clock_of
from app.worker.loop import working
from tests.web import web_of

ALMATY = ZoneInfo(TIMEZONE)
ADMIN = "an-admin-key-for-tests"
SOON = 20.0
"""Seconds within which what is due has been said: a limit for what hangs, not a measure."""


@dataclass
class Playing:
    """The demo as it runs, with the first buyer's phone."""

    shop: DemoShop
    parts: Assembly
    api: httpx.AsyncClient

    @property
    def number(self) -> str:
        return next(iter(self.shop.buyers))

    @property
    def phone(self) -> Phone:
        return self.shop.phone(self.number)

    async def said(self, count: int) -> str:
        """The newest of so many messages of the shop."""
        return (await self.phone.wait_for_received(count, SOON))[-1].text or ""

    async def journal(self) -> list[tuple[str, str | None, str | None]]:
        """What the product decided: kind, purpose and reason, the oldest first."""
        answer = await self.api.get(f"/api/contacts/{self.number}/journal")
        return [(e["kind"], e.get("purpose"), e.get("reason")) for e in answer.json()]

    async def noted(self, kind: str, purpose: str, reason: str | None = None) -> None:
        """Wait until the product has decided this."""
        async with asyncio.timeout(SOON):
            while (kind, purpose, reason) not in await self.journal():
                await self.shop.changed(self.shop.changes, 0.05)

    async def waits_until(self) -> datetime:
        """When the chat is to be looked at again, once nothing of it is under way."""
        async with asyncio.timeout(SOON):
            while True:
                due = await self.parts.bot.mailbox.next_due(self.number)
                if due is not None and due - self.shop.world.now() > timedelta(minutes=1):
                    return due
                await self.shop.changed(self.shop.changes, 0.05)

    async def move(self, hours: int) -> None:
        await self.shop.move(timedelta(hours=hours))

    async def move_to(self, local: time) -> None:
        """On to the next time it is so late in the shop."""
        now = self.shop.world.now().astimezone(ALMATY)
        there = datetime.combine(now.date(), local, ALMATY)
        await self.shop.move(there - now if there > now else there + timedelta(days=1) - now)


@asynccontextmanager
async def playing(store_url: str, folder: Path) -> AsyncIterator[Playing]:
    """In the shop's morning, with nothing that makes a test wait."""
    world = DemoClock(folder / "clock")
    world.to_working_hours(ALMATY)
    async with DemoShop(world).open() as shop:
        environ = {
            **shop.environment(),
            "REDIS_URL": store_url,
            "AI_SELLER_DEBOUNCE_SECONDS": "0",
            "AI_SELLER_DEBOUNCE_MAX_SECONDS": "0",
            "AI_SELLER_TYPING_CHARS_PER_SECOND": "0",
            "KASPI_POLL_SECONDS": "1",
        }
        settings = Settings.load(environ, dotenv=None)
        async with (
            assembled(settings, world=world, redis_url=store_url) as parts,
            working(parts.docket, parts.bot),
            serving(web_of(front_of(parts, admin_key=ADMIN, demo=True))) as url,
            httpx.AsyncClient(
                base_url=url, trust_env=False, headers={"Authorization": f"Bearer {ADMIN}"}
            ) as api,
        ):
            shop.serves(url, move_clock=clock_of(world, parts))
            yield Playing(shop, parts, api)


async def test_days_pass_at_once_from_the_order_to_the_review(
    store_url: str, tmp_path: Path
) -> None:
    async with playing(store_url, tmp_path) as demo:
        order = await demo.shop.order(demo.number, demo.shop.goods[0])
        assert "Спасибо" in await demo.said(1)
        await demo.shop.deliver(order.code)
        await demo.noted("blocked", "order_delivered", "cooldown")
        await demo.move(24)
        assert "доставлен" in await demo.said(2)
        await demo.noted("sent", "order_delivered")
        await demo.move(48)
        assert "отзыв" in await demo.said(3)
        session = await demo.parts.bot.sessions.of("default")
        assert (session.works, session.deaf(demo.shop.world.now())) == (True, False)
        days = [line.at.date() for line in demo.phone.received]
        assert [(day - days[0]).days for day in days] == [0, 1, 3]


async def test_what_waits_for_the_morning_comes_when_the_morning_does(
    store_url: str, tmp_path: Path
) -> None:
    async with playing(store_url, tmp_path) as demo:
        await demo.move_to(time(22))
        order = await demo.shop.order(demo.number, demo.shop.goods[0])
        demo.shop.kaspi.let_move(order.code, Moves())  # or it is with the courier by the morning
        await demo.noted("blocked", "post_purchase", "quiet_hours")
        await demo.shop.write(demo.number, "Сколько стоит плед?")
        await demo.said(1)
        assert ("sent", "post_purchase", None) not in await demo.journal()
        # Not due yet, and due by the clock itself a second later: no sweep comes as soon.
        due = await demo.waits_until()
        await demo.shop.move(due - timedelta(seconds=1) - demo.shop.world.now())
        assert len(demo.phone.received) == 1
        assert "Спасибо" in await demo.said(2)
        assert demo.phone.received[-1].at >= due
        assert due.astimezone(ALMATY).time() >= time(9)
