"""The bundled server, really started: what survives, who owns it, what is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis import exceptions as redis_errors
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from app.errors import Refused, StoreDown
from app.store import embedded
from app.store.embedded import EmbeddedStore

# A process that owns a store, says its address and server, and waits for its end.
OWNER = """
import asyncio, sys
from pathlib import Path
from app.store.embedded import EmbeddedStore

async def main():
    store = EmbeddedStore(Path(sys.argv[1]))
    async with store as url:
        print(url, store.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Redis]:
    """A client that tries for ten seconds: the server may be on its way back."""
    retry = Retry(ConstantBackoff(0.02), 500)
    async with Redis.from_url(url, retry=retry, decode_responses=True) as client:
        yield client


@asynccontextmanager
async def owner(data_dir: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str, int]]:
    """Another process that owns the store, its address and the server's pid."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(data_dir), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            url, pid = (await process.stdout.readline()).decode().split()
        yield process, url, int(pid)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited ten seconds for nothing"
        await asyncio.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Ended, or a zombie whose new parent has not looked yet."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True


async def test_what_was_written_is_there_after_a_stop(tmp_path: Path) -> None:
    async with EmbeddedStore(tmp_path) as url, connected(url) as client:
        await client.set("opt-out", "kept")
    async with EmbeddedStore(tmp_path) as url, connected(url) as client:
        assert await client.get("opt-out") == "kept"


async def test_it_is_durable_and_never_evicts(tmp_path: Path) -> None:
    async with EmbeddedStore(tmp_path) as url, connected(url) as client:
        config = await client.config_get("append*", "maxmemory-policy", "port")
    assert config["appendonly"] == "yes"
    assert config["appendfsync"] == "everysec"
    assert config["maxmemory-policy"] == "noeviction"
    assert config["port"] == "0"


async def test_a_killed_server_is_back_at_once_with_everything(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    async with store as url, connected(url) as client:
        await client.set("opt-out", "kept")
        first = store.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        killed = time.monotonic()
        await until(lambda: store.pid != first)
        assert await client.get("opt-out") == "kept"
        assert time.monotonic() - killed < 3
    assert store.pid is not None
    assert is_gone(store.pid)


async def test_a_killed_owner_loses_nothing_and_blocks_nobody(tmp_path: Path) -> None:
    async with owner(tmp_path) as (process, url, _):
        async with connected(url) as client:
            await client.set("opt-out", "kept")
        process.kill()
        await process.wait()
    async with EmbeddedStore(tmp_path) as url, connected(url) as client:
        assert await client.get("opt-out") == "kept"


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
async def test_the_server_ends_with_its_killed_owner(tmp_path: Path) -> None:
    async with owner(tmp_path) as (process, _, server_pid):
        process.kill()
        await process.wait()
        await until(lambda: is_gone(server_pid))


async def test_a_leftover_server_is_stopped_and_its_data_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on macOS, where a server outlives its killed owner.
    without_signal = OWNER.replace(
        "async def main", "from app.store import embedded\nembedded._die_with_parent = lambda: None"
        "\nasync def main",
    )  # fmt: skip
    monkeypatch.setattr(sys.modules[__name__], "OWNER", without_signal)
    async with owner(tmp_path) as (process, url, leftover):
        async with connected(url) as client:
            await client.set("opt-out", "kept")
        process.kill()
        await process.wait()
    assert not is_gone(leftover)
    async with EmbeddedStore(tmp_path) as url, connected(url) as client:
        assert await client.get("opt-out") == "kept"
    await until(lambda: is_gone(leftover))


async def test_a_second_owner_is_told_who_is_first_and_what_to_do(tmp_path: Path) -> None:
    async with owner(tmp_path) as (process, url, _):
        with pytest.raises(Refused, match=f"in use by process {process.pid}.*REDIS_URL") as refused:
            async with EmbeddedStore(tmp_path):
                pass
        assert refused.value.code == "data_dir_in_use"
        async with connected(url) as client:
            assert await client.ping()


async def test_the_same_process_cannot_own_a_data_dir_twice(tmp_path: Path) -> None:
    async with EmbeddedStore(tmp_path):
        with pytest.raises(Refused, match=f"in use by process {os.getpid()}"):
            async with EmbeddedStore(tmp_path):
                pass


async def test_an_interrupt_of_the_terminal_does_not_reach_the_server(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    async with store:
        assert store.pid is not None
        assert os.getsid(store.pid) == store.pid
        assert os.getpgid(store.pid) != os.getpgid(0)


async def test_a_data_dir_with_a_long_path_works(tmp_path: Path) -> None:
    deep = tmp_path / ("a-long-name-" * 8) / "and deeper, with a space"
    async with EmbeddedStore(deep) as url, connected(url) as client:
        await client.set("opt-out", "kept")
        folder = embedded._socket_path(deep / "valkey").parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    async with EmbeddedStore(deep) as url, connected(url) as client:
        assert await client.get("opt-out") == "kept"


async def test_a_torn_last_write_costs_that_write_only(tmp_path: Path) -> None:
    async with EmbeddedStore(tmp_path) as url, connected(url) as client:
        await client.set("opt-out", "kept")
    (log,) = (tmp_path / "valkey" / "appendonlydir").glob("*.incr.aof")
    with log.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$4\r\nto")
    async with EmbeddedStore(tmp_path) as url, connected(url) as client:
        assert await client.get("opt-out") == "kept"


async def test_unreadable_data_is_told_with_the_servers_own_words(tmp_path: Path) -> None:
    async with EmbeddedStore(tmp_path) as url, connected(url) as client:
        await client.set("opt-out", "kept")
    (log,) = (tmp_path / "valkey" / "appendonlydir").glob("*.incr.aof")
    log.write_bytes(b"not a log at all\r\n" * 3)
    with pytest.raises(StoreDown, match="Bad file format"):
        async with EmbeddedStore(tmp_path):
            pass
    log.write_bytes(b"")
    async with EmbeddedStore(tmp_path) as url, connected(url) as client:
        assert await client.dbsize() == 0


async def test_a_machine_without_a_binary_is_sent_to_redis_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: "SunOS")
    with pytest.raises(Refused, match="set REDIS_URL"):
        async with EmbeddedStore(tmp_path):
            pass


async def test_it_stops_with_us(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    async with store as url:
        pid = store.pid
    assert pid is not None
    assert is_gone(pid)
    async with Redis.from_url(url, retry=None) as client:
        with pytest.raises(redis_errors.ConnectionError):
            await client.ping()
