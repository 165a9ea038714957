"""Price lists as tables: heads, cells, and CSV as many programs write it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Refused
from app.gateways.catalogue import LARGEST, PriceList, read_prices, read_rows

HEADS = ("SKU", "model", "brand", "price", "PP1", "PP2", "PP3", "PP4", "PP5", "preorder")
Rows = list[list[Any]]


def table(*rows: list[Any], heads: tuple[object, ...] = HEADS) -> PriceList:
    return read_rows([heads, *rows], name="Sheet")


def faults(found: PriceList) -> list[tuple[int | None, str | None]]:
    return [(fault.row, fault.column) for fault in found.faults]


def refusal(data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        read_prices(data, name="prices")
    assert refused.value.code == "bad_price_list"
    return refused.value.reason


# -- heads


def test_kaspis_own_sheet_is_read() -> None:
    row = ["102529963_318274", "Кружка 350 мл", "CL", 12990, 5, "no", None, "", 2, 0]
    (product,) = table(row).products
    assert (product.sku, product.name, product.brand) == (
        "102529963_318274", "Кружка 350 мл", "CL",
    )  # fmt: skip
    assert (product.price, product.in_stock, product.stock) == (12990, True, 5)
    assert product.card == "102529963"
    assert product.link == "https://kaspi.kz/shop/p/-102529963/"


@pytest.mark.parametrize(
    "heads",
    [
        ("sku", "MODEL", "price", "pp1", "category"),
        (" S K U ", "Model*", "Price, KZT", "PP 1", "Category"),
        ("Артикул", "Наименование", "Цена (₸)", "Остаток", "Категория"),
        ("артикул", "Название товара", "Цена, тг", "В наличии", "Раздел"),
        ("SКU", "Товар", "ЦЕНА", "РР1", "категория"),  # Cyrillic К and Р
        ("Артикул", "Атауы", "Бағасы", "30000007_PP1", "Санаты"),
    ],
)
def test_columns_go_by_their_heads_however_written(heads: tuple[str, ...]) -> None:
    order = (3, 1, 4, 0, 2)
    row: list[Any] = ["007", "Кружка", 1500, 4, "Посуда"]
    found = table([row[i] for i in order], heads=tuple(heads[i] for i in order))
    (product,) = found.products
    assert (product.sku, product.name, product.price) == ("007", "Кружка", 1500)
    assert (product.stock, product.category) == (4, "Посуда")
    assert found.faults == ()


def test_kaspis_word_for_a_column_goes_before_others() -> None:
    found = table(
        ["A", "Галакси", "wrong", 1, 1], heads=("SKU", "model", "Название", "price", "PP1")
    )
    assert [product.name for product in found.products] == ["Галакси"]


def test_the_head_may_stand_below_a_title() -> None:
    rows: Rows = [
        ["ТОО «Дала»"],
        [],
        ["Прайс", date(2026, 1, 1)],
        list(HEADS),
        ["A", "x", "", "bad"],
    ]
    found = read_rows(rows, name="Sheet")
    assert [product.sku for product in found.products] == ["A"]
    assert faults(found) == [(5, "price")]


@pytest.mark.parametrize(
    "heads", [("SKU", "price"), ("Название", "Цена"), ("x", "y"), (date(2026, 1, 1), 5)]
)
def test_a_sheet_without_sku_or_model_is_refused_with_what_was_found(
    heads: tuple[object, ...],
) -> None:
    with pytest.raises(Refused) as refused:
        table(["A", "B"], heads=heads)
    told = ", ".join("?" if isinstance(head, date) else str(head) for head in heads)
    assert refused.value.reason == (
        f"Price list Sheet has no columns SKU and model in its first rows; found: {told}"
    )


@pytest.mark.parametrize("rows", [[], [[]], [["", None], ["  "]]])
def test_an_empty_sheet_is_refused(rows: Rows) -> None:
    with pytest.raises(Refused, match="is empty"):
        read_rows(rows, name="Sheet")


def test_what_the_whole_sheet_lacks_is_told_once() -> None:
    found = table(["A", "x", "y"], ["B", "x", "y"], heads=("SKU", "model", "model"))
    assert [(product.price, product.in_stock) for product in found.products] == [(None, False)] * 2
    assert faults(found) == [(1, "price"), (1, "PP1"), (1, "model")]
    assert {fault.offer for fault in found.faults} == {""}


# -- cells


@pytest.mark.parametrize(
    ("cells", "has"),
    [
        ((5, "no", "", None, "yes"), (True, None)),
        ((5, "no", 9, None, ""), (True, 9)),
        (("5", " 7 ", "5.0", 5.0, "1 200"), (True, 1200)),
        (("yes",), (True, None)),
        ((" ДА ", "нет"), (True, None)),
        ((True, False), (True, None)),
        (("TRUE", "FALSE"), (True, None)),
        (("No", "нет", "FALSE", False, 0), (False, 0)),
        ((), (False, 0)),
        (("0", "0.0"), (False, 0)),
        ((2.9999999999,), (True, 3)),
        (("2,500",), (True, 2)),  # kilograms
    ],
)
def test_stock_is_the_most_that_one_store_has(
    cells: tuple[object, ...], has: tuple[bool, int | None]
) -> None:
    found = table(["A", "x", "", 1, *cells])
    assert [(product.in_stock, product.stock) for product in found.products] == [has]
    assert found.faults == ()


@pytest.mark.parametrize(
    "cell", ["maybe", "много", ">10", -1, "-1", "#N/A", date(2026, 5, 1), 1e12]
)
def test_a_store_that_says_something_else_is_a_fault_and_does_not_count(cell: object) -> None:
    found = table(["A", "x", "", 1, 3, cell])
    assert [(product.in_stock, product.stock) for product in found.products] == [(True, 3)]
    assert faults(found) == [(2, "PP2")]
    assert [p.in_stock for p in table(["A", "x", "", 1, cell]).products] == [False]


@pytest.mark.parametrize(
    ("cell", "in_stock"),
    [(0, True), ("", True), (None, True), ("0", True), ("no", True), (3, False), ("30", False)],
)
def test_what_comes_to_order_is_not_in_stock_now(cell: object, in_stock: bool) -> None:
    found = table(["A", "x", "", 1, 5, "", "", "", "", cell])
    assert [product.in_stock for product in found.products] == [in_stock]
    assert found.faults == ()


def test_a_preorder_that_cannot_be_read_is_a_fault_and_no_promise() -> None:
    found = table(["A", "x", "", 1, 5, "", "", "", "", "скоро"])
    assert [product.in_stock for product in found.products] == [False]
    assert faults(found) == [(2, "preorder")]


@pytest.mark.parametrize(
    ("cell", "price"),
    [
        (12990, 12990), (12990.0, 12990), (12989.999999999998, 12990), ("12 990", 12990),
        ("12\u00a0990\u202f₸", 12990), ("12990.00", 12990), ("12990,00 тг.", 12990),
        ("12,990", 12990), ("₸12,990.00", 12990), ("1.234.567,00", 1234567), ("12'990", 12990),
        ("12990 тенге", 12990), ("KZT 12990", 12990), ("12990.000", 12990), ("1 234 567", 1234567),
    ],
)  # fmt: skip
def test_a_price_is_read_as_people_write_it(cell: object, price: int) -> None:
    found = table(["A", "x", "", cell, 1])
    assert [product.price for product in found.products] == [price]
    assert found.faults == ()


@pytest.mark.parametrize(
    "cell",
    [
        0, -5, "0", "дорого", "", None, True, "12.990", "990 1500", "от 990", "$12", "12 руб",
        "10-20", "1e5", 10**12, "9" * 5000, float("nan"), float("inf"), "#REF!", "#Н/Д",
        date(2026, 1, 1), b"5", "١٢", "=A1*2", "12%", "1_000",
    ],
)  # fmt: skip
def test_any_other_price_is_a_fault_and_the_offer_is_kept_without(cell: object) -> None:
    found = table(["A", "x", "", cell, 1])
    assert [(product.sku, product.price) for product in found.products] == [("A", None)]
    assert faults(found) == [(2, "price")]


@pytest.mark.parametrize(
    ("cell", "sku"),
    [
        (12345, "12345"), (12345.0, "12345"), ("12345.0", "12345"), ("00123", "00123"),
        (" 00123 ", "00123"), ("A-1.0", "A-1.0"), ("1\u200b2", "12"), (12.5, "12.5"),
    ],
)  # fmt: skip
def test_a_sku_is_what_the_seller_means_by_it(cell: object, sku: str) -> None:
    assert [product.sku for product in table([cell, "x", "", 1, 1]).products] == [sku]


@pytest.mark.parametrize(
    "cell",
    [None, " ", 1.23456789012345e17, "1,23457E+12", "#N/A", date(2026, 1, 2), "x" * 101,
     float("nan")],
)  # fmt: skip
def test_an_offer_whose_sku_is_lost_is_left_out(cell: object) -> None:
    found = table([cell, "x", "", 1, 1])
    assert found.products == ()
    assert faults(found) == [(2, "SKU")]
    assert found.faults[0].offer == "#2"


def test_an_offer_twice_or_without_a_name_is_a_fault_where_it_stands() -> None:
    found = table(
        [12345, "first", "", 1, 1], [], ["12345.0", "second", "", 2, 1], ["B", "#N/A", "", 2, 1],
        ["C", None, "", 2, 1], ["D", "x", "#VALUE!", 2, 1],
    )  # fmt: skip
    assert [(product.sku, product.name) for product in found.products] == [
        ("12345", "first"), ("D", "x"),
    ]  # fmt: skip
    assert faults(found) == [(4, "SKU"), (5, "model"), (6, "model"), (7, "brand")]
    assert [fault.offer for fault in found.faults] == ["12345", "B", "C", "D"]


# -- CSV


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_csv_is_read_in_any_dress(encoding: str, delimiter: str, end: str) -> None:
    rows = (
        ("SKU", "Название", "Цена", "PP1"),
        ("007", '"Кружка, 350; мл ""А"""', "12990", "да"),
        ("", "", "", ""),
        ("8", 'Монитор 24"', "990", "2"),
    )  # fmt: skip
    told = end.join(map(delimiter.join, rows)).encode(encoding)
    found = read_prices(told, name="x")
    assert [(product.sku, product.name, product.price) for product in found.products] == [
        ("007", 'Кружка, 350; мл "А"', 12990), ("8", 'Монитор 24"', 990),
    ]  # fmt: skip
    assert found.faults == ()


