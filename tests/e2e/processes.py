"""The real commands, started as a seller starts them, and ended by their process ids."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx

DEADLINE = 30.0

PORTS = (20_000, 32_000)
"""Below the ephemeral ones of Linux, macOS and Windows."""


class Process:
    """One running ``ai-seller`` command."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self.log = log

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.returncode is None

    async def kill(self) -> None:
        """End it without a word, as a power cut does."""
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """Ask it to end; its exit status."""
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self._process.wait(), DEADLINE)


@asynccontextmanager
async def command(*arguments: str, folder: Path, **environ: str) -> AsyncIterator[Process]:
    """``ai-seller …`` with only this environment; stopped when the block is left."""
    log = folder / f"{arguments[0]}-{secrets.token_hex(4)}.log"
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app",
            *arguments,
            cwd=folder,
            env={**inherited, "PYTHONPATH": str(Path.cwd()), **environ},
            stdout=output,
            stderr=output,
        )
        running = Process(process, log)
        try:
            yield running
        finally:
            await running.stop()


async def until(true: Callable[[], object], what: str, *, seconds: float = DEADLINE) -> None:
    """Look again until it is true. For what happens in other processes and tells no event."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - another process tells no event
            await asyncio.sleep(0.02)
    assert true(), what


async def answers(client: httpx.AsyncClient, path: str = "/health/live") -> None:
    """Wait until the server answers with 200."""
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                if (await client.get(path)).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


def free_port() -> int:
    """A port nobody listens on, and that no system hands out to who asks for any.

    So another test, running beside this one, does not get it before it is used.
    """
    while True:
        port = random.SystemRandom().randrange(*PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
