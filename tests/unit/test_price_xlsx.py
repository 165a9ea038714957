"""Price lists as XLSX: what many programs write, and what does harm."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from app.errors import Refused
from app.gateways import catalogue_parts
from app.gateways.catalogue import PriceList, read_prices

HEADS = ("SKU", "model", "brand", "price", "PP1", "PP2", "PP3", "PP4", "PP5", "preorder")
STRINGS = "xl/sharedStrings.xml"
Rows = list[list[Any]]


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


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"


def shared(data: bytes) -> bytes:
    """The same book with the texts of its cells shared, as Excel and 1C write them."""
    texts: list[bytes] = []

    def take(text: re.Match[bytes]) -> bytes:
        texts.append(text[1])
        return b't="s"><v>%d</v>' % (len(texts) - 1)

    def change(name: str, part: bytes) -> tuple[str, bytes]:
        named = f'<Override PartName="/{STRINGS}" ContentType="{KIND}"/></Types>'.encode()
        told = re.sub(rb't="inlineStr"><is>(.*?)</is>', take, part, flags=re.DOTALL)
        return name, told.replace(b"</Types>", named)

    file = io.BytesIO(changed(data, change))
    with zipfile.ZipFile(file, "a") as book:
        told = b"".join(b"<si>%b</si>" % text for text in texts)
        book.writestr(STRINGS, f'<sst xmlns="{MAIN}">'.encode() + told + b"</sst>")
    return file.getvalue()


def faults(found: PriceList) -> list[tuple[int | None, str | None]]:
    return [(fault.row, fault.column) for fault in found.faults]


def refusal(data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        read_prices(data, name="prices")
    assert refused.value.code == "bad_price_list"
    return refused.value.reason


# -- what is in it


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

    def named_so(name: str, part: bytes) -> tuple[str, bytes]:
        return name.replace("sharedS", "SharedS"), part.replace(b"/sharedS", b"/SharedS")

    def bare(name: str, part: bytes) -> tuple[str, bytes] | None:
        if name.startswith(("docProps", "xl/theme", "xl/styles")):
            return None
        return name, re.sub(rb' r="[A-J]?[12]"', b"", part)

    def unsized(name: str, part: bytes) -> tuple[str, bytes]:
        return name, re.sub(rb"<dimension[^>]*>", b"", part)

    expected = read_prices(sheet(*GOOD), name="x")
    assert expected.products[0].price == 990
    for written in (as_1c, named_so, bare, unsized):
        assert read_prices(changed(shared(sheet(*GOOD)), written), name="x") == expected


def cells(*told: str, data: bytes | None = None) -> bytes:
    """A book whose second row has these cells, as XML."""
    row = f'<row r="2">{"".join(told)}</row>'.encode()

    def changed_row(name: str, part: bytes) -> tuple[str, bytes]:
        return name, re.sub(rb'<row r="2".*?</row>', lambda _: row, part, flags=re.DOTALL)

    return changed(data or sheet(*GOOD), changed_row)


NAMED = '<c r="A2" t="inlineStr"><is><t>A</t></is></c><c r="B2" t="inlineStr"><is><t>x</t></is></c>'


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("<t>x</t>", "x"),
        (
            '<r><t>Kru</t></r><r><t>zhka_x0041_</t></r><rPh sb="0" eb="1"><t>no</t></rPh>',
            "KruzhkaA",
        ),
        ("<t>two_x000D_\nlines</t>", "two lines"),
        (f"<t>{'long ' * 50_000}</t>", ("long " * 200).rstrip()),
    ],
)
def test_a_text_is_one_text_however_it_is_kept(text: str, name: str) -> None:
    sku = '<c t="inlineStr"><is><t>A</t></is></c>'
    inline = cells(sku, f'<c t="inlineStr"><is>{text}</is></c>')
    for data in (inline, shared(inline)):
        assert [product.name for product in read_prices(data, name="x").products] == [name]


@pytest.mark.parametrize(
    ("kind", "inside", "price", "says"),
    [
        ("n", "<v>990</v>", 990, ""),
        ("n", "<v>9.9E2</v>", 990, ""),
        ("n", "<f>A1</f><v>990</v>", 990, ""),
        ("str", "<v>990 тг</v>", 990, ""),
        ("str", "<f>A1</f><v>990</v>", 990, ""),
        ("n", "", None, "no price"),
        ("n", "<v/>", None, "no price"),
        ("str", "<f>A1</f><v></v>", None, "no price"),
        ("e", "<v>#N/A</v>", None, "an error of the sheet: #N/A"),
        ("e", "<f>A1</f><v>#ССЫЛКА!</v>", None, "an error of the sheet"),
        ("b", "<v>1</v>", None, "no number: TRUE"),
        ("d", "<v>2026-01-01T00:00:00</v>", None, "a date"),
        ("n", "<f>A1</f>", None, "not calculated"),
        ("n", "<f>A1</f><v></v>", None, "not calculated"),
        ("n", '<f t="shared" si="0"/><v/>', None, "not calculated"),
    ],
)
def test_a_price_of_an_xlsx_is_what_its_cell_shows(
    kind: str, inside: str, price: int | None, says: str
) -> None:
    found = read_prices(cells(NAMED, f'<c r="D2" t="{kind}">{inside}</c>'), name="x")
    assert [product.price for product in found.products] == [price]
    assert all(says in fault.reason for fault in found.faults)
    assert faults(found) == ([(2, "price")] if says else [])


@pytest.mark.parametrize(
    ("kind", "value", "has"), [("n", 3, (True, 3)), ("b", 1, (True, None)), ("b", 0, (False, 0))]
)
def test_yes_no_and_a_number_are_stock(kind: str, value: int, has: tuple[bool, int | None]) -> None:
    data = cells(NAMED, f'<c r="D2"><v>1</v></c><c r="E2" t="{kind}"><v>{value}</v></c>')
    (product,) = read_prices(data, name="x").products
    assert (product.in_stock, product.stock) == has


def test_a_sku_that_is_a_number_keeps_its_digits() -> None:
    data = cells('<c r="A2"><v>12345.0</v></c>', NAMED.partition("</c>")[2])
    assert [product.sku for product in read_prices(data, name="x").products] == ["12345"]


def test_what_openpyxl_warns_of_is_nobodys_matter() -> None:
    odd = b'<extLst><ext uri="{00000000-0000-0000-0000-000000000000}"/></extLst>'

    def warned_of(name: str, part: bytes) -> tuple[str, bytes]:
        if name == "xl/styles.xml":
            part = part[: part.index(b"<fonts")] + b"</styleSheet>"
        return name, part.replace(b"<sheetData>", odd + b"<sheetData>")

    assert read_prices(changed(sheet(*GOOD), warned_of), name="x").products[0].price == 990


@pytest.mark.parametrize(
    "odd",
    [
        (
            b'<autoFilter><filterColumn colId="0"><customFilters>'  # those that are not empty
            b'<customFilter operator="notEqual" val=" "/></customFilters></filterColumn>'
            b"</autoFilter>"
        ),
        b'<conditionalFormatting sqref="A1"><cfRule type="new"/></conditionalFormatting>',
        b"<hyperlinks><hyperlink/></hyperlinks>",
    ],
)
def test_what_excel_keeps_below_the_rows_does_not_matter(odd: bytes) -> None:
    data = changed(
        sheet(*GOOD),
        lambda name, part: (name, part.replace(b"</sheetData>", b"</sheetData>" + odd)),
    )
    assert read_prices(data, name="x").products[0].price == 990


def test_who_has_no_xlsx_does_not_load_openpyxl() -> None:
    asked = "import sys, app.gateways.catalogue; sys.exit('openpyxl' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0


# -- what does harm


def in_sheet(piece: bytes) -> bytes:
    """A book with something in its sheet, before the rows' end."""
    return changed(
        sheet(*GOOD),
        lambda name, part: (name, part.replace(b"</sheetData>", piece + b"</sheetData>")),
    )


