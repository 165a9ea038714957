"""What the desk takes of a shop with 10,000 contacts and 200,000 messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from statistics import median

from msgspec import Struct

from app.config import Settings
from app.demo.server import serving
from app.domain.conversation import Author, Conversation, Message, NeedsPerson, OptOut, Status
from app.domain.events import Item, Language, Order, Stage
from app.domain.rules import Purpose
from app.store.chats import Chats
from app.store.claims import Claimed, Settled
from app.web.server import build
from app.wiring import Assembly, assembled
from app.wiring.parts import front_of
from app.world import World
from tests.benchmarks.figures import Aim, Figure, part
from tests.benchmarks.product import Bench
from tests.desk import Desk, desk_of

CONTACTS = 10_000
MESSAGES = 20
"""Of each contact: 200,000 together."""

FEW = 100
"""Contacts of the small shop: how long the same pages take where there is hardly anything."""

LOOKS = 15
_AT_ONCE = 200
_KEY = "an-admin-key-for-benchmarks"
_NAMES = ("Айгерим", "Нурлан", "Елена", "Ерлан", "Динара", "Асель", "Марат", "Ольга")
_GOODS = ("Куртка Alpin черная 48", "Чайник Tefal KO 150", "Наушники JBL Tune 520", "Пылесос Dyson")


class Taken(Struct, frozen=True, kw_only=True):
    """What one page takes: seconds at the median, and what Redis does for it."""

    seconds: float
    commands: float
    kilobytes: float


async def desk(bench: Bench) -> list[Figure]:
    """Pages of the desk in milliseconds, and what of the store each of them reads."""
    settings = Settings.load(bench.environ(), dotenv=None)
    async with assembled(settings, world=World(), redis_url=bench.url) as parts:
        await _filled(parts, range(FEW))
        small = await _pages(bench, parts)
        begun = time.perf_counter()
        await _filled(parts, range(FEW, CONTACTS))
        filling = time.perf_counter() - begun
        large = await _pages(bench, parts)
        told = await _live(parts)
    await bench.redis.flushall()
    listed = large["list"]
    return [
        Figure(
            name="desk, list of 10,000 chats",
            value=1000 * listed.seconds,
            unit="ms",
            aim=Aim(than="under", value=500, unit="ms"),
            means="the whole page of 50 chats, 200,000 messages in the store; p50 over HTTP",
        ),
        *_against_small(small, large),
        part("a change is told", 1000 * told, "ms", "from the commit to the browser's stream"),
        part("filled", CONTACTS / filling, "/s", "chats committed with 20 messages each"),
    ]


def _against_small(small: dict[str, Taken], large: dict[str, Taken]) -> list[Figure]:
    """Each page beside that of a shop with 100 contacts: nothing may grow with the shop."""
    return [
        Figure(
            name=f"  {name}",
            value=1000 * taken.seconds,
            unit="ms",
            against=1000 * small[name].seconds,
            ratio=small[name].seconds / taken.seconds,
            means=f"against 100 contacts; {taken.commands:.0f} commands (there "
            f"{small[name].commands:.0f}), {taken.kilobytes:.0f} KiB read",
        )
        for name, taken in large.items()
    ]


async def _pages(bench: Bench, parts: Assembly) -> dict[str, Taken]:
    """Each page as it is asked for again and again by one who is logged in."""
    async with _opened(parts) as seller:
        ref = await Chats(parts.redis).ref(_chat(7))
        paths = {
            "list": "/desk/chats",
            "unhappy": "/desk/chats?shelf=unhappy",
            "search, a name": "/desk/chats?q=Айгерим",
            "search, a phone": "/desk/chats?q=7010000042",
            "search, an order": "/desk/chats?q=912000042",
            "conversation": f"/desk/chats/{ref}",
            "today": "/desk/today",
        }
        return {name: await _taken(bench, seller, path) for name, path in paths.items()}


async def _taken(bench: Bench, seller: Desk, path: str) -> Taken:
    await seller.page(path)
    before = await _done(bench)
    times = []
    for _ in range(LOOKS):
        begun = time.perf_counter()
        await seller.page(path)
        times.append(time.perf_counter() - begun)
    after = await _done(bench)
    return Taken(
        seconds=median(times),
        commands=(after[0] - before[0]) / LOOKS,
        kilobytes=(after[1] - before[1]) / LOOKS / 1024,
    )


async def _done(bench: Bench) -> tuple[int, int]:
    """Commands Redis has run, and bytes it has answered with."""
    info = await bench.redis.info("stats")
    return info["total_commands_processed"], info["total_net_output_bytes"]


async def _live(parts: Assembly) -> float:
    """Seconds from a commit until a browser hears of it; the median of some."""
    async with _opened(parts) as seller:
        times = []
        async with seller.http.stream("GET", "/desk/events") as stream:
            lines = stream.aiter_lines()
            await anext(lines)
            for number in range(LOOKS):
                begun = time.perf_counter()
                await _filled(parts, [CONTACTS + number])
                async with asyncio.timeout(10):
                    async for line in lines:
                        if line.startswith("data:"):
                            break
                times.append(time.perf_counter() - begun)
        return median(times)


@asynccontextmanager
async def _opened(parts: Assembly) -> AsyncIterator[Desk]:
    async with (
        serving(build(front_of(parts, admin_key=_KEY))) as url,
        desk_of(url, key=_KEY) as seller,
    ):
        yield seller


async def _filled(parts: Assembly, numbers: range | list[int]) -> None:
    """These chats, written as turns write them."""
    now = parts.world.now()
    chats = [_conversation(number, now) for number in numbers]
    for start in range(0, len(chats), _AT_ONCE):
        some = chats[start : start + _AT_ONCE]
        await asyncio.gather(*(_commit(parts, conversation, now) for conversation in some))


async def _commit(parts: Assembly, conversation: Conversation, now: datetime) -> None:
    new = Claimed(chat=conversation.chat, version="", conversation=None)
    await parts.bot.mailbox.commit(new, Settled(conversation=conversation), now=now)


def _chat(number: int) -> str:
    return f"7701{number:07d}"


def _conversation(number: int, now: datetime) -> Conversation:
    """A customer with an order, twenty messages and, now and then, a trouble."""
    begun = now - timedelta(minutes=2 * number + 60)
    name = _NAMES[number % len(_NAMES)]
    order = Order(
        code=str(912_000_000 + number),
        shop="default",
        stage=Stage.DELIVERED,
        items=(Item(name=_GOODS[number % len(_GOODS)], sku="1", price=12_990.0),),
        total=12_990.0,
        created_at=begun,
    )
    angry = NeedsPerson(reason="complaint", since=begun) if number % 50 == 0 else None
    return Conversation(
        chat=_chat(number),
        since=begun,
        phone=_chat(number),
        name=f"{name} {chr(0x410 + number % 32)}.",
        language=Language.KK if number % 3 == 0 else Language.RU,
        needs_person=angry,
        opt_out=OptOut(at=begun, by=Author.CUSTOMER) if number % 40 == 0 else None,
        orders=(order,),
        messages=tuple(_message(number, place, begun) for place in range(MESSAGES)),
    )


def _message(number: int, place: int, begun: datetime) -> Message:
    theirs = place % 2 == 1
    return Message(
        id=f"m{number}-{place}",
        author=Author.CUSTOMER if theirs else Author.BOT,
        text=f"Здравствуйте! Это {place}-е сообщение о заказе {912_000_000 + number}, спасибо!",
        at=begun + timedelta(minutes=place),
        status=Status.RECEIVED if theirs else Status.READ,
        session="default",
        shop="default",
        purpose=None if theirs else Purpose.REPLY,
        order_code=str(912_000_000 + number),
    )
