"""Kaspi's own order resource, as ``GET /orders`` of Shop API v2 gives it: JSON:API documents.

The same document may be posted to us (:func:`orders_of`, strict: its sender can mend it). What we
read ourselves (:func:`page_of`) is taken as it is: an order of which only a part can be read is
that part, and one with a status nobody knows is UNKNOWN.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from app.domain.events import READ, Item, Order
from app.errors import Refused
from app.gateways.kaspi_wire import (
    BY_THE_SHOP,
    NEED_NO_FLAGS,
    amount,
    code_of,
    decode,
    delivery_of,
    moment,
    moment_or_none,
    pieces,
    stage_of,
    text,
)

_CARD = re.compile(r"[0-9]{6,15}")


class Told(Struct, frozen=True, kw_only=True):
    """An order as a body tells it, the customer's name, and the phone as it was written.

    ``id`` is Kaspi's opaque id of the order; ``lines_missing``: it has lines that are not told.
    """

    order: Order
    name: str | None
    phone: object
    id: str | None = None
    lines_missing: bool = False


class Page(Struct, frozen=True, kw_only=True):
    """One page of a list of orders. ``pages`` is how many there are in all, 0 where Kaspi does not
    say; ``unreadable`` counts the resources that are no orders at all.
    """

    orders: tuple[Told, ...]
    pages: int
    unreadable: int = 0


# Every field may be null or missing; one of another type is refused with its place.


class _Customer(Struct, frozen=True, rename="camel"):
    cell_phone: str | float | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class _Delivery(Struct, frozen=True, rename="camel"):
    waybill: Any = None
    courier_transmission_date: Any = None


class _Attributes(Struct, frozen=True, rename="camel"):
    """Prices are tenge, dates epoch milliseconds."""

    code: str | int
    status: str | None = None
    total_price: float | None = None
    creation_date: float | None = None
    planned_delivery_date: Any = None
    signature_required: bool | None = None
    assembled: bool | None = None
    pre_order: bool | None = None
    delivery_mode: str | None = None
    is_kaspi_delivery: bool | None = None
    cancellation_reason: Any = None
    kaspi_delivery: _Delivery | None = None
    customer: _Customer | None = None


class _Reference(Struct, frozen=True):
    id: str


class _References(Struct, frozen=True):
    data: list[_Reference] | None = None


class _Relationships(Struct, frozen=True):
    entries: _References | None = None


class _Resource(Struct, frozen=True):
    attributes: _Attributes
    type: str = "orders"
    id: str | None = None
    relationships: _Relationships | None = None


class _Offer(Struct, frozen=True):
    code: str | int | None = None
    name: str | None = None


class _EntryAttributes(Struct, frozen=True, rename="camel"):
    offer: _Offer | None = None
    quantity: float | None = None
    total_price: float | None = None


class _One(Struct, frozen=True):
    data: Any = None


class _EntryRelationships(Struct, frozen=True):
    product: _One | None = None


class _Included(Struct, frozen=True):
    id: str | None = None
    type: str | None = None
    attributes: _EntryAttributes = _EntryAttributes()
    relationships: _EntryRelationships | None = None


class _Document(Struct, frozen=True):
    data: _Resource | list[_Resource]
    included: list[_Included] | None = None


def orders_of(body: bytes, *, shop_id: str) -> list[Told]:
    """The orders of a JSON:API document: ``data`` one or a list, their lines from ``included``.

    Raises Refused with the place of what is wrong.
    """
    document = decode(body, _Document)
    resources = document.data if isinstance(document.data, list) else [document.data]
    entries = _entries(document.included or [])
    return [
        _of_resource(
            resource,
            _lines(resource, entries, alone=len(resources) == 1),
            shop_id=shop_id,
            where=f"data[{n}]",
        )
        for n, resource in enumerate(resources)
    ]


def _of_resource(resource: _Resource, items: tuple[Item, ...], *, shop_id: str, where: str) -> Told:
    if resource.type != "orders":
        raise Refused(f"{where}.type is not orders", code="unknown_body")
    told = resource.attributes
    delivery = told.kaspi_delivery or _Delivery()
    order = Order(
        code=code_of(told.code, f"{where}.attributes.code"),
        shop=shop_id,
        stage=stage_of(
            told.status,
            signature_required=told.signature_required is True,
            assembled=told.assembled is True,
            waybill=bool(delivery.waybill),
            handed_over=bool(delivery.courier_transmission_date),
        ),
        items=items,
        total=told.total_price,
        created_at=moment(told.creation_date, f"{where}.attributes.creationDate"),
        source="kaspi",
        planned_at=moment_or_none(told.planned_delivery_date),
        delivery=delivery_of(told.delivery_mode, by_kaspi=told.is_kaspi_delivery),
        preordered=told.pre_order is True,
        cancelled_by_shop=text(told.cancellation_reason) in BY_THE_SHOP,
    )
    customer = told.customer or _Customer()
    return Told(
        order=order,
        name=_full_name(customer),
        phone=customer.cell_phone,
        id=resource.id,
        lines_missing=len(items) < _count_of_lines(resource),
    )


def _refers_to(resource: _Resource) -> list[str] | None:
    """The ids of an order's lines; None where they are not told, as where only links are."""
    related = resource.relationships.entries if resource.relationships else None
    return None if related is None or related.data is None else [each.id for each in related.data]


