"""The desk's page «Связь»: what each state is called, and what one click does about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from app.demo.kaspi import EmulatedKaspi
from app.demo.kaspi_faults import Html
from app.demo.server import serving
from app.web.desk.connection_phones import ref_of
from app.worker.poll import poll
from tests.builders import NOON, PHONE
from tests.clock import Clock
from tests.desk import Desk, desk_of, seen
from tests.e2e.stage import ADMIN, HMAC, Stage, on_stage

PAGE = "/desk/connection"
HERE = ref_of("default")
QR = f'src="{PAGE}/{HERE}/qr.png?v='


@asynccontextmanager
async def at_desk(
    store_url: str, lang: str = "ru", **environ: Any
) -> AsyncIterator[tuple[Stage, Desk]]:
    async with (
        on_stage(store_url, **environ) as stage,
        desk_of(stage.url, key=ADMIN, lang=lang) as desk,
    ):
        yield stage, desk


async def shown(desk: Desk) -> str:
    return seen(await desk.page(PAGE))


def posts(stage: Stage) -> list[str]:
    return [asked.path for asked in stage.waha.requests if asked.method in ("POST", "PUT")]


async def test_a_session_that_works_is_said_to_with_its_number_masked(store_url: str) -> None:
    async with at_desk(store_url) as (stage, desk):
        await stage.watch()
        page = await desk.page(PAGE)
        assert "Телефон подключён, сообщения идут." in seen(page)
        assert "+7 777 ••• •• 01" in seen(page)
        assert "77770000001" not in page
        assert QR not in page


STATES = [
    ("SCAN_QR_CODE", "Нужно подключить телефон", "Отсканируйте QR-код"),
    ("STARTING", "Запускается", "проверьте, есть ли интернет"),
    ("FAILED", "Связь потеряна", "перезапустите сессию"),
    ("STOPPED", "Остановлена", "Запустите её"),
    ("PASSKEY_REQUIRED", "WhatsApp просит ключ доступа", "Откройте панель WAHA"),
    ("PASSKEY_CONFIRMATION_REQUIRED", "Нужно подтверждение на телефоне", "подтвердите вход"),
    ("WARMING_UP", "WAHA сообщает: WARMING_UP", "продолжаем отправлять"),
    ("<b>{0}</b>", "WAHA сообщает: <b>{0}</b>", "продолжаем отправлять"),
]


@pytest.mark.parametrize(("status", "word", "todo"), STATES)
async def test_each_state_is_told_in_plain_words_with_what_to_do(
    store_url: str, status: str, word: str, todo: str
) -> None:
    async with at_desk(store_url) as (stage, desk):
        await stage.waha.session_becomes(status)
        text = await shown(desk)
        assert word in text
        assert todo in text
        assert "Телефон подключён" not in text


async def test_a_waha_that_is_away_refuses_the_key_or_is_none_is_told_apart(
    store_url: str,
) -> None:
    async with at_desk(store_url) as (stage, desk):
        stage.waha.down = True
        assert "WAHA не отвечает" in await shown(desk)
        stage.waha.down = False
        stage.waha.api_key = "another-key"
        text = await shown(desk)
        assert "Ключ WAHA не подходит" in text
        assert "Ответы покупателей" in text  # in the page, and hidden: nothing is known of it
    async with at_desk(store_url) as (stage, desk):
        del stage.waha.sessions["default"]
        assert "В WAHA ещё нет такой сессии" in await shown(desk)
        stage.waha.new_session("default", {})


async def test_without_a_waha_the_page_says_how_to_set_one(store_url: str) -> None:
    async with at_desk(store_url, WAHA_API_ENDPOINT="") as (_, desk):
        assert "Задайте WAHA_API_ENDPOINT и WAHA_API_KEY" in await shown(desk)
        answer = await desk.post(f"{PAGE}/{HERE}/restart")
        assert "WAHA не подключена" in seen(answer.text)


async def test_the_qr_is_shown_changes_with_whatsapps_and_goes_when_scanned(
    store_url: str,
) -> None:
    async with at_desk(store_url) as (stage, desk):
        await stage.waha.session_becomes("SCAN_QR_CODE")
        first = (await desk.page(PAGE)).partition(QR)[2].partition('"')[0]
        assert first
        picture = await desk.get(f"{PAGE}/{HERE}/qr.png", v=first)
        assert picture.content.startswith(b"\x89PNG")
        assert picture.headers["content-type"] == "image/png"
        assert picture.headers["cache-control"] == "no-store"
        assert (await desk.page(PAGE)).partition(QR)[2].partition('"')[0] == first
        await stage.waha.session_becomes("SCAN_QR_CODE")
        assert (await desk.page(PAGE)).partition(QR)[2].partition('"')[0] != first
        stage.waha.scan()
        page = await desk.page(PAGE)
        assert QR not in page
        assert "Телефон подключён" in seen(page)
        assert (await desk.get(f"{PAGE}/{HERE}/qr.png")).status_code == 409


async def test_a_pairing_code_is_shown_big_once_and_links_the_phone(store_url: str) -> None:
    async with at_desk(store_url) as (stage, desk):
        await stage.waha.session_becomes("SCAN_QR_CODE")
        address = f"{PAGE}/{HERE}/pairing-code"
        answer = await desk.post(address, {"phone": "8 (777) 000-00-01"})
        code = stage.waha.sessions["default"].pairing_code
        assert code is not None
        assert code in seen(answer.text)
        assert code not in str(answer.url)
        assert "77770000001" not in answer.text
        assert code not in (await desk.get(address)).text  # loaded again
        stage.waha.scan(code=code)
        assert "Телефон подключён" in await shown(desk)
        late = await desk.post(address, {"phone": "87770000001"})
        assert "не ждёт телефона" in seen(late.text)


async def test_a_number_that_is_none_is_said_so_and_waha_is_not_asked(store_url: str) -> None:
    async with at_desk(store_url) as (stage, desk):
        await stage.waha.session_becomes("SCAN_QR_CODE")
        answer = await desk.post(f"{PAGE}/{HERE}/pairing-code", {"phone": "<b>нет</b>"})
        assert "не похоже на номер" in seen(answer.text)
        assert "<b>нет" not in answer.text
        assert posts(stage) == []


async def test_a_restart_is_warned_of_and_done_once_in_half_a_minute(store_url: str) -> None:
    async with at_desk(store_url) as (stage, desk):
        await stage.waha.session_becomes("FAILED")
        page = await desk.page(PAGE)
        assert f'action="{PAGE}/{HERE}/restart" data-confirm="Сессия будет недоступна' in page
        answer = await desk.post(f"{PAGE}/{HERE}/restart")
        assert "Сессия перезапускается" in seen(answer.text)
        assert stage.waha.sessions["default"].status == "WORKING"
        stage.clock.advance(seconds=29)
        again = await desk.post(f"{PAGE}/{HERE}/restart")
        assert "Подождите полминуты" in seen(again.text)
        assert posts(stage) == ["/api/sessions/default/restart"]
        stage.clock.advance(seconds=2)
        await desk.post(f"{PAGE}/{HERE}/restart")
        assert len(posts(stage)) == 2


async def test_a_restart_is_never_offered_nor_done_against_a_ban_on_new_contacts(
    store_url: str,
) -> None:
    async with at_desk(store_url) as (stage, desk):
        await stage.waha.timelock(days=1)
        await stage.settle()
        page = await desk.page(PAGE)
        assert "WhatsApp запретил этому номеру писать новым людям до" in seen(page)
        assert "Не перезапускайте" in seen(page)
        assert "/restart" not in page
        assert "/relink" not in page
        for act in ("restart", "relink"):
            answer = await desk.post(f"{PAGE}/{HERE}/{act}")
            assert "перезапуск сделает хуже" in seen(answer.text)
        assert posts(stage) == []


async def test_a_stopped_session_is_started(store_url: str) -> None:
    async with at_desk(store_url) as (stage, desk):
        await stage.waha.session_becomes("STOPPED")
        answer = await desk.post(f"{PAGE}/{HERE}/start")
        assert "Сессия запускается." in seen(answer.text)
        assert stage.waha.sessions["default"].status == "WORKING"


async def test_a_phone_that_was_unlinked_is_linked_anew(store_url: str) -> None:
    async with at_desk(store_url) as (stage, desk):
        stage.waha.log_out()
        await desk.post(f"{PAGE}/{HERE}/relink")
        assert stage.waha.sessions["default"].status == "SCAN_QR_CODE"
        assert QR in await desk.page(PAGE)


async def test_one_click_registers_the_webhook_and_customers_are_heard(store_url: str) -> None:
    async with at_desk(store_url) as (stage, desk):
        stage.waha.webhooks.clear()
        page = await desk.page(PAGE)
        assert "бот их не увидит" in seen(page)
        assert "около 3 секунд" in page
        answer = await desk.post(f"{PAGE}/{HERE}/webhook")
        assert "WAHA будет присылать сюда сообщения" in seen(answer.text)
        (hook,) = stage.waha.sessions["default"].webhooks
        assert hook.url == "http://localhost:8080/webhooks/waha"
        assert hook.hmac is not None
        assert hook.hmac.key == HMAC
        page = await desk.page(PAGE)
        assert "http://localhost:8080/webhooks/waha" in seen(page)
        assert f"{HERE}/webhook" not in page
        assert HMAC not in page


async def test_webhooks_that_waha_posts_by_its_own_settings_are_not_called_missing(
    store_url: str,
) -> None:
    async with at_desk(store_url) as (stage, desk):
        await stage.phone().writes("Здравствуйте")
        await stage.settle()
        text = await shown(desk)
        assert "в настройках самой WAHA" in text
        assert "бот их не увидит" not in text


async def test_without_a_key_to_sign_with_nothing_is_registered(store_url: str) -> None:
    async with at_desk(store_url, WAHA_WEBHOOK_HMAC_KEY="") as (stage, desk):
        page = await desk.page(PAGE)
        assert "Не задан WAHA_WEBHOOK_HMAC_KEY" in seen(page)
        answer = await desk.post(f"{PAGE}/{HERE}/webhook")
        assert "Сначала задайте WAHA_WEBHOOK_HMAC_KEY" in seen(answer.text)
        assert posts(stage) == []


async def test_a_session_that_was_never_made_is_made_and_waits_for_its_phone(
    store_url: str,
) -> None:
    async with at_desk(store_url) as (stage, desk):
        del stage.waha.sessions["default"]
        assert "Создать сессию" in await shown(desk)
        await desk.post(f"{PAGE}/{HERE}/webhook")
        assert stage.waha.sessions["default"].status == "SCAN_QR_CODE"
        assert QR in await desk.page(PAGE)


async def test_what_waits_for_the_session_is_counted(store_url: str) -> None:
    async with at_desk(store_url) as (stage, desk):
        await stage.waha.session_becomes("FAILED")
        await stage.ordered()
        await stage.settle()
        assert "Чатов ждёт отправки 1" in await shown(desk)


async def test_a_deaf_session_is_told_of_with_the_address_to_look_at(store_url: str) -> None:
    async with at_desk(store_url) as (stage, desk):
        stage.waha.deaf = True
        await stage.ordered()
        await stage.advance(minutes=4)
        text = await shown(desk)
        assert "Сообщения уходят, но от WAHA ничего не приходит" in text
        assert "http://localhost:8080/webhooks/waha" in text
        stage.waha.deaf = False


async def test_the_models_last_text_is_told_and_a_canned_one_is_none_of_it(
    store_url: str,
) -> None:
    async with at_desk(store_url) as (stage, desk):
        assert "Ещё не писала" in await shown(desk)
        await stage.ordered()
        await stage.settle()
        at = await stage.bot.counters.model_answered_at()
        assert at is not None
        text = await shown(desk)
        assert "Пишет тексты" in text
        assert "model-key-for-tests" not in text
        stage.model.down = True
        await stage.ordered(phone="77050000002", code="912000002")
        await stage.advance(minutes=5)
        assert await stage.bot.counters.model_answered_at() == at


async def test_no_restart_no_key_and_no_phone_is_in_the_page_or_its_addresses(
    store_url: str,
) -> None:
    async with at_desk(store_url, WAHA_SESSION_ID="77011234567") as (stage, desk):
        stage.waha.new_session("77011234567", {})
        page = await desk.page(PAGE)
        for secret in (HMAC, "waha-key-for-tests", "model-key-for-tests", ADMIN, PHONE):
            assert secret not in page
        addresses = [part.split('"')[0] for part in page.split('action="')[1:]]
        assert addresses
        assert not [address for address in addresses if "7701" in address]


@pytest.mark.parametrize("act", ["restart", "relink", "start", "webhook", "pairing-code"])
async def test_a_session_nobody_knows_and_a_form_without_its_token_change_nothing(
    store_url: str, act: str
) -> None:
    async with at_desk(store_url) as (stage, desk):
        nowhere = await desk.post(f"{PAGE}/{ref_of('another')}/{act}", {"phone": "87770000001"})
        assert nowhere.status_code == 404
        desk.csrf = "made-up"
        refused = await desk.post(f"{PAGE}/{HERE}/{act}", {"phone": "87770000001"})
        assert refused.status_code == 403
        assert posts(stage) == []


SHOPS = """
[tdom]
name = "Тёплый дом"
session = "home"

