"""What WAHA answers: its sessions and their configuration, and the ids of what was sent.

Every field may be absent, null or of any type, as in its webhooks.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

from msgspec import UNSET, Struct, field

from app.domain.events import Address
from app.errors import Uncertain
from app.gateways.waha_wire import (
    Me,
    Timelock,
    account,
    address_of,
    identity,
    part,
    text,
    time_of,
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


class Webhook(Struct, frozen=True, kw_only=True):
    """Where a session posts its events. Its key stays in WAHA: ``key_mark`` is a hash of it, None
    without one.
    """

    url: str
    events: tuple[str, ...]
    key_mark: str | None = None


class SessionState(Struct, frozen=True, kw_only=True):
    """A session of WAHA; ``status`` is WAHA's word (``WORKING``, ``SCAN_QR_CODE`` …).

    ``restricted_until`` is set while WhatsApp forbids writing to new contacts; None lifts a ban
    only where ``restriction_known``. Not known: WAHA before 2026.7.2, nobody logged in, or a ban
    of which WAHA does not tell the end.
    """

    name: str
    status: str
    us: Address = Address()
    engine: str | None = None
    webhooks: tuple[Webhook, ...] = ()
    restricted_until: datetime | None = None
    restriction_known: bool = False


class Version(Struct, frozen=True, kw_only=True):
    """Which WAHA answers."""

    version: str
    engine: str | None = None


def mark_of(key: str) -> str:
    """What tells one HMAC key from another, and nothing of either."""
    return sha256(key.encode()).hexdigest()


# -- shapes


class Answer(Struct, frozen=True):
    """The small answers, all at once. NOWEB tells ``key.id``, GOWS and WEBJS ``id``."""

    key: Any = None
    id: Any = None
    raw: Any = field(default=None, name="_data")
    pn: Any = None
    lid: Any = None
    number_exists: Any = field(default=None, name="numberExists")
    version: Any = None
    engine: Any = None


class FoundSession(Struct, frozen=True):
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
        return text(part(self.hmac, Answer).key)

    @property
    def asks_for(self) -> tuple[str, ...]:
        """The names of its events."""
        events = self.events if isinstance(self.events, list) else []
        return tuple(event for event in events if isinstance(event, str))


# -- messages and persons


def sent_id(answer: object) -> str:
    """WhatsApp's short id of what was sent; Uncertain where WAHA does not tell it."""
    sent = part(answer, Answer)
    key, raw = part(sent.key, Answer), part(sent.raw, Answer)
    short = text(key.id, identity(sent.id).short, identity(raw.id).short)
    if short is None:
        raise Uncertain("WAHA took the message and did not tell its id", code="no_id")
    return short


def lid_in(answer: object) -> str | None:
    """The digits of ``lid``, which may come without ``@lid``."""
    lid = text(part(answer, Answer).lid)
    found = None if lid is None else address_of(lid if "@" in lid else f"{lid}@lid")
    return found.lid if found else None


def phone_in(answer: object) -> str | None:
    """The digits of ``pn``."""
    found = address_of(part(answer, Answer).pn)
    return found.phone if found else None


# -- sessions


def session_state(name: str, found: FoundSession) -> SessionState:
    """The session as we know it, without its keys."""
    until, known = _restriction(part(found.me, Me).reachout_timelock)
    hooks = [part(hook, _Hook) for hook in _hooks(found.config)]
    return SessionState(
        name=text(found.name) or name,
        status=text(found.status) or "UNKNOWN",
        us=account(found.me),
        engine=text(part(found.engine, Answer).engine),
        webhooks=tuple(
            Webhook(
                url=text(hook.url) or "",
                events=hook.asks_for,
                key_mark=None if hook.key is None else mark_of(hook.key),
            )
            for hook in hooks
        ),
        restricted_until=until,
        restriction_known=known,
    )


def _restriction(timelock: object) -> tuple[datetime | None, bool]:
    """Until when, and whether that is known: an absent key tells nothing, a null that all is well.

    A ban without an end would look like none, so it counts as not known.
    """
    if timelock is UNSET:
        return None, False
    shape = part(timelock, Timelock)
    if shape.is_active is True:
        until = time_of(shape.time_enforcement_ends)
        return until, until is not None
    return None, timelock is None or shape.is_active is False


def _hooks(config: object) -> list[Any]:
    hooks = part(config, _Config).webhooks
    return hooks if isinstance(hooks, list) else []


def listens(config: dict[str, Any], *, url: str, hmac_key: str) -> bool:
    """Whether nothing has to be changed: one webhook at ``url``, told of persons' chats only."""
    ours = [hook for hook in (part(h, _Hook) for h in _hooks(config)) if hook.url == url]
    ignore = part(config, _Config).ignore
    return (
        [(set(hook.asks_for), hook.key) for hook in ours] == [(set(EVENTS), hmac_key)]
        and isinstance(ignore, dict)
        and ignore.items() >= _ONLY_PERSONS.items()
    )


def configured(config: dict[str, Any], *, url: str, hmac_key: str) -> dict[str, Any]:
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
