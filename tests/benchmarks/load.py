"""Requests prepared beforehand, thrown over keep-alive connections as fast as they are answered."""

from __future__ import annotations

import asyncio
import gc
import re
import time
from collections.abc import Iterator, Sequence
from typing import cast

from msgspec import Struct

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_END_OF_HEAD = b"\r\n\r\n"


class Run(Struct, frozen=True, kw_only=True):
    """How it went. ``begun`` is by ``perf_counter``, ``busy`` this side's share of a core."""

    begun: float
    seconds: float
    took: list[float]
    busy: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.took) / self.seconds


class _Caller(asyncio.Protocol):
    """One connection: asks the next question once the last one is answered."""

    def __init__(self, questions: Iterator[bytes], took: list[float]) -> None:
        self._questions = questions
        self._took = took
        self._answer = b""
        self._asked = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def ask(self) -> None:
        """Send the next question, or hang up."""
        assert self._transport is not None
        question = next(self._questions, None)
        if question is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._asked = time.perf_counter()
        self._transport.write(question)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head = self._answer.find(_END_OF_HEAD)
        length = _LENGTH.search(self._answer) if head >= 0 else None
        if length is None or len(self._answer) < head + len(_END_OF_HEAD) + int(length[1]):
            return
        if not self._answer.startswith(b"HTTP/1.1 202"):
            self._fail(RuntimeError(f"not accepted: {self._answer[:300]!r}"))
            return
        self._took.append(time.perf_counter() - self._asked)
        self._answer = b""
        self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionError("the server hung up"))

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


async def throw(port: int, questions: Sequence[bytes], *, connections: int) -> Run:
    """Ask all questions, each once; raises when one is not answered with 202."""
    loop = asyncio.get_running_loop()
    left, took = iter(questions), list[float]()
    callers = [
        (await loop.create_connection(lambda: _Caller(left, took), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    gc.collect()
    gc.disable()
    begun, cpu = time.perf_counter(), time.process_time()
    try:
        for caller in callers:
            caller.ask()
        await asyncio.gather(*(caller.done for caller in callers))
    finally:
        gc.enable()
    seconds = time.perf_counter() - begun
    busy = (time.process_time() - cpu) / seconds
    return Run(begun=begun, seconds=seconds, took=took, busy=busy)
