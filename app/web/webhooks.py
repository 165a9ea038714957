"""The doors facts come in by: verify -> translate -> mailbox -> 202. They decide nothing.

No door waits for WhatsApp, Kaspi or a model: its answer means "durably stored", no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import Response, post
from litestar.exceptions import HTTPException, NotAuthorizedException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response.base import ASGIResponse
from msgspec import Struct

from app.domain.events import Address, Fact, SessionChanged
from app.domain.rules import Reason
from app.errors import AiSellerError, Refused
from app.gateways.kaspi import (
    UnknownStage,
    WithoutPhone,
    read_demper,
    read_order_webhook,
    verify_kaspi,
)
from app.gateways.waha_events import read_webhook, verify
from app.store.connection import in_time
from app.store.journal import Unusable
from app.web.front import FromFront, Front, front_of, known_shop
from app.web.guards import CHALLENGE, bears, is_trusted
from app.web.problems import HANDLERS, SAFE_HEADERS, SIGNED, AnyRequest, retry_after, status_of

_encode = msgspec.json.Encoder().encode


class Accepted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Durably stored. ``facts`` were understood, ``new`` of them for the first time.

    ``ignored`` is why a body means nothing to us; ``without_phone`` counts orders nobody can be
    written to about.
    """

    status: str
    facts: int
    new: int
    ignored: str | None = None
    without_phone: int = 0


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The demper's answer. ``status`` is ``success``, ``info`` or ``error``."""

    status: str
    action: str | None = None
    order_id: str | None = None
    message: str | None = None


_TAKEN = SIGNED | {
    int(HTTPStatus.ACCEPTED): ResponseSpec(
        Accepted, generate_examples=False, description="Durably stored"
    )
}
_TOLD = {
    int(status): ResponseSpec(Told, generate_examples=False, description=status.phrase)
    for status in (
        HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.SERVICE_UNAVAILABLE,
    )
}  # fmt: skip
"""What the doors of the webhooks, and the demper's, may answer with."""


@lru_cache(maxsize=256)
def _accepted(
    *, facts: int, new: int, ignored: str | None = None, without_phone: int = 0
) -> ASGIResponse:
    """202, made once: these doors are the busy ones and have few different answers."""
    accepted = Accepted(
        status="accepted", facts=facts, new=new, ignored=ignored, without_phone=without_phone
    )
    return _answer(accepted, HTTPStatus.ACCEPTED)


def _answer(content: Struct, status: HTTPStatus) -> ASGIResponse:
    return ASGIResponse(
        body=_encode(content),
        status_code=status,
        media_type="application/json",
        headers=SAFE_HEADERS,
    )


async def _take(front: Front, facts: tuple[Fact, ...], now: datetime) -> int:
    """Store the facts and have their turns run; how many were new. Raises ``StoreDown``."""
    if not facts:
        return 0
    chats = await front.contacts.chats_of(facts)
    return sum(await front.mailbox.accept(chats, now=now))


# --- WAHA -------------------------------------------------------------------------------------


@post(
    "/webhooks/waha",
    status_code=HTTPStatus.ACCEPTED,
    responses=_TAKEN,
    summary="WAHA's signed webhooks",
)
async def waha(request: AnyRequest, front: FromFront) -> ASGIResponse:
    """202 when durably stored, a known duplicate too; 401 without a good signature.

    An authentic body that means nothing to us is 202 as well: WAHA repeats whatever else.
    """
    key = front.waha_hmac_key
    if key is None:
        raise _closed("WAHA_WEBHOOK_HMAC_KEY is not set, so no webhook can be told from a forgery")
    body, headers = await request.body(), request.headers
    if not verify(
        body,
        headers.get("x-webhook-hmac"),
        key,
        algorithm=headers.get("x-webhook-hmac-algorithm"),
    ):
        raise _unsigned(front, "waha", "X-Webhook-Hmac is missing or does not fit the body")
    now = front.world.now()
    reading = read_webhook(body, now)
    async with in_time():
        for changed in reading.sessions:  # first: what a ban refused must not be tried again
            await _session_changed(front, changed, now)
        new = await _take(front, reading.facts, now)
        if reading.heard is not None:
            await front.sessions.heard(reading.heard, now)
    facts = len(reading.facts)
    front.log.info("door", door="waha", facts=facts, new=new, ignored=reading.ignored)
    return _accepted(facts=facts, new=new, ignored=reading.ignored)


async def _session_changed(front: Front, changed: SessionChanged, now: datetime) -> None:
    """Keep it; what waited for a session that is back goes on at once."""
    today = front.rules.local(now).date()
    if not await front.sessions.told(changed, day=today, now=now):
        return
    front.log.info("session", session=changed.session, status=changed.status)
    if (await front.sessions.of(changed.session)).works:
        await front.mailbox.wake(await front.sessions.release(changed.session, now))


def _closed(detail: str) -> HTTPException:
    return HTTPException(detail=detail, status_code=HTTPStatus.SERVICE_UNAVAILABLE)


def _unsigned(front: Front, door: str, detail: str) -> NotAuthorizedException:
    front.log.warning("door", door=door, refused="signature")
    return NotAuthorizedException(detail)


# --- Kaspi ------------------------------------------------------------------------------------


