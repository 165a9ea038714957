"""An emulated Google: Sheets API v4 with its grids of cells, and the endpoint that gives tokens."""

import base64
import re
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, unquote

import msgspec
from litestar import Litestar, Request, Response
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler

from app.demo.faults import CutAfterAccepting, CutBefore, Hang, Slow, Status
from app.demo.server import Json, Seen, client_left, cut, hold

if TYPE_CHECKING:
    from litestar.types import ASGIApp

    from app.world import World

Asked: TypeAlias = Request[Any, Any, Any]
Answer: TypeAlias = Response[Any]
Cell: TypeAlias = str | int | float | bool | None
GoogleFault: TypeAlias = Status | Slow | CutBefore | CutAfterAccepting | Hang

_SCOPE = "https://www.googleapis.com/auth/spreadsheets"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASKED = re.compile(r"/v4/spreadsheets/([^:/]+)(.*)", re.DOTALL)
_PLACE = re.compile(r"(?:'((?:[^']|'')+)'|([^'!]+))(?:!(.+))?")
_CORNERS = re.compile(r"([A-Z]+)(\d*)(?::([A-Z]+)(\d*))?")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
}


class Worksheet:
    """A grid of cells. `kind` is `OBJECT` for a chart on a sheet of its own."""

    def __init__(self, id_: int, title: str, cells: list[list[Cell]], *, kind: str) -> None:
        self.id = id_
        self.title = title
        self.cells = cells
        self.kind = kind
        self.row_count = 1000
        self.column_count = 26

    def put(self, row: int, column: int, value: Cell) -> None:
        """Counted from 0; what was there is gone."""
        while len(self.cells) <= row:
            self.cells.append([])
        line = self.cells[row]
        line.extend([None] * (column + 1 - len(line)))
        line[column] = None if value == "" else value

    def block(self, place: "Place") -> list[list[Cell]]:
        """The cells of a place, without the empty ones at the ends."""
        lines = [line[place.left : place.right] for line in self.cells[place.top : place.bottom]]
        return _trimmed([_shown(_trimmed(line)) for line in lines])

    @property
    def rows(self) -> list[list[Cell]]:
        """All there is, with '' for empty cells between others."""
        return self.block(Place(bottom=len(self.cells), right=self.column_count))


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Rows from `top` and columns from `left`, to before `bottom` and `right`; counted from 0."""

    top: int = 0
    left: int = 0
    bottom: int
    right: int


class EmulatedGoogle:
    """One spreadsheet, of a seller who shares it with a service account.

    `role` is what it may do there: `writer`, `reader`, None when it is not shared with it. `faults`
    are what happens to the next requests to the API, `token_faults` to those for a token. It
    refuses to write more than `most_rows` rows at once. `formulas` counts the values that became
    one, `converted` those that became a number though they came as text.
    """

    def __init__(self, spreadsheet: str, email: str, world: "World") -> None:
        self.spreadsheet = spreadsheet
        self.email = email
        self.world = world
        self.role: str | None = "writer"
        self.worksheets: list[Worksheet] = []
        self.faults: deque[GoogleFault] = deque()
        self.token_faults: deque[GoogleFault] = deque()
        self.most_rows = 500
        self.requests: list[Seen] = []
        self.token_requests = 0
        self.rows_written = 0
        self.formulas = 0
        self.converted = 0
        self.unexpected: list[Seen] = []
        self.app = _google_app(self)

    def add(
        self,
        title: str,
        rows: Iterable[Sequence[Cell]] = (),
        *,
        id_: int = 0,
        kind: str = "GRID",
    ) -> Worksheet:
        """A worksheet of the seller's."""
        cells = [list(row) for row in rows]
        sheet = Worksheet(id_ or 1000 + len(self.worksheets), title, cells, kind=kind)
        self.worksheets.append(sheet)
        return sheet

    def worksheet(self, title: str) -> Worksheet:
        """The one with this title. Raises StopIteration when there is none."""
        return next(sheet for sheet in self.worksheets if sheet.title == title)

    @property
    def writes(self) -> list[Seen]:
        """The requests that wanted to change something."""
        return [seen for seen in self.requests if seen.method != "GET"]

    # -- tokens

    async def give_token(self, request: Asked) -> Answer:
        """POST /token: a token for who signs as the service account. Signatures are not checked."""
        self.token_requests += 1
        form = parse_qs((await request.body()).decode())
        fault = self.token_faults.popleft() if self.token_faults else None
        refused = await _first(fault, request)
        if refused is not None:
            return refused
        claims = _claims(form.get("assertion", [""])[0])
        told = (claims.get("iss"), claims.get("scope"), form.get("grant_type"))
        if told != (self.email, _SCOPE, [_GRANT]):
            return _json({"error": "invalid_grant", "error_description": "Not a valid email."}, 400)
        return _json({"access_token": self._token, "expires_in": 3599, "token_type": "Bearer"})

    @property
    def _token(self) -> str:
        return f"ya29.emulated-{self.token_requests}"

    # -- the API

    async def serve(self, request: Asked) -> Answer:
        """Whatever is asked of /v4."""
        seen = await self._seen(request)
        self.requests.append(seen)
        fault = self.faults.popleft() if self.faults else None
        refused = await _first(fault, request)
        if refused is not None:
            return refused
        answer = self._answered(request, seen)
        if isinstance(fault, CutAfterAccepting):
            await cut(request.scope, request.receive)
        return answer

    async def _seen(self, request: Asked) -> Seen:
        body = await request.body()
        return Seen(
            method=request.method,
            path=unquote(request.scope["raw_path"].decode().partition("?")[0]),
            query=dict(request.query_params),
            json=msgspec.json.decode(body) if body else None,
            at=self.world.now(),
        )

    def _answered(self, request: Asked, seen: Seen) -> Answer:
        if not request.headers.get("Authorization", "").startswith("Bearer ya29.emulated-"):
            return _refused(401, "Request had invalid authentication credentials.")
        asked = _ASKED.fullmatch(seen.path)
        if asked is None or asked[1] != self.spreadsheet:
            return _refused(404, "Requested entity was not found.")
        if self.role is None or (self.role == "reader" and seen.method != "GET"):
            return _refused(403, "The caller does not have permission")
        try:
            return self._done(asked[2], request=request, seen=seen)
        except _BadRequest as error:
            return _refused(400, str(error))

    def _done(self, act: str, *, request: Asked, seen: Seen) -> Answer:
        match (seen.method, act):
            case ("GET", ""):
                return _json(self._properties())
            case ("GET", "/values:batchGet"):
                ranges = request.query_params.getall("ranges")
                told = [self._read(place, seen.query) for place in ranges]
                return _json({"spreadsheetId": self.spreadsheet, "valueRanges": told})
            case ("POST", "/values:batchUpdate"):
                return _json(self._update(seen.json))
            case ("POST", ":batchUpdate"):
                return _json({"replies": [self._act(one) for one in seen.json["requests"]]})
            case ("GET", values) if values.startswith("/values/"):
                return _json(self._read(values.removeprefix("/values/"), seen.query))
            case _:
                self.unexpected.append(seen)
                return _refused(404, "Method not found.")

    def _properties(self) -> Json:
        return {"sheets": [{"properties": _properties(sheet)} for sheet in self.worksheets]}

    def _read(self, place: str, query: dict[str, str]) -> Json:
        if query.get("valueRenderOption") != "UNFORMATTED_VALUE":
            raise _BadRequest("The emulator formats no values.")
        sheet, corners = self._corners(place)
        rows = sheet.block(corners)
        if query.get("majorDimension") == "COLUMNS":
            wide = max(map(len, rows), default=0)
            rows = [_shown(_trimmed([_at(row, column) for row in rows])) for column in range(wide)]
        told = {"range": place, "majorDimension": query.get("majorDimension", "ROWS")}
        return told | ({"values": rows} if rows else {})

    def _update(self, body: Json) -> Json:
        entered = body["valueInputOption"] == "USER_ENTERED"
        count = sum(len(data["values"]) for data in body["data"])
        self._refuse_too_many(count)
        for data in body["data"]:
            sheet, place = self._corners(data["range"])
            for down, row in enumerate(data["values"]):
                if place.left + len(row) > place.right:
                    raise _BadRequest(f"Requested writing within range [{data['range']}]")
                for across, value in enumerate(row):
                    if value is not None:
                        typed = self._typed(value) if entered else value
                        sheet.put(place.top + down, place.left + across, typed)
        self.rows_written += count
        return {"spreadsheetId": self.spreadsheet, "totalUpdatedRows": count}

    def _typed(self, value: Cell) -> Cell:
        """What becomes of a text that is taken as if somebody typed it."""
        if not isinstance(value, str):
            return value
        if value.startswith(("=", "+", "-")) and not _NUMBER.fullmatch(value):
            self.formulas += 1
            return "#ERROR!"
        if _NUMBER.fullmatch(value):
            self.converted += 1
            return float(value) if "." in value else int(value)
        return value.removeprefix("'")

    def _refuse_too_many(self, count: int) -> None:
        if count > self.most_rows:
            raise _BadRequest(f"The emulator takes {self.most_rows} rows at once, not {count}.")

    def _act(self, request: Json) -> Json:
        (name, told), *_ = request.items()
        match name:
            case "addSheet":
                return {"addSheet": {"properties": self._add_sheet(told["properties"])}}
            case "updateSheetProperties":
                changed = told["properties"]
                self._by_id(changed["sheetId"]).column_count = changed["gridProperties"][
                    "columnCount"
                ]
            case "appendCells":
                self._append(self._by_id(told["sheetId"]), told["rows"])
            case _:
                raise _BadRequest(f"Unknown name {name!r}")
        return {}

    def _add_sheet(self, told: Json) -> Json:
        title = told["title"]
        if any(sheet.title.casefold() == title.casefold() for sheet in self.worksheets):
            raise _BadRequest(f'A sheet with the name "{title}" already exists.')
        return _properties(self.add(title))

    def _append(self, sheet: Worksheet, rows: list[Json]) -> None:
        """After the last row with data, whatever its column."""
        self._refuse_too_many(len(rows))
        first = len(sheet.rows)
        for down, row in enumerate(rows):
            for across, cell in enumerate(row["values"]):
                entered = cell.get("userEnteredValue", {})
                if "formulaValue" in entered:
                    self.formulas += 1
                sheet.put(first + down, across, next(iter(entered.values()), None))
        self.rows_written += len(rows)
        sheet.row_count = max(sheet.row_count, len(sheet.cells))

    def _by_id(self, id_: int) -> Worksheet:
        found = next((sheet for sheet in self.worksheets if sheet.id == id_), None)
        if found is None:
            raise _BadRequest(f"No grid with id: {id_}")
        return found

    def _corners(self, place: str) -> tuple[Worksheet, Place]:
        """A place in A1 notation: its worksheet, and rows and columns from and to before."""
        named = _PLACE.fullmatch(place)
        title = (named[1] or named[2]).replace("''", "'") if named else ""
        sheet = next((one for one in self.worksheets if one.title == title), None)
        if named is None or sheet is None or sheet.kind != "GRID":
            raise _BadRequest(f"Unable to parse range: {place}")
        if named[3] is None:
            return sheet, Place(bottom=sheet.row_count, right=sheet.column_count)
        corners = _CORNERS.fullmatch(named[3])
        if corners is None:
            raise _BadRequest(f"Unable to parse range: {place}")
        left, top, right, bottom = corners.groups()
        found = Place(
            top=int(top or 1) - 1,
            left=_column(left),
            bottom=int(bottom) if bottom else sheet.row_count,
            right=_column(right or left) + 1,
        )
        if found.right > sheet.column_count or found.bottom > sheet.row_count:
            raise _BadRequest(f"Range ({place}) exceeds grid limits.")
        return sheet, found


