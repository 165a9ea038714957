"""How well a stop is understood, and what that costs a message."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from app.domain.wishes import Wish, wish_of
from tests.benchmarks.figures import Aim, Figure, median, part
from tests.benchmarks.product import Bench

CORPUS = Path(__file__).parents[1] / "data" / "stops.tsv"
OWN_WORDS = ("стоп", "отписка", "не пишите", "stop")
ROUNDS = 5

Judged = list[tuple[str, Wish | None]]


async def stops(bench: Bench) -> list[Figure]:
    """The labelled corpus, judged once for quality and some more times for the clock."""
    rows = [line.split("\t") for line in CORPUS.read_text("utf-8").splitlines()]
    judged = [(label, wish_of(text, OWN_WORDS)) for label, _, text in rows]
    return [*_quality(judged), *_cost([text for *_, text in rows])]


def _quality(judged: Judged) -> list[Figure]:
    stopped = [label for label, wish in judged if wish is Wish.STOP]
    meant = [wish for label, wish in judged if label == "stop"]
    unsure = [wish for label, wish in judged if label == "maybe"]
    return [
        Figure(
            name="stops: recall",
            value=meant.count(Wish.STOP) / len(meant),
            unit="",
            aim=Aim(than="at least", value=0.99),
            means=(
                f"of {len(meant)} labelled stops, how many opt out; the corpus is what the rules "
                "were corrected with: messages never seen fare worse"
            ),
        ),
        Figure(
            name="stops: precision",
            value=stopped.count("stop") / len(stopped),
            unit="",
            aim=Aim(than="at least", value=0.99),
            means=f"of all that opt out, how many are stops; {len(judged)} messages in all",
        ),
        part(
            "unclear ones",
            unsure.count(Wish.MAYBE_STOP) / len(unsure),
            "",
            f"of {len(unsure)} ambiguous messages, how many pause what the bot starts",
        ),
    ]


def _cost(texts: list[str]) -> list[Figure]:
    judging = _microseconds(lambda text: wish_of(text, OWN_WORDS), texts)
    floor = _microseconds(str.casefold, texts)
    return [
        Figure(
            name="stops: a message",
            value=judging,
            against=floor,
            ratio=floor / judging,
            unit="µs",
            means="one message judged, against str.casefold of it",
        )
    ]


def _microseconds(judge: Callable[[str], object], texts: list[str]) -> float:
    """For one text, in the middle round."""
    rounds = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for text in texts:
            judge(text)
        rounds.append((time.perf_counter() - begun) / len(texts) * 1e6)
    return median(rounds)
