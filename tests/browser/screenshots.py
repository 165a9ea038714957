"""``python -m tests.browser.screenshots``: pictures of the desk and the demo for the documents.

The product is the real one; its shop, its people and its week are invented, and its clock is set,
so that the pictures of the desk are the same each time. The demo's clock stands at some noon.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, time, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from app.demo.faults import CutBefore, Status
from app.log import configure
from app.store.embedded import EmbeddedStore
from tests.browser.conftest import Aside, found_browser
from tests.builders import NOON
from tests.e2e.processes import answers, command, free_port
from tests.e2e.stage import ADMIN, Stage, on_stage

FOLDER = Path("docs/screenshots")
INSTALL = "no browser to take pictures with: «apt-get install -y chromium» installs one"
WIDE: ViewportSize = {"width": 1280, "height": 800}
WIDER: ViewportSize = {"width": 1360, "height": 860}
"""The orders have room beside the chat."""

WIDEST: ViewportSize = {"width": 1600, "height": 900}
"""The desk has room beside the phone."""

PHONE: ViewportSize = {"width": 360, "height": 740}
SHOP: dict[str, Any] = {
    "SHOP_NAME": "Тёплый дом",
    "AI_SELLER_SHOP_FACTS_FILE": "app/demo/shop_facts.toml",
    "KASPI_PRICE_LIST": "app/demo/price_list.xml",
    "AI_SELLER_DAILY_BUDGET_USD": "1",
    "AI_SELLER_MAX_DAILY_MESSAGES": "40",
}
_DRAWN_ALIKE = ["--disable-gpu", "--disable-lcd-text", "--font-render-hinting=none"]
_TO_ITS_MESSAGE = """why => {
  const [log, said] = [why.closest("#log"), why.closest("li")];
  log.scrollTop += said.getBoundingClientRect().top - log.getBoundingClientRect().top - 12;
}"""
_BELOW_THE_TABS = "part => scrollTo(0, part.getBoundingClientRect().top + scrollY - 72)"
_ALMATY = ZoneInfo("Asia/Almaty")
_FIRST_PHONE = 77_015_550_101


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("--to", type=Path, default=FOLDER, help="the folder they are put into")
    to: Path = parser.parse_args().to
    path = found_browser()
    if path is None:
        sys.stderr.write(f"{INSTALL}\n")
        return 1
    to.mkdir(parents=True, exist_ok=True)
    configure("CRITICAL")
    with _pictures(path) as browser, tempfile.TemporaryDirectory() as folder, _aside() as aside:
        camera = Camera(browser, to)
        with (
            aside.inside(EmbeddedStore(Path(folder) / "shop")) as store_url,
            aside.inside(on_stage(store_url, **SHOP)) as stage,
        ):
            desk(camera, aside, stage)
        with aside.inside(_demo(Path(folder))) as url:
            demo(camera, url)
    sizes = {each.name: each.stat().st_size for each in sorted(to.glob("*.png"))}
    for name, size in sizes.items():
        sys.stdout.write(f"{to / name}  {size / 1024:.0f} KiB\n")
    sys.stdout.write(f"{len(sizes)} pictures, {sum(sizes.values()) / 1024:.0f} KiB\n")
    return 0


@contextmanager
def _aside() -> Iterator[Aside]:
    aside = Aside()
    yield aside
    aside.close()


@contextmanager
def _pictures(path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage", *_DRAWN_ALIKE]
        )
        yield browser
        browser.close()


class Camera:
    """Takes pictures of pages, each in a window of its own, into a folder."""

    def __init__(self, browser: Browser, to: Path) -> None:
        self._browser = browser
        self._to = to

    @contextmanager
    def before(self, size: ViewportSize = WIDE) -> Iterator[Page]:
        """A window of that size: light, without motion, Russian, in Almaty."""
        context = self._browser.new_context(
            viewport=size,
            has_touch=size is PHONE,
            device_scale_factor=1,
            locale="ru-RU",
            timezone_id="Asia/Almaty",
            color_scheme="light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(20_000)
        yield context.new_page()
        context.close()

    def takes(self, name: str, page: Page) -> None:
        """The picture of what the window shows."""
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement?.blur()")
        page.screenshot(path=self._to / f"{name}.png", animations="disabled", caret="hide")


# --- the desk ---------------------------------------------------------------------------------


def desk(camera: Camera, aside: Aside, stage: Stage) -> None:
    """The pages of the desk after a week of the shop."""
    aside.run(a_week(stage))
    with camera.before(WIDER) as page:
        _enter(page, stage.url)
        _open(page, "Асель")
        camera.takes("chats", page)
        _open(page, "Гульнар")
        why = page.locator("details.why").last
        why.locator("summary").click()
        why.evaluate(_TO_ITS_MESSAGE)
        camera.takes("why", page)
    with camera.before() as page:
        _enter(page, stage.url, "/desk/today")
        page.goto(f"{stage.url}/desk/today?days=7")
        camera.takes("today", page)
        page.locator("#charts").evaluate(_BELOW_THE_TABS)
        page.wait_for_load_state("networkidle")
        camera.takes("charts", page)
        page.goto(f"{stage.url}/desk/texts/post_purchase")
        page.get_by_role("button", name="Спросить модель").click()
        page.locator("blockquote.said").wait_for()
        page.evaluate("scrollTo(0, 0)")
        camera.takes("texts", page)
        for name, path in (("rules", "texts/rules"), ("problems", "problems")):
            page.goto(f"{stage.url}/desk/{path}")
            camera.takes(name, page)
    with camera.before(PHONE) as page:
        _enter(page, stage.url)
        camera.takes("phone-chats", page)
        _open(page, "Асель")
        camera.takes("phone-chat", page)
    aside.run(_unlinked(stage))
    with camera.before() as page:
        _enter(page, stage.url, "/desk/connection")
        page.get_by_role("img", name="QR-код для входа в WhatsApp").wait_for()
        camera.takes("connection", page)


def _enter(page: Page, url: str, path: str = "/desk/chats") -> None:
    page.goto(f"{url}{path}")
    page.get_by_label("Ключ администратора").fill(ADMIN)
    page.get_by_label("Ваше имя").fill("Марат")
    page.get_by_role("button", name="Войти").click()
    page.wait_for_url(f"{url}{path}")


def _open(page: Page, name: str) -> None:
    """The newest chat with somebody of this name."""
    page.locator("a.chat", has_text=name).first.click()
    page.locator("#log .said").last.wait_for()


async def _unlinked(stage: Stage) -> None:
    await stage.waha.session_becomes("SCAN_QR_CODE")
    await stage.watch()


# --- its week ---------------------------------------------------------------------------------

GOODS = (
    ("101200101_1", "Термос Arktika 1 л", 8_990),
    ("101200201_1", "Чайник Bereke 1,7 л", 12_490),
    ("101200301_1", "Наушники Sonar Air", 19_990),
    ("101200401_1", "Куртка Qyran, размер 50", 27_900),
    ("101200501_1", "Плед шерстяной 150×200", 9_450),
)
BUYERS = (
    "Айгерим С", "Нурлан А", "Ольга К", "Данияр О", "Мария В", "Тимур Г", "Динара С", "Павел Ш",
    "Ерлан Т", "Светлана П", "Жанар М", "Бауыржан К", "Елена Р", "Санжар И", "Айнур Б", "Виктор Л",
    "Самал Ж", "Арман Д", "Наталья Е", "Кайрат Н", "Мадина У", "Сергей Ф", "Дана А", "Ильяс Х",
)  # fmt: skip
PER_DAY = (5, 3, 6, 4, 7, 5)
"""How many order on each day of the week before."""

ASKS = (
    "Когда приедет?", "Рахмет!", "Где мой заказ?", "", "Какая гарантия?", "Тапсырысым қайда?", "",
    "Наушники есть?", "Спасибо большое", "Как вернуть, если не подойдёт?", "", "Термос бар ма?",
)  # fmt: skip
"""What they write to a thank-you; some write nothing."""

SAYS = (
    "Всё отлично, спасибо!", "", "Бәрі жақсы, рахмет!", "Да, но коробка мятая пришла", "",
    "Всё хорошо, очень тёплый", "стоп",
)  # fmt: skip
"""What they answer when asked whether all is well."""


class Buyer:
    """Somebody who has ordered once."""

    def __init__(self, stage: Stage, number: int, name: str) -> None:
        self._stage = stage
        self.number = number
        self.name = name
        self.phone = str(_FIRST_PHONE + number)
        self.code = str(912_000_101 + number)

    async def orders(self, *, stage: str = "POST_PURCHASE", **order: object) -> None:
        """A demper tells of the order, or that it has come."""
        sku, product, price = GOODS[self.number % len(GOODS)]
        about = {"sku": sku, "product_name": product, "total_amount": float(price)} | order
        await self._stage.ordered(stage, phone=self.phone, name=self.name, code=self.code, **about)
        await self._stage.advance(minutes=4)

    async def writes(self, text: str) -> None:
        """They read what came and write; the bot answers."""
        phone = self._stage.phone(self.phone)
        await phone.reads()
        if text:
            await phone.writes(text)
        await self._stage.advance(minutes=2)


async def a_week(stage: Stage) -> None:
    """From a Monday noon to the next Monday."""
    await stage.watch()
    people = [Buyer(stage, number, name) for number, name in enumerate(BUYERS)]
    waiting, asks, says = iter(people), cycle(ASKS), cycle(SAYS)
    on_the_way: list[list[Buyer]] = []
    for day, many in enumerate(PER_DAY):
        today = [buyer for buyer, _ in zip(waiting, range(many), strict=False)]
        for buyer in today:
            await buyer.orders()
            await buyer.writes(next(asks))
        on_the_way.append(today)
        for buyer in on_the_way[day - 2] if day > 1 else ():
            await buyer.orders(stage="ORDER_DELIVERED")
            await buyer.writes(next(says))
        await _until(stage, day + 1, time(11))
    await _problems(stage)
    await _until(stage, 7, time(10))
    await _this_morning(stage)


async def _until(stage: Stage, day: int, hour: time) -> None:
    """On to that hour of the shop, so many days after the first."""
    local = datetime.combine(NOON.astimezone(_ALMATY).date(), hour, _ALMATY) + timedelta(days=day)
    await stage.advance(seconds=max((local - stage.clock.now()).total_seconds(), 0))


async def _this_morning(stage: Stage) -> None:
    """What the pictures are of: chats in all states."""
    names = ("Гульнар Б", "Ержан К", "Лаура Т", "Марина Ф", "Алия Н", "Асель Ж")
    gulnar, erzhan, laura, marina, aliya, asel = (
        Buyer(stage, 40 + number, name) for number, name in enumerate(names)
    )
    await marina.orders()
    await marina.writes("А можно оплатить картой напрямую, без Kaspi?")
    await _person_says(stage, marina, "Марина, здравствуйте! Только через Kaspi, так вы защищены.")
    await laura.orders()
    await laura.writes("стоп")
    await erzhan.orders()
    await erzhan.writes("Сәлеметсіз бе! Тапсырысым қашан келеді?")
    await erzhan.orders(stage="ORDER_DELIVERED")
    await asel.orders(sku="101200201_1", product_name="Чайник Bereke 1,7 л", total_amount=12_490.0)
    await asel.writes("Здравствуйте, когда привезут?")
    await stage.advance(minutes=11)
    await gulnar.orders()
    await gulnar.writes("Здравствуйте! А наушники есть? Сколько стоят?")
    await stage.phone(gulnar.phone).reads()
    stage.model.script.append(
        "Асель, нам очень жаль, что чайник течёт. Подскажите, пожалуйста, где именно он течёт?"
    )
    await asel.writes("Чайник течёт, верните деньги!")
    await aliya.orders()
    await stage.phone(aliya.phone).writes("Рахмет! Жеткізу тегін бе?")
    await stage.watch()
    await stage.advance(seconds=30)


async def _problems(stage: Stage) -> None:
    """One message that never went, one nobody can tell of, one order without a phone."""
    stage.waha.faults.append(Status(400, {"message": "bad request", "statusCode": 400}))
    await Buyer(stage, 60, "Роман Ц").orders()
    stage.waha.store = False
    stage.waha.faults.append(CutBefore())
    await Buyer(stage, 62, "Эльмира Ч").orders()
    await stage.advance(hours=3)
    stage.waha.store = True
    await stage.public.post(
        "/event_handler",
        json={
            "waha_stage_id": "POST_PURCHASE",
            "customer": {"phone": "7777*****61", "name": "А***"},
            "order": {"order_id": "912000199", "product_name": "Термос Arktika 1 л"},
        },
    )


async def _person_says(stage: Stage, buyer: Buyer, text: str) -> None:
    answer = await stage.api.post(f"/api/contacts/{buyer.phone}/messages", json={"text": text})
    assert answer.is_success, answer.text
    await stage.advance(minutes=1)


# --- the demo ---------------------------------------------------------------------------------


@asynccontextmanager
async def _demo(folder: Path) -> AsyncIterator[str]:
    """The address of the demo, at the next noon."""
    now = datetime.now(UTC).astimezone(_ALMATY)
    noon = datetime.combine(now.date() + timedelta(days=1), time(12), _ALMATY)
    clock = folder / "data" / "demo" / "clock"
    clock.parent.mkdir(parents=True)
    clock.write_text(str(round((noon - now).total_seconds())), "utf-8")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with command(
        "demo", folder=folder, PORT=str(port), AI_SELLER_DATA_DIR=str(folder / "data")
    ):
        async with httpx.AsyncClient(base_url=url, verify=False, trust_env=False) as http:
            await answers(http)
        yield url


def demo(camera: Camera, url: str) -> None:
    """A buyer's phone with the desk beside it."""
    with camera.before(WIDEST) as page:
        page.goto(f"{url}/demo")
        page.get_by_role("button", name="Сделать заказ").click()
        said = page.locator("#chat .bubble.shop")
        said.first.wait_for()
        page.get_by_role("button", name="Когда приедет?").click()
        said.nth(1).wait_for()
        inside = page.frame_locator("#desk")
        inside.locator("a.chat").first.click()
        inside.locator("#log .said").nth(2).wait_for()
        why = inside.locator("details.why").last
        why.locator("summary").click()
        why.evaluate(_TO_ITS_MESSAGE)
        page.evaluate("scrollTo(0, 0)")
        camera.takes("demo", page)


if __name__ == "__main__":
    sys.exit(main())
