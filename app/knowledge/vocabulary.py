"""What can be misspelt: the words of a shop's goods, and what else their things are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from app.knowledge.index import Index
from app.knowledge.offers import FOR, KIND, NAMED, SHELF
from app.knowledge.spelling import is_latin
from app.knowledge.tables import goods

_LEVELS = (NAMED, KIND, FOR, SHELF)
_MARKS = KIND + FOR + SHELF
_FACT = "!"  # before a term that is no word: a price, a category, in stock


def vocabulary(index: Index) -> set[str]:
    """All words of an index that has not changed."""
    own = set(_words(index))
    return own.union(*(_others().get(word, ()) for word in own))


def differences(old: Index, new: Index, terms: Iterable[str]) -> tuple[set[str], set[str]]:
    """The words that are new, and those that are no more; ``terms`` is what has changed."""
    touched = set(_words(terms))
    touched = touched.union(*(_others().get(word, ()) for word in touched))
    before = {word for word in touched if _is_in(old, word)}
    after = {word for word in touched if _is_in(new, word)}
    return after - before, before - after


def _words(terms: Iterable[str]) -> Iterator[str]:
    for term in terms:
        if term.startswith(_FACT):
            continue
        word = term.lstrip(_MARKS)
        if word.isalpha() or not any(map(str.isdigit, word)):
            yield word


def _is_in(index: Index, word: str) -> bool:
    """Whether offers have it, or the thing that it is another word for."""
    if _is_told(index, word):
        return True
    thing = _called().get(word)
    return thing is not None and not is_latin(word) and _is_told(index, thing)


def _is_told(index: Index, word: str) -> bool:
    return any(level + word in index for level in _LEVELS) and not any(map(str.isdigit, word))


@cache
def _called() -> dict[str, str]:
    return {**goods().things, **goods().names}


@cache
def _others() -> dict[str, tuple[str, ...]]:
    """A thing's or name's one word -> the Cyrillic words for it."""
    others: dict[str, tuple[str, ...]] = {}
    for word, one in _called().items():
        if not is_latin(word):
            others[one] = (*others.get(one, ()), word)
    return others
