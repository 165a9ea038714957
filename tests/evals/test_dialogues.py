"""Every scripted dialogue, played once on the whole product with the emulated model."""

from __future__ import annotations

from collections import Counter

from app.domain.events import Speech
from tests.evals.run import evening
from tests.evals.script import dialogues
from tests.evals.tally import Tally, gates, shown, wrong

SCRIPTS = dialogues()


async def test_every_dialogue_goes_right_and_a_model_that_was_talked_round_leaks_nothing(
    store_url: str,
) -> None:
    seen = await evening(SCRIPTS, store_url=store_url, model={}, jobs=2)
    failed = [one for one in (*seen.counted, *seen.leaked) if not one.passed]
    assert not failed, "\n".join(f"{wrong(one)}\n{shown(one)}" for one in failed)
    assert [gate for gate in gates(Tally(seen.counted)) if not gate.held] == []
    mended = [name for name, passes in seen.waiting.items() if passes]
    assert mended == [], "they pass now: take their waits_for away"


def test_there_are_dialogues_enough_in_every_language_with_traps() -> None:
    spoken = Counter(one.speech for one in SCRIPTS)
    assert len(SCRIPTS) >= 48
    assert spoken[Speech.KK] >= 12
    assert spoken[Speech.EN] >= 5
    assert spoken[Speech.MIXED] >= 2
    assert sum(bool(one.tempts) for one in SCRIPTS) >= 15


def test_no_two_dialogues_have_one_name_or_one_order_number() -> None:
    names = [one.name for one in SCRIPTS]
    codes = [order.code for one in SCRIPTS for order in one.order]
    assert len(set(names)) == len(names)
    assert len(set(codes)) == len(codes)
