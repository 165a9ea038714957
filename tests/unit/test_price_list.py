"""Kaspi's price list: what is read of it, what is wrong with it, and what is refused."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.cards import card_in
from app.domain.product import Product
from app.errors import Refused
from app.gateways import catalogue
from app.gateways.catalogue import Fault, PriceList, read_price_list, read_prices

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
        lines = "\n".join(offers)
        path.write_text(
            f'<?xml version="1.0" encoding="utf-8"?><kaspi_catalog{namespace}><company>X</company>'
            f"<offers>\n{lines}</offers></kaspi_catalog>",
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
        card="102529963",
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
    assert found.faults == tuple(
        Fault(offer=offer, reason=reason, row=row, column=column)
        for row, offer, column, reason in (
            (3, "B", "price", "its price is no number: дорого"),
            (4, "A1", "sku", "its SKU is that of an earlier offer"),
            (5, "#4", "sku", "it has no SKU"),
            (6, "C", "model", "it has no name"),
            (7, "D", "price", "it has no price"),
            (8, "E", "price", "its price is no number: 0"),
            (9, "F", "price", "its price is no number: -5"),
        )
    )


@pytest.mark.parametrize(
    ("told", "column"),
    [
        ('available="maybe" stockCount="4"', "available"),
        ('available="yes" stockCount="много"', "stockCount"),
        ('available="yes" stockCount="-2"', "stockCount"),
        ('available="yes" preOrder="soon"', "preOrder"),
    ],
)
def test_a_store_that_cannot_be_made_out_counts_as_without(
    read: Reading, told: str, column: str
) -> None:
    found = read(offer(stores(told, 'available="yes" stockCount="2"') + "<price>1</price>"))
    assert [(product.in_stock, product.stock) for product in found.products] == [(True, 2)]
    assert [(fault.row, fault.column) for fault in found.faults] == [(2, column)]


def test_a_citys_price_is_told_as_such(read: Reading) -> None:
    (fault,) = read(offer('<cityprices><cityprice cityId="1">?</cityprice></cityprices>')).faults
    assert (fault.column, fault.reason) == ("cityprice", "its price is no number: ?")


def test_space_before_the_declaration_is_passed_over_and_counted() -> None:
    inside = b'<kaspi_catalog><offers>\n<offer sku="A"/></offers></kaspi_catalog>'
    told = b'\n\n<?xml version="1.0"?>\n' + inside
    assert read_prices(told, name="x").faults == (
        Fault(offer="A", reason="it has no name", row=5, column="model"),
    )


def test_a_list_in_another_encoding_is_read() -> None:
    text = "<kaspi_catalog><offers>{}</offers></kaspi_catalog>".format(offer("<price>1</price>"))
    for encoding in ("windows-1251", "utf-16"):
        told = f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(encoding)
        assert [product.name for product in read_prices(told, name="x").products] == [
            "Кружка 350 мл"
        ]


def test_a_broken_file_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "list.xml"
    path.write_text("<kaspi_catalog>\n<offers>\n<offer sku='A'><model>x</offer>", "utf-8")
    assert refusal(path) == "Price list list.xml is broken at line 3, column 26"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n", "is empty"),
        (b"<Workbook/>", "begins with <Workbook>, not with <kaspi_catalog>"),
        (b"<kaspi_catalog", "is broken at line 1, column 1"),
        (b"%PDF-1.7 ...", "is a PDF, not a price list: save it as XML, XLSX or CSV"),
        (b"\x1f\x8b\x08\x00", "is packed: unpack it first"),
        (b'{"error": "no"}', "is JSON: it is neither XML, XLSX nor CSV"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is neither XML, XLSX nor CSV"),
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


@pytest.mark.parametrize(
    "page",
    [
        "<html><body/></html>",
        "<!DOCTYPE html><title>Sign in</title>",
        "\ufeff\n<!-- x --><!doctype HTML PUBLIC>",
        '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>',
    ],
)
def test_a_web_page_is_no_price_list(page: str) -> None:
    with pytest.raises(Refused, match="is a web page, not a price list"):
        read_prices(page.encode(), name="x")


def test_what_is_no_file_is_refused_unread(tmp_path: Path) -> None:
    assert "it is no file" in refusal(tmp_path)
    os.mkfifo(tmp_path / "list.xml")
    assert "it is no file" in refusal(tmp_path / "list.xml")


def test_a_tag_without_an_end_is_refused_before_it_is_read_again_and_again() -> None:
    told = b'<kaspi_catalog><offers><offer sku="' + b"a" * (20 * 1024 * 1024)
    with pytest.raises(Refused, match="a tag of more than 8 MiB"):
        read_prices(told, name="x")


def test_a_list_nested_without_an_end_is_refused() -> None:
    with pytest.raises(Refused, match="nested deeper than 64"):
        read_prices(b"<kaspi_catalog>" + b"<offers>" * 10_000, name="x")


WORDS = ("<kaspi_catalog>", "<offers>", "<offer sku='1'>", "<model>", "x", "</model>", "<price>")
CLOSING = ("1", "</price>", "</offer>", "</offers>", "</kaspi_catalog>", "<availability ", "/>")


@given(st.lists(st.sampled_from((*WORDS, *CLOSING, "available='", "'", "&", "]]>", "\x00", "я"))))
def test_a_mangled_list_is_read_or_refused(words: list[str]) -> None:
    with contextlib.suppress(Refused):
        read_prices("".join(words).encode(), name="x")


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"<", b"PK\x03\x04", b"\xff\xfe", b"SKU;model\n"]),
)
def test_no_bytes_are_anything_but_a_list_or_refused(told: bytes, begins: bytes) -> None:
    with contextlib.suppress(Refused):
        read_prices(begins + told, name="x")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "cannot be opened" in refusal(tmp_path / "none.xml")


def test_a_file_beyond_the_cap_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "list.xml"
    with path.open("wb") as file:
        file.truncate(catalogue.LARGEST + 1)
    assert refusal(path) == "Price list list.xml is larger than 64 MiB"


@pytest.mark.parametrize("sku", ["SOCKS-3PK", "12345_1", "102529963", "x102529963_1", ""])
def test_a_link_is_made_only_of_a_card_code(sku: str) -> None:
    assert card_in(sku) is None


def test_a_shops_own_list_is_read_whole() -> None:
    found = read_price_list(DATA)
    assert len(found.products) >= 250
    assert found.faults == ()
