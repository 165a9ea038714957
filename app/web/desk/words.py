"""What the bot knows by a code, said to a shop owner in plain Russian or Kazakh."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo

from app.domain.conversation import Entry, Kind, Written
from app.domain.events import Language
from app.domain.rules import Reason
from app.web.desk import phrases, writing_phrases
from app.web.desk.phrases import Pair

OVERNIGHT = timedelta(hours=16)
"""Within this time «до 09:00» is understood without its day."""

_PART = re.compile(r"(order|product) (\S+) ([a-z ]+)|statement ([a-z_]+)")
_DAY = re.compile(r"\d{4}-[01]\d-[0-3]\d")
_AROUND: dict[str, Pair] = {"order": ("заказ", "тапсырыс"), "product": ("товар", "тауар")}
_STATED: Pair = ("правило магазина", "дүкен ережесі")
_MEDIA = "media:"

_NO_SET_END = frozenset(
    {Reason.DISABLED, Reason.SESSION_DOWN, Reason.NUMBER_HEALTH, Reason.ORDER_UNREAD}
)
"""What lasts until it is over: its time is only when it is looked at again."""

_ENDINGS = ("ге", "ге", "ге", "ке", "ке", "ке", "ға", "ге", "ге", "ға")
"""What «дейін» wants after a Kazakh number that ends in 0 to 9, and below after whole tens."""
_TENS = ("ге", "ға", "ға", "ға", "қа", "ге")


class Words:
    """Says codes and times in one language, at one place's time of day.

    A code nobody has worded is shown as it is: better a strange word than a silent page.
    """

    def __init__(self, lang: Language, *, now: datetime, zone: tzinfo) -> None:
        self._place = 1 if lang is Language.KK else 0
        self._now = now
        self._zone = zone

    def say(self, pair: Pair) -> str:
        """One of the two."""
        return pair[self._place]

    # --- codes

    def purpose(self, code: str | None) -> str:
        """What a message is for; a person's own is just a message."""
        return self._named(phrases.PURPOSES, code) or self.say(phrases.NO_PURPOSE)

    def reason(self, code: str | None) -> str:
        """Why something was not said, why it failed, or why a person is needed; '' for no code."""
        if code is not None and code.startswith(_MEDIA):
            return self._named(phrases.BY_MEDIA, code.removeprefix(_MEDIA))
        return self._named(phrases.REASONS, code)

    def concern(self, code: str | None) -> str:
        """Why a person is needed: a code, or the model's own words, which stay as they are."""
        return self.reason(code)

    def status(self, code: str | None) -> str:
        """How far a message got."""
        return self._named(phrases.STATUSES, code)

    def stage(self, code: str | None) -> str:
        """Where an order is."""
        return self._named(phrases.STAGES, code)

    def kind(self, code: str | None) -> str:
        """What a line of the journal tells."""
        return self._named(phrases.KINDS, code)

    def media(self, code: str | None) -> str:
        """What came instead of, or beside, text."""
        return self._named(phrases.MEDIA, code)

    def segment(self, code: str | None) -> str:
        """Who the customer is to the shop."""
        return self._named(phrases.SEGMENTS, code)

    def language(self, code: str | None) -> str:
        """A language by its name."""
        return self._named(phrases.LANGUAGES, code)

    def author(self, code: str | None) -> str:
        """Who said it."""
        return self._named(phrases.AUTHORS, code)

    def owner(self, code: str | None) -> str:
        """Who answers the chat."""
        return self._named(phrases.OWNERS, code)

    # --- how a text came about

    def how(self, written: Written) -> str:
        """How the text came about, as one clause."""
        why, made_by = written.why_canned, written.prompt.split("/")
        if why == "own":
            return self.say(writing_phrases.BY_SELLER)
        if made_by[0] == "facts":
            return self._because(self.say(writing_phrases.BY_FACTS), why)
        if written.canned:
            return self._because(self.say(writing_phrases.CANNED), why)
        if made_by[-1] == "reused":
            return self.say(writing_phrases.REUSED)
        return self.say(writing_phrases.BY_MODEL)

    def why_canned(self, code: str | None) -> str:
        """Why it was not the model that spoke; the code of a fault is a text that was rejected."""
        if code is None:
            return ""
        if known := writing_phrases.WHY_CANNED.get(code):
            return self.say(known)
        check = writing_phrases.CHECKS.get(code)
        rejected = self.say(writing_phrases.REJECTED)
        return f"{rejected} «{self.say(check)}»" if check else rejected

    def prompt(self, prompt: str) -> str:
        """``reply/v1`` -> «Ответ покупателю, v1»."""
        name, _, version = prompt.partition("/")
        known = writing_phrases.PROMPTS.get(name) or phrases.PURPOSES.get(name)
        named = self.say(known) if known else name
        return ", ".join(filter(None, (named, version)))

    def check(self, code: str) -> str:
        """What a check of a text looked after."""
        return self._named(writing_phrases.CHECKS, code)

    def fact(self, used: str) -> str:
        """What a text could rest on: ``price 15990`` -> «цена 15 990 ₸»."""
        code, _, value = used.partition(" ")
        known = writing_phrases.FACTS.get(code)
        return self.say(known).format(self._value(code, value)) if known else used

    def _value(self, code: str, value: str) -> str:
        match code:
            case "price" | "total" if value.isdecimal():
                return f"{int(value):,} ₸".replace(",", "\u202f")
            case "planned" if _DAY.fullmatch(value):
                return self.date(date.fromisoformat(value), today=self._local(self._now).date())
            case "stage":
                return self.stage(value)
            case "rule":
                return self._named(writing_phrases.TOPICS, value)
            case "delivery":
                return self._named(writing_phrases.DELIVERIES, value)
            case "mood":
                return self._named(writing_phrases.MOODS, value)
            case _:
                return value

    def source(self, name: str) -> str:
        """Where a figure or a fact is from: ``order 912 total`` -> «заказ 912: сумма»."""
        found = _PART.fullmatch(name)
        if found is None:
            return self._named(writing_phrases.TOLD_BY, name)
        if found[4] is not None:
            topic = self._named(writing_phrases.TOPICS, found[4])
            return f"{self.say(_STATED)}: {topic}"
        part = self._named(writing_phrases.PARTS, found[3])
        return f"{self.say(_AROUND[found[1]])} {found[2]}: {part}"

    def evidence(self, line: str) -> str:
        """``15990 ₸ ← order 912 total`` -> «15990 ₸ — заказ 912: сумма»."""
        figure, arrow, source = line.rpartition(" ← ")
        return f"{figure} — {self.source(source)}" if arrow else self.source(line)

    # --- a line of the journal

    def line(self, entry: Entry) -> str:
        """What became of it and why: «не отправлено: тихие часы до 09:00»."""
        what, because = self.kind(entry.kind), self._because_of(entry)
        return f"{what}: {because}" if because else what

    def note(self, entry: Entry) -> str:
        """The same as a sentence of its own: «Не отправлено: просьба об отзыве — тихие часы …»."""
        match entry.kind:
            case Kind.ORDER:
                said = f"{self.say(_ORDER)} {entry.order_code}: {self.stage(entry.reason)}"
            case Kind.RECEIVED:
                said = self._received(entry)
                mood = self._named(writing_phrases.MOODS, entry.mood)
                said = f"{said}: {mood}" if mood else said
            case Kind.HEARD:
                said = f"{self.media('voice')}: {self.reason(entry.reason)}"
            case Kind.BLOCKED | Kind.DROPPED | Kind.RETRYING | Kind.SCHEDULED:
                about, because = _lower(self.purpose(entry.purpose)), self._because_of(entry)
                said = " — ".join(filter(None, (f"{self.kind(entry.kind)}: {about}", because)))
            case _:
                said = self.line(entry)
        return said[:1].upper() + said[1:]

    def _received(self, entry: Entry) -> str:
        if entry.reason == "reaction" and entry.emoji is not None:
            return self.say(_REACTED if entry.emoji else _REACTION_OFF).format(entry.emoji)
        return self.say(_RECEIVED.get(entry.reason or "", phrases.KINDS["received"]))

    def _because_of(self, entry: Entry) -> str:
        parts = filter(None, (self._reason_of(entry), self._when(entry)))
        holds = entry.kind is not Kind.RETRYING and entry.kind is not Kind.SCHEDULED
        return (" " if holds else ", ").join(parts)

    def _reason_of(self, entry: Entry) -> str:
        if entry.kind is Kind.ORDER:
            return self.stage(entry.reason)
        if entry.kind is Kind.WRITTEN and entry.written is not None:
            return self.how(entry.written)
        return self.reason(entry.reason)

    def going(self, due: datetime, blocked: str | None) -> str:
        """When what waits goes, or what it waits for: «отправим в 09:00 — тихие часы»."""
        if blocked in _NO_SET_END:
            when = self.say(_WAITS)
        elif due <= self._now:
            when = self.say(_GOING)
        else:
            when = self.say(_WILL_GO).format(self.at(due))
        return " — ".join(filter(None, (when, self.reason(blocked))))

    def _when(self, entry: Entry) -> str:
        if entry.until is None or (entry.kind is Kind.BLOCKED and entry.reason in _NO_SET_END):
            return ""
        match entry.kind:
            case Kind.SCHEDULED:
                return self.at(entry.until, since=entry.at)
            case Kind.RETRYING:
                return f"{self.say(_AGAIN)} {self.at(entry.until, since=entry.at)}"
            case _:
                return self.until(entry.until, since=entry.at)

    # --- times

    def clock(self, moment: datetime) -> str:
        """The time of day there: «14:05»."""
        return f"{self._local(moment):%H:%M}"

    def moment(self, moment: datetime) -> str:
        """A time with its day: «сегодня, 14:05», «12 мая, 14:05»."""
        return f"{self.day(moment)}, {self.clock(moment)}"

    def day(self, moment: datetime) -> str:
        """A day by its name: «сегодня», «12 мая», with the year when it is another one."""
        day, today = self._local(moment).date(), self._local(self._now).date()
        named = phrases.DAYS.get((day - today).days)
        return self.say(named) if named else self.date(day, today=today)

    def date(self, day: date, *, today: date | None = None) -> str:
        """A day of the calendar: «12 мая»; of another year than ``today``'s with its year."""
        month, kazakh = self.say(phrases.MONTHS[day.month - 1]), self._place == 1
        if today is None or day.year == today.year:
            return f"{day.day} {month}"
        return f"{day.year} ж. {day.day} {month}" if kazakh else f"{day.day} {month} {day.year}"

    def at(self, moment: datetime, *, since: datetime | None = None) -> str:
        """When something is to happen, seen from ``since`` (now): «в 09:00», «завтра в 09:00»."""
        day, clock = self._day_apart(moment, since), self.clock(moment)
        said = f"сағат {clock}" if self._place else f"в {clock}"
        return f"{day} {said}" if day else said

    def until(self, moment: datetime, *, since: datetime | None = None) -> str:
        """Until when, seen from ``since`` (now): «до 09:00», «до 12 мая, 09:00»."""
        day, clock = self._day_apart(moment, since), self.clock(moment)
        if self._place:
            return " ".join(filter(None, (day, f"{clock}-{_ending(clock)} дейін")))
        return f"до {day}, {clock}" if day else f"до {clock}"

    def _day_apart(self, moment: datetime, since: datetime | None) -> str:
        """The day of ``moment`` where the time of day alone would not say it."""
        start = self._now if since is None else since
        if timedelta() <= moment - start <= OVERNIGHT:
            return ""
        day, today = self._local(moment).date(), self._local(start).date()
        if day == today:
            return ""
        named = phrases.DAYS.get((day - today).days) if since is None else None
        return self.say(named) if named else self.date(day, today=today)

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self._zone)

    def _named(self, table: Mapping[str, Pair], code: str | None) -> str:
        if code is None:
            return ""
        pair = table.get(code)
        return self.say(pair) if pair else str(code)

    def _because(self, what: str, why: str | None) -> str:
        return f"{what}: {self.why_canned(why)}" if why else what


_WAITS: Pair = ("ждёт", "күтуде")
_GOING: Pair = ("отправляем", "жіберіп жатырмыз")
_WILL_GO: Pair = ("отправим {}", "{} жібереміз")
_AGAIN: Pair = ("ещё раз", "қайтадан")
_ORDER: Pair = ("Заказ", "Тапсырыс")
_REACTED: Pair = ("Покупатель поставил {}", "Сатып алушы {} қойды")
_REACTION_OFF: Pair = ("Покупатель убрал реакцию", "Сатып алушы реакциясын алып тастады")
_RECEIVED: dict[str, Pair] = {
    "call": ("Покупатель звонил", "Сатып алушы қоңырау шалды"),
    "reaction": ("Покупатель поставил реакцию", "Сатып алушы реакция қойды"),
    "late": (
        "Сообщение пришло слишком поздно: бот на него не отвечает",
        "Хабарлама тым кеш келді: бот оған жауап бермейді",
    ),
}


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _ending(clock: str) -> str:
    """The Kazakh ending of a time of day before «дейін»: by the number that is said last."""
    minutes = int(clock[-2:])
    return _ENDINGS[minutes % 10] if minutes % 10 else _TENS[minutes // 10]
