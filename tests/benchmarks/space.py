"""What a contact takes up in the store, and what of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator

from app.store import keys
from tests.benchmarks.figures import Figure, part
from tests.benchmarks.load import throw
from tests.benchmarks.messages import acknowledged, asked, echoed, request
from tests.benchmarks.product import Bench

KINDS = {
    "conversation": "HASH: the chat as it is, its last messages and orders",
    "journal": "LIST: a line for all that happened, with its reason",
    "seen": "ZSET: ids of facts, so that none is taken twice",
    "archive": "LIST: messages too old for the chat itself",
    "mail": "LIST: facts not read yet",
    "sent": "STRINGs, one a message of ours for 30 days: whose receipt comes",
    "shared": "a contact's share in the indexes all share",
}
WARM = 1
_PAGE = 1000


async def space(bench: Bench) -> list[Figure]:
    """Contacts write, are answered, and WAHA tells what became of the answers."""
    await bench.emptied()
    contacts, messages = bench.work.contacts, bench.work.messages
    async with bench.serving() as (_, port, _):
        await _talk(bench, port, first=contacts, contacts=WARM)
        before = await _used(bench)
        bench.outside.forget()
        await _talk(bench, port, first=0, contacts=contacts)
    await _forget_docket(bench)
    used = await _used(bench) - before
    figures = [
        Figure(
            name="store, a contact",
            value=used / contacts,
            unit="B",
            means=(
                f"used_memory for {contacts} contacts with {messages} messages each way, the "
                "receipts of ours read, everything through the real doors and turns"
            ),
        )
    ]
    sizes = await _sizes(bench)
    people = contacts + WARM
    figures += [
        part(kind, sizes[kind] / people, "B", means) for kind, means in KINDS.items() if sizes[kind]
    ]
    return figures


async def _talk(bench: Bench, port: int, *, first: int, contacts: int) -> None:
    people, connections = range(first, first + contacts), bench.work.connections
    for number in range(bench.work.messages):
        questions = [request(asked(chat, number)) for chat in people]
        await throw(port, questions, connections=min(connections, contacts))
        await bench.settled((number + 1) * contacts)
    told = [request(echoed(sent.chat, sent.short, sent.text)) for sent in bench.outside.sent]
    await throw(port, told, connections=connections)
    for ack in (1, 2, 3):
        told = [request(acknowledged(sent.chat, sent.short, ack)) for sent in bench.outside.sent]
        await throw(port, told, connections=connections)
    await bench.settled(0)


async def _used(bench: Bench) -> int:
    info = await bench.redis.info("memory")
    used: int = info["used_memory"]
    return used


async def _forget_docket(bench: Bench) -> None:
    """What docket keeps of a run goes by itself within a minute: here at once."""
    async for page in _pages(bench):
        ran = [key for key in page if key.startswith(keys.DOCKET.encode())]
        if ran:
            await bench.redis.delete(*ran)


async def _sizes(bench: Bench) -> Counter[str]:
    """Bytes by kind of key, each key counted whole."""
    sizes: Counter[str] = Counter()
    async for page in _pages(bench):
        async with bench.redis.pipeline(transaction=False) as pipe:
            for key in page:
                pipe.memory_usage(key, samples=0)
            for key, size in zip(page, await pipe.execute(), strict=True):
                sizes[_kind(key.decode())] += size or 0
    return sizes


async def _pages(bench: Bench) -> AsyncIterator[list[bytes]]:
    cursor = 0
    while True:
        cursor, page = await bench.redis.scan(cursor, count=_PAGE)
        yield page
        if not cursor:
            return


def _kind(key: str) -> str:
    own = re.fullmatch(rf"{keys.PREFIX}:\{{.*\}}:?(\w*)", key)
    if own:
        return own[1] or "conversation"
    return "sent" if key.startswith(keys.sent("")) else "shared"
