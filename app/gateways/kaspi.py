"""Bodies about Kaspi's orders -> facts: a demper's push, our order webhook, Kaspi's own JSON:API.

Kaspi itself posts nothing; a demper posts ``/event_handler``, and whoever polls Kaspi may post
``/webhooks/kaspi``. A fact's id is made of shop, order number and stage, so the same step of an
order is the same fact through whichever door it comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field
from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

from app.domain.conversation import derive_id
from app.domain.events import Address, Delivery, Fact, Item, Order, OrderChanged, Stage
from app.errors import Refused
from app.gateways.kaspi_resources import Told, orders_of
from app.gateways.kaspi_wire import (
    BY_THE_SHOP,
    MADE,
    amount,
    code_of,
    decode,
    moment,
    pieces,
    stage_of,
    text,
)
from app.gateways.phones import kazakh_mobile

_DEMPER_STAGES = {"POST_PURCHASE": Stage.PAID, "ORDER_DELIVERED": Stage.DELIVERED}


class UnknownStage(Struct, frozen=True, kw_only=True):
    """A demper's stage we do not serve."""

    stage: str


class DemperPush(Struct, frozen=True, kw_only=True):
    """A demper's push that is a fact; ``order_id`` is the number it gave or we made."""

    order_id: str
    fact: Fact


class WithoutPhone(Struct, frozen=True, kw_only=True):
    """An order nobody can be written to about: Kaspi hid the phone. A normal outcome."""

    event: OrderChanged
    reason: str


class OrdersPush(Struct, frozen=True, kw_only=True):
    """What an order webhook tells."""

    facts: tuple[Fact, ...] = ()
    without_phone: tuple[WithoutPhone, ...] = ()

    @property
    def shops(self) -> frozenset[str]:
        """The shops it speaks of."""
        events = [fact.event for fact in self.facts] + [each.event for each in self.without_phone]
        return frozenset(e.order.shop for e in events if isinstance(e, OrderChanged))


