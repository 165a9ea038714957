"""What a message asks about. Rules, no model.

A topic has phrases that say it outright and words that only hint at it; a hint counts where
something is asked or where the message is little else. What is most certain comes first.
"""

from __future__ import annotations

from functools import lru_cache

from app.domain.meaning import Topic
from app.domain.stems import Clause, Phrases, phrases, said
from app.domain.topic_signs import TOPICS, Signs

_LITTLE_ELSE = 4
"""Words of a message that needs no question mark to ask."""

_WISH = phrases(
    """
    хочу|хотел*|хотим|нужен|нужна|нужно|нужны|надо|интересует|интересуют|интересно|подскаж*|скажите
    |скиньте|отправьте|дайте
    |есть|бар|напишите|расскажите|сообщите|уточн*|узнать|можно|можете|посоветуйте|порекомендуйте
    |подберите
    |как|где|когда|сколько|почем
    |если|вопрос|про|насчет|жду|помогите|покажите|дорого*|верните|оформить|оформите|обменяйте
    |поменяйте|сделайте|перенесите|измените
    |керек|айт*|білгім|келеді|болады|болама|қанша|қалай|жібер*|беріңіз*|бересіз*|қайда|сұра*|болса
    |want|need|like|tell|please|would|info
    """
)
_TELLS = phrases(
    """
    спасибо|рахмет|благодар* ~ за ~ доставк*|скидк*|подарок|возврат|быстр*
    доставили|получил*|получили|забрал*|оставил*|оплатил*|написал*|поставил* ~ отзыв|вчера|сегодня
    |уже|все|всё|хорошо|спасибо|$
    цена|качество|доставка|товар ~ хорош*|отличн*|супер|соответств*|быстр*|норм*|радует
    быстр*|отличн*|хорош* доставк*|цена
    """
)


@lru_cache(maxsize=512)
def topics_of(text: str) -> tuple[Topic, ...]:
    """What ``text`` asks about, most certain first; () for nothing. Never raises."""
    message = said(text)
    found: dict[Topic, int] = {}
    for place, part in enumerate(message.sentences):
        little = len(part.words) <= _LITTLE_ELSE
        wishes = part.asked or little or _WISH.found(part)
        if not wishes or (not part.asked and _TELLS.found(part)):
            continue
        for topic in _topics_in(part):
            found.setdefault(topic, place)
    return tuple(found)


def _topics_in(part: Clause) -> list[Topic]:
    """Said outright before hinted at; the hints of a sentence count only where nothing is said."""
    outright = [topic for topic, signs in TOPICS.items() if _says(signs.outright, signs, part)]
    if outright:
        return outright
    return [topic for topic, signs in TOPICS.items() if _says(signs.hint, signs, part)][:1]


def _says(pattern: Phrases, signs: Signs, part: Clause) -> bool:
    if not pattern.found(part):
        return False
    return signs.other is None or not signs.other.found(part)
