"""``python -m tests.benchmarks``: measure, and print one table. Asserts no time."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from tests.benchmarks.catalogue_load import catalogue_load
from tests.benchmarks.desk import desk
from tests.benchmarks.door import webhooks
from tests.benchmarks.figures import Figure, load, machine, table
from tests.benchmarks.kaspi import kaspi
from tests.benchmarks.outside import outside
from tests.benchmarks.price_lists import price_lists
from tests.benchmarks.product import QUICK, Bench, Work, store
from tests.benchmarks.quality_catalogue import catalogue
from tests.benchmarks.quality_checks import checks
from tests.benchmarks.quality_language import language
from tests.benchmarks.quality_meaning import meaning
from tests.benchmarks.quality_stops import stops
from tests.benchmarks.rest import at_rest, start_up
from tests.benchmarks.space import space
from tests.benchmarks.turns import turns

LONGEST = 480.0
"""Seconds the whole run may take."""

MEASUREMENTS: tuple[Callable[[Bench], Awaitable[list[Figure]]], ...] = (
    webhooks, turns, at_rest, start_up, space, stops, language, meaning, checks, catalogue,
    catalogue_load, price_lists, kaspi, desk,
)  # fmt: skip


async def measure(work: Work, folder: Path) -> int:
    """All figures, then the table; the exit status says whether something broke."""
    begun, loaded = time.monotonic(), load()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(store(folder))
        world = await stack.enter_async_context(outside())
        bench = Bench(work=work, folder=folder, outside=world, url=url)
        stack.push_async_callback(bench.redis.aclose)
        where = machine(await _store_of(bench))
        figures, broke = await _measured(bench)
    took = time.monotonic() - begun
    print(where, table(figures), sep="\n\n")
    print(f"\nmeasured in {took:.0f} s; load {loaded:.1f} at the start, {load():.1f} at the end")
    if broke:
        print(broke, file=sys.stderr)
    return 1 if broke else 0


async def _measured(bench: Bench) -> tuple[list[Figure], str | None]:
    """What could be measured, and what broke on the way."""
    figures: list[Figure] = []
    name = ""
    try:
        async with asyncio.timeout(LONGEST):
            for one in MEASUREMENTS:
                name = one.__name__
                print(f"measuring: {name} …", file=sys.stderr, flush=True)
                figures += await one(bench)
    except Exception as error:  # noqa: BLE001 - what was measured is shown all the same
        return figures, f"{name} broke: {type(error).__name__}: {error}"
    return figures, None


async def _store_of(bench: Bench) -> str:
    info = await bench.redis.info("server")
    name = info.get("server_name", "redis").capitalize()
    return f"{name} {info.get('valkey_version') or info['redis_version']}"


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    work = QUICK if parser.parse_args().quick else Work()
    with (
        tempfile.TemporaryDirectory(prefix="ai-seller-bench-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(measure(work, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
