"""The business rules as the seller set them, for every shop."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from app.config import Settings, ShopSettings
from app.domain.rules import Rules, Shop


def rules_of(settings: Settings) -> Rules:
    """The rules of the first shop, and by shop those of the others that differ.

    An order of a shop that is not there any more is spoken of as the first shop's, and by its
    rules. ``warm_up`` is on where some shop's number warms up; which one, says its own rules.
    """
    shops = settings.shops
    everybodys = _common(settings, shops)
    own = {shop.id: _limited(everybodys, shop) for shop in shops}
    first = replace(own[shops[0].id], warm_up=any(shop.warm_up for shop in shops))
    return replace(first, by_shop={id_: rules for id_, rules in own.items() if rules != first})


def _common(settings: Settings, shops: tuple[ShopSettings, ...]) -> Rules:
    """What holds for all shops."""
    return Rules(
        shops=tuple(_spoken_for(shop) for shop in shops),
        enabled=settings.ai_seller_enabled,
        test_mode=settings.ai_seller_test_mode,
        fallback=settings.ai_seller_fallback,
        timezone=settings.ai_seller_timezone.key,
        opt_out_words=settings.ai_seller_opt_out_keywords,
        debounce=timedelta(seconds=settings.ai_seller_debounce_seconds),
        debounce_max=timedelta(seconds=settings.ai_seller_debounce_max_seconds),
        typing_chars_per_second=settings.ai_seller_typing_chars_per_second,
        send_interval=settings.ai_seller_send_interval_seconds,
        handoff=timedelta(hours=settings.ai_seller_handoff_hours),
        settle=timedelta(seconds=settings.waha_settle_seconds),
    )


def _spoken_for(shop: ShopSettings) -> Shop:
    return Shop(
        id=shop.id,
        name=shop.name,
        session=shop.session,
        hours=shop.hours,
        stated=shop.stated,
        texts=shop.texts,
    )


def _limited(rules: Rules, shop: ShopSettings) -> Rules:
    """``rules`` with what is a shop's own."""
    window = shop.messages_window_days
    return replace(
        rules,
        max_messages=shop.max_messages,
        messages_window=timedelta(days=window) if window else None,
        cooldown=timedelta(hours=shop.cooldown_hours),
        max_daily_messages=shop.max_daily_messages,
        quiet_hours=shop.quiet_hours,
        review_delay=timedelta(hours=shop.review_delay_hours),
        languages=shop.languages,
        warm_up=shop.warm_up,
        off=shop.off,
    )
