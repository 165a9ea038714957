"""Who has which word, told once: places in a row of names, as short lists or as sets of bits."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

_FEWEST_COMMON = 64
_COMMON_SHARE = 64
"""A term that more than one name in so many has is kept as a set of bits."""

_LONGEST = 255
_SOME = re.compile(rb"[^\0]")


class Postings:
    """The terms of names that follow one another; immutable, shared by all who search them.

    ``lengths`` tells how many terms each name has, ``length`` how many all have. A term of one
    name alone is kept as that name's place: models are such terms, and most terms are.
    """

    lengths: array[int]
    length: int

    def __init__(self, names: Iterable[AbstractSet[str]]) -> None:
        having: dict[str, int | array[int]] = {}
        lengths = array("B")
        for place, terms in enumerate(names):
            for term in terms:
                if (found := having.get(term)) is None:
                    having[term] = place
                elif isinstance(found, int):
                    having[term] = array("I", (found, place))
                else:
                    found.append(place)
            lengths.append(min(len(terms), _LONGEST))
        self._hold(having, lengths)

    @classmethod
    def gathered(cls, rows: Iterable[tuple[Postings, Sequence[int]]], *, size: int) -> Postings:
        """One row of ``size`` names out of several, each with the new places of its names; a name
        whose new place is below 0 is left out.
        """
        having: dict[str, int | array[int]] = {}
        lengths = array("B", bytes(size))
        for row, places in rows:
            for term in row:
                there = [to for at in row.places(term) if (to := places[at]) >= 0]
                had = having.get(term, ())
                there += (had,) if isinstance(had, int) else had
                if there:
                    having[term] = array("I", there) if len(there) > 1 else there[0]
            for at, to in enumerate(places):
                if to >= 0:
                    lengths[to] = row.lengths[at]
        postings = object.__new__(cls)
        postings._hold(having, lengths)
        return postings

    def _hold(self, having: dict[str, int | array[int]], lengths: array[int]) -> None:
        self.lengths, self.length = lengths, sum(lengths)
        self._bytes = (len(lengths) + 7) // 8
        common = max(_FEWEST_COMMON, len(lengths) // _COMMON_SHARE)
        self._common = {
            term: self._bits_of(found)
            for term, found in having.items()
            if not isinstance(found, int) and len(found) > common
        }
        for term in self._common:
            del having[term]
        self._rare = having

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[str]:
        yield from self._rare
        yield from self._common

    def count(self, term: str) -> int:
        """How many names have ``term``."""
        if (bits := self._common.get(term)) is not None:
            return bits.bit_count()
        return len(self._few(term))

    def bits(self, term: str) -> int:
        """The names that have ``term``, a bit each."""
        if (bits := self._common.get(term)) is not None:
            return bits
        few = self._few(term)
        return self._bits_of(few) if few else 0

    def among(self, term: str, places: Sequence[int]) -> AbstractSet[int]:
        """Those of ``places`` that have ``term``."""
        if (bits := self._common.get(term)) is None:
            return set(places).intersection(self._few(term))
        held = bits.to_bytes(self._bytes, "little")
        return {place for place in places if held[place >> 3] >> (place & 7) & 1}

    def places(self, term: str) -> Iterable[int]:
        """The names that have ``term``, in their order or not."""
        if (bits := self._common.get(term)) is not None:
            return ones(bits, len(self.lengths))
        return self._few(term)

    def _few(self, term: str) -> Sequence[int]:
        found = self._rare.get(term, ())
        return (found,) if isinstance(found, int) else found

    def _bits_of(self, places: Iterable[int]) -> int:
        held = bytearray(self._bytes)
        for place in places:
            held[place >> 3] |= 1 << (place & 7)
        return int.from_bytes(held, "little")


def ones(bits: int, most: int) -> Iterator[int]:
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
