"""The settings of one shop, and how a shop's own come before what the environment says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time

from msgspec import Struct
from msgspec.structs import replace

from app.config.readers import Secret
from app.config.shop_facts import over
from app.domain.events import Language
from app.domain.rules import Hours, OwnText, Purpose, Stated


class ShopSettings(Struct, frozen=True, kw_only=True):
    """One shop as it works: what is its own, and the limits that hold for it.

    ``messages_window_days`` 0 is a window for ever; ``poll_seconds`` None are the built-in
    intervals. ``price_list`` is a path or an address, ``sheet`` the address of a product sheet.
    Without a ``token`` the shop's orders are not polled.
    """

    id: str
    name: str
    session: str
    token: Secret | None = None
    merchant_uid: str | None = None
    price_list: str | None = None
    sheet: str | None = None
    hours: Hours | None = None
    stated: tuple[Stated, ...] = ()
    texts: tuple[OwnText, ...] = ()
    languages: tuple[Language, ...]
    quiet_hours: tuple[time, time] | None
    max_messages: int
    messages_window_days: int
    cooldown_hours: float
    max_daily_messages: int
    review_delay_hours: float
    warm_up: bool
    off: frozenset[Purpose]
    poll_seconds: float | None


class ToldShop(Struct, frozen=True, kw_only=True):
    """What the shops file says of one shop: no more than stands there.

    ``own`` are fields of :class:`ShopSettings`. ``token_env`` names the environment variable with
    the token. ``language`` is the one to begin with, where the others are not told.
    """

    id: str
    own: Mapping[str, object]
    place: str
    token_env: str | None = None
    language: Language | None = None
    stated: tuple[Stated, ...] = ()


def shop_of(told: ToldShop, common: ShopSettings) -> ShopSettings:
    """The shop: what it says itself, and ``common`` for what may be common to shops.

    A token, a merchant, a price list and a sheet belong to one shop: they are never common.
    """
    bare = replace(
        common,
        id=told.id,
        token=None,
        merchant_uid=None,
        price_list=None,
        sheet=None,
        stated=over(told.stated, common.stated),
        languages=_led_by(told.language, common.languages),
    )
    return replace(bare, **told.own)


def _led_by(language: Language | None, languages: tuple[Language, ...]) -> tuple[Language, ...]:
    """The ``languages``, beginning with this one."""
    return languages if language is None else tuple(dict.fromkeys((language, *languages)))
