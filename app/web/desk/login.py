"""Who may see the desk: the admin key once, then a signed cookie; and no form of another site."""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from http import HTTPStatus
from ipaddress import IPv6Address, ip_network
from typing import Annotated

from itsdangerous import BadSignature, Signer
from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect
from msgspec import Meta, Struct

from app.domain.events import Language
from app.errors import Refused
from app.store.logins import LOGIN_KEPT, Login
from app.web.desk.catalogue import said
from app.web.desk.pages import html, rendered
from app.web.desk.visit import CSRF_FIELD, FromVisit, Visit, fields_of, form_of
from app.web.front import FromFront, Front, front_of
from app.web.guards import Connection, client_ip, from_other_site, plain_name
from app.web.problems import AnyRequest

COOKIE = "ai_seller_desk"
CSRF_HEADER = "x-csrf-token"
HOME = "/desk/chats"
RUSSIAN = Language.RU

MOST_OF_A_STRANGER = 8 * 1024
"""Bytes of the form of the login, which is read before anybody is known."""

_LOGIN = "desk login"
_CSRF = "desk csrf"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SECRET = "desk_secret"  # noqa: S105 - a name
_OURS = re.compile(r"/desk(?=[/?#]|$)")


class NotLoggedInError(Exception):
    """Nobody is logged in with this request."""


class Key(Struct, frozen=True, kw_only=True):
    """The form of the login."""

    key: Annotated[str, Meta(max_length=1000)]
    who: Annotated[str, Meta(max_length=40)] = ""
    lang: Language = Language.RU
    next: str = HOME


class Chosen(Struct, frozen=True, kw_only=True):
    """The language somebody wants to read the desk in, and the page they are on."""

    lang: Language
    here: str = HOME


async def _signer(front: Front, purpose: str) -> Signer:
    """Signs for one purpose; what it has signed is worth nothing once the admin key is another."""
    key = hmac.digest(await front.contacts.key(), front.admin_key.encode(), sha256)
    return Signer(key, salt=purpose, digest_method=sha256)


async def _secret_of(front: Front, connection: Connection) -> str | None:
    """The secret of the login that the cookie bears, when we have signed it."""
    try:
        signer = await _signer(front, _LOGIN)
        return signer.unsign(connection.cookies.get(COOKIE, "")).decode()
    except BadSignature:
        return None


async def logged_in(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Let in who is logged in. Raises NotLoggedInError."""
    front = front_of(connection)
    secret = await _secret_of(front, connection)
    login = await front.logins.find(secret) if secret else None
    if secret is None or login is None:
        raise NotLoggedInError
    connection.state[_SECRET] = secret
    connection.state["login"] = login


async def is_logged_in(request: AnyRequest) -> bool:
    """Whether who was let in with this request still is. Raises ``StoreDown``."""
    return await front_of(request).logins.find(request.state[_SECRET]) is not None


async def own_form(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Let nothing be changed but by a form of the desk's own. Raises Refused (403)."""
    if not isinstance(connection, Request) or connection.method in _SAFE:
        return
    token = connection.headers.get(CSRF_HEADER)
    if token is None:
        token = (await fields_of(connection)).get(CSRF_FIELD)
    expected = await csrf_of(front_of(connection), connection.state[_SECRET])
    good = token is not None and hmac.compare_digest(
        token.encode("utf-8", "replace"), expected.encode()
    )
    if not good or from_other_site(connection):
        raise Refused(
            "this form is too old, or of another page: load the page again",
            code="not_our_form",
            status=403,
        )


async def csrf_of(front: Front, secret: str) -> str:
    """The token of the forms of one login."""
    return (await _signer(front, _CSRF)).get_signature(secret).decode()


async def visit_of(request: AnyRequest, front: FromFront) -> Visit:
    """The visit of a request that has passed the guards."""
    login: Login = request.state["login"]
    csrf = await csrf_of(front, request.state[_SECRET])
    waiting = {
        "chats": await front.mailbox.count_called(),
        "problems": await front.journal.count_buried(),
    }
    return Visit(request, front, login=login, csrf=csrf, waiting=waiting)


async def opened(front: Front, login: Login, *, secure: bool) -> Cookie:
    """Log somebody in: the cookie they show from then on. Raises ``StoreDown``."""
    secret = await front.logins.open(login)
    signed = (await _signer(front, _LOGIN)).sign(secret).decode()
    return _cookie(signed, seconds=round(LOGIN_KEPT.total_seconds()), secure=secure)


async def demo_cookie(front: Front, lang: Language = Language.RU) -> Cookie:
    """The login of a visitor of the demo, where nobody has a key to type; for /demo alone."""
    return await opened(front, Login(who=said("Демо", lang), lang=lang), secure=False)


def _cookie(value: str, *, seconds: int, secure: bool) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=value,
        path="/desk",
        max_age=seconds,
        httponly=True,
        samesite="lax",
        secure=secure,
    )


