"""A stop is understood however it is said, heeded at once and told once; a question is no stop."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.builders import PHONE
from tests.e2e.stage import Stage, on_stage

NO_WAITING: dict[str, Any] = {
    "AI_SELLER_SEND_INTERVAL_SECONDS": "0",
    "AI_SELLER_TYPING_CHARS_PER_SECOND": "0",
    "AI_SELLER_MAX_MESSAGES": "10",
}
HEARS: dict[str, Any] = {"OPENAI_TRANSCRIBE_MODEL": "emulated"}

BARE = (
    *("стоп", "СТОП!!!", "Стооооп", "с т о п", "стoп", "«стоп»", "🛑 стоп", "Stop", "cnjg"),
    *("стоп пожалуйста", "Ну стоп уже", "stop please", "отписка", "Тоқта", "токта", "unsubscribe"),
)
CLEAR = (
    "Больше не пишите мне",
    "не надо мне больше ничего присылать",
    "Уберите меня из рассылки, пожалуйста",
    "удалите мой номер из базы",
    "Хватит спамить!",
    "ne pishite mne bolshe",
    "маған жазбаңыз",
    "Magan zhazbanyz",
    "маған енді жазбаныздаршы",
    "хабарлама жібермеңізші",
    "Please don't message me again",
    "take me off your list",
    "отпишите меня от этого",
)
NO_STOPS = (
    *("стоп-сигнал есть?", "стопка тарелок у вас есть", "Отмените заказ", "нон-стоп работаете?"),
    *("хватит ли двух штук?", "не пишите адрес на коробке", "ручка не пишет", "маған жазыңыз"),
    *("отпишитесь, как отправите", "Не присылайте курьера сегодня", "стоп, а цена?"),
    *("в магазин на остановке Стоп как пройти?", "бәрі тоқтап қалды ма?", "stopper бар ма?"),
)
UNSURE = ("Зачем вы мне пишете?", "Не пишите сегодня", "откуда у вас мой номер")


def number(n: int) -> str:
    """The phone of the ``n``-th customer."""
    return f"770512300{n:02}"


async def writes(stage: Stage, text: str, phone: str = PHONE) -> None:
    """The customer writes, and a minute passes."""
    await stage.phone(phone).writes(text)
    await stage.advance(minutes=1)


async def said(stage: Stage, phone: str = PHONE) -> list[tuple[str, Any]]:
    """What the bot has said to them, with its purposes."""
    return [(m["text"], m["purpose"]) for m in await stage.messages(phone) if m["author"] == "bot"]


async def journal_of(stage: Stage, kind: str) -> list[Any]:
    """The lines of that kind in the journal."""
    return [entry for entry in await stage.journal() if entry["kind"] == kind]


@pytest.mark.parametrize("texts", [BARE, CLEAR], ids=["bare", "clear"])
async def test_a_stop_is_understood_however_it_is_said(
    store_url: str, texts: tuple[str, ...]
) -> None:
    async with on_stage(store_url, **NO_WAITING) as stage:
        for n, text in enumerate(texts):
            await stage.phone(number(n)).writes(text)
        await stage.settle()
        heard = [(await stage.contact(number(n)))["opted_out"] for n in range(len(texts))]
        assert [text for text, out in zip(texts, heard, strict=True) if not out] == []
        for n, text in enumerate(texts):
            [(_, purpose)] = await said(stage, number(n))
            assert (text, purpose) == (text, "opt_out_confirmation")
        assert stage.model.requests == []


async def test_who_said_stop_is_never_written_to_first_again(store_url: str) -> None:
    texts = ("Стоп", "больше не пишите мне", "маған жазбаңыз", "don't message me")
    async with on_stage(store_url, **NO_WAITING) as stage:
        for n, _ in enumerate(texts):
            await stage.ordered("ORDER_DELIVERED", phone=number(n), code=f"91200010{n}")
        await stage.settle()
        assert len(stage.texts) == len(texts)
        for n, text in enumerate(texts):
            await stage.phone(number(n)).writes(text)
        await stage.advance(minutes=1)
        before = len(stage.texts)
        for n, _ in enumerate(texts):
            await stage.ordered("POST_PURCHASE", phone=number(n), code=f"91200020{n}")
            await stage.ordered("ORDER_DELIVERED", phone=number(n), code=f"91200030{n}")
        await stage.advance(days=40)
        assert len(stage.texts) == before == 2 * len(texts)
        assert (await stage.api.get("/api/outbox")).json() == []


async def test_what_only_looks_like_a_stop_is_none(store_url: str) -> None:
    async with on_stage(store_url, **NO_WAITING) as stage:
        for n, text in enumerate(NO_STOPS):
            await stage.phone(number(n)).writes(text)
        await stage.advance(minutes=1)
        contacts = [await stage.contact(number(n)) for n in range(len(NO_STOPS))]
        out = [text for text, c in zip(NO_STOPS, contacts, strict=True) if c["opted_out"]]
        answered = [bool(await said(stage, number(n))) for n in range(len(NO_STOPS))]
        assert out == []
        assert all(answered)


async def test_a_second_stop_gets_no_second_text_and_no_second_line(stage: Stage) -> None:
    for text in ("стоп", "СТОП!!!", "не пишите мне больше", "тоқта", "stop"):
        await writes(stage, text)
    assert len(stage.texts) == 1
    assert len(await journal_of(stage, "opted_out")) == 1
    assert (await stage.contact())["needs_person"] is None


async def test_the_confirmation_is_in_the_customers_language(store_url: str) -> None:
    async with on_stage(store_url, **NO_WAITING) as stage:
        await writes(stage, "больше не пишите мне", number(1))
        await writes(stage, "маған енді жазбаңыз", number(2))
        await writes(stage, "Please do not write to me again", number(3))
        russian, kazakh, english = stage.texts
        assert "старт" in russian
        assert any(letter in "әғқңөұүһі" for letter in kazakh)
        assert "start" in english.casefold()
        assert not any("а" <= letter <= "я" for letter in english.casefold())


async def test_the_journal_tells_a_bare_word_from_a_phrase(store_url: str) -> None:
    async with on_stage(store_url, **NO_WAITING) as stage:
        await writes(stage, "стоп")
        await writes(stage, "уберите меня из рассылки", number(2))
        [word] = await journal_of(stage, "opted_out")
        [phrase] = [e for e in await stage.journal(number(2)) if e["kind"] == "opted_out"]
        assert (word["reason"], phrase["reason"]) == ("word", "phrase")


# --- where a stop may stand -------------------------------------------------------------------


async def test_a_message_edited_into_a_stop_is_one(stage: Stage) -> None:
    phone = stage.phone()
    short_id = await phone.writes("Спасибо за заказ")
    await stage.advance(minutes=1)
    before = len(stage.texts)
    await phone.edits(short_id, "Спасибо, больше не пишите мне")
    await stage.advance(minutes=1)
    assert (await stage.contact())["opted_out"] is True
    assert len(stage.texts) == before + 1


async def test_a_message_edited_into_a_stop_at_once_is_not_answered_besides(stage: Stage) -> None:
    phone = stage.phone()
    short_id = await phone.writes("стор")
    await stage.settle()
    stage.clock.advance(seconds=1)
    await phone.edits(short_id, "стоп")
    await stage.advance(minutes=1)
    assert [purpose for _, purpose in await said(stage)] == ["opt_out_confirmation"]


async def test_a_stop_in_a_voice_note_is_one(store_url: str) -> None:
    texts = ("Стоп.", "Пожалуйста, не пишите мне больше.", "Маған енді жазбаңыз.")
    async with on_stage(store_url, **HEARS, **NO_WAITING) as stage:
        for n, words in enumerate(texts):
            await stage.phone(number(n)).speaks(f"say:{words}".encode())
            await stage.advance(minutes=1)
            assert (words, (await stage.contact(number(n)))["opted_out"]) == (words, True)
            [(_, purpose)] = await said(stage, number(n))
            assert purpose == "opt_out_confirmation"
        assert stage.model.requests == []


async def test_a_stop_under_a_picture_is_one(stage: Stage) -> None:
    await stage.phone().shows(b"\xff\xd8\xff", "хватит мне писать, отпишите меня")
    await stage.advance(minutes=1)
    assert (await stage.contact())["opted_out"] is True


async def test_a_stop_that_came_late_is_heeded(stage: Stage) -> None:
    await stage.ordered("ORDER_DELIVERED")
    await stage.advance(hours=12)
    await stage.phone().writes("стоп", at=stage.clock.now() - timedelta(hours=9))
    await stage.advance(days=20)
    assert len(stage.texts) == 1
    assert (await stage.contact())["opted_out"] is True


async def test_a_stop_after_a_question_ends_what_we_start_and_the_question_is_answered(
    stage: Stage,
) -> None:
    phone = stage.phone()
    await phone.writes("Когда доставят?")
    await stage.settle()
    stage.clock.advance(seconds=1)
    await phone.writes("стоп")
    await stage.advance(minutes=1)
    assert sorted(purpose for _, purpose in await said(stage)) == ["opt_out_confirmation", "reply"]


async def test_the_sellers_own_stop_word_works_beside_ours(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_OPT_OUT_KEYWORDS="довольно", **NO_WAITING) as stage:
        for n, text in enumerate(("Довольно!", "стоп", "довольно хороший чайник")):
            await writes(stage, text, number(n))
        out = [(await stage.contact(number(n)))["opted_out"] for n in range(3)]
        assert out == [True, True, False]


# --- after a stop -----------------------------------------------------------------------------


async def test_questions_are_answered_after_a_stop(stage: Stage) -> None:
    await stage.ordered()
    await stage.settle()
    await writes(stage, "стоп")
    await writes(stage, "А где мой заказ?")
    await writes(stage, "Тапсырысым қайда?")
    assert [purpose for _, purpose in await said(stage)][2:] == ["reply", "reply"]
    assert (await stage.contact())["opted_out"] is True


async def test_start_resumes(store_url: str) -> None:
    async with on_stage(store_url, **NO_WAITING) as stage:
        for n, word in enumerate(("старт", "START", "Старт!", "start please")):
            await writes(stage, "стоп", number(n))
            await writes(stage, word, number(n))
            assert (word, (await stage.contact(number(n)))["opted_out"]) == (word, False)
            await stage.ordered(phone=number(n), code=f"91200010{n}")
            await stage.advance(minutes=1)
            await writes(stage, "стоп", number(n))
            told = [purpose for _, purpose in await said(stage, number(n))]
            stopped = "opt_out_confirmation"
            assert told == [stopped, "reply", "post_purchase", stopped]


async def test_an_older_start_that_comes_late_does_not_undo_a_stop(stage: Stage) -> None:
    await writes(stage, "стоп")
    await stage.phone().writes("старт", at=stage.clock.now() - timedelta(minutes=10))
    await stage.advance(minutes=1)
    assert (await stage.contact())["opted_out"] is True


async def test_help_is_always_answered_without_a_model(stage: Stage) -> None:
    stage.model.down = True
    await writes(stage, "помощь")
    await writes(stage, "стоп")
    for word in ("Помощь!", "көмек", "help"):
        await writes(stage, word)
    helped = [text for text, purpose in await said(stage) if purpose == "reply"]
    assert len(helped) == 4
    assert all("Kaspi магазин" in text for text in helped)
    assert (await stage.contact())["opted_out"] is True
    assert stage.model.requests == []


async def test_the_seller_can_undo_a_stop(store_url: str) -> None:
    async with on_stage(store_url, **NO_WAITING) as stage:
        await writes(stage, "удалите мой номер")
        assert (await stage.contact())["opted_out"] is True
        answer = await stage.api.post(f"/api/contacts/{PHONE}/opt-in")
        await stage.settle()
        assert answer.is_success
        assert (await stage.contact())["opted_out"] is False
        assert len(stage.texts) == 1
        await stage.ordered()
        await stage.advance(minutes=5)
        assert len(stage.texts) == 2


# --- who may have meant a stop ----------------------------------------------------------------


async def test_who_may_have_meant_a_stop_is_left_alone_for_a_day(store_url: str) -> None:
    async with on_stage(store_url, **NO_WAITING) as stage:
        until = (stage.clock.now() + timedelta(days=1)).isoformat()[:16]
        for n, text in enumerate(UNSURE):
            await stage.phone(number(n)).writes(text)
        await stage.advance(minutes=1)
        for n, text in enumerate(UNSURE):
            contact = await stage.contact(number(n))
            assert (text, contact["opted_out"]) == (text, False)
            assert (text, contact["paused_until"][:16]) == (text, until)
            await stage.ordered(phone=number(n), code=f"91200010{n}")
        await stage.advance(hours=23.5)
        for n, _ in enumerate(UNSURE):
            assert {purpose for _, purpose in await said(stage, number(n))} == {"reply"}
        await stage.advance(hours=2)
        for n, _ in enumerate(UNSURE):
            assert (await said(stage, number(n)))[-1][1] == "post_purchase"


async def test_one_question_at_most_in_thirty_days(stage: Stage) -> None:
    async def asked() -> int:
        return sum("«стоп»" in text for text, purpose in await said(stage) if purpose == "reply")

    await writes(stage, "Не пишите сегодня")
    assert await asked() == 1
    for _ in range(3):
        await stage.advance(days=7)
        await writes(stage, "Не пишите сегодня")
    assert await asked() == 1
    await stage.advance(days=10)
    await writes(stage, "Не пишите сегодня")
    assert await asked() == 2
    assert (await stage.contact())["opted_out"] is False


async def test_a_yes_to_that_question_is_a_stop(store_url: str) -> None:
    async with on_stage(store_url, **NO_WAITING) as stage:
        for n, yes in enumerate(("Да", "да, не хочу", "не надо", "Иә", "yes")):
            await writes(stage, "Не пишите сегодня", number(n))
            await writes(stage, yes, number(n))
            assert (yes, (await stage.contact(number(n)))["opted_out"]) == (yes, True)
            assert (await said(stage, number(n)))[-1][1] == "opt_out_confirmation"


async def test_another_answer_to_that_question_is_none(store_url: str) -> None:
    async with on_stage(store_url, **NO_WAITING) as stage:
        for n, no in enumerate(("Нет", "Где мой заказ?", "Спасибо", "пишите")):
            await writes(stage, "Не пишите сегодня", number(n))
            await writes(stage, no, number(n))
            await writes(stage, "да", number(n))
            assert (no, (await stage.contact(number(n)))["opted_out"]) == (no, False)


async def test_a_yes_to_something_else_is_no_stop(stage: Stage) -> None:
    await writes(stage, "Есть термос?")
    await writes(stage, "да")
    assert (await stage.contact())["opted_out"] is False


async def test_start_ends_a_pause(stage: Stage) -> None:
    await writes(stage, "Не пишите сегодня")
    await writes(stage, "старт")
    assert (await stage.contact())["paused_until"] is None
    await stage.ordered()
    await stage.advance(minutes=5)
    assert (await said(stage))[-1][1] == "post_purchase"


async def test_what_was_scheduled_before_a_pause_waits_for_its_end(store_url: str) -> None:
    async with on_stage(store_url, **NO_WAITING) as stage:
        await stage.ordered("ORDER_DELIVERED")
        await stage.advance(hours=40)
        await writes(stage, "Не пишите сегодня")
        await stage.advance(hours=20)
        assert "review_request" not in [purpose for _, purpose in await said(stage)]
        await stage.advance(hours=20)
        assert "review_request" in [purpose for _, purpose in await said(stage)]


async def test_a_question_in_the_second_of_a_stop_is_answered(store_url: str) -> None:
    at_once: dict[str, Any] = {
        "AI_SELLER_DEBOUNCE_SECONDS": "0",
        "AI_SELLER_TYPING_CHARS_PER_SECOND": "0",
    }
    async with on_stage(store_url, **at_once) as stage:
        await stage.ordered()
        await stage.settle()
        now = stage.clock.now().replace(microsecond=0)
        await stage.phone().writes("стоп", at=now)
        await stage.settle()
        said = len(stage.texts)
        await stage.phone().writes("Здравствуйте, а когда доставят заказ?", at=now)
        await stage.settle()
        assert stage.clock.now() - now < timedelta(seconds=1)
        assert len(stage.texts) == said + 1
        assert "unanswered" not in [entry["reason"] for entry in await stage.journal()]
