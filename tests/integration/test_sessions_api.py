"""The doors of the WhatsApp sessions: what a program may ask, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.errors import Uncertain
from app.wiring.line import acted
from tests.e2e.stage import HMAC, Stage, on_stage

DOOR = "/api/sessions/default"


@pytest.fixture
async def stage(store_url: str) -> AsyncIterator[Stage]:
    async with on_stage(store_url) as stage:
        yield stage


def posts(stage: Stage) -> list[str]:
    return [asked.path for asked in stage.waha.requests if asked.method in ("POST", "PUT")]


async def test_a_session_is_linked_by_its_qr_or_its_code(stage: Stage) -> None:
    await stage.waha.session_becomes("SCAN_QR_CODE")
    qr = await stage.api.get(f"{DOOR}/qr")
    assert (qr.status_code, qr.headers["content-type"]) == (200, "image/png")
    assert qr.headers["cache-control"] == "no-store"
    assert qr.content.startswith(b"\x89PNG")
    answer = await stage.api.post(f"{DOOR}/pairing-code", json={"phone": "8 777 000 00 01"})
    assert answer.json() == {"code": stage.waha.sessions["default"].pairing_code}
    again = await stage.api.post(f"{DOOR}/pairing-code", json={"phone": "8 777 000 00 01"})
    assert (again.status_code, again.json()["code"]) == (429, "too_soon")
    stage.waha.scan()
    late = await stage.api.get(f"{DOOR}/qr")
    assert (late.status_code, late.json()["code"]) == (409, "not_waiting")


async def test_waha_is_not_asked_for_a_code_nobody_can_use(stage: Stage) -> None:
    answer = await stage.api.post(f"{DOOR}/pairing-code", json={"phone": "87770000001"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_waiting")
    await stage.waha.session_becomes("SCAN_QR_CODE")
    answer = await stage.api.post(f"{DOOR}/pairing-code", json={"phone": "none"})
    assert (answer.status_code, answer.json()["code"]) == (400, "phone_invalid")
    assert posts(stage) == []
    answer = await stage.api.post(f"{DOOR}/pairing-code", json={"phone": "87770000001"})
    assert answer.status_code == 200  # who mistyped it need not wait


async def test_a_session_is_restarted_once_in_half_a_minute(stage: Stage) -> None:
    await stage.waha.session_becomes("FAILED")
    first = await stage.api.post(f"{DOOR}/restart")
    assert first.json() == {"session": "default", "done": True}
    again = await stage.api.post(f"{DOOR}/restart")
    assert (again.status_code, again.json()["code"]) == (429, "too_soon")
    assert posts(stage) == ["/api/sessions/default/restart"]
    stage.clock.advance(seconds=30)
    assert (await stage.api.post(f"{DOOR}/restart")).status_code == 200


async def test_a_ban_on_new_contacts_is_not_restarted_away(stage: Stage) -> None:
    await stage.waha.timelock(days=1)
    await stage.waha.delivered()
    answer = await stage.api.post(f"{DOOR}/restart")
    assert (answer.status_code, answer.json()["code"]) == (409, "restricted")
    assert posts(stage) == []


async def test_a_stopped_session_is_started_and_a_started_one_left_alone(stage: Stage) -> None:
    await stage.waha.session_becomes("STOPPED")
    assert (await stage.api.post(f"{DOOR}/start")).json()["done"] is True
    assert stage.waha.sessions["default"].status == "WORKING"
    told = len(stage.waha.sessions["default"].statuses)
    assert (await stage.api.post(f"{DOOR}/start")).status_code == 200
    assert len(stage.waha.sessions["default"].statuses) == told


async def test_the_webhook_is_registered_once(stage: Stage) -> None:
    first = await stage.api.post(f"{DOOR}/webhook")
    assert first.json() == {"session": "default", "done": True}
    (hook,) = stage.waha.sessions["default"].webhooks
    assert hook.hmac is not None
    assert hook.hmac.key == HMAC
    assert HMAC not in first.text
    stage.clock.advance(minutes=1)
    again = await stage.api.post(f"{DOOR}/webhook")
    assert again.json() == {"session": "default", "done": False}


@pytest.mark.parametrize(
    ("method", "act"),
    [
        ("GET", "qr"),
        ("POST", "pairing-code"),
        ("POST", "restart"),
        ("POST", "start"),
        ("POST", "webhook"),
    ],
)
async def test_other_sessions_and_strangers_are_turned_away(
    stage: Stage, method: str, act: str
) -> None:
    stage.waha.new_session("somebody-elses", {})
    body = {"json": {"phone": "87770000001"}} if act == "pairing-code" else {}
    other = await stage.api.request(method, f"/api/sessions/somebody-elses/{act}", **body)  # type: ignore[arg-type]
    assert (other.status_code, other.json()["code"]) == (404, "unknown_session")
    stranger = await stage.public.request(method, f"{DOOR}/{act}", **body)  # type: ignore[arg-type]
    assert stranger.status_code == 401
    assert posts(stage) == []


@pytest.mark.parametrize("act", ["restart", "start", "webhook"])
async def test_a_waha_that_is_away_is_told_as_a_fault_of_the_other_side(
    stage: Stage, act: str
) -> None:
    stage.waha.down = True
    answer = await stage.api.post(f"{DOOR}/{act}")
    assert answer.status_code in (502, 503)
    assert "127.0.0.1" not in answer.text


async def test_nobody_waits_for_a_waha_that_never_says_whether_it_is_done() -> None:
    with pytest.raises(Uncertain) as told:
        await acted(asyncio.Event().wait(), within=0.01)
    assert told.value.code == "no_answer"


async def test_without_a_waha_or_a_key_the_doors_say_what_is_not_set(store_url: str) -> None:
    async with on_stage(store_url, WAHA_API_ENDPOINT="") as stage:
        answer = await stage.api.post(f"{DOOR}/restart")
        assert (answer.status_code, answer.json()["code"]) == (409, "no_waha")
    async with on_stage(store_url, WAHA_WEBHOOK_HMAC_KEY="") as stage:
        answer = await stage.api.post(f"{DOOR}/webhook")
        assert (answer.status_code, answer.json()["code"]) == (409, "no_hmac_key")
