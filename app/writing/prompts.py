"""The texts under ``prompts/``: what the model is told, and what is said without it.

``prompts/<purpose>/v1.<language>.j2`` is the instruction for one purpose, made of
``_parts/``; it holds no fact, so it is the same for every customer and a provider can cache it.
``v2`` and so on beside it are other arms: whoever gets one, and has a language it lacks, gets v1.
What follows is of one customer: ``_parts/advice`` wraps what the knowledge base advises here,
``_parts/facts`` the facts. ``canned.<language>.toml`` holds fixed texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import jinja2
from msgspec import Struct
from msgspec.structs import replace

import app
from app.domain.brief import Brief
from app.domain.events import Language
from app.domain.experiments import FIRST
from app.domain.rules import Purpose
from app.errors import Permanent
from app.writing.canned import CannedTexts, Variants
from app.writing.checks import Fault, limit
from app.writing.facts_block import as_json, cut, facts
from app.writing.knowledge import Knowledge

VERSION = FIRST

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

_FILE = re.compile(rf"(v[1-9]\d*)\.({'|'.join(Language)})\.j2")
"""An arm's file, by its name in the folder of the purpose."""


class _Place(Struct, frozen=True, kw_only=True):
    """Where an instruction is from: the purpose (or the suggestion), its arm and language."""

    name: str
    arm: str
    language: Language

    @property
    def file(self) -> str:
        return f"{self.name}/{self.arm}.{self.language}.j2"


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
        systems: dict[_Place, str],
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
        places = [place for name in (*WRITTEN, SUGGESTION) for place in _places(root, name)]
        return cls(
            systems={place: _system(environment, root, place) for place in places},
            parts={
                (name, language): _template(environment, root, f"_parts/{name}.{language}.j2")
                for name in ("advice", "facts", "repair")
                for language in Language
            },
            canned=CannedTexts.load(root),
            knowledge=Knowledge.load(root),
        )

    @property
    def arms(self) -> dict[Purpose, tuple[str, ...]]:
        """The arms of every purpose the model writes, v1 first."""
        return {
            purpose: tuple(
                dict.fromkeys(place.arm for place in self._systems if place.name == purpose)
            )
            for purpose in WRITTEN
        }

    def sources(self, purpose: Purpose) -> dict[tuple[str, Language], str]:
        """The instructions of a purpose as the model reads them, by arm and language."""
        return {
            (place.arm, place.language): system
            for place, system in self._systems.items()
            if place.name == purpose
        }

    def wordings(self, purpose: Purpose, language: Language) -> Variants:
        """The fixed texts of a purpose by their kind, with fields where something is put in."""
        return self._canned.wordings(purpose, language)

    def writes(self, brief: Brief) -> bool:
        """Whether the model is to write this, rather than a fixed text be used."""
        place = _Place(name=brief.purpose, arm=FIRST, language=brief.language)
        return brief.canned is None and place in self._systems

    def with_arm(self, brief: Brief) -> Brief:
        """``brief`` with the arm whose prompt is used: v1 where its own lacks the language."""
        place = _Place(name=brief.purpose, arm=brief.arm, language=brief.language)
        return brief if place in self._systems else replace(brief, arm=FIRST)

    def render(self, brief: Brief) -> Prompt:
        """The instruction, the advice and the facts for a brief that :meth:`writes`.

        The advice is ours and stands before the facts: nothing of a customer's is in it.
        """
        return self._prompt(brief.purpose, brief, arm=self.with_arm(brief).arm)

    def suggestion(self, brief: Brief) -> Prompt:
        """The same for a draft of what a person at the shop may answer to a brief."""
        return self._prompt(SUGGESTION, brief, arm=VERSION)

    def _prompt(self, name: str, brief: Brief, *, arm: str) -> Prompt:
        advice = self._parts["advice", brief.language].render(
            advice=self._knowledge.advice_for(brief)
        )
        told = self._parts["facts", brief.language].render(facts=facts(brief))
        return Prompt(
            name=f"{name}/{arm}",
            system=self._systems[_Place(name=name, arm=arm, language=brief.language)],
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


def _places(root: Path, name: str) -> list[_Place]:
    """The instructions there are: v1 in every language, then the others. The draft for a person
    has no arms. Raises ``Permanent`` naming a file that is called as no arm is.
    """
    first = [_Place(name=name, arm=FIRST, language=language) for language in Language]
    found = [_place(path, name) for path in (root / name).glob("*.j2")]
    others = sorted({place.arm for place in found} - {FIRST}, key=lambda arm: int(arm[1:]))
    if others and name == SUGGESTION:
        raise Permanent(f"{root / name} has {others[0]}: a suggestion has no arms", code="prompts")
    arms = [_Place(name=name, arm=arm, language=one) for arm in others for one in Language]
    return [*first, *(place for place in arms if place in found)]


def _place(path: Path, name: str) -> _Place:
    match = _FILE.fullmatch(path.name)
    if match is None:
        raise Permanent(f"{path} is named as no prompt is: v2.ru.j2 would be", code="prompts")
    return _Place(name=name, arm=match[1], language=Language(match[2]))


def _system(environment: jinja2.Environment, root: Path, place: _Place) -> str:
    template = _template(environment, root, place.file)
    purpose = Purpose.REPLY if place.name == SUGGESTION else Purpose(place.name)
    try:
        return template.render(limit=limit(purpose)).strip()
    except jinja2.TemplateError as error:
        raise _broken(root / place.file, error) from error


def _template(environment: jinja2.Environment, root: Path, name: str) -> jinja2.Template:
    try:
        return environment.get_template(name)
    except jinja2.TemplateError as error:
        raise _broken(root / name, error) from error


def _broken(path: Path, error: Exception) -> Permanent:
    missing = isinstance(error, jinja2.TemplateNotFound)
    what = f"is missing or includes a file that is: {error}" if missing else f"is broken: {error}"
    return Permanent(f"{path} {what}", code="prompts")
