"""The JSON:API bodies of Kaspi's Shop API v2, and what they are made of."""

from base64 import b64decode, b64encode
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, structs

from app.demo.server import Json

Body: TypeAlias = dict[str, Any]

MASKED_PHONE = "+0(000)-000-00-00"
MASK_FORMS: tuple[str | None, ...] = (MASKED_PHONE, "0000000000", "+70000000000", "", None)
"""How a hidden phone was met."""

_BASE = "https://kaspi.kz/shop/api/v2"
_DAY_MS = 24 * 3600 * 1000
_POINT = "PP1"


class Delivery(StrEnum):
    """How an order gets to its buyer."""

    POSTOMAT = "postomat"
    TO_DOOR = "to_door"
    CITY = "city"
    OWN = "own"
    PICKUP = "pickup"

    @property
    def mode(self) -> str:
        """Kaspi's `deliveryMode`."""
        return _MODES[self]

    @property
    def by_kaspi(self) -> bool:
        """Kaspi's `isKaspiDelivery`."""
        return self not in {Delivery.OWN, Delivery.PICKUP}

    @property
    def state(self) -> str:
        """The tab where an accepted order lies."""
        return {Delivery.OWN: "DELIVERY", Delivery.PICKUP: "PICKUP"}.get(self, "KASPI_DELIVERY")


_MODES = {
    Delivery.POSTOMAT: "DELIVERY_PICKUP",
    Delivery.TO_DOOR: "DELIVERY_REGIONAL_TODOOR",
    Delivery.CITY: "DELIVERY_LOCAL",
    Delivery.OWN: "DELIVERY_LOCAL",
    Delivery.PICKUP: "DELIVERY_PICKUP",
}


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of an order: `sku` is the seller's code, `card` Kaspi's, `price` that of one."""

    sku: str
    name: str
    price: float
    card: str = "102529963"
    quantity: int = 1
    category: str = "Куртки мужские"


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """Who ordered; `phone` in whatever form Kaspi should give it."""

    phone: str | None
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None


class Moves(msgspec.Struct, frozen=True, kw_only=True):
    """When an order goes on by itself: seconds after it was placed or signed; None: never."""

    accepted: float | None = None
    assembled: float | None = None
    handed_over: float | None = None
    delivered: float | None = None


class Order(msgspec.Struct, kw_only=True):
    """An order and where it is now; all moments in epoch ms.

    Whatever stands in `overrides` takes the place of the attribute of that name, whether it is
    sound or not; UNSET takes it away. `returned_to_warehouse` is as unreliable as Kaspi's own:
    nothing here sets it.
    """

    code: str
    buyer: Buyer
    items: tuple[Item, ...]
    created: int
    delivery: Delivery = Delivery.POSTOMAT
    state: str = "NEW"
    status: str = "APPROVED_BY_BANK"
    needs_signature: bool = False
    reserved_until: int | None = None
    express: bool = False
    assembled: bool = False
    handed_over: int | None = None
    planned: int | None = None
    returned_to_warehouse: bool = False
    cancellation_reason: str | None = None
    moves: Moves = Moves()
    moving_since: int = 0
    gone: dict[int, int] = msgspec.field(default_factory=dict)
    """Units cancelled, by the number of their entry."""
    overrides: Body = msgspec.field(default_factory=dict)

    @property
    def entries(self) -> list[tuple[int, Item]]:
        """What is left of the items, each with the number of its entry."""
        kept = [(n, item.quantity - self.gone.get(n, 0)) for n, item in enumerate(self.items)]
        return [(n, structs.replace(self.items[n], quantity=left)) for n, left in kept if left > 0]

    @property
    def total(self) -> float:
        """Price of all entries, in tenge."""
        return sum(item.price * item.quantity for _, item in self.entries)


def opaque_id(text: str) -> str:
    """Kaspi's id of a code: Base64 without padding."""
    return b64encode(text.encode()).decode().rstrip("=")


def plain(opaque: str) -> str:
    """The code an id was made of; empty for what is no id."""
    try:
        return b64decode(opaque + "=" * (-len(opaque) % 4), validate=True).decode()
    except ValueError:
        return ""


def order_resource(order: Order, *, phone: str | None) -> Body:
    """An order as GET /orders lists it; `phone` is what Kaspi gives for the buyer's."""
    own_id = opaque_id(order.code)
    customer = customer_of(order, phone=phone)
    entries = [{"type": "orderentries", "id": entry["id"]} for entry in entries_of(order)]
    user = {"type": "customers", "id": customer["id"]}
    shown = _attributes(order, customer) | order.overrides
    return {
        "type": "orders",
        "id": own_id,
        "attributes": {name: value for name, value in shown.items() if value is not UNSET},
        "relationships": {
            "entries": _link(f"orders/{own_id}", "entries", entries),
            "user": _link(f"orders/{own_id}", "user", user),
        },
        "links": {"self": f"{_BASE}/orders/{own_id}"},
    }


def customer_of(order: Order, *, phone: str | None) -> Body:
    """The buyer as Kaspi shows him; any name may be absent."""
    buyer = order.buyer
    return {
        "id": opaque_id(buyer.phone or order.code),
        "name": buyer.name,
        "cellPhone": phone,
        "firstName": buyer.first_name,
        "lastName": buyer.last_name,
    }


