"""Is the phone connected, are orders read, does the model write: how each is, and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeAlias

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from app.errors import AiSellerError, Refused, StoreDown
from app.web import phone_line
from app.web.desk.connection_parts import Model, Prices, Shop, model_of, prices_of, shops_of
from app.web.desk.connection_phones import phones_of, ref_of
from app.web.desk.connection_phrases import Told
from app.web.desk.visit import FromVisit, Visit
from app.web.front import Front, Health

PAGE = "/desk/connection"

SOON, SELDOM = 5, 20
"""Seconds until the page looks again: while something is wrong or a code is shown, and else."""

Act: TypeAlias = Callable[[Front, str], Awaitable[object]]


class Code(Struct, frozen=True, kw_only=True):
    """The code somebody has just asked for, or why there is none."""

    ref: str
    code: str | None = None
    fault: str | None = None


class Number(Struct, frozen=True, kw_only=True):
    """The form of the pairing code: the shop's own number."""

    phone: str = ""


async def _page(visit: Visit, *, asked: Code | None = None) -> Response[str]:
    probe, phones = await asyncio.gather(visit.front.probe(), phones_of(visit))
    shops = shops_of(visit, probe.kaspi.shops)
    model = await model_of(visit, probe)
    prices = await prices_of(visit, probe.prices.lists)
    line = visit.front.phone_line
    tones = [told.tone for told in _all_told(shops, model, prices)]
    wrong = sum(not phone.well for phone in phones) + (line is None) + tones.count("no")
    wrong += probe.store.state is not Health.OK or probe.durable is False
    return visit.page(
        "connection.html",
        tab="connection",
        phones=phones,
        shops=shops,
        model=model,
        prices=prices,
        store=probe.store.state is Health.OK,
        durable=probe.durable,
        address=visit.front.url,
        webhook_address=None if line is None else line.address,
        wrong=wrong,
        every=SOON if wrong or "wait" in tones else SELDOM,
        asked=asked,
    )


def _all_told(shops: list[Shop], model: Model, prices: list[Prices]) -> list[Told]:
    return [*(each.told for each in shops), model.told, *(each.told for each in prices)]


@get("/connection")
async def connection(visit: FromVisit) -> Response[str]:
    """How everything is connected, looked at just now."""
    return await _page(visit)


@get("/connection/{ref:str}/qr.png", media_type="image/png")
async def qr(visit: FromVisit, ref: FromPath[str]) -> Response[bytes]:
    """The QR code of now."""
    picture = await phone_line.qr(visit.front, _session_of(visit.front, ref))
    return Response(picture, media_type="image/png", headers={"Cache-Control": "no-store"})


@get("/connection/{ref:str}/pairing-code")
async def again(ref: FromPath[str]) -> Redirect:  # noqa: ARG001 - a part of the address
    """Whoever loads the page of a code again is shown the page without it."""
    return Redirect(PAGE, status_code=303)


@post("/connection/{ref:str}/pairing-code", status_code=HTTPStatus.OK)
async def pairing_code(visit: FromVisit, ref: FromPath[str]) -> Response[str]:
    """The code, shown once on the page and nowhere in its address."""
    number, session = await visit.form(Number), _session_of(visit.front, ref)
    try:
        code = await phone_line.pairing_code(visit.front, session, number.phone)
    except StoreDown:
        raise
    except AiSellerError as error:
        fault = visit.t(_FAILED.get(error.code or "", _OTHERWISE))
        return await _page(visit, asked=Code(ref=ref, fault=fault))
    _noted(visit, "session_pairing", session)
    return await _page(visit, asked=Code(ref=ref, code=code))


def _session_of(front: Front, ref: str) -> str:
    """The session behind ``ref``. Raises Refused (404)."""
    for session in phone_line.sessions_of(front):
        if ref_of(session) == ref:
            return session
    raise Refused("no such session", code="unknown_session", status=HTTPStatus.NOT_FOUND)


