"""What the bot says: each purpose with its switch, prompts and words; a text before it goes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from zlib import crc32

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from app.domain.adjust import Change
from app.domain.events import Item, Language, Order, Stage
from app.domain.experiments import arm_name
from app.domain.language import first_name
from app.domain.rules import BEST_BEFORE, REMIND_AFTER, Purpose
from app.domain.tally import of_shop
from app.domain.textbook import Preview, PreviewWish, PromptText, PurposeTexts, TextBook
from app.errors import Conflict, Refused
from app.store.known_orders import KnownOrder
from app.web.desk import texts_rules
from app.web.desk.texts_rules import TEXTS, Scope, asked_scope, at, is_on, scope_of, wrong_of
from app.web.desk.texts_said import BROUGHT_BACK, SAVED, UNCHANGED, WHEN
from app.web.desk.visit import FromVisit, Visit
from app.web.front import Front

NEWEST = 20
"""Orders there are to choose from."""

_ORDER: tuple[Purpose, ...] = tuple(WHEN)

_OVERTAKEN = Refused("these words were changed meanwhile", code="rules_changed", status=409)


class Row(Struct, frozen=True, kw_only=True):
    """A purpose of the list. ``on`` is None where it is said by some of the shops only, ``own``:
    the seller has words of their own for it.
    """

    purpose: Purpose
    name: str
    when: str
    until: str
    on: bool | None
    own: bool


class Arm(Struct, frozen=True, kw_only=True):
    """One prompt of several: whether it is on, how many were sent by it, how many answered."""

    name: str
    full: str
    on: bool | None
    sent: int
    answered: int


class Own(Struct, frozen=True, kw_only=True):
    """The seller's own words in one language; ``changed``: they were written at the desk.

    ``was`` names what was said when the form was made. ``kept`` is what somebody else saved while
    these words were being typed.
    """

    language: Language
    name: str
    text: str
    was: str
    changed: bool
    differs: bool
    wrong: str | None = None
    kept: str | None = None


class Choice(Struct, frozen=True, kw_only=True):
    """An order a preview may be of, ``shop/code``; nothing of it is a phone."""

    order: str
    name: str


class _OwnForm(Struct, frozen=True, kw_only=True):
    language: Language
    was: str = ""
    text: str = ""
    shop: str = ""
    back: str = ""


class _PreviewForm(Struct, frozen=True, kw_only=True):
    order: str = ""
    language: Language = Language.RU
    arm: str = ""
    shop: str = ""
    ask: str = ""


# --- the list ---------------------------------------------------------------------------------


@get("/texts")
async def texts(visit: FromVisit) -> Response[str]:
    """All that the bot says, and whether it does."""
    await visit.front.ruling.keep_up()
    scope = asked_scope(visit)
    rows = [_row(visit, scope, purpose) for purpose in _ORDER]
    return visit.page(
        "texts.html",
        tab="texts",
        scope=scope,
        on=is_on(visit, scope),
        off_in_settings=not visit.front.ruling.base.enabled,
        ours=[row for row in rows if row.purpose.proactive],
        answers=[row for row in rows if not row.purpose.proactive],
    )


def _row(visit: Visit, scope: Scope, purpose: Purpose) -> Row:
    rules = [visit.front.rules.of(shop) for shop in scope.ids]
    told = [visit.front.rules.shop(shop) for shop in scope.ids]
    on = {purpose not in own.off for own in rules}
    first, second = REMIND_AFTER
    when = visit.t(
        WHEN[purpose],
        hours=f"{rules[0].review_delay / timedelta(hours=1):g}",
        first=first.days,
        second=second.days,
    )
    return Row(
        purpose=purpose,
        name=visit.words.purpose(purpose),
        when=when,
        until=_until(visit, BEST_BEFORE[purpose]),
        on=on.pop() if len(on) == 1 else None,
        own=any(text.purpose is purpose for shop in told for text in shop.texts),
    )


def _until(visit: Visit, span: timedelta) -> str:
    hours = round(span / timedelta(hours=1))
    if hours % 24 == 0:
        return visit.t("Если не удалось сказать за {n} дн., не говорит совсем.", n=hours // 24)
    return visit.t("Если не удалось сказать за {n} ч, не говорит совсем.", n=hours)


# --- one purpose ------------------------------------------------------------------------------


@get(["/texts/{purpose:str}", "/texts/{purpose:str}/preview", "/texts/{purpose:str}/own"])
async def text(visit: FromVisit, purpose: FromPath[str]) -> Response[str]:
    """The prompts and words of one purpose, and how they would read.

    Also where a form has left the browser: the page goes on looking for what has changed there.
    """
    await visit.front.ruling.keep_up()
    return await _page(visit, asked_scope(visit), _purpose(purpose))


def _purpose(name: str) -> Purpose:
    if name not in set(Purpose):
        raise Refused("there is no such purpose", code="unknown_purpose", status=404)
    return Purpose(name)


async def _page(
    visit: Visit,
    scope: Scope,
    purpose: Purpose,
    *,
    own: _OwnForm | None = None,
    refusal: Refused | None = None,
    asked: _PreviewForm | None = None,
    preview: Preview | None = None,
) -> Response[str]:
    told = _of(_book(visit.front), purpose)
    arms = await _arms(visit, scope, told)
    spoken = next((arm.name for arm in arms if arm.on is not False), "")
    return visit.page(
        "texts_one.html",
        tab="texts",
        status=200 if refusal is None else refusal.status,
        scope=scope,
        row=_row(visit, scope, purpose),
        own=_own(visit, scope, purpose, form=own, refusal=refusal),
        prompts=_prompts(visit, told),
        canned=_canned(visit, told),
        arms=arms,
        orders=await _orders(visit, scope),
        asked=asked or _PreviewForm(language=visit.lang, arm=spoken),
        languages=[(each, visit.words.language(each)) for each in Language],
        preview=preview,
        can_preview=visit.front.preview is not None,
    )


def _book(front: Front) -> TextBook:
    return TextBook(purposes=()) if front.texts is None else front.texts()


def _of(book: TextBook, purpose: Purpose) -> PurposeTexts:
    nothing = PurposeTexts(purpose=purpose, prompts=(), canned=(), arms=())
    return next((each for each in book.purposes if each.purpose is purpose), nothing)


def _prompts(visit: Visit, told: PurposeTexts) -> list[tuple[str, PromptText]]:
    several = len(told.arms) > 1
    return [
        (
            ", ".join([visit.words.language(one.language), *([one.arm] if several else [])]),
            one,
        )
        for one in told.prompts
    ]


def _canned(visit: Visit, told: PurposeTexts) -> list[tuple[str, list[str]]]:
    """The fixed texts of each language."""
    found: dict[str, list[str]] = {}
    for one in told.canned:
        found.setdefault(visit.words.language(one.language), []).extend(one.texts)
    return list(found.items())


async def _arms(visit: Visit, scope: Scope, told: PurposeTexts) -> list[Arm]:
    """The prompts to choose among, where there are several."""
    if len(told.arms) < 2:  # noqa: PLR2004 - one is no choice
        return []
    counted = await visit.front.counters.all()
    arms: list[Arm] = []
    for each in told.arms:
        full = arm_name(told.purpose, each)
        names = [f"arm:{full}:{came}" for came in ("sent", "answered")]
        if scope.shop is not None:
            names = [of_shop(scope.shop, name) for name in names]
        on = {full not in visit.front.rules.of(shop).arms_off for shop in scope.ids}
        arms.append(
            Arm(
                name=each,
                full=full,
                on=on.pop() if len(on) == 1 else None,
                sent=round(counted.get(names[0], 0)),
                answered=round(counted.get(names[1], 0)),
            )
        )
    return arms


# --- the seller's own words -------------------------------------------------------------------


def _own(
    visit: Visit, scope: Scope, purpose: Purpose, *, form: _OwnForm | None, refusal: Refused | None
) -> list[Own]:
    """The words in each language that is written in; none for what only answers."""
    if not purpose.proactive:
        return []
    rules, changed = visit.front.rules, visit.front.ruling.adjustments
    languages = {each: None for shop in scope.ids for each in rules.of(shop).languages}
    found: list[Own] = []
    for language in languages:
        texts = _said_by(visit, scope, purpose, language=language)
        mine = form if form is not None and form.language is language else None
        overtaken = mine is not None and refusal is _OVERTAKEN
        found.append(
            Own(
                language=language,
                name=visit.words.language(language),
                text=texts[0] if mine is None else mine.text,
                was=_named(texts),
                changed=any(f"{purpose}/{language}" in changed.of(s).texts for s in scope.ids),
                differs=len(set(texts)) > 1,
                wrong=wrong_of(visit, refusal) if refusal and mine else None,
                kept=texts[0] if overtaken else None,
            )
        )
    return found


def _said_by(visit: Visit, scope: Scope, purpose: Purpose, *, language: Language) -> list[str]:
    """The seller's words of each shop in question; empty where it has none."""
    rules = visit.front.rules
    return [rules.shop(shop).own_text(purpose, language) or "" for shop in scope.ids]