class _BadRequest(Exception):
    """What Google says against a request."""


def _google_app(google: EmulatedGoogle) -> "ASGIApp":
    api = HTTPRouteHandler("/v4/{path:path}", http_method=[HttpMethod.GET, HttpMethod.POST])
    token = HTTPRouteHandler("/token", http_method=HttpMethod.POST, status_code=200)
    return Litestar(
        [api(google.serve), token(google.give_token)], openapi_config=None, logging_config=None
    )


async def _first(fault: GoogleFault | None, request: Asked) -> Answer | None:
    """The answer to a request that is not looked at; None when it is."""
    match fault:
        case Status():
            body = {} if fault.body is None else fault.body
            return Response(
                msgspec.json.encode(body), status_code=fault.code, headers=fault.headers
            )
        case CutBefore():
            await cut(request.scope, request.receive)
            return _json({})
        case Hang():
            await client_left(request.receive)
            return _json({})
        case Slow():
            await hold(request.receive, fault.seconds)
        case _:
            pass
    return None


def _claims(assertion: str) -> dict[str, Any]:
    """What a signed assertion says of itself."""
    parts = assertion.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return {}
    claims: dict[str, Any] = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=="))
    return claims


def _properties(sheet: Worksheet) -> Json:
    told = {"sheetId": sheet.id, "title": sheet.title, "sheetType": sheet.kind}
    if sheet.kind != "GRID":
        return told
    grid = {"rowCount": sheet.row_count, "columnCount": sheet.column_count}
    return told | {"gridProperties": grid}


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _at(row: list[Cell], column: int) -> Cell:
    return row[column] if column < len(row) else None


def _trimmed(values: list[Any]) -> list[Any]:
    """Without what is empty at its end."""
    kept = len(values)
    while kept and values[kept - 1] in (None, "", []):
        kept -= 1
    return values[:kept]


def _shown(line: list[Cell]) -> list[Cell]:
    return ["" if value is None else value for value in line]


def _refused(status: int, message: str) -> Answer:
    error = {"code": status, "message": message, "status": _STATUSES[status]}
    return _json({"error": error}, status)


def _json(body: Json, status: int = 200) -> Answer:
    return Response(
        msgspec.json.encode(body), status_code=status, media_type="application/json; charset=UTF-8"
    )