# --- the page ---------------------------------------------------------------------------------


@get("/login", media_type=MediaType.HTML)
async def login_page(request: AnyRequest, front: FromFront) -> Response[str] | Redirect:
    """Asks for the key; who is logged in has no need of it."""
    secret = await _secret_of(front, request)
    to = _own_page(request.query_params.get("next", HOME))
    if secret and await front.logins.find(secret):
        return Redirect(to, status_code=303)
    return _form(front, lang=_language(request), to=to)


@post(
    "/login",
    media_type=MediaType.HTML,
    status_code=HTTPStatus.OK,
    request_max_body_size=MOST_OF_A_STRANGER,
)
async def log_in(request: AnyRequest, front: FromFront) -> Response[str] | Redirect:
    """Ten tries in a quarter of an hour an address; then it has to wait."""
    if from_other_site(request):
        raise Refused("log in from the desk's own page", code="not_our_form", status=403)
    asked = await form_of(request, Key)
    wait = await front.logins.tries(_address(request))
    if wait is not None:
        minutes = -(-wait.seconds // 60)
        text = said("Слишком много попыток. Подождите {n} мин.", asked.lang, n=minutes)
        return _form(front, lang=asked.lang, to=asked.next, fault=text, wait=wait.seconds)
    if not hmac.compare_digest(
        asked.key.strip().encode("utf-8", "replace"), front.admin_key.encode()
    ):
        front.log.warning("desk_login_refused")
        text = said(
            "Ключ не подходит. Он лежит в файле, путь к которому печатает запуск.", asked.lang
        )
        return _form(front, lang=asked.lang, to=asked.next, fault=text)
    await front.logins.forgive(_address(request))
    who = plain_name(asked.who) or said("Продавец", asked.lang)
    cookie = await opened(front, Login(who=who, lang=asked.lang), secure=_is_https(request))
    front.log.info("desk_login")
    answer = Redirect(_own_page(asked.next), status_code=303)
    answer.set_cookie(cookie)
    return answer


@post("/logout")
async def log_out(request: AnyRequest, front: FromFront) -> Redirect:
    """The cookie is worth nothing from then on."""
    await front.logins.close(request.state[_SECRET])
    answer = Redirect("/desk/login", status_code=303)
    answer.set_cookie(_cookie("", seconds=0, secure=False))
    return answer


@post("/language")
async def choose_language(request: AnyRequest, front: FromFront, visit: FromVisit) -> Redirect:
    """Kept with the login."""
    chosen = await visit.form(Chosen)
    await front.logins.change(request.state[_SECRET], Login(who=visit.who, lang=chosen.lang))
    return Redirect(_own_page(chosen.here), status_code=303)


def _form(
    front: Front, *, lang: Language, to: str, fault: str | None = None, wait: int = 0
) -> Response[str]:
    def t(text: str) -> str:
        return said(text, lang)

    values: dict[str, object] = {
        "t": t,
        "lang": lang.value,
        "next": _own_page(to),
        "fault": fault,
        "shop_name": front.rules.shops[0].name,
        "demo": front.demo,
    }
    status = 200 if fault is None else 429 if wait else 401
    answer = html(rendered("login.html", values), status=status, framed=front.demo)
    if wait:
        answer.headers["Retry-After"] = str(wait)
    return answer


def to_login(request: AnyRequest, _error: NotLoggedInError) -> Response[str] | Redirect:
    """A browser is sent to the login and comes back from it; the script is told plainly."""
    if request.headers.get("x-desk") or "text/html" not in request.headers.get("accept", ""):
        return html("", status=HTTPStatus.UNAUTHORIZED)
    here = request.url.path if request.method in _SAFE else HOME
    return Redirect("/desk/login", query_params={"next": here}, status_code=303)


def _is_https(request: AnyRequest) -> bool:
    """Whether the browser spoke https, also to a proxy whose word for it we do not take."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https:")


def _own_page(to: str) -> str:
    """``to`` where it is a page of the desk; an address made by a stranger leads to none else."""
    good = _OURS.match(to) and "\\" not in to and "//" not in to and to.isprintable()
    return to if good else HOME


def _language(request: AnyRequest) -> Language:
    return Language.KK if request.query_params.get("lang") == "kk" else Language.RU


def _address(request: AnyRequest) -> str:
    """Who tries: an IPv4 address, or the network that one owner of IPv6 has."""
    address = client_ip(request)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address)


PUBLIC = [login_page, log_in]
ROUTES = [log_out, choose_language]
