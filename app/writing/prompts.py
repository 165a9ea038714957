"""The texts under ``prompts/``: what the model is told, and what is said without it.

``prompts/<purpose>/v1.<language>.j2`` is the instruction for one purpose, made of
``_parts/``; it holds no fact, so it is the same for every customer and a provider can cache it.
``_parts/facts`` wraps the facts that follow it. ``canned.<language>.toml`` holds fixed texts.
"""

from __future__ import annotations

import re
import textwrap
import tomllib
from pathlib import Path
from string import Formatter

import jinja2
import msgspec
from msgspec import Struct

import app
from app.domain.brief import Brief
from app.domain.conversation import Author
from app.domain.events import Item, Language, Order
from app.domain.rules import Purpose
from app.errors import Permanent
from app.writing.checks import Fault, limit
from app.writing.links import has_account, links, long_numbers, plain

VERSION = "v1"

WRITTEN = (
    Purpose.POST_PURCHASE,
    Purpose.ORDER_DELIVERED,
    Purpose.REVIEW_REQUEST,
    Purpose.REMINDER,
    Purpose.CAMPAIGN,
    Purpose.REPLY,
)
"""Purposes the model writes; the others are always canned."""

NEEDED = (*Purpose, "opt_in_confirmation", "media", "call", "greeting", "signature", "stop_hint")
"""Tables every ``canned`` file must have."""

_LONGEST_FACT = 2000
"""Characters of one text in the facts: a pasted novel costs money and tells nothing more."""

_LONGEST_NAME, _LONGEST_SHOP = 40, 80
"""Characters a customer's and a shop's name may take in a fixed text."""

_LONGEST_TEXT = 1000
"""No fixed text is longer, whatever the names in it."""

_LONG_PRODUCT, _LONGEST_PRODUCT = 30, 60
"""Characters from which a product's name loses its details, and the most it may have."""

_UNFIT = re.compile(r"[<>{}\[\]\\|@]|\d{9}")
"""A product's name with this, a link or a phone is not in a fixed text: nobody checks those."""

_ARTICLE = re.compile(r"\S*\d{5}\S*")
"""A manufacturer's number in a product's name, which nobody says aloud."""

_NO_QUOTES = str.maketrans("", "", '«»„“”"')
"""A product's name stands in quotes of its own."""

_ESCAPES = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>\x7f\x85\u2028\u2029"}
"""What JSON leaves as it is and a reader may take for a tag or a new line."""

_FIELDS = {
    "plain": {"hello", "shop"},
    "name": {"hello", "shop", "name"},
    "product": {"hello", "shop", "product"},
    "name_product": {"hello", "shop", "name", "product"},
}
"""Kinds of canned variants, and the placeholders each may use."""

Variants = dict[str, tuple[str, ...]]
Canned = dict[str, Variants]


class Prompt(Struct, frozen=True, kw_only=True):
    """What is sent to the model. ``name`` is ``purpose/version``."""

    name: str
    system: str
    user: str


class _Line(Struct, frozen=True, kw_only=True):
    author: str
    text: str


class _Item(Struct, frozen=True, kw_only=True):
    name: str
    quantity: int
    price: float | None


class _Order(Struct, frozen=True, kw_only=True):
    code: str
    items: list[_Item]
    total: float | None
    stage: str


class _Facts(Struct, frozen=True, kw_only=True):
    """The block between ``<facts>`` and ``</facts>``: all that the model knows of a customer."""

    purpose: str
    language: str
    shop: str
    customer_name: str | None
    orders: list[_Order]
    messages_to_answer: list[str]
    history: list[_Line]
    local_time: str


class _Rejected(Struct, frozen=True, kw_only=True):
    text: str
    faults: list[str]


