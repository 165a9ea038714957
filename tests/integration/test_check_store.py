"""What ``ai-seller check`` says of a store that loses or refuses what it is told."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from app.config import Settings
from app.wiring.check import findings
from app.wiring.lines import Grade, Line
from tests.integration.valkeys import Valkey, valkey

KIB = 1024


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Valkey]:
    async with valkey(tmp_path / "store") as store:
        yield store


async def said_of(url: str) -> list[tuple[Grade, str]]:
    """What check says of the store, in its order."""
    settings = Settings.load({"REDIS_URL": url}, dotenv=None)
    lines: list[Line] = [line async for line in findings(settings, fix=False)]
    return [(line.grade, line.says) for line in lines if line.about == "store"]


async def only_line(url: str) -> tuple[Grade, str]:
    [line] = await said_of(url)
    return line


async def configure(store: Valkey, **options: Any) -> None:
    for name, value in options.items():
        await store.ask("CONFIG", "SET", name.replace("_", "-"), value)


async def test_a_durable_store_is_fine(store: Valkey) -> None:
    assert await only_line(store.url) == (Grade.OK, "reachable, durable")


async def test_a_store_that_is_not_there_fails(store: Valkey) -> None:
    await store.kill()
    grade, says = await only_line(store.url)
    assert grade is Grade.FAIL
    assert "REDIS_URL" in says


async def test_a_store_that_keeps_nothing_fails(store: Valkey) -> None:
    await configure(store, appendonly="no", save="")
    grade, says = await only_line(store.url)
    assert grade is Grade.FAIL
    assert "appendonly yes" in says


async def test_a_store_with_snapshots_only_is_warned_of(store: Valkey) -> None:
    await configure(store, appendonly="no", save="3600 1")
    grade, says = await only_line(store.url)
    assert grade is Grade.WARN
    assert "appendonly yes" in says


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_a_store_that_evicts_fails(store: Valkey, policy: str) -> None:
    await configure(store, maxmemory_policy=policy)
    grade, says = await only_line(store.url)
    assert grade is Grade.FAIL
    assert policy in says
    assert "noeviction" in says


async def test_a_replica_fails_and_its_primary_is_named(store: Valkey) -> None:
    await store.ask("REPLICAOF", "127.0.0.1", 1)
    grade, says = await only_line(store.url)
    assert grade is Grade.FAIL
    assert "127.0.0.1:1" in says


async def test_a_store_that_is_nearly_full_is_warned_of(store: Valkey) -> None:
    await store.ask("SET", "big", "x" * 8 * KIB * KIB)
    used = (await store.info("memory"))["used_memory"]
    await configure(store, maxmemory=round(used / 0.94))
    grade, says = await only_line(store.url)
    assert grade is Grade.WARN
    assert "raise it" in says


async def test_a_store_that_is_full_fails(store: Valkey) -> None:
    await configure(store, maxmemory=1)
    grade, says = await only_line(store.url)
    assert grade is Grade.FAIL
    assert "maxmemory" in says


@pytest.mark.parametrize(("stops", "grade"), [("yes", Grade.FAIL), ("no", Grade.WARN)])
async def test_a_store_that_cannot_write_its_snapshot_says_whether_it_refuses_facts(
    tmp_path: Path, stops: str, grade: Grade
) -> None:
    async with valkey(tmp_path / "lost", stop_writes_on_bgsave_error=stops) as store:
        await configure(store, save="3600 1")
        shutil.rmtree(tmp_path / "lost")
        await store.ask("BGSAVE")
        await store.until("persistence", "rdb_last_bgsave_status", "err")
        found, says = await only_line(store.url)
        assert found is grade
        assert says.endswith("look at its disk and its log")


async def test_a_store_that_cannot_write_its_log_fails(tmp_path: Path) -> None:
    async with valkey(tmp_path / "small", disk=64 * KIB, appendfsync="everysec") as store:
        await store.ask("SET", "big", "x" * 128 * KIB)
        await store.until("persistence", "aof_last_write_status", "err")
        grade, says = await only_line(store.url)
        assert grade is Grade.FAIL
        assert "AOF" in says
        assert says.endswith("look at its disk and its log")


async def test_a_store_that_may_not_be_asked_is_warned_of(store: Valkey) -> None:
    await store.ask("ACL", "SETUSER", "shy", "on", ">secret", "~*", "&*", "+@all", "-@dangerous")
    grade, says = await only_line(store.url.replace("//", "//shy:secret@"))
    assert grade is Grade.WARN
    assert "INFO" in says
    assert "secret" not in says


async def test_a_store_that_runs_no_scripts_fails(store: Valkey) -> None:
    await store.ask("ACL", "SETUSER", "dry", "on", ">secret", "~*", "&*", "+@all", "-@scripting")
    grade, says = await only_line(store.url.replace("//", "//dry:secret@"))
    assert grade is Grade.FAIL
    assert "EVALSHA" in says


async def test_all_that_is_wrong_is_said(store: Valkey) -> None:
    await configure(store, appendonly="no", save="", maxmemory_policy="allkeys-lfu", maxmemory=1)
    assert [grade for grade, _ in await said_of(store.url)] == [Grade.FAIL] * 3


async def test_the_clients_of_a_check_are_closed(store: Valkey) -> None:
    await said_of(store.url)
    async with Redis.from_url(store.url) as client:
        assert len(await client.client_list()) == 1


@pytest.mark.parametrize(("key", "worries"), [("secret", True), ("a-key-of-some-length", False)])
async def test_a_key_that_is_easy_to_guess_is_warned_of(
    store: Valkey, *, key: str, worries: bool
) -> None:
    settings = Settings.load({"REDIS_URL": store.url, "ADMIN_API_KEY": key}, dotenv=None)
    lines = [line async for line in findings(settings, fix=False) if line.about == "desk"]
    assert [line.grade for line in lines] == [Grade.WARN] * worries
    assert not any(key in line.says for line in lines)
