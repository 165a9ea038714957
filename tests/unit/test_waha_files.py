"""Files of messages: which addresses are believed, what is asked for, and what comes of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, Request, Response
from litestar.handlers import HTTPRouteHandler
from pytest_httpx import HTTPXMock, IteratorStream

from app.demo.faults import CutBefore, Slow, Status
from app.demo.server import serving
from app.demo.waha import EmulatedWaha
from app.demo.waha_files import Endless, File
from app.domain.events import Address, Attachment, CustomerWrote
from app.errors import AiSellerError, Permanent, Transient
from app.gateways.waha import LANES, Waha
from app.gateways.waha_events import read_webhook
from app.gateways.waha_messages import read_history
from app.world import World

BODY = json.loads((Path(__file__).parent.parent / "data/waha/noweb_voice.json").read_bytes())
RECEIVED = datetime.fromtimestamp(1_795_000_002, UTC)
PATH = "/api/files/default/3EB0EE02.oga"
URL = f"http://localhost:3000{PATH}"
OGG = "audio/ogg; codecs=opus"
VOICE = Attachment(path=PATH, mimetype=OGG)
MEGABYTE = 1_000_000
BASE = "http://waha.test:3000"


def read(media: Any, **changes: Any) -> Attachment | None:
    body = {**BODY, "payload": {**BODY["payload"], "media": media, **changes}}
    (fact,) = read_webhook(json.dumps(body).encode(), RECEIVED).facts
    assert isinstance(fact.event, CustomerWrote)
    return fact.event.attachment


def told(url: object) -> Attachment | None:
    return read({"url": url, "mimetype": OGG, "filename": None, "error": None})


# -- what a message says of its file


def test_of_an_address_only_the_path_is_kept() -> None:
    assert told(URL) == VOICE


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (f"https://waha.shop.kz{PATH}", PATH),
        (f"http://[::1]:3000{PATH}", PATH),
        (f"http://waha_1:3000{PATH}", PATH),
        (PATH, PATH),
        (f"{URL}?v=2&name=a%2Fb", f"{PATH}?v=2&name=a%2Fb"),
        (f"https://shop.kz/waha{PATH}", f"/waha{PATH}"),
        ("http://x/api/files/a.jpg", "/api/files/a.jpg"),
        ("http://x/api/files/s/false_7@c.us_AA.oga", "/api/files/s/false_7@c.us_AA.oga"),
        ("http://x/api/files/s/false_7%40c.us_AA.oga", "/api/files/s/false_7%40c.us_AA.oga"),
        ("http://x/api/files/s/a.tar.gz", "/api/files/s/a.tar.gz"),
    ],
)
def test_an_address_may_be_written_in_many_ways(url: str, path: str) -> None:
    assert told(url) == Attachment(path=path, mimetype=OGG)


HOSTILE: list[object] = [
    None,
    "",
    7,
    True,
    [URL],
    {"href": URL},
    "http://localhost:3000",
    "http://localhost:3000/",
    "api/files/default/a.oga",
    "//evil.test/api/files/default/a.oga",
    "///api/files/default/a.oga",
    "http:///api/files/default/a.oga",
    "http:/api/files/default/a.oga",
    "http:api/files/default/a.oga",
    "file:///etc/passwd",
    "file:///api/files/default/a.oga",
    "gopher://evil.test/api/files/default/a.oga",
    "javascript://evil.test/api/files/default/a.oga",
    "HTTP//evil.test/api/files/a.oga",
    "http://admin@localhost:3000/api/files/default/a.oga",
    "http://admin:secret@evil.test/api/files/default/a.oga",
    "http://localhost:3000\\@evil.test/api/files/default/a.oga",
    "http://evil.test\\api\\files\\default\\a.oga",
    "http://localhost:3000/api/files\\default/a.oga",
    "http://localhost:3000/api/files/../sessions",
    "http://localhost:3000/api/files/./default/a.oga",
    "http://localhost:3000/api/files/default/../../sessions/default",
    "http://localhost:3000/api/files/default/..",
    "http://localhost:3000/api/files/default/.env",
    "http://localhost:3000/api/files/default/a..oga",
    "http://localhost:3000/api/files/%2e%2e/sessions",
    "http://localhost:3000/api/files/%2E./sessions",
    "http://localhost:3000/api/files/%252e%252e/sessions",
    "http://localhost:3000/api/files/..%2fsessions",
    "http://localhost:3000/api/files/default%2F..%2Fsessions",
    "http://localhost:3000/api/files/%c0%ae%c0%ae/sessions",
    "http://localhost:3000/api/files/default%5c..%5ca.oga",
    "http://localhost:3000/api/files/default/a.oga%00.png",
    "http://localhost:3000/api/files/default/a.oga%0d%0aX-Api-Key:%20x",
    "http://localhost:3000/api/files/default/a.oga\r\nHost: evil.test",
    "http://localhost:3000/api/files/default/a.oga\n",
    "http://localhost:3000/api/files/default/a\x00.oga",
    "http://localhost:3000/api/files/default/a\t.oga",
    " http://localhost:3000/api/files/default/a.oga",
    "http://localhost:3000/api/files/default/a b.oga",
    "http://localhost:3000/api/files/default/a.oga#/../sessions",
    "http://localhost:3000/api/files//default/a.oga",
    "http://localhost:3000/api/files/default/a.oga/",
    "http://localhost:3000/api/files/default/a.oga?x=%00",
    "http://localhost:3000/api/files/default/a.oga?x=\x7f",
    "http://localhost:3000/api/files/default/．．／sessions",
    "http://localhost:3000/api/files/default/a%zz.oga",
    "http://localhost:3000/%61pi/files/default/a.oga",
    "http://localhost:3000/api/files/default/" + "a" * 3000,
]


@pytest.mark.parametrize("url", HOSTILE)
def test_an_address_that_can_be_read_in_two_ways_is_no_attachment(url: object) -> None:
    assert told(url) is None


@pytest.mark.parametrize(
    "media",
    [
        None,
        [],
        "media",
        {},
        {"mimetype": OGG},
        {"url": URL, "error": {"message": "Failed to fetch stream"}},
        {"url": URL, "error": {}},
        {"url": URL, "error": "not downloaded"},
        {"url": None, "mimetype": OGG, "error": None},
    ],
)
def test_a_file_that_waha_could_not_get_is_no_attachment(media: Any) -> None:
    assert read(media) is None


def test_a_message_that_says_it_has_no_file_has_none() -> None:
    assert read({"url": URL, "mimetype": OGG}, hasMedia=False) is None
    assert read({"url": URL, "mimetype": OGG}, hasMedia=None) == VOICE


@pytest.mark.parametrize(
    "mimetype", [None, "", " ", 7, ["audio/ogg"], "audio/ogg\r\nX: y", "a" * 300, "аудио"]
)
def test_a_kind_that_is_nonsense_is_not_kept(mimetype: Any) -> None:
    assert read({"url": URL, "mimetype": mimetype}) == Attachment(path=PATH)


def test_a_history_tells_of_files_as_a_webhook_does() -> None:
    message = {**BODY["payload"], "media": {"url": URL, "mimetype": OGG}}
    (fact,) = read_history(
        [message],
        session="default",
        engine="NOWEB",
        us=Address(),
        since=datetime.fromtimestamp(1_794_000_000, UTC),
        received_at=RECEIVED,
    )
    assert isinstance(fact.event, CustomerWrote)
    assert fact.event.attachment == VOICE


# -- what is asked of WAHA


@pytest.fixture
async def waha() -> AsyncIterator[Waha]:
    async with Waha(BASE, "key-of-a-test") as client:
        yield client


async def failure(waha: Waha, attachment: Attachment = VOICE, **more: Any) -> AiSellerError:
    with pytest.raises(AiSellerError) as error:
        await waha.file(attachment, **({"most": MEGABYTE} | more))
    return error.value


async def test_a_file_is_asked_of_waha_itself_with_the_key(
    waha: Waha, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(url=f"{BASE}{PATH}", content=b"OggS-sound")
    assert await waha.file(VOICE, most=MEGABYTE) == b"OggS-sound"
    (request,) = httpx_mock.get_requests()
    assert request.method == "GET"
    assert request.headers["X-Api-Key"] == "key-of-a-test"
    assert request.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("endpoint", "path", "asked"),
    [
        (BASE, f"/waha{PATH}", f"{BASE}{PATH}"),
        (f"{BASE}/api", PATH, f"{BASE}{PATH}"),
        ("https://shop.kz/waha", f"/waha{PATH}", f"https://shop.kz/waha{PATH}"),
        ("https://shop.kz/waha", PATH, f"https://shop.kz/waha{PATH}"),
        (BASE, f"{PATH}?v=2", f"{BASE}{PATH}?v=2"),
        (BASE, "/api/files/s/7%40c.us.oga", f"{BASE}/api/files/s/7%40c.us.oga"),
    ],
)
async def test_what_a_proxy_puts_before_the_path_is_that_of_our_endpoint(
    httpx_mock: HTTPXMock, *, endpoint: str, path: str, asked: str
) -> None:
    httpx_mock.add_response(content=b"x")
    async with Waha(endpoint, "key") as client:
        await client.file(Attachment(path=path), most=1)
    assert str(httpx_mock.get_requests()[0].url) == asked


ELSEWHERE = [
    "/api/sessions",
    "/api/sessions/default",
    "/api/default/auth/qr",
    "/api/server/stop",
    "/api/files",
    "/api/files/",
    "/api/filesystem/a.oga",
    "/API/FILES/default/a.oga",
    "/api/sessions/api/files/default/a.oga",
    "/bucket/default/a.oga?X-Amz-Signature=1",
    "/",
    "",
    *(url for url in HOSTILE if isinstance(url, str)),
    URL,
    "@evil.test/api/files/default/a.oga",
    ".evil.test/api/files/default/a.oga",
    ":80@evil.test/api/files/default/a.oga",
]


@pytest.mark.parametrize("path", ELSEWHERE)
async def test_what_is_no_file_of_wahas_is_not_asked_for(
    waha: Waha, httpx_mock: HTTPXMock, path: str
) -> None:
    error = await failure(waha, Attachment(path=path))
    assert (type(error), error.code) == (Permanent, "not_a_file")
    assert httpx_mock.get_requests() == []


@given(st.text(max_size=60) | st.lists(st.sampled_from(list("/.%2eaf@:\\?#\r")), max_size=30))
def test_no_address_leads_out_of_the_files(garbage: str | list[str]) -> None:
    tail = garbage if isinstance(garbage, str) else "".join(garbage)
    attachment = told(f"http://localhost:3000/api/files/default/{tail}")
    if attachment is None:
        return
    url = httpx.URL(f"{BASE}{attachment.path}")
    assert (url.host, url.port, url.userinfo) == ("waha.test", 3000, b"")
    assert url.path.startswith("/api/files/default/")
    assert ".." not in url.path
    assert "\\" not in url.path


# -- what comes of it

REFUSALS: list[tuple[int, dict[str, str], type[AiSellerError], str]] = [
    (404, {}, Transient, "not_yet"),
    (401, {}, Transient, "unauthorized"),
    (403, {}, Transient, "unauthorized"),
    (429, {"Retry-After": "7"}, Transient, "rate_limited"),
    (500, {}, Transient, "server_error"),
    (502, {}, Transient, "server_error"),
    (503, {"Retry-After": "9"}, Transient, "server_error"),
    (301, {"Location": "http://evil.test/x"}, Permanent, "redirect"),
    (302, {"Location": "/api/sessions"}, Permanent, "redirect"),
    (307, {"Location": "http://169.254.169.254/"}, Permanent, "redirect"),
    (304, {}, Permanent, "redirect"),
    (410, {}, Permanent, "bad_request"),
]


@pytest.mark.parametrize(("status", "headers", "kind", "code"), REFUSALS)
async def test_a_refusal_has_its_kind_and_is_followed_nowhere(
    waha: Waha,
    httpx_mock: HTTPXMock,
    *,
    status: int,
    headers: dict[str, str],
    kind: type[AiSellerError],
    code: str,
) -> None:
    httpx_mock.add_response(status_code=status, headers=headers, content=b"no LID found")
    error = await failure(waha)
    assert isinstance(error, kind)
    assert error.code == code
    wait = headers.get("Retry-After")
    if wait is not None and isinstance(error, Transient):
        assert error.retry_after == float(wait)
    assert len(httpx_mock.get_requests()) == 1


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout(""),
        httpx.PoolTimeout(""),
        httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
        httpx.InvalidURL(""),
    ],
)
async def test_a_silence_is_asked_again(
    waha: Waha, httpx_mock: HTTPXMock, error: Exception
) -> None:
    httpx_mock.add_exception(error)
    failed = await failure(waha)
    assert (type(failed), failed.code) == (Transient, "unreachable")


async def test_as_many_bytes_as_allowed_are_taken_and_not_one_more(
    waha: Waha, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(content=b"12345", is_reusable=True)
    assert await waha.file(VOICE, most=5) == b"12345"
    assert (await failure(waha, most=4)).code == "too_large"


async def test_a_file_is_too_large_however_little_is_told_of_it(
    waha: Waha, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(stream=IteratorStream([b"123", b"456"]))
    httpx_mock.add_response(
        stream=IteratorStream([b"123", b"456"]), headers={"Content-Length": "nonsense"}
    )
    for _ in range(2):
        error = await failure(waha, most=5)
        assert (type(error), error.code) == (Permanent, "too_large")


async def test_an_empty_file_is_empty(waha: Waha, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(content=b"")
    assert await waha.file(VOICE, most=5) == b""


async def test_what_is_packed_is_not_unpacked(waha: Waha, httpx_mock: HTTPXMock) -> None:
    headers = {"Content-Encoding": "gzip"}
    httpx_mock.add_response(stream=IteratorStream([b"\x1f\x8b"]), headers=headers)
    assert (await failure(waha)).code == "not_a_file"


# -- over a real connection


class Elsewhere:
    """Another server: everything that must never be asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        taking = HTTPRouteHandler(["/", "/{path:path}"], http_method="GET")
        self.app = Litestar([taking(self.take)], openapi_config=None, logging_config=None)

    async def take(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        self.asked.append(request.url.path)
        return Response(b"stolen")


@contextlib.asynccontextmanager
async def emulated(key: str = "key") -> AsyncIterator[tuple[EmulatedWaha, Waha]]:
    there = EmulatedWaha("key", world=World())
    there.files.keep(File(name="a.oga", mimetype=OGG, content=b"OggS-sound"))
    async with serving(there.app) as url, Waha(url, key) as ours:
        yield there, ours


KEPT = Attachment(path="/api/files/default/a.oga", mimetype=OGG)


async def test_a_file_that_comes_late_is_there_when_it_is_asked_for_again() -> None:
    async with emulated() as (there, ours):
        there.files.faults.extend([Status(404), CutBefore()])
        assert (await failure(ours, KEPT)).code == "not_yet"
        assert (await failure(ours, KEPT)).code == "unreachable"
        assert await ours.file(KEPT, most=MEGABYTE) == b"OggS-sound"


async def test_without_the_right_key_there_is_no_file() -> None:
    async with emulated("other") as (_, ours):
        assert (await failure(ours, KEPT)).code == "unauthorized"


async def test_a_file_that_does_not_end_is_let_go() -> None:
    async with emulated() as (there, ours):
        there.files.faults.append(Endless())
        assert (await failure(ours, KEPT)).code == "too_large"
        assert there.files.sent < 100 * MEGABYTE


async def test_a_file_that_does_not_come_is_let_go() -> None:
    async with emulated() as (there, ours):
        there.files.faults.append(Slow(60))
        error = await failure(ours, KEPT, within=0.05)
        assert (type(error), error.code) == (Transient, "unreachable")


async def test_files_that_do_not_come_keep_no_message_waiting() -> None:
    async with emulated() as (there, ours):
        there.files.faults.extend([Slow(60)] * LANES)
        async with _asking(ours, times=LANES):
            await ours.session("default")
        assert 0 < sum(seen.path.startswith("/api/files") for seen in there.requests) < LANES


@contextlib.asynccontextmanager
async def _asking(ours: Waha, *, times: int) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(ours.file(KEPT, most=MEGABYTE)) for _ in range(times)]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_no_address_in_a_webhook_reaches_another_server_or_another_route() -> None:
    elsewhere = Elsewhere()
    async with emulated() as (there, ours), serving(elsewhere.app) as evil:
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{evil}/x/y")).content == b"stolen"
        elsewhere.asked.clear()
        host = evil.removeprefix("http://")
        there.files.faults.append(Status(302, headers={"Location": f"{evil}/api/files/x/a.oga"}))
        attempts = [
            f"{evil}/api/files/default/a.oga",
            f"{evil}/api/sessions",
            f"{evil}/steal",
            f"{evil}/waha/api/files/default/a.oga",
            f"//{host}/api/files/default/a.oga",
            f"http://localhost:3000@{host}/api/files/default/a.oga",
            f"http://localhost:3000\\@{host}/api/files/default/a.oga",
            f"http://localhost:3000/@{host}/api/files/default/a.oga",
            f"http://localhost:3000/{evil}/api/files/default/a.oga",
            f"http://localhost:3000/api/files/../../{host}/a.oga",
            "http://localhost:3000/api/files/%2e%2e/sessions",
            "http://localhost:3000/api/files/..%2fsessions",
            "http://localhost:3000/api/sessions/default",
            "http://localhost:3000/api/sessions?all=true",
            "http://localhost:3000/api/default/auth/qr",
            f"http://localhost:3000/api/files/default/a.oga\r\nHost: {host}",
            f"http://localhost:3000#@{host}/api/files/default/a.oga",
            f"http://localhost:3000?@{host}/api/files/default/a.oga",
            f"@{host}/api/files/default/a.oga",
            f":0@{host}/api/files/default/a.oga",
        ]
        for url in attempts:
            for attachment in (told(url), Attachment(path=url)):
                if attachment is not None:
                    await _tried(ours, attachment)
        assert elsewhere.asked == []
        asked = {seen.path for seen in there.requests}
        assert asked == {"/api/files/default/a.oga"}
        assert there.unexpected == []


async def _tried(ours: Waha, attachment: Attachment) -> None:
    with contextlib.suppress(Permanent):  # not a file, or a redirect
        await ours.file(attachment, most=MEGABYTE)
