"""The knowledge base under ``prompts/knowledge/``: what a good seller would do here.

Four tables in every language: ``stages``, ``segments``, ``objections`` and ``cases``. The last two
hold ``words`` that give them away. A language's file has that language's words, and all of them
are looked for in every message, since people mix.

How ``words`` are written: ``дорого`` is a whole word, ``дороговат*`` the beginning of one,
``дорого|дороже`` either and ``не_нужно`` two side by side. Where there is a space up to two other
words may stand between, and of two steps either may come first. After ``=`` nothing else may be
in the sentence.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from app.domain.brief import Brief
from app.domain.events import Language
from app.domain.letters import fold
from app.domain.meaning import Mood, Segment
from app.domain.rules import Purpose
from app.errors import Permanent
from app.writing.links import long_numbers

_STAGES = {
    Purpose.POST_PURCHASE: "after_purchase",
    Purpose.ORDER_DELIVERED: "after_delivery",
    Purpose.REVIEW_REQUEST: "review",
    Purpose.REMINDER: "silence",
    Purpose.CAMPAIGN: "promotion",
    Purpose.HANDED_OVER: "on_the_way",
    Purpose.READY_FOR_PICKUP: "pickup",
    Purpose.ORDER_CANCELLED: "cancelled",
    Purpose.REPLY: "question",
}
"""The stage of a chat a purpose belongs to; a customer's mood changes that of a reply."""

_MOODS = {Mood.GOOD: "happy", Mood.BAD: "problem"}

_MOST = 2
"""Objections and cases advised on at once: more is not read."""

_CARD_DIGITS = 16
_CARD = "card_number"
"""The case of a message with a bank card's number in it, whatever its words."""

_LONGEST_READ = 800
"""Characters of one message that are looked at."""

_REPEATED = re.compile(r"([^\W\d_])\1{2,}")
_SENTENCE = re.compile(r"[^.!?;\n]+[.!?;\n]*")
_SOFT_SIGNS = str.maketrans("", "", "ьъ")
_DENIAL = re.compile(r"\b(?:не|емес|not)\b ?")
_PAIR = 2
_WRITTEN = re.compile(r"=?[^\W_]+\*?(?:[|_ ][^\W_]+\*?)*")
_GAP = r"(?: \w+){0,2} "
_LATIN_WORD = re.compile(r"(?<!\w)[a-z]{2,}(?!\w)")
_LETTERS = re.compile(r"shch|sch|zh|sh|ch|kh|ts|gh|yu|ya|yo|ye|[aeou]y(?![aeou])|[a-z]")
_SOUNDS = {
    "shch": "щ", "sch": "щ", "zh": "ж", "sh": "ш", "ch": "ч", "kh": "х", "ts": "тс", "gh": "г",
    "yu": "ю", "ya": "я", "yo": "е", "ye": "е", "ay": "аи", "ey": "еи", "oy": "ои", "uy": "уи",
    "x": "кс",
    **dict(zip("abcdefghijklmnopqrstuvwyz", "абцдефгхижклмнопкрстувуыз", strict=True)),
}  # fmt: skip
_NOT_BEFORE = "".join(
    rf"(?<!\b{denial} )"
    for denial in ("не", "не очень", "не так", "не слишком", "not", "not too", "not that")
)
_NOT_AFTER = r"(?! емес\b)"
"""What is denied is not an objection: «не дорого», «қымбат емес»."""


class _Stage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    aim: str
    tone: str
    do: str
    never: str


class _Segment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    advice: str


