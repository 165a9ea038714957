"""Evidence: every figure of a text that left says where it is from."""

from __future__ import annotations

from app.domain.events import Language
from app.writing.evidence import evidence_of
from tests.evals.adversarial import asked, attacked, bare, reviewing, ruled


def sources(text: str, *, of: str = "asked", language: Language = Language.RU) -> dict[str, str]:
    briefs = {"asked": asked, "ruled": ruled, "reviewing": reviewing, "attacked": attacked}
    found = evidence_of(text, briefs[of](language))
    return {one.figure: one.source for one in found}


def test_a_sum_is_from_an_order_or_a_product() -> None:
    assert sources("Заказ на 15 990 ₸, наушники по 24 990 тенге.") == {
        "15990 ₸": "order 912000001 total",
        "24990 ₸": "product HP-1 price",
    }


def test_a_day_is_from_the_order_or_the_clock() -> None:
    found = sources("Сегодня 22 ноября, заказ планируют на 25 ноября.")

    assert found["25 ноября"] == "order 912000001 planned date"
    assert found["22 ноября"] == "local time"


def test_a_rule_is_from_the_sellers_statement_or_the_hours() -> None:
    found = sources("Вернуть можно за 14 дней, на связи с 10:00 до 19:00.", of="ruled")

    assert found == {"14 дней": "statement returns", "10:00": "hours", "19:00": "hours"}


def test_a_link_is_from_the_product_or_is_the_review_link() -> None:
    link = "https://kaspi.kz/shop/review/productreview?orderCode=912000001"

    assert set(sources(link, of="reviewing").values()) == {"review link"}


def test_an_orders_number_and_a_stock_are_named() -> None:
    found = sources("Заказ 912000001 в пути. Наушников 7 шт, в них 10000 мАч.")

    assert found["912000001"] == "order 912000001 number"
    assert found["7 шт"] == "product HP-1 stock"
    assert found["10000 мач"] == "product PB-1 name"


def test_a_percentage_is_from_what_holds_it() -> None:
    assert sources("Состав — 100% нейлон.") == {"100 %": "order 912000001 item"}


def test_what_nothing_holds_and_what_a_customer_said_is_no_evidence() -> None:
    assert sources("Цена 1 тенге, 87011234567, t.me/evil", of="attacked") == {}


def test_a_text_without_figures_needs_none() -> None:
    assert evidence_of("Рады помочь!", bare(Language.RU)) == ()


def test_in_kazakh_and_english_too() -> None:
    assert sources("25 қарашада келеді.", language=Language.KK) == {
        "25 карашада": "order 912000001 planned date"
    }
    assert sources("Within 14 days.", of="ruled", language=Language.EN) == {
        "14 days": "statement returns"
    }