class Prompts:
    """All prompts and canned texts, read and proved once."""

    def __init__(
        self,
        *,
        systems: dict[tuple[Purpose, Language], str],
        parts: dict[tuple[str, Language], jinja2.Template],
        canned: dict[Language, Canned],
    ) -> None:
        self._systems = systems
        self._parts = parts
        self._canned = canned

    @classmethod
    def load(cls, path: Path | None = None) -> Prompts:
        """Everything under ``path`` (the product's own ``prompts/`` unless told).

        Raises ``Permanent`` naming the file when one is missing, broken or incomplete.
        """
        root = path or Path(app.__file__).resolve().parent.parent / "prompts"
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(root),
            undefined=jinja2.StrictUndefined,
            autoescape=False,  # noqa: S701 - plain text for a model, never HTML; facts are JSON
            trim_blocks=True,
            lstrip_blocks=True,
        )
        pairs = [(purpose, language) for purpose in WRITTEN for language in Language]
        return cls(
            systems={pair: _system(environment, root, pair) for pair in pairs},
            parts={
                (name, language): _template(environment, root, f"_parts/{name}.{language}.j2")
                for name in ("facts", "repair")
                for language in Language
            },
            canned={
                language: _read_canned(root / f"canned.{language}.toml") for language in Language
            },
        )

    def writes(self, brief: Brief) -> bool:
        """Whether the model is to write this, rather than a fixed text be used."""
        return brief.canned is None and (brief.purpose, brief.language) in self._systems

    def render(self, brief: Brief) -> Prompt:
        """The instruction and the facts for a brief that :meth:`writes`."""
        facts = _as_json(_facts_of(brief))
        return Prompt(
            name=f"{brief.purpose.value}/{VERSION}",
            system=self._systems[brief.purpose, brief.language],
            user=self._parts["facts", brief.language].render(facts=facts),
        )

    def repair(self, brief: Brief, text: str, faults: tuple[Fault, ...]) -> Prompt:
        """The prompt once more, with the rejected ``text`` and what was wrong with it."""
        prompt = self.render(brief)
        rejected = _Rejected(text=_cut(text), faults=[fault.detail for fault in faults])
        part = self._parts["repair", brief.language].render(rejected=_as_json(rejected))
        return Prompt(name=prompt.name, system=prompt.system, user=f"{prompt.user}\n{part}")

    def canned(self, brief: Brief, variant: float) -> str:
        """The fixed text for a brief; ``variant`` in [0, 1) chooses among its wordings.

        A wording the bot has already used in this chat is passed over while there is another.
        """
        table = self._canned[brief.language]
        name, product = _short(brief.customer_name or "", _LONGEST_NAME), _product_of(brief)
        words = {"shop": _short(brief.shop, _LONGEST_SHOP), "name": name, "product": product or ""}
        greetings = _fitting(table["greeting"], name=name, product=None)
        words["hello"] = _chosen(greetings, variant * 7 % 1).format_map(words)
        variants = table.get(brief.canned or "") or table[brief.purpose.value]
        texts = _fitting(variants, name=name, product=product)
        said = [line.text for line in brief.history if line.author is Author.BOT]
        wordings = [text.format_map(words) for text in texts]
        fresh = [text for text in wordings if not any(old.startswith(text) for old in said)]
        return _chosen(fresh or wordings, variant)[:_LONGEST_TEXT]

    def signature(self, brief: Brief) -> str:
        """A line that says which shop writes."""
        line = self._canned[brief.language]["signature"]["plain"][0]
        return line.format_map({"shop": _short(brief.shop, _LONGEST_SHOP)})

    def stop_hint(self, brief: Brief, variant: float) -> str:
        """A line that says how to stop the messages."""
        return _chosen(list(self._canned[brief.language]["stop_hint"]["plain"]), variant)


def _system(environment: jinja2.Environment, root: Path, pair: tuple[Purpose, Language]) -> str:
    purpose, language = pair
    name = f"{purpose.value}/{VERSION}.{language.value}.j2"
    template = _template(environment, root, name)
    try:
        return template.render(limit=limit(purpose)).strip()
    except jinja2.TemplateError as error:
        raise _broken(root / name, error) from error


def _template(environment: jinja2.Environment, root: Path, name: str) -> jinja2.Template:
    try:
        return environment.get_template(name)
    except jinja2.TemplateError as error:
        raise _broken(root / name, error) from error


