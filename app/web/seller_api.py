"""The seller's own doors: figures, and an order said to be delivered by hand."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct
from msgspec.structs import replace

from app.domain.budget import BudgetState
from app.domain.events import Address, Fact, OrderChanged, Stage
from app.domain.rules import Shop
from app.domain.tally import Metric
from app.errors import Refused
from app.gateways.kaspi import UnknownStage, read_demper
from app.store.known_orders import KnownOrder
from app.web.figures import Counts, Figures, ShopDay, figures, shop_days
from app.web.front import FromFront, Front, known_shop
from app.web.problems import GUARDED


class Model(Struct, frozen=True, kw_only=True):
    """What the model was asked. ``cost`` is US dollars.

    ``cost_today`` and ``budget`` are of this local day, whenever the figures were reset.
    """

    requests: int
    tokens: int
    cost: float
    canned: int
    cost_today: float
    budget: BudgetState


class Limiter(Struct, frozen=True, kw_only=True):
    """The caps and how much of them is used. ``active_customers`` are in their cooldown.

    ``messages_window_days`` 0 means for ever.
    """

    active_customers: int
    cooldown_hours: float
    max_messages_per_customer: int
    messages_window_days: float
    daily_limit: int
    shops: dict[str, ShopDay]


class ShopCounted(Struct, frozen=True, kw_only=True):
    """The same of one shop; ``model_cost`` is US dollars. What is of no shop is in none."""

    messages_sent: int
    messages_blocked: int
    errors: int
    success_rate: float
    blocked_by_reason: dict[str, int]
    sent_by_purpose: dict[str, int]
    messages_received: int
    opted_out: int
    model_cost: float


class Counted(Struct, frozen=True, kw_only=True):
    """What was counted since the last reset; ``success_rate`` is 0 before anything happened.

    ``by_shop`` has every shop there is.
    """

    messages_sent: int
    messages_blocked: int
    errors: int
    success_rate: float
    rate_limiter_stats: Limiter
    blocked_by_reason: dict[str, int]
    sent_by_purpose: dict[str, int]
    dry_run: int
    uncertain: int
    messages_received: int
    delivered: int
    read: int
    replied: int
    happy: int
    unhappy: int
    orders: int
    opted_out: int
    person_called: int
    model: Model
    by_shop: dict[str, ShopCounted]


class Metrics(Struct, frozen=True, kw_only=True):
    """The figures and when they were read."""

    enabled: bool
    ai_seller_metrics: Counted
    timestamp: datetime


class MetricsAnswer(Struct, frozen=True, kw_only=True):
    """The figures, as dashboards made for the seed expect them."""

    success: bool
    metrics: Metrics
    timestamp: datetime


class Done(Struct, frozen=True, kw_only=True):
    """It was done."""

    success: bool
    message: str
    timestamp: datetime


class Delivered(Struct, frozen=True, kw_only=True):
    """An order was said to be delivered. ``decision`` is ``accepted`` or ``duplicate``."""

    success: bool
    message: str
    decision: str
    timestamp: datetime


@get("/metrics", responses=GUARDED, summary="Figures since the last reset")
async def metrics(front: FromFront) -> MetricsAnswer:
    """Over all workers; they survive restarts."""
    now = front.world.now()
    counted = _counted(await figures(front), await _limiter(front), shops=front.rules.shops)
    told = Metrics(enabled=front.rules.speaks, ai_seller_metrics=counted, timestamp=now)
    return MetricsAnswer(success=True, metrics=told, timestamp=now)


async def _limiter(front: Front) -> Limiter:
    rules, now = front.rules, front.world.now()
    window = rules.messages_window
    return Limiter(
        active_customers=await front.contacts.in_cooldown(now - rules.cooldown),
        cooldown_hours=rules.cooldown.total_seconds() / 3600,
        max_messages_per_customer=rules.max_messages,
        messages_window_days=window.total_seconds() / 86_400 if window else 0,
        daily_limit=rules.max_daily_messages,
        shops=await shop_days(front),
    )


def _counted(counted: Figures, limiter: Limiter, *, shops: tuple[Shop, ...]) -> Counted:
    return Counted(
        messages_sent=counted.of(Metric.SENT),
        messages_blocked=counted.of(Metric.BLOCKED),
        errors=counted.of(Metric.ERRORS),
        success_rate=counted.success_rate,
        rate_limiter_stats=limiter,
        blocked_by_reason=counted.by(Metric.BLOCKED),
        sent_by_purpose=counted.by(Metric.SENT),
        dry_run=counted.of(Metric.DRY_RUN),
        uncertain=counted.of(Metric.UNCERTAIN),
        messages_received=counted.of(Metric.RECEIVED),
        delivered=counted.of(Metric.DELIVERED),
        read=counted.of(Metric.READ),
        replied=counted.of(Metric.REPLIED),
        happy=counted.of(Metric.HAPPY),
        unhappy=counted.of(Metric.UNHAPPY),
        orders=counted.of(Metric.ORDERS),
        opted_out=counted.of(Metric.OPTED_OUT),
        person_called=counted.of(Metric.PERSON_CALLED),
        model=Model(
            requests=counted.of(Metric.MODEL_REQUESTS),
            tokens=counted.of(Metric.MODEL_TOKENS),
            cost=counted.cost,
            canned=counted.of(Metric.CANNED),
            cost_today=counted.budget.spent_today,
            budget=counted.budget.state,
        ),
        by_shop={shop.id: _of_shop(counted.shop(shop.id)) for shop in shops},
    )


def _of_shop(counted: Counts) -> ShopCounted:
    return ShopCounted(
        messages_sent=counted.of(Metric.SENT),
        messages_blocked=counted.of(Metric.BLOCKED),
        errors=counted.of(Metric.ERRORS),
        success_rate=counted.success_rate,
        blocked_by_reason=counted.by(Metric.BLOCKED),
        sent_by_purpose=counted.by(Metric.SENT),
        messages_received=counted.of(Metric.RECEIVED),
        opted_out=counted.of(Metric.OPTED_OUT),
        model_cost=counted.cost,
    )


@post("/reset-metrics", status_code=HTTPStatus.OK, responses=GUARDED, summary="Counters to zero")
async def reset(front: FromFront) -> Done:
    """Caps, opt-outs, history and what each day has cost are untouched."""
    await front.counters.reset()
    front.log.info("operator", act="reset_metrics")
    return Done(success=True, message="metrics are reset", timestamp=front.world.now())


# --- an order said to be delivered ------------------------------------------------------------


class Delivery(Struct, frozen=True, kw_only=True):
    """An order as a demper tells it; all left out for an order that is known."""

    customer: dict[str, Any] | None = None
    order: dict[str, Any] | None = None
    shop_id: str | None = None


@post(
    "/trigger-delivered/{order_id:str}",
    status_code=HTTPStatus.OK,
    responses=GUARDED,
    summary="Say that an order was delivered",
)
async def trigger_delivered(
    front: FromFront,
    order_id: FromPath[str],
    data: JSONBody[Delivery | None] = None,
) -> Delivered:
    """As if the demper had said so; what is sent of it, and when, the rules decide."""
    now = front.world.now()
    told = data or Delivery()
    if told.customer is None and told.order is None:
        chat, fact = _of_known(await _known_order(front, order_id, told.shop_id), now)
        chats = [(chat, fact)]
    else:
        chats = await front.contacts.chats_of([_of_body(front, order_id, told)])
    (new,) = await front.mailbox.accept(chats, now=now)
    decision = "accepted" if new else "duplicate"
    front.log.info("operator", act="trigger_delivered", order=order_id, decision=decision)
    return Delivered(
        success=True,
        message=f"order {order_id}: {_MEANS[decision]}",
        decision=decision,
        timestamp=now,
    )


_MEANS = {
    "accepted": "recorded as delivered",
    "duplicate": "was known as delivered already",
}


async def _known_order(front: Front, order_id: str, shop_id: str | None) -> KnownOrder:
    for shop in front.rules.shops:
        if shop_id in (None, shop.id) and (found := await front.contacts.order(shop.id, order_id)):
            return found
    raise Refused("no order with this number is known", code="unknown_order", status=404)


def _of_known(known: KnownOrder, now: datetime) -> tuple[str, Fact]:
    if known.chat is None:
        raise Refused("Kaspi hides this buyer's phone, and nobody told it", code="no_phone")
    order = replace(known.order, stage=Stage.DELIVERED, source="operator")
    event = OrderChanged(
        id=f"order:{order.shop}:{order.code}:{order.stage}", at=now, received_at=now, order=order
    )
    return known.chat, Fact(person=Address(phone=known.chat), event=event)


def _of_body(front: Front, order_id: str, told: Delivery) -> Fact:
    """The fact in a body. Raises Refused with what is wrong."""
    order = told.order or {}
    if str(order.get("order_id") or order_id) != order_id:
        raise Refused("order.order_id is another order than the address says", code="order_id")
    push = read_demper(
        msgspec.json.encode(
            {
                "waha_stage_id": "ORDER_DELIVERED",
                "customer": told.customer or {},
                "order": order | {"order_id": order_id},
            }
        ),
        received_at=front.world.now(),
        shop_id=known_shop(front, told.shop_id),
    )
    if isinstance(push, UnknownStage):
        raise Refused("the stage ORDER_DELIVERED is not served", code="unknown_stage")
    return push.fact


ROUTER = Router("/ai-seller", route_handlers=[metrics, reset, trigger_delivered], tags=["seller"])
