"""Kaspi is asked for orders: who is asked when, what for, and what becomes of a refusal.

Every list is read as a whole each time, so a crash leaves no gap; what has not changed is no fact,
so nothing is told twice. Kaspi lists by the day an order was made: one of three weeks ago that is
delivered today is found in the older lists, and those still open by their number.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.conversation import share
from app.errors import Permanent, StoreDown, Transient
from app.gateways.kaspi_api import (
    LONGEST_WINDOW,
    NOT_FOUND,
    PAGE,
    KaspiApi,
    Listing,
    State,
)
from app.gateways.kaspi_resources import Page, Told
from app.store.kaspi import Reading, Taken
from app.worker.bot import Bot
from app.worker.orders import Connected, is_changed, take_in
from app.worker.refusals import heed, is_refused, keep_refusal, slowed_until


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

_UNDER_WAY = (State.KASPI_DELIVERY, State.DELIVERY, State.PICKUP)
_STATES = {
    Kind.NEW: (State.NEW,),
    Kind.UNDER_WAY: _UNDER_WAY,
    Kind.COMPLETED: (State.ARCHIVE,),
    Kind.OLDER: (*_UNDER_WAY, State.ARCHIVE),
}

_LATELY = [Kind.NEW, Kind.UNDER_WAY, Kind.COMPLETED]
"""What is asked for when somebody wants to know now."""

OLDER_WINDOWS = 3
"""Fortnights before the last one whose orders are listed: eight weeks in all."""

AWAY = timedelta(days=3)
"""After so long without an answer a shop is connected anew: what happened meanwhile is no news."""

MOST_PAGES = 200
"""Pages of one list that are read: 20,000 orders of a fortnight."""

MOST_BY_CODE = 60
"""Open orders read one by one at a time: half a minute's worth."""

_OF_ONE_ORDER = frozenset({NOT_FOUND, "down", "refused", "unknown_answer"})
"""Failures that may be of one order or list, and must not keep the others from being read."""

RESTING, STOPPING = "resting", "stopping"
"""Why a reading ends early that no failure of Kaspi's ended."""


def is_due(kind: Kind, reading: Reading, *, shop: str, now: datetime, every: float | None) -> bool:
    """Whether ``shop`` is to be asked for this kind; ``every`` seconds where the seller says so."""
    last = reading.read_at.get(kind)
    if last is None or last - now > timedelta(seconds=1):  # never, or the clock was put back
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
    if is_refused(reading, bot.kaspi[shop]):
        return []
    waits_until = reading.not_before if reading.refused is None else None  # a new token need not
    if waits_until is not None and now < waits_until:
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
    except Exception:
        bot.log.exception("poll_failed", shop=shop)
        await keep_refusal(bot, bot.kaspi[shop], Transient("a fault of ours", code="fault"))
        return Taken()


async def pull(bot: Bot, shop: str) -> Taken:
    """Ask Kaspi for the last fortnight of ``shop`` now, whenever it was asked before.

    Whoever asks while it is read waits for the same answer. Raises ``Transient`` or ``Permanent``
    with what Kaspi, or its absence, says; ``StoreDown``.
    """
    if shop not in bot.kaspi:
        raise Permanent("no Kaspi token is set for this shop", code="no_token")
    pulling = bot.pulls.get(shop)
    if pulling is None or pulling.done():
        pulling = bot.pulls[shop] = asyncio.create_task(_pull(bot, shop))
        pulling.add_done_callback(_heard)
    return await asyncio.shield(pulling)


async def _pull(bot: Bot, shop: str) -> Taken:
    await _is_not_slowed(bot, shop)
    return await _read(bot, shop, kinds=_LATELY, connects=False)


def _heard(pulling: asyncio.Task[Taken]) -> None:
    """Nobody may be left to hear how it ended."""
    if not pulling.cancelled():
        pulling.exception()


