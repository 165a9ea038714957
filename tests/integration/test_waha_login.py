"""A shop's phone is linked to WAHA: the gateway against the emulated one, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pytest_httpx import HTTPXMock

from app.demo.server import serving
from app.demo.waha import EmulatedWaha
from app.errors import AiSellerError, Permanent, Refused, Transient, Uncertain
from app.gateways.waha import Waha
from app.gateways.waha_sessions import MOST_QR, own_number
from tests.builders import NOON
from tests.clock import Clock

KEY = "waha-key-for-tests"
PNG = b"\x89PNG\r\n\x1a\n"
PHONE = "+7 (701) 123-45-67"


@asynccontextmanager
async def linked(key: str = KEY) -> AsyncIterator[tuple[EmulatedWaha, Waha]]:
    emulated = EmulatedWaha(KEY, world=Clock(NOON))
    async with serving(emulated.app) as url, Waha(url, key) as waha:
        yield emulated, waha
        assert emulated.unexpected == []


async def test_a_qr_code_is_a_picture_and_another_one_each_time_whatsapp_makes_one() -> None:
    async with linked() as (emulated, waha):
        await emulated.session_becomes("SCAN_QR_CODE")
        first = await waha.qr("default")
        assert first.startswith(PNG)
        assert await waha.qr("default") == first
        await emulated.session_becomes("SCAN_QR_CODE")
        assert await waha.qr("default") != first


async def test_a_scanned_session_works_and_has_nothing_to_scan_any_more() -> None:
    async with linked() as (emulated, waha):
        await emulated.session_becomes("SCAN_QR_CODE")
        shown = await waha.session("default")
        assert shown is not None
        assert (shown.status, shown.us.phone) == ("SCAN_QR_CODE", None)
        emulated.scan()
        shown = await waha.session("default")
        assert shown is not None
        assert (shown.status, shown.us.phone) == ("WORKING", "77770000001")
        with pytest.raises(Transient, match="WORKING") as refused:
            await waha.qr("default")
        assert refused.value.code == "session_down"
        with pytest.raises(ValueError, match="nothing to be scanned"):
            emulated.scan()


async def test_a_code_is_typed_in_instead_of_scanning() -> None:
    async with linked() as (emulated, waha):
        await emulated.session_becomes("SCAN_QR_CODE")
        code = await waha.pairing_code("default", PHONE)
        assert emulated.requests[-1].json == {"phoneNumber": "77011234567"}
        with pytest.raises(ValueError, match="know"):
            emulated.scan(code="AAAA-0000")
        emulated.scan(code=code)
        assert emulated.sessions["default"].status == "WORKING"


async def test_a_session_is_stopped_started_restarted_and_logged_out() -> None:
    async with linked() as (emulated, waha):
        session = emulated.sessions["default"]
        await waha.stop("default")
        assert session.status == "STOPPED"
        await waha.start("default")
        assert session.status == "WORKING"
        await waha.start("default")  # it is started: nothing to be refused for
        await waha.restart("default")
        assert [told["status"] for told in session.statuses[-3:]] == [
            "STOPPED", "STARTING", "WORKING",
        ]  # fmt: skip
        await waha.logout("default")
        assert session.status == "SCAN_QR_CODE"


async def test_a_phone_that_removed_the_device_is_linked_again_after_a_restart() -> None:
    async with linked() as (emulated, waha):
        emulated.log_out()
        assert emulated.sessions["default"].status == "FAILED"
        await waha.restart("default")
        assert emulated.sessions["default"].status == "SCAN_QR_CODE"
        emulated.scan()
        assert emulated.sessions["default"].status == "WORKING"


async def test_a_start_takes_the_worlds_time() -> None:
    world = Clock(NOON)
    emulated = EmulatedWaha(KEY, world=world)
    emulated.start_takes = 3
    async with serving(emulated.app) as url, Waha(url, KEY) as waha:
        await waha.restart("default")
        shown = await waha.session("default")
        assert shown is not None
        assert shown.status == "STARTING"
        world.set(NOON + timedelta(seconds=3))
        shown = await waha.session("default")
        assert shown is not None
        assert shown.status == "WORKING"


ASKS: list[Any] = [
    pytest.param(lambda waha: waha.qr("default"), id="qr"),
    pytest.param(lambda waha: waha.pairing_code("default", PHONE), id="pairing"),
    pytest.param(lambda waha: waha.start("default"), id="start"),
    pytest.param(lambda waha: waha.stop("default"), id="stop"),
    pytest.param(lambda waha: waha.restart("default"), id="restart"),
    pytest.param(lambda waha: waha.logout("default"), id="logout"),
]


@pytest.mark.parametrize("ask", ASKS)
async def test_a_wrong_key_is_told_as_one(ask: Any) -> None:
    async with linked(key="another-key") as (_, waha):
        with pytest.raises(Transient) as error:
            await ask(waha)
        assert error.value.code == "unauthorized"


@pytest.mark.parametrize("ask", ASKS)
async def test_a_waha_that_is_away_fails_by_kind(ask: Any) -> None:
    async with linked() as (emulated, waha):
        emulated.down = True
        with pytest.raises((Transient, Uncertain)):
            await ask(waha)


@pytest.mark.parametrize("ask", ASKS)
async def test_a_session_nobody_made_is_none(ask: Any) -> None:
    async with linked() as (emulated, waha):
        del emulated.sessions["default"]
        with pytest.raises(Transient):
            await ask(waha)


@pytest.mark.parametrize("status", ["WORKING", "FAILED", "STOPPED", "STARTING", "NEVER_SEEN"])
async def test_only_a_session_that_waits_for_a_phone_gives_a_qr_and_a_code(status: str) -> None:
    async with linked() as (emulated, waha):
        await emulated.session_becomes(status)
        for ask in (waha.qr("default"), waha.pairing_code("default", PHONE)):
            with pytest.raises(Transient) as error:
                await ask
            assert error.value.code == "session_down"


# --- other WAHAs than the emulated one ----------------------------------------------------------


@pytest.fixture
async def other() -> AsyncIterator[Waha]:
    async with Waha("http://waha.test:3000", KEY) as waha:
        yield waha


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b'{"mimetype":"image/png"}', PNG + bytes(MOST_QR), b"\xff\xd8\xff\xe0JPEG"],
)
async def test_what_is_no_qr_is_not_handed_on(
    other: Waha, httpx_mock: HTTPXMock, content: bytes
) -> None:
    httpx_mock.add_response(content=content)
    with pytest.raises(Permanent) as error:
        await other.qr("default")
    assert error.value.code == "not_a_picture"


async def test_a_picture_is_asked_for(other: Waha, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(content=PNG)
    await other.qr("a b/c")
    (request,) = httpx_mock.get_requests()
    assert request.url.raw_path == b"/api/a%20b%2Fc/auth/qr"
    assert (request.headers["Accept"], request.headers["X-Api-Key"]) == ("image/png", KEY)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"code": "ABCD-EFGH"}, "ABCD-EFGH"),
        ({"code": "abcdefgh"}, "ABCD-EFGH"),
        ({"code": " 1234-5678 "}, "1234-5678"),
    ],
)
async def test_a_code_is_shown_as_whatsapp_writes_it(
    other: Waha, httpx_mock: HTTPXMock, *, answer: Any, code: str
) -> None:
    httpx_mock.add_response(status_code=201, json=answer)
    assert await other.pairing_code("default", PHONE) == code


@pytest.mark.parametrize("answer", [None, {}, {"code": None}, {"code": 5}, {"code": "<b>"}, []])
async def test_without_a_code_there_is_none(
    other: Waha, httpx_mock: HTTPXMock, answer: Any
) -> None:
    httpx_mock.add_response(status_code=201, content=json.dumps(answer).encode())
    with pytest.raises(Permanent) as error:
        await other.pairing_code("default", PHONE)
    assert error.value.code == "no_code"


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (500, Transient, "server_error"),
        (501, Permanent, "not_supported"),
        (302, Transient, "redirect"),
        (404, Transient, "no_route"),
    ],
)
async def test_a_refused_qr_has_its_kind(
    other: Waha, httpx_mock: HTTPXMock, *, status: int, kind: type[AiSellerError], code: str
) -> None:
    httpx_mock.add_response(status_code=status, text="<html>a secret</html>")
    with pytest.raises(kind) as error:
        await other.qr("default")
    assert error.value.code == code
    assert "secret" not in error.value.reason


async def test_a_restart_that_was_not_answered_may_have_begun(
    other: Waha, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_exception(httpx.ReadTimeout("late"))
    with pytest.raises(Uncertain):
        await other.restart("default")


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        (PHONE, "77011234567"),
        ("8 701 123 45 67", "77011234567"),
        ("7011234567", "77011234567"),
        ("+7 (727) 250-00-00", "77272500000"),  # a shop may have WhatsApp on a landline
        ("+996 555 123456", "996555123456"),
        ("998901234567", "998901234567"),
        ("+49 30 901820", "4930901820"),
    ],
)
def test_a_shops_own_number_is_of_any_kind_and_country(written: str, digits: str) -> None:
    assert own_number(written) == digits


@pytest.mark.parametrize("written", ["", "12", "abc", "7701123456789012", "+7 701 ••• 45 67"])
def test_what_is_no_number_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(Refused) as error:
        own_number(written)
    assert error.value.code == "phone_invalid"
    assert not written or written not in error.value.reason
