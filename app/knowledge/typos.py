"""Which known word an unknown one was meant to be: by sound, then by a slip or two."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable

from app.knowledge.spelling import is_latin, sound

_SHORTEST = 4
_LONG = 8  # letters from which two slips are forgiven
_RAREST = 7  # groups of letters looked at: one slip spoils three of them
_COMPARED = 24
_FEWEST_BONES = _FEWEST_SOUNDS = 3
_VOWELS = re.compile("[аеиоу]")
_TWICE = re.compile(r"(.)\1+")


class Spellings:
    """The words of a vocabulary by their sound and by their letters."""

    def __init__(self, vocabulary: Iterable[str]) -> None:
        self._by_sound: dict[str, tuple[str, ...]] = {}
        for word in vocabulary:
            heard = sound(word)
            if heard:
                self._by_sound[heard] = (*self._by_sound.get(heard, ()), word)
        self._by_bones: dict[str, tuple[str, ...]] = {}
        for heard, spelt in self._by_sound.items():
            bones, names = _bones(heard), tuple(filter(is_latin, spelt))
            if names and len(bones) >= _FEWEST_BONES:
                self._by_bones[bones] = (*self._by_bones.get(bones, ()), *names)
        self._sounds = [heard for heard in self._by_sound if len(heard) >= _SHORTEST - 1]
        self._groups: dict[str, array[int]] = {}
        for number, heard in enumerate(self._sounds):
            for group in _groups(heard):
                self._groups.setdefault(group, array("I")).append(number)

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
        lists = [found for group in _groups(heard) if (found := self._groups.get(group))]
        shared: Counter[int] = Counter()
        for found in sorted(lists, key=len)[:_RAREST]:
            shared.update(found)
        return [self._sounds[number] for number, _ in shared.most_common(_COMPARED)]


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
