"""The seller changes a rule while the bot runs: it holds at once, for what waits too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from msgspec.structs import replace

from app.domain.rules import Purpose, Reason
from app.store.claims import Settled
from app.wiring import assembled
from app.worker.keep_rules import (
    TOLD_AT_ONCE,
    TOLD_PAUSE,
    known_rules,
    tell_chats,
    tell_in_time,
)
from app.worker.loop import run_guarded
from tests.builders import PHONE, person, waiting
from tests.e2e.stage import Stage, on_stage

NIGHT = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)
"""22:30 in Almaty."""


async def changed(stage: Stage, shop: str | None = None, **changes: Any) -> httpx.Response:
    """The seller changes rules at the desk, and a worker has the chats look at them."""
    body = {"shop": shop, "who": "Асель", "changes": changes}
    answer = await stage.api.patch("/api/rules", json=body)
    assert answer.status_code == 200, answer.text
    await tell_chats(stage.bot)
    return answer


async def blocked(stage: Stage) -> Any:
    """Why what waits does."""
    waiting = (await stage.api.get("/api/outbox")).json()
    return [(item["purpose"], item["blocked"]) for item in waiting]


async def test_a_purpose_switched_off_while_it_waits_is_not_said(stage: Stage) -> None:
    stage.clock.set(NIGHT)
    await stage.ordered()
    await stage.settle()
    assert await blocked(stage) == [("post_purchase", "quiet_hours")]
    await changed(stage, purposes_off=["post_purchase"])
    await stage.advance(hours=12)
    assert stage.waha.sent == []
    assert await blocked(stage) == []
    journal = await stage.journal()
    assert (journal[-1]["kind"], journal[-1]["reason"]) == ("dropped", "disabled")


async def test_a_text_that_is_written_already_is_not_said_either(stage: Stage) -> None:
    await stage.waha.session_becomes("FAILED")
    await stage.ordered()
    await stage.settle()
    await changed(stage, purposes_off=["post_purchase"])
    await stage.waha.session_becomes("WORKING")
    await stage.advance(hours=1)
    assert stage.waha.sent == []


async def test_a_shorter_night_lets_go_what_waits_for_the_morning(stage: Stage) -> None:
    stage.clock.set(NIGHT)
    await stage.ordered()
    await stage.settle()
    assert stage.texts == []
    await changed(stage, quiet_hours="23:00-07:00")
    await stage.settle()
    assert len(stage.texts) == 1


async def test_a_longer_night_holds_what_was_to_go(stage: Stage) -> None:
    stage.clock.set(NIGHT)
    await stage.ordered()
    await stage.settle()
    await changed(stage, quiet_hours="21:00-12:00")
    await stage.advance(hours=12)
    assert stage.texts == []
    await stage.advance(hours=3)
    assert len(stage.texts) == 1


async def test_a_wider_cap_lets_go_what_it_held(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_MAX_DAILY_MESSAGES="1") as stage:
        await stage.ordered(code="912000001")
        await stage.ordered(code="912000002", phone="77059999999")
        await stage.advance(hours=1)
        assert len(stage.texts) == 1
        await changed(stage, max_daily_messages=2)
        await stage.advance(minutes=5)
        assert len(stage.texts) == 2


async def test_a_shorter_cooldown_lets_go_what_it_held(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_QUIET_HOURS="") as stage:
        await stage.ordered(code="912000001")
        await stage.settle()
        await stage.ordered(code="912000002")
        await stage.advance(hours=11)
        await changed(stage, cooldown_hours=12)
        assert len(stage.texts) == 1
        await stage.advance(hours=1.1)
        assert len(stage.texts) == 2


async def test_a_bot_switched_off_holds_all_and_says_it_when_it_is_on(stage: Stage) -> None:
    await changed(stage, enabled=False)
    await stage.ordered()
    await stage.phone("77059999999").writes("Здравствуйте, есть размер M?")
    await stage.advance(hours=2)
    assert (stage.waha.sent, stage.model.requests) == ([], [])
    assert sorted(await blocked(stage)) == [("post_purchase", "disabled"), ("reply", "disabled")]
    state = (await stage.api.get("/ai-seller/status")).json()
    assert (state["status"], state["enabled"]) == ("disabled", False)
    await changed(stage, enabled=True)
    await stage.advance(minutes=1)
    assert len(stage.texts) == 2
    assert (await stage.api.get("/ai-seller/status")).json()["enabled"]


async def test_an_answer_that_was_written_waits_too_and_goes(stage: Stage) -> None:
    await stage.waha.session_becomes("FAILED")
    await stage.phone().writes("Здравствуйте, есть размер M?")
    await stage.advance(minutes=1)
    await changed(stage, enabled=False)
    await stage.waha.session_becomes("WORKING")
    await stage.advance(minutes=30)
    assert stage.waha.sent == []
    await changed(stage, enabled=True)
    await stage.advance(minutes=1)
    assert len(stage.texts) == 1


async def test_who_asked_a_bot_that_stayed_off_is_a_persons_to_answer(stage: Stage) -> None:
    await changed(stage, enabled=False)
    await stage.phone().writes("Здравствуйте, есть размер M?")
    await stage.advance(hours=7)
    assert stage.waha.sent == []
    assert await blocked(stage) == []
    assert (await stage.contact())["needs_person"]["reason"] == "unanswered"


async def test_while_the_bot_is_off_people_write_and_a_stop_is_heard(stage: Stage) -> None:
    await stage.phone().writes("Здравствуйте, есть размер M?")
    await stage.advance(minutes=1)
    await changed(stage, enabled=False)
    said = len(stage.texts)
    await stage.api.post(f"/api/contacts/{PHONE}/messages", json={"text": "Да, есть."})
    await stage.advance(minutes=1)
    assert stage.texts[said:] == ["Да, есть."]
    await stage.phone().writes("стоп")
    await stage.advance(minutes=1)
    assert (await stage.contact())["opted_out"]


async def test_one_shop_is_switched_off_and_the_other_speaks(store_url: str, tmp_path: Any) -> None:
    shops = tmp_path / "shops.toml"
    shops.write_text('[tdom]\nname = "Тёплый дом"\n[bala]\nname = "Balalar"\n', "utf-8")
    async with on_stage(store_url, AI_SELLER_SHOPS_FILE=str(shops)) as stage:
        await changed(stage, shop="tdom", enabled=False)
        await stage.ordered(shop_id="tdom")
        await stage.advance(hours=1)
        assert stage.waha.sent == []
        assert (await stage.api.get("/ai-seller/status")).json()["enabled"]


async def test_another_worker_knows_at_its_next_look(stage: Stage, store_url: str) -> None:
    parts = assembled(stage.assembly.settings, world=stage.clock, redis_url=store_url)
    async with parts as other:
        await changed(stage, max_messages=2)
        assert other.bot.rules.max_messages == 3
        await known_rules(other.bot.ruling, stage.clock)
        assert other.bot.rules == stage.bot.rules
        assert not await other.bot.ruling.keep_up()
        await changed(stage, max_messages=None)
        assert await other.bot.ruling.keep_up()
        assert other.bot.rules.max_messages == 3


async def test_who_is_told_of_new_rules_decides_by_them_on_any_worker(
    stage: Stage, store_url: str
) -> None:
    stage.clock.set(NIGHT)
    await stage.ordered()
    await stage.settle()
    parts = assembled(stage.assembly.settings, world=stage.clock, redis_url=store_url)
    async with parts as other:
        await changed(stage, quiet_hours="23:00-07:00")
        for chat in await stage.bot.mailbox.all_due(stage.clock.now()):
            await run_guarded(other.bot, chat)
        await stage.waha.delivered()
    assert len(stage.texts) == 1


async def test_a_chat_is_told_of_new_rules_once_also_after_a_crash_between(stage: Stage) -> None:
    stage.clock.set(NIGHT)
    for i in range(3):
        await stage.ordered(phone=f"7705000000{i}", code=f"91200010{i}")
    await stage.settle()
    await changed(stage, max_messages=2)
    assert await tell_chats(stage.bot) == 0
    before = stage.clock.now()
    await tell_in_time(stage.bot)
    assert stage.clock.now() == before
    body = {"who": "Асель", "changes": {"max_messages": 1}}
    await stage.api.patch("/api/rules", json=body)
    page = [chat async for chats in stage.bot.ruling.store.waiting() for chat in chats]
    assert len(page) == 3
    await tell_in_time(stage.bot)
    assert stage.clock.now() > before
    await stage.settle()
    assert len(await blocked(stage)) == 3


async def test_who_waits_for_no_rule_is_not_told(stage: Stage) -> None:
    await stage.ordered("ORDER_DELIVERED", phone="77050000009", code="912000109")
    await stage.settle()
    stage.clock.set(NIGHT)
    await stage.ordered()
    await stage.settle()
    assert [what for what, why in await blocked(stage) if why is None] == ["review_request"]
    await stage.api.patch("/api/rules", json={"who": "Асель", "changes": {"max_messages": 2}})
    assert await tell_chats(stage.bot) == 1
    assert await stage.bot.mailbox.all_due(stage.clock.now()) == [PHONE]


async def test_many_are_told_a_few_at_a_time_so_that_customers_need_not_wait(
    stage: Stage,
) -> None:
    stage.clock.set(NIGHT)
    held = waiting(Purpose.POST_PURCHASE, due=NIGHT + timedelta(hours=10))
    held = replace(held, blocked=Reason.QUIET_HOURS)
    for chat in (chats := [f"7705000{n:04}" for n in range(TOLD_AT_ONCE + 1)]):
        settled = Settled(
            conversation=person(chat=chat, phone=chat, pending=(held,)), wake=held.due
        )
        await stage.bot.mailbox.commit(await stage.bot.mailbox.claim(chat), settled, now=NIGHT)
    await stage.api.patch("/api/rules", json={"who": "Асель", "changes": {"max_messages": 2}})
    assert await tell_chats(stage.bot) == len(chats)
    assert stage.clock.slept == [TOLD_PAUSE]


async def test_what_no_chat_waits_for_wakes_none(stage: Stage) -> None:
    stage.clock.set(NIGHT)
    await stage.ordered()
    await stage.settle()
    await stage.api.patch(
        "/api/rules", json={"who": "Асель", "changes": {"texts": {"reminder": {"ru": "Как вам?"}}}}
    )
    assert await tell_chats(stage.bot) == 0


async def test_own_words_are_said_from_the_next_text_on(stage: Stage) -> None:
    await stage.ordered()
    await stage.settle()
    words = {"post_purchase": {"ru": "{hello} Спасибо за заказ {code}!"}}
    await changed(stage, texts=words)
    await stage.ordered(phone="77059999999", code="912000007")
    await stage.advance(minutes=5)
    assert "Спасибо за заказ 912000007!" in stage.texts[1]
