"""Whether a message asks to be left alone, to be written to again, or for help. Rules, no model.

``stops.read`` turns a message into a row of parts («больше не пишите мне» is ``more not write
tome``); the rules here are patterns over such rows, so they hold for both languages and all forms
of a word. A bare stop word stops only when the message says nothing else; a clear phrase stops
wherever it stands; what is unclear opts nobody out.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from app.domain.letters import fold
from app.domain.stop_rules import (
    CLEAR,
    CLEAR_ALONE,
    DISMISSED,
    LEAVE_US,
    TAKEN_OFF,
    UNSURE,
    UNSURE_ALONE,
    found,
)
from app.domain.stops import parts_of, read, readings

__all__ = ["Tier", "Wish", "fold", "tier_of", "wish_of"]


class Wish(StrEnum):
    """What a message says about being written to at all."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    MAYBE_STOP = "maybe_stop"


class Tier(StrEnum):
    """How a stop was said: a bare word, a clear phrase, or so that one cannot be sure."""

    WORD = "word"
    PHRASE = "phrase"
    UNSURE = "unsure"


def wish_of(text: str, extra_stops: tuple[str, ...] = ()) -> Wish | None:
    """What the whole message wishes, or None. ``extra_stops`` are the seller's own words."""
    return _heard(text, extra_stops)[0]


def tier_of(text: str, extra_stops: tuple[str, ...] = ()) -> Tier | None:
    """How a stop was said, for the journal; None where the message is none."""
    return _heard(text, extra_stops)[1]


_Heard = tuple[Wish | None, Tier | None]
_NOTHING: _Heard = (None, None)


def _heard(text: str, extra_stops: tuple[str, ...]) -> _Heard:
    heard = _judged(read(text))
    if heard[0] not in (Wish.STOP, Wish.START, Wish.HELP) and _is_own_word(text, extra_stops):
        return Wish.STOP, Tier.WORD
    if heard is _NOTHING:
        others = map(_judged, readings(text))
        heard = next((each for each in others if each[0] not in (None, Wish.MAYBE_STOP)), heard)
    return heard


# --- the judgement ----------------------------------------------------------------------------


def _judged(row: str) -> _Heard:
    """The wish in a row: a clear phrase first, then a bare word, then what is unclear."""
    if " x x x x" not in row and (bare := _bare(row)) is not None:
        return bare
    aims = {_aim(row, phrase) for phrase in found(LEAVE_US, row)}
    if Wish.STOP in aims or _is_clear(row):
        return Wish.STOP, Tier.PHRASE
    if Wish.MAYBE_STOP in aims or _is_unsure(row):
        return Wish.MAYBE_STOP, Tier.UNSURE
    return _NOTHING


# --- a bare word ------------------------------------------------------------------------------

_CLAUSES = re.compile(r"(?:pause|full|edge) ")
_WORD_ALONE = re.compile(r"(?:(?:stop|enough|quit|unsub|begone) (?:mailing )?)+")
_ENOUGH_FOR = re.compile(r"\b(?:me|tome) enough |\benough (?:me|tome) ")
_SPAM_AND_COMPLAINT = re.compile(
    r"(?=.*\b(?:mailing|spammer|writes|bother) )(?=.*\b(?:complain|block) )"
)
_EMPTY = frozenset(("me", "tome", "my", "more", "you", "i", "nothing", "hush", "and"))
_STARTS = re.compile(r"(?:start )+")
_HELPS = re.compile(r"(?:want |need |can )*(?:help )+(?:need |want )*")


def _bare(row: str) -> _Heard | None:
    """A stop, a start or a cry for help that stands alone; None where more is said."""
    clauses = [core for clause in _CLAUSES.split(row) if (core := _core(clause))]
    if not clauses:
        return (Wish.MAYBE_STOP, Tier.UNSURE) if "hush " in row else None
    if all(_HELPS.fullmatch(core.replace("asked ", "")) for core in clauses):
        return Wish.HELP, None
    if "asked " in row:
        return None
    if all(_STARTS.fullmatch(core) for core in clauses):
        return Wish.START, None
    if _ENOUGH_FOR.search(row):
        return None
    others = [core for core in clauses if not _WORD_ALONE.fullmatch(core)]
    if len(others) == len(clauses):
        return None
    if row.startswith("edge pause ") and set(row.split()) <= {"edge", "pause", "full", "enough"}:
        return Wish.MAYBE_STOP, Tier.UNSURE
    sure = all(_is_hint(f"edge {core}edge ") for core in others)
    return (Wish.STOP, Tier.WORD) if sure else None


