"""Promises: what a sentence commits a shop to, and what it only speaks of."""

from __future__ import annotations

import pytest

from app.writing.promises import Promise, allowed, promises


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Вернём деньги.", Promise.REFUND),
        ("Можно вернуть товар.", Promise.REFUND),
        ("Ақшаңызды қайтарамыз.", Promise.REFUND),
        ("We will refund you.", Promise.REFUND),
        ("Обменяем на другой размер.", Promise.EXCHANGE),
        ("Ауыстырып береміз.", Promise.EXCHANGE),
        ("Привезём к вам.", Promise.DELIVERY),
        ("Бесплатно привезём.", Promise.FREE_DELIVERY),
        ("Чехол бесплатно.", Promise.FREE),
        ("Дарим чехол.", Promise.GIFT),
        ("Гарантируем.", Promise.GUARANTEE),
        ("Действует гарантия.", Promise.WARRANTY),
        ("Сделаем скидку.", Promise.DISCOUNT),
        ("Не сомневайтесь, вернём деньги.", Promise.REFUND),
        ("Продавец вернёт деньги и ответит здесь.", Promise.REFUND),
        ("Возврат оформим без проблем.", Promise.REFUND),
    ],
)
def test_a_promise_is_one_in_every_language(text: str, kind: Promise) -> None:
    assert kind in promises(text)


@pytest.mark.parametrize(
    "text",
    [
        "Деньги не возвращаем.",
        "Не обещаем возврат.",
        "Вернут ли деньги, подскажет продавец.",
        "Можно ли вернуть, уточнит продавец.",
        "Когда привезём, подскажет продавец.",
        "Про возврат ответит продавец.",
        "Вернёмся к вам с ответом.",
        "Жаль, что вы хотите вернуть куртку.",
        "Скидок нет.",
        "Подарков нет.",
        "Ақшаны қайтармаймыз.",
        "Жауап қайтарамыз.",
        "Қайтаруға бола ма, сатушы айтады.",
        "The seller will tell you about the refund.",
        "We don't offer discounts.",
        "Feel free to write.",
        "Рады, что подарок понравился.",
    ],
)
def test_a_denial_and_a_hand_over_promise_nothing(text: str) -> None:
    assert promises(text) == set()


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("Возврат 14 дней", Promise.REFUND),
        ("Доставка бесплатно", Promise.FREE_DELIVERY),
        ("Гарантия 1 год", Promise.WARRANTY),
        ("Қайтару — 14 күн", Promise.REFUND),
        ("Exchange within a week", Promise.EXCHANGE),
    ],
)
def test_a_rule_of_the_sellers_holds_what_it_names(rule: str, kind: Promise) -> None:
    assert kind in allowed(rule)


def test_a_rule_holds_neither_what_it_denies_nor_what_it_does_not_name() -> None:
    assert Promise.REFUND not in allowed("Возврат не принимаем, только обмен.")
    assert Promise.EXCHANGE in allowed("Возврат не принимаем, только обмен.")
    assert Promise.FREE not in allowed("Бесплатная доставка по городу.")
    assert Promise.GUARANTEE not in allowed("Гарантия 12 месяцев.")
