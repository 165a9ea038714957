"""Templates -> HTML in which whatever people wrote is text, and no script of theirs runs."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from hashlib import blake2b
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from litestar import Response
from litestar.enums import MediaType
from markupsafe import Markup

from app.domain.letters import TURNS
from app.web.problems import SAFE_HEADERS

HERE = Path(__file__).parent
STATIC = HERE / "static"
THIN = "\N{NARROW NO-BREAK SPACE}"

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {framed}"
)


def html_headers(*, framed: bool) -> dict[str, str]:
    """The headers of every page. ``framed``: a page of our own may show it, as the demo's does."""
    return SAFE_HEADERS | {
        "Content-Security-Policy": _CSP.format(framed="'self'" if framed else "'none'"),
        "X-Frame-Options": "SAMEORIGIN" if framed else "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def html(content: str, *, status: int = 200, framed: bool = False) -> Response[str]:
    """``content`` as a page."""
    return Response(
        content, status_code=status, media_type=MediaType.HTML, headers=html_headers(framed=framed)
    )


def rendered(name: str, values: dict[str, object]) -> str:
    """The template ``name`` with these values."""
    return _environment().get_template(name).render(values)


def file_of(name: str) -> tuple[bytes, str] | None:
    """A file of ``static`` and a hash of it; None when there is none of this name."""
    return _files().get(name)


@cache
def _files() -> dict[str, tuple[bytes, str]]:
    """Every file of ``static``: what strangers ask for is looked up here, and nowhere else."""
    read = {path.name: path.read_bytes() for path in STATIC.iterdir() if path.is_file()}
    return {name: (it, blake2b(it, digest_size=6).hexdigest()) for name, it in read.items()}


def static(name: str) -> str:
    """The address of a file of ``static``: another one when the file changes. '' for none."""
    found = file_of(name)
    return "" if found is None else f"/desk/static/{name}?v={found[1]}"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_straight,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["static"] = static
    made.globals["csrf_field"] = _csrf_field
    made.filters |= {
        "when": _when, "clock": _clock, "day": _day,
        "number": number, "money": money, "usd": usd,
    }  # fmt: skip
    return made


_MARK = (
    r"[\u0300-\u036f\u0483-\u0489\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff"
    r"\u20d0-\u20ff\ufe20-\ufe2f]"
)
_HEAPED = re.compile(rf"({_MARK}{{3}}){_MARK}+")


def _straight(value: object) -> object:
    """A value as a page shows it: what somebody wrote can neither turn round what stands beside it,
    nor be heaped over the lines above.
    """
    if not isinstance(value, str) or isinstance(value, Markup) or value.isascii():
        return value
    return _HEAPED.sub(r"\1", TURNS.sub("", value))


@pass_context
def _csrf_field(context: Context) -> Markup:
    return Markup('<input type="hidden" name="csrf" value="{}">').format(context["csrf"])


def _time(moment: datetime, shown: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), shown)


@pass_context
def _when(context: Context, moment: datetime) -> Markup:
    return _time(moment, context["words"].moment(moment))


@pass_context
def _clock(context: Context, moment: datetime) -> Markup:
    return _time(moment, context["words"].clock(moment))


@pass_context
def _day(context: Context, moment: datetime) -> Markup:
    return _time(moment, context["words"].day(moment))


def number(value: float) -> str:
    """``12 345``: thousands apart, as they are written here."""
    whole = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}".replace(".", "\0")
    return whole.replace(",", THIN).replace("\0", ",")


def money(tenge: float) -> str:
    """``15 990 ₸``."""
    return f"{number(round(tenge))}{THIN}₸"


def usd(dollars: float) -> str:
    """``$0.0004``: cents where there are any, else what there is."""
    if dollars and abs(dollars) < 0.01:  # noqa: PLR2004 - a cent
        return f"${dollars:.4f}"
    return f"${dollars:.2f}"
