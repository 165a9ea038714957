"""A catalogue that follows its price list: whatever changed, it answers like one made anew."""

import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.product import Product
from app.gateways.catalogue import read_price_list
from app.knowledge.catalogue import Catalogue

DATA = Path(__file__).parents[1] / "data"
NAMES = (
    "Куртка зимняя", "Куртка мужская зимняя 48", "Шапка вязаная", "Чехол для iPhone 13",
    "Смартфон Apple iPhone 13 128GB", "Смартфон Apple iPhone 14", "Стекло для iPhone 13/14 Pro",
    "Наушники Sonar BT-520", "Наушники Zorka", "Чайник 1,7 л", "Электрочайник Bravo GT-3",
    "Кружка белая", "Кружка синяя", "Құлаққап Зорка", "Дутик Заря", "Kalimbo X5", "Калимба 17 нот",
)  # fmt: skip
QUESTIONS = (
    "куртка", "күртеше бар ма", "айфон 13", "чехол на айфон", "наушнеки", "калинбо", "kalimba",
    "чайник 1.7 л", "gt3", "сонар", "зорька", "дутики", "кружка", "102529964", "КЕТ-1", "ket-2",
    "стекло iphone 14 pro", "а утюги есть?", "сколько она стоит?",
)  # fmt: skip
SKUS = ("KET-1", "ket-1", "КЕТ-2", "102529964_1", "102529964_22", "102529964", "A1", "B2", "C3")

products = st.builds(
    Product,
    sku=st.sampled_from(SKUS),
    name=st.sampled_from(NAMES),
    brand=st.sampled_from([None, "Sonar", "Apple"]),
    category=st.sampled_from([None, "Одежда", "Смартфоны"]),
    price=st.sampled_from([None, 900, 1000, 50_000, 51_000]),
    in_stock=st.booleans(),
    stock=st.sampled_from([None, 1, 2]),
    card=st.sampled_from([None, "102529964", "777888999"]),
)
changes = st.tuples(
    st.lists(products, max_size=6), st.lists(st.sampled_from([*SKUS, "NONE"]), max_size=4)
)


@pytest.fixture(scope="module")
def shop() -> Catalogue:
    return Catalogue(read_price_list(DATA / "catalogue.xml").products)


def answers(catalogue: Catalogue) -> list[object]:
    """Everything that can be asked."""
    offers = sorted(catalogue.products, key=lambda product: product.sku)
    return [
        len(catalogue),
        offers,
        [catalogue.get(sku) for sku in SKUS],
        [catalogue.by_sku(sku) for sku in (*SKUS, "КЕТ-1", "KET-2", "102529964", "777888999")],
        [catalogue.find(question) for question in (*QUESTIONS, *NAMES)],
        [catalogue.is_named_in(question) for question in QUESTIONS],
        [catalogue.alternatives(offer) for offer in offers],
        [catalogue.accessories([offer]) for offer in offers],
    ]


def assert_made_anew(catalogue: Catalogue, expected: Iterable[Product]) -> None:
    assert answers(catalogue) == answers(Catalogue(expected))


@given(first=st.lists(products, max_size=12), steps=st.lists(changes, min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_after_any_changes_it_answers_like_one_made_anew(
    first: list[Product], steps: list[tuple[list[Product], list[str]]]
) -> None:
    catalogue = Catalogue(first)
    told = {product.sku: product for product in first}
    for changed, gone in steps:
        catalogue = catalogue.updated(changed, gone=gone)
        for sku in gone:
            told.pop(sku, None)
        for product in changed:
            told[product.sku] = product
    assert_made_anew(catalogue, told.values())


@given(st.permutations([Product(sku=f"S{n}", name=NAMES[n % 5], price=900) for n in range(12)]))
@settings(max_examples=10, deadline=None)
def test_no_order_of_the_price_list_changes_an_answer(told: list[Product]) -> None:
    in_order = sorted(told, key=lambda product: product.sku)
    assert answers(Catalogue(told)) == answers(Catalogue(in_order))


def test_a_whole_price_list_changes_step_by_step(shop: Catalogue) -> None:
    """Many times as much as stands behind the first index at most."""
    offers = sorted(shop.products, key=lambda product: product.sku)
    catalogue, told = Catalogue(offers[:200]), {one.sku: one for one in offers[:200]}
    for start in range(0, len(offers), 40):
        changed = [
            Product(sku=one.sku, name=f"{other.name} Nova", price=other.price)
            for one, other in zip(offers[start:], offers[start + 7 : start + 47], strict=False)
        ]
        gone = [one.sku for one in offers[start : start + 5]]
        catalogue = catalogue.updated(changed, gone=gone)
        for sku in gone:
            told.pop(sku, None)
        told |= {one.sku: one for one in changed}
    assert_made_anew(catalogue, told.values())


def test_who_holds_the_old_one_keeps_its_answers(shop: Catalogue) -> None:
    offers = shop.products[:40]
    held = Catalogue(offers)
    before = answers(held)
    held.updated(
        [Product(sku=one.sku, name="Утюг", price=1) for one in offers[:30]],
        gone=[one.sku for one in offers[30:]],
    )
    assert answers(held) == before


def test_of_several_offers_of_a_sku_the_last_counts() -> None:
    told = [Product(sku="A", name="Чайник"), Product(sku="A", name="Утюг")]
    for catalogue in (Catalogue(told), Catalogue([]).updated(told)):
        assert catalogue.products == (told[1],)
        assert catalogue.find("чайник") == ()


def test_what_is_both_changed_and_gone_stays() -> None:
    kettle = Product(sku="A", name="Чайник")
    assert Catalogue([]).updated([kettle], gone=["A"]).get("A") == kettle


def test_a_word_of_a_new_offer_is_known_however_it_is_misspelt(shop: Catalogue) -> None:
    drum = Product(sku="DRUM", name="Глюкофон Тамбурелло")
    assert drum not in shop.find("глюкафон")
    with_it = shop.updated([drum])
    assert with_it.find("глюкафон") == (drum,)
    assert with_it.updated((), gone=["DRUM"]).find("глюкафон") == ()


def test_a_card_that_was_learned_finds_its_offer() -> None:
    kettle = Product(sku="KET-1", name="Чайник")
    learned = Product(sku="KET-1", name="Чайник", card="123456789")
    catalogue = Catalogue([kettle]).updated([learned])
    assert catalogue.find("123456789 есть?") == (learned,)
    assert catalogue.updated([kettle]).by_sku("123456789") is None


def test_catalogues_are_made_and_asked_in_several_threads_at_once(shop: Catalogue) -> None:
    offers = shop.products[:60]
    expected, wrong = answers(Catalogue(offers)), list[int]()

    def make(number: int) -> None:
        made = Catalogue(offers[:20]).updated(offers[20:40]).updated(offers[40:])
        if answers(made) != expected:
            wrong.append(number)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
