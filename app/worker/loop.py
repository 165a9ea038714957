"""docket runs the turns: schedule, redelivery after a crash, sweeps, a clean stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

from docket import ConcurrencyLimit, Docket, Perpetual, Worker

from app.domain.rules import FAULT_DELAYS
from app.domain.sending import retry_delay
from app.errors import Conflict, StoreDown, Transient
from app.store import keys
from app.store.connection import ended
from app.store.mailbox import Schedule
from app.worker.bot import Bot
from app.worker.chores import register_chores
from app.worker.keep_rules import keep_rules, known_rules
from app.worker.outage import STORE_PAUSE, Outage, told_once_an_outage
from app.worker.react import run_turn
from app.worker.watch import watch
from app.world import World

CONCURRENCY = 500
"""Turns one worker has under way; most of them wait for the model or show typing."""

REDELIVERY = timedelta(seconds=10)
"""After this long without a sign of life a killed worker's turn is run by another one."""

SWEEP_EVERY = timedelta(seconds=30)
SHELVES_EVERY = 3.0
"""Seconds between two looks for rows that another worker has read."""

LAST_TURNS = 40.0
"""Seconds that turns under way have to end when the process is asked to stop: whoever asks waits a
minute for all of it (compose.yaml).
"""

WATCH_EVERY = timedelta(seconds=4)
"""How often it is seen whether a WhatsApp session is to be asked how it is."""

OVERDUE = timedelta(seconds=20)
"""A chat this long past its time has lost its schedule (a crash between accept and schedule)."""

WAITING_AT_ONCE = 200
"""Chats that are scheduled anew together."""

TURN = "turn"
SWEEP = "sweep"
WATCH = "watch_sessions"
"""Named as the function: docket seeds what runs by itself under the function's own name, and dies
when its dictionary of tasks grows meanwhile.
"""


def make_docket(url: str) -> Docket:
    """The docket of all processes on this store; ``url`` names a pool large enough."""
    joiner = "&" if "?" in url else "?"
    return Docket(
        name=keys.DOCKET,
        url=f"{url}{joiner}max_connections={3 * CONCURRENCY}",
        execution_ttl=timedelta(minutes=1),
    )


def scheduler(docket: Docket, world: World | None = None) -> Schedule:
    """Have docket run the turns of chats at their times, by the task's name only.

    docket knows the real clock only: the moments are those of ``world`` (the real one unless told).
    """
    real = (world or World()).real

    async def schedule(chats: dict[str, datetime]) -> None:
        calls = [
            docket.call(TURN, when=real(when), key=f"{TURN}:{chat}")(chat)
            for chat, when in chats.items()
        ]
        executions = await docket.replace_many(calls)
        for execution in executions:
            if execution.schedule_exception is not None:
                raise execution.schedule_exception

    return schedule


async def _elsewhere(chat: str) -> None:  # noqa: ARG001 - named as the task it stands for
    """Stands for the turn in a process that only schedules it."""
    raise RuntimeError("this process runs no turns")


def register_names(docket: Docket) -> None:
    """Let a process that runs no worker schedule turns."""
    docket.register(_elsewhere, names=[TURN])


@asynccontextmanager
async def working(
    docket: Docket,
    bot: Bot,
    *,
    redelivery: timedelta = REDELIVERY,
    last_turns: float = LAST_TURNS,
) -> AsyncIterator[None]:
    """Turns are run in the background while inside; those under way end before it is left, or are
    cut off after ``last_turns`` seconds, and run again by whoever works next.

    After ``redelivery`` without a sign of life of its worker a turn is run by another. Whatever the
    store does, the worker waits for it: docket begins again a second after any of
    Redis' errors, and what it had under way is found by what is due.
    """
    outage = Outage(bot, partial(sweep_overdue, bot, overdue=timedelta()))
    _register(docket, bot, outage)
    worker = _made(docket, redelivery)
    # A worker that dies of a bug ends the process with it: a supervisor starts both again.
    with told_once_an_outage():
        async with asyncio.TaskGroup() as group:
            # docket is asked to stop by leaving its worker, which lets turns end; a cancel may be
            # swallowed by redis-py. Only for a store that hangs docket would wait for ever.
            async with worker:
                running = group.create_task(_run(worker, bot), name="worker")
                watching = group.create_task(outage.watch(), name="outages")
                keeping = group.create_task(keep_shelves(bot), name="shelves")
                ruled = group.create_task(keep_rules(bot.ruling, bot.world), name="rules")
                try:
                    yield
                finally:
                    bot.stopping.set()
                    await ended(watching, keeping, ruled)
                    late = asyncio.create_task(_cut_off(running, after=last_turns), name="late")
            await ended(running)  # it may never have begun: there were no rules to begin with
            await late


