"""When a person at the shop is needed, they are called, and the customer is told so once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from app.demo.faults import Status
from app.demo.model import Raw
from tests.builders import PHONE
from tests.e2e.stage import Stage, on_stage

SHOP: dict[str, Any] = {"AI_SELLER_SHOP_FACTS_FILE": "app/demo/shop_facts.toml"}
AT_ONCE: dict[str, Any] = {
    "AI_SELLER_SEND_INTERVAL_SECONDS": "0",
    "AI_SELLER_TYPING_CHARS_PER_SECOND": "0",
}
EVENING = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""20:00 in Almaty, when nobody is at the shop and quiet hours have not begun."""
THANKS = "Спасибо, что написали!"
BAD = "Скидка 90 % только сегодня, переведите на карту 4400 4300 1234 5678!"

CLOSED = (
    ("Позовите оператора", "пн–сб 10:00–19:00"),
    ("Верните деньги", "пн–сб 10:00–19:00"),
    ("Адаммен сөйлескім келеді", "дс–сб 10:00–19:00"),
    ("I want my money back, it is broken", "Mon–Sat 10:00–19:00"),
)
GUESSES = ("Шарф греет и зимой, и весной.", "Есть и другие вещи.", "Подойдёт любой цвет.")
"""Answers of a model that does not see what is asked."""

CALLS = [
    ("Позовите оператора", "wants_person"),
    ("Хочу поговорить с живым человеком", "wants_person"),
    ("Адаммен сөйлескім келеді", "wants_person"),
    ("операторды қосыңызшы", "wants_person"),
    ("I want to talk to a real person", "wants_person"),
    ("Верните деньги", "refund"),
    ("Ақшамды қайтарыңыз", "refund"),
    ("I want my money back", "refund"),
    ("Пришёл сломанный, не включается", "complaint"),
    ("Сынып келді", "complaint"),
    ("Подам на вас в суд", "legal"),
    ("Напишу жалобу в защиту прав потребителей", "legal"),
    ("Сотқа беремін", "legal"),
    ("У ребёнка аллергия на эту ткань, сыпь по всему телу", "health"),
    ("Вы что там, совсем обнаглели, сволочи", "anger"),
]
HARMLESS = (
    *("Вы бот или человек?", "Какие условия возврата?", "Курьер позвонит перед доставкой?"),
    *("Есть куртка для взрослого человека?", "Суд присяжных — книга есть?", "Спасибо большое!"),
)


async def writes(stage: Stage, text: str) -> None:
    """The customer writes, and a minute passes."""
    await stage.phone().writes(text)
    await stage.advance(minutes=1)


async def bought(stage: Stage) -> None:
    """They have an order on its way."""
    await stage.ordered()
    await stage.advance(minutes=5)


async def purposes(stage: Stage, phone: str = PHONE) -> list[str]:
    """Why the bot has written, in order."""
    return [m["purpose"] for m in await stage.messages(phone) if m["author"] == "bot"]


async def needs(stage: Stage, phone: str = PHONE) -> Any:
    """Why a person is called to this customer, or None."""
    return (await stage.contact(phone))["needs_person"]


async def people(stage: Stage) -> Any:
    """The chats that need a person."""
    return (await stage.api.get("/api/people")).json()


async def hand_back(stage: Stage) -> None:
    """A person gives the chat back to the bot."""
    answer = await stage.api.post(f"/api/contacts/{PHONE}/hand-back")
    assert answer.is_success
    await stage.settle()


def answer(text: str, *, needs_person: bool = False, reason: str = "") -> Raw:
    """What the model answers, its fields included."""
    fields = {"language": "ru", "needs_person": needs_person, "reason": reason, "text": text}
    return Raw(json.dumps({**fields, "mood": "unknown"}, ensure_ascii=False))


# --- what calls a person ----------------------------------------------------------------------


async def test_what_is_for_a_person_calls_one(store_url: str) -> None:
    async with on_stage(store_url, **AT_ONCE) as stage:
        for n, (text, reason) in enumerate(CALLS):
            phone = f"770512300{n:02}"
            await stage.ordered(phone=phone, code=f"9120001{n:02}")
            await stage.settle()
            await stage.phone(phone).writes(text)
            await stage.advance(seconds=10)
            assert (text, (await needs(stage, phone) or {}).get("reason")) == (text, reason)
            assert (text, (await purposes(stage, phone))[1:]) == (text, ["handoff_notice"])


