"""The product's doors for many tests: built once a process, which takes a tenth of a second."""

from __future__ import annotations

from app.demo.server import twin
from app.web.front import Front
from app.web.server import App, build

_BUILT: list[App] = []


def web_of(front: Front) -> App:
    """The application that ``build`` makes of ``front``."""
    if not _BUILT:
        _BUILT.append(build(front))
    return twin(_BUILT[0], front=front)
