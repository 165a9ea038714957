"""Whether we may speak: asked when deciding, and again immediately before sending."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from msgspec import Struct

from app.domain.conversation import OFF_STAGES, Conversation, Owner, Status, share
from app.domain.events import Stage
from app.domain.hand_over import is_upset
from app.domain.rules import (
    ASKING,
    HEALTH_RECHECK,
    NO_WHATSAPP,
    OFF_RECHECK,
    RELEASE_SPREAD,
    Purpose,
    Reason,
    Rules,
)
from app.domain.session import Grade, Session


class Allow(Struct, frozen=True, kw_only=True):
    """Yes."""


class Deny(Struct, frozen=True, kw_only=True):
    """No, and why; ``until`` is when to ask again, None when time changes nothing."""

    reason: Reason
    until: datetime | None = None


Verdict = Allow | Deny

_UNTIL_DELIVERED = frozenset({Purpose.POST_PURCHASE, Purpose.HANDED_OVER, Purpose.READY_FOR_PICKUP})
"""What is no news to somebody who has the order."""

_LATER_NEWS = frozenset({Purpose.HANDED_OVER, Purpose.READY_FOR_PICKUP})


def may_speak(
    conversation: Conversation,
    purpose: Purpose,
    *,
    now: datetime,
    rules: Rules,
    order_code: str | None = None,
    ignoring: str | None = None,
    session: Session | None = None,
    always: bool = False,
) -> Verdict:
    """Whether ``purpose`` may be spoken to this person at ``now`` through ``session``.

    Reasons that time cannot mend are named before those that it can. ``ignoring`` is the id
    of the message asked about, so that it does not count against itself. The shop's daily cap
    is shared by all chats and therefore reserved in the store, not asked here. While the session
    is down everything is held, and released when it is back; so it is while the bot is switched
    off for now. ``always``: also while people own it.
    """
    if not rules.enabled or purpose in rules.off:
        return Deny(reason=Reason.DISABLED)
    owned_until = people_own_until(conversation, rules)
    people_own = owned_until is not None and now < owned_until and not always
    mute = _mute(rules, session, now)
    if not purpose.proactive:
        return Deny(reason=Reason.PEOPLE_OWN_CHAT) if people_own else mute or Allow()
    never = _never_again(conversation, purpose, order_code=order_code, now=now)
    if never is not None:
        return Deny(reason=never)
    if people_own:
        return Deny(reason=Reason.PEOPLE_OWN_CHAT, until=owned_until)
    if mute is not None:
        return mute
    if conversation.paused_until is not None and now < conversation.paused_until:
        return Deny(reason=Reason.PAUSED, until=conversation.paused_until)
    limits = _within_limits(conversation, now=now, rules=rules, ignoring=ignoring)
    if isinstance(limits, Deny) or session is None:
        return limits
    return _number_may(session, conversation, now)


def _mute(rules: Rules, session: Session | None, now: datetime) -> Deny | None:
    """Why nothing at all can be said now, to nobody."""
    if rules.paused:
        return Deny(reason=Reason.DISABLED, until=now + OFF_RECHECK)
    down = session is not None and not session.works
    return Deny(reason=Reason.SESSION_DOWN) if down else None


def _never_again(
    conversation: Conversation, purpose: Purpose, *, order_code: str | None, now: datetime
) -> Reason | None:
    """Why waiting would not help."""
    if conversation.opt_out is not None:
        return Reason.OPTED_OUT
    if _order_moved_on(conversation, purpose, order_code):
        return Reason.ORDER_CHANGED
    if _without_whatsapp(conversation, now):
        return Reason.NOT_ON_WHATSAPP
    return Reason.UPSET if purpose in ASKING and is_upset(conversation) else None


def people_own_until(conversation: Conversation, rules: Rules) -> datetime | None:
    """Until when people own this chat; None when the bot does."""
    if conversation.owner is Owner.BOT or conversation.person_at is None:
        return None
    return conversation.person_at + rules.handoff


def owner_at(conversation: Conversation, now: datetime, rules: Rules) -> Owner:
    """Who answers this chat at ``now``: a person's silence gives it back to the bot."""
    until = people_own_until(conversation, rules)
    return Owner.PEOPLE if until is not None and now < until else Owner.BOT


