"""What workers do beside the turns, one of all at a time: read Kaspi, price lists, keep a sheet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Annotated, Any

from docket import ConcurrencyLimit, Docket, Perpetual

from app.store.connection import ended
from app.worker.bot import Bot
from app.worker.customers_sheet import keep_in_step
from app.worker.keep_rules import tell_in_time
from app.worker.poll import poll, shops_due
from app.worker.prices import lists_due, renew

READ_EVERY = timedelta(seconds=1)
"""How often it is seen whether a shop is to be read at Kaspi."""

LISTS_EVERY = timedelta(seconds=5)
"""How often it is seen whether a price list is to be looked for."""

SHEET_EVERY = timedelta(minutes=1)
"""How often the customers sheet is brought up to date."""

INDEX_EVERY = timedelta(minutes=1)
"""How often it is seen whether the desk finds every chat: the last release may have left some, or
a start anew been cut short.
"""

RULES_EVERY = timedelta(seconds=1)
"""How often it is seen whether the rules were changed."""

READ_KASPI = "read_kaspi"
POLL = "poll"
LOOK_FOR_LISTS = "look_for_lists"
RENEW = "renew"
SHEET = "keep_sheet"
TELL_RULES = "tell_rules"
INDEX = "keep_index"
"""Named as the functions of what runs by itself: docket seeds it under these."""


def register_chores(docket: Docket, bot: Bot) -> None:
    """Let a worker do what there is to do beside the turns.

    All of it, also where nothing is set up: a worker drops what another has scheduled and it does
    not know.
    """
    docket.register(_poll_task(bot), names=[POLL])
    docket.register(_renew_task(bot), names=[RENEW])
    docket.register(_read_task(bot, docket), names=[READ_KASPI])
    docket.register(_lists_task(bot, docket), names=[LOOK_FOR_LISTS])
    docket.register(_sheet_task(bot), names=[SHEET])
    docket.register(_rules_task(bot), names=[TELL_RULES])
    docket.register(_index_task(bot), names=[INDEX])


def _read_task(bot: Bot, docket: Docket) -> Callable[[], Awaitable[None]]:
    """One worker of all sees which shops are due; a shop that is being read is not begun again."""

    async def read_kaspi(
        perpetual: Perpetual = Perpetual(every=READ_EVERY, automatic=True),  # noqa: ARG001, B008 - docket's way
    ) -> None:
        for shop in await shops_due(bot):
            await docket.add(POLL, key=f"{POLL}:{shop}")(shop)

    return read_kaspi


def _poll_task(bot: Bot) -> Callable[[str], Awaitable[None]]:
    async def poll_shop(shop: Annotated[str, ConcurrencyLimit(1)]) -> None:
        if shop in bot.kaspi:  # another process may know other shops
            await unless_stopped(bot, poll(bot, shop))

    return poll_shop


def _lists_task(bot: Bot, docket: Docket) -> Callable[[], Awaitable[None]]:
    """One worker of all reads a price list; the others hear of what has changed."""

    async def look_for_lists(
        perpetual: Perpetual = Perpetual(every=LISTS_EVERY, automatic=True),  # noqa: ARG001, B008 - docket's way
    ) -> None:
        for source in await lists_due(bot.prices, bot.offers, world=bot.world):
            await docket.add(RENEW, key=f"{RENEW}:{source.list_}")(source.list_)

    return look_for_lists


def _renew_task(bot: Bot) -> Callable[[str], Awaitable[None]]:
    async def renew_list(list_: Annotated[str, ConcurrencyLimit(1)]) -> None:
        for source in bot.prices:
            if source.list_ == list_:
                renewing = renew(source, bot.offers, world=bot.world, log=bot.log)
                await unless_stopped(bot, renewing)

    return renew_list


def _sheet_task(bot: Bot) -> Callable[[], Awaitable[None]]:
    async def keep_sheet(
        perpetual: Perpetual = Perpetual(every=SHEET_EVERY, automatic=True),  # noqa: ARG001, B008 - docket's way
    ) -> None:
        now, zone = bot.world.now(), bot.rules.zone
        keeping = keep_in_step(bot.sheet, bot.customers, now=now, zone=zone, log=bot.log)
        await unless_stopped(bot, keeping)

    return keep_sheet


def _index_task(bot: Bot) -> Callable[[], Awaitable[None]]:
    """One worker of all puts the chats of an older release where the desk finds them, once."""

    async def keep_index(
        perpetual: Perpetual = Perpetual(every=INDEX_EVERY, automatic=True),  # noqa: ARG001, B008 - docket's way
    ) -> None:
        if not await bot.index.is_whole():
            await unless_stopped(bot, _make_whole(bot))

    return keep_index


async def _make_whole(bot: Bot) -> None:
    bot.log.info("indexed", chats=await bot.index.make_whole())


def _rules_task(bot: Bot) -> Callable[[], Awaitable[None]]:
    """One worker of all has the chats look at the new rules."""

    async def tell_rules(
        perpetual: Perpetual = Perpetual(every=RULES_EVERY, automatic=True),  # noqa: ARG001, B008 - docket's way
    ) -> None:
        await unless_stopped(bot, tell_in_time(bot))

    return tell_rules


async def unless_stopped(bot: Bot, chore: Coroutine[Any, Any, object]) -> None:
    """Do the chore, or leave it when the process is asked to stop: nobody waits for a Kaspi that
    does not answer, and all of these begin anew where they were left.
    """
    doing, stopping = asyncio.ensure_future(chore), asyncio.ensure_future(bot.stopping.wait())
    try:
        await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            await doing
    finally:
        await ended(doing, stopping)
