"""A price list as XLSX: the rows of its first visible sheet, as Excel, Google, 1C and Kaspi write.

Read as a stream by ``catalogue_parser``: 100,000 rows through openpyxl take half a minute. Values
are those the file keeps, formulas are not calculated; macros and links to other files are never
looked at. What the format means is told by ECMA-376, part 1, chapter 18.
"""

from __future__ import annotations

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Self
from xml.parsers.expat import XMLParserType

from app.gateways.catalogue_cells import SheetWalk, TextsWalk
from app.gateways.catalogue_offers import Unreadable
from app.gateways.catalogue_parser import DEEPEST, Locals, fed, guarded, too_deep
from app.gateways.catalogue_tables import Row

UNPACKED = 512 * 1024 * 1024
"""Bytes of all parts together; a sheet of 100,000 rows takes some 50 MB."""

_TEXTS = 128 * 1024 * 1024
"""Bytes of the texts that cells share, which are kept while the sheet is read."""

_SMALL = 8 * 1024 * 1024
"""Bytes of any other part but the sheet."""

_MOST_PARTS = 5000
_ENTRY = b"PK\x01\x02"
_LOCKED = 1
_FAILURES = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError,
    LookupError,
)  # fmt: skip
"""What a file that is no XLSX makes of zipfile, and of ourselves."""

_BROKEN = "is a broken XLSX file: open it and save it again"
_NO_XLSX = "is a ZIP file, but no XLSX: save the list as XLSX or CSV"
_TOO_MUCH_TEXT = f"holds more than {_TEXTS // 1024 // 1024} MiB of text"
_TOO_LARGE = f"unpacks to more than {UNPACKED // 1024 // 1024} MiB"


def rows_of_xlsx(data: bytes) -> Iterator[Row]:
    """The rows that hold something. Raises Unreadable, which says what to do about it."""
    try:
        with _Book(data) as book:
            yield from book.rows()
    except _FAILURES:
        raise Unreadable(_BROKEN) from None


class _Book:
    """The parts of the file, by names without regard to case: 1C writes ``SharedStrings.xml``."""

    def __init__(self, data: bytes) -> None:
        if data.count(_ENTRY) > _MOST_PARTS:
            raise Unreadable(_BROKEN)
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        self._parts = {_plain(part.filename): part for part in self._zip.infolist()}
        self._left = UNPACKED
        if sum(part.file_size for part in self._zip.infolist()) > UNPACKED:
            raise Unreadable(_TOO_LARGE)
        if any(part.flag_bits & _LOCKED for part in self._zip.infolist()):
            raise Unreadable("is locked with a password: save it without one")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def rows(self) -> Iterator[Row]:
        """The rows of the first sheet that is shown."""
        book = self._related("", "officeDocument") or "xl/workbook.xml"
        if not self._has(book) or book.endswith(".bin"):
            raise Unreadable(_NO_XLSX)
        sheet = self._first_sheet(book)
        texts = self._texts(self._related(book, "sharedStrings"))
        dates = self._dates(self._related(book, "styles"))
        walk = SheetWalk(guarded(), texts=texts, dates=dates)
        for _ in self._fed(walk.parser, sheet, most=UNPACKED):
            yield from walk.done
            walk.done.clear()

    def _first_sheet(self, book: str) -> str:
        sheets = [sheet for sheet in self._elements(book, "sheet") if "id" in sheet]
        shown = [sheet for sheet in sheets if sheet.get("state", "visible") == "visible"]
        links = {link.get("Id"): link for link in self._links(book)}
        for sheet in shown:
            link = links[sheet["id"]]
            if link["Type"].endswith("/worksheet"):
                return _beside(book, link["Target"])
        raise Unreadable("has no sheet")

    def _texts(self, name: str | None) -> list[str]:
        if name is None or not self._has(name):
            return []
        walk = TextsWalk(guarded())
        for _ in self._fed(walk.parser, name, most=_TEXTS):
            pass
        return walk.done

    def _dates(self, name: str | None) -> frozenset[int]:
        """The styles of cells whose number is a date."""
        if name is None or not self._has(name):
            return frozenset()
        own = {
            int(style["numFmtId"]): style.get("formatCode", "")
            for style in self._elements(name, "numFmt")
        }
        styles = self._elements(name, "xf", inside="cellXfs")
        formats = [int(style.get("numFmtId", 0)) for style in styles]
        return frozenset(i for i, number in enumerate(formats) if _is_date(number, own))

    # -- parts

    def _has(self, name: str) -> bool:
        return _plain(name) in self._parts

    def _related(self, name: str, kind: str) -> str | None:
        """The part of a kind that ``name`` refers to; '' is the whole file."""
        for link in self._links(name):
            if link.get("Type", "").endswith("/" + kind):
                return _beside(name, link.get("Target", ""))
        return None

    def _links(self, name: str) -> list[dict[str, str]]:
        folder, part = posixpath.split(name)
        links = posixpath.join(folder, "_rels", f"{part}.rels")
        return self._elements(links, "Relationship") if self._has(links) else []

    def _elements(self, name: str, tag: str, *, inside: str = "") -> list[dict[str, str]]:
        """The attributes of all elements of this name in a small part."""
        parser, names, found, around = guarded(), Locals(), [], [""]

        def start(element: str, attributes: dict[str, str]) -> None:
            if len(around) > DEEPEST:
                raise too_deep()
            if names[element] == tag and (not inside or around[-1] == inside):
                found.append({names[key]: told for key, told in attributes.items()})
            around.append(names[element])

        parser.StartElementHandler = start
        parser.EndElementHandler = lambda _: around.pop()
        for _ in self._fed(parser, name, most=_SMALL):
            pass
        return found

    def _fed(self, parser: XMLParserType, name: str, *, most: int) -> Iterator[None]:
        """Feed a part; however it is packed, no more of it is unpacked than all may take."""
        part = self._parts[_plain(name)]
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable(_BROKEN)
        with self._zip.open(part) as file:
            try:
                yield from fed(parser, _Counted(file, self, most=most))
            except Unreadable as error:
                if error.what in {_TOO_LARGE, _TOO_MUCH_TEXT}:
                    raise
                raise Unreadable(_BROKEN) from None

    def take(self, count: int) -> None:
        """Count what was unpacked. Raises Unreadable when it is too much."""
        self._left -= count
        if self._left < 0:
            raise Unreadable(_TOO_LARGE)


class _Counted:
    """A part being unpacked, counted."""

    def __init__(self, file: IO[bytes], book: _Book, *, most: int) -> None:
        self._file = file
        self._book = book
        self._left = most

    def read(self, count: int) -> bytes:
        """As a file's. Raises Unreadable when it is too much."""
        piece = self._file.read(count)
        self._book.take(len(piece))
        self._left -= len(piece)
        if self._left < 0:
            raise Unreadable(_TOO_MUCH_TEXT)
        return piece


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").casefold()


def _beside(name: str, target: str) -> str:
    """Where a link of a part leads: from its folder, or from the root."""
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(name), target)).lstrip("/")


def _is_date(number: int, own: dict[int, str]) -> bool:
    """Whether numbers so formatted are dates; ``own`` are the formats of the file itself."""
    # It takes a tenth of a second to load, which only a shop with an XLSX should pay.
    from openpyxl.styles.numbers import builtin_format_code, is_date_format  # noqa: PLC0415

    return bool(is_date_format(own.get(number) or builtin_format_code(number)))
