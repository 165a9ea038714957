"""The demo's clock: it is put forward by hand, and remembers that when the demo is started anew."""

from datetime import datetime, time, timedelta, tzinfo
from pathlib import Path

from app.world import MovableWorld

QUIET = time(21), time(9)
"""When the demo's shop starts no conversation, until its seller changes that: from, until."""

MOST_HOURS = 48
"""The furthest it goes at once: always less than what the product takes for an outage of Kaspi."""

_MORNING = time(10)
_LAST_START = time(19)
"""Later in the day a newcomer would meet the night before having seen a message."""


class DemoClock(MovableWorld):
    """A clock whose way ahead is kept in a file: what is planned lies in the store all the while.

    Whoever takes the file and the store away has the real time again.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        super().__init__(_kept_in(file))

    def move(self, by: timedelta) -> None:
        """Go forward at once. Raises ValueError for a way back."""
        super().move(by)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(str(round(self.ahead.total_seconds())), "utf-8")

    def to_working_hours(self, zone: tzinfo) -> None:
        """On to the next morning there, unless it is day: a demo shows little in quiet hours."""
        local = self.now().astimezone(zone)
        if not QUIET[1] <= local.time() < _LAST_START:
            self.move(until(local, _MORNING))


def until(local: datetime, hour: time) -> timedelta:
    """From a local moment on to that time of day, which comes within a day."""
    there = local.replace(hour=hour.hour, minute=hour.minute, second=0, microsecond=0)
    return there - local if there > local else there + timedelta(days=1) - local


def is_quiet(local: datetime, hours: tuple[time, time] = QUIET) -> bool:
    """Whether this local moment is in quiet hours that go over midnight."""
    begins, ends = hours
    return local.time() >= begins or local.time() < ends


def _kept_in(file: Path) -> timedelta:
    try:
        return timedelta(seconds=max(int(file.read_text("utf-8")), 0))
    except (OSError, ValueError, OverflowError):
        return timedelta()
