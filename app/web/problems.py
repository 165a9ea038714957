"""Failures -> problem details (RFC 9457), in one shape. What we did not foresee tells nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

from litestar import Request, Response
from litestar.exceptions import HTTPException, InternalServerException
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ExceptionHandlersMap
from msgspec import Struct

from app.errors import AiSellerError, Conflict, Refused, Transient
from app.web.front import front_of

MEDIA_TYPE = "application/problem+json"
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On every answer: nothing here is to be guessed, run, framed, kept or shown by another site."""

AnyRequest: TypeAlias = Request[Any, Any, Any]


class Wrong(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a request, and where."""

    detail: str
    field: str | None = None


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a request was not served. ``code`` is ``detail`` for a program."""

    type: str
    title: str
    status: int
    detail: str
    code: str | None = None
    errors: tuple[Wrong, ...] = ()


def told(*statuses: HTTPStatus) -> dict[int, ResponseSpec]:
    """For the description of a door: the problems it may answer with."""
    return {
        int(status): ResponseSpec(
            Problem,
            generate_examples=False,
            description=status.phrase,
            media_type=MEDIA_TYPE,
        )
        for status in statuses
    }


GUARDED = told(
    HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND,
    HTTPStatus.SERVICE_UNAVAILABLE,
)  # fmt: skip
"""What any door behind the admin key may answer with."""

SIGNED = told(
    HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.SERVICE_UNAVAILABLE,
)  # fmt: skip
"""What a door for signed webhooks may answer with."""


def problem(
    status: int,
    detail: str,
    *,
    code: str | None = None,
    errors: tuple[Wrong, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> Response[Problem]:
    """The answer that says so."""
    title = HTTPStatus(status).phrase
    return Response(
        Problem(
            type="about:blank", title=title, status=status, detail=detail, code=code, errors=errors
        ),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=SAFE_HEADERS | dict(headers or {}),
    )


def retry_after(error: AiSellerError) -> dict[str, str]:
    """The header that says when to come back, where the error knows it: whole seconds."""
    seconds = error.retry_after if isinstance(error, Transient) else None
    return {} if seconds is None else {"Retry-After": str(math.ceil(seconds))}


def status_of(error: AiSellerError) -> int:
    """The HTTP status of a failure we foresaw."""
    if isinstance(error, Refused):
        return error.status
    if isinstance(error, Conflict):
        return HTTPStatus.CONFLICT
    return (
        HTTPStatus.SERVICE_UNAVAILABLE if isinstance(error, Transient) else HTTPStatus.BAD_GATEWAY
    )


def _foreseen(request: AnyRequest, error: AiSellerError) -> Response[Problem]:
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log_failure(request, error.reason)
    return problem(status, error.reason, code=error.code, headers=retry_after(error))


def _http(request: AnyRequest, error: HTTPException) -> Response[Problem]:
    if error.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _gone(request) if hung_up(error) else _unforeseen(request, error)
    errors = _wrongs(error.extra)
    detail = "the request is not as it should be; errors say where" if errors else error.detail
    return problem(error.status_code, detail, errors=errors, headers=error.headers)


def hung_up(error: Exception) -> bool:
    """Whether the sender left before its body was whole: Litestar tells it as a fault of ours."""
    return isinstance(error, InternalServerException) and "client disconnected" in error.detail


def _gone(request: AnyRequest) -> Response[Problem]:
    """An answer nobody reads any more."""
    front_of(request).log.info("hung_up", path=request.url.path)
    return problem(HTTPStatus.BAD_REQUEST, "the body is not whole")


def _unforeseen(request: AnyRequest, error: Exception) -> Response[Problem]:
    front_of(request).log.error("request_failed", path=request.url.path, exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong here, and was logged")


def _too_deep(request: AnyRequest, _error: RecursionError) -> Response[Problem]:
    """A body of brackets in brackets in brackets."""
    front_of(request).log.warning("request_failed", path=request.url.path, reason="too deep")
    return problem(HTTPStatus.BAD_REQUEST, "the body is nested too deeply")


def log_failure(request: AnyRequest, reason: str) -> None:
    """A line for a request that failed through no fault of its sender."""
    front_of(request).log.error("request_failed", path=request.url.path, reason=reason)


def _wrongs(extra: object) -> tuple[Wrong, ...]:
    """Litestar's list of what is wrong, in ours."""
    if not isinstance(extra, list):
        return ()
    return tuple(_wrong(one) for one in extra if isinstance(one, dict))


def _wrong(told: dict[str, Any]) -> Wrong:
    """One of them. What is missing altogether is told by its name alone."""
    field, message = told.get("key"), str(told.get("message", ""))
    return Wrong(detail="is missing" if message == repr(field) else message, field=field)


HANDLERS: ExceptionHandlersMap = {
    AiSellerError: _foreseen,
    HTTPException: _http,
    RecursionError: _too_deep,
    Exception: _unforeseen,
}
"""Every failure's way to an answer."""
