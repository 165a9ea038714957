"""The tables of words beside this file, read once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from app.knowledge.russian import Part, is_known, readings
from app.knowledge.spelling import is_latin, plain

_HERE = Path(__file__).parent
_CONDITION = re.compile(r"(?P<thing>.+?) (?P<sign>[+-])(?P<word>\S+)")


class Goods(Struct, frozen=True, kw_only=True):
    """``things`` and ``names``: a word -> the one word for it; ``phrases``: the same for several.

    ``families``: a thing -> the words for all of its kind. ``means``: a name -> the thing it is.
    ``named``: all that ``names`` lead to. ``makers``: a name -> who makes it. ``versions`` make
    another model of one; ``plugs`` fit to many models, and ``only_for``: to these alone.
    ``compounds`` begin words whose rest is the thing.
    """

    things: dict[str, str]
    names: dict[str, str]
    phrases: dict[tuple[str, ...], str]
    families: dict[str, tuple[str, ...]]
    means: dict[str, str]
    compounds: tuple[str, ...]
    named: frozenset[str]
    makers: dict[str, str]
    only_for: dict[str, frozenset[str]]
    versions: frozenset[str]
    plugs: frozenset[str]


class Talk(Struct, frozen=True, kw_only=True):
    """Words that name no goods, the frame of a question about goods, and words of two meanings.

    ``trouble`` is said of what is bought already.
    """

    words: frozenset[str]
    frame: frozenset[str]
    double: frozenset[str]
    trouble: frozenset[str]
    phrases: frozenset[tuple[str, ...]]


@cache
def goods() -> Goods:
    """goods.toml."""
    told = _read("goods.toml")
    things: dict[str, str] = {}
    names: dict[str, str] = {}
    phrases: dict[tuple[str, ...], str] = {}
    families: dict[str, tuple[str, ...]] = {}
    for table, singles in ((told["goods"], things), (told["names"], names)):
        for name, others in table.items():
            for spelling in (name, *_split(others)):
                _note(spelling, base_of(name), singles=singles, phrases=phrases)
    for family, members in told["families"].items():
        for spelling in (family, *_split(members)):
            thing = things.get(base_of(spelling)) or phrases.get(bases_of(spelling))
            if thing is None or spelling == family:
                _note(spelling, base_of(family), singles=things, phrases=phrases)
            else:
                families[thing] = (*families.get(thing, ()), base_of(family))
    return Goods(
        things=things,
        names=names,
        phrases=phrases,
        families=families,
        means={name: base_of(thing) for name, thing in told["means"].items()},
        compounds=tuple(told["compounds"]["words"].split()),
        named=frozenset(names.values()),
        makers=dict(told["makers"]),
        only_for={plug: frozenset(fit.split()) for plug, fit in told["only_for"].items()},
        versions=frozenset(told["versions"]["words"].split()),
        plugs=frozenset(told["plugs"]["words"].split()),
    )


@cache
def phrase_starts() -> frozenset[str]:
    """The first words of all phrases."""
    return frozenset(phrase[0] for phrase in (*goods().phrases, *talk().phrases))


@cache
def talk() -> Talk:
    """chat.toml."""
    told = _read("chat.toml")
    said = told["talk"]
    words = f"{said['ru']} {said['kk']} {said['en']}".split()
    return Talk(
        words=frozenset(form for word in words for form in (plain(word), base_of(word))),
        frame=frozenset(base_of(word) for word in told["frame"]["words"].split()),
        double=frozenset(base_of(word) for word in told["double"]["words"].split()),
        trouble=frozenset(base_of(word) for word in told["trouble"]["words"].split()),
        phrases=frozenset(bases_of(pair) for pair in _split(told["phrases"]["pairs"])),
    )


class Fitting(Struct, frozen=True, kw_only=True):
    """A thing that fits to another, when its name has the word ``having`` and not ``lacking``."""

    thing: str
    having: str | None = None
    lacking: str | None = None


@cache
def accessories() -> dict[str, tuple[Fitting, ...]]:
    """kinds.toml: a thing -> the things that fit to it, the most useful first."""
    table = _read("kinds.toml")["accessories"]
    return {
        base_of(bought): tuple(_fitting(told) for told in _split(fitting))
        for bought, fitting in table.items()
    }


def _fitting(told: str) -> Fitting:
    """``очки +защитный``, ``перчатка -рабочий``."""
    match = _CONDITION.fullmatch(told)
    if match is None:
        return Fitting(thing=base_of(told))
    condition = base_of(match["word"])
    having, lacking = (condition, None) if match["sign"] == "+" else (None, condition)
    return Fitting(thing=base_of(match["thing"]), having=having, lacking=lacking)


def base_of(word: str) -> str:
    """The one form of a word of the tables: a Russian noun's lemma, another word as it is."""
    word = word.casefold()
    if " " in word:
        return " ".join(bases_of(word))
    if not is_latin(word) and is_known(word):
        found = readings(word)
        nouns = [reading for reading in found if reading.part is Part.NOUN]
        return (nouns or list(found))[0].lemma
    return plain(word)


def bases_of(words: str) -> tuple[str, ...]:
    """The same for each of several."""
    return tuple(base_of(word) for word in words.replace("-", " ").split())


def _note(
    spelling: str, thing: str, *, singles: dict[str, str], phrases: dict[tuple[str, ...], str]
) -> None:
    if len(bases := bases_of(spelling)) > 1:
        phrases.setdefault(bases, thing)
        singles.setdefault(plain("".join(spelling.replace("-", " ").split())), thing)
    else:
        singles.setdefault(bases[0], thing)
        singles.setdefault(plain(spelling.casefold()), thing)


def _split(told: str) -> Iterable[str]:
    return (word.strip() for word in told.split(",") if word.strip())


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_HERE / name).read_text("utf-8"))