def _named(texts: list[str]) -> str:
    """What tells these words from any others."""
    return f"{crc32(chr(0).join(texts).encode()):08x}"


@post("/texts/{purpose:str}/own")
async def change_own(visit: FromVisit, purpose: FromPath[str]) -> Response[str] | Redirect:
    """Say the seller's words from now on, or what was said before."""
    form, of = await visit.form(_OwnForm), _purpose(purpose)
    scope = scope_of(visit, form.shop)
    back = bool(form.back) or not form.text.strip()
    wanted = {"texts": {of.value: {form.language.value: None if back else form.text}}}
    try:
        changes = await _worded(visit, scope, of, form=form, wanted=wanted)
    except Refused as refusal:
        return await _page(visit, scope, of, own=form, refusal=refusal)
    done = BROUGHT_BACK if back else SAVED
    return visit.back(at(f"{TEXTS}/{of}", scope), said=done if changes else UNCHANGED)


async def _worded(
    visit: Visit, scope: Scope, purpose: Purpose, *, form: _OwnForm, wanted: Mapping[str, object]
) -> tuple[Change, ...]:
    """Keep the words, unless these very words were changed since the form was made.

    What else was changed meanwhile is no reason to lose what was typed. Raises Refused.
    """
    ruling = visit.front.ruling
    await ruling.keep_up()
    version = ruling.adjustments.version
    if form.was not in {"", _named(_said_by(visit, scope, purpose, language=form.language))}:
        raise _OVERTAKEN
    try:
        return await ruling.change(
            wanted, shop=scope.shop, who=visit.who, now=visit.now, version=version
        )
    except Conflict:
        await ruling.keep_up()
        raise _OVERTAKEN from None


