"""The model's gateway: what it asks, what it makes of every answer, and the breaker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from pytest_httpx import HTTPXMock

from app.domain.events import Language
from app.errors import Permanent, Transient
from app.gateways.model import Breaker, Model, Price
from app.world import World

URL = "http://model.test/v1/chat/completions"
KEY = "sk-very-secret-key"
ANSWER = {"language": "ru", "needs_person": False, "reason": "", "text": "Здравствуйте!"}


class Clock(World):
    """A world whose time passes when told."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.passed


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def model(clock: Clock) -> AsyncIterator[Model]:
    model = Model(
        model="small",
        key=KEY,
        base_url="http://model.test/v1",
        world=clock,
        price=Price(tokens_in=1.0, tokens_out=4.0),
    )
    yield model
    await model.close()


def completion(
    content: str | None = None, *, finish: str = "stop", refusal: str | None = None
) -> dict[str, Any]:
    said = msgspec.json.encode(ANSWER).decode() if content is None and not refusal else content
    message = {"role": "assistant", "content": said, "refusal": refusal}
    return {
        "object": "chat.completion",
        "model": "small-2026-05-01",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050},
    }


def complaint(message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "x", "param": param, "code": code}}


def asked(httpx_mock: HTTPXMock) -> list[dict[str, Any]]:
    return [msgspec.json.decode(request.content) for request in httpx_mock.get_requests()]


async def test_an_answer_becomes_a_completion_with_its_cost(
    model: Model, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(url=URL, json=completion())

    said = await model.complete("rules", "facts")

    assert said.text == "Здравствуйте!"
    assert said.language is Language.RU
    assert (said.model, said.tokens_in, said.tokens_out) == ("small-2026-05-01", 1000, 50)
    assert said.cost == pytest.approx(0.0012)


async def test_it_asks_for_strict_json_in_which_every_key_is_required(
    model: Model, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(url=URL, json=completion())

    await model.complete("rules", "facts")

    (request,) = asked(httpx_mock)
    wanted = request["response_format"]["json_schema"]
    assert wanted["strict"] is True
    assert wanted["schema"]["additionalProperties"] is False
    assert wanted["schema"]["required"] == list(wanted["schema"]["properties"])
    assert wanted["schema"]["properties"]["text"]["maxLength"] > 0
    assert request["max_completion_tokens"] == 500
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    assert httpx_mock.get_requests()[0].headers["authorization"] == f"Bearer {KEY}"


async def test_a_local_server_needs_no_key(clock: Clock, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=URL, json=completion())
    model = Model(model="local", key="", base_url="http://model.test/v1", world=clock)

    assert await model.check() == "small-2026-05-01"

    await model.close()


@pytest.mark.parametrize(
    ("refusal", "gone", "instead"),
    [
        (complaint("no", param="max_completion_tokens"), "max_completion_tokens", "max_tokens"),
        (complaint("Only the default (1) temperature"), "temperature", "max_completion_tokens"),
    ],
)
async def test_what_a_server_cannot_take_is_left_out_and_not_tried_again(
    model: Model, httpx_mock: HTTPXMock, *, refusal: dict[str, Any], gone: str, instead: str
) -> None:
    httpx_mock.add_response(url=URL, status_code=400, json=refusal)
    httpx_mock.add_response(url=URL, json=completion(), is_reusable=True)

    await model.complete("rules", "facts")
    await model.complete("rules", "facts")

    first, second, third = asked(httpx_mock)
    assert gone in first
    assert gone not in second
    assert instead in second
    assert second == third


async def test_a_schema_without_lengths_is_sent_where_lengths_are_not_known(
    model: Model, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(
        url=URL, status_code=400, json=complaint("In context=('properties', 'text'), 'maxLength'…")
    )
    httpx_mock.add_response(url=URL, json=completion())

    await model.complete("rules", "facts")

    properties = asked(httpx_mock)[1]["response_format"]["json_schema"]["schema"]["properties"]
    assert properties["text"] == {"type": "string"}


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, Permanent, "config"),
        (401, Permanent, "config"),
        (402, Permanent, "config"),
        (403, Permanent, "config"),
        (404, Permanent, "config"),
        (422, Permanent, "config"),
        (302, Permanent, "config"),
        (408, Transient, "server"),
        (409, Transient, "server"),
        (429, Transient, "rate_limit"),
        (500, Transient, "server"),
        (503, Transient, "server"),
    ],
)
async def test_every_status_has_its_kind_and_tells_nothing(
    model: Model, httpx_mock: HTTPXMock, *, status: int, kind: type[Exception], code: str
) -> None:
    httpx_mock.add_response(
        url=URL, status_code=status, json=complaint(f"wrong key {KEY}, prompt was: rules facts")
    )

    with pytest.raises(kind) as caught:
        await model.complete("rules", "facts")

    assert getattr(caught.value, "code", None) == code
    assert KEY not in str(caught.value)
    assert "facts" not in str(caught.value)
    assert str(status) in str(caught.value)