def _count_of_lines(resource: _Resource) -> int:
    """How many lines an order has: one at least, where it is not told."""
    ids = _refers_to(resource)
    return 1 if ids is None else len(ids)


def _lines(resource: _Resource, entries: Mapping[str, Item], *, alone: bool) -> tuple[Item, ...]:
    """The lines an order refers to; all there are, when it is alone and refers to none."""
    ids = _refers_to(resource)
    if ids is None:
        return tuple(entries.values()) if alone else ()
    return tuple(entries[id_] for id_ in ids if id_ in entries)


def _entries(included: list[_Included]) -> dict[str, Item]:
    """The order lines among what was included, by id."""
    return {
        resource.id: _item(resource)
        for resource in included
        if resource.type == "orderentries" and resource.id is not None
    }


def _card(entry: _Included) -> str | None:
    """The card code of a line's product: its id is the code in Base64 without padding.

    Seen in all public samples and promised nowhere, so what does not read as one is none.
    """
    product = entry.relationships.product if entry.relationships else None
    told = product.data.get("id") if product and isinstance(product.data, dict) else None
    if not isinstance(told, str):
        return None
    try:
        code = base64.b64decode(told + "=" * (-len(told) % 4), validate=True).decode("ascii")
    except (ValueError, UnicodeDecodeError):
        return None
    return code if _CARD.fullmatch(code) else None


def _item(entry: _Included) -> Item:
    """One line; ``offer.code`` is the seller's SKU."""
    told = entry.attributes
    offer = told.offer or _Offer()
    return Item(
        name=offer.name or "",
        sku=text(offer.code),
        quantity=pieces(told.quantity),
        price=told.total_price,
        card=_card(entry),
    )


def _full_name(customer: _Customer) -> str | None:
    """First name first: ``name`` is often null, ``lastName`` often one letter."""
    if first := text(customer.first_name):
        return " ".join(filter(None, [first, text(customer.last_name)]))
    return text(customer.name)


# -- what we read ourselves


class _Meta(Struct, frozen=True, rename="camel"):
    page_count: Any = None


class _RawDocument(Struct, frozen=True):
    """``meta`` holds ``pageCount``; there is no ``totalPages``, whatever some clients read."""

    data: list[Raw] | Raw | None = None
    included: list[Raw] | Raw | None = None
    meta: _Meta | None = None


class _AnyResource(Struct, frozen=True):
    """An order's resource, whatever its parts are."""

    attributes: dict[str, Any]
    type: str = "orders"
    id: Any = None
    relationships: Any = None


