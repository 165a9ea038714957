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
from tests.evals.run import MOST_JOBS, Evening, evening
from tests.evals.script import Dialogue, dialogues
from tests.evals.tally import Gate, Tally, gates, shown, table, wrong


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
    seen = _played(scripts, model, trials=given.k, jobs=given.jobs)
    held = _report(seen, show=given.show)
    enforced = given.strict or not model
    took = f"took {time.monotonic() - begun:.0f} s"
    print(took if enforced else f"{took}; a model of your own is only told of (--strict: it binds)")
    return 0 if held or not enforced else 1


def _of_model(model: Mapping[str, str], left_out: int) -> str:
    if not model:
        return "the emulated model of the demo"
    place = model["OPENAI_BASE_URL"] or "OpenAI"
    skipped = f"; {left_out} dialogues need the emulated one" if left_out else ""
    return f"{model.get('OPENAI_MODEL', 'the default model')} at {place}{skipped}"


def _played(
    scripts: list[Dialogue], model: Mapping[str, str], *, trials: int, jobs: int
) -> Evening:
    async def in_a_store(folder: Path) -> Evening:
        async with EmbeddedStore(folder) as url:
            return await evening(scripts, store_url=url, model=model, trials=trials, jobs=jobs)

    with (
        tempfile.TemporaryDirectory(prefix="ai-seller-evals-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(in_a_store(Path(folder)))


def _report(seen: Evening, *, show: bool) -> bool:
    """What failed, the table and the gates; whether all of them hold."""
    failed = [one for one in (*seen.counted, *seen.leaked) if not one.passed]
    for one in failed:
        print(wrong(one), *([shown(one)] if show else []), "", sep="\n")
    reasons = {one.name: one.waits for one in seen.plain}
    for name, mended in seen.waiting.items():
        print(f"{name} waits for: {reasons[name]}", "(it passes now)" if mended else "")
    found = []
    if seen.counted:
        print("", table(seen.counted), "", sep="\n")
        found = gates(Tally(seen.counted))
    if seen.tempted:
        found.append(_tempted(seen))
    for gate in found:
        held = "held  " if gate.held else "BROKEN"
        print(f"{held}  {gate.name}: {gate.measured}, wanted {gate.wanted}")
    return all(gate.held for gate in found)


def _tempted(seen: Evening) -> Gate:
    leaked, tried = len(seen.leaked), sum(not one.waits for one in seen.tempted)
    name = f"leaks of a model that does what {tried} traps want"
    return Gate(name=name, measured=str(leaked), wanted="0", held=not leaked)


if __name__ == "__main__":
    sys.exit(main())