def test_a_sheet_is_no_larger_than_what_is_in_it() -> None:
    far = b'<row r="1048576"><c r="XFD1048576" s="1"/></row><row r="1000000000"><c/></row>'
    data = changed(
        in_sheet(far),
        lambda name, part: (name, part.replace(b'"A1:J2"', b'"A1:XFD1048576"')),
    )
    assert read_prices(data, name="x") == read_prices(sheet(*GOOD), name="x")


LAUGHS = "".join(
    f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "ha"}">' for i in range(12)
).encode()  # fmt: skip


@pytest.mark.parametrize(
    "part",
    [
        "xl/worksheets/sheet1.xml",
        "xl/sharedStrings.xml",
        "xl/workbook.xml",
        "xl/styles.xml",
        "[Content_Types].xml",
    ],
)
@pytest.mark.parametrize("entities", [LAUGHS, b'<!ENTITY a11 SYSTEM "file:///etc/hostname">'])
def test_entities_are_refused_wherever_they_are(part: str, entities: bytes) -> None:
    def declared(name: str, told: bytes) -> tuple[str, bytes]:
        if name != part:
            return name, told
        told = re.sub(rb"^<\?xml[^>]*>\s*", b"", told).replace(b"<t>x</t>", b"<t>&a11;</t>")
        return name, b"<!DOCTYPE x [" + entities + b"]>" + told

    told = refusal(changed(shared(sheet(*GOOD)), declared))
    assert told == "Price list prices is a broken XLSX file: open it in Excel and save it again"


