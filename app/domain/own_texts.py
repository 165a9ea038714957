"""A seller's own wording of a message: what may stand in it, and what it says to one customer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter

from app.domain.letters import TURNS

FIELDS = ("hello", "name", "shop", "product", "code")
"""What may stand in braces: the greeting by name or without, the first name, the shop, what was
ordered, the order's number.
"""

LONGEST = 700
"""Characters of an own text: with the names in it, it stays readable on a phone."""


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters but the tab and the end of a line."""


def prove_own_text(text: str) -> None:
    """Raise ``ValueError``, saying what is wrong and what may be used, unless ``text`` can be said.

    >>> prove_own_text("{hello} Заказ {code} уже в пути.")
    """
    if not text.strip():
        raise ValueError("the text is empty")
    if len(text) > LONGEST:
        raise ValueError(f"the text has {len(text)} characters, at most {LONGEST} are allowed")
    if _CONTROL.search(text.replace("\r\n", "\n")) or TURNS.search(text):
        raise ValueError("there are control characters in the text: write it anew")
    usable = ", ".join(f"{{{field}}}" for field in FIELDS)
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{error}: write {{{{ and }}}} for braces, or use {usable}") from error
    for _, field, spec, conversion in parts:
        if field is None:
            continue
        if field not in FIELDS:
            raise ValueError(f"{{{field}}} is not known: use {usable}")
        if spec or conversion:
            raise ValueError(f"{{{field}}} takes nothing after its name: use {usable}")
    if not any(said.strip() or field for said, field, _, _ in parts):
        raise ValueError("the text is empty")


def filled(text: str, words: Mapping[str, str]) -> str | None:
    """``text`` with ``words`` in its fields; None when one of them is not known of this customer.

    Raises ``ValueError`` for a text that :func:`prove_own_text` refuses.
    """
    prove_own_text(text)
    wanted = {field for _, field, _, _ in Formatter().parse(text) if field is not None}
    known = {field: words[field] for field in wanted if words.get(field)}
    return text.strip().format_map(known) if known.keys() == wanted else None