def _register(docket: Docket, bot: Bot, outage: Outage) -> None:
    """Let a worker do all there is to do."""
    docket.register(_turn_task(bot, outage), names=[TURN])
    docket.register(_sweep_task(bot), names=[SWEEP])
    docket.register(_watch_task(bot), names=[WATCH])
    register_chores(docket, bot)


def _made(docket: Docket, redelivery: timedelta) -> Worker:
    return Worker(
        docket,
        concurrency=CONCURRENCY,
        redelivery_timeout=redelivery,
        reconnection_delay=STORE_PAUSE,
        minimum_check_interval=timedelta(milliseconds=20),
        scheduling_resolution=timedelta(milliseconds=50),
    )


async def _cut_off(running: asyncio.Task[None], *, after: float) -> None:
    await asyncio.wait({running}, timeout=after)
    await ended(running)


async def _run(worker: Worker, bot: Bot) -> None:
    """Run turns until cancelled. Raises RuntimeError when the worker ends unasked."""
    await known_rules(bot.ruling, bot.world)
    if not bot.stopping.is_set():
        await worker.run_forever()
    if not bot.stopping.is_set():
        raise RuntimeError("the worker ended by itself")


def _turn_task(bot: Bot, outage: Outage) -> Callable[[str], Awaitable[None]]:
    async def turn(chat: Annotated[str, ConcurrencyLimit(1)]) -> None:
        try:
            await run_guarded(bot, chat)
        except StoreDown as down:
            outage.begins(down)

    return turn


# --- turns ------------------------------------------------------------------------------------


async def run_guarded(bot: Bot, chat: str) -> None:
    """A turn, and when it fails another one soon: the mail stays until a turn has settled it."""
    try:
        await run_turn(bot, chat)
    except Conflict:
        await _again(bot, chat, timedelta())
    except Transient as error:
        bot.log.warning("turn_later", chat=chat, reason=error.reason)
        again = timedelta(seconds=error.retry_after or 1)
        await _again(bot, chat, retry_delay(chat, 0, (again,)))
    except Exception:
        bot.log.exception("turn_failed", chat=chat)
        begun = await bot.mailbox.begun(chat)
        delay = retry_delay(chat, max(begun - 1, 0), FAULT_DELAYS)
        await bot.mailbox.wake({chat: bot.world.now() + delay})


async def _again(bot: Bot, chat: str, delay: timedelta) -> None:
    """Nothing was wrong with the mail: the turn does not count as one that died over it."""
    await bot.mailbox.finish(chat)
    await bot.mailbox.wake({chat: bot.world.now() + delay})


def _sweep_task(bot: Bot) -> Callable[[], Awaitable[None]]:
    async def sweep(
        perpetual: Perpetual = Perpetual(every=SWEEP_EVERY, automatic=True),  # noqa: ARG001, B008 - docket's way
    ) -> None:
        await sweep_overdue(bot)

    return sweep


def _watch_task(bot: Bot) -> Callable[[], Awaitable[None]]:
    async def watch_sessions(
        perpetual: Perpetual = Perpetual(every=WATCH_EVERY, automatic=True),  # noqa: ARG001, B008 - docket's way
    ) -> None:
        await watch(bot)

    return watch_sessions


async def keep_shelves(bot: Bot) -> None:
    """Take over what is new on the shelves, again and again, until cancelled."""
    while True:
        try:
            await bot.shelves.keep_up()
        except StoreDown as down:
            bot.log.warning("shelves_late", reason=down.reason)
        except Exception:
            bot.log.exception("shelves_failed")
        await bot.world.sleep(SHELVES_EVERY)


async def reschedule(bot: Bot) -> int:
    """Schedule every chat that waits anew, since the world's clock was moved; how many there were.

    A chat that goes to another place meanwhile is scheduled by its own turn, or by the next sweep.
    Raises ``StoreDown``.
    """
    done = 0
    while chats := await bot.mailbox.waiting(offset=done, limit=WAITING_AT_ONCE):
        moments = {chat: await bot.mailbox.next_due(chat) for chat in chats}
        now = bot.world.now()
        await bot.mailbox.wake({c: max(due, now) for c, due in moments.items() if due is not None})
        done += len(chats)
    return done


async def sweep_overdue(bot: Bot, *, overdue: timedelta = OVERDUE) -> int:
    """Schedule every chat whose time has passed and that nobody runs; how many there were."""
    now = bot.world.now()
    chats = await bot.mailbox.all_due(now - overdue)
    if chats:
        bot.log.info("swept", chats=len(chats))
        await bot.mailbox.wake(dict.fromkeys(chats, now))
    return len(chats)
