"""What is asked of WAHA to the letter, and what each of its answers and silences means."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pytest_httpx import HTTPXMock

from app.domain.events import Address
from app.errors import AiSellerError, Permanent, Transient, Uncertain
from app.gateways.waha import EVENTS, SessionState, Version, Waha, Webhook
from app.gateways.waha_answers import mark_of

BASE = "http://waha.test:3000"
ANNA = Address(phone="77051112233", lid="230000000000007")
HIDDEN = Address(lid="230000000000007")
TEXT = "Анна, спасибо за заказ 463! no LID found"
URL = "https://shop.test/webhooks/waha"
NOWEB = {
    "key": {"remoteJid": "77051112233@s.whatsapp.net", "fromMe": True, "id": "3EB0SENT"},
    "message": {"extendedTextMessage": {"text": TEXT}},
    "messageTimestamp": "1795000000",
    "status": "PENDING",
}
GOWS = {"id": "true_77051112233@c.us_3EB0SENT", "_data": {"ServerID": 0}}
WEBJS_ID = {"fromMe": True, "remote": "77051112233@c.us", "id": "3EB0SENT"}


@pytest.fixture
async def waha() -> AsyncIterator[Waha]:
    async with Waha(BASE, "key-of-a-test") as client:
        yield client


# -- what is asked


@pytest.mark.parametrize(
    ("to", "chat"),
    [
        (Address(phone="77051112233"), "77051112233@c.us"),
        (ANNA, "77051112233@c.us"),
        (HIDDEN, "230000000000007@lid"),
    ],
)
async def test_a_text_goes_to_the_phone_where_there_is_one(
    waha: Waha, httpx_mock: HTTPXMock, *, to: Address, chat: str
) -> None:
    httpx_mock.add_response(status_code=201, json=NOWEB)
    await waha.send_text("default", to, TEXT)
    (request,) = httpx_mock.get_requests()
    expected = {"session": "default", "chatId": chat, "text": TEXT, "linkPreview": False}
    assert _asked(request) == ("POST", "/api/sendText", expected)
    assert request.headers["X-Api-Key"] == "key-of-a-test"
    assert request.headers["Content-Type"] == "application/json"


async def test_an_id_of_ours_goes_along(waha: Waha, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=201, json=NOWEB)
    await waha.send_text("default", ANNA, TEXT, id="3EB0MINE")
    body = json.loads(httpx_mock.get_requests()[0].content)
    assert body["id"] == "3EB0MINE"
    assert list(body) == ["session", "chatId", "text", "linkPreview", "id"]


async def test_the_id_waha_tells_is_believed_where_it_made_one_of_its_own(
    waha: Waha, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(status_code=201, json={"id": WEBJS_ID, "_data": {"id": WEBJS_ID}})
    assert await waha.send_text("default", ANNA, TEXT, id="3EB0MINE") == "3EB0SENT"


async def test_the_courtesies_are_asked_to_the_letter(waha: Waha, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=201, is_reusable=True)
    await waha.send_seen("default", ANNA, ("false_77051112233@c.us_3EB0AA01",))
    await waha.send_seen("default", ANNA)
    await waha.start_typing("default", HIDDEN)
    await waha.stop_typing("default", HIDDEN)
    anna = {"session": "default", "chatId": "77051112233@c.us"}
    hidden = {"session": "default", "chatId": "230000000000007@lid"}
    ids = ["false_77051112233@c.us_3EB0AA01"]
    assert [_asked(request) for request in httpx_mock.get_requests()] == [
        ("POST", "/api/sendSeen", {**anna, "messageIds": ids}),
        ("POST", "/api/sendSeen", anna),
        ("POST", "/api/startTyping", hidden),
        ("POST", "/api/stopTyping", hidden),
    ]


@pytest.mark.parametrize(
    "endpoint", [BASE, f"{BASE}/", f"{BASE}/api", f"{BASE}/api/", f" {BASE}\n"]
)
async def test_the_endpoint_may_be_written_in_any_way(httpx_mock: HTTPXMock, endpoint: str) -> None:
    httpx_mock.add_response(url=f"{BASE}/ping", json={"message": "pong"})
    async with Waha(endpoint, "key\n") as client:
        await client.ping()


async def test_nobody_is_not_written_to(waha: Waha) -> None:
    with pytest.raises(Permanent) as error:
        await waha.send_text("default", Address(), TEXT)
    assert error.value.code == "no_address"


# -- where the id of what was sent is


@pytest.mark.parametrize(
    "answer",
    [
        NOWEB,
        GOWS,
        {"id": WEBJS_ID, "ack": 0, "_data": {"id": WEBJS_ID}},
        {"id": {"_serialized": "true_77051112233@c.us_3EB0SENT"}},
        {"id": WEBJS_ID | {"_serialized": "true_77051112233@c.us_OTHER"}},
        {"id": "3EB0SENT"},
        {"id": None, "_data": {"id": WEBJS_ID}},
        {"key": None, "_data": {"id": "true_77051112233@c.us_3EB0SENT"}},
    ],
)
async def test_the_short_id_is_found_in_every_engines_answer(
    waha: Waha, httpx_mock: HTTPXMock, answer: dict[str, Any]
) -> None:
    httpx_mock.add_response(status_code=201, json=answer)
    assert await waha.send_text("default", ANNA, TEXT) == "3EB0SENT"


@pytest.mark.parametrize("answer", [b"", b"ok", b"{}", b"[]", b"null", b'{"id":7,"key":{}}'])
async def test_sent_without_an_id_is_uncertain(
    waha: Waha, httpx_mock: HTTPXMock, answer: bytes
) -> None:
    httpx_mock.add_response(status_code=201, content=answer)
    error = await _failure(waha)
    assert _shape(error) == (Uncertain, "no_id", None)


# -- silences


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("All connection attempts failed"),
        httpx.ConnectTimeout(""),
        httpx.PoolTimeout(""),
        httpx.ProxyError(""),
        httpx.UnsupportedProtocol(""),
        httpx.LocalProtocolError("Illegal header value"),
        httpx.InvalidURL("Invalid port"),
    ],
)
async def test_what_never_left_may_be_sent_again(
    waha: Waha, httpx_mock: HTTPXMock, error: Exception
) -> None:
    httpx_mock.add_exception(error)
    assert _shape(await _failure(waha)) == (Transient, "unreachable", None)


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadTimeout(""),
        httpx.WriteTimeout(""),
        httpx.ReadError(""),
        httpx.WriteError(""),
        httpx.CloseError(""),
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
        httpx.DecodingError("bad gzip"),
    ],
)
async def test_what_left_and_was_not_answered_is_uncertain_and_a_question_is_asked_again(
    waha: Waha, httpx_mock: HTTPXMock, error: Exception
) -> None:
    httpx_mock.add_exception(error, is_reusable=True)
    assert _shape(await _failure(waha)) == (Uncertain, "no_answer", None)
    with pytest.raises(Transient) as asked:
        await waha.session("default")
    assert _shape(asked.value) == (Transient, "unreachable", None)


async def test_an_endpoint_that_is_no_address_waits_to_be_corrected() -> None:
    for endpoint in ("waha:3000", "http://waha:port", ""):
        async with Waha(endpoint, "ключ") as client:
            assert _shape(await _failure(client)) == (Transient, "unreachable", None)


# -- refusals


def _engine(message: str, details: str = "") -> dict[str, Any]:
    """WAHA's 500: it repeats the whole request."""
    return {
        "statusCode": 500,
        "timestamp": "2026-11-18T11:06:40.000Z",
        "exception": {"message": message, "details": details, "stack": f"Error: {message}"},
        "request": {"path": "/api/sendText", "body": {"chatId": "77051112233@c.us", "text": TEXT}},
        "version": {"version": "2026.7.1"},
    }


