"""One run from its plan to its report."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from app.config import Settings
from tests.chaos.feed import SHOP, Fed, Feeder, Striker, Struck
from tests.chaos.outside import (
    ADMIN,
    HMAC,
    MODEL_KEY,
    MODEL_TIMEOUT,
    RETRIES,
    WAHA_KEY,
    Outside,
)
from tests.chaos.plan import Plan
from tests.chaos.processes import Crew, Store
from tests.chaos.report import Run
from tests.chaos.seen import Api, Item, Quiet
from tests.chaos.verdict import Evidence, Finding, judged
from tests.e2e.processes import free_port

SETTLE = 6
"""Seconds after which a lost answer of WAHA's is decided: more than any of its faults takes."""


def settles() -> bool:
    """Whether the product decides itself what became of a text whose answer was lost."""
    return hasattr(Settings(), "waha_settle_seconds")


async def run(plan: Plan, folder: Path) -> Run:
    """Carry the plan out. ``folder`` gets the store's data and the processes' logs."""
    begun = time.monotonic()
    async with AsyncExitStack() as stack:
        outside = Outside(seed=plan.seed, size=plan.size, settles=settles())
        await stack.enter_async_context(outside.serving())
        store = Store(folder / "store")
        url = await stack.enter_async_context(store.running())
        environ = _environ(outside, url, folder)
        port, workers = free_port(), plan.size.workers
        crew = Crew(workers=workers, port=port, folder=folder, environ=environ)
        await stack.enter_async_context(crew.working())
        outside.waha.hook(f"{crew.url}/webhooks/waha", hmac_key=HMAC, retries=RETRIES)
        api = Api(crew.url)
        stack.push_async_callback(api.close)
        feeder = Feeder(plan, outside, crew.url)
        striker = Striker(plan, outside=outside, crew=crew, store=store)
        await _storm(plan, outside, feeder, striker)
        quiet = Quiet(api, outside, feeder.fed, settles=settles())
        rest = await quiet.within(plan.size.settle)
        return Run(
            seed=plan.seed,
            facts=sum(fed.facts for fed in feeder.fed),
            fed=_told(feeder),
            findings=await _findings(api, outside, feeder.fed),
            struck=tuple(striker.struck),
            falls=tuple(crew.falls),
            faults=_faults(outside),
            webhooks=_webhooks(outside),
            given_up=len(outside.courier.lost),
            quiet=rest,
            why_not=quiet.why_not,
            recovery=_recovery(striker.struck, feeder.fed, outside),
            longest=max(_waits(feeder.fed, outside), default=0.0),
            took=time.monotonic() - begun,
            settles=settles(),
            buried=tuple(await api.buried()),
        )


async def _storm(plan: Plan, outside: Outside, feeder: Feeder, striker: Striker) -> None:
    """Feed while everything fails; then nothing fails any more, and what is left is taken."""
    outside.fail(on=True)
    with suppress(TimeoutError):
        async with asyncio.timeout(plan.size.feed + plan.size.settle), asyncio.TaskGroup() as all_:
            all_.create_task(feeder.run())
            all_.create_task(striker.run())
            await asyncio.sleep(plan.size.feed)
            outside.fail(on=False)
    outside.fail(on=False)


def _environ(outside: Outside, url: str, folder: Path) -> dict[str, str]:
    """Nothing holds a text back but a stop and people."""
    settings = {
        "REDIS_URL": url,
        "AI_SELLER_DATA_DIR": str(folder / "data"),
        "ADMIN_API_KEY": ADMIN,
        "SHOP_NAME": SHOP,
        "WAHA_API_ENDPOINT": outside.waha_url,
        "WAHA_API_KEY": WAHA_KEY,
        "WAHA_WEBHOOK_HMAC_KEY": HMAC,
        "OPENAI_BASE_URL": f"{outside.model_url}/v1",
        "OPENAI_API_KEY": MODEL_KEY,
        "OPENAI_TIMEOUT_SECONDS": str(MODEL_TIMEOUT),
        "AI_SELLER_QUIET_HOURS": "",
        "AI_SELLER_MAX_MESSAGES": "1000000",
        "AI_SELLER_COOLDOWN_HOURS": "0",
        "AI_SELLER_MAX_DAILY_MESSAGES": "1000000",
        "AI_SELLER_SEND_INTERVAL_SECONDS": "0",
        "AI_SELLER_TYPING_CHARS_PER_SECOND": "0",
        "AI_SELLER_DEBOUNCE_SECONDS": "0.2",
        "AI_SELLER_DEBOUNCE_MAX_SECONDS": "0.6",
        "LOG_FORMAT": "json",
    }
    return {**settings, "WAHA_SETTLE_SECONDS": str(SETTLE)} if settles() else settings


