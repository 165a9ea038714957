"""Who may see the desk: the admin key once, then a signed cookie; and no form of another site."""

from __future__ import annotations

import hmac
import re
import secrets
from datetime import timedelta
from hashlib import sha256
from http import HTTPStatus
from ipaddress import IPv6Address, ip_network
from typing import Annotated, Literal

from itsdangerous import Signer
from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect
from msgspec import Meta, Struct

from app.domain.events import Language
from app.errors import Refused
from app.store.logins import Login
from app.web import phone_line
from app.web.desk.catalogue import said
from app.web.desk.pages import html, rendered
from app.web.desk.visit import CSRF_FIELD, FromVisit, Visit, fields_of, form_of
from app.web.front import FromFront, Front, front_of
from app.web.guards import Connection, client_ip, from_other_site, plain_name
from app.web.problems import SAFE_HEADERS, AnyRequest

COOKIE = "ai_seller_desk"
DEMO_COOKIE = "ai_seller_demo"
BROWSER = "ai_seller_browser"
"""The cookie of a browser somebody has logged in with. It opens nothing: it has tries of its own,
so that a stranger who uses up those of an address, as all have behind some proxies, locks out
nobody who was here before.
"""

COOKIES_KEPT = timedelta(days=365)
"""How long a browser keeps them. How long a login lasts after its last use is the store's to say.
"""

CSRF_HEADER = "x-csrf-token"
HOME = "/desk/chats"
RUSSIAN = Language.RU

MOST_OF_A_STRANGER = 8 * 1024
"""Bytes of the form of the login, which is read before anybody is known."""

_LOGIN = "desk login"
_CSRF = "desk csrf"
_BROWSER = "desk browser"
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
    return await _signed(front, connection.cookies.get(_cookie_name(front), ""), purpose=_LOGIN)


async def _signed(front: Front, shown: str, *, purpose: str) -> str | None:
    """What we have signed for this purpose, letter for letter: unlike ``unsign``, which takes a
    signature that is spelled otherwise.
    """
    value, _, signature = shown.rpartition(".")
    expected = (await _signer(front, purpose)).get_signature(value)
    good = hmac.compare_digest(signature.encode("utf-8", "replace"), expected)
    return value if value and good else None


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
        "connection": await phone_line.count_in_trouble(front),
        "problems": await front.journal.count_buried(),
    }
    return Visit(request, front, login=login, csrf=csrf, waiting=waiting)


async def opened(front: Front, login: Login, *, secure: bool) -> Cookie:
    """Log somebody in: the cookie they show from then on. Raises ``StoreDown``."""
    secret = await front.logins.open(login)
    signed = (await _signer(front, _LOGIN)).sign(secret).decode()
    return _cookie(_cookie_name(front), signed, kept=COOKIES_KEPT, secure=secure)


async def demo_cookie(front: Front, lang: Language = Language.RU) -> Cookie:
    """The login of a visitor of the demo, where nobody has a key to type; for /demo alone."""
    return await opened(front, Login(who=said("Демо", lang), lang=lang), secure=False)


def _cookie_name(front: Front) -> str:
    """A cookie belongs to a host, whatever the port: a demo beside a shop ends nobody's login."""
    return DEMO_COOKIE if front.demo else COOKIE


def _cookie(
    key: str,
    value: str,
    *,
    kept: timedelta,
    secure: bool,
    path: str = "/desk",
    samesite: Literal["lax", "strict"] = "lax",
) -> Cookie:
    return Cookie(
        key=key,
        value=value,
        path=path,
        max_age=round(kept.total_seconds()),
        httponly=True,
        samesite=samesite,
        secure=secure,
    )


async def _browser_of(front: Front, request: AnyRequest) -> str | None:
    """The browser that asks, when somebody has logged in with it while this key was the key."""
    return await _signed(front, request.cookies.get(BROWSER, ""), purpose=_BROWSER)


