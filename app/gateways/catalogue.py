"""The shop's price list, from whatever it comes in: told apart by its content, never by its name.

Kaspi's XML is read by ``catalogue_xml``; XLSX, CSV and rows of a Google sheet are tables, read
by ``catalogue_tables``. Where a list comes from is told by ``catalogue_source``.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from stat import S_ISREG

from app.errors import Refused
from app.gateways.catalogue_csv import rows_of_csv
from app.gateways.catalogue_offers import (
    MOST_FAULTS,
    Fault,
    PriceList,
    Unreadable,
)
from app.gateways.catalogue_tables import read_table
from app.gateways.catalogue_xlsx import rows_of_xlsx
from app.gateways.catalogue_xml import WEB_PAGE, read_xml

__all__ = [
    "LARGEST",
    "MOST_FAULTS",
    "Fault",
    "PriceList",
    "read_price_list",
    "read_prices",
    "read_rows",
]

LARGEST = 64 * 1024 * 1024
"""Bytes of a price list that is read; 100,000 offers take some 40 MB."""

TOO_LARGE = f"is larger than {LARGEST // 1024 // 1024} MiB"

_HEAD = 4096
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_BEFORE = re.compile(r"\s+|<\?xml[^>]*>|<!--.*?-->", re.DOTALL)
_PAGE = re.compile(r"<(?:!doctype\s+html|html|head|body|script|meta|title)\b", re.IGNORECASE)
_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "is a PDF, not a price list: save it as XML, XLSX or CSV"),
    (b"\x1f\x8b", "is packed: unpack it first"),
    (b"Rar!", "is packed: unpack it first"),
    (b"7z\xbc\xaf", "is packed: unpack it first"),
)
_NO_LIST = "is neither XML, XLSX nor CSV"


def read_price_list(path: Path) -> PriceList:
    """The offers of a price list in a file: Kaspi's XML, XLSX or CSV.

    An offer without SKU or name, or with the SKU of an earlier one, is left out; one whose price
    cannot be read is kept without. Each is told as a fault, with its row and column.

    Raises Refused with the place when the file cannot be read as a whole: nothing of it is used,
    since half a price list would tell that the other half is not sold.
    """
    return read_prices(path, name=path.name)


def read_prices(where: bytes | Path, *, name: str) -> PriceList:
    """The same of bytes, or of a file; ``name`` is what a refusal calls the list."""
    return _told(lambda: _read(where if isinstance(where, bytes) else _file(where)), name)


def read_rows(rows: Iterable[Sequence[object]], *, name: str) -> PriceList:
    """The same of the rows of a sheet, from its first row on, empty ones included."""
    return _told(lambda: read_table(enumerate(rows, 1)), name)


def refused(name: str, what: str) -> Refused:
    """The list called so cannot be used."""
    return Refused(f"Price list {name} {what}", code="bad_price_list")


def _told(read: Callable[[], PriceList], name: str) -> PriceList:
    try:
        return read()
    except Unreadable as error:
        raise refused(name, error.what) from None


def _file(path: Path) -> bytes:
    try:
        if not S_ISREG(path.stat().st_mode):  # nothing that could be waited for, or has no end
            raise Unreadable("cannot be opened: it is no file")
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "this is no name of a file"
        raise Unreadable(f"cannot be opened: {reason}") from None


def _read(data: bytes) -> PriceList:
    """By what the list begins with."""
    if len(data) > LARGEST:
        raise Unreadable(TOO_LARGE)
    if data.startswith(b"PK\x03\x04"):
        return read_table(rows_of_xlsx(data))
    if data.startswith(_OLE):
        raise Unreadable(_of_old_excel(data))
    head = _text(data[:_HEAD])
    if _is_page(head):
        raise Unreadable(WEB_PAGE)
    if head.lstrip().startswith("<"):
        return _read_xml(data)
    _refuse(data, head)
    return read_table(rows_of_csv(data))


def _text(head: bytes) -> str:
    """The beginning as text; signs that are none do not matter here."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace")
    return head.decode("utf-8-sig", "replace")


def _is_page(head: str) -> bool:
    place = 0
    while before := _BEFORE.match(head, place):
        place = before.end()
    return _PAGE.match(head, place) is not None


def _read_xml(data: bytes) -> PriceList:
    """XML must begin with its first byte; what some programs put before it is passed over."""
    before = len(data) - len(data.lstrip())
    file = io.BytesIO(data)
    file.seek(before)
    return read_xml(file, lines_before=data.count(b"\n", 0, before))


def _of_old_excel(data: bytes) -> str:
    if _ENCRYPTED in data:
        return "is locked with a password: save it without one"
    return "is an old Excel file (.xls): save it as .xlsx"


def _refuse(data: bytes, head: str) -> None:
    """Raise Unreadable for what is no table of text."""
    if not head.strip():
        raise Unreadable("is empty")
    for begins, what in _KINDS:
        if data.startswith(begins):
            raise Unreadable(what)
    if head.lstrip().startswith(("{", "[")):
        raise Unreadable(f"is JSON: it {_NO_LIST}")
    if "\0" in head:
        raise Unreadable(_NO_LIST)
