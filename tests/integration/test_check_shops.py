"""What ``ai-seller check`` says of the shops: who they are, their sessions, lists and sheets."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from app.demo.google import EmulatedGoogle
from app.demo.server import serving
from app.wiring import assembled
from app.wiring.check_shops import check_google, check_prices, check_shops
from app.wiring.check_waha import check_waha
from app.wiring.lines import Grade, Line
from tests.builders import NOON
from tests.clock import Clock
from tests.integration.test_google_sheets import EMAIL, HEADER, ID, URL, credentials
from tests.integration.test_shops_seen import SECRETS, two_shops

Said = list[tuple[Grade, str, str]]


def told(lines: list[Line]) -> Said:
    """The lines, in none of which there is anything private."""
    assert not [word for line in lines for word in SECRETS if word in line.says]
    return [(line.grade, line.about, line.says) for line in lines]


def of_shops(**environ: str) -> Said:
    return told(list(check_shops(Settings.load(environ, dotenv=None))))


def shops_file(folder: Path, text: str, *, mode: int = 0o600) -> dict[str, str]:
    path = folder / "shops.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return {"AI_SELLER_SHOPS_FILE": str(path)}


TWO = '[a]\nname = "А"\nsession = "one"\ntoken = "a-token-of-the-first-shop="\n[b]\nname = "Б"\n'
QUIET = {"AI_SELLER_PURPOSES_OFF": "handed_over"}


# --- who they are -------------------------------------------------------------------------------


def test_every_shop_has_a_line_with_how_its_orders_come(tmp_path: Path) -> None:
    lines = of_shops(**shops_file(tmp_path, TWO), **QUIET)
    assert lines == [
        (
            Grade.OK,
            "shop",
            "a «А»: session 'one'; orders are read at Kaspi; orders come by /event_handler, too",
        ),
        (
            Grade.OK,
            "shop",
            "b «Б»: session 'default'; orders come by /event_handler?shop_id=b",
        ),
    ]


def test_signed_webhooks_are_a_way_when_their_secret_is_set() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    ((_, _, says),) = of_shops(KASPI_WEBHOOK_SECRET=secret, **QUIET)
    assert says.endswith("orders come by /event_handler and /webhooks/kaspi")


def test_a_shops_file_that_everybody_may_read_is_warned_of(tmp_path: Path) -> None:
    first, *_ = of_shops(**shops_file(tmp_path, TWO, mode=0o644), **QUIET)
    assert first[0] is Grade.WARN
    assert first[2].endswith("chmod 600")


def test_shops_that_share_a_session_are_warned_of(tmp_path: Path) -> None:
    text = TWO.replace('"one"', '"default"') + '[c]\nname = "В"\nsession = "own"\n'
    *_, (grade, _, says) = of_shops(**shops_file(tmp_path, text), **QUIET)
    assert grade is Grade.WARN
    assert says.startswith("a and b share the session 'default'")
    assert says.endswith("answered as by a")


@pytest.mark.parametrize(
    ("most", "off", "left_out"),
    [
        ("3", "", "handed_over"),
        ("2", "", "handed_over,order_delivered"),
        ("2", "handed_over", "order_delivered"),
        ("4", "", None),
        ("3", "post_purchase", None),
        ("3", "campaign", "handed_over"),
    ],
)
def test_more_messages_for_an_order_than_a_customer_may_get_are_warned_of(
    most: str, off: str, left_out: str | None
) -> None:
    _, *warned = of_shops(AI_SELLER_MAX_MESSAGES=most, AI_SELLER_PURPOSES_OFF=off)
    if left_out is None:
        assert warned == []
    else:
        ((grade, about, says),) = warned
        assert (grade, about) == (Grade.WARN, "purposes")
        assert f"AI_SELLER_MAX_MESSAGES lets {most} through in 30 days" in says
        assert says.endswith(f"AI_SELLER_PURPOSES_OFF={left_out}")


# --- WhatsApp -----------------------------------------------------------------------------------


async def test_every_session_is_looked_at_and_mended(store_url: str, tmp_path: Path) -> None:
    async with two_shops(store_url, tmp_path) as (stage, _):
        del stage.waha.sessions["kids"]
        before = told([line async for line in check_waha(stage.assembly, fix=False)])
        mended = told([line async for line in check_waha(stage.assembly, fix=True)])
        after = told([line async for line in check_waha(stage.assembly, fix=False)])
    assert (Grade.OK, "waha", "session 'home' is WORKING") in before
    assert (Grade.FAIL, "waha", "no session 'kids': `ai-seller check --fix`") in before
    hooks = [(grade, says.split()[1]) for grade, about, says in mended if about == "webhook"]
    assert hooks == [(Grade.OK, "'home'"), (Grade.OK, "'kids'")]
    assert [grade for grade, about, _ in after if about == "webhook"] == [Grade.OK, Grade.OK]


async def test_the_session_of_one_shop_that_is_down_fails(store_url: str, tmp_path: Path) -> None:
    async with two_shops(store_url, tmp_path) as (stage, _):
        stage.waha.change_status(stage.waha.sessions["kids"], "SCAN_QR_CODE", None)
        lines = told([line async for line in check_waha(stage.assembly, fix=False)])
    assert (Grade.FAIL, "waha", "session 'kids' is SCAN_QR_CODE") in lines


# --- price lists --------------------------------------------------------------------------------


async def of_prices(store_url: str, folder: Path, text: str) -> Said:
    (folder / "list.csv").write_text(text, encoding="utf-8")
    environ = {"REDIS_URL": store_url, "KASPI_PRICE_LIST": str(folder / "list.csv")}
    return await of_settings(environ)


async def of_settings(environ: dict[str, str]) -> Said:
    settings = Settings.load(environ, dotenv=None)
    url = environ["REDIS_URL"]
    async with assembled(settings, world=Clock(NOON), redis_url=url) as parts:
        return told([line async for line in check_prices(parts)])


HEAD = "SKU,model,brand,price,PP1\n"
GOOD = "JKT-1,Куртка,Alpin,15990,3\n"


async def test_the_offers_of_a_good_list_are_counted(store_url: str, tmp_path: Path) -> None:
    lines = await of_prices(store_url, tmp_path, HEAD + GOOD)
    assert lines == [(Grade.OK, "prices", "default list list.csv: 1 offer")]


async def test_the_first_faults_are_told_with_their_place_and_the_rest_counted(
    store_url: str, tmp_path: Path
) -> None:
    bad = [f"BAD-{n},Товар {n},Alpin,дорого,1\n" for n in range(5)]
    ((grade, _, says),) = await of_prices(store_url, tmp_path, HEAD + GOOD + "".join(bad))
    assert grade is Grade.WARN
    assert "5 faults: BAD-0 (row 3, column price): " in says
    assert "BAD-2 (row 5, column price)" in says
    assert "BAD-3" not in says
    assert says.endswith("; and 2 more")


@pytest.mark.parametrize("text", [HEAD, "<html><body>", ""])
async def test_a_list_nothing_can_be_said_by_fails(
    store_url: str, tmp_path: Path, text: str
) -> None:
    ((grade, _, says),) = await of_prices(store_url, tmp_path, text)
    assert grade is Grade.FAIL
    assert says.startswith("default list")


async def test_a_shop_without_a_list_is_told_which_setting_it_lacks(
    store_url: str, tmp_path: Path
) -> None:
    ((grade, _, says),) = await of_settings({"REDIS_URL": store_url})
    assert grade is Grade.WARN
    assert says.endswith("(KASPI_PRICE_LIST)")
    (tmp_path / "a.csv").write_text(HEAD + GOOD, encoding="utf-8")
    text = '[a]\nname = "А"\nprice_list = "a.csv"\n[b]\nname = "Б"\n'
    lines = await of_settings({"REDIS_URL": store_url, **shops_file(tmp_path, text)})
    assert [(grade, says[0]) for grade, _, says in lines] == [(Grade.WARN, "b"), (Grade.OK, "a")]


# --- Google -------------------------------------------------------------------------------------


@asynccontextmanager
async def sheet(folder: Path) -> AsyncIterator[tuple[EmulatedGoogle, dict[str, str]]]:
    google = EmulatedGoogle(ID, EMAIL, Clock(NOON))
    async with serving(google.app) as address:
        path = credentials(folder, f"{address}/token")
        path.chmod(0o600)
        yield (
            google,
            {
                "GOOGLE_SHEET_URL": URL,
                "GOOGLE_CREDENTIALS_FILE": str(path),
                "GOOGLE_API_BASE_URL": address,
            },
        )


async def of_google(store_url: str, environ: dict[str, str]) -> Said:
    settings = Settings.load({"REDIS_URL": store_url, **environ}, dotenv=None)
    async with assembled(settings, world=Clock(NOON), redis_url=store_url) as parts:
        return told([line async for line in check_google(parts)])


async def test_without_credentials_nothing_is_said_of_google(store_url: str) -> None:
    assert await of_google(store_url, {"GOOGLE_SHEET_URL": URL}) == []


async def test_a_sheet_that_is_shared_is_fine(store_url: str, tmp_path: Path) -> None:
    async with sheet(tmp_path) as (google, environ):
        row: list[Any] = ["77051234567", "Айгерим", "", "", "", "2026-11-23 12:00"]
        google.add("customers", [HEADER, row])
        lines = await of_google(store_url, environ)
    assert lines == [(Grade.OK, "google", "the sheet of customers can be read: 1 row")]


async def test_a_sheet_that_is_not_shared_tells_with_whom_to_share_it(
    store_url: str, tmp_path: Path
) -> None:
    async with sheet(tmp_path) as (google, environ):
        google.role = None
        ((grade, _, says),) = await of_google(store_url, environ)
    assert grade is Grade.FAIL
    assert EMAIL in says


async def test_credentials_that_are_open_missing_or_of_no_use_are_told(
    store_url: str, tmp_path: Path
) -> None:
    async with sheet(tmp_path) as (_, environ):
        os.chmod(environ["GOOGLE_CREDENTIALS_FILE"], 0o644)  # noqa: PTH101
        (first, *_) = await of_google(store_url, environ)
        assert first[0] is Grade.WARN
        assert "chmod 600" in first[2]
        os.unlink(environ["GOOGLE_CREDENTIALS_FILE"])  # noqa: PTH108
        ((grade, _, says),) = await of_google(store_url, environ)
        assert grade is Grade.FAIL
        assert says.endswith("look at GOOGLE_CREDENTIALS_FILE")
        del environ["GOOGLE_SHEET_URL"]
        ((grade, _, says),) = await of_google(store_url, environ)
        assert (grade, "GOOGLE_SHEET_URL is not set" in says) == (Grade.WARN, True)


async def test_an_address_of_no_sheet_is_told(store_url: str, tmp_path: Path) -> None:
    async with sheet(tmp_path) as (_, environ):
        address = {"GOOGLE_SHEET_URL": "https://example.com/sheet"}
        ((grade, _, says),) = await of_google(store_url, environ | address)
    assert grade is Grade.FAIL
    assert "not the address of a Google Sheet" in says