FAILED = {
    "error": "Session status is not as expected. Try again later or restart the session",
    "session": "default",
    "status": "FAILED",
    "expected": ["WORKING"],
}

REFUSALS: list[tuple[int, Any, type[AiSellerError], str, float | None]] = [
    (401, {"message": "Unauthorized", "statusCode": 401}, Transient, "unauthorized", 60),
    (403, {"message": "Forbidden", "statusCode": 403}, Transient, "unauthorized", 60),
    (404, {"message": "Cannot POST /api/sendText"}, Transient, "no_route", 60),
    (404, "<html>nginx</html>", Transient, "no_route", 60),
    (301, "", Transient, "redirect", 60),
    (422, FAILED, Transient, "session_down", 15),
    (422, {"error": 'Session "x" does not exist', "session": "x"}, Transient, "session_down", 15),
    (
        422,
        {"message": "WAHA Core support only 'default' session"},
        Transient,
        "session_down",
        15,
    ),
    (422, {"message": "available only in Plus version"}, Permanent, "bad_request", None),
    (400, {"message": "Session name is required"}, Permanent, "bad_request", None),
    (400, {"message": ["text must be a string"]}, Permanent, "bad_request", None),
    (413, "", Permanent, "bad_request", None),
    (501, {"message": "Not implemented"}, Permanent, "not_supported", None),
    (500, _engine("2 UNKNOWN: server returned error 463"), Transient, "restricted", None),
    (500, _engine("2 UNKNOWN", "server returned error 463"), Transient, "restricted", None),
    (
        500,
        _engine("2 UNKNOWN: no LID found for 77054630463@s.whatsapp.net from server"),
        Permanent,
        "not_on_whatsapp",
        None,
    ),
    (500, _engine("Lid is missing in chat table"), Permanent, "not_on_whatsapp", None),
    (500, _engine("Evaluation failed: 77054631463"), Uncertain, "server_error", None),
    (500, "Internal Server Error", Uncertain, "server_error", None),
    (500, {"exception": None}, Uncertain, "server_error", None),
    (502, "<html>", Uncertain, "server_error", None),
    (503, "", Uncertain, "server_error", None),
    (504, "", Uncertain, "server_error", None),
]


