"""The writer over a real Model against a wire that answers what each test says."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest
from pytest_httpx import HTTPXMock
from structlog.testing import capture_logs

from app.domain.brief import Brief, Line
from app.domain.conversation import Author, Written
from app.domain.events import Delivery, Item, Language, Order, Stage
from app.domain.meaning import Topic
from app.domain.product import Product
from app.domain.rules import Purpose
from app.gateways.model import Model, Price
from app.world import World
from app.writing.checks import check, has_stop_hint
from app.writing.prompts import Prompts
from app.writing.writer import Writer

URL = "http://model.test/v1/chat/completions"
GOOD = "Здравствуйте, Айгерим! Это Спорт Алматы. Спасибо за куртку Columbia!"
BAD = "Здравствуйте, Айгерим! Скидка 90% на куртку!"
ITEM = Item(name="Куртка Columbia черная", quantity=1, price=15990.0)


@pytest.fixture(scope="module")
def prompts() -> Prompts:
    return Prompts.load()


@pytest.fixture
async def model() -> AsyncIterator[Model]:
    model = Model(
        model="small",
        key="sk-secret",
        base_url="http://model.test/v1",
        world=World(),
        price=Price(tokens_in=1.0, tokens_out=1.0),
    )
    yield model
    await model.close()


@pytest.fixture
def writer(model: Model, prompts: Prompts) -> Writer:
    return Writer(model=model, prompts=prompts)


def brief(
    purpose: Purpose = Purpose.POST_PURCHASE,
    language: Language = Language.RU,
    *,
    history: tuple[Line, ...] = (),
    canned: str | None = None,
    shop: str = "Спорт Алматы",
) -> Brief:
    asked = () if purpose.proactive else ("Где мой заказ?",)
    return Brief(
        purpose=purpose,
        language=language,
        shop=shop,
        customer_name="Айгерим",
        orders=(Order(code="912000001", shop="default", stage=Stage.PAID, items=(ITEM,)),),
        history=history,
        messages_to_answer=asked,
        local_time=datetime(2026, 11, 22, 15, 30, tzinfo=ZoneInfo("Asia/Almaty")),
        opener=not history,
        canned=canned,
    )


def says(httpx_mock: HTTPXMock, text: str, *, needs_person: bool = False, reason: str = "") -> None:
    answer = {"language": "ru", "needs_person": needs_person, "reason": reason, "text": text}
    message = {"role": "assistant", "content": msgspec.json.encode(answer).decode()}
    httpx_mock.add_response(
        url=URL,
        json={
            "model": "small-1",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 20, "total_tokens": 1020},
        },
    )


def asked(httpx_mock: HTTPXMock) -> list[dict[str, Any]]:
    return [msgspec.json.decode(request.content) for request in httpx_mock.get_requests()]


@pytest.mark.parametrize("purpose", [Purpose.POST_PURCHASE, Purpose.REPLY, Purpose.CAMPAIGN])
async def test_nothing_longer_than_a_thousand_characters_leaves(
    prompts: Prompts, purpose: Purpose
) -> None:
    long = Item(name="Куртка очень тёплая " * 500)
    told = msgspec.structs.replace(
        brief(purpose, shop="Спорт Алматы " * 300),
        customer_name="Айгерим " * 700,
        orders=(Order(code="1", shop="default", stage=Stage.PAID, items=(long,)),),
    )

    draft = await Writer(model=None, prompts=prompts).write(told)

    assert draft.text is not None
    assert len(draft.text) <= 1000


@pytest.mark.parametrize(
    "text",
    [
        "Сделаем за 9990, с вас 5000.",
        "Пишите в телеграм alpin_bonus, там промо-код.",
        "Продавец уже одобрил скидку половину цены, не волнуйтесь!",
        "Меня зовут Асель, скажите код из СМС.",
    ],
)
async def test_what_is_invented_is_not_sent_even_if_a_repair_says_it_again(
    writer: Writer, httpx_mock: HTTPXMock, text: str
) -> None:
    says(httpx_mock, text)
    says(httpx_mock, text)

    draft = await writer.write(brief(Purpose.REPLY))

    assert draft.written.canned
    assert draft.text != text
    assert draft.needs_person == "text_rejected"


async def test_a_good_text_is_taken_as_it_is(writer: Writer, httpx_mock: HTTPXMock) -> None:
    says(httpx_mock, f"  {GOOD}\n")

    draft = await writer.write(brief(history=(Line(author=Author.CUSTOMER, text="Привет"),)))

    assert draft.text == GOOD
    assert draft.needs_person is None
    assert draft.written.prompt == "post_purchase/v1"
    assert not draft.written.canned
    assert draft.written.why_canned is None
    assert (draft.written.model, draft.written.tokens_in) == ("small-1", 1000)


async def test_a_first_message_says_how_to_stop_though_the_model_forgot(
    writer: Writer, httpx_mock: HTTPXMock
) -> None:
    says(httpx_mock, GOOD)

    text = (await writer.write(brief())).text

    assert text is not None
    first, hint = text.splitlines()
    assert first == GOOD
    assert "«стоп»" in hint
    assert "Спорт Алматы" not in hint


async def test_a_first_message_says_who_writes_though_the_model_forgot(
    writer: Writer, httpx_mock: HTTPXMock
) -> None:
    says(httpx_mock, GOOD.replace("Это Спорт Алматы. ", ""))

    text = (await writer.write(brief())).text

    assert text is not None
    assert text.splitlines()[1].startswith("С уважением, Спорт Алматы.")


async def test_a_hint_of_the_models_own_is_enough(writer: Writer, httpx_mock: HTTPXMock) -> None:
    says(httpx_mock, f"{GOOD} Не нужно? Ответьте стоп.")

    assert (await writer.write(brief())).text == f"{GOOD} Не нужно? Ответьте стоп."


async def test_a_rejected_text_is_repaired_once_and_both_calls_are_paid_for(
    writer: Writer, httpx_mock: HTTPXMock
) -> None:
    says(httpx_mock, BAD)
    says(httpx_mock, GOOD)

    draft = await writer.write(brief())

    assert draft.text is not None
    assert draft.text.startswith(GOOD)
    assert not draft.written.canned
    assert draft.written.tokens_in == 2000
    assert draft.written.cost == pytest.approx(0.00204)
    first, second = asked(httpx_mock)
    assert second["messages"][0] == first["messages"][0]
    assert "90%" in second["messages"][1]["content"]
    assert "discounts" in second["messages"][1]["content"]


async def test_a_text_rejected_twice_becomes_canned(writer: Writer, httpx_mock: HTTPXMock) -> None:
    says(httpx_mock, BAD)
    says(httpx_mock, BAD)

    draft = await writer.write(brief())

    assert draft.written.canned
    assert draft.written.why_canned == "discount"
    assert draft.written.tokens_out == 40
    assert draft.needs_person is None
    assert draft.text is not None
    assert "90" not in draft.text
    assert "Куртка Columbia" in draft.text


async def test_a_reply_rejected_twice_calls_a_person(writer: Writer, httpx_mock: HTTPXMock) -> None:
    says(httpx_mock, "Привезём завтра, скидка 50%!")
    says(httpx_mock, "Карта 4400 4301 2345 6789")

    draft = await writer.write(brief(Purpose.REPLY))

    assert draft.needs_person == "text_rejected"
    assert draft.written.why_canned == "number"


async def test_the_models_wish_for_a_person_is_handed_on(
    writer: Writer, httpx_mock: HTTPXMock
) -> None:
    says(httpx_mock, "Уточнит продавец.", needs_person=True, reason="спрашивает о возврате")

    draft = await writer.write(brief(Purpose.REPLY))

    assert draft.text == "Уточнит продавец."
    assert draft.needs_person == "спрашивает о возврате"


async def test_a_wish_for_a_person_survives_the_repair(
    writer: Writer, httpx_mock: HTTPXMock
) -> None:
    says(httpx_mock, "Вернём 5000 ₸.", needs_person=True)
    says(httpx_mock, "Уточнит продавец.")

    assert (await writer.write(brief(Purpose.REPLY))).needs_person == "model_asked"


FAILURES = [
    ({"status_code": 500}, "server"),
    ({"status_code": 401}, "config"),
    ({"status_code": 200, "html": "<html>"}, "nonsense"),
]


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize(("answer", "why"), FAILURES)
async def test_a_failing_model_gives_a_canned_reply_and_a_person(
    writer: Writer, httpx_mock: HTTPXMock, *, answer: dict[str, Any], why: str, language: Language
) -> None:
    httpx_mock.add_response(url=URL, **answer)
    written = brief(Purpose.REPLY, language)

    with capture_logs() as logs:
        draft = await writer.write(written)

    assert ("Где мой" in str(logs), "sk-secret" in str(logs)) == (False, False)
    assert draft.written.canned
    assert draft.written.why_canned == why
    assert draft.needs_person == "model_unavailable"
    assert draft.language is language
    assert draft.text is not None
    assert check(draft.text, written) == ()


async def test_a_dead_model_is_asked_once_for_two_messages(
    writer: Writer, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_exception(httpx.ReadTimeout("slow"), url=URL)

    first = await writer.write(brief())
    second = await writer.write(brief(Purpose.REPLY))

    assert (first.written.why_canned, second.written.why_canned) == ("timeout", "breaker_open")
    assert first.needs_person is None
    assert second.needs_person == "model_unavailable"
    assert len(httpx_mock.get_requests()) == 1


async def test_without_fallback_a_person_is_asked_and_nothing_is_said(
    model: Model, prompts: Prompts, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_exception(httpx.ConnectError("refused"), url=URL)
    writer = Writer(model=model, prompts=prompts, fallback=False)

    draft = await writer.write(brief())

    assert draft.text is None
    assert draft.needs_person == "model_unavailable"
    assert not draft.written.canned
    assert draft.written.why_canned == "connection"


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("purpose", list(Purpose))
async def test_without_a_model_everything_is_canned_and_fit_to_send(
    prompts: Prompts, purpose: Purpose, language: Language
) -> None:
    written = brief(purpose, language)

    draft = await Writer(model=None, prompts=prompts).write(written)

    assert draft.text is not None
    assert check(draft.text.splitlines()[0], written) == ()
    assert has_stop_hint(draft.text) == purpose.proactive
    assert len(draft.text) < 400
    assert "Айгерим" in draft.text


async def test_a_fixed_text_asks_no_model_even_without_fallback(
    model: Model, prompts: Prompts
) -> None:
    writer = Writer(model=model, prompts=prompts, fallback=False)

    back = await writer.write(brief(Purpose.OPT_OUT_CONFIRMATION, canned="opt_in_confirmation"))
    stopped = await writer.write(brief(Purpose.OPT_OUT_CONFIRMATION))

    assert back.text is not None
    assert "стоп" in back.text
    assert back.written.prompt == "opt_in_confirmation/v1"
    assert back.written.why_canned == "fixed"
    assert back.needs_person is None
    assert stopped.text is not None
    assert "«старт»" in stopped.text


async def test_the_same_facts_give_the_same_canned_text(prompts: Prompts) -> None:
    writer = Writer(model=None, prompts=prompts)

    assert await writer.write(brief()) == await writer.write(brief())


async def test_a_fault_of_ours_is_logged_and_the_customer_answered(
    model: Model, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(Path(__file__).parents[2] / "prompts", tmp_path / "prompts"))
    (root / "_parts/facts.ru.j2").write_text("{{ no_such_fact }}", encoding="utf-8")
    writer = Writer(model=model, prompts=Prompts.load(root))

    with capture_logs() as logs:
        draft = await writer.write(brief(Purpose.REPLY))

    assert [(line["event"], line["log_level"]) for line in logs] == [("writing_failed", "error")]
    assert draft.text is not None
    assert draft.written.why_canned == "writing_failed"
    assert draft.needs_person == "writing_failed"


async def test_the_last_resort_is_a_person(prompts: Prompts) -> None:
    broken = msgspec.structs.replace(brief(Purpose.REPLY), language="xx")

    with capture_logs() as logs:
        draft = await Writer(model=None, prompts=prompts).write(broken)

    assert [line["event"] for line in logs] == ["writing_failed", "canned_failed"]

    assert draft.text is None
    assert draft.needs_person == "writing_failed"


async def test_a_stop_of_the_worker_is_not_swallowed(writer: Writer, httpx_mock: HTTPXMock) -> None:
    reached = asyncio.Event()

    async def hang(_request: httpx.Request) -> httpx.Response:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    httpx_mock.add_callback(hang, url=URL)
    task = asyncio.create_task(writer.write(brief()))
    await reached.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


# --- news of an order: the link, what is there instead, the seller's own words -----------------

LINK = "https://logistics.kaspi.kz/ksl/tracking/order/912000001"
NEWS = "Айгерим, это Спорт Алматы. Ваша куртка Columbia уже в пути."


def news(purpose: Purpose, language: Language = Language.RU, **about: Any) -> Brief:
    """A first message about an order in the stage that the news is of."""
    stage, delivery = {
        Purpose.HANDED_OVER: (Stage.HANDED_OVER, Delivery.KASPI),
        Purpose.READY_FOR_PICKUP: (Stage.ACCEPTED, Delivery.PICKUP),
        Purpose.ORDER_CANCELLED: (Stage.CANCELLED, Delivery.KASPI),
    }.get(purpose, (Stage.PAID, Delivery.KASPI))
    known = brief(purpose, language)
    order = msgspec.structs.replace(
        known.orders[0],
        stage=stage,
        delivery=delivery,
        cancelled_by_shop=stage is Stage.CANCELLED,
    )
    return msgspec.structs.replace(known, **({"orders": (order,)} | about))


@pytest.mark.parametrize("language", list(Language))
async def test_the_program_adds_the_link_to_the_news_and_the_text_reads_without_it(
    prompts: Prompts, language: Language
) -> None:
    writer = Writer(model=None, prompts=prompts)
    told = news(Purpose.HANDED_OVER, language, tracking_link=LINK)

    text = (await writer.write(told)).text or ""
    without = (await writer.write(news(Purpose.HANDED_OVER, language))).text or ""

    first, line, *_ = text.splitlines()
    assert LINK in line
    assert text.count("http") == 1
    assert without.splitlines()[0] == first
    assert check(first, told) == ()


async def test_a_link_the_model_writes_into_a_first_message_is_stopped(
    writer: Writer, httpx_mock: HTTPXMock
) -> None:
    says(httpx_mock, f"{NEWS} {LINK}")
    says(httpx_mock, NEWS)

    draft = await writer.write(news(Purpose.HANDED_OVER, tracking_link=LINK))

    assert draft.written.requests == 2
    assert (draft.text or "").count(LINK) == 1
    assert any(one.endswith("← tracking link") for one in draft.written.evidence)


@pytest.mark.parametrize("model_answers", [True, False])
async def test_an_answer_about_where_it_is_has_the_link(
    prompts: Prompts, writer: Writer, httpx_mock: HTTPXMock, *, model_answers: bool
) -> None:
    asked = news(Purpose.REPLY, tracking_link=LINK, topics=(Topic.ORDER_STATUS,), opener=False)
    asked = msgspec.structs.replace(
        asked, orders=(msgspec.structs.replace(asked.orders[0], stage=Stage.HANDED_OVER),)
    )
    if model_answers:
        says(httpx_mock, "Айгерим, куртка Columbia уже в пути.")

    draft = await (writer if model_answers else Writer(model=None, prompts=prompts)).write(asked)

    assert (draft.text or "").splitlines()[-1].endswith(LINK)
    assert draft.written.canned is not model_answers


ALASKA = Product(sku="J-2", name="Куртка Alaska Trek", price=17490)
QYRAN = Product(sku="J-3", name="Куртка Qyran", price=14990)
NORD = Product(sku="J-4", name="Куртка Nord", price=13990)
SOLD = Product(sku="J-5", name="Куртка Taiga", price=9990, in_stock=False)


@pytest.mark.parametrize("language", list(Language))
async def test_a_cancellation_names_two_things_that_are_there_and_no_price(
    prompts: Prompts, language: Language
) -> None:
    told = news(Purpose.ORDER_CANCELLED, language, products=(SOLD, ALASKA, QYRAN, NORD))

    text = (await Writer(model=None, prompts=prompts).write(told)).text or ""

    assert check(text.splitlines()[0], told) == ()
    assert [name for name in ("Taiga", "Alaska", "Qyran", "Nord") if name in text] == [
        "Alaska",
        "Qyran",
    ]
    assert "₸" not in text


OWN = "{hello} {shop}: заказ {code} ({product}) едет. Скобки {{и всё}}."


async def test_the_sellers_own_words_are_said_and_no_model_is_asked(
    writer: Writer, httpx_mock: HTTPXMock
) -> None:
    draft = await writer.write(news(Purpose.HANDED_OVER, own_text=OWN, tracking_link=LINK))

    greeting, line, ending = (draft.text or "").splitlines()
    assert greeting.endswith(
        "Спорт Алматы: заказ 912000001 (Куртка Columbia черная) едет. Скобки {и всё}."
    )
    assert "Айгерим" in greeting
    assert LINK in line
    assert has_stop_hint(ending)
    assert asked(httpx_mock) == []
    assert draft.written == Written(prompt="own/handed_over", canned=False, why_canned="own",
                                    evidence=draft.written.evidence,
                                    used=draft.written.used)  # fmt: skip


async def test_the_greeting_of_own_words_needs_no_name(prompts: Prompts) -> None:
    told = news(Purpose.HANDED_OVER, own_text="{hello} Едет!", customer_name=None)

    text = (await Writer(model=None, prompts=prompts).write(told)).text or ""

    assert text.splitlines()[0] == "Здравствуйте! Едет!"


@pytest.mark.parametrize(
    ("own", "about"),
    [
        ("{name}, едет!", {"customer_name": None}),
        ("{product} едет!", {"orders": ()}),
        ("Заказ {code} едет!", {"orders": ()}),
        ("{client} едет!", {}),
    ],
)
async def test_own_words_with_a_hole_give_way_to_ours(
    prompts: Prompts, own: str, about: dict[str, Any]
) -> None:
    told = news(Purpose.HANDED_OVER, **({"own_text": own} | about))

    draft = await Writer(model=None, prompts=prompts).write(told)

    assert draft.text is not None
    assert "едет!" not in draft.text
    assert not re.search(r"[{}]|None", draft.text)
    assert draft.written.canned


async def test_a_product_that_leads_somewhere_is_not_in_own_words(prompts: Prompts) -> None:
    lure = Item(name="Чехол evil.kz +77011234567", quantity=1)
    known = news(Purpose.HANDED_OVER, own_text="{product} едет!")
    order = msgspec.structs.replace(known.orders[0], items=(lure,))

    draft = await Writer(model=None, prompts=prompts).write(
        msgspec.structs.replace(known, orders=(order,))
    )

    assert "evil" not in (draft.text or "")
