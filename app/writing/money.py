"""Sums and favours a text names: prices in figures and in words, whose they are, percentages.

Everything here reads a text that went through :func:`app.writing.links.plain`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from itertools import combinations

from msgspec import Struct

from app.domain.brief import Brief
from app.domain.conversation import Author
from app.writing.clauses import simple

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

_PART = re.compile(r"[;!?\n]|,(?=\s)|\.(?=\s|$)|\s(?:а|но|ал|бирак|but)\s")
_RECKONS = re.compile(
    r"(?<!\w)(?:вместе|оба|обе|обои[хм]|дво\w+|тро\w+|два|две|три|пар[аыу]|штук\w*|шт|итого|всего"
    r"|сумм\w+|разниц\w*|дороже|плюс|с|и|бирге|екеу\w*|екиси|еки|уш|айырма\w*|барлыгы|жалпы"
    r"|both|together|total|difference|more|two|three|and|with|[23])(?!\w)|\+"
)
_OF_THE_ORDER = re.compile(r"(?<!\w)(?:заказ|тапсырыс|order|итого|всего|total|жалпы)")
_NAMED = re.compile(r"[^\W_]+")
_MOST_THINGS = 12
_SHORTEST_STEM = 4


class _Thing(Struct, frozen=True, kw_only=True):
    """What may be bought or was: the words of its name in order, and what it may cost."""

    words: tuple[str, ...]
    prices: frozenset[float]
    shown: float


def swapped(text: str, brief: Brief) -> bool:
    """Whether a known price is said of another thing than it is the price of.

    Where two things could be meant, the price of either will do.
    """
    things = _things(brief)
    known = {price for thing in things for price in thing.prices}
    free = _said_by_the_shop(brief)
    if len(things) < 2:  # noqa: PLR2004 - two things to take one for the other
        return False
    for part in _PART.split(simple(text)):
        named = sums(part) | large(without_dates(without_sums(part)))
        meant = _meant(_words(without_sums(part)), things)
        own = {price for thing in meant for price in thing.prices}
        if _OF_THE_ORDER.search(part):
            own |= rounded(order.total for order in brief.orders)
        if len(named) == 1 and meant and named <= known - own - free:
            return True
    return False


def reckoned(text: str, brief: Brief) -> dict[float, str]:
    """Sums, differences and small multiples of known prices, where a text reckons with them."""
    if not _RECKONS.search(simple(text)):
        return {}
    shown = sorted({thing.shown for thing in _things(brief)})[:_MOST_THINGS]
    found = {times * one: "price times" for one in shown for times in (2, 3)}
    for one, other in combinations(shown, 2):
        found |= {one + other: "sum of prices", other - one: "difference of prices"}
    return found


def _things(brief: Brief) -> list[_Thing]:
    items = [
        (item.name, price, price / max(1, item.quantity))
        for order in brief.orders
        for item in order.items
        if (price := item.price)
    ]
    offers = [(one.name, one.price, one.price) for one in brief.products if one.price]
    prices: dict[tuple[str, ...], set[float]] = {}
    shown: dict[tuple[str, ...], float] = {}
    for name, total, each in [*items, *offers]:
        words = tuple(_words(simple(name)))
        prices.setdefault(words, set()).update(rounded([total, each]))
        shown[words] = float(round(each))
    return [
        _Thing(words=words, prices=frozenset(known), shown=shown[words])
        for words, known in prices.items()
    ]


def _meant(said: list[str], things: list[_Thing]) -> list[_Thing]:
    """The things a clause may be about: of those it names, the ones it names most fully."""
    shared = {
        thing.words: {one for one in said if any(_is_said(word, [one]) for word in thing.words)}
        for thing in things
    }
    named = [thing for thing in things if shared[thing.words]]
    best = [
        thing
        for thing in named
        if not any(shared[thing.words] < shared[other.words] for other in named)
    ]
    if len({frozenset(shared[thing.words]) for thing in best}) > 1:
        return best
    headed = [thing for thing in best if _is_said(thing.words[0], said)] or best
    if headed and len(shared[headed[0].words]) > 1:
        left = {
            thing.words: {word for word in thing.words if not _is_said(word, said)}
            for thing in headed
        }
        for thing in headed:
            if all(left[thing.words] < left[one.words] for one in headed if one is not thing):
                return [thing]
    return headed


def _is_said(word: str, said: list[str]) -> bool:
    if len(word) < _SHORTEST_STEM:
        return word in said
    stem = word[: max(_SHORTEST_STEM, len(word) - 2)]
    return any(one.startswith(stem) for one in said)


def _words(text: str) -> list[str]:
    return [
        word for word in _NAMED.findall(text) if len(word) > 1 and word not in {"для", "размер"}
    ]


def _said_by_the_shop(brief: Brief) -> set[float]:
    people = [line.text for line in brief.history if line.author is Author.PERSON]
    return sums("\n".join([*(one.text for one in brief.statements), *people]))


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
