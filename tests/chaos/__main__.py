"""``python -m tests.chaos``: one run, one table; exit status 1 when something is wrong."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

import uvloop

from app.log import configure
from tests.chaos.plan import Blow, Plan, Size, plan
from tests.chaos.report import details, table
from tests.chaos.run import run, settles

FEEDING = 0.5
"""Share of the minutes in which facts are fed; the rest is for coming to rest at most."""
LONG = 3
"""Minutes from which a request may be left without an answer: nobody gives up on it for 40 s."""


def size(facts: int, minutes: float, workers: int) -> Size:
    """A run of that length: blows of every kind again and again."""
    feed = 60 * minutes * FEEDING
    return Size(
        facts=facts,
        workers=workers,
        feed=feed,
        settle=60 * minutes - feed,
        hangs=0.01 if minutes >= LONG else 0.0,
        every={
            Blow.KILL_WORKER: 6,
            Blow.KILL_WEB: 15,
            Blow.KILL_STORE: 25,
            Blow.FREEZE_STORE: 30,
            Blow.SESSION_STARTING: 20,
            Blow.SESSION_FAILED: 35,
            Blow.WAHA_AWAY: 30,
        },
    )


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="the same seed, the same plan")
    parser.add_argument("--facts", type=int, default=3000)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--folder", type=Path, default=None, help="keep logs and data here")
    given = parser.parse_args()
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    repeat = f"--facts {given.facts} --minutes {given.minutes:g} --workers {given.workers}"
    print(f"seed {seed}; again: python -m tests.chaos --seed {seed} {repeat}", flush=True)
    configure("CRITICAL")  # the store's supervisor would tell of every kill
    planned = plan(seed, size(given.facts, given.minutes, given.workers))
    return _carried_out(planned, given.folder)


def _carried_out(planned: Plan, folder: Path | None) -> int:
    kept = nullcontext(str(folder)) if folder else tempfile.TemporaryDirectory(prefix="chaos-")
    with kept as place, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        Path(place).mkdir(parents=True, exist_ok=True)
        brought = runner.run(run(planned, Path(place).resolve()))
    if not settles():
        print("no WAHA_SETTLE_SECONDS yet: uncertain messages are counted apart")
    print(table(brought), details(brought), sep="\n\n")
    print(f"took {brought.took:.0f} s; seed {planned.seed}")
    return 0 if brought.good else 1


if __name__ == "__main__":
    sys.exit(main())
