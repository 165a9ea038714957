"""A customer's text -> the slots of a question about goods, or none when it asks for none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from app.knowledge.index import Slot
from app.knowledge.offers import FOR, KIND, NAMED, SHELF
from app.knowledge.reading import Sort, Word
from app.knowledge.spelling import full_sized
from app.knowledge.tables import goods, talk
from app.knowledge.typos import Spellings
from app.knowledge.words import words

_WEIGHTS = {
    Sort.THING: 1.0, Sort.NAME: 0.8, Sort.CODE: 0.8, Sort.NUMBER: 0.4, Sort.LOOK: 0.4,
    Sort.UNKNOWN: 0.25,
}  # fmt: skip
_ASIDE = 0.5
_PERSON = 0.2
_OTHER_THING = 0.3
_NO_GOODS = 0.6  # a noun beside the thing asked for that no offer has
_LONG_ENOUGH = 6
_MEANT = 0.9  # of an unknown word that a slip explains
_MODEL_NUMBER = 0.6  # a number right behind a name: «iphone 13»
_SOLID = {Sort.THING, Sort.NAME, Sort.CODE, Sort.UNKNOWN}
_WHOLE, _NEARLY, _GUESSED = 1.0, 0.9, 0.75
_HEAD = {KIND: 1.3, NAMED: 1.0, SHELF: 0.7}
_BESIDE = {KIND: 0.9, NAMED: 1.0, SHELF: 0.6, FOR: 1.0}
_OF_ASIDE = {FOR: 1.0, NAMED: 0.9, SHELF: 0.5, KIND: 0.5}

Known = Callable[[str], bool]


def slots_of(text: str, *, known: Known, spellings: Spellings) -> list[Slot]:
    """The words of ``text`` that may name goods. None when nothing solid is among them."""
    said = words(text)
    if not _is_framed(said) and _has(said, talk().trouble):
        return []
    content = _content(said, known=known)
    heads = _heads(content)
    slots = [
        _slot(word, before, is_head=word in heads, known=known, spellings=spellings)
        for before, word in zip([None, *content], content, strict=False)
    ]
    found = _lightened(slots)
    if _is_framed(said):
        return found
    return found if any(slot.solid and slot.terms for slot in found) else []


def without_head(slots: Sequence[Slot]) -> list[Slot]:
    """The question where what is asked for is not here: what is made for the rest is no answer."""
    return [
        replace(
            slot,
            must=False,
            terms=() if slot.must else tuple(t for t in slot.terms if not t[0].startswith(FOR)),
        )
        for slot in slots
    ]


def _lightened(slots: list[Slot]) -> list[Slot]:
    """Of several things asked for the shop may have one: the others then count for little."""
    if not any(term.startswith(KIND) for slot in slots for term, _ in slot.terms):
        return slots
    return [
        replace(slot, weight=_OTHER_THING)
        if slot.weight >= _WEIGHTS[Sort.THING] and not slot.terms and slot.thing
        else slot
        for slot in slots
    ]


def _content(said: Sequence[Word], *, known: Known) -> list[Word]:
    """Without talk; a word of two meanings stays beside other goods or in a question for goods."""
    left = [
        word
        for word in said
        if word.sort not in {Sort.OTHER, Sort.LINK}
        and (not word.talk or _tells_what_for(word, known=known))
    ]
    double = talk().double
    clear = [
        word for word in left if not word.talk and not double.intersection((word.text, *word.keys))
    ]
    if _is_framed(said) or any(word.sort in _SOLID and word.known for word in clear):
        return left
    return clear


def _tells_what_for(word: Word, *, known: Known) -> bool:
    """Whether the shop has goods for it: «крем для лица»."""
    return word.aside and any(known(FOR + key) for key in word.keys)


def _is_framed(said: Iterable[Word]) -> bool:
    return _has(said, talk().frame)


def _has(said: Iterable[Word], listed: frozenset[str]) -> bool:
    return any(listed.intersection((word.text, *word.keys)) for word in said)


def _heads(content: Sequence[Word]) -> set[Word]:
    """What is asked for: the first thing, or where none is named, every name."""
    own = [word for word in content if not word.aside]
    things = [word for word in own if word.sort is Sort.THING and not word.person]
    if things:
        return {next((word for word in things if word.thing), things[0])}
    return {word for word in own if word.sort in _SOLID}


def _slot(
    word: Word, before: Word | None, *, is_head: bool, known: Known, spellings: Spellings
) -> Slot:
    keys = dict(_keys(word, known=known, spellings=spellings))
    levels = _HEAD if is_head else _OF_ASIDE if word.aside else _BESIDE
    terms = tuple(
        (level + key, worth * gain)
        for key, worth in keys.items()
        for level, gain in levels.items()
        if known(level + key)
    )
    return Slot(
        terms=terms,
        weight=_weight(word, before, is_meant=bool(terms), is_head=is_head),
        solid=word.sort in _SOLID
        and (not word.person or any(term.startswith(KIND) for term, _ in terms)),
        thing=word.thing is not None,
        must=is_head and word.sort is Sort.THING,
    )


def _weight(word: Word, before: Word | None, *, is_meant: bool, is_head: bool) -> float:
    if word.sort is Sort.UNKNOWN and is_meant:
        return _MEANT
    if word.person and not is_meant:
        return _PERSON
    if word.sort is Sort.NUMBER and before is not None and before.sort in {Sort.NAME, Sort.CODE}:
        return _MODEL_NUMBER
    if word.sort is Sort.THING and not (is_meant or is_head or word.thing or word.aside):
        return _NO_GOODS
    weight = _WEIGHTS[word.sort]
    return weight * _ASIDE if word.aside and word.sort is Sort.THING else weight


def _keys(word: Word, *, known: Known, spellings: Spellings) -> Iterator[tuple[str, float]]:
    """The keys of a word as the catalogue spells them, the surest last so that it wins."""
    if word.sort in {Sort.NUMBER, Sort.CODE}:
        yield from ((key, _WHOLE if key == word.keys[0] else _NEARLY) for key in word.keys)
        return
    has = [key for key in word.keys if any(known(level + key) for level in _BESIDE)]
    alike = {other for key in word.keys for other in spellings.heard(key)}
    if not has and not alike and not word.known:
        yield from ((_one_word(other), _GUESSED) for other in spellings.meant(word.keys[0]))
    if not has and not alike and _may_be_slip(word):
        close = (other for other in spellings.meant(word.keys[0]) if other[0] == word.text[0])
        yield from ((_one_word(other), _GUESSED) for other in close)
    if not has and not alike and word.sort in {Sort.THING, Sort.UNKNOWN}:
        for full in full_sized(word.keys[0]):
            yield goods().things.get(full, full), _GUESSED
    if word.aside and not has and (maker := goods().makers.get(word.keys[0])):
        yield maker, _GUESSED
    yield from ((_one_word(other), _NEARLY) for other in sorted(alike))
    yield from ((key, _WHOLE if key == word.keys[0] else _NEARLY) for key in reversed(has))


def _may_be_slip(word: Word) -> bool:
    """Whether a word of the dictionary may be another one all the same: «матрац», «домбра»."""
    return (
        word.known
        and word.sort is Sort.THING
        and not word.thing
        and not word.person
        and len(word.text) >= _LONG_ENOUGH
    )


def _one_word(word: str) -> str:
    """A thing or a name by the one word that stands for it."""
    return goods().names.get(word) or goods().things.get(word) or word
