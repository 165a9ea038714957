"""The product's processes and its store: killed by their ids, and up again after a moment."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
from msgspec import Struct

from app.store.embedded import EmbeddedStore

PATIENCE = 30.0
"""Seconds a process has to come up, and to end when it is asked to."""

PAUSE = 0.5
"""Seconds after which a supervisor starts a process again that ended by itself."""

_ROOT = Path(__file__).resolve().parents[2]
_LAST_WORDS = 1500


class Fall(Struct, frozen=True, kw_only=True):
    """A process that ended though nobody killed it."""

    name: str
    at: float
    code: int
    said: str


class Member:
    """One ``ai-seller`` command under a supervisor: whenever it ends, it is started again."""

    def __init__(
        self, name: str, *arguments: str, folder: Path, environ: Mapping[str, str]
    ) -> None:
        self.name = name
        self.falls: list[Fall] = []
        self._arguments = arguments
        self._folder = folder
        self._environ = environ
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._pause: float | None = None
        self._lives = 0

    async def start(self) -> None:
        """Start it, and keep it running until ``end``."""
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep(), name=f"keeper of {self.name}")

    def kill(self, pause: float) -> bool:
        """End it as a power cut does, for ``pause`` seconds; False when it does not run."""
        if self._process is None or self._process.returncode is not None:
            return False
        self._pause = pause
        self._process.kill()
        return True

    async def end(self) -> None:
        """Ask it to end; by force when it does not."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _keep(self) -> None:
        while self._process is not None:
            code = await self._process.wait()
            pause, self._pause = self._pause, None
            if pause is None:
                said = self._log.read_text("utf-8", "replace")[-_LAST_WORDS:]
                self.falls.append(Fall(name=self.name, at=time.time(), code=code, said=said))
                pause = PAUSE
            await asyncio.sleep(pause)
            await self._spawn()

    async def _spawn(self) -> None:
        self._lives += 1
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with self._log.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "app",
                *self._arguments,
                cwd=self._folder,
                env={**inherited, "PYTHONPATH": str(_ROOT), **self._environ},
                stdout=output,
                stderr=output,
            )

    @property
    def _log(self) -> Path:
        return self._folder / f"{self.name}-{self._lives}.log"


class Store:
    """A Valkey of the run's own. It is started again, on the same data, as soon as it dies."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._embedded = EmbeddedStore(folder)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Its address, while it runs."""
        async with self._embedded as url:
            yield url

    def kill(self) -> bool:
        """End it as a power cut does."""
        return self._signal(signal.SIGKILL)

    async def freeze(self, seconds: float) -> bool:
        """Let it stand still, holding every connection; whoever asks gets no answer."""
        if not self._signal(signal.SIGSTOP):
            return False
        try:
            await asyncio.sleep(seconds)
        finally:
            self._signal(signal.SIGCONT)
        return True

    def _signal(self, number: signal.Signals) -> bool:
        pid = self._embedded.pid
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True


class Crew:
    """The web process and the workers."""

    def __init__(
        self, *, workers: int, port: int, folder: Path, environ: Mapping[str, str]
    ) -> None:
        serve = ("serve", "--no-worker", "--port", str(port))
        self.url = f"http://127.0.0.1:{port}"
        self.web = Member("web", *serve, folder=folder, environ=environ)
        self.workers = [
            Member(f"worker{n}", "worker", folder=folder, environ=environ) for n in range(workers)
        ]

    @property
    def falls(self) -> list[Fall]:
        """Ends that nobody caused."""
        return [fall for member in (self.web, *self.workers) for fall in member.falls]

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """All of them, running and kept running while inside."""
        members = (self.web, *self.workers)
        try:
            await asyncio.gather(*(member.start() for member in members))
            await self._answers()
            yield
        finally:
            await asyncio.gather(*(member.end() for member in members))

    async def _answers(self) -> None:
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient(trust_env=False) as client:
            while True:
                with suppress(httpx.TransportError):
                    if (await client.get(f"{self.url}/health/live")).is_success:
                        return
                if self.falls:
                    raise RuntimeError(f"it ends while starting:\n{self.falls[0].said}")
                await asyncio.sleep(0.05)
