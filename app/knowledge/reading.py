"""One text -> its words one by one: forms, models, numbers with their units.

A word of either language, of any form and of any letters, becomes keys: its dictionary form, the
one word for the thing it names, its Kazakh stems. Two texts speak of the same when keys meet.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum
from functools import cache, lru_cache

from msgspec import Struct
from msgspec.structs import replace

from app.knowledge.russian import Part, Reading, is_known, readings
from app.knowledge.spelling import GIVEN_TO, code, cyrillic, is_latin, kazakh_stems, plain
from app.knowledge.tables import bases_of, goods, phrase_starts, talk

LONGEST = 1000
"""Characters that are read: a longer message is no question about an article."""

PHRASE_KEYS = 4
"""Keys of a word, the best first, that may stand for it in a phrase."""

_KEPT = 1 << 14
_SHORT = 2  # letters before the figures of a model: «A52», «GT-3»
_LONE_LETTER = 1
_START = 3  # letters
_CUT_OFF = ("по", "наи")  # what forms of a Russian word may begin with that the word does not
_SHORT_LINKS = frozenset({"на", "ко", "со", "из", "по", "от"})
_LEAST_REST = 3
_LONGEST_PART = 3
_SHORTEST = 3  # letters of a Kazakh stem; one more where no letter says that it is Kazakh


class Sort(StrEnum):
    """What a word can tell of a thing."""

    THING = "thing"
    LOOK = "look"
    NAME = "name"
    CODE = "code"
    NUMBER = "number"
    UNKNOWN = "unknown"
    LINK = "link"
    OTHER = "other"


class Word(Struct, frozen=True, kw_only=True):
    """One word. ``keys``: the best first. ``thing``: the one word for goods it names, if it does.

    ``talk``: chat talk, no goods. ``aside``: it says what the thing is for or comes with, not what
    it is. ``known``: a dictionary has it, so it is no typing error. ``person``: somebody.
    ``begins``: a phrase of the tables may begin with it.
    """

    text: str
    keys: tuple[str, ...]
    sort: Sort
    thing: str | None = None
    talk: bool = False
    aside: bool = False
    known: bool = True
    person: bool = False
    begins: bool = False


_UNITS = {
    "гб": "гб|gb|гигабайт|гиг|гига|гигов", "тб": "тб|tb", "мл": "мл|ml",
    "л": "л|l|литр|литра|литров|литровый|литровая|литрлик",
    "кг": "кг|kg|килограмм", "г": "г|гр|gr|грамм",
    "см": "см|cm", "мм": "мм|mm", "м": "м|метр|метра|метров", "вт": "вт|w|ватт|watt",
    "мач": "мач|mah|ма", "дюйм": 'дюйм|дюйма|дюймов|inch|"|″',
    "шт": "шт|штук|штуки|pcs|дана", "пар": "пар|пары|пара|жұп",
    "р": "р|размер|размера|размеры|size|өлшем|размерлі", "гц": "гц|hz", "в": "в|v|вольт",
}  # fmt: skip
_UNIT_OF = {spelling: unit for unit, all_ in _UNITS.items() for spelling in all_.split("|")}
_UNIT = "|".join(sorted(map(re.escape, _UNIT_OF), key=len, reverse=True))
_PLAIN_UNIT = "р"  # a size is told as a bare number by most

_TOKEN = re.compile(
    rf"""
    (?=\d)(?: (?P<memory>\b\d{{1,2}}\s?/\s?(?=(?:32|64|128|256|512|1024)(?!\d)))
    | (?P<area>\b\d+(?:[.,]\d+)?\s?[xх*×]\s?\d+(?:[.,]\d+)?(?:\s?[xх*×]\s?\d+)?\b)
    | (?P<measure>\b\d+(?:[.,]\d+)?)\s?-?(?P<unit>{_UNIT})(?![^\W_]|-\d)
    | (?P<decimal>\b\d+[.,]\d+) )
    | (?P<word>[^\W_]+(?:[-'’][^\W_]+)*)
    | (?P<mark>[/,;|+()])
    """,
    re.VERBOSE,
)
_FIGURE = re.compile(r"\d")
_GOES_ON = re.compile(rf"-?(?:{_UNIT}|[xх*×/])(?![^\W_])")
_ORDINAL = re.compile(r"(\d+)-?(?:го|й|я|е|ого|ый|ой|му|м|ым|ші|шы|ши)")
_MODEL = re.compile(r"([^\W\d_]{3,})(\d+)([^\W\d_]*)")
_VERSION = re.compile(r"([^\W\d_]{1,2}\d+)([^\W\d_]{2,})")
_SHORT_MODEL = re.compile(r"([^\W\d_]{1,2})(\d{1,2})")
_NUMBER_WORD = re.compile(r"(\d+)([^\W\d_]{3,})")
_FIGURES = re.compile(r"\d{3,}")  # enough to name a model: «520» is JBL's 520BT


def fold(text: str) -> str:
    """Case and forms of characters folded."""
    return unicodedata.normalize("NFKC", text[:LONGEST]).casefold().replace("ё", "е")


# -- from characters to words


def read(text: str) -> Iterator[Word]:
    """Word by word, a short Latin word and the number behind it as one model: «GT 3»."""
    pending: Word | None = None
    for word in _single(fold(text)):
        if pending is not None and word.sort is Sort.NUMBER and word.text.isdigit():
            yield _marked(_code(pending.text + word.text))
            pending = None
            continue
        if pending is not None:
            yield pending
        may_begin = len(word.text) <= _SHORT and word.sort is Sort.NAME and not word.known
        pending = word if may_begin else None
        if pending is None:
            yield word
    if pending is not None:
        yield pending


def _single(text: str) -> list[Word]:
    """Word by word. Only what begins with a figure goes on behind a space: «128 гб», «6 / 128»."""
    found: list[Word] = []
    group: list[str] = []
    for token in text.split():
        if token.isalpha() and not group:
            found += _tokens(token)
        elif _FIGURE.search(token) or (group and _GOES_ON.match(token)):
            group.append(token)
        else:
            if group:
                found += _tokens(" ".join(group))
                group.clear()
            found += _tokens(token)
    if group:
        found += _tokens(" ".join(group))
    return found


@lru_cache(maxsize=_KEPT)
def _tokens(text: str) -> tuple[Word, ...]:
    found: list[Word] = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "word":
            found += _split(match["word"])
        elif kind == "unit":
            found.append(_measure(match["measure"], _UNIT_OF[match["unit"]]))
        elif kind == "decimal":
            found.append(_number(match["decimal"].replace(",", ".")))
        elif kind == "area":
            area = re.sub(r"\s?[xх*×]\s?", "x", match["area"])
            found.append(_number(area.replace(",", ".")))
        elif kind == "mark":
            found.append(Word(text=match["mark"], keys=(), sort=Sort.OTHER, talk=True))
    return tuple(map(_marked, found))


def _marked(word: Word) -> Word:
    """With the word on whether a phrase may begin with it."""
    if phrase_starts().isdisjoint((*word.keys[:PHRASE_KEYS], word.text)):
        return word
    return replace(word, begins=True)


def _split(chunk: str) -> Iterator[Word]:
    """«iPhone13» and «sm-a525f» in parts, «GT-3» and «t-shirt» whole."""
    if ordinal := _ORDINAL.fullmatch(chunk):
        yield _number(ordinal[1])
    elif chunk.isdigit():
        yield _number(chunk)
    elif not any(map(str.isdigit, chunk)):
        yield _word(chunk)
    elif "-" in chunk:
        yield from _joined(chunk.split("-"))
    else:
        yield from _mixed(chunk)


def _joined(parts: list[str]) -> Iterator[Word]:
    if _is_model(parts):
        yield _code("".join(parts), also=parts)
    else:
        for part in parts:
            yield from _split(part)


def _mixed(chunk: str) -> Iterator[Word]:
    """Letters and figures: a name and a number, a model and its version, or one code."""
    if (match := _VERSION.fullmatch(chunk)) and _names(match[2], goods().versions):
        yield _code(match[1])
        yield _word(match[2])
    elif (match := _SHORT_MODEL.fullmatch(chunk)) and match[1] in goods().names:
        yield _word(match[1])
        yield _number(match[2])
    elif match := _MODEL.fullmatch(chunk):
        yield _word(match[1])
        yield from _split(match[2] + match[3])
    elif match := _NUMBER_WORD.fullmatch(chunk):
        yield _number(match[1])
        yield _word(match[2])
    else:
        yield _code(chunk)


def _number(text: str) -> Word:
    return Word(text=text, keys=(text,), sort=Sort.NUMBER)


def _measure(number: str, unit: str) -> Word:
    number = number.replace(",", ".")
    if unit == _PLAIN_UNIT:
        return _number(number)
    return Word(text=number + unit, keys=(number + unit, number), sort=Sort.NUMBER)


def _code(text: str, *, also: Iterable[str] = ()) -> Word:
    figures = (number for part in also or (text,) for number in _FIGURES.findall(part))
    parts = (code(part) for part in also if any(map(str.isdigit, part)) and not part.isdigit())
    keys = dict.fromkeys((code(text), *parts, *figures))
    return Word(text=text, keys=tuple(keys), sort=Sort.CODE)


def _is_model(parts: Sequence[str]) -> bool:
    """Short parts with letters and figures are one model: «GT-3», «5W-40», «SM-A525F»."""
    first = parts[0]
    short = len(first) <= (_SHORT if first.isalpha() else _LONGEST_PART) and not first.isdigit()
    return short and all(any(map(str.isdigit, part)) for part in parts[1:])


def _names(word: str, allowed: AbstractSet[str]) -> bool:
    return word in allowed or goods().names.get(word) in allowed


# -- one word


@lru_cache(maxsize=_KEPT)
def _word(token: str) -> Word:
    token = token.replace("'", "").replace("’", "")
    if "-" in token:
        return _hyphenated(token)
    return _latin(token) if is_latin(token) else _cyrillic(token)


def _hyphenated(token: str) -> Word:
    """Whole first, then its parts: what one of them names, all of it names."""
    joined = token.replace("-", "")
    known = goods()
    if name := known.names.get(plain(joined)) or known.phrases.get(bases_of(token)):
        thing = name if name in known.things else None
        return Word(text=joined, keys=(plain(joined), name), sort=Sort.NAME, thing=thing)
    parts = [_word(part) for part in token.split("-") if len(part) > _LONE_LETTER]
    if not parts:
        return _word(joined)
    telling = next((part for part in parts if part.thing), parts[0])
    keys = (plain(joined), *(key for part in parts for key in part.keys))
    thing = known.things.get(plain(joined)) or telling.thing
    if thing:
        keys = (*keys, thing)
    return replace(telling, text=joined, keys=tuple(dict.fromkeys(keys)), thing=thing)


def _latin(token: str) -> Word:
    """A name, an English word, or Russian or Kazakh typed in Latin letters."""
    known, said = goods(), talk().words
    singular = token[:-1] if token.endswith("s") and len(token) > _SHORT + 1 else token
    name = known.names.get(token)
    thing = known.things.get(token) or known.things.get(singular)
    if name or thing:
        sort = Sort.NAME if name else _sort_of(thing)
        keys = tuple(dict.fromkeys(filter(None, (name, token, singular, thing))))
        return Word(text=token, keys=keys, sort=sort, thing=thing if not name else None)
    if token in said:
        return Word(text=token, keys=(token,), sort=Sort.OTHER, talk=True)
    spoken = _spoken(cyrillic(token))
    if len(token) == _SHORT and (spoken.text in _SHORT_LINKS or spoken.text in said):
        return spoken
    if len(token) > _SHORT and (spoken.talk or spoken.sort in {Sort.OTHER, Sort.LINK}):
        return replace(spoken, text=token, talk=True)
    if len(token) > _SHORT and (spoken.thing or spoken.sort is Sort.NAME):
        keys = tuple(dict.fromkeys((token, *spoken.keys)))
        return replace(spoken, text=token, keys=keys)
    names = tuple(dict.fromkeys((token, singular)))
    return Word(text=token, keys=names, sort=Sort.NAME, known=False)


def _spoken(token: str) -> Word:
    """A Latin word in Cyrillic letters. What only looks like a form of it (to guess is slow) is
    asked for where it may lead to a word of the tables: a form begins like its word.
    """
    if token[:_START] in _starts() or token.startswith(_CUT_OFF):
        return _cyrillic(token)
    return _russian(token) if is_known(token) else _kazakh(token, plain(token), guessed=False)


@cache
def _starts() -> frozenset[str]:
    known = goods()
    return frozenset(word[:_START] for word in (*known.names, *known.things, *known.compounds))


def _cyrillic(token: str) -> Word:
    word = plain(token)
    if word == token and is_known(token):
        return _russian(token)
    return _kazakh(token, word)


def _russian(token: str) -> Word:
    """By its readings: those of things and looks are keys, whatever the likeliest is."""
    known, said = goods(), talk().words
    found = readings(token)
    named = [one for one in found if one.part in {Part.NOUN, Part.LOOK}]
    keys = tuple(dict.fromkeys(one.lemma for one in named or found[:1]))
    keys = (*keys, *_rests(keys))
    name = _first(known.names, (token, *keys))
    thing = _first(known.things, (token, *keys))
    if thing or name:
        keys = tuple(dict.fromkeys(filter(None, (name, *keys, thing))))
    is_talk = token in said or keys[0] in said or found[0].lemma in said
    return Word(
        text=token,
        keys=keys,
        sort=_sort_read(found[0], thing, name=name),
        thing=thing,
        talk=is_talk and not thing and not name,
        person=found[0].person and not thing,
    )


def _kazakh(token: str, word: str, *, guessed: bool = True) -> Word:
    """A word Russian does not know: Kazakh, a Russian word with Kazakh endings, a name, a typo."""
    known, said = goods(), talk().words
    stems = kazakh_stems(word, shortest=_SHORTEST if word != token else _SHORTEST + 1)
    guess = readings(token)[0] if guessed and word == token else None
    forms = (*stems, guess.lemma) if guess else stems
    tried = dict.fromkeys((*forms, *_rests(forms)))
    name, thing = _first(known.names, tried), _first(known.things, tried)
    given = len(stems) > 1 and word.endswith(GIVEN_TO)
    if name or thing:
        keys = tuple(dict.fromkeys(filter(None, (name, thing, *stems))))
        sort = Sort.NAME if name else _sort_of(thing)
        return Word(
            text=word, keys=keys, sort=sort, thing=None if name else thing,
            aside=given and word not in known.things,
        )  # fmt: skip
    if any(stem in said for stem in stems):
        return Word(text=word, keys=(word,), sort=Sort.OTHER, talk=True)
    loans = (_russian(stem) for stem in stems if stem != word and is_known(stem))
    for loan in loans:
        if loan.sort is Sort.THING and not loan.talk:
            keys = tuple(dict.fromkeys((*loan.keys, *stems)))
            return replace(loan, text=word, keys=keys, aside=given)
    sort = Sort.LOOK if guess and guess.part is Part.LOOK else Sort.UNKNOWN
    return Word(text=word, keys=tuple(tried), sort=sort, known=False)


def _rests(keys: tuple[str, ...]) -> tuple[str, ...]:
    """What a compound is besides: «электрочайник» is a «чайник»."""
    rests = (
        key.removeprefix(start)
        for key in keys
        for start in goods().compounds
        if key.startswith(start) and len(key) - len(start) > _LEAST_REST
    )
    return tuple(dict.fromkeys(readings(rest)[0].lemma for rest in rests if is_known(rest)))


def _first(
    table: dict[str, str], tried: Iterator[str] | tuple[str, ...] | dict[str, None]
) -> str | None:
    return next((table[key] for key in tried if key in table), None)


def _sort_of(thing: str | None) -> Sort:
    """Colours and the like stand among the goods words too."""
    if thing is None or " " in thing:
        return Sort.THING
    return Sort.LOOK if readings(thing)[0].part is Part.LOOK else Sort.THING


def _sort_read(reading: Reading, thing: str | None, *, name: str | None) -> Sort:
    if thing:
        return _sort_of(thing)
    if name:
        return Sort.NAME
    match reading.part:
        case Part.NOUN:
            return Sort.THING
        case Part.LOOK:
            return Sort.LOOK
        case Part.LINK:
            return Sort.LINK
        case Part.OTHER:
            return Sort.OTHER
