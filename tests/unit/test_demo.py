"""The demo's own words: its journal leaves none raw, its assistant says nothing twice in a row."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from app.demo.assistant import facts_of, say
from app.demo.words import Lang, Noted, Why, Words
from app.domain.brief import Brief, Line
from app.domain.conversation import Author, Kind
from app.domain.events import Item, Language, Order, Stage
from app.domain.product import Product
from app.domain.rules import CONTEXT_MESSAGES, Purpose, Reason
from app.writing.checks import check
from app.writing.prompts import Prompts

APP = Path(__file__).parents[2] / "app"
NOON = datetime(2030, 1, 1, 7, 0, tzinfo=UTC)
RAW = re.compile(r"\b[a-z]+(?:_[a-z]+)*\b|\b\d{3}\b")
"""A word of the code («WhatsApp (WAHA)» is none), or WhatsApp's number of an error."""

LISTED = """
    number_health unknown_contact session_down restricted not_on_whatsapp written_over overtaken
    seen_on_whatsapp seen_twice did_not_go taken one_person unconfirmed unanswered interrupted
    server_error no_answer rate_limited no_lid replayed loop flood late model_asked
    model_unavailable text_rejected writing_failed 463
""".split()


# -- the journal's words


def told(lang: Lang, kind: str, *, purpose: str | None = None, reason: str | None = None) -> Why:
    words = Words(lang, now=NOON, zone=ZoneInfo("Asia/Almaty"))
    later = NOON + timedelta(hours=2) if kind == Kind.SCHEDULED else None
    entry = Noted(at=NOON, kind=kind, purpose=purpose, reason=reason, until=later)
    return words.journal([entry])[0]


def is_raw(why: Why) -> bool:
    return RAW.search(f"{why.about} {why.status} {why.reason or ''}") is not None


def reasons() -> set[str]:
    """Every reason of the journal that the code spells, and every code of a WAHA that fails."""
    of_waha = sorted(APP.glob("gateways/waha*.py"))
    inside = [*APP.glob("domain/*.py"), *APP.glob("worker/*.py")]
    spelled = {word for path in inside for word in _spelled(path, "reason")}
    codes = {word for path in of_waha for word in _spelled(path, "code")}
    return {*Reason, *LISTED, *spelled, *codes}