def _is_hint(row: str) -> bool:
    """Whether a stop word beside it may well be meant."""
    return _is_unsure(row) or any(_aim(row, phrase) for phrase in found(LEAVE_US, row))


def _core(clause: str) -> str:
    """The parts of a clause that say something."""
    return "".join(f"{part} " for part in clause.split() if part not in _EMPTY)


def _is_own_word(text: str, extra_stops: tuple[str, ...]) -> bool:
    """Whether the message is a word of the seller's own and nothing else."""
    own = frozenset(filter(None, map(_said, extra_stops)))
    if not own or "?" in text:
        return False
    clauses = [said for clause in _PUNCTUATION.split(text) if (said := _said(clause))]
    return bool(clauses) and all(said in own for said in clauses)


_PUNCTUATION = re.compile(r"[.,;:!…\n\r()«»\"—–|]+")


@lru_cache(maxsize=256)
def _said(words: str) -> tuple[str, ...]:
    """The folded words that say something."""
    parts = ((word, parts_of(word)) for word in fold(words).split())
    return tuple(word for word, part in parts if set(part) - _EMPTY - {"pause"})


# --- a phrase and what it aims at -------------------------------------------------------------

_NEARBY = 120
"""Letters of a row that are looked at on either side of a phrase."""

_BESIDE = frozenset(("me", "tome", "my", "more", "you", "nothing"))
_ASKING = frozenset(("why", "if", "who", "whence", "told"))
_LATER = frozenset(("when", "often", "if", "while", "less"))
_THINGS = frozenset(("x", "num", "without", "them"))


def _aim(row: str, phrase: re.Match[str]) -> Wish | None:
    """Whether a «не пишите» means us, for good: by what stands around it."""
    said = phrase[0].split()
    before = ["edge", *row[max(phrase.start() - _NEARBY, 0) : phrase.start()].split()]
    ahead = [*row[phrase.end() : phrase.end() + _NEARBY].split(), "edge"]
    near, far = _skipped(before[::-1]), _skipped(ahead)
    said += before[len(before) - near :] + ahead[:far]
    last, following = before[: len(before) - near][-1], ahead[far:]
    if {"quit", "enough"} & set(said):
        last = "edge"
    if last in _ASKING or (last in _OBJECTS and _is_kazakh_object(said)):
        return None
    if _is_other(row, said=said):
        return None
    if {"quit", "enough"} & set(said) and following[0] in ("often", "them"):
        return Wish.STOP
    if last in _LATER or _is_scoped(following):
        return Wish.MAYBE_STOP
    if "more" not in said and (" busy " in row or _is_elsewhere(following)):
        return Wish.MAYBE_STOP
    return _aimed(said, last, following=following)


_OBJECTS = _THINGS | {"past", "phone"}


def _is_kazakh_object(said: list[str]) -> bool:
    """A Kazakh verb's object stands before it, unless a word for us or for good is between."""
    words = set(said)
    return bool(words & {"dont", "dontsend", "note"}) and not words & {"me", "tome", "more"}


def _is_other(row: str, *, said: list[str]) -> bool:
    """Not this but another thing, not called but written; or the customer will not bother us."""
    words = set(said)
    return (
        (bool(words & {"mail", "dontsend"}) and " swap " in row)
        or ("dontcall" in words and " dowrite " in row)
        or ({"want", "bother", "you"} <= words and not words & {"me", "tome", "more"})
    )


def _skipped(parts: list[str]) -> int:
    return next((i for i, part in enumerate(parts) if part not in _BESIDE), len(parts))