async def test_a_known_error_code_is_shown_to_the_seller(
    model: Model, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(url=URL, status_code=404, json=complaint("no", code="model_not_found"))

    with pytest.raises(Permanent, match="model_not_found"):
        await model.check()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("20", 20.0),
        ("1.5", 1.5),
        ("Sun, 22 Nov 2026 12:01:00 GMT", 60.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("nan", None),
    ],
)
async def test_the_time_a_server_asks_for_is_told(
    model: Model, httpx_mock: HTTPXMock, *, header: str, seconds: float | None
) -> None:
    httpx_mock.add_response(url=URL, status_code=429, headers={"Retry-After": header})

    with pytest.raises(Transient) as caught:
        await model.complete("rules", "facts")

    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (httpx.ReadTimeout("slow"), "timeout"),
        (httpx.ConnectTimeout("slow"), "timeout"),
        (httpx.ConnectError("refused"), "connection"),
        (httpx.RemoteProtocolError("cut"), "connection"),
    ],
)
async def test_a_dead_line_is_passing(
    model: Model, httpx_mock: HTTPXMock, *, error: Exception, code: str
) -> None:
    httpx_mock.add_exception(error, url=URL)

    with pytest.raises(Transient) as caught:
        await model.complete("rules", "facts")

    assert caught.value.code == code


async def test_an_answer_that_drips_is_cut_off_as_a_whole(
    clock: Clock, httpx_mock: HTTPXMock
) -> None:
    async def never(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    httpx_mock.add_callback(never, url=URL)
    model = Model(model="small", key=KEY, base_url="http://model.test/v1", world=clock, timeout=1)

    with pytest.raises(Transient) as caught:
        await model.complete("rules", "facts")

    assert caught.value.code == "timeout"
    assert state(model.breaker) == "open"
    await model.close()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (completion(refusal="I cannot help"), "refused"),
        (completion("", finish="content_filter"), "refused"),
        (completion(finish="length"), "nonsense"),
        (completion("Извините, не могу"), "nonsense"),
        (completion('{"text": "x"}'), "nonsense"),
        (completion('{"language":"fr","needs_person":false,"reason":"","text":"x"}'), "nonsense"),
        (completion(""), "nonsense"),
        ({"object": "chat.completion", "choices": []}, "nonsense"),
        ({}, "nonsense"),
        ([], "nonsense"),
    ],
)
async def test_a_refusal_and_nonsense_are_permanent(
    model: Model, httpx_mock: HTTPXMock, *, body: object, code: str
) -> None:
    httpx_mock.add_response(url=URL, json=body)

    with pytest.raises(Permanent) as caught:
        await model.complete("rules", "facts")

    assert caught.value.code == code


async def test_a_page_instead_of_an_answer_is_nonsense(model: Model, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=URL, html="<html>Welcome to nginx</html>")

    with pytest.raises(Permanent) as caught:
        await model.complete("rules", "facts")

    assert caught.value.code == "nonsense"


