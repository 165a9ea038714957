"""``.env.example``, written from the settings."""

from __future__ import annotations

from datetime import time
from pathlib import Path

from app.config.settings import Settings, known

_EXAMPLE_HEAD = """\
# Copy to .env and fill in. A line that begins with # shows the default; the environment wins
# over this file; empty means unset. `ai-seller check` tells what is missing.
"""


def env_example() -> str:
    """The text of ``.env.example``: every setting, its meaning and its default."""
    defaults = Settings()
    lines = [_EXAMPLE_HEAD]
    for name, (says, _) in known().items():
        default = written(getattr(defaults, name.lower()))
        lines.append(f"# {says.meaning}\n{'# ' if default else ''}{name}={default}\n")
    return "\n".join(lines)


def written(value: object) -> str:
    """A setting's value as one would write it; the reader of that setting reads it back."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, tuple):
        between = "-" if value and isinstance(value[0], float | time) else ","
        return between.join(written(part) for part in value)
    if isinstance(value, Path) and not value.is_absolute():
        return f"./{value}"
    return str(value)
