"""What the product tells of itself through its API, and when it is quiet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import httpx
import msgspec
from msgspec import Struct

from tests.chaos.feed import Fed
from tests.chaos.outside import ADMIN, Outside

LOOK = 0.4
"""Seconds between two looks at whether all is quiet."""

_AT_ONCE = 8
_MOST = 500
OPEN = ("queued", "uncertain")


class Said(Struct, frozen=True, kw_only=True):
    """A message, by ``GET /api/contacts/{phone}/messages``."""

    id: str
    direction: str
    text: str
    at: datetime
    author: str
    purpose: str | None = None
    status: str | None = None
    order_code: str | None = None
    failure: str | None = None


class Noted(Struct, frozen=True, kw_only=True):
    """A line of the journal."""

    at: datetime
    kind: str
    purpose: str | None = None
    reason: str | None = None
    message: str | None = None
    order_code: str | None = None
    facts: tuple[str, ...] = ()

    def __str__(self) -> str:
        about = (self.kind, self.purpose, self.reason, self.message, self.order_code)
        return f"{self.at:%H:%M:%S.%f} {' '.join(part for part in about if part)}"


class Person(Struct, frozen=True, kw_only=True):
    """A contact."""

    opted_out: bool
    owner: str


class Item(Struct, frozen=True, kw_only=True):
    """One thing of the outbox."""

    id: str
    chat: str
    purpose: str | None
    status: str
    blocked: str | None
    until: datetime
    order_code: str | None


class Told(Struct, frozen=True, kw_only=True):
    """All that the API tells of one chat."""

    person: Person | None
    messages: tuple[Said, ...] = ()
    journal: tuple[Noted, ...] = ()
    waiting: tuple[Item, ...] = ()

    def lines_about(self, *names: str | None) -> str:
        """The journal's lines that name a message or an order, for whoever looks for a fault."""
        lines = [n for n in self.journal if {n.message, n.order_code} & set(names) - {None}]
        return "\n      ".join(str(line) for line in lines[-12:]) or "nothing in the journal"


class Api:
    """The admin's API."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=url, timeout=20, trust_env=False, headers={"Authorization": f"Bearer {ADMIN}"}
        )
        self._lanes = asyncio.Semaphore(_AT_ONCE)

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def outbox(self) -> list[Item]:
        """All that waits."""
        found: list[Item] = []
        while True:
            page = await self._get(f"/api/outbox?limit={_MOST}&offset={len(found)}")
            items = msgspec.json.decode(page, type=list[Item])
            found += items
            if len(items) < _MOST:
                return found

    async def due(self) -> int:
        """Chats whose time has come."""
        status = msgspec.json.decode(await self._get("/ai-seller/status"))
        return int(status["queue"]["due"])

    async def buried(self) -> list[str]:
        """What failed for good."""
        graves = msgspec.json.decode(await self._get(f"/api/buried?limit={_MOST}"))
        return [f"{grave['kind']} {grave['chat']} {grave['cause']}" for grave in graves]

    async def messages(self, phone: str) -> tuple[Said, ...]:
        """Both sides of a chat; nothing when nobody has heard of it."""
        body = await self._get(f"/api/contacts/{phone}/messages", missing=b"[]")
        return msgspec.json.decode(body, type=tuple[Said, ...])

    async def told(self, phone: str, waiting: tuple[Item, ...]) -> Told:
        """All of one chat."""
        person = await self._get(f"/api/contacts/{phone}", missing=b"")
        if not person:
            return Told(person=None)
        journal = await self._get(f"/api/contacts/{phone}/journal")
        return Told(
            person=msgspec.json.decode(person, type=Person),
            messages=await self.messages(phone),
            journal=msgspec.json.decode(journal, type=tuple[Noted, ...]),
            waiting=waiting,
        )

    async def _get(self, path: str, *, missing: bytes | None = None) -> bytes:
        async with self._lanes:
            answer = await self._http.get(path)
        if answer.status_code == 404 and missing is not None:
            return missing
        answer.raise_for_status()
        return answer.content


class Quiet:
    """Waits until the system has nothing left to do."""

    def __init__(self, api: Api, outside: Outside, fed: list[Fed], *, settles: bool) -> None:
        self._api = api
        self._outside = outside
        self._fed = fed
        self._settles = settles
        self.why_not = "never looked"

    async def within(self, seconds: float) -> float | None:
        """The seconds it took, None when it is not quiet after ``seconds``."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            with suppress(httpx.HTTPError):
                why = await self._busy()
                if why is None:
                    return time.monotonic() - begun
                self.why_not = why
            await asyncio.sleep(LOOK)
        return None

    async def _busy(self) -> str | None:
        """What is still under way, in a word."""
        with suppress(TimeoutError):
            await self._outside.courier.delivered(LOOK)
        if self._outside.courier.under_way:
            return f"{self._outside.courier.under_way} webhooks under way"
        waiting = [item for item in await self._api.outbox() if not is_held(item)]
        if waiting:
            return f"{len(waiting)} things in the outbox, such as {waiting[0]}"
        due = await self._api.due()
        if due:
            return f"{due} chats due"
        kinds = OPEN if self._settles else OPEN[:1]
        return await self._open(lambda said: said.status in kinds)

    async def _open(self, wanted: Callable[[Said], bool]) -> str | None:
        chats = [self._api.messages(fed.chat.phone) for fed in self._fed]
        found = [said for messages in await asyncio.gather(*chats) for said in messages]
        still = [said for said in found if wanted(said)]
        return f"{len(still)} messages {still[0].status}" if still else None


def is_held(item: Item) -> bool:
    """Whether a rule holds it for hours: people own the chat."""
    return item.blocked == "people_own_chat"
