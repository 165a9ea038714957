"""Kaspi is asked for orders: who is asked when, what for, and what becomes of a refusal.

Every list is read as a whole each time, so a crash leaves no gap; what has not changed is no fact,
so nothing is told twice. Kaspi lists by the day an order was made: one of three weeks ago that is
delivered today is found in the older lists, and those still open by their number.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.conversation import share
from app.domain.sending import retry_delay
from app.errors import Permanent, StoreDown, Transient
from app.gateways.kaspi_api import (
    LONGEST_WINDOW,
    TOKEN_REFUSED,
    TOO_MANY,
    KaspiApi,
    Listing,
    State,
)
from app.gateways.kaspi_resources import Told
from app.store.kaspi import Reading, Taken
from app.worker.bot import Bot
from app.worker.orders import is_changed, take_in


class Kind(StrEnum):
    """What is asked for at one time."""

    NEW = "new"
    UNDER_WAY = "under_way"
    COMPLETED = "completed"
    OLDER = "older"


EVERY: dict[Kind, tuple[timedelta, timedelta]] = {
    # A seller has three hours to accept, a buyer reads a thank-you in the first minutes.
    Kind.NEW: (timedelta(minutes=2), timedelta(minutes=3)),
    Kind.UNDER_WAY: (timedelta(minutes=5), timedelta(minutes=10)),
    Kind.COMPLETED: (timedelta(minutes=10), timedelta(minutes=15)),
    Kind.OLDER: (timedelta(hours=1), timedelta(hours=1)),
}
"""How often, from and to: where in between is a hash, so that shops do not ask all at once."""

_STATES = {
    Kind.NEW: (State.NEW,),
    Kind.UNDER_WAY: (State.KASPI_DELIVERY, State.DELIVERY, State.PICKUP),
    Kind.COMPLETED: (State.ARCHIVE,),
    Kind.OLDER: (State.ARCHIVE,),
}

_LATELY = [Kind.NEW, Kind.UNDER_WAY, Kind.COMPLETED]
"""What is asked for when somebody wants to know now."""

OLDER_WINDOWS = 3
"""Fortnights before the last one whose completed orders are listed: eight weeks in all."""

AHEAD = timedelta(hours=1)
"""How far a list reaches into the future: Kaspi's clock may be ahead of ours."""

AWAY = timedelta(days=3)
"""After so long without an answer a shop is connected anew: what happened meanwhile is no news."""

MOST_PAGES = 200
"""Pages of one list that are read: 20,000 orders of a fortnight."""

MOST_BY_CODE = 60
"""Open orders read one by one at a time: half a minute's worth."""

POLL_DELAYS = (
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=3),
    timedelta(minutes=10),
)
"""Waits after a failure; the last one repeats."""


def is_due(kind: Kind, reading: Reading, *, shop: str, now: datetime, every: float | None) -> bool:
    """Whether ``shop`` is to be asked for this kind; ``every`` seconds where the seller says so."""
    last = reading.read_at.get(kind)
    if last is None or last > now:  # never, or the clock was put back
        return True
    if every is not None:
        return now - last >= timedelta(seconds=every)
    low, high = EVERY[kind]
    return now - last >= low + (high - low) * share(shop, kind, last.isoformat())


async def shops_due(bot: Bot) -> list[str]:
    """The shops that are to be asked about now. Raises ``StoreDown``."""
    return [shop for shop in bot.kaspi if await _kinds_due(bot, shop)]


async def _kinds_due(bot: Bot, shop: str) -> list[Kind]:
    """What a shop is to be asked for, what matters most first."""
    reading, now = await bot.orders.reading(shop), bot.world.now()
    if reading.refused == bot.kaspi[shop].token_mark:
        return []
    if reading.not_before is not None and now < reading.not_before:
        return []
    if reading.seeded_at is None:
        return list(Kind)
    every = bot.poll_seconds.get(shop)
    return [kind for kind in Kind if is_due(kind, reading, shop=shop, now=now, every=every)]


async def poll(bot: Bot, shop: str) -> Taken:
    """Ask Kaspi for what is due of ``shop``; a refusal is kept. Raises ``StoreDown``."""
    kinds = await _kinds_due(bot, shop)
    try:
        return await _read(bot, shop, kinds=kinds, connects=True) if kinds else Taken()
    except StoreDown:
        raise
    except (Transient, Permanent):
        return Taken()


async def pull(bot: Bot, shop: str) -> Taken:
    """Ask Kaspi for the last fortnight of ``shop`` now, whenever it was asked before.

    Raises ``Transient`` or ``Permanent`` with what Kaspi, or its absence, says; ``StoreDown``.
    """
    if shop not in bot.kaspi:
        raise Permanent("no Kaspi token is set for this shop", code="no_token")
    reading, now = await bot.orders.reading(shop), bot.world.now()
    if reading.code == TOO_MANY and reading.not_before is not None and now < reading.not_before:
        wait = (reading.not_before - now).total_seconds()
        raise Transient("Kaspi asked to slow down", code=TOO_MANY, retry_after=wait)
    return await _read(bot, shop, kinds=_LATELY, connects=False)


# --- reading ------------------------------------------------------------------------------------


