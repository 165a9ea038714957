"""The WhatsApp session is watched, and its number is cared for."""

from __future__ import annotations

from typing import Any

import pytest

from app.demo.faults import CutAfterAccepting, Timelock
from app.demo.waha_shapes import Engine
from tests.builders import PHONE
from tests.e2e.stage import Stage, on_stage

OTHER = "77050000002"


async def session(stage: Stage) -> Any:
    state = (await stage.api.get("/ai-seller/status")).json()
    (found,) = state["waha"]["sessions"]
    return found


def posts(stage: Stage) -> list[str]:
    return [seen.path for seen in stage.waha.requests if seen.method == "POST"]


@pytest.mark.parametrize("status", ["FAILED", "STARTING", "STOPPED", "SCAN_QR_CODE"])
async def test_while_the_session_is_down_nothing_is_tried(stage: Stage, status: str) -> None:
    await stage.waha.session_becomes(status)
    await stage.ordered()
    await stage.phone(OTHER).writes("Есть размер L?")
    await stage.advance(minutes=20)
    assert posts(stage) == []
    assert stage.model.requests == []
    waits = (await stage.api.get("/api/outbox")).json()
    assert [item["blocked"] for item in waits] == ["session_down", "session_down"]
    assert (await session(stage))["held"] == 2
    metrics = await stage.metrics()
    assert (metrics["errors"], metrics["blocked_by_reason"]) == (0, {"session_down": 2})


async def test_when_it_is_back_everything_goes_out_once_and_in_order(stage: Stage) -> None:
    await stage.waha.session_becomes("FAILED")
    for n in range(5):
        await stage.phone(f"7705000000{n}").writes("Где мой заказ?")
        await stage.advance(seconds=20)
    await stage.waha.session_becomes("WORKING")
    await stage.advance(minutes=1)
    assert [sent.chat_id[:11] for sent in stage.waha.sent] == [f"7705000000{n}" for n in range(5)]
    assert (await session(stage))["held"] == 0
    assert (await stage.metrics())["messages_sent"] == 5


async def test_a_session_that_came_back_without_a_word_is_found_by_asking(stage: Stage) -> None:
    await stage.waha.session_becomes("FAILED")
    await stage.ordered()
    await stage.settle()
    stage.waha.deaf = True
    await stage.waha.session_becomes("WORKING")
    await stage.advance(minutes=2)
    assert len(stage.texts) == 1


async def test_a_written_text_waits_for_the_session_too(stage: Stage) -> None:
    stage.waha.deaf = True
    await stage.waha.session_becomes("FAILED")
    await stage.phone().writes("Где мой заказ?")
    stage.waha.deaf = False
    await stage.ordered()
    await stage.advance(minutes=10)
    assert stage.texts == []
    [message] = await stage.messages()
    assert message["status"] == "queued"
    tries = posts(stage).count("/api/sendText")
    await stage.waha.session_becomes("WORKING")
    await stage.advance(minutes=2)
    assert len(stage.texts) == 1
    assert tries == 1


async def test_a_waha_that_is_away_is_held_like_a_session_and_not_hammered(stage: Stage) -> None:
    stage.waha.down = True
    await stage.ordered()
    await stage.advance(hours=1)
    assert (await session(stage))["status"] == "UNREACHABLE"
    assert [alert["kind"] for alert in (await session(stage))["alerts"]] == ["session_down"]
    stage.waha.down = False
    await stage.advance(minutes=4)
    assert len(stage.texts) == 1


