"""What the catalogue adds to the news of a cancellation: what is there instead, or nothing."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from app.domain.brief import Brief
from app.domain.events import Item, Language, Order, Stage
from app.domain.meaning import Segment
from app.domain.product import Product
from app.domain.rules import Purpose
from app.knowledge.catalogue import Catalogue
from app.worker.inform import informed

KETTLES = tuple(
    Product(sku=f"K-{n}", name=f"Чайник {brand} 1,7 л", category="Чайники", price=12000 + n * 500)
    for n, brand in enumerate(("Bereke", "Arktika", "Tefal", "Bosch", "Polaris"))
)
PAN = Product(sku="P-1", name="Сковорода Bereke 28 см", category="Сковороды", price=11200)
LID = Product(sku="P-2", name="Сковорода Tefal 26 см", category="Сковороды", price=10900)
GONE = Product(sku="K-9", name="Чайник Vitek 1,7 л", category="Чайники", in_stock=False, stock=0)
CATALOGUE = Catalogue((*KETTLES, PAN, LID, GONE))


def cancelled(*items: Item, segment: Segment = Segment.NEW) -> Brief:
    order = Order(code="912000001", shop="default", stage=Stage.CANCELLED, items=items)
    return Brief(
        purpose=Purpose.ORDER_CANCELLED,
        language=Language.RU,
        shop="Тёплый дом",
        customer_name=None,
        orders=(replace(order, cancelled_by_shop=True),),
        history=(),
        messages_to_answer=(),
        local_time=datetime(2026, 11, 23, 12, tzinfo=ZoneInfo("Asia/Almaty")),
        opener=True,
        segment=segment,
    )


def offered(brief: Brief) -> set[str]:
    return {product.sku for product in informed(brief, CATALOGUE).products}


def test_three_things_at_most_stand_in_and_never_what_was_cancelled() -> None:
    found = offered(cancelled(Item(name="Чайник Bereke 1,7 л", sku="K-0")))
    assert len(found) == 3
    assert found < {"K-1", "K-2", "K-3", "K-4"}


def test_each_cancelled_thing_has_something_instead() -> None:
    kettle, pan = Item(name=KETTLES[0].name, sku="K-0"), Item(name=PAN.name, sku="P-1")
    found = offered(cancelled(kettle, pan))
    assert "P-2" in found
    assert found & {"K-1", "K-2", "K-3", "K-4"}


def test_what_is_sold_out_is_not_offered_and_nothing_to_who_is_upset() -> None:
    item = Item(name="Чайник Bereke 1,7 л", sku="K-0")
    assert "K-9" not in offered(cancelled(item))
    assert offered(cancelled(item, segment=Segment.UPSET)) == set()


def test_a_thing_that_nothing_is_like_has_nothing_instead() -> None:
    assert offered(cancelled(Item(name="Палатка туристическая", sku="X-1"))) == set()
    assert offered(cancelled()) == set()
