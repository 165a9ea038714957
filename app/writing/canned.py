"""Texts that need no model: read from ``canned.<language>.toml``, proved when loaded.

A table is a text's key, its kinds (``plain``, ``name``, ``planned`` …) hold wordings. A wording may
use the fields of its table and of its kind; the richest kind whose fields are all there is taken.
"""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Mapping
from pathlib import Path
from string import Formatter

import msgspec

from app.domain.brief import Brief
from app.domain.conversation import Author
from app.domain.events import Language, Order, Stage
from app.domain.own_texts import filled
from app.domain.rules import Purpose
from app.errors import Permanent
from app.writing.links import has_account, links, long_numbers, plain

NEEDED = (*Purpose, "opt_in_confirmation", "media", "call")
"""Tables of whole messages; each may greet and name the shop."""

STATUSES = {stage: f"status_{stage.value}" for stage in Stage}
"""The table that tells where an order is, for each stage."""

FIXED: dict[str, frozenset[str]] = {
    "thanks": frozenset(),
    "apology": frozenset(),
    "sorry": frozenset(),
    "handoff_open": frozenset(),
    "handoff_closed": frozenset({"hours"}),
    "maybe_stop": frozenset(),
    "help": frozenset({"shop"}),
    "review_line": frozenset({"link"}),
    "tracking_line": frozenset({"link"}),
    "review_line_plain": frozenset(),
    "voice": frozenset(),
    "picture": frozenset(),
    "file": frozenset(),
    "location": frozenset(),
    **dict.fromkeys(STATUSES.values(), frozenset({"order"})),
    "status_none": frozenset(),
    "price": frozenset({"product", "price"}),
    "in_stock": frozenset({"product"}),
    "out_of_stock": frozenset({"product"}),
    "alternatives": frozenset({"products"}),
    "found": frozenset({"products"}),
    "statement": frozenset({"text"}),
    "hours": frozenset({"hours"}),
    "nothing_found": frozenset(),
}
"""Tables made from facts, and the fields each always needs."""

_PARTS: dict[str, frozenset[str]] = {
    "greeting": frozenset(),
    "signature": frozenset({"shop"}),
    "stop_hint": frozenset(),
    "order": frozenset({"code"}),
}
"""Tables that are a part of other texts: ``{hello}``, ``{order}`` and the lines at the end."""

_TABLES = dict.fromkeys(NEEDED, frozenset({"hello", "shop"})) | FIXED | _PARTS

_KINDS: dict[str, frozenset[str]] = {
    "name_product": frozenset({"name", "product"}),
    "planned": frozenset({"date"}),
    "priced": frozenset({"price"}),
    "products": frozenset({"product", "products"}),
    "product": frozenset({"product"}),
    "name": frozenset({"name"}),
    "plain": frozenset(),
}
"""Kinds of wordings from the richest on, and the fields each needs beside its table's."""

_LONGEST = {
    "shop": 80,
    "name": 40,
    "product": 80,
    "products": 250,
    "code": 40,
    "date": 40,
    "price": 40,
    "hours": 120,
    "link": 300,
    "text": 900,
}
"""Fields a caller may give, and the characters each may take."""

_LONGEST_TEXT = 1000
"""No fixed text is longer, whatever the names in it."""

_LONGEST_READ = 2000
"""Characters of a product's name that are looked at."""

_LONG_PRODUCT, _LONGEST_PRODUCT = 30, 60
"""Characters from which an order's item loses its details, and the most it may have."""

_MOST_INSTEAD = 2
"""Things that are offered for one that cannot be had: more is an advertisement."""

_UNFIT = re.compile(r"[<>{}\[\]\\|@]|\d{9}")
"""A product's name with this, a link or a phone is not in a fixed text: nobody checks those."""

_ARTICLE = re.compile(r"\S*\d{5}\S*")
"""A manufacturer's number in a product's name, which nobody says aloud."""

_NO_QUOTES = str.maketrans("", "", '«»„“”"')
"""A product's name stands in quotes of its own."""

Variants = dict[str, tuple[str, ...]]
Tables = dict[str, Variants]


