"""After a delivery: a link for the happy, a person for the unhappy, peace for the silent.

What the seller must never do here: ask an upset customer for a review, choose the stars for them,
or send a link before they have said a word.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from app.demo.demper import order_webhook, sign_kaspi_webhook
from app.demo.model import Raw
from tests.builders import PHONE
from tests.e2e.stage import Stage, on_stage

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PATIENT: dict[str, Any] = {"AI_SELLER_MAX_MESSAGES": "10"}
AT_ONCE: dict[str, Any] = {
    "AI_SELLER_SEND_INTERVAL_SECONDS": "0",
    "AI_SELLER_TYPING_CHARS_PER_SECOND": "0",
}
LINK = "https://kaspi.kz/shop/review/productreview?orderCode=912000001&productCode=102529963"
ASKS_FOR_REVIEW = ("review_request", "reminder")

HAPPY = (
    *("Всё отлично, спасибо!", "да, всё хорошо", "Супер 👍", "👍", "🔥🔥🔥", "Всё подошло, рахмет"),
    *("Бәрі жақсы, рахмет", "Керемет, өте ұнады!", "иә бәрі дұрыс", "бари жаксы рахмет"),
    *("All good, thank you!", "Love it!", "норм, пользуемся"),
)
UNHAPPY = (
    *("Нет, не подошла", "Куртка порвана на рукаве", "ужасное качество", "пришло не то", "👎"),
    *("Жыртылып келді", "Ұнамады", "it arrived broken", "размер не тот, мала", "нет"),
    *("Спасибо, но молния сломана", "Всё бы хорошо, но не работает"),
)


async def delivered(stage: Stage, **order: Any) -> None:
    """The order is delivered, and the customer asked whether all is well."""
    await stage.ordered("ORDER_DELIVERED", **order)
    await stage.advance(minutes=5)


async def writes(stage: Stage, text: str) -> None:
    """The customer writes, and a minute passes."""
    await stage.phone().writes(text)
    await stage.advance(minutes=1)


async def said(stage: Stage, phone: str = PHONE) -> list[tuple[str, str]]:
    """The purposes and texts of the bot's messages."""
    return [(m["purpose"], m["text"]) for m in await stage.messages(phone) if m["author"] == "bot"]


def number(n: int) -> str:
    """The phone of the ``n``-th customer."""
    return f"770512300{n:02}"


async def purposes(stage: Stage) -> list[str]:
    """Why the bot has written, in order."""
    return [purpose for purpose, _ in await said(stage)]


def linked(stage: Stage) -> list[str]:
    """The texts that hold a link."""
    return [text for text in stage.texts if "http" in text]


def answer(text: str, *, mood: str = "unknown", needs_person: bool = False) -> Raw:
    """What the model answers, its fields included."""
    fields = {"language": "ru", "needs_person": needs_person, "reason": "", "text": text}
    return Raw(json.dumps({**fields, "mood": mood}, ensure_ascii=False))


# --- happy ------------------------------------------------------------------------------------


async def test_who_is_happy_is_thanked_and_given_the_link_once(store_url: str) -> None:
    async with on_stage(store_url, **PATIENT, **AT_ONCE) as stage:
        for n, text in enumerate(HAPPY):
            await stage.ordered("ORDER_DELIVERED", phone=number(n), code=f"9120001{n:02}")
            await stage.settle()
            await stage.phone(number(n)).writes(text)
            await stage.advance(seconds=10)
        await stage.phone(number(0)).writes("Спасибо, всё отлично!")
        await stage.advance(days=20)
        for n, text in enumerate(HAPPY):
            told = await said(stage, number(n))
            [thanks] = [words for _, words in told if "http" in words] or [text]
            assert (text, f"orderCode=9120001{n:02}&productCode=102529963" in thanks) == (
                text,
                True,
            )
            assert "rating" not in thanks
            assert {purpose for purpose, _ in told} == {"order_delivered", "reply"}
        assert (await stage.api.get("/api/people")).json() == []


