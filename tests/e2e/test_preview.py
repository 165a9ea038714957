"""The seller looks at a text before any customer does: the real way, nothing sent, nothing kept."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.domain.events import Item, Language, Order
from app.domain.events import Stage as At
from app.domain.rules import Purpose
from app.domain.textbook import Preview, PreviewWish, TextBook
from app.errors import Refused
from app.wiring.parts import front_of
from app.writing.checks import limit
from app.writing.prompts import WRITTEN
from tests.e2e.stage import ADMIN, Stage, on_stage
from tests.e2e.test_goods import SHOP

PROMPTS = Path(__file__).parents[2] / "prompts"
KETTLE = Order(
    code="912000555",
    shop="default",
    stage=At.PAID,
    items=(Item(name="Чайник Bereke 1,7 л", sku="101200201_1", quantity=1, price=8990.0),),
    total=8990.0,
)


def wish(purpose: Purpose = Purpose.POST_PURCHASE, language: Language = Language.RU) -> PreviewWish:
    return PreviewWish(shop="default", purpose=purpose, language=language, order=KETTLE,
                       customer_name="Дана Б")  # fmt: skip


async def look(stage: Stage, wished: PreviewWish) -> Preview:
    preview = front_of(stage.assembly, admin_key=ADMIN).preview
    assert preview is not None
    return await preview(wished)


def book(stage: Stage) -> TextBook:
    texts = front_of(stage.assembly, admin_key=ADMIN).texts
    assert texts is not None
    return texts()


async def kept(stage: Stage) -> dict[str, bytes | None]:
    """All that lies in the store, but for what docket and the clock of the worker keep there."""
    redis = stage.assembly.redis
    names = [name async for name in redis.scan_iter("*")]
    return {name.decode(): await redis.dump(name) for name in names}


async def test_every_purpose_can_be_seen_in_every_language_without_the_model(
    store_url: str,
) -> None:
    async with on_stage(store_url, **SHOP) as stage:
        before = await kept(stage)
        for purpose in Purpose:
            for language in Language:
                seen = await look(stage, wish(purpose, language))
                assert seen.text, (purpose, language)
                assert seen.written is not None
                assert seen.written.canned or seen.written.prompt.startswith("facts/")
                assert (seen.system is not None) is (purpose in WRITTEN)
                assert (seen.user is not None) is (purpose in WRITTEN)
        assert stage.model.requests == []
        assert stage.texts == []
        assert await kept(stage) == before


async def test_every_purpose_can_be_seen_as_the_model_writes_it(store_url: str) -> None:
    async with on_stage(store_url, **SHOP, AI_SELLER_REUSE_TEXTS="true") as stage:
        before = await kept(stage)
        for purpose in WRITTEN:
            for language in Language:
                seen = await look(stage, replace(wish(purpose, language), ask_model=True))
                assert seen.written is not None
                assert not seen.written.canned, (purpose, language, seen)
                assert seen.written.prompt == f"{purpose}/v1"
                assert seen.faults == ()
                assert "language" in seen.written.checks
                assert "order 912000555" in seen.written.used
                assert seen.user is not None
                told = json.loads(seen.user.split("<facts>")[1].split("</facts>")[0])
                assert (told["purpose"], told["language"]) == (purpose, language)
        assert stage.texts == []
        new = {name for name, value in (await kept(stage)).items() if before.get(name) != value}
        assert all(re.search(r"cost|figures|counters", name) for name in new), new
        day = stage.assembly.bot.rules.local(stage.clock.now()).date()
        costs = await stage.assembly.bot.counters.costs([day])
        assert {cost.purpose for cost in costs} == set(WRITTEN)
        assert sum(cost.spent.requests for cost in costs) == len(stage.model.requests)
        assert (await stage.bot.counters.all()).keys().isdisjoint({"sent", "written"})


async def test_a_preview_knows_what_the_shop_sells(store_url: str) -> None:
    async with on_stage(store_url, **SHOP) as stage:
        seen = await look(stage, wish())
        assert '"products":' in (seen.user or "")


async def test_an_arm_can_be_seen_while_it_is_off(store_url: str) -> None:
    async with on_stage(store_url) as stage:
        first, second = [
            await look(stage, replace(wish(), arm=arm, ask_model=True)) for arm in ("v1", "v2")
        ]
        none = await look(stage, wish())
        assert first.system == none.system
        assert first.system != second.system
        assert first.written is not None
        assert second.written is not None
        assert (first.written.arm, second.written.arm) == ("v1", "v2")
        assert second.written.prompt == "post_purchase/v2"
        assert len(second.text or "") <= 2 * limit(Purpose.POST_PURCHASE)


async def test_a_text_the_checks_refuse_is_told_with_its_faults(store_url: str) -> None:
    async with on_stage(store_url) as stage:
        stage.model.script.extend(["Чайник: скидка 90% на https://bit.ly/x"] * 2)
        seen = await look(stage, replace(wish(), ask_model=True))
        assert {"link", "discount"} <= set(seen.faults)
        assert seen.written is not None
        assert seen.written.canned


async def test_when_the_days_money_is_spent_a_preview_asks_nobody(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_DAILY_BUDGET_USD="0") as stage:
        seen = await look(stage, replace(wish(), ask_model=True))
        assert seen.written is not None
        assert seen.written.why_canned == "budget_spent"
        assert stage.model.requests == []


async def test_many_clicks_at_once_do_not_spend_the_days_money_many_times(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_DAILY_BUDGET_USD="0.0005") as stage:
        preview = front_of(stage.assembly, admin_key=ADMIN).preview
        assert preview is not None
        asked = replace(wish(), ask_model=True)
        seen = await asyncio.gather(*(preview(asked) for _ in range(8)))
        assert len(stage.model.requests) == 1
        paid = [one for one in seen if one.written is not None and one.written.requests]
        assert len(paid) == 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"shop": "nobody"}, "unknown_shop"), ({"arm": "v9"}, "unknown_arm")],
)
async def test_what_is_not_there_is_refused(
    store_url: str, *, wrong: dict[str, str], code: str
) -> None:
    async with on_stage(store_url) as stage:
        with pytest.raises(Refused) as caught:
            await look(stage, replace(wish(), **wrong))
        assert caught.value.code == code


async def test_the_textbook_holds_what_lies_in_the_files(store_url: str) -> None:
    async with on_stage(store_url) as stage:
        texts = {one.purpose: one for one in book(stage).purposes}
    assert list(texts) == list(Purpose)
    assert texts[Purpose.POST_PURCHASE].arms == ("v1", "v2")
    assert texts[Purpose.HANDOFF_NOTICE].arms == ()
    for purpose, one in texts.items():
        assert {text.language for text in one.canned if text.name == "plain"} == set(Language)
        assert len(one.prompts) == len(one.arms) * len(Language)
        for prompt in one.prompts:
            file = PROMPTS / purpose / f"{prompt.arm}.{prompt.language}.j2"
            own = file.read_text(encoding="utf-8").split("{% include")[2].split("%}")[1]
            assert own.strip() in prompt.source
            assert "{%" not in prompt.source
            assert len(prompt.source) > len(own)


async def test_switched_on_the_arms_are_sent_and_counted_apart(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_SEND_INTERVAL_SECONDS="0") as stage:
        on: dict[str, object] = {"arms_off": []}
        await stage.bot.ruling.change(on, shop=None, who="Айдана", now=stage.clock.now())
        for number in range(8):
            phone = f"7705123450{number}"
            await stage.ordered(phone=phone, code=f"91200010{number}")
        await stage.advance(hours=1)
        await stage.phone("77051234500").writes("Спасибо!")
        await stage.advance(minutes=5)
        counts = await stage.bot.counters.all()
        sent = {arm: counts.get(f"arm:post_purchase/{arm}:sent", 0) for arm in ("v1", "v2")}
        assert sum(sent.values()) == 8
        assert min(sent.values()) >= 1
        answered = [counts.get(f"arm:post_purchase/{arm}:answered", 0) for arm in sent]
        assert sum(answered) == 1
