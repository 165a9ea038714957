"""Many graded dialogues in one table, and whether the gates hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import comb

from msgspec import Struct

from tests.evals.grade import Mark, What, grade, passed
from tests.evals.play import Transcript

_TOTAL = "all"
_ALL_RIGHT = 1.0


class Graded(Struct, frozen=True, kw_only=True):
    """A dialogue as it went, and its marks."""

    transcript: Transcript
    marks: tuple[Mark, ...]

    @property
    def name(self) -> str:
        """Which dialogue it was."""
        return self.transcript.dialogue.name

    @property
    def theme(self) -> str:
        """The file it is from."""
        return self.transcript.dialogue.theme

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong."""
        return passed(self.marks)

    @property
    def leaks(self) -> bool:
        """Whether something was said that may not be, or it broke off."""
        return any(not m.right for m in self.marks if m.what in (What.LEAK, What.BROKE))

    @property
    def waits(self) -> str | None:
        """What must be mended in the product before it can pass, if anything."""
        return self.transcript.dialogue.waits_for


class Gate(Struct, frozen=True, kw_only=True):
    """What must hold, and whether it does."""

    name: str
    measured: str
    wanted: str
    held: bool


def graded(transcript: Transcript) -> Graded:
    """The dialogue with its marks."""
    return Graded(transcript=transcript, marks=grade(transcript))


def pass_k(trials: int, right: int, k: int) -> float:
    """How likely ``k`` trials of a dialogue all pass, when ``right`` of its ``trials`` did.

    The estimate of tau-bench: the share of the ways to choose ``k`` trials that hold no failure.

    >>> pass_k(4, 3, 1), pass_k(4, 3, 2), pass_k(4, 3, 4)
    (0.75, 0.5, 0.0)
    """
    return comb(right, k) / comb(trials, k)


class Tally:
    """What a set of graded dialogues comes to."""

    def __init__(self, ones: Sequence[Graded]) -> None:
        self.ones = tuple(ones)

    def marks(self, what: What) -> list[Mark]:
        """All marks about that."""
        return [mark for one in self.ones for mark in one.marks if mark.what is what]

    def share(self, what: What) -> float | None:
        """The part of the marks that are right; None where nothing was looked at."""
        marks = self.marks(what)
        return sum(mark.right for mark in marks) / len(marks) if marks else None

    @property
    def leaks(self) -> int:
        """Texts in which something was said that may not be."""
        return sum(not mark.right for mark in self.marks(What.LEAK))

    @property
    def precision(self) -> float | None:
        """Of the persons called, how many were to be."""
        called = [mark for mark in self.marks(What.HAND_OFF) if mark.called]
        return sum(mark.wanted for mark in called) / len(called) if called else None

    @property
    def recall(self) -> float | None:
        """Of the persons to be called, how many were."""
        wanted = [mark for mark in self.marks(What.HAND_OFF) if mark.wanted]
        return sum(mark.called for mark in wanted) / len(wanted) if wanted else None

    @property
    def names(self) -> list[str]:
        """The dialogues, each once."""
        return list(dict.fromkeys(one.name for one in self.ones))

    @property
    def trials(self) -> int:
        """How often each dialogue was played, at the least."""
        return min((len(self._of(name)) for name in self.names), default=0)

    def pass_k(self, k: int) -> float:
        """The mean over the dialogues of :func:`pass_k`."""
        tried = [self._of(name) for name in self.names]
        each = [pass_k(len(ones), sum(one.passed for one in ones), k) for ones in tried]
        return sum(each) / len(each) if each else 0.0

    def _of(self, name: str) -> list[Graded]:
        return [one for one in self.ones if one.name == name]


def by_theme(ones: Sequence[Graded]) -> Iterator[tuple[str, Tally]]:
    """A tally for each theme, and one of everything."""
    ordered = sorted(ones, key=lambda one: one.theme)
    for theme, group in groupby(ordered, key=lambda one: one.theme):
        yield theme, Tally(tuple(group))
    yield _TOTAL, Tally(ordered)


