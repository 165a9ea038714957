"""Phones where they are not to be read: in names and in the lines of lists."""

from __future__ import annotations

import re
import unicodedata

from app.domain.letters import without_invisible

_KEYCAP = "\u20e3"
_DATE = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?!\d)"
_BETWEEN = r"[\s()./_\u2010-\u2015\u2212+-]{0,4}"
_PHONE = re.compile(rf"(?<!\d)(?!{_DATE})\d(?:{_BETWEEN}\d){{9,14}}(?!\d)")
"""Ten digits and more, whatever is put between them; nine are an order, and a date is a date."""


def without_phones(text: str) -> str:
    """``text`` with each phone in it masked but for its last two digits, however it is spelt."""
    seen = without_invisible(text).replace(_KEYCAP, "")
    if not any(letter.isdigit() for letter in seen):
        return seen
    return _PHONE.sub(_masked, "".join(map(_plain, seen)))


def _plain(letter: str) -> str:
    """A digit of any script as ours; everything else as it is."""
    return letter if letter.isascii() else str(unicodedata.digit(letter, letter))


def _masked(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found.group())
    return f"••• •• {digits[-2:]}"
