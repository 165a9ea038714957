"""The rules as a form: caps, hours and delays within their bounds; on and off; who changed what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from litestar import Response, get, post
from litestar.response import Redirect
from msgspec import Struct

from app.domain.adjust import ARMS, COMMON, PLAIN, PURPOSES, typed, written
from app.domain.bounds import BOUNDS
from app.domain.events import Language
from app.domain.rules import Shop
from app.errors import Conflict, Refused
from app.store.adjustments import Logged
from app.web.desk.texts_said import (
    BROUGHT_BACK,
    HINTS,
    LABELS,
    OVERTAKEN,
    SAVED,
    TURNED_OFF,
    TURNED_ON,
    UNCHANGED,
    WRONG,
)
from app.web.desk.visit import FromVisit, Visit

RULES, LOG, TEXTS = "/desk/texts/rules", "/desk/texts/log", "/desk/texts"
LOG_SHOWN = 100
LANGUAGES = ("ru,kk", "kk,ru", "ru", "kk")
"""In which order, and which at all."""

_SHOWN = tuple(field for field in PLAIN if field != "enabled")


class Scope(Struct, frozen=True, kw_only=True):
    """Whose rules are looked at: of one shop, or of all (``shop`` None)."""

    shop: str | None
    shops: tuple[Shop, ...]

    @property
    def ids(self) -> list[str]:
        """The shops in question."""
        return [shop.id for shop in self.shops] if self.shop is None else [self.shop]


class Field(Struct, frozen=True, kw_only=True):
    """One rule of the form. ``configured`` is what the settings say, where the desk says another;
    ``differs``: it is not the same in all shops.
    """

    name: str
    label: str
    hint: str
    value: str
    configured: str | None
    differs: bool
    wrong: str | None = None


class Switched(Struct, frozen=True, kw_only=True):
    """A switch that was pressed: of what, and whether it is to be on."""

    name: str
    on: str
    shop: str = ""
    here: str = TEXTS


class _Form(Struct, frozen=True, kw_only=True):
    version: int
    shop: str = ""
    back: str = ""
    max_messages: str = ""
    messages_window_days: str = ""
    cooldown_hours: str = ""
    max_daily_messages: str = ""
    quiet_from: str = ""
    quiet_till: str = ""
    review_delay_hours: str = ""
    handoff_hours: str = ""
    send_shortest: str = ""
    send_longest: str = ""
    languages: str = ""


def scope_of(visit: Visit, shop: str | None) -> Scope:
    """The shop that was chosen; all of them where there is one only, or none was chosen.

    Raises Refused (404) for a shop there is not.
    """
    shops = visit.front.rules.shops
    if not shop or len(shops) == 1:
        return Scope(shop=None, shops=shops)
    if shop not in {each.id for each in shops}:
        raise Refused("no shop with this id is set up", code="unknown_shop", status=404)
    return Scope(shop=shop, shops=shops)


def asked_scope(visit: Visit) -> Scope:
    """The same of the address that was asked for."""
    return scope_of(visit, visit.request.query_params.get("shop"))


# --- the form ---------------------------------------------------------------------------------


@get("/texts/rules")
async def rules(visit: FromVisit) -> Response[str]:
    """Caps, hours and delays."""
    await visit.front.ruling.keep_up()
    return _page(visit, asked_scope(visit))


def _page(
    visit: Visit, scope: Scope, *, typed_in: _Form | None = None, refusal: Refused | None = None
) -> Response[str]:
    return visit.page(
        "texts_rules.html",
        tab="texts",
        status=200 if refusal is None else refusal.status,
        scope=scope,
        version=visit.front.ruling.adjustments.version,
        form=typed_in or _shown(visit, scope),
        fields={name: _field(visit, scope, name, refusal=refusal) for name in _SHOWN},
        languages=LANGUAGES,
        language_names=_language_names(visit),
        wrong=None if refusal is None else wrong_of(visit, refusal),
        common=scope.shop is None,
        on=is_on(visit, scope),
    )


def _language_names(visit: Visit) -> dict[str, str]:
    named = visit.words.language
    return {each: ", ".join(named(code) for code in each.split(",")) for each in LANGUAGES}


def is_on(visit: Visit, scope: Scope) -> bool | None:
    """Whether the bot speaks; None where it does for some of the shops only."""
    spoken = {visit.front.rules.of(shop).speaks for shop in scope.ids}
    return spoken.pop() if len(spoken) == 1 else None


def _values(visit: Visit, scope: Scope, name: str) -> list[object]:
    return [typed(visit.front.rules.of(shop), name) for shop in scope.ids]


def _field(visit: Visit, scope: Scope, name: str, *, refusal: Refused | None) -> Field:
    ruling = visit.front.ruling
    values = _values(visit, scope, name)
    configured = [typed(ruling.base.of(shop), name) for shop in scope.ids]
    changed = [getattr(ruling.adjustments.of(shop), name) for shop in scope.ids]
    bound = BOUNDS.get(name)
    limits = {} if bound is None else {"low": _plain(bound.low), "high": _plain(bound.high)}
    if bound is not None and bound.also is not None:
        limits["also"] = _plain(bound.also)
    mine = refusal is not None and refusal.about == name
    return Field(
        name=name,
        label=visit.t(LABELS[name]),
        hint=visit.t(HINTS[name], **limits),
        value=_in_words(visit, name, values[0]),
        configured=(
            _in_words(visit, name, configured[0])
            if any(value is not None for value in changed)
            else None
        ),
        differs=any(value != values[0] for value in values),
        wrong=wrong_of(visit, refusal) if mine and refusal is not None else None,
    )


def wrong_of(visit: Visit, refusal: Refused) -> str:
    """Why a change was refused, for the one who wanted it."""
    text = WRONG.get(refusal.code or "", WRONG["bad_value"])
    return visit.t(text)


def _plain(value: float) -> str:
    return f"{value:g}"


def _in_words(visit: Visit, name: str, value: object) -> str:
    told = written(name, value)
    if name == "languages":
        return ", ".join(visit.words.language(code) for code in told)
    if name == "quiet_hours" and not told:
        return visit.t("нет")
    return _plain(told) if isinstance(told, float) else str(told).replace("-", "–")


def _shown(visit: Visit, scope: Scope) -> _Form:
    """The form as it is before anybody types."""
    own = visit.front.rules.of(scope.ids[0])
    told = {name: written(name, typed(own, name)) for name in _SHOWN}
    start, _, end = told["quiet_hours"].partition("-")
    shortest, _, longest = told["send_interval_seconds"].partition("-")
    numbers = {name: _plain(told[name]) for name in BOUNDS if name != "send_interval_seconds"}
    return _Form(
        version=visit.front.ruling.adjustments.version,
        shop=scope.shop or "",
        quiet_from=start,
        quiet_till=end,
        send_shortest=shortest,
        send_longest=longest,
        languages=",".join(told["languages"]),
        **numbers,
    )


@post("/texts/rules")
async def change_rules(visit: FromVisit) -> Response[str] | Redirect:
    """Keep what is another than it was, or bring one rule back to what the settings say."""
    form = await visit.form(_Form)
    scope = scope_of(visit, form.shop)
    wanted: Mapping[str, object]
    wanted = {form.back: None} if form.back in _SHOWN else _wanted(form, _shown(visit, scope))
    try:
        changes = await visit.front.ruling.change(
            wanted, shop=scope.shop, who=visit.who, now=visit.now, version=form.version
        )
    except Conflict:
        await visit.front.ruling.keep_up()
        return visit.back(at(RULES, scope), said=OVERTAKEN, tone="wait")
    except Refused as refusal:
        return _page(visit, scope, typed_in=form, refusal=refusal)
    done = BROUGHT_BACK if form.back else SAVED
    return visit.back(at(RULES, scope), said=done if changes else UNCHANGED)


def _wanted(form: _Form, shown: _Form) -> dict[str, object]:
    """What was typed that is another than what was shown; numbers with a comma are numbers too."""
    wanted: dict[str, object] = {}
    for name in BOUNDS:
        if name != "send_interval_seconds" and getattr(form, name) != getattr(shown, name):
            wanted[name] = _number(getattr(form, name))
    if (form.quiet_from, form.quiet_till) != (shown.quiet_from, shown.quiet_till):
        wanted["quiet_hours"] = f"{form.quiet_from[:5]}-{form.quiet_till[:5]}".strip("-")
    if (form.send_shortest, form.send_longest) != (shown.send_shortest, shown.send_longest):
        seconds = (form.send_shortest, form.send_longest or form.send_shortest)
        wanted["send_interval_seconds"] = "-".join(each.replace(",", ".") for each in seconds)
    if form.languages != shown.languages:
        wanted["languages"] = form.languages.split(",")
    return {
        name: value
        for name, value in wanted.items()
        if not (form.shop and name in COMMON)  # these are not in the form of one shop
    }


def _number(text: str) -> object:
    """The number that was typed, or the text itself where it is none."""
    try:
        return float(text.replace(",", ".").strip())
    except ValueError:
        return text


# --- switches ---------------------------------------------------------------------------------


@post("/texts/switch")
async def switch(visit: FromVisit) -> Redirect:
    """Switch the bot, a purpose or a prompt on or off; the last press counts."""
    form = await visit.form(Switched)
    scope, on = scope_of(visit, form.shop), form.on == "yes"
    here = form.here if form.here.startswith(f"{TEXTS}/") else TEXTS
    wanted: dict[str, object]
    if form.name == "enabled":
        wanted = {"enabled": on}
    else:
        field = ARMS if "/" in form.name else PURPOSES
        wanted = {field: {form.name: "on" if on else "off"}}
    try:
        await visit.front.ruling.change(wanted, shop=scope.shop, who=visit.who, now=visit.now)
    except Refused as refusal:
        said = WRONG.get(refusal.code or "", WRONG["bad_value"])
        return visit.back(at(here, scope), said=said, tone="no")
    except Conflict:
        return visit.back(at(here, scope), said=OVERTAKEN, tone="wait")
    return visit.back(at(here, scope), said=TURNED_ON if on else TURNED_OFF)


def at(path: str, scope: Scope) -> str:
    """A page of this scope."""
    return path if scope.shop is None else f"{path}?shop={scope.shop}"


# --- the log ----------------------------------------------------------------------------------


class _Line(Struct, frozen=True, kw_only=True):
    at: datetime
    who: str
    shop: str | None
    what: str
    before: str
    after: str


@get("/texts/log")
async def log(visit: FromVisit) -> Response[str]:
    """Who changed what, the newest first."""
    lines = await visit.front.ruling.store.log(limit=LOG_SHOWN)
    return visit.page(
        "texts_log.html",
        tab="texts",
        lines=[_line(visit, line) for line in lines],
        several=len(visit.front.rules.shops) > 1,
        most=LOG_SHOWN,
    )


def _line(visit: Visit, line: Logged) -> _Line:
    names = {shop.id: shop.name for shop in visit.front.rules.shops}
    return _Line(
        at=line.at,
        who=line.who,
        shop=None if line.shop is None else names.get(line.shop, line.shop),
        what=_what(visit, line),
        before=_said(visit, line.field, line.before),
        after=_said(visit, line.field, line.after),
    )


def _what(visit: Visit, line: Logged) -> str:
    label = visit.t(LABELS[line.field]) if line.field in LABELS else line.field
    purpose, _, rest = (line.about or "").partition("/")
    if not purpose:
        return label
    known = rest in set(Language)
    of = visit.words.language(rest) if known else rest
    return ", ".join(filter(None, (f"{label}: {visit.words.purpose(purpose)}", of)))


def _said(visit: Visit, field: str, value: str | None) -> str:
    """A value of the log as one says it."""
    if value is None:
        return visit.t("своего нет")
    if field in ("enabled", PURPOSES, ARMS):
        return visit.t("включено") if value == "on" else visit.t("выключено")
    if field == "languages":
        return ", ".join(visit.words.language(code) for code in value.split(","))
    if not value:
        return visit.t("нет")
    return value if field == "texts" else value.replace("-", "–")


ROUTES = [rules, change_rules, switch, log]
