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
from functools import lru_cache
from typing import TextIO, TypeAlias

import msgspec
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

Logger: TypeAlias = FilteringBoundLogger

# A phone: 10 to 15 digits, written together or with spaces, dashes and brackets between. Letters
# beside it mean a hash or an id; a leading date (2026-11-22 18:10) is a time. 9 digits: an order.
_PHONE = re.compile(
    r"(?<![0-9A-Za-z])(?!\d{4}-\d{2}-\d{2}\b)\+?\(?\d(?:[ ()\-\u00a0]{0,3}\d){9,14}(?![0-9A-Za-z])"
)
_CHAT_ID = re.compile(r"(?<!\d)\d{7,20}(?=(?::\d{1,3})?@)")
_CREDENTIALS = re.compile(r"(?i)(?<=bearer )[^\s'\"]+|(?<=://)[^/@\s]+(?=@)|\bsk-[\w-]{8,}")
_LONGEST = 2000
"""Characters of a text that are logged; tracebacks are cut line by line before."""

_SUSPECT = re.compile(r"\d{7}|\d[ ()\-\u00a0]|://|sk-|(?i:bearer )")
"""What a text must have for any of the above to be in it: most have none of it."""

_SECRET_NAME = re.compile(r"(?i)key|token|secret|password|authorization|cookie|hmac|signature")
_MASK = "***"

# Their INFO lines carry URLs with phones, or say what our own lines say.
_QUIET = (
    "asyncio", "docket", "httpcore", "httpcore2", "httpx", "httpx2", "litestar", "openai",
    "pymorphy3", "redis", "uvicorn", "uvicorn.access", "uvicorn.error",
)  # fmt: skip


def configure(level: str = "INFO", fmt: str | None = None, *, stream: TextIO | None = None) -> None:
    """Send our logs and the libraries' to ``stream`` (standard error unless told).

    ``fmt`` is ``json`` or ``console``; None chooses console on a terminal. May be called again.
    """
    out = stream if stream is not None else sys.stderr
    console = fmt == "console" or (fmt is None and out.isatty())
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last = _last(console=console, colors=out.isatty())
    structlog.configure(
        # Our own lines are written at once: the way over ``logging`` takes twice as long.
        processors=[_named, *shared, *last],
        logger_factory=structlog.WriteLoggerFactory(out),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    _route_stdlib(level, out, _formatter(shared, last))


def get_logger(name: str) -> Logger:
    """A logger whose lines carry ``name``; may be made before :func:`configure`."""
    logger: Logger = structlog.get_logger(_name=name)
    return logger


def mask_phone(text: str) -> str:
    """``text`` with every phone and chat id as its first four digits, stars, its last two."""
    return _PHONE.sub(_starred, _CHAT_ID.sub(_starred, text))


def _last(*, console: bool, colors: bool) -> list[Processor]:
    """What every line ends with: masked last of all, then text."""
    renderer: Processor
    if console:
        renderer = structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=structlog.dev.plain_traceback
        )
    else:
        renderer = structlog.processors.JSONRenderer(serializer=_as_json)
    return [
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,  # a plain traceback: no local variables
        _masked,
        renderer,
    ]


def _formatter(shared: list[Processor], last: list[Processor]) -> logging.Formatter:
    """What turns the libraries' lines into text, in the form of ours."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_logger_name, *shared, structlog.stdlib.ExtraAdder(),
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )  # fmt: skip


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


def _named(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The logger's name where the libraries' lines have theirs."""
    event["logger"] = event.pop("_name", None)
    return event


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
        value = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
        return _CREDENTIALS.sub(_MASK, mask_phone(value)) if _SUSPECT.search(value) else value
    if isinstance(value, Mapping):
        return {_mask(name): _mask_named(name, item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_mask(item) for item in value]
    return _mask(str(value) if isinstance(value, bytes) else repr(value))


def _mask_named(name: object, value: object) -> object:
    """A value under a secret's name is hidden; a number (``tokens=512``) is no secret."""
    is_plain = value is None or isinstance(value, bool | int | float)
    if is_plain:
        return value
    return _MASK if isinstance(name, str) and _is_secret(name) else _mask(value)


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _as_json(line: object, **_: object) -> str:
    """One line of JSON; what JSON has no form for, as text."""
    return msgspec.json.encode(line, enc_hook=repr).decode()


def _starred(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    plus = "+" if found[0].startswith("+") else ""
    return f"{plus}{digits[:4]}{'*' * (len(digits) - 6)}{digits[-2:]}"
