"""How the parts are right now, for health and status. Answers in seconds, never raises."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from app.domain.rules import Rules
from app.errors import AiSellerError
from app.gateways.kaspi_api import TOKEN_REFUSED, TURNED_AWAY
from app.log import mask_phone
from app.store import keys
from app.store.connection import store_errors
from app.store.kaspi import Reading
from app.store.offers import ListState
from app.web.front import (
    Health,
    KaspiPart,
    ListPart,
    Part,
    PricesPart,
    Probe,
    ShopReading,
)
from app.wiring.assembly import Assembly
from app.worker.prices import PriceSource

PATIENCE = 3.0
"""Seconds a part has to answer before it counts as down."""


KEPT = 3.0
"""Seconds an answer is good for: anybody may ask, and WAHA has other things to do."""

_Part = TypeVar("_Part", bound=Part)


class Probing:
    """``probe``, asked again when its answer is old; who asks meanwhile waits for the same one."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._lock = asyncio.Lock()
        self._until = 0.0
        self._known: Probe | None = None

    async def __call__(self) -> Probe:
        """The state of all parts, a few seconds old at most."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._known is None or now >= self._until:
                self._known = await probe(self._assembly)
                self._until = asyncio.get_running_loop().time() + KEPT
            return self._known


async def probe(assembly: Assembly) -> Probe:
    """The state of all parts, asked at once."""
    store, durable, waha, kaspi, prices = await asyncio.gather(
        _store(assembly), _durable(assembly), _waha(assembly), _kaspi(assembly), _prices(assembly)
    )
    return Probe(
        store=store,
        waha=waha,
        model=_model(assembly),
        kaspi=kaspi,
        prices=prices,
        model_name=None if assembly.model is None else assembly.model.name,
        durable=durable,
    )


async def _store(assembly: Assembly) -> Part:
    try:
        async with asyncio.timeout(PATIENCE):
            with store_errors():  # written to: a full or read-only store answers a ping too
                await assembly.redis.set(keys.probe(), "1", ex=60)
    except (AiSellerError, TimeoutError) as error:
        return Part(state=Health.DOWN, detail=_why(error))
    return Part(state=Health.OK)


async def _durable(assembly: Assembly) -> bool | None:
    """Whether what the store takes is on its disk soon; None where that cannot be told."""
    if assembly.settings.redis_url is None:
        return True  # the bundled one: it is started so
    try:
        async with asyncio.timeout(PATIENCE):
            with store_errors():
                told = await assembly.redis.info("persistence")
    except (AiSellerError, TimeoutError):  # hosted stores often hide it
        return None
    return bool(told["aof_enabled"]) if "aof_enabled" in told else None


def _model(assembly: Assembly) -> Part:
    """What the last calls told: asking a model costs money."""
    if assembly.model is None:
        return Part(state=Health.OFF, detail="OPENAI_API_KEY is not set: texts are canned")
    resting = assembly.model.breaker.state == "open"
    name = assembly.model.name
    return Part(
        state=Health.DOWN if resting else Health.OK,
        detail=f"{name} does not answer: texts are canned" if resting else name,
    )


def _why(error: Exception) -> str:
    return error.reason if isinstance(error, AiSellerError) else f"no answer in {PATIENCE:.0f} s"


# --- the WhatsApp sessions ----------------------------------------------------------------------


async def _waha(assembly: Assembly) -> Part:
    """WAHA is down as soon as one session of the shops is."""
    if assembly.bot.waha is None:
        return Part(state=Health.OFF, detail="WAHA_API_ENDPOINT is not set")
    names = list(dict.fromkeys(shop.session for shop in assembly.bot.rules.shops))
    parts = await asyncio.gather(*(_session(assembly, name) for name in names))
    if len(names) == 1:
        return parts[0]
    down = {name: each for name, each in zip(names, parts, strict=True) if each.state is not _UP}
    if not down:
        return Part(state=_UP, detail=f"{len(names)} sessions WORKING")
    told = [f"{name}: {each.detail}" for name, each in down.items()]
    same = {each.detail for each in down.values()}
    everywhere = len(down) == len(names) and len(same) == 1
    return Part(state=Health.DOWN, detail=parts[0].detail if everywhere else "; ".join(told))


async def _session(assembly: Assembly, name: str) -> Part:
    waha = assembly.bot.waha
    if waha is None:
        return Part(state=Health.OFF)
    try:
        async with asyncio.timeout(PATIENCE):
            found = await waha.session(name)
    except (AiSellerError, TimeoutError) as error:
        return Part(state=Health.DOWN, detail=_why(error))
    if found is None:
        return Part(state=Health.DOWN, detail=f"WAHA has no session {name!r}")
    up = found.status == "WORKING"
    return Part(state=_UP if up else Health.DOWN, detail=f"session {found.status}")


_UP = Health.OK


# --- the shops that are read at Kaspi -----------------------------------------------------------

MAKE_ANOTHER = "make a new one in the cabinet, Настройки → Токен API"
"""What is to be done about a token that Kaspi refuses."""

MOST_FAILURES = 3
"""Failures in a row from which a shop counts as down: one or two are Kaspi's daily life."""


async def _kaspi(assembly: Assembly) -> KaspiPart:
    shops = await asyncio.gather(*(_shop(assembly, shop.id) for shop in assembly.settings.shops))
    state = _worst(shops)
    if state is Health.OFF:
        return KaspiPart(state=state, detail=_no_token(assembly), shops=tuple(shops))
    told = {each.shop: each.detail for each in shops if each.state is state}
    return KaspiPart(state=state, detail=_joined(told, alone=len(shops) == 1), shops=tuple(shops))


