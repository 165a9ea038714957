"""Goods, orders and the shop's rules are told from data: with a model, without one, without money.

The demo's price list and what it states of itself stand in for a seller's.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.demo.demper import order_webhook, sign_kaspi_webhook
from tests.builders import PHONE
from tests.e2e.stage import Stage, on_stage

DEMO = Path(__file__).parents[2] / "app" / "demo"
SHOP: dict[str, Any] = {
    "KASPI_PRICE_LIST": str(DEMO / "price_list.xml"),
    "AI_SELLER_SHOP_FACTS_FILE": str(DEMO / "shop_facts.toml"),
}
AT_ONCE: dict[str, Any] = {
    "AI_SELLER_SEND_INTERVAL_SECONDS": "0",
    "AI_SELLER_TYPING_CHARS_PER_SECOND": "0",
    "AI_SELLER_DEBOUNCE_SECONDS": "0",
    "AI_SELLER_DEBOUNCE_MAX_SECONDS": "0",
}
"""So that a test of many customers takes none of the two minutes a model may be down."""
POOR: dict[str, Any] = {"AI_SELLER_DAILY_BUDGET_USD": "0"}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

_FACTS = re.compile(r"<facts>\s*(.*?)\s*</facts>", re.DOTALL)
_PRICE = re.compile(r"(\d[\d\s]*)₸")


async def asks(stage: Stage, text: str, phone: str = PHONE) -> str:
    """What is answered to this question."""
    await stage.phone(phone).writes(text)
    await stage.advance(minutes=1)
    return str(stage.texts[-1])


async def asks_at_once(stage: Stage, text: str, phone: str) -> str:
    """What is answered to this question where nothing is waited for."""
    await stage.phone(phone).writes(text)
    await stage.settle()
    return str(stage.texts[-1])


async def needs(stage: Stage) -> Any:
    """Why a person is called to this customer, or None."""
    return (await stage.contact())["needs_person"]


def facts(stage: Stage) -> Any:
    """The facts of the last brief that the model was given."""
    text = "\n".join(str(m["content"]) for m in stage.model.requests[-1]["messages"])
    return json.loads(_FACTS.findall(text)[-1])


def products(stage: Stage) -> dict[str, Any]:
    """What the model was told of goods, by name."""
    return {product["name"]: product for product in facts(stage).get("products", [])}


def prices(text: str) -> list[int]:
    """The sums in tenge in a text."""
    return [int(re.sub(r"\s", "", found)) for found in _PRICE.findall(text)]


async def told_by_kaspi(stage: Stage, status: str, **order: Any) -> None:
    """Kaspi says where the order is."""
    known = {"code": "912000001", "status": status, "phone": PHONE[1:], "total": 15990.0}
    item = {"name": "Чайник Bereke 1,7 л", "sku": "101200201_1", "quantity": 1}
    body = order_webhook("default", {**known, "items": [item], **order})
    headers = sign_kaspi_webhook(SECRET, body)
    answer = await stage.public.post("/webhooks/kaspi", content=body, headers=headers)
    assert answer.status_code == 202, answer.text
    await stage.settle()


# --- with the model ---------------------------------------------------------------------------


NAMED = (
    ("Сколько стоит термос Арктика на литр?", "Термос Arktika 1 л", 8990),
    ("почем чайник береке заварочный", "Заварочный чайник Bereke 0,8 л", 4990),
    ("Sonar Air Pro құлаққабы қанша тұрады?", "Наушники Sonar Air Pro", 29990),
    ("артикул 101200504_1 есть?", "Ночник соляной", 6990),
)


async def test_the_model_is_given_the_thing_asked_about(store_url: str) -> None:
    async with on_stage(store_url, **SHOP, **AT_ONCE) as stage:
        for n, (question, name, price) in enumerate(NAMED):
            phone = f"7705000050{n}"
            await asks_at_once(stage, question, phone)
            known = products(stage)[name]
            assert (name, known["price"], known["in_stock"]) == (name, price, True)
            assert (await stage.contact(phone))["needs_person"] is None


async def test_of_a_sold_out_thing_the_model_is_given_what_is_there_instead(
    store_url: str,
) -> None:
    async with on_stage(store_url, **SHOP) as stage:
        text = await asks(stage, "Куртка Qyran 52 размера есть?")
        known = products(stage)
        assert known["Куртка Qyran, размер 52"]["in_stock"] is False
        assert {"Куртка Qyran, размер 50", "Куртка Qyran, размер 48"} <= known.keys()
        assert all(p["in_stock"] for name, p in known.items() if not name.endswith("52"))
        assert "нет" in text


async def test_after_a_purchase_the_model_is_given_what_fits(store_url: str) -> None:
    async with on_stage(store_url, **SHOP) as stage:
        await stage.ordered(sku="101200301_1", product_name="Наушники Sonar Air")
        await stage.settle()
        known = products(stage)
        assert "Чехол для наушников Sonar Air силиконовый" in known
        assert 1 <= len(known) <= 4
        assert all(product["in_stock"] for product in known.values())
        assert not any("Плед" in name or "Куртка" in name for name in known)


async def test_what_is_not_sold_is_not_in_the_brief_nor_made_up(store_url: str) -> None:
    questions = ("А iPhone 16 Pro Max есть?", "Сколько стоит артикул 999888777_1?")
    async with on_stage(store_url, **SHOP, **AT_ONCE) as stage:
        for n, question in enumerate(questions):
            text = await asks_at_once(stage, question, f"7705000070{n}")
            assert (question, prices(text)) == (question, [])
            assert products(stage) == {}


async def test_what_the_model_makes_up_of_goods_does_not_leave(store_url: str) -> None:
    async with on_stage(store_url, **SHOP, **AT_ONCE) as stage:
        stage.model.script.extend(["Термос Arktika 1 л стоит 4 990 ₸, есть в наличии."] * 2)
        text = await asks_at_once(stage, "Сколько стоит термос Arktika 1 л?", PHONE)
        assert prices(text) == [8990]
        assert (await needs(stage))["reason"] == "text_rejected"
        stage.model.script.clear()
        stage.model.script.extend(["Да, «Плед флисовый 130×170» есть в наличии!"] * 2)
        text = await asks_at_once(stage, "Плед флисовый есть?", "77050000801")
        assert "нет в наличии" in text


async def test_where_a_figure_comes_from_is_in_the_journal(store_url: str) -> None:
    async with on_stage(store_url, **SHOP) as stage:
        await asks(stage, "Сколько стоит термос Arktika 1 л?")
        [written] = [e["written"] for e in await stage.journal() if e["kind"] == "written"]
        assert any("8" in proof and "990" in proof for proof in written["evidence"])


# --- without it -------------------------------------------------------------------------------


PRICE_QUESTIONS = (
    ("Сколько стоит термос Arktika 1 л?", 8990),
    ("Термокружка Arktika 0,45 л бар ма?", 5490),
    ("Do you have Sonar Air Pro headphones?", 29990),
    ("артикул 101200504_1 есть?", 6990),
)


async def test_with_the_model_down_a_price_is_told_from_the_price_list(store_url: str) -> None:
    async with on_stage(store_url, **SHOP, **AT_ONCE) as stage:
        stage.model.down = True
        for n, (question, price) in enumerate(PRICE_QUESTIONS):
            phone = f"7705000040{n}"
            text = await asks_at_once(stage, question, phone)
            assert (question, prices(text)) == (question, [price])
            assert (await stage.contact(phone))["needs_person"] is None


async def test_with_the_model_down_only_what_is_there_is_offered_instead(store_url: str) -> None:
    async with on_stage(store_url, **SHOP) as stage:
        stage.model.down = True
        text = await asks(stage, "Плед флисовый есть?")
        assert "нет в наличии" in text
        assert "Плед шерстяной" in text
        assert prices(text) == [9450]
        text = await asks(stage, "Куртка Qyran размер 52 бар ма?", "77050000002")
        assert "жоқ" in text
        assert "размер 50" in text


async def test_with_the_model_down_what_is_not_sold_is_said_not_to_be_found(
    store_url: str,
) -> None:
    questions = (
        ("iPhone 16 бар ма?", "абылмады"),
        ("Сколько стоит артикул 777666555_1?", "не наш"),
    )
    async with on_stage(store_url, **SHOP) as stage:
        stage.model.down = True
        for n, (question, unknown) in enumerate(questions):
            phone = f"7705000000{n}"
            answer = await asks(stage, question, phone)
            assert unknown in answer
            assert prices(answer) == []
            assert (await stage.contact(phone))["needs_person"] is None


STATUS_QUESTIONS = (
    ("Где мой заказ?", "оплачен"),
    ("Тапсырысым қайда?", "төленді"),
    ("тапсырысым кайда", "төленді"),
    ("Where is my order?", "paid"),
)


async def test_with_the_model_down_the_order_is_told_from_data(store_url: str) -> None:
    async with on_stage(store_url, **AT_ONCE) as stage:
        stage.model.down = True
        for n, (question, word) in enumerate(STATUS_QUESTIONS):
            phone, code = f"7705000020{n}", f"91200020{n}"
            await stage.ordered(phone=phone, code=code)
            await stage.settle()
            text = await asks_at_once(stage, question, phone)
            assert (question, code in text, word in text) == (question, True, True)
            assert (await stage.contact(phone))["needs_person"] is None


STAGES = (
    ("ACCEPTED_BY_MERCHANT", "принят"),
    ("COMPLETED", "достав"),
    ("CANCELLED", "отмен"),
    ("RETURNED", "возвр"),
)


async def test_with_the_model_down_each_stage_is_told_as_it_is(store_url: str) -> None:
    async with on_stage(store_url, KASPI_WEBHOOK_SECRET=SECRET, **AT_ONCE) as stage:
        stage.model.down = True
        for n, (status, word) in enumerate(STAGES):
            phone, code = f"7705000060{n}", f"91200060{n}"
            await told_by_kaspi(stage, status, phone=phone[1:], code=code)
            text = await asks_at_once(stage, "Что с моим заказом?", phone)
            assert (status, code in text, word in text) == (status, True, True)


async def test_who_has_no_order_is_asked_for_its_number(stage: Stage) -> None:
    stage.model.down = True
    text = await asks(stage, "Где мой заказ?")
    assert "номер заказа" in text


async def test_an_order_of_somebody_else_is_not_told(stage: Stage) -> None:
    await stage.ordered()
    await stage.advance(minutes=5)
    stage.model.down = True
    text = await asks(stage, "Где заказ 912000001?", "77059998877")
    assert "Alpin" not in text
    assert "оплачен" not in text


STATED_QUESTIONS = (
    ("Какие условия возврата?", "14 дней"),
    ("Гарантия бар ма?", "12 ай"),
    ("What is the warranty?", "12 months"),
    ("Можно оплатить наличными?", "через Kaspi"),
    ("До скольки вы работаете?", "10:00–19:00"),
)


async def test_with_the_model_down_the_shops_own_words_are_said(store_url: str) -> None:
    async with on_stage(store_url, **SHOP, **AT_ONCE) as stage:
        stage.model.down = True
        for n, (question, words) in enumerate(STATED_QUESTIONS):
            phone = f"7705000030{n}"
            text = await asks_at_once(stage, question, phone)
            assert (question, words in text) == (question, True)
            assert (await stage.contact(phone))["needs_person"] is None


async def test_what_the_shop_has_not_stated_is_a_persons(stage: Stage) -> None:
    stage.model.down = True
    text = await asks(stage, "Какие условия возврата?")
    assert "14" not in text
    assert (await needs(stage))["reason"] == "model_unavailable"


# --- the day's money --------------------------------------------------------------------------


async def test_without_money_for_the_model_facts_and_people_answer(store_url: str) -> None:
    async with on_stage(store_url, **SHOP, **POOR) as stage:
        await stage.ordered()
        await stage.advance(minutes=5)
        assert "Alpin" in stage.texts[0]
        assert prices(await asks(stage, "Сколько стоит термос Arktika 1 л?")) == [8990]
        assert "912000001" in await asks(stage, "Где мой заказ?")
        assert await needs(stage) is None
        await asks(stage, "Посоветуйте что-нибудь интересное")
        assert (await needs(stage))["reason"] == "budget_spent"
        assert stage.model.requests == []


async def test_without_money_a_stop_and_a_complaint_are_still_understood(store_url: str) -> None:
    async with on_stage(store_url, **POOR) as stage:
        await asks(stage, "Верните деньги")
        await asks(stage, "стоп")
        purposes = [m["purpose"] for m in await stage.messages() if m["direction"] == "out"]
        assert purposes == ["handoff_notice", "opt_out_confirmation"]
        assert stage.model.requests == []


async def test_the_budget_ends_in_the_middle_of_a_day_and_begins_anew(store_url: str) -> None:
    async with on_stage(
        store_url,
        AI_SELLER_DAILY_BUDGET_USD="0.001",
        OPENAI_PRICE_INPUT_PER_MTOK="1000",
        OPENAI_PRICE_OUTPUT_PER_MTOK="1000",
    ) as stage:
        await asks(stage, "Посоветуйте что-нибудь")
        asked = len(stage.model.requests)
        assert asked >= 1
        await asks(stage, "А ещё что-нибудь?")
        assert len(stage.model.requests) == asked
        budget = (await stage.api.get("/ai-seller/costs")).json()["budget"]
        assert budget["state"] == "spent"
        await stage.advance(hours=24)
        stage.model.script.append("Спасибо, что написали!")
        await asks(stage, "А сегодня?")
        assert len(stage.model.requests) > asked


# --- texts that are said again ----------------------------------------------------------------


WORDINGS = (
    "Здравствуйте, {}! Спасибо за заказ «{}». Если будут вопросы, напишите.",
    "Здравствуйте, {}! Благодарим за покупку «{}». Мы на связи.",
    "{}, здравствуйте! Спасибо за заказ «{}». Мы на связи.",
    "Здравствуйте, {}! Благодарим за заказ «{}». Будут вопросы — мы на связи.",
    "{}, спасибо за заказ «{}»! Если появятся вопросы, пишите сюда — поможем.",
    "Здравствуйте, {}! Спасибо за покупку «{}»! Если появятся вопросы, пишите.",
)
"""Texts in which nothing but the name and the thing is the customer's own."""