@post(
    "/webhooks/kaspi",
    status_code=HTTPStatus.ACCEPTED,
    responses=_TAKEN,
    summary="Signed order webhooks",
)
async def kaspi(request: AnyRequest, front: FromFront) -> ASGIResponse:
    """202 when durably stored; 400 with what is wrong; 401 without a good signature."""
    if front.kaspi_secret is None:
        raise _closed("KASPI_WEBHOOK_SECRET is not set, so no webhook can be told from a forgery")
    body = await request.body()
    if not verify_kaspi(front.kaspi_secret, request.headers, body):
        raise _unsigned(front, "kaspi", "the webhook-signature is missing, wrong or too old")
    now = front.world.now()
    push = read_order_webhook(body, received_at=now, shop_id=front.shop_id)
    for shop in push.shops:
        known_shop(front, shop, status=HTTPStatus.BAD_REQUEST)
    async with in_time():
        found = [(hidden, await _known_owner(front, hidden)) for hidden in push.without_phone]
        facts = (*push.facts, *(fact for _, fact in found if fact))
        lost = [hidden for hidden, fact in found if fact is None]
        new = await _take(front, facts, now)
        for hidden in lost:
            order = hidden.event.order
            await _without_phone(front, hidden.reason, shop=order.shop, code=order.code)
    front.log.info("door", door="kaspi", facts=len(facts), new=new, without_phone=len(lost))
    return _accepted(facts=len(facts), new=new, without_phone=len(lost))


async def _known_owner(front: Front, hidden: WithoutPhone) -> Fact | None:
    """The same for the person the order was first heard of with: Kaspi hides phones later on."""
    order = hidden.event.order
    known = await front.contacts.order(order.shop, order.code)
    if known is None or known.chat is None:
        return None
    return Fact(person=Address(phone=known.chat), event=hidden.event)


async def _without_phone(front: Front, detail: str, *, shop: str, code: str | None) -> None:
    """Record a fact about somebody who cannot be written to. It counts as blocked."""
    fact = Unusable(
        at=front.world.now(), reason=Reason.NO_PHONE, detail=detail, order_code=code, shop=shop
    )
    await front.journal.unusable(fact)


# --- the demper -------------------------------------------------------------------------------

_WHOSE = "The shop of the order; the first one unless told."
ShopId = Annotated[str | None, QueryParameter(description=_WHOSE)]


def _told_wrong(request: AnyRequest, error: Exception) -> Response[Told]:
    """A failure in the demper's own shape."""
    log = front_of(request).log
    headers: Mapping[str, str] | None = None
    if isinstance(error, HTTPException) and error.status_code != HTTPStatus.INTERNAL_SERVER_ERROR:
        status, message, headers = error.status_code, error.detail, error.headers
    elif isinstance(error, AiSellerError):
        status, message, headers = status_of(error), error.reason, retry_after(error)
    else:
        status, message = HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong here"
        log.error("request_failed", path="/event_handler", exc_info=error)
    log.warning("door", door="demper", refused=message, status=int(status))
    told = Told(status="error", message=message)
    return Response(told, status_code=status, headers=SAFE_HEADERS | dict(headers or {}))


@post(
    "/event_handler",
    status_code=HTTPStatus.OK,
    responses=_TOLD,
    summary="A demper's push",
    exception_handlers=dict.fromkeys(HANDLERS, _told_wrong),
)
async def demper(request: AnyRequest, front: FromFront, shop_id: ShopId = None) -> ASGIResponse:
    """200 when durably stored (a known one too) and for a stage that is not served.

    400 for bad JSON, no stage, no or unusable phone, no such shop; 401 for a stranger.
    """
    if not is_trusted(request, front.trusted) and not bears(request, front.event_token):
        raise NotAuthorizedException("a token is needed from this network", headers=CHALLENGE)
    now, shop = front.world.now(), known_shop(front, shop_id, status=HTTPStatus.BAD_REQUEST)
    try:
        push = read_demper(await request.body(), received_at=now, shop_id=shop)
    except Refused as refusal:
        if _is_of_phone(refusal):
            async with in_time():
                await _without_phone(front, refusal.reason, shop=shop, code=refusal.about)
        raise
    if isinstance(push, UnknownStage):
        front.log.info("door", door="demper", facts=0, ignored="stage")
        return _answer(Told(status="info", message=_not_served(push)), HTTPStatus.OK)
    async with in_time():
        new = await _take(front, (push.fact,), now)
    action = "accepted" if new else "duplicate"
    front.log.info("door", door="demper", facts=1, new=new, order=push.order_id)
    if not front.rules.enabled:
        told = Told(status="info", action=action, order_id=push.order_id, message=_DISABLED)
    else:
        told = Told(status="success", action=action, order_id=push.order_id)
    return _answer(told, HTTPStatus.OK)


_DISABLED = "AI seller is disabled: the event is recorded, nothing is sent"
_LONGEST_STAGE = 64


def _is_of_phone(refusal: Refused) -> bool:
    return (refusal.code or "").startswith("phone_")


def _not_served(unknown: UnknownStage) -> str:
    return f"Этап '{unknown.stage[:_LONGEST_STAGE]}' получен, но не обслуживается."


ROUTES = [waha, kaspi, demper]
