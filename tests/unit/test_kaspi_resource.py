"""Kaspi's own order resource, as its Shop API shows it and as it may be posted to us."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from app.domain.events import Address, Fact, Item, Order, OrderChanged, Stage
from app.errors import Refused
from app.gateways.kaspi import OrdersPush, WithoutPhone, read_order_webhook
from app.gateways.kaspi_wire import stage_of

NOW = datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)
MEMORY = Item(name="Подушка Memory 50x70", sku="118200345_55", quantity=2, price=17980.0)


def changed(order: Order, name: str | None) -> OrderChanged:
    return OrderChanged(
        id=f"order:altyn:{order.code}:{order.stage}",
        at=NOW,
        received_at=NOW,
        order=order,
        customer_name=name,
    )


def fact(order: Order, name: str | None) -> Fact:
    return Fact(person=Address(phone="77051112233"), event=changed(order, name))


def webhook(body: Any) -> OrdersPush:
    return read_order_webhook(json.dumps(body).encode(), received_at=NOW, shop_id="altyn")


def resource(code: str = "731000003", **attributes: Any) -> dict[str, Any]:
    return {
        "type": "orders",
        "id": base64.b64encode(code.encode()).decode().rstrip("="),
        "attributes": {
            "code": code,
            "creationDate": 1794801600000,
            "totalPrice": 21980.0,
            "status": "APPROVED_BY_BANK",
            "state": "NEW",
            "signatureRequired": False,
            "assembled": False,
            "kaspiDelivery": {"waybill": None, "courierTransmissionDate": None, "express": False},
            "customer": {
                "id": "NzA1",
                "name": None,
                "cellPhone": "7051112233",
                "firstName": "САМАЛ",
                "lastName": "Т",
            },
            **attributes,
        },
        "relationships": {
            "entries": {"data": [{"type": "orderentries", "id": f"{code}##{n}"} for n in (0, 1)]},
            "user": {"data": {"type": "customers", "id": "NzA1"}},
        },
        "links": {"self": "https://kaspi.example/orders/1"},
    }


def entry(ref: str, name: str, **attributes: Any) -> dict[str, Any]:
    return {
        "type": "orderentries",
        "id": ref,
        "attributes": {
            "offer": {"code": "118200345_55", "name": name},
            "quantity": 2,
            "totalPrice": 17980.0,
            "basePrice": 8990.0,
            **attributes,
        },
    }


def paid(code: str = "731000003", *, items: tuple[Item, ...] = ()) -> Order:
    return Order(
        code=code,
        shop="altyn",
        stage=Stage.PAID,
        items=items,
        total=21980.0,
        created_at=datetime(2026, 11, 16, 4, 0, tzinfo=UTC),
        source="kaspi",
    )


def test_kaspis_resource_is_a_fact_with_its_lines() -> None:
    included = [
        entry("731000003##1", "Наволочка", offer={"code": 55, "name": "Наволочка"}, quantity=1.0),
        {"type": "customers", "id": "NzA1", "attributes": {"firstName": "Самал"}},
        entry("731000003##0", "Подушка Memory 50x70"),
        entry("731000999##0", "Чужая"),
    ]
    case = Item(name="Наволочка", sku="55", quantity=1, price=17980.0)
    body = {"data": resource(), "included": included, "meta": {"pageCount": 1}}
    expected = fact(paid(items=(MEMORY, case)), "САМАЛ Т")
    assert webhook(body) == OrdersPush(facts=(expected,))


def test_a_list_of_resources_keeps_its_order_and_sets_hidden_phones_apart() -> None:
    hidden = resource("731000004", customer={"firstName": "Айдос", "cellPhone": "0000000000"})
    body = {"data": [resource(), hidden, resource("731000005", customer=None)], "included": []}
    assert webhook(body) == OrdersPush(
        facts=(fact(paid(), "САМАЛ Т"),),
        without_phone=(
            WithoutPhone(event=changed(paid("731000004"), "Айдос"), reason="phone is masked"),
            WithoutPhone(event=changed(paid("731000005"), None), reason="phone is empty"),
        ),
    )


def test_lines_belong_to_the_only_order_when_it_refers_to_none() -> None:
    alone = resource() | {"relationships": None}
    lines = [entry("a", "Подушка Memory 50x70")]
    assert webhook({"data": [alone], "included": lines}).facts == (
        fact(paid(items=(MEMORY,)), "САМАЛ Т"),
    )
    both = webhook({"data": [alone, alone], "included": lines})
    assert both.facts == (fact(paid(), "САМАЛ Т"), fact(paid(), "САМАЛ Т"))


def test_an_empty_page_is_nothing() -> None:
    assert webhook({"data": [], "included": []}) == OrdersPush()


def test_a_name_is_first_name_first() -> None:
    names = [
        ({"name": "Самал", "cellPhone": "7051112233"}, "Самал"),
        ({"name": "Т Самал", "firstName": "Самал", "cellPhone": "7051112233"}, "Самал"),
        ({"name": " ", "firstName": "", "lastName": "Т", "cellPhone": "7051112233"}, None),
    ]
    for customer, name in names:
        (read,) = webhook({"data": resource(customer=customer)}).facts
        assert read == fact(paid(), name)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"data": None}, "Invalid body: Expected `object | array`, got `null` - at `$.data`"),
        (
            {"data": [resource(), {"attributes": {}}]},
            "Invalid body: Object missing required field `code` - at `$.data[1].attributes`",
        ),
        (
            {"data": resource(totalPrice="21 980")},
            "Invalid body: Expected `float | null`, got `str` - at `$.data.attributes.totalPrice`",
        ),
        ({"data": [resource(), resource() | {"type": "users"}]}, "data[1].type is not orders"),
        ({"data": resource(code="")}, "data[0].attributes.code is empty"),
        (
            {"data": resource(creationDate=0)},
            "data[0].attributes.creationDate is no date (ISO 8601 or epoch milliseconds)",
        ),
    ],
)
def test_a_malformed_resource_is_refused_with_where(body: Any, reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        webhook(body)
    assert refusal.value.reason == reason


STAGES: list[tuple[str | None, dict[str, Any], Stage]] = [
    ("APPROVED_BY_BANK", {}, Stage.PAID),
    ("APPROVED_BY_BANK", {"signatureRequired": True}, Stage.WAITING_FOR_SIGNATURE),
    ("ACCEPTED_BY_MERCHANT", {}, Stage.ACCEPTED),
    ("ACCEPTED_BY_MERCHANT", {"signatureRequired": True}, Stage.ACCEPTED),
    ("ACCEPTED_BY_MERCHANT", {"kaspiDelivery": None, "assembled": None}, Stage.ACCEPTED),
    ("ACCEPTED_BY_MERCHANT", {"assembled": True}, Stage.PACKED),
    ("ACCEPTED_BY_MERCHANT", {"kaspiDelivery": {"waybill": "https://…/1.pdf"}}, Stage.PACKED),
    (
        "ACCEPTED_BY_MERCHANT",
        {"assembled": True, "kaspiDelivery": {"courierTransmissionDate": 1794900000000}},
        Stage.HANDED_OVER,
    ),
    ("COMPLETED", {"state": "KASPI_DELIVERY"}, Stage.DELIVERED),
    ("CANCELLING", {}, Stage.CANCELLING),
    ("CANCELLED", {}, Stage.CANCELLED),
    ("KASPI_DELIVERY_RETURN_REQUESTED", {}, Stage.RETURN_REQUESTED),
    ("RETURN_ACCEPTED_BY_MERCHANT", {}, Stage.RETURN_REQUESTED),
    ("RETURNED", {}, Stage.RETURNED),
    ("SOMETHING_NEW", {}, Stage.UNKNOWN),
    ("", {}, Stage.UNKNOWN),
    (None, {"state": "ARCHIVE"}, Stage.UNKNOWN),
]


@pytest.mark.parametrize(("kaspi", "flags", "ours"), STAGES)
def test_the_stage_is_status_and_flags(
    kaspi: str | None, flags: dict[str, Any], ours: Stage
) -> None:
    (read,) = webhook({"data": resource(status=kaspi, **flags)}).facts
    assert isinstance(read.event, OrderChanged)
    assert read.event.order.stage == ours


def test_a_status_without_flags() -> None:
    assert stage_of("ACCEPTED_BY_MERCHANT", waybill=True, handed_over=True) == Stage.HANDED_OVER


@pytest.mark.parametrize(
    ("product", "card"),
    [
        ("MTE4MjAwMzQ1", "118200345"), ("MTE4MjAwMzQ1MQ", "1182003451"), ("не base64", None),
        ("YWJjZGVm", None), (None, None), (7, None), ("", None),
    ],
)  # fmt: skip
def test_the_card_code_of_a_line_is_read_from_its_products_id(
    product: object, card: str | None
) -> None:
    line = entry("731000003##0", "Подушка Memory 50x70")
    line["relationships"] = {"product": {"data": {"type": "masterproducts", "id": product}}}
    (told,) = webhook({"data": resource(), "included": [line]}).facts
    assert told == fact(paid(items=(replace(MEMORY, card=card),)), "САМАЛ Т")


@pytest.mark.parametrize(
    ("told", "planned"),
    [(1795018800000, datetime(2026, 11, 18, 16, 20, tzinfo=UTC)), (None, None), ("завтра", None),
     (-1, None)],
)  # fmt: skip
def test_the_day_an_order_is_planned_for_is_kept_and_nonsense_is_no_fault(
    told: object, planned: datetime | None
) -> None:
    (one,) = webhook({"data": resource(plannedDeliveryDate=told)}).facts
    assert one == fact(replace(paid(), planned_at=planned), "САМАЛ Т")
