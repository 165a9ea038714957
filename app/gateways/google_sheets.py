"""Google Sheets with a service account: the products a seller keeps there, and his customers.

Whoever imports this module waits half a second for gspread and what it brings along: import it
where a sheet is set, not before.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeAlias, TypeVar

import msgspec
import requests
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials
from gspread.http_client import HTTPClient
from gspread.utils import absolute_range_name
from msgspec import Struct

from app.errors import Refused, Transient
from app.gateways.google_failures import failure, no_token, not_googles, our_kinds
from app.gateways.phones import kazakh_mobile

API = "https://sheets.googleapis.com"

COLUMNS = ("phone", "name", "stage", "orders", "opted_out", "updated_at")
"""What stands in A to F of the customers' worksheet, in row 1 by these names."""

BATCH_ROWS = 500
"""Rows that one request writes."""

BATCH_CHARACTERS = 1_000_000
"""Characters that one request writes: Google advises against more than 2 MB."""

_PRODUCTS, _CUSTOMERS = "products", "customers"
_SCOPE = "https://www.googleapis.com/auth/spreadsheets"
_LAST = "F"
_SECONDS = 30.0
_PLACE = r"(?:/a/[^/]+|/u/\d+)?/spreadsheets(?:/u/\d+)?/d/(?!e/)([A-Za-z0-9_-]+)(?=[/?#]|$)"
_ADDRESS = re.compile(r"(?i:https?://[^/]+)" + _PLACE)  # /d/e/… is published, and cannot be asked
_GID = re.compile(r"[?&#]gid=(\d+)")
_DIGITS = re.compile(r"77\d{9}")

Row: TypeAlias = tuple[str, str, str, str, str, str]
"""A customer as text: phone, name, stage, orders, opted_out, updated_at."""

EMPTY: Row = ("", "", "", "", "", "")

_T = TypeVar("_T")


class KeptRow(Struct, frozen=True, kw_only=True):
    """A row of the customers' worksheet: its number, whose it is, and what we wrote into F.

    ``phone`` is eleven digits where it can be read as a mobile, else the text as it stands there.
    ``updated_at`` is empty in a row that is the seller's own.
    """

    number: int
    phone: str
    updated_at: str


class Keys(Struct, frozen=True, kw_only=True):
    """The rows of the customers' worksheet below its header that are not empty, and where it is."""

    worksheet: int
    title: str
    rows: tuple[KeptRow, ...]


