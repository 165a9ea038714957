"""What ``ai-seller check`` says: a line each, with how good or bad it is."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Grade(StrEnum):
    """How a line begins. Only ``FAIL`` makes the command fail."""

    OK = "ok  "
    WARN = "warn"
    FAIL = "FAIL"


class Line(Struct, frozen=True, kw_only=True):
    """One finding."""

    grade: Grade
    about: str
    says: str


def ok(about: str, says: str) -> Line:
    """It works."""
    return Line(grade=Grade.OK, about=about, says=says)


def warn(about: str, says: str) -> Line:
    """It works, and somebody should know."""
    return Line(grade=Grade.WARN, about=about, says=says)


def fail(about: str, says: str) -> Line:
    """It would not work."""
    return Line(grade=Grade.FAIL, about=about, says=says)


def many(count: int, thing: str) -> str:
    """``1 offer``, ``2 offers``."""
    return f"{count} {thing}{'' if count == 1 else 's'}"
