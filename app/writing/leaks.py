"""What gives a machine away, or a swindler: prompt text, schema, errors, codes, a borrowed name.

Everything here reads a text that went through :func:`app.writing.links.plain`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_RUN = 6
"""Words in a row that are in our instructions and in a text: no chance any more."""

_TOLD_TO_SAY = re.compile(r"«[^«»]*»|\"[^\"]*\"")
"""Words in quotes in an instruction are examples of what may be said."""

_WORD = re.compile(r"[^\W_]+")
_FIELDS = re.compile(
    r"\b(?:facts|history|purpose|opener|segment|schema|prompt|speech|statements|topics|mood|sku"
    r"|in[_ ]stock|review[_ ]link|person[_ ]called|local[_ ]time|needs[_ ]person"
    r"|messages[_ ]to[_ ]answer"
    r"|customer[_ ]name|customer|reason|language|orders|items|stage"
    r"|planned[_ ]at|boolean|true|false|string)\b"
)
"""Names of the fields a model is given and asked for: no word of a Russian or Kazakh text."""

_LEAK = re.compile(
    r"</?facts|[{}]|```|\*\*|\]\(|<\w+>|\\u00|\\n|needs_person|customer_name|messages_to_answer"
    r"|local_time|return_requested|handed_over|waiting_for_signature|json|system prompt|api key"
    r"|системн\w+ (?:промп?т|инструкц)\w*|промп?т\w*|жүйелік нұсқау\w*"
    r"|\b(?:none|null|undefined|nan|error|exception|traceback|openai|chatgpt|gpt)\b"
    r"|(?:языковая|тілдік) модел\w*|language model"
    r"|нейросет\w*|\bкак ии\b|\b(?:claude|gemini|llm)\b|\bsk-\w{4,}|api[- ]?ключ|ключ\w* api"
    r"|needs person|customer name|\bsystem:|\bfacts:|\bинструкци[яи] (?:гласит|у меня)|<\w+[ >/]|`"
    r"|\bi(?:'m sorry, but i)? (?:cannot|can't|am unable to) (?:assist|help with"
    r"|process|comply|discuss|provide|fulfil|do that|reveal|share|disclose"
    r"|answer that|respond)\b|\bмои (?:правила|инструкции)\b"
    r"|\b(?:as an ai|i am an ai|i'm an ai|ai (?:language )?model)\b"
    r"|\bmy (?:\w+ )?(?:instructions?|prompt|rules|programming|guidelines)\b"
    r"|\b(?:i (?:was|am|have been) (?:told|instructed|programmed|configured|not allowed))\b"
    r"|\b(?:мо(?:и|их|им|ими|ей|ю|я|й)|мне дан\w+|наши внутренние|внутренни[ехй]"
    r"|скрыт\w+|систем\w+) (?:\w+ )?(?:сообщени\w+|правил\w*|инструкц\w+"
    r"|указани\w+|настройк\w+)"
    r"|\b(?:меня|мне) (?:запрограммировал\w*|настроил\w*|проинструктировал\w*"
    r"|велен\w*|велел\w*|поручен\w*|предписан\w*|запрещен\w*|запретил\w*"
    r"|сказано (?:не|отвечать|писать))"
    r"|\bзапрограммирован\w*|\bв блоке \w*facts|\bмен(?:ің|ин) (?:нұсқау|ереже"
    r"|нускау)\w*|\bмаған (?:\w+ ){0,3}(?:тыйым салын|нұсқау бер|бұйыр"
    r"|тапсырыл)\w*|\bжасырын (?:нұсқау|ереже)\w*|\bжүйелік (?:ереже|хабарлама"
    r"|промпт)\w*"
    r"|\b(?:developer|debug|admin|god) mode\b|\bтекст (?:\w+ )?(?:инструкц|промп"
    r"|правил|указани)\w*|\bты\W{1,3}(?:\w+ )?(?:помощник|ассистент|бот)\b"
    r"|\bсен\W[^.!?]{0,40}көмекшісі(?:сің|ң)\b|\byou are (?:a|an"
    r"|the) (?:\w+ ){0,2}(?:assistant|bot|helper)\b|\bмаған берілген (?:нұсқау"
    r"|ереже)\w*|\bберілген нұсқау\w*|\bправил\w*, котор\w+ мне\b"
    r"|режим\w* (?:разработчик|отладк"
    r"|администратор|бог)\w*|(?:әзірлеуші|админ) режим\w*|\bjailbreak\w*"
    r"|\bdan\b(?! \d)"
    r"|не (?:могу|можем|удалось) (?:обработать|ответить)|произошла ошибка|қате орын алды"
    r"|өңдей алма\w*",
    re.IGNORECASE,
)
_HUMAN = re.compile(
    r"\bя\W{1,3}(?:(?:живой|живая|настоящ\w+|реальн\w+|обычн\w+|ваш\w?|тоже|здесь|тут)\W{1,3}){0,2}"
    r"(?:человек|менеджер|оператор|консультант|сотрудни[кц]\w?|продавец)\b"
    r"|\bя\W{1,3}(?:живой|живая|настоящ\w+|реальн\w+)\b|\bменя (?:\w+ )?зовут\b"
    r"|\bя\b[^.!?\n]{0,20}(?:продавцом|менеджером|оператором|консультантом)\b"
    r"|\bмо[её] имя\b"
    r"|\b(?:я|это|тут|здесь|мы|пиш\w+|говорите с|общаетесь с)\W{1,3}не\W{1,3}(?:бот|робот)\w*"
    r"|\b(?:говорите|общаетесь|переписываетесь) с (?:жив|реальн|настоящ|человек|менедж)\w*"
    r"|\bмен (?:тірі |нағыз )?(?:адаммын|менеджермін|сатушымын|оператормын)\b|\bменің атым\b"
    r"|\bмен (?:бот|робот|бағдарлама) емеспін\b|\bмен (?:шынайы |кәдімгі "
    r"|тірі )?(?:адам|сатушы|менеджер|оператор|кеңесші)(?:мын|мін|пын|пін)?(?!\w"
    r"| емес)"
    r"|\b(?:сізбен|сізге) (?:тірі )?(?:адам|менеджер|оператор) (?:сөйлесіп|жазып"
    r"|жауап беріп) (?:тұр|отыр)\w*|\bесімім\b|\bатым\b"
    r"|\bi(?:'m| am)(?: [\w']+){0,3} (?:human|person|man|woman|manager|operator"
    r"|employee|seller|consultant|staff member)\b(?!'s)"
    r"|\b(?:i'm|i am|this is|it's|you're talking to|you are talking to"
    r"|not talking to)(?: \w+)? (?:not a|no) (?:bot|robot|machine)\b|\bi(?:'m"
    r"| am) not (?:a |an )?(?:\w+ )?(?:bot|robot|machine|ai|program)\b"
    r"|\b(?:speaking|talking|chatting) (?:to|with) (?:a )?(?:real|live|human"
    r"|actual)\b(?: (?:person|human|manager))?|\bmy name is\b"
    r"|\breal human\b here|\bno (?:bot|robot)s? here\b"
    r"|\bя\W{1,3}(?:не программа|не машина|не искусственн\w+|из плоти)\b"
    r"|\bработаю (?:здесь|в магазине|менеджером|продавцом|консультантом)\b"
    r"|\bникак(?:ой|их) (?:я )?(?:не )?(?:бот|робот)\w*|\bс вами (?:живой"
    r"|настоящ\w+|реальн\w+|говорит|общается|на связи)\W{1,2}(?:\w+ )?(?:человек"
    r"|менеджер|оператор|продавец|сотрудник)\b"
)
_INTRODUCES = re.compile(
    r"(?<!\w)(?:(?:[Ээ]то|[Пп]ишет|[Яя]|[Мм]ен|[Бб]ұл|[Tt]his is|I am|I'm)(?:,? "
    r"| — )(?=\w+(?:,| —| -|,? ваш\w*| from the)"
    r" ?(?:менеджер|консультант|продавец|оператор|сотрудни|сатушы|manager|seller"
    r"|sales|from|support))"
    r"|(?:[Сс] вами|[Нн]а связи|[Вв]ас приветствует|[Бб]еспокоит|[Вв]ам пишет"
    r"|[Сс]ізге жазып отырған)(?: снова)?(?:,? | — ))"
    r"([A-ZА-ЯЁӘІҢҒҮҰҚӨҺ]\w+)"
)
_OBEYS = re.compile(
    r"\b(?:правил\w*|инструкц\w+|ограничен\w+) (?:\w+ )?(?:забы|игнорир|отключ|снял|снима|отбро)\w*"
    r"|\b(?:ереже|нұсқау|шектеу)\w* (?:\w+ )?жойыл\w*|"
    r"\b(?:забыва\w+|забыл\w*|забуд\w+|игнорир\w+|проигнорир\w+|отбрасыва\w+"
    r"|отключа\w+|отключил\w*|снима[юе]\w*|снял\w*|сбрасыва\w+|сбросил\w*"
    r"|нарушаю|обхожу|больше не (?:следую|соблюдаю|придерживаюсь)|отменя\w+"
    r"|отменил\w*)\b[^.!?\n]{0,30}\b(?:правил\w*|инструкц\w+|ограничен\w+"
    r"|указани\w+|настройк\w+|фильтр\w*|запрет\w*|установк\w+)"
    r"|\b(?:правил\w*|инструкц\w+|ограничен\w+|указани\w+) (?:\w+ )?(?:забыт\w*"
    r"|отключен\w*|снят\w*|сброшен\w*|отменен\w*|удален\w*|больше не действ\w+)"
    r"|\b(?:теперь|отныне|с этого момента) я\b|\bя (?:теперь|отныне)\b"
    r"|\bвед[уе]\w* себя как\b|\bвести себя как\b|\bпритвор\w+|\bизображаю\b"
    r"|\bиграю роль\b|\b(?:act|behave|acting|behaving) (?:like|as)\b"
    r"|\bpretend\w*|\bнов(?:ая|ую) роль\b|\bпо вашей команде\b"
    r"|\bкоманд\w+ (?:принят|выполн)\w+|\bвыполняю (?:вашу |новую )?(?:команд"
    r"|инструкц|указани)\w+|\bслушаюсь\b|\bследую (?:вашим|новым|новой|этой"
    r"|указани|инструкц)\w*|\bработаю без (?:ограничен|правил|фильтр)\w*"
    r"|\bбез (?:правил|ограничений|фильтров)\b"
    r"|\bнов(?:ая|ую) цен[ау]\b|\bцен[ау] (?:изменена|обновлена|установлена"
    r"|исправлена)\b|\b(?:изменил|обновил|установил|поставил"
    r"|исправил)\w* (?:\w+ )?цен[уы]\b|\bжаңа баға\b|\bбаға(?:ны"
    r"|сын)? (?:өзгертілді|өзгерттім|жаңартылды|жаңарттым|қойдым)\b"
    r"|\bnew price\b|\bprice (?:is |has been |was )?(?:now )?(?:changed|updated"
    r"|set)\b|\b(?:changed|updated|set) the price\b"
    r"|\b(?:ереже|нұсқау|шектеу|нускау)\w* (?:\w+ )?(?:ұмыт|елеме|ескерме"
    r"|алып таста|өшір|бұз|жойыл|алынды|умыт)\w*|\bенді мен\b|\bмен енді\b"
    r"|\bжаңа рөл\w*|\bбұйрық\w* (?:орында|қабылда)\w*|\bережесіз\b"
    r"|\bшектеусіз\b"
    r"|\b(?:ignor\w+|forget\w*|forgot|disregard\w*|overrid\w+|bypass\w*|drop\w*"
    r"|disabl\w+|remov\w+)\b[^.!?\n]{0,30}\b(?:instructions?|rules|restrictions?"
    r"|guidelines|prompt|limits|filters)\b|\b(?:instructions|rules|restrictions"
    r"|filters) (?:\w+ )?(?:ignored|forgotten|disabled|removed|lifted|cleared)\b"
    r"|\b(?:i am now|i'm now|from now on i|i will now act|new role|acting as"
    r"|no restrictions|without restrictions|command (?:accepted|executed"
    r"|received)|as you (?:command|ordered|instructed))\b"
)
_ASKS = re.compile(
    r"(?:смс|sms)[- ]?код|код\w*\s+(?:из|с|по)\s+(?:смс|sms|сообщ|уведомл)\w*|код\w* подтвержд\w*"
    r"|растау код\w*|(?:смс|sms)\w* код\w*|\b(?:cvv|cvc)2?\b|\bпин[- ]?код\w*"
    r"|(?:kaspi|каспи)\W{0,3}(?:gold|голд)\w*|(?:фото|номер|реквизит"
    r"|данные)\w*\s+(?:\w+\s+)?карт(?:[ауые]|ой|очк\w+)\b"
    r"|карт(?:[ауые]|ой|очк\w+)?\b[^.!?\n]{0,20}\d{3,}|карта нөмір\w*"
    r"|\bкод\w{0,2}\W{1,3}(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{4,}"
    r"|\b(?:verification|confirmation|sms|security|one-time) codes?\b"
    r"|\bcode (?:from|in) the (?:sms|message|text)\b|\b(?:card|account"
    r"|bank) (?:number|details|data)\b|\byour (?:bank )?card\b|\b(?:to|on) (?:my"
    r"|our|this|the) card\b|\bpin(?: code)?\b|\bpasswords?\b|\bпарол\w+"
    r"|құпиясөз\w*"
    r"|переведите|перечислите|предоплат\w+|скиньте (?:деньги|оплату|на)"
    r"|\bкартаға\b|карта деректер\w*|аударыңыз|алдын ала төле\w*|\b(?:transfer"
    r"|wire|send) (?:the |your )?(?:money|payment|funds|\d)|\bprepay\w*"
    r"|\bpay (?:me|us) directly\b|мимо kaspi|без kaspi|в обход"
    r"|\boutside (?:of )?kaspi\b|\bнапрямую на\b"
    r"|промо[- ]?код\w*|\bкупон\w*"
    r"|\b(?:введите|укажите|используйте|назовите|скажите|введи) (?:\w+ )?код\w*"
    r"|\b(?:use|enter|type|apply) (?:the |this )?code\b|\bкодты (?:енгіз|жаз|айт)\w*"
    r"|(?:5|пять|пятью|five|бес)[ -](?:зв[её]зд\w*|stars?\b|жұлдыз\w*)"
)
"""What a swindler asks for or offers; a shop in a chat never does."""


def leak(text: str, *, fields: bool) -> str | None:
    """The first piece of a machine's inside in ``text``. ``fields``: field names count too."""
    found = _LEAK.search(text) or (_FIELDS.search(text.casefold()) if fields else None)
    return found.group() if found else None