async def _is_not_slowed(bot: Bot, shop: str) -> Reading:
    """How the reading goes. Raises ``Transient`` while Kaspi has asked for peace, whoever it told;
    ``StoreDown``.
    """
    reading, now = await bot.orders.reading(shop), bot.world.now()
    until = slowed_until(reading, now)
    if until is not None:
        wait = (until - now).total_seconds()
        raise Transient("Kaspi asked to slow down", code=RESTING, retry_after=wait)
    return reading


# --- reading ------------------------------------------------------------------------------------


async def _read(bot: Bot, shop: str, *, kinds: list[Kind], connects: bool) -> Taken:
    """Read these kinds; ``connects``: all of a shop that is not connected yet."""
    api = bot.kaspi[shop]
    connected = await _connected(bot, api)
    taken = Taken()
    missed: list[Transient] = []
    try:
        for kind in kinds:
            begun, before = bot.world.now(), len(missed)
            taken += await _read_kind(
                bot, api, kind, connected=connected, whole=connects, missed=missed
            )
            if len(missed) == before:
                await bot.orders.read(shop, [kind], begun=begun, now=bot.world.now())
        if missed:
            raise missed[0]
    except StoreDown:
        raise
    except (Transient, Permanent) as error:
        if error.code not in (RESTING, STOPPING):
            await (keep_refusal if connects else heed)(bot, api, error)
        raise
    await bot.orders.all_well(shop)
    if connected.seeding and connects:
        await bot.orders.seeded(shop, bot.world.now())
        bot.log.info("kaspi_connected", shop=shop, orders=taken.skipped)
    await bot.orders.sweep(shop, bot.world.now())
    if taken.new or taken.delivered:
        bot.log.info("orders_read", shop=shop, new=taken.new, delivered=taken.delivered)
    return taken


async def _read_kind(
    bot: Bot,
    api: KaspiApi,
    kind: Kind,
    *,
    connected: Connected,
    whole: bool,
    missed: list[Transient],
) -> Taken:
    """All lists of one kind. One that cannot be read is ``missed`` and the others are read, but for
    the second one: then Kaspi is down. Raises ``Transient``, ``Permanent`` and ``StoreDown``.
    """
    taken = Taken()
    for listing in _listings(kind, bot.world.now(), whole=whole and connected.seeding):
        reading = await _is_not_slowed(bot, api.shop)
        if kind is not Kind.NEW and whole and not connected.seeding:
            taken += await _new_first(bot, api, reading, connected=connected, missed=missed)
        try:
            async for told in _pages(bot, api, listing):
                taken += await _take_in(bot, api, told, connected=connected)
        except Transient as error:
            if error.code not in _OF_ONE_ORDER or missed:
                raise
            missed.append(error)
    if kind is Kind.OLDER and not connected.seeding:
        taken += await _read_by_code(bot, api, connected=connected)
    return taken


async def _new_first(
    bot: Bot, api: KaspiApi, reading: Reading, *, connected: Connected, missed: list[Transient]
) -> Taken:
    """The new orders, when their time has come between two lists of others: these can wait."""
    shop, begun = api.shop, bot.world.now()
    every = bot.poll_seconds.get(shop)
    if not is_due(Kind.NEW, reading, shop=shop, now=begun, every=every):
        return Taken()
    before = len(missed)
    taken = await _read_kind(bot, api, Kind.NEW, connected=connected, whole=False, missed=missed)
    if len(missed) == before:
        await bot.orders.read(shop, [Kind.NEW], begun=begun, now=bot.world.now())
    return taken


async def _connected(bot: Bot, api: KaspiApi) -> Connected:
    """Since when the shop is connected: anew for another merchant and after a long silence."""
    shop, now = api.shop, bot.world.now()
    reading = await bot.orders.reading(shop)
    heard = [at for at in (reading.connected_at, reading.ok_at) if at is not None]
    same = reading.uid == api.merchant and now - max(heard, default=now) <= AWAY
    if reading.connected_at is not None and same:
        return Connected(at=reading.connected_at, seeding=reading.seeded_at is None)
    await bot.orders.connect(shop, uid=api.merchant, now=now)
    return Connected(at=now, seeding=True)


