"""A shop without a demper: its orders are read at Kaspi, and whoever else tells of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from app.demo.demper import order_webhook, pushed, sign_kaspi_webhook
from app.demo.faults import CutBefore, Status
from app.demo.kaspi_faults import Garbage, Html, NoIncluded, TooMany, UnknownFields
from app.demo.kaspi_shapes import MASK_FORMS, Buyer, Delivery, Order
from app.domain.events import Stage as OrderStage
from tests.builders import NOON, PHONE
from tests.e2e.kaspi_shop import BUYER, JACKET, SOCKS, KaspiShop, kaspi_shop

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "77010000009"


@pytest.fixture
async def shop(store_url: str) -> AsyncIterator[KaspiShop]:
    async with kaspi_shop(store_url, KASPI_WEBHOOK_SECRET=SECRET) as shop:
        await shop.connect()
        yield shop


async def demper(shop: KaspiShop, order: Order, stage: str = "POST_PURCHASE") -> None:
    body = pushed(stage, order, order.buyer)
    assert (await shop.stage.public.post("/event_handler", json=body)).status_code == 200
    await shop.stage.settle()


async def webhook(shop: KaspiShop, **order: Any) -> None:
    body = order_webhook("default", order)
    headers = sign_kaspi_webhook(SECRET, body)
    answer = await shop.stage.public.post("/webhooks/kaspi", content=body, headers=headers)
    assert answer.status_code == 202, answer.text
    await shop.stage.settle()


async def stage_of(shop: KaspiShop, code: str) -> OrderStage:
    known = await shop.stage.bot.contacts.order("default", code)
    assert known is not None
    return known.order.stage


def ago(shop: KaspiShop, **delta: float) -> datetime:
    return shop.stage.clock.now() - timedelta(**delta)


# --- a purchase -------------------------------------------------------------------------------


async def test_a_new_order_is_thanked_for_once(shop: KaspiShop) -> None:
    shop.kaspi.place([JACKET], BUYER)

    taken = await shop.news()

    assert taken.new == 1
    assert len(shop.stage.texts) == 1
    assert "Куртка Alpin" in shop.stage.texts[0]
    again = await shop.news()
    assert (again.new, again.already_known) == (0, 1)
    assert len(shop.stage.texts) == 1


@pytest.mark.parametrize("first", ["demper", "poll", "webhook"])
async def test_an_order_is_thanked_for_once_whoever_tells_of_it_first(
    shop: KaspiShop, first: str
) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    told = {"code": order.code, "stage": "accepted", "phone": PHONE}
    if first == "poll":
        await shop.news()
    if first == "webhook":
        await webhook(shop, **told)
    await demper(shop, order)
    await shop.news()
    await webhook(shop, **told)
    shop.kaspi.accept(order.code)
    await shop.news()
    await demper(shop, order)
    await shop.stage.advance(days=3)
    assert await shop.said() == ["post_purchase"]


async def test_a_shop_that_accepts_by_itself_never_shows_a_new_order(shop: KaspiShop) -> None:
    shop.kaspi.auto_accept = True
    shop.kaspi.place([JACKET], BUYER)
    shop.kaspi.place([SOCKS], Buyer(phone=OTHER[1:]), delivery=Delivery.PICKUP)
    assert (await shop.news()).new == 2
    assert await shop.said() == ["post_purchase"]


async def test_a_thank_you_is_worth_saying_two_days_from_the_purchase_on(shop: KaspiShop) -> None:
    """What was bought while nobody looked, and what is only found late."""
    await shop.news(days=2)
    shop.kaspi.place([JACKET], BUYER, created=ago(shop, hours=40))
    shop.kaspi.place([JACKET], Buyer(phone=OTHER[1:]), created=ago(shop, hours=49))
    await shop.news()
    await shop.stage.advance(hours=2)
    assert await shop.said() == ["post_purchase"]
    assert await shop.said(OTHER) == []


async def test_a_credit_that_is_not_signed_gets_nothing_and_is_thanked_for_then(
    shop: KaspiShop,
) -> None:
    order = shop.kaspi.place([JACKET], BUYER, needs_signature=True)
    for _ in range(3):
        await shop.news()
    assert shop.stage.texts == []
    shop.kaspi.sign(order.code)
    await shop.news()
    assert await shop.said() == ["post_purchase"]


async def test_an_unsigned_credit_that_lies_among_the_new_gets_nothing(shop: KaspiShop) -> None:
    order = shop.kaspi.place([JACKET], BUYER, needs_signature=True)
    shop.kaspi.set_status(order.code, "APPROVED_BY_BANK", state="NEW")
    assert (await shop.news()).new == 0
    assert shop.stage.texts == []
    shop.kaspi.sign(order.code)
    assert (await shop.news()).new == 1
    assert await shop.said() == ["post_purchase"]


async def test_where_an_order_is_says_its_status_and_never_its_tab(shop: KaspiShop) -> None:
    orders = [shop.kaspi.place([JACKET], Buyer(phone=f"70510000{n:02}")) for n in range(9)]
    codes = [order.code for order in orders]
    shop.kaspi.set_status(codes[0], "APPROVED_BY_BANK", state="KASPI_DELIVERY")
    shop.kaspi.set_status(codes[1], "ACCEPTED_BY_MERCHANT", state="NEW")
    shop.kaspi.assemble(codes[2])
    shop.kaspi.set_status(codes[2], "ACCEPTED_BY_MERCHANT", state="DELIVERY")
    shop.kaspi.hand_over(codes[3])
    shop.kaspi.set_status(codes[3], "ACCEPTED_BY_MERCHANT", state="PICKUP")
    shop.kaspi.set_status(codes[4], "COMPLETED", state="KASPI_DELIVERY")
    shop.kaspi.set_status(codes[5], "CANCELLED", state="NEW")
    shop.kaspi.set_status(codes[6], "KASPI_DELIVERY_RETURN_REQUESTED", state="KASPI_DELIVERY")
    shop.kaspi.set_status(codes[7], "RETURN_ACCEPTED_BY_MERCHANT", state="ARCHIVE")
    shop.kaspi.set_status(codes[8], "WAITING_FOR_TELEPORT", state="NEW")
    await shop.news()
    found = [await stage_of(shop, code) for code in codes]
    assert found == [
        OrderStage.PAID,
        OrderStage.ACCEPTED,
        OrderStage.PACKED,
        OrderStage.HANDED_OVER,
        OrderStage.DELIVERED,
        OrderStage.CANCELLED,
        OrderStage.RETURN_REQUESTED,
        OrderStage.RETURN_REQUESTED,
        OrderStage.UNKNOWN,
    ]
    assert await shop.said("77051000008") == []


# --- changes of mind --------------------------------------------------------------------------


async def test_what_is_left_after_a_partial_cancellation_is_spoken_of(shop: KaspiShop) -> None:
    shop.stage.clock.set(NOON + timedelta(hours=12))  # it waits for the morning
    order = shop.kaspi.place([JACKET, SOCKS], BUYER)
    await shop.news()
    shop.kaspi.partial_cancel(order.code, 0)
    await shop.news()
    await shop.stage.advance(hours=11)
    [text] = shop.stage.texts
    assert "Носки" in text
    assert "Куртка" not in text
    asked = str(shop.stage.model.requests[0])
    assert "Носки" in asked
    assert "Куртка" not in asked


async def test_a_partial_cancellation_between_the_poll_and_the_text_is_seen(
    shop: KaspiShop,
) -> None:
    shop.stage.clock.set(NOON + timedelta(hours=12))
    order = shop.kaspi.place([JACKET, SOCKS], BUYER)
    await shop.news()
    shop.kaspi.partial_cancel(order.code, 0)
    await shop.stage.advance(hours=11)
    [text] = shop.stage.texts
    assert "Носки" in text
    assert "Куртка" not in text


@pytest.mark.parametrize("ignored", [False, True])
async def test_lines_are_read_one_by_one_where_kaspi_leaves_them_out(
    shop: KaspiShop, ignored: bool
) -> None:
    if ignored:
        shop.kaspi.fail(NoIncluded(), times=None)
    order = shop.kaspi.place([JACKET, SOCKS], BUYER)
    await shop.news()
    assert "Куртка Alpin" in shop.stage.texts[0]
    asked = [seen for seen in shop.kaspi.requests if seen.path.endswith("/entries")]
    assert bool(asked) is ignored
    shop.kaspi.partial_cancel(order.code, 0)
    await shop.news()
    known = await shop.stage.bot.contacts.order("default", order.code)
    assert known is not None
    assert [item.name for item in known.order.items] == [SOCKS.name]
    asked_for = len(shop.kaspi.requests)
    await shop.news()
    entries = [s for s in shop.kaspi.requests[asked_for:] if s.path.endswith("/entries")]
    assert entries == []


async def test_lines_that_cannot_be_read_keep_no_order_back(shop: KaspiShop) -> None:
    shop.kaspi.fail(NoIncluded(), times=None)
    shop.kaspi.fail(Status(500, {"errors": []}), times=None, only="/entries")
    shop.kaspi.place([JACKET], BUYER)
    other = shop.kaspi.place([JACKET], Buyer(phone=OTHER[1:]))
    assert (await shop.news()).new == 2
    assert await stage_of(shop, other.code) is OrderStage.PAID


async def test_a_cancellation_that_comes_to_nothing_leads_back(shop: KaspiShop) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    shop.kaspi.hand_over(order.code)
    await shop.news()
    shop.kaspi.cancelling(order.code)
    await shop.news()
    assert await stage_of(shop, order.code) is OrderStage.CANCELLING
    shop.kaspi.set_status(order.code, "ACCEPTED_BY_MERCHANT")
    await shop.news()
    shop.kaspi.complete(order.code)
    await shop.news(days=2)
    assert "order_delivered" in await shop.said()


async def test_a_return_that_is_withdrawn_leaves_the_order_delivered(shop: KaspiShop) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    await shop.news()
    shop.kaspi.complete(order.code)
    await shop.news(days=1, hours=1)
    shop.kaspi.request_return(order.code, state="KASPI_DELIVERY")
    await shop.news()
    shop.kaspi.decline_return(order.code)
    await shop.news()
    assert (await shop.stage.bot.mailbox.look(PHONE)).conversation is not None
    chat = (await shop.stage.bot.mailbox.look(PHONE)).conversation
    assert chat is not None
    assert chat.orders[0].stage is OrderStage.DELIVERED
    assert await shop.said() == ["post_purchase", "order_delivered"]


# --- the first reading ------------------------------------------------------------------------


@pytest.fixture
async def unconnected(store_url: str) -> AsyncIterator[KaspiShop]:
    async with kaspi_shop(store_url) as shop:
        yield shop


async def test_what_was_there_before_is_no_news_and_what_becomes_of_it_is(
    unconnected: KaspiShop,
) -> None:
    shop = unconnected
    order = shop.kaspi.place([JACKET], BUYER)
    taken = await shop.read()
    assert (taken.new, taken.skipped) == (0, 1)
    await shop.news()
    assert shop.stage.texts == []

    shop.kaspi.complete(order.code)
    taken = await shop.news()
    await shop.stage.advance(days=3)

    assert taken.delivered == 1
    assert await shop.said() == ["order_delivered", "review_request"]


async def test_a_shop_full_of_old_orders_is_connected_in_silence(unconnected: KaspiShop) -> None:
    shop, steps = unconnected, ["accept", "hand_over", "complete", "cancel", "return_"]
    for n in range(150):
        age = timedelta(minutes=7) + timedelta(days=55) * (n / 150)
        buyer = Buyer(phone=f"7051000{n:03}")
        order = shop.kaspi.place([JACKET], buyer, created=NOON - age, delivery=Delivery.POSTOMAT)
        step = steps[n % len(steps)]
        if step == "return_":
            shop.kaspi.complete(order.code)
        getattr(shop.kaspi, step)(order.code)
        if step == "cancel":
            shop.kaspi.cancel(order.code, "MERCHANT_OUT_OF_STOCK")
    shop.kaspi.sorts = False  # pages that overlap, and leave orders out
    await shop.connect()
    for _ in range(4):
        await shop.news()
    await shop.stage.advance(days=3)
    assert shop.stage.texts == []
    assert await shop.unusable() == []
    assert await shop.stage.bot.contacts.count() == 0


@pytest.mark.parametrize("fault", [Status(503), CutBefore(), Html(200), TooMany(5)])
@pytest.mark.parametrize("tab", ["NEW", "DELIVERY", "ARCHIVE"])
async def test_a_first_reading_that_dies_is_begun_again_and_stays_silent(
    unconnected: KaspiShop, fault: Any, tab: str
) -> None:
    shop = unconnected
    for n in range(4):
        shop.kaspi.place([JACKET], Buyer(phone=f"705100000{n}"), created=NOON - timedelta(hours=n))
    shop.kaspi.complete(next(iter(shop.kaspi.orders)))
    shop.kaspi.fail(fault, only=tab)
    await shop.read()
    shop.stage.clock.advance(minutes=2)
    meanwhile = shop.kaspi.place([JACKET], BUYER)
    await shop.news(minutes=2)
    await shop.stage.settle()
    shop.kaspi.complete(meanwhile.code)
    await shop.news(days=1, hours=1)
    assert {sent.chat_id for sent in shop.stage.waha.sent} == {f"{PHONE}@c.us"}
    assert await shop.said() == ["post_purchase", "order_delivered"]


async def test_what_is_bought_while_the_first_reading_goes_on_badly_is_news(
    unconnected: KaspiShop,
) -> None:
    """It is delivered before that is over, which is news too."""
    shop = unconnected
    shop.kaspi.fail(Status(503), times=None, only="ARCHIVE")
    await shop.read()
    shop.stage.clock.advance(minutes=1)
    order = shop.kaspi.place([JACKET], BUYER)
    await shop.news()
    assert await shop.said() == ["post_purchase"]
    shop.kaspi.heal()
    shop.kaspi.complete(order.code)
    await shop.news(days=1, hours=1)
    assert await shop.said() == ["post_purchase", "order_delivered"]


async def test_a_pull_before_the_first_reading_is_over_is_silent_too(
    unconnected: KaspiShop,
) -> None:
    shop = unconnected
    shop.kaspi.place([JACKET], BUYER, created=NOON - timedelta(hours=1))
    shop.kaspi.place([JACKET], BUYER, created=NOON - timedelta(days=20))
    answer = (await shop.pull()).json()
    assert answer["ai_seller"] == {"new": 0, "delivered": 0, "already_known": 0, "skipped": 1}
    await shop.read()
    await shop.news()
    assert shop.stage.texts == []


async def test_a_credit_that_waits_when_the_shop_is_connected_is_news_when_signed(
    unconnected: KaspiShop,
) -> None:
    shop = unconnected
    order = shop.kaspi.place([JACKET], BUYER, needs_signature=True)
    await shop.connect()
    await shop.news()
    assert shop.stage.texts == []
    shop.kaspi.sign(order.code)
    await shop.news()
    assert await shop.said() == ["post_purchase"]


async def test_an_order_that_could_not_be_read_at_first_is_no_news_when_it_can(
    unconnected: KaspiShop,
) -> None:
    shop = unconnected
    order = shop.kaspi.place([JACKET], BUYER)
    shop.kaspi.garble(order.code, status="TELEPORTED")
    await shop.connect()
    order.overrides.clear()
    await shop.news()
    assert shop.stage.texts == []
    shop.kaspi.complete(order.code)
    await shop.news()
    assert await shop.said() == ["order_delivered"]


async def test_after_three_days_away_a_shop_is_connected_anew(shop: KaspiShop) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    await shop.news()
    shop.kaspi.complete(order.code)
    missed = shop.kaspi.place([JACKET], Buyer(phone=OTHER[1:]), created=ago(shop, hours=-80))
    await shop.news(hours=81)
    assert await shop.said() == ["post_purchase"]
    await shop.stage.phone().writes("где мой заказ?")
    await shop.stage.advance(minutes=1)
    chat = (await shop.stage.bot.mailbox.look(PHONE)).conversation
    assert chat is not None
    assert chat.orders[0].stage is OrderStage.DELIVERED  # known, though nobody was told
    shop.kaspi.complete(missed.code)
    await shop.news()
    await shop.stage.advance(hours=12)
    assert await shop.said(OTHER) == ["order_delivered"]


async def test_what_failed_for_days_before_it_worked_forgets_nothing_made_since(
    shop: KaspiShop,
) -> None:
    """Away for long, and Kaspi is down when it is connected anew."""
    shop.stage.clock.advance(days=4)
    shop.kaspi.down = True
    await shop.read()
    shop.kaspi.down = False
    shop.stage.clock.advance(minutes=1)
    shop.kaspi.place([JACKET], BUYER)
    await shop.news(minutes=5)
    assert await shop.said() == ["post_purchase"]


async def test_another_merchants_token_is_connected_in_silence(store_url: str) -> None:
    async with kaspi_shop(store_url, KASPI_MERCHANT_UID="") as shop:
        shop.kaspi.needs_merchant_uid = False
        await shop.connect()
    async with kaspi_shop(store_url, KASPI_MERCHANT_UID="", KASPI_API_TOKEN="another=") as other:
        other.kaspi.needs_merchant_uid, other.kaspi.token = False, "another="
        for n in range(5):
            made = NOON + timedelta(minutes=10 * n + 1)
            other.kaspi.place([JACKET], Buyer(phone=f"705100000{n}"), created=made)
        await other.news(hours=2)
        assert other.stage.texts == []


async def test_who_ordered_before_the_shop_was_connected_is_answered_with_the_order(
    unconnected: KaspiShop,
) -> None:
    shop = unconnected
    await shop.stage.phone(OTHER, name="Болат").writes("Здравствуйте")
    await shop.stage.advance(minutes=1)
    for phone in (PHONE, OTHER):
        shop.kaspi.hand_over(shop.kaspi.place([JACKET], Buyer(phone=phone[1:])).code)
    await shop.connect()
    await shop.stage.settle()
    before = len(shop.stage.texts)
    for phone in (PHONE, OTHER):
        await shop.stage.phone(phone).writes("Где мой заказ?")
    await shop.stage.advance(minutes=1)
    answers = shop.stage.texts[before:]
    assert len(answers) == 2
    asked = [str(body) for body in shop.stage.model.requests[-2:]]
    assert all("Куртка Alpin" in each for each in asked)
    await shop.stage.advance(days=3)
    assert len(shop.stage.texts) == before + 2


# --- phones -----------------------------------------------------------------------------------


async def test_a_phone_that_is_hidden_later_is_kept(shop: KaspiShop) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    await shop.news()
    shop.kaspi.complete(order.code)
    assert shop.kaspi.phone_of(order) != BUYER.phone
    await shop.news(days=2)
    assert await shop.said() == ["post_purchase", "order_delivered"]
    assert await shop.unusable() == []


@pytest.mark.parametrize("mask", MASK_FORMS)
async def test_a_hidden_phone_is_told_once_and_nobody_is_written_to(
    shop: KaspiShop, mask: str | None
) -> None:
    shop.kaspi.masks, shop.kaspi.masked_phone = "always", mask
    order = shop.kaspi.place([JACKET], replace(BUYER, name="8 705 123 45 67"))
    taken = await shop.news()
    assert (taken.new, taken.skipped) == (0, 1)
    for step in (shop.kaspi.accept, shop.kaspi.hand_over, shop.kaspi.complete):
        step(order.code)
        await shop.news()
    assert await shop.unusable() == [("default", order.code, "no_phone")]
    assert (await shop.stage.metrics())["blocked_by_reason"] == {"no_phone": 1}
    assert shop.stage.texts == []
    assert await shop.stage.bot.contacts.count() == 0


async def test_a_phone_that_kaspi_shows_later_is_written_to_then(shop: KaspiShop) -> None:
    shop.kaspi.masks = "always"
    shop.kaspi.place([JACKET], BUYER)
    await shop.news()
    shop.kaspi.masks = "never"
    await shop.news()
    assert await shop.said() == ["post_purchase"]


@pytest.mark.parametrize("door", ["demper", "webhook"])
async def test_a_hidden_phone_that_somebody_else_tells_is_used(shop: KaspiShop, door: str) -> None:
    shop.kaspi.masks = "always"
    order = shop.kaspi.place([JACKET], BUYER)
    await shop.news()
    if door == "demper":
        await demper(shop, order)
    else:
        await webhook(shop, code=order.code, stage="paid", phone=PHONE)
    assert await shop.said() == ["post_purchase"]
    shop.kaspi.complete(order.code)
    await shop.news(days=2)
    assert await shop.said() == ["post_purchase", "order_delivered"]


async def test_what_was_bought_when_the_phone_was_hidden_is_forgotten_in_time(
    shop: KaspiShop,
) -> None:
    """A phone that turns up with the delivery is no reason to thank for the purchase."""
    shop.kaspi.masks = "always"
    order = shop.kaspi.place([JACKET], BUYER)
    await shop.news()
    shop.kaspi.complete(order.code)
    shop.kaspi.masks = "never"
    await shop.news()
    await shop.stage.advance(days=1, hours=12)
    assert await shop.said() == ["order_delivered"]


async def test_two_buyers_are_two_people(shop: KaspiShop) -> None:
    shop.kaspi.place([JACKET], BUYER)
    shop.kaspi.place([SOCKS], Buyer(phone=OTHER, first_name="БОЛАТ"))
    assert (await shop.news()).new == 2
    await shop.stage.advance(minutes=2)
    by_chat = {sent.chat_id.split("@")[0]: sent.text for sent in shop.stage.waha.sent}
    assert "Куртка" in by_chat[PHONE]
    assert "Носки" in by_chat[OTHER]


async def test_an_order_told_with_another_phone_stays_its_first_buyers(shop: KaspiShop) -> None:
    order = shop.kaspi.place([JACKET], Buyer(phone=OTHER[1:], first_name="БОЛАТ"))
    await demper(shop, replace(order, buyer=BUYER))
    await shop.news()
    shop.kaspi.complete(order.code)
    shop.kaspi.masks = "never"
    await shop.news(days=1, hours=1)
    assert await shop.said() == ["post_purchase", "order_delivered"]
    assert await shop.said(OTHER) == []
    assert (await shop.stage.contact())["name"] == "АЙГЕРИМ С"


# --- what cannot be read ----------------------------------------------------------------------


async def test_one_order_that_cannot_be_read_keeps_no_other_back(shop: KaspiShop) -> None:
    shop.kaspi.fail(Garbage(), UnknownFields(), times=None)
    shop.kaspi.place([JACKET], BUYER)
    assert (await shop.news()).new == 1
    assert await shop.said() == ["post_purchase"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"kaspiDelivery": [], "deliveryMode": 5, "cancellationReason": {"code": "X"}},
        {"totalPrice": "много", "plannedDeliveryDate": "завтра", "assembled": None},
        {"totalPrice": 1e300, "preOrder": "да", "deliveryAddress": [[]]},
        {"creationDate": str(int(NOON.timestamp() * 1000)), "totalPrice": "15990.0"},
        {"state": None, "customer": {"cellPhone": PHONE, "firstName": None, "name": None}},
    ],
)
async def test_an_order_of_which_a_part_cannot_be_read_is_thanked_for(
    shop: KaspiShop, attributes: dict[str, Any]
) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    shop.kaspi.garble(order.code, **{k: v for k, v in attributes.items() if k != "creationDate"})
    await shop.news()
    assert await shop.said() == ["post_purchase"]
    assert "Куртка" in shop.stage.texts[0]


async def test_flags_that_cannot_be_read_leave_it_open_how_far_an_order_is(
    shop: KaspiShop,
) -> None:
    order = shop.kaspi.place([JACKET], BUYER)
    shop.kaspi.garble(order.code, signatureRequired="может быть")
    await shop.news()
    assert await stage_of(shop, order.code) is OrderStage.UNKNOWN
    assert shop.stage.texts == []
