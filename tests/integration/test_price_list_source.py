"""Where price lists come from: files that change, and servers that answer in every way."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct, field

from app.demo.server import client_left, cut, serving
from app.errors import AiSellerError, Refused, Transient
from app.gateways.catalogue import LARGEST
from app.gateways.catalogue_source import Fetched, Source, Stamp, Unchanged, csv_export

LIST = "SKU,model,price,PP1\nA,Кружка,990,5\n".encode()
OTHER = "SKU,model,price,PP1\nB,Чашка,790,5\n".encode()
SECRET = "s3cret"  # of an address


class Answer(Struct, kw_only=True):
    """What a server says, ``times`` over; where it is ``endless``, it never says that was all."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    times: int = 1
    broken: bool = False
    silent: bool = False
    endless: bool = False


class Shop:
    """A server with a page or two; what it was asked is kept."""

    def __init__(self, **pages: Answer) -> None:
        self.pages = pages
        self.asked: list[Mapping[str, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await _lifespan(receive, send)
            return
        headers = {name.decode(): told.decode() for name, told in scope["headers"]}
        self.asked.append(headers)
        page = self.pages[scope["path"].strip("/") or "list"]
        if page.silent:
            await client_left(receive)
            return
        etag = page.headers.get("ETag")
        if etag is not None and headers.get("if-none-match") == etag:
            await _answer(send, Answer(status=304))
        else:
            await _answer(send, page)
            if page.broken:
                await cut(scope, receive)
            if page.endless:
                await client_left(receive)


async def _lifespan(receive: Any, send: Any) -> None:
    for said in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{said}.complete"})


async def _answer(send: Callable[[Any], Awaitable[None]], page: Answer) -> None:
    headers = [(name.encode(), told.encode()) for name, told in page.headers.items()]
    await send({"type": "http.response.start", "status": page.status, "headers": headers})
    for left in reversed(range(page.times)):
        more = bool(left) or page.broken or page.endless
        await send({"type": "http.response.body", "body": page.body, "more_body": more})


async def failure(source: Source, known: Stamp | None = None) -> AiSellerError:
    with pytest.raises(AiSellerError) as failed:
        await source.read(known)
    assert SECRET not in failed.value.reason
    return failed.value


async def fetched(source: Source, known: Stamp | None = None) -> Fetched:
    found = await source.read(known)
    assert isinstance(found, Fetched)
    return found


# -- files


async def test_a_file_is_read_again_only_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(LIST)
    source = Source(str(path))
    first = await fetched(source)
    assert [product.sku for product in first.prices.products] == ["A"]
    assert await source.read(first.stamp) == Unchanged(stamp=first.stamp)

    os.utime(path, ns=(1, 1))
    touched = await source.read(first.stamp)
    assert isinstance(touched, Unchanged)
    assert touched.stamp != first.stamp

    path.write_bytes(OTHER)
    again = await fetched(source, touched.stamp)
    assert [product.sku for product in again.prices.products] == ["B"]


async def test_a_stamp_of_another_list_counts_for_nothing(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(LIST)
    known = (await fetched(Source(str(tmp_path / "a.csv")))).stamp
    assert isinstance(await Source(str(tmp_path / "b.csv")).read(known), Fetched)


@pytest.mark.parametrize("where", ["none.csv", "", "\0", "~nobody-here/list.csv"])
async def test_a_file_that_is_not_there_is_refused(tmp_path: Path, where: str) -> None:
    failed = await failure(Source(where and f"{tmp_path}/{where}"))
    assert isinstance(failed, Refused)
    assert "cannot be opened" in failed.reason


async def test_a_broken_file_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "prices.xlsx").write_bytes(b"PK\x03\x04 broken")
    failed = await failure(Source(str(tmp_path / "prices.xlsx")))
    assert failed.reason.startswith("Price list prices.xlsx is a broken XLSX file")


# -- addresses


async def test_a_list_is_fetched_once_and_then_asked_whether_it_changed() -> None:
    shop = Shop(list=Answer(headers={"ETag": '"1"', "Last-Modified": "then"}, body=LIST))
    async with serving(shop) as url:
        source = Source(f" {url}/list?key={SECRET} ")
        first = await fetched(source)
        assert await source.read(first.stamp) == Unchanged(stamp=first.stamp)
        shop.pages["list"] = Answer(headers={"ETag": '"2"'}, body=OTHER)
        second = await fetched(source, first.stamp)
    assert [product.sku for product in second.prices.products] == ["B"]
    assert shop.asked[1]["if-none-match"] == '"1"'
    assert shop.asked[1]["if-modified-since"] == "then"
    assert "if-none-match" not in shop.asked[0]
    assert not {"authorization", "cookie", "x-api-key"} & {n for asked in shop.asked for n in asked}


async def test_the_same_body_is_unchanged_whatever_its_server_says() -> None:
    shop = Shop(list=Answer(body=LIST))
    async with serving(shop) as url:
        first = await fetched(Source(url))
        shop.pages["list"] = Answer(headers={"ETag": '"new"'}, body=LIST)
        found = await Source(url).read(first.stamp)
    assert isinstance(found, Unchanged)
    assert found.stamp.etag == '"new"'


async def test_redirects_are_followed_a_few_times() -> None:
    steps = {f"r{i}": Answer(status=302, headers={"Location": f"/r{i + 1}"}) for i in range(5)}
    shop = Shop(
        **steps, r5=Answer(body=LIST), round=Answer(status=307, headers={"Location": "/r0"})
    )
    async with serving(shop) as url:
        assert isinstance(await Source(f"{url}/r0").read(), Fetched)
        assert "too many redirects" in (await failure(Source(f"{url}/round"))).reason


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://x.kz/list", "gopher://x.kz/"])
async def test_a_redirect_to_anything_but_http_is_refused(place: str) -> None:
    async with serving(Shop(list=Answer(status=302, headers={"Location": place}))) as url:
        assert isinstance(await failure(Source(url)), Refused)


async def test_the_body_of_a_redirect_is_not_taken_in() -> None:
    endless = Answer(status=302, headers={"Location": "/ok"}, body=b"x", endless=True)
    async with serving(Shop(list=endless, ok=Answer(body=LIST))) as url:
        assert isinstance(await Source(url).read(), Fetched)


async def test_no_more_is_downloaded_than_a_list_may_hold() -> None:
    piece = b"x" * (LARGEST // 8)
    async with serving(Shop(list=Answer(body=piece, times=9, endless=True))) as url:
        failed = await failure(Source(url))
    assert failed.reason == "Price list at 127.0.0.1 is larger than 64 MiB"


async def test_a_web_page_in_place_of_the_list_is_refused() -> None:
    async with serving(Shop(list=Answer(body=b"<!doctype html><title>Sign in</title>"))) as url:
        assert "is a web page, not a price list" in (await failure(Source(url))).reason


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (Answer(status=500), Transient, "HTTP 500"),
        (Answer(status=429, headers={"Retry-After": "17"}), Transient, "HTTP 429"),
        (Answer(status=404), Refused, "HTTP 404"),
        (Answer(status=401), Refused, "open it to everyone who has the link"),
        (Answer(status=304), Refused, "HTTP 304"),
        (Answer(headers={"Content-Encoding": "gzip"}, body=LIST), Refused, "comes packed"),
        (Answer(headers={"Content-Length": "500"}, body=LIST, broken=True), Transient, "reached"),
        (Answer(body=LIST, broken=True), Transient, "cannot be reached"),
        (Answer(body=b""), Refused, "is empty"),
    ],
)
async def test_what_an_answer_without_a_list_means(
    answer: Answer, kind: type[AiSellerError], says: str
) -> None:
    async with serving(Shop(list=answer)) as url:
        address = url.replace("://", f"://seller:{SECRET}@")
        failed = await failure(Source(f"{address}/list?key={SECRET}"))
    assert isinstance(failed, kind)
    assert says in failed.reason
    if answer.status == 429:
        assert isinstance(failed, Transient)
        assert failed.retry_after == 17


async def test_a_server_that_says_nothing_is_not_waited_for_without_an_end() -> None:
    async with serving(Shop(list=Answer(silent=True))) as url:
        failed = await failure(Source(url, within=0.05))
    assert isinstance(failed, Transient)


async def test_a_server_that_is_not_there_may_come_back() -> None:
    async with serving(Shop()) as url:
        pass
    assert isinstance(await failure(Source(f"{url}/{SECRET}")), Transient)


@pytest.mark.parametrize(
    "where", [f"ftp://x.kz/{SECRET}", f"file:///{SECRET}", f"http://[{SECRET}", "https://", "http://x:y"]
)  # fmt: skip
async def test_an_address_that_cannot_be_asked_is_refused(where: str) -> None:
    assert isinstance(await failure(Source(where)), Refused)


# -- Google's sheets

SHEET = "https://docs.google.com/spreadsheets/d/1aB_-c"
PUBLISHED = "https://docs.google.com/spreadsheets/d/e/2PACX-1v"


@pytest.mark.parametrize(
    ("copied", "export"),
    [
        (f"{SHEET}/edit#gid=0", f"{SHEET}/export?format=csv&gid=0"),
        (f"{SHEET}/edit?gid=12#gid=12", f"{SHEET}/export?format=csv&gid=12"),
        (f"{SHEET}/edit?usp=sharing", f"{SHEET}/export?format=csv"),
        (SHEET, f"{SHEET}/export?format=csv"),
        (SHEET.replace("/d/", "/u/1/d/") + "/view", f"{SHEET}/export?format=csv"),
        (f"{SHEET}/view?resourcekey=0-k", f"{SHEET}/export?format=csv&resourcekey=0-k"),
        (
            f"{PUBLISHED}/pubhtml?gid=5&single=true",
            f"{PUBLISHED}/pub?output=csv&gid=5&single=true",
        ),
        (f"{PUBLISHED}/pubhtml", f"{PUBLISHED}/pub?output=csv"),
    ],
)
def test_the_address_of_a_google_sheet_becomes_that_of_its_rows(copied: str, export: str) -> None:
    assert csv_export(copied) == export
    assert csv_export(export) == export


@pytest.mark.parametrize(
    "url",
    [
        f"{SHEET}/export?format=xlsx",
        f"{SHEET}/gviz/tq?tqx=out:csv&sheet=x",
        "https://docs.google.com.evil.kz/spreadsheets/d/1/edit",
        "https://docs.google.com/document/d/1/edit",
        "https://shop.kz/list.xml?a=1#gid=2",
        "https://[",
        "prices/list.xml",
    ],
)
def test_any_other_address_stays_as_it_is(url: str) -> None:
    assert csv_export(url) == url
