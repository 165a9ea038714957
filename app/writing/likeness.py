"""Which words tell a thing, and whether two texts say the same."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from app.domain.language import normalise
from app.writing.links import plain

_SAME = 0.92
"""Likeness from which two texts read as one."""

_FILLERS = frozenset(
    {"для", "или", "без", "под", "при", "комплект", "набор", "және", "үшін", "мен"}
)
_SHORTEST_WORD = 3
_SHORTEST_STEM = 4

_TOKEN = re.compile(r"[^\W_]+")


def names(name: str, text: str, *, every: bool = False) -> bool:
    """Whether ``text`` uses a significant word of ``name`` (or ``every``), whatever its ending."""
    name, text = plain(name), plain(text)
    said = words(text)
    stems = [stem(word) for word in significant(name)]
    if not stems:
        return name.casefold() in text.casefold()
    used = [any(word.startswith(stem) for word in said) for stem in stems]
    return all(used) if every else any(used)


def alike(text: str, other: str) -> bool:
    """Whether two texts read as the same one."""
    one, two = normalise(text), normalise(other)
    matcher = SequenceMatcher(None, one, two, autojunk=False)
    return one == two or (matcher.real_quick_ratio() >= _SAME and matcher.ratio() >= _SAME)


def words(text: str) -> list[str]:
    """The words of a text, small, with one spelling of ё."""
    return [word.replace("ё", "е") for word in _TOKEN.findall(text.casefold())]


def significant(name: str) -> list[str]:
    """The words that tell a thing: three letters or more, no fillers, no bare numbers."""
    return [
        word
        for word in words(name)
        if len(word) >= _SHORTEST_WORD and not word.isdigit() and word not in _FILLERS
    ]


def stem(word: str) -> str:
    """What is left of a word whatever its case: the ending is at most its last two letters."""
    return word[: max(_SHORTEST_STEM, len(word) - 2)]
