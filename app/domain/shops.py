"""Which of the shops that share a WhatsApp number a customer is talking to."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime

from app.domain.conversation import Author, Conversation, Message, Status
from app.domain.rules import CLOCKS, Rules, Shop


def shop_spoken_with(
    conversation: Conversation, session: str | None, rules: Rules, *, at: datetime | None = None
) -> Shop:
    """The shop that what is said in ``session`` is said to, or for.

    The one whose words of ours they saw last there, else the one they ordered from last, else the
    first of that session. Where the session is nobody's, or None, it is looked for among all shops;
    None stands for every session. ``at`` is when it was said: what we wrote later was not seen.
    """
    known = {shop.id for shop in rules.shops}
    here = {shop.id for shop in rules.shops if shop.session == session} or known
    found = _last_heard(conversation, session, at=at, among=here) or _last_ordered(
        conversation, among=here
    )
    return rules.shop_of_session(session or "") if found is None else rules.shop(found)


def _last_heard(
    conversation: Conversation, session: str | None, *, at: datetime | None, among: Container[str]
) -> str | None:
    """Whose words they saw last. A shop that has left the number, or us, is not spoken for."""
    return next(
        (
            m.shop
            for m in reversed(conversation.messages)
            if _is_out(m)
            and m.shop in among
            and session in (m.session, None)
            and (at is None or m.at <= at + CLOCKS)
        ),
        None,
    )


def _is_out(message: Message) -> bool:
    """Whether it is of ours and the customer may have seen it."""
    if message.author is Author.CUSTOMER or message.status is Status.FAILED:
        return False
    tried = message.sending is not None and message.sending.tried_at is not None
    return message.status is not Status.QUEUED or tried


def _last_ordered(conversation: Conversation, *, among: Container[str]) -> str | None:
    """Whose order they have; of several, the one that there was news of last."""
    return next((o.shop for o in reversed(conversation.orders) if o.shop in among), None)
