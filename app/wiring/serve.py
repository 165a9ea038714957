"""Running processes: web and worker, a worker alone, the demo."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import FrameType

import uvicorn

from app.config import Settings, admin_api_key
from app.demo.page import routes
from app.demo.shop import DemoShop
from app.log import get_logger
from app.web.server import App
from app.wiring.assembly import Assembly
from app.wiring.parts import assembled, store_of, web_app
from app.worker.loop import working
from app.world import World

LAST_ANSWERS = 5
"""Seconds that open requests have when the server is asked to stop."""

_log = get_logger("process")


async def serve(settings: Settings, *, worker: bool = True) -> None:
    """The web server, with a worker beside it, until asked to stop."""
    world = World()
    key, kept_in = admin_api_key(settings)
    async with store_of(settings) as url, assembled(settings, world=world, redis_url=url) as parts:
        app = web_app(parts, admin_key=key.reveal())
        _tell(settings, kept_in)
        async with AsyncExitStack() as stack:
            if worker:
                await stack.enter_async_context(_worker(parts))
            await _web(app, settings.ai_seller_host, settings.port)


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
    world = World()
    shop = DemoShop(world)
    async with shop.open():
        settings = _for_demo(settings, shop)
        key, kept_in = admin_api_key(settings)
        host, port = settings.ai_seller_host, settings.port
        address = f"http://{_reachable(host)}:{port}"
        async with (
            store_of(settings) as url,
            assembled(settings, world=world, redis_url=url) as parts,
            _worker(parts),
        ):
            shop.serves(address)
            pages = routes(shop, api=address, admin_key=key.reveal())
            app = web_app(parts, admin_key=key.reveal(), demo_routes=pages)
            _tell(settings, kept_in, demo_at=f"{address}/demo")
            await _web(app, host, port)


@asynccontextmanager
async def _worker(parts: Assembly) -> AsyncIterator[None]:
    """A worker beside whatever else this process does."""
    async with working(parts.docket, parts.bot):
        yield


async def _web(app: App, host: str, port: int) -> None:
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=LAST_ANSWERS,
        server_header=False,
        forwarded_allow_ips="127.0.0.1,::1",  # whatever FORWARDED_ALLOW_IPS says: it is trust
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn raises the signal once more when it has stopped: that must not end the process
        # before its worker and its store have stopped too.
        signal.signal(number, _heard)
    _freeze()
    await uvicorn.Server(config).serve()


def _freeze() -> None:
    """What was loaded at the start stays: a full garbage collection need not look through it, and
    costs nobody a tenth of a second while they wait for an answer.
    """
    gc.collect()
    gc.freeze()


def _heard(number: int, frame: FrameType | None) -> None:
    """A signal that has done its work."""


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
            # Apart from a seller's own: what the demo has planned must never reach real people.
            "AI_SELLER_DATA_DIR": str(settings.ai_seller_data_dir / "demo"),
        },
        dotenv=None,
    )


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
