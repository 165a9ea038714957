"""Turns a second, with a WAHA and a model that answer at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from contextlib import AsyncExitStack

from msgspec import Struct

from tests.benchmarks.figures import Aim, Figure, part
from tests.benchmarks.load import throw
from tests.benchmarks.messages import asked, request
from tests.benchmarks.outside import MODEL
from tests.benchmarks.processes import Started, cpu_seconds
from tests.benchmarks.product import LOOK, Bench

ALL = Aim(than="at least", value=100, unit="%")

WARM = 100
"""Chats settled beforehand, so that every process has opened its connections."""

LONGEST = 25.0
"""Seconds of work after which what was done is counted."""


class Measured(Struct, frozen=True, kw_only=True):
    """``cpu`` is milliseconds of the workers a turn, ``calls`` HTTP requests a turn."""

    settled: int
    seconds: float
    cpu: float
    calls: float
    asked: float
    spread: float

    @property
    def rate(self) -> float:
        """Turns a second."""
        return self.settled / self.seconds


async def turns(bench: Bench) -> list[Figure]:
    """One worker process, then two."""
    one, two = await _measure(bench, 1), await _measure(bench, 2)
    return [
        Figure(
            name="turns, one worker",
            value=one.rate,
            unit="/s",
            means=(
                f"{bench.work.turns} chats with a question each, all at once: read, decided, "
                "answered by an instant model and sent to an instant WAHA; "
                f"{one.calls:.2f} HTTP calls a turn{_cut_off(bench, one)}"
            ),
        ),
        part(
            "processor time each",
            one.cpu,
            "ms",
            "of the worker's process alone: its inverse is what one core could do",
        ),
        Figure(
            name="  answered by the model",
            value=one.asked * 100,
            unit="%",
            aim=ALL,
            means="the others got a canned text, because a busy worker gave up on the model",
        ),
        Figure(
            name="turns, two workers",
            value=two.rate,
            unit="/s",
            against=one.rate,
            ratio=two.rate / one.rate,
            means=(
                "two worker processes; Valkey, WAHA and the model take their share of the same "
                f"cores; the busier worker did {two.spread:.0%} of the work{_cut_off(bench, two)}"
            ),
        ),
    ]


def _cut_off(bench: Bench, measured: Measured) -> str:
    left = bench.work.turns - measured.settled
    return f"; {left} were not settled after {LONGEST:.0f} s" if left else ""


async def _measure(bench: Bench, workers: int) -> Measured:
    """The mail is accepted while the workers stand still; they start at once."""
    await bench.emptied()
    many = bench.work.turns
    async with AsyncExitStack() as stack:
        _, port, _ = await stack.enter_async_context(bench.serving("--no-worker"))
        processes = [await stack.enter_async_context(bench.worker()) for _ in range(workers)]
        await _ask(bench, port, first=many, count=WARM * workers)
        await bench.settled(WARM * workers)
        for process in processes:
            process.hold()
        await _ask(bench, port, first=0, count=many)
        bench.outside.forget()
        before = [cpu_seconds(process.pid) for process in processes]
        seconds = await _timed(bench, processes)
        settled = many - await bench.waiting()
        cpu = [cpu_seconds(p.pid) - was for p, was in zip(processes, before, strict=True)]
        calls = bench.outside.calls.copy()
    return Measured(
        settled=settled,
        seconds=seconds,
        cpu=sum(cpu) / max(settled, 1) * 1000,
        calls=calls.total() / max(settled, 1),
        asked=min(calls[MODEL] / max(settled, 1), 1.0),
        spread=max(cpu) / sum(cpu) if sum(cpu) else 0.0,
    )


async def _ask(bench: Bench, port: int, *, first: int, count: int) -> None:
    questions = [request(asked(first + n, 0)) for n in range(count)]
    await throw(port, questions, connections=bench.work.connections)


async def _timed(bench: Bench, processes: list[Started]) -> float:
    """Seconds until nothing waits any more, or until it takes too long."""
    begun = time.perf_counter()
    for process in processes:
        process.go()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LONGEST):
            while await bench.waiting():  # noqa: ASYNC110 - others' work tells no event
                await asyncio.sleep(LOOK)
    return time.perf_counter() - begun