async def test_a_dead_model_costs_one_call_until_its_pause_is_over(
    model: Model, clock: Clock, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_exception(httpx.ReadTimeout("slow"), url=URL)
    httpx_mock.add_response(url=URL, json=completion(), is_reusable=True)
    with pytest.raises(Transient):
        await model.complete("rules", "facts")

    with pytest.raises(Transient) as caught:
        await model.complete("rules", "facts")
    assert (caught.value.code, caught.value.retry_after) == ("breaker_open", 30.0)
    assert len(httpx_mock.get_requests()) == 1

    clock.passed = 30.0
    assert (await model.complete("rules", "facts")).text
    assert state(model.breaker) == "closed"


async def test_check_asks_although_the_breaker_is_open(model: Model, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_exception(httpx.ConnectError("refused"), url=URL)
    httpx_mock.add_response(url=URL, json=completion())
    with pytest.raises(Transient):
        await model.complete("rules", "facts")

    assert await model.check() == "small-2026-05-01"


def state(breaker: Breaker) -> str:
    return breaker.state


def fail(breaker: Breaker, code: str = "server", retry_after: float | None = None) -> None:
    with pytest.raises(Transient), breaker.guard():
        raise Transient("no", code=code, retry_after=retry_after)


def test_two_failures_pass_and_the_third_in_a_row_opens(clock: Clock) -> None:
    breaker = Breaker(clock)
    fail(breaker)
    fail(breaker, "rate_limit")
    with breaker.guard():
        pass
    fail(breaker)
    fail(breaker)
    assert state(breaker) == "closed"

    fail(breaker)

    assert state(breaker) == "open"


def test_an_answer_of_no_use_is_a_sign_of_life(clock: Clock) -> None:
    breaker = Breaker(clock)
    fail(breaker)
    fail(breaker)
    with pytest.raises(Permanent), breaker.guard():
        raise Permanent("refused")

    fail(breaker)

    assert state(breaker) == "closed"


def test_the_pause_doubles_up_to_five_minutes_and_starts_anew_after_an_answer(
    clock: Clock,
) -> None:
    breaker = Breaker(clock)
    pauses = []
    for _ in range(6):
        fail(breaker, "timeout")
        start = clock.passed
        while state(breaker) == "open":
            clock.passed += 1
        pauses.append(clock.passed - start)
    assert pauses == [30, 60, 120, 240, 300, 300]

    with breaker.guard():
        pass
    fail(breaker, "timeout")
    clock.passed += 30
    assert state(breaker) == "half_open"


def test_the_servers_own_time_is_waited_for(clock: Clock) -> None:
    breaker = Breaker(clock)
    for _ in range(3):
        fail(breaker, "rate_limit", retry_after=90)

    clock.passed = 89
    assert state(breaker) == "open"
    clock.passed = 90
    assert state(breaker) == "half_open"


def test_only_one_probe_goes_through(clock: Clock) -> None:
    breaker = Breaker(clock)
    fail(breaker, "timeout")
    clock.passed = 30

    with breaker.guard(), pytest.raises(Transient, match="left alone"), breaker.guard():
        pass

    assert state(breaker) == "closed"


def test_a_probe_that_was_cancelled_leaves_room_for_the_next(clock: Clock) -> None:
    breaker = Breaker(clock)
    fail(breaker, "timeout")
    clock.passed = 30
    with pytest.raises(asyncio.CancelledError), breaker.guard():
        raise asyncio.CancelledError

    with breaker.guard():
        pass

    assert state(breaker) == "closed"


def test_calls_that_were_under_way_do_not_lengthen_the_pause(clock: Clock) -> None:
    breaker = Breaker(clock)

    def two_calls_at_a_time() -> None:
        with breaker.guard():
            fail(breaker, "timeout")
            raise Transient("late", code="timeout")

    with pytest.raises(Transient, match="late"):
        two_calls_at_a_time()

    clock.passed = 30
    assert state(breaker) == "half_open"