async def _read(bot: Bot, shop: str, *, kinds: list[Kind], connects: bool) -> Taken:
    """Read these kinds; ``connects``: all of a shop that is not connected yet."""
    api = bot.kaspi[shop]
    reading = await _connected(bot, api)
    seeding = reading.connected_at if reading.seeded_at is None else None
    taken = Taken()
    try:
        for kind in kinds:
            begun = bot.world.now()
            for listing in _listings(kind, begun, whole=connects and seeding is not None):
                taken += await _read_list(bot, api, listing, there_before=seeding)
            if kind is Kind.OLDER and seeding is None:
                taken += await _read_by_code(bot, api)
            await bot.orders.read(shop, [kind], begun=begun, now=bot.world.now())
    except StoreDown:
        raise
    except (Transient, Permanent) as error:
        await _failed(bot, api, error)
        raise
    if seeding is not None and connects:
        await bot.orders.seeded(shop, bot.world.now())
        bot.log.info("kaspi_connected", shop=shop, orders=taken.skipped)
    await bot.orders.sweep(shop, bot.world.now())
    if taken.new or taken.delivered:
        bot.log.info("orders_read", shop=shop, new=taken.new, delivered=taken.delivered)
    return taken


async def _connected(bot: Bot, api: KaspiApi) -> Reading:
    """How the reading stands, begun anew for another merchant and after a long silence."""
    shop, now = api.shop, bot.world.now()
    reading = await bot.orders.reading(shop)
    last = reading.ok_at or reading.connected_at
    away = last is not None and now - last > AWAY
    if reading.connected_at is not None and not away and reading.uid == api.merchant_uid:
        return reading
    await bot.orders.connect(shop, uid=api.merchant_uid, now=now)
    return await bot.orders.reading(shop)


def _listings(kind: Kind, now: datetime, *, whole: bool) -> Iterator[Listing]:
    """The lists of a kind; ``whole``: of orders under way all windows, to know them all."""
    first = 1 if kind is Kind.OLDER else 0
    last = OLDER_WINDOWS if kind is Kind.OLDER or (whole and kind is Kind.UNDER_WAY) else 0
    for state in _STATES[kind]:
        for window in range(first, last + 1):
            until = now + AHEAD - window * LONGEST_WINDOW
            yield Listing(state=state, since=until - LONGEST_WINDOW, until=until)


async def _read_list(
    bot: Bot, api: KaspiApi, listing: Listing, *, there_before: datetime | None
) -> Taken:
    """A list, page by page. Of what is only remembered, lines that Kaspi left out are not read."""
    taken = Taken()
    async for told in _pages(bot, api, listing):
        orders = told if there_before is not None else await _with_lines(bot, api, told)
        now = bot.world.now()
        taken += await take_in(bot, api.shop, orders, there_before=there_before, now=now)
    return taken


async def _pages(bot: Bot, api: KaspiApi, listing: Listing) -> AsyncIterator[tuple[Told, ...]]:
    """The orders of a list, page by page."""
    for number in range(MOST_PAGES):
        page = await api.page(listing, number)
        if page.unreadable:
            bot.log.warning("orders_unreadable", shop=api.shop, count=page.unreadable)
        yield page.orders
        if number + 1 >= page.pages or not (page.orders or page.unreadable):
            return
    bot.log.warning("list_too_long", shop=api.shop, state=listing.state, pages=MOST_PAGES)


async def _with_lines(bot: Bot, api: KaspiApi, orders: tuple[Told, ...]) -> list[Told]:
    """``orders``, with the lines that Kaspi refers to and left out of those that have changed."""
    lacking = [each.order.code for each in orders if each.lines_missing]
    known = await bot.orders.sightings(api.shop, lacking)
    return [
        await api.with_lines(each)
        if each.lines_missing and is_changed(each, known.get(each.order.code))
        else each
        for each in orders
    ]


async def _read_by_code(bot: Bot, api: KaspiApi) -> Taken:
    """Open orders that no list has shown for a while, one by one."""
    since = bot.world.now() - EVERY[Kind.OLDER][0]
    taken = Taken()
    for code in await bot.orders.unread_since(api.shop, since, most=MOST_BY_CODE):
        told = await api.order(code)
        now = bot.world.now()
        if told is None:
            await bot.orders.watch(api.shop, still_open=(), ended=[code], now=now)
        else:
            taken += await take_in(bot, api.shop, [told], there_before=None, now=now)
    return taken


# --- when Kaspi refuses -------------------------------------------------------------------------


async def _failed(bot: Bot, api: KaspiApi, error: Transient | Permanent) -> None:
    """Keep a failure: the shop is asked again later, or with a refused token not at all."""
    reading, now = await bot.orders.reading(api.shop), bot.world.now()
    delay = retry_delay(f"kaspi:{api.shop}", reading.failures, POLL_DELAYS)
    if isinstance(error, Transient) and error.retry_after is not None:
        delay = max(delay, timedelta(seconds=error.retry_after))
    refused = api.token_mark if error.code == TOKEN_REFUSED else None
    await bot.orders.failed(
        api.shop,
        code=error.code or "failed",
        detail=error.reason,
        again=now + delay,
        refused=refused,
    )
    if refused is not None:
        bot.log.error("kaspi_stopped", shop=api.shop, reason=error.reason)
    elif reading.failures == 0:
        bot.log.warning("kaspi_failed", shop=api.shop, code=error.code, reason=error.reason)
