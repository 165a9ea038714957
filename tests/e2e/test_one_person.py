"""One person behind many addresses; a person of the shop on the phone; a customer who writes on."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from app.demo.waha_phone import Phone
from app.demo.waha_shapes import Engine
from tests.builders import PHONE
from tests.e2e.stage import Stage, on_stage

ENGINES: tuple[Engine, ...] = ("NOWEB", "GOWS", "WEBJS")
LID = "211111111111111"


def hidden(stage: Stage) -> Phone:
    """Somebody of whom WhatsApp shows a hidden id, and tells nobody whose it is."""
    phone = stage.phone(PHONE, name="Айгерим", lid=LID, address="lid")
    phone.shows_other_address = False
    return phone


# --- one person, many addresses ---------------------------------------------------------------


async def test_a_stop_under_a_hidden_id_holds_once_its_phone_is_known(stage: Stage) -> None:
    """WAHA cannot say whose the id is; it can say which id the phone has."""
    phone = hidden(stage)
    await phone.writes("стоп")
    await stage.advance(minutes=1)
    assert len(stage.texts) == 1
    await stage.ordered()
    await stage.advance(hours=30)
    assert len(stage.texts) == 1
    contact = await stage.contact()
    assert contact["opted_out"] is True
    assert contact["lid"] == LID
    assert (await stage.messages())[0]["text"] == "стоп"


@pytest.mark.parametrize("engine", ENGINES)
async def test_an_answer_to_our_message_tells_whose_the_hidden_id_is(
    store_url: str, engine: Engine
) -> None:
    async with on_stage(store_url, engine=engine) as stage:
        stage.waha.store = False  # no lids by the API
        await stage.ordered()
        await stage.settle()
        phone = hidden(stage)
        await phone.writes("стоп", reply_to=stage.waha.sent[0].id)
        await stage.settle()
        assert (await stage.contact())["opted_out"] is True


async def test_our_own_echo_tells_whose_the_hidden_id_is(stage: Stage) -> None:
    stage.waha.store = False
    phone = hidden(stage)
    await phone.writes("Есть размер L?")
    await stage.advance(minutes=1)
    assert len(await stage.messages(f"lid:{LID}")) == 2
    await stage.ordered()
    await stage.settle()
    await phone.reads()
    await stage.advance(minutes=1)
    assert [m["direction"] for m in await stage.messages()] == ["in", "out", "out"]
    assert (await stage.api.get(f"/api/contacts/lid:{LID}")).json()["phone"] == PHONE


async def test_merging_keeps_caps_owner_and_memory(stage: Stage) -> None:
    phone = hidden(stage)
    await phone.writes("Есть размер L?")
    await stage.advance(minutes=1)
    await stage.api.post(f"/api/contacts/lid:{LID}/take-over")
    await stage.ordered()
    await stage.settle()
    contact = await stage.contact()
    assert contact["owner"] == "people"
    assert contact["name"] == "Айгерим С"
    assert len(stage.texts) == 1
    kinds = [entry["kind"] for entry in await stage.journal()]
    assert "merged" in kinds
    assert "received" in kinds


async def test_lid_digits_are_never_a_phone(stage: Stage) -> None:
    await hidden(stage).writes("Есть размер L?")
    await stage.advance(minutes=1)
    assert (await stage.api.get(f"/api/contacts/{LID}")).status_code == 404
    assert stage.waha.sent[0].chat_id == f"{LID}@lid"


async def test_while_nobody_knows_who_said_stop_strangers_are_asked_about_first(
    stage: Stage,
) -> None:
    stage.waha.store = False
    await hidden(stage).writes("стоп")
    await stage.advance(minutes=1)
    stage.waha.down = True
    await stage.ordered()
    await stage.settle()
    stage.waha.down = False
    stage.waha.store = True
    await stage.advance(hours=30)
    assert len(stage.texts) == 1
    assert (await stage.contact())["opted_out"] is True


async def test_a_phone_without_whatsapp_is_not_written_to(stage: Stage) -> None:
    stage.waha.not_on_whatsapp.add(PHONE)
    await stage.ordered()
    await stage.advance(minutes=5)
    assert stage.texts == []
    assert (await stage.metrics())["blocked_by_reason"] == {"not_on_whatsapp": 1}
    assert stage.model.requests == []


# --- a person on the phone --------------------------------------------------------------------


async def test_an_owner_who_answers_from_the_phone_has_the_chat(stage: Stage) -> None:
    phone = stage.phone()
    await stage.waha.owner_writes(PHONE, "Здравствуйте, это Асель, сейчас посмотрю")
    await phone.writes("Хорошо, жду")
    await stage.ordered()
    await stage.advance(hours=3)
    assert stage.texts == []
    await stage.advance(hours=2)
    stage.model.script.append("Да, конечно.")
    await phone.writes("А доставка есть?")
    await stage.advance(minutes=1)
    assert stage.texts[-1] == "Да, конечно."
    asked = str(stage.model.requests[-1])
    assert "это Асель" in asked


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_take_over_while_the_model_writes_means_silence(
    store_url: str, engine: Engine
) -> None:
    async with on_stage(store_url, engine=engine) as stage:
        await meanwhile(stage, lambda: stage.waha.owner_writes(PHONE, "Отвечу сама"))
        assert stage.texts == []
        assert (await stage.contact())["owner"] == "people"


# --- a customer who writes on -----------------------------------------------------------------


async def meanwhile(stage: Stage, act: object, *, question: str = "Есть размер L?") -> None:
    """Something happens while the model writes the answer to a question."""
    phone = stage.phone()
    await phone.writes(question)
    await stage.settle()
    stage.model.delay = 0.7
    before = len(stage.model.requests)
    stage.clock.advance(seconds=5)
    settling = asyncio.create_task(stage.settle())
    await stage.model.wait_for_requests(before + 1)
    await act()  # type: ignore[operator]
    stage.model.delay = 0
    await settling
    await stage.advance(minutes=1)


async def test_a_question_that_comes_while_the_model_writes_is_answered_together(
    stage: Stage,
) -> None:
    stage.model.script.extend(["Про размер.", "Про размер и цвет."])
    await meanwhile(stage, lambda: stage.phone().writes("И синий?"))
    assert stage.texts == ["Про размер и цвет."]
    assert "И синий?" in str(stage.model.requests[-1])
    assert "Есть размер L?" in str(stage.model.requests[-1])


async def test_a_stop_while_the_model_answers_means_silence(stage: Stage) -> None:
    await meanwhile(stage, lambda: stage.phone().writes("стоп"))
    out = [m["purpose"] for m in await stage.messages() if m["direction"] == "out"]
    assert out == ["opt_out_confirmation"]
    assert (await stage.contact())["needs_person"]["reason"] == "unanswered"


async def test_an_edit_while_the_model_writes_is_what_gets_answered(stage: Stage) -> None:
    phone = stage.phone()
    stage.model.script.extend(["Про L.", "Про M."])
    short_id = await phone.writes("Есть размер L?")
    await stage.settle()
    stage.model.delay = 0.7
    stage.clock.advance(seconds=5)
    settling = asyncio.create_task(stage.settle())
    await stage.model.wait_for_requests(1)
    await phone.edits(short_id, "Есть размер M?")
    stage.model.delay = 0
    await settling
    await stage.advance(minutes=1)
    assert stage.texts == ["Про M."]


async def test_a_question_that_comes_while_the_bot_types_is_answered_together(
    stage: Stage,
) -> None:
    stage.model.script.extend(["Про размер.", "Про размер и цвет."])
    await stage.phone().writes("Есть размер L?")
    await stage.settle()
    original = stage.clock.sleep

    async def writes_on(seconds: float) -> None:
        stage.clock.sleep = original  # type: ignore[method-assign]
        await stage.phone().writes("И синий?")
        await stage.waha.delivered()
        await original(seconds)

    stage.clock.sleep = writes_on  # type: ignore[method-assign]
    await stage.advance(minutes=1)
    assert stage.texts == ["Про размер и цвет."]


async def test_the_third_draft_is_sent_and_what_came_then_is_answered_after_it(
    stage: Stage,
) -> None:
    stage.model.script.extend(["Раз.", "Два.", "Три.", "Четыре."])
    original, interrupted = stage.clock.sleep, 0

    async def writes_on(seconds: float) -> None:
        nonlocal interrupted
        if interrupted < 3:
            interrupted += 1
            await stage.phone().writes(f"И ещё вопрос {interrupted}?")
            await stage.waha.delivered()
        await original(seconds)

    stage.clock.sleep = writes_on  # type: ignore[method-assign]
    await stage.phone().writes("Есть размер L?")
    await stage.advance(minutes=2)
    assert stage.texts == ["Три.", "Четыре."]


# --- what was said while nobody listened ------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
async def test_what_webhooks_did_not_bring_is_read_from_the_history(
    store_url: str, engine: Engine
) -> None:
    async with on_stage(store_url, engine=engine) as stage:
        phone = stage.phone()
        await phone.writes("Здравствуйте")
        await stage.advance(minutes=1)
        stage.waha.deaf = True
        await stage.waha.session_becomes("STARTING")
        await stage.watch()
        await phone.writes("Есть размер L?")
        stage.clock.advance(minutes=1)
        await stage.waha.session_becomes("WORKING")
        stage.waha.deaf = False
        before = len(stage.texts)
        await stage.watch()
        await stage.advance(minutes=1)
        assert [m["text"] for m in await stage.messages() if m["direction"] == "in"] == [
            "Здравствуйте",
            "Есть размер L?",
        ]
        assert len(stage.texts) == before + 1
        await stage.watch()
        await stage.advance(minutes=1)
        assert len(stage.texts) == before + 1


async def test_what_was_answered_meanwhile_or_is_old_is_kept_and_not_answered(
    stage: Stage,
) -> None:
    phone = stage.phone()
    await phone.writes("Здравствуйте")
    await stage.advance(minutes=1)
    before = len(stage.texts)
    stage.waha.deaf = True
    await stage.waha.session_becomes("STARTING")
    await stage.watch()
    await phone.writes("Есть размер L?")
    stage.clock.advance(minutes=10)
    await stage.waha.owner_writes(PHONE, "Да, есть")
    await stage.phone("77050000009").writes("стоп")
    stage.clock.advance(hours=7)
    await stage.waha.session_becomes("WORKING")
    stage.waha.deaf = False
    await stage.watch()
    await stage.advance(minutes=1)
    assert len(stage.texts) == before
    texts = [m["text"] for m in await stage.messages()]
    assert texts[-2:] == ["Есть размер L?", "Да, есть"]
    assert (await stage.contact("77050000009"))["opted_out"] is True


async def test_a_late_message_somebody_answered_already_is_not_answered_again(
    stage: Stage,
) -> None:
    phone = stage.phone()
    await stage.waha.owner_writes(PHONE, "Да, размер L есть")
    await stage.settle()
    await stage.advance(hours=5)
    written = stage.clock.now() - timedelta(hours=5, minutes=2)
    await phone.writes("Есть размер L?", at=written)
    await stage.advance(minutes=1)
    assert stage.texts == []