def test_a_row_of_a_csv_is_counted_as_a_sheet_shows_it() -> None:
    told = b'sep=;\nSKU;model;price;PP1\n"A";"two\nlines";1;1\n\nB;x;?;1\n'
    assert faults(read_prices(told, name="x")) == [(5, "price")]


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (b'SKU,model\nA,"x\nB,y\n', "a quote is never closed"),
        (b'SKU,model\nA,"' + b"x" * 200_000, "is broken in row 2"),
        ("SKU,модель\nA,".encode("cp1251") + b"\x98", "is in an encoding that cannot be read"),
        (b"\xff\xfeS\0K", "is in an encoding that cannot be read"),
        (b"artikul;nazvanie\n1;2\n", "found: artikul, nazvanie"),
        (b"SKU\nA\n", "found: SKU"),
        (b"a" * (LARGEST + 1), "is larger than 64 MiB"),
    ],
)
def test_a_csv_that_cannot_be_used_is_refused(told: bytes, says: str) -> None:
    assert says in refusal(told)


# -- whatever comes


@given(
    st.lists(
        st.lists(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
            max_size=11,
        ),
        max_size=6,
    )
)
def test_no_rows_are_anything_but_a_list(rows: Rows) -> None:
    found = table(*rows)
    assert all(product.sku and product.name for product in found.products)
    assert all(product.price is None or product.price > 0 for product in found.products)
    assert all(fault.row and fault.column for fault in found.faults)