[kids]
name = "Дети <и мамы>"
session = "kids"
"""


async def test_every_session_of_every_shop_is_shown_and_acted_on_alone(
    store_url: str, tmp_path: Path
) -> None:
    shops = tmp_path / "shops.toml"
    shops.write_text(SHOPS, encoding="utf-8")
    shops.chmod(0o600)
    async with at_desk(store_url, AI_SELLER_SHOPS_FILE=str(shops)) as (stage, desk):
        for name in ("home", "kids"):
            stage.waha.new_session(name, {})
        await stage.waha.session_becomes("SCAN_QR_CODE", session="kids")
        page = await desk.page(PAGE)
        assert f"{ref_of('kids')}/qr.png" in page
        assert f"{ref_of('home')}/qr.png" not in page
        assert "WhatsApp: Тёплый дом" in seen(page)
        assert "WhatsApp: Дети <и мамы>" in seen(page)
        assert (await desk.get(f"{PAGE}/{HERE}/qr.png")).status_code == 404
        await desk.post(f"{PAGE}/{ref_of('home')}/restart")
        assert posts(stage) == ["/api/sessions/home/restart"]
        again = await desk.post(f"{PAGE}/{ref_of('kids')}/restart")
        assert "перезапускается" in seen(again.text)  # each has its own half minute


async def test_a_waha_that_is_slow_does_not_keep_the_page(store_url: str) -> None:
    async with at_desk(store_url) as (stage, desk):
        stage.waha.status_wait = 60.0
        await stage.waha.session_becomes("FAILED")
        assert "Связь потеряна" in await shown(desk)
        answer = await desk.post(f"{PAGE}/{HERE}/pairing-code", {"phone": "87770000001"})
        assert "не ждёт телефона" in seen(answer.text)
        assert (await desk.get(f"{PAGE}/{HERE}/qr.png")).status_code == 409


# --- Kaspi and the price lists ------------------------------------------------------------------

TOKEN, UID = "a-kaspi-token-for-tests-1x=", "30000001"


@asynccontextmanager
async def read_at_kaspi(
    store_url: str, token: str = TOKEN
) -> AsyncIterator[tuple[Stage, Desk, EmulatedKaspi]]:
    kaspi = EmulatedKaspi(TOKEN, UID, Clock(NOON))
    async with serving(kaspi.app) as url:
        told = {
            "KASPI_API_BASE_URL": url,
            "KASPI_API_TOKEN": token,
            "KASPI_MERCHANT_UID": UID,
        }
        async with at_desk(store_url, **told) as (stage, desk):
            kaspi.world = stage.clock
            yield stage, desk, kaspi


async def test_orders_that_are_read_are_said_to_be_and_since_when(store_url: str) -> None:
    async with read_at_kaspi(store_url) as (stage, desk, _):
        await poll(stage.bot, "default")
        text = await shown(desk)
        assert "Заказы читаются" in text
        assert "Последний ответ Kaspi сегодня, 12:00" in text
        assert TOKEN not in await desk.page(PAGE)


async def test_a_refused_token_says_where_a_new_one_is_made(store_url: str) -> None:
    async with read_at_kaspi(store_url, token="an-old-token-2y=") as (stage, desk, _):
        await poll(stage.bot, "default")
        text = await shown(desk)
        assert "Kaspi не принимает токен" in text
        assert "Настройки → Токен API" in text
        assert "an-old-token-2y=" not in text


async def test_a_kaspi_that_fails_says_when_it_is_asked_again(store_url: str) -> None:
    async with read_at_kaspi(store_url) as (stage, desk, kaspi):
        kaspi.fail(Html())
        await poll(stage.bot, "default")
        text = await shown(desk)
        assert "Следующая попытка" in text
        assert "Заказы читаются" not in text


async def test_a_shop_without_a_token_says_where_to_get_one(store_url: str) -> None:
    async with at_desk(store_url) as (_, desk):
        text = await shown(desk)
        assert "Токен не задан" in text
        assert "Настройки → Токен API" in text


LIST = """SKU,model,brand,price,PP1
JKT-1,Куртка,Alpin,15990,3
,Без кода,Alpin,100,1
JKT-2,Шапка,Alpin,дорого,1
JKT-3,,Alpin,500,1
"""


async def test_rows_of_a_price_list_that_are_wrong_are_shown_where_they_stand(
    store_url: str, tmp_path: Path
) -> None:
    prices = tmp_path / "prices.csv"
    prices.write_text(LIST, encoding="utf-8")
    async with at_desk(store_url, KASPI_PRICE_LIST=str(prices)) as (stage, desk):
        text = await shown(desk)
        assert "Прочитан, есть ошибки" in text
        assert "Ошибок: 3" in text
        assert "3 SKU № 3 нет кода SKU" in text
        assert "4 price JKT-2 цена не число: дорого" in text
        assert "5 model JKT-3 нет названия" in text
        prices.write_text("<html><body>login</body></html>", encoding="utf-8")
        stage.clock.advance(hours=1)
        await stage.restock()
        text = await shown(desk)
        assert "открывается веб-страница, а не файл" in text
        assert "Бот отвечает по прежнему списку" in text


async def test_the_page_speaks_kazakh(store_url: str) -> None:
    async with at_desk(store_url, lang="kk") as (stage, desk):
        await stage.waha.session_becomes("SCAN_QR_CODE")
        text = await shown(desk)
        assert "Телефонды қосу керек" in text
        for russian in ("Нужно", "Проверить", "Модель настроена", "Хранилище", "Прайс-лист"):
            assert russian not in text
