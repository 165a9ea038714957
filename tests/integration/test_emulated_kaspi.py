"""The emulated Kaspi against its contract: what a poller is tested on must be true itself."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from msgspec import UNSET

from app.demo.faults import CutAfterAccepting, CutBefore, Hang, Slow, Status
from app.demo.kaspi import JSON_API, EmulatedKaspi, WrongStepError, shops_app
from app.demo.kaspi_faults import (
    GARBAGE,
    CutInside,
    Garbage,
    Html,
    KaspiFault,
    NoIncluded,
    Redirect,
    SlowByWorld,
    TooMany,
    Truncated,
    UnknownFields,
)
from app.demo.kaspi_shapes import MASK_FORMS, MASKED_PHONE, Buyer, Delivery, Item, Moves, Order
from app.demo.server import serving
from app.demo.shop import DemoShop, NotTakenError
from tests.clock import Clock

NOW = datetime(2026, 10, 5, 7, 0, tzinfo=UTC)
DAY_MS = 24 * 3600 * 1000
HEADERS = {
    "X-Auth-Token": "token",
    "X-Merchant-Uid": "30000001",
    "Accept": JSON_API,
    "Content-Type": JSON_API,
    "User-Agent": "Mozilla/5.0 (compatible; ai-seller/1)",
}
STATE = "filter[orders][state]"
STATUS = "filter[orders][status]"
CREATED = "filter[orders][creationDate]"
JACKET = Item(sku="102529963_318274", name="Куртка CL 101", price=12990.0)
SOCKS = Item(sku="SOCKS-3PK", name="Носки", price=1500.0, quantity=2, card="138957097")
SAULE = Buyer(phone="7077654321", first_name="САУЛЕ", last_name="К")
READ_SOON = httpx.Timeout(10, read=0.5)
"""Long enough for a busy machine to hand the question in, and only the answer is not waited for."""


class Reader:
    """Somebody who reads a shop's orders."""

    def __init__(self, http: httpx.AsyncClient, clock: Clock) -> None:
        self.http = http
        self.clock = clock

    def asked(self, **more: str) -> dict[str, str]:
        """A question Kaspi takes: the new orders of ten days."""
        since = int((self.clock.now() - timedelta(days=10)).timestamp() * 1000)
        first = {"page[number]": "0", "page[size]": "100", STATE: "NEW"}
        return first | {f"{CREATED}[$ge]": str(since)} | more

    async def answer(self, asked: dict[str, str], **headers: str) -> httpx.Response:
        return await self.http.get("/orders", params=asked, headers=headers)

    async def page(self, **more: str) -> dict[str, Any]:
        answer = await self.answer(self.asked() | more)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def codes(self, **more: str) -> list[str]:
        return [each["attributes"]["code"] for each in (await self.page(**more))["data"]]

    async def refusal(self, asked: dict[str, str]) -> str:
        answer = await self.answer(asked)
        assert answer.status_code == 400, answer.text
        title: str = answer.json()["errors"][0]["title"]
        return title

    async def order(self, code: str, **more: str) -> dict[str, Any]:
        answer = await self.answer({"filter[orders][code]": code} | more)
        attributes: dict[str, Any] = answer.json()["data"][0]["attributes"]
        return attributes

    async def where(self, code: str) -> tuple[str, str]:
        order = await self.order(code)
        return order["state"], order["status"]


@asynccontextmanager
async def shop(path: str = "") -> AsyncIterator[tuple[EmulatedKaspi, Reader]]:
    clock = Clock(NOW)
    kaspi = EmulatedKaspi("token", "30000001", clock)
    async with (
        serving(kaspi.app) as url,
        httpx.AsyncClient(
            base_url=url + path, headers=HEADERS, trust_env=False, verify=False
        ) as http,
    ):
        yield kaspi, Reader(http, clock)


def ms(**ago: float) -> int:
    return int((NOW - timedelta(**ago)).timestamp() * 1000)


# -- the filters


