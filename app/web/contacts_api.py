"""One person: what is known, what was said and why, and what people at the shop may do."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from litestar import Response, Router, get, post
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter
from msgspec import Meta, Struct

from app.domain.events import Act
from app.errors import Refused
from app.web.front import FromFront, Front
from app.web.problems import GUARDED
from app.web.reading import (
    Reading,
    Wish,
    act,
    acted,
    all_messages,
    cause_of,
    chat_named,
    forget,
    kept,
    known,
)
from app.web.reading import journal as journal_of
from app.web.views import Contact, Erased, Export, Line, Said, contact, line, said

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(name="Idempotency-Key", description="The same key twice acts once."),
]
Newest = Annotated[int, QueryParameter(ge=1, le=1000, description="The newest so many.")]

LONGEST = 4000
"""Characters of a person's message; WhatsApp folds longer ones away."""


class Say(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person's own words to the customer."""

    text: Annotated[str, Meta(min_length=1, max_length=LONGEST)]


def _seen(front: Front, reading: Reading) -> Contact:
    return contact(reading, now=front.world.now(), rules=front.rules)


@get("/{phone:str}", responses=GUARDED, summary="What is known of a person")
async def show(front: FromFront, phone: FromPath[str]) -> Contact:
    """The phone in any writing; 404 when nobody has heard of it."""
    return _seen(front, await known(front, phone))


@get("/{phone:str}/messages", responses=GUARDED, summary="What was said, oldest first")
async def messages(front: FromFront, phone: FromPath[str], limit: Newest = 1000) -> list[Said]:
    """Both directions, the archived ones too. The customer's own have no ``status``."""
    kept = await all_messages(front, await known(front, phone))
    return [said(message) for message in kept[-limit:]]


@get(
    "/{phone:str}/journal", responses=GUARDED, summary="Every decision and its reason, oldest first"
)
async def journal(front: FromFront, phone: FromPath[str], limit: Newest = 500) -> list[Line]:
    """Why a message was or was not sent, until when, from which facts."""
    kept = await journal_of(front, await known(front, phone))
    return [line(entry) for entry in kept[-limit:]]


@get("/{phone:str}/export", responses=GUARDED, summary="All we keep of a person")
async def export(front: FromFront, phone: FromPath[str]) -> Response[Export]:
    """As one JSON file, for whoever asks what we know of them: orders too that were made before
    their shop was connected.
    """
    return await exported(front, await kept(front, phone))


async def exported(front: Front, reading: Reading) -> Response[Export]:
    """All we keep of a person, as a file. Raises ``StoreDown``."""
    everything = Export(
        exported_at=front.world.now(),
        contact=_seen(front, reading),
        messages=[said(m) for m in await all_messages(front, reading)],
        journal=[line(entry) for entry in await journal_of(front, reading)],
    )
    named = 'attachment; filename="contact.json"'
    return Response(everything, headers={"Content-Disposition": named})


# --- acts -------------------------------------------------------------------------------------


async def _done(front: Front, phone: str, wish: Wish) -> Contact:
    """Act on a chat we know, and show it as it is then."""
    return _seen(front, await acted(front, await known(front, phone), wish))


@post(
    "/{phone:str}/take-over",
    status_code=HTTPStatus.OK,
    responses=GUARDED,
    summary="People answer this chat",
)
async def take_over(front: FromFront, phone: FromPath[str], key: IdempotencyKey = None) -> Contact:
    """The bot is silent here until the chat is handed back or a person was silent for long."""
    return await _done(front, phone, Wish(act=Act.TAKE_OVER, cause=cause_of(key)))


@post(
    "/{phone:str}/hand-back",
    status_code=HTTPStatus.OK,
    responses=GUARDED,
    summary="The bot answers again",
)
async def hand_back(front: FromFront, phone: FromPath[str], key: IdempotencyKey = None) -> Contact:
    """The chat is the bot's again, and nobody needs to look at it."""
    return await _done(front, phone, Wish(act=Act.HAND_BACK, cause=cause_of(key)))


@post(
    "/{phone:str}/messages",
    status_code=HTTPStatus.ACCEPTED,
    responses=GUARDED,
    summary="A person writes",
)
async def say(  # noqa: PLR0917 - handlers get their parameters by name
    front: FromFront,
    phone: FromPath[str],
    data: JSONBody[Say],
    key: IdempotencyKey = None,
) -> Contact:
    """Queued, and the chat is people's: `GET …/messages` shows how far it got."""
    if not data.text.strip():
        raise Refused("the text is blank", code="blank_text")
    return await _done(front, phone, Wish(act=Act.SAY, cause=cause_of(key), text=data.text))


@post(
    "/{phone:str}/opt-in",
    status_code=HTTPStatus.OK,
    responses=GUARDED,
    summary="The customer wants to hear of us",
)
async def opt_in(front: FromFront, phone: FromPath[str], key: IdempotencyKey = None) -> Contact:
    """Takes an opt-out back."""
    return await _done(front, phone, Wish(act=Act.OPT_IN, cause=cause_of(key)))


@post(
    "/{phone:str}/opt-out",
    status_code=HTTPStatus.OK,
    responses=GUARDED,
    summary="Nothing proactive any more",
)
async def opt_out(front: FromFront, phone: FromPath[str], key: IdempotencyKey = None) -> Contact:
    """Also for a phone nobody has heard of: a seller may bring a stop list along."""
    chat = await chat_named(front, phone)
    await act(front, chat, Wish(act=Act.OPT_OUT, cause=cause_of(key)))
    front.log.info("operator", act=Act.OPT_OUT, chat=chat)
    return _seen(front, await known(front, chat))


@post("/{phone:str}/erase", status_code=HTTPStatus.OK, responses=GUARDED, summary="Forget a person")
async def erase(front: FromFront, phone: FromPath[str]) -> Erased:
    """All of one person, also where nothing but orders is kept. An opt-out is kept, as a hash
    nobody can read the phone from. Orders told of until then are not spoken of again.
    """
    return Erased(erased=True, opt_out_kept=await forget(front, await kept(front, phone)))


ROUTER = Router(
    "/api/contacts",
    route_handlers=[
        show, messages, journal, export, take_over, hand_back, say, opt_in, opt_out, erase,
    ],
    tags=["contacts"],
)  # fmt: skip
