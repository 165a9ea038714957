"""Running processes: web and worker, a worker alone, the demo."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import uvicorn

from app.config import Settings, admin_api_key
from app.demo.calendar import Lang
from app.demo.clock import DemoClock
from app.demo.page import Pass, Welcome, routes
from app.demo.shop import TIMEZONE, DemoShop, MoveClock
from app.domain.events import Language
from app.errors import Refused
from app.log import get_logger
from app.store.connection import ended
from app.web.desk.login import demo_cookie
from app.web.front import Front
from app.web.server import App, build
from app.wiring.assembly import Assembly
from app.wiring.parts import assembled, front_of, store_of
from app.worker.keep_rules import keep_rules
from app.worker.loop import reschedule, working
from app.world import MovableWorld, World

LAST_ANSWERS = 5
"""Seconds that open requests have when the server is asked to stop."""

_log = get_logger("process")


async def serve(settings: Settings, *, worker: bool = True) -> None:
    """The web server, with a worker beside it, until asked to stop."""
    world = World()
    key, kept_in = admin_api_key(settings)
    async with (
        _bound(settings) as listener,
        store_of(settings) as url,
        assembled(settings, world=world, redis_url=url) as parts,
    ):
        front = front_of(parts, admin_key=key.reveal())
        _tell(settings, kept_in)
        async with AsyncExitStack() as stack:
            beside = _worker(parts) if worker else ruled(parts)
            await stack.enter_async_context(beside)
            await _web(build(front), listener, leaving=front.changes.close)


@asynccontextmanager
async def ruled(parts: Assembly) -> AsyncIterator[None]:
    """What the seller changes of the rules is known while inside, where no worker is."""
    async with asyncio.TaskGroup() as group:
        keeping = group.create_task(keep_rules(parts.bot.ruling, parts.world), name="rules")
        try:
            yield
        finally:
            await ended(keeping)


async def work(settings: Settings) -> None:
    """One more worker, until asked to stop."""
    async with (
        store_of(settings) as url,
        assembled(settings, world=World(), redis_url=url) as parts,
        _worker(parts),
    ):
        _freeze()
        _log.info("working", store="own" if settings.redis_url else "bundled")
        await _stop_signal()


async def demo(settings: Settings) -> None:
    """The product in front of an emulated WAHA, Kaspi and model, until asked to stop."""
    world = DemoClock(_demo_folder(settings) / "clock")
    world.to_working_hours(ZoneInfo(TIMEZONE))
    shop = DemoShop(world)
    async with _bound(settings) as listener, shop.open():
        settings = _for_demo(settings, shop)
        key, kept_in = admin_api_key(settings)
        address = f"http://{_reachable(settings.ai_seller_host)}:{settings.port}"
        async with (
            store_of(settings) as url,
            assembled(settings, world=world, redis_url=url) as parts,
            _worker(parts),
        ):
            ruling = parts.bot.ruling
            shop.serves(address, move_clock=clock_of(world, parts), rules=lambda: ruling.rules)
            front = front_of(parts, admin_key=key.reveal(), demo=True)
            app = build(front, extra_routes=routes(shop, welcome=_welcome(front)))
            _tell(settings, kept_in, demo_at=f"{address}/demo")
            await _web(app, listener, leaving=partial(_hang_up, shop, front))


def clock_of(world: MovableWorld, parts: Assembly) -> MoveClock:
    """Moves the demo's clock, and all that waits for a time with it."""

    async def move(by: timedelta) -> None:
        world.move(by)
        await reschedule(parts.bot)

    return move


def _hang_up(shop: DemoShop, front: Front) -> None:
    """End the streams of the phone and of the desk."""
    shop.hang_up()
    front.changes.close()


def _welcome(front: Front) -> Welcome:
    """Who opens the demo's page has the desk beside it: nobody has a key to type there."""

    async def pass_for(lang: Lang) -> Pass:
        return await demo_cookie(front, Language(lang))

    return pass_for


@asynccontextmanager
async def _worker(parts: Assembly) -> AsyncIterator[None]:
    """A worker beside whatever else this process does."""
    async with working(parts.docket, parts.bot):
        yield


@asynccontextmanager
async def _bound(settings: Settings) -> AsyncIterator[socket.socket]:
    """The address is ours before anything is started, or said to be. Raises ``Refused``."""
    host, port = settings.ai_seller_host, settings.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where TCP is named: else 40 ms a request.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
        except OSError as error:
            advice = "stop what listens there, or choose another PORT (--port)"
            said = f"{host}:{port} cannot be listened on ({error.strerror}): {advice}"
            raise Refused(said, code="no_port") from None
        yield listener


async def _web(
    app: App, listener: socket.socket, *, leaving: Callable[[], None] | None = None
) -> None:
    """Serve until asked to stop; ``leaving`` is told then, before open requests are waited for."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=LAST_ANSWERS,
        server_header=False,
        forwarded_allow_ips="127.0.0.1,::1",  # whatever FORWARDED_ALLOW_IPS says: it is trust
    )
    server = _Server(config, leaving)
    for number in (signal.SIGINT, signal.SIGTERM):
        # Also before uvicorn listens to signals, and when it raises this one once more because it
        # has stopped: that must not end the process before its worker and its store have, too.
        signal.signal(number, server.handle_exit)
    _freeze()
    await server.serve(sockets=[listener])


class _Server(uvicorn.Server):
    """Tells that it leaves, so that streams without an end may come to theirs."""

    def __init__(self, config: uvicorn.Config, leaving: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._leaving = leaving

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, then wait for what is open."""
        if self._leaving is not None:
            self._leaving()
        await super().shutdown(sockets)


def _freeze() -> None:
    """What was loaded at the start stays: a full garbage collection need not look through it, and
    costs nobody a tenth of a second while they wait for an answer.
    """
    gc.collect()
    gc.freeze()


async def _stop_signal() -> None:
    """Wait for SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def _for_demo(settings: Settings, shop: DemoShop) -> Settings:
    """The seller's own settings where they matter, the emulated world's everywhere else."""
    return Settings.load(
        {
            **shop.environment(),
            "AI_SELLER_HOST": settings.ai_seller_host,
            "PORT": str(settings.port),
            "AI_SELLER_URL": f"http://{_reachable(settings.ai_seller_host)}:{settings.port}",
            # Apart from a seller's own: what the demo has planned must never reach real people.
            "AI_SELLER_DATA_DIR": str(_demo_folder(settings)),
        },
        dotenv=None,
    )


def _demo_folder(settings: Settings) -> Path:
    return settings.ai_seller_data_dir / "demo"


def _reachable(host: str) -> str:
    """The address by which this machine reaches a server listening on ``host``."""
    anywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - read, not bound to
    return anywhere.get(host, f"[{host}]" if ":" in host else host)


def _tell(settings: Settings, kept_in: Path | None, *, demo_at: str | None = None) -> None:
    """What a person at the terminal needs to know, on stderr beside the log."""
    address = f"http://{_reachable(settings.ai_seller_host)}:{settings.port}"
    lines = [f"ai-seller is on {address}"]
    if kept_in is not None:
        lines.append(f"admin key: {kept_in}")
    if demo_at is not None:
        lines.append(f"demo: open {demo_at} in a browser (nothing is sent to anybody)")
    elif settings.waha_api_endpoint is None:
        lines.append("WAHA_API_ENDPOINT is not set: nothing can be sent; see .env.example")
    print("\n".join(lines), file=sys.stderr, flush=True)  # noqa: T201 - for the terminal
