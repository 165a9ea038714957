"""How far a seller may move a rule while the bot runs: every bound once, with its reason.

What the settings say may be looser: whoever writes a file has read what it does, while a switch on
a page is moved in a second, on a phone. A value that the settings have is always allowed.
"""

from __future__ import annotations

import re
from datetime import time

from msgspec import Struct

from app.domain.events import Language


class OutOfBounds(ValueError):
    """A rule is not to be changed like this. ``code`` says why for a program, ``field`` which."""

    def __init__(self, field: str, reason: str, *, code: str) -> None:
        super().__init__(reason)
        self.field = field
        self.code = code
        self.reason = reason


class Bound(Struct, frozen=True, kw_only=True):
    """From ``low`` to ``high``, both included, and ``why`` not beyond; ``also`` is allowed too."""

    low: float
    high: float
    unit: str
    why: str
    also: float | None = None


BOUNDS: dict[str, Bound] = {
    "max_messages": Bound(
        low=1,
        high=5,
        unit="messages",
        why="who gets more unasked messages complains, and WhatsApp bans the number",
    ),
    "messages_window_days": Bound(
        low=7,
        high=365,
        unit="days",
        also=0,
        why="in a shorter window the cap of messages would cap nothing; 0 is for ever",
    ),
    "cooldown_hours": Bound(
        low=12,
        high=720,
        unit="hours",
        why="two unasked messages on half a day read as spam",
    ),
    "max_daily_messages": Bound(
        low=1,
        high=300,
        unit="messages",
        why="a number that writes first to more people a day is soon banned",
    ),
    "review_delay_hours": Bound(
        low=1,
        high=336,
        unit="hours",
        why="nobody has used the goods sooner, nor remembers them after two weeks",
    ),
    "handoff_hours": Bound(
        low=1,
        high=72,
        unit="hours",
        why="sooner the bot would talk over a person, later nobody would answer the customer",
    ),
    "send_interval_seconds": Bound(
        low=10,
        high=600,
        unit="seconds",
        why="messages that leave faster look like a mailing to WhatsApp",
    ),
}
"""The rules that are numbers."""

MUST_SLEEP = (time(23, 0), time(7, 0))
"""People are asleep then, whatever the shop thinks: no message of ours wakes them."""

LATEST_END, EARLIEST_START = time(14, 0), time(17, 0)
"""Between these the day stays open: else what waits for it would never be said."""

QUIET_WHY = (
    "quiet hours cover 23:00-07:00, for people are asleep, and begin at 17:00 or later and end at"
    " 14:00 or sooner, or nothing would ever be said"
)

_LARGEST = 1_000_000

_CLOCK = r"([01]?\d|2[0-3]):([0-5]\d)"
_QUIET = re.compile(rf"\s*{_CLOCK}\s*[-–—]\s*{_CLOCK}\s*", re.ASCII)
_INTERVAL = re.compile(r"\s*(\d{1,4}(?:\.\d+)?)(?:\s*[-–—]\s*(\d{1,4}(?:\.\d+)?))?\s*", re.ASCII)


def within(field: str, value: float) -> None:
    """Raise ``OutOfBounds`` unless ``value`` lies within the bounds of ``field``."""
    bound = BOUNDS[field]
    if value != bound.also and not bound.low <= value <= bound.high:
        raise OutOfBounds(
            field,
            f"{field} is {bound.low:g} to {bound.high:g} {bound.unit}: {bound.why}",
            code="out_of_bounds",
        )


def quiet_enough(hours: tuple[time, time]) -> None:
    """Raise ``OutOfBounds`` unless these hours let people sleep, and leave a day to speak in."""
    start, end = hours
    asleep, awake = MUST_SLEEP
    if not (EARLIEST_START <= start <= asleep and awake <= end <= LATEST_END):
        raise OutOfBounds("quiet_hours", QUIET_WHY, code="out_of_bounds")


# --- how a value is written -------------------------------------------------------------------


def flag(field: str, value: object) -> bool:
    """Yes or no. Raises ``OutOfBounds``."""
    if not isinstance(value, bool):
        raise _bad(field, "write true or false")
    return value


def number(field: str, value: object) -> float:
    """A number. Raises ``OutOfBounds``."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _bad(field, "write a number")
    if not abs(value) <= _LARGEST:  # NaN is no number either
        raise _bad(field, "write a smaller number")
    return float(value)


def whole(field: str, value: object) -> int:
    """A whole number. Raises ``OutOfBounds``."""
    told = number(field, value)
    if not told.is_integer():
        raise _bad(field, "write a whole number")
    return int(told)


def hours_of_day(field: str, value: object) -> tuple[time, time]:
    """Hours such as ``21:00-09:00``. Raises ``OutOfBounds``."""
    found = _QUIET.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise _bad(field, "write from-till, such as 21:00-09:00")
    start_hour, start_minute, end_hour, end_minute = map(int, found.groups())
    return time(start_hour, start_minute), time(end_hour, end_minute)


def interval(field: str, value: object) -> tuple[float, float]:
    """Shortest and longest, such as ``30-60``; one number is both. Raises ``OutOfBounds``."""
    found = _INTERVAL.fullmatch(value) if isinstance(value, str) else None
    if found is None or float(found[1]) > float(found[2] or found[1]):
        raise _bad(field, "write shortest-longest in seconds, such as 30-60")
    return float(found[1]), float(found[2] or found[1])


def languages(field: str, value: object) -> tuple[Language, ...]:
    """The languages written in, the default one first. Raises ``OutOfBounds``."""
    written = {Language.RU.value: Language.RU, Language.KK.value: Language.KK}
    names = value if isinstance(value, list | tuple) else ()
    known = [written[name] for name in names if isinstance(name, str) and name in written]
    if not known or len(known) != len(names) or len(set(known)) != len(known):
        raise _bad(field, "write ru, kk or both in their order; the first is the default")
    return tuple(known)


def _bad(field: str, advice: str) -> OutOfBounds:
    return OutOfBounds(field, f"{field} is not understood: {advice}", code="bad_value")