def _is_scoped(following: list[str]) -> bool:
    """Today, until, if: not for good."""
    first, *rest = following
    second = rest[0] if rest else ""
    return (
        first in _LATER
        or (first == "pause" and second in ("if", "while"))
        or (first == "at" and second in _LATER)
        or (first == "about" and second not in ("message", "mailing", "rubbish"))
    )


def _is_elsewhere(following: list[str]) -> bool:
    """Not written, but called: a wish for another way to talk."""
    return following[0] in ("pause", "and", "full") and "ring" in following[1:3]


_FOR_GOOD = frozenset(("more", "quit", "enough", "stop", "donot", "dontcall"))
_STRONG = frozenset(("more", "quit", "enough", "nothing", "bother", "donot", "dontcall"))


def _aimed(said: list[str], last: str, *, following: list[str]) -> Wish | None:
    words = set(said)
    about_us = bool(words & {"me", "tome"})
    after = following[0]
    if "note" in words and after in ("need", "past", "done"):
        return None
    strong = about_us and bool(words & _STRONG) and not words & {"mail", "dontsend"}
    if after in _THINGS or after in ("that", "how") or following[:2] == ["pause", "that"]:
        return Wish.STOP if strong else None
    if after == "at":
        return Wish.STOP if strong or following[1] in ("number", "list", "phone") else None
    if last in _THINGS and not about_us and not words & _FOR_GOOD:
        return None
    if not about_us and not words & (_FOR_GOOD | {"nothing"}):
        can = "can" in words or last == "can"
        if _ended(following) == "asked" and not can:
            return None
        if last == "can" and "x" in following:
            return Wish.MAYBE_STOP
    if not about_us and "dontcall" in words and following[:2] == ["pause", "x"]:
        return Wish.MAYBE_STOP
    if "writes" in words and (_ended(following) == "asked" or "more" not in words):
        return None
    return Wish.STOP


def _ended(following: list[str]) -> str:
    """How the sentence ends."""
    return next(part for part in following if part in ("asked", "full", "edge"))


def _is_clear(row: str) -> bool:
    """Whether some phrase that leaves no doubt is in it."""
    return (
        any(_stands(row, phrase) for phrase in found((*CLEAR, *TAKEN_OFF), row))
        or any(_stands(row, phrase, alone=True) for phrase in found(CLEAR_ALONE, row))
        or any(_last(row, phrase) != "not" for phrase in found(DISMISSED, row))
        or _SPAM_AND_COMPLAINT.match(row) is not None
    )


def _stands(row: str, phrase: re.Match[str], *, alone: bool = False) -> bool:
    """Whether nothing turns it around, and it is not said of another thing."""
    last = _last(row, phrase)
    following = [*row[phrase.end() : phrase.end() + _NEARBY].split(), "edge", "edge"]
    after = following[_skipped(following)]
    if last == "not" or after in ("x", "num", "how", "past", "notdo", "them"):
        return False
    if alone and (last in ("x", "num", "phone") or _is_a_thing(row, phrase)):
        return False
    return after != "at" or following[_skipped(following) + 1] in _CHANNELS


_CHANNELS = frozenset(("number", "list", "phone", "mailing", "message"))
_OURS = frozenset(("me", "tome", "you", "more", "nothing", "mailing", "block"))


def _is_a_thing(row: str, phrase: re.Match[str]) -> bool:
    """«Смс не нужно, просто привезите»: some message, and talk of something else."""
    return not _OURS & set(phrase[0].split()) and "x " in row[phrase.end() :]


def _last(row: str, phrase: re.Match[str]) -> str:
    before = row[max(phrase.start() - _NEARBY, 0) : phrase.start()].split()
    return next((part for part in reversed(before) if part not in _BESIDE | _WISHING), "edge")


_WISHING = frozenset(("need", "want"))


def _is_unsure(row: str) -> bool:
    if any(True for _ in found(UNSURE, row)):
        return True
    clauses = (_core(clause.replace("asked ", "")) for clause in _CLAUSES.split(row))
    return any(core and rule.pattern.fullmatch(core) for core in clauses for rule in UNSURE_ALONE)
