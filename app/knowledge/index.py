"""An inverted index of short texts: who matches the most of a question, best first, by BM25.

A name has few words and a word is in it once, so what is left of BM25 is how rare a word is and
how long the name. Who has a word is a set of bits, so that 100,000 names are asked in about a
millisecond: the sets are cut for ever fewer words of the question until somebody is found.

What changed since the index was made stands behind it in a second, small row: names that were
replaced or left are masked out, and what counts the names counts those that are left.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, combinations

from msgspec import Struct

from app.knowledge.postings import Postings, ones

_LENGTH = 0.3
"""How much a long name counts for less: BM25's b."""

_ENOUGH = 128
"""Names compared at most; the ones before others in the index come first."""

_MOST_SLOTS = 6


_Places = tuple[list[int], list[int]]


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


class Late(Struct, frozen=True, kw_only=True):
    """A name told after the index was made; it stands before the name of the place ``before``."""

    before: int
    terms: AbstractSet[str]


class Index:
    """Terms of names, told once, in the order that decides between equals; immutable."""

    def __init__(self, names: Iterable[AbstractSet[str]]) -> None:
        self._hold(Postings(names), late=(), gone=0, lost={}, lost_length=0)

    def changed(self, late: Sequence[Late], *, gone: Mapping[int, AbstractSet[str]]) -> Index:
        """Another index over the same names without those of the places ``gone`` (with their
        terms), which are beside those that have gone before, and with ``late``, all there are, in
        their order, whose places follow the last of the names.
        """
        lost = Counter(self._lost)
        lost.update(chain.from_iterable(gone.values()))
        index = object.__new__(Index)
        index._hold(
            self._first,
            late=late,
            gone=self._gone | sum(1 << place for place in gone),
            lost=lost,
            lost_length=self._lost_length + sum(self._first.lengths[place] for place in gone),
        )
        return index

    def _hold(
        self,
        first: Postings,
        *,
        late: Sequence[Late],
        gone: int,
        lost: Mapping[str, int],
        lost_length: int,
    ) -> None:
        self._first = first
        self._late = Postings(one.terms for one in late)
        self._before = [one.before for one in late]
        self._gone, self._lost, self._lost_length = gone, lost, lost_length
        self._everyone = (1 << len(first) + len(late)) - 1 & ~gone
        self._size = len(first) - gone.bit_count() + len(late)
        length = first.length + self._late.length - lost_length
        self._mean = length / self._size if self._size else 1.0

    def __len__(self) -> int:
        return self._size

    def __contains__(self, term: str) -> bool:
        return self.count(term) > 0

    def count(self, term: str) -> int:
        """How many names have ``term``."""
        return self._first.count(term) + self._late.count(term) - self._lost.get(term, 0)

    def __iter__(self) -> Iterator[str]:
        """The terms the index was made with."""
        return iter(self._first)

    def gathered(self) -> tuple[Index, list[int]]:
        """The same in one row, and the places that its names had, in their order."""
        size, order = len(self._first), list[int]()
        gone = self._gone.to_bytes((size + 7) // 8, "little")
        late = 0
        for place in range(size + 1):
            while late < len(self._before) and self._before[late] == place:
                order.append(size + late)
                late += 1
            if place < size and not gone[place >> 3] >> (place & 7) & 1:
                order.append(place)
        places = array("i", [-1]) * (size + len(self._before))
        for to, at in enumerate(order):
            places[at] = to
        rows = ((self._first, places[:size]), (self._late, places[size:]))
        index = object.__new__(Index)
        first = Postings.gathered(rows, size=len(order))
        index._hold(first, late=(), gone=0, lost={}, lost_length=0)
        return index, order

    def search(
        self, slots: Sequence[Slot], *, floor: float | None, required: Iterable[str] = ()
    ) -> list[Match]:
        """Who has more than ``floor`` of the question and all of ``required``, the best first.

        Without a floor all that is required is enough.
        Of equals the one told first is first. Only a solid word makes a match, if there is one.
        """
        asked = sorted(slots, key=lambda slot: -slot.weight)[:_MOST_SLOTS]
        everyone = self._everyone
        for term in required:
            everyone &= self._bits(term)
        found = self._candidates(asked, everyone, floor=floor)
        scores = dict.fromkeys(found, 0.0)
        shares = dict.fromkeys(found, 0.0)
        places = self._parted(found)
        for slot in asked:
            for place, gain in self._gains(slot, places).items():
                scores[place] += slot.weight * gain
                shares[place] += slot.weight
        total = sum(slot.weight for slot in slots) or 1.0
        matches = [
            Match(
                place=place, score=scores[place] * self._short(place), covered=shares[place] / total
            )
            for place in found
        ]
        return sorted(matches, key=lambda match: (-round(match.score, 6), self._rank(match.place)))

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
            if not common:
                continue
            found |= dict.fromkeys(self._foremost(common & ~seen, most=_ENOUGH - len(found)))
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

    def _gains(self, slot: Slot, places: _Places) -> dict[int, float]:
        """The best that each of ``places`` has for this word."""
        gains: dict[int, float] = {}
        for term, worth in slot.terms:
            gain = self._rarity(term) * worth
            for place in self._having(term, places):
                if gain > gains.get(place, 0.0):
                    gains[place] = gain
        return gains

    def among(self, term: str, places: Sequence[int]) -> AbstractSet[int]:
        """Those of ``places`` that have ``term``."""
        return self._having(term, self._parted(places))

    def _parted(self, places: Sequence[int]) -> _Places:
        """Places of the first row, and those of the second, which are counted from its start."""
        size = len(self._first)
        first = [place for place in places if place < size]
        return first, [place - size for place in places if place >= size]

    def _having(self, term: str, places: _Places) -> AbstractSet[int]:
        first, late = places
        found = self._first.among(term, first)
        if late:
            size = len(self._first)
            return found | {size + place for place in self._late.among(term, late)}
        return found

    def _foremost(self, bits: int, *, most: int) -> list[int]:
        """The first ``most`` in the order of all names."""
        size = len(self._first)
        if bits.bit_length() <= size:
            return list(ones(bits, most))
        late = bits >> size
        found = [*ones(bits ^ late << size, most), *(size + place for place in ones(late, most))]
        return sorted(found, key=self._rank)[:most]

    def _rank(self, place: int) -> tuple[int, int]:
        """Where a name stands in the order of all."""
        late = place - len(self._first)
        return (place, len(self._before)) if late < 0 else (self._before[late], late)

    def _rarity(self, term: str) -> float:
        """BM25's inverse frequency of a term."""
        having = self.count(term)
        return math.log(1 + (self._size - having + 0.5) / (having + 0.5))

    def _short(self, place: int) -> float:
        """BM25's reward for a short name."""
        late = place - len(self._first)
        length = self._first.lengths[place] if late < 0 else self._late.lengths[late]
        return 1 / (1 - _LENGTH + _LENGTH * length / self._mean)

    def _having_any(self, slot: Slot) -> int:
        bits = 0
        for term, _ in slot.terms:
            bits |= self._bits(term)
        return bits

    def _bits(self, term: str) -> int:
        bits = self._first.bits(term)
        late = self._late.bits(term)
        return bits | late << len(self._first) if late else bits
