"""Price lists are looked for again and again; every process takes over what has changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from litestar import Litestar, get
from structlog.testing import capture_logs

from app.demo.server import serving
from app.domain.product import Product
from app.gateways.catalogue import PriceList
from app.gateways.catalogue_source import Fetched, Found, Stamp
from app.store.offers import AT_ONCE, ListState
from app.worker.prices import FAULT_OF_OURS, lists_due, renew
from app.worker.shelves import Shelves
from tests.e2e.kaspi_shop import BUYER, SOCKS, kaspi_shop
from tests.e2e.stage import Stage, on_stage

HEAD = "SKU,model,brand,price,category,PP1\n"
MUG = "MUG-350,Кружка 350 мл,CL,1990,Посуда,4\n"
LID = "LID-28,Крышка стеклянная 28 см,CL,5990,Посуда,no\n"


def listed(stage: Stage, sku: str) -> tuple[int | None, bool] | None:
    product = stage.bot.shelves.of("default").by_sku(sku)
    return None if product is None else (product.price, product.in_stock)


async def state_of(stage: Stage, kind: str = "list") -> ListState:
    state = await stage.bot.offers.state(f"default:{kind}")
    assert state is not None
    return state


async def test_what_changes_in_a_list_is_spoken_of_without_a_restart(
    store_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(HEAD + MUG + LID)
    async with on_stage(store_url, KASPI_PRICE_LIST=str(path)) as stage:
        assert listed(stage, "MUG-350") == (1990, True)
        assert await lists_due(stage.bot.prices, stage.bot.offers, world=stage.clock) == []

        path.write_text(HEAD + MUG.replace("1990", "1490") + "POT-2,Кастрюля 2 л,CL,9990,,1\n")
        stage.clock.advance(seconds=10)
        assert await lists_due(stage.bot.prices, stage.bot.offers, world=stage.clock)
        await stage.restock()

        assert listed(stage, "MUG-350") == (1490, True)
        assert listed(stage, "POT-2") == (9990, True)
        assert listed(stage, "LID-28") is None


async def test_a_broken_list_leaves_the_last_good_one_and_says_why(
    store_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(HEAD + MUG)
    async with on_stage(store_url, KASPI_PRICE_LIST=str(path)) as stage:
        for broken in ("<html>Войдите</html>", HEAD, "<kaspi_catalog><offers><offer sku=", ""):
            path.write_text(broken)
            await stage.restock()
            state = await state_of(stage)
            assert state.failed is not None
            assert (state.offers, listed(stage, "MUG-350")) == (1, (1990, True))
        path.unlink()
        await stage.restock()
        assert "prices.csv" in ((await state_of(stage)).failed or "")

        path.write_text(HEAD + MUG.replace("1990", "нет"))
        await stage.restock()
        state = await state_of(stage)
        assert (state.failed, state.tries) == (None, 0)
        assert [(fault.row, fault.column) for fault in state.faults] == [(2, "price")]
        assert listed(stage, "MUG-350") == (None, True)


async def test_a_fault_of_ours_is_told_and_waited_for_like_any_other(
    store_url: str, tmp_path: Path
) -> None:
    async def stumble(_known: Stamp | None) -> Found:
        raise ZeroDivisionError

    path = tmp_path / "prices.csv"
    path.write_text(HEAD + MUG)
    async with on_stage(store_url, KASPI_PRICE_LIST=str(path)) as stage:
        good = stage.bot.prices[0]
        stumbling = replace(good, read=stumble, every=timedelta(hours=1))
        stage.clock.advance(hours=2)
        with capture_logs() as lines:
            await renew(stumbling, stage.bot.offers, world=stage.clock, log=stage.bot.log)
        assert [line["event"] for line in lines] == ["price_list_failed", "price_list_unread"]
        assert await lists_due((stumbling,), stage.bot.offers, world=stage.clock) == []
        assert (await state_of(stage)).failed == FAULT_OF_OURS
        await stage.bot.shelves.keep_up()
        assert listed(stage, "MUG-350") == (1990, True)

        stage.clock.advance(minutes=1)
        assert await lists_due((stumbling,), stage.bot.offers, world=stage.clock) == [stumbling]
        await stage.restock()
        assert (await state_of(stage)).failed is None


async def test_a_list_that_fails_halfway_is_gone_when_the_one_of_before_comes_again(
    store_url: str, tmp_path: Path
) -> None:
    rows = [Product(sku=f"S{n}", name="Кружка", price=1) for n in range(AT_ONCE)]
    products = (
        Product(sku="MUG-350", name="Кружка", price=1),
        *rows,
        Product(sku="", name="\ud800"),
    )

    async def halfway(_known: Stamp | None) -> Found:
        stamp = Stamp(source="another", digest="")
        return Fetched(prices=PriceList(products=products, faults=()), stamp=stamp)

    path = tmp_path / "prices.csv"
    path.write_text(HEAD + MUG)
    async with on_stage(store_url, KASPI_PRICE_LIST=str(path)) as stage:
        failing = replace(stage.bot.prices[0], read=halfway)
        await renew(failing, stage.bot.offers, world=stage.clock, log=stage.bot.log)
        await stage.bot.shelves.keep_up()
        assert listed(stage, "MUG-350") == (1990, True)
        assert (await state_of(stage)).failed == FAULT_OF_OURS

        await stage.restock()

        assert len(stage.bot.shelves.of("default")) == 1
        assert listed(stage, "MUG-350") == (1990, True)
        newcomer = Shelves(stage.bot.offers, stage.bot.orders, {"default": ("default:list",)})
        assert await newcomer.keep_up() >= 1
        found = newcomer.of("default").by_sku("MUG-350")
        assert found is not None
        assert found.price == 1990


async def test_the_last_good_list_is_there_after_a_restart_without_its_source(
    store_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(HEAD + MUG)
    async with on_stage(store_url, KASPI_PRICE_LIST=str(path)):
        path.unlink()
    async with on_stage(store_url, KASPI_PRICE_LIST=str(path)) as stage:
        assert listed(stage, "MUG-350") == (1990, True)


async def test_only_changed_rows_are_written_and_other_processes_take_over_just_these(
    store_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "prices.csv"
    rows = [f"SKU-{n},Кружка {n} мл,CL,{1000 + n},Посуда,4\n" for n in range(300)]
    path.write_text(HEAD + "".join(rows))
    async with on_stage(store_url, KASPI_PRICE_LIST=str(path)) as stage:
        other = Shelves(stage.bot.offers, stage.bot.orders, {"default": ("default:list",)})
        assert await other.keep_up() == 300
        rows[7] = rows[7].replace("1007", "777")
        path.write_text(HEAD + "".join(rows))

        await stage.restock()

        assert await other.keep_up() == 1
        product = other.of("default").by_sku("SKU-7")
        assert product is not None
        assert product.price == 777
        assert await other.keep_up() == 0


async def test_a_sheet_adds_the_category_and_what_the_list_does_not_have(
    store_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("SKU,model,price,PP1\nMUG-350,Кружка 350 мл,1990,4\n")
    sheet = HEAD + "MUG-350,Кружка,CL,1,Посуда,no\nPAN-1,Сковорода,CL,7990,Посуда,yes\n"
    asked: list[str] = []

    @get("/sheet.csv", media_type="text/csv")
    async def published() -> str:
        asked.append("sheet.csv")
        return sheet

    app = Litestar([published], openapi_config=None, logging_config=None)
    async with (
        serving(app) as url,
        on_stage(
            store_url, KASPI_PRICE_LIST=str(path), GOOGLE_SHEET_URL=f"{url}/sheet.csv"
        ) as stage,
    ):
        mug = stage.bot.shelves.of("default").by_sku("MUG-350")
        assert mug is not None
        assert (mug.name, mug.price, mug.in_stock) == ("Кружка 350 мл", 1990, True)
        assert (mug.category, mug.brand) == ("Посуда", "CL")
        assert listed(stage, "PAN-1") == (7990, True)
    assert asked == ["sheet.csv"]


async def test_the_card_of_an_article_is_learned_from_an_order(
    store_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(HEAD + "SOCKS-3PK,Носки CL 3 пары,CL,1500,,4\n")
    async with kaspi_shop(store_url, KASPI_PRICE_LIST=str(path)) as shop:
        await shop.connect()
        shelf = shop.stage.bot.shelves
        before = shelf.of("default").by_sku("SOCKS-3PK")
        assert before is not None
        assert before.link is None, "no known card code, no link"
        shop.kaspi.place([SOCKS], BUYER)
        await shop.news()

        await shop.stage.restock()

        after = shelf.of("default").by_sku("SOCKS-3PK")
        assert after is not None
        assert after.link == "https://kaspi.kz/shop/p/-138957097/"
        await shop.stage.ordered(code="5", phone="77010000009", sku="SOCKS-3PK", product_name="Н")
        known = await shop.stage.bot.contacts.order("default", "5")
        await shop.stage.settle()
        chat = await shop.stage.bot.mailbox.look("77010000009")
        assert known is not None
        assert chat.conversation is not None
        assert [item.card for item in chat.conversation.orders[0].items] == ["138957097"]


async def test_a_list_that_is_gone_from_the_settings_is_spoken_of_no_more(
    store_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(HEAD + MUG)
    async with on_stage(store_url, KASPI_PRICE_LIST=str(path)):
        pass
    async with on_stage(store_url) as stage:
        assert listed(stage, "MUG-350") is None
        assert len(stage.bot.shelves.of("default")) == 0
