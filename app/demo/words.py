"""The bot's journal in plain words: what it decided and why, in Russian and Kazakh."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any, Literal, TypeAlias

import msgspec

Lang: TypeAlias = Literal["ru", "kk"]
Tone: TypeAlias = Literal["ok", "wait", "no", "info"]
Pair: TypeAlias = tuple[str, str]
"""The same in Russian and in Kazakh."""


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the journal: at what time, what about, what became of it and why."""

    at: str
    about: str
    status: str
    reason: str | None
    tone: Tone


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """What a newcomer should know now; `kind` is its name, `new_buyer` offers another buyer."""

    kind: str
    text: str
    new_buyer: bool


class _Written(msgspec.Struct, frozen=True):
    canned: bool = False
    why_canned: str | None = None


class Noted(msgspec.Struct, frozen=True):
    """An entry of GET /api/contacts/{phone}/journal, as far as it is shown."""

    at: datetime
    kind: str
    purpose: str | None = None
    reason: str | None = None
    until: datetime | None = None
    order_code: str | None = None
    written: _Written | None = None


def noted(entries: Iterable[dict[str, Any]]) -> list[Noted]:
    """The entries in order of time; those in another shape are left out."""
    read: list[Noted] = []
    for entry in entries:
        try:
            read.append(msgspec.convert(entry, Noted))
        except msgspec.ValidationError:
            continue
    if read and read[0].at > read[-1].at:
        read.reverse()
    return sorted(read, key=lambda entry: entry.at)


