"""Goods found by a customer's words, with what may stand in for them and what fits to them."""

from pathlib import Path

import pytest

from app.domain.product import Product
from app.gateways.catalogue import read_price_list
from app.knowledge.catalogue import Catalogue
from app.knowledge.words import words

DATA = Path(__file__).parents[1] / "data"


def labelled() -> list[tuple[frozenset[str], str]]:
    """Expected SKUs, none of them where nothing may be found, and the question."""
    lines = (DATA / "catalogue_questions.tsv").read_text("utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return [(frozenset(skus.split("|")) - {"-"}, question) for skus, question in rows]


@pytest.fixture(scope="module")
def shop() -> Catalogue:
    return Catalogue(read_price_list(DATA / "catalogue.xml").products)


def names(products: tuple[Product, ...]) -> list[str]:
    return [product.name for product in products]


def small(*told: str, **fields: object) -> Catalogue:
    return Catalogue(
        Product(sku=f"S{n}", name=name, **fields)  # type: ignore[arg-type]
        for n, name in enumerate(told)
    )


# -- the labelled set


def test_what_is_asked_for_is_found_first(shop: Catalogue) -> None:
    asked = [(skus, question) for skus, question in labelled() if skus]
    missed = [q for skus, q in asked if not any(p.sku in skus for p in shop.find(q)[:1])]
    assert len(asked) >= 150
    assert len(missed) / len(asked) < 0.03, missed


def test_nothing_is_found_where_nothing_is_asked_for(shop: Catalogue) -> None:
    idle = [question for skus, question in labelled() if not skus]
    assert len(idle) >= 40
    assert {question: names(shop.find(question)) for question in idle if shop.find(question)} == {}


# -- by number


@pytest.mark.parametrize("sku", ["LID-28", "lid-28", " LID-28 "])
def test_an_article_is_found_however_it_is_typed(shop: Catalogue, sku: str) -> None:
    product = shop.by_sku(sku)
    assert product is not None
    assert product.name == "Крышка стеклянная 28 см"


def test_look_alike_letters_are_the_same_letters() -> None:
    assert Catalogue([Product(sku="KET-17", name="Чайник")]).by_sku("КЕТ-17") is not None


def test_a_number_decides_alone(shop: Catalogue) -> None:
    assert [p.sku for p in shop.find("Здравствуйте, чехол LID-28 есть?")] == ["LID-28"]


def test_a_card_code_finds_its_offer(shop: Catalogue) -> None:
    found = shop.find("102529964 есть?")
    assert len(found) == 1
    assert found[0].sku.startswith("102529964_")


def test_an_unknown_article_is_none(shop: Catalogue) -> None:
    assert shop.by_sku("НЕТ-ТАКОГО") is None
    assert shop.by_sku("") is None


def test_an_empty_catalogue_finds_nothing() -> None:
    empty = Catalogue([])
    assert len(empty) == 0
    assert empty.find("куртка") == ()
    assert empty.by_sku("A") is None
    assert empty.accessories(["Куртка"]) == ()
    assert empty.alternatives(Product(sku="A", name="Куртка")) == ()


# -- by words


@pytest.mark.parametrize(
    "asked",
    ["куртки", "күртеше", "куртеше бар ма", "jackets", "kurtka", "курточку", "курткаңыз бар ма",
     "Куртка!!!", "КУРТКУ", "куртеш"],
)  # fmt: skip
def test_a_thing_is_known_by_any_of_its_words(asked: str) -> None:
    found = small("Куртка зимняя", "Чайник 1,7 л", "Смартфон Apple iPhone 13").find(asked)
    assert names(found) == ["Куртка зимняя"]


@pytest.mark.parametrize("asked", ["iPhone13", "айфон 13", "ифон 13", "IPHONE 13", "iphon 13"])
def test_a_model_is_known_however_it_is_split_or_spelt(asked: str) -> None:
    found = small("Смартфон Apple iPhone 13", "Смартфон Apple iPhone 14", "Куртка").find(asked)
    assert names(found)[:1] == ["Смартфон Apple iPhone 13"]


@pytest.mark.parametrize("asked", ["GT-3", "gt3", "gt 3", "GT 3 сағат", "гт3"])
def test_a_code_is_one_word_whatever_stands_in_it(asked: str) -> None:
    assert names(small("Часы Watch GT-3", "Часы Watch GT-4").find(asked))[:1] == ["Часы Watch GT-3"]


def test_a_phone_is_found_before_what_is_made_for_it() -> None:
    found = small("Чехол для iPhone 13", "Стекло для iPhone 13", "Apple iPhone 13 128GB")
    assert names(found.find("iphone 13"))[0] == "Apple iPhone 13 128GB"


def test_a_case_is_no_answer_where_the_phone_is_asked_for() -> None:
    assert small("Чехол для телефона iPhone 13", "Куртка").find("телефон iphone 13 бар ма") == ()


def test_another_thing_of_the_same_maker_is_no_answer() -> None:
    assert small("Пылесос Samsung", "Утюг").find("телевизор самсунг есть?") == ()


def test_what_is_denied_is_not_asked_for() -> None:
    found = small("Платье красное", "Платье синее").find("платье не красное")
    assert len(found) == 2


def test_what_can_be_bought_comes_before_its_equal() -> None:
    products = [
        Product(sku="A", name="Кружка белая", in_stock=False),
        Product(sku="B", name="Кружка синяя"),
    ]
    assert [p.sku for p in Catalogue(products).find("кружка")] == ["B", "A"]


def test_no_more_is_found_than_asked_for(shop: Catalogue) -> None:
    assert len(shop.find("наушники", limit=2)) == 2


@pytest.mark.parametrize(
    "text", ["", " ", "?", "😀", "a" * 5000, "\x00", "((((", "1/2/3/4", "-", "'"]
)
def test_odd_texts_find_nothing_and_break_nothing(shop: Catalogue, text: str) -> None:
    assert shop.find(text) == ()


def test_the_order_of_a_price_list_changes_nothing() -> None:
    told = [Product(sku=f"S{n}", name=f"Кружка {c}") for n, c in enumerate(["а", "бб", "ввв"])]
    forth, back = Catalogue(told), Catalogue(reversed(told))
    assert names(forth.find("кружка")) == names(back.find("кружка"))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("вискас бар ма", "Корм для кошек Whiskas 1,9 кг"), ("5w40", "Масло моторное 5W-40 4 л"),
        ("домбра сколько стоит", "Домбыра қарағаш"), ("чехол s23fe", "Чехол Galaxy S23 FE"),
        ("қызға камзол", "Камзол қыздарға арналған"), ("ps5 бар ма", "PlayStation 5 Slim 1TB"),
        ("самокат найнбот", "Электросамокат Ninebot Max"), ("кір жуғыш", "Стиральная машина LG"),
    ],
)  # fmt: skip
def test_goods_of_other_shops_are_found_by_the_same_rules(asked: str, expected: str) -> None:
    shop = small(
        "Корм для кошек Whiskas 1,9 кг", "Масло моторное 5W-40 4 л", "Домбыра қарағаш",
        "Чехол Galaxy S23 FE", "Камзол қыздарға арналған", "PlayStation 5 Slim 1TB",
        "Электросамокат Ninebot Max", "Стиральная машина LG", "Чехол для Galaxy S24",
    )  # fmt: skip
    assert names(shop.find(asked))[:1] == [expected]


