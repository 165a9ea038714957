"""What the seller changes of the rules while the bot runs, over what the settings say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import time, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from app.domain import bounds
from app.domain.bounds import OutOfBounds
from app.domain.events import Language
from app.domain.experiments import arm_name
from app.domain.own_texts import prove_own_text
from app.domain.rules import OwnText, Purpose, Rules, Shop

PLAIN = (
    "enabled", "max_messages", "messages_window_days", "cooldown_hours", "max_daily_messages",
    "quiet_hours", "review_delay_hours", "handoff_hours", "send_interval_seconds", "languages",
)  # fmt: skip
"""What can be changed and is one value; named as in the settings."""

PURPOSES, ARMS = "purposes_off", "arms_off"
SWITCHED = (PURPOSES, ARMS)
"""What can be switched on and off, by its names."""

FIELDS = (*PLAIN, *SWITCHED, "texts")
"""All that can be changed."""

COMMON = frozenset({"handoff_hours", "send_interval_seconds"})
"""What holds for all shops or for none: shops may share a customer, or a WhatsApp number."""


class Adjusted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was changed; None, or a name that is missing, is as the settings have it.

    ``enabled`` False is a bot that is silent for now. ``switches`` are purposes, such as
    ``reminder``, and prompts, such as ``post_purchase/v2``, that are on or off. ``texts`` are the
    seller's own words, by purpose and language, such as ``reminder/kk``.
    """

    enabled: bool | None = None
    max_messages: int | None = None
    messages_window_days: int | None = None
    cooldown_hours: float | None = None
    max_daily_messages: int | None = None
    quiet_hours: tuple[time, time] | None = None
    review_delay_hours: float | None = None
    handoff_hours: float | None = None
    send_interval_seconds: tuple[float, float] | None = None
    languages: tuple[Language, ...] | None = None
    switches: Mapping[str, bool] = {}
    texts: Mapping[str, str] = {}


