"""What a demper, an integrator and Kaspi's own resource tell of an order."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from app.domain.events import Address, Fact, Item, Order, OrderChanged, Stage
from app.errors import Refused
from app.gateways.kaspi import (
    DemperPush,
    OrdersPush,
    UnknownStage,
    WithoutPhone,
    read_demper,
    read_order_webhook,
    verify_kaspi,
)

NOW = datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)
MEMORY = Item(name="Подушка Memory 50x70", sku="118200345_55", quantity=2, price=17980.0)


def changed(order: Order, name: str | None) -> OrderChanged:
    return OrderChanged(
        id=f"order:{order.shop}:{order.code}:{order.stage}",
        at=NOW,
        received_at=NOW,
        order=order,
        customer_name=name,
    )


def fact(order: Order, name: str | None, *, phone: str = "77051112233") -> Fact:
    return Fact(person=Address(phone=phone), event=changed(order, name))


# -- the demper


def push(stage: Any = "POST_PURCHASE", **changes: Any) -> dict[str, Any]:
    return {
        "waha_stage_id": stage,
        "customer": {"phone": "77051112233", "name": "Самал Т"},
        "order": {
            "sku": "118200345_55",
            "product_name": "Подушка Memory 50x70",
            "quantity": 2,
            "total_amount": 17980.0,
            "order_id": "731000001",
        },
        **changes,
    }


def demper(body: Any) -> DemperPush | UnknownStage:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_demper(content, received_at=NOW, shop_id="altyn")


def pushed(body: Any) -> Order:
    read = demper(body)
    assert isinstance(read, DemperPush)
    assert isinstance(read.fact.event, OrderChanged)
    return read.fact.event.order


@pytest.mark.parametrize(
    ("stage", "ours"), [("POST_PURCHASE", Stage.PAID), ("ORDER_DELIVERED", Stage.DELIVERED)]
)
def test_a_push_is_a_fact(stage: str, ours: Stage) -> None:
    order = Order(
        code="731000001",
        shop="altyn",
        stage=ours,
        items=(MEMORY,),
        total=17980.0,
        source="demper",
    )
    expected = DemperPush(order_id="731000001", fact=fact(order, "Самал Т"))
    assert demper(push(stage)) == expected
    assert expected.fact.event.id == f"order:altyn:731000001:{ours.value}"


@pytest.mark.parametrize(
    "order",
    [
        {
            "product_sku": "118200345_55",
            "product_name": "Подушка Memory 50x70",
            "quantity": "2",
            "total_amount": "17 980,00 ₸",
            "order_id": 731000001,
        },
        {
            "sku": " 118200345_55 ",
            "product_sku": "another",
            "product_name": "Подушка Memory 50x70\n",
            "quantity": 2.0,
            "total_amount": "17980",
            "order_id": " 731000001 ",
        },
    ],
)
def test_a_push_may_be_written_loosely(order: dict[str, Any]) -> None:
    assert pushed(push(order=order)) == pushed(push())


@pytest.mark.parametrize("phone", ["+7 (705) 111-22-33", "87051112233", 77051112233, 7051112233])
def test_a_push_may_write_the_phone_in_any_way(phone: Any) -> None:
    assert demper(push(customer={"phone": phone, "name": "Самал Т"})) == demper(push())


def test_a_push_of_nulls_still_has_an_order() -> None:
    nulls = dict.fromkeys(("sku", "product_name", "quantity", "total_amount"))
    expected = Order(code="731000001", shop="altyn", stage=Stage.PAID)
    body = push(
        order={**nulls, "order_id": "731000001"}, customer={"phone": "77051112233", "name": None}
    )
    assert demper(body) == DemperPush(order_id="731000001", fact=fact(expected, None))


@pytest.mark.parametrize("amount", [None, "", "много", -5, True, [], {"kzt": 5}])
def test_a_strange_amount_is_no_amount(amount: Any) -> None:
    order = {"product_name": "Подушка", "quantity": amount, "total_amount": amount, "order_id": 1}
    read = pushed(push(order=order))
    assert (read.total, read.items) == (None, (Item(name="Подушка", quantity=1, price=None),))


def test_an_order_without_a_number_gets_one_that_a_retry_gets_too() -> None:
    bare = push(order={"sku": "118200345_55", "product_name": "Подушка", "total_amount": 17980})
    code = pushed(bare).code
    assert code.startswith("x-")
    assert pushed(bare).code == code
    later = read_demper(
        json.dumps(bare).encode(), received_at=NOW + timedelta(days=1), shop_id="altyn"
    )
    other = bare | {"customer": {"phone": "77051112234"}}
    assert isinstance(later, DemperPush)
    assert len({code, later.order_id, pushed(other).code, pushed(push(order=None)).code}) == 4


@pytest.mark.parametrize("stage", ["NURTURING", "post-purchase", "Этап"])
def test_a_stage_we_do_not_serve_is_a_value(stage: str) -> None:
    assert demper(push(stage, customer=None)) == UnknownStage(stage=stage)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "Invalid JSON"),
        (b"{", "Invalid JSON"),
        (b"\xff", "Invalid JSON"),
        (b'{"waha_stage_id":' * 100_000, "Invalid JSON"),
        (b'{"waha_stage_id": NaN}', "Invalid JSON"),
        ([], "Invalid body: Expected `object`, got `array`"),
        ({}, "waha_stage_id is missing"),
        (push(None), "waha_stage_id is missing"),
        (push("  "), "waha_stage_id is missing"),
        (push(["POST_PURCHASE"]), "waha_stage_id is missing"),
        (push(customer=None), "customer.phone is missing"),
        (push(customer={}), "customer.phone is missing"),
        (push(customer={"phone": ""}), "customer.phone is missing"),
        (push(customer={"phone": "+0(000)-000-00-00"}), "customer.phone: phone is masked"),
        (
            push(customer={"phone": "+79161234567"}),
            "customer.phone: not a Kazakhstan mobile number",
        ),
        (
            push(customer="77051112233"),
            "Invalid body: Expected `object | null`, got `str` - at `$.customer`",
        ),
        (push(order=[1]), "Invalid body: Expected `object | null`, got `array` - at `$.order`"),
    ],
)
def test_an_unusable_push_is_refused_with_what_is_wrong(body: Any, reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        demper(body)
    assert (refusal.value.reason, refusal.value.status) == (reason, 400)


# -- our own order webhook


def status(**changes: Any) -> dict[str, Any]:
    order = {
        "code": "731000002",
        "stage": "delivered",
        "phone": "+7 705 111 22 33",
        "customer_name": "Самал",
        "items": [
            {"name": "Подушка Memory 50x70", "sku": "118200345_55", "quantity": 2, "price": 17980}
        ],
        "total": 17980,
        "created_at": "2026-11-16T09:00:00+05:00",
    }
    body = {"type": "order.status", "shop_id": "kumis", "order": {**order, **changes}}
    return body | ({"order": changes["order"]} if "order" in changes else {})


def webhook(body: Any) -> OrdersPush:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_order_webhook(content, received_at=NOW, shop_id="altyn")


TOLD = Order(
    code="731000002",
    shop="kumis",
    stage=Stage.DELIVERED,
    items=(MEMORY,),
    total=17980.0,
    created_at=datetime(2026, 11, 16, 4, 0, tzinfo=UTC),
    source="webhook",
)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"code": 731000002, "phone": 77051112233},
        {"created_at": "2026-11-16T09:00:00"},
        {"created_at": "2026-11-16T04:00:00Z"},
        {"created_at": 1794801600000},
        {"stage": None, "status": "COMPLETED"},
        {"stage": None, "status": "completed"},
        {"stage": None, "status": "delivered"},
    ],
)
def test_our_own_body_is_a_fact(changes: dict[str, Any]) -> None:
    assert webhook(status(**changes)) == OrdersPush(facts=(fact(TOLD, "Самал"),))


def test_the_least_of_our_own_bodies() -> None:
    body = {
        "type": "order.status",
        "order": {"code": "7", "status": "SHIPPED", "phone": "87051112233"},
    }
    order = Order(code="7", shop="altyn", stage=Stage.UNKNOWN, source="webhook")
    assert webhook(body) == OrdersPush(facts=(fact(order, None),))


def test_the_same_step_is_the_same_fact_through_both_doors() -> None:
    body = {"type": "order.status", "order": {"code": 731000001, "stage": "paid"}}
    (hidden,) = webhook(body).without_phone
    read = demper(push())
    assert isinstance(read, DemperPush)
    assert hidden.event.id == read.fact.event.id


@pytest.mark.parametrize(
    ("phone", "reason"),
    [
        (None, "phone is empty"),
        ("+0(000)-000-00-00", "phone is masked"),
        ("8 7172 12 34 56", "not a Kazakhstan mobile number"),
    ],
)
def test_an_order_without_a_phone_is_no_error(phone: str | None, reason: str) -> None:
    expected = WithoutPhone(event=changed(TOLD, "Самал"), reason=reason)
    assert webhook(status(phone=phone)) == OrdersPush(without_phone=(expected,))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<xml/>", "Invalid JSON"),
        ([], "Invalid body: Expected `object`, got `array`"),
        ({"type": "ping"}, 'neither "type":"order.status" nor a JSON:API "data"'),
        (
            {"type": "order.status"},
            "Invalid body: Object missing required field `order`",
        ),
        (
            status(order={"stage": "paid"}),
            "Invalid body: Object missing required field `code` - at `$.order`",
        ),
        (status(code=" "), "order.code is empty"),
        (status(stage=None), "order.stage is missing"),
        (
            status(total="много"),
            "Invalid body: Expected `float | null`, got `str` - at `$.order.total`",
        ),
        (
            status(items=[{"name": "Подушка", "quantity": 0}]),
            "Invalid body: Expected `float` >= 1.0 - at `$.order.items[0].quantity`",
        ),
        (
            status(created_at=1794801600),
            "order.created_at is no date (ISO 8601 or epoch milliseconds)",
        ),
        (
            status(created_at=1e30),
            "order.created_at is no date (ISO 8601 or epoch milliseconds)",
        ),
        (
            status(created_at="0001-01-01T00:00:00"),
            "order.created_at is no date (ISO 8601 or epoch milliseconds)",
        ),
    ],
)
def test_a_malformed_body_is_refused_with_what_is_wrong_and_where(body: Any, reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        webhook(body)
    assert (refusal.value.reason, refusal.value.status) == (reason, 400)


def test_a_stage_that_is_none_of_ours_is_refused_with_the_list() -> None:
    with pytest.raises(Refused, match=r"^order\.stage is none of: waiting_for_signature, paid"):
        webhook(status(stage="shipped"))


# -- anything at all

KASPI = {
    "data": [{"type": "orders", "attributes": {"code": "7", "customer": {"firstName": "Самал"}}}],
    "included": [{"type": "orderentries", "id": "7##0", "attributes": {"offer": {"name": "Я"}}}],
}
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([push(), status(), KASPI]), st.data())
def test_any_body_is_read_or_refused(body: dict[str, Any], data: st.DataObject) -> None:
    body = json.loads(json.dumps(body))
    part: Any = body
    while True:
        places = sorted(part) if isinstance(part, dict) else list(range(len(part)))
        place = data.draw(st.sampled_from(places))
        if not part[place] or not isinstance(part[place], dict | list) or data.draw(st.booleans()):
            break
        part = part[place]
    part[place] = data.draw(_JSON)
    for read in (demper, webhook):
        try:
            read(body)
        except Refused as refusal:
            assert refusal.status == 400  # noqa: PT017 - either outcome is right


# -- the signature

SECRET = "whsec_" + base64.b64encode(b"a secret only for tests").decode()


def signed(body: bytes, *, secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign("msg_1", at, body.decode())
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": signature,
    }


def test_a_signed_body_is_known() -> None:
    body = json.dumps(status(), ensure_ascii=False).encode()
    assert verify_kaspi(SECRET, signed(body), body)
    two = signed(body)
    two["Webhook-Signature"] = f"v1,AAAA v2,BBBB {two['Webhook-Signature']}"
    assert verify_kaspi(SECRET, two, body)


def test_another_body_key_or_time_is_not() -> None:
    body = b'{"type":"order.status"}'
    other = "whsec_" + base64.b64encode(b"another").decode()
    assert not verify_kaspi(SECRET, signed(body), body + b" ")
    assert not verify_kaspi(SECRET, signed(body, secret=other), body)
    for minutes in (-6, 6):
        at = datetime.now(UTC) + timedelta(minutes=minutes)
        assert not verify_kaspi(SECRET, signed(body, at=at), body)


@pytest.mark.parametrize(
    "change",
    [
        {"Webhook-Signature": ""},
        {"Webhook-Signature": "v1"},
        {"Webhook-Signature": "v1,é"},
        {"Webhook-Signature": "v1,a"},
        {"Webhook-Signature": "v1,a,b"},
        {"Webhook-Timestamp": "soon"},
        {"Webhook-Timestamp": "9" * 400},
        {"Webhook-Timestamp": "nan"},
        {"Webhook-Id": ""},
    ],
)
def test_strange_headers_are_no_exception(change: dict[str, str]) -> None:
    body = b"{}"
    assert not verify_kaspi(SECRET, signed(body) | change, body)


def test_an_unusable_secret_or_body_is_no_exception() -> None:
    for secret in ("", "whsec_", "whsec_a", "ключ"):
        assert not verify_kaspi(secret, signed(b"{}"), b"{}")
    assert not verify_kaspi(SECRET, signed(b"{}"), b"\xff")
    assert not verify_kaspi(SECRET, {}, b"{}")