async def test_orders_are_found_by_window_state_status_kind_and_signature() -> None:
    async with shop("/shop/api/v2") as (kaspi, reader):
        new = kaspi.place([JACKET], SAULE, created=ms(days=1))
        credit = kaspi.place([JACKET], SAULE, needs_signature=True)
        own = kaspi.accept(kaspi.place([JACKET], SAULE, delivery=Delivery.OWN).code)
        done = kaspi.complete(kaspi.place([JACKET], SAULE, created=ms(days=9)).code)
        old = kaspi.complete(kaspi.place([JACKET], SAULE, created=ms(days=40)).code)
        assert await reader.codes() == [new.code]
        assert await reader.codes(**{STATE: "SIGN_REQUIRED"}) == [credit.code]
        assert await reader.codes(**{STATE: "DELIVERY"}) == [own.code]
        assert await reader.codes(**{STATE: "ARCHIVE", STATUS: "COMPLETED"}) == [done.code]
        assert await reader.codes(**{STATE: "ARCHIVE", STATUS: "CANCELLED"}) == []
        window = {f"{CREATED}[$ge]": str(ms(days=45)), f"{CREATED}[$le]": str(ms(days=31))}
        assert await reader.codes(**{STATE: "ARCHIVE"} | window) == [old.code]
        edge = {f"{CREATED}[$ge]": str(new.created), f"{CREATED}[$le]": str(new.created)}
        assert await reader.codes(**edge) == [new.code]
        for strict in (
            {f"{CREATED}[$lt]": edge[f"{CREATED}[$ge]"]},
            {f"{CREATED}[$gt]": str(new.created)},
        ):
            assert await reader.codes(**{f"{CREATED}[$ge]": str(new.created)} | strict) == []
        signed = {"filter[orders][signatureRequired]": "false"}
        assert await reader.codes(**signed) == [new.code]
        kind = {"filter[orders][deliveryType]": "DELIVERY_LOCAL"}
        assert await reader.codes(**{STATE: "DELIVERY"} | kind) == [own.code]
        assert await reader.codes(**kind) == []
        by_status = reader.asked(**{STATUS: "ACCEPTED_BY_MERCHANT"})
        del by_status[STATE]
        assert len((await reader.answer(by_status)).json()["data"]) == 1
        assert kaspi.unexpected == []
        assert kaspi.answers.keys() == {200}


REFUSED: list[tuple[dict[str, str | None], str]] = [
    ({f"{CREATED}[$ge]": None}, "Required filter [orders][creationDate][$ge] is empty"),
    ({f"{CREATED}[$ge]": ""}, "Required filter [orders][creationDate][$ge] is empty"),
    ({f"{CREATED}[$ge]": "2026-10-01"}, "Required filter [orders][creationDate][$ge]"),
    ({f"{CREATED}[$ge]": None, f"{CREATED}[$gt]": "1"}, "[creationDate][$ge] is empty"),
    ({f"{CREATED}[$ge]": None, f"{CREATED}[$gte]": "1"}, "[creationDate][$ge] is empty"),
    ({f"{CREATED}[$ge]": None, "filter[orders][creationDateGe]": "1"}, "[$ge] is empty"),
    ({f"{CREATED}[$lte]": "1790000000000"}, "[$lte]"),
    ({"page[number]": None}, "page[number]"),
    ({"page[size]": ""}, "page[size]"),
    ({"page[size]": "0"}, "page[size]"),
    ({"page[size]": "101"}, "page[size]"),
    ({"page[number]": "-1"}, "page[number]"),
    ({STATE: None}, "[orders][state] is empty"),
    ({STATE: "NEW,PICKUP"}, "[state]"),
    ({STATE: "APPROVED"}, "[state]"),
    ({STATUS: "COMPLETED,CANCELLED"}, "[status]"),
    ({STATUS: "ASSEMBLE"}, "[status]"),
    ({"filter[orders][deliveryType]": "BY_FOOT"}, "[deliveryType]"),
    ({STATE: "PICKUP", "filter[orders][deliveryType]": "PICKUP"}, "deliveryType"),
    ({STATE: "SIGN_REQUIRED", "filter[orders][signatureRequired]": "true"}, "signature"),
    ({"include[orders]": "entries,user"}, "include[orders]"),
    ({f"{CREATED}[$ge]": str(ms(days=14) - 1)}, "14 days"),
    ({f"{CREATED}[$ge]": str(ms(days=99)), f"{CREATED}[$le]": str(ms(days=84))}, "14 days"),
]


async def test_a_query_kaspi_does_not_take_is_told_why() -> None:
    async with shop() as (kaspi, reader):
        for changes, said in REFUSED:
            asked = reader.asked() | changes
            title = await reader.refusal({k: v for k, v in asked.items() if v is not None})
            assert said in title, (changes, title)
        twice = [*reader.asked().items(), (STATE, "PICKUP")]
        answer = await reader.http.get("/orders", params=httpx.QueryParams(urlencode(twice)))
        assert answer.status_code == 400
        assert (await reader.page(**{f"{CREATED}[$ge]": str(ms(days=14)), "sort": "x"}))[
            "data"
        ] == []
        assert kaspi.answers == {400: len(REFUSED) + 1, 200: 1}