class GoogleSheet:
    """One spreadsheet, asked in a thread of its own; ``credentials`` is a service account's file.

    One request at a time; each has 30 seconds to connect and 30 for an answer. ``api`` is where
    Google's API is. Opens nothing until used; to be closed. Raises Refused when ``url`` is not the
    address of a Google Sheet.

    What is asked raises Refused while somebody has to put something right (the credentials file,
    whom the sheet is shared with, its address, its columns), Transient while Google cannot be
    reached, is busy or fails, Permanent when it refuses what was asked. No reason tells a secret.
    """

    def __init__(
        self, url: str, *, credentials: Path, api: str = API, timeout: float = _SECONDS
    ) -> None:
        self.id, self._gid = _address(url)
        self._credentials = credentials
        self._api = api.rstrip("/")
        self._timeout = timeout
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="google-sheet")
        self._client: _Client | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close its connections and its thread; a request under way is waited for."""
        await self._beside(self._close)
        self._thread.shutdown(wait=False)

    async def read_products(self) -> list[list[object]]:
        """The rows of the worksheet ``products``, or else of the one the address names, or else of
        the first: numbers as numbers, and no empty cells at the end of a row.
        """
        return await self._ask(self._products)

    async def read_keys(self) -> Keys:
        """Whose rows there are in the worksheet ``customers``, which is made when missing.

        Raises Refused also when its first row has other names in A to F.
        """
        return await self._ask(self._keys)

    async def write_rows(
        self, keys: Keys, *, changed: Sequence[tuple[int, Row]] = (), new: Sequence[Row] = ()
    ) -> None:
        """Put ``changed`` in A to F of the rows with these numbers, and ``new`` below all others.

        Every value becomes text, whatever it begins with. When it fails, a part may be written.
        """
        for some in _batches(changed, lambda numbered: numbered[1]):
            await self._ask(partial(self._put, title=keys.title, rows=some))
        for rows in _batches(new, lambda row: row):
            await self._ask(partial(self._append, worksheet=keys.worksheet, rows=rows))

    # -- in a thread

    async def _ask(self, ask: Callable[[_Client], _T]) -> _T:
        return await self._beside(partial(self._asked, ask))

    async def _beside(self, act: Callable[[], _T]) -> _T:
        """In the sheet's thread: those that all share would run out while Google hangs."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    def _asked(self, ask: Callable[[_Client], _T]) -> _T:
        with our_kinds():
            if self._client is None:
                self._client = _Client(_account(self._credentials), self._api, self._timeout)
            try:
                return ask(self._client)
            except Refused:  # the file may be another one the next time
                self._close()
                raise

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _products(self, client: _Client) -> list[list[object]]:
        title = _products_of(_grids(client, self.id), self._gid).title
        told = client.values_get(
            self.id, absolute_range_name(title), params={"valueRenderOption": "UNFORMATTED_VALUE"}
        )
        return msgspec.convert(told, _Values).values

    def _keys(self, client: _Client) -> Keys:
        found = self._worksheet(client)
        header, phones, moments = self._columns(client, found.title)
        names = [column[0] if column else "" for column in header]
        _check_header(names)
        if not all(_padded(names)):
            missing = [None if name else COLUMNS[at] for at, name in enumerate(_padded(names))]
            self._put_raw(client, [_range(found.title, 1, missing)])
        return Keys(
            worksheet=found.sheet_id,
            title=found.title,
            rows=tuple(_kept(_cells(phones), _cells(moments))),
        )

    def _worksheet(self, client: _Client) -> _Grid:
        """The customers' worksheet with all its columns, made when there is none."""
        found = _titled(_grids(client, self.id), _CUSTOMERS)
        if found is None:
            grid = {"title": _CUSTOMERS, "gridProperties": {"frozenRowCount": 1}}
            client.batch_update(self.id, {"requests": [{"addSheet": {"properties": grid}}]})
            found = _titled(_grids(client, self.id), _CUSTOMERS)
        if found is None:
            raise Transient("Google did not make the worksheet customers", code="bad_answer")
        if found.grid.columns < len(COLUMNS):
            size = {"columnCount": len(COLUMNS)}
            widened = {"sheetId": found.sheet_id, "gridProperties": size}
            wider = {"properties": widened, "fields": "gridProperties.columnCount"}
            client.batch_update(self.id, {"requests": [{"updateSheetProperties": wider}]})
        return found

    def _columns(self, client: _Client, title: str) -> list[list[list[object]]]:
        """The header, the phones and the moments, column by column."""
        wanted = (f"A1:{_LAST}1", "A:A", f"{_LAST}:{_LAST}")
        told = client.values_batch_get(
            self.id,
            [absolute_range_name(title, one) for one in wanted],
            params={"valueRenderOption": "UNFORMATTED_VALUE", "majorDimension": "COLUMNS"},
        )
        found = [one.values for one in msgspec.convert(told, _Ranges).ranges]
        if len(found) != len(wanted):
            raise ValueError("another number of ranges than was asked for")
        return found

    def _put(self, client: _Client, *, title: str, rows: Sequence[tuple[int, Row]]) -> None:
        self._put_raw(client, [_range(title, number, row) for number, row in rows])

    def _put_raw(self, client: _Client, data: list[dict[str, object]]) -> None:
        body = {"valueInputOption": "RAW", "data": data}
        client.values_batch_update(self.id, body)

    def _append(self, client: _Client, *, worksheet: int, rows: Sequence[Row]) -> None:
        """Not ``values:append``: that one looks for a table, and writes where it believes it ends:
        over the rows below an empty one, or from another column on.
        """
        cells = {
            "sheetId": worksheet,
            "rows": [{"values": [_text_cell(value) for value in row]} for row in rows],
            "fields": "userEnteredValue",
        }
        client.batch_update(self.id, {"requests": [{"appendCells": cells}]})