def _broken(path: Path, error: Exception) -> Permanent:
    missing = isinstance(error, jinja2.TemplateNotFound | FileNotFoundError)
    what = f"is missing or includes a file that is: {error}" if missing else f"is broken: {error}"
    return Permanent(f"{path} {what}", code="prompts")


def _read_canned(path: Path) -> Canned:
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Canned)
        _prove(table)
    except (OSError, ValueError) as error:  # msgspec's and tomllib's errors are ValueErrors
        raise _broken(path, error) from error
    return table


def _prove(table: Canned) -> None:
    """Every key is there with a plain wording, and no wording asks for what it may not have."""
    for key in NEEDED:
        if not table.get(key, {}).get("plain"):
            raise ValueError(f"[{key}] has no plain text")
    for key, variants in table.items():
        for kind, texts in variants.items():
            if kind not in _FIELDS:
                raise ValueError(f"[{key}] {kind} is none of {', '.join(_FIELDS)}")
            for text in texts:
                used = {field for _, field, _, _ in Formatter().parse(text) if field is not None}
                if not used <= _FIELDS[kind]:
                    raise ValueError(f"[{key}] {kind} cannot use {used - _FIELDS[kind]}")


def _fitting(variants: Variants, *, name: str | None, product: str | None) -> list[str]:
    """The wordings of the richest kind whose facts are there."""
    has = {"name": bool(name), "product": bool(product), "name_product": bool(name and product)}
    kinds = ("name_product", "product", "name")
    kind = next((kind for kind in kinds if has[kind] and variants.get(kind)), "plain")
    return list(variants[kind])


def _chosen(texts: list[str], variant: float) -> str:
    return texts[int(variant * len(texts))]


def _product_of(brief: Brief) -> str | None:
    """The first thing of the order as one would call it aloud; None when its name is not fit."""
    item = next((item for order in brief.orders for item in order.items), None)
    if item is None or _is_unfit(item.name[:_LONGEST_FACT]):
        return None
    words = _ARTICLE.sub(" ", item.name[:_LONGEST_FACT].translate(_NO_QUOTES)).split()
    name = " ".join(words)
    if len(name) > _LONG_PRODUCT:
        name = re.split(r", | \(", name, maxsplit=1)[0]
    return textwrap.shorten(name, _LONGEST_PRODUCT, placeholder="").rstrip(" ,.-(") or None


def _is_unfit(name: str) -> bool:
    """Whether a product's name leads somewhere, or is no name at all."""
    read = plain(name)
    called = _ARTICLE.sub(" ", read)
    leads = links(read) or long_numbers(called) or has_account(called)
    return bool(leads) or _UNFIT.search(read) is not None


def _short(name: str, most: int) -> str:
    """``name`` cut between two words; what has no place to cut it, and is too long, is left out."""
    return (
        textwrap.shorten(name, most, placeholder="").rstrip(" ,.-(") if len(name) > most else name
    )


def _facts_of(brief: Brief) -> _Facts:
    return _Facts(
        purpose=brief.purpose.value,
        language=brief.language.value,
        shop=brief.shop,
        customer_name=brief.customer_name,
        orders=[_order(order) for order in brief.orders],
        messages_to_answer=[_cut(text) for text in brief.messages_to_answer],
        history=[_Line(author=line.author.value, text=_cut(line.text)) for line in brief.history],
        local_time=f"{brief.local_time:%Y-%m-%d %H:%M}",
    )


def _order(order: Order) -> _Order:
    return _Order(
        code=order.code,
        items=[_item(item) for item in order.items],
        total=_tenge(order.total),
        stage=order.stage.value,
    )


def _item(item: Item) -> _Item:
    return _Item(name=_cut(item.name), quantity=item.quantity, price=_tenge(item.price))


def _tenge(amount: float | None) -> float | None:
    """``15990`` rather than ``15990.0``: a model repeats what it reads."""
    return int(amount) if amount is not None and amount == int(amount) else amount


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_FACT else text[:_LONGEST_FACT] + "…"


def _as_json(value: Struct) -> str:
    """One line of JSON in which no customer's text can write a tag or end the line."""
    return msgspec.json.encode(value).decode().translate(_ESCAPES)
