"""What an attacker found in sending, and must not find again: bans, lost answers, lost sessions."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from msgspec.structs import replace

from app.demo.faults import CutAfterAccepting, CutBefore, Status, Timelock
from app.demo.waha_shapes import Engine, Line
from app.domain.events import SessionChanged
from app.wiring.parts import assembled
from app.worker.loop import run_guarded
from app.worker.watch import release, told
from tests.builders import PHONE
from tests.clock import Clock
from tests.e2e.stage import Stage, on_stage

OTHER = "77050000002"
LID = "211111111111111"
NO_IDS = "2026.2.1"
KNOWS_TIMELOCKS = "2026.7.2"


def becomes(stage: Stage, version: str) -> None:
    """WAHA is of this version from now on."""
    stage.waha.shapes = replace(stage.waha.shapes, version=version)


def sends(stage: Stage) -> int:
    """How often WAHA was asked to send, whatever came of it."""
    return sum(seen.path == "/api/sendText" for seen in stage.waha.requests)


async def ours(stage: Stage, author: str = "bot") -> list[str]:
    """What became of each of our messages."""
    said = [m for m in await stage.messages() if m["author"] == author]
    return [str(m["status"]) for m in said]


async def session(stage: Stage) -> Any:
    state = (await stage.api.get("/ai-seller/status")).json()
    (found,) = state["waha"]["sessions"]
    return found


async def say(stage: Stage, text: str) -> None:
    """A person at the shop writes."""
    answer = await stage.api.post(f"/api/contacts/{PHONE}/messages", json={"text": text})
    assert answer.is_success


async def watched(stage: Stage, *, minutes: int) -> None:
    """Time passes as it does for a worker, which looks at the sessions all the while."""
    for _ in range(2 * minutes):
        await stage.watch()
        await stage.advance(seconds=30)


# --- a ban on new contacts --------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["GOWS", "NOWEB"])
async def test_a_refusal_is_believed_though_the_session_knows_of_no_timelock(
    store_url: str, engine: Engine
) -> None:
    async with on_stage(store_url, engine=engine) as stage:
        becomes(stage, KNOWS_TIMELOCKS)
        stage.waha.faults.extend([Timelock()] * 5)
        await stage.ordered()
        await watched(stage, minutes=3)
        assert (sends(stage), len(stage.model.requests)) == (1, 1)
        for n in range(3):
            await stage.ordered(phone=f"7705000001{n}", code=f"91200001{n}")
        await watched(stage, minutes=5)
        assert (sends(stage), len(stage.model.requests)) == (1, 1)
        assert (await session(stage))["restricted_until"] is not None


async def test_a_thank_you_that_was_taken_back_waits_for_the_end_of_the_ban(stage: Stage) -> None:
    stage.waha.faults.append(Timelock())
    await stage.ordered()
    await stage.advance(hours=20)
    [waits] = (await stage.api.get("/api/outbox")).json()
    assert waits["blocked"] == "restricted"
    await stage.advance(hours=20)
    assert await ours(stage) == ["delivered"]
    assert (await stage.api.get("/api/buried")).json() == []


# --- whether it went --------------------------------------------------------------------------


async def test_an_answer_is_found_in_the_history_of_either_address(
    store_url: str,
) -> None:
    async with on_stage(store_url) as stage:
        becomes(stage, NO_IDS)
        stage.waha.merges = False  # before 2026.3.1: what was said under either address, apart
        phone = stage.phone(PHONE, lid=LID, address="lid")
        await phone.writes("Здравствуйте")
        await stage.advance(minutes=1)
        before = len(stage.texts)
        stage.waha.echo = stage.waha.acks = False
        stage.waha.faults.append(CutAfterAccepting())
        await phone.writes("Есть размер L?")
        await stage.advance(minutes=15)
        assert len(stage.texts) == before + 1


async def test_the_echo_of_the_second_says_nothing_of_the_first_with_the_same_words(
    store_url: str,
) -> None:
    async with on_stage(store_url) as stage:
        becomes(stage, NO_IDS)
        stage.waha.store = False
        await stage.phone().writes("Есть размер L?")
        await stage.settle()
        stage.waha.faults.append(CutBefore())
        await say(stage, "Да, есть")
        await stage.advance(minutes=8)
        stage.waha.faults.append(CutAfterAccepting())
        await say(stage, "Да, есть")
        await stage.advance(minutes=5)
        assert await ours(stage, "person") == ["uncertain", "delivered"]
        assert stage.texts.count("Да, есть") == 1


async def test_the_same_words_again_go_once_though_the_first_are_unconfirmed(
    store_url: str,
) -> None:
    async with on_stage(store_url) as stage:
        becomes(stage, NO_IDS)
        stage.waha.store = False
        await stage.phone().writes("Есть размер L?")
        await stage.settle()
        stage.waha.faults.append(CutBefore())
        await say(stage, "Да, есть")
        await stage.advance(hours=1)
        stage.waha.store = True
        stage.waha.faults.append(CutAfterAccepting())
        await say(stage, "Да, есть")
        await stage.advance(minutes=15)
        assert stage.texts.count("Да, есть") == 1
        assert await ours(stage, "person") == ["uncertain", "delivered"]


async def test_a_stop_ends_an_answer_of_which_nobody_knows_whether_it_went(stage: Stage) -> None:
    stage.waha.faults.append(CutBefore())
    await stage.phone().writes("Есть размер L?")
    await stage.advance(seconds=30)
    assert await ours(stage) == ["uncertain"]
    await stage.phone().writes("стоп")
    await stage.advance(minutes=30)
    assert len(stage.texts) == 1
    went = [m["purpose"] for m in await stage.messages() if m["status"] in ("sent", "delivered")]
    assert went == ["opt_out_confirmation"]


async def test_a_persons_words_overtake_an_answer_that_may_have_gone(stage: Stage) -> None:
    stage.waha.faults.append(CutBefore())
    await stage.phone().writes("Где мой заказ?")
    await stage.advance(seconds=20)
    await say(stage, "Сейчас посмотрю")
    await stage.advance(seconds=60)
    assert stage.texts == ["Сейчас посмотрю"]


async def test_a_wait_that_is_asked_for_without_measure_ends_with_a_person(stage: Stage) -> None:
    stage.waha.faults.append(Status(429, None, {"Retry-After": "80000"}))
    await stage.phone().writes("Где мой заказ?")
    await stage.advance(hours=7)
    assert stage.texts == []
    assert (await stage.contact())["needs_person"]["reason"] == "unanswered"
    assert (await stage.api.get("/api/outbox")).json() == []


# --- a session that comes and goes ------------------------------------------------------------


def back_meanwhile(stage: Stage, look: int) -> None:
    """Another process releases the session just when ours looks at the clock for that time."""
    now = stage.clock.now
    settings, at = stage.assembly.settings, now()
    assert settings.redis_url is not None
    store, left = settings.redis_url.reveal(), look

    async def elsewhere() -> None:
        world = Clock(at)
        async with assembled(settings, world=world, redis_url=store) as other:
            await told(other.bot, SessionChanged(session="default", status="WORKING", at=at))
            await release(other.bot, "default")

    def looked() -> datetime:
        nonlocal left
        left -= 1
        if left == 0:
            stage.waha.sessions["default"].status = "WORKING"
            another = Thread(target=asyncio.run, args=(elsewhere(),))
            another.start()
            another.join()
        return now()

    stage.clock.now = looked  # type: ignore[method-assign]


async def test_a_session_that_is_back_while_a_chat_is_being_held_lets_it_go_on(
    stage: Stage,
) -> None:
    now = stage.clock.now
    for look in range(1, 40):
        number = f"770500003{look:02}"
        phone = stage.phone(number)
        await phone.writes("Где мой заказ?")
        await stage.settle()
        await stage.waha.session_becomes("FAILED")
        await stage.waha.delivered()
        stage.clock.advance(seconds=5)
        back_meanwhile(stage, look)
        await run_guarded(stage.bot, number)
        stage.clock.now = now  # type: ignore[method-assign]
        if stage.waha.sessions["default"].status != "WORKING":
            assert look > 5, "it never looked"
            return
        await watched(stage, minutes=1)
        assert len(phone.received) == 1, f"held for ever, released at look {look}"


async def test_what_is_uncertain_does_not_spin_while_its_session_is_down_for_hours(
    stage: Stage,
) -> None:
    stage.waha.faults.append(CutBefore())
    await stage.ordered()
    await stage.settle()
    await stage.waha.session_becomes("FAILED")
    await stage.advance(minutes=10)
    stage.clock.advance(minutes=61)
    await stage.settle()
    await stage.waha.session_becomes("WORKING")
    await stage.advance(minutes=10)
    assert await ours(stage) == ["delivered"]


async def test_a_persons_words_behind_what_is_uncertain_and_held_do_not_spin(stage: Stage) -> None:
    stage.waha.faults.append(CutBefore())
    await stage.ordered()
    await stage.settle()
    await stage.waha.session_becomes("FAILED")
    await stage.advance(minutes=1)
    await say(stage, "Здравствуйте, это Асель")
    await stage.advance(minutes=5)
    assert stage.texts == []
    await stage.waha.session_becomes("WORKING")
    await stage.advance(minutes=2)
    assert stage.texts == ["Здравствуйте, это Асель"]


async def test_a_flapping_session_leaves_no_answer_uncertain_for_ever(stage: Stage) -> None:
    stage.waha.faults.append(CutBefore())
    await stage.phone().writes("Где мой заказ?")
    await stage.advance(seconds=20)
    for _ in range(30):
        stage.clock.advance(seconds=100)
        await stage.waha.session_becomes("STARTING")
        await stage.waha.delivered()
        stage.clock.advance(seconds=2)
        await stage.waha.session_becomes("WORKING")
        await stage.settle()
    assert stage.texts == []
    assert (await stage.contact())["needs_person"]["reason"] == "unconfirmed"


async def test_a_clock_that_was_put_back_leaves_no_session_down(stage: Stage) -> None:
    await stage.waha.session_becomes("FAILED")
    stage.clock.advance(hours=2)
    await stage.watch()
    stage.clock.set(stage.clock.now() - timedelta(hours=2))
    await stage.waha.session_becomes("WORKING")
    await stage.waha.delivered()
    await stage.ordered()
    for _ in range(4):
        await stage.watch()
        await stage.settle()
        stage.clock.advance(seconds=30)
    assert len(stage.texts) == 1


async def test_an_answer_through_a_session_that_is_no_shops_is_released_too(stage: Stage) -> None:
    old = stage.waha.new_session("old", {})
    await stage.waha.session_becomes("FAILED", session="old")
    at = stage.clock.now()
    line = Line(id="3A0102030405060708", chat=stage.phone().peer, text="Есть размер L?", at=at)
    stage.waha.emit("message.any", stage.waha.shapes.message(line), session=old, chat=line.chat)
    await stage.advance(minutes=1)
    assert stage.texts == []
    stage.waha.deaf = True
    await stage.waha.session_becomes("WORKING", session="old")
    await watched(stage, minutes=2)
    assert [sent.session for sent in stage.waha.sent] == ["old"]
