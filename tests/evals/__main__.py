"""``python -m tests.evals``: play scripted dialogues, print one table and the gates.

The model is what OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_MODEL of the environment name (a
``.env`` is not read: it may hold a shop's own key), else the emulated one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import uvloop

from app.config import ConfigError, Settings
from app.log import configure
from app.store.embedded import EmbeddedStore
from tests.evals.play import named_model, playable
from tests.evals.run import MOST_JOBS, played
from tests.evals.script import Dialogue, dialogues
from tests.evals.tally import Graded, Tally, gates, shown, table, wrong


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.evals", description=__doc__)
    parser.add_argument("-k", type=int, default=1, metavar="N", help="trials of each dialogue")
    parser.add_argument("--only", default="", metavar="NAME", help="themes or dialogues with this")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="shops at a time")
    parser.add_argument("--show", action="store_true", help="the transcripts of what failed")
    parser.add_argument("--strict", action="store_true", help="the gates hold for any model")
    given = parser.parse_args()
    model = named_model(os.environ)
    chosen = [one for one in dialogues() if given.only in f"{one.theme}/{one.name}"]
    scripts = [one for one in chosen if playable(one, model)]
    if not scripts or given.k < 1 or not 1 <= given.jobs <= MOST_JOBS:
        parser.error(f"no such dialogue, or not 1 to {MOST_JOBS} jobs, or no trial")
    try:
        Settings.load(model, dotenv=None)
    except ConfigError as error:
        parser.error(str(error))
    print(_of_model(model, len(chosen) - len(scripts)), flush=True)
    configure("CRITICAL")  # a model that is down is told of by the table
    begun = time.monotonic()
    ones = _played(scripts, model, trials=given.k, jobs=given.jobs)
    held = _report(ones, show=given.show)
    enforced = given.strict or not model
    print(f"took {time.monotonic() - begun:.0f} s", end="")
    print(
        "" if enforced else "; with a model of your own the gates only tell (--strict: they bind)"
    )
    return 0 if held or not enforced else 1


def _of_model(model: Mapping[str, str], left_out: int) -> str:
    if not model:
        return "the emulated model of the demo"
    place = model["OPENAI_BASE_URL"] or "OpenAI"
    skipped = f"; {left_out} dialogues need the emulated one" if left_out else ""
    return f"{model.get('OPENAI_MODEL', 'the default model')} at {place}{skipped}"


def _played(
    scripts: list[Dialogue], model: Mapping[str, str], *, trials: int, jobs: int
) -> list[Graded]:
    async def in_a_store(folder: Path) -> list[Graded]:
        async with EmbeddedStore(folder) as url:
            return await played(scripts, store_url=url, model=model, trials=trials, jobs=jobs)

    with (
        tempfile.TemporaryDirectory(prefix="ai-seller-evals-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(in_a_store(Path(folder)))


def _report(ones: list[Graded], *, show: bool) -> bool:
    """What failed, the table and the gates; whether all of them hold."""
    for one in ones:
        if not one.passed:
            print(wrong(one), *([shown(one)] if show else []), "", sep="\n")
    print(table(ones), "", sep="\n")
    found = gates(Tally(ones))
    for gate in found:
        print(
            f"{'held  ' if gate.held else 'BROKEN'}  {gate.name}: {gate.measured} ({gate.wanted})"
        )
    return all(gate.held for gate in found)


if __name__ == "__main__":
    sys.exit(main())