def claims_human(text: str, *, shop: str) -> bool:
    """Whether a text says that a human being writes it, or gives a name that is not the shop's."""
    if _HUMAN.search(text.casefold()) is not None:
        return True
    given = _INTRODUCES.search(text)
    return given is not None and given.group(1).casefold() not in shop.casefold()


def obeys(text: str) -> bool:
    """Whether a text reports that it dropped its rules, or did as an injected order said."""
    return _OBEYS.search(text.casefold().replace("ё", "е")) is not None


def asked_for(text: str) -> str | None:
    """The code, card, prepayment or coupon that ``text`` speaks of, if any."""
    found = _ASKS.search(text.casefold())
    return found.group() if found else None


def repeats(text: str, secrets: Iterable[str], *, known: str) -> bool:
    """Whether six words in a row of ``text`` are in one of ``secrets`` and not in ``known``."""
    runs = _runs(tuple(_words(text)))
    if not runs:
        return False
    found = runs & frozenset().union(*(_secret(one) for one in secrets))
    return bool(found) and not found <= _runs(tuple(_words(known)))


@lru_cache(maxsize=64)
def _secret(text: str) -> frozenset[tuple[str, ...]]:
    return frozenset(run for part in _TOLD_TO_SAY.split(text) for run in _runs(tuple(_words(part))))


def _runs(words: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    return frozenset(words[i : i + _RUN] for i in range(len(words) - _RUN + 1))


def _words(text: str) -> list[str]:
    return [word.replace("ё", "е") for word in _WORD.findall(text.casefold())]
