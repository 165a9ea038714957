"""What customers wrote and were answered wrongly once: each of them is answered rightly now."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.builders import PHONE
from tests.e2e.stage import Stage, on_stage
from tests.e2e.test_after_delivery import PATIENT, answer, delivered
from tests.e2e.test_calling_a_person import bought, needs, purposes
from tests.e2e.test_goods import SHOP
from tests.e2e.test_stops import writes
from tests.e2e.test_voice import HEARS, says

UNTOLD = "Ну вот, забрали вчера вечером с постамата"
"""What our own rules see nothing bad in."""
BAD = "Скидка 90 % только сегодня!"
"""A text that may not be sent."""


# --- goods we do not have ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    ["А айфон 16 сколько стоит?", "iPhone 16 бар ма?", "А артикул 999888777_1 есть?"],
)
@pytest.mark.parametrize("down", [True, False])
async def test_an_unknown_thing_is_not_answered_with_what_they_bought(
    store_url: str, question: str, down: bool
) -> None:
    async with on_stage(store_url, **SHOP) as stage:
        await stage.ordered(sku="101200201_1", product_name="Чайник Bereke 1,7 л")
        await stage.settle()
        stage.model.down = down
        await writes(stage, question)
        assert "12" not in stage.texts[-1]
        assert "Чайник" not in stage.texts[-1]


async def test_an_unknown_thing_is_not_answered_with_the_last_one_named(store_url: str) -> None:
    async with on_stage(store_url, **SHOP) as stage:
        stage.model.down = True
        await writes(stage, "Сколько стоит термос Arktika 1 л?")
        await writes(stage, "А самсунг телефон есть?")
        assert "Термос" not in stage.texts[-1], stage.texts[-1]


# --- a complaint or a question beside a stop --------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Сколько можно! Верните деньги", "refund"),
        ("Сволочи, сколько можно издеваться", "anger"),
        ("Достали уже, где мой заказ", "anger"),
    ],
)
async def test_a_complaint_that_may_be_a_stop_calls_a_person(
    stage: Stage, text: str, reason: str
) -> None:
    await bought(stage)
    await writes(stage, text)
    assert (await needs(stage) or {}).get("reason") == reason
    assert "handoff_notice" in await purposes(stage)


@pytest.mark.parametrize(
    "text",
    [
        "Верните деньги и больше не пишите мне",
        "Отстаньте, куртка порвана, возмутительно",
        "Отвалите, мошенники, верните деньги",
    ],
)
async def test_a_stop_with_a_complaint_opts_out_and_calls_a_person(stage: Stage, text: str) -> None:
    await bought(stage)
    await writes(stage, text)
    assert (await stage.contact())["opted_out"] is True
    assert await needs(stage) is not None


async def test_a_question_beside_a_stop_is_answered_or_a_persons(stage: Stage) -> None:
    await bought(stage)
    await writes(stage, "Больше не пишите мне. А где мой заказ?")
    assert (await stage.contact())["opted_out"] is True
    assert "reply" in await purposes(stage) or await needs(stage) is not None


async def test_who_was_misunderstood_again_is_not_asked_whether_to_stop(stage: Stage) -> None:
    stage.model.script.extend(["Шарф греет и зимой.", "Есть и другие вещи."])
    await writes(stage, "Посоветуйте подарок маме")
    await writes(stage, "Вы меня не поняли")
    await writes(stage, "Вы опять меня не поняли")
    assert (await needs(stage) or {}).get("reason") == "two_failed", stage.texts[-1]


# --- who is upset is not asked for a review ---------------------------------------------------


async def test_a_late_complaint_is_not_followed_by_a_review_request(store_url: str) -> None:
    async with on_stage(store_url, **PATIENT) as stage:
        await delivered(stage)
        await stage.advance(hours=10)
        at = stage.clock.now() - timedelta(hours=7)
        await stage.phone().writes("Куртка пришла порванная, верните деньги", at=at)
        await stage.advance(days=10)
        assert await purposes(stage) == ["order_delivered"]


async def test_a_complaint_the_model_sees_counts_though_a_person_was_called_before(
    store_url: str,
) -> None:
    async with on_stage(store_url, **PATIENT) as stage:
        await delivered(stage)
        await stage.phone().sends_image()
        await stage.advance(minutes=1)
        stage.model.script.append(answer("Айгерим, сожалеем, что так вышло.", mood="bad"))
        await writes(stage, UNTOLD)
        assert (await needs(stage))["reason"] == "complaint"
        await stage.advance(days=10)
        assert "review_request" not in await purposes(stage)


async def test_a_complaint_the_model_sees_ends_the_request_as_one_the_rules_see_does(
    store_url: str,
) -> None:
    async with on_stage(store_url, **PATIENT) as stage:
        await delivered(stage)
        stage.model.script.append(answer("Айгерим, сожалеем, что так вышло.", mood="bad"))
        await writes(stage, UNTOLD)
        await stage.api.post(f"/api/contacts/{PHONE}/hand-back")
        await stage.advance(days=10)
        assert "review_request" not in await purposes(stage)


async def test_a_complaint_in_a_flood_is_one(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_TYPING_CHARS_PER_SECOND="0") as stage:
        await bought(stage)
        for n in range(41):
            await stage.phone().writes(f"Вопрос номер {n}?")
            await stage.advance(seconds=20)
        await writes(stage, "Верните деньги, куртка порвана")
        assert (await needs(stage))["reason"] == "refund"


async def test_a_message_edited_into_a_complaint_is_one(stage: Stage) -> None:
    await bought(stage)
    short_id = await stage.phone().writes("Спасибо")
    await stage.settle()
    stage.clock.advance(seconds=1)
    await stage.phone().edits(short_id, "Верните деньги, куртка порвана")
    await stage.advance(minutes=1)
    assert (await needs(stage) or {}).get("reason") == "refund"
    assert "handoff_notice" in await purposes(stage)


# --- the notice that a person is called -------------------------------------------------------


async def test_after_a_call_a_complaint_still_gets_its_notice(stage: Stage) -> None:
    await bought(stage)
    await stage.phone().calls()
    await stage.advance(minutes=1)
    await writes(stage, "Верните деньги, куртка порвана")
    assert "handoff_notice" in await purposes(stage)


async def test_a_fact_text_after_two_bad_ones_says_that_a_person_was_called(
    stage: Stage,
) -> None:
    await bought(stage)
    stage.model.script.extend([BAD, BAD])
    await writes(stage, "Где мой заказ?")
    assert (await needs(stage))["reason"] == "text_rejected"
    assert "продав" in stage.texts[-1].casefold() or not (await needs(stage))["told"]


async def test_after_two_bad_texts_a_wish_for_a_person_still_gets_its_notice(stage: Stage) -> None:
    await bought(stage)
    stage.model.script.extend([BAD, BAD])
    await writes(stage, "Где мой заказ?")
    await writes(stage, "Позовите оператора")
    assert "handoff_notice" in await purposes(stage)


async def test_a_notice_that_could_not_go_leaves_the_customer_untold(stage: Stage) -> None:
    await bought(stage)
    await stage.waha.session_becomes("FAILED")
    await writes(stage, "Верните деньги, куртка порвана")
    await stage.advance(hours=2)
    await stage.waha.session_becomes("WORKING")
    await stage.advance(minutes=1)
    await writes(stage, "Позовите оператора")
    assert "handoff_notice" in await purposes(stage)


async def test_who_complained_to_a_silent_person_is_told_when_the_bot_is_back(
    stage: Stage,
) -> None:
    await bought(stage)
    await stage.waha.owner_writes(PHONE, "Здравствуйте, это Асель")
    await stage.advance(minutes=1)
    await writes(stage, "Верните деньги")
    await stage.advance(hours=5)
    await writes(stage, "Верните деньги, куртка порвана")
    assert "handoff_notice" in await purposes(stage)


async def test_a_voice_note_nobody_heard_beside_a_text_is_told_of(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        stage.model.script.append("Какой размер вам нужен?")
        await stage.phone().writes("Есть размер L?")
        await stage.phone().sends_voice()
        await stage.advance(minutes=1)
        told = (await needs(stage))["told"]
        assert any("олосово" in t or "продав" in t for t in stage.texts) or not told, stage.texts


# --- one answer to one message ----------------------------------------------------------------


@pytest.mark.parametrize("words", ["Помощь.", "Не пишите сегодня"])
async def test_a_wish_in_a_voice_note_is_answered_once(store_url: str, words: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        await says(stage, words)
        assert len(stage.texts) == 1, stage.texts


async def test_a_start_in_a_voice_note_is_answered_once(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        await writes(stage, "стоп")
        await says(stage, "Старт.")
        assert len(stage.texts) == 2, stage.texts


async def test_a_message_edited_into_a_start_is_answered_once(stage: Stage) -> None:
    await writes(stage, "стоп")
    short_id = await stage.phone().writes("стпрт")
    await stage.settle()
    stage.clock.advance(seconds=1)
    await stage.phone().edits(short_id, "старт")
    await stage.advance(minutes=1)
    assert len(stage.texts) == 2, stage.texts


# --- words that are easily misread ------------------------------------------------------------


async def test_the_happy_get_the_link_though_the_model_is_down_for_long(store_url: str) -> None:
    async with on_stage(store_url, **PATIENT) as stage:
        await delivered(stage)
        stage.model.down = True
        await writes(stage, "Где мой заказ?")
        await stage.advance(minutes=3)
        await writes(stage, "Всё отлично, спасибо!")
        assert "productreview" in stage.texts[-1], stage.texts[-1]


async def test_a_question_about_the_couriers_phone_is_no_call_for_the_seller(
    stage: Stage,
) -> None:
    await bought(stage)
    stage.model.script.append("Спасибо, что написали!")
    await writes(stage, "Как позвонить курьеру?")
    assert (await needs(stage) or {}).get("reason") != "wants_person"


@pytest.mark.parametrize("text", ["Let me talk to a human", "Talk to a human please"])
async def test_english_is_answered_in_english(stage: Stage, text: str) -> None:
    await writes(stage, text)
    assert not any("а" <= letter <= "я" for letter in stage.texts[0]), stage.texts[0]


async def test_english_thanks_are_answered_in_english(stage: Stage) -> None:
    await delivered(stage)
    await writes(stage, "All good, thank you!")
    assert "рады" not in stage.texts[-1].casefold(), stage.texts[-1]


async def test_praise_in_translit_is_praise(stage: Stage) -> None:
    await delivered(stage)
    await writes(stage, "bari zhaksy rahmet")
    assert "productreview" in stage.texts[-1], stage.texts[-1]


async def test_who_rang_is_not_reminded_as_if_silent(store_url: str) -> None:
    async with on_stage(store_url, **PATIENT) as stage:
        await delivered(stage)
        await stage.advance(days=4)
        await stage.phone().calls()
        await stage.advance(days=20)
        assert "reminder" not in await purposes(stage)


async def test_a_question_not_asked_because_people_own_the_chat_is_asked_later(
    stage: Stage,
) -> None:
    await stage.waha.owner_writes(PHONE, "Здравствуйте, это Асель")
    await stage.settle()
    await writes(stage, "Не пишите сегодня")
    await stage.advance(days=3)
    await writes(stage, "Не пишите сегодня")
    assert "стоп" in stage.texts[-1], stage.texts[-1]


async def test_an_order_is_told_in_translit_with_the_model_down(stage: Stage) -> None:
    await bought(stage)
    stage.model.down = True
    await writes(stage, "gde moi zakaz")
    assert "912000001" in stage.texts[-1], stage.texts[-1]


async def test_how_to_return_is_a_question_of_rules_where_nothing_was_bought(
    store_url: str,
) -> None:
    async with on_stage(store_url, **SHOP) as stage:
        stage.model.down = True
        await writes(stage, "Как вернуть товар, если не подойдёт?")
        assert "14 дней" in stage.texts[-1], stage.texts[-1]
