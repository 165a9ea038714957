"""What a person does with a chat at the desk: the acts of the API, by forms."""

from __future__ import annotations

import re

from litestar import post
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from app.domain.events import Act
from app.web.contacts_api import LONGEST
from app.web.desk.chats import reading_of
from app.web.desk.visit import FromVisit, Visit
from app.web.reading import Wish, acted, cause_of, forget

ERASE = frozenset({"стереть", "өшіру"})
"""What is typed by who really means it."""

_NONCE = re.compile(r"[0-9A-Za-z-]{8,64}")


class Said(Struct, frozen=True, kw_only=True):
    """A person's own words. ``nonce`` is the form's: sent twice it is one message."""

    text: str = ""
    nonce: str = ""


class Sure(Struct, frozen=True, kw_only=True):
    """What was typed to confirm."""

    sure: str = ""


@post("/chats/{ref:str}/messages")
async def say(visit: FromVisit, ref: FromPath[str]) -> Redirect:
    """A person writes: queued, and the chat is people's."""
    form = await visit.form(Said)
    text = form.text.replace("\r\n", "\n").strip()
    if not text:
        return _back(visit, ref, "Сообщение пустое: напишите что-нибудь.", tone="no")
    if len(text) > LONGEST:
        return _back(visit, ref, "Слишком длинно: WhatsApp свернёт такое. Сократите.", tone="no")
    cause = cause_of(form.nonce if _NONCE.fullmatch(form.nonce) else None)
    await _act(visit, ref, Wish(act=Act.SAY, cause=cause, text=text))
    return _back(visit, ref, "Отправляем. Чат теперь ведёте вы.")


@post("/chats/{ref:str}/take-over")
async def take_over(visit: FromVisit, ref: FromPath[str]) -> Redirect:
    """The bot is silent here until the chat is handed back or a person was silent for long."""
    await _act(visit, ref, Wish(act=Act.TAKE_OVER, cause=cause_of(None)))
    return _back(visit, ref, "Чат ваш: бот молчит.")


@post("/chats/{ref:str}/hand-back")
async def hand_back(visit: FromVisit, ref: FromPath[str]) -> Redirect:
    """The chat is the bot's again, and nobody needs to look at it."""
    await _act(visit, ref, Wish(act=Act.HAND_BACK, cause=cause_of(None)))
    return _back(visit, ref, "Чат снова ведёт бот.")


@post("/chats/{ref:str}/opt-out")
async def opt_out(visit: FromVisit, ref: FromPath[str]) -> Redirect:
    """Nothing proactive any more."""
    await _act(visit, ref, Wish(act=Act.OPT_OUT, cause=cause_of(None)))
    return _back(visit, ref, "Отписан: бот больше не напишет первым.")


@post("/chats/{ref:str}/opt-in")
async def opt_in(visit: FromVisit, ref: FromPath[str]) -> Redirect:
    """Takes an opt-out back."""
    await _act(visit, ref, Wish(act=Act.OPT_IN, cause=cause_of(None)))
    return _back(visit, ref, "Подписан: бот снова может писать первым.")


@post("/chats/{ref:str}/erase")
async def erase(visit: FromVisit, ref: FromPath[str]) -> Redirect:
    """All of one person, for who has typed that they mean it."""
    form = await visit.form(Sure)
    if form.sure.strip().casefold() not in ERASE:
        said = "Ничего не стёрто: чтобы подтвердить, напишите слово «стереть»."
        return _back(visit, ref, said, tone="no")
    await forget(visit.front, await reading_of(visit.front, ref))
    return visit.back("/desk/chats", said="Стёрто всё, что мы знали об этом покупателе.")


async def _act(visit: Visit, ref: str, wish: Wish) -> None:
    await acted(visit.front, await reading_of(visit.front, ref), wish)


def _back(visit: Visit, ref: str, said: str, *, tone: str = "ok") -> Redirect:
    return visit.back(f"/desk/chats/{ref}#log", said=said, tone=tone)


ROUTES = [say, take_over, hand_back, opt_out, opt_in, erase]
