"""What it takes to read a large shop's price list: seconds and memory, for each kind of file."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from tests.benchmarks.figures import Aim, Figure, part
from tests.benchmarks.product import Bench

OFFERS = 100_000
_LONGEST = {"xml": 20.0, "xlsx": 60.0, "csv": 20.0}
"""Seconds: «in seconds», on a machine that does other things too; openpyxl takes its time."""

_MOST = 400.0  # MiB
_HEADS = "SKU model brand price category PP1 PP2 PP3 PP4 PP5 preorder".split()
_NUMBERS = {"price", "PP1", "PP2", "preorder"}

_READ = """
import json, re, sys, time
from pathlib import Path
from app.gateways.catalogue import read_price_list
def peak():
    status = Path("/proc/self/status")
    told = re.search(r"VmHWM:\\s+(\\d+)", status.read_text()) if status.exists() else None
    return int(told[1]) / 1024 if told else 0
before, begun = peak(), time.perf_counter()
found = read_price_list(Path(sys.argv[1]))
took = time.perf_counter() - begun
print(json.dumps([len(found.products), len(found.faults), took, peak() - before]))
"""
"""A process of its own, so that its peak of memory is that of the list."""

Row = dict[str, str]


async def price_lists(bench: Bench) -> list[Figure]:
    """The same offers in each kind of file."""
    figures = []
    for kind, write in WRITERS.items():
        path = bench.folder / f"prices.{kind}"
        write(path)
        took, used = await _read(path)
        figures += _figures(kind, path.stat().st_size, took=took, used=used)
        path.unlink()
    return figures


def _figures(kind: str, size: int, *, took: float, used: float) -> list[Figure]:
    return [
        Figure(
            name=f"price list, {kind}",
            value=took,
            unit="s",
            aim=Aim(than="under", value=_LONGEST[kind], unit="s"),
            means=f"{OFFERS:,} offers of eleven columns, {size / 1e6:.0f} MB, to products",
        ),
        Figure(
            name="  its memory",
            value=used,
            unit="MiB",
            aim=Aim(than="under", value=_MOST, unit="MiB"),
            means="the peak while it is read, with the file and its products",
        ),
        part("an offer", 1e6 * took / OFFERS, "µs"),
    ]


async def _read(path: Path) -> tuple[float, float]:
    """Seconds and MiB."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _READ, str(path), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    products, faults, took, used = json.loads(said)
    if (products, faults) != (OFFERS, 0):
        raise RuntimeError(f"{path.name}: {products} products, {faults} faults")
    return took, used


# -- lists to read


def rows() -> Iterator[Row]:
    """Offers as a large shop has them: goods of some makers, five stores."""
    for number in range(OFFERS):
        yield {
            "SKU": f"{100_000_000 + number}_{number}",
            "model": f"Смартфон Samsung Galaxy A{number % 97} {number} 128 ГБ чёрный",
            "brand": f"Бренд {number % 300}",
            "price": str(1000 + number),
            "category": f"Категория {number % 40}",
            "PP1": str(number % 20),
            "PP2": str(number % 7),
            "PP3": "yes" if number % 50 == 0 else "no",
            "PP4": "no",
            "PP5": "",
            "preorder": "0" if number % 10 else "3",
        }


def write_xml(path: Path) -> None:
    """As Kaspi takes it."""
    with path.open("w", encoding="utf-8") as file:
        file.write(
            '<?xml version="1.0" encoding="utf-8"?>\n<kaspi_catalog xmlns="kaspiShopping">\n'
        )
        file.write("<company>X</company><merchantid>1</merchantid>\n<offers>\n")
        for row in rows():
            stores = "".join(
                f'<availability available="{"no" if row[store] == "no" else "yes"}" '
                f'storeId="{store}" preOrder="{row["preorder"]}"'
                + (f' stockCount="{row[store]}"/>' if store in _NUMBERS else "/>")
                for store in ("PP1", "PP2", "PP3", "PP4")
            )
            file.write(
                f'<offer sku="{row["SKU"]}">\n  <model>{escape(row["model"])}</model>\n'
                f"  <brand>{row['brand']}</brand>\n  <availabilities>{stores}</availabilities>\n"
                f"  <price>{row['price']}</price>\n</offer>\n"
            )
        file.write("</offers>\n</kaspi_catalog>\n")


def write_csv(path: Path) -> None:
    """As Google exports it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _HEADS)
        writer.writeheader()
        writer.writerows(rows())


_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def write_xlsx(path: Path) -> None:
    """As Excel does, with shared texts; by hand, since openpyxl takes half a minute."""
    texts: dict[str, int] = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types">'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
            f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_KIND}.sharedStrings+xml"/>'
            "</Types>",
        )
        book.writestr("_rels/.rels", _links(("officeDocument", "xl/workbook.xml")))
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            _links(("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "sharedStrings.xml")),
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_SHEET}" xmlns:r="{_LINKS}">'
            '<sheets><sheet name="1" sheetId="1" r:id="r0"/></sheets></workbook>',
        )
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            ref = f'<dimension ref="A1:K{OFFERS + 1}"/>'
            sheet.write(f'<worksheet xmlns="{_SHEET}">{ref}<sheetData>'.encode())
            heads = dict(zip(_HEADS, _HEADS, strict=True))
            sheet.write(_row(heads, 1, texts=texts, numbers=frozenset()))
            for number, row in enumerate(rows(), 2):
                sheet.write(_row(row, number, texts=texts, numbers=frozenset(_NUMBERS)))
            sheet.write(b"</sheetData></worksheet>")
        with book.open("xl/sharedStrings.xml", "w") as strings:
            strings.write(f'<sst xmlns="{_SHEET}">'.encode())
            for text in texts:
                strings.write(f"<si><t>{escape(text)}</t></si>".encode())
            strings.write(b"</sst>")


def _links(*links: tuple[str, str]) -> str:
    told = "".join(
        f'<Relationship Id="r{i}" Type="{_LINKS}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(links)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{told}</Relationships>'


def _row(row: Row, number: int, *, texts: dict[str, int], numbers: frozenset[str]) -> bytes:
    cells = []
    for letter, (head, told) in zip("ABCDEFGHIJK", row.items(), strict=True):
        if head in numbers:
            cells.append(f'<c r="{letter}{number}" s="1"><v>{told}</v></c>')
        elif told:
            shared = texts.setdefault(told, len(texts))
            cells.append(f'<c r="{letter}{number}" t="s"><v>{shared}</v></c>')
        else:
            cells.append(f'<c r="{letter}{number}" s="1"/>')
    return f'<row r="{number}" spans="1:11">{"".join(cells)}</row>'.encode()


WRITERS: dict[str, Callable[[Path], None]] = {
    "xml": write_xml,
    "xlsx": write_xlsx,
    "csv": write_csv,
}
