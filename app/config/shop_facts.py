"""The file in which a seller states what the bot may say of the shop: rules and hours."""

from __future__ import annotations

import tomllib
from datetime import time
from pathlib import Path
from typing import Any

from msgspec import Struct

from app.domain.events import Language
from app.domain.meaning import Topic
from app.domain.rules import WEEK, Hours, Stated

_HOURS = "hours"
STATED = tuple(
    topic
    for topic in Topic
    if topic not in (Topic.ORDER_STATUS, Topic.PRICE, Topic.STOCK, Topic.HOURS, Topic.ACCESSORIES)
)
"""Topics a seller may state a rule for; the others are known from orders and the catalogue."""

_LONGEST = 600
"""Characters of one statement: it goes into every prompt, and customers read it on a phone."""


class ShopFacts(Struct, frozen=True, kw_only=True):
    """What the file says."""

    hours: Hours | None = None
    stated: tuple[Stated, ...] = ()


def read_shop_facts(text: str) -> ShopFacts:
    """The facts of the TOML file named ``text``.

    Raises ValueError that names the table at fault and what to write instead.
    """
    tables = read_toml(Path(text))
    known = {_HOURS, *(topic.value for topic in STATED)}
    for name, table in tables.items():
        if name not in known:
            raise ValueError(f"[{name}] is none of {', '.join(sorted(known))}")
        if not isinstance(table, dict):
            raise ValueError(f"{name} must be a table: write [{name}]")  # noqa: TRY004 - of a text
    hours = tables.pop(_HOURS, None)
    return ShopFacts(
        hours=hours_of(hours) if hours is not None else None,
        stated=tuple(stated_of(Topic(name), table) for name, table in tables.items()),
    )


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; raises ValueError when there are none to be read."""
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ValueError(f"the file cannot be read ({type(error).__name__})") from None
    except UnicodeDecodeError:
        raise ValueError("the file is no text in UTF-8: save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"the file is no TOML: {error}") from None


def over(stated: tuple[Stated, ...], others: tuple[Stated, ...]) -> tuple[Stated, ...]:
    """What is ``stated``, and of the ``others`` what it says nothing about."""
    topics = {each.topic for each in stated}
    return (*stated, *(each for each in others if each.topic not in topics))


def stated_of(topic: Topic, table: dict[str, Any], *, place: str | None = None) -> Stated:
    """The statement of a table in each language it is written in.

    ``place`` is the table's whole name. Raises ValueError with it and what to write instead.
    """
    place = place or topic.value
    languages = {language.value: language for language in Language}
    texts: dict[Language, str] = {}
    for name, text in table.items():
        if name not in languages:
            raise ValueError(f"[{place}] {name}: write one of {', '.join(languages)}")
        if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST:
            raise ValueError(f"[{place}] {name}: write 1 to {_LONGEST} characters of text")
        texts[languages[name]] = " ".join(text.split())
    if not texts:
        raise ValueError(f'[{place}] says nothing: write ru = "…"')
    return Stated(topic=topic, texts=texts)


def hours_of(table: dict[str, Any], *, place: str = _HOURS) -> Hours:
    """The opening hours of a table, whose whole name is ``place``.

    Raises ValueError with it and what to write instead.
    """
    unknown = set(table) - {"days", "opens", "closes"}
    if unknown:
        raise ValueError(f"[{place}] {min(unknown)}: write days, opens and closes")
    hours = Hours(
        opens=_clock(table, "opens", place=place),
        closes=_clock(table, "closes", place=place),
        days=_days(table.get("days", "daily"), place=place),
    )
    if hours.opens >= hours.closes:
        raise ValueError(f"[{place}] opens must be earlier than closes, on the same day")
    return hours


def _clock(table: dict[str, Any], name: str, *, place: str) -> time:
    value = table.get(name)
    try:
        clock = value if isinstance(value, time) else time.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f'[{place}] {name}: write a time such as "10:00"') from None
    return clock.replace(tzinfo=None)


def _days(value: object, *, place: str) -> tuple[int, ...]:
    """``daily``, ``mon-sat`` or ``mon-wed, fri`` as numbers of ``WEEK``."""
    if value == "daily":
        return tuple(range(len(WEEK)))
    found: set[int] = set()
    for part in str(value).split(","):
        ends = [end.strip() for end in part.split("-")]
        if len(ends) > 2 or any(end not in WEEK for end in ends):  # noqa: PLR2004 - from and to
            raise ValueError(f'[{place}] days: write "daily" or such as "mon-fri, sun"')
        first, last = WEEK.index(ends[0]), WEEK.index(ends[-1])
        if first > last:
            raise ValueError(f"[{place}] days: {part.strip()} runs backwards")
        found.update(range(first, last + 1))
    return tuple(sorted(found))
