"""What was sent is known: nothing is sent twice, nothing is taken for sent that did not go."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.demo.faults import CutAfterAccepting, CutBefore, LateAccept, SendFault, Status
from app.demo.waha_shapes import Engine
from tests.builders import PHONE
from tests.e2e.stage import Stage, on_stage

ENGINES: tuple[Engine, ...] = ("NOWEB", "GOWS", "WEBJS")
LOST: list[SendFault] = [CutBefore(), Status(500), Status(503), Status(504)]


async def status(stage: Stage, phone: str = PHONE) -> str:
    (message,) = [m for m in await stage.messages(phone) if m["direction"] == "out"]
    return str(message["status"])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("fault", LOST)
async def test_what_certainly_did_not_go_is_sent_again_once(
    store_url: str, engine: Engine, fault: SendFault
) -> None:
    async with on_stage(store_url, engine=engine) as stage:
        stage.waha.faults.append(fault)
        await stage.ordered()
        await stage.settle()
        assert await status(stage) == "uncertain"
        await stage.advance(seconds=120)
        assert stage.texts == []
        assert await status(stage) == "uncertain"
        await stage.advance(minutes=3)
        assert len(stage.texts) == 1
        assert await status(stage) == "delivered"
        assert (await stage.contact())["sent_in_window"] == 1
        assert (await stage.metrics())["messages_sent"] == 1


@pytest.mark.parametrize("engine", ENGINES)
async def test_what_went_without_an_answer_is_known_by_our_own_echo(
    store_url: str, engine: Engine
) -> None:
    async with on_stage(store_url, engine=engine) as stage:
        stage.waha.faults.append(CutAfterAccepting())
        await stage.ordered()
        await stage.advance(hours=1)
        assert len(stage.texts) == 1
        assert await status(stage) == "delivered"
        assert (await stage.contact())["owner"] == "bot"


@pytest.mark.parametrize("engine", ENGINES)
async def test_without_an_echo_whatsapps_history_tells_that_it_went(
    store_url: str, engine: Engine
) -> None:
    async with on_stage(store_url, engine=engine) as stage:
        stage.waha.deaf = True
        stage.waha.faults.append(CutAfterAccepting())
        await stage.ordered()
        await stage.advance(hours=1)
        assert len(stage.texts) == 1
        assert await status(stage) == "sent"


@pytest.mark.parametrize("engine", ENGINES)
async def test_what_waha_sends_late_is_not_sent_again(store_url: str, engine: Engine) -> None:
    async with on_stage(store_url, engine=engine) as stage:
        stage.waha.faults.append(LateAccept(100))
        await stage.ordered()
        await stage.advance(hours=1)
        assert len(stage.texts) == 1
        assert await status(stage) == "delivered"


async def test_where_nobody_can_tell_it_stays_uncertain_and_a_person_is_asked(
    stage: Stage,
) -> None:
    stage.waha.store = False
    stage.waha.faults.append(CutBefore())
    await stage.ordered()
    await stage.advance(hours=3)
    assert stage.texts == []
    assert await status(stage) == "uncertain"
    assert (await stage.contact())["needs_person"]["reason"] == "unconfirmed"
    [grave] = (await stage.api.get("/api/buried")).json()
    assert grave["cause"] == "unconfirmed"
    # Asked for again where it can be told, it is looked for first, and then sent once.
    stage.waha.store = True
    assert (await stage.api.post(f"/api/buried/{grave['id']}/replay")).status_code == 202
    await stage.advance(minutes=5)
    assert len(stage.texts) == 1
    assert (await stage.api.get("/api/buried")).json() == []


async def test_a_replay_of_what_did_go_sends_nothing(stage: Stage) -> None:
    stage.waha.store, stage.waha.deaf = False, True
    stage.waha.faults.append(CutAfterAccepting())
    await stage.ordered()
    await stage.advance(hours=3)
    assert await status(stage) == "uncertain"
    stage.waha.store = True
    [grave] = (await stage.api.get("/api/buried")).json()
    await stage.api.post(f"/api/buried/{grave['id']}/replay")
    await stage.advance(minutes=5)
    assert len(stage.texts) == 1
    assert await status(stage) == "sent"


async def test_answers_stay_in_order_while_one_is_uncertain(stage: Stage) -> None:
    phone = stage.phone()
    stage.waha.faults.append(CutBefore())
    stage.model.script.extend(["Первый ответ.", "Второй ответ."])
    await phone.writes("Где мой заказ?")
    await stage.advance(seconds=30)
    await phone.writes("А когда привезут?")
    await stage.advance(seconds=60)
    assert stage.texts == []
    await stage.advance(minutes=10)
    assert stage.texts == ["Первый ответ.", "Второй ответ."]


async def test_what_we_start_does_not_hold_up_an_answer(stage: Stage) -> None:
    stage.waha.faults.append(CutBefore())
    await stage.ordered()
    await stage.settle()
    stage.model.script.append("Сейчас расскажу.")
    await stage.phone().writes("Кто это?")
    await stage.advance(seconds=60)
    assert stage.texts == ["Сейчас расскажу."]


async def test_a_message_that_never_gets_through_is_buried_in_the_end(stage: Stage) -> None:
    stage.waha.faults.extend([Status(500)] * 6)
    await stage.ordered()
    await stage.advance(hours=3)
    assert stage.texts == []
    assert await status(stage) == "failed"
    [grave] = (await stage.api.get("/api/buried")).json()
    assert grave["cause"] == "did_not_go"
    await stage.api.post(f"/api/buried/{grave['id']}/replay")
    await stage.advance(minutes=5)
    assert len(stage.texts) == 1


async def test_the_id_we_ask_for_is_the_id_it_gets(stage: Stage) -> None:
    await stage.ordered()
    await stage.settle()
    [post] = [seen for seen in stage.waha.requests if seen.path == "/api/sendText"]
    assert isinstance(post.json, dict)
    assert stage.waha.sent[0].id == post.json["id"]


async def test_a_receipt_that_comes_before_the_id_is_known_is_not_lost(store_url: str) -> None:
    """WEBJS takes no id of ours: what is told of the message waits until we know whose it is."""
    async with on_stage(store_url, engine="WEBJS") as stage:
        stage.waha.echo = False
        stage.waha.faults.append(CutAfterAccepting())
        await stage.ordered()
        await stage.settle()
        assert await status(stage) == "uncertain"
        await stage.advance(minutes=5)
        assert await status(stage) == "delivered"
        assert len(stage.texts) == 1


async def test_a_refusal_for_being_asked_too_often_is_waited_out(stage: Stage) -> None:
    stage.waha.faults.append(Status(429, None, {"Retry-After": "40"}))
    began = stage.clock.now()
    await stage.ordered()
    await stage.advance(minutes=5)
    assert len(stage.texts) == 1
    assert stage.waha.sent[0].at - began >= timedelta(seconds=40)


async def test_a_waha_that_stood_still_may_go_on_with_what_it_was_asked(stage: Stage) -> None:
    """Its history says nothing of a send before it has worked again for a while."""
    stage.waha.faults.append(LateAccept(17 * 60))
    await stage.ordered()
    await stage.settle()
    stage.waha.down = True
    await stage.advance(minutes=15)
    stage.waha.down = False
    await stage.advance(hours=1)
    assert len(stage.texts) == 1
    assert await status(stage) == "delivered"
