"""The WhatsApp sessions as the desk shows them: how each is, and what a person may do about it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from msgspec import Struct

from app.domain.session import MISSING, UNAUTHORIZED, UNREACHABLE
from app.errors import AiSellerError
from app.gateways.waha_answers import SessionState
from app.web import phone_line
from app.web.desk.connection_phrases import SESSIONS, STRANGE, Told, told
from app.web.desk.rows import masked_phone
from app.web.desk.visit import Visit
from app.web.figures import Line, lines

LATELY = timedelta(days=1)
"""A webhook that came within this time is one that comes."""

_RUNS_NOT = frozenset({"STOPPED", MISSING, UNREACHABLE, UNAUTHORIZED, "WRONG_ADDRESS", "BROKEN"})
_BY_CODE = {
    "unauthorized": UNAUTHORIZED,
    "no_route": "WRONG_ADDRESS",
    "redirect": "WRONG_ADDRESS",
    "server_error": "BROKEN",
    "rate_limited": "BROKEN",
    "bad_request": "BROKEN",
    "session_down": MISSING,
}
"""What keeps us from knowing a session. An old WAHA knows none but ``default``, and says so."""

_NO_WORD = "UNKNOWN"
"""What an answer without a status is told as: no WAHA's, but of whatever else is there."""


class Hook(StrEnum):
    """Whether customers' messages come to us; ``ELSEWHERE``: they do, by WAHA's own settings.

    ``PARTLY``: they do, and not all else that is asked for. ``LOST``: posted, and never here.
    """

    OURS = "ours"
    PARTLY = "partly"
    LOST = "lost"
    ELSEWHERE = "elsewhere"
    NONE = "none"
    NO_KEY = "no_key"
    UNKNOWN = "unknown"


class Phone(Struct, frozen=True, kw_only=True):
    """A WhatsApp session. ``qr`` names the code that is shown now, None while there is none."""

    ref: str
    session: str
    shops: tuple[str, ...]
    told: Told
    status: str
    since: datetime | None
    phone: str | None
    restricted_until: datetime | None
    waits: bool
    qr: str | None
    held: int
    hook: Hook
    heard_at: datetime | None
    deaf_since: datetime | None

    @property
    def well(self) -> bool:
        """Whether nobody has to look at it."""
        heard = self.hook in (Hook.OURS, Hook.ELSEWHERE)
        return self.told.tone in ("ok", "info") and heard and self.restricted_until is None

    @property
    def restarts(self) -> bool:
        """Whether a restart is offered: not while WhatsApp restricts it, it would make it worse."""
        return self.status not in _RUNS_NOT and self.restricted_until is None


def ref_of(session: str) -> str:
    """A session as addresses name it: it may be called by a phone."""
    return blake2b(session.encode(), digest_size=6).hexdigest()


async def phones_of(visit: Visit) -> list[Phone]:
    """Every session; none while no WAHA is set. Raises ``StoreDown``."""
    line = visit.front.phone_line
    if line is None:
        return []
    looks = [_phone(visit, line, known=known) for known in await lines(visit.front)]
    return await asyncio.gather(*looks)


async def _phone(visit: Visit, line: phone_line.PhoneLine, *, known: Line) -> Phone:
    session, now = known.session, visit.now
    found, status = await _asked(line, session.name)
    until = found.restricted_until if found and found.restricted_until else session.restricted_until
    deaf_since = session.unheard_since if session.deaf(now) else None
    lately = session.heard_at is not None and now - session.heard_at < LATELY
    return Phone(
        ref=ref_of(session.name),
        session=session.name,
        shops=tuple(s.name for s in visit.front.rules.shops if s.session == session.name),
        told=_state(visit, status),
        status=status,
        since=session.since if session.status == status else None,
        phone=_masked(found, session.our_phone),
        restricted_until=until if until is not None and until > now else None,
        waits=status == phone_line.WAITS_FOR_A_PHONE,
        qr=await _qr_mark(line, session.name) if status == phone_line.WAITS_FOR_A_PHONE else None,
        held=known.held,
        hook=_hook(visit, line, found=found, lately=lately, is_deaf=deaf_since is not None),
        heard_at=session.heard_at,
        deaf_since=deaf_since,
    )


async def _asked(line: phone_line.PhoneLine, session: str) -> tuple[SessionState | None, str]:
    """The session as WAHA shows it now, and its status or what keeps us from knowing it."""
    try:
        found = await line.state(session)
    except AiSellerError as error:
        return None, _BY_CODE.get(error.code or "", UNREACHABLE)
    if found is not None and found.status == _NO_WORD:
        return None, "WRONG_ADDRESS"
    return found, MISSING if found is None else found.status


def _state(visit: Visit, status: str) -> Told:
    if status in SESSIONS:
        return told(visit, SESSIONS[status])
    word = visit.t(STRANGE.word, status=status)
    return Told(tone=STRANGE.tone, word=word, todo=visit.t(STRANGE.todo))


def _masked(found: SessionState | None, known: str | None) -> str | None:
    phone = found.us.phone if found is not None and found.us.phone else known
    return masked_phone(phone) if phone else None


def _hook(
    visit: Visit,
    line: phone_line.PhoneLine,
    *,
    found: SessionState | None,
    lately: bool,
    is_deaf: bool,
) -> Hook:
    if visit.front.waha_hmac_key is None:
        return Hook.NO_KEY
    if found is None:
        return Hook.UNKNOWN
    if not line.posts_to_us(found):
        return Hook.ELSEWHERE if lately and not is_deaf else Hook.NONE
    if is_deaf:
        return Hook.LOST
    return Hook.OURS if line.posts_all(found) else Hook.PARTLY


async def _qr_mark(line: phone_line.PhoneLine, session: str) -> str | None:
    """Another one for every QR code, so that the page shows a new one when there is one."""
    try:
        return blake2b(await line.qr(session), digest_size=6).hexdigest()
    except AiSellerError:
        return None
