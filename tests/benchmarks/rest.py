"""A quiet shop on the bundled store: start-up, memory, and how soon one message is answered."""

from __future__ import annotations

import asyncio
import random
import shutil

from tests.benchmarks.figures import Aim, Figure, part, quantile
from tests.benchmarks.load import throw
from tests.benchmarks.messages import asked, request
from tests.benchmarks.outside import Sent
from tests.benchmarks.processes import Memory, children, memory
from tests.benchmarks.product import Bench

SOON = Aim(than="under", value=30, unit="ms")
CUSTOMERS = 50
WARM = 10
PAUSE = (0.03, 0.09)
"""Seconds between two messages: the turn before has ended, and no rhythm meets the worker's."""

ANSWERED = 10.0
"""Seconds after which a message counts as lost."""


async def start_up(bench: Bench) -> list[Figure]:
    """From the command to the first answer; a new store, then one with data."""
    took = []
    for _ in range(bench.work.starts):
        async with bench.serving(own_store=True) as (_, _, seconds):
            took.append(seconds)
    return [
        Figure(
            name="start-up",
            value=quantile(took, 0.5),
            unit="s",
            means=(
                "from starting `ai-seller serve` until /health/live answers, its own Valkey "
                f"included; the median of {len(took)}"
            ),
        )
    ]


async def at_rest(bench: Bench) -> list[Figure]:
    """One process that serves and works, with its Valkey beside it."""
    shutil.rmtree(bench.folder / "data", ignore_errors=True)
    bench.outside.forget()
    async with bench.serving(own_store=True) as (process, port, _):
        await asyncio.sleep(bench.work.rest)
        figures = _memory("memory at rest", process.pid)
        figures += await _latency(bench, port)
        figures += _memory(f"memory after {bench.work.samples} messages", process.pid)
    return figures


def _memory(name: str, pid: int) -> list[Figure]:
    ours = memory(pid)
    if ours is None:
        return []
    means = "resident memory of `ai-seller serve`, web and worker in one process"
    figures = [Figure(name=name, value=ours.rss, unit="MiB", means=means + _own(ours))]
    for child in children(pid):
        beside = memory(child)
        if beside is not None:
            means = "the bundled store, a process of its own"
            figures.append(part("its Valkey", beside.rss, "MiB", means + _own(beside)))
    return figures


def _own(held: Memory) -> str:
    return "" if held.pss is None else f"; {held.pss:.1f} MiB with shared pages divided (PSS)"


async def _latency(bench: Bench, port: int) -> list[Figure]:
    dice = random.Random(1)
    took, accepted = [], []
    for number in range(WARM + bench.work.samples):
        answered, stored = await _one(bench, port, number)
        if number >= WARM:
            took.append(answered * 1000)
            accepted.append(stored * 1000)
        await asyncio.sleep(dice.uniform(*PAUSE))
    return [
        Figure(
            name="webhook to sendText, p50",
            value=quantile(took, 0.5),
            unit="ms",
            aim=SOON,
            means=(
                "one message to a quiet system, no debounce and no typing, until WAHA is asked to "
                f"send the answer; {len(took)} messages of {CUSTOMERS} customers"
            ),
        ),
        part("p10", quantile(took, 0.1), "ms", "what it is while nobody else wants the cores"),
        part("p99", quantile(took, 0.99), "ms"),
        part("until 202, p50", quantile(accepted, 0.5), "ms", "WAHA has its receipt: it is stored"),
    ]


async def _one(bench: Bench, port: int, number: int) -> tuple[float, float]:
    """Seconds until the answer was sent, and until the webhook was taken."""
    heard: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
    bench.outside.heard = heard.set_result
    question = request(asked(number % CUSTOMERS, number))
    run = await throw(port, [question], connections=1)
    async with asyncio.timeout(ANSWERED):
        sent = await heard
    bench.outside.heard = None
    return sent.at - run.begun, run.seconds
