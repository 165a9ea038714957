"""A price list as CSV: what Google, Excel and 1C write, told apart by what is in it."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from app.gateways.catalogue_heads import known_heads
from app.gateways.catalogue_offers import Unreadable
from app.gateways.catalogue_tables import TITLES, Row

_DELIMITERS = ",;\t|"
_PIECE = 1024 * 1024
_LONGEST_LINE = 1_000_000
_END = "\ue000"
"""A last line of our own: it is swallowed by a quote that is never closed."""


def rows_of_csv(data: bytes) -> Iterator[Row]:
    """The rows of a CSV file: UTF-8, UTF-16 with its mark, or cp1251; ``,`` ``;`` ``|`` or tab.

    Raises Unreadable with the place.
    """
    encoding = _encoding(data)
    try:
        delimiter = _delimiter(_lines(data, encoding))
        reader = csv.reader(chain(_lines(data, encoding), (_END,)), delimiter=delimiter)
        yield from _checked(reader)
    except UnicodeError:
        raise Unreadable("is in an encoding that cannot be read: save it as UTF-8") from None


def _checked(reader: Iterable[list[str]]) -> Iterator[Row]:
    """The rows but our own end; ``number`` is that of the row last read."""
    number, rows = 0, iter(reader)
    row: list[str] = []
    try:
        for number, row in enumerate(rows, 1):
            if row != [_END]:
                yield number, row
    except csv.Error as error:
        raise Unreadable(f"is broken in row {number + 1}: {error}") from None
    if row != [_END]:
        raise Unreadable(f"is broken in row {number}: a quote is never closed")


def _encoding(data: bytes) -> str:
    """By its mark, else UTF-8 where all of it is."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    try:
        for begin in range(0, len(data), _PIECE):
            decoder.decode(view[begin : begin + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1251"
    return "utf-8-sig"


def _lines(data: bytes, encoding: str) -> Iterator[str]:
    file = io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline="")
    while line := file.readline(_LONGEST_LINE + 1):
        if len(line) > _LONGEST_LINE:
            raise Unreadable(f"has a line longer than {_LONGEST_LINE:,} characters")
        yield line


def _delimiter(lines: Iterator[str]) -> str:
    """The one by which the first rows hold the most heads we know; else the commonest."""
    first = list(islice(lines, TITLES))
    known = {delimiter: _known(first, delimiter) for delimiter in _DELIMITERS}
    if any(known.values()):
        return max(_DELIMITERS, key=known.__getitem__)
    return max(_DELIMITERS, key="".join(first).count)


def _known(lines: list[str], delimiter: str) -> int:
    try:
        return max(map(known_heads, csv.reader(lines, delimiter=delimiter)), default=0)
    except csv.Error:
        return 0
