"""What was read of a shop at Kaspi: how each order was last time, and how the reading goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from app.domain.events import Stage
from app.store import keys
from app.store.claims import millis, moment
from app.store.connection import Redis, store_errors
from app.store.known_orders import sweep_known

KEPT = timedelta(days=90)
"""How long an order is remembered after it was made; no list asks for older ones."""


class Sighting(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order as it was last read.

    ``mark`` is a hash of what may change, ``lines`` one of its lines, '' where they were not told;
    ``times`` counts the changes. ``before`` is the stage it had when the shop was connected, if it
    was there before; ``mute``: it was told that nobody can be written to about it.
    """

    stage: Stage
    mark: str
    lines: str = ""
    times: int = 1
    before: Stage | None = None
    mute: bool = False


class Taken(Struct, frozen=True, kw_only=True):
    """What became of orders that were read: facts of new ones, facts of delivered ones, those that
    are as they were, and those that nobody is written to about.
    """

    new: int = 0
    delivered: int = 0
    already_known: int = 0
    skipped: int = 0

    def __add__(self, other: Taken) -> Taken:
        return Taken(
            new=self.new + other.new,
            delivered=self.delivered + other.delivered,
            already_known=self.already_known + other.already_known,
            skipped=self.skipped + other.skipped,
        )


class Reading(Struct, frozen=True, kw_only=True):
    """How the reading of a shop goes.

    ``connected_at`` is when its first reading began, ``seeded_at`` when that was complete: what was
    there before is no news. ``read_at`` tells when each kind of list was read. ``code`` and
    ``detail`` are those of the last failure while ``failures`` is not 0; until ``not_before``
    nothing is asked. ``refused`` is a hash of the token that Kaspi refused.
    """

    connected_at: datetime | None = None
    seeded_at: datetime | None = None
    uid: str = ""
    read_at: Mapping[str, datetime] = {}
    ok_at: datetime | None = None
    failures: int = 0
    not_before: datetime | None = None
    code: str | None = None
    detail: str | None = None
    refused: str | None = None


_encode = msgspec.json.Encoder().encode
_sightings = msgspec.json.Decoder(Sighting)


