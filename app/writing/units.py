"""Figures with a unit, and bare numbers: how much, how long, how many, which model.

Everything here reads a text that went through :func:`app.writing.links.plain` and
:func:`app.writing.clauses.simple`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.writing.dates import Key, Said

_UNITS: tuple[tuple[str, float, str], ...] = (
    ("hours", 1 / 3600, r"секунд\w*|сек|seconds?|sec"),
    ("hours", 1 / 60, r"минут\w*|мин|minutes?|mins?"),
    ("hours", 1, r"час(?:а|ов|у|ам|ик\w*)?|ч|сагат\w*|hours?|hrs?"),
    (
        "hours",
        24,
        (
            r"д(?:ень|ня|ней|ню|нем|ни|н|енек|енька)|сут(?:ки|ок|кам)|кун(?:де|дик"
            r"|ге|нен|и|нин|ди)?|days?"
        ),
    ),
    ("hours", 168, r"недел\w+|апта\w*|weeks?"),
    ("months", 1, r"месяц\w*|мес|ай(?:дан|га|лык|да)?|months?"),
    ("months", 12, r"год(?:а|у|ов)?|лет|годик\w*|жыл\w*|years?|yrs?"),
    ("grams", 1000, r"кг|килограмм\w*|kg|kilos?"),
    ("grams", 1, r"г|гр|грамм\w*|g|grams?"),
    ("grams", 0.001, r"мг|mg"),
    ("cm", 0.1, r"мм|mm|миллиметр\w*"),
    ("cm", 1, r"см|cm|сантиметр\w*"),
    ("cm", 100, r"м|метр\w*|m|meters?|metres?"),
    ("cm", 100000, r"км|km|километр\w*"),
    ("inch", 1, r"дюйм\w*|inch(?:es)?|\"|″|''"),
    ("ml", 1, r"мл|ml|миллилитр\w*"),
    ("ml", 1000, r"л|литр\w*|lit(?:er|re)s?"),
    ("mah", 1, r"мач|mah|м·?ач"),
    ("mah", 1000, r"ач|ah"),
    ("watt", 1, r"вт|ватт\w*|w|watts?"),
    ("watt", 1000, r"квт|kw"),
    ("hz", 1, r"гц|hz"),
    ("gb", 1, r"гб|gb|гигабайт\w*|гиг\w*"),
    ("gb", 1024, r"тб|tb|терабайт\w*"),
    ("mp", 1, r"мп|mp|мегапиксел\w*"),
    ("degrees", 1, r"°[cс]?|градус\w*"),
    ("turns", 1, r"об/мин|оборот\w*|rpm"),
    ("pieces", 1, r"шт(?:\.|ук\w*)?|дана\w*|pcs|pieces?|единиц\w*|экземпляр\w*|items? left|units?"),
    ("times", 1, r"раз(?:а)?|рет|times"),
)
_UNIT = "|".join(rf"(?P<u{i}>{words})" for i, (_, _, words) in enumerate(_UNITS))
_KIND_OF_DAY = r"(?:(?:рабоч|календарн|банковск|полн|жумыс|business|working|full|calendar)\w*[ -])?"
_NUMBER = r"\d{1,15}(?:[.,]\d{1,4})?"
_ONE_TO_MANY = {
    "один": 1,
    "одну": 1,
    "одного": 1,
    "одной": 1,
    "одна": 1,
    "одно": 1,
    "два": 2,
    "две": 2,
    "двух": 2,
    "пару": 2,
    "пара": 2,
    "три": 3,
    "трех": 3,
    "четыре": 4,
    "четырех": 4,
    "пять": 5,
    "пяти": 5,
    "шесть": 6,
    "шести": 6,
    "семь": 7,
    "семи": 7,
    "восемь": 8,
    "девять": 9,
    "десять": 10,
    "десяти": 10,
    "двенадцать": 12,
    "четырнадцать": 14,
    "пятнадцать": 15,
    "двадцать": 20,
    "двадцати": 20,
    "тридцать": 30,
    "тридцати": 30,
    "сорок": 40,
    "шестьдесят": 60,
    "сто": 100,
    "полтора": 1.5,
    "полторы": 1.5,
    "бир": 1,
    "еки": 2,
    "уш": 3,
    "торт": 4,
    "бес": 5,
    "алты": 6,
    "жети": 7,
    "сегиз": 8,
    "тогыз": 9,
    "он": 10,
    "он еки": 12,
    "он торт": 14,
    "жиырма": 20,
    "отыз": 30,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "twelve": 12,
    "fourteen": 14,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "sixty": 60,
}
_SPELLED = "|".join(sorted(_ONE_TO_MANY, key=len, reverse=True))
_MEASURE = re.compile(
    rf"(?<![\d\w])(?P<n>{_NUMBER})(?:\s?(?:[-–—/xх×*]|до|или|и|to|or)\s?(?P<n2>{_NUMBER}))?"
    rf"(?:-?(?:ти|х|и|ми|й|ый|ая|ого|ем))?[ -]?{_KIND_OF_DAY}(?:{_UNIT})(?!\w)"
)
_SPELLED_MEASURE = re.compile(
    rf"(?<!\w)(?P<n>{_SPELLED})(?:[-–—]\w+)? {_KIND_OF_DAY}(?:{_UNIT})(?!\w)"
)
_ONE_UNIT = re.compile(
    r"(?<!\w)(?:в течени[еи]|через|за|спустя|не позже чем через|within|in|for"
    r"|ровно|целый|целую|гаранти\w+|гаранти\w+ на|warranty of|бар-?жогы)"
    rf" (?:an |a |one |the |the next )?(?P<half>пол ?|half an? )?{_KIND_OF_DAY}(?:{_UNIT})(?!\w)"
    rf"|(?<!\w)(?P<half2>пол|жарты )(?:{_UNIT.replace('?P<u', '?P<v')})(?!\w)"
)
_MIDNIGHT = 24
_LIST_MARK = re.compile(r"(?:^|(?<=[\s(]))\d{1,2}[.)](?=\s?[^\W\d])")
_TOKEN = re.compile(
    rf"(?<![^\W_])(?P<word>[^\W\d_]{{1,12}}-?\d[\w-]{{0,30}}"
    rf"|\d{{1,15}}[^\W\d_]\w{{0,30}})|(?P<n>{_NUMBER})"
)
_HARMLESS_TIME = re.compile(
    r"(?:один|одну|бир|пару|one) (?:минут|секунд|раз|минуту|минутку|рет|minute|second|moment|time)"
)


def amounts(text: str) -> Iterator[Said]:
    """The figures with a unit, then the numbers that have none."""
    taken: list[tuple[int, int]] = []
    for said in [*_measures(text), *_spelled(text)]:
        taken.append((said.start, said.end))
        yield said
    yield from _bare(_blanked(_LIST_MARK.sub(lambda mark: " " * len(mark.group()), text), taken))


def _measures(text: str) -> Iterator[Said]:
    for match in _MEASURE.finditer(text):
        kind, factor = _unit_of(match, "u")
        for number in filter(None, match.group("n", "n2")):
            yield _figure(
                match,
                (kind, round(_value(number) * factor, 4)),
                hour=_value(number) if factor == 1 else None,
            )


def _spelled(text: str) -> Iterator[Said]:
    for match in _SPELLED_MEASURE.finditer(text):
        if not _HARMLESS_TIME.match(match.group()):
            kind, factor = _unit_of(match, "u")
            yield _figure(
                match,
                (kind, round(float(_ONE_TO_MANY[match["n"]]) * factor, 4)),
                hour=float(_ONE_TO_MANY[match["n"]]) if factor == 1 else None,
            )
    for match in _ONE_UNIT.finditer(text):
        half = match["half"] or match["half2"]
        kind, factor = _unit_of(match, "v" if match["half2"] else "u")
        if kind in {"hours", "months"}:
            yield _figure(
                match,
                (kind, round(0.5 if half else 1.0 * factor, 4)),
                hour=0.5 if half else 1.0 if factor == 1 else None,
            )


def _bare(text: str) -> Iterator[Said]:
    for match in _TOKEN.finditer(text):
        word = match["word"]
        keys: list[Key] = (
            [("name", re.sub(r"[\W_]", "", word))] if word else [("number", _value(match["n"]))]
        )
        yield Said(
            start=match.start(),
            end=match.end(),
            said=match.group(),
            kind="number",
            keys=tuple(keys),
        )


def _figure(match: re.Match[str], key: Key, *, hour: float | None) -> Said:
    """``hour``: the number said, for «19 часов» may be a time of day."""
    keys = [key]
    if key[0] == "hours" and hour is not None and hour <= _MIDNIGHT:
        keys.append(("clock", hour * 60))
    return Said(
        start=match.start(),
        end=match.end(),
        said=match.group().strip(),
        kind="measure",
        keys=tuple(keys),
    )


def _unit_of(match: re.Match[str], prefix: str) -> tuple[str, float]:
    kind, factor, _ = next(unit for i, unit in enumerate(_UNITS) if match[f"{prefix}{i}"])
    return kind, factor


def _blanked(text: str, taken: list[tuple[int, int]]) -> str:
    for start, end in taken:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _value(number: str) -> float:
    return float(number.replace(",", "."))
