"""How Kaspi spells orders: statuses, the order resource of Shop API v2, and values as they come.

``GET /orders`` answers a JSON:API document; the same resource may be posted to us.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from app.domain.events import Item, Order, Stage
from app.errors import Refused

_ALMATY = ZoneInfo("Asia/Almaty")  # Kaspi's own time, where a date names none
_MILLISECONDS = 1000
_CARD = re.compile(r"[0-9]{6,15}")
_BEFORE_KASPI = datetime(2010, 1, 1, tzinfo=UTC)  # an earlier order is nonsense: seconds, or zero

_STAGES = {
    "COMPLETED": Stage.DELIVERED,
    "CANCELLING": Stage.CANCELLING,
    "CANCELLED": Stage.CANCELLED,
    "KASPI_DELIVERY_RETURN_REQUESTED": Stage.RETURN_REQUESTED,
    "RETURN_ACCEPTED_BY_MERCHANT": Stage.RETURN_REQUESTED,
    "RETURNED": Stage.RETURNED,
}
"""Kaspi's statuses that need no flags."""

Told: TypeAlias = tuple[Order, str | None, object]
"""An order, the customer's name, and the phone as it was written."""


def stage_of(
    status: str | None,
    *,
    signature_required: bool = False,
    assembled: bool = False,
    waybill: bool = False,
    handed_over: bool = False,
) -> Stage:
    """Where an order is by Kaspi's status and flags; its ``state`` (a cabinet tab) is not asked.

    A status we do not know is UNKNOWN, never an error.
    """
    match status:
        case "APPROVED_BY_BANK":
            return Stage.WAITING_FOR_SIGNATURE if signature_required else Stage.PAID
        case "ACCEPTED_BY_MERCHANT" if handed_over:
            return Stage.HANDED_OVER
        case "ACCEPTED_BY_MERCHANT":
            return Stage.PACKED if assembled or waybill else Stage.ACCEPTED
        case _:
            return _STAGES.get(status or "", Stage.UNKNOWN)


# -- Kaspi's own order resource (GET /orders of Shop API v2)


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
    """The orders of a JSON:API document: ``data`` one or a list, their lines from ``included``."""
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
            handed_over=delivery.courier_transmission_date is not None,
        ),
        items=items,
        total=told.total_price,
        created_at=moment(told.creation_date, f"{where}.attributes.creationDate"),
        source="kaspi",
        planned_at=planned(told.planned_delivery_date),
    )
    customer = told.customer or _Customer()
    return order, _full_name(customer), customer.cell_phone


def _lines(resource: _Resource, entries: dict[str, Item], *, alone: bool) -> tuple[Item, ...]:
    """The lines an order refers to; all there are, when it is alone and refers to none."""
    related = resource.relationships.entries if resource.relationships else None
    if related is None or related.data is None:
        return tuple(entries.values()) if alone else ()
    return tuple(entries[entry.id] for entry in related.data if entry.id in entries)


def _entries(included: list[_Included]) -> dict[str, Item]:
    """The order lines among what was included, by id."""
    return {
        resource.id: _item(resource.attributes, card=_card(resource))
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


def _item(told: _EntryAttributes, *, card: str | None) -> Item:
    """One line; ``offer.code`` is the seller's SKU."""
    offer = told.offer or _Offer()
    return Item(
        name=offer.name or "",
        sku=text(offer.code),
        quantity=pieces(told.quantity),
        price=told.total_price,
        card=card,
    )


def _full_name(customer: _Customer) -> str | None:
    """First name first: ``name`` is often null, ``lastName`` often one letter."""
    if first := text(customer.first_name):
        return " ".join(filter(None, [first, text(customer.last_name)]))
    return text(customer.name)


# -- values as they come

Body = TypeVar("Body", bound=Struct)


def decode(body: bytes, shape: type[Body]) -> Body:
    """``body`` as ``shape``; Refused says where it is not, without repeating what stands there."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise Refused(f"Invalid body: {error}", code="bad_body") from None
    except (ValueError, RecursionError):
        raise Refused("Invalid JSON", code="bad_json") from None


LONGEST_CODE = 64
"""Characters of an order's number; Kaspi's have nine."""

LARGEST = 1e12
"""Tenge, or pieces, that are still believed."""


def code_of(told: str | int, where: str) -> str:
    """An order's number, which is kept as text; Refused when there is nothing in it."""
    code = text(told)
    if code is None:
        raise Refused(f"{where} is empty", code="bad_body")
    if len(code) > LONGEST_CODE or not code.isprintable():
        raise Refused(f"{where} is no order number", code="bad_body")
    return code


def text(told: object) -> str | None:
    """Text or a whole number as text, None when there is nothing in it."""
    if isinstance(told, int) and not isinstance(told, bool):
        return str(told)
    return (told.strip() or None) if isinstance(told, str) else None


def amount(told: object) -> float | None:
    """A number, also one written as ``15 990,00``; None when it is none."""
    if isinstance(told, str):
        told = "".join(told.split()).replace(",", ".").rstrip("₸")
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return None
    try:
        value = float(told)
    except (ValueError, OverflowError):
        return None
    return value if 0 <= value <= LARGEST else None


def pieces(quantity: float | None) -> int:
    """How many; goods by weight or of no number count as one."""
    return max(1, int(quantity)) if quantity is not None else 1


def planned(told: object) -> datetime | None:
    """When an order is planned to arrive; a date that cannot be read is not told, and no fault."""
    try:
        return moment(told, "") if isinstance(told, datetime | int | float) else None
    except Refused:
        return None


def moment(told: datetime | float | None, where: str) -> datetime | None:
    """A date (Almaty's where it names no zone) or epoch milliseconds, in UTC."""
    if told is None:
        return None
    try:
        if isinstance(told, datetime):
            at = (told if told.tzinfo else told.replace(tzinfo=_ALMATY)).astimezone(UTC)
        else:
            at = datetime.fromtimestamp(told / _MILLISECONDS, UTC)
    except (ValueError, OverflowError, OSError):
        at = _BEFORE_KASPI
    if at <= _BEFORE_KASPI:
        raise Refused(f"{where} is no date (ISO 8601 or epoch milliseconds)", code="bad_body")
    return at