async def test_the_link_holds_the_card_the_order_tells_and_else_there_are_words(
    store_url: str,
) -> None:
    async with on_stage(store_url, **PATIENT, **AT_ONCE) as stage:
        skus = {"912000005": "555123456_77001122", "912000006": "JKT-48"}
        for n, (code, sku) in enumerate(skus.items()):
            await stage.ordered("ORDER_DELIVERED", phone=number(n), code=code, sku=sku)
            await stage.settle()
            await stage.phone(number(n)).writes("Всё отлично, спасибо!")
            await stage.advance(seconds=10)
        carded, plain = stage.texts[1], stage.texts[3]
        assert "orderCode=912000005&productCode=555123456" in carded
        assert "http" not in plain
        assert "отзыв" in plain
        assert "Kaspi" in plain
        await stage.advance(days=20)
        assert len(stage.texts) == 4


async def test_with_the_model_down_the_happy_get_thanks_and_the_link(store_url: str) -> None:
    words = (("Всё отлично!", "спасибо"), ("Бәрі керемет, рахмет!", "рахмет"))
    async with on_stage(store_url, **PATIENT, **AT_ONCE) as stage:
        stage.model.down = True
        for n, (text, thanks) in enumerate(words):
            await stage.ordered("ORDER_DELIVERED", phone=number(n), code=f"91200010{n}")
            await stage.settle()
            await stage.phone(number(n)).writes(text)
            await stage.advance(seconds=10)
            assert f"orderCode=91200010{n}&productCode=102529963" in stage.texts[-1]
            said_last = stage.texts[-1].casefold()
            assert thanks in said_last or "приятно" in said_last or "қуаныш" in said_last
        assert (await stage.api.get("/api/people")).json() == []
        await stage.advance(days=20)
        assert len(stage.texts) == 4


async def test_two_deliveries_get_a_link_each(store_url: str) -> None:
    async with on_stage(store_url, **PATIENT) as stage:
        await delivered(stage)
        await writes(stage, "Всё отлично!")
        await stage.advance(days=3)
        await delivered(stage, code="912000002")
        await writes(stage, "И это отлично!")
        assert ["912000001" in text for text in linked(stage)] == [True, False]
        assert "orderCode=912000002" in linked(stage)[-1]


async def test_praise_that_answers_no_question_gets_no_link(stage: Stage) -> None:
    await stage.ordered("POST_PURCHASE")
    await stage.settle()
    await writes(stage, "Отлично, спасибо!")
    assert linked(stage) == []


async def test_who_asks_how_to_leave_a_review_is_told(stage: Stage) -> None:
    await delivered(stage)
    await writes(stage, "Как оставить отзыв?")
    assert LINK in stage.texts[-1]


async def test_a_link_is_never_sent_before_the_customer_has_written(store_url: str) -> None:
    async with on_stage(store_url, **PATIENT) as stage:
        await stage.ordered("POST_PURCHASE")
        await stage.advance(days=2)
        await delivered(stage)
        await stage.advance(days=30)
        assert "review_request" in await purposes(stage)
        assert linked(stage) == []


async def test_who_has_written_gets_the_link_with_the_request(store_url: str) -> None:
    async with on_stage(store_url, **PATIENT) as stage:
        await delivered(stage)
        await writes(stage, "А гарантия есть?")
        assert linked(stage) == []
        await stage.advance(days=30)
        assert (await purposes(stage))[2:] == ["review_request"]
        assert LINK in stage.texts[-1]


# --- unhappy ----------------------------------------------------------------------------------


async def test_who_is_unhappy_gets_an_apology_and_a_person_and_nothing_else(
    store_url: str,
) -> None:
    async with on_stage(store_url, **PATIENT, **AT_ONCE) as stage:
        for n, text in enumerate(UNHAPPY):
            await stage.ordered("ORDER_DELIVERED", phone=number(n), code=f"9120001{n:02}")
            await stage.settle()
            await stage.phone(number(n)).writes(text)
            await stage.advance(seconds=10)
        await stage.advance(days=20)
        for n, text in enumerate(UNHAPPY):
            told = [purpose for purpose, _ in await said(stage, number(n))]
            assert (text, told) == (text, ["order_delivered", "handoff_notice"])
            contact = await stage.contact(number(n))
            assert (contact["needs_person"]["told"], contact["segment"]) == (True, "upset")
        assert linked(stage) == []


