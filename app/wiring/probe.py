"""How the parts are right now, for health and status. Answers in seconds, never raises."""

from __future__ import annotations

import asyncio

from app.errors import AiSellerError
from app.store import keys
from app.store.connection import store_errors
from app.web.front import Health, Part, Probe
from app.wiring.assembly import Assembly

PATIENCE = 3.0
"""Seconds a part has to answer before it counts as down."""


KEPT = 3.0
"""Seconds an answer is good for: anybody may ask, and WAHA has other things to do."""


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
    store, waha = await asyncio.gather(_store(assembly), _waha(assembly))
    return Probe(store=store, waha=waha, model=_model(assembly), kaspi=_kaspi(assembly))


async def _store(assembly: Assembly) -> Part:
    try:
        async with asyncio.timeout(PATIENCE):
            with store_errors():  # written to: a full or read-only store answers a ping too
                await assembly.redis.set(keys.probe(), "1", ex=60)
    except (AiSellerError, TimeoutError) as error:
        return Part(state=Health.DOWN, detail=_why(error))
    return Part(state=Health.OK)


async def _waha(assembly: Assembly) -> Part:
    waha, session = assembly.bot.waha, assembly.settings.waha_session_id
    if waha is None:
        return Part(state=Health.OFF, detail="WAHA_API_ENDPOINT is not set")
    try:
        async with asyncio.timeout(PATIENCE):
            found = await waha.session(session)
    except (AiSellerError, TimeoutError) as error:
        return Part(state=Health.DOWN, detail=_why(error))
    if found is None:
        return Part(state=Health.DOWN, detail=f"WAHA has no session {session!r}")
    up = found.status == "WORKING"
    return Part(state=Health.OK if up else Health.DOWN, detail=f"session {found.status}")


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


def _kaspi(assembly: Assembly) -> Part:
    if assembly.settings.kaspi_api_token is None:
        return Part(state=Health.OFF, detail="KASPI_API_TOKEN is not set: orders come by push")
    return Part(state=Health.OFF, detail="orders come by push; polling is not part of this version")


def _why(error: Exception) -> str:
    return error.reason if isinstance(error, AiSellerError) else f"no answer in {PATIENCE:.0f} s"
