"""WAHA's HTTP API over an emulated WAHA: routes, answers and errors as the real one gives them."""

import functools
import secrets
from typing import TYPE_CHECKING

from litestar import Litestar
from litestar.enums import HttpMethod
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from app.demo.faults import (
    CutAfterAccepting,
    CutBefore,
    Hang,
    LateAccept,
    Slow,
    Status,
    Timelock,
)
from app.demo.server import Json, Seen, client_left, cut, cut_while, door, hold, twin
from app.demo.waha_replies import (
    Answer,
    Asked,
    answer,
    bad_request,
    decoded,
    engine_error,
    missing,
    no_store,
    not_implemented,
    number,
    wrong_status,
)
from app.demo.waha_sessions import SessionDoors
from app.demo.waha_shapes import Body, Line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from litestar.types import ASGIApp

    from app.demo.faults import SendFault
    from app.demo.waha import EmulatedWaha

_TIMELOCK = "2 UNKNOWN: server returned error 463"


def waha_app(waha: "EmulatedWaha") -> "ASGIApp":
    """The ASGI application of an emulated WAHA."""
    stops = [waha.sender.stop, waha.later.stop]
    inner = twin(_doors(), on_shutdown=stops, owner=_Api(waha))
    return cut_while(lambda: waha.down, inner)


@functools.cache
def _doors() -> Litestar:
    """The routes, built once for all emulated WAHAs of a process."""
    handlers: list[HTTPRouteHandler] = []
    for route, handle in _Api.routes().items():
        method, path = route.split()
        handlers.append(HTTPRouteHandler(path, http_method=HttpMethod(method))(door(handle)))
    return Litestar(
        handlers,
        before_request=door(_Api.admit),
        exception_handlers={HTTPException: _not_found},
        openapi_config=None,
        logging_config=None,
    )


def _not_found(request: Asked, _error: HTTPException) -> Answer:
    api: _Api = request.app.state.owner
    return api.not_found(request)