class CannedTexts:
    """The fixed texts of every language."""

    def __init__(self, tables: Mapping[Language, Tables]) -> None:
        self._tables = tables

    @classmethod
    def load(cls, root: Path) -> CannedTexts:
        """``root/canned.<language>.toml`` of every language.

        Raises ``Permanent`` naming the file and the table when one is missing or wrong.
        """
        return cls({language: _read(root / f"canned.{language}.toml") for language in Language})

    def fixed(
        self, key: str, language: Language, *, fields: Mapping[str, str], variant: float
    ) -> str:
        """The text ``key`` of :data:`FIXED` with ``fields`` in it; empty ones are not there.

        A status needs ``code`` and takes ``product`` and ``date``. Raises ``Permanent`` for a key
        or a field nobody knows, and for a field that is missing.
        """
        if key not in FIXED:
            raise _wrong(f"there is no fixed text {key!r}")
        unknown = fields.keys() - _LONGEST.keys()
        if unknown:
            raise _wrong(f"[{key}] knows no {', '.join(sorted(unknown))}")
        words = self._with_order(_fit(fields), language)
        missing = FIXED[key] - words.keys()
        if missing:
            raise _wrong(f"[{key}] needs {', '.join(sorted(missing))}")
        text = _chosen(_fitting(self._tables[language][key], words), variant)
        return _said(text, words)

    def message(self, brief: Brief, variant: float) -> str:
        """The fixed text for a brief: that which it names, if its fields are there, or its
        purpose's. A wording already said in this chat is passed over while there is another.
        """
        table = self._tables[brief.language]
        words = self._words(brief, variant)
        key = brief.canned or ""
        named = key in table and key not in _PARTS and _TABLES[key] <= words.keys()
        texts = _fitting(table[key if named else brief.purpose.value], words)
        said = [line.text for line in brief.history if line.author is Author.BOT]
        wordings = [_said(text, words) for text in texts]
        fresh = [text for text in wordings if not any(old.startswith(text) for old in said)]
        return _chosen(fresh or wordings, variant)

    def own(self, brief: Brief, variant: float) -> str | None:
        """The seller's own text with its fields, or None: see :meth:`Prompts.own`."""
        if brief.own_text is None:
            return None
        return filled(brief.own_text, self._words(brief, variant))

    def wordings(self, key: str, language: Language) -> Variants:
        """The table ``key`` as it lies in the file: each kind of wording, with its fields."""
        return dict(self._tables[language].get(key, {}))

    def signature(self, brief: Brief) -> str:
        """A line that says which shop writes."""
        line = self._tables[brief.language]["signature"]["plain"][0]
        return line.format_map({"shop": _short(brief.shop, _LONGEST["shop"])})

    def stop_hint(self, brief: Brief, variant: float) -> str:
        """A line that says how to stop the messages."""
        return _chosen(list(self._tables[brief.language]["stop_hint"]["plain"]), variant)

    def _words(self, brief: Brief, variant: float) -> dict[str, str]:
        """The fields of whole messages: what the brief tells, and the greeting."""
        words = self._with_order(_fit(_fields_of(brief)), brief.language)
        greeted = {field: words[field] for field in ("name",) if field in words}
        greetings = _fitting(self._tables[brief.language]["greeting"], greeted)
        words["hello"] = _said(_chosen(greetings, variant * 7 % 1), words)
        words.setdefault("shop", "")
        return words

    def _with_order(self, words: dict[str, str], language: Language) -> dict[str, str]:
        """``words``, and an order as one calls it where its ``code`` is known."""
        if "code" not in words:
            return words
        wording = _fitting(self._tables[language]["order"], words)[0]
        return words | {"order": wording.format_map(words)}


def called(name: str) -> str | None:
    """An order's item as one would call it aloud; None when its name is not fit to be said."""
    if is_unfit(name):
        return None
    words = _ARTICLE.sub(" ", name[:_LONGEST_READ].translate(_NO_QUOTES)).split()
    short = " ".join(words)
    if len(short) > _LONG_PRODUCT:
        short = re.split(r", | \(", short, maxsplit=1)[0]
    return _short(short, _LONGEST_PRODUCT) or None


def is_unfit(name: str) -> bool:
    """Whether a product's name leads somewhere, or is no name at all."""
    read = plain(name[:_LONGEST_READ])
    bare = _ARTICLE.sub(" ", read)
    leads = links(read) or long_numbers(bare) or has_account(bare)
    return bool(leads) or _UNFIT.search(read) is not None


