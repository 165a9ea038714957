"""What ``ai-seller check`` says of Kaspi: every token is tried, and nobody's data is shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.config import Settings
from app.demo.faults import Hang
from app.demo.kaspi import EmulatedKaspi
from app.demo.kaspi_faults import Garbage, Html, KaspiFault, TooMany
from app.demo.kaspi_shapes import MASK_FORMS, Buyer
from app.demo.server import serving
from app.gateways.kaspi_api import KaspiApi
from app.wiring import assembled
from app.wiring.assembly import Assembly
from app.wiring.check_kaspi import check_kaspi
from app.wiring.lines import Grade, Line
from tests.builders import NOON
from tests.clock import Clock
from tests.e2e.kaspi_shop import JACKET, SOCKS, TOKEN, UID

AIGERIM = Buyer(phone="7051234567", first_name="АЙГЕРИМ", last_name="С")
NAMELESS = Buyer(phone="7010000001", first_name="", last_name="")
PRIVATE = ("АЙГЕРИМ", "Айгерим", "7051234567", "7010000001", TOKEN, TOKEN[:-4])


class Checked:
    """Kaspi, and the product that is set up for it: what ``check`` says is asked for again."""

    def __init__(self, kaspi: EmulatedKaspi, store_url: str, environ: dict[str, str]) -> None:
        self.kaspi = kaspi
        self._store_url = store_url
        self._environ = environ
        self.clock = Clock(NOON)
        kaspi.world = self.clock

    async def lines(self, **environ: str) -> list[Line]:
        settings = Settings.load({**self._environ, **environ}, dotenv=None)
        async with assembled(settings, world=self.clock, redis_url=self._store_url) as parts:
            return await said(parts)

    async def grades(self, **environ: str) -> list[tuple[Grade, str]]:
        return [(line.grade, line.says) for line in await self.lines(**environ)]


async def said(parts: Assembly) -> list[Line]:
    """The lines, in none of which there is anything private."""
    lines = [line async for line in check_kaspi(parts)]
    assert not [word for line in lines for word in PRIVATE if word in line.says]
    return lines


@pytest.fixture
async def checked(store_url: str) -> AsyncIterator[Checked]:
    kaspi = EmulatedKaspi(TOKEN, UID, Clock(NOON))
    async with serving(kaspi.app) as url:
        environ = {
            "REDIS_URL": store_url,
            "KASPI_API_TOKEN": TOKEN,
            "KASPI_MERCHANT_UID": UID,
            "KASPI_API_BASE_URL": url,
        }
        yield Checked(kaspi, store_url, environ)
    assert kaspi.unexpected == []


async def test_a_token_that_works_shows_the_newest_order_masked(checked: Checked) -> None:
    checked.kaspi.place([JACKET], NAMELESS)
    checked.clock.advance(minutes=5)
    newest = checked.kaspi.place([SOCKS], AIGERIM)
    shown = f"newest {newest.code}, А*** 7705*****67"
    assert await checked.grades() == [
        (Grade.OK, f"default: token …sts= works: 2 orders of 14 days; {shown}"),
        (Grade.OK, "default: phones are shown"),
    ]


async def test_orders_under_way_and_those_that_are_over_are_seen_too(checked: Checked) -> None:
    for step in (checked.kaspi.accept, checked.kaspi.hand_over, checked.kaspi.cancel):
        step(checked.kaspi.place([JACKET], AIGERIM).code)
    assert "3 orders of 14 days" in (await checked.grades())[0][1]


async def test_a_shop_without_orders_says_so(checked: Checked) -> None:
    assert await checked.grades() == [
        (Grade.OK, "default: token …sts= works: no orders of the last 14 days")
    ]


@pytest.mark.parametrize("form", MASK_FORMS)
async def test_phones_that_are_hidden_are_counted(checked: Checked, form: str | None) -> None:
    checked.kaspi.masks, checked.kaspi.masked_phone = "always", form
    checked.kaspi.place([JACKET], NAMELESS)
    (_, works), (grade, phones) = await checked.grades()
    assert works.endswith("no name phone hidden")
    assert grade is Grade.WARN
    assert phones.startswith("default: phones are hidden in 1 of 1: Kaspi masks them; ")
    assert phones.endswith("orders without a phone get no message")


async def test_phones_that_are_hidden_when_an_order_is_over_are_no_worry(checked: Checked) -> None:
    checked.kaspi.place([JACKET], AIGERIM)
    checked.kaspi.complete(checked.kaspi.place([JACKET], AIGERIM).code)
    _, (grade, phones) = await checked.grades()
    assert grade is Grade.OK
    assert "hidden in 1 of 2, which are over" in phones


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_kaspi_refuses_fails_and_tells_where_to_make_another(
    checked: Checked, status: int
) -> None:
    checked.kaspi.refusal = status
    ((grade, says),) = await checked.grades(KASPI_API_TOKEN="another-token-of-somebody-7k=")
    assert grade is Grade.FAIL
    assert f"token …-7k=: Kaspi refuses the token (HTTP {status})" in says
    assert "Настройки → Токен API" in says
    assert "KASPI_API_TOKEN" in says


async def test_a_short_token_is_not_shown_at_all(checked: Checked) -> None:
    ((_, says),) = await checked.grades(KASPI_API_TOKEN="hunter2")
    assert "hunter2" not in says
    assert "ter2" not in says


async def test_a_good_token_that_had_been_refused_is_polled_with_again(checked: Checked) -> None:
    settings = Settings.load(checked._environ, dotenv=None)
    async with assembled(settings, world=checked.clock, redis_url=checked._store_url) as parts:
        orders, mark = parts.bot.orders, parts.bot.kaspi["default"].token_mark
        await orders.failed(
            "default", code="token_refused", detail="no", again=checked.clock.now(), refused=mark
        )
        first, *_ = await said(parts)
        assert first.says.endswith("it had been refused, polling goes on now")
        reading = await orders.reading("default")
        assert (reading.refused, reading.failures, reading.not_before) == (None, 0, None)
        again, *_ = await said(parts)
        assert "polling goes on" not in again.says


async def test_the_refusal_of_another_token_is_left_alone(checked: Checked) -> None:
    settings = Settings.load(checked._environ, dotenv=None)
    async with assembled(settings, world=checked.clock, redis_url=checked._store_url) as parts:
        assert not await parts.bot.orders.accept_token("default", "a mark")
        await parts.bot.orders.failed(
            "default", code="x", detail="no", again=checked.clock.now(), refused="another mark"
        )
        await said(parts)
        assert (await parts.bot.orders.reading("default")).refused == "another mark"


async def test_a_merchant_that_is_not_found_points_at_its_uid(checked: Checked) -> None:
    ((grade, says),) = await checked.grades(KASPI_MERCHANT_UID="30000999")
    assert grade is Grade.FAIL
    assert "KASPI_MERCHANT_UID may be another shop's" in says


async def test_a_merchant_uid_that_is_not_told_is_worth_a_word(checked: Checked) -> None:
    checked.kaspi.needs_merchant_uid = False
    lines = await checked.grades(KASPI_MERCHANT_UID="")
    assert lines[-1][0] is Grade.WARN
    assert "KASPI_MERCHANT_UID is not set" in lines[-1][1]


@pytest.mark.parametrize(
    ("fault", "grade", "word"),
    [
        (TooMany(30), Grade.WARN, "slow down"),
        (Html(), Grade.FAIL, "web page"),
    ],
)
async def test_what_kaspi_answers_instead_is_told(
    checked: Checked, fault: KaspiFault, grade: Grade, word: str
) -> None:
    checked.kaspi.fail(fault)
    ((found, says),) = await checked.grades()
    assert found is grade
    assert word in says


async def test_a_kaspi_that_does_not_answer_hangs(checked: Checked) -> None:
    checked.kaspi.fail(Hang())
    settings = Settings.load(checked._environ, dotenv=None)
    async with (
        assembled(settings, world=checked.clock, redis_url=checked._store_url) as parts,
        KaspiApi(
            settings.kaspi_api_base_url,
            world=checked.clock,
            shop="default",
            token=TOKEN,
            merchant_uid=UID,
            timeout=0.2,
        ) as hasty,
    ):
        hurried = replace(parts, bot=replace(parts.bot, kaspi={"default": hasty}))
        (line,) = await said(hurried)
    assert line.grade is Grade.FAIL
    assert "hang: Kaspi did not answer" in line.says


async def test_what_is_no_order_is_counted_and_left_out(checked: Checked) -> None:
    checked.kaspi.place([JACKET], AIGERIM)
    checked.kaspi.fail(Garbage(), only="NEW")
    lines = await checked.grades()
    assert any(grade is Grade.WARN and "cannot be read" in says for grade, says in lines)


async def test_every_shop_is_tried_with_its_own_token(checked: Checked, tmp_path: Path) -> None:
    file = tmp_path / "shops.toml"
    file.write_text(
        f'[tdom]\nname = "Тёплый дом"\ntoken = "{TOKEN}"\nmerchant_uid = "{UID}"\n'
        '[kids]\nname = "Дети"\ntoken = "another-token-of-somebody-9x="\n[push]\nname = "Push"\n'
    )
    environ = {"KASPI_API_TOKEN": "", "KASPI_MERCHANT_UID": ""}
    lines = await checked.grades(AI_SELLER_SHOPS_FILE=str(file), **environ)
    assert [(grade, says.partition(":")[0]) for grade, says in lines] == [
        (Grade.OK, "tdom"),
        (Grade.FAIL, "kids"),
        (Grade.OK, "push"),
    ]
    assert "its token in the shops file" in lines[1][1]
    assert lines[2][1].endswith("orders come by push")


async def test_without_a_store_no_token_is_tried(checked: Checked) -> None:
    checked._store_url = "unix:///nonexistent/store.sock"
    ((grade, says),) = await checked.grades()
    assert grade is Grade.WARN
    assert "is not tried" in says
    assert checked.kaspi.requests == []


async def test_no_more_is_asked_of_a_kaspi_that_slows_us_down(checked: Checked) -> None:
    checked.kaspi.most_a_second = 2
    ((grade, _), *_) = await checked.grades()
    assert grade is Grade.OK
    assert checked.kaspi.answers[429] == 0


@pytest.mark.parametrize(
    "shown",
    [
        {"customer": {"firstName": "77051234567", "cellPhone": "+7 (705) 123-45-67"}},
        {"customer": {"name": " 8 705 123 45 67 ", "cellPhone": 77051234567}},
        {"customer": {"firstName": "👩 Айгерим", "cellPhone": "+7051234567"}},
        {"customer": "АЙГЕРИМ 77051234567"},
        {"customer": None, "creationDate": "вчера", "totalPrice": "77051234567"},
        {"customer": {"cellPhone": "+79991234567"}, "status": "77051234567"},
    ],
)
async def test_however_an_order_is_written_nobody_is_shown(
    checked: Checked, shown: dict[str, object]
) -> None:
    checked.kaspi.garble(checked.kaspi.place([JACKET], AIGERIM).code, **shown)
    (grade, says), *_ = await checked.grades()
    assert grade is Grade.OK
    assert "1 order of 14 days" in says
    assert "9991234567" not in says
