"""A phone in a name or a line of the list is not to be read, however it is spelt."""

from __future__ import annotations

import re

import pytest

from app.web.desk.masks import without_phones

PHONES = (
    "87051234567",
    "+7 (705) 123-45-67",
    "8.705.123.45.67",
    "+7/705/123/45/67",
    "8–705–123–45–67",
    "8_705_123_45_67",
    "8\u200b705\u200b1234567",
    "8️⃣7️⃣0️⃣5️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣",
    "８７０５１２３４５６７",
    "705 123 45 67",
)
HONEST = (
    "заказ 912000001",
    "12 990 ₸",
    "привезут 23.11.2026 14:05",
    "2026-11-23 18:10",
    "Куртка Alpin черная 48",
    "по 2 шт., 15 990",
    "",
)


@pytest.mark.parametrize("phone", PHONES)
def test_a_phone_is_masked(phone: str) -> None:
    shown = without_phones(f"Звоните {phone}, жду")
    assert len(re.findall(r"\d", shown)) <= 2
    assert shown.startswith("Звоните ")
    assert shown.endswith("67, жду")


@pytest.mark.parametrize("text", HONEST)
def test_what_is_no_phone_stays(text: str) -> None:
    assert without_phones(text) == text
