"""Kaspi's price list: the catalogue every seller has, as the XML file a seller uploads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse
from msgspec import Struct

from app.domain.product import Product
from app.errors import Refused

LARGEST = 64 * 1024 * 1024
"""Bytes of a price list that is read; 100,000 offers take some 40 MB."""

MOST_FAULTS = 1000
"""Faults that are told; a list with more is wrong as a whole, and the first say how."""

_ALMATY = "750000000"
_HIGHEST = 10**9  # tenge
_LONGEST = 1000  # characters of a name
_LINK = "https://kaspi.kz/shop/p/-{card}/"
_CARD = re.compile(r"(\d{6,})_.+")
_NUMBER = re.compile(r"(\d+)(?:[.,](\d+))?")


class Fault(Struct, frozen=True, kw_only=True):
    """What is wrong with one offer. ``offer`` is its SKU, or its number in the file: ``#3``."""

    offer: str
    reason: str


class PriceList(Struct, frozen=True, kw_only=True):
    """The offers that can be used, and what was wrong with the others, or with parts of them."""

    products: tuple[Product, ...]
    faults: tuple[Fault, ...] = ()


def read_price_list(path: Path) -> PriceList:
    """The offers of a Kaspi XML price list, with or without its namespace.

    The price is the one everywhere, else Almaty's, else the first city's. In stock is what a store
    has now: ``preOrder`` is not now. An offer without SKU or name, or with the SKU of an earlier
    one, is left out; one whose price cannot be read is kept without. Each is told as a fault.

    Raises Refused with the place when the file cannot be read as a whole: nothing of it is used,
    since half a price list would tell that the other half is not sold.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise _refused(path, f"is larger than {LARGEST // 1024 // 1024} MiB")
        with path.open("rb") as file:
            return _collected(_offers(file, path))
    except OSError as error:
        raise _refused(path, f"cannot be opened: {error.strerror}") from error
    except ParseError as error:
        line, column = error.position
        raise _refused(path, f"is broken at line {line}, column {column + 1}") from None
    except DefusedXmlException:
        raise _refused(path, "declares a document type or entities, which is not allowed") from None
    except (ValueError, LookupError):
        raise _refused(path, "is in an encoding that cannot be read: save it as UTF-8") from None


def _refused(path: Path, what: str) -> Refused:
    return Refused(f"Price list {path.name} {what}", code="bad_price_list")


def _offers(file: IO[bytes], path: Path) -> Iterator[Element]:
    """Offer by offer; what was read is let go, so that a large file takes little memory."""
    inside: list[Element] = []
    seen = False
    for event, element in iterparse(file, events=("start", "end"), forbid_dtd=True):
        name = _local(element)
        if event == "start":
            if not inside and name != "kaspi_catalog":
                raise _refused(path, f"begins with <{name[:40]}>, not with <kaspi_catalog>")
            seen = seen or name == "offers"
            inside.append(element)
            continue
        inside.pop()
        if name == "offer":
            yield element
            inside[-1].remove(element)
    if not seen:
        raise _refused(path, "holds no <offers>")


def _collected(offers: Iterator[Element]) -> PriceList:
    products: dict[str, Product] = {}
    faults: list[Fault] = []
    for number, offer in enumerate(offers, 1):
        sku = _text(_attribute(offer, "sku"))
        wrong: list[str] = []
        if sku is None:
            wrong.append("it has no SKU")
        elif sku in products:
            wrong.append("its SKU is that of an earlier offer")
        elif product := _product(offer, sku, wrong=wrong):
            products[sku] = product
        faults += [Fault(offer=sku or f"#{number}", reason=reason) for reason in wrong]
    return PriceList(products=tuple(products.values()), faults=tuple(faults[:MOST_FAULTS]))


def _product(offer: Element, sku: str, *, wrong: list[str]) -> Product | None:
    """One offer; what is wrong with it is added to ``wrong``."""
    name = _text(_child(offer, "model")) or _text(_child(offer, "name"))
    if name is None:
        wrong.append("it has no name")
        return None
    in_stock, stock = _stock(offer)
    return Product(
        sku=sku,
        name=name,
        brand=_text(_child(offer, "brand")),
        category=_text(_attribute(offer, "category")) or _text(_child(offer, "category")),
        price=_price(offer, wrong),
        in_stock=in_stock,
        stock=stock,
        link=card_link(sku),
    )


def card_link(sku: str) -> str | None:
    """The card on Kaspi of a SKU of the form ``<card code>_<suffix>``; None for any other.

    >>> card_link("102529963_318274")
    'https://kaspi.kz/shop/p/-102529963/'
    """
    match = _CARD.fullmatch(sku)
    return _LINK.format(card=match[1]) if match else None


def _price(offer: Element, wrong: list[str]) -> int | None:
    """Tenge, or None with a word on why."""
    told = _child(offer, "price")
    if told is None:
        cities = list(_all(offer, "cityprice"))
        told = next(
            (city for city in cities if _attribute(city, "cityId") == _ALMATY),
            cities[0] if cities else None,
        )
    if told is None:
        wrong.append("it has no price")
        return None
    price = _whole(_text(told))
    if price is None or not 0 < price <= _HIGHEST:
        wrong.append(f"its price is no number: {(_text(told) or 'empty')[:40]}")
        return None
    return price


def _stock(offer: Element) -> tuple[bool, int | None]:
    """Whether a store has it now, and the most that one store has where all of them tell."""
    counts: list[int | None] = []
    for store in _all(offer, "availability"):
        count = _whole(_attribute(store, "stockCount"))
        now = not _whole(_attribute(store, "preOrder"))
        if now and count != 0 and (_attribute(store, "available") or "").strip().lower() == "yes":
            counts.append(count)
    if not counts:
        return False, 0
    told = [count for count in counts if count is not None]
    return True, max(told) if len(told) == len(counts) else None


def _whole(told: str | None) -> int | None:
    """A number as files write it: ``12990``, ``12 990``, ``12990.00``; None when it is none."""
    if told is None:
        return None
    match = _NUMBER.fullmatch("".join(told.split()).removesuffix("₸"))
    if match is None or len(match[1]) > len(str(_HIGHEST)):
        return None
    return int(match[1])


# -- elements by their local names, as many files leave the namespace out


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _all(element: Element, name: str) -> Iterator[Element]:
    return (one for one in element.iter() if _local(one) == name)


def _child(element: Element, name: str) -> Element | None:
    return next((one for one in element if _local(one) == name), None)


def _attribute(element: Element, name: str) -> str | None:
    return next((told for key, told in element.items() if key.rpartition("}")[2] == name), None)


def _text(told: Element | str | None) -> str | None:
    """Text without the spaces around and within it; None when nothing is left."""
    text = "".join(told.itertext()) if isinstance(told, Element) else told or ""
    return " ".join(text.split())[:_LONGEST] or None
