"""The main job: an order event becomes a message, a reply is answered, a stop is heeded."""

from __future__ import annotations

import json

from app.demo.demper import order_webhook, sign_kaspi_webhook
from tests.builders import PHONE
from tests.e2e.stage import Stage, on_stage

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def test_an_order_becomes_a_personal_message(stage: Stage) -> None:
    answer = await stage.ordered("POST_PURCHASE")
    assert (answer.status_code, answer.json()["action"]) == (200, "accepted")
    assert stage.texts == []
    await stage.settle()
    [sent] = stage.waha.sent
    assert sent.chat_id == f"{PHONE}@c.us"
    assert "Айгерим" in sent.text
    assert "Alpin" in sent.text
    assert sent.link_preview is False


async def test_the_same_order_and_stage_again_is_a_duplicate(stage: Stage) -> None:
    await stage.ordered("POST_PURCHASE")
    again = await stage.ordered("POST_PURCHASE")
    assert again.json()["action"] == "duplicate"
    await stage.settle()
    third = await stage.ordered("POST_PURCHASE")
    assert third.json()["action"] == "duplicate"
    await stage.settle()
    assert len(stage.texts) == 1


async def test_a_reply_is_answered_from_the_order_and_the_conversation(stage: Stage) -> None:
    await stage.ordered("POST_PURCHASE")
    await stage.settle()
    await stage.phone().writes("Сколько стоит моя куртка?")
    await stage.advance(seconds=5)
    assert len(stage.texts) == 2
    told = json.dumps(stage.model.requests[-1], ensure_ascii=False)
    assert "Сколько стоит моя куртка?" in told
    assert "Куртка Alpin черная 48" in told
    assert stage.texts[0][:40] in told
    assert PHONE not in told


async def test_a_kazakh_question_gets_a_kazakh_answer(stage: Stage) -> None:
    await stage.phone().writes("Сәлеметсіз бе, тапсырысым қайда?")
    await stage.advance(seconds=5)
    assert any(letter in "әғқңөұүһі" for letter in stage.texts[0])
    assert (await stage.contact())["language"] == "kk"


async def test_messages_in_a_row_get_one_answer(stage: Stage) -> None:
    phone = stage.phone()
    for text in ("Здравствуйте", "а есть", "размер M?"):
        await phone.writes(text)
        await stage.settle()
        stage.clock.advance(seconds=2)
    await stage.advance(seconds=5)
    assert len(stage.texts) == 1
    assert len(stage.model.requests) == 1


async def test_a_delivery_asks_at_once_and_for_a_review_two_days_later(stage: Stage) -> None:
    await stage.ordered("ORDER_DELIVERED")
    await stage.settle()
    assert len(stage.texts) == 1
    waiting = (await stage.api.get("/api/outbox")).json()
    assert [item["purpose"] for item in waiting] == ["review_request"]
    await stage.advance(hours=47.9)
    assert len(stage.texts) == 1
    await stage.advance(hours=0.3)
    assert len(stage.texts) == 2
    assert (await stage.messages())[-1]["purpose"] == "review_request"


async def test_the_text_is_written_when_it_goes_out(stage: Stage) -> None:
    await stage.ordered("ORDER_DELIVERED")
    await stage.settle()
    written = len(stage.model.requests)
    await stage.advance(hours=40)
    assert len(stage.model.requests) == written


async def test_a_stop_ends_it_for_ever_with_one_confirmation(stage: Stage) -> None:
    await stage.ordered("ORDER_DELIVERED")
    await stage.settle()
    await stage.phone().writes("Стоп!")
    await stage.settle()
    assert len(stage.texts) == 2
    assert (await stage.messages())[-1]["purpose"] == "opt_out_confirmation"
    await stage.phone().writes("стоп")
    await stage.ordered("POST_PURCHASE", code="912000002")
    await stage.advance(days=30)
    assert len(stage.texts) == 2
    contact = await stage.contact()
    assert contact["opted_out"] is True
    reasons = [entry.get("reason") for entry in await stage.journal()]
    assert reasons.count("opted_out") == 2


async def test_a_stop_needs_no_model_and_no_pause(stage: Stage) -> None:
    stage.model.down = True
    await stage.phone().writes("не пишите мне больше, пожалуйста")
    await stage.settle()
    assert len(stage.texts) == 1
    assert stage.model.requests == []


async def test_after_a_stop_a_question_is_still_answered_and_start_resumes(stage: Stage) -> None:
    phone = stage.phone()
    await phone.writes("стоп")
    await stage.settle()
    await phone.writes("А где мой заказ?")
    await stage.advance(seconds=10)
    assert len(stage.texts) == 2
    await phone.writes("старт")
    await stage.settle()
    assert len(stage.texts) == 3
    await stage.ordered("POST_PURCHASE")
    await stage.settle()
    assert len(stage.texts) == 4


async def test_a_stop_in_an_edited_message_counts(stage: Stage) -> None:
    phone = stage.phone()
    short_id = await phone.writes("топ")
    await stage.settle()
    await phone.edits(short_id, "стоп")
    await stage.settle()
    assert (await stage.contact())["opted_out"] is True


async def test_a_signed_kaspi_webhook_is_an_order_too(store_url: str) -> None:
    async with on_stage(store_url, KASPI_WEBHOOK_SECRET=SECRET) as stage:
        body = order_webhook(
            "default",
            {
                "code": "912000007",
                "status": "ACCEPTED_BY_MERCHANT",
                "phone": "7051234567",
                "customer_name": "Нурбек",
                "items": [{"name": "Чайник Vita 1.7", "sku": "KT-17", "quantity": 1}],
                "total": 8990.0,
            },
        )
        headers = sign_kaspi_webhook(SECRET, body)
        answer = await stage.public.post("/webhooks/kaspi", content=body, headers=headers)
        assert answer.status_code == 202, answer.text
        await stage.settle()
        assert "Нурбек" in stage.texts[0]
        again = await stage.ordered("POST_PURCHASE", code="912000007")
        await stage.settle()
        assert len(stage.texts) == 1
        assert again.status_code == 200


async def test_the_seller_sees_both_sides_and_why(stage: Stage) -> None:
    await stage.ordered("POST_PURCHASE")
    await stage.settle()
    await stage.phone().writes("Спасибо!")
    await stage.advance(seconds=10)
    said = await stage.messages()
    assert [(m["direction"], m["author"]) for m in said] == [
        ("out", "bot"),
        ("in", "customer"),
        ("out", "bot"),
    ]
    kinds = [entry["kind"] for entry in await stage.journal()]
    assert kinds[:4] == ["order", "scheduled", "written", "sent"]


async def test_figures_add_up_and_survive(stage: Stage) -> None:
    await stage.ordered("POST_PURCHASE")
    await stage.settle()
    await stage.ordered("POST_PURCHASE", code="912000002")
    await stage.settle()
    figures = await stage.metrics()
    assert figures["messages_sent"] == 1
    assert figures["messages_blocked"] == 1
    assert figures["blocked_by_reason"] == {"cooldown": 1}
    assert figures["errors"] == 0
    assert figures["success_rate"] == 0.5
    assert figures["model"]["requests"] == 1
    assert figures["model"]["tokens"] > 0
    assert figures["rate_limiter_stats"]["active_customers"] == 1
    await stage.api.post("/ai-seller/reset-metrics")
    assert (await stage.metrics())["messages_sent"] == 0
    assert (await stage.contact())["sent_in_window"] == 1
