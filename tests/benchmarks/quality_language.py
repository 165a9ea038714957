"""How often the language of a message is told right, and what that takes."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.domain.language import language_of, normalise, speech_of
from tests.benchmarks.figures import Aim, Figure, quantile
from tests.benchmarks.product import Bench
from tests.unit.test_speech import Line, lines

RIGHT = 97.0
MOST = 300.0
ROUNDS = 5


async def language(bench: Bench) -> list[Figure]:
    """The labelled corpus, and microseconds against folding the same messages only."""
    corpus = lines()
    spoken = sum(speech_of(line.text) is line.speech for line in corpus)
    answered = sum(language_of(line.text, line.previous) is line.answer for line in corpus)
    takes = _microseconds(corpus, lambda line: language_of(line.text, line.previous))
    floor = _microseconds(corpus, lambda line: normalise(line.text))
    return [
        _share("language, what is spoken", spoken, corpus, "ru, kk, en, mixed or untelling"),
        _share(
            "language, of the answer", answered, corpus,
            "after what the chat spoke before: switches, borrowed words, translit",
        ),
        Figure(
            name="language, a message",
            value=takes,
            unit="µs",
            against=floor,
            means=f"median of {ROUNDS} rounds; against case and punctuation folded only",
            aim=Aim(than="under", value=MOST, unit="µs"),
        ),
    ]  # fmt: skip


def _share(name: str, right: int, corpus: list[Line], means: str) -> Figure:
    return Figure(
        name=name,
        value=100 * right / len(corpus),
        unit="%",
        means=f"{right} of {len(corpus)} labelled messages: {means}",
        aim=Aim(than="at least", value=RIGHT, unit="%"),
    )


def _microseconds(corpus: list[Line], of: Callable[[Line], object]) -> float:
    """What ``of`` takes for one message, the middle of some rounds."""
    took = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for line in corpus:
            of(line)
        took.append((time.perf_counter() - begun) / len(corpus) * 1e6)
    return quantile(took, 0.5)
