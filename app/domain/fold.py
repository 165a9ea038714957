"""How a fact changes a conversation: ``fold`` is the only way it does."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from app.domain.conversation import (
    OPEN,
    Author,
    Conversation,
    Entry,
    Folded,
    Kind,
    Message,
    Sending,
    Status,
    derive_id,
    dropped_entry,
    with_message,
    with_pending,
)
from app.domain.customer import (
    customer_called,
    customer_edited,
    customer_reacted,
    customer_revoked,
    customer_wrote,
)
from app.domain.events import (
    DEMPER,
    READ,
    AnyEvent,
    CustomerCalled,
    CustomerEdited,
    CustomerReacted,
    CustomerRevoked,
    CustomerWrote,
    LeftOurNumber,
    OperatorActed,
    Order,
    OrderChanged,
    ReceiptCame,
    RulesChanged,
    Stage,
)
from app.domain.language import first_name
from app.domain.people_acts import operator_acted, taken_over
from app.domain.rules import CLOCKS, KEPT_FIRED, KEPT_ORDERS, SAME_SEND, Purpose, Reason, Rules
from app.domain.second_look import second_look
from app.domain.sending import receipt_came, went
from app.domain.shops import shop_spoken_with
from app.domain.triggers import asked_for, fired_key


def fold(  # noqa: C901 - one case for each fact
    conversation: Conversation, event: AnyEvent, *, now: datetime, rules: Rules
) -> Folded:
    """The conversation after ``event``, and what the journal says about it.

    Folding an event a second time changes nothing.
    """
    match event:
        case CustomerWrote():
            return customer_wrote(conversation, event, now=now, rules=rules)
        case CustomerEdited():
            return customer_edited(conversation, event, now=now, rules=rules)
        case CustomerRevoked():
            return customer_revoked(conversation, event, now=now)
        case CustomerReacted():
            return customer_reacted(conversation, event, now=now)
        case CustomerCalled():
            return customer_called(conversation, event, now=now, rules=rules)
        case LeftOurNumber():
            return _left_our_number(conversation, event, now=now, rules=rules)
        case ReceiptCame():
            return receipt_came(conversation, event, now=now)
        case RulesChanged():
            return second_look(conversation, event)
        case OrderChanged():
            return _order_changed(conversation, event, now=now, rules=rules)
        case OperatorActed():
            return operator_acted(conversation, event, now=now, rules=rules)


def fold_all(
    conversation: Conversation, events: tuple[AnyEvent, ...], *, now: datetime, rules: Rules
) -> Folded:
    """All of ``events``, in the order they were accepted."""
    entries: list[Entry] = []
    for event in events:
        conversation, new = fold(conversation, event, now=now, rules=rules)
        entries.extend(new)
    return conversation, tuple(entries)


# --- our own number ---------------------------------------------------------------------------


def _left_our_number(
    conversation: Conversation, event: LeftOurNumber, *, now: datetime, rules: Rules
) -> Folded:
    """Our own message seen again, or else a person who answers from the phone.

    Our outbox is the authority: by the id we asked for, or by the text of what is under way.
    """
    ours = conversation.ours(event.message) or _unconfirmed(conversation, event)
    if ours is not None:
        return went(
            conversation,
            ours,
            short_id=event.message,
            now=now,
            reason="seen_on_whatsapp",
            facts=(event.id,),
        )
    if event.by_api and (conversation.phone is None or _sent_lately(conversation, event)):
        # Where only a hidden id is known, it is the echo of what we sent to the phone behind it.
        return conversation, (
            Entry(at=now, kind=Kind.RECEIPT, reason="seen_twice", facts=(event.id,)),
        )
    return _person_said(conversation, event, now=now, rules=rules)


def _unconfirmed(conversation: Conversation, event: LeftOurNumber) -> Message | None:
    """A message of ours with these words, tried before they were seen, of which we do not know
    whether it went: the last one that we know nothing of, or else the last that was given up.
    """
    words = event.text.split()
    same = [
        m
        for m in conversation.messages
        if m.author is not Author.CUSTOMER and m.status in OPEN and m.text.split() == words
    ]
    tried = [m for m in same if m.sending is not None and _was_tried_by(m.sending, event.at)]
    given = [m for m in same if m.sending is None and abs(event.at - m.at) < SAME_SEND]
    return next(reversed([*given, *tried]), None)


def _was_tried_by(sending: Sending, moment: datetime) -> bool:
    return sending.tried_at is not None and sending.tried_at - CLOCKS <= moment


def _sent_lately(conversation: Conversation, event: LeftOurNumber) -> bool:
    """Whether the bot sent these very words just now: two sends of one text, no person's."""
    return any(
        m.author is Author.BOT
        and abs(event.at - m.at) < SAME_SEND
        and m.text.split() == event.text.split()
        for m in conversation.messages
    )