class Adjustments(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that was changed: for every shop, and over that for one. ``version`` grows with each."""

    version: int = 0
    common: Adjusted = Adjusted()
    shops: Mapping[str, Adjusted] = {}

    def of(self, shop: str) -> Adjusted:
        """What holds for a shop."""
        return _over(self.common, self.shops.get(shop, Adjusted()))

    def scope(self, shop: str | None) -> Adjusted:
        """What was changed for this shop alone, or for all of them."""
        return self.common if shop is None else self.shops.get(shop, Adjusted())


class Change(Struct, frozen=True, kw_only=True):
    """One thing that is another than before, for a shop or, where that is None, for all.

    ``about`` is the purpose, the prompt or the text that was changed, where a field has several.
    ``before`` and ``after`` are as one writes them; None is no text of the seller's own.
    """

    shop: str | None
    field: str
    about: str | None
    before: str | None
    after: str | None


def adjusted(rules: Rules, adjustments: Adjustments) -> Rules:
    """The rules that hold: what the settings say, changed by what the seller did since."""
    shops = tuple(_worded(shop, adjustments.of(shop.id)) for shop in rules.shops)
    own = {
        shop.id: _ruled(
            replace(rules.of(shop.id), by_shop={}, shops=shops), adjustments.of(shop.id)
        )
        for shop in shops
    }
    paused = all(each.paused for each in own.values())
    first = replace(own[shops[0].id], warm_up=rules.warm_up, paused=paused)
    return replace(first, by_shop={id_: each for id_, each in own.items() if each != first})


def change(
    rules: Rules, adjustments: Adjustments, wanted: Mapping[str, object], *, shop: str | None
) -> tuple[Adjustments, tuple[Change, ...]]:
    """The adjustments with what is ``wanted`` of one shop, or of all, and what that changes.

    ``wanted`` is by the names of ``FIELDS``; a value of None is back to what the settings say. What
    is wanted of all shops is over what was changed for one. Raises ``OutOfBounds``.
    """
    ids = [each.id for each in rules.shops] if shop is None else [shop]
    new = adjustments
    for field, value in wanted.items():
        if field not in FIELDS:
            raise OutOfBounds(field, f"{field} cannot be changed here", code="unknown_field")
        if field in COMMON and shop is not None:
            raise OutOfBounds(field, f"{field} is the same for all shops", code="common_only")
        lower = rules if shop is None else adjusted(rules, replace(new, shops={}))
        under = _Under(
            configured=[rules.of(id_) for id_ in ids], below=[lower.of(id_) for id_ in ids]
        )
        scope = _with(new.scope(shop), field, value, under=under)
        if shop is None:
            new = replace(new, common=scope, shops=_cleared(new.shops, field, value))
        else:
            new = replace(new, shops=_without_empty({**new.shops, shop: scope}))
        for id_ in ids if field == ARMS and value is not None else ():
            _one_stays_on(rules.of(id_), new.of(id_).switches)
    told = tuple(_differences(rules, adjustments, new, shop=shop))
    same = new.common == adjustments.common and new.shops == adjustments.shops
    return (adjustments if same else replace(new, version=adjustments.version + 1)), told


# --- what holds -------------------------------------------------------------------------------


def _over(common: Adjusted, own: Adjusted) -> Adjusted:
    plain = {name: getattr(own, name) for name in PLAIN if getattr(own, name) is not None}
    return replace(
        common,
        **plain,
        switches={**common.switches, **own.switches},
        texts={**common.texts, **own.texts},
    )


_RULED: dict[str, tuple[str, Callable[[Any], object]]] = {
    "max_messages": ("max_messages", int),
    "messages_window_days": ("messages_window", lambda days: timedelta(days=days) or None),
    "cooldown_hours": ("cooldown", lambda hours: timedelta(hours=hours)),
    "max_daily_messages": ("max_daily_messages", int),
    "quiet_hours": ("quiet_hours", lambda hours: hours),
    "review_delay_hours": ("review_delay", lambda hours: timedelta(hours=hours)),
    "handoff_hours": ("handoff", lambda hours: timedelta(hours=hours)),
    "send_interval_seconds": ("send_interval", lambda seconds: seconds),
    "languages": ("languages", lambda names: names),
}
"""Where the rules keep it, and how."""


def _ruled(own: Rules, changed: Adjusted) -> Rules:
    told = {
        name: made(getattr(changed, field))
        for field, (name, made) in _RULED.items()
        if getattr(changed, field) is not None
    }
    off = frozenset(
        purpose
        for purpose in Purpose
        if purpose.proactive and not changed.switches.get(purpose, purpose not in own.off)
    )
    arms = {arm for arm in _arms(own) if not changed.switches.get(arm, arm not in own.arms_off)}
    unknown = own.arms_off - set(_arms(own))
    paused = changed.enabled is False
    return replace(own, **told, off=off, arms_off=frozenset(arms | unknown), paused=paused)


def _arms(rules: Rules) -> list[str]:
    return [arm_name(purpose, arm) for purpose, arms in rules.arms.items() for arm in arms]


def _worded(shop: Shop, changed: Adjusted) -> Shop:
    """The shop with the seller's newest words before those of the settings."""
    if not changed.texts:
        return shop
    known = {f"{own.purpose}/{own.language}": own for own in shop.texts}
    for key, text in changed.texts.items():
        purpose, _, language = key.partition("/")
        if purpose in set(Purpose) and language in set(Language):
            own = OwnText(purpose=Purpose(purpose), language=Language(language), text=text)
            known[key] = own
    return replace(shop, texts=tuple(known.values()))


# --- what is wanted ---------------------------------------------------------------------------

_READ: dict[str, Callable[[str, object], object]] = {
    "enabled": bounds.flag,
    "max_messages": bounds.whole,
    "messages_window_days": bounds.whole,
    "cooldown_hours": bounds.number,
    "max_daily_messages": bounds.whole,
    "quiet_hours": bounds.hours_of_day,
    "review_delay_hours": bounds.number,
    "handoff_hours": bounds.number,
    "send_interval_seconds": bounds.interval,
    "languages": bounds.languages,
}


class _Under(Struct, frozen=True, kw_only=True):
    """The rules of each shop in question as they are in the settings, and without this scope."""

    configured: list[Rules]
    below: list[Rules]


def _with(scope: Adjusted, field: str, value: object, *, under: _Under) -> Adjusted:
    if field == "texts":
        return replace(scope, texts=_texts(scope, value))
    if field in SWITCHED:
        return replace(scope, switches=_switches(scope, field, value, under=under))
    read = None if value is None else _allowed(field, value, configured=under.configured)
    same = all(typed(own, field) == read for own in under.below)
    return replace(scope, **{field: None if same else read})


def _allowed(field: str, value: object, *, configured: list[Rules]) -> object:
    """The value, if it lies within its bounds or is what the settings say."""
    if field == "quiet_hours" and value == "" and not any(own.quiet_hours for own in configured):
        return None
    read = _READ[field](field, value)
    if all(typed(own, field) == read for own in configured):
        return read
    if field == "enabled" and read and not all(own.enabled for own in configured):
        advice = "AI_SELLER_ENABLED=false in the settings switches the bot off: change it there"
        raise OutOfBounds(field, advice, code="off_in_settings")
    _prove(field, read)
    return read


def _prove(field: str, read: Any) -> None:  # noqa: ANN401 - a field's own type
    if field == "quiet_hours":
        bounds.quiet_enough(read)
    elif field == "send_interval_seconds":
        for end in read:
            bounds.within(field, end)
    elif field in bounds.BOUNDS:
        bounds.within(field, read)


def _switches(scope: Adjusted, field: str, value: object, *, under: _Under) -> dict[str, bool]:
    """The switches of a scope with what is wanted: the names that are off, all others being on; or
    only what is said of some, ``{name: "on", "off" or None}``.
    """
    if value is None:
        mine = _of_kind(field, scope.switches)
        return {name: on for name, on in scope.switches.items() if name not in mine}
    switches = dict(scope.switches)
    for name, on in _wishes(field, value, under.configured).items():
        if on is None or all(_is_on(own, name) is on for own in under.below):
            switches.pop(name, None)
        else:
            switches[name] = on
    return switches


def _wishes(field: str, value: object, configured: list[Rules]) -> dict[str, bool | None]:
    """What is wanted of each name. Raises ``OutOfBounds`` for one that there is not."""
    arms = list(dict.fromkeys(arm for own in configured for arm in _arms(own)))
    known = arms if field == ARMS else [each.value for each in Purpose if each.proactive]
    told = value if isinstance(value, dict | list | tuple) else [None]
    says = {"on": True, "off": False, None: None}
    wrong = isinstance(value, dict) and not all(on in says for on in map(_hashed, value.values()))
    if wrong or any(name not in known for name in told):
        advice = f"{field} is a list of some of {', '.join(known)}"
        raise OutOfBounds(field, advice, code="bad_value")
    if isinstance(value, dict):
        return {name: says[on] for name, on in value.items()}
    return {name: name not in told for name in known}


def _hashed(value: object) -> str | None:
    return value if isinstance(value, str) or value is None else ""


def _is_on(own: Rules, name: str) -> bool:
    return name not in own.arms_off and name not in own.off


def _one_stays_on(own: Rules, switches: Mapping[str, bool]) -> None:
    """Raise ``OutOfBounds`` where every prompt of a purpose is off."""
    for purpose, arms in own.arms.items():
        names = [arm_name(purpose, arm) for arm in arms]
        if not any(switches.get(name, _is_on(own, name)) for name in names):
            advice = f"one prompt of {purpose} stays on: switch the purpose off instead"
            raise OutOfBounds(ARMS, advice, code="last_arm")


def _texts(scope: Adjusted, value: object) -> dict[str, str]:
    """The own texts of a scope, with these in it: ``{purpose: {language: text, or None}}``."""
    if value is None:
        return {}
    texts = dict(scope.texts)
    for purpose, told in _table(value, "purpose").items():
        if purpose not in set(Purpose) or not Purpose(purpose).proactive:
            raise OutOfBounds("texts", f"{purpose} has no text of your own", code="bad_value")
        for language, text in _table(told, "language").items():
            if language not in set(Language):
                raise OutOfBounds("texts", "a language is ru, kk or en", code="bad_value")
            key = f"{purpose}/{language}"
            if text is None:
                texts.pop(key, None)
            else:
                texts[key] = _own_words(text)
    return texts


def _table(value: object, keys: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise OutOfBounds("texts", f"texts are told by {keys}", code="bad_value")
    return value


def _own_words(text: object) -> str:
    words = text.replace("\r\n", "\n").strip() if isinstance(text, str) else ""
    try:
        prove_own_text(words)
    except ValueError as wrong:
        raise OutOfBounds("texts", str(wrong), code="bad_text") from None
    return words


def _cleared(shops: Mapping[str, Adjusted], field: str, wanted: object) -> dict[str, Adjusted]:
    """What was changed for one shop, without what was just said for all of them."""
    return _without_empty({id_: _without(own, field, wanted) for id_, own in shops.items()})


def _without(own: Adjusted, field: str, wanted: object) -> Adjusted:
    if field == "texts":
        told = _text_keys(wanted) if isinstance(wanted, dict) else set(own.texts)
        return replace(own, texts={key: own.texts[key] for key in own.texts if key not in told})
    if field in SWITCHED:
        told = set(wanted) if isinstance(wanted, dict) else _of_kind(field, own.switches)
        left = {name: on for name, on in own.switches.items() if name not in told}
        return replace(own, switches=left)
    return replace(own, **{field: None})


def _of_kind(field: str, names: Iterable[str]) -> set[str]:
    """The prompts among ``names``, or the purposes."""
    return {name for name in names if ("/" in name) is (field == ARMS)}


def _text_keys(wanted: dict[str, dict[str, object]]) -> set[str]:
    return {f"{purpose}/{language}" for purpose, told in wanted.items() for language in told}


def _without_empty(shops: Mapping[str, Adjusted]) -> dict[str, Adjusted]:
    return {id_: own for id_, own in shops.items() if own != Adjusted()}


# --- what it is now, in words -----------------------------------------------------------------


def typed(own: Rules, field: str) -> object:
    """A plain field of a shop's rules, as :class:`Adjusted` has it."""
    if field == "enabled":
        return own.speaks
    if field == "messages_window_days":
        return own.messages_window.days if own.messages_window else 0
    if field.endswith("_hours") and field != "quiet_hours":
        span: timedelta = getattr(own, field.removesuffix("_hours"))
        return span.total_seconds() / 3600
    return getattr(own, field.removesuffix("_seconds"))


def written(field: str, value: Any) -> Any:  # noqa: ANN401 - as JSON has it
    """A plain field as one writes it in the settings, or in JSON."""
    if field == "quiet_hours":
        return "" if value is None else "-".join(f"{end:%H:%M}" for end in value)
    if field == "send_interval_seconds":
        return "-".join(f"{end:g}" for end in value)
    return [language.value for language in value] if field == "languages" else value


def told_of(rules: Rules, shop: str) -> dict[tuple[str, str | None], str | None]:
    """All that can be changed of a shop, as it holds, in words: by field and what of it."""
    own = rules.of(shop)
    told: dict[tuple[str, str | None], str | None] = {
        (field, None): _in_words(written(field, typed(own, field))) for field in PLAIN
    }
    for purpose in Purpose:
        if purpose.proactive:
            told[PURPOSES, purpose.value] = _on(purpose not in own.off)
    for arm in _arms(own):
        told[ARMS, arm] = _on(arm not in own.arms_off)
    for text in rules.shop(shop).texts:
        told["texts", f"{text.purpose}/{text.language}"] = text.text
    return told


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return _on(value)
    if isinstance(value, list):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _on(on: bool) -> str:  # noqa: FBT001 - the one thing it says
    return "on" if on else "off"


def _differences(
    rules: Rules, before: Adjustments, after: Adjustments, *, shop: str | None
) -> Iterable[Change]:
    """What is another than before: once for all shops, where it is the same in all of them."""
    old, new = adjusted(rules, before), adjusted(rules, after)
    ids = [each.id for each in rules.shops]
    found = {id_: list(_changed(told_of(old, id_), told_of(new, id_))) for id_ in ids}
    first = found[ids[0]]
    if shop is None and all(each == first for each in found.values()):
        found = {"": first}
    for id_, changes in found.items():
        for (field, about), was, now in changes:
            yield Change(shop=id_ or None, field=field, about=about, before=was, after=now)


_Told = Mapping[tuple[str, str | None], str | None]


def _changed(
    old: _Told, new: _Told
) -> Iterable[tuple[tuple[str, str | None], str | None, str | None]]:
    for key in dict.fromkeys((*old, *new)):
        if old.get(key) != new.get(key):
            yield key, old.get(key), new.get(key)
