"""Valkeys a test may torment: started on loopback as the bundled one is, ended by their ids."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import redis.asyncio
from redis import exceptions as redis_errors

from app.store import embedded
from tests.e2e.processes import free_port

PATIENCE = 20.0

DURABLE = {
    "appendonly": "yes",
    "appendfsync": "always",
    "save": "",
    "repl-diskless-sync-delay": "0",
}


class Valkey:
    """One server at one address, which may be stopped and started again on its data.

    ``disk`` is how many bytes a file of its may have: beyond them the disk is full.
    """

    def __init__(self, folder: Path, *, disk: int | None = None, **options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._disk = disk
        self._options = {**DURABLE, **{name.replace("_", "-"): o for name, o in options.items()}}
        self._process: asyncio.subprocess.Process | None = None
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and wait until it has loaded its data."""
        options = {
            "dir": str(self._folder),
            "logfile": str(self._folder / "valkey.log"),
            "bind": "127.0.0.1",
            "port": str(self.port),
            **self._options,
        }
        said = [part for name, text in options.items() for part in (f"--{name}", text)]
        self._process = await asyncio.create_subprocess_exec(
            str(embedded._binary()),
            *said,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            preexec_fn=self._before(),
        )
        async with asyncio.timeout(PATIENCE):
            while not await self._answers():  # noqa: ASYNC110 - another process tells no event
                await asyncio.sleep(0.01)

    def _before(self) -> Callable[[], None]:
        """What the child does before it becomes the server."""
        arm = embedded._die_with_parent()

        def before() -> None:
            if arm is not None:
                arm()
            if self._disk is not None:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (self._disk, resource.RLIM_INFINITY))

        return before

    def make_room(self) -> None:
        """The disk is not full any more. Linux only."""
        assert self._process is not None
        free = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, free)

    async def shut_down(self) -> None:
        """Have it write everything and end."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await asyncio.wait_for(self._process.wait(), PATIENCE)

    async def kill(self) -> None:
        """End it without a word."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def ask(self, *command: object) -> Any:
        """What the server answers to one command, whatever state it is in."""
        async with redis.asyncio.Redis.from_url(self.url, decode_responses=True) as client:
            return await client.execute_command(*map(str, command))  # type: ignore[no-untyped-call]

    async def info(self, section: str) -> dict[str, Any]:
        """A section of what it tells of itself."""
        async with redis.asyncio.Redis.from_url(self.url, decode_responses=True) as client:
            told: dict[str, Any] = await client.info(section)
            return told

    async def until(
        self, section: str, name: str, value: object = None, *, at_least: int | None = None
    ) -> None:
        """Wait until it tells so of itself."""

        def told(info: dict[str, Any]) -> bool:
            found = info.get(name)
            return found == value if at_least is None else int(found or 0) >= at_least

        async with asyncio.timeout(PATIENCE):
            while not told(await self.info(section)):  # noqa: ASYNC110 - it tells no event
                await asyncio.sleep(0.02)

    async def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, (self._folder / "valkey.log").read_text()
        try:
            return bool(await self.ask("PING"))
        except (redis_errors.ConnectionError, OSError):  # also while it loads its data
            return False


@asynccontextmanager
async def valkey(folder: Path, *, disk: int | None = None, **options: str) -> AsyncIterator[Valkey]:
    """Such a server, running until the block is left."""
    server = Valkey(folder, disk=disk, **options)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()