# --- a text before it goes --------------------------------------------------------------------


async def _orders(visit: Visit, scope: Scope) -> list[Choice]:
    """The newest orders of all shops in question."""
    known = [
        each
        for shop in scope.ids
        for each in await visit.front.contacts.newest_orders(shop, limit=NEWEST)
    ]
    known.sort(key=lambda each: each.order.created_at or each.heard_at, reverse=True)
    known = known[:NEWEST]
    names = await _names(visit.front, known)
    shops = {shop.id: shop.name for shop in scope.shops} if len(scope.ids) > 1 else {}
    return [
        Choice(
            order=f"{each.order.shop}/{each.order.code}",
            name=_titled(each.order, names.get(each.chat or ""), shops.get(each.order.shop)),
        )
        for each in known
    ]


async def _names(front: Front, known: list[KnownOrder]) -> dict[str, str | None]:
    """The first names of the buyers, by chat."""
    chats = list(dict.fromkeys(each.chat for each in known if each.chat is not None))
    claims = await front.chats.many(chats)
    return {
        claim.chat: first_name(claim.conversation.name)
        for claim in claims
        if claim.conversation is not None
    }


def _titled(order: Order, name: str | None, shop: str | None) -> str:
    goods = order.items[0].name if order.items else None
    return " · ".join(filter(None, (f"№{order.code}", goods, name, shop)))


@post("/texts/{purpose:str}/preview")
async def preview(visit: FromVisit, purpose: FromPath[str]) -> Response[str]:
    """Show what a customer would read; nothing is sent. The model is asked when it is wished."""
    form, of = await visit.form(_PreviewForm), _purpose(purpose)
    scope = scope_of(visit, form.shop)
    if visit.front.preview is None:
        raise Refused("there is no preview here", code="no_preview", status=404)
    order, name = await _chosen(visit, scope, form.order)
    shown = await visit.front.preview(
        PreviewWish(
            shop=order.shop,
            purpose=of,
            language=form.language,
            order=order,
            customer_name=name,
            arm=form.arm or None,
            ask_model=form.ask == "model",
        )
    )
    return await _page(visit, scope, of, asked=form, preview=shown)


async def _chosen(visit: Visit, scope: Scope, chosen: str) -> tuple[Order, str | None]:
    """The order that was chosen and its buyer's name; an invented one while there are none."""
    named, _, code = chosen.rpartition("/")
    shop, front = named if named in scope.ids else scope.ids[0], visit.front
    known = await front.contacts.order(shop, code) if code else None
    if known is None:
        item = Item(name=visit.t("Чайник электрический, 1,7 л"), price=12990.0)
        return Order(
            code="000000000", shop=shop, stage=Stage.PAID, items=(item,), total=12990.0
        ), visit.t("Айгерим")
    names = await _names(front, [known])
    return known.order, names.get(known.chat or "")


ROUTES = [*texts_rules.ROUTES, texts, text, change_own, preview]
