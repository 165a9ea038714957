"""A small chaos run: everything is killed and broken a few times, and nothing comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.plan import Blow, Size, plan
from tests.chaos.report import details, table
from tests.chaos.run import run
from tests.chaos.verdict import WRONG

SMALL = Size(
    facts=120,
    workers=2,
    feed=10,
    settle=60,
    every={
        Blow.KILL_WORKER: 4,
        Blow.KILL_WEB: 4.5,
        Blow.KILL_STORE: 5,
        Blow.FREEZE_STORE: 8,
        Blow.SESSION_STARTING: 8,
        Blow.SESSION_FAILED: 9,
        Blow.WAHA_AWAY: 9,
    },
    tries=1,
    slowest=1.0,
)


@pytest.mark.parametrize("seed", [20])
async def test_nothing_is_lost_nor_said_twice_while_everything_fails(
    seed: int, tmp_path: Path
) -> None:
    planned = plan(seed, SMALL)
    brought = await run(planned, tmp_path)
    told = f"{table(brought)}\n\n{details(brought)}"
    assert brought.facts == planned.facts == SMALL.facts
    assert brought.quiet is not None, told
    assert {found: brought.count(found) for found in WRONG} == dict.fromkeys(WRONG, 0), told
    assert brought.falls == (), told
    assert {struck.blow for struck in brought.struck} == set(Blow)


def test_a_seed_always_plans_the_same() -> None:
    assert plan(7, SMALL) == plan(7, SMALL)
    assert plan(7, SMALL) != plan(8, SMALL)