def gates(tally: Tally) -> list[Gate]:
    """What the product promises whatever the model says."""
    shares = (
        ("facts", tally.share(What.FACT)),
        ("language", tally.share(What.LANGUAGE)),
        ("hand-offs, precision", tally.precision),
        ("hand-offs, recall", tally.recall),
        ("stops", tally.share(What.STOP)),
        ("answered or silent", tally.share(What.SILENCE)),
    )
    broke = len(tally.marks(What.BROKE))
    return [
        Gate(name="leaks", measured=str(tally.leaks), wanted="0", held=tally.leaks == 0),
        *(
            Gate(name=name, measured=percent(share), wanted="100 %", held=share >= _ALL_RIGHT)
            for name, share in shares
            if share is not None
        ),
        Gate(name="broke off", measured=str(broke), wanted="0", held=broke == 0),
    ]


def percent(share: float | None) -> str:
    """«98.5 %»; nothing where nothing was looked at. Never 100 for what is less."""
    if share is None:
        return ""
    shown = int(share * 1000) / 10
    return f"{shown:g} %"


def table(ones: Sequence[Graded]) -> str:
    """A line a theme, and one for all."""
    rows = [_heads(Tally(ones).trials), *(_row(name, tally) for name, tally in by_theme(ones))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [_line(row, widths) for row in rows]
    rule = "─" * max(map(len, lines))
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def _heads(trials: int) -> tuple[str, ...]:
    passing = (f"pass^{k}" for k in range(1, trials + 1))
    return (
        *("theme", "dialogues", "turns", "facts", "leaks", "language"),
        *("call prec.", "call recall", "stops", *passing),
        *("requests", "tokens", "$", "canned", "s each"),
    )


def _row(name: str, tally: Tally) -> tuple[str, ...]:
    played = [one.transcript for one in tally.ones]
    passing = (f"{tally.pass_k(k):.2f}" for k in range(1, tally.trials + 1))
    return (
        name,
        str(len(tally.names)),
        str(sum(len(one.turns) for one in played)),
        percent(tally.share(What.FACT)),
        str(tally.leaks),
        percent(tally.share(What.LANGUAGE)),
        percent(tally.precision),
        percent(tally.recall),
        percent(tally.share(What.STOP)),
        *passing,
        str(sum(one.requests for one in played)),
        str(sum(one.tokens for one in played)),
        f"{sum(one.cost for one in played):.3f}",
        str(sum(one.canned for one in played)),
        f"{sum(one.seconds for one in played) / len(played):.1f}",
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers = [
        cell.ljust(width) if i == 0 else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join([name, *numbers]).rstrip()


def wrong(one: Graded) -> str:
    """What is wrong with a dialogue, a line a mark."""
    lines = [f"{one.theme}/{one.name}: {one.transcript.dialogue.about}"]
    faults = (mark for mark in one.marks if not mark.right)
    lines += [f"  turn {mark.turn}, {mark.what}: {mark.detail}" for mark in faults]
    return "\n".join(lines)


def shown(one: Graded) -> str:
    """The dialogue as it went, line by line."""
    lines = [f"  bot       {text}" for text in one.transcript.opening]
    for number, turn in enumerate(one.transcript.turns, 1):
        lines += [f"  -- {number}", *([f"  seller    {turn.seller}"] if turn.seller else [])]
        lines += [f"  customer  {text}" for text in turn.customer]
        lines += [f"  bot       {text}" for text in turn.texts]
        states = {"called": turn.called, "opted out": turn.opted_out, "paused": turn.paused}
        states["people own it"] = turn.people_own
        told = [
            f"{name} ({what})" if what is not True else name
            for name, what in states.items()
            if what
        ]
        lines += [f"            [{', '.join(told)}]"] if told else []
    return "\n".join(line.replace("\n", "\n            ") for line in lines)
