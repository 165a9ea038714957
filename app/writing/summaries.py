"""A call for a person in a few lines: why, about which order, and the customer's own words."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from app.domain.brief import Brief
from app.domain.events import Language, Stage
from app.domain.meaning import Concern

_LONGEST_QUOTE = 300
_LONGEST_REASON = 200
"""Characters of the customer's last words, and of the model's, that a summary holds."""

_REASONS: Mapping[Language, Mapping[str, str]] = {
    Language.RU: {
        Concern.WANTS_PERSON: "Покупатель просит человека",
        Concern.REFUND: "Возврат, обмен или отмена",
        Concern.COMPLAINT: "Жалоба на товар или доставку",
        Concern.LEGAL: "Покупатель говорит о жалобе или суде",
        Concern.HEALTH: "Вопрос здоровья",
        Concern.ANGER: "Покупатель сердится",
        Concern.MISUNDERSTOOD: "Бот не понял покупателя",
        "two_failed": "Бот дважды не смог помочь",
        "text_rejected": "Ответ модели дважды не прошёл проверку",
        "model_unavailable": "Модель не отвечала",
        "model_asked": "Модель просит человека",
        "writing_failed": "Ответ не удалось написать",
        "budget_spent": "Дневной бюджет модели исчерпан",
        "unanswered": "Вопрос остался без ответа",
        "late": "Сообщение пришло с большим опозданием",
        "loop": "Похоже на переписку двух роботов",
        "flood": "Слишком много сообщений за час",
        "call": "Покупатель звонил",
    },
    Language.KK: {
        Concern.WANTS_PERSON: "Сатып алушы адаммен сөйлескісі келеді",
        Concern.REFUND: "Қайтару, айырбастау немесе бас тарту",
        Concern.COMPLAINT: "Тауарға немесе жеткізуге шағым",
        Concern.LEGAL: "Сатып алушы шағым не сот туралы айтып жатыр",
        Concern.HEALTH: "Денсаулыққа қатысты сұрақ",
        Concern.ANGER: "Сатып алушы ашулы",
        Concern.MISUNDERSTOOD: "Бот сатып алушыны түсінбеді",
        "two_failed": "Бот екі рет көмектесе алмады",
        "text_rejected": "Модельдің жауабы тексеруден екі рет өтпеді",
        "model_unavailable": "Модель жауап бермеді",
        "model_asked": "Модель адамды шақырды",
        "writing_failed": "Жауап жазылмады",
        "budget_spent": "Модельдің күндік бюджеті таусылды",
        "unanswered": "Сұрақ жауапсыз қалды",
        "late": "Хабарлама тым кеш жетті",
        "loop": "Екі роботтың жазысуына ұқсайды",
        "flood": "Бір сағатта хабарлама тым көп",
        "call": "Сатып алушы қоңырау шалды",
    },
    Language.EN: {
        Concern.WANTS_PERSON: "The customer asks for a person",
        Concern.REFUND: "A return, an exchange or a cancellation",
        Concern.COMPLAINT: "A complaint about the goods or the delivery",
        Concern.LEGAL: "The customer speaks of a complaint or a court",
        Concern.HEALTH: "A matter of health",
        Concern.ANGER: "The customer is angry",
        Concern.MISUNDERSTOOD: "The bot misunderstood",
        "two_failed": "The bot could not help twice",
        "text_rejected": "The model's answer failed the checks twice",
        "model_unavailable": "The model did not answer",
        "model_asked": "The model asks for a person",
        "writing_failed": "No answer could be written",
        "budget_spent": "The model's budget of the day is spent",
        "unanswered": "A question was left unanswered",
        "late": "A message came very late",
        "loop": "It looks as if two robots were talking",
        "flood": "Too many messages in an hour",
        "call": "The customer rang",
    },
}
_MEDIA = {
    Language.RU: "Прислали файл или фото, бот его не видит",
    Language.KK: "Файл не сурет келді, бот оны көре алмайды",
    Language.EN: "A file or picture came that the bot cannot see",
}
_STAGES: Mapping[Language, Mapping[Stage, str]] = {
    Language.RU: {
        Stage.WAITING_FOR_SIGNATURE: "ждёт подписания",
        Stage.PAID: "оплачен",
        Stage.ACCEPTED: "принят",
        Stage.PACKED: "собран",
        Stage.HANDED_OVER: "передан в доставку",
        Stage.DELIVERED: "доставлен",
        Stage.CANCELLING: "отменяется",
        Stage.CANCELLED: "отменён",
        Stage.RETURN_REQUESTED: "запрошен возврат",
        Stage.RETURNED: "возвращён",
        Stage.UNKNOWN: "состояние неизвестно",
    },
    Language.KK: {
        Stage.WAITING_FOR_SIGNATURE: "қол қоюды күтуде",
        Stage.PAID: "төленген",
        Stage.ACCEPTED: "қабылданған",
        Stage.PACKED: "жиналған",
        Stage.HANDED_OVER: "жеткізуге берілген",
        Stage.DELIVERED: "жеткізілген",
        Stage.CANCELLING: "бас тартылып жатыр",
        Stage.CANCELLED: "бас тартылған",
        Stage.RETURN_REQUESTED: "қайтару сұралған",
        Stage.RETURNED: "қайтарылған",
        Stage.UNKNOWN: "күйі белгісіз",
    },
    Language.EN: {stage: stage.value.replace("_", " ") for stage in Stage},
}
_ORDER = {Language.RU: "Заказ", Language.KK: "Тапсырыс", Language.EN: "Order"}
_SAYS = {Language.RU: "Покупатель пишет", Language.KK: "Сатып алушы", Language.EN: "They write"}


def summary_of(brief: Brief, reason: str, *, language: Language) -> str:
    """A few lines for the seller, made of facts alone, in the seller's ``language``."""
    lines = [f"{_why(reason, language)}."]
    if brief.orders:
        order = brief.orders[0]
        things = ", ".join(item.name for item in order.items[:2])
        named = f" («{things}»)" if things else ""
        lines.append(f"{_ORDER[language]} {order.code}{named}: {_STAGES[language][order.stage]}.")
    asked = " / ".join(text for text in brief.messages_to_answer if text)
    if asked:
        lines.append(f"{_SAYS[language]}: «{_cut(asked, _LONGEST_QUOTE)}»")
    return "\n".join(lines)


def _why(reason: str, language: Language) -> str:
    if reason.startswith("media:"):
        return _MEDIA[language]
    return _REASONS[language].get(reason) or _cut(reason, _LONGEST_REASON).rstrip(".")


def _cut(text: str, most: int) -> str:
    return textwrap.shorten(text, most, placeholder=" …")
