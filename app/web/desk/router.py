"""Every page of the desk, behind its login; failures come as pages too."""

from __future__ import annotations

from pathlib import Path

from litestar import Response, Router, get
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler, ExceptionHandlersMap

from app.errors import AiSellerError
from app.web.desk import (
    chat_acts,
    chats,
    connection,
    live,
    login,
    problems,
    texts,
    today,
    waiting,
)
from app.web.desk.catalogue import said
from app.web.desk.pages import file_of, html, rendered
from app.web.desk.visit import TABS
from app.web.front import front_of
from app.web.problems import SAFE_HEADERS, AnyRequest, hung_up, log_failure, status_of

_MEDIA = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
MOST = 64 * 1024
"""Bytes of a form: the longest message there can be has 48 KB of it."""

_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@get("/")
async def home() -> Redirect:
    """The chats are what a seller looks at first."""
    return Redirect(login.HOME, status_code=303)


@get("/static/{name:str}")
async def static_file(name: FromPath[str]) -> Response[bytes]:
    """A style, a script or an icon; its address changes with it."""
    found = file_of(name)
    if found is None:
        raise HTTPException("no such file", status_code=404)
    media = _MEDIA.get(f".{name.rpartition('.')[2]}", "application/octet-stream")
    return Response(found[0], media_type=media, headers=_FOR_EVER)


@get("/{rest:path}")
async def nothing(rest: FromPath[Path]) -> Response[str]:
    """There is no such page: told to those who are logged in, the others log in first."""
    raise HTTPException(f"no page {rest}", status_code=404)


def _failed(request: AnyRequest, error: AiSellerError) -> Response[str]:
    status = status_of(error)
    if status >= 500:  # noqa: PLR2004 - HTTP's own border
        log_failure(request, error.reason)
    return _told(request, status)


def _refused(request: AnyRequest, error: HTTPException) -> Response[str]:
    if hung_up(error):
        return _told(request, 400)
    if error.status_code >= 500:  # noqa: PLR2004 - HTTP's own border
        return _unforeseen(request, error)
    return _told(request, error.status_code)


def opened_a_form(request: AnyRequest) -> Redirect:
    """The page of a form whose own address was opened, as a browser does that brings tabs back."""
    path = request.url.path
    to = next((tab for _, tab, _ in TABS if path.startswith(f"{tab}/")), login.HOME)
    return Redirect(to, status_code=303, headers=SAFE_HEADERS)


def _unforeseen(request: AnyRequest, error: Exception) -> Response[str]:
    front_of(request).log.error("request_failed", path=request.url.path, exc_info=error)
    return _told(request, 500)


_TEXTS = {
    400: "Форма заполнена не так, как нужно. Вернитесь и проверьте поля.",
    403: "Страница устарела. Откройте её заново и повторите.",
    404: "Такой страницы нет: чат удалён или ссылка неверная.",
    409: "Это уже изменилось. Вернитесь и посмотрите, как стало.",
    413: "Это слишком длинно. Вернитесь и сократите.",
    429: "Слишком часто. Подождите немного.",
    502: "Другая служба не приняла запрос. Посмотрите на странице «Связь», что с ней.",
    503: "Хранилище или WhatsApp сейчас не отвечает. Ничего не потеряно: попробуйте через минуту.",
}
_OTHERWISE = "Что-то пошло не так. Ошибка записана в журнал."


def _told(request: AnyRequest, status: int) -> Response[str]:
    known = request.state.get("login")
    lang = known.lang if known is not None else login.RUSSIAN
    values: dict[str, object] = {
        "lang": lang.value,
        "status": status,
        "title": said("Не получилось", lang),
        "text": said(_TEXTS.get(status, _OTHERWISE), lang),
        "home": said("К чатам", lang),
    }
    framed = front_of(request).demo
    return html(rendered("failed.html", values), status=status, framed=framed)


_HANDLERS: ExceptionHandlersMap = {
    login.NotLoggedInError: login.to_login,
    AiSellerError: _failed,
    HTTPException: _refused,
    Exception: _unforeseen,
}


def _pages() -> list[ControllerRouterHandler]:
    """What one has to be logged in for."""
    return [
        home, *login.ROUTES,
        *chats.ROUTES, *chat_acts.ROUTES, *live.ROUTES,
        *today.ROUTES, *waiting.ROUTES,
        *connection.ROUTES,
        *texts.ROUTES,
        *problems.ROUTES,
        nothing,
    ]  # fmt: skip


def desk() -> Router:
    """The desk: its login, its files, its pages."""
    return Router(
        "/desk",
        route_handlers=[
            *login.PUBLIC,
            static_file,
            Router(
                "/",
                route_handlers=_pages(),
                guards=[login.logged_in, login.own_form],
                dependencies={"visit": Provide(login.visit_of)},
            ),
        ],
        exception_handlers=_HANDLERS,
        include_in_schema=False,
        request_max_body_size=MOST,
    )
