"""How Kaspi and dempers spell things: statuses of orders, numbers, dates, names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from app.domain.events import Delivery, Stage
from app.errors import Refused

_ALMATY = ZoneInfo("Asia/Almaty")  # Kaspi's own time, where a date names none
_MILLISECONDS = 1000
_BEFORE_KASPI = datetime(2010, 1, 1, tzinfo=UTC)  # an earlier order is nonsense: seconds, or zero

_STAGES = {
    "COMPLETED": Stage.DELIVERED,
    "CANCELLING": Stage.CANCELLING,
    "CANCELLED": Stage.CANCELLED,
    "KASPI_DELIVERY_RETURN_REQUESTED": Stage.RETURN_REQUESTED,
    "RETURN_ACCEPTED_BY_MERCHANT": Stage.RETURN_REQUESTED,
    "RETURNED": Stage.RETURNED,
}

NEED_NO_FLAGS = frozenset(_STAGES)
"""Kaspi's statuses that mean the same whatever the rest of an order says."""


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


def delivery_of(mode: str | None, *, by_kaspi: bool | None) -> Delivery | None:
    """Who brings an order, by Kaspi's ``deliveryMode`` and ``isKaspiDelivery``.

    ``DELIVERY_PICKUP`` with Kaspi's delivery is a locker (Postomat), without it a pickup. None for
    a mode nobody knows, where Kaspi does not say that it delivers.
    """
    match mode:
        case "DELIVERY_POSTOMAT":
            return Delivery.POSTOMAT
        case "DELIVERY_PICKUP":
            return Delivery.POSTOMAT if by_kaspi else Delivery.PICKUP
        case "DELIVERY_REGIONAL_PICKUP" if not by_kaspi:
            return Delivery.PICKUP
        case "DELIVERY_LOCAL" if not by_kaspi:
            return Delivery.OWN
        case _:
            return Delivery.KASPI if by_kaspi else None


BY_THE_SHOP = frozenset({"MERCHANT_OUT_OF_STOCK"})
"""Reasons of a cancellation that are the shop's: it could not fulfil the order."""


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


MADE = "x-"
"""How the number of an order begins that we made, for one that was told without any."""

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
    """How many; goods by weight, and of no number that is believed, count as one."""
    return max(1, int(quantity)) if quantity is not None and quantity <= LARGEST else 1


def moment_or_none(told: object) -> datetime | None:
    """A date; one that cannot be read is not told, and no fault."""
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
