"""The rules were changed: what waits because of the old ones is asked about again."""

from __future__ import annotations

from msgspec.structs import replace

from app.domain.conversation import Conversation, Folded, with_pending
from app.domain.events import RulesChanged
from app.domain.rules import Reason

_OF_THE_RULES = frozenset(
    {
        Reason.COOLDOWN,
        Reason.CUSTOMER_CAP,
        Reason.DAILY_CAP,
        Reason.DISABLED,
        Reason.QUIET_HOURS,
        Reason.PEOPLE_OWN_CHAT,
    }
)


def waits_for_rules(conversation: Conversation) -> bool:
    """Whether anything in it waits because of the rules: nobody else need be told of new ones."""
    waiting = (each.blocked for each in conversation.pending)
    held = (each.sending.blocked for each in conversation.unsettled if each.sending is not None)
    return any(reason in _OF_THE_RULES for reason in (*waiting, *held))


def second_look(conversation: Conversation, event: RulesChanged) -> Folded:
    """What the rules hold back is due at once: whether it may be said now is decided as ever.

    A purpose that waits for its own time keeps it, and a place in a session's pacing is kept.
    """
    for pending in conversation.pending:
        if pending.blocked in _OF_THE_RULES and pending.due > event.at:
            conversation = with_pending(conversation, replace(pending, due=event.at))
    return conversation, ()
