"""Why something failed for good, and what a shop owner can do about it, in plain words.

The texts are Russian and keys of the catalogue; ``{code}`` in them is the code itself.
"""

from __future__ import annotations

import re

from msgspec import Struct

from app.store.claims import Buried
from app.store.journal import UNCONFIRMED, Sort, sort_of


class Cause(Struct, frozen=True, kw_only=True):
    """What happened, and what to do. Both are keys of the catalogue."""

    what: str
    do: str


_LINE = "Посмотрите на странице «Связь», что с WhatsApp, и повторите, когда он заработает."
_AGAIN = "Повторите. Если не поможет, напишите покупателю сами."
_TO_DEVELOPER = (
    "Повторите. Если вернётся, отправьте разработчику время и код с этой страницы: {code}"
)
_WAIT_FOR_BAN = (
    "Подождите сутки и не пишите новым людям: кто пишет вам сам, тем бот отвечает. Потом повторите."
)

_OF_MESSAGES: dict[str, Cause] = {
    UNCONFIRMED: Cause(
        what="Неизвестно, ушло ли: WhatsApp не подтвердил и не отказал.",
        do="Посмотрите в телефоне магазина. Если сообщение там есть, уберите его отсюда. Если нет, "
        "повторите: бот сначала поищет его в WhatsApp и дважды не отправит. Вернётся сюда снова — "
        "напишите покупателю сами.",
    ),
    "not_on_whatsapp": Cause(
        what="Этого номера нет в WhatsApp.",
        do="Позвоните покупателю или напишите ему в чате Kaspi. Если он поставит WhatsApp, "
        "повторите.",
    ),
    "restricted": Cause(
        what="WhatsApp на время запретил номеру магазина писать новым людям.", do=_WAIT_FOR_BAN
    ),
    "463": Cause(
        what="WhatsApp на время запретил номеру магазина писать новым людям.", do=_WAIT_FOR_BAN
    ),
    "no_address": Cause(
        what="Некуда писать: неизвестен ни телефон, ни адрес покупателя в WhatsApp.",
        do="Подождите, пока покупатель напишет сам, или найдите его в чате Kaspi.",
    ),
    "did_not_go": Cause(
        what="Не ушло: бот отправлял несколько раз, а в WhatsApp этого сообщения нет.", do=_LINE
    ),
    "bad_request": Cause(
        what="WhatsApp (WAHA) не принял это сообщение.",
        do="Проверьте, не устарел ли WAHA: команда ai-seller check скажет. Потом повторите.",
    ),
    "not_supported": Cause(
        what="Этот WAHA не умеет отправлять такие сообщения.",
        do="Обновите WAHA или смените его движок, потом повторите.",
    ),
    "expired": Cause(
        what="Сообщение ждало отправки слишком долго и устарело.",
        do="Если оно ещё нужно, повторите или напишите покупателю сами.",
    ),
    "disabled": Cause(
        what="Бот был выключен, и сообщение не ушло.", do="Включите бота и повторите."
    ),
    "opted_out": Cause(
        what="Покупатель просил не писать.",
        do="Не повторяйте: если он напишет сам, бот ответит.",
    ),
    "failed": Cause(what="WhatsApp сообщил, что сообщение не доставлено.", do=_AGAIN),
}
_OF_THE_LINE = frozenset(
    """unreachable unauthorized session_down not_found no_waha no_route redirect server_error
    no_answer rate_limited no_lid no_id interrupted""".split()
)
"""Codes that are the phone line's own fault; the journal has words for them."""

_OF_FACTS: dict[str, Cause] = {
    "turns died on what was due": Cause(
        what="Программа раз за разом останавливалась на том, что пора было сделать в этом чате, и "
        "отложила его на час.",
        do="Повторите. Если вернётся, отправьте разработчику время с этой страницы.",
    ),
    "folding it kills the process": Cause(
        what="На этих событиях программа останавливается снова и снова: они отложены, чтобы "
        "остальные чаты работали.",
        do="Обновите программу и повторите. До тех пор ответьте покупателю сами.",
    ),
    "not readable by this version": Cause(
        what="События записаны другой версией программы, эта их не читает.",
        do="Обновите программу на всех машинах до одной версии и повторите.",
    ),
}
_EXCEPTION = re.compile(r"\w+(Error|Exception|Warning|Exit|Interrupt)")

_STRANGE_MESSAGE = Cause(what="Не отправлено. WhatsApp назвал причину так: {code}", do=_AGAIN)
_OUR_FAULT = Cause(what="Не отправлено: в программе ошибка.", do=_TO_DEVELOPER)
_WORDED = Cause(what="Не отправлено: {known}.", do=_AGAIN)
_STRANGE_FACTS = Cause(what="Бот не смог обработать эти события.", do=_TO_DEVELOPER)

CAUSES = (
    *_OF_MESSAGES.values(),
    *_OF_FACTS.values(),
    _OUR_FAULT,
    _WORDED,
    _STRANGE_MESSAGE,
    _STRANGE_FACTS,
)
"""Every cause that has words of its own."""


def cause_of(buried: Buried, *, known: str | None = None) -> Cause:
    """Why it failed, and what to do. ``known`` are the journal's words for its code, if it has any.

    A code nobody has words for is shown as it is, with what helps most often.
    """
    code = buried.cause
    if sort_of(buried) is Sort.FACTS:
        return _OF_FACTS.get(code, _STRANGE_FACTS)
    if _EXCEPTION.fullmatch(code):
        return _OUR_FAULT
    own = _OF_MESSAGES.get(code)
    if own is not None:
        return own
    shown = _WORDED if known else _STRANGE_MESSAGE
    return Cause(what=shown.what, do=_LINE) if code in _OF_THE_LINE else shown


# --- orders nobody can be written to ------------------------------------------------------------

_NO_PHONE = {
    "Kaspi shows no phone for this order": "Kaspi скрыл телефон покупателя",
    "phone is masked": "Kaspi скрыл телефон покупателя",
    "phone is empty": "Телефон не указан",
    "not a Kazakhstan mobile number": "Это не казахстанский мобильный номер",
}
NO_PHONE_OTHERWISE = "В заказе нет телефона, на который можно написать"
NO_PHONES = (*_NO_PHONE.values(), NO_PHONE_OTHERWISE)
"""Every reason why an order has nobody to write to."""


def without_phone(detail: str) -> str:
    """Why nobody can be written to about an order, in words that are a key of the catalogue."""
    return _NO_PHONE.get(detail, NO_PHONE_OTHERWISE)
