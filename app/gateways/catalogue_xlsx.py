"""A price list as XLSX: the rows of its first visible sheet, read by openpyxl.

Values are those the file keeps, formulas are not calculated; macros and links to other files are
never looked at. openpyxl reads XML by defusedxml, which lets no entity pass; what it may be given
is checked by ``catalogue_parts``.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import IO, TypeAlias

from app.gateways.catalogue_heads import MOST
from app.gateways.catalogue_offers import Unreadable
from app.gateways.catalogue_parts import BROKEN, NO_XLSX, Parts
from app.gateways.catalogue_tables import Row
from app.gateways.catalogue_values import LONGEST, Odd

_MOST_ROWS = 1_048_576
"""As Excel has them. Before a row that calls itself the 10⁹th, openpyxl puts as many empty ones."""

_Cells: TypeAlias = Sequence[object]


def rows_of_xlsx(data: bytes) -> Iterator[Row]:
    """The rows that hold something. Raises Unreadable, which says what to do about it."""
    try:
        parts = Parts(data)
        for number, row in enumerate(_rows(parts), 1):
            if row.count(None) < len(row):
                yield number, [_text(cell) if isinstance(cell, str) else cell for cell in row]
    except (Unreadable, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - zipfile and openpyxl fail wherever they stumble
        raise Unreadable(BROKEN) from None


def _rows(parts: Parts) -> Iterator[_Cells]:
    """The rows; openpyxl tells either what a formula gave or the formula, so it may take both."""
    told = _sheet(parts.file, calculated=True)
    written = _sheet(parts.file, calculated=False) if parts.uncalculated else repeat(None)
    for row, formulas in zip(told, written, strict=False):
        yield row if formulas is None else _marked(row, formulas)


def _sheet(file: IO[bytes], *, calculated: bool) -> Iterator[_Cells]:
    # It takes a third of a second to load, which only a shop with an XLSX should pay.
    from openpyxl import load_workbook  # noqa: PLC0415

    # It warns of what it would not write again. Told for its modules alone, and for good: to undo
    # it, as catch_warnings does, would undo what other threads have set meanwhile.
    warnings.filterwarnings("ignore", module=r"openpyxl\.")
    try:
        book = load_workbook(file, read_only=True, data_only=calculated, keep_links=False)
    except OSError:  # no part of it is a workbook
        raise Unreadable(NO_XLSX) from None
    for sheet in book.worksheets:
        if sheet.sheet_state == "visible":
            sheet.reset_dimensions()  # many programs write A1
            yield from sheet.iter_rows(max_row=_MOST_ROWS, max_col=MOST, values_only=True)
            return
    raise Unreadable("has no sheet")


def _marked(row: _Cells, formulas: _Cells) -> _Cells:
    """The row, with what its formulas lack."""
    return [
        Odd.UNCALCULATED if cell is None and formula is not None else cell
        for cell, formula in zip(row, formulas, strict=True)
    ]


def _text(cell: str) -> str:
    """As much of a text as is used; Excel writes some signs as ``_x000D_``."""
    cell = cell[: 2 * LONGEST]
    if "_x" not in cell:
        return cell
    from openpyxl.utils.escape import unescape  # noqa: PLC0415

    return str(unescape(cell))
