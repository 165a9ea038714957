"""People decide what is said and what is over: cancel, send now, replay, dismiss."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from app.demo.faults import Status
from tests.builders import PHONE
from tests.desk import desk_of, seen
from tests.e2e.stage import ADMIN, Stage, on_stage

OTHER = "77050000002"
REFUSED = {"message": "no", "error": "Bad Request", "statusCode": 400}
BUSY = {"message": "slow down", "statusCode": 429}


async def waits(stage: Stage, purpose: str) -> Any:
    """The one thing of that purpose in the outbox."""
    (item,) = [i for i in (await stage.api.get("/api/outbox")).json() if i["purpose"] == purpose]
    return item


async def do(stage: Stage, what: str, item: Any) -> Any:
    answer = await stage.api.post(f"/api/outbox/{item['id']}/{what}", json={"phone": item["chat"]})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def purposes(stage: Stage) -> list[str]:
    """What the customer was sent, in order."""
    return [m["purpose"] for m in await stage.messages() if m["status"] != "failed"]


async def reasons(stage: Stage, id_: str) -> list[tuple[str, str | None]]:
    """What the journal says of one message."""
    return [(e["kind"], e["reason"]) for e in await stage.journal() if e["message"] == id_]


# --- cancel -----------------------------------------------------------------------------------


async def test_a_request_for_a_review_that_was_cancelled_never_comes(stage: Stage) -> None:
    await stage.ordered("ORDER_DELIVERED")
    await stage.settle()
    review = await waits(stage, "review_request")
    assert (await do(stage, "cancel", review))["status"] == "cancelled"
    await stage.ordered("ORDER_DELIVERED", again="told once more")
    await stage.advance(days=12)
    assert await purposes(stage) == ["order_delivered"]
    assert (await stage.api.get("/api/outbox")).json() == []
    assert await reasons(stage, review["id"]) == [("scheduled", None), ("dropped", "cancelled")]
    assert (await stage.metrics())["blocked_by_reason"] == {"cancelled": 1}


async def test_what_was_cancelled_holds_no_place_under_any_cap(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_MAX_DAILY_MESSAGES="1") as stage:
        stage.waha.faults.append(Status(429, BUSY))
        await stage.ordered()
        await stage.settle()
        assert (await stage.contact())["sent_in_window"] == 1
        thanks = await waits(stage, "post_purchase")
        assert thanks["status"] == "queued"
        await do(stage, "cancel", thanks)
        await stage.settle()
        assert (await stage.contact())["sent_in_window"] == 0
        await stage.ordered(phone=OTHER, code="912000002")
        await stage.advance(minutes=5)
        (sent,) = await stage.messages(OTHER)
        assert sent["status"] == "delivered"
        assert len(stage.texts) == 1


async def test_an_answer_that_was_cancelled_is_not_given(stage: Stage) -> None:
    await stage.phone().writes("Где мой заказ?")
    await stage.settle()
    await do(stage, "cancel", await waits(stage, "reply"))
    await stage.advance(hours=1)
    assert stage.texts == []
    await stage.phone().writes("А размер M есть?")
    await stage.advance(minutes=1)
    assert len(stage.texts) == 1


# --- send now ---------------------------------------------------------------------------------


async def test_by_day_what_is_to_go_now_goes_at_once(stage: Stage) -> None:
    await stage.ordered("ORDER_DELIVERED")
    await stage.advance(hours=25)
    review = await waits(stage, "review_request")
    await do(stage, "send-now", review)
    await stage.settle()
    assert await purposes(stage) == ["order_delivered", "review_request"]
    assert ("scheduled", "hurried") in await reasons(stage, review["id"])
    await stage.advance(days=3)
    assert (await purposes(stage)).count("review_request") == 1


async def test_at_night_it_waits_for_the_morning_and_says_so(stage: Stage) -> None:
    await stage.ordered("ORDER_DELIVERED")
    await stage.advance(hours=34)  # 22:00 of the next day
    review = await do(stage, "send-now", await waits(stage, "review_request"))
    assert review["blocked"] == "quiet_hours"
    assert timedelta(hours=11) <= _until(stage, review["until"]) <= timedelta(hours=12)
    assert ("blocked", "quiet_hours") in await reasons(stage, review["id"])
    await stage.advance(hours=10.9)
    assert await purposes(stage) == ["order_delivered"]
    await stage.advance(hours=0.8)
    assert await purposes(stage) == ["order_delivered", "review_request"]


def _until(stage: Stage, moment: str) -> timedelta:
    return datetime.fromisoformat(moment) - stage.clock.now()


async def test_in_the_morning_it_need_not_wait_for_its_place_in_the_spread(stage: Stage) -> None:
    stage.clock.set(stage.clock.now() + timedelta(hours=10))
    await stage.ordered()
    await stage.settle()
    thanks = await waits(stage, "post_purchase")
    await stage.advance(hours=11, seconds=1)
    assert stage.texts == []
    await do(stage, "send-now", thanks)
    await stage.settle()
    assert len(stage.texts) == 1
    await stage.advance(hours=2)
    assert len(stage.texts) == 1


async def test_the_day_between_two_messages_holds_however_often_one_asks(stage: Stage) -> None:
    await stage.ordered("ORDER_DELIVERED")
    await stage.settle()
    for _ in range(3):
        review = await do(stage, "send-now", await waits(stage, "review_request"))
        await stage.settle()
        assert review["blocked"] == "cooldown"
        assert review["until"].startswith("2026-11-24T07:00:")
    assert await purposes(stage) == ["order_delivered"]
    assert (await stage.metrics())["blocked_by_reason"] == {"cooldown": 1}
    await stage.advance(hours=24)
    assert await purposes(stage) == ["order_delivered", "review_request"]


async def test_the_pace_of_the_session_holds(stage: Stage) -> None:
    await stage.ordered(phone=OTHER, code="912000002")
    await stage.settle()
    await stage.ordered()
    await stage.settle()
    for _ in range(3):
        await do(stage, "send-now", await waits(stage, "post_purchase"))
        await stage.settle()
    assert len(stage.texts) == 1
    await stage.advance(minutes=1)
    assert len(stage.texts) == 2


async def test_the_days_cap_holds_and_the_journal_says_so_again(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_MAX_DAILY_MESSAGES="1") as stage:
        await stage.ordered(phone=OTHER, code="912000002")
        await stage.settle()
        await stage.ordered()
        await stage.advance(minutes=5)
        thanks = await waits(stage, "post_purchase")
        await do(stage, "send-now", thanks)
        await stage.settle()
        assert len(stage.texts) == 1
        assert (await waits(stage, "post_purchase"))["blocked"] == "daily_cap"
        told = await reasons(stage, thanks["id"])
        assert told[-2:] == [("scheduled", "hurried"), ("blocked", "daily_cap")]
        assert (await stage.metrics())["blocked_by_reason"] == {"daily_cap": 1}


async def test_an_answer_that_is_to_go_now_does_not_wait_for_more_words(stage: Stage) -> None:
    await stage.phone().writes("Где мой заказ?")
    await stage.settle()
    assert stage.texts == []
    await do(stage, "send-now", await waits(stage, "reply"))
    await stage.settle()
    assert len(stage.texts) == 1


async def test_while_whatsapp_is_off_it_waits_for_it(stage: Stage) -> None:
    await stage.ordered("ORDER_DELIVERED")
    await stage.advance(hours=25)
    await stage.waha.session_becomes("FAILED")
    review = await waits(stage, "review_request")
    await do(stage, "send-now", review)
    await stage.settle()
    assert (await waits(stage, "review_request"))["blocked"] == "session_down"
    assert ("blocked", "session_down") in await reasons(stage, review["id"])


# --- what failed ------------------------------------------------------------------------------


async def test_what_was_dismissed_does_not_come_back(stage: Stage) -> None:
    stage.waha.faults.append(Status(400, REFUSED))
    await stage.ordered()
    await stage.settle()
    (failed,) = (await stage.api.get("/api/buried")).json()
    async with desk_of(stage.url, key=ADMIN) as desk:
        assert "Айгерим" in seen(await desk.page("/desk/problems"))
        answer = await desk.post(f"/desk/problems/{failed['id']}/dismiss")
        assert "Убрано." in seen(answer.text)
        await stage.settle()
        await stage.phone().writes("Здравствуйте, где заказ?")
        await stage.advance(days=3)
        assert "Всё в порядке" in seen(await desk.page("/desk/problems"))
    assert (await stage.api.get("/api/buried")).json() == []
    assert (await stage.messages())[0]["status"] == "failed"
    assert (await reasons(stage, failed["id"]))[-1] == ("dropped", "dismissed")


async def test_what_failed_goes_when_it_is_tried_again_from_the_page(stage: Stage) -> None:
    stage.waha.faults.append(Status(400, REFUSED))
    await stage.ordered()
    await stage.settle()
    assert stage.texts == []
    (failed,) = (await stage.api.get("/api/buried")).json()
    async with desk_of(stage.url, key=ADMIN) as desk:
        await desk.post(f"/desk/problems/{failed['id']}/replay")
        await stage.settle()
        assert "Всё в порядке" in seen(await desk.page("/desk/problems"))
    assert len(stage.texts) == 1
    assert (await stage.messages(PHONE))[0]["status"] in {"sent", "delivered"}