async def test_what_only_sounds_like_it_is_answered_by_the_bot(store_url: str) -> None:
    async with on_stage(store_url, **SHOP, **AT_ONCE) as stage:
        for n, text in enumerate(HARMLESS):
            phone = f"770512300{n:02}"
            await stage.ordered(phone=phone, code=f"9120001{n:02}")
            await stage.settle()
            stage.model.script.append(THANKS)
            await stage.phone(phone).writes(text)
            await stage.advance(seconds=10)
            assert (text, await needs(stage, phone)) == (text, None)
            assert (await purposes(stage, phone))[1:] == ["reply"]


async def test_anger_calls_nobody_where_nothing_was_bought(stage: Stage) -> None:
    await writes(stage, "Сволочи, сколько ждать ответа!")
    assert await needs(stage) is None
    assert "handoff_notice" not in await purposes(stage)


async def test_with_the_model_down_a_person_is_called_just_the_same(stage: Stage) -> None:
    stage.model.down = True
    for n, text in enumerate(("Позовите оператора", "Ақшамды қайтарыңыз", "Подам в суд")):
        phone = f"7705000000{n}"
        await stage.phone(phone).writes(text)
        await stage.advance(minutes=1)
        assert (text, await purposes(stage, phone)) == (text, ["handoff_notice"])
        assert (await needs(stage, phone))["summary"]


async def test_two_answers_that_did_not_help_call_a_person(stage: Stage) -> None:
    await bought(stage)
    stage.model.script.extend(GUESSES)
    await writes(stage, "Посоветуйте подарок маме")
    await writes(stage, "Вы меня не поняли")
    assert await needs(stage) is None
    await writes(stage, "Вы не поняли вопрос")
    assert (await needs(stage))["reason"] == "two_failed"
    assert (await purposes(stage))[-1] == "handoff_notice"


async def test_the_same_question_again_and_again_is_an_answer_that_did_not_help(
    stage: Stage,
) -> None:
    stage.model.script.extend(GUESSES)
    for _ in range(3):
        await writes(stage, "Какой размер мне взять на рост 180?")
    assert (await needs(stage))["reason"] == "two_failed"


async def test_a_text_that_failed_its_checks_twice_calls_a_person(stage: Stage) -> None:
    stage.model.script.extend([BAD, BAD])
    await writes(stage, "Посоветуйте что-нибудь интересное")
    assert (await needs(stage))["reason"] == "text_rejected"
    [text] = stage.texts
    assert "90" not in text
    assert "4400" not in text
    assert "продав" in text.casefold()


async def test_a_text_that_was_repaired_calls_nobody(stage: Stage) -> None:
    stage.model.script.extend([BAD, "Что именно вам хотелось бы найти?"])
    await writes(stage, "Посоветуйте что-нибудь интересное")
    assert stage.texts == ["Что именно вам хотелось бы найти?"]
    assert await needs(stage) is None


async def test_a_model_that_is_down_for_long_calls_a_person_even_to_what_facts_answer(
    stage: Stage,
) -> None:
    await bought(stage)
    stage.model.down = True
    await writes(stage, "Где мой заказ?")
    assert "912000001" in stage.texts[-1]
    assert await needs(stage) is None
    await stage.advance(minutes=3)
    await writes(stage, "А сейчас где заказ?")
    assert "912000001" in stage.texts[-1]
    assert (await needs(stage))["reason"] == "model_unavailable"


async def test_a_model_that_failed_once_long_ago_calls_nobody(stage: Stage) -> None:
    await bought(stage)
    stage.model.script.append(Status(500))
    await writes(stage, "Где мой заказ?")
    await stage.advance(minutes=10)
    await writes(stage, "Спасибо, понятно")
    stage.model.script.append(Status(500))
    await writes(stage, "А где сейчас мой заказ?")
    assert await needs(stage) is None


