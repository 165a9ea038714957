"""Plays many dialogues, several shops at a time."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence

from tests.builders import NOON
from tests.evals.play import Theatre, Transcript, a_shop
from tests.evals.script import Dialogue
from tests.evals.tally import Graded, graded

MOST_JOBS = 15
"""Databases of a store, one of which is left alone."""


async def played(
    scripts: Sequence[Dialogue],
    *,
    store_url: str,
    model: Mapping[str, str],
    trials: int = 1,
    jobs: int = 1,
) -> list[Graded]:
    """Every dialogue that many times, graded; a dialogue that breaks off is one that failed."""
    waiting = [script for script in scripts for _ in range(trials)][::-1]
    done: list[Graded] = []

    async def shop(number: int) -> None:
        async with a_shop(_database(store_url, number), model) as theatre:
            while waiting:
                done.append(graded(await _whole(theatre, waiting.pop())))

    async with asyncio.TaskGroup() as group:
        for number in range(max(1, min(jobs, MOST_JOBS, len(waiting)))):
            group.create_task(shop(number))
    order = {script.name: place for place, script in enumerate(scripts)}
    return sorted(done, key=lambda one: order[one.name])


async def _whole(theatre: Theatre, script: Dialogue) -> Transcript:
    """The dialogue to its end, or to where it broke off."""
    try:
        return await theatre.play(script)
    except Exception as error:  # noqa: BLE001 - one that breaks off is told, the others go on
        broke = f"{type(error).__name__}: {error}"
        print(f"{script.name} broke off: {broke}", file=sys.stderr)
        return Transcript(dialogue=script, begun=NOON, opening=(), turns=(), broke=broke)


def _database(store_url: str, number: int) -> str:
    if number == 0:
        return store_url
    unix = store_url.startswith("unix:")
    return f"{store_url}?db={number}" if unix else f"{store_url.rstrip('/')}/{number}"