async def test_a_search_by_number_needs_nothing_else_and_an_id_is_no_number() -> None:
    async with shop() as (kaspi, reader):
        old = kaspi.place([JACKET, SOCKS], SAULE, created=ms(days=300), code="912345678")
        asked = {"filter[orders][code]": old.code, "include[orders]": "user"}
        body = (await reader.answer(asked)).json()
        assert [user["attributes"]["cellPhone"] for user in body["included"]] == [SAULE.phone]
        assert body["meta"] == {"pageCount": 1, "totalCount": 1}
        unknown = (await reader.answer({"filter[orders][code]": "1"})).json()
        assert unknown == {"data": [], "included": [], "meta": {"pageCount": 0, "totalCount": 0}}
        own_id = body["data"][0]["id"]
        assert "=" not in own_id
        missing = await reader.http.get(f"/orders/{old.code}")
        assert (missing.status_code, missing.json()) == (
            404,
            {"errors": [{"title": "Order not found"}]},
        )
        assert (await reader.http.get(f"/orders/{own_id}")).json()["data"] == body["data"][0]
        entries = (await reader.http.get(f"/orders/{own_id}/entries")).json()["data"]
        for entry in entries:
            for piece, type_ in (
                ("", "orderentries"),
                ("/product", "masterproducts"),
                ("/deliveryPointOfService", "pointofservices"),
            ):
                answer = await reader.http.get(f"/orderentries/{entry['id']}{piece}")
                assert answer.json()["data"]["type"] == type_
            related = entry["relationships"]
            card, point = (related[r]["data"]["id"] for r in ("product", "deliveryPointOfService"))
            seller = await reader.http.get(f"/masterproducts/{card}/merchantProduct")
            assert (
                seller.json()["data"]["attributes"]["code"] == entry["attributes"]["offer"]["code"]
            )
            assert (await reader.http.get(f"/pointofservices/{point}")).status_code == 200
        for nobody in (
            "/orders/OTEy/entries",
            "/orderentries/OTEy",
            "/masterproducts/x/merchantProduct",
        ):
            assert (await reader.http.get(nobody)).status_code == 404
        assert kaspi.unexpected == []


async def test_what_kaspi_has_not_and_what_would_write_is_unexpected() -> None:
    async with shop() as (kaspi, reader):
        kaspi.place([JACKET], SAULE)
        for method, path in (("POST", "/orders"), ("GET", "/products"), ("DELETE", "/orders/x")):
            answer = await reader.http.request(method, path, json={"data": {}})
            assert answer.status_code == 404
        assert [seen.path for seen in kaspi.unexpected] == ["/orders", "/products", "/orders/x"]


# -- pages


async def test_pages_are_whole_sorted_and_empty_past_the_last() -> None:
    async with shop() as (kaspi, reader):
        placed = [kaspi.place([JACKET], SAULE, created=ms(minutes=n)).code for n in range(7)]
        pages = [await reader.page(**{"page[number]": str(n), "page[size]": "3"}) for n in range(4)]
        assert [len(page["data"]) for page in pages] == [3, 3, 1, 0]
        assert all(page["meta"] == {"pageCount": 3, "totalCount": 7} for page in pages)
        assert [each["attributes"]["code"] for page in pages for each in page["data"]] == placed


async def test_an_unsorted_kaspi_drifts_between_pages() -> None:
    async with shop() as (kaspi, reader):
        placed = {kaspi.place([JACKET], SAULE, created=ms(minutes=n)).code for n in range(30)}
        kaspi.sorts = False
        orders = [await reader.codes() for _ in range(3)]
        assert all(set(codes) == placed for codes in orders)
        assert orders[0] != orders[1] != orders[2]


# -- the headers