def _listings(kind: Kind, now: datetime, *, whole: bool) -> Iterator[Listing]:
    """The lists of a kind; ``whole``: also of the credits that are still to be signed, for they
    become orders later on.
    """
    windows = range(1, OLDER_WINDOWS + 1) if kind is Kind.OLDER else range(1)
    states = _STATES[kind]
    if whole and kind is Kind.NEW:
        states = (State.SIGN_REQUIRED, *states)
    for state in states:
        for window in windows:
            until = now - window * LONGEST_WINDOW
            yield Listing(state=state, since=until - LONGEST_WINDOW, until=until)


async def _pages(bot: Bot, api: KaspiApi, listing: Listing) -> AsyncIterator[tuple[Told, ...]]:
    """The orders of a list, page by page."""
    for number in range(MOST_PAGES):
        if bot.stopping.is_set():
            raise Transient("the process is stopping", code=STOPPING)
        page = await api.page(listing, number)
        if page.unreadable:
            bot.log.warning("orders_unreadable", shop=api.shop, count=page.unreadable)
        yield page.orders
        if _is_last(page, number):
            return
    bot.log.warning("list_too_long", shop=api.shop, state=listing.state, pages=MOST_PAGES)


def _is_last(page: Page, number: int) -> bool:
    """Whether nothing follows; where Kaspi does not say how many there are, a full page is not."""
    held = len(page.orders) + page.unreadable
    return held == 0 or (number + 1 >= page.pages if page.pages else held < PAGE)


async def _take_in(
    bot: Bot, api: KaspiApi, orders: tuple[Told, ...], *, connected: Connected
) -> Taken:
    """Take in a page. Of what is only remembered, lines that Kaspi left out are not read."""
    whole = orders if connected.seeding else await _with_lines(bot, api, orders)
    return await take_in(bot, api.shop, whole, connected=connected, now=bot.world.now())


async def _with_lines(bot: Bot, api: KaspiApi, orders: tuple[Told, ...]) -> list[Told]:
    """``orders``, with the lines that Kaspi refers to and left out of those that have changed."""
    lacking = [each.order.code for each in orders if each.lines_missing]
    known = await bot.orders.sightings(api.shop, lacking)
    return [
        await _with_its_lines(bot, api, each)
        if each.lines_missing and is_changed(each, known.get(each.order.code))
        else each
        for each in orders
    ]


async def _with_its_lines(bot: Bot, api: KaspiApi, told: Told) -> Told:
    """One order with its lines, or as it is where they cannot be read."""
    try:
        return await api.with_lines(told)
    except Transient as error:
        if error.code not in _OF_ONE_ORDER:
            raise
        bot.log.warning("lines_unread", shop=api.shop, code=error.code)
        return told


async def _read_by_code(bot: Bot, api: KaspiApi, *, connected: Connected) -> Taken:
    """Open orders that no list has shown for a while, one by one."""
    since = bot.world.now() - EVERY[Kind.OLDER][0]
    taken = Taken()
    for code in await bot.orders.unread_since(api.shop, since, most=MOST_BY_CODE):
        try:
            told = await api.order(code)
        except Transient as error:
            if error.code not in _OF_ONE_ORDER:
                raise
            bot.log.warning("order_unread", shop=api.shop, code=error.code)
            await bot.orders.watch(api.shop, still_open=[code], ended=(), now=bot.world.now())
            continue
        now = bot.world.now()
        if told is None:
            await bot.orders.watch(api.shop, still_open=(), ended=[code], now=now)
        else:
            taken += await take_in(bot, api.shop, [told], connected=connected, now=now)
    return taken
