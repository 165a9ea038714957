"""The answers of an emulated WAHA: JSON, and every shape of its errors."""

from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from litestar import Request, Response

from app.demo.server import Json
from app.demo.waha_shapes import Body

if TYPE_CHECKING:
    from app.demo.waha import EmulatedWaha, Session

Asked: TypeAlias = Request[Any, Any, Any]
Answer: TypeAlias = Response[Any]

_NO_STORE = (
    'Enable NOWEB store "config.noweb.store.enabled=True" and '
    '"config.noweb.store.full_sync=True" when starting a new session'
)


def answer(status: int, body: Json, headers: dict[str, str] | None = None) -> Answer:
    """JSON; WAHA's own answers without a value have no body either."""
    content = b"" if body is None else msgspec.json.encode(body)
    return Response(content, status_code=status, headers=headers, media_type="application/json")


def bad_request(message: str | list[str]) -> Answer:
    """A 400."""
    return answer(400, {"message": message, "error": "Bad Request", "statusCode": 400})


def missing(message: str) -> Answer:
    """A 404, of a route or of the thing asked for."""
    return answer(404, {"message": message, "error": "Not Found", "statusCode": 404})


def not_implemented() -> Answer:
    """A 501: another engine can do this."""
    error = "The method is not implemented by the engine."
    return answer(501, {"message": error, "error": "Not Implemented", "statusCode": 501})


def wrong_status(session: "Session", expected: str) -> Answer:
    """A 422 of a session that has another status than the request needs."""
    error = "Session status is not as expected. Try again later or restart the session"
    about = {"session": session.name, "status": session.status, "expected": [expected]}
    return answer(422, {"error": error} | about)


def no_store() -> Answer:
    """A 400 of NOWEB that keeps nothing to be read."""
    return bad_request(_NO_STORE)


def engine_error(
    waha: "EmulatedWaha",
    request: Asked,
    message: str,
    *,
    body: Body | None = None,
    name: str = "Error",
    code: int | None = None,
) -> Answer:
    """A 500 with what the engine threw; it repeats the whole request."""
    exception: Body = {"message": message, "name": name, "stack": f"{name}: {message}\n    at …"}
    if code is not None:
        exception |= {"code": code, "details": message.partition("UNKNOWN: ")[2]}
    query = dict(request.query_params)
    about = {"path": request.url.path, "method": request.method, "body": body or {}, "query": query}
    return answer(
        500,
        {
            "statusCode": 500,
            "timestamp": waha.world.now().isoformat(),
            "exception": exception,
            "request": about,
            "version": waha.shapes.environment(),
        },
    )


def decoded(body: bytes) -> Json:
    """A body out of JSON, None when it is none."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None


def number(request: Asked, name: str, default: int) -> int:
    """A number of the query."""
    return int(request.query_params.get(name, default))