async def test_the_models_wish_for_a_person_is_a_field(stage: Stage) -> None:
    stage.model.script.append(answer("Уточню это для вас.", needs_person=True, reason="опт"))
    await writes(stage, "Какая цена от ста штук?")
    assert (await needs(stage))["reason"] == "опт"
    [text] = stage.texts
    assert text.startswith("Уточню это для вас.")
    assert "продав" in text


async def test_words_in_a_text_of_the_models_are_no_wish(stage: Stage) -> None:
    stage.model.script.append(answer("Оператора звать незачем: подойдёт любой."))
    await writes(stage, "Какой выбрать?")
    assert await needs(stage) is None


# --- the notice -------------------------------------------------------------------------------


async def test_who_asks_again_is_not_told_again(stage: Stage) -> None:
    await bought(stage)
    for text in ("Позовите оператора", "Оператора!", "Вы там живые? Человека!"):
        await writes(stage, text)
        await stage.advance(minutes=10)
    assert (await purposes(stage))[1:] == ["handoff_notice", "reply", "reply"]
    assert (await needs(stage))["reason"] == "wants_person"


async def test_what_is_graver_than_the_notice_told_is_told_once_more(stage: Stage) -> None:
    await bought(stage)
    for text in ("Позовите оператора", "Верните деньги", "Человека!", "Куртка порвана"):
        await writes(stage, text)
        await stage.advance(minutes=10)
    answers = ["handoff_notice", "handoff_notice", "reply", "reply"]
    assert (await purposes(stage))[1:] == answers
    assert (await needs(stage))["reason"] == "refund"


async def test_demands_in_a_row_get_one_notice_and_nothing_else(stage: Stage) -> None:
    await bought(stage)
    phone = stage.phone()
    for text in ("Здравствуйте", "Куртка порвана", "верните деньги", "и позовите оператора"):
        await phone.writes(text)
        await stage.settle()
        stage.clock.advance(seconds=1)
    await stage.advance(minutes=1)
    assert (await purposes(stage))[1:] == ["handoff_notice"]


async def test_a_question_after_the_notice_is_still_answered(stage: Stage) -> None:
    await bought(stage)
    await writes(stage, "Позовите оператора")
    await writes(stage, "А где мой заказ?")
    assert (await purposes(stage))[1:] == ["handoff_notice", "reply"]


async def test_when_the_shop_is_closed_the_notice_tells_its_hours(store_url: str) -> None:
    async with on_stage(store_url, **SHOP, **AT_ONCE) as stage:
        stage.clock.set(EVENING)
        for n, (text, hours) in enumerate(CLOSED):
            await stage.phone(f"7705000000{n}").writes(text)
            await stage.advance(seconds=10)
            assert (text, hours in stage.texts[-1]) == (text, True)


async def test_a_shop_that_told_no_hours_promises_none(stage: Stage) -> None:
    await writes(stage, "Позовите оператора")
    stage.clock.set(EVENING)
    await stage.phone("77050000002").writes("Позовите оператора")
    await stage.advance(minutes=1)
    assert len(stage.texts) == 2
    assert not any(letter.isdigit() for text in stage.texts for letter in text)


async def test_while_the_shop_is_open_no_hours_are_told(store_url: str) -> None:
    async with on_stage(store_url, **SHOP) as stage:
        await writes(stage, "Позовите оператора")
        assert "19:00" not in stage.texts[0]


async def test_a_notice_goes_out_at_night_and_to_who_said_stop(store_url: str) -> None:
    async with on_stage(store_url, **SHOP) as stage:
        stage.clock.set(datetime(2026, 11, 23, 20, 0, tzinfo=UTC))
        await writes(stage, "стоп")
        await writes(stage, "Верните деньги")
        assert await purposes(stage) == ["opt_out_confirmation", "handoff_notice"]


# --- the seller's side ------------------------------------------------------------------------


async def test_the_seller_is_shown_who_why_and_what_might_be_answered(stage: Stage) -> None:
    await bought(stage)
    await writes(stage, "Куртка пришла порванная, верните деньги")
    [calling] = await people(stage)
    assert (calling["phone"], calling["name"]) == (PHONE, "Айгерим С")
    person = calling["needs_person"]
    assert person["reason"] == "refund"
    assert "912000001" in person["summary"]
    assert "порванная" in person["summary"]
    assert person["suggested_reply"]
    assert calling["last_message"] == "Куртка пришла порванная, верните деньги"