async def test_headers_are_checked_as_kaspi_does_and_noted_without_the_token() -> None:
    async with shop() as (kaspi, reader):
        asked = reader.asked()

        async def status(**headers: str) -> int:
            changed = {name.replace("_", "-"): value for name, value in headers.items()}
            return (await reader.answer(asked, **changed)).status_code

        assert await status(X_Auth_Token="stale") == 401
        kaspi.refusal = 403
        assert await status(X_Auth_Token="stale") == 403
        assert await status(X_Merchant_Uid="30000002") == 404
        kaspi.needs_merchant_uid = False
        assert await status(X_Merchant_Uid="") == 200
        page = await reader.answer(asked, Accept="application/json")
        assert (page.status_code, page.headers["content-type"][:9]) == (404, "text/html")
        assert await status(Content_Type="text/plain") == 200
        with pytest.raises(httpx.ReadTimeout):
            await reader.http.get("/orders", headers={"User-Agent": ""}, timeout=READ_SOON)
        last, before = kaspi.requests[-1], kaspi.requests[-2]
        assert (last.user_agent or "", before.content_type) == ("", "text/plain")
        assert (before.has_token, before.merchant_uid, before.accept) == (
            True,
            "30000001",
            JSON_API,
        )
        assert before.user_agent == HEADERS["User-Agent"]
        assert "token" not in repr(kaspi.requests).replace("has_token", "")


