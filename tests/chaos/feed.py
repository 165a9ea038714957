"""The plan carried out: customers and the demper at the product's doors, blows in between."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress

import httpx
from msgspec import Struct

from app.demo.waha_phone import Phone
from tests.chaos.outside import Outside
from tests.chaos.plan import (
    Asks,
    Blow,
    Buys,
    Chat,
    Kind,
    OwnerWrites,
    Plan,
    Reads,
    Step,
    Stops,
    Strike,
)
from tests.chaos.processes import Crew, Store

AGAIN = 0.2
"""Seconds after which the demper of this run tries again."""

SHOP = "Лавка Алтын"


class Bought(Struct, kw_only=True):
    """An order that was pushed; ``accepted`` when the first 2xx came."""

    code: str
    word: str
    item: str
    pushed: float
    accepted: float | None = None
    refused: list[str] = []


class Wrote(Struct, kw_only=True):
    """A message of a customer, or of the owner; ``taken`` when its webhook was answered 2xx.

    ``at`` is its time as WhatsApp tells it: whole seconds.
    """

    short: str
    text: str
    at: int
    posted: float
    taken: float | None = None


class Fed(Struct, kw_only=True):
    """What one chat was fed, in order."""

    chat: Chat
    orders: list[Bought] = []
    messages: list[Wrote] = []
    stop: Wrote | None = None
    owner: list[Wrote] = []
    reads: int = 0

    @property
    def facts(self) -> int:
        """Orders, messages, stops, words of the owner and readings."""
        return len(self.orders) + len(self.messages) + len(self.owner) + self.reads


class Struck(Struct, frozen=True, kw_only=True):
    """A blow that fell. ``until`` is when the thing was given back to the system."""

    blow: Blow
    at: float
    until: float


class Feeder:
    """Feeds all chats at once, each in its own order."""

    def __init__(self, plan: Plan, outside: Outside, url: str) -> None:
        self._plan = plan
        self._outside = outside
        self._url = url
        self._begun = 0.0
        self.fed = [Fed(chat=chat) for chat in plan.chats]
        self.pushes: Counter[str] = Counter()

    async def run(self) -> None:
        """Return when everything was fed and taken."""
        self._begun = time.monotonic()
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(
            base_url=self._url, timeout=10, trust_env=False, limits=limits
        ) as door:
            await asyncio.gather(*(self._chat(fed, door) for fed in self.fed))

    async def _chat(self, fed: Fed, door: httpx.AsyncClient) -> None:
        phone = self._outside.waha.phone(fed.chat.phone, name="Айгерим")
        pushed = []
        for step in fed.chat.steps:
            await self._moment(step)
            if fed.chat.kind is Kind.HIDDEN:
                phone.address = "lid" if step.at % 2 > 1 else "pn"
            pushing = await self._do(step, fed, phone, door)
            pushed += [pushing] if pushing else []
        await asyncio.gather(*pushed)
        for wrote in (*fed.messages, *fed.owner):
            wrote.taken = await self._outside.courier.until_taken(wrote.short)

    async def _moment(self, step: Step) -> None:
        await asyncio.sleep(max(0.0, self._begun + step.at - time.monotonic()))

    async def _do(
        self, step: Step, fed: Fed, phone: Phone, door: httpx.AsyncClient
    ) -> asyncio.Task[None] | None:
        match step.deed:
            case Buys() as order:
                return asyncio.create_task(self._push(order, fed, door))
            case Asks() as question:
                await self._write(question.text, fed, phone, again=question.again)
                if fed.chat.kind is not Kind.HASTY:
                    await self._outside.courier.until_taken(fed.messages[-1].short)
            case Stops() as stop:
                await self._write(stop.text, fed, phone, again=False)
                fed.stop = fed.messages[-1]
                fed.stop.taken = await self._outside.courier.until_taken(fed.stop.short)
            case OwnerWrites() as owner:
                await self._owner(owner.text, fed)
            case Reads():
                fed.reads += 1
                await phone.reads()
        return None

    async def _write(self, text: str, fed: Fed, phone: Phone, *, again: bool) -> None:
        waha, now = self._outside.waha, time.time()
        before, waha.twice = waha.twice, again
        try:
            short = await phone.writes(text)
        finally:
            waha.twice = before
        fed.messages.append(Wrote(short=short, text=text, at=int(now), posted=now))

    async def _owner(self, text: str, fed: Fed) -> None:
        now = time.time()
        short = await self._outside.waha.owner_writes(fed.chat.phone, text)
        wrote = Wrote(short=short, text=text, at=int(now), posted=now)
        fed.owner.append(wrote)
        wrote.taken = await self._outside.courier.until_taken(short)

    async def _push(self, order: Buys, fed: Fed, door: httpx.AsyncClient) -> None:
        """Push until it is taken; and once more where the plan says so."""
        bought = Bought(code=order.code, word=order.word, item=order.item, pushed=time.time())
        fed.orders.append(bought)
        for _ in range(1 + order.again):
            while not await self._pushed(order, bought, fed.chat.phone, door):  # noqa: ASYNC110 - a demper polls
                await asyncio.sleep(AGAIN)

    async def _pushed(
        self, order: Buys, bought: Bought, phone: str, door: httpx.AsyncClient
    ) -> bool:
        body = {
            "waha_stage_id": "POST_PURCHASE",
            "customer": {"phone": phone, "name": "Айгерим С"},
            "order": {
                "sku": f"sku-{order.code}",
                "product_name": order.item,
                "quantity": 1,
                "total_amount": 15990.0,
                "order_id": order.code,
            },
        }
        try:
            answer = await door.post("/event_handler", json=body)
        except httpx.TransportError as error:
            self.pushes[type(error).__name__] += 1
            return False
        self.pushes[str(answer.status_code)] += 1
        if answer.is_success and bought.accepted is None:
            bought.accepted = time.time()
        if 400 <= answer.status_code < 500:
            bought.refused.append(answer.text)
            return True
        return answer.is_success


class Striker:
    """Lets the blows of the plan fall."""

    def __init__(self, plan: Plan, *, outside: Outside, crew: Crew, store: Store) -> None:
        self._plan = plan
        self._outside = outside
        self._crew = crew
        self._store = store
        self._turn = 0
        self.struck: list[Struck] = []

    async def run(self) -> None:
        """Return when the last blow has fallen and everything was given back."""
        begun = time.monotonic()
        async with asyncio.TaskGroup() as blows:
            for strike in self._plan.strikes:
                await asyncio.sleep(max(0.0, begun + strike.at - time.monotonic()))
                blows.create_task(self._strike(strike))

    async def _strike(self, strike: Strike) -> None:
        at = time.time()
        if await self._fell(strike):
            self.struck.append(Struck(blow=strike.blow, at=at, until=time.time()))

    async def _fell(self, strike: Strike) -> bool:
        match strike.blow:
            case Blow.KILL_WORKER:
                self._turn += 1
                workers = self._crew.workers
                return workers[self._turn % len(workers)].kill(strike.lasts)
            case Blow.KILL_WEB:
                return self._crew.web.kill(strike.lasts)
            case Blow.KILL_STORE:
                return self._store.kill()
            case Blow.FREEZE_STORE:
                with suppress(ProcessLookupError):
                    await self._store.freeze(strike.lasts)
                return self._store.kill()
            case Blow.SESSION_STARTING | Blow.SESSION_FAILED:
                status = "STARTING" if strike.blow is Blow.SESSION_STARTING else "FAILED"
                await self._outside.waha.session_becomes(status)
                await asyncio.sleep(strike.lasts)
                await self._outside.waha.session_becomes("WORKING")
                return True
            case Blow.WAHA_AWAY:
                self._outside.waha.down = True
                await asyncio.sleep(strike.lasts)
                self._outside.waha.down = False
                return True
