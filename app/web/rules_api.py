"""The rules as they hold, and how the seller changes them while the bot runs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from litestar import Router, get, patch
from litestar.params import JSONBody
from msgspec import Struct

from app.domain.adjust import PLAIN, SWITCHED, Change, typed, written
from app.domain.bounds import BOUNDS, QUIET_WHY, Bound
from app.domain.rules import Purpose, Rules
from app.errors import Refused
from app.store.adjustments import Logged, Ruling
from app.web.front import FromFront, Front, known_shop
from app.web.guards import plain_name
from app.web.problems import GUARDED, told

LONGEST_NAME = 60
"""Characters of who changes a rule."""

CHANGED = GUARDED | told(HTTPStatus.CONFLICT)


class Value(Struct, frozen=True, kw_only=True):
    """What holds, and whether the ``settings`` or the ``desk`` say so; ``configured`` is what the
    settings say.
    """

    value: Any
    source: str
    configured: Any


class Limits(Struct, frozen=True, kw_only=True):
    """How far a rule may be moved here; ``also`` is allowed beside it. ``why`` not further."""

    why: str
    low: float | None = None
    high: float | None = None
    unit: str | None = None
    also: float | None = None


class ShopRules(Struct, frozen=True, kw_only=True):
    """The rules of one shop, by their names in the settings.

    ``texts`` are the seller's own words, by purpose and language, such as ``reminder/kk``.
    """

    shop: str
    name: str
    values: dict[str, Value]
    texts: dict[str, Value]


class RulesShown(Struct, frozen=True, kw_only=True):
    """All rules that can be changed here. ``version`` goes with a change that rests on them."""

    version: int
    shops: list[ShopRules]
    bounds: dict[str, Limits]


class RulesChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``who`` wants to be another: of one ``shop``, or of all of them where that is null.

    ``changes`` are values by the names of the settings; null is back to what those say.
    ``purposes_off`` and ``arms_off`` are whole lists, or ``{"reminder": "off"}`` for some of them;
    ``texts`` are ``{"reminder": {"ru": "…"}}``. With a ``version`` nobody else's change since is
    undone unseen.
    """

    changes: dict[str, Any]
    who: str = "API"
    shop: str | None = None
    version: int | None = None


class RulesDone(Struct, frozen=True, kw_only=True):
    """What is another than before, see ``/api/rules/log``; and how the rules are now."""

    changed: list[Change]
    rules: RulesShown


@get("/rules", responses=GUARDED, summary="The rules as they hold, and how far they can be moved")
async def shown(front: FromFront) -> RulesShown:
    """Of every shop, and where each value comes from."""
    await front.ruling.keep_up()
    return rules_shown(front)


@patch("/rules", responses=CHANGED, summary="Change rules while the bot runs")
async def changed(front: FromFront, data: JSONBody[RulesChange]) -> RulesDone:
    """Holds on all workers within a second, without a restart; every change is logged."""
    who = plain_name(data.who)
    if not 0 < len(who) <= LONGEST_NAME:
        advice = f"who is a name of 1 to {LONGEST_NAME} characters"
        raise Refused(advice, code="bad_who")
    changes = await front.ruling.change(
        data.changes,
        shop=None if data.shop is None else known_shop(front, data.shop),
        who=who,
        now=front.world.now(),
        version=data.version,
    )
    front.log.info("operator", act="rules", changes=len(changes))
    return RulesDone(
        changed=list(changes),
        rules=rules_shown(front),
    )


@get("/rules/log", responses=GUARDED, summary="Who changed which rule, the newest first")
async def log(front: FromFront) -> list[Logged]:
    """The last 500 changes."""
    return list(await front.ruling.store.log())


def rules_shown(front: Front) -> RulesShown:
    """The rules as they hold in this process."""
    ruling = front.ruling
    return RulesShown(
        version=ruling.adjustments.version,
        shops=[
            ShopRules(
                shop=shop.id,
                name=shop.name,
                values=values_of(ruling, shop.id),
                texts=texts_of(ruling, shop.id),
            )
            for shop in ruling.rules.shops
        ],
        bounds=_bounds(),
    )


def values_of(ruling: Ruling, shop: str) -> dict[str, Value]:
    """What holds for a shop, by the names of the settings."""
    own, configured = ruling.rules.of(shop), ruling.base.of(shop)
    changed = ruling.adjustments.of(shop)
    values = {
        field: Value(
            value=written(field, typed(own, field)),
            source=_source(getattr(changed, field) is not None),
            configured=written(field, typed(configured, field)),
        )
        for field in PLAIN
    }
    for field, arms in zip(SWITCHED, (False, True), strict=True):
        values[field] = Value(
            value=_off(own, arms=arms),
            source=_source(any(("/" in name) is arms for name in changed.switches)),
            configured=_off(configured, arms=arms),
        )
    return values


def texts_of(ruling: Ruling, shop: str) -> dict[str, Value]:
    """The seller's own words for a shop, by purpose and language."""
    configured = {f"{own.purpose}/{own.language}": own.text for own in ruling.base.shop(shop).texts}
    now = {f"{own.purpose}/{own.language}": own.text for own in ruling.rules.shop(shop).texts}
    return {
        key: Value(
            value=text,
            source=_source(text != configured.get(key)),
            configured=configured.get(key),
        )
        for key, text in now.items()
    }


def _off(rules: Rules, *, arms: bool) -> list[str]:
    if arms:
        return sorted(rules.arms_off)
    return [purpose.value for purpose in Purpose if purpose in rules.off]


def _source(desk: bool) -> str:  # noqa: FBT001 - the one thing it asks
    return "desk" if desk else "settings"


def _bounds() -> dict[str, Limits]:
    limits = {field: _limits(bound) for field, bound in BOUNDS.items()}
    return limits | {"quiet_hours": Limits(why=QUIET_WHY)}


def _limits(bound: Bound) -> Limits:
    return Limits(why=bound.why, low=bound.low, high=bound.high, unit=bound.unit, also=bound.also)


ROUTER = Router("/api", route_handlers=[shown, changed, log], tags=["rules"])