def _read(path: Path) -> Tables:
    try:
        tables = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Tables)
        _prove(tables)
    except FileNotFoundError as error:
        raise _wrong(f"{path} is missing: {error}") from error
    except (OSError, ValueError) as error:  # msgspec's and tomllib's errors are ValueErrors
        raise _wrong(f"{path} is broken: {error}") from error
    return tables


def _prove(tables: Tables) -> None:
    """Every table is there with a plain wording, and no wording asks for what it may not have."""
    for key in _TABLES:
        if not tables.get(key, {}).get("plain"):
            raise ValueError(f"[{key}] has no plain text")
    for key, variants in tables.items():
        if key not in _TABLES:
            raise ValueError(f"[{key}] is no text of ours")
        for kind, texts in variants.items():
            _prove_kind(key, kind, texts=texts)


def _prove_kind(key: str, kind: str, *, texts: tuple[str, ...]) -> None:
    if kind not in _KINDS:
        raise ValueError(f"[{key}] {kind} is none of {', '.join(_KINDS)}")
    for text in texts:
        used = {field for _, field, _, _ in Formatter().parse(text) if field is not None}
        unknown = used - _TABLES[key] - _KINDS[kind]
        if unknown:
            raise ValueError(f"[{key}] {kind} cannot use {', '.join(sorted(unknown))}")
        unused = (FIXED[key] | _KINDS[kind]) - used if key in FIXED else set()
        if unused:
            raise ValueError(f"[{key}] {kind} does not use {', '.join(sorted(unused))}: {text}")


def _wrong(what: str) -> Permanent:
    return Permanent(what, code="prompts")


def _fields_of(brief: Brief) -> dict[str, str]:
    """What a brief tells of the fields of fixed texts."""
    order = brief.orders[0] if brief.orders else None
    item = next((item for order in brief.orders for item in order.items), None)
    return {
        "shop": brief.shop,
        "name": brief.customer_name or "",
        "product": (called(item.name) if item else None) or "",
        "products": _instead(brief) if brief.purpose is Purpose.ORDER_CANCELLED else "",
        "hours": brief.hours or "",
        "link": brief.review_link or "",
        "code": order.code if order else "",
        "date": _planned(order, brief) if order else "",
    }


def _instead(brief: Brief) -> str:
    """One or two things that may stand in for what was ordered, by name and without a price."""
    there = (called(product.name) for product in brief.products if product.in_stock)
    return ", ".join(f"«{name}»" for name in [name for name in there if name][:_MOST_INSTEAD])


def _planned(order: Order, brief: Brief) -> str:
    """The day an order is planned for, as a figure every language reads alike."""
    if order.planned_at is None:
        return ""
    return f"{order.planned_at.astimezone(brief.local_time.tzinfo):%d.%m.%Y}"


def _fit(fields: Mapping[str, str]) -> dict[str, str]:
    """The fields there are, short enough, without a product whose name is not fit to be said."""
    fit = {field: _short(value.strip(), _LONGEST[field]) for field, value in fields.items()}
    if "product" in fit:
        unfit = is_unfit(fields["product"])
        fit["product"] = "" if unfit else fit["product"].translate(_NO_QUOTES)
    return {field: value for field, value in fit.items() if value}


def _fitting(variants: Variants, words: Mapping[str, str]) -> list[str]:
    """The wordings of the richest kind whose fields are there."""
    kinds = (kind for kind, needs in _KINDS.items() if needs <= words.keys() and variants.get(kind))
    return list(variants[next(kinds, "plain")])


def _said(text: str, words: Mapping[str, str]) -> str:
    """A wording with its fields, beginning like a sentence."""
    said = text.format_map(words)[:_LONGEST_TEXT]
    return said[:1].upper() + said[1:]


def _chosen(texts: list[str], variant: float) -> str:
    return texts[int(variant * len(texts))]


def _short(name: str, most: int) -> str:
    """``name`` cut between two words; what has no place to cut it, and is too long, is left out."""
    return (
        textwrap.shorten(name, most, placeholder="").rstrip(" ,.-(") if len(name) > most else name
    )
