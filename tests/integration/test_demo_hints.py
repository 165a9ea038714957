"""What the demo tells a newcomer of the bot's silence, over real HTTP."""

from __future__ import annotations

from datetime import time

from app.domain.rules import Rules
from tests.integration.test_demo_page import running


async def test_a_pause_between_two_messages_is_explained_until_it_is_over() -> None:
    async with running() as demo:
        code = await demo.ordered()
        assert await demo.hint() is None
        await demo.post("clock", hours=1)
        await demo.sends(demo.phone, "Спасибо за заказ!")
        await demo.post("clock", hours=1)
        await demo.post("deliver", code=code)
        shown = (await demo.state())["hint"]
        assert (shown["kind"], shown["hours"], shown["new_buyer"]) == ("cooldown", 23, True)
        await demo.post("messages", phone=demo.phone, text="Когда?")
        await demo.sends(demo.phone, "Скоро")
        assert await demo.hint() == "cooldown"
        await demo.post("clock", hours=23)
        assert await demo.hint() is None


async def test_quiet_hours_are_explained_when_something_waits_for_the_morning() -> None:
    async with running() as demo:
        await demo.post("clock", hours=12)
        assert await demo.hint() is None
        await demo.ordered()
        shown = (await demo.state())["hint"]
        assert (shown["kind"], shown["hours"]) == ("quiet_hours", 12)
        assert await demo.hint(list(demo.shop.buyers)[1]) is None


async def test_the_page_goes_by_the_rules_as_the_seller_has_changed_them() -> None:
    changed = Rules(quiet_hours=(time(22, 30), time(7)), max_messages=1)
    async with running(rules=lambda: changed) as demo:
        await demo.post("clock", hours=12)
        clock = (await demo.state())["clock"]
        assert (clock["time"], clock["quiet"]) == ("22:00", False)
        assert (clock["quiet_from"], clock["quiet_until"]) == ("22:30", "07:00")
        await demo.sends(demo.phone, "Спасибо за заказ!")
        await demo.post("clock", hours=1)
        await demo.ordered()
        assert await demo.hint() == "enough"
        await demo.ordered(list(demo.shop.buyers)[1])
        assert await demo.hint(list(demo.shop.buyers)[1]) == "quiet_hours"


async def test_who_waited_for_kaspi_is_told_when_it_is_back() -> None:
    async with running() as demo:
        await demo.post("switches", kaspi_down=True)
        await demo.ordered()
        assert await demo.hint() == "kaspi_down"
        await demo.post("switches", waha_down=False)
        assert await demo.hint() == "kaspi_down"
        await demo.post("switches", kaspi_down=False)
        assert await demo.hint() == "kaspi_back"
        await demo.post("clock", hours=1)
        assert await demo.hint() is None


async def test_a_stop_is_explained_until_the_buyer_comes_back() -> None:
    async with running() as demo:
        await demo.post("messages", phone=demo.phone, text="СТОП")
        await demo.post("messages", phone=demo.phone, text="А где мой заказ?")
        assert await demo.hint() == "opted_out"
        await demo.post("messages", phone=demo.phone, text="старт")
        assert await demo.hint() is None


async def test_a_chat_the_owner_took_is_explained_for_as_long_as_the_bot_leaves_it() -> None:
    async with running() as demo:
        await demo.post("owner", phone=demo.phone, text="Здравствуйте, это продавец")
        shown = (await demo.state())["hint"]
        assert (shown["kind"], shown["hours"]) == ("taken_over", 4)
        await demo.post("clock", hours=4)
        assert await demo.hint() is None