class _Found(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An objection or a case."""

    words: tuple[str, ...]
    advice: str


class _Texts(Struct, frozen=True, kw_only=True):
    """The knowledge base in one language."""

    stages: dict[str, _Stage]
    segments: dict[str, _Segment]
    objections: dict[str, _Found]
    cases: dict[str, _Found]


_Entry = TypeVar("_Entry", _Stage, _Segment, _Found)
Signs = dict[str, re.Pattern[str]]


class Knowledge:
    """What the shop advises for a stage, a customer, an objection, a special case."""

    def __init__(self, texts: dict[Language, _Texts]) -> None:
        self._texts = texts
        self._objections = _signs([one.objections for one in texts.values()])
        self._cases = _signs([one.cases for one in texts.values()])

    @classmethod
    def load(cls, root: Path) -> Knowledge:
        """Everything under ``root/knowledge``.

        Raises ``Permanent`` naming the file, and the key, when one is missing or wrong.
        """
        folder = root / "knowledge"
        texts = {language: _read(folder, language) for language in Language}
        for table in _Texts.__struct_fields__:
            _prove_same(folder, table, texts=texts)
        return cls(texts)

    def advice_for(self, brief: Brief) -> tuple[str, ...]:
        """What to do here, in the language of the brief: the stage, who the customer is, and what
        the messages to answer hold, special cases first.
        """
        texts = self._texts[brief.language]
        stage, segment = texts.stages[stage_of(brief)], texts.segments[brief.segment.value]
        cases = [texts.cases[key] for key in self.cases_in(brief.messages_to_answer)]
        doubts = [texts.objections[key] for key in self.objections_in(brief.messages_to_answer)]
        return (
            f"{stage.aim} {stage.tone} {stage.do} {stage.never}",
            segment.advice,
            *(found.advice for found in [*cases, *doubts]),
        )

    def objections_in(self, messages: tuple[str, ...]) -> tuple[str, ...]:
        """The keys of the objections in ``messages``: at most two, the first of the file first."""
        return _found(self._objections, messages)[:_MOST]

    def cases_in(self, messages: tuple[str, ...]) -> tuple[str, ...]:
        """The keys of the special cases in ``messages``, in the same way."""
        found = _found(self._cases, messages)
        if _CARD not in found and any(_holds_a_card(text) for text in messages):
            found = (_CARD, *found)
        return found[:_MOST]


def stage_of(brief: Brief) -> str:
    """The stage of the chat: a reply to someone happy or unhappy is a stage of its own."""
    if brief.purpose is Purpose.REPLY and brief.mood:
        return _MOODS[brief.mood]
    return _STAGES.get(brief.purpose, "question")


def folded(text: str) -> str:
    """Words as people type them: one case, no Kazakh letters, no soft signs, «дорогооо» is short.

    >>> folded("ҚЫМБААААТ, подумать")
    'кымбат подумат'
    """
    return _REPEATED.sub(r"\1", fold(text)).translate(_SOFT_SIGNS)


def _read(folder: Path, language: Language) -> _Texts:
    return _Texts(
        stages=_table(_path(folder, "stages", language), _Stage),
        segments=_table(_path(folder, "segments", language), _Segment),
        objections=_table(_path(folder, "objections", language), _Found),
        cases=_table(_path(folder, "cases", language), _Found),
    )


def _path(folder: Path, table: str, language: Language) -> Path:
    return folder / f"{table}.{language.value}.toml"


def _table(path: Path, entry: type[_Entry]) -> dict[str, _Entry]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _wrong(path, f"is missing: {error}") from error
    except (OSError, ValueError) as error:  # tomllib's errors are ValueErrors
        raise _wrong(path, f"is broken: {error}") from error
    return {key: _entry(path, key, value=value, entry=entry) for key, value in content.items()}


def _entry(path: Path, key: str, *, value: object, entry: type[_Entry]) -> _Entry:
    try:
        read = msgspec.convert(value, entry)
    except msgspec.ValidationError as error:
        raise _wrong(path, f"[{key}] is wrong: {error}") from error
    for field in entry.__struct_fields__:
        _prove_field(path, f"[{key}] {field}", value=getattr(read, field))
    return read


def _prove_field(path: Path, name: str, *, value: str | tuple[str, ...]) -> None:
    """Nothing is empty, no advice could be taken for a fact or leave its line, all words match."""
    if not value or not all(each.strip() for each in value if isinstance(value, tuple)):
        raise _wrong(path, f"{name} is empty")
    if isinstance(value, str):
        if not value.strip() or set("<>{}\n") & set(value):
            raise _wrong(path, f"{name} is empty, or has one of < > {{ }} or a line's end in it")
        return
    for phrase in value:
        if _WRITTEN.fullmatch(phrase) is None:
            raise _wrong(path, f"{name}: {phrase!r} is not written as words are")


def _prove_same(folder: Path, table: str, *, texts: dict[Language, _Texts]) -> None:
    """Every language has the keys of the first, which has those the program asks for."""
    needed = {
        "stages": {*_STAGES.values(), *_MOODS.values()},
        "segments": {segment.value for segment in Segment},
        "cases": {_CARD},
    }.get(table, set())
    everywhere = needed.union(*(getattr(one, table) for one in texts.values()))
    for language, one in texts.items():
        missing = everywhere - getattr(one, table).keys()
        if missing:
            raise _wrong(_path(folder, table, language), f"lacks [{', '.join(sorted(missing))}]")


def _wrong(path: Path, what: str) -> Permanent:
    return Permanent(f"{path} {what}", code="prompts")


def _signs(tables: list[dict[str, _Found]]) -> Signs:
    """One pattern a key, of the words of all languages."""
    keys = tables[0]
    return {key: _pattern(word for table in tables for word in table[key].words) for key in keys}


def _pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    written = dict.fromkeys(phrases)
    anywhere = [_spelled(phrase) for phrase in written if not phrase.startswith("=")]
    alone = [_spelled(phrase[1:]) for phrase in written if phrase.startswith("=")]
    parts = [rf"{_NOT_BEFORE}\b(?:{'|'.join(anywhere)})\b{_NOT_AFTER}"] if anywhere else []
    parts += [rf"^(?:{'|'.join(alone)})$"] if alone else []
    return re.compile("|".join(parts))


def _spelled(phrase: str) -> str:
    """The pattern of one phrase over folded words; two steps may come in either order."""
    steps = [f"(?:{'|'.join(map(_run, step.split('|')))})" for step in phrase.split()]
    orders = [steps, steps[::-1]] if len(steps) == _PAIR else [steps]
    return "|".join(_GAP.join(order) for order in orders)


def _run(words: str) -> str:
    """The pattern of words side by side."""
    return " ".join(
        re.escape(folded(word)) + (r"\w*" if word.endswith("*") else r"\b")
        for word in words.split("_")
    )


def _found(signs: Signs, messages: tuple[str, ...]) -> tuple[str, ...]:
    said = {reading for text in messages for reading in _readings(text[:_LONGEST_READ])}
    return tuple(key for key, sign in signs.items() if any(sign.search(one) for one in said))


def _readings(text: str) -> Iterator[str]:
    """The folded sentences of a text, and how they sound where they are typed in Latin letters.

    A question denies nothing («не дорого ли?»), so it is read without its denial, too.
    """
    for sentence in _SENTENCE.findall(text):
        words = folded(sentence)
        heard = _LATIN_WORD.sub(_sound, words)
        yield from (words, heard)
        if "?" in sentence:
            yield from (_DENIAL.sub("", words), _DENIAL.sub("", heard))


def _sound(match: re.Match[str]) -> str:
    return folded(_LETTERS.sub(lambda letters: _SOUNDS[letters.group()], match.group()))


def _holds_a_card(text: str) -> bool:
    return any(len(number) == _CARD_DIGITS for number in long_numbers(text[:_LONGEST_READ]))
