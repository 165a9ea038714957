"""«Тексты» over HTTP: switches, rules within bounds, own words, the log, a text before it goes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.builders import NOON, PHONE, order
from tests.desk import Desk, desk_of, seen
from tests.e2e.stage import ADMIN, Stage, on_stage

TEXTS, RULES, LOG = "/desk/texts", "/desk/texts/rules", "/desk/texts/log"
THANKS = f"{TEXTS}/post_purchase"


@pytest.fixture
async def stage(store_url: str) -> AsyncIterator[Stage]:
    async with on_stage(store_url) as stage:
        yield stage


@pytest.fixture
async def desk(stage: Stage) -> AsyncIterator[Desk]:
    async with desk_of(stage.url, key=ADMIN) as desk:
        yield desk


def form_of(page: str) -> dict[str, str]:
    """What the form of the rules has in it."""
    form = page[page.index('action="/desk/texts/rules"') :]
    inputs = [
        dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall("<input[^>]*", form)
    ]
    fields = {each["name"]: unescape(each["value"]) for each in inputs if "name" in each}
    chosen = re.search(r'<option value="([^"]*)" selected', form)
    assert chosen is not None
    return {**fields, "languages": chosen[1]}


async def changed(desk: Desk, **fields: str) -> Any:
    """The form of the rules, sent with these fields changed."""
    return await desk.post(RULES, {**form_of(await desk.page(RULES)), **fields})


async def test_the_list_says_of_each_purpose_when_it_is_said(desk: Desk) -> None:
    page = seen(await desk.page(TEXTS))
    for said in (
        "Благодарность за заказ", "Через 48 ч после получения", "Ответ покупателю",
        "Пишет первым", "Бот включено",
    ):  # fmt: skip
        assert said in page


async def test_every_page_speaks_kazakh_too(stage: Stage) -> None:
    async with desk_of(stage.url, key=ADMIN, lang="kk") as desk:
        for path in (TEXTS, RULES, LOG, THANKS, f"{TEXTS}/reply"):
            page = await desk.page(path)
            assert '<html lang="kk">' in page
            assert "Кім нені өзгертті" in seen(page)


async def test_a_purpose_is_switched_off_and_on(desk: Desk, stage: Stage) -> None:
    off = await desk.post(f"{TEXTS}/switch", {"name": "reminder", "on": "no"})
    assert "Выключено. Действует сразу." in seen(off.text)
    assert "reminder" in stage.bot.rules.off
    assert "выключено Включить : Напоминание" in seen(off.text)
    await desk.post(f"{TEXTS}/switch", {"name": "reminder", "on": "yes"})
    assert stage.bot.rules.off == frozenset()


async def test_the_bot_is_switched_off_and_every_page_says_so(desk: Desk, stage: Stage) -> None:
    page = await desk.post(f"{TEXTS}/switch", {"name": "enabled", "on": "no"})
    assert not stage.bot.rules.speaks
    assert "Бот молчит, сообщения ждут." in seen(page.text)
    await desk.post(f"{TEXTS}/switch", {"name": "enabled", "on": "yes"})
    assert stage.bot.rules.speaks


async def test_a_bot_that_the_settings_switch_off_is_not_switched_on_here(store_url: str) -> None:
    async with (
        on_stage(store_url, AI_SELLER_ENABLED="false") as stage,
        desk_of(stage.url, key=ADMIN) as desk,
    ):
        assert "AI_SELLER_ENABLED=false" in seen(await desk.page(TEXTS))
        page = await desk.post(f"{TEXTS}/switch", {"name": "enabled", "on": "yes"})
        assert "Включите его там" in seen(page.text)
        assert not stage.bot.rules.speaks


async def test_a_switch_there_is_not_changes_nothing(desk: Desk, stage: Stage) -> None:
    for name in ("reply", "nonsense", "", "../x"):
        page = await desk.post(f"{TEXTS}/switch", {"name": name, "on": "no"})
        assert "Не понимаем это значение" in seen(page.text)
    assert stage.bot.ruling.adjustments.version == 0


async def test_rules_are_changed_and_come_back(desk: Desk, stage: Stage) -> None:
    page = await changed(
        desk,
        max_messages="2",
        cooldown_hours="36,5",
        quiet_from="22:00",
        quiet_till="08:30",
        send_shortest="20",
        languages="kk,ru",
    )
    assert "Сохранено. Действует сразу." in seen(page.text)
    rules = stage.bot.rules
    assert (rules.max_messages, rules.languages[0]) == (2, "kk")
    assert rules.cooldown.total_seconds() == 36.5 * 3600
    assert [f"{end:%H:%M}" for end in rules.quiet_hours or ()] == ["22:00", "08:30"]
    assert rules.send_interval == (20.0, 60.0)
    assert rules.max_daily_messages == 100
    assert "изменено здесь, в настройках: 21:00–09:00" in seen(page.text)
    page = await changed(desk, back="quiet_hours", max_messages="5")
    assert "Вернули, как в настройках." in seen(page.text)
    assert stage.bot.rules.quiet_hours == stage.bot.ruling.base.quiet_hours
    assert stage.bot.rules.max_messages == 2


async def test_what_was_not_touched_stays_of_the_settings(desk: Desk, stage: Stage) -> None:
    assert "Ничего не изменилось." in seen((await changed(desk)).text)
    assert stage.bot.ruling.adjustments.version == 0


REFUSED = (
    ({"max_messages": "6"}, "От 1 до 5."),
    ({"max_messages": "два"}, "Не понимаем это значение"),
    ({"quiet_from": "23:30"}, "люди спят"),
    ({"quiet_from": "", "quiet_till": ""}, "Не понимаем это значение"),
    ({"send_shortest": "1"}, "Так нельзя"),
    ({"send_shortest": "90"}, "Не понимаем это значение"),
)


async def test_what_is_refused_is_said_beside_what_was_typed(desk: Desk, stage: Stage) -> None:
    for fields, says in REFUSED:
        answer = await changed(desk, cooldown_hours="48", **fields)
        assert answer.status_code == 400
        assert says in seen(answer.text)
        typed = form_of(answer.text)
        assert {name: typed[name] for name in fields} == fields
        assert typed["cooldown_hours"] == "48"
    assert (await changed(desk, languages="de")).status_code == 400
    assert stage.bot.ruling.adjustments.version == 0


async def test_two_people_do_not_undo_one_another_unseen(desk: Desk, stage: Stage) -> None:
    form = form_of(await desk.page(RULES))
    body = {"who": "Ерлан", "changes": {"max_messages": 1}}
    assert (await stage.api.patch("/api/rules", json=body)).status_code == 200
    page = await desk.post(RULES, {**form, "max_messages": "4"})
    assert "Это уже изменил кто-то другой." in seen(page.text)
    assert stage.bot.rules.max_messages == 1


async def test_the_log_says_who_changed_what(desk: Desk) -> None:
    assert "Здесь ещё ничего не меняли" in seen(await desk.page(LOG))
    await changed(desk, max_messages="2", languages="kk")
    await desk.post(f"{TEXTS}/switch", {"name": "reminder", "on": "no"})
    await desk.post(f"{TEXTS}/switch", {"name": "enabled", "on": "no"})
    words = {"language": "ru", "text": "<script>alert(1)</script>"}
    await desk.post(f"{THANKS}/own", words)
    page = await desk.page(LOG)
    said = seen(page)
    assert "<script>alert" not in page
    assert "Повод: Напоминание было: включено → стало: выключено Асель" in said
    assert "Сообщений одному покупателю было: 3 → стало: 2 Асель" in said
    assert "Языки было: русский, казахский → стало: казахский" in said
    assert "Свой текст: Благодарность за заказ, русский было: своего нет →" in said
    assert "Бот было: включено → стало: выключено" in said


async def test_own_words_are_kept_said_and_brought_back(desk: Desk, stage: Stage) -> None:
    words = {"language": "ru", "text": "{hello} Спасибо за заказ {code}!"}
    page = await desk.post(f"{THANKS}/own", words)
    assert "Сохранено. Действует сразу." in seen(page.text)
    await stage.ordered()
    await stage.settle()
    assert "Спасибо за заказ 912000001!" in stage.texts[0]
    assert stage.model.requests == []
    page = await desk.post(f"{THANKS}/own", {**words, "back": "yes"})
    assert "Вернули, как в настройках." in seen(page.text)
    assert stage.bot.rules.shops[0].texts == ()


async def test_own_words_that_cannot_be_said_stay_in_the_form(desk: Desk, stage: Stage) -> None:
    words = {"language": "kk", "text": "Рахмет, {phone} & <b>"}
    answer = await desk.post(f"{THANKS}/own", words)
    assert answer.status_code == 400
    assert "Текст не подходит" in seen(answer.text)
    assert "Рахмет, {phone} &amp; &lt;b&gt;" in answer.text
    for language in ("de", ""):
        assert (await desk.post(f"{THANKS}/own", {**words, "language": language})).is_client_error
    assert stage.bot.rules.shops[0].texts == ()


def own_form(page: str, language: str) -> dict[str, str]:
    """What the form of the seller's own words in a language has in it."""
    form = page[page.index(f'id="own-form-{language}"') :]
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[: form.index("</form")])
    return {name: value for name, value in hidden if name != "csrf"}


