"""The doors by which the seller changes the rules, over real HTTP on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from app.domain.adjust import Adjusted, Adjustments
from app.domain.rules import Purpose, Rules, Shop
from app.errors import Conflict
from app.store import keys
from app.store.adjustments import LOG_KEPT, Logged, Ruled, Ruling
from tests.builders import NOON
from tests.integration.test_doors import House, house, is_problem

TWO_SHOPS = Rules(
    shops=(
        Shop(id="default", name="Спорт", session="default"),
        Shop(id="second", name="Дом", session="two"),
    ),
    arms={Purpose.POST_PURCHASE: ("v1", "v2")},
)
RULES = "/api/rules"


@pytest.fixture
async def doors(store_url: str) -> AsyncIterator[House]:
    async with house(store_url, rules=TWO_SHOPS) as doors:
        yield doors


async def patch(doors: House, *, status: int = 200, **body: Any) -> Any:
    answer = await doors.api.patch(RULES, json={"who": "Асель", **body})
    assert answer.status_code == status, answer.text
    return answer.json()


def value(rules: Any, field: str, shop: int = 0) -> Any:
    return rules["shops"][shop]["values"][field]


async def test_rules_are_told_with_where_they_come_from_and_their_bounds(doors: House) -> None:
    rules = (await doors.api.get(RULES)).json()
    assert rules["version"] == 0
    assert [shop["shop"] for shop in rules["shops"]] == ["default", "second"]
    assert value(rules, "quiet_hours") == {
        "value": "21:00-09:00",
        "source": "settings",
        "configured": "21:00-09:00",
    }
    assert value(rules, "send_interval_seconds")["value"] == "30-60"
    assert value(rules, "arms_off")["value"] == ["post_purchase/v2"]
    bound = rules["bounds"]["max_messages"]
    assert (bound["low"], bound["high"], bound["unit"]) == (1, 5, "messages")
    assert bound["why"]
    assert rules["bounds"]["quiet_hours"]["why"]


async def test_a_change_whose_answer_was_lost_is_made_once(doors: House) -> None:
    ruled, new = Ruled(doors.redis), Adjustments(version=1, common=Adjusted(max_messages=2))
    line = Logged(
        at=NOON, who="Асель", version=1, shop=None, field="max_messages", about=None,
        before="3", after="2",
    )  # fmt: skip
    await ruled.write(new, after=0, log=(line,))
    await ruled.write(new, after=0, log=(line,))
    assert await ruled.log() == (line,)
    with pytest.raises(Conflict):
        await ruled.write(new, after=0, log=(replace(line, who="Динара"),))


async def test_a_change_is_told_holds_and_is_logged(doors: House) -> None:
    done = await patch(doors, changes={"max_messages": 2}, shop="second")
    assert done["changed"] == [
        {"shop": "second", "field": "max_messages", "about": None, "before": "3", "after": "2"}
    ]
    rules = (await doors.api.get(RULES)).json()
    assert rules == done["rules"]
    assert value(rules, "max_messages", 1) == {"value": 2, "source": "desk", "configured": 3}
    assert value(rules, "max_messages", 0)["source"] == "settings"
    assert doors.front.rules.of("second").max_messages == 2
    [line] = (await doors.api.get(f"{RULES}/log")).json()
    assert (line["who"], line["field"], line["before"], line["after"]) == (
        "Асель", "max_messages", "3", "2",
    )  # fmt: skip
    assert line["at"].startswith(f"{NOON:%Y-%m-%dT%H:%M}")
    assert (line["shop"], line["version"]) == ("second", 1)


async def test_who_does_not_say_who_they_are_is_the_api(doors: House) -> None:
    answer = await doors.api.patch(RULES, json={"changes": {"max_messages": 2}})
    assert answer.status_code == 200
    [line] = (await doors.api.get(f"{RULES}/log")).json()
    assert line["who"] == "API"


async def test_back_to_the_settings_is_logged_too(doors: House) -> None:
    await patch(doors, changes={"max_messages": 2, "texts": {"reminder": {"ru": "Как вам?"}}})
    done = await patch(doors, changes={"max_messages": None, "texts": None})
    assert done["rules"]["version"] == 2
    assert value(done["rules"], "max_messages")["source"] == "settings"
    log = (await doors.api.get(f"{RULES}/log")).json()
    assert [(line["field"], line["before"], line["after"]) for line in log] == [
        ("texts", "Как вам?", None),
        ("max_messages", "2", "3"),
        ("texts", None, "Как вам?"),
        ("max_messages", "3", "2"),
    ]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"changes": {"max_messages": 9}}, 400, "out_of_bounds"),
        ({"changes": {"max_messages": "много"}}, 400, "bad_value"),
        ({"changes": {"waha_api_key": "x"}}, 400, "unknown_field"),
        ({"changes": {"texts": {"reminder": {"ru": "{phone}"}}}}, 400, "bad_text"),
        ({"changes": {"handoff_hours": 2}, "shop": "second"}, 400, "common_only"),
        ({"changes": {"max_messages": 2}, "shop": "nobodys"}, 404, "unknown_shop"),
        ({"changes": {"max_messages": 2}, "who": "  "}, 400, "bad_who"),
        ({"changes": {"max_messages": 2}, "who": "я" * 61}, 400, "bad_who"),
        ({"changes": {"max_messages": 2}, "version": 7}, 409, "rules_changed"),
        ({"changes": []}, 400, None),
        ({"change": {}}, 400, None),
    ],
)
async def test_what_is_refused_says_why_and_changes_nothing(
    doors: House, body: dict[str, Any], status: int, code: str | None
) -> None:
    answer = await doors.api.patch(RULES, json={"who": "Асель", **body})
    is_problem(answer, status)
    assert answer.json().get("code") == code
    assert doors.front.rules == TWO_SHOPS
    assert (await doors.api.get(f"{RULES}/log")).json() == []


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("PATCH", ""), ("GET", "/log")])
async def test_the_rules_are_behind_the_admin_key(doors: House, method: str, path: str) -> None:
    is_problem(await doors.public.request(method, RULES + path, json={}), 401)


async def test_of_two_people_at_once_one_is_told_to_look_again(doors: House) -> None:
    body = {"who": "Асель", "version": 0}
    answers = await asyncio.gather(
        doors.api.patch(RULES, json={**body, "changes": {"max_messages": 2}}),
        doors.api.patch(RULES, json={**body, "changes": {"cooldown_hours": 48}}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len((await doors.api.get(f"{RULES}/log")).json()) == 1


async def test_two_processes_lose_nothing_of_one_another(doors: House) -> None:
    other = Ruling(TWO_SHOPS, Ruled(doors.redis))
    await patch(doors, changes={"max_messages": 2})
    await other.change({"cooldown_hours": 48}, shop=None, who="Ерлан", now=NOON)
    assert other.rules.max_messages == 2
    assert await doors.front.ruling.keep_up()
    assert doors.front.rules == other.rules


async def test_a_store_that_was_emptied_has_the_settings_hold_again(doors: House) -> None:
    await patch(doors, changes={"max_messages": 2})
    await doors.redis.delete(keys.rules())
    assert await doors.front.ruling.keep_up()
    assert doors.front.rules == TWO_SHOPS


async def test_the_log_has_an_end(doors: House) -> None:
    ruling = doors.front.ruling
    for n in range(LOG_KEPT // 2 + 1):
        texts = {"reminder": {"ru": f"Как вам {n}?", "kk": f"Қалай {n}?"}}
        await ruling.change({"texts": texts}, shop=None, who="Асель", now=NOON)
    assert len(await ruling.store.log()) == LOG_KEPT


async def test_rules_without_a_store_are_always_the_same() -> None:
    ruling = Ruling(replace(TWO_SHOPS, max_messages=1))
    assert ruling.rules.max_messages == 1
    with pytest.raises(Exception, match="cannot be changed"):
        await ruling.change({"max_messages": 2}, shop=None, who="Асель", now=NOON)