_PURPOSES: dict[str, Pair] = {
    "post_purchase": ("Благодарность за заказ", "Тапсырысқа алғыс"),
    "order_delivered": ("Вопрос о доставленном заказе", "Жеткізілген тапсырыс туралы сұрақ"),
    "review_request": ("Просьба об отзыве", "Пікір сұрау"),
    "handed_over": ("Заказ передан в доставку", "Тапсырыс жеткізуге берілді"),
    "ready_for_pickup": ("Заказ можно забрать", "Тапсырысты алып кетуге болады"),
    "order_cancelled": ("Магазин отменил заказ", "Дүкен тапсырысты жойды"),
    "reminder": ("Напоминание", "Еске салу"),
    "campaign": ("Рассылка", "Хабарлама тарату"),
    "reply": ("Ответ покупателю", "Сатып алушыға жауап"),
    "opt_out_confirmation": ("Подтверждение отписки", "Бас тартуды растау"),
    "handoff_notice": ("Передача человеку", "Адамға тапсыру"),
}
_SUBJECTS: dict[str, Pair] = {
    "received": ("Покупатель написал", "Сатып алушы жазды"),
    "opted_out": ("Покупатель отписался", "Сатып алушы бас тартты"),
    "opted_in": ("Покупатель снова согласен", "Сатып алушы қайта келісті"),
    "taken_over": ("Чат ведёт продавец", "Чатты сатушы жүргізеді"),
    "handed_back": ("Чат снова у бота", "Чат қайтадан ботта"),
    "person_called": ("Нужен человек", "Адам керек"),
    "person_said": ("Продавец ответил сам", "Сатушы өзі жауап берді"),
    "merged": ("Два чата одного покупателя", "Бір сатып алушының екі чаты"),
    "paused": ("Похоже, покупатель не хочет сообщений", "Сатып алушы хабарлама қаламайтын сияқты"),
    "heard": ("Голосовое сообщение", "Дауыстық хабарлама"),
    "summed_up": ("Сводка для продавца", "Сатушыға арналған түйін"),
}
_STATUSES: dict[str, tuple[Pair, Tone]] = {
    "scheduled": (("запланировано", "жоспарланды"), "wait"),
    "blocked": (("не отправлено", "жіберілмеді"), "wait"),
    "dropped": (("не будет отправлено", "жіберілмейді"), "no"),
    "written": (("текст готов", "мәтін дайын"), "info"),
    "sent": (("отправлено", "жіберілді"), "ok"),
    "dry_run": (("не отправлено", "жіберілмеді"), "info"),
    "uncertain": (("неизвестно, ушло ли", "кеткені белгісіз"), "wait"),
    "retrying": (("пока не ушло", "әзірге кетпеді"), "wait"),
    "failed": (("не отправлено", "жіберілмеді"), "no"),
    "received": (("принято", "қабылданды"), "info"),
    "opted_out": (("бот больше не пишет первым", "бот енді бірінші жазбайды"), "no"),
    "opted_in": (("бот снова может писать", "бот қайта жаза алады"), "ok"),
    "taken_over": (("бот молчит", "бот үнсіз"), "wait"),
    "handed_back": (("бот отвечает", "бот жауап береді"), "ok"),
    "person_called": (("продавца позвали", "сатушы шақырылды"), "wait"),
    "person_said": (("бот видел ответ", "бот жауапты көрді"), "info"),
    "merged": (("стали одним", "біріктірілді"), "info"),
    "paused": (("бот сутки не пишет первым", "бот бір тәулік бірінші жазбайды"), "wait"),
    "heard": (("прослушано", "тыңдалды"), "info"),
    "summed_up": (("готова", "дайын"), "info"),
    "receipt": (("отметка WhatsApp", "WhatsApp белгісі"), "info"),
    "order": (("новость о заказе", "тапсырыс жаңалығы"), "info"),
}
_REASONS: dict[str, Pair] = {
    # Why the bot does not write, or not now.
    "opted_out": ("покупатель просил не писать", "сатып алушы жазбауды сұраған"),
    "cooldown": ("пауза 24 часа между сообщениями", "хабарламалар арасындағы 24 сағат үзіліс"),
    "customer_cap": (
        "этому покупателю написали столько, сколько можно за месяц",
        "бұл сатып алушыға айлық шегі толды",
    ),
    "daily_cap": ("дневной предел магазина исчерпан", "дүкеннің күндік шегі толды"),
    "quiet_hours": ("тихие часы", "тыныш сағаттар"),
    "people_own_chat": ("с покупателем говорит продавец", "сатып алушымен сатушы сөйлесуде"),
    "order_changed": ("с заказом уже иначе", "тапсырыс өзгерді"),
    "expired": ("уже поздно, смысла нет", "кеш болды, мәні жоқ"),
    "duplicate": ("об этом уже писали", "бұл туралы жазылған"),
    "no_phone": ("нет телефона", "телефон жоқ"),
    "no_address": ("некуда писать: нет телефона", "жазатын жер жоқ: телефон жоқ"),
    "not_on_whatsapp": ("этого номера нет в WhatsApp", "бұл нөмір WhatsApp-та жоқ"),
    "session_down": ("WhatsApp магазина не подключён", "дүкен WhatsApp-ы қосылмаған"),
    "restricted": ("WhatsApp ограничил номер", "WhatsApp нөмірді шектеді"),
    "463": ("WhatsApp ограничил номер", "WhatsApp нөмірді шектеді"),
    "number_health": (
        "номер магазина бережём: много отказов или отписок",
        "дүкен нөмірін сақтаймыз: қайтарылған хабар не бас тарту көп",
    ),
    "disabled": ("бот выключен", "бот өшірулі"),
    "unknown_contact": ("бот не знает этого покупателя", "бот бұл сатып алушыны танымайды"),
    "order_unread": (
        "Kaspi пока не отвечает о заказе",
        "Kaspi тапсырыс туралы әзірге жауап бермейді",
    ),
    "pace": ("пауза перед следующей отправкой", "келесі жіберу алдындағы үзіліс"),
    "paused": ("покупатель, похоже, просил не писать", "сатып алушы жазбауды сұраған сияқты"),
    "answered": ("покупатель уже ответил", "сатып алушы жауап берді"),
    "upset": ("покупатель недоволен: сначала человек", "сатып алушы наразы: алдымен адам"),
    "person": ("так решил продавец", "сатушы солай шешті"),
    "word": ("сказал «стоп»", "«тоқта» деді"),
    "phrase": ("попросил своими словами", "өз сөзімен сұрады"),
    # What WhatsApp (WAHA) answered when the bot sent.
    "no_waha": ("WhatsApp (WAHA) не настроен", "WhatsApp (WAHA) бапталмаған"),
    "unreachable": ("WhatsApp (WAHA) недоступен", "WhatsApp (WAHA) қолжетімсіз"),
    "unauthorized": ("WhatsApp (WAHA) не принял ключ", "WhatsApp (WAHA) кілтті қабылдамады"),
    "no_answer": ("WhatsApp (WAHA) не ответил", "WhatsApp (WAHA) жауап бермеді"),
    "server_error": ("WhatsApp (WAHA) ответил ошибкой", "WhatsApp (WAHA) қатемен жауап берді"),
    "rate_limited": ("WhatsApp (WAHA) просит не спешить", "WhatsApp (WAHA) асықпауды сұрайды"),
    "bad_request": ("WhatsApp (WAHA) отказал", "WhatsApp (WAHA) бас тартты"),
    "not_found": ("WhatsApp (WAHA) такого не нашёл", "WhatsApp (WAHA) мұндайды таппады"),
    "not_supported": ("WhatsApp (WAHA) этого не умеет", "WhatsApp (WAHA) мұны істей алмайды"),
    "no_route": ("WhatsApp (WAHA) этого не умеет", "WhatsApp (WAHA) мұны істей алмайды"),
    "redirect": ("адрес WhatsApp (WAHA) неверный", "WhatsApp (WAHA) мекенжайы қате"),
    "no_history": ("WhatsApp (WAHA) не хранит переписку", "WhatsApp (WAHA) хаттарды сақтамайды"),
    "no_lid": (
        "номер в WhatsApp есть, но чат пока не открылся",
        "нөмір WhatsApp-та бар, бірақ чат әзірге ашылмады",
    ),
    "no_id": (
        "WhatsApp (WAHA) взял сообщение, но не подтвердил",
        "WhatsApp (WAHA) хабарламаны алды, бірақ растамады",
    ),
    "interrupted": ("отправку прервали", "жіберу үзілді"),
    # What became of a message sent.
    "taken": ("WhatsApp (WAHA) взял сообщение", "WhatsApp (WAHA) хабарламаны алды"),
    "seen_on_whatsapp": ("увидели в WhatsApp", "WhatsApp-та көрінді"),
    "seen_twice": ("в WhatsApp оно два раза", "WhatsApp-та ол екі рет тұр"),
    "did_not_go": ("в WhatsApp его нет: не ушло", "WhatsApp-та жоқ: кетпеген"),
    "unconfirmed": ("неизвестно, ушло ли сообщение", "хабарламаның кеткені белгісіз"),
    "replayed": ("отправляем ещё раз", "қайта жіберіледі"),
    "delivered": ("доставлено", "жеткізілді"),
    "read": ("прочитано", "оқылды"),
    # What the buyer did, and who was asked to help.
    "late": ("старое сообщение, отвечать поздно", "ескі хабарлама, жауап беру кеш"),
    "reaction": ("это реакция, ответ не нужен", "бұл реакция, жауап керек емес"),
    "edited": ("сообщение исправлено", "хабарлама түзетілді"),
    "revoked": ("сообщение удалено", "хабарлама жойылды"),
    "call": ("покупатель звонил", "сатып алушы қоңырау шалды"),
    "one_person": ("это один и тот же человек", "бұл бір адам"),
    "loop": ("одни и те же слова: похоже на робота", "сөздер бірдей: роботқа ұқсайды"),
    "flood": ("слишком много сообщений за час", "бір сағатта тым көп хабарлама"),
    "unanswered": ("вопрос остался без ответа", "сұрақ жауапсыз қалды"),
    "wants_person": ("покупатель просит человека", "сатып алушы адамды сұрады"),
    "refund": ("возврат, обмен или отмена", "қайтару, айырбастау не бас тарту"),
    "complaint": ("покупатель недоволен", "сатып алушы наразы"),
    "legal": ("покупатель говорит о жалобе или суде", "сатып алушы шағым не сот туралы айтты"),
    "health": ("вопрос здоровья", "денсаулық мәселесі"),
    "anger": ("покупатель сердится", "сатып алушы ашулы"),
    "misunderstood": ("бот не понял", "бот түсінбеді"),
    "two_failed": ("бот дважды не смог помочь", "бот екі рет көмектесе алмады"),
    "no_transcription": ("голосовые не расшифровываются", "дауыс мәтінге айналмайды"),
    "silence": ("слов не слышно", "сөз естілмейді"),
    "too_large": ("файл слишком большой", "файл тым үлкен"),
    "not_a_file": ("это не файл", "бұл файл емес"),
    "unreadable": ("звук не читается", "дыбыс оқылмайды"),
    "nonsense": ("модель ответила невнятно", "модель түсініксіз жауап берді"),
    "no_file": ("файла нет", "файл жоқ"),
    "not_yet": ("файл не пришёл", "файл келмеді"),
    # How the text came about.
    "written_over": (
        "покупатель дописал: ответим на всё сразу",
        "сатып алушы қосып жазды: бәріне бірге жауап береміз",
    ),
    "overtaken": ("пока писали, стало иначе", "жазып жатқанда жағдай өзгерді"),
    "model_asked": ("так решила модель", "модель солай шешті"),
    "model_unavailable": ("модель недоступна", "модель қолжетімсіз"),
    "text_rejected": ("текст модели не прошёл проверку", "модель мәтіні тексеруден өтпеді"),
    "writing_failed": ("текст написать не удалось", "мәтін жазу мүмкін болмады"),
    "own": ("текст магазина", "дүкеннің өз мәтіні"),
    "budget_spent": ("дневной бюджет модели исчерпан", "модельдің күндік бюджеті таусылды"),
}
_STAGES: dict[str, Pair] = {
    "paid": ("оплачен", "төленді"),
    "accepted": ("собирается", "жиналуда"),
    "packed": ("собран", "жиналды"),
    "handed_over": ("у курьера", "курьерде"),
    "delivered": ("доставлен", "жеткізілді"),
    "cancelling": ("отменяется", "тоқтатылуда"),
    "cancelled": ("отменён", "тоқтатылды"),
    "return_requested": ("просят вернуть", "қайтару сұралды"),
    "returned": ("возвращён", "қайтарылды"),
}
_MODEL_AWAY = {"connection", "timeout", "breaker_open", "server", "rate_limit", "config"}
_CANNED_ALWAYS: Pair = ("готовый текст, всегда один", "дайын мәтін, әрқашан бірдей")
_CANNED_AWAY: Pair = ("готовый текст: модель недоступна", "дайын мәтін: модель қолжетімсіз")
_CANNED_BAD: Pair = (
    "готовый текст: ответ модели не прошёл проверку",
    "дайын мәтін: модель жауабы тексеруден өтпеді",
)
_BY_SELLER: Pair = ("текст магазина, слово в слово", "дүкеннің өз мәтіні, сөзбе-сөз")
_BY_MODEL: Pair = ("написала модель, проверки пройдены", "модель жазды, тексерулерден өтті")
_MEDIA: Pair = ("не текст, бот его не понимает", "мәтін емес, бот оны түсінбейді")
_DRY_RUN: Pair = ("пробный режим", "сынақ режимі")
_UNTIL: Pair = ("до", "дейін:")
_ON: Pair = ("на", "уақыты:")
_AGAIN: Pair = ("ещё раз", "қайтадан:")
_DAYS: dict[int, Pair] = {0: ("сегодня", "бүгін"), 1: ("завтра", "ертең")}
_ORDER: Pair = ("Заказ", "Тапсырыс")
_MESSAGE: Pair = ("Сообщение", "Хабарлама")
_STOP_RU = (
    "Покупатель отписался: бот больше не напишет ему первым, хотя на вопросы ответит. "
    "Напишите «старт», чтобы вернуть, или возьмите нового покупателя."
)
_STOP_KK = (
    "Сатып алушы бас тартты: бот енді оған бірінші жазбайды, бірақ сұраққа жауап береді. "
    "Қайтару үшін «старт» деп жазыңыз немесе жаңа сатып алушыны алыңыз."
)
_SELLER_RU = (
    "Ответил сам продавец, и бот уступил ему этот чат на 4 часа. "
    "Чтобы снова увидеть бота, возьмите нового покупателя."
)
_SELLER_KK = (
    "Сатушы өзі жауап берді, бот бұл чатты оған 4 сағатқа берді. "
    "Ботты қайта көру үшін жаңа сатып алушыны алыңыз."
)
_PAUSE_RU = (
    "Бот не надоедает: одному человеку он пишет первым не чаще раза в 24 часа. "
    "Следующее сообщение ждёт. Чтобы увидеть его сразу, возьмите нового покупателя."
)
_PAUSE_KK = (
    "Бот мазаламайды: бір адамға 24 сағатта бір реттен артық бірінші жазбайды. "
    "Келесі хабарлама күтуде. Бірден көру үшін жаңа сатып алушыны алыңыз."
)
_HINTS: dict[str, Pair] = {
    "opted_out": (_STOP_RU, _STOP_KK),
    "taken_over": (_SELLER_RU, _SELLER_KK),
    "cooldown": (_PAUSE_RU, _PAUSE_KK),
}

