"""WAHA's HTTP API as we use it: what is asked, and what is done with the answers.

What each failure means is said in ``waha_failures``: a passing one is ``Transient``, a lasting
one ``Permanent``, and where nobody knows whether a message went, ``Uncertain``.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Self
from urllib.parse import quote, urlencode

import httpx
import msgspec

from app.domain.events import Address, Attachment, Fact
from app.errors import Permanent, Transient
from app.gateways.tls import tls
from app.gateways.waha_answers import (
    EVENTS,
    Answer,
    FoundSession,
    SessionState,
    Version,
    Webhook,
    configured,
    lid_in,
    listens,
    phone_in,
    sent_id,
    session_state,
)
from app.gateways.waha_failures import (
    NEVER_LEFT,
    EngineFailed,
    NoRoute,
    NotFound,
    failure,
    unanswered,
    unreachable,
)
from app.gateways.waha_files import WITHIN, fetched, route_of
from app.gateways.waha_messages import read_history
from app.gateways.waha_sessions import code_in, fetched_qr, own_number
from app.gateways.waha_wire import chat_id, decoded, part, text

__all__ = ["EVENTS", "LANES", "SessionState", "Version", "Waha", "Webhook"]

_TIMEOUT = httpx.Timeout(connect=5, read=40, write=40, pool=5)
"""WAHA waits up to 10 s for a session and 10 s for a preview before it answers."""
LANES = 20
"""Requests under way at once: few enough for httpx's pool, whose cost grows with their square."""

_FILE_LANES = 4
"""Of them those that files may take, so that none keeps an answer to a customer waiting."""

_LIMITS = httpx.Limits(max_connections=LANES, keepalive_expiry=4)
"""Node closes an idle connection after 5 s: we do it first, so that none dies under a request."""

