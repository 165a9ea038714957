"""The shops that are read at Kaspi, each at its pace."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial

from app.config import Settings
from app.gateways.kaspi_api import KaspiApi
from app.store.counters import Counters
from app.world import World

BETWEEN = timedelta(seconds=0.55)
"""Between two requests about one shop, over all processes: two a second, and never a third in what
a network may make of it. Kaspi tells no limit, and has one.
"""

AT_ONCE = 4
"""Requests under way at one time, of all shops of a process."""


class Pace:
    """Lets the requests about a shop leave one after the other, and a few of all shops at once."""

    def __init__(self, counters: Counters, world: World) -> None:
        self._counters = counters
        self._world = world
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._next: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def turn(self, shop: str) -> AsyncIterator[None]:
        """A request about ``shop``, when it may leave. Raises ``StoreDown``.

        Its moment is taken when nothing else keeps it from leaving: those that waited for slow
        answers would leave all at once. One of a shop waits for its moment at a time, so that the
        other shops' have room.
        """
        async with AsyncExitStack() as leaving:
            async with self._next[shop]:
                await leaving.enter_async_context(self._at_once)
                now = self._world.now()
                at = await self._counters.kaspi_pace(shop, now=now, pause=BETWEEN)
                if at > now:
                    await self._world.sleep((at - now).total_seconds())
            yield


async def kaspi_of(
    settings: Settings, world: World, *, counters: Counters, stack: AsyncExitStack
) -> dict[str, KaspiApi]:
    """Every shop with a token, by its id; closed with the ``stack``."""
    pace = Pace(counters, world)
    proxy = settings.kaspi_proxy
    return {
        shop.id: await stack.enter_async_context(
            KaspiApi(
                settings.kaspi_api_base_url,
                world=world,
                shop=shop.id,
                token=shop.token.reveal(),
                merchant_uid=shop.merchant_uid,
                turn=partial(pace.turn, shop.id),
                proxy=proxy.reveal() if proxy else None,
            )
        )
        for shop in settings.shops
        if shop.token is not None
    }
