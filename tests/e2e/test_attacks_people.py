"""What an attacker found in telling people apart and hearing them, and must not find again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from app.demo.faults import Status
from app.demo.waha_phone import Phone
from app.demo.waha_shapes import Engine
from app.domain.conversation import derive_id
from app.gateways.waha_wire import short_id_for
from tests.builders import PHONE
from tests.e2e.stage import Stage, on_stage

OTHER = "77050000002"
LID = "211111111111111"
STRANGER, STRANGERS_LID = "77059999999", "299999999999999"


def hidden(stage: Stage, number: str = PHONE, lid: str = LID) -> Phone:
    """Somebody of whom WhatsApp shows a hidden id, and tells nobody whose it is."""
    phone = stage.phone(number, lid=lid, address="lid")
    phone.shows_other_address = False
    return phone


async def grade(stage: Stage) -> str:
    await stage.watch()
    state = (await stage.api.get("/ai-seller/status")).json()
    (found,) = state["waha"]["sessions"]
    return str(found["health"]["grade"])


async def unheard(stage: Stage) -> None:
    """From now on no webhook comes, and the session is seen to be away."""
    stage.waha.deaf = True
    await stage.waha.session_becomes("STARTING")
    await stage.watch()


async def heard_again(stage: Stage) -> None:
    """The session is back, and what was missed is read."""
    stage.clock.advance(minutes=1)
    await stage.waha.session_becomes("WORKING")
    stage.waha.deaf = False
    await stage.watch()
    await stage.advance(minutes=1)


async def kept(stage: Stage, *names: str) -> list[str]:
    """Keys of ours in the store that still tell of somebody with one of these names."""
    store: Any = stage.assembly.redis
    reads = {
        "string": store.get,
        "hash": store.hgetall,
        "set": store.smembers,
        "list": lambda key: store.lrange(key, 0, -1),
        "zset": lambda key: store.zrange(key, 0, -1),
        "stream": store.xrange,
    }
    found = []
    async for key in store.scan_iter(match="aiseller:*", count=1000):
        value = await reads[(await store.type(key)).decode()](key)
        if any(name in f"{key} {value}" for name in names):
            found.append(key.decode())
    return found


# --- who is who -------------------------------------------------------------------------------


async def test_who_quotes_a_guessed_id_is_not_taken_for_the_one_it_was_sent_to(
    stage: Stage,
) -> None:
    stage.waha.store = False
    await stage.ordered()
    await stage.settle()
    guess = short_id_for(derive_id("post_purchase", "default", "912000001"), b"")
    assert guess != stage.waha.sent[0].id
    evil = hidden(stage, STRANGER, STRANGERS_LID)
    await evil.writes("стоп", reply_to=guess)
    await stage.advance(minutes=1)
    assert (await stage.contact())["opted_out"] is False
    await stage.phone().writes("стоп")
    await stage.advance(minutes=1)
    await evil.writes("старт", reply_to=guess)
    await stage.advance(minutes=1)
    assert (await stage.contact())["opted_out"] is True
    before = len(stage.waha.sent)
    await evil.writes("Когда привезут?", reply_to=guess)
    await stage.advance(minutes=1)
    assert {s.chat_id for s in stage.waha.sent[before:]} == {f"{STRANGERS_LID}@lid"}
    assert (await stage.contact())["lid"] is None


@pytest.mark.parametrize("order", [("lid", "pn"), ("pn", "lid")])
async def test_a_message_told_under_both_addresses_is_answered_once(
    stage: Stage, order: tuple[str, str]
) -> None:
    stage.waha.store = False
    phone = hidden(stage)
    short_id: str | None = None
    for address in order:
        phone.address = "lid" if address == "lid" else "pn"
        short_id = await phone.writes("Где мой заказ?", id=short_id)
        await stage.waha.delivered()
    await stage.advance(minutes=1)
    assert len(stage.texts) == 1


async def test_our_own_echo_under_an_unknown_hidden_id_is_no_take_over(
    store_url: str,
) -> None:
    async with on_stage(store_url) as stage:
        stage.waha.shapes = replace(stage.waha.shapes, version="2026.2.1")
        stage.waha.store, stage.waha.echo_first = False, True
        phone = hidden(stage)
        await stage.ordered()
        await stage.advance(minutes=1)
        await phone.writes("Спасибо! А размер L есть?", reply_to=stage.waha.sent[0].id)
        await stage.advance(minutes=1)
        assert len(stage.texts) == 2
        assert (await stage.contact())["owner"] == "bot"


async def test_a_start_takes_back_the_mark_of_a_hidden_stop(stage: Stage) -> None:
    stage.waha.store = False
    phone = hidden(stage)
    await phone.writes("стоп")
    await stage.advance(minutes=1)
    assert await stage.bot.contacts.any_hidden_stop() is True
    await phone.writes("старт")
    await stage.advance(minutes=1)
    assert await stage.bot.contacts.any_hidden_stop() is False


async def test_a_waha_that_cannot_tell_hidden_ids_does_not_stop_what_we_start(
    stage: Stage,
) -> None:
    stage.waha.failing["/lids/"] = "Evaluation failed"
    await hidden(stage, STRANGER, STRANGERS_LID).writes("стоп")
    await stage.advance(minutes=1)
    before = len(stage.texts)
    for n in range(3):
        await stage.ordered(phone=f"7705000004{n}", code=f"91200004{n}")
    await stage.advance(hours=1)
    assert len(stage.texts) == before + 3


async def test_nothing_is_left_of_a_hidden_person_who_said_stop_and_was_erased(
    stage: Stage,
) -> None:
    stage.waha.store = False
    await hidden(stage).writes("стоп")
    await stage.advance(minutes=1)
    answer = await stage.api.post(f"/api/contacts/lid:{LID}/erase")
    await stage.settle()
    assert answer.is_success
    assert await kept(stage, LID, PHONE) == []


async def test_nothing_is_left_of_what_was_buried_under_a_hidden_id(stage: Stage) -> None:
    stage.waha.faults.append(Status(400, {"message": "bad", "statusCode": 400}))
    await hidden(stage).writes("Есть размер L?")
    await stage.advance(minutes=1)
    assert len((await stage.api.get("/api/buried")).json()) == 1
    await stage.ordered()
    await stage.advance(minutes=5)
    await stage.api.post(f"/api/contacts/{PHONE}/erase")
    await stage.settle()
    assert (await stage.api.get("/api/buried")).json() == []
    assert await kept(stage, LID, PHONE) == []


async def test_what_a_merge_drops_is_counted(stage: Stage) -> None:
    await hidden(stage).writes("стоп")
    await stage.advance(minutes=1)
    await stage.ordered()
    await stage.advance(minutes=5)
    assert len(stage.texts) == 1
    assert (await stage.metrics())["blocked_by_reason"] == {"opted_out": 1}


# --- who is answered, and how often -----------------------------------------------------------


async def test_a_question_whose_webhook_was_late_is_not_answered_by_an_earlier_answer(
    stage: Stage,
) -> None:
    phone, began = stage.phone(), stage.clock.now()
    await phone.writes("Есть размер L?")
    await stage.advance(minutes=3)
    assert len(stage.texts) == 1
    await phone.writes("И сколько стоит доставка?", at=began + timedelta(seconds=2))
    await stage.advance(minutes=5)
    assert len(stage.texts) == 2 or (await stage.contact())["needs_person"]


async def test_a_clock_of_ours_that_is_ahead_silences_nobody(stage: Stage) -> None:
    phone, ahead = stage.phone(), timedelta(minutes=3)
    await phone.writes("Есть размер L?", at=stage.clock.now() - ahead)
    await stage.advance(minutes=1)
    assert len(stage.texts) == 1
    await phone.writes("А сколько стоит?", at=stage.clock.now() - ahead)
    await stage.advance(minutes=1)
    assert len(stage.texts) == 2 or (await stage.contact())["needs_person"]


async def test_a_second_stop_ends_an_answer_that_is_being_typed(stage: Stage) -> None:
    phone = stage.phone()
    await phone.writes("стоп")
    await stage.advance(minutes=1)
    before = len(stage.texts)
    await phone.writes("Есть размер L?")
    await stage.settle()
    sleep = stage.clock.sleep

    async def stopped(seconds: float) -> None:
        stage.clock.sleep = sleep  # type: ignore[method-assign]
        await phone.writes("стоп")
        await stage.waha.delivered()
        await sleep(seconds)

    stage.clock.sleep = stopped  # type: ignore[method-assign]
    await stage.advance(minutes=10)
    assert len(stage.texts) == before


async def test_one_buyer_who_stops_and_starts_does_not_endanger_the_number(
    store_url: str,
) -> None:
    async with on_stage(
        store_url, AI_SELLER_SEND_INTERVAL_SECONDS="0", AI_SELLER_TYPING_CHARS_PER_SECOND="0"
    ) as stage:
        for n in range(20):
            await stage.ordered(phone=f"770500001{n:02}", code=f"9120001{n:02}")
        await stage.settle()
        assert len(stage.texts) == 20
        buyer = "77050000105"
        for wish in ("стоп", "старт") * 3:  # all in one turn
            await stage.phone(buyer).writes(wish)
            await stage.waha.delivered()
        await stage.advance(minutes=1)
        await stage.waha.owner_writes(buyer, "Здравствуйте, я Асель")
        for wish in ("стоп", "старт") * 3:  # each in a turn of its own, and none is answered
            await stage.phone(buyer).writes(wish)
            await stage.advance(minutes=1)
        assert await grade(stage) != "red"


async def test_a_flood_is_answered_forty_times_an_hour_and_then_a_person_is_called(
    store_url: str,
) -> None:
    async with on_stage(store_url, AI_SELLER_TYPING_CHARS_PER_SECOND="0") as stage:
        for n in range(45):
            await stage.phone().writes(f"Вопрос номер {n}?")
            await stage.advance(seconds=20)
        assert len(stage.texts) == len(stage.model.requests) == 40
        assert (await stage.contact())["needs_person"]["reason"] == "flood"
        await stage.advance(hours=1)
        await stage.phone().writes("Есть размер L?")
        await stage.advance(minutes=1)
        assert len(stage.texts) == 41


async def test_a_late_echo_of_older_words_does_not_undo_a_hand_back(stage: Stage) -> None:
    phone = stage.phone()
    await phone.writes("Здравствуйте")
    await stage.advance(minutes=1)
    stage.waha.deaf = True
    await stage.waha.owner_writes(PHONE, "Здравствуйте, это Асель")
    late = stage.waha.lines[-1]
    stage.waha.deaf = False
    await stage.advance(minutes=5)
    await stage.api.post(f"/api/contacts/{PHONE}/hand-back")
    await stage.advance(minutes=1)
    stage.waha.write(late, ("message.any",), keep=False)
    await stage.advance(minutes=1)
    assert (await stage.contact())["owner"] == "bot"
    assert "это Асель" in (await stage.messages())[-1]["text"]
    before = len(stage.texts)
    await phone.writes("Есть размер L?")
    await stage.advance(minutes=1)
    assert len(stage.texts) == before + 1


# --- what was said while nobody listened ------------------------------------------------------


@pytest.mark.parametrize("engine", ["GOWS", "WEBJS"])
async def test_a_stop_far_down_the_list_of_chats_is_read_after_a_silence(
    store_url: str, engine: Engine
) -> None:
    async with on_stage(store_url, engine=engine) as stage:
        phone = stage.phone()
        await stage.waha.owner_writes(PHONE, "Здравствуйте")
        await stage.settle()
        stage.clock.advance(minutes=1)
        for n in range(120):
            await stage.waha.owner_writes(f"770500{n:05}", "Здравствуйте")
        await stage.settle()
        await unheard(stage)
        await phone.writes("стоп")
        await heard_again(stage)
        assert (await stage.contact())["opted_out"] is True


async def test_a_chat_whose_history_fails_does_not_hide_the_others(
    store_url: str,
) -> None:
    async with on_stage(store_url, engine="GOWS") as stage:
        phone = stage.phone()
        for number in (PHONE, OTHER):
            await stage.waha.owner_writes(number, "Здравствуйте")
            await stage.settle()
        stage.waha.failing[OTHER] = "2 UNKNOWN: no LID found"
        await unheard(stage)
        await phone.writes("стоп")
        await heard_again(stage)
        assert (await stage.contact())["opted_out"] is True


async def test_a_customer_is_heard_behind_thousands_of_messages_of_groups(stage: Stage) -> None:
    phone = stage.phone()
    await phone.writes("Здравствуйте")
    await stage.advance(minutes=1)
    before = len(stage.texts)
    await unheard(stage)
    await phone.writes("Есть размер L?")
    for n in range(2600):
        stage.clock.advance(seconds=1)
        await stage.waha.group_message(f"Новость {n}")
    await heard_again(stage)
    assert len(stage.texts) == before + 1
