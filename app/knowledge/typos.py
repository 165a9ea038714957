"""Which known word an unknown one was meant to be: by sound, then by a slip or two."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from heapq import nlargest, nsmallest

from app.knowledge.spelling import is_latin, sound

_SHORTEST = 4
_LONG = 8  # letters from which two slips are forgiven
_RAREST = 7  # groups of letters looked at: one slip spoils three of them
_COMPARED = 24
_FEWEST_BONES = _FEWEST_SOUNDS = 3
_MOST_HOLES = 64
"""Places of words that are gone, beside as many as there are words, before all is made anew."""

_VOWELS = re.compile("[аеиоу]")
_TWICE = re.compile(r"(.)\1+")


class Spellings:
    """The words of a vocabulary by their sound and by their letters; immutable."""

    def __init__(self, vocabulary: Iterable[str]) -> None:
        self._by_sound: dict[str, tuple[str, ...]] = {}
        self._by_bones: dict[str, tuple[str, ...]] = {}
        self._sounds: list[str] = []
        self._groups: dict[str, array[int]] = {}
        self._add(vocabulary)

    def changed(self, added: AbstractSet[str], gone: AbstractSet[str]) -> Spellings:
        """Those of another vocabulary; what has not changed is shared."""
        if not added and not gone:
            return self
        if len(self._sounds) > _MOST_HOLES + 2 * len(self._by_sound):
            own = {word for spelt in self._by_sound.values() for word in spelt}
            return Spellings((own - gone) | added)
        spellings = Spellings(())
        spellings._by_sound = self._by_sound.copy()
        spellings._by_bones = self._by_bones.copy()
        spellings._sounds = self._sounds.copy()
        spellings._groups = self._groups.copy()
        for group in {group for word in (*added, *gone) for group in _groups(sound(word))}:
            if found := self._groups.get(group):
                spellings._groups[group] = found[:]
        spellings._remove(gone)
        spellings._add(added)
        return spellings

    def _add(self, vocabulary: Iterable[str]) -> None:
        for word in vocabulary:
            heard = sound(word)
            if not heard:
                continue
            if (spelt := self._by_sound.get(heard)) is None:
                self._by_sound[heard] = (word,)
                self._group(heard)
            else:
                self._by_sound[heard] = (*spelt, word)
            if is_latin(word) and len(bones := _bones(heard)) >= _FEWEST_BONES:
                self._by_bones[bones] = (*self._by_bones.get(bones, ()), word)

    def _group(self, heard: str) -> None:
        if len(heard) < _SHORTEST - 1:
            return
        number = len(self._sounds)
        self._sounds.append(heard)
        for group in _groups(heard):
            if (found := self._groups.get(group)) is None:
                self._groups[group] = array("I", (number,))
            else:
                found.append(number)

    def _remove(self, gone: AbstractSet[str]) -> None:
        numbers = {heard: number for number, heard in enumerate(self._sounds)} if gone else {}
        for word in gone:
            heard = sound(word)
            if not heard:
                continue
            _leave_out(word, self._by_sound, heard)
            _leave_out(word, self._by_bones, _bones(heard))
            if heard in self._by_sound or (number := numbers.get(heard)) is None:
                continue
            self._sounds[number] = ""
            for group in _groups(heard):
                self._groups[group].remove(number)

    def heard(self, word: str) -> tuple[str, ...]:
        """The words that sound like ``word``."""
        heard = sound(word)
        return self._by_sound.get(heard, ()) if len(heard) >= _FEWEST_SOUNDS else ()

    def meant(self, word: str) -> tuple[str, ...]:
        """The words that one slip may have made of ``word``, two in a long one, the nearest only.

        A foreign name typed in Cyrillic is known by its consonants first.
        """
        heard = sound(word)
        if len(heard) < _SHORTEST:
            return ()
        if not is_latin(word) and (names := self._by_bones.get(_bones(heard))):
            return names
        most = 2 if len(heard) >= _LONG else 1
        near = [
            (slips(heard, other, most=most), other)
            for other in self._alike(heard)
            if abs(len(other) - len(heard)) <= most
            and (len(heard) > _SHORTEST or other[0] == heard[0])
        ]
        least = min((distance for distance, _ in near), default=most + 1)
        if least > most:
            return ()
        return tuple(w for distance, o in near if distance == least for w in self._by_sound[o])

    def _alike(self, heard: str) -> list[str]:
        """The words that share the most of the rarest groups of letters."""
        lists = {group: found for group in _groups(heard) if (found := self._groups.get(group))}
        rarest = sorted(lists, key=lambda group: (len(lists[group]), group))[:_RAREST]
        shared: Counter[int] = Counter()
        for group in rarest:
            shared.update(lists[group])
        if len(shared) <= _COMPARED:
            return sorted(self._sounds[number] for number in shared)
        least = nlargest(_COMPARED, shared.values())[-1]
        most = [self._sounds[number] for number, count in shared.items() if count > least]
        others = (self._sounds[number] for number, count in shared.items() if count == least)
        return most + nsmallest(_COMPARED - len(most), others)


def _leave_out(word: str, spelt: dict[str, tuple[str, ...]], key: str) -> None:
    """``word`` out of the words of a key, and the key when it was the last."""
    if left := tuple(other for other in spelt.get(key, ()) if other != word):
        spelt[key] = left
    else:
        spelt.pop(key, None)


def _bones(heard: str) -> str:
    """The consonants: what is left of a foreign name however its vowels are heard."""
    return _TWICE.sub(r"\1", _VOWELS.sub("", heard))


def _groups(word: str) -> set[str]:
    """Three letters each; the ends count as letters."""
    padded = f"^{word}$"
    return {padded[at : at + 3] for at in range(len(padded) - 2)} | {
        padded[at] + "_" + padded[at + 2] for at in range(len(padded) - 2)
    }


def slips(first: str, second: str, *, most: int) -> int:
    """Letters left out, added, changed or swapped with the next; ``most + 1`` when there are more.

    >>> slips("наушнеки", "наушники", most=2), slips("чехло", "чехол", most=2)
    (1, 1)
    """
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, letter in enumerate(first, 1):
        older, before = before, row
        row = [i]
        for j, other in enumerate(second, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
