"""It never becomes spam: caps, cooldown, quiet hours, pacing, switches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from app.demo.demper import order_webhook, sign_kaspi_webhook
from app.demo.faults import Status
from tests.builders import NOON, PHONE
from tests.e2e.stage import Stage, on_stage

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NIGHT = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
"""22:00 in Almaty."""


async def test_a_second_order_waits_a_day_and_is_counted_as_blocked_once(stage: Stage) -> None:
    await stage.ordered(code="912000001")
    await stage.settle()
    await stage.ordered(code="912000002")
    await stage.settle()
    assert len(stage.texts) == 1
    [waits] = (await stage.api.get("/api/outbox")).json()
    assert (waits["status"], waits["blocked"]) == ("scheduled", "cooldown")
    await stage.advance(hours=23)
    assert len(stage.texts) == 1
    await stage.advance(hours=1.1)
    assert len(stage.texts) == 2
    assert (await stage.metrics())["messages_blocked"] == 1


async def test_a_customer_gets_three_messages_in_thirty_days(stage: Stage) -> None:
    for day in range(6):
        await stage.ordered(code=f"91200000{day}")
        await stage.advance(hours=25)
    assert len(stage.texts) == 3
    reasons = (await stage.metrics())["blocked_by_reason"]
    assert reasons == {"customer_cap": 3}


async def test_at_night_it_waits_for_the_morning(stage: Stage) -> None:
    stage.clock.set(NIGHT)
    await stage.ordered()
    await stage.advance(hours=10.9)
    assert stage.texts == []
    await stage.advance(hours=1)
    assert len(stage.texts) == 1


async def test_at_night_a_question_is_answered(stage: Stage) -> None:
    stage.clock.set(NIGHT)
    await stage.phone().writes("Где мой заказ?")
    await stage.advance(seconds=10)
    assert len(stage.texts) == 1


async def test_a_shop_has_its_day_and_the_next_one(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_MAX_DAILY_MESSAGES="3") as stage:
        for i in range(5):
            await stage.ordered(phone=f"7705000000{i}", code=f"91200010{i}")
        await stage.advance(hours=2)
        assert len(stage.texts) == 3
        assert (await stage.metrics())["blocked_by_reason"] == {"daily_cap": 2}
        await stage.advance(hours=22)
        assert len(stage.texts) == 5


async def test_proactive_messages_leave_with_a_pause_between_them(stage: Stage) -> None:
    for i in range(5):
        await stage.ordered(phone=f"7705000000{i}", code=f"91200010{i}")
    await stage.settle()
    assert len(stage.texts) == 1
    await stage.advance(minutes=10)
    times = [sent.at for sent in stage.waha.sent]
    assert len(times) == 5
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert all(gap >= timedelta(seconds=25) for gap in gaps)
    assert len(set(gaps)) > 1
    assert (await stage.metrics())["messages_blocked"] == 0


async def test_a_message_that_certainly_failed_gives_its_place_back(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_MAX_DAILY_MESSAGES="1") as stage:
        refused = {"message": "no", "error": "Bad Request", "statusCode": 400}
        stage.waha.faults.append(Status(400, refused))
        await stage.ordered(phone="77050000001", code="912000101")
        await stage.settle()
        [failed] = await stage.messages("77050000001")
        assert failed["status"] == "failed"
        assert (await stage.contact("77050000001"))["sent_in_window"] == 0
        await stage.ordered(phone="77050000002", code="912000102")
        await stage.advance(minutes=5)
        assert len(stage.texts) == 1


async def test_switched_off_it_records_and_says_nothing(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_ENABLED="false") as stage:
        answer = await stage.ordered()
        assert (answer.status_code, answer.json()["status"]) == (200, "info")
        await stage.phone().writes("Здравствуйте, где заказ?")
        await stage.advance(hours=1)
        assert stage.waha.sent == []
        assert stage.model.requests == []
        contact = await stage.contact()
        assert [order["code"] for order in contact["orders"]] == ["912000001"]
        reasons = (await stage.metrics())["blocked_by_reason"]
        assert reasons == {"disabled": 2}


async def test_in_test_mode_everything_happens_but_the_sending(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_TEST_MODE="true") as stage:
        await stage.ordered()
        await stage.settle()
        [message] = await stage.messages()
        assert message["status"] == "dry_run"
        assert "Айгерим" in message["text"]
        assert stage.waha.requests == []
        assert (await stage.metrics())["messages_sent"] == 0


async def test_no_texts_pile_up_for_a_customer_who_bought_ten_things(stage: Stage) -> None:
    for i in range(10):
        await stage.ordered(code=f"9120002{i:02}")
    await stage.advance(days=4)
    assert len(stage.texts) <= 3
    assert stage.clock.now() >= NOON


async def test_a_person_who_took_over_is_not_talked_over(stage: Stage) -> None:
    await stage.phone().writes("Есть размер M?")
    await stage.settle()
    await stage.waha.owner_writes(PHONE, "Да, есть, Ерлан")
    await stage.advance(seconds=30)
    assert stage.texts == []
    assert (await stage.contact())["owner"] == "people"
    await stage.phone().writes("Спасибо, а L?")
    await stage.advance(minutes=5)
    assert stage.texts == []
    await stage.advance(hours=4.1)
    await stage.phone().writes("Ну так что с L?")
    await stage.advance(minutes=1)
    assert len(stage.texts) == 1


async def test_hand_back_lets_the_bot_answer_again(stage: Stage) -> None:
    await stage.phone().writes("Здравствуйте")
    await stage.advance(seconds=30)
    taken = await stage.api.post(f"/api/contacts/{PHONE}/take-over")
    assert taken.json()["owner"] == "people"
    await stage.phone().writes("Вы тут?")
    await stage.advance(minutes=1)
    assert len(stage.texts) == 1
    back = await stage.api.post(f"/api/contacts/{PHONE}/hand-back")
    assert back.json()["owner"] == "bot"
    await stage.phone().writes("Ау?")
    await stage.advance(minutes=1)
    assert len(stage.texts) == 2


async def test_a_person_can_answer_through_the_api(stage: Stage) -> None:
    await stage.phone().writes("Есть кто живой?")
    await stage.settle()
    said = await stage.api.post(f"/api/contacts/{PHONE}/messages", json={"text": "Да, я Ерлан"})
    assert said.status_code in (200, 202)
    await stage.advance(minutes=1)
    assert stage.texts == ["Да, я Ерлан"]
    assert (await stage.messages())[-1]["author"] == "person"


async def test_an_erased_person_is_forgotten_but_stays_opted_out(stage: Stage) -> None:
    await stage.ordered()
    await stage.settle()
    await stage.phone().writes("стоп")
    await stage.settle()
    erased = await stage.api.post(f"/api/contacts/{PHONE}/erase")
    assert erased.status_code == 200
    assert (await stage.api.get(f"/api/contacts/{PHONE}")).status_code == 404
    sent = len(stage.texts)
    await stage.ordered(code="912000009")
    await stage.settle()
    assert len(stage.texts) == sent


async def test_nothing_of_an_erased_person_is_left_in_the_store(stage: Stage) -> None:
    phone = stage.phone(PHONE, name="Айгерим", lid="211111111111111")
    await stage.ordered("ORDER_DELIVERED")
    await stage.settle()
    for i in range(40):
        await phone.writes(f"Вопрос {i}", id=f"Q{i}")
    await stage.advance(minutes=2)
    await stage.api.post(f"/api/contacts/{PHONE}/erase")
    await stage.settle()
    await stage.bot.mailbox.claim(PHONE)
    found = []
    async for key in stage.assembly.redis.scan_iter(count=1000):
        if key.startswith(b"aiseller:"):
            kind = await stage.assembly.redis.type(key)
            value = await _content(stage.assembly.redis, key, kind.decode())
            found.append((key, value))
    assert [key for key, _ in found if PHONE.encode() in key] == []
    assert [key for key, value in found if PHONE in value or "Вопрос" in value] == []


async def _content(redis: Any, key: bytes, kind: str) -> str:
    reads = {
        "string": lambda: redis.get(key),
        "hash": lambda: redis.hgetall(key),
        "list": lambda: redis.lrange(key, 0, -1),
        "set": lambda: redis.smembers(key),
        "zset": lambda: redis.zrange(key, 0, -1),
        "stream": lambda: redis.xrange(key),
    }
    return str(await reads[kind]())


async def test_a_replayed_message_counts_against_every_limit_again(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_MAX_DAILY_MESSAGES="1") as stage:
        stage.waha.faults.append(Status(400, {"message": "bad", "statusCode": 400}))
        await stage.ordered()
        await stage.settle()
        [grave] = (await stage.api.get("/api/buried")).json()
        assert (await stage.contact())["sent_in_window"] == 0
        answer = await stage.api.post(f"/api/buried/{grave['id']}/replay")
        assert answer.status_code in (200, 202)
        await stage.settle()
        assert len(stage.texts) == 1
        assert (await stage.contact())["sent_in_window"] == 1
        await stage.api.post(f"/api/buried/{grave['id']}/replay")
        await stage.settle()
        assert len(stage.texts) == 1
        await stage.ordered(phone="77050000002", code="912000102")
        await stage.advance(minutes=5)
        assert len(stage.texts) == 1


async def test_what_is_held_back_over_midnight_counts_on_the_day_it_goes(store_url: str) -> None:
    async with on_stage(
        store_url, AI_SELLER_MAX_DAILY_MESSAGES="1", AI_SELLER_QUIET_HOURS=""
    ) as stage:
        await stage.advance(hours=11)
        stage.waha.status_wait = 0
        await stage.waha.session_becomes("FAILED")
        await stage.ordered(phone="77050000001", code="912000101")
        await stage.advance(hours=2)
        await stage.ordered(phone="77050000002", code="912000102")
        await stage.waha.session_becomes("WORKING")
        await stage.advance(hours=1)
        assert len(stage.texts) == 1


async def test_an_answer_overtakes_a_message_we_started_that_has_to_wait(stage: Stage) -> None:
    stage.waha.faults.extend(
        Status(401, {"message": "Unauthorized", "statusCode": 401}) for _ in range(3)
    )
    await stage.ordered()
    await stage.advance(minutes=4)
    assert stage.texts == []
    await stage.phone().writes("Вы получили мой заказ?")
    await stage.advance(seconds=30)
    assert [m["purpose"] for m in await stage.messages() if m["status"] != "queued"][-1] == "reply"


async def test_an_order_told_with_another_phone_stays_with_its_first_buyer(stage: Stage) -> None:
    await stage.ordered(phone="77050000001")
    again = await stage.ordered(phone="77050000002")
    assert again.json()["action"] == "duplicate"
    await stage.advance(minutes=5)
    assert len(stage.texts) == 1


async def test_an_order_nobody_can_be_written_to_about_is_shown_with_its_reason(
    stage: Stage,
) -> None:
    refused = await stage.ordered(phone="+0(000)-000-00-00")
    assert refused.status_code == 400
    assert refused.json()["status"] == "error"
    [fact] = (await stage.api.get("/api/unusable")).json()
    assert (fact["reason"], fact["order_code"]) == ("no_phone", "912000001")


async def test_a_page_of_another_site_cannot_post_orders_from_the_sellers_browser(
    stage: Stage,
) -> None:
    body = b'{"waha_stage_id":"POST_PURCHASE","customer":{"phone":"77051234567"},"order":{}}'
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = await stage.public.post(
            "/event_handler", content=body, headers={**headers, "Content-Type": "text/plain"}
        )
        assert answer.status_code == 401
    assert (
        await stage.public.get("/metrics", headers={"Sec-Fetch-Site": "cross-site"})
    ).status_code == 401


async def test_an_order_of_years_ago_is_history_and_no_news(store_url: str) -> None:
    async with on_stage(store_url, KASPI_WEBHOOK_SECRET=SECRET) as stage:
        order: dict[str, object] = {
            "code": "912000077",
            "status": "COMPLETED",
            "phone": PHONE,
            "created_at": "2023-01-05T10:00:00Z",
        }
        body = order_webhook("default", order)
        headers = sign_kaspi_webhook(SECRET, body)
        await stage.public.post("/webhooks/kaspi", content=body, headers=headers)
        await stage.advance(days=5)
        assert stage.texts == []
        assert [o["code"] for o in (await stage.contact())["orders"]] == ["912000077"]


async def test_an_order_of_a_shop_that_is_not_set_up_is_refused(store_url: str) -> None:
    async with on_stage(store_url, KASPI_WEBHOOK_SECRET=SECRET) as stage:
        body = order_webhook("other", {"code": "1", "status": "COMPLETED", "phone": PHONE})
        headers = sign_kaspi_webhook(SECRET, body)
        hook = await stage.public.post("/webhooks/kaspi", content=body, headers=headers)
        assert hook.status_code == 400
        assert "shop" in hook.json()["detail"]


async def test_what_is_told_of_an_order_under_another_phone_names_nobody(stage: Stage) -> None:
    await stage.ordered("POST_PURCHASE", phone="77050000001", name="Айгерим")
    await stage.settle()
    await stage.ordered(
        "ORDER_DELIVERED", phone="77050000002", name="Болат", product_name="Платье вечернее"
    )
    await stage.advance(days=2)
    assert len(stage.texts) == 2
    assert "Болат" not in stage.texts[1]
    assert "Платье" not in stage.texts[1]


async def test_a_demper_that_knows_no_order_number_does_not_mix_buyers_up(stage: Stage) -> None:
    for i in range(3):
        answer = await stage.ordered(phone=f"7705000000{i}", code="None")
        assert answer.json()["action"] == "accepted"
    await stage.advance(minutes=10)
    assert len(stage.texts) == 3


async def test_who_comes_by_a_name_of_the_internet_is_not_this_machine(stage: Stage) -> None:
    answer = await stage.public.post(
        "/event_handler", json={}, headers={"Host": "evil.example:8080"}
    )
    assert answer.status_code == 401


async def test_two_machines_do_not_talk_for_ever(stage: Stage) -> None:
    phone = stage.phone()
    for i in range(40):
        await phone.writes("Спасибо за обращение! Мы ответим в рабочее время.", id=f"AUTO{i}")
        await stage.advance(seconds=10)
    assert len(stage.texts) < 30
    assert (await stage.contact())["needs_person"] is not None


async def test_a_start_older_than_the_stop_undoes_nothing(stage: Stage) -> None:
    phone = stage.phone()
    await phone.writes("стоп")
    await stage.settle()
    earlier = stage.clock.now() - timedelta(hours=1)
    await phone.writes("старт", at=earlier)
    await stage.settle()
    assert (await stage.contact())["opted_out"] is True
    stage.clock.advance(minutes=1)
    await phone.writes("старт")
    await stage.settle()
    assert (await stage.contact())["opted_out"] is False


async def test_a_flood_of_long_messages_stays_small(stage: Stage) -> None:
    phone = stage.phone()
    for i in range(30):
        await phone.writes("ы" * 60_000, id=f"LONG{i}")
    await stage.advance(minutes=1)
    claimed = await stage.bot.mailbox.look(PHONE)
    assert max(len(m.text) for m in claimed.conversation.messages) <= 4000  # type: ignore[union-attr]
