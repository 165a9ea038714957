"""The figures of the shop: out of the counters, for people and for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.domain.budget import DECIMALS, Budget, BudgetState
from app.domain.rules import Purpose, Rules
from app.domain.session import Alarm, Alert, Grade, Session, alerts_of
from app.domain.tally import NONE, Spent, of_shop
from app.domain.tally import Metric as Count
from app.store.counters import Cost
from app.web.front import Front, Health, KaspiPart, PricesPart, Probe

_PERSON = "person"
"""The label of what people at the shop wrote themselves: it has no purpose."""


class Queue(Struct, frozen=True, kw_only=True):
    """Chats whose time has come, things that failed for good, people known."""

    due: int
    buried: int
    contacts: int


class ShopDay(Struct, frozen=True, kw_only=True):
    """A shop's proactive messages of this local day."""

    sent_today: int
    daily_limit: int
    daily_remaining: int


class Counts(Struct, frozen=True, kw_only=True):
    """What was counted since the last reset, over all workers."""

    counts: dict[str, float]

    def of(self, count: Count) -> int:
        """One counter."""
        return round(self.counts.get(count, 0))

    def by(self, count: Count) -> dict[str, int]:
        """The parts of one counter: by purpose, by reason."""
        start = f"{count}:"
        return {
            name.removeprefix(start): round(value)
            for name, value in sorted(self.counts.items())
            if name.startswith(start)
        }

    @property
    def cost(self) -> float:
        """What the model cost, in US dollars."""
        return round(self.counts.get(Count.MODEL_COST, 0), 6)

    @property
    def success_rate(self) -> float:
        """Sent of all that was to be sent, 0 to 1; 0 before anything happened."""
        sent = self.of(Count.SENT)
        tried = sent + self.of(Count.BLOCKED) + self.of(Count.ERRORS)
        return round(sent / tried, 4) if tried else 0.0

    def shop(self, shop: str) -> Counts:
        """What was counted of one shop alone."""
        start = of_shop(shop, "")
        return Counts(
            counts={
                name.removeprefix(start): value
                for name, value in self.counts.items()
                if name.startswith(start)
            }
        )


class Figures(Counts, frozen=True, kw_only=True):
    """The counters of all shops together.

    ``today`` is what this local day cost, by shop and purpose, and ``budget`` what it may cost: no
    reset touches these.
    """

    today: tuple[Cost, ...]
    budget: Budget


async def figures(front: Front) -> Figures:
    """All counters, and the day's money. Raises ``StoreDown``."""
    today = front.rules.local(front.world.now()).date()
    return Figures(
        counts=await front.counters.all(),
        today=tuple(_bounded(await front.counters.costs([today]), front.rules)),
        budget=await front.counters.budget(today),
    )


def _bounded(costs: list[Cost], rules: Rules) -> Iterator[Cost]:
    """The costs of the shops and purposes there are; what is left over has neither.

    A label in Prometheus is for ever, so a shop that was closed must not be one.
    """
    shops, purposes = {shop.id for shop in rules.shops}, set(Purpose)
    found: dict[tuple[str, str], Spent] = {}
    for cost in costs:
        whose = (
            cost.shop if cost.shop in shops else NONE,
            cost.purpose if cost.purpose in purposes else NONE,
        )
        found[whose] = found.get(whose, Spent()) + cost.spent
    day = costs[0].day if costs else None
    for (shop, purpose), spent in found.items():
        if day is not None:
            yield Cost(day=day, shop=shop, purpose=purpose, spent=spent)


async def queue(front: Front) -> Queue:
    """How much waits now. Raises ``StoreDown``."""
    return Queue(
        due=await front.mailbox.count_due(front.world.now()),
        buried=await front.journal.count_buried(),
        contacts=await front.contacts.count(),
    )


class Line(Struct, frozen=True, kw_only=True):
    """A WhatsApp session: what is known of it, the chats that wait for it, what is wrong."""

    session: Session
    held: int
    alerts: tuple[Alert, ...]


async def lines(front: Front) -> list[Line]:
    """Every session of the shops. Raises ``StoreDown``."""
    names = dict.fromkeys(shop.session for shop in front.rules.shops)
    found: list[Line] = []
    for name in names:
        session = await front.sessions.of(name)
        held = await front.sessions.count_held(name)
        alerts = alerts_of(session, front.world.now())
        found.append(Line(session=session, held=held, alerts=alerts))
    return found


async def shop_days(front: Front) -> dict[str, ShopDay]:
    """Every shop's day. Raises ``StoreDown``."""
    today = front.rules.local(front.world.now()).date()
    days: dict[str, ShopDay] = {}
    for shop in front.rules.shops:
        limit = front.rules.of(shop.id).max_daily_messages
        used = await front.counters.used(shop.id, today)
        days[shop.id] = ShopDay(
            sent_today=used, daily_limit=limit, daily_remaining=max(0, limit - used)
        )
    return days


