"""``ai-seller check``: what works, what would not, and what to do about it. A line each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.exceptions import NoPermissionError, ResponseError

from app.config import Settings
from app.errors import AiSellerError
from app.store.connection import Redis, store_errors
from app.store.embedded import running_store
from app.wiring.assembly import Assembly
from app.wiring.check_kaspi import check_kaspi
from app.wiring.check_shops import check_google, check_prices, check_shops
from app.wiring.check_waha import check_waha
from app.wiring.lines import Grade, Line, fail, ok, warn
from app.wiring.parts import assembled, store_of
from app.world import World

SHORT = 16
"""Characters from which an admin key is no word somebody would try."""

NEARLY_FULL = 0.9
"""The share of maxmemory from which a store is said to be nearly full."""


async def check(settings: Settings, *, fix: bool = False) -> int:
    """Print a line for each part; 1 when something would not work."""
    failed = False
    async for line in findings(settings, fix=fix):
        failed = failed or line.grade is Grade.FAIL
        print(f"{line.grade}  {line.about:<9} {line.says}", flush=True)  # noqa: T201 - a command
    return int(failed)


async def findings(settings: Settings, *, fix: bool) -> AsyncIterator[Line]:
    """Everything worth saying. Never raises for a part that is down."""
    yield ok("settings", "read")
    for line in check_shops(settings):
        yield line
    try:
        async with (
            _store_to_look_at(settings) as url,
            assembled(settings, world=World(), redis_url=url) as parts,
        ):
            yield ok("prompts", "complete")
            if settings.admin_api_key is not None and len(settings.admin_api_key.reveal()) < SHORT:
                yield warn(
                    "desk", f"ADMIN_API_KEY is shorter than {SHORT} characters: easy to guess"
                )
            async for line in _parts(parts, fix=fix):
                yield line
    except AiSellerError as error:
        yield fail("start", error.reason)


@asynccontextmanager
async def _store_to_look_at(settings: Settings) -> AsyncIterator[str]:
    """The store; that of the process that runs on the data dir, if one does."""
    running = None
    if settings.redis_url is None:
        running = await running_store(settings.ai_seller_data_dir)
    if running is not None:
        yield running
        return
    async with store_of(settings) as url:
        yield url


async def _parts(parts: Assembly, *, fix: bool) -> AsyncIterator[Line]:
    async for line in _store(parts.redis, bundled=parts.settings.redis_url is None):
        yield line
    async for line in check_waha(parts, fix=fix):
        yield line
    yield await _model(parts)
    yield _voice(parts)
    async for line in check_kaspi(parts):
        yield line
    async for line in check_prices(parts):
        yield line
    async for line in check_google(parts):
        yield line


# --- the store --------------------------------------------------------------------------------


async def _store(redis: Redis, *, bundled: bool) -> AsyncIterator[Line]:
    """What keeps the store from taking, keeping or giving back what we know."""
    try:
        with store_errors():
            found = await _found(redis)
    except AiSellerError as error:
        yield fail("store", f"{error.reason}; look at REDIS_URL")
        return
    for line in found:
        yield line
    if not found:
        yield ok("store", "bundled Valkey, durable" if bundled else "reachable, durable")


async def _found(redis: Redis) -> list[Line]:
    """What there is to say of a store that answers. Raises redis' errors."""
    try:
        return [*await _state(redis), *await _scripts(redis)]
    except ResponseError as refusal:  # as MISCONF, when it cannot write to its disk
        return [fail("store", f"takes nothing: {refusal}; look at its disk and its log")]


async def _scripts(redis: Redis) -> list[Line]:
    """Nothing is accepted without scripts."""
    try:
        await redis.evalsha(await redis.script_load("return 1"), 0)
    except NoPermissionError:
        return [fail("store", "its ACL forbids scripts: allow EVALSHA and SCRIPT LOAD")]
    return []


async def _state(redis: Redis) -> list[Line]:
    """What the store tells of itself, where it may be asked."""
    try:
        persistence = await redis.info("persistence")
        memory = await redis.info("memory")
        replication = await redis.info("replication")
    except NoPermissionError:
        return [warn("store", "its ACL forbids INFO: see to it that it is durable, noeviction")]
    return [
        *_role(replication),
        *_room(memory),
        *_disk(persistence, saves=await _saves(redis)),
    ]


async def _saves(redis: Redis) -> bool:
    """Whether it takes snapshots; hosted stores often hide it."""
    try:
        told = await redis.config_get("save")
    except ResponseError:
        return True
    return bool(told.get("save", "?"))


def _role(replication: dict[str, Any]) -> list[Line]:
    if replication.get("role") != "slave":
        return []
    primary = f"{replication.get('master_host')}:{replication.get('master_port')}"
    return [fail("store", f"is a replica, nothing can be written: REDIS_URL to {primary}")]


def _room(memory: dict[str, Any]) -> list[Line]:
    """Whether there is room for more, and what happens when there is none."""
    lines = []
    evicts = memory.get("maxmemory_policy", "noeviction")
    if evicts != "noeviction":
        says = f"maxmemory-policy is {evicts}: set noeviction, or stops are lost"
        lines.append(fail("store", says))
    used, most = memory.get("used_memory", 0), memory.get("maxmemory", 0)
    if most and used >= most:
        lines.append(fail("store", "maxmemory is used up, facts are turned away: raise it"))
    elif most and used >= NEARLY_FULL * most:
        says = f"{used / most:.0%} of maxmemory is used: raise it before facts are turned away"
        lines.append(warn("store", says))
    return lines


def _disk(persistence: dict[str, Any], *, saves: bool) -> list[Line]:
    """Whether what was accepted is there after a restart."""
    lines = []
    if not persistence.get("aof_enabled") and saves:
        says = "no append-only file: a restart may lose stops; appendonly yes"
        lines.append(warn("store", says))
    elif not persistence.get("aof_enabled"):
        lines.append(fail("store", "keeps nothing on disk: appendonly yes, or stops are lost"))
    if persistence.get("rdb_last_bgsave_status", "ok") != "ok":
        lines.append(warn("store", "its last snapshot failed: look at its disk and its log"))
    return lines


# --- the other parts --------------------------------------------------------------------------


async def _model(parts: Assembly) -> Line:
    if parts.model is None:
        return warn("model", "OPENAI_API_KEY is not set: every text will be a canned one")
    try:
        return ok("model", f"{await parts.model.check()} answers")
    except AiSellerError as error:
        return fail("model", f"{error.reason}; look at OPENAI_API_KEY, OPENAI_BASE_URL")


def _voice(parts: Assembly) -> Line:
    if parts.settings.openai_transcribe_model is None:
        return warn("voice", "OPENAI_TRANSCRIBE_MODEL is not set: a person listens to voice notes")
    if parts.bot.transcriber is None:
        return warn("voice", "no OPENAI_API_KEY: a person listens to voice notes")
    return ok("voice", f"{parts.bot.transcriber.name} listens to voice notes")