def _spelled(path: Path, keyword: str) -> Iterator[str]:
    """The constants given as ``keyword=``, or as the reason why a person is called."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        calls = isinstance(node.func, ast.Name) and node.func.id == "call_person"
        given = [k.value for k in node.keywords if k.arg == keyword] + node.args[1:2] * calls
        yield from (
            value.value
            for value in given
            if isinstance(value, ast.Constant) and isinstance(value.value, str)
        )


def test_the_reasons_are_found_in_the_code() -> None:
    assert {"written_over", "loop", "no_lid", "unreachable", "replayed"} <= reasons() - set(Reason)


@pytest.mark.parametrize("lang", ["ru", "kk"])
def test_every_reason_is_told_in_plain_words(lang: Lang) -> None:
    assert [r for r in sorted(reasons()) if is_raw(told(lang, "blocked", reason=r))] == []


@pytest.mark.parametrize("lang", ["ru", "kk"])
def test_every_kind_is_told_in_plain_words_but_receipts_which_are_not_shown(lang: Lang) -> None:
    shown = [kind for kind in Kind if kind is not Kind.RECEIPT]
    assert [kind for kind in shown if is_raw(told(lang, kind))] == []
    with pytest.raises(IndexError):
        told(lang, Kind.RECEIPT, reason="read")


@pytest.mark.parametrize("lang", ["ru", "kk"])
def test_every_purpose_has_a_name_of_its_own(lang: Lang) -> None:
    named = {told(lang, Kind.SENT, purpose=purpose).about for purpose in Purpose}
    assert len(named - {told(lang, Kind.SENT).about}) == len(Purpose)


def test_a_merge_says_what_happened() -> None:
    why = told("ru", Kind.MERGED, reason="one_person")
    assert (why.about, why.status) == ("Два чата одного покупателя", "стали одним")
    assert why.reason == "это один и тот же человек"


# -- the assistant's

ASKED = {
    Language.RU: (
        "А из чего он сделан?", "Какие есть размеры?", "Где мой заказ?", "Когда привезут?",
        "Сколько стоит?", "Какая цена?", "Пришло с браком", "Хочу вернуть", "Позовите человека",
        "Здравствуйте", "Добрый день", "Спасибо!", "Отлично, благодарю",
    ),
    Language.KK: (
        "Неден жасалған?", "Қандай өлшемдері бар?", "Тапсырыс қайда?", "Қашан келеді?",
        "Бағасы қандай?", "Ол қанша тұрады?", "Сынып қалды", "Ақауы бар",
        "Адаммен сөйлескім келеді", "Сәлем", "Сәлеметсіз бе", "Рахмет!", "Керемет, рақмет",
    ),
    Language.EN: (
        "What is it made of?", "Which sizes do you have?", "Where is my order?",
        "When will it arrive?", "How much is it?", "What is the price?", "It came broken",
        "I want to return it", "I want to talk to a person", "Hello", "Hi there", "Thank you!",
        "Great, thanks a lot",
    ),
}  # fmt: skip
LONG = "Куртка демисезонная Columbia Sportswear Horizon Explorer с капюшоном, мембрана, чёрная, 50"
PROMPTS = Prompts.load()


def order(name: str) -> Order:
    items = (Item(name=name, quantity=1, price=9450.0),)
    return Order(
        code="912000001", shop="default", items=items, total=9450.0, stage=Stage.HANDED_OVER
    )


def brief(
    question: str, language: Language, orders: tuple[Order, ...], history: tuple[Line, ...]
) -> Brief:
    return Brief(
        purpose=Purpose.REPLY,
        language=language,
        shop="Тёплый дом",
        customer_name="Айгерим",
        orders=orders,
        history=history,
        messages_to_answer=(question,),
        local_time=NOON,
        opener=not history,
    )


def answer(asked: Brief) -> str:
    return say(facts_of([{"content": PROMPTS.render(asked).user}])).text


@pytest.mark.parametrize(
    "orders", [(), (order("Плед"),), (order(LONG),)], ids=["none", "one", "long"]
)
@pytest.mark.parametrize("language", list(Language))
def test_questions_in_a_row_are_answered_so_that_the_product_sends_each_answer(
    language: Language, orders: tuple[Order, ...]
) -> None:
    rejected, history = [], tuple[Line, ...]()
    for question in [*ASKED[language], *(q for q in ASKED[language] for _ in range(3))]:
        asked = brief(question, language, orders, history)
        text = answer(asked)
        rejected += [(question, text, fault.code) for fault in check(text, asked)]
        spoken = (Author.CUSTOMER, question), (Author.BOT, text)
        history = (*history, *(Line(author=a, text=t) for a, t in spoken))[-CONTEXT_MESSAGES:]
    assert rejected == []


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("planned", [None, NOON + timedelta(days=2)])
@pytest.mark.parametrize("products", [(), (Product(sku="2", name="Плед Alpin", price=8450),)])
@pytest.mark.parametrize(
    ("purpose", "stage"),
    [
        (Purpose.HANDED_OVER, Stage.HANDED_OVER),
        (Purpose.READY_FOR_PICKUP, Stage.ACCEPTED),
        (Purpose.ORDER_CANCELLED, Stage.CANCELLED),
    ],
)
def test_news_of_an_order_is_told_so_that_the_product_sends_it(
    *,
    language: Language,
    planned: datetime | None,
    products: tuple[Product, ...],
    purpose: Purpose,
    stage: Stage,
) -> None:
    known = replace(order("Плед шерстяной 150×200"), stage=stage, planned_at=planned)
    told = replace(brief("", language, (known,), ()), purpose=purpose, products=products)
    told = replace(told, messages_to_answer=())

    text = answer(told)

    assert check(text, told) == ()
    assert ("Alpin" in text) == (purpose is Purpose.ORDER_CANCELLED and bool(products))


def test_the_same_facts_get_the_same_answer() -> None:
    asked = brief("Где мой заказ?", Language.RU, (), ())
    assert answer(asked) == answer(asked)


@pytest.mark.parametrize("language", list(Language))
def test_a_buyer_without_an_order_is_told_of_none(language: Language) -> None:
    texts = [answer(brief(question, language, (), ())) for question in ASKED[language]]
    assert [text for text in texts if re.search(r"[«»\d№]", text)] == []


def test_a_price_nobody_knows_is_not_told() -> None:
    item = Item(name="Плед", quantity=1, price=None)
    unpriced = Order(code="912000001", shop="default", items=(item,), total=None, stage=Stage.PAID)
    assert "₸" not in answer(brief("Сколько стоит?", Language.RU, (unpriced,), ()))