def exposition(
    counted: Figures,
    waiting: Queue,
    *,
    days: dict[str, ShopDay],
    sessions: list[Line],
    probe: Probe,
    now: datetime,
) -> bytes:
    """All of it, and the process, in Prometheus' text format. ``days`` are of the shops there are.

    Labels are for ever: no shop is told but these.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    shown = [
        *_counters(counted), *_gauges(waiting, days), *_sessions(sessions), *_money(counted),
        *_by_shop({shop: counted.shop(shop) for shop in days}),
        *_readings(probe.kaspi, now), *_lists(probe.prices),
    ]  # fmt: skip
    registry.register(_Shown(shown))
    return generate_latest(registry)


class _Shown(Collector):
    """Metrics that were worked out already."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics


_PLAIN: dict[Count, tuple[str, str]] = {
    Count.DRY_RUN: ("messages_dry_run", "Messages decided and written, not sent: test mode."),
    Count.DELIVERED: ("messages_delivered", "Messages of the bot that arrived."),
    Count.READ: ("messages_read", "Messages of the bot that were read."),
    Count.REPLIED: ("messages_replied", "Messages the bot started with that were answered."),
    Count.HAPPY: ("customers_happy", "Customers who said, asked, that all is well."),
    Count.UNHAPPY: ("customers_unhappy", "Customers who said, asked, that something is wrong."),
    Count.ORDERS: ("orders", "Orders heard of for the first time."),
    Count.ERRORS: ("errors", "Messages that certainly failed."),
    Count.UNCERTAIN: ("messages_uncertain", "Messages of which nobody knows whether they went."),
    Count.RECEIVED: ("messages_received", "Messages of customers."),
    Count.OPTED_OUT: ("opt_outs", "People who opted out."),
    Count.PERSON_CALLED: ("person_called", "Chats a person was asked to look at."),
    Count.WRITTEN: ("texts_written", "Texts written."),
    Count.CANNED: ("texts_canned", "Texts that are canned."),
    Count.MODEL_REQUESTS: ("model_requests", "Requests to the model."),
    Count.MODEL_TOKENS: ("model_tokens", "Tokens of the model, in and out."),
}


def _counters(counted: Figures) -> Iterator[Metric]:
    yield _split("messages_sent", "Messages sent.", label="purpose", parts=_sent(counted))
    blocked = counted.by(Count.BLOCKED)
    held = "Messages the rules held back."
    yield _split("messages_blocked", held, label="reason", parts=blocked)
    for count, (name, what) in _PLAIN.items():
        yield CounterMetricFamily(f"ai_seller_{name}", what, value=counted.of(count))
    cost = "Cost of the model, US dollars."
    yield CounterMetricFamily("ai_seller_model_cost_usd", cost, value=counted.cost)


def _sent(counted: Counts) -> dict[str, int]:
    """What was sent by purpose, and what people wrote themselves."""
    sent = counted.by(Count.SENT)
    return sent | {_PERSON: counted.of(Count.SENT) - sum(sent.values())}


def _split(name: str, what: str, *, label: str, parts: dict[str, int]) -> Metric:
    metric = CounterMetricFamily(f"ai_seller_{name}", what, labels=[label])
    for part, value in parts.items():
        metric.add_metric([part], value)
    return metric


_OF_SHOPS: dict[Count, tuple[str, str]] = {
    Count.ERRORS: _PLAIN[Count.ERRORS],
    Count.RECEIVED: _PLAIN[Count.RECEIVED],
    Count.OPTED_OUT: _PLAIN[Count.OPTED_OUT],
}


def _by_shop(shops: dict[str, Counts]) -> Iterator[Metric]:
    """The counters once more, of each shop alone."""
    sent = CounterMetricFamily(
        "ai_seller_shop_messages_sent", "Messages sent.", labels=["shop", "purpose"]
    )
    blocked = CounterMetricFamily(
        "ai_seller_shop_messages_blocked",
        "Messages the rules held back.",
        labels=["shop", "reason"],
    )
    cost = CounterMetricFamily(
        "ai_seller_shop_model_cost_usd", "Cost of the model, US dollars.", labels=["shop"]
    )
    for shop, counted in shops.items():
        for purpose, value in _sent(counted).items():
            sent.add_metric([shop, purpose], value)
        for reason, value in counted.by(Count.BLOCKED).items():
            blocked.add_metric([shop, reason], value)
        cost.add_metric([shop], counted.cost)
    yield from (sent, blocked, cost)
    for count, (name, what) in _OF_SHOPS.items():
        parts = {shop: counted.of(count) for shop, counted in shops.items()}
        yield _split(f"shop_{name}", what, label="shop", parts=parts)


