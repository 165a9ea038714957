"""The language and the letters a conversation is held in."""

from __future__ import annotations

import re

from msgspec.structs import replace

from app.domain.conversation import Conversation, Message
from app.domain.events import Speech
from app.domain.language import language_of, speech_of
from app.domain.vocabulary import in_cyrillic

_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)
_LATIN_WORD = re.compile(r"[a-z]+")


def in_their_language(conversation: Conversation, message: Message) -> Conversation:
    """Answers follow the customer: the language of a message that tells one."""
    known = conversation.language
    return replace(
        conversation,
        language=language_of(message.text, known) or known,
        speech=message.speech or conversation.speech,
    )


def in_cyrillic_letters(text: str) -> str:
    """Russian or Kazakh typed in Latin letters as the rules read it; any other text as it is.

    >>> in_cyrillic_letters("gde moy zakaz?")
    'где мой заказ?'
    """
    if _CYRILLIC.search(text) or speech_of(text) in (None, Speech.EN):
        return text
    return _LATIN_WORD.sub(lambda word: in_cyrillic(word.group()), text.casefold())
