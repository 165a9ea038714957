"""One table of a run, and under it what is wrong."""

from __future__ import annotations

import shutil
import textwrap
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from tests.chaos.feed import Struck
from tests.chaos.plan import Blow
from tests.chaos.processes import Fall
from tests.chaos.verdict import LATE, WRONG, Finding, Found

HEADS = ("figure", "measured", "aim", "met", "what it means")
_NARROWEST, _WIDEST, _USUAL = 40, 90, 150
_MOST_SHOWN = 25
"""Findings of a kind that are shown; the rest is only counted."""

STRANGE = (Found.OVERTAKEN, Found.UNDER_WAY, Found.MISTAKEN, Found.RECEIPT, Found.SLOW)
"""What is worth a look and breaks no promise."""

_MEANS = {
    Found.LOST: (
        "accepted with 2xx, and never spoken of, answered or kept, though no rule says so; or "
        "told as sent though WAHA never had it"
    ),
    Found.TWICE: "WAHA accepted it more often than there are messages of it; or kept twice",
    Found.ORDER_IN: "a customer's messages lie in another order than they were written in",
    Found.ORDER_OUT: "an answer went after a text that was written later",
    Found.AFTER_STOP: "what we start, at WAHA after the stop was answered with 202",
    Found.DOUBTFUL: "orders and questions whose text is uncertain, and WAHA never had it",
    Found.WAITING: "accepted, not said yet when the run was over, and no rule holds it back",
    Found.UNCERTAIN: "messages nobody knows the fate of, still",
    Found.OVERTAKEN: "a later text went while nobody knew whether the earlier one had",
    Found.UNDER_WAY: "reached WAHA right after the stop, which came during the send",
    Found.MISTAKEN: "our own text, seen on WhatsApp and taken for the owner's",
    Found.SLOW: f"orders that waited more than {LATE:g} s for their text",
    Found.RECEIPT: "on the phone, and no receipt of it is known",
}


class Run(Struct, frozen=True, kw_only=True):
    """All that a run brought. ``quiet`` is None when it never got quiet."""

    seed: int
    facts: int
    fed: str
    findings: tuple[Finding, ...]
    struck: tuple[Struck, ...]
    falls: tuple[Fall, ...]
    faults: dict[str, int]
    webhooks: str
    given_up: int
    quiet: float | None
    why_not: str
    recovery: float
    longest: float
    took: float
    settles: bool
    buried: tuple[str, ...] = ()

    def count(self, found: Found) -> int:
        """How often it was found."""
        return sum(one.found is found for one in self.findings)

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """What must not be."""
        return tuple(one for one in self.findings if one.found in WRONG)

    @property
    def good(self) -> bool:
        """Nothing lost, nothing twice, everything in order, nothing after a stop."""
        return not self.wrong


class _Row(Struct, frozen=True, kw_only=True):
    name: str
    measured: str
    means: str
    aim: str = ""
    met: str = ""


def table(run: Run) -> str:
    """All rows under their heads."""
    rows = list(_rows(run))
    cells = [HEADS[:4], *((r.name, r.measured, r.aim, r.met) for r in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(4)]
    taken = sum(widths) + 2 * len(widths)
    free = shutil.get_terminal_size((_USUAL, 0)).columns - taken
    width = min(max(free, _NARROWEST), _WIDEST)
    lines = [_line(cells[0], widths, HEADS[4]), "─" * (taken + width)]
    for row, line in zip(rows, cells[1:], strict=True):
        first, *rest = textwrap.wrap(row.means, width) or [""]
        lines.append(_line(line, widths, first))
        lines.extend(" " * taken + more for more in rest)
    return "\n".join(lines)


def _rows(run: Run) -> Sequence[_Row]:
    held = run.count(Found.OPTED_OUT) + run.count(Found.OWNED)
    explained = f"{run.count(Found.OPTED_OUT)} by a stop, {run.count(Found.OWNED)} left to people"
    quiet = "never" if run.quiet is None else f"{run.quiet:.0f} s"
    to_rest = run.why_not if run.quiet is None else "from the last fault to nothing left to do"
    blows = Counter(struck.blow for struck in run.struck)
    faults = ", ".join(f"{n} {name}" for name, n in sorted(run.faults.items()))
    return [
        _Row(name="facts in", measured=str(run.facts), means=run.fed),
        _Row(
            name="  settled",
            measured=str(run.count(Found.SETTLED)),
            means="orders spoken of and questions answered, on the phones and by the API",
        ),
        _Row(name="  not said, by a rule", measured=str(held), means=explained),
        *([] if run.settles else [_counted(run, Found.DOUBTFUL)]),
        *(_zero(run, found) for found in WRONG),
        _zero(run, Found.UNCERTAIN) if run.settles else _counted(run, Found.UNCERTAIN),
        *(_counted(run, found) for found in STRANGE),
        _Row(
            name="blows",
            measured=str(len(run.struck)),
            means=", ".join(f"{blows[blow]} {blow}" for blow in Blow if blows[blow]),
        ),
        _Row(name="faults", measured=str(sum(run.faults.values())), means=faults),
        _Row(name="webhooks given up", measured=str(run.given_up), means=run.webhooks),
        _Row(name="ended unasked", measured=str(len(run.falls)), means="processes nobody killed"),
        _Row(name="buried", measured=str(len(run.buried)), means="; ".join(run.buried[:3])),
        _Row(
            name="longest recovery",
            measured=f"{run.recovery:.1f} s",
            means="from a kill, or the end of an outage, to the next text at WAHA, work waiting",
        ),
        _Row(
            name="longest wait",
            measured=f"{run.longest:.1f} s",
            means="from an order's acceptance to its text at WAHA, faults of its own included",
        ),
        _Row(name="quiet after", measured=quiet, means=to_rest),
    ]


def _zero(run: Run, found: Found) -> _Row:
    n = run.count(found)
    met = "NO" if n else "yes"
    return _Row(name=found, measured=str(n), aim="0", met=met, means=_MEANS[found])


def _counted(run: Run, found: Found) -> _Row:
    return _Row(name=f"  {found}", measured=str(run.count(found)), means=_MEANS[found])


def _line(cells: Sequence[str], widths: Sequence[int], last: str) -> str:
    name, *rest = [
        cell.ljust(width) if i == 0 else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join([name, *rest, last]).rstrip()


def details(run: Run) -> str:
    """What is wrong or strange, in enough words to look for the cause."""
    parts = []
    for found in (*WRONG, Found.UNCERTAIN, *STRANGE):
        ones = [one for one in run.findings if one.found is found and one.detail]
        lines = [f"  chat {one.chat}: {one.detail}" for one in ones[:_MOST_SHOWN]]
        more = [f"  … and {len(ones) - _MOST_SHOWN} more"] if len(ones) > _MOST_SHOWN else []
        parts += [f"{found}:", *lines, *more] if lines else []
    for fall in run.falls:
        parts += [
            f"{fall.name} ended by itself with {fall.code}:",
            textwrap.indent(fall.said, "  "),
        ]
    return "\n".join(parts)
