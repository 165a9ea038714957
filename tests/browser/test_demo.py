"""The demo in a real browser, as a newcomer plays with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.browser.conftest import Tab
from tests.browser.test_desk import SCRIPT, faults_of

SOON = 20_000
"""Milliseconds within which the bot has spoken: a limit for what hangs, not a measure."""


class Newcomer:
    """Plays with the demo as a buyer whom the shop has never seen."""

    def __init__(self, tab: Tab, demo_url: str) -> None:
        self.page = tab.page
        self.page.goto(f"{demo_url}/demo")
        whose = self.page.locator("#whose")
        expect(whose).not_to_be_empty()
        before = whose.inner_text()
        self.page.get_by_role("button", name="Ко всем чатам").click()
        self.page.locator("#new-buyer").click()
        expect(whose).not_to_have_text(before)
        self.name = whose.inner_text()

    @property
    def said(self) -> Locator:
        """What the shop has written in the buyer's phone."""
        return self.page.locator("#chat .bubble.shop")

    @property
    def desk(self) -> FrameLocator:
        return self.page.frame_locator("#desk")

    def press(self, name: str) -> None:
        button = self.page.get_by_role("button", name=name, exact=True)
        expect(button).not_to_have_attribute("aria-busy", "true")  # it takes no second press
        button.click()

    def orders(self) -> None:
        orders = self.page.locator("#orders .order")
        before = orders.count()
        self.press("Сделать заказ")
        expect(orders).to_have_count(before + 1)

    def hears(self, count: int, *words: str) -> None:
        """So many messages of the shop, the newest with these words."""
        expect(self.said).to_have_count(count, timeout=SOON)
        for each in words:
            expect(self.said.last).to_contain_text(each)

    def writes(self, text: str) -> None:
        self.page.get_by_label("Сообщение магазину").fill(text)
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#chat .bubble.buyer").last).to_contain_text(text)

    def opens_in_the_desk(self) -> Locator:
        """The buyer's chat, as the seller sees it."""
        first_name = self.name.split()[0]
        self.desk.get_by_role("link", name=re.compile(first_name, re.IGNORECASE)).first.click()
        thread = self.desk.locator("#thread")
        expect(thread).to_be_visible()
        return thread

    def goes_in_the_desk_to(self, page: str) -> None:
        self.desk.locator(f'a[href="/desk/{page}"]').first.click()

    def has_done(self, *steps: str) -> None:
        done = self.page.locator("[data-step].done")
        expect(done).to_have_count(len(steps))
        for step in steps:
            expect(self.page.locator(f"[data-step={step}]")).to_have_class(re.compile("done"))

    @contextmanager
    def turned_off(self, what: str) -> Iterator[None]:
        """The switch is one for everybody: whatever happens inside, it is on again after it."""
        switch = self.page.get_by_role("switch", name=re.compile(what))
        switch.click()
        expect(switch).to_have_attribute("aria-checked", "true")
        try:
            yield
        finally:
            switch.click()
            expect(switch).to_have_attribute("aria-checked", "false")


@pytest.fixture
def newcomer(tab: Tab, demo_url: str) -> Newcomer:
    return Newcomer(tab, demo_url)