@pytest.mark.parametrize(("status", "body", "kind", "code", "retry_after"), REFUSALS)
async def test_a_refusal_has_its_kind(
    waha: Waha,
    httpx_mock: HTTPXMock,
    *,
    status: int,
    body: Any,
    kind: type[AiSellerError],
    code: str,
    retry_after: float | None,
) -> None:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    httpx_mock.add_response(status_code=status, content=content)
    error = await _failure(waha)
    assert _shape(error) == (kind, code, retry_after)
    assert len(httpx_mock.get_requests()) == 1


NOW = {"Date": "Wed, 18 Nov 2026 11:06:40 GMT"}
RETRY_AFTER: list[tuple[dict[str, str], float]] = [
    ({}, 30),
    ({"Retry-After": "7"}, 7),
    ({"Retry-After": "0"}, 0),
    ({"Retry-After": "soon"}, 30),
    ({"Retry-After": "-7"}, 30),
    ({"Retry-After": "nan"}, 30),
    ({"Retry-After": "inf"}, 30),
    ({"Retry-After": "7, 8"}, 30),
    ({"Retry-After": "1e300"}, 86_400),
    ({"Retry-After": "Wed, 18 Nov 2026 11:08:10 GMT", **NOW}, 90),
    ({"Retry-After": "Wednesday, 18-Nov-26 11:08:10 GMT", **NOW}, 90),
    ({"Retry-After": "Wed Nov 18 11:08:10 2026", **NOW}, 90),
    ({"Retry-After": "Wed, 18 Nov 2026 16:08:10 +0500", **NOW}, 90),
    ({"Retry-After": "Wed, 18 Nov 2026 11:06:39 GMT", **NOW}, 30),
    ({"Retry-After": "Wed, 18 Nov 2026 11:08:10 GMT"}, 30),
    ({"Retry-After": "Wed, 18 Nov 2026 11:08:10 GMT", "Date": "today"}, 30),
    ({"Retry-After": "Wed, 42 Nov 2026 11:08:10 GMT", **NOW}, 30),
]


@pytest.mark.parametrize(("headers", "seconds"), RETRY_AFTER)
async def test_asked_too_often_waits_as_long_as_told(
    waha: Waha, httpx_mock: HTTPXMock, *, headers: dict[str, str], seconds: float
) -> None:
    httpx_mock.add_response(status_code=429, headers=headers)
    assert _shape(await _failure(waha)) == (Transient, "rate_limited", seconds)


