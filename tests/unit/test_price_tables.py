"""Price lists as tables: heads, cells, XLSX and CSV as many programs write them."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from app.errors import Refused
from app.gateways import catalogue_xlsx
from app.gateways.catalogue import LARGEST, PriceList, read_prices, read_rows

HEADS = ("SKU", "model", "brand", "price", "PP1", "PP2", "PP3", "PP4", "PP5", "preorder")
Rows = list[list[Any]]


def table(*rows: list[Any], heads: tuple[object, ...] = HEADS) -> PriceList:
    return read_rows([heads, *rows], name="Sheet")


def sheet(*rows: list[Any], **kinds: str) -> bytes:
    """What openpyxl writes; ``kinds`` are number formats by the names of cells."""
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for cell, kind in kinds.items():
        book.active[cell].number_format = kind
    told = io.BytesIO()
    book.save(told)
    return told.getvalue()


def changed(data: bytes, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> bytes:
    """The same ZIP, every part of which may be changed, or left out."""
    told = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(told, "w") as new:
        for name in old.namelist():
            part = change(name, old.read(name))
            if part is not None:
                new.writestr(*part)
    return told.getvalue()


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


# -- XLSX


def test_an_xlsx_keeps_texts_and_loses_empty_rows() -> None:
    rows: Rows = [list(HEADS), ["00123", "Кружка\n350 мл", None, 12990.0, 5, "yes"], []]
    found = read_prices(sheet(*rows, *[[None, ""]] * 50, [12345.0, "x", "", 1]), name="x")
    assert [(product.sku, product.name) for product in found.products] == [
        ("00123", "Кружка 350 мл"), ("12345", "x"),
    ]  # fmt: skip
    assert found.faults == ()


def test_formulas_errors_and_dates_of_an_xlsx_are_told_with_their_place() -> None:
    data = sheet(
        list(HEADS),
        ["A", "x", "", "=1+1", 5],
        ["B", "x", "", "#N/A", 5],
        ["C", "x", "", 1, 46300],
        E4="dd.mm.yyyy",
        D4='#,##0\\ "₸"',
    )
    found = read_prices(data, name="x")
    assert faults(found) == [(2, "price"), (3, "price"), (4, "PP1")]
    assert "not calculated" in found.faults[0].reason
    assert [product.price for product in found.products] == [None, None, 1]


def test_of_a_book_the_first_sheet_that_is_shown_is_read() -> None:
    book = Workbook()
    book.active.append(["hidden"])
    book.active.sheet_state = "hidden"
    for name in ("A", "B"):
        shown = book.create_sheet()
        shown.append(HEADS)
        shown.append([name, "x", "", 1, 1])
    told = io.BytesIO()
    book.save(told)
    found = read_prices(told.getvalue(), name="x")
    assert [product.sku for product in found.products] == ["A"]


GOOD: Rows = [list(HEADS), ["A", "x", "b", 990, 1]]


def test_an_xlsx_is_read_as_other_programs_write_it() -> None:
    def as_1c(name: str, part: bytes) -> tuple[str, bytes]:
        renamed = name.replace("sharedStrings", "SharedStrings").replace("/", "\\")
        return renamed, part.replace(b'ref="A1:J2"', b'ref="A1"')

    def bare(name: str, part: bytes) -> tuple[str, bytes] | None:
        if name.startswith(("docProps", "xl/theme", "xl/styles", "[Content")):
            return None
        return name, part.replace(b' r="A2"', b"").replace(b' r="2"', b"")

    expected = read_prices(sheet(*GOOD), name="x")
    assert expected.products[0].price == 990
    assert read_prices(changed(sheet(*GOOD), as_1c), name="x") == expected
    assert read_prices(changed(sheet(*GOOD), bare), name="x") == expected


def test_a_text_escaped_or_spelt_out_is_one_text() -> None:
    def rich(name: str, part: bytes) -> tuple[str, bytes]:
        runs = b"<r><t>Kru</t></r><r><t>zhka_x0041_</t></r><rPh><t>no</t></rPh>"
        return name, part.replace(b"<t>x</t>", runs)

    found = read_prices(changed(sheet(*GOOD), rich), name="x")
    assert [product.name for product in found.products] == ["KruzhkaA"]


def _bomb() -> bytes:
    told = io.BytesIO()
    with zipfile.ZipFile(told, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("xl/workbook.xml", b" " * 1000)
    size = catalogue_xlsx.UNPACKED + 1
    return told.getvalue().replace((1000).to_bytes(4, "little"), size.to_bytes(4, "little"))


def test_a_bomb_is_refused_unread() -> None:
    assert refusal(_bomb()) == "Price list prices unpacks to more than 512 MiB"


def test_no_more_is_unpacked_than_the_parts_say() -> None:
    rows = b"<row><c/></row>" * 100_000

    def swollen(name: str, part: bytes) -> tuple[str, bytes]:
        return name, part.replace(b"</sheetData>", rows + b"</sheetData>")

    data = changed(sheet(*GOOD), swollen)
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        size = file.getinfo("xl/worksheets/sheet1.xml").file_size
    lying = data.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert lying != data
    assert "is a broken XLSX file" in refusal(lying)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "an old Excel file (.xls)"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "locked with a password",
        ),
        (b"PK\x03\x04", "is a broken XLSX file"),
        (sheet(*GOOD)[:-30], "is a broken XLSX file"),
        (changed(sheet(*GOOD), lambda name, part: (f"x{name}", part)), "but no XLSX"),
        (changed(sheet(*GOOD), lambda name, part: (name, part[:-9])), "is a broken XLSX file"),
        (
            changed(
                sheet(*GOOD),
                lambda name, part: (
                    name, part.replace(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet')
                ),
            ),
            "is a broken XLSX file",
        ),
        (sheet(["only", "this"]), "found: only, this"),
        (sheet(), "is empty"),
    ],
)  # fmt: skip
def test_an_xlsx_that_cannot_be_used_is_refused(data: bytes, says: str) -> None:
    assert says in refusal(data)


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


@cache
def small_book() -> bytes:
    return sheet(*GOOD)


@settings(max_examples=200)
@given(st.integers(min_value=0), st.integers(0, 255), st.integers(0, 5))
def test_a_damaged_xlsx_is_read_or_refused(place: int, byte: int, lost: int) -> None:
    data = bytearray(small_book())
    place %= len(data)
    data[place : place + lost + 1] = bytes([byte])
    with contextlib.suppress(Refused):
        read_prices(bytes(data), name="x")


@settings(max_examples=200)
@given(st.integers(min_value=0), st.sampled_from([b"", b"<c/>", b'"', b"-1", b"9" * 30, b"</row>"]))
def test_an_xlsx_with_odd_parts_is_read_or_refused(place: int, piece: bytes) -> None:
    def odd(name: str, part: bytes) -> tuple[str, bytes]:
        at = place % len(part)
        return name, part[:at] + piece + part[at + len(piece) :]

    with contextlib.suppress(Refused):
        read_prices(changed(small_book(), odd), name="x")
