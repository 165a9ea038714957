"""Days and times of day as people say them, in Russian and Kazakh."""

from datetime import date, datetime, tzinfo
from typing import Literal, TypeAlias

Lang: TypeAlias = Literal["ru", "kk"]
Pair: TypeAlias = tuple[str, str]
"""The same in Russian and in Kazakh."""

_MONTHS: tuple[Pair, ...] = (
    ("января", "қаңтар"),
    ("февраля", "ақпан"),
    ("марта", "наурыз"),
    ("апреля", "сәуір"),
    ("мая", "мамыр"),
    ("июня", "маусым"),
    ("июля", "шілде"),
    ("августа", "тамыз"),
    ("сентября", "қыркүйек"),
    ("октября", "қазан"),
    ("ноября", "қараша"),
    ("декабря", "желтоқсан"),
)
_WEEKDAYS: tuple[Pair, ...] = (
    ("понедельник", "дүйсенбі"),
    ("вторник", "сейсенбі"),
    ("среда", "сәрсенбі"),
    ("четверг", "бейсенбі"),
    ("пятница", "жұма"),
    ("суббота", "сенбі"),
    ("воскресенье", "жексенбі"),
)
_NEAR: dict[int, Pair] = {0: ("Сегодня", "Бүгін"), 1: ("Вчера", "Кеше")}


class Calendar:
    """Says moments in one language, as they are at one place; `now` is the moment there."""

    def __init__(self, lang: Lang, *, now: datetime, zone: tzinfo) -> None:
        self._place = 0 if lang == "ru" else 1
        self._zone = zone
        self.now = now.astimezone(zone)

    def say(self, pair: Pair) -> str:
        """Whichever of the two is in the language."""
        return pair[self._place]

    def time(self, moment: datetime) -> str:
        """The time of day: «14:05»."""
        return moment.astimezone(self._zone).strftime("%H:%M")

    def day(self, moment: datetime) -> str:
        """The day, as a messenger parts its messages: «Сегодня», «Вчера», «24 ноября»."""
        there = moment.astimezone(self._zone).date()
        near = _NEAR.get((self.now.date() - there).days)
        return self.say(near) if near else self._date(there)

    def today(self) -> str:
        """The day with its name: «вторник, 24 ноября»."""
        return f"{self.say(_WEEKDAYS[self.now.weekday()])}, {self._date(self.now.date())}"

    def _date(self, day: date) -> str:
        return f"{day.day} {self.say(_MONTHS[day.month - 1])}"