async def test_requests_are_counted_by_both_clocks() -> None:
    async with shop() as (kaspi, reader):
        assert kaspi.busiest_second() == kaspi.busiest_second(real=True) == 0
        for pause in (0.4, 0.4, 0.4, 5):
            await reader.page()
            reader.clock.advance(seconds=pause)
        assert kaspi.busiest_second() == 3
        assert 1 <= kaspi.busiest_second(real=True) <= 4
        assert kaspi.most_at_once == 1
        kaspi.most_a_second = 2
        answers = [await reader.answer(reader.asked()) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[-1].headers["Retry-After"] == "1"


async def test_one_server_may_serve_several_shops() -> None:
    clock = Clock(NOW)
    first, second = EmulatedKaspi("token", "1", clock), EmulatedKaspi("other", "2", clock)
    order = second.place([JACKET], SAULE)
    async with (
        serving(shops_app(first, second)) as url,
        httpx.AsyncClient(base_url=url, headers=HEADERS, trust_env=False, verify=False) as http,
    ):
        reader = Reader(http, clock)
        mine = {"X-Auth-Token": "other", "X-Merchant-Uid": "2"}
        theirs = {"X-Merchant-Uid": "1"}
        assert (await reader.answer(reader.asked(), **mine)).json()["meta"]["totalCount"] == 1
        assert (await reader.answer(reader.asked(), **theirs)).json()["meta"]["totalCount"] == 0
        strange = await reader.answer(reader.asked(), **mine | {"X-Auth-Token": "stolen"})
        assert strange.status_code == 401
        assert (len(first.requests), len(second.requests), order.status) == (
            2,
            1,
            "APPROVED_BY_BANK",
        )


# -- an order as it is shown


DELIVERIES = [
    (Delivery.POSTOMAT, "DELIVERY_PICKUP", True, "KASPI_DELIVERY"),
    (Delivery.TO_DOOR, "DELIVERY_REGIONAL_TODOOR", True, "KASPI_DELIVERY"),
    (Delivery.CITY, "DELIVERY_LOCAL", True, "KASPI_DELIVERY"),
    (Delivery.OWN, "DELIVERY_LOCAL", False, "DELIVERY"),
    (Delivery.PICKUP, "DELIVERY_PICKUP", False, "PICKUP"),
]
KASPIS_PARTS = {"kaspiDelivery", "assembled", "deliveryAddress", "originAddress"}


async def test_every_kind_of_delivery_has_its_mode_its_tab_and_its_parts() -> None:
    async with shop() as (kaspi, reader):
        for delivery, mode, by_kaspi, state in DELIVERIES:
            code = kaspi.place([JACKET], SAULE, delivery=delivery).code
            assert await reader.where(code) == ("NEW", "APPROVED_BY_BANK")
            kaspi.hand_over(code)
            order = await reader.order(code)
            assert (order["deliveryMode"], order["isKaspiDelivery"]) == (mode, by_kaspi)
            assert (order["state"], order["status"]) == (state, "ACCEPTED_BY_MERCHANT")
            assert KASPIS_PARTS & order.keys() == (KASPIS_PARTS if by_kaspi else set())
            kaspi.complete(code)
            assert await reader.where(code) == ("ARCHIVE", "COMPLETED")


async def test_an_order_shows_each_step_of_its_way() -> None:
    async with shop() as (kaspi, reader):
        code = kaspi.place([JACKET], SAULE).code
        kaspi.accept(code)
        packing = await reader.order(code)
        courier = packing["kaspiDelivery"]
        assert (packing["assembled"], courier["waybill"], courier["waybillNumber"]) == (
            False,
            None,
            None,
        )
        assert not {"cancellationReason", "reservationDate", "plannedDeliveryDate"} & packing.keys()
        kaspi.assemble(code)
        packed = await reader.order(code)
        assert packed["assembled"]
        assert packed["kaspiDelivery"]["waybill"].startswith("https://")
        assert packed["kaspiDelivery"]["courierTransmissionDate"] is None
        kaspi.hand_over(code)
        reader.clock.advance(hours=3)
        kaspi.hand_over(code)
        gone = await reader.order(code)
        sent = int(NOW.timestamp() * 1000)
        assert gone["kaspiDelivery"]["courierTransmissionDate"] == sent
        assert gone["kaspiDelivery"]["courierTransmissionPlanningDate"] == sent
        assert gone["plannedDeliveryDate"] > sent
        done = await reader.order(kaspi.complete(code).code)
        assert done["kaspiDelivery"]["waybill"] is None
        assert done["kaspiDelivery"]["waybillNumber"] == packed["kaspiDelivery"]["waybillNumber"]


async def test_credits_preorders_and_auto_accepted_orders_begin_elsewhere() -> None:
    async with shop() as (kaspi, reader):
        credit = kaspi.place([JACKET], SAULE, needs_signature=True).code
        unsigned = await reader.order(credit)
        assert (unsigned["state"], unsigned["signatureRequired"]) == ("SIGN_REQUIRED", True)
        assert (unsigned["paymentMode"], unsigned["creditTerm"]) == ("PAY_WITH_CREDIT", 6)
        with pytest.raises(WrongStepError):
            kaspi.accept(credit)
        kaspi.sign(credit)
        signed = await reader.order(credit)
        assert (signed["state"], signed["signatureRequired"]) == ("NEW", False)
        until = NOW + timedelta(days=20)
        preorder = await reader.order(kaspi.place([JACKET], SAULE, reserved_until=until).code)
        assert preorder["preOrder"]
        assert preorder["reservationDate"] == int(until.timestamp() * 1000)
        kaspi.auto_accept = True
        for later in (
            kaspi.place([JACKET], SAULE),
            kaspi.sign(kaspi.place([JACKET], SAULE, needs_signature=True).code),
        ):
            assert await reader.where(later.code) == ("KASPI_DELIVERY", "ACCEPTED_BY_MERCHANT")


async def test_phones_are_hidden_from_whom_and_in_the_form_it_is_told() -> None:
    async with shop() as (kaspi, reader):
        code = kaspi.place([JACKET], SAULE).code

        async def phone() -> str | None:
            number: str | None = (await reader.order(code))["customer"]["cellPhone"]
            return number

        assert await phone() == SAULE.phone
        kaspi.masks = "always"
        for form in MASK_FORMS:
            kaspi.masked_phone = form
            assert await phone() == form
        kaspi.masks, kaspi.masked_phone = "archived", MASKED_PHONE
        assert await phone() == SAULE.phone
        kaspi.complete(code)
        assert await phone() == MASKED_PHONE
        kaspi.masks = "never"
        assert await phone() == SAULE.phone


# -- its life


async def test_an_order_may_be_cancelled_or_come_back_at_every_stage() -> None:
    async with shop() as (kaspi, reader):
        code = kaspi.hand_over(kaspi.place([JACKET], SAULE).code).code
        kaspi.cancelling(code)
        assert await reader.where(code) == ("KASPI_DELIVERY", "CANCELLING")
        kaspi.cancel(code)
        assert (await reader.order(code))["cancellationReason"] == "TIMEOUT_BUYER_PICKUP"
        assert await reader.where(code) == ("ARCHIVE", "CANCELLED")
        ours = kaspi.cancel(kaspi.place([JACKET], SAULE).code, "MERCHANT_OUT_OF_STOCK").code
        assert (await reader.order(ours))["cancellationReason"] == "MERCHANT_OUT_OF_STOCK"
        back = kaspi.complete(kaspi.place([JACKET], SAULE).code).code
        kaspi.request_return(back, state="KASPI_DELIVERY")
        assert await reader.where(back) == ("KASPI_DELIVERY", "KASPI_DELIVERY_RETURN_REQUESTED")
        kaspi.decline_return(back)
        assert await reader.where(back) == ("ARCHIVE", "COMPLETED")
        kaspi.request_return(back)
        kaspi.accept_return(back)
        assert await reader.where(back) == ("ARCHIVE", "RETURN_ACCEPTED_BY_MERCHANT")
        kaspi.return_(back)
        assert await reader.where(back) == ("ARCHIVE", "RETURNED")
        kaspi.set_status(back, "ON_THE_MOON", state="SPACE")
        assert await reader.where(back) == ("SPACE", "ON_THE_MOON")


async def test_a_step_that_cannot_follow_is_refused_and_changes_nothing() -> None:
    async with shop() as (kaspi, _):
        cancelled = kaspi.cancel(kaspi.place([JACKET], SAULE).code).code
        done = kaspi.complete(kaspi.place([JACKET], SAULE).code).code
        for step in (
            kaspi.accept,
            kaspi.assemble,
            kaspi.hand_over,
            kaspi.complete,
            kaspi.cancelling,
        ):
            with pytest.raises(WrongStepError):
                step(cancelled)
        for later in (
            kaspi.request_return,
            kaspi.return_,
            kaspi.accept_return,
            kaspi.decline_return,
        ):
            with pytest.raises(WrongStepError):
                later(cancelled)
        with pytest.raises(WrongStepError):
            kaspi.cancel(done)
        for again in (kaspi.accept, kaspi.assemble, kaspi.hand_over, kaspi.complete):
            assert again(done).status == "COMPLETED"
        assert kaspi.orders[cancelled].status == "CANCELLED"
        with pytest.raises(KeyError):
            kaspi.accept("1")


async def test_a_partial_cancel_changes_entries_and_price_and_no_status() -> None:
    async with shop() as (kaspi, reader):
        order = kaspi.accept(kaspi.place([JACKET, SOCKS], SAULE).code)

        async def left() -> list[tuple[int, int, float]]:
            asked = {"filter[orders][code]": order.code, "include[orders]": "entries"}
            body = (await reader.answer(asked)).json()
            shown = [entry["attributes"] for entry in body["included"]]
            assert body["data"][0]["attributes"]["totalPrice"] == sum(
                e["totalPrice"] for e in shown
            )
            linked = body["data"][0]["relationships"]["entries"]["data"]
            assert [each["id"] for each in linked] == [each["id"] for each in body["included"]]
            return [(e["entryNumber"], e["quantity"], e["totalPrice"]) for e in shown]

        assert await left() == [(0, 1, 12990.0), (1, 2, 3000.0)]
        kaspi.partial_cancel(order.code, 1, quantity=1)
        assert await left() == [(0, 1, 12990.0), (1, 1, 1500.0)]
        kaspi.partial_cancel(order.code, 0)
        assert await left() == [(1, 1, 1500.0)]
        assert await reader.where(order.code) == ("KASPI_DELIVERY", "ACCEPTED_BY_MERCHANT")
        with pytest.raises(WrongStepError):
            kaspi.partial_cancel(order.code, 0)


# -- orders that move by themselves


async def test_orders_go_on_by_the_clock_whoever_asks() -> None:
    async with shop() as (kaspi, reader):
        kaspi.moves = Moves(accepted=60, assembled=3600, handed_over=7200, delivered=86_400)
        order = kaspi.place([JACKET], SAULE, created=ms(days=2))
        still = kaspi.place([JACKET], SAULE, moves=Moves())
        steps: list[tuple[int, str, bool, bool]] = []
        for seconds in (59, 1, 3540, 3600, 79_200):
            reader.clock.advance(seconds=seconds)
            shown = await reader.order(order.code)
            sent = shown["kaspiDelivery"]["courierTransmissionDate"] is not None
            steps.append((kaspi.changes, shown["status"], shown["assembled"], sent))
        assert steps == [
            (0, "APPROVED_BY_BANK", False, False),
            (1, "ACCEPTED_BY_MERCHANT", False, False),
            (2, "ACCEPTED_BY_MERCHANT", True, False),
            (3, "ACCEPTED_BY_MERCHANT", True, True),
            (4, "COMPLETED", True, True),
        ]
        assert kaspi.orders[still.code].status == "APPROVED_BY_BANK"


async def test_steps_nobody_saw_have_the_moment_when_they_were_due() -> None:
    async with shop() as (kaspi, reader):
        moves = Moves(handed_over=7200, delivered=10 * 86_400)
        code = kaspi.place([JACKET], SAULE, moves=moves).code
        reader.clock.advance(days=30)
        order = await reader.order(code)
        sent = NOW + timedelta(hours=2)
        assert order["kaspiDelivery"]["courierTransmissionDate"] == int(sent.timestamp() * 1000)
        assert order["status"] == "COMPLETED"


async def test_a_hand_goes_before_the_clock_and_nothing_is_done_twice() -> None:
    async with shop() as (kaspi, reader):
        moves = Moves(accepted=60, assembled=120, handed_over=180, delivered=240)
        early, gone, credit = (
            kaspi.place([JACKET], SAULE, moves=moves, needs_signature=unsigned).code
            for unsigned in (False, False, True)
        )
        kaspi.hand_over(early)
        kaspi.cancel(gone)
        reader.clock.advance(seconds=200)
        kaspi.set_status(kaspi.place([JACKET], SAULE, moves=moves).code, "ON_THE_MOON")
        assert kaspi.orders[early].handed_over == int(NOW.timestamp() * 1000)
        assert kaspi.orders[credit].state == "SIGN_REQUIRED"
        kaspi.sign(credit)
        reader.clock.advance(seconds=61)
        assert await reader.where(credit) == ("KASPI_DELIVERY", "ACCEPTED_BY_MERCHANT")
        assert await reader.where(early) == ("ARCHIVE", "COMPLETED")
        assert await reader.where(gone) == ("ARCHIVE", "CANCELLED")
        reader.clock.advance(days=1)
        assert sorted(order.status for order in kaspi.orders.values()) == [
            "CANCELLED",
            "COMPLETED",
            "COMPLETED",
            "ON_THE_MOON",
        ]
        kaspi.let_move(kaspi.place([JACKET], SAULE).code, Moves(delivered=0))
        assert kaspi.orders[str(912_000_005)].status == "COMPLETED"


# -- what goes wrong


async def test_faults_are_counted_and_then_over() -> None:
    async with shop() as (kaspi, reader):
        later = NOW + timedelta(minutes=5)
        told: list[tuple[KaspiFault, int, str | None]] = [
            (TooMany(7), 429, "7"),
            (TooMany(), 429, None),
            (TooMany(later), 429, "date"),
            (TooMany("soon"), 429, "soon"),
            (Status(500), 500, None),
            (Status(503, headers={"Retry-After": "2"}), 503, "2"),
            (Html(), 200, None),
            (Html(404), 404, None),
        ]
        for fault, _, _ in told:
            kaspi.fail(fault, times=2)
        assert kaspi.faults.left == 2 * len(told)
        for fault, status, retry_after in told:
            for _ in range(2):
                answer = await reader.answer(reader.asked())
                assert answer.status_code == status, fault
                given = answer.headers.get("Retry-After")
                if retry_after == "date":
                    assert given is not None
                    assert parsedate_to_datetime(given) == later
                else:
                    assert given == retry_after
                html = answer.headers["content-type"].startswith("text/html")
                assert html is isinstance(fault, Html)
        assert await reader.codes() == []
        assert kaspi.faults.left == 0


async def test_a_fault_may_be_for_some_requests_only_last_and_be_healed() -> None:
    async with shop() as (kaspi, reader):
        code = kaspi.complete(kaspi.place([JACKET], SAULE).code).code
        kaspi.fail(Status(502), only="ARCHIVE")
        kaspi.fail(Status(500), times=None, only="/entries")
        kaspi.fail(UnknownFields(), times=None)
        assert "futureField" in await reader.page()
        assert (await reader.answer(reader.asked(**{STATE: "ARCHIVE"}))).status_code == 502
        assert await reader.codes(**{STATE: "ARCHIVE"}) == [code]
        for _ in range(3):
            assert (await reader.http.get("/orders/x/entries")).status_code == 500
        kaspi.heal()
        assert (await reader.http.get("/orders/x/entries")).status_code == 404
        assert "futureField" not in await reader.page()


async def test_a_connection_may_be_cut_anywhere_or_never_answer() -> None:
    async with shop() as (kaspi, reader):
        kaspi.place([JACKET], SAULE)
        for fault in (CutBefore(), CutAfterAccepting(), CutInside()):
            kaspi.fail(fault)
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                await reader.page()
        kaspi.fail(Hang())
        with pytest.raises(httpx.ReadTimeout):
            await reader.http.get("/orders", timeout=READ_SOON)
        kaspi.down = True
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await reader.page()
        kaspi.down = False
        assert len(await reader.codes()) == 1
        assert len(kaspi.requests) == 6
        assert kaspi.answers[200] == 1


async def test_an_answer_may_be_late_by_either_clock_and_wrong_as_well() -> None:
    async with shop() as (kaspi, reader):
        kaspi.fail(SlowByWorld(40), Slow(0.01), TooMany(1))
        assert (await reader.answer(reader.asked())).status_code == 429
        assert reader.clock.now() == NOW + timedelta(seconds=40)


async def test_bodies_may_be_broken_in_every_way_that_was_met() -> None:
    async with shop() as (kaspi, reader):
        orders = [kaspi.place([JACKET], SAULE, created=ms(minutes=n)) for n in range(2)]
        entries = {"include[orders]": "entries"}
        kaspi.fail(Truncated())
        answer = await reader.answer(reader.asked(**entries))
        assert answer.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            answer.json()
        kaspi.fail(NoIncluded())
        assert (await reader.page(**entries))["included"] == []
        assert len((await reader.page(**entries))["included"]) == 2
        kaspi.fail(Garbage(), UnknownFields())
        page = await reader.page()
        assert len(page["data"]) == 2 + len(GARBAGE)
        assert page["meta"]["totalCount"] == 2
        sound = page["data"][0]["attributes"]
        assert "futureField" in sound
        assert "futureField" in sound["kaspiDelivery"]
        kaspi.garble(orders[0].code, totalPrice="много", status=None, assembled=UNSET)
        broken = await reader.order(orders[0].code)
        assert (broken["totalPrice"], broken["status"]) == ("много", None)
        assert "assembled" not in broken
        assert isinstance(await reader.order(orders[1].code), dict)


async def test_a_redirect_leads_to_another_host_that_sees_whether_the_token_came_along() -> None:
    async with shop() as (kaspi, reader), shop() as (elsewhere, there):
        kaspi.fail(Redirect(f"{there.http.base_url}/orders"), times=2)
        kaspi.fail(Redirect("/orders", 301))
        answer = await reader.answer(reader.asked())
        assert answer.status_code == 302
        assert elsewhere.requests == []
        elsewhere.silent_without_user_agent = False
        await reader.http.get("/orders", follow_redirects=True)
        assert [seen.has_token for seen in elsewhere.requests] == [True]
        assert (await reader.answer(reader.asked())).status_code == 301


def test_the_numbers_of_orders_do_not_meet() -> None:
    kaspi = EmulatedKaspi("token", "1", Clock(NOW))
    kaspi.place([JACKET], SAULE, code="912000002")
    placed: list[Order] = [kaspi.place([JACKET], SAULE) for _ in range(3)]
    assert [order.code for order in placed] == ["912000001", "912000003", "912000004"]


# -- the demo's shop


async def test_the_demos_orders_go_their_way_by_a_click_or_by_themselves() -> None:
    clock = Clock(NOW)
    async with DemoShop(clock).open() as demo:
        assert demo.environment()["KASPI_POLL_SECONDS"] == "3"
        buyer = next(iter(demo.buyers))
        for _ in range(3):
            with pytest.raises(NotTakenError):  # no product is there to be told
                await demo.order(buyer, JACKET)
        alone, cancelled, shipped = (order.code for order in demo.orders_of(buyer))
        demo.ship(shipped)
        demo.ship(shipped)
        demo.cancel(cancelled)
        orders = demo.kaspi.orders
        assert orders[shipped].handed_over == ms()
        assert orders[cancelled].cancellation_reason == "MERCHANT_OUT_OF_STOCK"
        for over in (demo.deliver(cancelled), demo.deliver(alone)):
            with pytest.raises(NotTakenError):
                await over
        with pytest.raises(WrongStepError):
            demo.ship(cancelled)
        with pytest.raises(KeyError):
            demo.cancel("1")
        assert orders[alone].status == "COMPLETED"
        seen, ready = demo.changes, demo.orders_of(list(demo.buyers)[-1])[0]
        clock.advance(days=1)
        headers = HEADERS | {"X-Auth-Token": demo.kaspi.token}
        async with httpx.AsyncClient(headers=headers, trust_env=False, verify=False) as http:
            assert (await http.get(f"{demo.kaspi_url}/products")).status_code == 404
            assert demo.changes == seen
            asked = {"filter[orders][code]": shipped}
            body = (await http.get(f"{demo.kaspi_url}/orders", params=asked)).json()
        assert body["data"][0]["attributes"]["status"] == "COMPLETED"
        assert demo.changes == seen + 1
        assert ready.status == "ACCEPTED_BY_MERCHANT"  # it waits for the newcomer's click
