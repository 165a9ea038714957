"""How each connection is, in plain words: what it is, and what is to be done.

The texts are keys of the catalogue: ``kk/connection.toml`` has them in Kazakh.
"""

from __future__ import annotations

from msgspec import Struct

from app.web.desk.visit import Visit


class Told(Struct, frozen=True, kw_only=True):
    """A state: its colour (``ok``, ``wait``, ``no``, ``info``), its name, what to do about it."""

    tone: str
    word: str
    todo: str


def told(visit: Visit, phrase: Told) -> Told:
    """``phrase`` in the visitor's language."""
    return Told(tone=phrase.tone, word=visit.t(phrase.word), todo=visit.t(phrase.todo))


SESSIONS: dict[str, Told] = {
    "WORKING": Told(
        tone="ok",
        word="Работает",
        todo="Телефон подключён, сообщения идут.",
    ),
    "SCAN_QR_CODE": Told(
        tone="wait",
        word="Нужно подключить телефон",
        todo=(
            "Отсканируйте QR-код телефоном магазина или введите код вручную. Пока телефон не "
            "подключён, сообщения ждут и ничего не теряется."
        ),
    ),
    "STARTING": Told(
        tone="wait",
        word="Запускается",
        todo=(
            "Обычно это занимает несколько секунд. Если дольше минуты, проверьте, есть ли "
            "интернет на сервере, где работает WAHA."
        ),
    ),
    "FAILED": Told(
        tone="no",
        word="Связь потеряна",
        todo=(
            "Подождите минуту: часто WAHA восстанавливает связь сама. Если не помогло, "
            "перезапустите сессию. Если снова не получилось, телефон отвязан: подключите его "
            "заново."
        ),
    ),
    "STOPPED": Told(
        tone="no",
        word="Остановлена",
        todo="Кто-то остановил сессию в WAHA. Запустите её, и сообщения пойдут.",
    ),
    "PASSKEY_REQUIRED": Told(
        tone="wait",
        word="WhatsApp просит ключ доступа",
        todo=(
            "WhatsApp просит подтвердить вход ключом доступа (passkey). Откройте панель WAHA и "
            "подтвердите вход там."
        ),
    ),
    "PASSKEY_CONFIRMATION_REQUIRED": Told(
        tone="wait",
        word="Нужно подтверждение на телефоне",
        todo="Откройте WhatsApp на телефоне магазина и подтвердите вход.",
    ),
    "MISSING": Told(
        tone="no",
        word="Сессии нет",
        todo="В WAHA ещё нет такой сессии. Создайте её здесь и затем подключите телефон.",
    ),
    "UNREACHABLE": Told(
        tone="no",
        word="WAHA не отвечает",
        todo=(
            "Проверьте, запущена ли WAHA и верен ли адрес в WAHA_API_ENDPOINT. Сообщения ждут и "
            "уйдут, когда она ответит."
        ),
    ),
    "UNAUTHORIZED": Told(
        tone="no",
        word="Ключ WAHA не подходит",
        todo=(
            "WAHA не принимает WAHA_API_KEY. Впишите в .env тот же ключ, с которым запущена "
            "WAHA, и перезапустите ai-seller."
        ),
    ),
    "WRONG_ADDRESS": Told(
        tone="no",
        word="По этому адресу не WAHA",
        todo=(
            "По адресу из WAHA_API_ENDPOINT отвечает другая программа. Исправьте адрес в .env и "
            "перезапустите ai-seller."
        ),
    ),
    "BROKEN": Told(
        tone="no",
        word="WAHA отвечает ошибкой",
        todo="Обычно это проходит само. Если нет, посмотрите журнал WAHA и перезапустите её.",
    ),
}
"""WAHA's words for a session, and ours where WAHA itself is the trouble."""

STRANGE = Told(
    tone="info",
    word="WAHA сообщает: {status}",
    todo="Такого состояния мы ещё не знаем и продолжаем отправлять. Подробности в панели WAHA.",
)
"""A word that a later WAHA has invented."""