@pytest.mark.parametrize(("headers", "seconds"), RETRY_AFTER[1:])
async def test_a_server_that_is_busy_is_asked_again_when_it_says_and_never_written_to_twice(
    waha: Waha, httpx_mock: HTTPXMock, *, headers: dict[str, str], seconds: float
) -> None:
    httpx_mock.add_response(status_code=503, headers=headers, is_reusable=True)
    assert _shape(await _failure(waha)) == (Uncertain, "server_error", None)
    with pytest.raises(Transient) as asked:
        await waha.session("default")
    assert _shape(asked.value) == (Transient, "server_error", seconds)


async def test_a_session_that_is_down_says_its_status(waha: Waha, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=422, json=FAILED)
    assert (await _failure(waha)).reason == "the WhatsApp session is not working: FAILED"


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_question_that_failed_is_never_uncertain(
    waha: Waha, httpx_mock: HTTPXMock, status: int
) -> None:
    httpx_mock.add_response(status_code=status)
    with pytest.raises(Transient) as error:
        await waha.version()
    assert error.value.code == "server_error"


# -- the server and its sessions


async def test_the_version_tells_the_engine(waha: Waha, httpx_mock: HTTPXMock) -> None:
    answer = {"version": "2026.7.1", "engine": "GOWS", "tier": "CORE", "browser": None}
    httpx_mock.add_response(url=f"{BASE}/api/server/version", json=answer)
    assert await waha.version() == Version(version="2026.7.1", engine="GOWS")


HOOK = {
    "url": URL,
    "events": list(EVENTS),
    "hmac": {"key": "hook-key"},
    "retries": {"policy": "exponential", "delaySeconds": 2, "attempts": 10},
}
PERSONS = {"status": True, "groups": True, "channels": True, "broadcast": True}


async def test_a_session_is_shown_without_its_keys(waha: Waha, httpx_mock: HTTPXMock) -> None:
    other = {"url": "https://crm.test/hook", "events": ["message", 7]}
    answer = {
        "name": "main",
        "status": "WORKING",
        "config": {"webhooks": [HOOK, other]},
        "me": {
            "id": "77770001122@c.us",
            "lid": "150000000000001@lid",
            "reachoutTimelock": {"isActive": True, "timeEnforcementEnds": 1_795_000_000},
        },
        "engine": {"engine": "GOWS"},
    }
    httpx_mock.add_response(url=f"{BASE}/api/sessions/main", json=answer)
    shown = await waha.session("main")
    assert shown == SessionState(
        name="main",
        status="WORKING",
        us=Address(phone="77770001122", lid="150000000000001"),
        engine="GOWS",
        webhooks=(
            Webhook(url=URL, events=EVENTS, key_mark=mark_of("hook-key")),
            Webhook(url="https://crm.test/hook", events=("message",)),
        ),
        restricted_until=datetime.fromtimestamp(1_795_000_000, UTC),
        restriction_known=True,
    )
    assert "hook-key" not in repr(shown)


async def test_a_session_of_nulls_is_shown_too(waha: Waha, httpx_mock: HTTPXMock) -> None:
    answer = {"name": None, "status": None, "config": None, "me": None, "engine": None}
    httpx_mock.add_response(json=answer)
    assert await waha.session("main") == SessionState(name="main", status="UNKNOWN")


ENDS = datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("me", "restriction"),
    [
        (None, (None, False)),
        ({}, (None, False)),
        ({"reachoutTimelock": None}, (None, True)),
        ({"reachoutTimelock": {"isActive": False, "timeEnforcementEnds": None}}, (None, True)),
        ({"reachoutTimelock": {"isActive": False, "timeEnforcementEnds": 1}}, (None, True)),
        ({"reachoutTimelock": {"isActive": True, "timeEnforcementEnds": 1795000000}}, (ENDS, True)),
        (
            {"reachoutTimelock": {"isActive": True, "timeEnforcementEnds": "1795000000"}},
            (ENDS, True),
        ),
        (
            {"reachoutTimelock": {"isActive": True, "timeEnforcementEnds": 1795000000000}},
            (ENDS, True),
        ),
        ({"reachoutTimelock": {"isActive": True, "timeEnforcementEnds": None}}, (None, False)),
        ({"reachoutTimelock": {"isActive": "yes"}}, (None, False)),
        ({"reachoutTimelock": {}}, (None, False)),
        ({"reachoutTimelock": "soon"}, (None, False)),
    ],
)
async def test_what_whatsapp_holds_against_a_number_is_known_or_not(
    waha: Waha,
    httpx_mock: HTTPXMock,
    *,
    me: Any,
    restriction: tuple[datetime | None, bool],
) -> None:
    httpx_mock.add_response(json={"name": "default", "status": "WORKING", "me": me})
    shown = await waha.session("default")
    assert shown is not None
    assert (shown.restricted_until, shown.restriction_known) == restriction