async def test_the_unhappy_are_offered_nothing_while_nobody_has_come(store_url: str) -> None:
    async with on_stage(store_url, KASPI_PRICE_LIST="app/demo/price_list.xml", **PATIENT) as stage:
        headphones = {"sku": "101200301_1", "product_name": "Наушники Sonar Air"}
        await delivered(stage, **headphones)
        await writes(stage, "Пришли сломанные")
        await stage.ordered("POST_PURCHASE", code="912000002", **headphones)
        await stage.advance(days=10)
        told = json.dumps(stage.model.requests, ensure_ascii=False)
        assert "Чехол для наушников" not in told
        await writes(stage, "А всё отлично у вас с совестью?")
        assert linked(stage) == []


async def test_good_words_of_the_unhappy_bring_no_link(store_url: str) -> None:
    async with on_stage(store_url, **PATIENT) as stage:
        await delivered(stage)
        await writes(stage, "Куртка порвана")
        await writes(stage, "Спасибо, жду")
        await writes(stage, "всё хорошо")
        await stage.advance(days=20)
        assert linked(stage) == []
        assert not set(await purposes(stage)) & set(ASKS_FOR_REVIEW)


async def test_with_the_model_down_the_unhappy_get_an_apology(store_url: str) -> None:
    async with on_stage(store_url, **PATIENT) as stage:
        stage.model.down = True
        await delivered(stage)
        await writes(stage, "Жыртық келді, ұнамады")
        assert (await purposes(stage))[1:] == ["handoff_notice"]
        assert any(word in stage.texts[-1].casefold() for word in ("кешір", "өкінішті"))
        assert (await stage.contact())["needs_person"]["reason"] == "complaint"


async def test_praise_and_a_fault_in_two_messages_is_a_complaint(stage: Stage) -> None:
    await delivered(stage)
    for text in ("Всё отлично", "но молния не работает"):
        await stage.phone().writes(text)
        await stage.settle()
        stage.clock.advance(seconds=1)
    await stage.advance(minutes=1)
    assert (await purposes(stage))[1:] == ["handoff_notice"]
    assert linked(stage) == []


async def test_once_handed_back_the_shop_may_write_again(store_url: str) -> None:
    async with on_stage(store_url, **PATIENT) as stage:
        await delivered(stage)
        await writes(stage, "Куртка порвана")
        await stage.api.post(f"/api/contacts/{PHONE}/hand-back")
        await stage.advance(days=20)
        assert len(stage.texts) == 2
        await delivered(stage, code="912000002")
        await writes(stage, "Эта отличная, спасибо!")
        assert "orderCode=912000002" in linked(stage)[-1]


# --- what the rules cannot tell ---------------------------------------------------------------

UNTOLD = "Ну вот, забрали вчера вечером с постамата"


async def test_where_the_rules_cannot_tell_the_model_sees_the_happy(store_url: str) -> None:
    async with on_stage(store_url, **PATIENT) as stage:
        await delivered(stage)
        stage.model.script.append(answer("Рады это слышать, Айгерим!", mood="good"))
        await writes(stage, UNTOLD)
        assert LINK in stage.texts[-1]
        await stage.advance(days=20)
        assert len(stage.texts) == 2


async def test_where_the_rules_cannot_tell_the_model_sees_the_unhappy(store_url: str) -> None:
    async with on_stage(store_url, **PATIENT) as stage:
        await delivered(stage)
        stage.model.script.append(answer("Айгерим, сожалеем, что так вышло.", mood="bad"))
        await writes(stage, UNTOLD)
        assert "продав" in stage.texts[-1]
        assert linked(stage) == []
        assert (await stage.contact())["needs_person"]["reason"] == "complaint"
        await stage.advance(days=20)
        assert len(stage.texts) == 2