async def _remembered(front: Front, browser: str | None, *, secure: bool) -> Cookie:
    """What a browser that was logged in with shows at the next login, and nowhere else."""
    signed = (await _signer(front, _BROWSER)).sign(browser or secrets.token_urlsafe(16)).decode()
    return _cookie(
        BROWSER, signed, kept=COOKIES_KEPT, secure=secure, path="/desk/login", samesite="strict"
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
    """Ten tries in a quarter of an hour an address, or a browser that is known; then it waits."""
    if from_other_site(request):
        raise Refused("log in from the desk's own page", code="not_our_form", status=403)
    asked = await form_of(request, Key)
    browser = await _browser_of(front, request)
    whose = _address(request) if browser is None else f"browser:{browser}"
    wait = await front.logins.tries(whose)
    if wait is not None:
        minutes = -(-wait.seconds // 60)
        text = said("Слишком много попыток. Подождите {n} мин.", asked.lang, n=minutes)
        return _again(front, asked, fault=text, wait=wait.seconds)
    if not hmac.compare_digest(
        asked.key.strip().encode("utf-8", "replace"), front.admin_key.encode()
    ):
        front.log.warning("desk_login_refused")
        text = said(
            "Ключ не подходит. Он лежит в файле, путь к которому печатает запуск.", asked.lang
        )
        return _again(front, asked, fault=text)
    await front.logins.forgive(whose)
    front.log.info("desk_login")
    return await _let_in(front, request, asked=asked, browser=browser)


async def _let_in(
    front: Front, request: AnyRequest, *, asked: Key, browser: str | None
) -> Redirect:
    who, secure = plain_name(asked.who) or said("Продавец", asked.lang), _is_https(request)
    answer = Redirect(_own_page(asked.next), status_code=303)
    answer.set_cookie(await opened(front, Login(who=who, lang=asked.lang), secure=secure))
    answer.set_cookie(await _remembered(front, browser, secure=secure))
    return answer


@post("/logout")
async def log_out(request: AnyRequest, front: FromFront) -> Redirect:
    """The cookie is worth nothing from then on."""
    await front.logins.close(request.state[_SECRET])
    answer = Redirect("/desk/login", status_code=303)
    answer.set_cookie(_cookie(_cookie_name(front), "", kept=timedelta(), secure=False))
    return answer


@post("/language")
async def choose_language(request: AnyRequest, front: FromFront, visit: FromVisit) -> Redirect:
    """Kept with the login."""
    chosen = await visit.form(Chosen)
    await front.logins.change(request.state[_SECRET], Login(who=visit.who, lang=chosen.lang))
    return Redirect(_own_page(chosen.here), status_code=303)


def _again(front: Front, asked: Key, *, fault: str, wait: int = 0) -> Response[str]:
    """The form once more, with what was written there but the key."""
    status, who = 429 if wait else 401, plain_name(asked.who)
    answer = _form(front, lang=asked.lang, to=asked.next, who=who, fault=fault, status=status)
    if wait:
        answer.headers["Retry-After"] = str(wait)
    return answer


def _form(
    front: Front,
    *,
    lang: Language,
    to: str,
    who: str = "",
    fault: str | None = None,
    status: int = 200,
) -> Response[str]:
    def t(text: str) -> str:
        return said(text, lang)

    values: dict[str, object] = {
        "t": t,
        "lang": lang.value,
        "next": _own_page(to),
        "who": who,
        "fault": fault,
        "shop_name": front.rules.shops[0].name,
    }
    return html(rendered("login.html", values), status=status, framed=front.demo)


def to_login(request: AnyRequest, _error: NotLoggedInError) -> Response[str] | Redirect:
    """A browser is sent to the login and comes back from it; the script is told plainly."""
    if request.headers.get("x-desk") or "text/html" not in request.headers.get("accept", ""):
        return html("", status=HTTPStatus.UNAUTHORIZED)
    here = request.url.path if request.method in _SAFE else HOME
    return Redirect(
        "/desk/login", query_params={"next": here}, status_code=303, headers=SAFE_HEADERS
    )


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