_EVERY_CHAT = "all"
_FULL = 0.5
"""A page may be the last when it holds no more than this part of its limit: GOWS counts reactions
and the like, and then leaves them out."""


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
        self._file_lanes = asyncio.Semaphore(_FILE_LANES)
        self._http = http or httpx.AsyncClient(
            timeout=_TIMEOUT,
            limits=_LIMITS,
            trust_env=False,
            follow_redirects=False,
            verify=tls(),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    # -- a chat

    def lane(self) -> asyncio.Semaphore:
        """A place among the requests under way, to be held around ``send_text``."""
        return self._lanes

    async def send_text(
        self,
        session: str,
        address: Address,
        text: str,
        *,
        id: str | None = None,  # noqa: A002 - WAHA's word
    ) -> str:
        """Send ``text`` and return WhatsApp's short id of the message.

        Asked inside ``lane()``, so that nothing is waited for between the last look at the chat
        and the request. ``id`` becomes that id in NOWEB and GOWS since 2026.4.3 and is ignored
        elsewhere. The same call twice is two messages. Raises Transient, Permanent or Uncertain;
        Uncertain with the code ``no_id`` means that it went and only its id is unknown.
        """
        body = {**_chat(session, address), "text": text, "linkPreview": False}
        body = body if id is None else {**body, "id": id}
        return sent_id(await self._exchange("POST", "/api/sendText", body))

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

    async def file(self, attachment: Attachment, *, most: int, within: float = WITHIN) -> bytes:
        """The file that came with a message, asked of this WAHA and of nobody else.

        Raises Permanent with the code ``not_a_file`` (it lies on no path of WAHA's files),
        ``too_large`` (more than ``most`` bytes) or ``redirect``; Transient otherwise, ``not_yet``
        where WAHA does not have it: it may come later, or be gone for good. ``within`` is seconds
        from the first byte asked for to the last.
        """
        url = f"{self._base}{route_of(attachment)}"
        async with self._file_lanes, self._lanes:
            return await fetched(self._http, url, headers=self._headers, most=most, within=within)

    # -- persons

    async def phone_of_lid(self, session: str, lid: str) -> str | None:
        """The phone behind ``lid`` (digits), None when WhatsApp or WAHA does not tell it.

        Raises Transient.
        """
        return phone_in(await self._told(_path(session, "lids", lid)))

    async def lid_of_phone(self, session: str, phone: str) -> str | None:
        """The lid (digits) of ``phone``, None when WhatsApp or WAHA does not tell it.

        Raises Transient.
        """
        return lid_in(await self._told(_path(session, "lids", "pn", phone)))

    async def number_exists(self, session: str, phone: str) -> bool | None:
        """Whether ``phone`` is on WhatsApp, None when it cannot be told. Raises Transient."""
        query = urlencode({"phone": phone, "session": session})
        answer = await self._told(f"/api/contacts/check-exists?{query}")
        found = part(answer, Answer).number_exists
        return found if isinstance(found, bool) else None

    async def history(
        self,
        session: str,
        address: Address | None,
        *,
        since: datetime,
        received_at: datetime,
        limit: int = 100,
        pages: int = 5,
        engine: str | None = None,
        us: Address = Address(),  # noqa: B008 - a frozen value
    ) -> tuple[Fact, ...]:
        """What both sides wrote since then, oldest first: the same facts as by the webhooks.

        ``address`` None is every chat, which not every engine can tell. Of more than ``pages`` of
        ``limit`` messages the oldest are left out. ``engine`` and ``us`` are those of the session:
        they tell apart the shop's notes to itself, and the chat where an id does not name it.

        Raises Permanent with the code ``no_history`` when this WAHA cannot tell (of every chat
        also when its engine failed), and with ``no_address`` when there is nobody to ask for;
        Transient otherwise.
        """
        chat = _EVERY_CHAT if address is None else _chat(session, address)["chatId"]
        query: dict[str, Any] = {"limit": limit, "offset": 0, "downloadMedia": "false"}
        query["filter.timestamp.gte"] = int(since.timestamp())
        messages: list[object] = []
        for page in range(pages):
            query["offset"] = page * limit
            found = await self._messages(session, chat, query)
            messages += found
            if len(found) <= limit * _FULL:
                break
        return read_history(
            messages, session=session, engine=engine, us=us, since=since, received_at=received_at
        )

    # -- the server and its sessions

    async def ping(self) -> None:
        """Return when WAHA answers at all; needs no key."""
        await self._get("/ping")

    async def version(self) -> Version:
        """Which WAHA this is; Transient with the code ``unauthorized`` when the key is wrong."""
        shape = part(await self._get("/api/server/version"), Answer)
        return Version(version=text(shape.version) or "unknown", engine=text(shape.engine))

    async def session(self, session: str) -> SessionState | None:
        """The session as WAHA shows it, None when there is none of this name."""
        found = await self._session(session)
        return None if found is None else session_state(session, found)

    async def start(self, session: str) -> None:
        """Start a session that is stopped; one that is started already stays as it is.

        Raises Transient or Uncertain, as do all that change a session: WAHA takes seconds for it.
        """
        try:
            await self._post(_path("sessions", session, "start"), {})
        except Transient as error:
            found = await self.session(session) if error.code == "session_down" else None
            if found is None or found.status == "STOPPED":
                raise

    async def stop(self, session: str) -> None:
        """Stop a session: it stays logged in and does nothing until it is started."""
        await self._post(_path("sessions", session, "stop"), {})

    async def restart(self, session: str) -> None:
        """Stop and start a session. No cure for WhatsApp's ban on new contacts: it makes it worse.

        It is away for about 5 seconds.
        """
        await self._post(_path("sessions", session, "restart"), {})

    async def logout(self, session: str) -> None:
        """Forget the phone of a session, which then waits for one."""
        await self._post(_path("sessions", session, "logout"), {})

    async def qr(self, session: str) -> bytes:
        """The QR code to be scanned by the shop's phone: a PNG of at most ``MOST_QR`` bytes.

        WAHA makes another one every 20 seconds or so. Raises Transient with the code
        ``session_down`` (after 5 to 10 s) for a session that does not wait to be scanned,
        Permanent with the code ``not_a_picture``.
        """
        url = f"{self._base}{_path(session, 'auth', 'qr')}"
        async with self._lanes:
            return await fetched_qr(self._http, url, headers=self._headers)

    async def pairing_code(self, session: str, phone: str) -> str:
        """The code, as ``ABCD-EFGH``, to be typed into the shop's ``phone`` instead of scanning.

        ``phone`` is written in any way. Raises Refused with the code ``phone_invalid``, Transient
        with ``session_down`` for a session that does not wait for it, Permanent with ``no_code``.
        """
        asked = {"phoneNumber": own_number(phone)}
        return code_in(await self._post(_path(session, "auth", "request-code"), asked))

    async def register_webhook(self, session: str, *, url: str, hmac_key: str) -> bool:
        """Make ``session`` post its events to ``url``, signed with ``hmac_key``.

        The rest of its configuration stays, except that only chats with persons are told of.
        True when something was changed: WAHA then restarts the session, for about 3 seconds.
        A session that does not exist is made and started, with a store for its history; so is one
        that was never set up, as WAHA's own ``default``.
        """
        found = await self._session(session)
        new = configured({"noweb": {"store": {"enabled": True}}}, url=url, hmac_key=hmac_key)
        if found is None:
            body = {"name": session, "start": True, "config": new}
            await self._request("POST", "/api/sessions", body)
            return True
        old = found.config if isinstance(found.config, dict) else {}
        if not old and found.status == "STOPPED":
            await self._request("PUT", _path("sessions", session), {"config": new})
            found = await self._session(session)
            if found is not None and found.status == "STOPPED":
                await self._request("POST", _path("sessions", session, "start"), {})
            return True
        if listens(old, url=url, hmac_key=hmac_key):
            return False
        config = configured(old, url=url, hmac_key=hmac_key)
        await self._request("PUT", _path("sessions", session), {"config": config})
        return True

    async def _session(self, session: str) -> FoundSession | None:
        try:
            answer = await self._get(_path("sessions", session))
        except NotFound:
            return None
        return part(answer, FoundSession)

    # -- the wire

    async def _told(self, path: str) -> object:
        """The answer, None where this WAHA cannot tell: no such route, no store, no lids."""
        try:
            return await self._get(path)
        except (Permanent, NoRoute):
            return None

    async def _messages(self, session: str, chat: str, query: dict[str, Any]) -> list[object]:
        """One page of a history."""
        path = _path(session, "chats", chat, "messages")
        cannot = (Permanent, NoRoute, EngineFailed) if chat == _EVERY_CHAT else (Permanent, NoRoute)
        try:
            answer = await self._get(f"{path}?{urlencode(query)}")
        except cannot as error:
            if error.code == "not_on_whatsapp":  # of this person only: others may be told of
                raise Transient(error.reason, code=error.code) from error
            raise Permanent("this WAHA keeps no history", code="no_history") from error
        if not isinstance(answer, list):
            raise Permanent("this WAHA answers with no history", code="no_history")
        return answer

    async def _get(self, path: str) -> object:
        return await self._request("GET", path, None)

    async def _post(self, path: str, body: dict[str, Any]) -> object:
        return await self._request("POST", path, body)

    async def _request(self, method: str, path: str, body: dict[str, Any] | None) -> object:
        """The same in a lane of its own."""
        async with self._lanes:
            return await self._exchange(method, path, body)

    async def _exchange(self, method: str, path: str, body: dict[str, Any] | None) -> object:
        """The decoded answer of a 2xx (None when it is no JSON); everything else raises."""
        content = None if body is None else msgspec.json.encode(body)
        try:
            response = await self._http.request(
                method, f"{self._base}{path}", content=content, headers=self._headers
            )
        except NEVER_LEFT as error:
            raise unreachable(error) from error
        except httpx.HTTPError as error:
            raise unanswered(error, reading=method == "GET") from error
        if not response.is_success:
            raise failure(response, reading=method == "GET")
        return decoded(response.content)


# -- what is asked


def _path(*names: str) -> str:
    """A path of the API; whatever a name is made of, it stays one part."""
    return "/".join(["/api", *(quote(name, safe="") for name in names)])


def _chat(session: str, address: Address) -> dict[str, Any]:
    to = chat_id(address)
    if to is None:
        raise Permanent("nobody to write to: neither a phone nor a lid", code="no_address")
    return {"session": session, "chatId": to}