# -- the client


class _Client(HTTPClient):
    """gspread's client at an address of our choice, whose failures are ours.

    Neither redirects nor google-auth's own session: that one also tells another of Google's hosts
    of the token, to learn in which regions it may be used.
    """

    def __init__(self, account: Credentials, api: str, timeout: float) -> None:
        session = requests.Session()
        session.auth = _Bearer(account, timeout)
        super().__init__(account, session)
        self.set_timeout((timeout, timeout))
        self._base = api
        self._email = str(account.service_account_email)

    def request(  # noqa: PLR0917 - gspread's own
        self,
        method: str,
        endpoint: str,
        params: Any | None = None,  # noqa: ANN401 - gspread's own
        data: bytes | None = None,
        json: Mapping[str, Any] | None = None,
        files: Any | None = None,  # noqa: ANN401 - gspread's own
        headers: Any | None = None,  # noqa: ANN401 - gspread's own
    ) -> requests.Response:
        """The answer, when it is one of success."""
        response = self.session.request(
            method,
            self._base + endpoint.removeprefix(API),
            params=params,
            data=data,
            json=json,
            files=files,
            headers=headers,
            timeout=self.timeout,
            allow_redirects=False,
        )
        if not 200 <= response.status_code < 300:  # noqa: PLR2004 - success
            raise failure(response, self._email)
        return response

    def close(self) -> None:
        """Close its connections."""
        self.session.close()


class _Bearer(requests.auth.AuthBase):
    """Puts the service account's token on each request, and fetches another one in time."""

    def __init__(self, account: Credentials, timeout: float) -> None:
        self._account = account
        self._timeout = timeout

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if not self._account.valid:
            with requests.Session() as session, _with_token():
                self._account.refresh(partial(Request(session), timeout=self._timeout))  # type: ignore[no-untyped-call]
        request.headers["Authorization"] = f"Bearer {self._account.token}"
        return request


def _account(path: Path) -> Credentials:
    """Raises Refused, with the file's name and never a word of what is in it."""
    try:
        told = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise _bad_credentials(path, f"cannot be opened: {error.strerror}") from None
    except msgspec.DecodeError:
        raise _bad_credentials(path, "is not JSON") from None
    if told.get("type") != "service_account":
        raise _bad_credentials(path, "is not the key of a service account")
    try:
        account: Credentials = Credentials.from_service_account_info(told, scopes=[_SCOPE])  # type: ignore[no-untyped-call]
    except Exception:  # noqa: BLE001 - whatever the cryptography makes of it
        raise _bad_credentials(path, "holds no key that can be used") from None
    return account


def _bad_credentials(path: Path, what: str) -> Refused:
    return Refused(f"Google's credentials file {path.name} {what}", code="bad_credentials")


@contextmanager
def _with_token() -> Iterator[None]:
    """The failures of fetching a token, in our kinds."""
    try:
        yield
    except RefreshError as error:
        raise no_token(retryable=error.retryable) from None
    except TransportError:
        raise Transient("Google cannot be reached", code="unreachable") from None
    except GoogleAuthError:
        raise not_googles() from None


# -- what Google tells, and what it is told


class _Size(Struct, frozen=True):
    columns: int = msgspec.field(default=0, name="columnCount")


class _Grid(Struct, frozen=True):
    """A worksheet of cells."""

    sheet_id: int = msgspec.field(name="sheetId")
    title: str
    kind: str = msgspec.field(default="GRID", name="sheetType")
    grid: _Size = msgspec.field(default_factory=_Size, name="gridProperties")


class _Sheet(Struct, frozen=True):
    properties: _Grid


