"""The client of Kaspi's Shop API, on a wire that does what Kaspi's does, and worse."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpx import HTTPXMock, IteratorStream

from app import __version__
from app.demo.faults import CutAfterAccepting, CutBefore, Hang, Slow, Status
from app.demo.kaspi import JSON_API, EmulatedKaspi
from app.demo.kaspi_faults import (
    CutInside,
    Garbage,
    Html,
    KaspiFault,
    NoIncluded,
    Redirect,
    TooMany,
    Truncated,
    UnknownFields,
)
from app.demo.kaspi_shapes import Buyer, Item
from app.demo.server import serving
from app.domain.events import Stage
from app.errors import Permanent, Transient
from app.gateways.kaspi_api import LARGEST, KaspiApi, Listing, State, _millis
from app.gateways.kaspi_resources import entries_of, page_of
from tests.clock import Clock

NOW = datetime(2026, 10, 5, 7, 0, tzinfo=UTC)
TOKEN = "q7Zk0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9="
UID = "30000001"
LIST = Listing(state=State.NEW, since=NOW - timedelta(days=13), until=NOW + timedelta(hours=1))
JACKET = Item(sku="102529963_318274", name="Куртка CL 101", price=12990.0)
SOCKS = Item(sku="SOCKS-3PK", name="Носки", price=1500.0, quantity=2, card="138957097")
SAULE = Buyer(phone="7077654321", first_name="САУЛЕ", last_name="К")
BASE = "https://kaspi.example/shop/api/v2"


@asynccontextmanager
async def kaspi_at(
    path: str = "", *, token: str = TOKEN, uid: str | None = UID, **about: Any
) -> AsyncIterator[tuple[EmulatedKaspi, KaspiApi]]:
    kaspi = EmulatedKaspi(TOKEN, UID, Clock(NOW))
    async with (
        serving(kaspi.app) as url,
        KaspiApi(
            url + path, world=kaspi.world, shop="altyn", token=token, merchant_uid=uid, **about
        ) as api,
    ):
        yield kaspi, api
    assert kaspi.unexpected == []


# --- what is asked ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/shop/api/v2", "/shop/api/v2/"])
async def test_a_list_is_asked_for_as_kaspi_wants_it(path: str) -> None:
    async with kaspi_at(path, token=f" {TOKEN[:20]}\n{TOKEN[20:]}\t\n", uid=f"{UID}\n") as (
        kaspi,
        api,
    ):
        kaspi.place([JACKET, SOCKS], SAULE)
        page = await api.page(LIST, 0)
        assert len(page.orders) == 1
        [seen] = kaspi.requests
        assert seen.has_token
        assert seen.merchant_uid == UID
        assert seen.accept == seen.content_type == JSON_API
        assert seen.user_agent == f"Mozilla/5.0 (compatible; ai-seller/{__version__})"
        assert seen.query == {
            "page[number]": "0",
            "page[size]": "100",
            "filter[orders][state]": "NEW",
            "filter[orders][creationDate][$ge]": str(int(LIST.since.timestamp() * 1000)),
            "filter[orders][creationDate][$le]": str(int(LIST.until.timestamp() * 1000)),
            "include[orders]": "entries",
        }


async def test_the_very_headers(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"data": [], "meta": {"pageCount": 0}})
    async with client(uid=None) as api:
        await api.page(LIST, 0)
    [request] = httpx_mock.get_requests()
    headers = dict(request.headers)
    assert headers.pop("accept-encoding")
    assert headers == {
        "host": "kaspi.example",
        "connection": "keep-alive",
        "x-auth-token": TOKEN,
        "content-type": JSON_API,
        "accept": JSON_API,
        "user-agent": f"Mozilla/5.0 (compatible; ai-seller/{__version__})",
    }
    assert TOKEN not in str(request.url)


def client(uid: str | None = UID) -> KaspiApi:
    """One whose wire is played by pytest-httpx."""
    return KaspiApi(BASE, world=Clock(NOW), shop="altyn", token=TOKEN, merchant_uid=uid)


@given(st.datetimes(datetime(2011, 1, 1), datetime(2100, 1, 1)), st.integers(-12, 14))  # noqa: DTZ001
def test_a_fortnight_is_never_a_millisecond_more(until: datetime, hours: int) -> None:
    until = until.replace(tzinfo=timezone(timedelta(hours=hours)))
    since = until - timedelta(days=14)
    assert int(_millis(until)) - int(_millis(since)) == 14 * 24 * 3600 * 1000


async def test_all_pages_hold_all_orders_and_tell_how_many_there_are() -> None:
    async with kaspi_at() as (kaspi, api):
        placed = {
            kaspi.place([JACKET], SAULE, created=NOW - timedelta(minutes=n)).code
            for n in range(300)
        }
        pages = [await api.page(LIST, number) for number in range(3)]
        assert [page.pages for page in pages] == [3, 3, 3]
        assert {told.order.code for page in pages for told in page.orders} == placed
        assert (await api.page(LIST, 3)).orders == ()


async def test_an_order_is_asked_for_by_its_number_with_its_lines() -> None:
    async with kaspi_at() as (kaspi, api):
        old = kaspi.place([JACKET, SOCKS], SAULE, created=NOW - timedelta(days=300))
        kaspi.complete(old.code)
        told = await api.order(old.code)
        assert told is not None
        assert told.order.stage is Stage.DELIVERED
        assert [(item.name, item.quantity, item.card) for item in told.order.items] == [
            ("Куртка CL 101", 1, "102529963"),
            ("Носки", 2, "138957097"),
        ]
        assert await api.order("900000000") is None
        assert {seen.path for seen in kaspi.requests} == {"/orders"}


@pytest.mark.parametrize("which", ["page", "order"])
async def test_lines_that_were_left_out_are_asked_for(which: str) -> None:
    async with kaspi_at() as (kaspi, api):
        order = kaspi.place([JACKET, SOCKS], SAULE)
        kaspi.fail(NoIncluded(), times=None)
        if which == "page":
            [bare] = (await api.page(LIST, 0)).orders
            assert bare.lines_missing
            assert bare.order.items == ()
            told = await api.with_lines(bare)
        else:
            found = await api.order(order.code)
            assert found is not None
            told = found
        assert [item.sku for item in told.order.items] == [JACKET.sku, SOCKS.sku]
        assert not told.lines_missing
        assert await api.with_lines(told) is told
        assert [seen.path.endswith("/entries") for seen in kaspi.requests] == [False, True]


# --- what goes wrong --------------------------------------------------------------------------

FAILURES: list[tuple[KaspiFault, str]] = [
    (Status(400, {"errors": [{"title": "Required page[number]"}]}), "refused"),
    (Status(400), "refused"),
    (Status(404, {"errors": [{"title": "Order not found"}]}), "not_found"),
    (Html(404), "unknown_answer"),
    (Html(405), "unknown_answer"),
    (Html(403), "turned_away"),
    (Html(200), "unknown_answer"),
    (Html(500), "down"),
    (Status(500), "down"),
    (Status(503, {"errors": []}, headers={"Retry-After": "17"}), "down"),
    (Status(200, {"data": None}), "unknown_answer"),
    (Status(200, []), "unknown_answer"),
    (Status(200), "unknown_answer"),
    (Status(204), "unknown_answer"),
    (TooMany(), "too_many"),
    (Truncated(), "unknown_answer"),
    (CutBefore(), "unreachable"),
    (CutAfterAccepting(), "unreachable"),
    (CutInside(), "unreachable"),
    (Redirect("https://evil.example/"), "redirected"),
    (Redirect("/orders", code=308), "redirected"),
]


@pytest.mark.parametrize(("fault", "code"), FAILURES)
@pytest.mark.parametrize("which", ["page", "order"])
async def test_what_goes_wrong_may_go_well_later(fault: KaspiFault, code: str, which: str) -> None:
    async with kaspi_at() as (kaspi, api):
        order = kaspi.place([JACKET], SAULE)
        kaspi.fail(fault)
        with pytest.raises(Transient) as failed:
            await (api.page(LIST, 0) if which == "page" else api.order(order.code))
        assert failed.value.code == code
        assert TOKEN not in failed.value.reason
        assert len(kaspi.requests) == 1  # nothing is tried again here
        assert (await api.page(LIST, 0)).orders


@pytest.mark.parametrize("fault", [Status(401), Status(403), Status(401, {"errors": []})])
async def test_a_refused_token_is_refused_for_good(fault: KaspiFault) -> None:
    async with kaspi_at() as (kaspi, api):
        kaspi.fail(fault)
        with pytest.raises(Permanent) as failed:
            await api.page(LIST, 0)
        assert failed.value.code == "token_refused"
    async with kaspi_at(token="another") as (kaspi, api):
        for kaspi.refusal in (401, 403):
            with pytest.raises(Permanent):
                await api.order("912000001")


async def test_another_merchants_id_finds_nothing() -> None:
    async with kaspi_at(uid=None) as (_, api):
        with pytest.raises(Transient, match="KASPI_MERCHANT_UID") as failed:
            await api.page(LIST, 0)
        assert failed.value.code == "not_found"


async def test_the_token_is_not_taken_to_another_host() -> None:
    other = EmulatedKaspi(TOKEN, UID, Clock(NOW))
    async with serving(other.app) as elsewhere, kaspi_at() as (kaspi, api):
        for code in (301, 302, 303, 307, 308):
            kaspi.fail(Redirect(f"{elsewhere}/orders", code=code))
            with pytest.raises(Transient):
                await api.page(LIST, 0)
    assert other.requests == []


async def test_whoever_never_answers_is_given_up() -> None:
    async with kaspi_at(timeout=0.05) as (kaspi, api):
        for fault in (Hang(), Slow(60)):
            kaspi.fail(fault)
            with pytest.raises(Transient) as failed:
                await api.page(LIST, 0)
            assert failed.value.code == "timeout"


async def test_an_answer_that_comes_byte_by_byte_is_given_up_as_a_whole() -> None:
    left = asyncio.Event()

    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
        while not writer.is_closing() and not reader.at_eof():
            writer.write(b" ")
            await asyncio.sleep(0.01)
        writer.close()
        left.set()

    server = await asyncio.start_server(dribble, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        async with KaspiApi(
            url, world=Clock(NOW), shop="altyn", token=TOKEN, merchant_uid=UID, timeout=0.1
        ) as api:
            with pytest.raises(Transient) as failed:
                await api.page(LIST, 0)
        await left.wait()
    assert failed.value.code == "timeout"


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (5, 5.0),
        ("0", 0.0),
        (" 60 ", 60.0),
        (NOW + timedelta(minutes=30), 1800.0),
        (NOW - timedelta(minutes=30), 0.0),
        ("99999999999999999999", 3600.0),
        (None, None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("2026-10-05T08:00:00Z", None),
        ("Mon, 05 Oct 2026 07:10:00 -0000", None),
        ("Mon, 05 Oct 99999 07:10:00 GMT", None),
        ("Mon, 05 Oct 2026 07:10:00 +99999999999999", None),
        ("Mon, 05", None),
    ],
)
async def test_how_long_to_wait_is_read_in_any_form(told: Any, seconds: float | None) -> None:
    async with kaspi_at() as (kaspi, api):
        kaspi.fail(TooMany(told))
        with pytest.raises(Transient) as failed:
            await api.page(LIST, 0)
        assert failed.value.retry_after == seconds


async def test_an_answer_that_is_too_large_is_not_read(httpx_mock: HTTPXMock) -> None:
    def flood() -> Iterator[bytes]:
        piece = b'{"data": [' + b" " * (1024 * 1024)
        yield from [piece] * (LARGEST // len(piece) + 2)

    httpx_mock.add_response(stream=IteratorStream(flood()))
    async with client() as api:
        with pytest.raises(Transient, match="too large") as failed:
            await api.page(LIST, 0)
    assert failed.value.code == "unknown_answer"


@pytest.mark.parametrize("base", ["http://nobody.invalid", "http://[::1", "http://a b/", "ftp://x"])
async def test_an_address_that_leads_nowhere_is_a_failure_like_others(base: str) -> None:
    async with KaspiApi(
        base, world=Clock(NOW), shop="altyn", token=TOKEN, merchant_uid=UID, timeout=5
    ) as api:
        with pytest.raises(Transient) as failed:
            await api.page(LIST, 0)
    assert failed.value.code == "unreachable"


async def test_what_kaspi_says_is_wrong_is_told_without_the_token(httpx_mock: HTTPXMock) -> None:
    title = f"token {TOKEN} is odd " + "x" * 500
    httpx_mock.add_response(status_code=400, json={"errors": [{"title": title}]})
    async with client() as api:
        with pytest.raises(Transient, match="is odd") as failed:
            await api.page(LIST, 0)
    assert TOKEN not in failed.value.reason
    assert len(failed.value.reason) < 300


# --- what is read -----------------------------------------------------------------------------


async def test_garbage_among_the_orders_is_counted_and_the_others_are_read() -> None:
    async with kaspi_at() as (kaspi, api):
        codes = [kaspi.place([JACKET], SAULE).code for _ in range(2)]
        kaspi.fail(Garbage(), UnknownFields(), times=None)
        page = await api.page(LIST, 0)
        found = {told.order.code: told.order.stage for told in page.orders}
        assert found == dict.fromkeys(codes, Stage.PAID) | {"912999002": Stage.UNKNOWN}
        assert page.unreadable == 5
        told = await api.order(codes[1])
        assert told is not None
        kaspi.orders[codes[1]].overrides["code"] = None
        with pytest.raises(Transient):  # it is there, and cannot be read
            await api.order(codes[1])


def resource(code: Any = "731000003", **attributes: Any) -> dict[str, Any]:
    return {
        "type": "orders",
        "id": "NzMxMDAwMDAz",
        "attributes": {
            "code": code,
            "creationDate": 1794801600000,
            "totalPrice": 21980.0,
            "status": "APPROVED_BY_BANK",
            "signatureRequired": False,
            "customer": {"cellPhone": "7051112233", "firstName": "САМАЛ"},
            **attributes,
        },
    }


def read(*resources: Any, **document: Any) -> Any:
    body = {"data": list(resources), "meta": {"pageCount": 1}} | document
    return page_of(json.dumps(body).encode(), shop_id="altyn")


@pytest.mark.parametrize(
    ("relationships", "missing"),
    [
        (None, True),
        ({}, True),
        ({"entries": {"links": {"self": "x"}}}, True),
        ({"entries": {"links": {"self": "x"}, "data": None}}, True),
        ({"entries": {"data": []}}, False),
        ({"entries": {"data": [{"type": "orderentries", "id": "E1"}]}}, False),
        ({"entries": {"data": [{"id": "E1"}, {"id": "E2"}]}}, True),
        ({"entries": "нет"}, True),
    ],
)
def test_lines_that_are_not_told_are_missing(relationships: Any, missing: bool) -> None:
    told = resource() | {"relationships": relationships}
    line = {"type": "orderentries", "id": "E1", "attributes": {"offer": {"name": "Подушка"}}}
    [order] = read(told, included=[line]).orders
    assert order.lines_missing is missing


@pytest.mark.parametrize(
    ("meta", "pages"),
    [
        ({"pageCount": 3, "totalCount": 250}, 3),
        ({"pageCount": "3"}, 3),
        ({"totalPages": 3}, 0),
        ({"pageCount": None}, 0),
        ({"pageCount": "many"}, 0),
        ({"pageCount": -1}, 0),
        (None, 0),
    ],
)
def test_how_many_pages_there_are_is_said_by_page_count(meta: Any, pages: int) -> None:
    page = read(resource(), meta=meta)
    assert page.pages == pages
    assert len(page.orders) == 1


@pytest.mark.parametrize(
    ("attributes", "stage"),
    [
        ({"kaspiDelivery": [], "status": "ACCEPTED_BY_MERCHANT"}, Stage.ACCEPTED),
        ({"kaspiDelivery": "нет", "status": "ACCEPTED_BY_MERCHANT"}, Stage.UNKNOWN),
        ({"kaspiDelivery": "нет", "status": "COMPLETED"}, Stage.DELIVERED),
        ({"kaspiDelivery": "нет", "status": "RETURN_ACCEPTED_BY_MERCHANT"}, Stage.RETURN_REQUESTED),
        ({"signatureRequired": "true"}, Stage.WAITING_FOR_SIGNATURE),
        ({"signatureRequired": {}}, Stage.PAID),
        ({"signatureRequired": "?"}, Stage.UNKNOWN),
        ({"status": 17}, Stage.UNKNOWN),
        ({"status": None}, Stage.UNKNOWN),
        ({"status": "ASSEMBLE"}, Stage.UNKNOWN),
        ({"totalPrice": "много", "creationDate": "вчера", "preOrder": 5}, Stage.PAID),
        ({"cancellationReason": ["?"], "deliveryMode": {}, "plannedDeliveryDate": {}}, Stage.PAID),
        ({"customer": [1]}, Stage.PAID),
        ({"creationDate": 0}, Stage.PAID),
        ({"totalPrice": 1e308, "creationDate": 1e300}, Stage.PAID),
        (
            {"status": "ACCEPTED_BY_MERCHANT", "kaspiDelivery": {"courierTransmissionDate": 0}},
            Stage.ACCEPTED,
        ),
    ],
)
def test_as_much_of_an_order_is_read_as_can_be(attributes: Any, stage: Stage) -> None:
    [told] = read(resource(**attributes)).orders
    assert told.order.stage is stage
    assert told.order.code == "731000003"


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NAMES = (
    *("code", "status", "totalPrice", "creationDate", "plannedDeliveryDate", "signatureRequired"),
    *("assembled", "preOrder", "deliveryMode", "isKaspiDelivery", "cancellationReason"),
    *("kaspiDelivery", "customer"),
)


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING), ANYTHING, ANYTHING)
def test_whatever_stands_in_an_order_it_is_read_or_counted(
    attributes: dict[str, Any], relationships: Any, included: Any
) -> None:
    told = resource() | {"relationships": relationships}
    told["attributes"] |= attributes
    body = {"data": [told, resource("731000009")], "included": [included], "meta": {}}
    page = page_of(json.dumps(body).encode(), shop_id="altyn")
    assert len(page.orders) + page.unreadable == 2
    assert page.orders[-1].order.code == "731000009"


@given(st.dictionaries(st.sampled_from(["offer", "quantity", "totalPrice"]), ANYTHING), ANYTHING)
def test_whatever_stands_in_a_line_it_is_read_or_left_out(
    attributes: dict[str, Any], relationships: Any
) -> None:
    line = {"type": "orderentries", "id": "1", "attributes": attributes}
    body = json.dumps({"data": [line | {"relationships": relationships}]})
    for item in entries_of(body.encode()):
        assert 1 <= item.quantity < 2**53


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (rb"\ud83d", "\ufffd"),
        (rb"A\uDE00", "A\ufffd"),
        (rb"\ud83d\ude00", "😀"),
        ("😀".encode(), "😀"),
        ("😀".encode()[:2] + b"A", "\ufffdA"),
    ],
)
def test_half_a_letter_in_a_name_hides_no_orders(written: bytes, name: str) -> None:
    told = resource(customer={"cellPhone": "7051112233", "firstName": "NAME"})
    body = json.dumps({"data": [told, resource("2")], "meta": {}}).encode()
    page = page_of(body.replace(b"NAME", written), shop_id="altyn")
    assert [(told.order.code, told.name) for told in page.orders] == [
        ("731000003", name),
        ("2", "САМАЛ"),
    ]


@pytest.mark.parametrize(
    ("id_", "card"),
    [
        (base64.b64encode(b"102529963").decode().rstrip("="), "102529963"),
        (base64.b64encode(b"102529963").decode(), "102529963"),
        (base64.b64encode(b"102529963##0").decode(), None),
        ("102529963", None),
        ("", None),
        (None, None),
        ({"x": 1}, None),
    ],
)
def test_the_card_of_a_line_is_what_its_products_id_holds(id_: Any, card: str | None) -> None:
    line = {
        "type": "orderentries",
        "id": "1",
        "attributes": {"offer": {"code": "A-1", "name": "Подушка"}},
        "relationships": {"product": {"data": {"type": "masterproducts", "id": id_}}},
    }
    [item] = entries_of(json.dumps({"data": [line]}).encode())
    assert item.card == card


async def test_the_wire_is_closed_with_the_client() -> None:
    async with kaspi_at() as (_, api):
        pass
    with pytest.raises(RuntimeError):
        await api.page(LIST, 0)