KASPI: dict[str, Told] = {
    "ok": Told(
        tone="ok",
        word="Заказы читаются",
        todo="Ничего делать не нужно.",
    ),
    "off": Told(
        tone="info",
        word="Токен не задан",
        todo=(
            "Заказы приходят только от программы, которая присылает их сама. Чтобы бот читал их в "
            "Kaspi, создайте токен в кабинете продавца: Настройки → Токен API. Впишите его в "
            "KASPI_API_TOKEN (если магазинов несколько, в файл магазинов) и перезапустите "
            "ai-seller."
        ),
    ),
    "new": Told(
        tone="wait",
        word="Скоро подключится",
        todo="Первое чтение ещё не началось: подождите минуту.",
    ),
    "late": Told(
        tone="no",
        word="Давно не читались",
        todo=(
            "Обычно Kaspi спрашивают каждые несколько минут, а последний ответ был давно. "
            "Проверьте, запущена ли часть программы, которая читает заказы: ai-seller serve или "
            "ai-seller worker."
        ),
    ),
    "seeding": Told(
        tone="wait",
        word="Подключается",
        todo="Читаем заказы, которые были раньше. О них никому не пишем.",
    ),
    "token_refused": Told(
        tone="no",
        word="Kaspi не принимает токен",
        todo=(
            "До этого заказы магазина не читаются. Создайте новый в кабинете продавца Kaspi: "
            "Настройки → Токен API. Впишите его в KASPI_API_TOKEN (если магазинов несколько, в "
            "файл магазинов) и перезапустите ai-seller."
        ),
    ),
    "too_many": Told(
        tone="wait",
        word="Kaspi просит не спешить",
        todo=(
            "Ждём и спросим снова сами. Проверьте, что этим же токеном не пользуется другая "
            "программа."
        ),
    ),
    "turned_away": Told(
        tone="no",
        word="Kaspi не пускает наш сервер",
        todo=(
            "Kaspi отвечает страницей вместо данных: так бывает с зарубежными серверами. Нужен "
            "сервер или выход в интернет из Казахстана."
        ),
    ),
    "not_found": Told(
        tone="no",
        word="Kaspi не находит магазин",
        todo="Проверьте KASPI_MERCHANT_UID: это номер магазина из кабинета продавца.",
    ),
    "silent": Told(
        tone="no",
        word="Kaspi не отвечает",
        todo=(
            "Спросим снова сами, ничего не потеряется. Если долго, проверьте интернет на сервере."
        ),
    ),
    "fault": Told(
        tone="no",
        word="Заказы прочитать не удалось",
        todo="Спросим снова сами. Если повторяется, пришлите разработчику подробности ниже.",
    ),
}
"""How a shop is read at Kaspi."""

KASPI_SILENT = frozenset({"timeout", "unreachable", "down", "resting", "stopping"})
"""Codes of failures that mean no more than that Kaspi, or the way to it, is away."""

MODEL: dict[str, Told] = {
    "ok": Told(
        tone="ok",
        word="Пишет тексты",
        todo="Ничего делать не нужно.",
    ),
    "new": Told(
        tone="info",
        word="Ещё не писала",
        todo=(
            "Модель настроена. Первый её текст покажет, что ключ верен; проверить раньше можно "
            "командой ai-seller check."
        ),
    ),
    "off": Told(
        tone="info",
        word="Не настроена",
        todo=(
            "Бот пишет готовыми текстами. Чтобы писала модель, задайте OPENAI_API_KEY в .env и "
            "перезапустите ai-seller."
        ),
    ),
    "down": Told(
        tone="no",
        word="Не отвечает",
        todo=(
            "Пока модель молчит, бот пишет готовыми текстами. Проверьте ключ, баланс и "
            "OPENAI_BASE_URL."
        ),
    ),
    "config": Told(
        tone="no",
        word="Отказывается отвечать",
        todo=(
            "Обычно неверен ключ или имя модели. Бот пишет готовыми текстами. Проверьте "
            "OPENAI_API_KEY, OPENAI_MODEL и OPENAI_BASE_URL в .env и перезапустите ai-seller. "
            "Помогло ли, покажет следующий текст."
        ),
    ),
    "rate_limit": Told(
        tone="no",
        word="Лимит или баланс исчерпан",
        todo=(
            "У поставщика модели исчерпан лимит запросов или кончились деньги. Бот пишет готовыми "
            "текстами и спросит снова сам. Проверьте баланс."
        ),
    ),
    "spent": Told(
        tone="no",
        word="Бюджет на сегодня исчерпан",
        todo="До завтра бот пишет готовыми текстами. Предел задаёт AI_SELLER_DAILY_BUDGET_USD.",
    ),
    "warning": Told(
        tone="wait",
        word="Бюджет на исходе",
        todo=(
            "Когда он закончится, бот будет писать готовыми текстами. Предел задаёт "
            "AI_SELLER_DAILY_BUDGET_USD."
        ),
    ),
}
"""How the model is."""

LISTS: dict[str, Told] = {
    "ok": Told(
        tone="ok",
        word="Прочитан",
        todo="Бот отвечает по этим ценам.",
    ),
    "faults": Told(
        tone="wait",
        word="Прочитан, есть ошибки",
        todo="Исправьте строки ниже: о таких товарах бот скажет не всё или ничего.",
    ),
    "new": Told(
        tone="wait",
        word="Ещё не прочитан",
        todo="Подождите минуту.",
    ),
    "down": Told(
        tone="no",
        word="Не читается",
        todo="Новых цен бот не знает. Прочитать не удалось вот почему:",
    ),
}
"""How a price list is."""
