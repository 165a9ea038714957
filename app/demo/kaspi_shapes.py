"""The JSON:API bodies of Kaspi's Shop API v2, and what they are made of."""

from base64 import b64encode
from typing import Any, TypeAlias

import msgspec

from app.demo.server import Json

Body: TypeAlias = dict[str, Any]

MASKED_PHONE = "+0(000)-000-00-00"
_BASE = "https://kaspi.kz/shop/api/v2"


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


class Order(msgspec.Struct, kw_only=True):
    """An order and where it is now."""

    code: str
    buyer: Buyer
    items: tuple[Item, ...]
    created: int
    state: str = "NEW"
    status: str = "APPROVED_BY_BANK"
    assembled: bool = False
    handed_over: int | None = None
    cancellation_reason: str | None = None

    @property
    def total(self) -> float:
        """Price of all entries, in tenge."""
        return sum(item.price * item.quantity for item in self.items)


def opaque_id(text: str) -> str:
    """Kaspi's id of a code: Base64 without padding."""
    return b64encode(text.encode()).decode().rstrip("=")


def order_resource(order: Order, *, masked: bool) -> Body:
    """An order as GET /orders lists it; `masked`: without the buyer's phone."""
    own_id = opaque_id(order.code)
    customer = customer_of(order, masked=masked)
    entries = [{"type": "orderentries", "id": entry["id"]} for entry in entries_of(order)]
    user = {"type": "customers", "id": customer["id"]}
    return {
        "type": "orders",
        "id": own_id,
        "attributes": _attributes(order, customer),
        "relationships": {
            "entries": _link(f"orders/{own_id}", "entries", entries),
            "user": _link(f"orders/{own_id}", "user", user),
        },
        "links": {"self": f"{_BASE}/orders/{own_id}"},
    }


def customer_of(order: Order, *, masked: bool) -> Body:
    """The buyer as Kaspi shows him; any name may be absent."""
    buyer = order.buyer
    return {
        "id": opaque_id(buyer.phone or order.code),
        "name": None,
        "cellPhone": MASKED_PHONE if masked else buyer.phone,
        "firstName": buyer.first_name,
        "lastName": buyer.last_name,
    }


def _attributes(order: Order, customer: Body) -> Body:
    cancelled = order.cancellation_reason
    return {
        "code": order.code,
        "creationDate": order.created,
        "totalPrice": order.total,
        "deliveryCostForSeller": 0.0,
        "isKaspiDelivery": True,
        "preOrder": False,
        "approvedByBankDate": order.created + 1400,
        "signatureRequired": False,
        "status": order.status,
        "pickupPointId": "30000001_PP1",
        "state": order.state,
        "deliveryCost": 0.0,
        "customer": customer,
        "deliveryAddress": {"town": "Алматы", "formattedAddress": "Алматы, ", "streetName": None},
        "kaspiDelivery": {
            "waybill": None,
            "courierTransmissionDate": order.handed_over,
            "courierTransmissionPlanningDate": order.created + 86_400_000,
            "waybillNumber": None,
            "express": False,
            "returnedToWarehouse": False,
            "firstMileCourier": None,
        },
        "assembled": order.assembled,
        "deliveryMode": "DELIVERY_PICKUP",
        "paymentMode": "PREPAID",
    } | ({"cancellationReason": cancelled} if cancelled else {})


def entries_of(order: Order) -> list[Body]:
    """The order's entries as /orders/{id}/entries lists them."""
    return [_entry(order, number, item) for number, item in enumerate(order.items)]


def entry_id(order: Order, number: int) -> str:
    """The opaque id of one entry."""
    return opaque_id(f"{order.code}##{number}")


def _entry(order: Order, number: int, item: Item) -> Body:
    own_id = entry_id(order, number)
    product = {"type": "masterproducts", "id": opaque_id(item.card)}
    return {
        "type": "orderentries",
        "id": own_id,
        "attributes": {
            "unitType": "PIECES",
            "offer": {"code": item.sku, "name": item.name, "isImeiRequired": False},
            "quantity": item.quantity,
            "totalPrice": item.price * item.quantity,
            "weight": 0.0,
            "entryNumber": number,
            "category": {"code": "Master - Goods", "title": item.category},
            "deliveryCost": 0.0,
            "basePrice": item.price,
            "isImeiRequired": False,
        },
        "relationships": {"product": _link(f"orderentries/{own_id}", "product", product)},
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


def _link(owner: str, name: str, data: Json) -> Body:
    links = {"self": f"{_BASE}/{owner}/relationships/{name}", "related": f"{_BASE}/{owner}/{name}"}
    return {"links": links, "data": data}
