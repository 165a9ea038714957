"""Kaspi's price list: what is read of it, what is wrong with it, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.domain.product import Product
from app.errors import Refused
from app.gateways import catalogue
from app.gateways.catalogue import Fault, PriceList, card_link, read_price_list

DATA = Path(__file__).parents[1] / "data" / "catalogue.xml"
Reading = Callable[..., PriceList]
NAMESPACE = ' xmlns="kaspiShopping"'


def offer(inside: str = "", *, sku: str = "A1", name: str = "Кружка 350 мл") -> str:
    return f'<offer sku="{sku}"><model>{name}</model>{inside}</offer>'


def stores(*attributes: str) -> str:
    inside = "".join(f"<availability {one}/>" for one in attributes)
    return f"<availabilities>{inside}</availabilities>"


def cities(*prices: tuple[str, int]) -> str:
    told = (f'<cityprice cityId="{city}">{price}</cityprice>' for city, price in prices)
    return f"<cityprices>{''.join(told)}</cityprices>"


@pytest.fixture
def read(tmp_path: Path) -> Reading:
    def reading(*offers: str, namespace: str = NAMESPACE) -> PriceList:
        path = tmp_path / "list.xml"
        path.write_text(
            f'<?xml version="1.0" encoding="utf-8"?><kaspi_catalog{namespace}><company>X</company>'
            f"<offers>{''.join(offers)}</offers></kaspi_catalog>",
            "utf-8",
        )
        return read_price_list(path)

    return reading


def refusal(path: Path) -> str:
    with pytest.raises(Refused) as refused:
        read_price_list(path)
    assert refused.value.code == "bad_price_list"
    return refused.value.reason


@pytest.mark.parametrize("namespace", [NAMESPACE, "", ' xmlns="http://other.example"'])
def test_an_offer_is_read_with_any_namespace_or_none(read: Reading, namespace: str) -> None:
    told = stores('available="yes" storeId="PP1" stockCount="4"')
    found = read(
        offer(f"<brand> CL </brand>{told}<price>12990</price>", sku="102529963_318274"),
        namespace=namespace,
    )
    expected = Product(
        sku="102529963_318274",
        name="Кружка 350 мл",
        brand="CL",
        price=12990,
        stock=4,
        link="https://kaspi.kz/shop/p/-102529963/",
    )
    assert found == PriceList(products=(expected,))


@pytest.mark.parametrize(
    ("told", "in_stock", "stock"),
    [
        (('available="yes" stockCount="4"', 'available="yes" stockCount="9"'), True, 9),
        (('available="yes"',), True, None),
        (('available="yes" stockCount="4"', 'available="yes"'), True, None),
        (('available="yes" preOrder="3" stockCount="10"',), False, 0),
        (('available="yes" preOrder="0" stockCount="10"',), True, 10),
        (
            ('available="yes" preOrder="3" stockCount="10"', 'available="yes" stockCount="2"'),
            True,
            2,
        ),
        (('available="no" stockCount="5"',), False, 0),
        (('available="yes" stockCount="0"',), False, 0),
        (('available="YES" stockCount="3.0"',), True, 3),
        ((), False, 0),
    ],
)
def test_stock_is_what_one_store_has_now(
    read: Reading, told: tuple[str, ...], in_stock: bool, stock: int | None
) -> None:
    (product,) = read(offer(stores(*told) + "<price>1</price>")).products
    assert (product.in_stock, product.stock) == (in_stock, stock)


@pytest.mark.parametrize(
    ("told", "price"),
    [
        ("<price oldprice='20'>1500</price>", 1500),
        ("<price> 12 990,00 ₸</price>", 12990),
        (cities(("710000000", 1590), ("750000000", 1500)), 1500),
        (cities(("710000000", 1590), ("790000000", 1600)), 1590),
    ],
)
def test_the_price_is_the_one_everywhere_else_almatys_else_the_first(
    read: Reading, told: str, price: int
) -> None:
    found = read(offer(told))
    assert [product.price for product in found.products] == [price]
    assert found.faults == ()


def test_a_category_is_read_from_where_it_is(read: Reading) -> None:
    inside = "<category>Посуда</category><price>1</price>"
    attribute = offer("<price>1</price>", sku="B").replace("<offer", '<offer category="Одежда"')
    found = read(offer(inside), attribute)
    assert [product.category for product in found.products] == ["Посуда", "Одежда"]


def test_faults_name_the_offer_and_what_is_wrong(read: Reading) -> None:
    found = read(
        offer("<price>1</price>"),
        offer("<price>дорого</price>", sku="B"),
        offer("<price>2</price>"),
        offer("<price>2</price>", sku=" "),
        offer("<price>2</price>", sku="C", name=""),
        offer(sku="D"),
        offer("<price>0</price>", sku="E"),
        offer("<price>-5</price>", sku="F"),
    )
    assert [(product.sku, product.price) for product in found.products] == [
        ("A1", 1), ("B", None), ("D", None), ("E", None), ("F", None),
    ]  # fmt: skip
    assert found.faults == (
        Fault(offer="B", reason="its price is no number: дорого"),
        Fault(offer="A1", reason="its SKU is that of an earlier offer"),
        Fault(offer="#4", reason="it has no SKU"),
        Fault(offer="C", reason="it has no name"),
        Fault(offer="D", reason="it has no price"),
        Fault(offer="E", reason="its price is no number: 0"),
        Fault(offer="F", reason="its price is no number: -5"),
    )


def test_a_broken_file_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "list.xml"
    path.write_text("<kaspi_catalog>\n<offers>\n<offer sku='A'><model>x</offer>", "utf-8")
    assert refusal(path) == "Price list list.xml is broken at line 3, column 26"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is broken at line 1, column 1"),
        (b"<html><body/></html>", "begins with <html>, not with <kaspi_catalog>"),
        (b"<kaspi_catalog><company/></kaspi_catalog>", "holds no <offers>"),
        (
            b'<!DOCTYPE k [<!ENTITY a "aaa">]><kaspi_catalog><offers>&a;</offers></kaspi_catalog>',
            "declares a document type or entities, which is not allowed",
        ),
        (
            b'<?xml version="1.0" encoding="martian"?><kaspi_catalog/>',
            "is in an encoding that cannot be read: save it as UTF-8",
        ),
    ],
)
def test_what_is_no_price_list_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "list.xml"
    path.write_bytes(content)
    assert refusal(path) == f"Price list list.xml {reason}"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "cannot be opened" in refusal(tmp_path / "none.xml")


def test_a_file_beyond_the_cap_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "list.xml"
    with path.open("wb") as file:
        file.truncate(catalogue.LARGEST + 1)
    assert refusal(path) == "Price list list.xml is larger than 64 MiB"


@pytest.mark.parametrize("sku", ["SOCKS-3PK", "12345_1", "102529963", "x102529963_1", ""])
def test_a_link_is_made_only_of_a_card_code(sku: str) -> None:
    assert card_link(sku) is None


def test_a_shops_own_list_is_read_whole() -> None:
    found = read_price_list(DATA)
    assert len(found.products) >= 250
    assert found.faults == ()
