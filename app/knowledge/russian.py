"""Russian words in their dictionary form, by pymorphy3. Loaded at the first word: 0.1 s, 30 MB."""

from __future__ import annotations

from enum import StrEnum
from functools import cache, lru_cache

import pymorphy3
from msgspec import Struct

from app.knowledge.spelling import plain

_KEPT = 1 << 14
"""Words remembered: reading one takes 0.1 ms."""

_LIKELY = 0.04
"""Share of the uses of a word below which a reading of it is not meant."""


class Part(StrEnum):
    """What a word can be in the name of a thing."""

    NOUN = "noun"
    LOOK = "look"
    LINK = "link"
    OTHER = "other"


class Reading(Struct, frozen=True, kw_only=True):
    """One way to read a word: ``lemma`` in plain letters; ``person``: somebody, not something."""

    lemma: str
    part: Part
    person: bool = False


@lru_cache(maxsize=_KEPT)
def readings(word: str) -> tuple[Reading, ...]:
    """How ``word`` (lower case) may be read, the likeliest first; a guess where it is unknown."""
    parses = _morph().parse(word)
    found = [
        Reading(
            lemma=plain(parse.normal_form),
            part=_part(parse.tag),
            person="anim" in parse.tag,
        )
        for parse in parses
        if parse.score >= _LIKELY or parse is parses[0]
    ]
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=_KEPT)
def is_known(word: str) -> bool:
    """Whether the dictionary has ``word`` in this form."""
    return bool(_morph().word_is_known(word))


@cache
def _morph() -> pymorphy3.MorphAnalyzer:
    return pymorphy3.MorphAnalyzer(lang="ru")


def _part(tag: pymorphy3.tagset.OpencorporaTag) -> Part:
    if "Apro" in tag or "Anum" in tag:
        return Part.OTHER
    match tag.POS:
        case "NOUN":
            return Part.NOUN
        case "ADJF" | "ADJS" | "PRTF" | "PRTS":
            return Part.LOOK
        case "PREP":
            return Part.LINK
        case _:
            return Part.OTHER
