"""The texts under ``prompts/``: what the model is told, and what is said without it.

``prompts/<purpose>/v1.<language>.j2`` is the instruction for one purpose, made of
``_parts/``; it holds no fact, so it is the same for every customer and a provider can cache it.
What follows is of one customer: ``_parts/advice`` wraps what the knowledge base advises here,
``_parts/facts`` the facts. ``canned.<language>.toml`` holds fixed texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import jinja2
from msgspec import Struct

import app
from app.domain.brief import Brief
from app.domain.events import Language
from app.domain.rules import Purpose
from app.errors import Permanent
from app.writing.canned import CannedTexts
from app.writing.checks import Fault, limit
from app.writing.facts_block import as_json, cut, facts
from app.writing.knowledge import Knowledge

VERSION = "v1"

WRITTEN = (
    Purpose.POST_PURCHASE,
    Purpose.ORDER_DELIVERED,
    Purpose.REVIEW_REQUEST,
    Purpose.REMINDER,
    Purpose.CAMPAIGN,
    Purpose.HANDED_OVER,
    Purpose.READY_FOR_PICKUP,
    Purpose.ORDER_CANCELLED,
    Purpose.REPLY,
)
"""Purposes the model writes; the others are always canned."""

SUGGESTION = "suggestion"
"""The prompt of a draft for the person at the shop, which is no purpose."""


class Prompt(Struct, frozen=True, kw_only=True):
    """What is sent to the model. ``name`` is ``purpose/version``."""

    name: str
    system: str
    user: str


class _Rejected(Struct, frozen=True, kw_only=True):
    text: str
    faults: list[str]


class Prompts:
    """All prompts, canned texts and the knowledge base, read and proved once."""

    def __init__(
        self,
        *,
        systems: dict[tuple[str, Language], str],
        parts: dict[tuple[str, Language], jinja2.Template],
        canned: CannedTexts,
        knowledge: Knowledge,
    ) -> None:
        self._systems = systems
        self._parts = parts
        self._canned = canned
        self._knowledge = knowledge

    @classmethod
    def load(cls, path: Path | None = None) -> Prompts:
        """Everything under ``path`` (the product's own ``prompts/`` unless told; read once).

        Raises ``Permanent`` naming the file when one is missing, broken or incomplete.
        """
        return _own() if path is None else cls._read(path)

    @classmethod
    def _read(cls, root: Path) -> Prompts:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(root),
            undefined=jinja2.StrictUndefined,
            autoescape=False,  # noqa: S701 - plain text for a model, never HTML; facts are JSON
            trim_blocks=True,
            lstrip_blocks=True,
        )
        names = (*WRITTEN, SUGGESTION)
        pairs = [(str(name), language) for name in names for language in Language]
        return cls(
            systems={pair: _system(environment, root, pair) for pair in pairs},
            parts={
                (name, language): _template(environment, root, f"_parts/{name}.{language}.j2")
                for name in ("advice", "facts", "repair")
                for language in Language
            },
            canned=CannedTexts.load(root),
            knowledge=Knowledge.load(root),
        )

    def writes(self, brief: Brief) -> bool:
        """Whether the model is to write this, rather than a fixed text be used."""
        return brief.canned is None and (brief.purpose, brief.language) in self._systems

    def render(self, brief: Brief) -> Prompt:
        """The instruction, the advice and the facts for a brief that :meth:`writes`.

        The advice is ours and stands before the facts: nothing of a customer's is in it.
        """
        return self._prompt(brief.purpose, brief)

    def suggestion(self, brief: Brief) -> Prompt:
        """The same for a draft of what a person at the shop may answer to a brief."""
        return self._prompt(SUGGESTION, brief)

    def _prompt(self, name: str, brief: Brief) -> Prompt:
        advice = self._parts["advice", brief.language].render(
            advice=self._knowledge.advice_for(brief)
        )
        told = self._parts["facts", brief.language].render(facts=facts(brief))
        return Prompt(
            name=f"{name}/{VERSION}",
            system=self._systems[name, brief.language],
            user=f"{advice}\n{told}",
        )

    def repair(self, brief: Brief, text: str, faults: tuple[Fault, ...]) -> Prompt:
        """The prompt once more, with the rejected ``text`` and what was wrong with it."""
        prompt = self.render(brief)
        rejected = _Rejected(text=cut(text), faults=[fault.detail for fault in faults])
        part = self._parts["repair", brief.language].render(rejected=as_json(rejected))
        return Prompt(name=prompt.name, system=prompt.system, user=f"{prompt.user}\n{part}")

    def canned(self, brief: Brief, variant: float) -> str:
        """The fixed text for a brief; ``variant`` in [0, 1) chooses among its wordings.

        A wording the bot has already used in this chat is passed over while there is another.
        """
        return self._canned.message(brief, variant)

    def own(self, brief: Brief, variant: float) -> str | None:
        """The seller's own text for a brief, filled in; None where there is none, or where it
        needs what is not known of this customer.
        """
        return self._canned.own(brief, variant)

    def fixed(
        self, key: str, language: Language, *, fields: Mapping[str, str], variant: float
    ) -> str:
        """A text made from facts: see :meth:`app.writing.canned.CannedTexts.fixed`."""
        return self._canned.fixed(key, language, fields=fields, variant=variant)

    def signature(self, brief: Brief) -> str:
        """A line that says which shop writes."""
        return self._canned.signature(brief)

    def stop_hint(self, brief: Brief, variant: float) -> str:
        """A line that says how to stop the messages."""
        return self._canned.stop_hint(brief, variant)


@cache
def _own() -> Prompts:
    """The product's own, which do not change while it runs."""
    return Prompts._read(Path(app.__file__).resolve().parent.parent / "prompts")  # noqa: SLF001


def _system(environment: jinja2.Environment, root: Path, pair: tuple[str, Language]) -> str:
    name, language = pair
    file = f"{name}/{VERSION}.{language.value}.j2"
    template = _template(environment, root, file)
    purpose = Purpose.REPLY if name == SUGGESTION else Purpose(name)
    try:
        return template.render(limit=limit(purpose)).strip()
    except jinja2.TemplateError as error:
        raise _broken(root / file, error) from error


def _template(environment: jinja2.Environment, root: Path, name: str) -> jinja2.Template:
    try:
        return environment.get_template(name)
    except jinja2.TemplateError as error:
        raise _broken(root / name, error) from error


def _broken(path: Path, error: Exception) -> Permanent:
    missing = isinstance(error, jinja2.TemplateNotFound)
    what = f"is missing or includes a file that is: {error}" if missing else f"is broken: {error}"
    return Permanent(f"{path} {what}", code="prompts")
