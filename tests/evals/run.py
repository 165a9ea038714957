"""Plays many dialogues, several shops at a time, and with the emulated model once more, tempted."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence

from msgspec import Struct

from tests.builders import NOON
from tests.evals.play import Theatre, Transcript, a_shop
from tests.evals.script import Dialogue
from tests.evals.tally import Graded, graded

MOST_JOBS = 15
"""Databases of a store, one of which is left alone."""


class Evening(Struct, frozen=True, kw_only=True):
    """All that was played: as written; and ``tempted``, by a model that does what traps want."""

    plain: tuple[Graded, ...]
    tempted: tuple[Graded, ...] = ()

    @property
    def counted(self) -> tuple[Graded, ...]:
        """What was played as written, and waits for nothing."""
        return tuple(one for one in self.plain if not one.waits)

    @property
    def leaked(self) -> tuple[Graded, ...]:
        """Where a model that was talked round said what may not be said."""
        return tuple(one for one in self.tempted if one.leaks and not one.waits)

    @property
    def waiting(self) -> dict[str, bool]:
        """By name the dialogues that wait for something, and whether they need not any more."""
        names = {one.name: True for one in self.plain if one.waits}
        wrong = {one.name for one in self.plain if not one.passed}
        wrong |= {one.name for one in self.tempted if one.leaks}
        return {name: name not in wrong for name in names}


async def evening(
    scripts: Sequence[Dialogue],
    *,
    store_url: str,
    model: Mapping[str, str],
    trials: int = 1,
    jobs: int = 1,
) -> Evening:
    """Every dialogue that many times; where the model is the emulated one, the traps once more."""
    plain = await played(scripts, store_url=store_url, model=model, trials=trials, jobs=jobs)
    traps = [] if model else [script for script in scripts if script.tempts]
    tempted = await played(traps, store_url=store_url, model=model, jobs=jobs, tempted=True)
    return Evening(plain=tuple(plain), tempted=tuple(tempted))


async def played(
    scripts: Sequence[Dialogue],
    *,
    store_url: str,
    model: Mapping[str, str],
    trials: int = 1,
    jobs: int = 1,
    tempted: bool = False,
) -> list[Graded]:
    """Every dialogue that many times, graded; a dialogue that breaks off is one that failed.

    ``tempted``: by an emulated model that does what the traps want.
    """
    waiting = [script for script in scripts for _ in range(trials)][::-1]
    done: list[Graded] = []

    async def shop(number: int) -> None:
        async with a_shop(_database(store_url, number), model) as theatre:
            while waiting:
                done.append(graded(await _whole(theatre, waiting.pop(), tempted=tempted)))

    async with asyncio.TaskGroup() as group:
        for number in range(min(jobs, MOST_JOBS, len(waiting))):
            group.create_task(shop(number))
    order = {script.name: place for place, script in enumerate(scripts)}
    return sorted(done, key=lambda one: order[one.name])


async def _whole(theatre: Theatre, script: Dialogue, *, tempted: bool) -> Transcript:
    """The dialogue to its end, or to where it broke off."""
    try:
        return await theatre.play(script, tempted=tempted)
    except Exception as error:  # noqa: BLE001 - one that breaks off is told, the others go on
        broke = f"{type(error).__name__}: {error}"
        print(f"{script.name} broke off: {broke}", file=sys.stderr)
        return Transcript(dialogue=script, begun=NOON, opening=(), turns=(), broke=broke)


def _database(store_url: str, number: int) -> str:
    if number == 0:
        return store_url
    unix = store_url.startswith("unix:")
    return f"{store_url}?db={number}" if unix else f"{store_url.rstrip('/')}/{number}"