async def test_what_two_people_type_is_lost_to_neither(desk: Desk, stage: Stage) -> None:
    mine = own_form(await desk.page(THANKS), "ru")
    other = {"who": "Ерлан", "changes": {"texts": {"post_purchase": {"ru": "Слова Ерлана"}}}}
    assert (await stage.api.patch("/api/rules", json=other)).status_code == 200
    answer = await desk.post(f"{THANKS}/own", {**mine, "text": "Слова Асель"})
    assert answer.status_code == 409
    assert "этот текст изменил кто-то другой" in seen(answer.text)
    assert "Сейчас сохранено: Слова Ерлана" in seen(answer.text)
    assert ">Слова Асель</textarea>" in answer.text
    assert stage.bot.rules.shops[0].texts[0].text == "Слова Ерлана"
    again = {**own_form(answer.text, "ru"), "text": "Слова Асель"}
    await desk.post(f"{THANKS}/own", again)
    assert stage.bot.rules.shops[0].texts[0].text == "Слова Асель"


async def test_own_words_are_kept_whatever_else_was_changed_meanwhile(
    desk: Desk, stage: Stage
) -> None:
    page = await desk.page(THANKS)
    await desk.post(f"{TEXTS}/switch", {"name": "reminder", "on": "no"})
    for language, text in (("ru", "Спасибо!"), ("kk", "Рахмет!")):
        answer = await desk.post(f"{THANKS}/own", {**own_form(page, language), "text": text})
        assert "Сохранено. Действует сразу." in seen(answer.text)
    assert {own.text for own in stage.bot.rules.shops[0].texts} == {"Спасибо!", "Рахмет!"}
    again = await desk.page(THANKS)
    assert own_form(again, "ru") != own_form(page, "ru")


