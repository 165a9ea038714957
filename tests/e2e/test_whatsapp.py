"""Everything WAHA may post has one right outcome, on every engine."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from app.demo.faults import CutAfterAccepting, Slow, Status
from app.demo.waha_shapes import Engine
from app.domain.events import SessionChanged
from tests.builders import PHONE
from tests.e2e.stage import Stage, on_stage

ENGINES: tuple[Engine, ...] = ("NOWEB", "GOWS", "WEBJS")
LID = "211111111111111"


@pytest.mark.parametrize("engine", ENGINES)
async def test_each_engine_tells_us_the_id_and_its_receipts_are_folded(
    store_url: str, engine: Engine
) -> None:
    async with on_stage(store_url, engine=engine) as stage:
        phone = stage.phone()
        await stage.ordered()
        await stage.settle()
        [message] = await stage.messages()
        assert message["status"] == "delivered"
        await phone.reads()
        await stage.settle()
        [message] = await stage.messages()
        assert message["status"] == "read"
        assert (await stage.contact())["owner"] == "bot"


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_person_behind_a_hidden_id_is_the_same_person(
    store_url: str, engine: Engine
) -> None:
    async with on_stage(store_url, engine=engine) as stage:
        phone = stage.phone(PHONE, name="Айгерим", lid=LID, address="lid")
        await stage.ordered()
        await stage.settle()
        await phone.writes("СТОП")
        await stage.settle()
        contact = await stage.contact()
        assert contact["opted_out"] is True
        assert (await stage.api.get(f"/api/contacts/{LID}")).status_code == 404
        assert stage.waha.sent[-1].chat_id == f"{PHONE}@c.us"


async def test_one_message_under_two_events_and_two_ids_is_answered_once(stage: Stage) -> None:
    stage.waha.twice = True
    phone = stage.phone(PHONE, lid=LID)
    short_id = await phone.writes("Где мой заказ?")
    phone.address = "lid"
    await phone.writes("Где мой заказ?", id=short_id)
    await stage.advance(seconds=30)
    assert len(stage.texts) == 1
    assert [m["direction"] for m in await stage.messages()] == ["in", "out"]


async def test_groups_channels_and_statuses_are_nobody(stage: Stage) -> None:
    await stage.waha.group_message("стоп")
    await stage.waha.status_broadcast("стоп")
    await stage.waha.newsletter("стоп")
    await stage.advance(minutes=1)
    assert stage.texts == []
    assert await stage.bot.contacts.count() == 0


async def test_old_messages_after_a_reconnect_are_kept_but_not_answered(stage: Stage) -> None:
    old = stage.clock.now() - timedelta(hours=10)
    await stage.phone().writes("Вы ещё работаете?", at=old)
    await stage.advance(minutes=1)
    assert stage.texts == []
    assert [m["text"] for m in await stage.messages()] == ["Вы ещё работаете?"]
    await stage.phone().writes("стоп", at=old)
    await stage.settle()
    assert (await stage.contact())["opted_out"] is True


async def test_reactions_edits_and_deletions_are_noted(stage: Stage) -> None:
    phone = stage.phone()
    short_id = await phone.writes("Есть L?")
    await phone.edits(short_id, "Есть M?")
    await stage.settle()
    assert (await stage.messages())[0]["text"] == "Есть M?"
    await phone.revokes(short_id)
    await stage.advance(minutes=1)
    assert stage.texts == []
    await phone.reacts(short_id, "👍")
    await stage.settle()
    assert [e.get("reason") for e in await stage.journal()][-1] == "reaction"


async def test_a_voice_note_and_a_call_ask_for_a_person(stage: Stage) -> None:
    phone = stage.phone()
    await phone.sends_voice()
    await stage.advance(minutes=1)
    assert len(stage.texts) == 1
    assert (await stage.contact())["needs_person"] is not None
    await phone.calls()
    await stage.settle()
    assert "call" in [e.get("reason") for e in await stage.journal()]


async def test_a_message_is_seen_typed_and_then_sent(stage: Stage) -> None:
    await stage.phone().writes("Где мой заказ?")
    await stage.advance(seconds=30)
    posts = [seen.path for seen in stage.waha.requests if seen.method == "POST"]
    assert posts == ["/api/sendSeen", "/api/startTyping", "/api/stopTyping", "/api/sendText"]
    [text] = stage.texts
    assert stage.clock.slept[-1] == pytest.approx(min(len(text) / 12, 20))


async def test_without_typing_nothing_is_shown(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_TYPING_CHARS_PER_SECOND="0") as stage:
        await stage.ordered()
        await stage.settle()
        posts = [seen.path for seen in stage.waha.requests if seen.method == "POST"]
        assert posts == ["/api/sendSeen", "/api/sendText"]


async def test_a_stop_while_the_bot_is_typing_holds_the_text_back(stage: Stage) -> None:
    await stage.ordered()
    phone = stage.phone()
    original = stage.clock.sleep

    async def stop_meanwhile(seconds: float) -> None:
        stage.clock.sleep = original  # type: ignore[method-assign]
        await phone.writes("стоп")
        await stage.waha.delivered()
        await original(seconds)

    stage.clock.sleep = stop_meanwhile  # type: ignore[method-assign]
    await stage.settle()
    assert [m["purpose"] for m in await stage.messages() if m["direction"] == "out"] == [
        "opt_out_confirmation"
    ]
    assert (await stage.contact())["sent_in_window"] == 0


async def test_a_cut_after_accepting_is_settled_by_our_own_echo(stage: Stage) -> None:
    stage.waha.faults.append(CutAfterAccepting())
    await stage.ordered()
    await stage.advance(minutes=5)
    assert len(stage.texts) == 1
    [message] = await stage.messages()
    assert message["status"] in ("sent", "delivered")
    assert (await stage.contact())["owner"] == "bot"


async def test_an_echo_before_the_answer_is_no_take_over(stage: Stage) -> None:
    stage.waha.faults.append(Slow(0.2))
    await stage.ordered()
    await stage.settle()
    assert (await stage.contact())["owner"] == "bot"
    assert len(await stage.messages()) == 1


async def test_a_wrong_key_holds_everything_until_it_is_right(stage: Stage) -> None:
    stage.waha.faults.extend([Status(401, {"message": "Unauthorized", "statusCode": 401})])
    await stage.ordered()
    await stage.settle()
    assert (await stage.messages())[0]["status"] == "queued"
    await stage.advance(minutes=5)
    assert len(stage.texts) == 1


async def test_a_stop_while_the_model_writes_holds_the_text_back(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_TYPING_CHARS_PER_SECOND="0") as stage:
        phone = stage.phone()
        stage.model.delay = 0.3
        await stage.ordered()
        settling = asyncio.create_task(stage.settle())
        await stage.model.wait_for_requests(1)
        await phone.writes("стоп")
        await stage.waha.delivered()
        await settling
        await stage.settle()
        out = [m["purpose"] for m in await stage.messages() if m["direction"] == "out"]
        assert out == ["opt_out_confirmation"]


async def test_a_sessions_late_news_does_not_hide_its_latest(stage: Stage) -> None:
    at = stage.clock.now()
    for minutes, status in ((0, "STARTING"), (2, "WORKING"), (1, "STARTING")):
        changed = SessionChanged(
            session="default", status=status, at=at + timedelta(minutes=minutes)
        )
        await stage.bot.sessions.told(changed, day=at.date(), now=at + timedelta(hours=1))
    latest = await stage.bot.sessions.of("default")
    assert latest.status == "WORKING"
