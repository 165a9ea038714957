"""WAHA's HTTP API as we use it: what is asked, what is answered, and what each failure means.

Failures are sorted here, by what is known of the request:

- it never left, or WAHA refused it for a passing reason: ``Transient``
- it was refused for good: ``Permanent``
- it left and nobody knows: ``Uncertain`` (never for a GET, which changes nothing)

No reason repeats what WAHA answered: its errors echo the whole request, text and phone.
"""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from typing import Any, Self
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct

from app.domain.events import Address
from app.errors import AiSellerError, Permanent, Transient, Uncertain
from app.gateways.waha_wire import (
    Me,
    Timelock,
    account,
    address_of,
    chat_id,
    decoded,
    identity,
    moment,
    number,
    part,
    text,
)

EVENTS = (
    "message.any",
    "message.ack",
    "message.reaction",
    "message.revoked",
    "message.edited",
    "session.status",
    "call.received",
)
"""What the webhook asks for: ``message.any`` brings all of ``message``, so never both."""

_RETRIES = {"policy": "exponential", "delaySeconds": 2, "attempts": 10}  # 4 s … 34 min
_ONLY_PERSONS = {"status": True, "groups": True, "channels": True, "broadcast": True}

_TIMEOUT = httpx.Timeout(connect=5, read=40, write=40, pool=5)
"""WAHA waits up to 10 s for a session and 10 s for a preview before it answers."""
LANES = 20
"""Requests under way at once: few enough for httpx's pool, whose cost grows with their square."""

_LIMITS = httpx.Limits(max_connections=LANES, keepalive_expiry=4)
"""Node closes an idle connection after 5 s: we do it first, so that none dies under a request."""

_CONFIG_RETRY = 60  # seconds: somebody has to correct a setting
_SESSION_RETRY = 15
_BUSY_RETRY = 30

_TIMELOCK = re.compile(r"(?<![0-9])463(?![0-9])")
_NOT_ON_WHATSAPP = ("no lid found", "lid is missing", "not on whatsapp")

_NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


class Webhook(Struct, frozen=True, kw_only=True):
    """Where a session posts its events. Its key stays in WAHA."""

    url: str
    events: tuple[str, ...]
    has_hmac: bool


class SessionState(Struct, frozen=True, kw_only=True):
    """A session of WAHA; ``status`` is WAHA's word (``WORKING``, ``SCAN_QR_CODE`` …).

    ``restricted_until`` is set while WhatsApp forbids writing to new contacts.
    """

    name: str
    status: str
    us: Address = Address()
    engine: str | None = None
    webhooks: tuple[Webhook, ...] = ()
    restricted_until: datetime | None = None


class Version(Struct, frozen=True, kw_only=True):
    """Which WAHA answers."""

    version: str
    engine: str | None = None