async def test_prompts_and_fixed_texts_can_be_read(desk: Desk) -> None:
    page = seen(await desk.page(THANKS))
    assert "Что велено модели Только для чтения" in page
    assert "Готовые тексты" in page
    for path in ("nonsense", "switchh", "%2e%2e"):
        assert (await desk.get(f"{TEXTS}/{path}")).status_code == 404


async def test_arms_are_switched_and_one_stays(desk: Desk, stage: Stage) -> None:
    page = seen(await desk.page(THANKS))
    assert "Варианты текста" in page
    here = {"here": THANKS}
    await desk.post(f"{TEXTS}/switch", {"name": "post_purchase/v2", "on": "yes", **here})
    assert stage.bot.rules.arms_off == frozenset()
    await desk.post(f"{TEXTS}/switch", {"name": "post_purchase/v1", "on": "no", **here})
    assert stage.bot.rules.arms_off == {"post_purchase/v1"}
    answer = await desk.post(f"{TEXTS}/switch", {"name": "post_purchase/v2", "on": "no", **here})
    assert "Один вариант должен остаться включён." in seen(answer.text)
    await stage.ordered()
    await stage.settle()
    assert "v2 отправлено 1, ответили 0" in seen(await desk.page(THANKS))


async def test_a_text_is_shown_before_it_goes_and_nothing_is_sent(desk: Desk, stage: Stage) -> None:
    await stage.ordered()
    await stage.settle()
    sent, asked = len(stage.waha.sent), len(stage.model.requests)
    page = await desk.page(f"{TEXTS}/review_request")
    assert "№912000001 · Куртка Alpin черная 48 · Айгерим" in seen(page)
    assert PHONE not in page
    form = {"order": "912000001", "language": "ru"}
    free = await desk.post(f"{TEXTS}/review_request/preview", {**form, "ask": ""})
    assert free.status_code == 200
    assert "Айгерим" in free.text[free.text.index("blockquote") :]
    assert "модель не настроена" not in free.text
    assert len(stage.model.requests) == asked
    paid = await desk.post(f"{TEXTS}/review_request/preview", {**form, "ask": "model"})
    assert "стоило $" in seen(paid.text)
    assert "Что говорят модели" in seen(paid.text)
    assert len(stage.model.requests) > asked
    assert len(stage.waha.sent) == sent


