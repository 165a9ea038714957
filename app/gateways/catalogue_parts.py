"""The parts of an XLSX file that matter, checked and copied: what openpyxl is given to read."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import IO

from app.gateways.catalogue_offers import Unreadable

UNPACKED = 512 * 1024 * 1024
"""Bytes of all parts together; a sheet of 100,000 rows takes some 50 MB."""

SHARED = 128 * 1024 * 1024
"""Bytes of the texts that cells share, which are kept while the sheet is read."""

TAGS = 30_000_000
"""Tags of all parts together, by which reading takes its time; half a million offers have 27."""

BROKEN = "is a broken XLSX file: open it in Excel and save it again"
NO_XLSX = "is a ZIP file, but no XLSX: save the list as XLSX or CSV"
_TOO_LONG = "holds a cell or a row that is too long"

_PIECE = 1024 * 1024
"""Bytes of a text, too: Excel's own cells have no more than 32,767 characters."""

_ROW = 4 * _PIECE
"""Bytes of a row, which is kept until its end."""

_SMALL = 8 * 1024 * 1024
"""Bytes of a part that is no sheet: a larger one, such as the order of formulas, is left out."""

_MOST_PARTS = 5000
_ENTRY = b"PK\x01\x02"
_LOCKED = 1
_KINDS = "[Content_Types].xml"
_STRINGS = "xl/sharedStrings.xml"
_NAMES = {name.casefold(): name for name in (_KINDS, _STRINGS)}
_FOLDERS = frozenset({"", "_rels", "xl", "xl/_rels", "xl/worksheets", "worksheets"})
"""Where the parts are that matter; all others, such as pictures and pivots, are left out."""

_ASIDES = ((b"<!--", b"-->"), (b"<?", b"?>"))
"""What expat reads from its beginning again with each further 16 KiB, so it may not be long."""

_SEAM = 64 * 1024
"""Bytes that are looked at again with the next piece: what is looked for may lie across the two."""

_END = re.compile(rb"</(\w+:)?sheetData\s*>")
_UNCALCULATED = re.compile(
    rb'<(?:\w+:)?c\b(?![^<>]*\bt="str")[^<>]*>\s*<(?:\w+:)?f\b(?:[^<>]*/>|[^<>]*>[^<]*</[\w:]+>)\s*'
    rb"(?:<[\w:]+\s*/>\s*|<[\w:]+></[\w:]+>\s*)?</(?:\w+:)?c>"
)
"""A cell with a formula and no value; one whose formula gives an empty text is of the kind str."""


class Parts:
    """A ZIP ``file`` of the parts, and whether a formula in them was left ``uncalculated``.

    No more of a part is unpacked than the list's own directory says of it. Names are put right: 1C
    writes ``SharedStrings.xml``, and some write backslashes. Raises Unreadable, and what zipfile
    raises for a file that is none.
    """

    def __init__(self, data: bytes) -> None:
        self.file = io.BytesIO()
        self.uncalculated = False
        self._tags = 0
        if data.count(_ENTRY) > _MOST_PARTS:
            raise Unreadable(BROKEN)
        with (
            zipfile.ZipFile(io.BytesIO(data)) as old,
            zipfile.ZipFile(self.file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
        ):
            for name, part in _chosen(old.infolist()):
                with old.open(part) as source, new.open(name, "w") as target:
                    pieces = self._counted(source)
                    for piece in self._rows(pieces) if _is_sheet(name) else pieces:
                        target.write(_respelt(piece) if name == _KINDS else piece)

    def _counted(self, part: IO[bytes]) -> Iterator[bytes]:
        """The pieces of a part. Raises Unreadable where openpyxl would keep, or do, too much."""
        edge = b""
        while piece := part.read(_PIECE):
            edge = edge[-3:] + piece
            if b"\0" in piece or any(edge.rfind(begin) > edge.rfind(end) for begin, end in _ASIDES):
                raise Unreadable(BROKEN)
            self._tags += piece.count(b"<")
            if self._tags > TAGS:
                raise Unreadable("holds too many cells: remove those that are only formatted")
            if b"<" not in piece and len(piece) == _PIECE:
                raise Unreadable(_TOO_LONG)
            yield piece

    def _rows(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """A sheet without what follows its rows: filters that Excel saves and openpyxl refuses."""
        seam, row = b"", 0
        for piece in pieces:
            row = 0 if b"row" in piece else row + len(piece)
            if row > _ROW:
                raise Unreadable(_TOO_LONG)
            seam += piece
            self.uncalculated = self.uncalculated or _UNCALCULATED.search(seam) is not None
            if end := _END.search(seam):
                yield seam[: end.end()] + b"</%bworksheet>" % (end[1] or b"")
                for _ in pieces:  # to its end, where zipfile compares the check sum
                    pass
                return
            yield seam[:-_SEAM]
            seam = seam[-_SEAM:]
        yield seam


def _chosen(parts: list[zipfile.ZipInfo]) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """The parts that matter, by the names they should have."""
    if sum(part.file_size for part in parts) > UNPACKED:
        raise Unreadable(f"unpacks to more than {UNPACKED // 1024 // 1024} MiB")
    if any(part.flag_bits & _LOCKED for part in parts):
        raise Unreadable("is locked with a password: save it without one")
    named = {_named(part.filename): part for part in parts}
    if _KINDS not in named:
        raise Unreadable(NO_XLSX)
    for name, part in named.items():
        if posixpath.dirname(name).casefold() not in _FOLDERS:
            continue
        if part.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise Unreadable(BROKEN)  # any other unpacks more at once than it is asked for
        if name == _STRINGS and part.file_size > SHARED:
            raise Unreadable(f"holds more than {SHARED // 1024 // 1024} MiB of text")
        if name == _STRINGS or _is_sheet(name) or part.file_size <= _SMALL:
            yield name, part


def _named(name: str) -> str:
    name = name.replace("\\", "/").lstrip("/")
    return _NAMES.get(name.casefold(), name)


def _is_sheet(name: str) -> bool:
    return posixpath.dirname(name).casefold().endswith("worksheets")


def _respelt(kinds: bytes) -> bytes:
    """The list of parts, which names that of the texts as we do."""
    return re.sub(re.escape(_STRINGS.encode()), _STRINGS.encode(), kinds, flags=re.IGNORECASE)
