"""A model that cannot be had: «Связь» says why, since when, and what to do."""

from __future__ import annotations

import pytest

from app.demo.faults import Status
from tests.e2e.stage import Stage
from tests.integration.test_desk_connection import at_desk, shown

WHY = [
    (401, "Отказывается отвечать", "Проверьте OPENAI_API_KEY"),
    (404, "Отказывается отвечать", "OPENAI_MODEL"),
    (429, "Лимит или баланс исчерпан", "Проверьте баланс"),
    (500, "Не отвечает", "Проверьте ключ, баланс"),
]


async def _asked(stage: Stage, at: int) -> None:
    """A text is to be written, and a while goes by."""
    await stage.ordered(phone=f"7705000000{at}", code=f"91200000{at}")
    await stage.advance(minutes=10)


@pytest.mark.parametrize(("status", "word", "todo"), WHY)
async def test_a_model_that_cannot_be_had_is_told_of_until_it_writes_again(
    store_url: str, status: int, word: str, todo: str
) -> None:
    async with at_desk(store_url) as (stage, desk):
        await _asked(stage, 1)
        assert "Пишет тексты" in await shown(desk)
        refusals = Status(status)
        stage.model.script.extend([refusals] * 9)
        await _asked(stage, 2)
        text = await shown(desk)
        assert word in text
        assert todo in text
        assert "Последний отказ сегодня" in text
        assert "Последний её текст сегодня" in text
        assert "Пишет тексты" not in text
        stage.model.script.clear()
        await stage.advance(minutes=30)
        await _asked(stage, 3)
        text = await shown(desk)
        assert "Пишет тексты" in text
        assert "Последний отказ" not in text


async def test_a_key_that_never_was_right_is_not_said_to_be_waited_for(store_url: str) -> None:
    async with at_desk(store_url, OPENAI_API_KEY="another-key") as (stage, desk):
        await _asked(stage, 1)
        text = await shown(desk)
        assert "Отказывается отвечать" in text
        assert "Ещё не писала" not in text
        assert "another-key" not in text