def verify_kaspi(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether ``body`` carries a Standard Webhooks signature of ``secret`` not older than 5 min.

    False, never an exception, for whatever a stranger may send and for an unusable secret.
    """
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, EmptyWebhookSecretError, ValueError):
        return False
    return True


# -- the demper's push


class _DemperCustomer(Struct, frozen=True):
    phone: Any = None
    name: Any = None


class _DemperOrder(Struct, frozen=True):
    sku: Any = None
    product_sku: Any = None
    product_name: Any = None
    quantity: Any = None
    total_amount: Any = None
    order_id: Any = None


class _Push(Struct, frozen=True):
    waha_stage_id: Any = None
    customer: _DemperCustomer | None = None
    order: _DemperOrder | None = None


def read_demper(body: bytes, *, received_at: datetime, shop_id: str) -> DemperPush | UnknownStage:
    """The fact in a demper's ``POST /event_handler``. The body names no shop and no time.

    Everything but the stage and the phone may be missing or of another type. Raises Refused
    with what is wrong: ``Invalid JSON``, ``waha_stage_id is missing``, ``customer.phone …``.
    """
    push = decode(body, _Push)
    stage_id = text(push.waha_stage_id)
    if stage_id is None:
        raise Refused("waha_stage_id is missing", code="no_stage")
    stage = _DEMPER_STAGES.get(stage_id.upper())
    if stage is None:
        return UnknownStage(stage=stage_id)
    customer, told = push.customer or _DemperCustomer(), push.order or _DemperOrder()
    phone = _phone_of(customer.phone, of_order=text(told.order_id))
    item = _demper_item(told)
    order = Order(
        code=_code_of(told) or _made_code(phone, item, received_at),
        shop=shop_id,
        stage=stage,
        items=(item,) if item else (),
        total=amount(told.total_amount),
    )
    event = _changed(order, text(customer.name), received_at)
    return DemperPush(order_id=order.code, fact=Fact(person=Address(phone=phone), event=event))


_NO_CODE = frozenset({"none", "null", "nan", "undefined", "0"})


def _code_of(told: _DemperOrder) -> str | None:
    """The order's number; None where a demper wrote that it knows none."""
    code = text(told.order_id)
    if code is None or code.casefold() in _NO_CODE:
        return None
    return code_of(code, "order.order_id")


def _phone_of(written: object, *, of_order: str | None) -> str:
    try:
        return kazakh_mobile(written)
    except Refused as refusal:
        empty = refusal.code == "phone_empty"
        why = "customer.phone is missing" if empty else f"customer.phone: {refusal.reason}"
        raise Refused(why, code=refusal.code, about=of_order) from None


def _demper_item(told: _DemperOrder) -> Item | None:
    sku = text(told.sku) or text(told.product_sku)
    name = text(told.product_name)
    if name is None and sku is None:
        return None
    quantity, price = pieces(amount(told.quantity)), amount(told.total_amount)
    return Item(name=name or "", sku=sku, quantity=quantity, price=price)


def _made_code(phone: str, item: Item | None, received_at: datetime) -> str:
    """A number for an order that has none: told again the same day, it is the same order."""
    what = (item.sku or "", item.name, str(item.price)) if item else ()
    day = received_at.astimezone(UTC).date().isoformat()
    return f"{MADE}{derive_id(phone, *what, day)}"


# -- our own order webhook


class _OurItem(Struct, frozen=True):
    name: str
    sku: str | int | None = None
    quantity: Annotated[float, Meta(ge=1)] = 1
    price: float | None = None
    card: str | int | None = None


class _OurOrder(Struct, frozen=True):
    code: str | int
    stage: str | None = None
    status: str | None = None
    phone: str | float | None = None
    customer_name: str | None = None
    items: list[_OurItem] = field(default_factory=list)
    total: float | None = None
    created_at: datetime | float | None = None
    planned_at: datetime | float | None = None
    delivery: Delivery | None = None
    cancellation_reason: str | None = None


class _OrderStatus(Struct, frozen=True):
    """``{"type":"order.status","shop_id":…,"order":{…}}``."""

    order: _OurOrder
    shop_id: str | None = None


class _Kind(Struct, frozen=True):
    """Enough of a body to tell which of the two it is."""

    type: Any = None
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def read_order_webhook(body: bytes, *, received_at: datetime, shop_id: str) -> OrdersPush:
    """The orders in a ``POST /webhooks/kaspi``: ours (``order.status``) or Kaspi's resources.

    ``shop_id`` is the shop of a body that names none. An order whose phone Kaspi hid is in
    ``without_phone``. Raises Refused with what is wrong and where; nothing is taken then.
    """
    kind = decode(body, _Kind)
    if kind.type == "order.status":
        told = [_of_status(decode(body, _OrderStatus), shop_id)]
    elif kind.data is not msgspec.UNSET:
        told = orders_of(body, shop_id=shop_id)
    else:
        raise Refused('neither "type":"order.status" nor a JSON:API "data"', code="unknown_body")
    facts: list[Fact] = []
    without_phone: list[WithoutPhone] = []
    for one in told:
        event = _changed(one.order, one.name, received_at)
        try:
            facts.append(Fact(person=Address(phone=kazakh_mobile(one.phone)), event=event))
        except Refused as refusal:
            without_phone.append(WithoutPhone(event=event, reason=refusal.reason))
    return OrdersPush(facts=tuple(facts), without_phone=tuple(without_phone))


def _of_status(told: _OrderStatus, shop_id: str) -> Told:
    ours = told.order
    order = Order(
        code=code_of(ours.code, "order.code"),
        shop=text(told.shop_id) or shop_id,
        stage=_our_stage(ours),
        items=tuple(
            Item(
                name=item.name,
                sku=text(item.sku),
                quantity=pieces(item.quantity),
                price=item.price,
                card=text(item.card),
            )
            for item in ours.items
        ),
        total=ours.total,
        created_at=moment(ours.created_at, "order.created_at"),
        source="webhook",
        planned_at=moment(ours.planned_at, "order.planned_at"),
        delivery=ours.delivery,
        cancelled_by_shop=ours.cancellation_reason in BY_THE_SHOP,
    )
    return Told(order=order, name=text(ours.customer_name), phone=ours.phone)


def _our_stage(ours: _OurOrder) -> Stage:
    """``stage`` is a word of ours; ``status`` is Kaspi's, or a word of ours too."""
    if ours.stage is None and ours.status is None:
        raise Refused("order.stage is missing", code="no_stage")
    if ours.stage is None:
        word = (ours.status or "").strip()
        return Stage(word) if word in set(Stage) else stage_of(word.upper())
    if ours.stage not in set(Stage):
        raise Refused(f"order.stage is none of: {', '.join(Stage)}", code="unknown_stage")
    return Stage(ours.stage)


def _changed(order: Order, name: str | None, received_at: datetime) -> OrderChanged:
    """Kaspi tells no time of a change: it happened when we heard of it."""
    return OrderChanged(
        id=f"order:{order.shop}:{order.code}:{order.stage}",
        at=received_at,
        received_at=received_at,
        order=order,
        customer_name=name,
    )