@pytest.mark.parametrize("reuse", ["true", "false"])
async def test_equal_first_messages_share_a_text_if_the_seller_allows(
    store_url: str, reuse: str
) -> None:
    things = [("Алия", "Чайник Vita"), ("Жанна", "Плед Lana"), ("Динара", "Лампа Luma")]
    things += [("Айнур", "Кружка Mira"), ("Сауле", "Коврик Tara"), ("Мадина", "Ваза Nora")]
    async with on_stage(
        store_url, AI_SELLER_REUSE_TEXTS=reuse, AI_SELLER_SEND_INTERVAL_SECONDS="0"
    ) as stage:
        for n, (name, thing) in enumerate(things):
            stage.model.script.append(WORDINGS[n].format(name, thing))
            order = {"code": f"91200010{n}", "sku": f"SKU-{n}", "product_name": thing}
            await stage.ordered(phone=f"7705000010{n}", name=name, **order)
            await stage.advance(minutes=2)
        assert len(stage.texts) == len(things)
        for text, (name, thing) in zip(stage.texts, things, strict=True):
            assert name in text
            assert thing in text
            others = [n for n, _ in things if n != name] + [t for _, t in things if t != thing]
            assert not any(other in text for other in others)
        assert len(stage.model.requests) == (len(things) - 1 if reuse == "true" else len(things))
