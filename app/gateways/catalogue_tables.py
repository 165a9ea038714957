"""A price list as a table: rows of an XLSX or CSV file, or of a seller's own Google sheet.

Columns go by their heads, in any order: those of Kaspi's own file (``SKU, model, brand, price,
PP1 …, preorder``), ``category``, and what sellers call them in Russian and Kazakh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias, TypeVar

from msgspec import Struct

from app.gateways import catalogue_values as values
from app.gateways.catalogue_heads import Columns, columns_of, heads_of, known_heads
from app.gateways.catalogue_offers import Collected, PriceList, Unreadable
from app.gateways.catalogue_reading import Reading

T = TypeVar("T")

Row: TypeAlias = tuple[int, Sequence[object]]
"""Where a row stands, from 1, and its cells."""

TITLES = 20
"""Rows among which the head is looked for: above it there may be the shop's name, a date."""

_SHOWN = 12


class _Head(Struct, frozen=True, kw_only=True):
    """The row of the heads."""

    row: int
    columns: Columns


def read_table(rows: Iterable[Row]) -> PriceList:
    """The offers of a table; rows that are empty may be left out of ``rows``.

    Raises Unreadable when no row is a head with SKU and model.
    """
    filled = (row for row in rows if not _is_empty(row[1]))
    head = _head(filled)
    collected = Collected()
    _told_of(head, collected)
    for number, cells in filled:
        reading = Reading(collected, name=f"#{number}", row=number)
        _Row(head.columns, cells, reading=reading).take()
    return collected.price_list()


def _is_empty(cells: Sequence[object]) -> bool:
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in cells)


def _head(filled: Iterator[Row]) -> _Head:
    """The first row that has what a head must have."""
    best: Sequence[object] = ()
    for number, cells in islice(filled, TITLES):
        columns = columns_of(cells)
        if columns is not None:
            return _Head(row=number, columns=columns)
        if not best or known_heads(cells) > known_heads(best):
            best = cells
    if not best:
        raise Unreadable("is empty")
    found = ", ".join([head for head in heads_of(best) if head][:_SHOWN])
    raise Unreadable(f"has no columns SKU and model in its first rows; found: {found}")


def _told_of(head: _Head, collected: Collected) -> None:
    """What the whole list lacks, or has twice."""
    columns = head.columns
    if columns.price is None:
        reason = "the list has no price column: its offers have no price"
        collected.fault("", reason, row=head.row, column="price")
    if not columns.stores:
        reason = "the list has no column PP1 or the like: its offers count as not in stock"
        collected.fault("", reason, row=head.row, column="PP1")
    for twice in columns.twice:
        reason = "the list has this column twice: the first is read"
        collected.fault("", reason, row=head.row, column=twice)


class _Row:
    """One row being made out, by its columns."""

    def __init__(self, columns: Columns, cells: Sequence[object], *, reading: Reading) -> None:
        self._columns = columns
        self._cells = cells
        self._reading = reading

    def take(self) -> None:
        """Add the offer, and what is wrong with it."""
        columns = self._columns
        sku = self._reading.sku(self._cell(columns.sku), columns.heads[columns.sku])
        if sku is None:
            return
        name = self._told(values.name, columns.model)
        if name is None:
            return
        self._reading.add(
            sku=sku,
            name=name,
            brand=self._told(values.brand, columns.brand),
            category=self._told(values.category, columns.category),
            price=self._told(values.price, columns.price),
            has=self._stock(),
        )

    def _cell(self, column: int) -> object:
        """The cell; a row may end before its empty ones."""
        return self._cells[column] if column < len(self._cells) else None

    def _told(self, read: Callable[[object], T | None], column: int | None) -> T | None:
        if column is None:
            return None
        return self._reading.told(read, self._cell(column), column=self._columns.heads[column])

    def _stock(self) -> values.Has:
        """What the stores have now; one that cannot be made out has nothing that counts."""
        stores = [self._told(values.store, column) for column in self._columns.stores]
        later = self._columns.preorder is not None and self._told(
            values.later, self._columns.preorder
        )
        if later is None or later:
            return False, 0
        return values.in_stock([has for has in stores if has is not None])
