"""When people at the shop answer, in the customer's words."""

from __future__ import annotations

from app.domain.events import Language
from app.domain.rules import Hours

_DAYS = {
    Language.RU: ("пн", "вт", "ср", "чт", "пт", "сб", "вс"),
    Language.KK: ("дс", "сс", "ср", "бс", "жм", "сб", "жс"),
    Language.EN: ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_DAILY = {Language.RU: "ежедневно", Language.KK: "күн сайын", Language.EN: "daily"}
_WEEK = 7


def hours_in_words(hours: Hours, language: Language) -> str:
    """Days and times, the days of a row as a span.

    >>> from datetime import time
    >>> hours_in_words(Hours(opens=time(10), closes=time(19), days=(0, 1, 2, 3, 4, 6)), Language.RU)
    'пн–пт, вс 10:00–19:00'
    """
    clock = f"{hours.opens:%H:%M}–{hours.closes:%H:%M}"
    if len(hours.days) == _WEEK:
        return f"{_DAILY[language]} {clock}"
    names = _DAYS[language]
    spans = [
        names[first] if first == last else f"{names[first]}–{names[last]}"
        for first, last in _rows(hours.days)
    ]
    return f"{', '.join(spans)} {clock}"


def _rows(days: tuple[int, ...]) -> list[tuple[int, int]]:
    """The first and the last day of each row of days."""
    rows: list[tuple[int, int]] = []
    for day in sorted(days):
        if rows and rows[-1][1] == day - 1:
            rows[-1] = (rows[-1][0], day)
        else:
            rows.append((day, day))
    return rows