# --- what a person may do -----------------------------------------------------------------------


@post("/connection/{ref:str}/restart")
async def restart(visit: FromVisit, ref: FromPath[str]) -> Redirect:
    """Stop and start the session."""
    said = "Сессия перезапускается. Через несколько секунд она вернётся."
    return await _do(visit, ref, act=phone_line.restart, said=said)


@post("/connection/{ref:str}/relink")
async def relink(visit: FromVisit, ref: FromPath[str]) -> Redirect:
    """Forget the phone: another one, or the same anew, is linked then."""
    said = "Телефон отвязан. Сейчас появится QR-код, чтобы подключить его."
    return await _do(visit, ref, act=phone_line.relink, said=said)


@post("/connection/{ref:str}/start")
async def start(visit: FromVisit, ref: FromPath[str]) -> Redirect:
    """Start a session that is stopped."""
    return await _do(visit, ref, act=phone_line.start, said="Сессия запускается.")


@post("/connection/{ref:str}/webhook")
async def webhook(visit: FromVisit, ref: FromPath[str]) -> Redirect:
    """Have customers' messages come to us; the session is made where there is none."""
    said = "Готово: WAHA будет присылать сюда сообщения."
    return await _do(visit, ref, act=phone_line.register_webhook, said=said)


async def _do(visit: Visit, ref: str, *, act: Act, said: str) -> Redirect:
    session = _session_of(visit.front, ref)
    try:
        done = await act(visit.front, session)
    except StoreDown:
        raise
    except AiSellerError as error:
        why = _FAILED | (_NOT_SET if act is phone_line.register_webhook else {})
        return visit.back(PAGE, said=why.get(error.code or "", _OTHERWISE), tone="no")
    _noted(visit, f"session_{act.__name__}", session)
    return visit.back(PAGE, said=_SET_ALREADY if done is False else said)


def _noted(visit: Visit, act: str, session: str) -> None:
    visit.front.log.info("operator", act=act, session=session, who=visit.who)


_OTHERWISE = "WAHA не выполнила просьбу. Посмотрите на её состояние ниже и попробуйте ещё раз."
_FAILED = {
    "too_soon": "Это делали только что. Подождите полминуты и повторите.",
    "restricted": "WhatsApp ограничил номер: перезапуск сделает хуже. Дождитесь конца ограничения.",
    "not_waiting": "Сейчас эта сессия не ждёт телефона: код не нужен.",
    "phone_invalid": "Это не похоже на номер телефона. Напишите его так: +7 701 123 45 67.",
    "no_code": "WAHA не дала код. Отсканируйте QR-код.",
    "not_supported": "Эта WAHA так не умеет. Отсканируйте QR-код.",
    "no_hmac_key": "Сначала задайте WAHA_WEBHOOK_HMAC_KEY в .env и перезапустите ai-seller.",
    "no_waha": "WAHA не подключена: задайте WAHA_API_ENDPOINT в .env и перезапустите ai-seller.",
    "missing": "В WAHA нет такой сессии: создайте её.",
    "not_found": "В WAHA нет такой сессии: создайте её.",
    "session_down": "Сессия сейчас в другом состоянии. Посмотрите ниже, что с ней.",
    "unauthorized": "WAHA не принимает ключ WAHA_API_KEY.",
    "unreachable": "WAHA не отвечает. Проверьте, запущена ли она.",
    "no_answer": "WAHA не ответила вовремя. Через полминуты будет видно, что стало с сессией.",
}
_NOT_SET = {
    "session_down": (
        "WAHA не создала сессию. До версии 2026.6.1 она ведёт только одну, default: обновите WAHA "
        "или впишите default как имя сессии."
    ),
}
_SET_ALREADY = "В WAHA уже записан этот адрес с тем же ключом: менять нечего."

ROUTES = [connection, qr, again, pairing_code, restart, relink, start, webhook]
