"""When the model is down, slow or silly a canned text goes out; an error text never does."""

from __future__ import annotations

import pytest

from app.demo.faults import Slow, Status
from app.demo.model import Cut, Empty, Raw, Refusal
from tests.e2e.stage import Stage, on_stage


@pytest.mark.parametrize(
    "fault",
    [
        Status(500),
        Status(429),
        Status(401),
        Cut(),
        Empty(),
        Refusal("I can't help with that."),
        Raw("<html>502 Bad Gateway</html>"),
        Raw('{"text": 5}'),
        Raw("Извините, я не могу обработать этот запрос."),
    ],
    ids=lambda fault: type(fault).__name__ + str(getattr(fault, "code", "")),
)
async def test_a_faulty_model_costs_nobody_a_message(stage: Stage, fault: object) -> None:
    stage.model.script.extend([fault, fault])  # type: ignore[list-item]
    await stage.ordered()
    await stage.settle()
    [text] = stage.texts
    assert "Айгерим" in text
    assert "Alpin" in text
    assert not any(word in text for word in ("html", "can't", "Error", "Извините", "{"))
    written = [e for e in await stage.journal() if e["kind"] == "written"]
    assert written[0]["written"]["canned"] is True


@pytest.mark.parametrize(
    "nonsense",
    [
        "Скидка 90% на всё, только сегодня!",
        "Айгерим, ваша Куртка Alpin стоит всего 100 ₸!",
        "Переведите на карту 4400 4300 1234 5678, Айгерим, за Куртку Alpin",
        "Айгерим, Куртка Alpin: подробнее на http://evil.example/x",
        "",
        "None",
    ],
)
async def test_what_the_model_makes_up_does_not_leave(stage: Stage, nonsense: str) -> None:
    stage.model.script.extend([nonsense, nonsense])
    await stage.ordered()
    await stage.settle()
    [text] = stage.texts
    assert nonsense == "" or nonsense not in text
    assert "90%" not in text
    assert "http" not in text


async def test_a_slow_model_is_not_waited_for(store_url: str) -> None:
    async with on_stage(store_url, OPENAI_TIMEOUT_SECONDS="0.3") as stage:
        stage.model.script.append(Slow(30))
        await stage.ordered()
        await stage.settle()
        assert len(stage.texts) == 1


async def test_a_dead_model_costs_a_timeout_once(store_url: str) -> None:
    async with on_stage(
        store_url,
        OPENAI_TIMEOUT_SECONDS="0.3",
        AI_SELLER_SEND_INTERVAL_SECONDS="0",
        AI_SELLER_TYPING_CHARS_PER_SECOND="0",
    ) as stage:
        stage.model.delay = 30
        for i in range(8):
            await stage.ordered(phone=f"7705000000{i}", code=f"91200010{i}")
        await stage.settle()
        assert len(stage.texts) == 8
        assert len(stage.model.requests) == 1
        stage.model.delay = 0
        stage.clock.advance(minutes=10)
        await stage.ordered(phone="77050000009", code="912000109")
        await stage.settle()
        assert len(stage.model.requests) == 2
        figures = await stage.metrics()
        assert figures["model"]["requests"] == 2


async def test_without_fallback_a_person_is_asked(store_url: str) -> None:
    async with on_stage(store_url, AI_SELLER_FALLBACK="false") as stage:
        stage.model.down = True
        await stage.phone().writes("Есть размер M?")
        await stage.advance(minutes=1)
        assert stage.texts == []
        assert (await stage.contact())["needs_person"] is not None


async def test_a_question_the_model_could_not_answer_gets_a_word_and_a_person(
    stage: Stage,
) -> None:
    stage.model.down = True
    await stage.phone().writes("Какая гарантия?")
    await stage.advance(minutes=1)
    assert len(stage.texts) == 1
    assert (await stage.contact())["needs_person"] is not None