class Waha:
    """One WAHA server. Opens its own connections; ``http`` is for tests that bring theirs.

    ``endpoint`` is its base address, with or without ``/api``; ``api_key`` is the plain key.
    """

    def __init__(
        self, endpoint: str, api_key: str, *, http: httpx.AsyncClient | None = None
    ) -> None:
        self._base = endpoint.strip().rstrip("/").removesuffix("/api")
        headers = {"X-Api-Key": api_key.strip(), "Content-Type": "application/json"}
        self._headers = httpx.Headers(headers, encoding="utf-8")
        self._lanes = asyncio.Semaphore(LANES)
        self._http = http or httpx.AsyncClient(
            timeout=_TIMEOUT, limits=_LIMITS, trust_env=False, follow_redirects=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    # -- a chat

    async def send_text(
        self,
        session: str,
        address: Address,
        text: str,
        *,
        id: str | None = None,  # noqa: A002 - WAHA's word
    ) -> str:
        """Send ``text`` and return WhatsApp's short id of the message.

        ``id`` becomes that id in NOWEB and GOWS since 2026.4.3 and is ignored elsewhere. The
        same call twice is two messages. Raises Transient, Permanent or Uncertain; Uncertain
        with the code ``no_id`` means that it went and only its id is unknown.
        """
        body = {**_chat(session, address), "text": text, "linkPreview": False}
        answer = await self._post("/api/sendText", body if id is None else {**body, "id": id})
        return _sent_id(answer)

    async def send_seen(
        self, session: str, address: Address, wire_ids: tuple[str, ...] = ()
    ) -> None:
        """Mark messages as read by their full ids; without ids all of the last days."""
        ids = {"messageIds": list(wire_ids)} if wire_ids else {}
        await self._post("/api/sendSeen", {**_chat(session, address), **ids})

    async def start_typing(self, session: str, address: Address) -> None:
        """Show «typing…», until a message or ``stop_typing``."""
        await self._post("/api/startTyping", _chat(session, address))

    async def stop_typing(self, session: str, address: Address) -> None:
        """Show «typing…» no longer."""
        await self._post("/api/stopTyping", _chat(session, address))

    async def phone_of_lid(self, session: str, lid: str) -> str | None:
        """The phone behind ``lid`` (digits), None when WhatsApp or WAHA does not tell it."""
        try:
            answer = await self._get(f"/api/{quote(session, safe='')}/lids/{quote(lid, safe='')}")
        except Permanent:  # NOWEB without its store, an engine without lids
            return None
        found = address_of(part(answer, _Answer).pn)
        return found.phone if found else None

    # -- the server and its sessions

    async def ping(self) -> None:
        """Return when WAHA answers at all; needs no key."""
        await self._get("/ping")

    async def version(self) -> Version:
        """Which WAHA this is; Transient with the code ``unauthorized`` when the key is wrong."""
        shape = part(await self._get("/api/server/version"), _Answer)
        return Version(version=text(shape.version) or "unknown", engine=text(shape.engine))

    async def session(self, session: str) -> SessionState | None:
        """The session as WAHA shows it, None when there is none of this name."""
        found = await self._session(session)
        return None if found is None else _info(session, found)

    async def register_webhook(self, session: str, *, url: str, hmac_key: str) -> bool:
        """Make ``session`` post its events to ``url``, signed with ``hmac_key``.

        The rest of its configuration stays, except that only chats with persons are told of.
        True when something was changed: WAHA then restarts the session, for about 3 seconds.
        A session that does not exist is made and started.
        """
        found = await self._session(session)
        if found is None:
            new = _configured({"noweb": {"store": {"enabled": True}}}, url, hmac_key)
            body = {"name": session, "start": True, "config": new}
            await self._request("POST", "/api/sessions", body)
            return True
        old = found.config if isinstance(found.config, dict) else {}
        if _listens(old, url, hmac_key):
            return False
        path = f"/api/sessions/{quote(session, safe='')}"
        await self._request("PUT", path, {"config": _configured(old, url, hmac_key)})
        return True

    async def _session(self, session: str) -> _Session | None:
        try:
            answer = await self._get(f"/api/sessions/{quote(session, safe='')}")
        except _NotFound:
            return None
        return part(answer, _Session)

    # -- the wire

    async def _get(self, path: str) -> object:
        return await self._request("GET", path, None)

    async def _post(self, path: str, body: dict[str, Any]) -> object:
        return await self._request("POST", path, body)

    async def _request(self, method: str, path: str, body: dict[str, Any] | None) -> object:
        """The decoded answer of a 2xx (None when it is no JSON); everything else raises."""
        content = None if body is None else msgspec.json.encode(body)
        try:
            async with self._lanes:
                response = await self._http.request(
                    method, f"{self._base}{path}", content=content, headers=self._headers
                )
        except _NEVER_LEFT as error:
            raise _unreachable(error) from error
        except httpx.HTTPError as error:
            raise _unanswered(error, reading=method == "GET") from error
        if not response.is_success:
            raise _failure(response, reading=method == "GET")
        return decoded(response.content)


class _NotFound(Transient):
    """A 404 that is about the thing asked for, not about the route."""


# -- shapes of answers


class _Answer(Struct, frozen=True):
    """The small answers, all at once. NOWEB tells ``key.id``, GOWS and WEBJS ``id``."""

    key: Any = None
    id: Any = None
    raw: Any = msgspec.field(default=None, name="_data")
    pn: Any = None
    version: Any = None
    engine: Any = None


class _Session(Struct, frozen=True):
    """``config`` is kept as WAHA wrote it: what we do not know of goes back unchanged."""

    name: Any = None
    status: Any = None
    me: Any = None
    config: Any = None
    engine: Any = None


class _Config(Struct, frozen=True):
    webhooks: Any = None
    ignore: Any = None


class _Hook(Struct, frozen=True):
    url: Any = None
    events: Any = None
    hmac: Any = None

    @property
    def key(self) -> str | None:
        """Its HMAC key, which WAHA shows in clear."""
        return text(part(self.hmac, _Answer).key)

    @property
    def asks_for(self) -> tuple[str, ...]:
        """The names of its events."""
        events = self.events if isinstance(self.events, list) else []
        return tuple(event for event in events if isinstance(event, str))


class _Problem(Struct, frozen=True):
    """The three shapes of WAHA's errors in one."""

    message: Any = None
    error: Any = None
    status: Any = None
    session: Any = None
    exception: Any = None


class _Exception(Struct, frozen=True):
    message: Any = None
    details: Any = None


# -- questions and answers


def _chat(session: str, address: Address) -> dict[str, Any]:
    to = chat_id(address)
    if to is None:
        raise Permanent("nobody to write to: neither a phone nor a lid", code="no_address")
    return {"session": session, "chatId": to}


def _sent_id(answer: object) -> str:
    sent = part(answer, _Answer)
    key, raw = part(sent.key, _Answer), part(sent.raw, _Answer)
    short = text(key.id, identity(sent.id).short, identity(raw.id).short)
    if short is None:
        raise Uncertain("WAHA took the message and did not tell its id", code="no_id")
    return short


def _info(name: str, found: _Session) -> SessionState:
    lock = part(part(found.me, Me).reachout_timelock, Timelock)
    until = moment(number(lock.time_enforcement_ends)) if lock.is_active is True else None
    hooks = [part(hook, _Hook) for hook in _hooks(found.config)]
    return SessionState(
        name=text(found.name) or name,
        status=text(found.status) or "UNKNOWN",
        us=account(found.me),
        engine=text(part(found.engine, _Answer).engine),
        webhooks=tuple(
            Webhook(url=text(hook.url) or "", events=hook.asks_for, has_hmac=hook.key is not None)
            for hook in hooks
        ),
        restricted_until=until,
    )


def _hooks(config: object) -> list[Any]:
    hooks = part(config, _Config).webhooks
    return hooks if isinstance(hooks, list) else []


def _listens(config: dict[str, Any], url: str, hmac_key: str) -> bool:
    """Whether nothing has to be changed: one webhook at ``url``, told of persons' chats only."""
    ours = [hook for hook in (part(h, _Hook) for h in _hooks(config)) if hook.url == url]
    ignore = part(config, _Config).ignore
    return (
        [(set(hook.asks_for), hook.key) for hook in ours] == [(set(EVENTS), hmac_key)]
        and isinstance(ignore, dict)
        and ignore.items() >= _ONLY_PERSONS.items()
    )


def _configured(config: dict[str, Any], url: str, hmac_key: str) -> dict[str, Any]:
    """``config`` with our webhook in it once, and without chats that are not persons'."""
    hooks = _hooks(config)
    old: dict[str, Any] = next((hook for hook in hooks if part(hook, _Hook).url == url), {})
    ours = {"url": url, "events": list(EVENTS), "hmac": {"key": hmac_key}, "retries": _RETRIES}
    ignore = config.get("ignore")
    return {
        **config,
        "webhooks": [*(hook for hook in hooks if part(hook, _Hook).url != url), {**old, **ours}],
        "ignore": {**(ignore if isinstance(ignore, dict) else {}), **_ONLY_PERSONS},
    }


# -- failures


def _unreachable(error: Exception) -> Transient:
    return Transient(f"WAHA cannot be reached ({type(error).__name__})", code="unreachable")


def _unanswered(error: Exception, *, reading: bool) -> AiSellerError:
    if reading:
        return _unreachable(error)
    return Uncertain(f"WAHA did not answer ({type(error).__name__})", code="no_answer")


def _failure(response: httpx.Response, *, reading: bool) -> AiSellerError:
    problem = part(decoded(response.content), _Problem)
    match response.status_code:
        case 401 | 403:
            return _setting("WAHA refuses WAHA_API_KEY", code="unauthorized")
        case 404:
            return _missing(problem)
        case 422:
            return _unprocessable(problem)
        case 429:
            after = number(response.headers.get("Retry-After"))
            wait = after if after is not None and 0 <= after < float("inf") else _BUSY_RETRY
            return Transient("WAHA is asked too often", code="rate_limited", retry_after=wait)
        case 501:
            return Permanent("this WAHA cannot do that", code="not_supported")
        case status if status < 400:  # noqa: PLR2004 - 1xx and 3xx
            return _setting("WAHA_API_ENDPOINT is not WAHA itself: it redirects", code="redirect")
        case status if status < 500:  # noqa: PLR2004 - 4xx
            return Permanent(f"WAHA refuses the request (HTTP {status})", code="bad_request")
        case status:
            return _engine_error(problem, status, reading=reading)


def _setting(reason: str, *, code: str) -> Transient:
    """Nothing is lost because a setting is wrong: it waits until somebody corrects it."""
    return Transient(reason, code=code, retry_after=_CONFIG_RETRY)


def _missing(problem: _Problem) -> Transient:
    """«Session not found» and the like, against «Cannot POST /api/…» and other servers' pages."""
    said = text(problem.message) or ""
    if said.endswith(" not found"):
        return _NotFound("WAHA does not know it", code="not_found", retry_after=_CONFIG_RETRY)
    return _setting("WAHA_API_ENDPOINT is not a WAHA that can do this", code="no_route")


def _unprocessable(problem: _Problem) -> AiSellerError:
    """A session in a wrong state, unknown, or (before 2026.6) not allowed; else a bad request."""
    said = f"{text(problem.error) or ''} {text(problem.message) or ''}".lower()
    status = text(problem.status)
    if status is None and problem.session is None and "session" not in said:
        return Permanent("WAHA refuses the request (HTTP 422)", code="bad_request")
    reason = "the WhatsApp session is not working"
    if status is not None and re.fullmatch(r"[A-Z_]{1,40}", status):
        reason = f"{reason}: {status}"
    return Transient(reason, code="session_down", retry_after=_SESSION_RETRY)


def _engine_error(problem: _Problem, status: int, *, reading: bool) -> AiSellerError:
    """Only ``exception`` is read: the rest of the answer is our own request."""
    thrown = part(problem.exception, _Exception)
    said = f"{text(thrown.message) or ''} {text(thrown.details) or ''}".lower()
    if any(words in said for words in _NOT_ON_WHATSAPP):
        return Permanent("this number is not on WhatsApp", code="not_on_whatsapp")
    if _TIMELOCK.search(said):
        reason = "WhatsApp does not let this number write to new contacts (463)"
        return Transient(reason, code="restricted")
    if reading:
        return Transient(f"WAHA failed (HTTP {status})", code="server_error")
    return Uncertain(f"WAHA failed (HTTP {status})", code="server_error")
