"""The shop's WhatsApp number: whether its session works, what WhatsApp holds against it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from app.domain.rules import WARM_UP, Rules

WORKING = "WORKING"
UNREACHABLE = "UNREACHABLE"
"""Our own word: WAHA does not answer."""

UNAUTHORIZED = "UNAUTHORIZED"
"""Our own word: WAHA refuses our key."""

MISSING = "MISSING"
"""Our own word: WAHA has no such session."""

DOWN = frozenset(
    {
        "STOPPED",
        "STARTING",
        "SCAN_QR_CODE",
        "PASSKEY_REQUIRED",
        "PASSKEY_CONFIRMATION_REQUIRED",
        "FAILED",
        UNREACHABLE,
        UNAUTHORIZED,
        MISSING,
    }
)
"""Statuses in which nothing can be sent. A word that a later WAHA invents is tried instead."""

ALERT_AFTER = timedelta(seconds=60)
"""WAHA restarts a failed session itself within seconds; what lasts longer needs a person."""

DEAF_AFTER = timedelta(minutes=3)
"""Our own echo comes within a second of a send; none for this long, and webhooks are lost."""

HEARD_SLACK = timedelta(seconds=15)
"""What is heard is noted every ten seconds: an echo may be noted as heard before its send."""

HEALTH_WINDOW = 3
"""Local days, today included, over which the signs of a number are counted."""

ENOUGH = 20
"""Proactive messages below which a share says nothing."""

ENOUGH_FOR_SILENCE = 50
"""The same for the share of those who answer: silence is common."""


class Sign(StrEnum):
    """What is counted of a number by day; the last two are what is left of ``SENT``."""

    SENT = "sent"
    REACHED = "reached"
    FAILED = "failed"
    REPLIED = "replied"
    OPTED_OUT = "opted_out"
    RESTRICTED = "restricted"
    FLAPPED = "flapped"
    UNREACHED = "unreached"
    UNANSWERED = "unanswered"


class Grade(StrEnum):
    """How a number fares. Red stops what we start ourselves, never an answer."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class Health(Struct, frozen=True, kw_only=True):
    """A grade and what speaks for it, in words of ours."""

    grade: Grade = Grade.GREEN
    because: tuple[str, ...] = ()


class Session(Struct, frozen=True, kw_only=True):
    """What is known of a WhatsApp session.

    ``status`` is WAHA's word or one of ours, None when nobody told yet; ``since`` is when it
    began, ``told_at`` when it was last told, ``asked_at`` when we last asked. ``heard_at`` is the
    last webhook, ``unheard_since`` the first send that none has followed. ``gap_since`` is set
    while messages may have passed us by. ``inferred`` says that a ban was read from a refusal.
    """

    name: str
    status: str | None = None
    since: datetime | None = None
    told_at: datetime | None = None
    asked_at: datetime | None = None
    restricted_until: datetime | None = None
    inferred: bool = False
    heard_at: datetime | None = None
    unheard_since: datetime | None = None
    gap_since: datetime | None = None
    our_phone: str | None = None
    our_lid: str | None = None
    health: Health = Health()

    @property
    def works(self) -> bool:
        """Whether a message may be handed over; also while nobody knows."""
        return self.status not in DOWN

    @property
    def number(self) -> str:
        """What its history of sending is kept under: the phone, where it is known."""
        return self.our_phone or self.name

    def restricted(self, now: datetime) -> bool:
        """Whether WhatsApp forbids writing to new contacts at ``now``."""
        return self.restricted_until is not None and now < self.restricted_until

    @property
    def unheard(self) -> bool:
        """Whether a message left and no webhook came since."""
        since, heard = self.unheard_since, self.heard_at
        return since is not None and (heard is None or heard < since - HEARD_SLACK)

    def deaf(self, now: datetime) -> bool:
        """Whether it sends and no webhook of it arrives."""
        since = self.unheard_since
        return self.works and self.unheard and since is not None and now - since > DEAF_AFTER


class Alarm(StrEnum):
    """What a person has to look at."""

    SESSION_DOWN = "session_down"
    NEEDS_LOGIN = "needs_login"
    DEAF = "deaf"
    RESTRICTED = "restricted"
    NUMBER_HEALTH = "number_health"


class Alert(Struct, frozen=True, kw_only=True):
    """Something wrong with a session, since when, until when if that is known, what to do."""

    kind: Alarm
    since: datetime | None
    says: str
    until: datetime | None = None


_LOGIN = frozenset({"SCAN_QR_CODE", "PASSKEY_REQUIRED", "PASSKEY_CONFIRMATION_REQUIRED"})

