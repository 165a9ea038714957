"""Scripted dialogues: who the customer is, what they write, and what must come of it.

A file of ``tests/data/dialogues/`` is a theme, each ``[[dialogue]]`` in it is played by itself.
"""

from __future__ import annotations

from datetime import time
from pathlib import Path

import msgspec
from msgspec import Struct

from app.domain.events import Delivery, Speech, Stage

DIALOGUES = Path(__file__).parents[1] / "data" / "dialogues"

ANY_REASON = "*"
"""A person is to be called, whatever the reason told."""


class Thing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of an order; ``price`` is the line's total in tenge."""

    name: str
    sku: str | None = None
    quantity: int = 1
    price: float | None = None


class Ordered(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order when the dialogue begins. Of one made today the customer is thanked at once.

    ``planned`` is in how many days Kaspi plans to deliver it, ``delivery`` who brings it.
    """

    code: str
    stage: Stage
    items: tuple[Thing, ...]
    total: float | None = None
    ordered_days_ago: float = 3
    planned: int | None = None
    delivery: Delivery | None = None


class Moved(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order comes to another stage; ``by_shop``: it was the shop that could not fulfil it."""

    code: str
    stage: Stage
    by_shop: bool = False


class Turn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens, and what must come of it.

    First ``hours`` pass, then the ``seller`` writes from the phone, the order moves, the model goes
    away or comes back, and the customer writes: ``says``, several texts in a row, a ``voice`` note,
    a ``picture``. ``replies_to`` is the number of an earlier turn (from 1) that is quoted.

    ``tells``: patterns each of which must be in what the bot sends now, ``never``: none of which
    may. In them a number has no spaces (``12490``), and ``{day+2}`` is the day two days after the
    dialogue began, however it is spelled. ``language``: of each text, else the dialogue's.
    ``silent``: nothing may be sent. ``calls``: reasons one of which a person must be called for,
    none: nobody may be called; ``may_call``: either is right.
    ``opted_out``, ``paused``, ``people_own``: how it must be afterwards, where it is told.
    """

    hours: float = 0
    seller: str | None = None
    moves: Moved | None = None
    model_down: bool | None = None
    says: str | tuple[str, ...] = ()
    voice: str | None = None
    picture: str | None = None
    replies_to: int | None = None
    tells: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    language: Speech | None = None
    silent: bool = False
    calls: tuple[str, ...] = ()
    may_call: bool = False
    opted_out: bool | None = None
    paused: bool | None = None
    people_own: bool | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """What the customer writes, in order."""
        return (self.says,) if isinstance(self.says, str) else self.says

    @property
    def speaks(self) -> bool:
        """Whether the customer says anything at all."""
        return bool(self.texts) or self.voice is not None or self.picture is not None


class Dialogue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer and what they write.

    ``at`` is the local time it begins, on a Monday; ``speech`` the language of the answers;
    ``never`` holds for the whole of it. ``emulated``: it needs the emulated model, for it takes the
    model away or has it listen to a sound that is none. ``waits_for``: what must be mended in the
    product before it can pass; until then it is told, and held against nobody. ``tempts``: what a
    model that was talked round would say: whatever it says, nothing of it may leak.
    """

    name: str
    about: str
    speech: Speech
    turn: tuple[Turn, ...]
    theme: str = ""
    customer: str | None = None
    at: time = time(12)
    order: tuple[Ordered, ...] = ()
    never: tuple[str, ...] = ()
    emulated: bool = False
    waits_for: str | None = None
    tempts: tuple[str, ...] = ()


class _Theme(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    dialogue: tuple[Dialogue, ...]


def dialogues(folder: Path = DIALOGUES) -> list[Dialogue]:
    """All dialogues, theme by theme. Raises ``msgspec.ValidationError`` for a misspelled one."""
    return [
        msgspec.structs.replace(one, theme=path.stem)
        for path in sorted(folder.glob("*.toml"))
        for one in msgspec.toml.decode(path.read_bytes(), type=_Theme).dialogue
    ]
