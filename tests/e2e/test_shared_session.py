"""Two shops behind one WhatsApp number: each customer is answered by the shop they talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stage import JACKET, Stage, on_stage

SHOPS = """
[tdom]
name = "Тёплый дом"
price_list = "tdom.csv"
[tdom.hours]
days = "mon-sun"
opens = "09:00"
closes = "18:00"
[tdom.warranty]
ru = "Гарантия год, талон выдаём на Абая."

[sporty]
name = "Sporty"
price_list = "sporty.csv"
[sporty.hours]
days = "mon-sun"
opens = "11:00"
closes = "21:00"
[sporty.warranty]
ru = "Гарантия полгода, талон выдаём на Достык."
"""
HEAD = "SKU,model,brand,price,category,PP1\n"
MUG = "MUG-350,Кружка походная 350 мл,CL,{price},Посуда,4\n"
AT_ONCE: dict[str, Any] = {
    "AI_SELLER_SEND_INTERVAL_SECONDS": "0",
    "AI_SELLER_TYPING_CHARS_PER_SECOND": "0",
    "AI_SELLER_DEBOUNCE_SECONDS": "0",
    "AI_SELLER_DEBOUNCE_MAX_SECONDS": "0",
}
FIRST, SECOND, NOBODY = "77010000001", "77010000002", "77010000003"


@asynccontextmanager
async def one_number(store_url: str, folder: Path, **environ: str) -> AsyncIterator[Stage]:
    (folder / "shops.toml").write_text(SHOPS)
    (folder / "tdom.csv").write_text(HEAD + MUG.format(price=1990))
    (folder / "sporty.csv").write_text(HEAD + MUG.format(price=2790))
    told = {"AI_SELLER_SHOPS_FILE": str(folder / "shops.toml"), **AT_ONCE, **environ}
    async with on_stage(store_url, **told) as stage:
        yield stage


async def ordered(stage: Stage, shop: str, phone: str, code: str) -> None:
    """A demper's push for one of the shops."""
    body = {
        "waha_stage_id": "POST_PURCHASE",
        "customer": {"phone": phone, "name": "Айгерим"},
        "order": {**JACKET, "order_id": code},
    }
    answer = await stage.public.post("/event_handler", params={"shop_id": shop}, json=body)
    assert answer.is_success, answer.text
    await stage.settle()


async def asks(stage: Stage, phone: str, text: str) -> str:
    """What is answered to this question."""
    before = len(stage.texts)
    await stage.phone(phone).writes(text)
    await stage.settle()
    assert len(stage.texts) == before + 1
    return str(stage.texts[-1]).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("budget", ["1", "0"], ids=["model", "without"])
async def test_the_shop_that_wrote_last_answers_with_its_prices_hours_and_words(
    store_url: str, tmp_path: Path, budget: str
) -> None:
    async with one_number(store_url, tmp_path, AI_SELLER_DAILY_BUDGET_USD=budget) as stage:
        await ordered(stage, "tdom", FIRST, "912000001")
        await ordered(stage, "sporty", SECOND, "912000002")
        assert "Sporty" in stage.texts[-1]

        for phone, price, closes, street in (
            (SECOND, "2 790", "21:00", "Достык"),
            (FIRST, "1 990", "18:00", "Абая"),
        ):
            assert price in await asks(stage, phone, "Сколько стоит кружка походная 350 мл?")
            assert closes in await asks(stage, phone, "До скольки вы работаете?")
            assert street in await asks(stage, phone, "Какая у вас гарантия?")
        [*_, answer] = await stage.messages(SECOND)
        assert (answer["author"], answer["purpose"]) == ("bot", "reply")
        shops = {line["shop"] for line in await stage.journal(SECOND) if line["shop"]}
        assert shops == {"sporty"}


async def test_who_writes_first_is_answered_by_the_shop_of_their_order_or_else_the_first(
    store_url: str, tmp_path: Path
) -> None:
    quiet = {"AI_SELLER_PURPOSES_OFF": "post_purchase"}
    async with one_number(store_url, tmp_path, **quiet) as stage:
        await ordered(stage, "sporty", SECOND, "912000002")
        assert stage.texts == []

        assert "2 790" in await asks(stage, SECOND, "Сколько стоит кружка походная 350 мл?")
        assert "1 990" in await asks(stage, NOBODY, "Сколько стоит кружка походная 350 мл?")


async def test_a_complaint_after_one_shops_words_is_shown_and_counted_as_that_shops(
    store_url: str, tmp_path: Path
) -> None:
    async with one_number(store_url, tmp_path) as stage:
        await ordered(stage, "sporty", SECOND, "912000002")
        await stage.phone(SECOND).writes("Кружка пришла разбитая, верните деньги!")
        await stage.settle()
        assert (await stage.contact(SECOND))["needs_person"]["summary"] is not None
        shops = [line["shop"] for line in await stage.journal(SECOND) if line["shop"]]
        assert set(shops) == {"sporty"}