def width_of(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width


def faults_by_light_and_dark(page: Page) -> list[str]:
    page.emulate_media(color_scheme="dark")
    dark = faults_of(page)
    page.emulate_media(color_scheme="light")
    return [*dark, *faults_of(page)]


def test_an_order_is_thanked_for_explained_and_a_question_answered(newcomer: Newcomer) -> None:
    newcomer.orders()
    newcomer.hears(1, newcomer.name.split()[0], "Спасибо", "Термос")
    newcomer.has_done("order", "message")
    thread = newcomer.opens_in_the_desk()
    thread.locator("details.why summary").first.click()
    for words in ("Благодарность за заказ", "Пройдены проверки", "Стоимость"):
        expect(thread.locator("details.why").first).to_contain_text(words)
    newcomer.has_done("order", "message", "why")
    newcomer.press("Когда приедет?")
    newcomer.hears(2, "заказ")
    expect(newcomer.page.locator(".ticks[data-tick=read]")).to_be_visible()
    expect(thread).to_contain_text("Когда приедет?")
    newcomer.has_done("order", "message", "why", "answer")
    newcomer.page.reload()
    expect(newcomer.page.locator("#whose")).to_have_text(newcomer.name)
    newcomer.has_done("order", "message", "why", "answer")
    newcomer.goes_in_the_desk_to("connection")
    expect(newcomer.desk.get_by_text(re.compile("Всё.* работает"))).to_be_visible()
    expect(newcomer.desk.get_by_role("button", name="Записать адрес")).to_have_count(0)


def test_days_pass_from_the_delivery_to_the_review_and_a_stop_ends_it(newcomer: Newcomer) -> None:
    newcomer.orders()
    newcomer.hears(1)
    newcomer.press("Вручить покупателю")
    expect(newcomer.page.locator("#hint")).to_contain_text("не чаще раза в 24 ч")
    newcomer.page.locator("#hint-move").click()
    newcomer.hears(2, "доставлен")
    newcomer.press("+2 дня")
    newcomer.hears(3, "отзыв")
    newcomer.press("стоп")
    newcomer.hears(4, "старт")
    newcomer.has_done("order", "message", "clock", "stop")
    newcomer.orders()
    thread = newcomer.opens_in_the_desk()
    not_sent = "благодарность за заказ — покупатель просил не писать"
    expect(thread).to_contain_text(not_sent, timeout=SOON)
    expect(newcomer.page.locator("#hint")).to_contain_text("отписался")
    newcomer.hears(4)


def test_an_order_goes_its_way_by_the_buttons(newcomer: Newcomer) -> None:
    order = newcomer.page.locator("#orders .order").first
    newcomer.orders()
    newcomer.press("Передать курьеру")
    expect(order.locator(".stage")).to_have_text("у курьера")
    expect(newcomer.page.get_by_role("button", name="Передать курьеру")).to_have_count(0)
    newcomer.press("Вручить покупателю")
    expect(order.locator(".stage")).to_have_text("доставлен")
    expect(order.get_by_role("button")).to_have_count(0)
    for how in ("нет товара", "покупатель передумал"):
        newcomer.orders()
        newcomer.press(f"Отменить: {how}")
        expect(order.locator(".stage")).to_have_text("отменён")
    expect(order).to_contain_text("бот промолчит")


def test_nobody_is_told_to_wait_for_news_that_will_not_come(newcomer: Newcomer) -> None:
    empty = newcomer.page.locator("#chat .empty")
    expect(empty).to_contain_text("как только вы сделаете заказ")
    with newcomer.turned_off("Kaspi"):
        newcomer.orders()
        expect(empty).to_contain_text("бот напишет сюда")
        newcomer.press("Отменить: покупатель передумал")
        expect(empty).to_contain_text("как только вы сделаете заказ")


def test_who_reads_old_messages_is_left_there_until_they_go_to_the_new_ones(
    newcomer: Newcomer,
) -> None:
    page, chat = newcomer.page, newcomer.page.locator("#chat")
    down = page.get_by_role("button", name="К последним сообщениям")
    newcomer.writes("\n".join(f"строка {n}" for n in range(60)))
    newcomer.hears(1)
    expect(newcomer.said.last).to_be_in_viewport()
    expect(down).to_be_hidden()
    chat.evaluate("it => it.scrollTop = 30")
    page.get_by_label("Ответить с телефона продавца").fill("Это продавец")
    page.keyboard.press("Enter")
    newcomer.hears(2, "Это продавец")
    expect(down).to_have_text("1")
    assert chat.evaluate("it => it.scrollTop") == 30
    down.click()
    expect(newcomer.said.last).to_be_in_viewport()
    expect(down).to_be_hidden()
    page.set_viewport_size({"width": 1000, "height": 600})
    expect(newcomer.said.last).to_be_in_viewport(ratio=1)
    page.evaluate("window.scrollTo(0, 300)")
    tabs = page.get_by_role("tablist").evaluate("it => it.getBoundingClientRect().bottom")
    assert page.locator(".phone").evaluate("it => it.getBoundingClientRect().top") >= tabs


def test_what_is_said_while_whatsapp_is_off_comes_when_it_is_on(newcomer: Newcomer) -> None:
    with newcomer.turned_off("WhatsApp"):
        expect(newcomer.page.locator("#presence")).to_have_text("WhatsApp выключен")
        expect(newcomer.page.locator("#hint")).to_contain_text("не потеряется")
        newcomer.orders()
        newcomer.writes("Сколько стоит плед?")
        expect(newcomer.page.locator(".ticks")).to_have_attribute("data-tick", "sent")
        thread = newcomer.opens_in_the_desk()
        expect(thread).to_contain_text("WhatsApp магазина не подключён", timeout=SOON)
        expect(newcomer.said).to_have_count(0)
    newcomer.hears(2)
    expect(newcomer.said.filter(has_text="Спасибо")).to_have_count(1)
    expect(newcomer.said.filter(has_text="9 450")).to_have_count(1)
    expect(newcomer.page.locator(".ticks")).to_have_attribute("data-tick", "read")
    expect(newcomer.page.locator("#hint")).to_be_hidden()


def test_without_the_model_the_bot_writes_a_text_of_ours(newcomer: Newcomer) -> None:
    with newcomer.turned_off("модель"):
        newcomer.orders()
        newcomer.hears(1, "Термос")
        thread = newcomer.opens_in_the_desk()
        thread.locator("details.why summary").first.click()
        expect(thread.locator("details.why").first).to_contain_text("отовый текст")


def test_a_script_in_what_a_buyer_writes_stays_text(newcomer: Newcomer) -> None:
    newcomer.writes(SCRIPT)
    newcomer.hears(1)
    thread = newcomer.opens_in_the_desk()
    expect(thread).to_contain_text(SCRIPT)
    for frame in newcomer.page.frames:
        assert frame.evaluate("window.hacked") is None
        assert frame.locator("img[src=x]").count() == 0


def test_the_demo_fits_a_phone(phone_tab: Tab, demo_url: str) -> None:
    newcomer = Newcomer(phone_tab, demo_url)
    page = newcomer.page
    newcomer.orders()
    newcomer.hears(1)
    assert width_of(page) <= 360
    assert newcomer.said.first.evaluate("it => it.getBoundingClientRect().right") <= 360
    page.get_by_role("tab", name="Пульт продавца").tap()
    expect(page.locator(".phone")).to_be_hidden()
    newcomer.opens_in_the_desk()
    assert width_of(page) <= 360
    assert newcomer.desk.locator("html").evaluate("it => it.scrollWidth") <= 360
    page.get_by_role("tab", name="Телефон").tap()
    expect(newcomer.said.first).to_be_visible()
    expect(page.locator("#desk")).to_be_hidden()


def test_the_keyboard_alone_is_enough(newcomer: Newcomer) -> None:
    page = newcomer.page
    expect(page.get_by_label("Сообщение магазину")).to_be_focused()
    page.get_by_label("Товар").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    newcomer.hears(1, "Чайник")
    page.get_by_label("Сообщение магазину").focus()
    page.keyboard.type("Первая строка")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("и вторая")
    page.keyboard.press("Enter")
    expect(page.locator(".bubble.buyer .said")).to_have_text("Первая строка\nи вторая")
    page.keyboard.press("Escape")
    expect(page.locator(".person[aria-current]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Сообщение магазину")).to_be_focused()
    expect(page.locator("#whose")).to_have_text(newcomer.name)


def test_the_demo_and_the_desk_in_it_are_read_in_kazakh(newcomer: Newcomer) -> None:
    page = newcomer.page
    expect(newcomer.desk.get_by_role("heading", name="Чаты")).to_be_visible()
    newcomer.goes_in_the_desk_to("today")
    expect(newcomer.desk.get_by_role("heading", level=1, name="Сегодня")).to_be_visible()
    newcomer.press("Қаз")
    expect(page.locator("html")).to_have_attribute("lang", "kk")
    expect(page.get_by_role("button", name="Тапсырыс беру", exact=True)).to_be_visible()
    expect(newcomer.desk.get_by_role("heading", level=1, name="Бүгін")).to_be_visible()
    # So it is after a click when another demo on this machine has let its own visitor in.
    newcomer.desk.locator("html").evaluate("location.assign('/desk/login?next=/desk/connection')")
    expect(newcomer.desk.get_by_role("heading", level=1, name="Байланыс")).to_be_visible()
    newcomer.goes_in_the_desk_to("chats")
    expect(newcomer.desk.get_by_role("heading", name="Чаттар")).to_be_visible()
    newcomer.press("Қашан келеді?")
    newcomer.hears(1, "апсырыс")
    shown = page.evaluate("document.body.innerText")
    assert re.findall("Заказ|Покупа|Переве|Выключ|Сегодня|Ответ", shown) == []


def test_everybody_can_read_and_use_the_demo(newcomer: Newcomer) -> None:
    page = newcomer.page
    with newcomer.turned_off("WhatsApp"):
        newcomer.orders()
        newcomer.writes("Есть кто?")
        expect(page.locator("#hint")).to_be_visible()
        assert faults_by_light_and_dark(page) == []
    newcomer.press("Ко всем чатам")
    expect(page.locator("#people")).to_be_visible()
    assert faults_by_light_and_dark(page) == []