_NOT_SHOWN = frozenset({"receipt"})
_AT_ONCE_SECONDS = 2


class Words:
    """Says entries in one language, at one place's time of day."""

    def __init__(self, lang: Lang, *, now: datetime, zone: tzinfo) -> None:
        self._place = 0 if lang == "ru" else 1
        self._now = now
        self._zone = zone

    def journal(self, entries: list[Noted], most: int = 40) -> list[Why]:
        """The newest entries worth showing, newest first."""
        shown = [self._line(entry) for entry in entries if not _is_noise(entry)]
        return shown[::-1][:most]

    def hint(self, entries: list[Noted]) -> Hint | None:
        """The most important thing to know about this buyer, if there is one."""
        newest = {entry.kind: entry for entry in entries}
        if _later(newest.get("opted_out"), newest.get("opted_in")):
            return self._hint("opted_out")
        if _later(newest.get("taken_over"), newest.get("handed_back")):
            return self._hint("taken_over")
        by_purpose = {entry.purpose: entry for entry in entries if entry.purpose}
        if any(e.reason == "cooldown" and e.kind == "blocked" for e in by_purpose.values()):
            return self._hint("cooldown")
        return None

    def clock(self, moment: datetime) -> str:
        """The time of day there."""
        return moment.astimezone(self._zone).strftime("%H:%M")

    def moment(self, moment: datetime) -> str:
        """A time with its day: «завтра, 14:05»."""
        local, today = moment.astimezone(self._zone), self._now.astimezone(self._zone)
        named = _DAYS.get((local.date() - today.date()).days)
        day = self._say(named) if named else local.strftime("%d.%m")
        return f"{day}, {local:%H:%M}"

    def _say(self, pair: Pair) -> str:
        return pair[self._place]

    def _hint(self, kind: str) -> Hint:
        return Hint(kind=kind, text=self._say(_HINTS[kind]), new_buyer=True)

    def _line(self, entry: Noted) -> Why:
        status, tone = _STATUSES.get(entry.kind, ((entry.kind, entry.kind), "info"))
        if entry.kind == "blocked" and entry.until is None:
            tone = "no"
        return Why(
            at=self.clock(entry.at),
            about=self._about(entry),
            status=self._stage(entry) if entry.kind == "order" else self._say(status),
            reason=self._reason(entry),
            tone=tone,
        )

    def _about(self, entry: Noted) -> str:
        if entry.kind == "order":
            return f"{self._say(_ORDER)} {entry.order_code or ''}".strip()
        named = _SUBJECTS.get(entry.kind) or _PURPOSES.get(entry.purpose or "")
        return self._say(named or _MESSAGE)

    def _stage(self, entry: Noted) -> str:
        stage = _STAGES.get(entry.reason or "")
        return self._say(stage or _STATUSES["order"][0])

    def _reason(self, entry: Noted) -> str | None:
        if entry.kind == "order":
            return None
        parts = [part for part in (self._because(entry), self._until(entry)) if part]
        return ", ".join(parts) or None

    def _because(self, entry: Noted) -> str | None:
        if entry.kind == "written":
            return self._say(_how_written(entry.written or _Written()))
        if entry.kind == "dry_run":
            return self._say(_DRY_RUN)
        reason = entry.reason
        if reason is None:
            return None
        if reason.startswith("media:"):
            return self._say(_MEDIA)
        return self._say(_REASONS[reason]) if reason in _REASONS else reason

    def _until(self, entry: Noted) -> str | None:
        if entry.until is None:
            return None
        when = {"scheduled": _ON, "retrying": _AGAIN}.get(entry.kind, _UNTIL)
        return f"{self._say(when)} {self.moment(entry.until)}"


def _is_noise(entry: Noted) -> bool:
    """What a newcomer does not miss: receipts, and plans that are carried out at once."""
    if entry.kind in _NOT_SHOWN:
        return True
    soon = entry.until is None or (entry.until - entry.at).total_seconds() < _AT_ONCE_SECONDS
    return entry.kind == "scheduled" and soon


def _how_written(written: _Written) -> Pair:
    if written.why_canned == "own":
        return _BY_SELLER
    if not written.canned:
        return _BY_MODEL
    if written.why_canned == "fixed":
        return _CANNED_ALWAYS
    away = written.why_canned is None or written.why_canned in {*_MODEL_AWAY, "no_model"}
    return _CANNED_AWAY if away else _CANNED_BAD


def _later(first: Noted | None, second: Noted | None) -> bool:
    return first is not None and (second is None or first.at > second.at)
