"""Charts as SVG documents that are nothing but a drawing: no script, no address, no clock."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from math import ceil, log10
from xml.etree.ElementTree import Element, SubElement

import pygal
from msgspec import Struct
from pygal.graph.graph import Graph
from pygal.style import Style

# pygal leaves behind an importer for its plugins that Python 3.11 warns of at every import.
sys.meta_path[:] = [each for each in sys.meta_path if type(each) is not pygal.PluginImportFixer]

CSP = "default-src 'none'; style-src 'unsafe-inline'"
"""What such a document may load: nothing."""

_WIDTH = 420
"""Units across. On a phone, 340 pixels wide, a letter of 15 units is still 12 pixels high."""

_LETTERS = 15
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
_BAND = 54
"""Units down for one bar that lies, and its words above it."""

_MOST_BARS = 12
_LONGEST_WORDS = 45
_MOST_DAYS_NAMED = 6
_MARKS = 4
"""Lines across a chart, above its zero."""


class Theme(StrEnum):
    """What the chart is shown on."""

    LIGHT = "light"
    DARK = "dark"


class Series(Struct, frozen=True, kw_only=True):
    """What is called ``name``, one value for each label of its chart."""

    name: str
    values: tuple[float, ...]


class Chart(Struct, frozen=True, kw_only=True):
    """What is drawn. ``says`` is it in a sentence, ``empty`` what is shown where all is nothing.

    ``shown`` is a value in words, ``marked`` one beside the chart, where no two may read the same.
    """

    says: str
    empty: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    shown: Callable[[float], str]
    marked: Callable[[float], str] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value for each in self.series for value in each.values)


def lines(chart: Chart, theme: Theme) -> bytes:
    """A line for each series, from the first label to the last. UTF-8."""
    drawn = pygal.Line(_config(chart, theme), dots_size=3)
    return _along(drawn, chart, dashes=("", "7,4", "2,4"))


def columns(chart: Chart, theme: Theme) -> bytes:
    """A column for each label. UTF-8."""
    return _along(_Standing(_config(chart, theme), show_legend=False), chart, dashes=("",))


def bars(chart: Chart, theme: Theme) -> bytes:
    """A lying bar for each label, the longest first, its words and its number above. UTF-8."""
    values = chart.series[0].values if chart.series else ()
    rows = sorted(zip(chart.labels, values, strict=True), key=lambda row: -row[1])[:_MOST_BARS]
    rows = [row for row in rows if row[1]]
    drawn = _Lying(
        _config(chart, theme),
        height=max(2, len(rows)) * _BAND + 10,
        show_legend=False,
        show_x_labels=False,
        show_y_labels=False,
        margin=4,
        margin_right=4,
    )
    if rows:
        drawn.range = (0, rows[0][1])
        drawn.add("", [value for _, value in reversed(rows)])
    words = [_short(f"{chart.shown(value)} — {label}") for label, value in rows]
    return _rendered(drawn, chart, worded=words)


class _Standing(pygal.Bar):  # type: ignore[misc]
    """Columns that do not touch, however many days there are."""

    _series_margin = 0.15


class _Lying(pygal.HorizontalBar):  # type: ignore[misc]
    """Bars with room for words above each."""

    _series_margin = 0.38


def _along(drawn: Graph, chart: Chart, *, dashes: tuple[str, ...]) -> bytes:
    """``drawn`` along the days: some of them named, whole numbers beside it."""
    last = len(chart.labels) - 1
    every = max(1, ceil(len(chart.labels) / _MOST_DAYS_NAMED))
    named = [label for at, label in enumerate(chart.labels) if (last - at) % every == 0]
    drawn.x_labels = [_clean(label) for label in chart.labels]
    drawn.x_labels_major = [_clean(label) for label in named]
    drawn.show_minor_x_labels = False
    if not chart.is_empty:
        most = max(value for each in chart.series for value in each.values)
        drawn.y_labels = _marks(most, whole=_are_whole(chart))
        drawn.range = (0, drawn.y_labels[-1])
        for each, dash in zip(chart.series, dashes, strict=False):
            stroke = {"width": 3, "dasharray": dash, "linecap": "round"}
            drawn.add(_clean(each.name), list(each.values), stroke_style=stroke)
    return _rendered(drawn, chart)


def _are_whole(chart: Chart) -> bool:
    return all(float(value).is_integer() for each in chart.series for value in each.values)


def _marks(most: float, *, whole: bool) -> list[float]:
    """Round figures from nothing up to at least ``most``."""
    power = 10.0 ** int(log10(most / _MARKS) // 1)
    step = next(power * by for by in (1, 2, 2.5, 5, 10) if power * by * _MARKS >= most)
    if whole:
        step = max(1, ceil(step))
    return [step * at for at in range(ceil(round(most / step, 6)) + 1)]


def _config(chart: Chart, theme: Theme) -> pygal.Config:
    return pygal.Config(
        width=_WIDTH,
        height=270,
        margin=10,
        margin_right=26,
        spacing=8,
        style=_STYLES[theme],
        js=[],
        show_y_labels=not chart.is_empty,
        legend_at_bottom=True,
        legend_box_size=14,
        truncate_legend=-1,
        truncate_label=-1,
        value_formatter=chart.marked or chart.shown,
        no_data_text=_clean(chart.empty),
    )


def _style(text: str, guides: str, *colors: str) -> Style:
    return Style(
        background="transparent",
        plot_background="transparent",
        foreground=text,
        foreground_strong=text,
        foreground_subtle=guides,
        guide_stroke_color=guides,
        major_guide_stroke_color=guides,
        guide_stroke_dasharray="1,0",
        major_guide_stroke_dasharray="1,0",
        font_family=_FONT,
        label_font_size=_LETTERS,
        major_label_font_size=_LETTERS,
        legend_font_size=_LETTERS,
        no_data_font_size=_LETTERS + 3,
        opacity="1",
        stroke_opacity="1",
        stroke_width="2.5",
        transition="0s",
        colors=colors,
    )


_STYLES = {
    Theme.LIGHT: _style("#1f2328", "#d5d9de", "#1d4ed8", "#047857", "#b45309"),
    Theme.DARK: _style("#e8eaed", "#3d444d", "#8ab4f8", "#5fd3a6", "#f2b84b"),
}

_DRAWN = frozenset({"circle", "defs", "g", "line", "path", "rect", "style", "text", "title"})
"""All that a drawing is made of: no script, comment or address stays in."""

_FOR_SCRIPTS = frozenset({"tooltip", "tooltip-overlay"})
"""What only a script would show."""


def _rendered(drawn: Graph, chart: Chart, *, worded: Sequence[str] = ()) -> bytes:
    def only_drawn(root: Element) -> Element:
        _strip(root)
        root.set("role", "img")
        title = root.find("title")
        if title is not None:
            title.text = _clean(chart.says)
        if worded:
            _word(root, worded, color=drawn.style.foreground)
        return root

    drawn.uuid = "drawn"  # else by chance, and no two drawings of the same would be equal
    drawn.add_xml_filter(only_drawn)
    svg: bytes = drawn.render()
    return svg


def _word(root: Element, worded: Sequence[str], *, color: str) -> None:
    """Write words above each lying bar, from the top down."""
    drawn = [bar for group in root.iter("g") if group.get("class") == "bar" for bar in group]
    drawn.sort(key=lambda bar: float(bar.get("y", 0)))
    for bar, words in zip(drawn, worded, strict=True):
        place = {"x": "12", "y": f"{float(bar.get('y', 0)) - 2:.0f}"}
        text = SubElement(root, "text", place | {"fill": color, "font-size": str(_LETTERS)})
        text.text = words


def _strip(node: Element) -> None:
    """Take out of ``node`` what is no drawing."""
    for child in list(node):
        classes = frozenset(child.get("class", "").split())
        if child.tag not in _DRAWN or classes & _FOR_SCRIPTS:
            node.remove(child)
        else:
            _strip(child)


def _clean(text: str) -> str:
    """``text`` without what an XML document cannot hold."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _short(words: str) -> str:
    clean = _clean(words)
    return clean if len(clean) <= _LONGEST_WORDS else f"{clean[: _LONGEST_WORDS - 1].rstrip()}…"
