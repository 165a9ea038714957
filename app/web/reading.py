"""A chat as it is once its unread mail is taken in: readers see what was just written."""

from __future__ import annotations

import re
import secrets

from msgspec import Struct
from msgspec.structs import replace

from app.domain.conversation import Conversation, Entry, Message
from app.domain.events import Act, Address, Fact, OperatorActed
from app.domain.fold import fold_all
from app.errors import Refused
from app.gateways.phones import kazakh_mobile
from app.gateways.waha_wire import short_id_for
from app.store.claims import Claimed
from app.store.contacts import lid_chat, lid_of
from app.web.front import Front

_NO_PHONE = Refused("this is no phone number", code="not_a_phone", status=404)
_NOBODY = Refused("nobody with this phone is known", code="unknown_contact", status=404)
_WRITTEN = re.compile(r"\+?[\d\s().\-]+")
_LENGTHS = range(8, 16)
"""Digits of a phone with its country code, by E.164."""
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class Reading(Struct, frozen=True, kw_only=True):
    """One chat, and what its journal will say of the mail that no turn has taken in yet.

    ``is_silent``: nobody has heard of it but for its orders, so that there is nothing to wake.
    """

    conversation: Conversation
    entries: tuple[Entry, ...] = ()
    is_silent: bool = False

    @property
    def chat(self) -> str:
        """Whose it is."""
        return self.conversation.chat


async def chat_named(front: Front, written: str) -> str:
    """The chat of a phone in any writing, or of ``lid:…``.

    Raises Refused (404) for what can be nobody's, ``StoreDown``.
    """
    lid = lid_of(written)
    if lid is None:
        return _phone(written)
    if not lid.isdecimal():
        raise _NO_PHONE
    return await front.contacts.phone_of(lid) or lid_chat(lid)


def _phone(written: str) -> str:
    """A Kazakhstan mobile, or the digits of a number from elsewhere."""
    try:
        return kazakh_mobile(written)
    except Refused:
        digits = re.sub(r"\D", "", written)
        if not _WRITTEN.fullmatch(written) or len(digits) not in _LENGTHS:
            raise _NO_PHONE from None
        return digits


async def look(front: Front, chat: str) -> Reading | None:
    """The chat as it is now; None when nobody has heard of it. Raises ``StoreDown``."""
    return await read(front, await front.mailbox.look(chat))


async def read(front: Front, claimed: Claimed) -> Reading | None:
    """What was read of a chat, its unread mail taken in; None when nobody has heard of it.

    Raises ``StoreDown``.
    """
    now = front.world.now()
    conversation = claimed.conversation
    if conversation is None:
        if not claimed.events:
            return None
        conversation = await front.contacts.new_person(claimed.chat, now)
    conversation, entries = fold_all(conversation, claimed.events, now=now, rules=front.rules)
    return Reading(conversation=conversation, entries=entries)


async def known(front: Front, written: str) -> Reading:
    """The chat of this phone. Raises Refused (404) when nobody has heard of it."""
    reading = await look(front, await chat_named(front, written))
    if reading is None:
        raise _NOBODY
    return reading


async def kept(front: Front, written: str) -> Reading:
    """The chat of this phone with all its orders, also where nothing but orders is kept of it.

    Raises Refused (404) when nothing is kept, ``StoreDown``.
    """
    return await all_of(front, await chat_named(front, written))


async def all_of(front: Front, chat: str) -> Reading:
    """The same of a chat by its name. Raises Refused (404) when nothing is kept, ``StoreDown``."""
    reading = await look(front, chat)
    if reading is None:
        if not await front.contacts.has_orders(chat):
            raise _NOBODY
        new = await front.contacts.new_person(chat, front.world.now())
        reading = Reading(conversation=new, is_silent=True)
    conversation = reading.conversation
    shown = {order.code for order in conversation.orders}
    others = [each for each in await front.contacts.orders_of(chat) if each.code not in shown]
    return replace(
        reading, conversation=replace(conversation, orders=(*others, *conversation.orders))
    )


async def all_messages(front: Front, reading: Reading) -> list[Message]:
    """Every message of the chat, oldest first, the archived ones too. Raises ``StoreDown``."""
    archived = await front.journal.archived(reading.chat)
    return [*archived, *reading.conversation.messages]


async def journal(front: Front, reading: Reading) -> list[Entry]:
    """Every decision kept of the chat, oldest first. Raises ``StoreDown``."""
    return [*await front.journal.entries(reading.chat), *reading.entries]


class Wish(Struct, frozen=True, kw_only=True):
    """What a person at the shop wants done. ``cause`` asked twice is done once."""

    act: Act
    cause: str
    text: str = ""
    message: str | None = None


def cause_of(key: str | None) -> str:
    """The cause of an act: the caller's ``Idempotency-Key``, or one that never comes again.

    Raises Refused for a key that is none.
    """
    if key is None:
        return secrets.token_hex(12)
    if not _KEY.fullmatch(key):
        raise Refused("Idempotency-Key has 1 to 200 visible ASCII characters", code="bad_key")
    return key


async def act(front: Front, chat: str, wish: Wish) -> bool:
    """Put the act into the chat's mailbox; False when it was there before. Raises ``StoreDown``."""
    now = front.world.now()
    event = OperatorActed(
        id=f"operator:{wish.act}:{wish.cause}",
        at=now,
        received_at=now,
        act=wish.act,
        text=wish.text,
        message=wish.message,
    )
    (new,) = await front.mailbox.accept([(chat, _fact(chat, event))], now=now)
    return new


async def acted(front: Front, reading: Reading, wish: Wish) -> Reading:
    """Act on a chat we know; the chat as it is then. Raises ``StoreDown``."""
    await act(front, reading.chat, wish)
    front.log.info("operator", act=wish.act, chat=reading.chat)
    return await look(front, reading.chat) or reading


async def forget(front: Front, reading: Reading) -> bool:
    """All of one person goes; whether an opt-out is kept, as a hash nobody can read the phone from.

    Orders told of until then are not spoken of again. Raises ``StoreDown``.
    """
    messages = await all_messages(front, reading)
    key = await front.contacts.key()
    asked_for = {short_id_for(message.id, key) for message in messages}
    await front.contacts.erase(reading.conversation, messages=messages, asked_for=asked_for)
    await front.sessions.forget(reading.chat, [shop.session for shop in front.rules.shops])
    # What was scheduled for later runs now, finds nobody and leaves no name behind.
    if not reading.is_silent:
        await front.mailbox.wake({reading.chat: front.world.now()})
    front.log.info("operator", act="erase", chat=reading.chat)
    return reading.conversation.opt_out is not None


def _fact(chat: str, event: OperatorActed) -> Fact:
    lid = lid_of(chat)
    return Fact(person=Address(lid=lid) if lid else Address(phone=chat), event=event)
