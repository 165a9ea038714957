"""Orders by their numbers: whose each is, how it was last heard of, and whose buyer was erased."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.domain.events import Order, Stage
from app.store import keys
from app.store.claims import millis
from app.store.connection import Redis, Script

KEPT = timedelta(days=366)
"""How long an order is known after it was made: the most days that sales are told of."""

MOST_SWEPT = 1000
"""Orders that are swept at one time."""

FORGOTTEN_KEPT = timedelta(days=90)
"""How long it is known of an order that its buyer was erased; no list tells of older ones."""


class KnownOrder(Struct, frozen=True, kw_only=True):
    """An order as we first heard of it, or as it was last read at Kaspi, and whose it is.

    ``chat`` is None where nobody ever told the buyer's phone.
    """

    chat: str | None
    order: Order
    heard_at: datetime


class Kept(Struct, frozen=True, kw_only=True):
    """What was ``known`` of an order when it was kept; ``is_forgotten``: its buyer was erased."""

    known: KnownOrder | None = None
    is_forgotten: bool = False


_STAGES = tuple(Stage)
_keep = Script("keep")
_encode = msgspec.json.Encoder().encode
known_order = msgspec.json.Decoder(KnownOrder).decode


async def keep_all(
    redis: Redis, orders: Sequence[tuple[Order, str | None]], *, also: str, now: datetime
) -> dict[str, Kept]:
    """Keep orders and the phones they were read with; what was known, by their numbers.

    Whoever writes the same orders at the same time loses nothing. The phone of a buyer who was
    erased is not kept: under this shop, or under the shop ``also``. Raises redis' own errors.
    """
    found: dict[str, Kept] = {}
    left = list(orders)
    while left:
        docs = await redis.mget([keys.order(order.shop, order.code) for order, _ in left])
        gone = await _forgotten(redis, [order for order, _ in left], also=also)
        read = [
            Kept(known=known_order(doc) if doc else None, is_forgotten=order.code in gone)
            for (order, _), doc in zip(left, docs, strict=True)
        ]
        whole = [
            _kept_order(order, None if was.is_forgotten else phone, known=was.known, now=now)
            for (order, phone), was in zip(left, read, strict=True)
        ]
        written = await _write(redis, list(zip(docs, whole, strict=True)))
        rounds = list(zip(left, read, written, strict=True))
        found |= {order.code: was for (order, _), was, done in rounds if done}
        left = [pair for pair, _, done in rounds if not done]
    return found


async def know(redis: Redis, known: KnownOrder) -> None:
    """Keep an order that is news; one that is known already stays as it is, but for a phone that
    nobody had told so far. Raises redis' own errors.
    """
    name = keys.order(known.order.shop, known.order.code)
    while True:
        doc = await redis.get(name)
        was = known_order(doc) if doc else None
        if was is not None and was.chat is not None:
            return
        whole = known if was is None else replace(was, chat=known.chat)
        if all(await _write(redis, [(doc, whole)])):
            return


def _kept_order(
    order: Order, phone: str | None, *, known: KnownOrder | None, now: datetime
) -> KnownOrder:
    """What is kept of an order that was read, with what was known of it before: a phone that is
    known stays, and lines that are not told again.
    """
    if known is None:
        return KnownOrder(chat=phone, order=order, heard_at=now)
    whole = replace(order, items=order.items or known.order.items)
    return KnownOrder(chat=known.chat or phone, order=whole, heard_at=known.heard_at)


async def _write(redis: Redis, orders: Sequence[tuple[bytes | None, KnownOrder]]) -> Sequence[int]:
    """Write orders over what was read of each; 0 for one that has changed since."""
    names: list[str] = []
    args: list[str | bytes | int] = []
    for read, known in orders:
        order, own = known.order, keys.order(known.order.shop, known.order.code)
        theirs = own if known.chat is None else keys.orders_of(known.chat)
        names += [own, keys.orders(order.shop), theirs]
        made = millis(order.created_at or known.heard_at)
        named = "" if known.chat is None else f"{order.shop}:{order.code}"
        args += [read or "", _encode(known), order.code, made, named]
    written: Sequence[int] = await _keep.run(redis, names, args)
    return written


async def orders_of(redis: Redis, chat: str) -> list[Order]:
    """All orders that are known to be this chat's. Raises redis' own errors."""
    named = [name.decode().split(":", 1) for name in await redis.smembers(keys.orders_of(chat))]
    if not named:
        return []
    docs = await redis.mget([keys.order(shop, code) for shop, code in named])
    known = [known_order(doc) for doc in docs if doc]
    return [each.order for each in known if each.chat == chat]


# --- forgetting -------------------------------------------------------------------------------


async def sweep_known(redis: Redis, shop: str, now: datetime) -> int:
    """Forget a shop's orders made too long ago, and whose they were; how many there were.

    Conversations keep theirs. Raises redis' own errors.
    """
    until = f"({millis(now - KEPT)}"
    old = await redis.zrangebyscore(keys.orders(shop), "-inf", until, start=0, num=MOST_SWEPT)
    if not old:
        return 0
    codes = [code.decode() for code in old]
    docs = await redis.mget([keys.order(shop, code) for code in codes])
    async with redis.pipeline(transaction=True) as pipe:
        for code, doc in zip(codes, docs, strict=True):
            chat = known_order(doc).chat if doc else None
            if chat is not None:
                pipe.srem(keys.orders_of(chat), f"{shop}:{code}")
        pipe.delete(*(keys.order(shop, code) for code in codes))
        pipe.zrem(keys.orders(shop), *codes)
        await pipe.execute()
    return len(codes)


async def stages_forgotten(redis: Redis, orders: Iterable[Order]) -> dict[tuple[str, str], Stage]:
    """How far each of these orders is, by shop and number, or was when a buyer of it was erased.

    What was told up to there is not to be said again. Raises redis' own errors.
    """
    furthest: dict[tuple[str, str], Stage] = {}
    for order in orders:
        name = (order.shop, order.code)
        furthest[name] = _further(furthest.get(name, order.stage), order.stage)
    if furthest:
        before = await redis.mget([keys.forgotten(*name) for name in furthest])
        for name, stage in zip(list(furthest), before, strict=True):
            if stage:
                furthest[name] = _further(furthest[name], Stage(stage.decode()))
    return furthest


def _further(one: Stage, other: Stage) -> Stage:
    return max(one, other, key=_STAGES.index)


async def of_forgotten(redis: Redis, order: Order) -> Order:
    """``order``; where its buyer was erased, as one that was there before: what it asked for until
    then is not said again, whoever tells of it. Raises redis' own errors.
    """
    forgotten = await redis.get(keys.forgotten(order.shop, order.code))
    if forgotten is None:
        return order
    before = min(order.stage, Stage(forgotten.decode()), key=_STAGES.index)
    return replace(order, before=before)


async def _forgotten(redis: Redis, orders: Sequence[Order], *, also: str) -> set[str]:
    """The numbers of those whose buyer was erased."""
    named = [(order.code, shop) for order in orders for shop in {order.shop, also}]
    stages = await redis.mget([keys.forgotten(shop, code) for code, shop in named])
    return {code for (code, _), stage in zip(named, stages, strict=True) if stage}
