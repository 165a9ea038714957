"""One table: what was measured, what for, what we aim at, and whether that is met."""

from __future__ import annotations

import os
import platform
import shutil
import textwrap
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from msgspec import Struct

PACKAGES = ("litestar", "uvicorn", "uvloop", "pydocket", "redis", "hiredis", "msgspec", "openai")
HEADS = ("figure", "measured", "against", "ratio", "aim", "met", "what it means")
NARROWEST, WIDEST = 40, 70
USUAL = 150
"""Columns of a page where no terminal says how wide it is."""


class Aim(Struct, frozen=True, kw_only=True):
    """The least or the most that satisfies, of the ratio where there is one."""

    than: Literal["at least", "under"]
    value: float
    unit: str = ""

    def met(self, measured: float) -> bool:
        """Whether ``measured`` satisfies."""
        return measured >= self.value if self.than == "at least" else measured < self.value

    def __str__(self) -> str:
        sign = "≥" if self.than == "at least" else "<"
        return f"{sign} {self.value:g} {self.unit}".strip()


class Figure(Struct, frozen=True, kw_only=True):
    """One line. ``ratio`` is by how much we fare against ``against``: more is better."""

    name: str
    value: float
    unit: str
    means: str
    against: float | None = None
    ratio: float | None = None
    aim: Aim | None = None

    @property
    def met(self) -> bool | None:
        """Whether the aim is reached; None without one."""
        if self.aim is None:
            return None
        return self.aim.met(self.value if self.ratio is None else self.ratio)

    def cells(self) -> tuple[str, ...]:
        """The line but its meaning."""
        return (
            self.name,
            shown(self.value, self.unit),
            "" if self.against is None else shown(self.against, self.unit),
            "" if self.ratio is None else f"{self.ratio:.2f}",
            "" if self.aim is None else str(self.aim),
            {True: "yes", False: "NO", None: ""}[self.met],
        )


def part(name: str, value: float, unit: str, means: str = "") -> Figure:
    """A line that says what a figure above is made of."""
    return Figure(name=f"  {name}", value=value, unit=unit, means=means)


def shown(value: float, unit: str) -> str:
    """As many digits as say something."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".replace(",", " ").strip()


def table(figures: Sequence[Figure]) -> str:
    """All lines under their heads, the meaning wrapped beside them."""
    rows = [HEADS[:-1], *(figure.cells() for figure in figures)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADS) - 1)]
    taken = sum(widths) + 2 * len(widths)
    width = min(max(shutil.get_terminal_size((USUAL, 0)).columns - taken, NARROWEST), WIDEST)
    lines = [_line(HEADS[:-1], widths, HEADS[-1]), "─" * (taken + width)]
    for figure in figures:
        first, *rest = textwrap.wrap(figure.means, width) or [""]
        lines.append(_line(figure.cells(), widths, first))
        lines.extend(" " * taken + more for more in rest)
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int], last: str) -> str:
    """Names to the left, numbers to the right."""
    name, *numbers = [
        cell.ljust(width) if i == 0 else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join([name, *numbers, last]).rstrip()


def machine(store: str) -> str:
    """Where this was measured. ``store`` is the server's name and version."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{cores} cores of {_processor()}, {platform.system()} {platform.release()}\n"
        f"Python {platform.python_version()}, {store}, {packages}"
    )


def load() -> float:
    """How many wanted a core in the last minute, ourselves included; 0 where nobody tells."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def quantile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return quantile(values, 0.5)