# -- alternatives


def test_alternatives_are_of_the_kind_in_stock_and_not_the_product(shop: Catalogue) -> None:
    kettle = shop.by_sku("KET-XIA")
    assert kettle is not None
    found = shop.alternatives(kettle)
    assert found
    assert all(product.in_stock and "айник" in product.name for product in found)
    assert kettle not in found


def test_no_case_for_another_phone_stands_in(shop: Catalogue) -> None:
    for product in shop.find("чехол iphone 14 pro max"):
        assert all("14 Pro Max" in other.name for other in shop.alternatives(product))


def test_the_nearest_in_price_stands_in() -> None:
    shop = Catalogue(
        Product(sku=str(price), name="Дрель ударная", price=price, in_stock=price != 30000)
        for price in (9000, 20000, 30000, 33000, 41000, 200000)
    )
    product = shop.by_sku("30000")
    assert product is not None
    assert {other.price for other in shop.alternatives(product)} == {33000, 41000, 20000}


# -- accessories


def test_a_phone_gets_its_own_case_and_never_anothers(shop: Catalogue) -> None:
    for model, wrong in (("13", "14"), ("14", "13"), ("15", "14"), ("13 Pro", "14")):
        found = shop.accessories([f"Смартфон Apple iPhone {model} 128GB"])
        cases = [product.name for product in found if product.name.startswith("Чехол")]
        assert len(found) >= 2
        assert cases
        assert not [name for name in cases if wrong in name], model


@pytest.mark.parametrize(("model", "fits"), [("13", True), ("13 Pro", True), ("13 Pro Max", False)])
def test_a_glass_for_several_models_fits_to_each(model: str, *, fits: bool) -> None:
    found = small("Стекло для iPhone 13/13 Pro/14").accessories([f"Apple iPhone {model} 8/256GB"])
    assert bool(found) == fits


def test_a_jacket_gets_what_keeps_warm(shop: Catalogue) -> None:
    found = names(
        shop.accessories([Product(sku="x", name="Куртка мужская зимняя 48", price=30000)])
    )
    assert [name.split()[0] for name in found] == ["Шапка", "Шарф", "Перчатки"]
    assert not any("женск" in name or "рабоч" in name for name in found)


def test_accessories_are_in_stock_and_no_dearer_than_the_purchase(shop: Catalogue) -> None:
    for product in read_price_list(DATA / "catalogue.xml").products:
        for other in shop.accessories([product]):
            assert other.in_stock
            assert other.sku != product.sku
            assert (other.price or 0) <= (product.price or 0)


def test_what_was_bought_along_is_not_offered_again(shop: Catalogue) -> None:
    found = shop.accessories(["Смартфон Apple iPhone 13", "Чехол для iPhone 13"])
    assert not any(product.name.startswith("Чехол") for product in found)


def test_nothing_is_offered_to_an_unknown_thing(shop: Catalogue) -> None:
    assert shop.accessories(["Абракадабра", ""]) == ()


# -- words


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("1,7 л", "1.7л"), ("128gb", "128гб"), ("128 ГБ", "128гб"), ("50 размер", "50"),
        ("50-го", "50"), ("A52s", "a52s"), ("А52с", "a52s"), ("50х70", "50x70"),
        ("шайнектердің", "чайник"), ("құлаққабы", "наушник"), ("kulakkap", "наушник"),
        ("T-shirt", "футболка"), ("power bank", "повербанк"), ("самсунг", "samsung"),
        ("эйрподсы", "airpods"), ("платьем", "платье"), ("телефоным", "смартфон"),
    ],
)  # fmt: skip
def test_words_become_keys(text: str, key: str) -> None:
    (word,) = words(text)
    assert key in word.keys
