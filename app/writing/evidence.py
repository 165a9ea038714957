"""Where the figures of an accepted text are from: what the journal keeps of why it may leave."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from app.domain.brief import Brief
from app.writing import money
from app.writing.facts import Facts, figures
from app.writing.links import links, long_numbers, plain

_LONGEST = 40
"""Characters of a figure that are kept."""

_MOST = 20
"""Figures of one text that are kept."""


class Evidence(Struct, frozen=True, kw_only=True):
    """One figure of a text, and the part of the brief that holds it."""

    figure: str
    source: str


def evidence_of(text: str, brief: Brief) -> tuple[Evidence, ...]:
    """Each sum, measure, percentage, day, time, link and number of ``text`` with its source.

    A figure without a source (only a question or a denial may have one) is left out.
    """
    facts, read = Facts(brief), plain(text)
    facts.reckon(read)
    found = dict.fromkeys(
        (figure[:_LONGEST], source) for figure, source in _all(read, facts) if source
    )
    return tuple(Evidence(figure=figure, source=source) for figure, source in found)[:_MOST]


def _all(text: str, facts: Facts) -> Iterator[tuple[str, str | None]]:
    for amount in sorted(money.sums(text)):
        yield f"{amount:.0f} ₸", facts.sums.get(amount)
    for percent in sorted(money.percents(text)):
        yield f"{percent} %", facts.percents.get(percent)
    for link in sorted(links(text)):
        yield link, facts.links.get(link)
    for number in sorted(long_numbers(text)):
        yield number, facts.digits.get(number)
    for said in figures(text, today=facts.today):
        yield said.said, facts.source_of(said) or facts.planned(said)