async def test_a_failure_that_lasts_raises_an_alert_once_and_restarts_nothing(
    stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    await stage.waha.session_becomes("FAILED")
    await stage.watch()
    assert (await session(stage))["alerts"] == []
    await stage.advance(minutes=5)
    (alert,) = (await session(stage))["alerts"]
    assert alert["kind"] == "session_down"
    assert capfd.readouterr().out.count("kind=session_down") == 1
    assert posts(stage) == []


async def test_a_session_that_sends_and_hears_nothing_is_told_of(stage: Stage) -> None:
    stage.waha.deaf = True
    await stage.ordered()
    await stage.advance(minutes=4)
    await stage.watch()
    (alert,) = (await session(stage))["alerts"]
    assert alert["kind"] == "deaf"
    stage.waha.deaf = False
    await stage.phone().writes("Спасибо")
    await stage.advance(minutes=1)
    await stage.watch()
    assert (await session(stage))["alerts"] == []


# --- WhatsApp forbids writing to new contacts -------------------------------------------------


async def test_a_timelock_stops_what_we_start_with_strangers_and_nothing_else(
    stage: Stage,
) -> None:
    known, stranger = stage.phone(PHONE), stage.phone(OTHER)
    await known.writes("Здравствуйте, вы работаете?")
    await stage.advance(minutes=1)
    await stage.waha.timelock(days=1)
    await stage.settle()
    await stage.ordered(phone=OTHER, code="912000002")
    await stage.ordered(phone=PHONE, code="912000001")
    await stage.advance(hours=1)
    assert stranger.received == []
    assert len(known.received) == 2
    await stranger.writes("Где мой заказ?")
    await stage.advance(minutes=1)
    assert len(stranger.received) >= 1
    shown = await session(stage)
    assert shown["restricted_until"] is not None
    assert [alert["kind"] for alert in shown["alerts"]] == ["restricted"]


async def test_what_waited_for_the_end_of_a_timelock_goes_out_then(stage: Stage) -> None:
    await stage.waha.timelock(days=1)
    await stage.ordered()
    await stage.advance(hours=23)
    assert stage.texts == []
    [waits] = (await stage.api.get("/api/outbox")).json()
    assert waits["blocked"] == "restricted"
    await stage.advance(hours=3)
    assert len(stage.texts) == 1


@pytest.mark.parametrize("engine", ["GOWS", "NOWEB"])
async def test_the_first_463_stops_further_strangers(store_url: str, engine: Engine) -> None:
    async with on_stage(store_url, engine=engine) as stage:
        stage.waha.faults.append(Timelock())
        await stage.ordered(phone=PHONE)
        await stage.settle()
        asked = posts(stage).count("/api/sendText")
        for n in range(3):
            await stage.ordered(phone=f"7705000001{n}", code=f"91200001{n}")
        await stage.advance(hours=2)
        assert posts(stage).count("/api/sendText") == asked == 1
        assert (await session(stage))["restricted_until"] is not None


# --- how the number fares ---------------------------------------------------------------------


async def test_a_number_that_many_stop_is_spared_until_it_has_recovered(store_url: str) -> None:
    async with on_stage(
        store_url, AI_SELLER_SEND_INTERVAL_SECONDS="0", AI_SELLER_QUIET_HOURS=""
    ) as stage:
        for n in range(20):
            await stage.ordered(phone=f"770500001{n:02}", code=f"9120001{n:02}")
        await stage.settle()
        for n in range(3):
            await stage.phone(f"770500001{n:02}").writes("стоп")
        await stage.advance(minutes=1)
        await stage.watch()
        assert (await session(stage))["health"]["grade"] == "red"
        before = len(stage.texts)
        await stage.ordered(phone=OTHER, code="912000999")
        await stage.phone("77050000199").writes("Есть в наличии?")
        await stage.advance(minutes=2)
        assert len(stage.texts) == before + 1
        [waits] = (await stage.api.get("/api/outbox")).json()
        assert waits["blocked"] == "number_health"
        await stage.advance(hours=12)


async def test_a_new_number_warms_up(store_url: str) -> None:
    async with on_stage(
        store_url,
        AI_SELLER_WARM_UP="true",
        AI_SELLER_SEND_INTERVAL_SECONDS="0",
        AI_SELLER_QUIET_HOURS="",
        AI_SELLER_TYPING_CHARS_PER_SECOND="0",
    ) as stage:
        for n in range(45):
            await stage.ordered(phone=f"770500002{n:02}", code=f"9120002{n:02}")
        await stage.settle()
        assert len(stage.texts) == 10
        await stage.advance(hours=24)
        assert len(stage.texts) == 30
        await stage.advance(hours=20)
        assert len(stage.texts) == 45


async def test_a_lost_answer_does_not_count_against_the_number(stage: Stage) -> None:
    stage.waha.faults.append(CutAfterAccepting())
    await stage.ordered()
    await stage.advance(minutes=5)
    await stage.watch()
    assert (await session(stage))["health"] == {"grade": "green", "because": []}


async def test_one_answer_in_a_quiet_shop_is_no_deafness(stage: Stage) -> None:
    await stage.phone().writes("Есть размер L?")
    await stage.advance(seconds=8)
    assert len(stage.texts) == 1
    await stage.advance(minutes=30)
    await stage.watch()
    assert (await session(stage))["alerts"] == []
