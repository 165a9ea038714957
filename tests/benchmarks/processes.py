"""Other processes: started, asked what they take, and ended by their ids."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

PATIENCE = 30.0
"""Seconds a process has to come up, and to end."""

_ROOT = Path(__file__).resolve().parents[2]
_numbers = itertools.count()
_MIB = 1024 * 1024
_KIB = 1024


class Started:
    """A running Python module of ours."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self.begun = time.perf_counter()

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    def hold(self) -> None:
        """Stand still."""
        self._process.send_signal(signal.SIGSTOP)

    def go(self) -> None:
        """Go on."""
        self._process.send_signal(signal.SIGCONT)

    async def up(self, port: int, path: str = "/health/live") -> float:
        """Wait until it answers 200; the seconds since it was started."""
        async with asyncio.timeout(PATIENCE):
            while not await _answers(port, path):
                if self._process.returncode is not None:
                    raise RuntimeError(f"it ended while starting:\n{self.last_words()}")
                await asyncio.sleep(0.003)
        return time.perf_counter() - self.begun

    def last_words(self) -> str:
        """The end of what it wrote."""
        return self._log.read_text("utf-8", "replace")[-2000:]

    async def end(self) -> None:
        """Ask it to stop; by force when it does not."""
        if self._process.returncode is not None:
            return
        self.go()
        self._process.terminate()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def started(
    module: str, *arguments: str, folder: Path, environ: Mapping[str, str]
) -> AsyncIterator[Started]:
    """``python -m module …`` with only this environment, from an empty folder of its own."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    log = folder / f"{module}-{next(_numbers)}.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            cwd=folder,
            env={**inherited, "PYTHONPATH": str(_ROOT), **environ},
            stdout=output,
            stderr=output,
        )
    running = Started(process, log)
    try:
        yield running
    finally:
        await running.end()


async def _answers(port: int, path: str) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return (await reader.readline()).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
    finally:
        writer.close()


def free_port() -> int:
    """A port of this machine nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Memory(Struct, frozen=True, kw_only=True):
    """MiB. ``pss`` shares pages among those who use them; None where the system does not tell."""

    rss: float
    pss: float | None


def memory(pid: int) -> Memory | None:
    """What a process holds; None where there is no ``/proc``."""
    rss = _kib(Path(f"/proc/{pid}/status"), "VmRSS:")
    pss = _kib(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")
    if rss is None:
        return None
    return Memory(rss=rss * _KIB / _MIB, pss=None if pss is None else pss * _KIB / _MIB)


def _kib(file: Path, name: str) -> int | None:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), None)


def children(pid: int) -> list[int]:
    """The processes it started."""
    try:
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def cpu_seconds(pid: int) -> float:
    """Processor time a process has had; 0 where there is no ``/proc``."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    ticks: int = os.sysconf("SC_CLK_TCK")
    return (int(fields[11]) + int(fields[12])) / ticks