def _readings(kaspi: KaspiPart, now: datetime) -> Iterator[Metric]:
    """The shops that are read at Kaspi; those that are not have no sample."""
    up = GaugeMetricFamily(
        "ai_seller_kaspi_up", "1 while the shop's orders are read at Kaspi.", labels=["shop"]
    )
    age = GaugeMetricFamily(
        "ai_seller_kaspi_read_age_seconds", "Since Kaspi last answered.", labels=["shop"]
    )
    for each in kaspi.shops:
        if each.state is Health.OFF:
            continue
        up.add_metric([each.shop], float(each.state is Health.OK))
        since = each.read_at or each.connected_at
        if since is not None:
            age.add_metric([each.shop], max(0.0, (now - since).total_seconds()))
    yield from (up, age)


def _lists(prices: PricesPart) -> Iterator[Metric]:
    """The price lists; one that was never read has no offers."""
    whose = ["shop", "list"]
    offers = GaugeMetricFamily(
        "ai_seller_price_list_offers", "Offers the shop is spoken of by.", labels=whose
    )
    faults = GaugeMetricFamily(
        "ai_seller_price_list_faults", "What is wrong with rows of the list.", labels=whose
    )
    for each in prices.lists:
        offers.add_metric([each.shop, each.list], each.offers)
        faults.add_metric([each.shop, each.list], each.faults)
    yield from (offers, faults)


def _gauges(waiting: Queue, days: dict[str, ShopDay]) -> Iterator[Metric]:
    due = "Chats whose time has come."
    yield GaugeMetricFamily("ai_seller_queue_due", due, value=waiting.due)
    buried = "Facts and messages that failed for good."
    yield GaugeMetricFamily("ai_seller_queue_buried", buried, value=waiting.buried)
    yield GaugeMetricFamily("ai_seller_contacts", "People known.", value=waiting.contacts)
    used = "Proactive messages of this local day, reserved or sent."
    today = GaugeMetricFamily("ai_seller_sent_today", used, labels=["shop"])
    for shop, day in days.items():
        today.add_metric([shop], day.sent_today)
    yield today


_GRADES = list(Grade)


def _sessions(sessions: list[Line]) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "ai_seller_session_up", "1 while the WhatsApp session may send.", labels=["session"]
    )
    held = GaugeMetricFamily(
        "ai_seller_session_held", "Chats that wait for the session.", labels=["session"]
    )
    grade = GaugeMetricFamily(
        "ai_seller_number_grade", "0 green, 1 amber, 2 red: nothing is started.", labels=["session"]
    )
    wrong = GaugeMetricFamily(
        "ai_seller_alert", "1 while a person has to look at it.", labels=["session", "kind"]
    )
    for line in sessions:
        name, kinds = line.session.name, {alert.kind for alert in line.alerts}
        up.add_metric([name], float(line.session.works))
        held.add_metric([name], line.held)
        grade.add_metric([name], _GRADES.index(line.session.health.grade))
        for kind in Alarm:
            wrong.add_metric([name, kind], float(kind in kinds))
    yield from (up, held, grade, wrong)


_STATES = list(BudgetState)


def _money(counted: Figures) -> Iterator[Metric]:
    """What the model cost today; with the day these begin at nothing again."""
    whose = ["shop", "purpose"]
    spent = "Cost of the model this local day, US dollars."
    cost = GaugeMetricFamily("ai_seller_model_cost_today_usd", spent, labels=whose)
    asked = "Requests to the model this local day."
    requests = GaugeMetricFamily("ai_seller_model_requests_today", asked, labels=whose)
    read = "Tokens of the model this local day."
    tokens = GaugeMetricFamily("ai_seller_model_tokens_today", read, labels=[*whose, "way"])
    for one in counted.today:
        cost.add_metric([one.shop, one.purpose], round(one.spent.cost, DECIMALS))
        requests.add_metric([one.shop, one.purpose], one.spent.requests)
        tokens.add_metric([one.shop, one.purpose, "in"], one.spent.tokens_in)
        tokens.add_metric([one.shop, one.purpose, "out"], one.spent.tokens_out)
    yield from (cost, requests, tokens)
    budget, what = counted.budget, "0 no limit, 1 ok, 2 warning, 3 spent: the model is not asked."
    state = _STATES.index(budget.state)
    yield GaugeMetricFamily("ai_seller_model_budget_state", what, value=state)
    if budget.daily is not None:
        limit = "US dollars the model may cost a local day."
        yield GaugeMetricFamily("ai_seller_model_budget_usd", limit, value=budget.daily)