_whole = msgspec.json.Decoder(_Resource, strict=False)
_any = msgspec.json.Decoder(_AnyResource)
_one_included = msgspec.json.Decoder(_Included, strict=False)


def page_of(body: bytes, *, shop_id: str) -> Page:
    """The orders on a page of ``GET /orders``.

    Raises Refused for what is no such page, as a page of HTML.
    """
    document = decode(_sound(body), _RawDocument)
    if not isinstance(document.data, list):
        raise Refused("Kaspi's answer holds no list of orders", code="unknown_body")
    entries = _entries(_readable(document.included))
    told = [_leniently(raw, entries, shop_id) for raw in document.data]
    orders = tuple(one for one in told if one is not None)
    count = amount(document.meta.page_count) if document.meta else None
    return Page(orders=orders, pages=int(count or 0), unreadable=len(told) - len(orders))


def entries_of(body: bytes) -> tuple[Item, ...]:
    """The lines in an answer of ``GET /orders/{id}/entries``. Raises Refused for another body."""
    document = decode(_sound(body), _RawDocument)
    if not isinstance(document.data, list):
        raise Refused("Kaspi's answer holds no list of order lines", code="unknown_body")
    return tuple(map(_item, _readable(document.data)))


def _sound(body: bytes) -> bytes:
    """``body`` with what is no text in it replaced: half an emoji in one buyer's name must not hide
    a page of orders.
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        body = body.decode(errors="replace").encode()
    return _HALF.sub(rb"\\ufffd", body)


_HALF = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
"""Half of a pair of escapes."""


def _readable(resources: object) -> list[_Included]:
    found: list[_Included] = []
    for raw in resources if isinstance(resources, list) else []:
        try:
            found.append(_one_included.decode(raw))
        except msgspec.DecodeError:
            continue
    return found


def _leniently(raw: Raw, entries: Mapping[str, Item], shop_id: str) -> Told | None:
    """An order, or as much of it as can be read; None for what has no number."""
    try:
        return _read(_whole.decode(raw), entries, shop_id)
    except (msgspec.DecodeError, Refused):
        pass
    try:
        resource = _in_part(_any.decode(raw))
        return _read(resource, entries, shop_id)
    except (msgspec.DecodeError, Refused, RecursionError):
        return None


def _read(resource: _Resource, entries: Mapping[str, Item], shop_id: str) -> Told:
    told = _of_resource(resource, _lines(resource, entries, alone=False), shop_id=shop_id, where="")
    return msgspec.structs.replace(told, order=msgspec.structs.replace(told.order, source=READ))


def _in_part(told: _AnyResource) -> _Resource:
    """The parts of an order that can be read. Of one whose flags cannot, it is not known how far it
    is, but for statuses that need none.
    """
    sound = {name: value for name, value in told.attributes.items() if _is_sound(name, value)}
    lost = {name for name, value in told.attributes.items() if value and name not in sound}
    if lost & _FLAGS and sound.get("status") not in NEED_NO_FLAGS:
        sound.pop("status", None)
    try:
        relationships = msgspec.convert(told.relationships, _Relationships | None, strict=False)
    except msgspec.ValidationError:
        relationships = None
    return _Resource(
        attributes=msgspec.convert(sound, _Attributes, strict=False),
        type=told.type,
        id=text(told.id),
        relationships=relationships,
    )


_FLAGS = frozenset({"signatureRequired", "assembled", "kaspiDelivery"})
"""Attributes that decide, with the status, where an order is."""


def _is_sound(name: str, value: object) -> bool:
    """Whether an attribute is what it should be; those nobody knows are."""
    if name == "creationDate":
        return moment_or_none(value) is not None
    try:
        msgspec.convert({"code": 0, name: value}, _Attributes, strict=False)
    except msgspec.ValidationError:
        return False
    return True
