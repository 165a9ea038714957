"""The whole product on one stage: real doors, store and turns; WAHA and the model emulated.

Turns run when the test says so and hours pass at once, so that no test waits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx

from app.config import Settings
from app.demo.model import EmulatedModel
from app.demo.server import serving
from app.demo.waha import EmulatedWaha
from app.demo.waha_phone import Phone
from app.demo.waha_shapes import Engine
from app.wiring import Assembly, assembled
from app.wiring.parts import front_of
from app.worker.loop import WATCH_EVERY, run_guarded
from app.worker.prices import renew
from app.worker.watch import watch
from app.world import World
from tests.builders import NOON, PHONE
from tests.clock import Clock
from tests.web import web_of

ADMIN = "an-admin-key-for-tests"
HMAC = "a-webhook-key-for-tests"
JACKET = {
    "sku": "102529963_318274",
    "product_name": "Куртка Alpin черная 48",
    "quantity": 1,
    "total_amount": 15990.0,
}
MOST_ROUNDS = 200


class Stage:
    """What a test plays with. ``api`` has the admin key, ``public`` has none."""

    def __init__(
        self,
        *,
        clock: Clock,
        waha: EmulatedWaha,
        model: EmulatedModel,
        assembly: Assembly,
        url: str,
        api: httpx.AsyncClient,
        public: httpx.AsyncClient,
    ) -> None:
        self.clock = clock
        self.waha = waha
        self.model = model
        self.assembly = assembly
        self.bot = assembly.bot
        self.url = url
        self.api = api
        self.public = public

    def phone(self, number: str = PHONE, **about: Any) -> Phone:
        """A customer's phone."""
        return self.waha.phone(number, **about)

    async def ordered(
        self,
        stage: str = "POST_PURCHASE",
        *,
        phone: str = PHONE,
        name: str | None = "Айгерим С",
        code: str = "912000001",
        **order: Any,
    ) -> httpx.Response:
        """A demper's push."""
        body = {
            "waha_stage_id": stage,
            "customer": {"phone": phone, "name": name},
            "order": {**JACKET, "order_id": code, **order},
        }
        return await self.public.post("/event_handler", json=body)

    async def watch(self) -> None:
        """What a worker does every half a minute: look at the WhatsApp sessions."""
        await watch(self.bot)

    async def restock(self) -> None:
        """What a worker does now and then: look for the price lists, take over what changed."""
        for source in self.bot.prices:
            await renew(source, self.bot.offers, world=self.clock, log=self.bot.log)
        await self.bot.shelves.keep_up()

    async def settle(self) -> None:
        """Run turns until nothing is due and no webhook is under way."""
        chats: list[str] = []
        for _ in range(MOST_ROUNDS):
            await self.waha.delivered()
            chats = await self.bot.mailbox.all_due(self.clock.now())
            if not chats:
                return
            for chat in chats:
                await run_guarded(self.bot, chat)
        raise AssertionError(f"not settled after {MOST_ROUNDS} rounds: {chats}")

    async def advance(self, **delta: float) -> None:
        """Let time pass, stopping wherever something is due on the way."""
        target = self.clock.now() + timedelta(**delta)
        await self.settle()
        while (due := await self._next_moment()) is not None and due <= target:
            self.clock.set(max(due, self.clock.now()))
            await self.settle()
        self.clock.set(max(target, self.clock.now()))
        await self.settle()

    async def _next_moment(self) -> datetime | None:
        """When something is to be done next; the sessions are looked at while they are down."""
        waiting = await self.bot.mailbox.waiting(offset=0, limit=1)
        due = await self.bot.mailbox.next_due(waiting[0]) if waiting else None
        if not (await self.bot.sessions.of("default")).works:
            await self.watch()
            watched = self.clock.now() + WATCH_EVERY
            return watched if due is None else min(due, watched)
        return due

    async def contact(self, phone: str = PHONE) -> Any:
        """What the API tells of a contact."""
        return await self._get(f"/api/contacts/{phone}")

    async def messages(self, phone: str = PHONE) -> Any:
        """Both sides of a chat, by the API."""
        return await self._get(f"/api/contacts/{phone}/messages")

    async def journal(self, phone: str = PHONE) -> Any:
        """A chat's journal, by the API."""
        return await self._get(f"/api/contacts/{phone}/journal")

    async def metrics(self) -> Any:
        """The seller's figures."""
        answer = await self._get("/ai-seller/metrics")
        return answer["metrics"]["ai_seller_metrics"]

    async def _get(self, path: str) -> Any:
        answer = await self.api.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def texts(self) -> list[str]:
        """What was sent through WAHA, in order."""
        return [sent.text for sent in self.waha.sent]


@asynccontextmanager
async def on_stage(
    store_url: str, *, engine: Engine = "NOWEB", world: World | None = None, **environ: str
) -> AsyncIterator[Stage]:
    """The product with these settings, from noon on; or in the real time of ``world``."""
    clock = Clock(NOON)
    waha = EmulatedWaha("waha-key-for-tests", world=world or clock, engine=engine)
    model = EmulatedModel("model-key-for-tests")
    async with serving(waha.app) as waha_url, serving(model.app) as model_url:
        settings = Settings.load(
            {
                "REDIS_URL": store_url,
                "WAHA_API_ENDPOINT": waha_url,
                "WAHA_API_KEY": "waha-key-for-tests",
                "WAHA_WEBHOOK_HMAC_KEY": HMAC,
                "OPENAI_BASE_URL": f"{model_url}/v1",
                "OPENAI_API_KEY": "model-key-for-tests",
                **environ,
            },
            dotenv=None,
        )
        async with assembled(settings, world=world or clock, redis_url=store_url) as assembly:
            front = front_of(assembly, admin_key=ADMIN)
            async with (
                serving(web_of(front)) as url,
                httpx.AsyncClient(
                    base_url=url, verify=False, headers={"Authorization": f"Bearer {ADMIN}"}
                ) as api,
                httpx.AsyncClient(base_url=url, verify=False) as public,
            ):
                waha.hook(f"{url}/webhooks/waha", hmac_key=HMAC)
                stage = Stage(
                    clock=clock,
                    waha=waha,
                    model=model,
                    assembly=assembly,
                    url=url,
                    api=api,
                    public=public,
                )
                await stage.restock()
                yield stage
                assert waha.unexpected == []