class KaspiOrders:
    """The memory of whoever reads Kaspi. All of it may be lost but for the seeding: facts are told
    twice then, and known the second time.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    # --- orders ---------------------------------------------------------------------------

    async def sightings(self, shop: str, codes: Sequence[str]) -> dict[str, Sighting]:
        """How these orders were last time; those never seen are not in it. Raises ``StoreDown``."""
        if not codes:
            return {}
        with store_errors():
            known = await self._redis.hmget(keys.kaspi_seen(shop), list(codes))
        return {
            code: _sightings.decode(each)
            for code, each in zip(codes, known, strict=True)
            if each is not None
        }

    async def see(
        self,
        shop: str,
        sightings: Mapping[str, Sighting],
        *,
        made: Mapping[str, datetime],
        cards: Mapping[str, str],
    ) -> None:
        """Keep how these orders are now, when they were made, and the cards of what was sold.

        Raises ``StoreDown``.
        """
        if not sightings:
            return
        with store_errors():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hset(
                    keys.kaspi_seen(shop),
                    mapping={code: _encode(each) for code, each in sightings.items()},
                )
                pipe.zadd(keys.kaspi_made(shop), {code: millis(made[code]) for code in sightings})
                if cards:
                    pipe.hset(keys.cards(shop), mapping=dict(cards))
                await pipe.execute()

    async def watch(
        self, shop: str, *, still_open: Iterable[str], ended: Iterable[str], now: datetime
    ) -> None:
        """These orders were read just now; those that have ended need no reading any more.

        Raises ``StoreDown``.
        """
        opened, closed = dict.fromkeys(still_open, millis(now)), list(ended)
        with store_errors():
            async with self._redis.pipeline(transaction=False) as pipe:
                if opened:
                    pipe.zadd(keys.kaspi_open(shop), opened)
                if closed:
                    pipe.zrem(keys.kaspi_open(shop), *closed)
                await pipe.execute()

    async def unread_since(self, shop: str, since: datetime, *, most: int) -> list[str]:
        """Open orders not read since then, the longest first. Raises ``StoreDown``."""
        with store_errors():
            codes = await self._redis.zrangebyscore(
                keys.kaspi_open(shop), "-inf", millis(since), start=0, num=most
            )
        return [code.decode() for code in codes]

    async def sweep(self, shop: str, now: datetime) -> int:
        """Forget the orders made too long ago; how many were seen here. Raises ``StoreDown``."""
        with store_errors():
            await sweep_known(self._redis, shop, now)
            old = await self._redis.zrangebyscore(
                keys.kaspi_made(shop), "-inf", millis(now - KEPT), start=0, num=5000
            )
            if old:
                async with self._redis.pipeline(transaction=True) as pipe:
                    pipe.hdel(keys.kaspi_seen(shop), *old)
                    pipe.zrem(keys.kaspi_open(shop), *old)
                    pipe.zrem(keys.kaspi_made(shop), *old)
                    await pipe.execute()
        return len(old)

    async def cards(self, shop: str) -> dict[str, str]:
        """Kaspi's card code of every SKU that was learned. Raises ``StoreDown``."""
        with store_errors():
            pairs = self._redis.hscan_iter(keys.cards(shop), count=2000)
            return {sku.decode(): card.decode() async for sku, card in pairs}

    async def count_cards(self, shop: str) -> int:
        """How many SKUs' cards were learned. Raises ``StoreDown``."""
        with store_errors():
            return int(await self._redis.hlen(keys.cards(shop)))

    # --- how the reading goes -------------------------------------------------------------

    async def reading(self, shop: str) -> Reading:
        """How the reading of a shop goes. Raises ``StoreDown``."""
        with store_errors():
            told = await self._redis.hgetall(keys.kaspi(shop))
        known = {field.decode(): value.decode() for field, value in told.items()}

        def at(field: str) -> datetime | None:
            return moment(float(known[field])) if known.get(field) else None

        kinds = [field for field in known if field.startswith("at:")]
        return Reading(
            connected_at=at("connected"),
            seeded_at=at("seeded"),
            uid=known.get("uid", ""),
            read_at={kind.removeprefix("at:"): moment(float(known[kind])) for kind in kinds},
            ok_at=at("ok"),
            failures=int(known.get("failures", 0)),
            not_before=at("not_before"),
            code=known.get("code") or None,
            detail=known.get("detail") or None,
            refused=known.get("refused") or None,
        )

    async def connect(self, shop: str, *, uid: str, now: datetime) -> None:
        """The first reading of a shop begins, or one after it was away for long.

        Raises ``StoreDown``.
        """
        with store_errors():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hdel(keys.kaspi(shop), "seeded")
                pipe.hset(keys.kaspi(shop), mapping={"connected": millis(now), "uid": uid})
                await pipe.execute()

    async def seeded(self, shop: str, now: datetime) -> None:
        """All that was there when the shop was connected is known. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.hset(keys.kaspi(shop), "seeded", millis(now))

    async def read(
        self, shop: str, kinds: Iterable[str], *, begun: datetime, now: datetime
    ) -> None:
        """These kinds of lists were read from ``begun`` on. Raises ``StoreDown``."""
        fields = {f"at:{kind}": millis(begun) for kind in kinds} | {"ok": millis(now)}
        with store_errors():
            await self._redis.hset(keys.kaspi(shop), mapping=fields)

    async def all_well(self, shop: str) -> None:
        """All that was asked for was read: what had failed is over. Raises ``StoreDown``."""
        with store_errors():
            await self._redis.hdel(
                keys.kaspi(shop), "failures", "not_before", "code", "detail", "refused"
            )

    async def accept_token(self, shop: str, token_mark: str) -> bool:
        """The token with this hash works: a refusal of it is over; whether there was one.

        Raises ``StoreDown``.
        """
        with store_errors():
            refused = await self._redis.hget(keys.kaspi(shop), "refused")
            if refused is None or refused.decode() != token_mark:
                return False
            await self._redis.hdel(
                keys.kaspi(shop), "failures", "not_before", "code", "detail", "refused"
            )
        return True

    async def failed(
        self, shop: str, *, code: str, detail: str, again: datetime, refused: str | None = None
    ) -> None:
        """A request failed; nothing is asked before ``again``, nor with a ``refused`` token.

        Raises ``StoreDown``.
        """
        fields = {"code": code, "detail": detail, "not_before": millis(again)}
        if refused is not None:
            fields["refused"] = refused
        with store_errors():
            async with self._redis.pipeline(transaction=True) as pipe:
                if refused is None:  # another token than was refused: it is waited for like any
                    pipe.hdel(keys.kaspi(shop), "refused")
                pipe.hset(keys.kaspi(shop), mapping=fields)
                pipe.hincrby(keys.kaspi(shop), "failures", 1)
                await pipe.execute()