_HELP = {
    UNREACHABLE: "WAHA does not answer: is it running at WAHA_API_ENDPOINT?",
    UNAUTHORIZED: "WAHA refuses WAHA_API_KEY: correct it; what waits goes out then",
    MISSING: "WAHA has no such session: `ai-seller check --fix` makes it",
    "STOPPED": "the session is stopped: start it in WAHA",
    "FAILED": "the session failed: restart it in WAHA; if it fails again, log in anew",
    "STARTING": "the session does not get connected: has WAHA's host the internet?",
}


def alerts_of(session: Session, now: datetime) -> tuple[Alert, ...]:
    """What a person has to look at now. Nothing is ever restarted because of it."""
    found: list[Alert] = []
    if session.status in _LOGIN:
        found.append(
            Alert(
                kind=Alarm.NEEDS_LOGIN,
                since=session.since,
                says="the phone is not linked: scan the QR code in WAHA",
            )
        )
    elif not session.works and (session.since is None or now - session.since > ALERT_AFTER):
        says = _HELP.get(session.status or "", f"the session is {session.status}")
        found.append(Alert(kind=Alarm.SESSION_DOWN, since=session.since, says=says))
    if session.deaf(now):
        says = "messages go out and no webhook comes in: look at the webhook's address in WAHA"
        found.append(Alert(kind=Alarm.DEAF, since=session.unheard_since, says=says))
    if session.restricted(now):
        says = "WhatsApp forbids writing to new contacts: do not restart, wait for the end"
        until = session.restricted_until
        found.append(Alert(kind=Alarm.RESTRICTED, since=None, says=says, until=until))
    if session.health.grade is Grade.RED:
        says = "the number is in danger, nothing is started: " + "; ".join(session.health.because)
        found.append(Alert(kind=Alarm.NUMBER_HEALTH, since=None, says=says))
    return tuple(found)


class _Limit(Struct, frozen=True):
    """From which share of the messages sent on a sign is amber, from which red."""

    sign: Sign
    amber: float
    red: float
    says: str


_LIMITS = (
    _Limit(Sign.FAILED, 0.05, 0.15, "of the messages were refused"),
    _Limit(Sign.OPTED_OUT, 0.04, 0.10, "of those written to said stop"),
    _Limit(Sign.UNREACHED, 0.25, 0.80, "of the messages did not arrive"),
    _Limit(Sign.UNANSWERED, 0.97, 2.0, "of the messages were not answered"),
)
"""Our reading of WAHA's advice against blocks: being reported 5 to 10 times is a ban, and what
nobody answers is what gets reported. Silence alone never stops a number."""

_FLAPS = 10
"""Lost connections in the window that are more than a phone's bad day."""


_BANS = 2
"""Bans on new contacts in the window from which on a number is in danger."""


def health_of(signs: dict[Sign, int]) -> Health:
    """How a number fares, from its signs in the window."""
    shares = _shares(signs)
    red = [_told(limit, shares) for limit in _LIMITS if shares.get(limit.sign, 0) >= limit.red]
    if signs.get(Sign.RESTRICTED, 0) >= _BANS:
        red.append(f"WhatsApp forbade writing to new contacts {signs[Sign.RESTRICTED]} times")
    if red:
        return Health(grade=Grade.RED, because=tuple(red))
    amber = [_told(limit, shares) for limit in _LIMITS if shares.get(limit.sign, 0) >= limit.amber]
    if signs.get(Sign.RESTRICTED, 0):
        amber.append("WhatsApp forbade writing to new contacts")
    if signs.get(Sign.FLAPPED, 0) >= _FLAPS:
        amber.append(f"the connection was lost {signs[Sign.FLAPPED]} times")
    return Health(grade=Grade.AMBER, because=tuple(amber)) if amber else Health()


def _shares(signs: dict[Sign, int]) -> dict[Sign, float]:
    """Of the messages sent on, how many each; nothing while too few were sent to say."""
    sent = signs.get(Sign.SENT, 0)
    if sent < ENOUGH:
        return {}
    shares = {
        Sign.FAILED: signs.get(Sign.FAILED, 0) / sent,
        Sign.OPTED_OUT: signs.get(Sign.OPTED_OUT, 0) / sent,
    }
    if signs.get(Sign.REACHED, 0):  # none at all: WAHA does not tell of receipts
        shares[Sign.UNREACHED] = 1 - signs[Sign.REACHED] / sent
    if sent >= ENOUGH_FOR_SILENCE:
        shares[Sign.UNANSWERED] = 1 - signs.get(Sign.REPLIED, 0) / sent
    return shares


def _told(limit: _Limit, shares: dict[Sign, float]) -> str:
    return f"{shares[limit.sign]:.0%} {limit.says}"


def daily_cap(rules: Rules, days_before: int) -> int:
    """Proactive messages a number may send today, having sent on so many days before."""
    if not rules.warm_up or days_before >= len(WARM_UP):
        return rules.max_daily_messages
    return min(WARM_UP[days_before], rules.max_daily_messages)
