"""What WAHA is asked of the past and of persons: it tells, it cannot tell, or not now."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpx import HTTPXMock

from app.domain.events import Address, CustomerWrote, Fact, LeftOurNumber
from app.errors import AiSellerError, Permanent, Transient
from app.gateways.waha import Waha
from app.gateways.waha_events import read_webhook
from app.gateways.waha_messages import read_history

BASE = "http://waha.test:3000"
BODIES = Path(__file__).parent.parent / "data" / "waha"
HISTORIES = BODIES / "history"

HAPPENED = datetime.fromtimestamp(1_795_000_000, UTC)
RECEIVED = HAPPENED + timedelta(minutes=5)
SINCE = HAPPENED - timedelta(seconds=39, milliseconds=500)
US = Address(phone="77770001122", lid="150000000000001")
PHONE = Address(phone="77051112233")
BOTH = Address(phone="77051112233", lid="230000000000007")

NO_STORE = {
    "message": 'Enable NOWEB store "config.noweb.store.enabled=True" and '
    '"config.noweb.store.full_sync=True" when starting a new session',
    "error": "Bad Request",
    "statusCode": 400,
}
NO_ROUTE = {"message": "Cannot GET /api/default/x", "error": "Not Found", "statusCode": 404}
CANNOT_TELL: list[tuple[int, Any]] = [
    (400, NO_STORE),
    (404, NO_ROUTE),
    (422, {"message": "available only in Plus version"}),
    (501, {"message": "The method is not implemented by the engine."}),
]
FAILED = {"error": "Session status is not as expected", "session": "default", "status": "FAILED"}
NOT_NOW: list[tuple[int, Any, str, float | None]] = [
    (401, {"message": "Unauthorized"}, "unauthorized", 60),
    (404, {"message": "Session not found"}, "not_found", 60),
    (404, "404 page not found", "no_route", 60),
    (422, FAILED, "session_down", 15),
    (422, {"error": 'Session "default" does not exist', "session": "default"}, "session_down", 15),
    (429, "", "rate_limited", 30),
    (500, {"exception": {"message": "Protocol error"}}, "server_error", None),
    (503, "", "server_error", None),
    (302, "", "redirect", 60),
]


@pytest.fixture
async def waha() -> AsyncIterator[Waha]:
    async with Waha(BASE, "key-of-a-test") as client:
        yield client


# -- history: what it tells


def wrote(short: str, text: str, *, seconds: int, person: Address, chat: str) -> Fact:
    event = CustomerWrote(
        id=f"waha:default:in:{short}",
        at=HAPPENED + timedelta(seconds=seconds),
        received_at=RECEIVED,
        message=short,
        wire_id=f"false_{chat}_{short}",
        session="default",
        text=text,
        name="Гүлнар",
    )
    return Fact(person=person, event=event)


def left(
    short: str, text: str, *, seconds: int = 0, person: Address = PHONE, by_api: bool = False
) -> Fact:
    event = LeftOurNumber(
        id=f"waha:default:out:{short}",
        at=HAPPENED + timedelta(seconds=seconds),
        received_at=RECEIVED,
        message=short,
        session="default",
        text=text,
        by_api=by_api,
    )
    return Fact(person=person, event=event)


LID_CHAT, PHONE_CHAT = "230000000000007@lid", "77051112233@c.us"
EXPECTED: dict[str, tuple[Fact, ...]] = {
    "noweb": (
        wrote("3EB0HIST1", "Сәлем", seconds=-40, person=PHONE, chat=PHONE_CHAT),
        wrote("3EB0HIST2", "Есть 46 размер?", seconds=-10, person=BOTH, chat=LID_CHAT),
        left("3A0HIST4", "Это продавец"),
        left("3EB0HIST3", "Здравствуйте! Да, есть.", by_api=True),
    ),
    "gows": (
        wrote("3AC2HIST1", "Сәлем", seconds=-10, person=BOTH, chat=LID_CHAT),
        left("3EB0HIST2", "Сәлеметсіз бе!", person=BOTH, by_api=True),
    ),
    "webjs": (
        wrote("AC61HIST1", "Когда привезут?", seconds=-10, person=PHONE, chat=PHONE_CHAT),
        left("AC61HIST2", "Это продавец"),
        left("AC61HIST3", "Завтра", seconds=1),
    ),
}


@pytest.mark.parametrize("engine", EXPECTED)
async def test_a_history_is_the_facts_of_both_sides_in_their_order(
    waha: Waha, httpx_mock: HTTPXMock, engine: str
) -> None:
    httpx_mock.add_response(content=(HISTORIES / f"{engine}.json").read_bytes())
    found = await waha.history(
        "default", BOTH, since=SINCE, received_at=RECEIVED, engine=engine.upper(), us=US
    )
    assert found == EXPECTED[engine]


@pytest.mark.parametrize(
    ("address", "chat"),
    [(BOTH, "77051112233%40c.us"), (Address(lid="23"), "23%40lid"), (None, "all")],
)
async def test_a_history_is_asked_to_the_letter(
    waha: Waha, httpx_mock: HTTPXMock, *, address: Address | None, chat: str
) -> None:
    httpx_mock.add_response(json=[])
    assert await waha.history("a/b", address, since=SINCE, received_at=RECEIVED) == ()
    (request,) = httpx_mock.get_requests()
    path = f"/api/a%2Fb/chats/{chat}/messages"
    query = "limit=100&offset=0&downloadMedia=false&filter.timestamp.gte=1794999960"
    assert request.method == "GET"
    assert request.url.raw_path.decode() == f"{path}?{query}"


@pytest.mark.parametrize(
    "name", ["noweb_message_pn", "noweb_own_app", "gows_own_lid", "webjs_own_bare_id"]
)
def test_a_message_is_the_same_fact_by_a_webhook_and_in_the_history(name: str) -> None:
    body = json.loads((BODIES / f"{name}.json").read_bytes())
    found = read_history(
        [body["payload"]],
        session=body["session"],
        engine=body["environment"]["engine"],
        us=US,
        since=HAPPENED,
        received_at=RECEIVED,
    )
    assert found == read_webhook(json.dumps(body).encode(), RECEIVED).facts


async def test_full_pages_are_followed_by_the_next_and_each_message_is_told_once(
    waha: Waha, httpx_mock: HTTPXMock
) -> None:
    pages = [[_message(3), _message(2)], [_message(2), _message(1)], [_message(0)]]
    for page in pages:
        httpx_mock.add_response(json=page)
    found = await waha.history("default", PHONE, since=SINCE, received_at=RECEIVED, limit=2)
    assert [fact.event.id for fact in found] == [f"waha:default:in:3EB0N{n}" for n in range(4)]
    assert _offsets(httpx_mock) == ["0", "2", "4"]


async def test_a_page_from_which_something_was_left_out_is_not_the_last(
    waha: Waha, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(json=[_message(4), _message(3), _message(2)])
    httpx_mock.add_response(json=[_message(1), _message(0)])
    found = await waha.history("default", PHONE, since=SINCE, received_at=RECEIVED, limit=4)
    assert len(found) == 5
    assert _offsets(httpx_mock) == ["0", "4"]


async def test_five_full_pages_are_enough(waha: Waha, httpx_mock: HTTPXMock) -> None:
    for n in range(5):
        httpx_mock.add_response(json=[_message(n)])
    found = await waha.history("default", PHONE, since=SINCE, received_at=RECEIVED, limit=1)
    assert len(found) == 5
    assert _offsets(httpx_mock) == ["0", "1", "2", "3", "4"]


def _message(n: int) -> dict[str, Any]:
    at = 1_795_000_000 + n
    return {"id": f"false_{PHONE_CHAT}_3EB0N{n}", "timestamp": at, "fromMe": False, "body": "да"}


def _offsets(httpx_mock: HTTPXMock) -> list[str]:
    return [request.url.params["offset"] for request in httpx_mock.get_requests()]


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = ("id", "timestamp", "from", "to", "fromMe", "body", "media", "_data", "replyTo")


@given(st.lists(_ANY | st.dictionaries(st.sampled_from(_FIELDS), _ANY), max_size=4))
def test_no_history_raises(messages: list[object]) -> None:
    found = read_history(
        messages, session="default", engine=None, us=US, since=SINCE, received_at=RECEIVED
    )
    assert all(fact.event.at <= RECEIVED for fact in found)


# -- history: what it does not tell


@pytest.mark.parametrize(("status", "body"), [*CANNOT_TELL, (200, {}), (200, "ok"), (200, None)])
async def test_a_waha_without_a_history_says_so_for_good(
    waha: Waha, httpx_mock: HTTPXMock, *, status: int, body: Any
) -> None:
    httpx_mock.add_response(status_code=status, content=_content(body))
    assert _shape(await _no_history(waha)) == (Permanent, "no_history", None)


@pytest.mark.parametrize(("status", "body", "code", "retry_after"), NOT_NOW)
async def test_a_history_that_is_not_told_now_is_asked_for_later(
    waha: Waha, httpx_mock: HTTPXMock, *, status: int, body: Any, code: str, retry_after: float
) -> None:
    httpx_mock.add_response(status_code=status, content=_content(body))
    assert _shape(await _no_history(waha)) == (Transient, code, retry_after)


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [(500, Permanent, "no_history"), (501, Permanent, "no_history"), (502, Transient, None)],
)
async def test_an_engine_that_fails_on_all_chats_is_to_be_asked_chat_by_chat(
    waha: Waha,
    httpx_mock: HTTPXMock,
    *,
    status: int,
    kind: type[AiSellerError],
    code: str | None,
) -> None:
    httpx_mock.add_response(status_code=status)
    with pytest.raises(kind) as error:
        await waha.history("default", None, since=SINCE, received_at=RECEIVED)
    assert error.value.code == (code or "server_error")


async def test_one_person_without_a_lid_does_not_mean_that_there_is_no_history(
    waha: Waha, httpx_mock: HTTPXMock
) -> None:
    said = "2 UNKNOWN: no LID found for 77051112233@s.whatsapp.net from server"
    httpx_mock.add_response(status_code=500, json={"exception": {"message": said}})
    assert _shape(await _no_history(waha)) == (Transient, "not_on_whatsapp", None)


async def test_a_page_that_fails_fails_the_whole_history(waha: Waha, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json=[_message(0)] * 100)
    httpx_mock.add_exception(httpx.ReadTimeout(""))
    assert _shape(await _no_history(waha)) == (Transient, "unreachable", None)


async def test_nobody_has_no_history(waha: Waha) -> None:
    with pytest.raises(Permanent) as error:
        await waha.history("default", Address(), since=SINCE, received_at=RECEIVED)
    assert error.value.code == "no_address"


# -- persons


@pytest.mark.parametrize(
    ("answer", "phone"),
    [
        ({"lid": "230000000000007@lid", "pn": "77051112233@c.us"}, "77051112233"),
        ({"lid": "230000000000007@lid", "pn": None}, None),
        ({"lid": "230000000000007@lid", "pn": "230000000000007@lid"}, None),
        (None, None),
    ],
)
async def test_the_phone_behind_a_lid(
    waha: Waha, httpx_mock: HTTPXMock, *, answer: Any, phone: str | None
) -> None:
    httpx_mock.add_response(url=f"{BASE}/api/default/lids/230000000000007", json=answer)
    assert await waha.phone_of_lid("default", "230000000000007") == phone


@pytest.mark.parametrize(
    ("answer", "lid"),
    [
        ({"lid": "230000000000007@lid", "pn": "77051112233@c.us"}, "230000000000007"),
        ({"lid": "230000000000007", "pn": "77051112233@c.us"}, "230000000000007"),
        ({"lid": "230000000000007:3@lid"}, "230000000000007"),
        ({"lid": None, "pn": "77051112233@c.us"}, None),
        ({"lid": "77051112233@c.us"}, None),
        ({"lid": "", "pn": "77051112233@c.us"}, None),
        ({"lid": "unknown"}, None),
        ({"lid": 230000000000007}, None),
        ([], None),
    ],
)
async def test_the_lid_of_a_phone(
    waha: Waha, httpx_mock: HTTPXMock, *, answer: Any, lid: str | None
) -> None:
    httpx_mock.add_response(url=f"{BASE}/api/default/lids/pn/77051112233", json=answer)
    assert await waha.lid_of_phone("default", "77051112233") == lid


@pytest.mark.parametrize(
    ("answer", "exists"),
    [
        ({"numberExists": True, "chatId": "77051112233@c.us"}, True),
        ({"numberExists": False}, False),
        ({"numberExists": False, "chatId": "77051112233@c.us"}, False),
        ({"numberExists": "true"}, None),
        ({"numberExists": None}, None),
        ({"chatId": "77051112233@c.us"}, None),
        ([True], None),
        (None, None),
    ],
)
async def test_whether_a_number_is_on_whatsapp(
    waha: Waha, httpx_mock: HTTPXMock, *, answer: Any, exists: bool | None
) -> None:
    url = f"{BASE}/api/contacts/check-exists?phone=77051112233&session=a%26b"
    httpx_mock.add_response(method="GET", url=url, json=answer)
    assert await waha.number_exists("a&b", "77051112233") is exists


@pytest.mark.parametrize(("status", "body"), CANNOT_TELL)
async def test_a_waha_that_cannot_tell_of_a_person_tells_nothing(
    waha: Waha, httpx_mock: HTTPXMock, *, status: int, body: Any
) -> None:
    httpx_mock.add_response(status_code=status, content=_content(body), is_reusable=True)
    assert await waha.phone_of_lid("default", "230000000000007") is None
    assert await waha.lid_of_phone("default", "77051112233") is None
    assert await waha.number_exists("default", "77051112233") is None


@pytest.mark.parametrize(("status", "body", "code", "retry_after"), NOT_NOW)
async def test_a_person_that_is_not_told_of_now_is_asked_for_later(
    waha: Waha, httpx_mock: HTTPXMock, *, status: int, body: Any, code: str, retry_after: float
) -> None:
    httpx_mock.add_response(status_code=status, content=_content(body), is_reusable=True)
    for asking in (
        waha.phone_of_lid("default", "230000000000007"),
        waha.lid_of_phone("default", "77051112233"),
        waha.number_exists("default", "77051112233"),
    ):
        with pytest.raises(AiSellerError) as error:
            await asking
        assert _shape(error.value) == (Transient, code, retry_after)


def _content(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


async def _no_history(waha: Waha) -> AiSellerError:
    """Why there is no history; whatever it was, its reason tells nothing of the customer."""
    with pytest.raises(AiSellerError) as failure:
        await waha.history("default", PHONE, since=SINCE, received_at=RECEIVED)
    assert "7705" not in failure.value.reason
    return failure.value


def _shape(error: AiSellerError) -> tuple[type[AiSellerError], str | None, float | None]:
    retry_after = error.retry_after if isinstance(error, Transient) else None
    return type(error) if not isinstance(error, Transient) else Transient, error.code, retry_after