def _person_said(
    conversation: Conversation, event: LeftOurNumber, *, now: datetime, rules: Rules
) -> Folded:
    message = Message(
        id=derive_id("out", event.session, event.message),
        author=Author.PERSON,
        text=event.text,
        at=event.at,
        status=Status.SENT,
        session=event.session,
        shop=shop_spoken_with(conversation, event.session, rules, at=event.at).id,
        message=event.message,
    )
    conversation = with_message(conversation, message)
    said = Entry(
        at=now, kind=Kind.PERSON_SAID, shop=message.shop, message=message.id, facts=(event.id,)
    )
    back = conversation.handed_back
    if now - event.at >= rules.handoff or (back is not None and event.at <= back):
        return conversation, (said,)
    conversation, taken = taken_over(conversation, at=event.at, now=now)
    return conversation, (said, *taken)


# --- orders -----------------------------------------------------------------------------------

_STAGES = tuple(Stage)

_MAY_END = frozenset({Stage.CANCELLING, Stage.RETURN_REQUESTED, Stage.UNKNOWN})
"""Stages that lead back to where an order was, as a return that was withdrawn."""


def _order_changed(
    conversation: Conversation, event: OrderChanged, *, now: datetime, rules: Rules
) -> Folded:
    known = conversation.order(event.order.code)
    order = _merged(known, event.order)
    others = tuple(o for o in conversation.orders if o.code != order.code)
    better_name = event.customer_name if first_name(event.customer_name) else None
    before = conversation
    if known is not None and known.shop != order.shop:
        conversation = _of_its_shop(conversation, known, order)
    conversation = replace(
        conversation,
        orders=(*others, order)[-KEPT_ORDERS:],
        name=better_name or conversation.name,
    )
    entry = Entry(
        at=now,
        kind=Kind.ORDER,
        shop=order.shop,
        order_code=order.code,
        reason=order.stage,
        facts=(event.id,),
        new=known is None and order.before is None,
    )
    conversation, entries = _fire(conversation, order, now=now, rules=rules)
    if order == known and event.order.source == READ and not entries:
        return before, ()  # read again, and nothing has changed
    return conversation, (entry, *entries)


def _of_its_shop(conversation: Conversation, known: Order, order: Order) -> Conversation:
    """What a demper told of another shop's order was the order's all the same."""
    if known.source != DEMPER:
        return conversation
    keys = {fired_key(purpose, known): fired_key(purpose, order) for purpose in Purpose}
    pending = (
        replace(p, shop=order.shop) if (p.shop, p.order_code) == (known.shop, known.code) else p
        for p in conversation.pending
    )
    return replace(
        conversation,
        fired=tuple(keys.get(key, key) for key in conversation.fired),
        pending=tuple(pending),
    )


def _merged(known: Order | None, told: Order) -> Order:
    """The newer word with what it left out; an order does not go back to an earlier stage.

    But for a return or a cancellation that came to nothing, where Kaspi itself was asked.
    """
    if known is None:
        return told
    forward = told.stage is not Stage.UNKNOWN and (
        _STAGES.index(told.stage) >= _STAGES.index(known.stage)
        or known.stage is Stage.UNKNOWN
        or (known.stage in _MAY_END and told.source == READ)
    )
    return replace(
        told,
        shop=known.shop if told.source == DEMPER else told.shop,
        stage=told.stage if forward else known.stage,
        items=told.items or known.items,
        total=known.total if told.total is None else told.total,
        created_at=told.created_at or known.created_at,
        planned_at=told.planned_at or known.planned_at,
        delivery=told.delivery or known.delivery,
        preordered=told.preordered if told.source == READ else known.preordered,
        cancelled_by_shop=told.cancelled_by_shop or known.cancelled_by_shop,
        before=told.before or known.before,
    )


def _fire(conversation: Conversation, order: Order, *, now: datetime, rules: Rules) -> Folded:
    """Each purpose once for an order, for ever: what was switched off then is not said later."""
    entries: list[Entry] = []
    for pending in asked_for(order, now=now, rules=rules):
        key = fired_key(pending.purpose, order)
        if key in conversation.fired:
            continue
        fired = (*conversation.fired, key)[-KEPT_FIRED:]
        conversation = replace(conversation, fired=fired)
        if pending.purpose in rules.of(order.shop).off:
            entries.append(dropped_entry(pending, Reason.DISABLED, now=now, counted=False))
            continue
        conversation = with_pending(conversation, pending)
        entries.append(
            Entry(
                at=now,
                kind=Kind.SCHEDULED,
                shop=pending.shop,
                purpose=pending.purpose,
                message=pending.id,
                order_code=order.code,
                until=pending.due,
            )
        )
    return conversation, tuple(entries)
