"""A seller at the desk's chats, the whole product behind: why it spoke or not, and taking over."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from tests.desk import Desk, desk_of, seen
from tests.e2e.stage import ADMIN, Stage


@pytest.fixture
async def desk(stage: Stage) -> AsyncIterator[Desk]:
    async with desk_of(stage.url, key=ADMIN) as desk:
        yield desk


async def opened(desk: Desk, *, q: str = "") -> str:
    """The address of the first chat of the list."""
    html = await desk.page("/desk/chats", q=q)
    found = re.search(r'class="chat[^"]*" href="([^"?]+)', html)
    assert found is not None, seen(html)
    return found[1]


async def test_the_desk_tells_what_was_said_and_why_and_what_waits_for_the_morning(
    stage: Stage, desk: Desk
) -> None:
    await stage.ordered(name="Айгерим С")
    await stage.advance(minutes=5)
    await stage.phone().writes("Сколько стоит моя куртка?")
    await stage.advance(minutes=1)
    assert len(stage.texts) == 2
    page = seen(await desk.page(await opened(desk, q="912000001")))
    for said in (*stage.texts, "Сколько стоит моя куртка?", "Благодарность за заказ",
                 "написала модель, все проверки пройдены", "«Сколько стоит моя куртка?»",
                 "Куртка Alpin черная 48"):  # fmt: skip
        assert " ".join(said.split()) in page, said
    assert re.search(r"Стоимость \$0\.\d\d", page)
    await stage.advance(hours=24 + 10.5)  # after the cooldown, half past ten at night
    await stage.ordered("ORDER_DELIVERED", code="912000002")
    await stage.settle()
    night = seen(await desk.page(await opened(desk)))
    assert "Не отправлено: вопрос о доставленном заказе — тихие часы до 09:" in night
    assert "Отправить сейчас" in night


async def test_the_desk_tells_of_what_is_off_and_of_what_needs_no_answer(
    stage: Stage, desk: Desk
) -> None:
    changes = {"who": "Асель", "changes": {"purposes_off": ["post_purchase"]}}
    await stage.api.patch("/api/rules", json=changes)
    await stage.ordered(name="Айгерим С")
    await stage.advance(minutes=1)
    chat = await opened(desk, q="aigerim")
    log = seen(await desk.page(chat))
    assert "Не будет отправлено: благодарность за заказ — выключено продавцом" in log
    await stage.api.patch("/api/rules", json={"who": "Асель", "changes": {"enabled": False}})
    await stage.ordered("ORDER_DELIVERED")
    await stage.advance(hours=1)
    page = seen(await desk.page(chat))
    assert "Не отправлено: вопрос о доставленном заказе — выключено продавцом" in page
    assert "Вопрос о доставленном заказе, заказ 912000001: ждёт — выключено" in page
    assert "выключено продавцом до" not in page
    said = await stage.phone().writes("Не пишите мне")
    await stage.phone().reacts(said, "👎")
    await stage.phone().writes("стоп")
    await stage.settle()
    page = seen(await desk.page(chat))
    assert "Покупатель поставил 👎" in page
    assert "Не будет отправлено: подтверждение отписки — об этом уже писали" in page


async def test_a_seller_answers_from_the_desk_and_the_bot_is_silent_until_it_is_handed_back(
    stage: Stage, desk: Desk
) -> None:
    await stage.phone().writes("Позовите человека, пожалуйста")
    await stage.advance(minutes=1)
    called = await desk.page("/desk/chats", shelf="called")
    assert "нужен человек" in seen(called)
    chat = await opened(desk)
    before = len(stage.texts)
    await desk.post(f"{chat}/messages", {"text": "Здравствуйте, это Асель.", "nonce": "0123456789"})
    await stage.settle()
    assert stage.texts[before:] == ["Здравствуйте, это Асель."]
    await stage.phone().writes("Спасибо! А когда привезут?")
    await stage.advance(minutes=5)
    assert len(stage.texts) == before + 1
    page = seen(await desk.page(chat))
    assert "Чат ведёте вы до 16:0" in page
    assert "Не будет отправлено" in page or "А когда привезут?" in page
    await desk.post(f"{chat}/hand-back")
    await stage.phone().writes("Вы тут? Где мой заказ?")
    await stage.advance(minutes=1)
    assert len(stage.texts) == before + 2
    assert "Чат снова ведёт бот" in seen(await desk.page(chat))


async def test_an_erased_buyer_leaves_the_desk_and_all_that_finds_them(
    stage: Stage, desk: Desk
) -> None:
    await stage.ordered(name="Айгерим С")
    await stage.advance(minutes=5)
    chat = await opened(desk, q="Айгерим")
    await desk.post(f"{chat}/erase", {"sure": "стереть"})
    await stage.settle()
    for query in ("", "Айгерим", "4567", "912000001"):
        assert "Айгерим" not in seen(await desk.page("/desk/chats", q=query))
    assert (await desk.get(chat)).status_code == 404
