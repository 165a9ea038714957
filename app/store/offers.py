"""The rows of price lists as they were last good, and which of them changed when.

One worker reads a list and writes what has changed; all the others take over just that.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar

import msgspec
from msgspec import Struct

from app.domain.product import Product
from app.store import keys
from app.store.connection import Redis, store_errors

AT_ONCE = 2000
"""Rows written or read with one command."""

_encode = msgspec.json.Encoder().encode
_products = msgspec.json.Decoder(Product)


_Row = TypeVar("_Row")


def _parts(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    """``rows``, as many at a time as one command takes."""
    left = iter(rows)
    while some := list(islice(left, AT_ONCE)):
        yield some


class ToldFault(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with one row of a list, and where: ``row`` counts from 1."""

    offer: str
    reason: str
    row: int | None = None
    column: str | None = None


class ListState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a price list is. ``name`` is what it is called, ``stamp`` tells its content.

    ``asked_at`` is when it was last looked for, ``good_at`` when it was last read whole; ``failed``
    is why it could not be the last time, since ``failed_at``, and then the rows are of ``good_at``.
    """

    name: str
    stamp: bytes = b""
    asked_at: datetime | None = None
    good_at: datetime | None = None
    offers: int = 0
    faults: tuple[ToldFault, ...] = ()
    failed: str | None = None
    failed_at: datetime | None = None
    tries: int = 0


class Changes(Struct, frozen=True, kw_only=True):
    """What is new in a list since a version of it."""

    version: int
    changed: tuple[Product, ...] = ()
    gone: tuple[str, ...] = ()


_states = msgspec.json.Decoder(ListState)


class Offers:
    """Price lists by name: a shop's own, or its sheet."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def state(self, list_: str) -> ListState | None:
        """How the list is; None before it was first looked for. Raises ``StoreDown``."""
        with store_errors():
            kept = await self._redis.hget(keys.offers_state(list_), "state")
        return _states.decode(kept) if kept else None

    async def keep_state(self, list_: str, state: ListState) -> None:
        """Keep how the list is. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.hset(keys.offers_state(list_), "state", _encode(state))

    async def renew(self, list_: str, products: Sequence[Product]) -> tuple[int, int]:
        """Put ``products`` in the place of all rows; how many changed, and how many went.

        Only those are written, a part at a time: others have their turn in between. A crash leaves
        rows of both, and the next try mends it, also where all rows were written and only the
        version was not: others hear of a version when it is whole. Raises ``StoreDown``.
        """
        wanted = {product.sku.encode(): product for product in products}
        changed = gone = 0
        with store_errors():
            told = await self._version(list_)
            for some in _parts(wanted.items()):
                changed += await self._put(list_, some, version=told + 1)
            if await self._redis.hlen(keys.offers(list_)) > len(wanted):
                for lost in _parts(await self._others(list_, wanted)):
                    await self._drop(list_, lost, version=told + 1)
                    gone += len(lost)
            if await self._redis.zcount(keys.offers_changed(list_), f"({told}", "+inf"):
                await self._redis.hset(keys.offers_state(list_), "version", told + 1)
        return changed, gone

    async def since(self, list_: str, version: int) -> Changes:
        """What changed after ``version`` (0: all there is). Raises ``StoreDown``."""
        with store_errors():
            newest = await self._version(list_)
            if newest <= version:
                return Changes(version=newest)
            # Rows that are being written belong to no version that is told of, and are told then.
            # Who has none yet takes them as they are: without them they would be missing.
            until = newest if version else "+inf"
            skus = await self._redis.zrangebyscore(keys.offers_changed(list_), f"({version}", until)
            changed: list[Product] = []
            gone: list[str] = []
            for some in _parts(skus):
                rows = await self._redis.hmget(keys.offers(list_), list(some))
                for sku, row in zip(some, rows, strict=True):
                    if row is None:
                        gone.append(sku.decode())
                    else:
                        changed.append(_products.decode(row))
        return Changes(version=newest, changed=tuple(changed), gone=tuple(gone))

    async def version(self, list_: str) -> int:
        """The newest whole version. Raises ``StoreDown``."""
        with store_errors():
            return await self._version(list_)

    async def _version(self, list_: str) -> int:
        return int(await self._redis.hget(keys.offers_state(list_), "version") or 0)

    async def _put(
        self, list_: str, products: Iterable[tuple[bytes, Product]], *, version: int
    ) -> int:
        """Write those that are another row than is kept; how many."""
        rows = {sku: _encode(product) for sku, product in products}
        kept = await self._redis.hmget(keys.offers(list_), list(rows))
        pairs = zip(rows.items(), kept, strict=True)
        changed = {sku: row for (sku, row), known in pairs if row != known}
        if changed:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hset(keys.offers(list_), mapping=changed)
                pipe.zadd(keys.offers_changed(list_), dict.fromkeys(changed, version))
                await pipe.execute()
        return len(changed)

    async def _others(self, list_: str, wanted: Container[bytes]) -> set[bytes]:
        """The SKUs of rows that are not ``wanted``."""
        return {
            sku
            async for sku, _ in self._redis.hscan_iter(keys.offers(list_), count=AT_ONCE)
            if sku not in wanted
        }

    async def _drop(self, list_: str, lost: Sequence[bytes], *, version: int) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hdel(keys.offers(list_), *lost)
            pipe.zadd(keys.offers_changed(list_), dict.fromkeys(lost, version))
            await pipe.execute()