async def test_an_unknown_session_is_none(waha: Waha, httpx_mock: HTTPXMock) -> None:
    body = {"message": "Session not found", "error": "Not Found", "statusCode": 404}
    httpx_mock.add_response(url=f"{BASE}/api/sessions/a%2Fb", status_code=404, json=body)
    assert await waha.session("a/b") is None


async def test_registering_keeps_the_rest_of_the_configuration(
    waha: Waha, httpx_mock: HTTPXMock
) -> None:
    crm = {"url": "https://crm.test/hook", "events": ["*"], "hmac": {"key": "theirs"}}
    headers = [{"name": "X-Shop", "value": "altyn"}]
    stale = {"url": URL, "events": ["message"], "hmac": None, "customHeaders": headers}
    config = {
        "metadata": {"shop": "altyn"},
        "noweb": {"store": {"enabled": False}},
        "webhooks": [stale, crm, stale],
        "ignore": {"status": False, "other": 1},
    }
    httpx_mock.add_response(method="GET", json={"name": "default", "config": config})
    httpx_mock.add_response(method="PUT", json={"name": "default"})
    assert await waha.register_webhook("default", url=URL, hmac_key="hook-key")
    expected = {
        "metadata": {"shop": "altyn"},
        "noweb": {"store": {"enabled": False}},
        "webhooks": [crm, {**HOOK, "customHeaders": headers}],
        "ignore": {**PERSONS, "other": 1},
    }
    put = httpx_mock.get_requests()[1]
    assert _asked(put) == ("PUT", "/api/sessions/default", {"config": expected})


async def test_a_registered_session_is_left_alone(waha: Waha, httpx_mock: HTTPXMock) -> None:
    hook = {**HOOK, "events": [*reversed(EVENTS)], "customHeaders": None}
    config = {"webhooks": [hook], "ignore": PERSONS}
    httpx_mock.add_response(method="GET", json={"name": "default", "config": config})
    assert not await waha.register_webhook("default", url=URL, hmac_key="hook-key")


async def test_a_session_that_does_not_exist_is_made(waha: Waha, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(method="GET", status_code=404, json={"message": "Session not found"})
    httpx_mock.add_response(method="POST", status_code=201, json={})
    assert await waha.register_webhook("shop", url=URL, hmac_key="hook-key")
    config = {"noweb": {"store": {"enabled": True}}, "webhooks": [HOOK], "ignore": PERSONS}
    body = {"name": "shop", "start": True, "config": config}
    assert _asked(httpx_mock.get_requests()[1]) == ("POST", "/api/sessions", body)


async def test_a_client_handed_in_is_used() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, json=GOWS, request=request)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    async with Waha(BASE, "key", http=http) as client:
        assert await client.send_text("default", ANNA, TEXT) == "3EB0SENT"
    assert http.is_closed


def _asked(request: httpx.Request) -> tuple[str, str, Any]:
    return request.method, request.url.path, json.loads(request.content)


async def _failure(waha: Waha) -> AiSellerError:
    """Why a text was not sent; whatever it was, its reason tells nothing of the customer."""
    with pytest.raises(AiSellerError) as failure:
        await waha.send_text("default", ANNA, TEXT)
    for secret in ("7705", "Анна", "no LID found for", "key-of-a-test", "stack", "waha.test"):
        assert secret not in failure.value.reason
    return failure.value


def _shape(error: AiSellerError) -> tuple[type[AiSellerError], str | None, float | None]:
    retry_after = error.retry_after if isinstance(error, Transient) else None
    return type(error), error.code, retry_after