async def _shop(assembly: Assembly, shop: str) -> ShopReading:
    """How a shop is read. Raises nothing."""
    bot = assembly.bot
    api = bot.kaspi.get(shop)
    if api is None:
        return ShopReading(shop=shop, state=Health.OFF, detail=_no_token(assembly))
    try:
        async with asyncio.timeout(PATIENCE):
            reading = await bot.orders.reading(shop)
    except (AiSellerError, TimeoutError):
        says = "unknown: the store does not answer, and nothing is read meanwhile"
        return ShopReading(shop=shop, state=Health.DOWN, detail=says)
    now = assembly.world.now()
    state, detail = how_it_goes(reading, token_mark=api.token_mark, rules=bot.rules, now=now)
    is_refused = reading.refused == api.token_mark
    return ShopReading(
        shop=shop,
        state=state,
        detail=None if detail is None else mask_phone(detail),
        connected_at=reading.connected_at,
        seeded_at=reading.seeded_at,
        read_at=reading.ok_at,
        next_try_at=None if is_refused else _future(reading.not_before, now),
        code=TOKEN_REFUSED if is_refused else reading.code if reading.failures else None,
    )


def _no_token(assembly: Assembly) -> str:
    if assembly.settings.ai_seller_shops_file is None:
        return "KASPI_API_TOKEN is not set: orders come by push"
    return "the shops file has no token: orders come by push"


def how_it_goes(
    reading: Reading, *, token_mark: str, rules: Rules, now: datetime
) -> tuple[Health, str | None]:
    """The state of a shop that is read with the token of this hash, and what is to be said of it.

    What Kaspi says comes before what it means for a shop that is still being connected.
    """
    if reading.refused == token_mark:
        says = f"{reading.detail}: {MAKE_ANOTHER}; this shop's orders are not read until then"
        return Health.DOWN, says
    again = _future(reading.not_before, now)
    asked = "asked again soon" if again is None else f"asked again at {_clock(again, rules, now)}"
    if reading.refused is not None:
        return Health.OK, f"the token is another one than Kaspi refused: {asked}"
    if reading.failures:
        is_down = reading.failures >= MOST_FAILURES or reading.code == TURNED_AWAY
        return Health.DOWN if is_down else Health.OK, f"{reading.detail}; {asked}"
    if reading.connected_at is None:
        return Health.OK, "not connected yet: what is there is read first"
    if reading.seeded_at is None:
        return Health.OK, "connecting: what is there is being read"
    return Health.OK, None


def _future(at: datetime | None, now: datetime) -> datetime | None:
    return at if at is not None and at > now else None


def _clock(at: datetime, rules: Rules, now: datetime) -> str:
    """A time on the seller's clock, with its day when that is not today."""
    local = rules.local(at)
    return f"{local:%H:%M}" if local.date() == rules.local(now).date() else f"{local:%d.%m %H:%M}"


# --- the price lists ----------------------------------------------------------------------------


async def _prices(assembly: Assembly) -> PricesPart:
    sources = assembly.bot.prices
    if not sources:
        says = "no price list is set: nothing can be said of other goods"
        return PricesPart(state=Health.OFF, detail=says)
    lists = await asyncio.gather(*(_list(assembly, source) for source in sources))
    state = _worst(lists)
    told = {f"{each.shop} {each.list}": each.detail for each in lists if each.state is state}
    return PricesPart(state=state, detail=_joined(told, alone=len(lists) == 1), lists=tuple(lists))


async def _list(assembly: Assembly, source: PriceSource) -> ListPart:
    """How a list is. Raises nothing."""
    bot = assembly.bot
    part = ListPart(
        state=Health.OK,
        detail="not read yet",
        shop=source.shop,
        list=kind_of(source),
        name=source.name,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            kept = await bot.offers.state(source.list_)
    except (AiSellerError, TimeoutError):
        return replace(part, state=Health.DOWN, detail="unknown: the store does not answer")
    if kept is None:
        return part
    state, detail = _how_good(kept, rules=bot.rules, now=assembly.world.now())
    return replace(
        part,
        state=state,
        detail=detail,
        offers=kept.offers,
        faults=len(kept.faults),
        good_at=kept.good_at,
        asked_at=kept.asked_at,
    )


def kind_of(source: PriceSource) -> str:
    """``list`` or ``sheet``."""
    return source.list_.removeprefix(f"{source.shop}:")


def _how_good(kept: ListState, *, rules: Rules, now: datetime) -> tuple[Health, str | None]:
    if kept.failed is not None and kept.good_at is None:
        return Health.DOWN, f"{kept.failed}; nothing can be said of other goods"
    if kept.failed is not None and kept.good_at is not None:
        good = _clock(kept.good_at, rules, now)
        return Health.DOWN, f"{kept.failed}; the last good one is spoken by, of {good}"
    if kept.faults:
        return Health.OK, f"faults: {len(kept.faults)}, see GET /api/price-lists"
    return Health.OK, None


# --- several of a kind --------------------------------------------------------------------------


def _worst(parts: Sequence[_Part]) -> Health:
    """DOWN when one is, OFF when all are."""
    states = {part.state for part in parts}
    return next(state for state in (Health.DOWN, Health.OK, Health.OFF) if state in states)


def _joined(told: dict[str, str | None], *, alone: bool) -> str | None:
    """What is said of each, in one sentence."""
    said = [detail if alone else f"{name}: {detail}" for name, detail in told.items() if detail]
    return "; ".join(said) or None
