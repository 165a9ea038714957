"""The desk's charts: drawings that hold no script, no address, and every word as it was written."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import pytest
from defusedxml.ElementTree import fromstring

from app.web.desk.charts import Chart, Series, Theme, bars, columns, lines
from app.web.desk.pages import number

Draw = Callable[[Chart, Theme], bytes]
DRAWS: list[Draw] = [lines, columns, bars]
NASTY = "<script>alert(1)</script> & \"'\x0b\x00 ]]>"
SVG = "{http://www.w3.org/2000/svg}"


def chart(
    *values: float, name: str = "раз", empty: str = "Пока пусто", says: str = "Итог"
) -> Chart:
    return Chart(
        says=says,
        empty=empty,
        labels=tuple(f"{day + 1:02}.11" for day in range(len(values))),
        shown=number,
        series=(Series(name=name, values=values),),
    )


def texts(svg: bytes) -> list[str]:
    """What is written in the drawing."""
    return [node.text or "" for node in fromstring(svg).iter(f"{SVG}text")]


def heights(svg: bytes, *, side: str = "height") -> list[float]:
    root = fromstring(svg)
    bars_ = [group[0] for group in root.iter(f"{SVG}g") if group.get("class") == "bar"]
    return [float(bar.get(side, 0)) for bar in bars_]


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("theme", Theme)
@pytest.mark.parametrize("values", [(), (0, 0), (3,), (1, 5, 2), tuple(range(90)), (0.0004, 12.5)])
def test_a_chart_is_a_drawing_and_nothing_else(
    draw: Draw, theme: Theme, values: tuple[float, ...]
) -> None:
    svg = draw(chart(*values), theme).decode()
    kinds = {node.tag.removeprefix(SVG) for node in fromstring(svg).iter()}
    assert kinds <= {"svg", "defs", "style", "title", "g", "rect", "path", "circle", "text"}
    assert "<!--" not in svg
    assert re.findall(r"[a-z]+://[^\"\s]+", svg) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"\bon[a-z]+\s*=|@import|url\(", svg)


@pytest.mark.parametrize("draw", DRAWS)
def test_the_same_figures_make_the_same_drawing(draw: Draw) -> None:
    assert draw(chart(1, 2), Theme.LIGHT) == draw(chart(1, 2), Theme.LIGHT)
    assert draw(chart(1, 2), Theme.LIGHT) != draw(chart(1, 2), Theme.DARK)


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("values", [(), (2, 1)])
def test_markup_in_words_stays_words(draw: Draw, values: tuple[float, ...]) -> None:
    nasty = Chart(
        says=NASTY,
        empty=NASTY,
        labels=tuple(f"{NASTY}{n}" for n, _ in enumerate(values)),
        shown=number,
        series=(Series(name=NASTY, values=values),),
    )
    root = fromstring(draw(nasty, Theme.LIGHT))
    assert not [node for node in root.iter() if "script" in node.tag]
    title = root.find(f"{SVG}title")
    assert title is not None
    assert (title.text or "").startswith("<script>alert(1)</script> &")


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("values", [(), (0,), (0, 0, 0)])
def test_where_there_is_nothing_that_is_said_instead_of_drawn(
    draw: Draw, values: tuple[float, ...]
) -> None:
    assert [text for text in texts(draw(chart(*values), Theme.LIGHT)) if "." not in text] == [
        "Пока пусто"
    ]


def test_the_days_named_are_few_and_the_last_is_one_of_them() -> None:
    named = [text for text in texts(lines(chart(*range(30)), Theme.LIGHT)) if text.endswith(".11")]
    assert named == ["05.11", "10.11", "15.11", "20.11", "25.11", "30.11"]


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (1, ["0", "1"]),
        (3, ["0", "1", "2", "3"]),
        (5, ["0", "2", "4", "6"]),
        (100, ["0", "25", "50", "75", "100"]),
        (1234, ["0", "500", "1\u202f000", "1\u202f500"]),
        (0.5, ["0", "0,2", "0,4", "0,6"]),
    ],
)
def test_the_figures_beside_a_chart_are_round_and_reach_its_top(
    most: float, expected: list[str]
) -> None:
    beside = texts(columns(chart(0, most), Theme.LIGHT))
    assert [text for text in beside if not text.endswith(".11")] == expected


def test_columns_are_as_high_as_their_figures() -> None:
    low, high, none = heights(columns(chart(10, 40, 0), Theme.LIGHT))
    assert high / low == pytest.approx(4)
    assert none == 0


def test_lying_bars_have_their_words_and_the_longest_is_first() -> None:
    svg = bars(chart(2, 8, 0, 4), Theme.LIGHT)
    assert texts(svg) == ["8 — 02.11", "4 — 04.11", "2 — 01.11"]
    assert sorted(heights(svg, side="width")) == pytest.approx(
        [max(heights(svg, side="width")) * share for share in (0.25, 0.5, 1)]
    )


def test_words_longer_than_a_phone_is_wide_are_cut() -> None:
    long = Chart(
        says="",
        empty="",
        labels=("очень " * 30,),
        shown=number,
        series=(Series(name="", values=(7,)),),
    )
    (words,) = texts(bars(long, Theme.LIGHT))
    assert words.startswith("7 — очень очень")
    assert words.endswith("…")
    assert len(words) <= 45


def test_the_library_leaves_no_importer_behind() -> None:
    assert [each for each in sys.meta_path if type(each).__name__ == "PluginImportFixer"] == []
