"""Webhooks accepted a second, against a bare route on the same server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from msgspec import Struct

from tests.benchmarks.figures import Aim, Figure, median, quantile
from tests.benchmarks.load import throw
from tests.benchmarks.messages import asked, request
from tests.benchmarks.processes import Started, cpu_seconds, free_port, started
from tests.benchmarks.product import Bench

SHARE = Aim(than="at least", value=0.6)


class Run(Struct, frozen=True, kw_only=True):
    """One load on one server. Times are milliseconds; ``cpu`` is the server's, a webhook."""

    rate: float
    p50: float
    p99: float
    cpu: float
    busy: float


Pair = tuple[Run, Run]
"""The floor and ours, one right after the other: what else the machine does falls on both."""


async def webhooks(bench: Bench) -> list[Figure]:
    """Floor, ours, floor, ours …"""
    await bench.emptied()
    async with AsyncExitStack() as stack:
        port = free_port()
        command = ("tests.benchmarks.floor", bench.url, str(port))
        bare = await stack.enter_async_context(started(*command, folder=bench.folder, environ={}))
        await bare.up(port)
        ours, ours_port, _ = await stack.enter_async_context(bench.serving("--no-worker"))
        targets = ((bare, port), (ours, ours_port))
        for target in targets:
            await _run(bench, target, first=0, count=bench.work.chats)
        pairs: list[Pair] = []
        for round_ in range(bench.work.rounds):
            first, count = bench.work.chats + round_ * bench.work.webhooks, bench.work.webhooks
            one, other = [await _run(bench, each, first=first, count=count) for each in targets]
            pairs.append((one, other))
    return _figures(bench, pairs)


async def _run(bench: Bench, target: tuple[Started, int], *, first: int, count: int) -> Run:
    """Messages this server has never seen, over all chats."""
    process, port = target
    questions = [request(asked(n % bench.work.chats, n)) for n in range(first, first + count)]
    before = cpu_seconds(process.pid)
    load = await throw(port, questions, connections=bench.work.connections)
    return Run(
        rate=load.rate,
        p50=quantile(load.took, 0.5) * 1000,
        p99=quantile(load.took, 0.99) * 1000,
        cpu=(cpu_seconds(process.pid) - before) / count * 1000,
        busy=load.busy,
    )


def _figures(bench: Bench, pairs: list[Pair]) -> list[Figure]:
    work = bench.work
    busy = max(run.busy for pair in pairs for run in pair)
    return [
        Figure(
            name="webhooks accepted",
            **_compared(pairs, lambda run: run.rate, unit="/s"),
            ratio=median([ours.rate / floor.rate for floor, ours in pairs]),
            aim=SHARE,
            means=(
                "signed messages stored and scheduled by one process, against a bare route that "
                f"verifies and writes once; {work.connections} connections, {work.chats} chats, "
                f"{work.rounds} × {work.webhooks} each in turn, medians; the sender took at most "
                f"{busy:.0%} of a core"
            ),
        ),
        Figure(
            name="  p99",
            **_compared(pairs, lambda run: run.p99, unit="ms"),
            ratio=median([floor.p99 / ours.p99 for floor, ours in pairs]),
            aim=SHARE,
            means="the slowest hundredth of the answers while that goes on",
        ),
        Figure(
            name="  p50",
            **_compared(pairs, lambda run: run.p50, unit="ms"),
            ratio=median([floor.p50 / ours.p50 for floor, ours in pairs]),
            means="half of the answers: mostly waiting behind the other connections",
        ),
        *_processor_time(pairs),
    ]


def _processor_time(pairs: list[Pair]) -> list[Figure]:
    """Nothing where the system does not tell."""
    if not all(run.cpu for pair in pairs for run in pair):
        return []
    return [
        Figure(
            name="  processor time each",
            **_compared(pairs, lambda run: run.cpu, unit="ms"),
            ratio=median([floor.cpu / ours.cpu for floor, ours in pairs]),
            means="of the server's process alone: steadier than the clock on a busy machine",
        )
    ]


def _compared(pairs: list[Pair], of: Callable[[Run], float], *, unit: str) -> dict[str, Any]:
    """The medians of both sides."""
    return {
        "value": median([of(ours) for _, ours in pairs]),
        "against": median([of(floor) for floor, _ in pairs]),
        "unit": unit,
    }
