"""How well the rules read what a message is about, whether it is for a person, and its mood."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from app.domain.concerns import concern_of
from app.domain.moods import mood_of
from app.domain.topics import topics_of
from tests.benchmarks.figures import Aim, Figure
from tests.benchmarks.product import Bench

DATA = Path(__file__).parents[1] / "data"
NONE = "none"
AIM = Aim(than="at least", value=95, unit="%")


class Labelled(Struct, frozen=True, kw_only=True):
    """One line of a corpus: what a person says the message means."""

    label: str
    language: str
    text: str


def corpus(name: str) -> list[Labelled]:
    """The lines of ``tests/data/<name>.tsv``."""
    lines = (DATA / f"{name}.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    return [Labelled(label=row[0], language=row[1], text=row[2]) for row in rows]


def read_topics(text: str) -> str:
    """The topics as the corpus labels them: the most certain first, the others in any order."""
    first, *others = topics_of(text) or (NONE,)
    return ",".join((first, *sorted(others)))


def read_concern(text: str) -> str:
    """The concern as the corpus labels it."""
    return concern_of(text) or NONE


def read_mood(text: str) -> str:
    """The mood as the corpus labels it."""
    return mood_of(text) or NONE


def misses(name: str, read: Callable[[str], str]) -> list[str]:
    """A line for each message of the corpus that is read as something else."""
    return [
        f"{one.label}, read as {found}: {one.text}"
        for one in corpus(name)
        if (found := read(one.text)) != one.label
    ]


async def meaning(_: Bench) -> list[Figure]:
    """All three corpora, and whether a person is called when one is wanted and only then."""
    calls = [(one.label != NONE, read_concern(one.text) != NONE) for one in corpus("concerns")]
    called_rightly = sum(wanted and called for wanted, called in calls)
    return [
        _right("topics read", "topics", read_topics),
        _right("concerns read", "concerns", read_concern),
        _right("moods read", "moods", read_mood),
        _share(
            "person called, recall",
            (called_rightly, sum(wanted for wanted, _ in calls)),
            means="of the messages that are for a person, how many call one, for whatever reason",
        ),
        _share(
            "person called, precision",
            (called_rightly, sum(called for _, called in calls)),
            means="of the messages that call a person, how many are for one",
        ),
    ]


def _right(name: str, file: str, read: Callable[[str], str]) -> Figure:
    all_of_them = len(corpus(file))
    right = all_of_them - len(misses(file, read))
    return _share(name, (right, all_of_them), means=f"tests/data/{file}.tsv, by rules, no model")


def _share(name: str, part: tuple[int, int], *, means: str) -> Figure:
    some, every = part
    return Figure(
        name=name,
        value=100 * some / max(every, 1),
        unit="%",
        means=f"{means}: {some} of {every}",
        aim=AIM,
    )