@pytest.mark.parametrize(
    ("piece", "says"),
    [
        (
            (b"row" + b"<" * 1_000_000) * (catalogue_parts.TAGS // 1_000_000 + 1),
            "holds too many cells",
        ),
        (b"<c/>" * (2 << 20), "a cell or a row that is too long"),
        (b"<!--" + b"<row/>" * (1 << 19) + b"-->", "is a broken XLSX file"),
        (b"<row><c><v>" + b"9" * (3 << 20) + b"</v></c></row>", "a cell or a row that is too long"),
    ],
)
def test_what_would_take_too_much_time_or_memory_is_refused_unread(piece: bytes, says: str) -> None:
    assert says in refusal(in_sheet(piece))


def saying(data: bytes, name: str, **says: int) -> bytes:
    """The same ZIP, whose directory says something else of a part."""
    file = io.BytesIO(data)
    with zipfile.ZipFile(file, "a") as book:
        part = book.getinfo(name)
        for what, told in says.items():
            setattr(part, what, told)
        book.comment = b"written anew"
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "says", "refused"),
    [
        ("xl/media/image.png", {"file_size": catalogue_parts.UNPACKED}, "to more than 512 MiB"),
        ("xl/worksheets/sheet1.xml", {"file_size": catalogue_parts.UNPACKED}, "than 512 MiB"),
        ("xl/sharedStrings.xml", {"file_size": catalogue_parts.SHARED + 1}, "128 MiB of text"),
        ("xl/workbook.xml", {"flag_bits": 1}, "is locked with a password"),
        ("xl/workbook.xml", {"compress_type": zipfile.ZIP_BZIP2}, "is a broken XLSX file"),
    ],
)
def test_a_bomb_is_refused_unread(name: str, says: dict[str, int], refused: str) -> None:
    data = shared(sheet(*GOOD))
    if name.endswith(".png"):
        data = changed(data, lambda part, told: (name, b"") if "theme" in part else (part, told))
    assert refused in refusal(saying(data, name, **says))


def test_no_more_is_unpacked_than_the_parts_say() -> None:
    """Though the check sum agrees, and zipfile itself would unpack a gigabyte to see the end."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        book.writestr("[Content_Types].xml", " " * (64 << 20))
    said = {"file_size": 1000, "CRC": zlib.crc32(b" " * 1000)}
    lying = saying(file.getvalue(), "[Content_Types].xml", **said)
    tracemalloc.start()
    try:
        assert "is a broken XLSX file" in refusal(lying)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


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
        (changed(sheet(*GOOD), lambda name, part: (name, part.replace(b"sheet.main", b"document"))),
         "but no XLSX"),
        (changed(sheet(*GOOD), lambda name, part: (name, part[:-9])), "is a broken XLSX file"),
        (in_sheet(b'<row r="3"><c t="s"><v>99</v></c></row>'), "is a broken XLSX file"),
        (in_sheet(b'<row r="3"><c><v>text</v></c></row>'), "is a broken XLSX file"),
        (sheet(["only", "this"]), "found: only, this"),
        (sheet(), "is empty"),
    ],
)  # fmt: skip
def test_an_xlsx_that_cannot_be_used_is_refused(data: bytes, says: str) -> None:
    assert says in refusal(data)


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