async def test_where_nothing_tells_there_is_no_link_and_no_person(store_url: str) -> None:
    async with on_stage(store_url, **AT_ONCE) as stage:
        await stage.ordered("ORDER_DELIVERED", phone=number(1))
        await stage.ordered("ORDER_DELIVERED", phone=number(2), code="912000002")
        await stage.ordered("POST_PURCHASE", phone=number(3), code="912000003")
        await stage.settle()
        stage.model.script.append(answer("Спасибо, что написали, Айгерим!"))
        await stage.phone(number(1)).writes(UNTOLD)
        await stage.advance(seconds=10)
        assert (await stage.contact(number(1)))["needs_person"] is None
        # the rules are not overruled, and a mood means nothing where nothing was asked
        await stage.phone(number(2)).writes("Молния сломана, не закрывается")
        await stage.advance(seconds=10)
        stage.model.script.append(answer("Рады это слышать, Айгерим!", mood="good"))
        await stage.phone(number(3)).writes(UNTOLD)
        await stage.advance(seconds=10)
        told = [purpose for purpose, _ in await said(stage, number(2))]
        assert told == ["order_delivered", "handoff_notice"]
        assert linked(stage) == []


# --- silent -----------------------------------------------------------------------------------


async def test_who_is_silent_is_asked_for_a_review_and_reminded_twice_at_most(
    store_url: str,
) -> None:
    async with on_stage(store_url, **PATIENT) as stage:
        await delivered(stage)
        await stage.advance(days=90)
        expected = ["order_delivered", "review_request", "reminder", "reminder"]
        assert await purposes(stage) == expected
        sent = [message.at for message in stage.waha.sent]
        hours = [(later - earlier) / timedelta(hours=1) for earlier, later in pairwise(sent)]
        assert round(hours[0]) == 48
        assert min(hours[1:]) >= 48
        assert (await stage.api.get("/api/outbox")).json() == []


async def test_reminders_count_against_the_caps(stage: Stage) -> None:
    await delivered(stage)
    await stage.advance(days=29)
    assert len(stage.texts) == 3
    assert (await stage.metrics())["blocked_by_reason"] == {"customer_cap": 1}
    await stage.advance(days=60)
    assert len(stage.texts) == 3


async def test_reminders_wait_for_the_morning(store_url: str) -> None:
    async with on_stage(store_url, **PATIENT) as stage:
        stage.clock.set(datetime(2026, 11, 23, 15, 50, tzinfo=UTC))
        await delivered(stage)
        await stage.advance(days=30)
        hours = [(message.at.hour + 5) % 24 for message in stage.waha.sent]
        assert len(hours) == 4
        assert all(9 <= hour < 21 for hour in hours)


async def test_any_word_of_the_customer_ends_the_reminders(store_url: str) -> None:
    words = ("ок", "А гарантия есть?", "🙂", "кейін айтам")
    async with on_stage(store_url, **PATIENT, **AT_ONCE) as stage:
        for n in range(len(words) + 1):
            await stage.ordered("ORDER_DELIVERED", phone=number(n), code=f"9120001{n:02}")
        await stage.advance(days=4)
        for n, text in enumerate(words):
            await stage.phone(number(n)).writes(text)
        await stage.phone(number(len(words))).sends_voice()
        await stage.advance(days=30)
        for n in range(len(words) + 1):
            told = [purpose for purpose, _ in await said(stage, number(n))]
            assert told[:2] == ["order_delivered", "review_request"]
            assert (n, "reminder" in told) == (n, False)


async def test_a_word_between_two_reminders_ends_the_second(store_url: str) -> None:
    async with on_stage(store_url, **PATIENT) as stage:
        await delivered(stage)
        await stage.advance(days=6)
        assert (await purposes(stage)).count("reminder") == 1
        await writes(stage, "Ещё не открывали")
        await stage.advance(days=30)
        assert (await purposes(stage)).count("reminder") == 1


async def test_a_returned_order_is_asked_about_no_more(store_url: str) -> None:
    async with on_stage(store_url, KASPI_WEBHOOK_SECRET=SECRET, **PATIENT) as stage:
        await delivered(stage)
        body = order_webhook(
            "default",
            {"code": "912000001", "status": "RETURNED", "phone": PHONE[1:], "total": 15990.0},
        )
        headers = sign_kaspi_webhook(SECRET, body)
        told = await stage.public.post("/webhooks/kaspi", content=body, headers=headers)
        assert told.status_code == 202, told.text
        await stage.advance(days=30)
        assert await purposes(stage) == ["order_delivered"]