async def test_without_orders_an_invented_one_is_shown(desk: Desk) -> None:
    form = {"order": "", "language": "kk", "ask": ""}
    for purpose in ("post_purchase", "reply", "opt_out_confirmation", "handoff_notice", "campaign"):
        answer = await desk.post(f"{TEXTS}/{purpose}/preview", form)
        assert answer.status_code == 200, purpose


@asynccontextmanager
async def two_shops(store_url: str, folder: Path) -> AsyncIterator[tuple[Stage, Desk]]:
    """Somebody at the desk of two shops."""
    shops = folder / "shops.toml"
    shops.write_text('[tdom]\nname = "Тёплый дом"\n[bala]\nname = "Balalar"\n', "utf-8")
    async with (
        on_stage(store_url, AI_SELLER_SHOPS_FILE=str(shops)) as stage,
        desk_of(stage.url, key=ADMIN) as desk,
    ):
        yield stage, desk


async def test_each_shop_has_its_own_rules(store_url: str, tmp_path: Path) -> None:
    async with two_shops(store_url, tmp_path) as (stage, desk):
        await desk.post(f"{TEXTS}/switch", {"name": "reminder", "on": "no", "shop": "bala"})
        assert "не во всех магазинах" in seen(await desk.page(TEXTS))
        form = form_of(await desk.page(RULES, shop="bala"))
        assert "handoff_hours" not in form
        page = await desk.post(RULES, {**form, "max_messages": "1"})
        assert "Сохранено. Действует сразу." in seen(page.text)
        assert stage.bot.rules.of("bala").max_messages == 1
        assert stage.bot.rules.of("tdom").max_messages == 3
        assert "В магазинах по-разному." in seen(await desk.page(RULES))
        assert "Balalar" in seen(await desk.page(LOG))
        assert (await desk.get(RULES, shop="nobodys")).status_code == 404


async def test_a_preview_for_all_shops_has_the_orders_of_all(
    store_url: str, tmp_path: Path
) -> None:
    async with two_shops(store_url, tmp_path) as (stage, desk):
        bought = replace(order(), shop="bala")
        await stage.bot.contacts.keep_orders([(bought, PHONE)], NOON, first="tdom")
        page = await desk.page(THANKS)
        assert "№912000001 · Куртка Alpin черная 48 · Balalar" in seen(page)
        form = {"order": "bala/912000001", "language": "ru", "ask": ""}
        shown = seen((await desk.post(f"{THANKS}/preview", form)).text)
        assert "Это Balalar." in shown
        assert "Заказов ещё нет" in seen(await desk.page(THANKS, shop="tdom"))


async def test_where_a_form_has_left_the_browser_the_page_finds_itself_again(
    store_url: str, tmp_path: Path
) -> None:
    """The script asks for the address it is at; it must be the page, and of the same shop."""
    async with two_shops(store_url, tmp_path) as (_, desk):
        page = await desk.page(THANKS, shop="bala")
        forms = re.findall(r'action="([^"#]+/(?:preview|own)[^"#]*)', page)
        assert len(forms) == 3
        for where in forms:
            again = await desk.page(where)
            parts = re.findall(r'<section id="(?:what|arms)".*?</section>', again, re.DOTALL)
            assert len(parts) == 2
            assert all('name="shop" value="bala"' in part for part in parts)


async def test_the_wording_that_is_said_is_the_one_shown_first(desk: Desk) -> None:
    for name, on in (("v2", "yes"), ("v1", "no")):
        await desk.post(f"{TEXTS}/switch", {"name": f"post_purchase/{name}", "on": on})
    assert '<option value="v2" selected>' in await desk.page(THANKS)


async def test_no_form_is_taken_without_its_token(desk: Desk) -> None:
    desk.csrf = "another"
    for path in (f"{TEXTS}/switch", RULES, f"{THANKS}/own", f"{THANKS}/preview"):
        assert (await desk.post(path, {"name": "enabled", "on": "no"})).status_code == 403
