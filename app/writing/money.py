"""Sums and favours a text names: prices in figures and in words, percentages, discounts.

Everything here reads a text that went through :func:`app.writing.links.plain`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

UNKNOWABLE = -1.0
"""A sum that is spelled so that no fact can be it."""

LARGE = 1000
"""A bare number from which it may be taken for a price."""

_LONGEST_SUM = 15
"""Digits of a sum; more are no sum, and would overflow."""

_NUMBER = r"(?<!\d)(?:\d{1,3}(?:[ .,'’·_]\d{3})+|\d+)(?:[.,]\d{1,2})?(?!\d)"
_UNIT = (
    r"(?:₸|〒|₮|тг(?!\w)|тнг(?!\w)|т[еэ][нң]г\w*|деңге|tenge|tg(?!\w)|kzt|₽|руб(?!\w)|рубл|\$|€|£|¥"
    r"|usd|eur(?!\w)|доллар|евро|бакс|юан|у\.е|сом(?!\w))"
)
_TIMES_WORD = (
    r"(?:тыс\w*\.?|мың\w*|млн|миллион\w*|thousand\w*|grand(?!\w)|кус(?:ок|ка|ков)(?!\w)|косар\w*)"
)
_TIMES = rf"(?:\s*({_TIMES_WORD})|([кk])(?!\w))"
_MONEY = re.compile(
    rf"({_NUMBER}){_TIMES}?\s*{_UNIT}|{_UNIT}\s*({_NUMBER})|({_NUMBER}){_TIMES}", re.IGNORECASE
)
_COUNTED = (
    r"(?!\d|[.,:]\d|\s*(?:шт|дн|день|сут|час|мин|недел|месяц|мес|год|лет|раз|пар"
    r"|см|мм|кг|гр?\b|мл|л\b|%"
    r"|проц|человек|куртк|товар|позици|заказ|вещ|күн|сағат|дана|рет|ай\b|апта))"
)
_PRICED = re.compile(
    r"(?<!\w)(?:цен\w*|стои\w*|прайс\w*|price|итого|с вас|к оплате|доплат\w*|верн[уеё]\w*|обойд\w*"
    r"|отда(?:дим|м|ём|ем)|уступ\w*|сниз\w*|скин\w*|дешевле|минус|баға\w*|құн\w*|тұрады|арзан\w*)"
    r"(?:(?!размер|заказ|#|рост|\bарт)[^\d\n.!?]){0,25}?"
    rf"({_NUMBER}){_COUNTED}"
    rf"|(?<!\w)за ({_NUMBER})(?=\s*(?:$|[.,!?;)\n]|и\s))",
    re.IGNORECASE,
)
_BARE = re.compile(_NUMBER)
_THOUSANDS = re.compile(r"[.,](?=\d{3}(?!\d))")
_MONTH = (
    "январ|феврал|март|апрел|ма[йя]|июн|июл|август|сентябр|октябр|ноябр|декабр"
    "|қаңтар|ақпан|наурыз|сәуір|мамыр|маусым|шілде|тамыз|қыркүйек|қазан|қараша|желтоқсан"
)
_WHEN = re.compile(
    rf"(?<![\d.])(?:(?:[0-2]?\d|3[01])[./](?:0?\d|1[0-2])[./](?:20)?\d{{2}}"
    rf"|20\d{{2}}-(?:0\d|1[0-2])-(?:[0-2]\d|3[01])|(?:[01]?\d|2[0-3]):[0-5]\d"
    rf"|(?:{_MONTH})\w* 20\d{{2}}|20\d{{2}}\s?(?:г(?!\w)|год|жыл))(?![\d:])(?!\s*{_UNIT})",
    re.IGNORECASE,
)

_SPELLED = (
    r"(?:од(?:ин|на|ну)|дв[ае]|три|четыре|пять|шесть|семь|восемь|девять|десять|\w{2,6}надцать"
    r"|двадцать|тридцать|сорок|(?:пять|шесть|семь|восемь)десят|девяносто|сто|двести|триста"
    r"|четыреста|(?:пять|шесть|семь|восемь|девять)сот|полтор[аы]|пяти|десяти|двадцати|ста|пол"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|\w{2,6}teen|twenty|thirty|forty|fifty|sixty|hundred|бір|екі|үш|төрт|бес"
    r"|алты|жеті|сегіз|тоғыз|он|жиырма|отыз|қырық|елу|алпыс|жетпіс|сексен"
    r"|тоқсан|жүз)"
)
_SPELLED_SUM = re.compile(
    rf"(?<!\w){_SPELLED}(?:\s+\w+){{0,2}}?\s*(?:{_UNIT}|{_TIMES_WORD}|проц|пайыз|percent|%)"
    r"|(?<!\w)(?:за|в|по|до) (?:десятк|сотк|пятихатк|полтинник)[уа]?(?!\w)",
    re.IGNORECASE,
)
_LONE_TIMES = re.compile(
    r"(?<!\w)(?:тысяч\w*|тыс(?!\w)|мың\w*)(?!\s+(?:рахмет|рақмет|алғыс))", re.IGNORECASE
)
_COUNTING = re.compile(rf"(?<!\w){_SPELLED}(?:[\s,-]+{_SPELLED}){{4,}}(?!\w)", re.IGNORECASE)

_PERCENT = re.compile(
    r"(?<!\d)(\d{1,9}(?:[.,]\d{1,9})?) ?(?:%|‰|٪|проц|пр\.|percent|пайыз)", re.IGNORECASE
)
_SENTENCE = re.compile(r"[.!?\n]+")


def sums(text: str) -> set[float]:
    """The sums of money named in a text, in whole units."""
    found = (_sum(match) for match in _MONEY.finditer(text))
    return rounded(found)


def without_sums(text: str, known: Container[float] | None = None) -> str:
    """``text`` without its sums of money, or only without those that are ``known``."""

    def cut(match: re.Match[str]) -> str:
        gone = known is None or float(round(_sum(match))) in known
        return " x " if gone else match.group()

    return _MONEY.sub(cut, text)


def priced(text: str) -> set[float]:
    """The numbers without a unit that a word before them makes a price."""
    return rounded(_value(one or other) for one, other in _PRICED.findall(text))


def large(text: str) -> set[float]:
    """The bare numbers of a text that may be taken for a price."""
    return {value for value in numbers(text) if value >= LARGE or value == UNKNOWABLE}


def numbers(text: str) -> set[float]:
    """Every number of a text, in whole units."""
    return rounded(_value(number) for number in _BARE.findall(text))


def spelled(text: str) -> bool:
    """Whether a text says a sum or a percentage in words, where no fact can be compared."""
    rest = _MONEY.sub(" ", text)
    return _SPELLED_SUM.search(text) is not None or _LONE_TIMES.search(rest) is not None


def counts_in_words(text: str) -> bool:
    """Whether a text spells a long number word by word, like a phone."""
    return _COUNTING.search(text) is not None


def digits_besides(sentence: str, known: set[float]) -> int:
    """How many digits of a sentence are in numbers that are not ``known``."""
    found = _BARE.findall(sentence)
    return sum(
        len(re.sub(r"\D", "", one)) for one in found if float(round(_value(one))) not in known
    )


def without_dates(text: str) -> str:
    """``text`` without its dates, years and times of day."""
    return _WHEN.sub(" ", text)


def sentences(text: str) -> list[str]:
    """The sentences of a text."""
    return _SENTENCE.split(text)


def percents(text: str) -> set[str]:
    """The percentages of a text."""
    return set(_PERCENT.findall(text))


def without_percents(text: str) -> str:
    """``text`` without its percentages."""
    return _PERCENT.sub(" ", text)


def rounded(amounts: Iterable[float | None]) -> set[float]:
    """``amounts`` in whole units."""
    return {float(round(amount)) for amount in amounts if amount is not None}


def _value(number: str) -> float:
    digits = re.sub(r"[ '’·_]", "", number)
    if len(digits) > _LONGEST_SUM:
        return UNKNOWABLE
    return float(_THOUSANDS.sub("", digits).replace(",", "."))


def _sum(match: re.Match[str]) -> float:
    number = match.group(1) or match.group(4) or match.group(5)
    times = next((one for one in match.group(2, 3, 6, 7) if one), "").casefold()
    amount = _value(number)
    if amount == UNKNOWABLE:
        return UNKNOWABLE
    return amount * (1_000_000 if times.startswith(("млн", "милл")) else 1_000 if times else 1)
