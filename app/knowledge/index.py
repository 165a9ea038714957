"""An inverted index of short texts: who matches the most of a question, best first, by BM25.

A name has few words and a word is in it once, so what is left of BM25 is how rare a word is and
how long the name. Who has a word is a set of bits, so that 100,000 names are asked in about a
millisecond: the sets are cut for ever fewer words of the question until somebody is found.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations

from msgspec import Struct

_LENGTH = 0.3
"""How much a long name counts for less: BM25's b."""

_ENOUGH = 128
"""Names compared at most; the ones before others in the index come first."""

_MOST_SLOTS = 6
_SOME = re.compile(rb"[^\0]")
_LONGEST = 255


class Slot(Struct, frozen=True, kw_only=True):
    """One word of a question: terms with what each is worth, and what share of the question.

    Without a ``solid`` word nothing matches; ``thing``: it names goods; ``must``: nothing matches
    without this one.
    """

    terms: tuple[tuple[str, float], ...]
    weight: float
    solid: bool = True
    thing: bool = False
    must: bool = False


class Match(Struct, frozen=True, kw_only=True):
    """``place`` is the name's number; ``covered`` the share of the question it has."""

    place: int
    score: float
    covered: float


class Index:
    """Terms of names, told once, in the order that decides between equals."""

    def __init__(self, names: Iterable[Iterable[str]]) -> None:
        lists: dict[str, array[int]] = {}
        lengths = array("B")
        for place, terms in enumerate(names):
            count = 0
            for term in dict.fromkeys(terms):
                count += 1
                if (found := lists.get(term)) is None:
                    found = lists[term] = array("I")
                found.append(place)
            lengths.append(min(count, _LONGEST))
        self._lengths = lengths
        self._mean = sum(lengths) / len(lengths) if lengths else 1.0
        self._size = len(lengths)
        self._bytes = (self._size + 7) // 8
        common = max(64, self._size // 64)
        self._common = {
            t: self._bits_of(found) for t, found in lists.items() if len(found) > common
        }
        self._rare = {term: found for term, found in lists.items() if term not in self._common}

    def __len__(self) -> int:
        return self._size

    def __contains__(self, term: str) -> bool:
        return term in self._rare or term in self._common

    def __iter__(self) -> Iterator[str]:
        yield from self._rare
        yield from self._common

    def search(
        self, slots: Sequence[Slot], *, floor: float | None, required: Iterable[str] = ()
    ) -> list[Match]:
        """Who has more than ``floor`` of the question and all of ``required``, the best first.

        Without a floor all that is required is enough.
        Of equals the one told first is first. Only a solid word makes a match, if there is one.
        """
        asked = sorted(slots, key=lambda slot: -slot.weight)[:_MOST_SLOTS]
        everyone = self._having_all(required)
        found = self._candidates(asked, everyone, floor=floor)
        scores = dict.fromkeys(found, 0.0)
        shares = dict.fromkeys(found, 0.0)
        for slot in asked:
            for place, gain in self._gains(slot, found).items():
                scores[place] += slot.weight * gain
                shares[place] += slot.weight
        total = sum(slot.weight for slot in slots) or 1.0
        matches = [
            Match(
                place=place, score=scores[place] * self._short(place), covered=shares[place] / total
            )
            for place in found
        ]
        return sorted(matches, key=lambda match: (-round(match.score, 6), match.place))

    def _candidates(
        self, slots: Sequence[Slot], everyone: int, *, floor: float | None
    ) -> list[int]:
        """The names with the most of the question: all words, then all but the lightest …"""
        sets = [self._having_any(slot) & everyone for slot in slots]
        least = -1.0 if floor is None else floor * sum(slot.weight for slot in slots)
        found: dict[int, None] = {}
        seen = 0
        for weight, chosen in self._choices(slots):
            if weight <= least or len(found) >= _ENOUGH:
                break
            common = everyone
            for number in chosen:
                common &= sets[number]
                if not common:
                    break
            found |= dict.fromkeys(_ones(common & ~seen, _ENOUGH - len(found)))
            seen |= common
        return list(found)

    def _choices(self, slots: Sequence[Slot]) -> list[tuple[float, tuple[int, ...]]]:
        """Every choice of the words, the heaviest first."""
        numbers = range(len(slots))
        must = {number for number in numbers if slots[number].must}
        needs_solid = any(slot.solid for slot in slots)
        choices = [
            (sum(slots[number].weight for number in chosen), chosen)
            for length in range(len(slots) + 1)
            for chosen in combinations(numbers, length)
            if must <= set(chosen)
            and (not needs_solid or any(slots[number].solid for number in chosen))
        ]
        return sorted(choices, key=lambda choice: -choice[0])

    def _gains(self, slot: Slot, places: Sequence[int]) -> dict[int, float]:
        """The best that each of ``places`` has for this word."""
        gains: dict[int, float] = {}
        for term, worth in slot.terms:
            gain = self._rarity(term) * worth
            for place in self.among(term, places):
                if gain > gains.get(place, 0.0):
                    gains[place] = gain
        return gains

    def among(self, term: str, places: Sequence[int]) -> AbstractSet[int]:
        """Those of ``places`` that have ``term``."""
        if (bits := self._common.get(term)) is None:
            return set(places).intersection(self._rare.get(term, ()))
        held = bits.to_bytes(self._bytes, "little")
        return {place for place in places if held[place >> 3] >> (place & 7) & 1}

    def _rarity(self, term: str) -> float:
        """BM25's inverse frequency of a term."""
        bits = self._common.get(term)
        having = len(self._rare.get(term, ())) if bits is None else bits.bit_count()
        return math.log(1 + (self._size - having + 0.5) / (having + 0.5))

    def _short(self, place: int) -> float:
        """BM25's reward for a short name."""
        return 1 / (1 - _LENGTH + _LENGTH * self._lengths[place] / self._mean)

    def _having_any(self, slot: Slot) -> int:
        bits = 0
        for term, _ in slot.terms:
            bits |= self._bits(term)
        return bits

    def _having_all(self, terms: Iterable[str]) -> int:
        bits = (1 << self._size) - 1
        for term in terms:
            bits &= self._bits(term)
        return bits

    def _bits(self, term: str) -> int:
        if (bits := self._common.get(term)) is not None:
            return bits
        rare = self._rare.get(term)
        return self._bits_of(rare) if rare else 0

    def _bits_of(self, places: Iterable[int]) -> int:
        held = bytearray(self._bytes)
        for place in places:
            held[place >> 3] |= 1 << (place & 7)
        return int.from_bytes(held, "little")


def _ones(bits: int, most: int) -> Iterator[int]:
    """The numbers of the first ``most`` bits that are set."""
    held = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    for match in _SOME.finditer(held):
        byte, first = match.group()[0], match.start() << 3
        for bit in range(8):
            if most <= 0:
                return
            if byte >> bit & 1:
                most -= 1
                yield first + bit
