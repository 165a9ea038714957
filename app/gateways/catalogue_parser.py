"""XML read in one go with no tree of it kept: expat, guarded by defusedxml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO
from xml.parsers.expat import ExpatError, XMLParserType, errors

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from app.gateways.catalogue_offers import Unreadable

_PIECE = 256 * 1024
_LONGEST = 8 * 1024 * 1024
"""Bytes of one tag: expat reads a tag from its beginning again with every piece of it."""

DEEPEST = 64
"""Elements within elements: expat remembers each that is open, lists have some seven."""

_UNKNOWN_ENCODING = errors.codes[errors.XML_ERROR_UNKNOWN_ENCODING]


class Locals(dict[str, str]):
    """Names without their namespaces, which many files leave out."""

    def __missing__(self, name: str) -> str:
        local = self[name] = name.rpartition("}")[2]
        return local


def too_deep() -> Unreadable:
    """What a handler raises beyond ``DEEPEST``."""
    return Unreadable(f"is nested deeper than {DEEPEST} elements")


def guarded() -> XMLParserType:
    """An expat parser without handlers that lets no document type and no entity pass."""
    parser: XMLParserType = XMLParser(forbid_dtd=True).parser
    parser.DefaultHandlerExpand = parser.CharacterDataHandler = None
    parser.ordered_attributes = False
    return parser


def fed(parser: XMLParserType, file: IO[bytes]) -> Iterator[None]:
    """Feed a file to a parser, piece by piece; between them its handlers' work may be taken.

    Raises Unreadable with the place where the file is broken.
    """
    read = 0
    try:
        while piece := file.read(_PIECE):
            read += len(piece)
            parser.Parse(piece, False)
            yield
            if read - parser.CurrentByteIndex > _LONGEST:
                raise Unreadable(f"holds a tag of more than {_LONGEST // 1024 // 1024} MiB")
        parser.Parse(b"", True)
        yield
    except ExpatError as error:
        if error.code == _UNKNOWN_ENCODING:
            raise _encoding() from None
        raise Unreadable(f"is broken at line {error.lineno}, column {error.offset + 1}") from None
    except DefusedXmlException:
        raise Unreadable("declares a document type or entities, which is not allowed") from None
    except (ValueError, LookupError):
        raise _encoding() from None


def _encoding() -> Unreadable:
    return Unreadable("is in an encoding that cannot be read: save it as UTF-8")