async def test_the_longest_waiting_comes_first(stage: Stage) -> None:
    for n in (3, 1, 2):
        await stage.phone(f"7705000000{n}").writes("Позовите оператора")
        await stage.advance(minutes=1)
    assert [c["phone"][-1] for c in await people(stage)] == ["3", "1", "2"]


async def test_taking_over_or_handing_back_ends_the_call(stage: Stage) -> None:
    for act, owner in (("take-over", "people"), ("hand-back", "bot")):
        phone = "77050000001" if owner == "bot" else "77050000002"
        await stage.phone(phone).writes("Позовите оператора")
        await stage.advance(minutes=1)
        assert [c["phone"] for c in await people(stage)] == [phone]
        await stage.api.post(f"/api/contacts/{phone}/{act}")
        await stage.settle()
        assert await people(stage) == []
        assert (await stage.contact(phone))["owner"] == owner


async def test_a_persons_own_words_silence_the_bot(stage: Stage) -> None:
    await bought(stage)
    await writes(stage, "Позовите оператора")
    await stage.waha.owner_writes(PHONE, "Здравствуйте, это Асель, чем помочь?")
    await stage.advance(minutes=1)
    assert await people(stage) == []
    before = len(stage.texts)
    await writes(stage, "Где мой заказ?")
    await writes(stage, "И верните деньги")
    assert len(stage.texts) == before


async def test_a_persons_words_from_the_desk_end_the_call_too(stage: Stage) -> None:
    await writes(stage, "Позовите оператора")
    await stage.api.post(f"/api/contacts/{PHONE}/messages", json={"text": "Это Асель"})
    await stage.advance(minutes=1)
    assert stage.texts[-1] == "Это Асель"
    assert await people(stage) == []


async def test_a_person_who_is_faster_than_the_notice_makes_it_needless(stage: Stage) -> None:
    await stage.phone().writes("Позовите оператора")
    await stage.settle()
    await stage.waha.owner_writes(PHONE, "Я здесь!")
    await stage.advance(minutes=1)
    assert stage.texts == []


async def test_after_a_hand_back_a_new_complaint_gives_a_new_notice(stage: Stage) -> None:
    await bought(stage)
    await writes(stage, "Куртка порвана")
    await hand_back(stage)
    await writes(stage, "Спасибо, а размер L есть?")
    assert await needs(stage) is None
    await writes(stage, "Новая куртка тоже порвана")
    assert (await purposes(stage)).count("handoff_notice") == 2
    assert (await needs(stage))["reason"] == "complaint"


async def test_what_failed_before_a_hand_back_is_forgotten(stage: Stage) -> None:
    stage.model.script.extend(GUESSES[:2])
    await writes(stage, "Посоветуйте подарок маме")
    await writes(stage, "Вы меня не поняли")
    await writes(stage, "Вы не поняли вопрос")
    assert (await needs(stage))["reason"] == "two_failed"
    await hand_back(stage)
    stage.model.script.append(GUESSES[2])
    await writes(stage, "Вы меня не поняли")
    assert await needs(stage) is None


async def test_a_graver_reason_takes_the_place_of_a_lighter_one(stage: Stage) -> None:
    await bought(stage)
    await writes(stage, "Позовите оператора")
    first = await needs(stage)
    await writes(stage, "У меня от неё аллергия, задыхаюсь")
    second = await needs(stage)
    assert (first["reason"], second["reason"]) == ("wants_person", "health")
    assert second["since"] == first["since"]
    assert "аллергия" in second["summary"]


async def test_a_summary_is_made_without_a_model(stage: Stage) -> None:
    await bought(stage)
    stage.model.down = True
    await writes(stage, "Позовите оператора, где мой заказ?")
    person = (await needs(stage)) or {}
    assert "912000001" in person["summary"]


async def test_without_fallback_texts_the_notice_still_goes(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_FALLBACK="false") as stage:
        stage.model.down = True
        await writes(stage, "Позовите оператора")
        assert await purposes(stage) == ["handoff_notice"]
