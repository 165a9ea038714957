"""The shops that are read at Kaspi, each at its pace."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from functools import partial

from app.config import Settings
from app.gateways.kaspi_api import KaspiApi
from app.store.counters import Counters
from app.world import World

BETWEEN = timedelta(seconds=0.55)
"""Between two requests about one shop, over all processes. Kaspi tells no limit, and has one."""

WINDOW = timedelta(seconds=1.01)
MOST_IN_WINDOW = 2
"""Requests that may reach Kaspi within the window: one is there at the latest when it is answered,
whatever the network makes of the pauses between them.
"""

AT_ONCE = 4
"""Requests under way at one time, of all shops of a process."""


class _Line:
    """The requests about one shop, one after the other; when the last ones were answered."""

    def __init__(self) -> None:
        self.free = asyncio.Lock()
        self.answered: deque[datetime] = deque(maxlen=MOST_IN_WINDOW)


class Pace:
    """Lets the requests of this process to Kaspi leave: those about a shop one after the other, and
    a few of all shops at once.
    """

    def __init__(self, counters: Counters, world: World) -> None:
        self._counters = counters
        self._world = world
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._lines: defaultdict[str, _Line] = defaultdict(_Line)

    @asynccontextmanager
    async def turn(self, shop: str) -> AsyncIterator[None]:
        """A request about ``shop``, when it may leave. Raises ``StoreDown``.

        Its moment is taken when nothing else keeps it from leaving: those that waited for slow
        answers would leave all at once.
        """
        line = self._lines[shop]
        async with line.free, self._at_once:
            if len(line.answered) == MOST_IN_WINDOW:
                await self._sleep_until(line.answered[0] + WINDOW)
            while (at := await self._free_at(shop)) is not None:
                await self._sleep_until(at)
            try:
                yield
            finally:
                line.answered.append(self._world.now())

    async def _free_at(self, shop: str) -> datetime | None:
        now = self._world.now()
        return await self._counters.kaspi_pace(shop, now=now, pause=BETWEEN)

    async def _sleep_until(self, moment: datetime) -> None:
        seconds = (moment - self._world.now()).total_seconds()
        if seconds > 0:
            await self._world.sleep(min(seconds, WINDOW.total_seconds()))


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
