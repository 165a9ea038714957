"""Logs: one structured line an event, JSON or for the eye, with personal data masked.

Whatever a caller logs, phones and chat ids come out as ``7705*****67`` and values that are
named like secrets as ``***``. That is a net, not a licence: customers' texts and model prompts
are never handed to a logger.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# A phone: 10 to 15 digits, written together or with spaces, dashes and brackets between. Letters
# beside it mean a hash or an id; a leading date (2026-11-22 18:10) is a time. 9 digits: an order.
_PHONE = re.compile(
    r"(?<![0-9A-Za-z])(?!\d{4}-\d{2}-\d{2}\b)\+?\(?\d(?:[ ()\-\u00a0]{0,3}\d){9,14}(?![0-9A-Za-z])"
)
_CHAT_ID = re.compile(r"\d{7,}(?=(?::\d+)?@)")
_CREDENTIALS = re.compile(r"(?i)(?<=bearer )[^\s'\"]+|(?<=://)[^/@\s]+(?=@)|\bsk-[\w-]{8,}")
_SECRET_NAME = re.compile(r"(?i)key|token|secret|password|authorization|cookie|hmac|signature")
_MASK = "***"

# Their INFO lines carry URLs with phones, or say what our own lines say.
_QUIET = (
    "asyncio", "docket", "httpcore", "httpcore2", "httpx", "httpx2", "litestar", "openai", "redis",
    "uvicorn", "uvicorn.access", "uvicorn.error",
)  # fmt: skip


def configure(level: str = "INFO", fmt: str | None = None, *, stream: TextIO | None = None) -> None:
    """Send our logs and the libraries' to ``stream`` (standard error unless told).

    ``fmt`` is ``json`` or ``console``; None chooses console on a terminal. May be called again.
    """
    out = stream if stream is not None else sys.stderr
    console = fmt == "console" or (fmt is None and out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _route_stdlib(level, out, _formatter(shared, console=console, colors=out.isatty()))


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose lines carry ``name``; may be made before :func:`configure`."""
    return structlog.stdlib.get_logger(name)


def mask_phone(text: str) -> str:
    """``text`` with every phone and chat id as its first four digits, stars, its last two."""
    return _PHONE.sub(_starred, _CHAT_ID.sub(_starred, text))


def _formatter(shared: list[Processor], *, console: bool, colors: bool) -> logging.Formatter:
    """What turns our lines and the libraries' into text, masked last of all."""
    renderer: Processor
    if console:
        renderer = structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=structlog.dev.plain_traceback
        )
    else:
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,  # a plain traceback: no local variables
            _masked,
            renderer,
        ],
    )


def _route_stdlib(level: str, out: TextIO, formatter: logging.Formatter) -> None:
    """Give the root logger one handler, and take the libraries' own away."""
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        library = logging.getLogger(name)
        library.handlers = []
        library.propagate = True
        library.setLevel(max(root.level, logging.WARNING))


def _masked(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The line, masked; what every line has comes first. The time is ours: no digits to hide."""
    line = {name: event.pop(name) for name in ("timestamp", "level") if name in event}
    line["event"] = _mask(event.pop("event", ""))
    line |= {str(_mask(name)): _mask_named(name, item) for name, item in event.items()}
    return line


def _mask(value: object) -> object:
    """``value`` with every text in it masked, however deep; what is no plain value, as text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _CREDENTIALS.sub(_MASK, mask_phone(value))
    if isinstance(value, Mapping):
        return {_mask(name): _mask_named(name, item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_mask(item) for item in value]
    return _mask(str(value) if isinstance(value, bytes) else repr(value))


def _mask_named(name: object, value: object) -> object:
    """A value under a secret's name is hidden; a number (``tokens=512``) is no secret."""
    is_plain = value is None or isinstance(value, bool | int | float)
    if isinstance(name, str) and _SECRET_NAME.search(name) and not is_plain:
        return _MASK
    return _mask(value)


def _starred(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    plus = "+" if found[0].startswith("+") else ""
    return f"{plus}{digits[:4]}{'*' * (len(digits) - 6)}{digits[-2:]}"