# --- what it brought --------------------------------------------------------------------------


async def _findings(api: Api, outside: Outside, fed: list[Fed]) -> tuple[Finding, ...]:
    sent, attempts = defaultdict(list), defaultdict(list)
    for one in outside.waha.sent:
        sent[_number(outside, one.chat_id)].append(one)
    for attempt in outside.trouble.attempts:
        attempts[_number(outside, attempt.chat_id)].append(attempt)
    waiting: dict[str, list[Item]] = defaultdict(list)
    for item in await api.outbox():
        waiting[item.chat].append(item)
    findings: list[Finding] = []
    for one_fed in fed:
        phone = one_fed.chat.phone
        evidence = Evidence(
            fed=one_fed,
            told=await api.told(phone, tuple(waiting[phone])),
            sent=tuple(sent[phone]),
            attempts=tuple(attempts[phone]),
            forgotten=frozenset(outside.courier.forgotten),
            settles=settles(),
        )
        findings += judged(evidence)
    return tuple(findings)


def _number(outside: Outside, chat_id: str) -> str:
    phone = outside.waha.find(chat_id)
    return chat_id if phone is None else phone.number


def _told(feeder: Feeder) -> str:
    fed = feeder.fed
    orders, messages = sum(len(f.orders) for f in fed), sum(len(f.messages) for f in fed)
    owner, reads = sum(len(f.owner) for f in fed), sum(f.reads for f in fed)
    stops = sum(f.stop is not None for f in fed)
    pushes = ", ".join(f"{n}× {what}" for what, n in feeder.pushes.most_common())
    return (
        f"{orders} orders, {messages} messages ({stops} of them stops), {owner} of the owner, "
        f"{reads} readings, in {len(fed)} chats; the demper's pushes: {pushes}"
    )


def _webhooks(outside: Outside) -> str:
    attempts = outside.courier.attempts
    refused = Counter(str(a.status) for a in attempts if a.status != 202)
    told = ", ".join(f"{n}× {what}" for what, n in refused.most_common()) or "none"
    lost, forgotten = outside.courier.answers_lost, len(outside.courier.forgotten)
    return (
        f"by WAHA, of {len(attempts)} requests; not 202: {told}; {lost} answers lost on the way, "
        f"{forgotten} texts of ours not told of"
    )


def _faults(outside: Outside) -> dict[str, int]:
    faults = Counter(attempt.fault for attempt in outside.trouble.attempts if attempt.fault)
    model = {f"model {name}": n for name, n in outside.script.failed.items()}
    return {**{f"WAHA {name}": n for name, n in faults.items()}, **model}


def _waits(fed: list[Fed], outside: Outside) -> list[float]:
    """Seconds from each order's acceptance to its first text at WAHA."""
    return [spoken - accepted for accepted, spoken in _spans(fed, outside)]


def _spans(fed: list[Fed], outside: Outside) -> list[tuple[float, float]]:
    first: dict[str, float] = {}
    words = {order.word: order for one in fed for order in one.orders}
    for sent in outside.waha.sent:
        word = sent.text.partition("«")[2].partition("»")[0].rpartition(" ")[2]
        if word in words:
            first.setdefault(word, sent.at.timestamp())
    return [
        (order.accepted, first[word])
        for word, order in words.items()
        if order.accepted is not None and word in first
    ]


def _recovery(struck: list[Struck], fed: list[Fed], outside: Outside) -> float:
    """The longest time from a kill, or from the end of an outage, to the next text at WAHA.

    Counted where an order had been accepted before and was spoken of after: work was waiting.
    An outage ends when the thing is given back; a process is killed and given back at once, so
    that starting it again is part of the recovery.
    """
    sends = sorted(sent.at.timestamp() for sent in outside.waha.sent)
    spans = _spans(fed, outside)
    times = []
    for blow in struck:
        waiting = any(accepted < blow.until < spoken for accepted, spoken in spans)
        after = next((at for at in sends if at > blow.until), None)
        if waiting and after is not None:
            times.append(after - blow.until)
    return max(times, default=0.0)