class _Spreadsheet(Struct, frozen=True):
    sheets: list[_Sheet]


class _Values(Struct, frozen=True):
    values: list[list[object]] = []


class _Ranges(Struct, frozen=True):
    ranges: list[_Values] = msgspec.field(default_factory=list, name="valueRanges")


def _address(url: str) -> tuple[str, int | None]:
    """The spreadsheet's id and the worksheet's that the address names."""
    found, gids = _ADDRESS.match(url.strip()), _GID.findall(url)
    if found is None:
        reason = "not the address of a Google Sheet: copy it from the browser where you edit it"
        raise Refused(reason, code="bad_sheet_url")
    return found[1], int(gids[-1]) if gids else None


def _grids(client: _Client, spreadsheet: str) -> list[_Grid]:
    """The worksheets of cells, in their order; a chart on a sheet of its own has none."""
    told = client.fetch_sheet_metadata(spreadsheet, params={"fields": "sheets.properties"})
    sheets = msgspec.convert(told, _Spreadsheet).sheets
    return [sheet.properties for sheet in sheets if sheet.properties.kind == "GRID"]


def _titled(grids: Sequence[_Grid], title: str) -> _Grid | None:
    return next((grid for grid in grids if grid.title.strip().casefold() == title), None)


def _products_of(grids: Sequence[_Grid], gid: int | None) -> _Grid:
    named = next((grid for grid in grids if grid.sheet_id == gid), None)
    others = [grid for grid in grids if grid.title.strip().casefold() != _CUSTOMERS]
    found = _titled(grids, _PRODUCTS) or named or next(iter(others), None)
    if found is None:
        raise Refused("the Google Sheet has no worksheet with products", code="no_products")
    return found


def _check_header(names: Sequence[object]) -> None:
    """Nothing is written into columns that are somebody else's."""
    for at, name in enumerate(_padded(names)):
        if name and str(name).strip().casefold() != COLUMNS[at]:
            reason = (
                f"column {chr(ord('A') + at)} of the worksheet customers must be named"
                f" {COLUMNS[at]} in row 1: rename the worksheet to keep it, or the column"
            )
            raise Refused(reason, code="other_columns")


def _padded(names: Sequence[object]) -> list[object]:
    return [*names, *[""] * len(COLUMNS)][: len(COLUMNS)]


def _cells(column: list[list[object]]) -> list[object]:
    """Its cells below the header."""
    return column[0][1:] if column else []


def _kept(phones: list[object], moments: list[object]) -> Iterator[KeptRow]:
    for at in range(max(len(phones), len(moments))):
        phone = _phone(phones[at]) if at < len(phones) else ""
        moment = str(moments[at]).strip() if at < len(moments) else ""
        if phone or moment:
            yield KeptRow(number=at + 2, phone=phone, updated_at=moment)


def _phone(cell: object) -> str:
    text = str(cell).strip()
    if not text or _DIGITS.fullmatch(text):  # nearly all of them: reading one takes a while
        return text
    try:
        return kazakh_mobile(cell)
    except Refused:
        return text


def _range(title: str, number: int, row: Sequence[str | None]) -> dict[str, object]:
    """One row; None leaves a cell as it is, an empty text empties it."""
    place = absolute_range_name(title, f"A{number}:{_LAST}{number}")
    return {"range": place, "majorDimension": "ROWS", "values": [list(row)]}


def _text_cell(value: str) -> dict[str, object]:
    return {"userEnteredValue": {"stringValue": value}} if value else {}


def _batches(rows: Sequence[_T], cells: Callable[[_T], Row]) -> Iterator[list[_T]]:
    """As few as hold no more than is good for one request."""
    some: list[_T] = []
    size = 0
    for row in rows:
        length = sum(map(len, cells(row)))
        if some and (len(some) == BATCH_ROWS or size + length > BATCH_CHARACTERS):
            yield some
            some, size = [], 0
        some.append(row)
        size += length
    if some:
        yield some