def sent_in_window(conversation: Conversation, now: datetime, rules: Rules) -> int:
    """How many proactive messages count against the customer's cap at ``now``."""
    return len(_counted(conversation, now=now, rules=rules, ignoring=None))


def next_morning(chat: str, now: datetime, rules: Rules) -> datetime:
    """When a shop that has used up its day may write to this chat again: tomorrow, spread out."""
    tomorrow = rules.local(now).date() + timedelta(days=1)
    start = rules.quiet_hours[1] if rules.quiet_hours else time(0, 0)
    opens = datetime.combine(tomorrow, start, tzinfo=rules.zone)
    return (opens + RELEASE_SPREAD * share(chat, "morning")).astimezone(now.tzinfo)


def quiet_until(chat: str, now: datetime, rules: Rules) -> datetime | None:
    """When the quiet hours that hold at ``now`` are over for this chat; None outside of them."""
    if rules.quiet_hours is None or rules.quiet_hours[0] == rules.quiet_hours[1]:
        return None
    start, end = rules.quiet_hours
    local = rules.local(now)
    clock = local.time()
    overnight = start > end
    quiet = (clock >= start or clock < end) if overnight else (start <= clock < end)
    if not quiet:
        return None
    day = local.date() + timedelta(days=1 if overnight and clock >= start else 0)
    over = datetime.combine(day, end, tzinfo=rules.zone)
    return (over + RELEASE_SPREAD * share(chat, "quiet")).astimezone(now.tzinfo)


def _order_moved_on(conversation: Conversation, purpose: Purpose, code: str | None) -> bool:
    order = conversation.order(code)
    if order is None:
        return False
    if purpose is Purpose.ORDER_CANCELLED:
        return order.stage is not Stage.CANCELLED
    if purpose in _UNTIL_DELIVERED and order.stage is Stage.DELIVERED:
        return True
    if purpose is Purpose.POST_PURCHASE and _was_told_more(conversation, code):
        return True
    return order.stage in OFF_STAGES


def _was_told_more(conversation: Conversation, code: str | None) -> bool:
    """Whether they know already that this order is on its way or ready: thanks come too late."""
    return any(
        m.order_code == code and m.purpose in _LATER_NEWS and m.status is not Status.FAILED
        for m in conversation.messages
    )


def _without_whatsapp(conversation: Conversation, now: datetime) -> bool:
    found = conversation.no_whatsapp
    return found is not None and now - found < NO_WHATSAPP


def _number_may(session: Session, conversation: Conversation, now: datetime) -> Verdict:
    """What WhatsApp holds against the shop's number. Who wrote to us is no new contact."""
    if session.restricted(now) and not conversation.answered:
        return Deny(reason=Reason.RESTRICTED, until=session.restricted_until)
    if session.health.grade is Grade.RED:
        return Deny(reason=Reason.NUMBER_HEALTH, until=now + HEALTH_RECHECK)
    return Allow()


def _within_limits(
    conversation: Conversation, *, now: datetime, rules: Rules, ignoring: str | None
) -> Verdict:
    times = _counted(conversation, now=now, rules=rules, ignoring=ignoring)
    surplus = len(times) - rules.max_messages
    if surplus >= 0:
        return Deny(reason=Reason.CUSTOMER_CAP, until=_cap_ends(times, surplus, rules))
    last = max((p.at for p in conversation.proactive if p.id != ignoring), default=None)
    if last is not None and now < last + rules.cooldown:
        return Deny(reason=Reason.COOLDOWN, until=last + rules.cooldown)
    quiet = quiet_until(conversation.chat, now, rules)
    return Allow() if quiet is None else Deny(reason=Reason.QUIET_HOURS, until=quiet)


def _counted(
    conversation: Conversation, *, now: datetime, rules: Rules, ignoring: str | None
) -> list[datetime]:
    window = rules.messages_window
    return sorted(
        p.at
        for p in conversation.proactive
        if p.id != ignoring and (window is None or p.at > now - window)
    )


def _cap_ends(times: list[datetime], surplus: int, rules: Rules) -> datetime | None:
    if rules.messages_window is None or surplus >= len(times):
        return None
    return times[surplus] + rules.messages_window
