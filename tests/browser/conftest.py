"""A real browser before the real product: the desk on a stage of its own, and the demo command."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, sync_playwright

from app.worker.loop import working
from app.world import World
from tests.e2e.processes import answers, command, free_port
from tests.e2e.stage import ADMIN, Stage, on_stage

Answer = TypeVar("Answer")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
INSTALL = "no browser for these tests: install one with «apt-get install -y chromium»"
WIDE: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 360, "height": 740}


def found_browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture
def browser() -> Iterator[Browser]:
    """One for each test: while it is open, its loop runs in this thread, where other tests' loops
    cannot.
    """
    path = found_browser()
    if path is None:
        pytest.skip(INSTALL)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


class Tab:
    """A page in the browser. ``faults`` is what its console complains of; it must stay empty."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"{message.text} ({message.location.get('url')})")


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """A wide window."""
    yield from _tab(browser, WIDE)


@pytest.fixture
def phone_tab(browser: Browser) -> Iterator[Tab]:
    """A window as narrow as a phone, touched with a finger."""
    yield from _tab(browser, PHONE)


def _tab(browser: Browser, size: ViewportSize) -> Iterator[Tab]:
    context = browser.new_context(
        viewport=size, has_touch=size is PHONE, locale="ru-RU", timezone_id="Asia/Almaty"
    )
    context.set_default_timeout(15_000)
    tab = Tab(context.new_page())
    yield tab
    context.close()
    assert tab.faults == []


class Aside:
    """An event loop that runs beside the test: the browser's own interface is a blocking one."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="aside", daemon=True)
        self._thread.start()

    def run(self, doing: Coroutine[Any, Any, Answer]) -> Answer:
        """Do it there, and wait for what comes of it."""
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(60)

    @contextmanager
    def inside(self, opened: AbstractAsyncContextManager[Answer]) -> Iterator[Answer]:
        """What ``opened`` gives, while inside; opened and closed by one task, as it has to be."""
        ready: Future[Answer] = Future()
        over = asyncio.Event()

        async def hold() -> None:
            async with opened as given:
                ready.set_result(given)
                await over.wait()

        held = asyncio.run_coroutine_threadsafe(hold(), self._loop)
        held.add_done_callback(lambda _: ready.cancel())
        try:
            yield ready.result(60)
        finally:
            self._loop.call_soon_threadsafe(over.set)
            held.result(60)

    def close(self) -> None:
        """Nothing runs there any more."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="session")
def aside() -> Iterator[Aside]:
    aside = Aside()
    yield aside
    aside.close()


class Shop:
    """The product, its worker and its emulated world, beside the test."""

    def __init__(self, aside: Aside, stage: Stage) -> None:
        self.run = aside.run
        self.stage = stage
        self.url = stage.url

    def enter(self, tab: Tab, path: str = "/desk/chats", *, who: str = "Асель") -> Page:
        """Log in as a person does, and go to a page."""
        page = tab.page
        page.goto(f"{self.url}{path}")
        page.get_by_label("Ключ администратора").fill(ADMIN)
        page.get_by_label("Ваше имя").fill(who)
        page.get_by_role("button", name="Войти").click()
        page.wait_for_url(f"{self.url}{path}")
        return page


QUICK: dict[str, Any] = {
    "AI_SELLER_DEBOUNCE_SECONDS": "0.1",
    "AI_SELLER_DEBOUNCE_MAX_SECONDS": "0.3",
    "AI_SELLER_TYPING_CHARS_PER_SECOND": "0",
    "AI_SELLER_SEND_INTERVAL_SECONDS": "0",
    "AI_SELLER_QUIET_HOURS": "",
    "SHOP_NAME": "Алма Маркет",
}


@asynccontextmanager
async def _open_shop(store_url: str) -> AsyncIterator[Stage]:
    async with (
        on_stage(store_url, world=World(), **QUICK) as stage,
        working(stage.assembly.docket, stage.bot),
    ):
        yield stage


@pytest.fixture
def shop(store_url: str, aside: Aside) -> Iterator[Shop]:
    """A shop in real time that answers at once."""
    with aside.inside(_open_shop(store_url)) as stage:
        yield Shop(aside, stage)


@asynccontextmanager
async def _started_demo(folder: Path) -> AsyncIterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environ = {"PORT": str(port), "AI_SELLER_DATA_DIR": str(folder / "data")}
    async with command("demo", folder=folder, **environ):
        async with httpx.AsyncClient(base_url=url, verify=False, trust_env=False) as http:
            await answers(http)
        yield url


@pytest.fixture(scope="session")
def demo_url(tmp_path_factory: pytest.TempPathFactory, aside: Aside) -> Iterator[str]:
    """The address of the demo, started as a newcomer starts it."""
    with aside.inside(_started_demo(tmp_path_factory.mktemp("demo"))) as url:
        yield url