class _Api(SessionDoors):
    """One method a route."""

    @classmethod
    def routes(cls) -> dict[str, "Callable[[_Api, Asked], Awaitable[Answer]]"]:
        return {
            **cls.session_routes(),
            "GET /ping": cls.ping,
            "GET /health": cls.health,
            "GET /api/server/version": cls.server_version,
            "POST /api/sendText": cls.send_text,
            "POST /api/sendSeen": cls.send_seen,
            "POST /api/startTyping": cls.typing,
            "POST /api/stopTyping": cls.typing,
            "GET /api/contacts/check-exists": cls.check_exists,
            "GET /api/files/{session:str}/{name:str}": cls.file,
            "GET /api/{session:str}/new-message-id": cls.new_message_id,
            "GET /api/{session:str}/lids": cls.list_lids,
            "GET /api/{session:str}/lids/{lid:str}": cls.phone_of_lid,
            "GET /api/{session:str}/lids/pn/{phone:str}": cls.lid_of_phone,
            "GET /api/{session:str}/chats/{chat:str}/messages": cls.list_messages,
            "GET /api/{session:str}/chats/{chat:str}/messages/{message:str}": cls.show_message,
        }

    # -- at the door

    async def admit(self, request: Asked) -> Answer | None:
        """Note every request; without the key only /ping is answered."""
        body = await request.body()
        self._waha.later.catch_up()
        self._waha.requests.append(self._seen(request, body))
        if request.url.path != "/ping" and not self._authorised(request):
            return answer(401, {"message": "Unauthorized", "statusCode": 401})
        if body and decoded(body) is None:
            message = "Expected property name or '}' in JSON at position 1 (line 1 column 2)"
            return bad_request(message)
        return None

    def not_found(self, request: Asked) -> Answer:
        """Routes this WAHA does not have; noted, since our own code should never ask for one."""
        self._waha.unexpected.append(self._seen(request, b""))
        if not self._authorised(request):
            return answer(401, {"message": "Unauthorized", "statusCode": 401})
        return missing(f"Cannot {request.method} {request.url.path}")

    def _authorised(self, request: Asked) -> bool:
        given = request.headers.get("X-Api-Key", "")
        return secrets.compare_digest(given.encode(), self._waha.api_key.encode())

    def _seen(self, request: Asked, body: bytes) -> Seen:
        return Seen(
            method=request.method,
            path=request.url.path,
            query=dict(request.query_params),
            json=decoded(body),
            at=self._waha.world.now(),
        )

    # -- the server

    async def ping(self, _request: Asked) -> Answer:
        return answer(200, {"message": "pong"})

    async def health(self, _request: Asked) -> Answer:
        return answer(200, {"status": "ok", "info": {}, "error": {}, "details": {}})

    async def server_version(self, _request: Asked) -> Answer:
        return answer(200, self._waha.shapes.environment())

    # -- sending

    async def send_text(self, request: Asked) -> Answer:
        body = await request.json()
        fault = self._waha.faults.popleft() if self._waha.faults else None
        match fault:
            case Hang():
                await client_left(request.receive)
                return answer(201, None)
            case CutBefore():
                await cut(request.scope, request.receive)
                return answer(201, None)
            case Status():
                return answer(fault.code, fault.body, fault.headers)
            case Slow():
                await hold(request.receive, fault.seconds)
            case LateAccept() | Timelock() | CutAfterAccepting() | None:
                pass
        refusal = await self._not_ready(request, body) or self._not_sendable(request, body)
        if isinstance(fault, LateAccept):
            if refusal is None:
                self._waha.later.add(fault.seconds, lambda: self._waha.accept(body))
            await cut(request.scope, request.receive)
            return answer(201, None)
        if refusal is not None:
            return refusal
        return await self._accepted(request, body, fault)

    async def _accepted(self, request: Asked, body: Body, fault: "SendFault | None") -> Answer:
        if isinstance(fault, Timelock) and self._waha.shapes.engine == "GOWS":
            return engine_error(self._waha, request, _TIMELOCK, body=body, code=2)
        line = self._waha.accept(body, refused=isinstance(fault, Timelock))
        if self._waha.echo_first:
            await self._waha.delivered()
        if isinstance(fault, CutAfterAccepting):
            await cut(request.scope, request.receive)
        return answer(201, self._waha.shapes.sent(line, body["chatId"]))

    async def send_seen(self, request: Asked) -> Answer:
        body = await request.json()
        refusal = await self._not_ready(request, body)
        if refusal is not None:
            return refusal
        return answer(201, None if body.get("messageIds") else {"ids": []})

    async def typing(self, request: Asked) -> Answer:
        body = await request.json()
        refusal = await self._not_ready(request, body)
        if refusal is not None:
            return refusal
        phone = self._waha.find(str(body.get("chatId")))
        if phone is not None:
            phone.typing = request.url.path.endswith("/startTyping")
        return answer(201, {"result": True})

    async def _not_ready(self, request: Asked, body: Json) -> Answer | None:
        name = body.get("session") if isinstance(body, dict) else None
        if not name:
            return bad_request("Session name is required")
        session = self._waha.sessions.get(name)
        if session is None:
            error = f'Session "{name}" does not exist'
            return answer(422, {"error": error, "session": name})
        if session.status != "WORKING":
            await hold(request.receive, self._waha.status_wait)
            return wrong_status(session, "WORKING")
        return None

    async def _not_readable(self, request: Asked, *, stored: bool = True) -> Answer | None:
        name = request.path_params.get("session") or request.query_params.get("session", "default")
        refusal = await self._not_ready(request, {"session": name})
        for words, error in self._waha.failing.items():
            if words in request.url.path:
                return engine_error(self._waha, request, error, code=2)
        if refusal is None and stored and self._waha.shapes.engine == "NOWEB":
            return None if self._waha.store else no_store()
        return refusal

    def _not_sendable(self, request: Asked, body: Body) -> Answer | None:
        for field in ("chatId", "text"):
            if not isinstance(body.get(field), str):
                message = f"Cannot read properties of undefined (reading '{field}')"
                return engine_error(self._waha, request, message, body=body, name="TypeError")
        if self._waha.shapes.engine == "GOWS" and not self._waha.reachable(body["chatId"]):
            phone = body["chatId"].partition("@")[0]
            message = f"2 UNKNOWN: no LID found for {phone}@s.whatsapp.net from server"
            return engine_error(self._waha, request, message, body=body, code=2)
        return None

    # -- who is who

    async def check_exists(self, request: Asked) -> Answer:
        phone = request.query_params.get("phone", "").removeprefix("+")
        if not phone:
            return engine_error(self._waha, request, "phone is undefined", name="TypeError")
        refusal = await self._not_readable(request, stored=False)
        if refusal is not None:
            return refusal
        exists = self._waha.reachable(phone)
        chat = {"chatId": f"{phone}@c.us"} if exists or self._waha.shapes.engine == "GOWS" else {}
        return answer(200, {"numberExists": exists} | chat)

    async def list_lids(self, request: Asked) -> Answer:
        refusal = await self._not_readable(request)
        if refusal is not None:
            return refusal
        offset, limit = number(request, "offset", 0), number(request, "limit", 100)
        phones = self._waha.phones[offset : offset + limit]
        return answer(200, [{"lid": f"{p.lid}@lid", "pn": f"{p.number}@c.us"} for p in phones])

    async def phone_of_lid(self, request: Asked) -> Answer:
        refusal = await self._not_readable(request)
        if refusal is not None:
            return refusal
        lid = request.path_params["lid"]
        if "@" in lid and not lid.endswith("@lid"):
            return answer(422, {"error": "Invalid LID - it must end with @lid"})
        lid = lid if "@" in lid else f"{lid}@lid"
        phone = self._waha.find(lid)
        known = phone is not None and phone.shows_other_address
        return answer(200, {"lid": lid, "pn": f"{phone.number}@c.us" if phone and known else None})

    async def lid_of_phone(self, request: Asked) -> Answer:
        refusal = await self._not_readable(request)
        if refusal is not None:
            return refusal
        number = request.path_params["phone"].removesuffix("@c.us")
        phone = self._waha.find(f"{number}@c.us")
        return answer(200, {"lid": f"{phone.lid}@lid" if phone else None, "pn": f"{number}@c.us"})

    # -- files

    async def file(self, request: Asked) -> Answer:
        return await self._waha.files.serve(request)

    # -- history

    async def new_message_id(self, _request: Asked) -> Answer:
        if not self._waha.shapes.takes_client_ids:
            return not_implemented()
        return answer(200, {"id": self._waha.new_message_id()})

    async def list_messages(self, request: Asked) -> Answer:
        refusal = await self._not_readable(request)
        if refusal is not None:
            return refusal
        if request.path_params["chat"] == "all" and self._waha.shapes.engine != "NOWEB":
            if self._waha.shapes.engine == "GOWS":
                return not_implemented()
            return engine_error(self._waha, request, "Evaluation failed: no chat all")
        asked = request.query_params
        since = int(asked.get("filter.timestamp.gte", 0))
        until = int(asked.get("filter.timestamp.lte", 2**53))
        from_me = asked.get("filter.fromMe")
        found = [
            line
            for line in self._chat(request)
            if since <= int(line.at.timestamp()) <= until
            and from_me in (None, str(line.from_me).lower())
        ]
        newest = sorted(found, key=lambda line: line.at, reverse=True)
        offset, limit = number(request, "offset", 0), number(request, "limit", 10)
        page = newest[offset : offset + limit]
        unfetched: Body = {"media": None} if asked.get("downloadMedia") == "false" else {}
        return answer(200, [self._waha.shapes.message(line) | unfetched for line in page])

    async def show_message(self, request: Asked) -> Answer:
        refusal = await self._not_readable(request)
        if refusal is not None:
            return refusal
        wanted = request.path_params["message"]
        parts = wanted.split("_")
        short = parts[2] if parts[2:] else wanted
        line = next((line for line in self._chat(request) if line.id == short), None)
        return (
            answer(200, self._waha.shapes.message(line)) if line else missing("Message not found")
        )

    def _chat(self, request: Asked) -> list[Line]:
        chat = request.path_params["chat"]
        phone = self._waha.find(chat)
        both = phone is not None and self._waha.merges
        ids = {f"{phone.number}@c.us", f"{phone.lid}@lid"} if phone and both else {chat}
        return [line for line in self._waha.lines if chat == "all" or line.chat.id in ids]
