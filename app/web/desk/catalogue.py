"""The desk's texts: Russian as they stand in the pages, Kazakh as the files of ``kk/`` say."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from app.domain.events import Language

_KK = Path(__file__).parent / "kk"


@cache
def kazakh() -> dict[str, str]:
    """Every Russian text of the desk, and what it is in Kazakh."""
    found: dict[str, str] = {}
    for path in sorted(_KK.glob("*.toml")):
        found |= tomllib.loads(path.read_text("utf-8"))
    return found


def said(text: str, lang: Language, **values: object) -> str:
    """``text`` in this language, its ``{names}`` filled in; Russian where there is no Kazakh."""
    shown = kazakh().get(text, text) if lang is Language.KK else text
    return shown.format_map(values) if values else shown
