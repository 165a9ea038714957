"""Days and times of day a text names, however it names them.

Everything here reads a text that went through :func:`app.writing.links.plain` and
:func:`app.writing.clauses.simple`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from msgspec import Struct

Key = tuple[str, float | str]
"""What a figure is, whatever its spelling: ``("day", ordinal)``, ``("hours", 48.0)`` and so on."""


class Said(Struct, frozen=True, kw_only=True):
    """A figure in a text. Any one of its ``keys`` in the facts is enough.

    ``soft``: a word that is a promise only beside a verb of what will happen.
    """

    start: int
    end: int
    said: str
    kind: str
    keys: tuple[Key, ...]
    soft: bool = False


_MONTHS = (
    r"январ|янв|кантар|januar|jan",
    r"феврал|фев|акпан|februar|feb",
    r"март|наурыз|march|mar",
    r"апрел|апр|сауир|april|apr",
    r"ма[яйею]|мамыр|may",
    r"июн|маусым|june|jun",
    r"июл|шилде|july|jul",
    r"август|авг|тамыз|august|aug",
    r"сентябр|сент?|кыркуйек|september|sept?",
    r"октябр|окт|казан|october|oct",
    r"ноябр|нояб?|караша|november|nov",
    r"декабр|дек|желтоксан|december|dec",
)
_MONTH = rf"(?:{'|'.join(_MONTHS)})(?:[а-я]{{0,6}}|y|uary)?"
_WEEKDAYS = (
    r"понедельник\w*|пн|дуйсенби\w*|monday|mon",
    r"вторник\w*|вт|сейсенби\w*|tuesday|tue",
    r"сред(?:а|у|ы|е|ой|ам)|ср|сарсенби\w*|wednesday|wed",
    r"четверг\w*|чт|бейсенби\w*|thursday|thu",
    r"пятниц\w*|пт|жума(?:га|да|сы|ны|дан|ба)?|friday|fri",
    r"суббот\w*|сб|сенби\w*|saturday|sat",
    r"воскресен\w*|вс|вск|жексенби\w*|sunday|sun",
)
_ANY_WEEKDAY = "|".join(f"(?P<w{i}>{one})" for i, one in enumerate(_WEEKDAYS))
_WEEKDAY = re.compile(
    rf"(?<![\w-])(?<!\d )(?:(?:к|в|во|на|до|с|по|by|on|until|next) )?"
    rf"(?P<next>следующ\w+ |келеси |next )?"
    rf"(?:{_ANY_WEEKDAY})(?:s|'s)?(?!\w)"
)
_RANGE = re.compile(r"\s*(?:[-–—]|по|до|to|through|till|ден|дан|нен|бастап)\s*")
_DAY = r"(?P<d>3[01]|[12]\d|0?[1-9])"
_ABSOLUTE = re.compile(
    rf"(?<![\d.])(?:(?P<iso>20\d\d-(?:0\d|1[0-2])-(?:[0-2]\d|3[01]))"
    rf"|{_DAY}[./](?P<m>1[0-2]"
    rf"|0[1-9])(?:[./](?P<y>(?:20)?\d\d))?(?![\d.]*\d)(?! ?(?:кг|гр?|мм|см|мл?|л"
    rf"|гб|вт|шт|дюйм\w*|%|\"|kg|g|gb|cm|mm|m)(?!\w))"
    rf"|(?P<d2>3[01]|[12]\d|0?[1-9])(?:-?(?:го|е|ого|th|st|nd|rd))?(?:\s"
    rf"|-)?(?:of )?(?P<mn>{_MONTH})(?!\w)"
    r"|(?P<d4>3[01]|[12]\d|0?[1-9])(?:-?(?:го|е|ого|му|ше|си|ы))?\s?числ\w+"
    r"|(?P<d5>3[01]|[12]\d|0?[1-9])-?(?:го|му)(?!\w))"
    rf"|(?<!\w)(?P<mn2>{_MONTH}) (?P<d3>3[01]|[12]\d|0?[1-9])(?:th|st|nd|rd)?(?!\w|:)",
)
_MONTH_ALONE = re.compile(
    rf"(?<!\w)(?:в|к|до|с|in|by|until|this|next) (?P<mn>{_MONTH})(?: (?P<y>20\d\d))?(?!\w)"
    rf"|(?<!\w)(?P<mn2>{_MONTH}) (?P<y2>20\d\d)(?!\w)|(?<!\w)(?P<mn3>{_MONTH})(?<=[дт][ае])(?!\w)"
)
_YEAR = re.compile(r"(?<!\d)(20[2-4]\d)(?!\d)(?=\s?(?:г(?!\w)|год|жыл|,|\.|$))")
_CLOCK = re.compile(
    r"(?<![\d.:])(?P<h>[01]?\d|2[0-4])[:.](?P<m>[0-5]\d)(?![\d:]"
    r"|\.\d)(?:\s?(?P<pm>am|pm|утра|вечера|дня|ночи))?"
    r"|(?<![\d.:,])(?P<h2>[01]?\d|2[0-4])\s?(?P<pm2>am|pm|утра|вечера|ночи"
    r"|час\w* (?:утра|вечера|дня|ночи))(?!\w)"
)
_RELATIVE: tuple[tuple[str, str], ...] = (
    ("+2", r"послезавтра|бурсигуни?|арги куни|(?:the )?day after tomorrow"),
    ("+1", r"завтра(?:шн\w+)?|ертен(?:ги\w*|ге\w*|нен)?|tomorrow"),
    ("+0", r"сегодня(?:шн\w+)?|бугин(?:ги\w*|нен)?|today|tonight"),
)
_SPANS: tuple[tuple[str, str], ...] = (
    (
        "next week",
        (
            r"(?:на|к|до|в) (?:следующ\w+|той|будущ\w+) недел\w+|следующ\w+ недел\w+"
            r"|келеси апта\w*|next week"
        ),
    ),
    (
        "this week",
        (
            r"(?:до|к|в) конц[ауе] (?:этой |рабочей )?недели|на (?:этой|текущей"
            r"|ближайшей|днях этой) неделе"
            r"|в течение (?:этой )?недели|осы апта\w*|апта (?:сон\w+|аягы\w*)|(?:by"
            r"|before|until) the end of the week|this week|end of (?:this )?week"
        ),
    ),
    (
        "weekend",
        (
            r"(?:на|к|до|в|после) (?:эти[хм]? |ближайши\w+ )?выходны[хмее]\w*"
            r"|демалыс(?:та|ка|\w* дейин)|(?:on |by |over |this )(?:the )?weekend"
        ),
    ),
    (
        "end of day",
        (
            r"(?:до|к|в) конц[ауе] (?:рабочего )?дня|кун(?:нин)? (?:сон|аяг)\w+"
            r"|кун соны\w*|(?:by|before|until)? ?(?:the )?end of (?:the )?day"
        ),
    ),
    (
        "this month",
        (
            r"(?:до|к|в) конц[ауе] (?:этого )?месяца|в этом месяце|осы ай\w*"
            r"|ай (?:сон|аяг)\w+|this month|(?:the )?end of (?:the )?month"
        ),
    ),
    ("next month", r"в следующем месяце|келеси ай\w*|next month"),
    (
        "holiday",
        (
            r"(?:до|к|после|перед) (?:нового года|новому году|новым годом"
            r"|праздник\w*|наурыз\w*)|жана жыл(?:га|дан)\w*|(?:by|before"
            r"|after) (?:the )?(?:new year|holidays?|christmas)"
        ),
    ),
    (
        "soon",
        (
            r"(?:совсем|очень|уже|very|real) (?:скоро|soon)|на днях|со дня на день"
            r"|с минуты на минуту|с часу на час|в ближайш(?:ие"
            r"|ий|ее) (?:\w+ )?(?:дни|день|часы|час|сутки|минуты|дней|часов"
            r"|пару дней)"
            r"|(?:в течение|через) (?:пары|пару|нескольких|несколько) \w+"
            r"|через (?:минутку|часик|денек|недельку)"
            r"|жакын (?:кундери|арада жеткиз\w+)|бирнеше (?:кун|сагат|минут)\w*"
            r"|any (?:day|minute|moment) now|in the (?:coming|next) (?:few )?(?:days"
            r"|hours)"
            r"|(?:within|in) (?:a few|several|a couple of) \w+"
        ),
    ),
    (
        "same day",
        (
            r"в (?:тот|этот) же день|день в день|в день (?:заказа|покупки|оплаты"
            r"|обращения|оформления|возврата)|сол куни|the same day|same[- ]day"
        ),
    ),
)
_DAYPARTS = (
    r"к вечеру|до вечера|вечером|утром|к утру|с утра|ночью|днем|до обеда"
    r"|после обеда|к обеду|до полудня|к ночи|за ночь"
    r"|кешке|кешкисин|танертен\w*|танга|тустен кейин|туске дейин|by evening"
    r"|by (?:the )?morning|in the (?:morning|afternoon|evening)|by noon"
    r"|this (?:evening|afternoon|morning)"
)
_ALWAYS = (
    (
        "daily",
        r"ежедневно|каждый день|без выходных|кун сайын|демалыссыз|every day|daily|seven days",
    ),
    ("always", r"круглосуточно|24/7|24 на 7|тауликтин|тауилик бойы|тауилик|around the clock"),
)
_WORDS = re.compile(
    r"(?<![\w-])(?:"
    + "|".join(
        rf"(?P<{name.replace('+', 'r').replace(' ', '_')}>{words})"
        for name, words in (*_RELATIVE, *_SPANS, ("daypart", _DAYPARTS), *_ALWAYS)
    )
    + r")(?!\w)"
)
_NOON = 12
_WISH = re.compile(
    r"(?<!\w)(?:хорош\w+|приятн\w+|отличн\w+|добр\w+|прекрасн\w+|удачн\w+|ясн\w+"
    r"|nice|great|good|lovely"
    r"|жаксы|сатти|кайырлы|уздик)\s(?:вам |\w+ и )?$"
)


def days(text: str, *, today: date) -> Iterator[Said]:
    """The days, weeks and times of day that ``text`` names."""
    yield from _absolute(text, today)
    yield from _weekdays(text, today)
    yield from _words(text, today)
    yield from _clocks(text)


def _said(
    match: re.Match[str], kind: str, keys: Iterator[Key] | list[Key], *, soft: bool = False
) -> Said:
    return Said(
        start=match.start(), end=match.end(), said=match.group().strip(), kind=kind,
        keys=tuple(keys), soft=soft,
    )  # fmt: skip


def _absolute(text: str, today: date) -> Iterator[Said]:
    for match in _ABSOLUTE.finditer(text):
        day = _day_of(match, today)
        yield _said(match, "date", [("day", day.toordinal())] if day else [("day", -1)])
    for match in _MONTH_ALONE.finditer(_ABSOLUTE.sub(lambda one: "#" * len(one.group()), text)):
        name, year = match["mn"] or match["mn2"] or match["mn3"], match["y"] or match["y2"]
        yield _said(match, "date", [("month", _first_of(name, year, today))])
    for match in _YEAR.finditer(text):
        yield _said(match, "date", [("year", float(match.group(1)))])


def _day_of(match: re.Match[str], today: date) -> date | None:
    if match["iso"]:
        return _real(*(int(one) for one in match["iso"].split("-")))
    day = int(match["d"] or match["d2"] or match["d3"] or match["d4"] or match["d5"])
    name = match["mn"] or match["mn2"]
    month = int(match["m"]) if match["m"] else _month(name) if name else None
    if month is None:
        first = today if day >= today.day else today.replace(day=28) + timedelta(days=4)
        return _real(first.year, first.month, day)
    if match["y"]:
        return _real(2000 + int(match["y"]) % 100, month, day)
    near = [_real(today.year + step, month, day) for step in (0, 1, -1)]
    return min((one for one in near if one), key=lambda one: abs(one - today), default=None)


def _real(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(name: str) -> int:
    return next(i for i, one in enumerate(_MONTHS, 1) if re.match(one, name))


def _first_of(name: str, year: str | None, today: date) -> str:
    month = _month(name)
    found = int(year) if year else today.year + (month < today.month)
    return f"{found}-{month:02}"


def _weekdays(text: str, today: date) -> Iterator[Said]:
    last: re.Match[str] | None = None
    for match in _WEEKDAY.finditer(text):
        number = _number_of(match)
        ahead = (number - today.weekday()) % 7 + (7 if match["next"] else 0)
        keys: list[Key] = [("day", today.toordinal() + ahead), ("weekday", number)]
        if last and _RANGE.fullmatch(text[last.end() : match.start(f"w{number}")]):
            first = _number_of(last)
            between = range(first, number + 1 if number >= first else number + 8)
            keys = [("weekday", one % 7) for one in between] + keys
        if not _WISH.search(text[max(0, match.start() - 25) : match.start()]):
            yield _said(match, "weekday", keys)
        last = match


def _number_of(match: re.Match[str]) -> int:
    return next(i for i in range(7) if match[f"w{i}"])


def _words(text: str, today: date) -> Iterator[Said]:
    now = today.toordinal()
    week_ends, next_month = now + 6 - today.weekday(), today.replace(day=28) + timedelta(days=4)
    ranges = {
        "r0": [now], "r1": [now + 1], "r2": [now + 2], "end_of_day": [now], "same_day": [],
        "this_week": range(now, week_ends + 1), "next_week": range(week_ends + 1, week_ends + 8),
        "weekend": range(max(now, week_ends - 1), week_ends + 1),
        "this_month": range(now, next_month.replace(day=1).toordinal()),
        "next_month": range(next_month.replace(day=1).toordinal(), next_month.toordinal() + 28),
    }  # fmt: skip
    for match in _WORDS.finditer(text):
        name = match.lastgroup or ""
        if _WISH.search(text[max(0, match.start() - 25) : match.start()]):
            continue
        keys: list[Key] = [("day", one) for one in ranges.get(name, [])]
        soft = name in {"r0", "daypart", "daily", "always"}
        yield _said(match, "word", [*keys, ("word", name)], soft=soft)


def _clocks(text: str) -> Iterator[Said]:
    for match in _CLOCK.finditer(text):
        hour, part = int(match["h"] or match["h2"]), match["pm"] or match["pm2"] or ""
        late = part.endswith(("pm", "вечера", "дня")) and hour < _NOON
        minutes = int(match["m"] or 0)
        yield _said(match, "clock", [("clock", (hour + 12 * late) * 60 + minutes)])
