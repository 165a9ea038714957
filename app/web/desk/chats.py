"""The chats: who wrote, what was said and why."""

from __future__ import annotations

import secrets

from litestar import MediaType, Response, get, post
from litestar.params import FromPath

from app.domain.conversation import derive_id
from app.domain.findable import Shelf
from app.domain.rules import Rules
from app.errors import Refused
from app.store.contacts import lid_of
from app.web.contacts_api import LONGEST, exported
from app.web.desk.rows import Asked, full_phone, listing, name_of, unread
from app.web.desk.stretch import stretch
from app.web.desk.thread import person_of
from app.web.desk.visit import FromVisit, Visit
from app.web.front import Front
from app.web.reading import Reading, all_of
from app.web.views import Export

LONGEST_QUERY = 100
"""Characters of a search that are looked at."""

_LONG_NUMBER = 10
_NOBODY = Refused("nobody with this name is known", code="unknown_contact", status=404)


@get("/chats")
async def chats(visit: FromVisit) -> Response[str]:
    """The list, the newest first."""
    shown = await listing(visit.front, _asked(visit))
    return visit.page("chats.html", tab="chats", listing=shown, ref="")


@get("/chats/{ref:str}")
async def chat(visit: FromVisit, ref: FromPath[str]) -> Response[str]:
    """One conversation, the list beside it. A person's look at it is remembered; the look of a page
    that renews itself is not, for nobody may sit in front of it.
    """
    front, query = visit.front, visit.request.query_params
    reading = await reading_of(front, ref)
    if "x-desk" not in visit.request.headers:
        await look_at(front, reading)
    person = person_of(reading.conversation, now=visit.now, rules=front.rules)
    phone, before = person.known.phone, _place(query.get("before", ""))
    return visit.page(
        "chats_open.html",
        tab="chats",
        listing=await listing(front, _asked(visit)),
        ref=ref,
        person=person,
        customer=name_of(person.known),
        phone=full_phone(phone) if phone else None,
        stretch=await stretch(front, reading, before=before),
        before=before,
        shops=_shops(front.rules),
        handoff=visit.now + front.rules.handoff,
        draft=suggestion_of(reading) if "edit" in query else "",
        suggestion_nonce=suggestion_nonce(reading),
        nonce=secrets.token_hex(12),
        longest=LONGEST,
    )


def _asked(visit: Visit) -> Asked:
    """Which list the address asks for; what it spells wrong is left out."""
    query = visit.request.query_params
    shelf = query.get("shelf", "")
    return Asked(
        shelf=Shelf(shelf) if shelf in set(Shelf) else Shelf.ALL,
        q=" ".join(query.get("q", "")[:LONGEST_QUERY].split()),
        after=query.get("after", "")[:LONGEST_QUERY],
    )


def _place(written: str) -> int | None:
    """A place in the archive; None for what is none."""
    digits = written.isascii() and written.isdecimal() and len(written) < _LONG_NUMBER
    return max(1, int(written)) if digits else None


@get("/chats/{ref:str}/export", media_type=MediaType.JSON)
async def export(visit: FromVisit, ref: FromPath[str]) -> Response[Export]:
    """All we keep of the person, as one JSON file."""
    return await exported(visit.front, await reading_of(visit.front, ref))


@post("/chats/{ref:str}/seen", status_code=204)
async def seen(visit: FromVisit, ref: FromPath[str]) -> None:
    """The script's word that somebody sits in front of this conversation."""
    await look_at(visit.front, await reading_of(visit.front, ref))


async def reading_of(front: Front, ref: str) -> Reading:
    """The chat of this name; of a hidden id whose phone is known since, that of the phone.

    Raises Refused (404), ``StoreDown``.
    """
    found = await front.chats.chat_of(ref)
    if found is None:
        raise _NOBODY
    lid = lid_of(found)
    phone = await front.contacts.phone_of(lid) if lid else None
    return await all_of(front, phone or found)


async def look_at(front: Front, reading: Reading) -> None:
    """A person has seen all that is there now. Raises ``StoreDown``."""
    known = reading.conversation
    looked = await front.chats.looked_at([reading.chat])
    if known.messages and unread(known, looked.get(reading.chat)):
        await front.chats.looked(reading.chat, known.messages[-1].at)


def suggestion_of(reading: Reading) -> str:
    """What a person might answer; '' while there is nothing."""
    person = reading.conversation.needs_person
    return (person.suggestion if person else None) or ""


def suggestion_nonce(reading: Reading) -> str:
    """The suggested words are sent once, however often the button is pressed."""
    person = reading.conversation.needs_person
    since = person.since.isoformat() if person else ""
    return derive_id("suggested", reading.chat, since, suggestion_of(reading))


def _shops(rules: Rules) -> dict[str, str]:
    """The names of the shops, where there are several to be told apart."""
    return {shop.id: shop.name for shop in rules.shops} if len(rules.shops) > 1 else {}


ROUTES = [chats, chat, export, seen]
