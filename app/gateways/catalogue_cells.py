"""Cells of an XLSX sheet, by expat's handlers: what each holds, in the words of the format."""

from __future__ import annotations

import re
from xml.parsers.expat import XMLParserType

from app.gateways.catalogue_heads import MOST
from app.gateways.catalogue_parser import DEEPEST, Locals, too_deep
from app.gateways.catalogue_tables import Row
from app.gateways.catalogue_values import LONGEST, Odd

_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_LONGEST_NUMBER = 40
_PIECES = 200
"""Pieces of a text that are kept; expat hands it over in pieces of some kilobytes."""

_BEYOND = MOST
"""A column that is not looked at."""


class _Places(dict[str, int]):
    """Where a cell stands in its row, from 0, by the letters of its name: ``A``, ``AB``."""

    def __missing__(self, letters: str) -> int:
        place = 0
        for letter in letters:
            place = place * 26 + ord(letter) - ord("A") + 1 if "A" <= letter <= "Z" else _BEYOND + 1
            place = min(place, _BEYOND + 1)
        self[letters] = place - 1
        return place - 1


class TextsWalk:
    """The texts that cells share, one after another, into ``done``."""

    def __init__(self, parser: XMLParserType) -> None:
        self.parser = parser
        self.done: list[str] = []
        self._names = Locals()
        self._depth = 0
        self._parts: list[str] = []
        self._phonetic = False
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end

    def _start(self, name: str, _: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise too_deep()
        name = self._names[name]
        if name == "t" and not self._phonetic:
            self.parser.CharacterDataHandler = self._parts.append
        elif name == "si":
            self._parts.clear()
        elif name == "rPh":
            self._phonetic = True

    def _end(self, name: str) -> None:
        self._depth -= 1
        name = self._names[name]
        if name == "t":
            self.parser.CharacterDataHandler = None
        elif name == "si":
            self.done.append(_text(self._parts))
        elif name == "rPh":
            self._phonetic = False


class SheetWalk:
    """The rows of a sheet that hold something, one after another, into ``done``.

    ``texts`` are those that cells share, ``dates`` the styles of cells that show a date.
    """

    def __init__(self, parser: XMLParserType, *, texts: list[str], dates: frozenset[int]) -> None:
        self.parser = parser
        self.done: list[Row] = []
        self._texts = texts
        self._dates = {str(style) for style in dates}
        self._names, self._places = Locals(), _Places()
        self._depth = 0
        self._row: list[object] = []
        self._number = 0
        self._place = -1
        self._kind, self._style = "n", "0"
        self._parts: list[str] = []
        self._formula = self._phonetic = False
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise too_deep()
        name = self._names[name]
        if name == "c":
            self._begin(attributes)
        elif name == "v" or (name == "t" and not self._phonetic):
            self.parser.CharacterDataHandler = self._parts.append
        elif name == "f":
            self._formula = True
        elif name == "row":
            self._row = []
            self._place = -1
            told = attributes.get("r", "")
            self._number = int(told) if told.isdigit() else self._number + 1
        elif name == "rPh":
            self._phonetic = True

    def _begin(self, attributes: dict[str, str]) -> None:
        told = attributes.get("r")
        self._place = self._places[told.rstrip("0123456789")] if told else self._place + 1
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "0")
        self._formula = False
        self._parts.clear()

    def _end(self, name: str) -> None:
        self._depth -= 1
        name = self._names[name]
        if name in {"v", "t"}:
            self.parser.CharacterDataHandler = None
        elif name == "c":
            if self._parts:
                self._keep(self._cell())
            elif self._formula and self._kind != "str":  # whose text may well be empty
                self._keep(Odd.UNCALCULATED)
        elif name == "row":
            if self._row:
                self.done.append((self._number, self._row))
        elif name == "rPh":
            self._phonetic = False

    def _keep(self, cell: object) -> None:
        place, row = self._place, self._row
        if not 0 <= place < MOST:
            return
        row.extend([None] * (place + 1 - len(row)))
        row[place] = cell

    def _cell(self) -> object:
        """What the cell holds. Raises ValueError where it makes no sense."""
        match self._kind:
            case "s":
                return self._texts[int("".join(self._parts))]
            case "n":
                return Odd.DATE if self._style in self._dates else _number("".join(self._parts))
            case "b":
                return self._parts[0].strip() in {"1", "true"}
            case "d":
                return Odd.DATE
            case _:
                return _text(self._parts)


def _number(told: str) -> object:
    """Whole where it is written so; text where it is no number."""
    if told.isascii() and told.isdigit() and len(told) < _LONGEST_NUMBER:
        return int(told)
    try:
        return float(told[:_LONGEST_NUMBER])
    except ValueError:
        return told[:_LONGEST_NUMBER]


def _text(parts: list[str]) -> str:
    told = "".join(parts[:_PIECES])[: 2 * LONGEST]
    return _ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), told) if "_x" in told else told
