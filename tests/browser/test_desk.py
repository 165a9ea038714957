"""The desk in a real browser, as a seller works in it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from app.demo.waha_phone import Phone
from tests.browser.conftest import Shop, Tab
from tests.builders import PHONE
from tests.e2e.stage import ADMIN

SCRIPT = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"


async def until(true: Callable[[], Awaitable[bool] | bool]) -> None:
    """Until the product, which works beside the test, has come so far."""
    async with asyncio.timeout(20):
        while True:
            found = true()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


def told(shop: Shop, what: str, *, phone: str = PHONE) -> Phone:
    """A customer has written, and the bot has taken it in."""

    async def tell() -> Phone:
        theirs = shop.stage.phone(phone)
        sent = len(shop.stage.waha.sent)
        await theirs.writes(what)
        await until(lambda: len(shop.stage.waha.sent) > sent)
        return theirs

    return shop.run(tell())


def ordered(shop: Shop, *, phone: str = PHONE, name: str = "Айгерим С", code: str) -> None:
    """An order has come, and the customer was thanked."""

    async def order() -> None:
        sent = len(shop.stage.waha.sent)
        await shop.stage.ordered(phone=phone, name=name, code=code)
        await until(lambda: len(shop.stage.waha.sent) > sent)

    shop.run(order())


async def erased(shop: Shop) -> None:
    """Another seller has erased the customer."""
    (await shop.stage.api.post(f"/api/contacts/{PHONE}/erase")).raise_for_status()


def faults_of(page: Page) -> list[str]:
    """What axe finds wrong with a page: contrast, labels, roles, order of headings.

    Read without motion: a bubble that is still fading in has no contrast yet.
    """
    page.emulate_media(reduced_motion="reduce")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]


def test_a_seller_takes_a_chat_over_answers_and_hands_it_back(shop: Shop, tab: Tab) -> None:
    ordered(shop, code="912000001")
    told(shop, "Когда приедет заказ?")
    page = shop.enter(tab)
    page.get_by_role("link", name=re.compile("Айгерим С")).click()
    expect(page.get_by_role("heading", name="Айгерим С", level=1)).to_be_visible()
    page.get_by_role("button", name="Взять чат себе").click()
    expect(page.get_by_text("Чат ведёте вы")).to_be_visible()
    page.get_by_label("Ваше сообщение").fill("Здравствуйте, это Асель. Привезут завтра.")
    page.get_by_role("button", name="Отправить", exact=True).click()
    mine = page.locator("#thread .said.person", has_text="это Асель")
    expect(mine).to_be_visible()
    expect(mine.get_by_text("Человек")).to_be_visible()
    expect(page.get_by_label("Ваше сообщение")).to_have_value("")
    shop.run(until(lambda: "Здравствуйте, это Асель. Привезут завтра." in shop.stage.texts))
    expect(mine.locator(".tick")).to_contain_text("✓")
    page.get_by_role("button", name="Вернуть боту").click()
    expect(page.get_by_text("Отвечает бот.")).to_be_visible()


def test_what_comes_in_is_seen_without_a_reload(shop: Shop, tab: Tab) -> None:
    ordered(shop, code="912000001")
    page = shop.enter(tab)
    expect(page.locator("#rows")).to_contain_text("Айгерим С")
    told(shop, "Есть вопрос о рукавах")
    expect(page.locator("#rows .count")).to_contain_text("1")
    ordered(shop, phone="77015550102", name="Нурлан", code="912000002")
    expect(page.locator("#rows .rows li").first).to_contain_text("Нурлан")
    page.get_by_role("link", name=re.compile("Айгерим")).click()
    told(shop, "А молния крепкая?")
    expect(page.locator("#thread")).to_contain_text("А молния крепкая?")


def test_why_the_bot_said_what_it_said(shop: Shop, tab: Tab) -> None:
    ordered(shop, code="912000001")
    page = shop.enter(tab)
    page.get_by_role("link", name=re.compile("Айгерим С")).click()
    why = page.locator("details.why").first
    why.locator("summary").click()
    for words in ("Благодарность за заказ", "912000001", "Пройдены проверки", "Стоимость", "$"):
        expect(why).to_contain_text(words)


def test_a_script_in_what_a_customer_writes_stays_text(shop: Shop, tab: Tab) -> None:
    ordered(shop, name=SCRIPT, code="912000001")
    told(shop, f"Здравствуйте {SCRIPT}")
    page = shop.enter(tab)
    row = page.locator("#rows a.chat").first
    expect(row).to_be_visible()
    row.click()
    expect(page.locator("#thread")).to_contain_text("<script>window.hacked = 1</script>")
    for path in ("today", "problems", "connection"):
        page.goto(f"{shop.url}/desk/{path}")
        assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x]").count() == 0


def test_a_customer_is_opted_out_after_a_question(shop: Shop, tab: Tab) -> None:
    ordered(shop, code="912000001")
    page = shop.enter(tab)
    page.get_by_role("link", name=re.compile("Айгерим С")).click()
    page.get_by_text("Не писать первыми").click()
    expect(page.get_by_text("Больше не писать этому покупателю первыми?")).to_be_visible()
    expect(page.locator("#who .pill", has_text="отписан")).to_have_count(0)
    page.get_by_role("button", name="Да, не писать").click()
    expect(page.locator("#who .pill", has_text="отписан")).to_be_visible()
    expect(page.get_by_text("Снова писать первыми")).to_be_visible()


def test_the_qr_code_is_shown_and_goes_when_the_phone_has_scanned_it(shop: Shop, tab: Tab) -> None:
    async def asks() -> None:
        await shop.stage.waha.session_becomes("SCAN_QR_CODE")
        await shop.stage.watch()

    async def scans() -> None:
        shop.stage.waha.scan()
        await shop.stage.watch()

    shop.run(asks())
    page = shop.enter(tab, "/desk/connection")
    code = page.get_by_role("img", name="QR-код для входа в WhatsApp")
    expect(code).to_be_visible()
    assert code.evaluate("image => image.naturalWidth") > 100
    expect(page.get_by_text("Связанные устройства")).to_be_visible()
    shop.run(scans())
    expect(code).to_have_count(0, timeout=20_000)


def test_the_keyboard_alone_is_enough(shop: Shop, tab: Tab) -> None:
    ordered(shop, code="912000001")
    page = tab.page
    page.goto(f"{shop.url}/desk/chats")
    expect(page.locator("#key")).to_be_focused()
    page.keyboard.type("an-admin-key-for-tests")
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/chats")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="К содержанию")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
        if "Айгерим" in page.evaluate("document.activeElement.textContent"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/desk/chats/[0-9a-f]+"))
    box = page.get_by_label("Ваше сообщение")
    for _ in range(40):
        page.keyboard.press("Tab")
        if box.evaluate("box => box === document.activeElement"):
            break
    page.keyboard.type("Ответ без мыши")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#thread .said.person")).to_contain_text("Ответ без мыши")


def test_the_desk_fits_a_phone(shop: Shop, phone_tab: Tab) -> None:
    ordered(shop, code="912000001")
    told(shop, "Позовите человека, товар сломан!")
    page = shop.enter(phone_tab)
    paths = ["chats", "today", "connection", "texts", "texts/rules", "problems"]
    for path in paths:
        page.goto(f"{shop.url}/desk/{path}")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{path} is {width} px wide"
    page.goto(f"{shop.url}/desk/chats")
    page.get_by_role("link", name=re.compile("Айгерим С")).tap()
    expect(page.get_by_label("Ваше сообщение")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("link", name="Все чаты").tap()
    expect(page.locator("#rows")).to_be_visible()


def test_the_newest_words_and_the_box_to_answer_in_are_seen_at_once(shop: Shop, tab: Tab) -> None:
    ordered(shop, code="912000001")
    for words in ("Когда приедет заказ?", "А какая длина рукава?", "А молния крепкая?"):
        told(shop, words)
    page = shop.enter(tab)
    page.get_by_role("link", name=re.compile("Айгерим С")).click()
    for width, height in ((360, 740), (580, 800), (1280, 860)):
        page.set_viewport_size({"width": width, "height": height})
        page.reload()
        expect(page.locator("#thread .said").last).to_be_in_viewport()
        expect(page.get_by_label("Ваше сообщение")).to_be_in_viewport(ratio=1)


def test_what_is_typed_outlives_a_login_that_has_ended(shop: Shop, phone_tab: Tab) -> None:
    ordered(shop, code="912000001")
    page = shop.enter(phone_tab)
    page.get_by_role("link", name=re.compile("Айгерим С")).tap()
    box, send = page.get_by_label("Ваше сообщение"), page.get_by_role("button", name="Отправить")
    box.fill("Длинный ответ, который жалко потерять")
    page.context.clear_cookies()
    page.reload()
    page.get_by_label("Ключ администратора").fill(ADMIN)
    page.get_by_role("button", name="Войти").tap()
    expect(box).to_have_value("Длинный ответ, который жалко потерять")
    # Who has logged in anew in another tab has another token than this page was made with.
    page.evaluate("document.querySelector('meta[name=csrf]').content = 'of another login'")
    send.tap()
    expect(page.locator("#thread .said.person")).to_contain_text("жалко потерять")
    expect(page.locator("#note")).to_be_in_viewport(ratio=1)
    expect(box).to_have_value("")
    page.reload()
    expect(box).to_have_value("")
    phone_tab.faults[:] = [f for f in phone_tab.faults if "401" not in f and "403" not in f]


def test_the_live_line_comes_back_after_the_server_answered_it_with_an_error(
    shop: Shop, tab: Tab
) -> None:
    tab.page.route("**/desk/events", lambda route: route.fulfill(status=503), times=1)
    page = shop.enter(tab)
    with page.expect_response(lambda r: "/desk/events" in r.url and r.status == 200):
        ordered(shop, code="912000001")
    expect(page.locator("#rows")).to_contain_text("Айгерим С")
    tab.faults[:] = [fault for fault in tab.faults if "503" not in fault]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_and_use_every_page(shop: Shop, tab: Tab, scheme: str) -> None:
    ordered(shop, code="912000001")
    told(shop, "Товар сломан, верните деньги!")
    page = tab.page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{shop.url}/desk/login")
    assert faults_of(page) == []
    shop.enter(tab)
    for path in ("chats", "today", "connection", "texts", "texts/rules", "texts/log", "problems"):
        answer = page.goto(f"{shop.url}/desk/{path}")
        assert answer is not None
        assert answer.ok, path
        assert faults_of(page) == [], path
    page.goto(f"{shop.url}/desk/chats")
    page.get_by_role("link", name=re.compile("Айгерим С")).click()
    page.locator("details.why summary").first.click()
    assert faults_of(page) == []


def test_the_desk_is_read_in_kazakh(shop: Shop, tab: Tab) -> None:
    page = shop.enter(tab)
    page.get_by_text("Асель").click()
    page.get_by_role("button", name="Қазақша").click()
    expect(page.get_by_role("heading", name="Чаттар")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "kk")
    page.get_by_text("Асель").click()
    page.get_by_role("button", name="Шығу").click()
    page.wait_for_url("**/desk/login")


def test_who_is_erased_leaves_the_screen_of_everybody_who_looks_at_them(
    shop: Shop, tab: Tab
) -> None:
    ordered(shop, code="912000001")
    page = shop.enter(tab)
    page.get_by_role("link", name=re.compile("Айгерим С")).click()
    page.get_by_label("Ваше сообщение").fill("Айгерим, здравствуйте")
    with page.expect_response(lambda r: "/desk/events" in r.url):
        page.reload()
    shop.run(erased(shop))
    expect(page.get_by_text("чат удалён")).to_be_visible()
    assert "Айгерим" not in page.content()
    assert page.evaluate("sessionStorage.length") == 0
    tab.faults[:] = [fault for fault in tab.faults if "404" not in fault]


def test_what_was_missed_while_the_line_was_down_is_seen_after_it(shop: Shop, tab: Tab) -> None:
    ordered(shop, code="912000001")
    page = shop.enter(tab)
    page.context.set_offline(True)
    told(shop, "Пока вас не было")
    page.context.set_offline(False)
    expect(page.locator("#rows")).to_contain_text("1", timeout=20_000)
    tab.faults[:] = [fault for fault in tab.faults if "ERR_INTERNET_DISCONNECTED" not in fault]