def _attributes(order: Order, customer: Body) -> Body:
    always = {
        "code": order.code,
        "creationDate": order.created,
        "totalPrice": float(order.total),
        "deliveryCostForSeller": 0.0,
        "isKaspiDelivery": order.delivery.by_kaspi,
        "preOrder": order.reserved_until is not None,
        "approvedByBankDate": order.created + 1400,
        "signatureRequired": order.needs_signature,
        "status": order.status,
        "pickupPointId": f"30000001_{_POINT}",
        "state": order.state,
        "deliveryCost": 0.0,
        "customer": customer,
        "deliveryMode": order.delivery.mode,
        "paymentMode": "PAY_WITH_CREDIT" if order.needs_signature else "PREPAID",
    }
    return always | _by_kaspi(order) | _if_any(order)


def _by_kaspi(order: Order) -> Body:
    """The parts which an order that Kaspi does not deliver has not."""
    if not order.delivery.by_kaspi:
        return {}
    return {
        "deliveryAddress": _address("Алматы", "Алматы, "),
        "originAddress": {
            "id": opaque_id(f"30000001_{_POINT}"),
            "displayName": _POINT,
            "address": _address("г. Алматы", "г. Алматы, улица Сатпаева, 22/1"),
            "city": {
                "id": opaque_id("750000000"),
                "code": "750000000",
                "name": "Алматы",
                "active": True,
            },
        },
        "kaspiDelivery": _courier(order),
        "assembled": order.assembled,
    }


def _address(town: str, formatted: str) -> Body:
    unsaid = ("streetName", "streetNumber", "district", "building", "apartment")
    where: Body = {"latitude": 43.236, "longitude": 76.933}
    return {"town": town, "formattedAddress": formatted} | dict.fromkeys(unsaid) | where


def _courier(order: Order) -> Body:
    number = f"1{order.code}" if order.assembled else None
    # The paper is there only while it is needed; its number stays.
    paper = order.assembled and order.status == "ACCEPTED_BY_MERCHANT"
    return {
        "waybill": f"{_BASE}/waybill/{number}" if paper else None,
        "courierTransmissionDate": order.handed_over,
        # Kaspi writes the fact over the plan.
        "courierTransmissionPlanningDate": order.handed_over or order.created + _DAY_MS,
        "waybillNumber": number,
        "express": order.express,
        "returnedToWarehouse": order.returned_to_warehouse,
        "firstMileCourier": None,
    }


def _if_any(order: Order) -> Body:
    """The attributes that are missing while there is nothing to say."""
    said = {
        "cancellationReason": order.cancellation_reason,
        "reservationDate": order.reserved_until,
        "creditTerm": 6 if order.needs_signature else None,
        "plannedDeliveryDate": _planned(order),
    }
    return {name: value for name, value in said.items() if value is not None}


def _planned(order: Order) -> int | None:
    known = order.handed_over or order.state == "DELIVERY"
    return order.planned or (order.created + 4 * _DAY_MS if known else None)


def entries_of(order: Order) -> list[Body]:
    """The order's entries as /orders/{id}/entries lists them."""
    return [_entry(order, number, item) for number, item in order.entries]


def entry_id(order: Order, number: int) -> str:
    """The opaque id of one entry."""
    return opaque_id(f"{order.code}##{number}")


def _entry(order: Order, number: int, item: Item) -> Body:
    own_id = entry_id(order, number)
    product = {"type": "masterproducts", "id": opaque_id(item.card)}
    point = {"type": "pointofservices", "id": opaque_id(f"30000001_{_POINT}")}
    return {
        "type": "orderentries",
        "id": own_id,
        "attributes": {
            "unitType": "PIECES",
            "offer": {"code": item.sku, "name": item.name, "isImeiRequired": False},
            "quantity": item.quantity,
            "totalPrice": float(item.price * item.quantity),
            "weight": 0.0,
            "entryNumber": number,
            "category": {"code": "Master - Goods", "title": item.category},
            "deliveryCost": 0.0,
            "basePrice": float(item.price),
            "isImeiRequired": False,
        },
        "relationships": {
            "product": _link(f"orderentries/{own_id}", "product", product),
            "deliveryPointOfService": _link(
                f"orderentries/{own_id}", "deliveryPointOfService", point
            ),
        },
        "links": {"self": f"{_BASE}/orderentries/{own_id}"},
    }


def product_of(item: Item) -> Body:
    """Kaspi's own card of an item."""
    own_id = opaque_id(item.card)
    about = {"code": item.card, "name": item.name, "manufacturer": None, "category": item.category}
    return {
        "type": "masterproducts",
        "id": own_id,
        "attributes": about,
        "relationships": {
            "merchantProduct": _link(f"masterproducts/{own_id}", "merchantProduct", None)
        },
        "links": {"self": f"{_BASE}/masterproducts/{own_id}"},
    }


def merchant_product_of(item: Item) -> Body:
    """The seller's own name and code of an item."""
    return {
        "type": "merchantproducts",
        "id": opaque_id(item.sku),
        "attributes": {"code": item.sku, "name": item.name, "manufacturer": None},
    }


def point_of_service() -> Body:
    """The shop's one warehouse."""
    about = {"displayName": _POINT, "address": _address("г. Алматы", "г. Алматы, Сатпаева, 22/1")}
    return {"type": "pointofservices", "id": opaque_id(f"30000001_{_POINT}"), "attributes": about}


def _link(owner: str, name: str, data: Json) -> Body:
    links = {"self": f"{_BASE}/{owner}/relationships/{name}", "related": f"{_BASE}/{owner}/{name}"}
    return {"links": links, "data": data}
