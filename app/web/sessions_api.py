"""The WhatsApp sessions: linking a phone, starting anew, having messages posted to us."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from app.web import phone_line
from app.web.front import FromFront, Front
from app.web.problems import GUARDED, told

_ANSWERS = GUARDED | told(HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY)


class Phone(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shop's own number, written in any way."""

    phone: Annotated[str, Meta(min_length=1, max_length=40)]


class PairingCode(Struct, frozen=True, kw_only=True):
    """What is typed into the shop's phone instead of scanning: ``ABCD-EFGH``."""

    code: str


class Asked(Struct, frozen=True, kw_only=True):
    """WAHA does it now; the session is back in a few seconds. False: nothing was to be done."""

    session: str
    done: bool = True


@get(
    "/{session:str}/qr",
    media_type="image/png",
    responses=_ANSWERS,
    summary="The QR code to be scanned by the shop's phone",
)
async def qr(front: FromFront, session: FromPath[str]) -> Response[bytes]:
    """A PNG, another one every 20 seconds or so. 409 while the session waits for no phone."""
    return Response(await phone_line.qr(front, session), media_type="image/png")


@post(
    "/{session:str}/pairing-code",
    status_code=HTTPStatus.OK,
    responses=_ANSWERS,
    summary="A code to be typed into the shop's phone",
)
async def pairing_code(
    front: FromFront, session: FromPath[str], data: JSONBody[Phone]
) -> PairingCode:
    """Instead of scanning; 409 while the session does not wait for a phone."""
    code = await phone_line.pairing_code(front, session, data.phone)
    _noted(front, "session_pairing", session)
    return PairingCode(code=code)


@post(
    "/{session:str}/restart",
    status_code=HTTPStatus.OK,
    responses=_ANSWERS,
    summary="Stop a session and start it",
)
async def restart(front: FromFront, session: FromPath[str]) -> Asked:
    """It is away for about 5 seconds. 409 while WhatsApp forbids writing to new contacts, which a
    restart makes worse; 429 twice within 30 seconds.
    """
    await phone_line.restart(front, session)
    _noted(front, "session_restart", session)
    return Asked(session=session)


@post(
    "/{session:str}/start",
    status_code=HTTPStatus.OK,
    responses=_ANSWERS,
    summary="Start a session that is stopped",
)
async def start(front: FromFront, session: FromPath[str]) -> Asked:
    """One that is started stays as it is."""
    await phone_line.start(front, session)
    _noted(front, "session_start", session)
    return Asked(session=session)


@post(
    "/{session:str}/webhook",
    status_code=HTTPStatus.OK,
    responses=_ANSWERS,
    summary="Have a session post its messages to us",
)
async def webhook(front: FromFront, session: FromPath[str]) -> Asked:
    """As `ai-seller check --fix` does; the session is made where WAHA has none, and is away for
    about 3 seconds when something was changed.
    """
    changed = await phone_line.register_webhook(front, session)
    _noted(front, "session_register_webhook", session)
    return Asked(session=session, done=changed)


def _noted(front: Front, act: str, session: str) -> None:
    front.log.info("operator", act=act, session=session)


ROUTER = Router(
    "/api/sessions",
    route_handlers=[qr, pairing_code, restart, start, webhook],
    tags=["sessions"],
)
