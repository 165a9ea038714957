"""Everything at once: orders that wander, answers that fail, pollers that meet."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from datetime import timedelta

import pytest

from app.demo.faults import CutBefore, Status
from app.demo.kaspi import WrongStepError
from app.demo.kaspi_faults import Garbage, Html, KaspiFault, NoIncluded, TooMany
from app.demo.kaspi_shapes import Buyer, Delivery
from tests.builders import NOON
from tests.e2e.kaspi_shop import JACKET, SOCKS, KaspiShop, kaspi_shop

FAULTS: tuple[KaspiFault, ...] = (
    *(Status(500), CutBefore(), Html(200), TooMany(20), NoIncluded(), Garbage()),
)
STEPS = (
    *("accept", "assemble", "hand_over", "complete", "cancelling", "request_return"),
    "decline_return",
)
TALKATIVE = {
    "AI_SELLER_SEND_INTERVAL_SECONDS": "0",
    "AI_SELLER_QUIET_HOURS": "",
    "AI_SELLER_COOLDOWN_HOURS": "0",
    "AI_SELLER_MAX_MESSAGES": "50",
}


@pytest.mark.parametrize("seed", [7])
async def test_nobody_hears_a_thing_twice_or_of_what_was_there_before(
    store_url: str, seed: int
) -> None:
    dice = random.Random(seed)
    async with kaspi_shop(store_url, **TALKATIVE) as shop:
        shop.kaspi.masks = dice.choice(["never", "archived"])
        shop.kaspi.sorts = dice.random() < 0.5
        for n in range(20):
            grow_old(shop, n, dice)
        await shop.read()
        for n in range(40):
            shop.stage.clock.advance(minutes=dice.randrange(1, 200))
            if dice.random() < 0.5:
                shop.kaspi.auto_accept = dice.random() < 0.3
                buyer = Buyer(phone=f"70200000{n:02}")
                shop.kaspi.place([JACKET], buyer, delivery=dice.choice(list(Delivery)))
            if dice.random() < 0.4:
                shop.kaspi.fail(dice.choice(FAULTS), times=dice.randrange(1, 4))
            wander(shop, dice)
            pulls = [shop.pull()] if dice.random() < 0.3 else []
            await asyncio.gather(shop.read(), shop.read(), *pulls)
            await shop.stage.settle()
        shop.kaspi.heal()
        for _ in range(4):
            await shop.news(hours=3)
        await shop.stage.advance(days=1)
        await nothing_is_amiss(shop)


def grow_old(shop: KaspiShop, n: int, dice: random.Random) -> None:
    """An order that was there before."""
    step = dice.choice(["", "accept", "hand_over", "complete", "cancel"])
    made = NOON - timedelta(hours=dice.randrange(1, 1000 if step else 100))
    order = shop.kaspi.place([JACKET, SOCKS], Buyer(phone=f"70100000{n:02}"), created=made)
    if step:
        getattr(shop.kaspi, step)(order.code)


def wander(shop: KaspiShop, dice: random.Random) -> None:
    """Some orders go on, or back."""
    new = [c for c, each in shop.kaspi.orders.items() if (each.buyer.phone or "").startswith("702")]
    for code in dice.sample(new, min(3, len(new))):
        with suppress(WrongStepError):
            getattr(shop.kaspi, dice.choice(STEPS))(code)


async def nothing_is_amiss(shop: KaspiShop) -> None:
    for code, order in shop.kaspi.orders.items():
        phone = f"7{order.buyer.phone}"
        said = [purpose for purpose in await shop.said(phone) if purpose != "reminder"]
        assert len(said) == len(set(said)), (phone, said)
        known = await shop.stage.bot.contacts.order("default", code)
        assert known is not None
        if phone.startswith("7701"):
            assert said == [], phone
        else:
            assert known.chat in {phone, None}
    assert shop.stage.texts
    assert shop.kaspi.busiest_second() <= 2
