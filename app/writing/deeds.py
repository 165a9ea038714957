"""What a text says the shop did or owes in this very case, admits, or swears is harmless.

Everything here reads a text that went through :func:`app.writing.links.plain`.
"""

from __future__ import annotations

import re

from app.domain.brief import Brief
from app.domain.conversation import Author
from app.domain.events import Stage
from app.domain.meaning import Topic
from app.domain.rules import Purpose
from app.writing.clauses import Sentence, sentences, simple, told_clauses
from app.writing.links import plain


def _pattern(*parts: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{'|'.join(parts)})(?!\w)")


_THING = (
    r"(?:адрес|размер|цвет|номер|данные|дат|доставк|врем|получател|модел|товар|заявк|заявлени|обмен"
    r"|возврат|бронь|отмен|замен|пар[аы]|штук|куртк|наушник|чехол|деньг|сумм|средств)\w*"
)
_DONE = (
    r"(?:изменен|поменян|сменен|обновлен|исправлен|перенесен|заменен|обменян|забронирован"
    r"|зарезервирован|отложен|закреплен|оформлен|создан|одобрен|зарегистрирован|согласован"
    r"|возвращен|возмещен|перечислен|переведен|зачислен|аннулирован)[аоы]?"
)
_BY_US = r"(?:i|we)(?:'ve| have|'d| had)?(?: \w+ly| just| now| also)?"
_EN_DONE = (
    r"(?:changed|updated|corrected|refunded|reimbursed|exchanged|replaced|reserved|booked"
    r"|registered"
    r"|transferred|rescheduled|swapped|returned|credited|approved|opened|filed|submitted)"
)
_CANCELS = _pattern(
    r"(?:отменил|аннулировал|снял)[аи]?(?! с)",
    r"(?:отмен|аннулиру)(?:ю|им|ем)",
    r"токтатт(?:ым|ык)",
    r"жойд(?:ым|ык)",
    r"бас тартт(?:ым|ык)",
    r"(?:токтат|бас тарт)(?:амын|амыз|ып бер\w+)",
    rf"{_BY_US} cancell?ed",
    r"(?:i|we)(?:'ll| will| can) cancel",
)
_DEEDS = _pattern(
    r"(?:изменил|поменял|сменил|исправил|обновил|перенес(?:л|(?=ли|ла))|заменил|обменял|вернул"
    r"|возвратил"
    r"|возместил|компенсировал|перевел|перечислил|начислил|зачислил|оформил|зарегистрировал"
    r"|забронировал|зарезервировал|отложил|придержал|списал|одобрил|создал|оформлял|продлил"
    r"|перенес|согласовал)(?:а|и|ла|ли)?",
    r"записал[аи]? (?:\w+ )?(?:на|вас)",
    r"(?:забронирую|забронируем|зарезервиру(?:ю|ем)|отлож(?:у|им)|придерж(?:у|им)|поменя(?:ю"
    r"|ем) (?:\w+ )?"
    r"(?:адрес|размер|цвет|номер)|измен(?:ю|им) \w+|перенес(?:у|ем) \w+"
    r"|оформ(?:лю|им) (?:\w+ )?(?:возврат|обмен|заявк|отмен|замен)\w*)",
    rf"{_THING}(?: \w+){{0,3}} {_DONE}",
    rf"(?:забронирован|зарезервирован|закреплен|{_DONE}) (?:\w+ ){{0,2}}{_THING}",
    r"(?:забронирован|зарезервирован|отложен|закреплен)[аоы]? (?:за|для) вас\w*",
    r"(?:озгерт|ауыстыр|айырбаста|алмастыр|кайтар|рес[ие]мде|расимде|брон\w{0,2}да|тирке|аудар"
    r"|ресимде"
    r"|кейинге калдыр)\w{0,5}(?:[дт]ым|[дт]им|[дт]ык|[дт]ик)",
    r"(?:алып|сактап|ауыстырып|озгертип|кайтарып) (?:кой|бер|жибер)\w*(?:[дт]ым|[дт]им|[дт]ык"
    r"|[дт]ик)",
    r"(?:озгертил|ауыстырыл|расимдел|брон\w{0,2}дал|тиркел|алмастырыл)(?:ди|ды)",
    r"(?:брон\w{0,2}дай|сактап кой|алып кой)(?:мын|мыз|амын|амыз)",
    rf"{_BY_US} {_EN_DONE}",
    rf"{_BY_US} (?:held|set aside|put aside|kept|saved|arranged|processed|issued"
    rf"|started) (?:\w+ ){{0,3}}"
    r"(?:one|it|them|refund|return|exchange|replacement|order|pair|item|for you)",
    rf"{_BY_US} (?:put|set|laid) (?:\w+ ){{1,3}}aside",
    r"(?:i|we)(?:'ll| will| can) (?:reserve|hold|book|set aside|put aside|change your|update your)",
    r"(?:address|size|colou?r|exchange|replacement|item|order|return|booking|money"
    r"|delivery)(?: \w+){0,2}"
    rf" (?:has|have|was|is)(?: been)?(?: \w+)? {_EN_DONE}",
)
_OTHERS = re.compile(
    r"^\W*что \w+ли (?:\w+ )?(?:заказ|покупк)|"
    r"(?<!\w)(?:вы|сиз|покупател\w+)(?!\w)|(?:[дт]ыныз|[дт]иниз)(?!\w)"
    r"|(?<!\w)(?:вопрос|сообщени|просьб|запрос|обращени|пожелани|ссылк|отзыв|сурак|сураг|хабар"
    r"|маселе"
    r"|рассылк|отиниш|жауап|question|message|request|review|reply|правил|цен[аыу])\w*"
)
_REFUNDS = _pattern(
    r"(?<!не )верн(?:ем|у|ут|ет)(?!\w| (?:\w+ )?(?:вопрос|ответ))",
    r"(?:деньг\w*|средств\w*|сумм\w*|оплат\w*)(?: \w+){0,4} (?:верн\w+ся|возвращаются"
    r"|поступ[ия]т|придут"
    r"|будут (?:\w+ )?(?:возвращены|на))",
    r"возмест(?:им|ит|ят)",
    r"компенсиру(?:ем|ю|ет|ют)",
    r"(?<!жауап )(?<!жауап та )кайтар(?:амыз|амын|ып бере\w+|ады)",
    r"акша\w*(?: \w+){0,3} (?:туседи|кайтады|аударылады|кайтарылады)",
    r"(?:we|i|shop|seller)(?:'ll| will| can| would)(?: \w+)? (?:refund|reimburse|compensate)",
    r"(?:we|i)(?:'ll| will) (?:return|give|send|pay)(?: \w+){0,2} (?:money|sum|payment)",
    r"(?:will|going to) be (?:\w+ )?(?:refunded|reimbursed|compensated)",
    r"you(?:'ll| will)? (?:get|receive) (?:\w+ ){0,3}(?:refund|money)",
)
_EXCHANGES = _pattern(
    r"(?:обменя|поменя|заменя)(?:ем|ю)",
    r"замен(?:им|ю)",
    r"(?:айырбаста|ауыстыр|алмастыр)(?:ймыз|амыз|ып бере\w+|п бере\w+)",
    r"(?:we|i|shop|seller)(?:'ll| will)(?: \w+)? (?:exchange|replace|swap)",
)
_BORNE = _pattern(
    r"(?:оплат|возмест|покро|компенсиру|возьм)\w*(?: \w+){0,3} (?:доставк|пересылк|расход|издержк"
    r"|ущерб|неудобств|стоимост|мораль)\w*",
    r"(?:доставк|пересылк|расход|издержк|ущерб|стоимост|неудобств)\w*(?: \w+){0,4} "
    r"(?:оплатим|возместим|покроем|компенсируем|(?:бер|возьм)\w+ на себя)",
    r"(?:бер(?:ет|ем|у)|возьм(?:ет|ем|у)) (?:\w+ ){0,4}(?:на себя)",
    r"(?:все )?возместим|компенсируем",
    r"(?:we|shop|seller)(?:'ll| will| can)? (?:pay|cover)s? (?:for )?(?:the "
    r"|your )?(?:\w+ )?(?:return|"
    r"shipping|delivery|costs?|postage)",
    r"(?:шыгын|жеткизу акы)\w* (?:\w+ ){0,3}(?:отеймиз|толеймиз|жабамыз)",
)
_TERM = re.compile(
    r"\d|(?<!\w)(?:если|при условии|по правилам|в течение|недел|болса|ишинде|егер|if|within"
    r"|provided"
    r"|when|under the rules)(?!\w)"
)
_RETURNS = re.compile(r"верн|возвра|обмен|сдать|кайтар|айырбас|return|refund|exchang|send it back")
_ANYHOW = _pattern(
    r"(?:в любо[йем]|когда) (?:время|момент|день|угодно|случае|состоянии)",
    r"даже (?:\w+ )?(?:если|после|когда|без|использ\w+|нош\w+|с|через|б/у|распечатан\w+|вскрыт\w+)",
    r"(?:и )?после (?:использован|носк|стирк|вскрыт|примерк|употреблен)\w*",
    r"без (?:чека|условий|ограничени\w*|коробки|упаковки|объяснени\w*|проблем|вопросов|бирк\w+"
    r"|причин\w*)",
    r"(?:легко|запросто|всегда|пожизненно|бессрочно)",
    r"кез келген (?:уакыт|кез|кун|жагдай)\w*",
    r"(?:колдан|пайдалан|ки[ий])\w* (?:соң|сон|да|де|болса да)",
    r"(?:at )?any ?time|even (?:if|after|when|without|used|worn)|no questions asked|whenever",
    r"без срока|неограничен\w*|(?:no|without) (?:time )?limits?",
)
_LIFETIME = re.compile(
    r"гаранти\w*(?: \w+){0,3} (?:пожизненн|бессрочн|навсегда|вечн)\w*|(?:пожизненн|бессрочн"
    r"|вечн)\w+ гаранти"
    r"|lifetime (?:warranty|guarantee)|(?:warranty|guarantee) (?:\w+ ){0,3}(?:lifetime|forever"
    r"|for life)"
    r"|(?:омир бойы|мангилик|шексиз) кепилд|кепилд\w*(?: \w+){0,2} (?:омир бойы|мангилик|шексиз)"
)
_REFUSES = re.compile(
    r"(?<!\w)(?:нельзя|не|невозможно|жок|болмайды|not|no|can't|cannot)(?!\w)(?! questions)"
)
_ADMITS = _pattern(
    r"(?:наша|моя) (?:вина|ошибка)",
    r"(?:мы|магазин|продавец|kaspi|каспи|курьер)(?: \w+){0,2} виноват\w*",
    r"призна(?:ем|ю|ет|ли)(?! вам)",
    r"(?:товар|куртка|парти\w+|вещь|он|она)(?: \w+){0,2} (?:с браком|бракован\w+)",
    r"бракованн\w+ (?:парти\w+|сери\w+|товар)",
    r"(?:сами|сам|сама) (?:\w+ )?(?:сломал|испортил|порвал|виноват|разбил|постирал|испорти)\w*",
    r"(?:ваша|твоя) (?:вина|ошибка|проблема)",
    r"(?:по вашей|из-за вашей) вине",
    r"(?:идите|обращайтесь|подавайте|жалуйтесь|обратитесь|пишите) (?:\w+ )?(?:в|на) (?:суд|нас"
    r"|полици\w+)",
    r"(?:it's|it is|this is) (?:our|your) (?:own )?(?:fault|mistake)|(?:our|your) fault",
    r"we (?:admit|acknowledge)(?: \w+)*",
    r"you (?:broke|damaged|ruined) (?:it|the \w+)(?: yourself)?",
    r"(?:go to|see you in|take us to) court",
    r"(?:бизди[нг]|сизди[нг]|озиниздин|оз) (?:кина|айыб|кате)\w*(?: \w+)?",
    r"озиниз (?:\w+ )?(?:сындырд|бузд|кинали|жырт)\w*",
    r"сотка (?:бар|бер|шагым)\w*",
)
_CURES = _pattern(
    r"(?:вы)?леч(?:ит|ат|ебн\w+)|(?:вы|из)лечи(?:т|вает|вают)",
    r"(?:снима|убира|избав|устран)\w+ (?:\w+ )?(?:боль|боли|насморк|аллерги\w+|болезн\w+"
    r"|воспален\w+)",
    r"гипоаллерген\w+",
    r"(?:безопасн|безвред|нетоксич)\w*(?: \w+){0,2} (?:для (?:детей|ребенка|беремен\w+|кожи"
    r"|здоровья|животных)"
    r"|детям|ребенку|беременным|проглот\w+)",
    r"(?:детям|ребенку|беременным|для (?:детей|ребенка|беременных|здоровья))(?: \w+){0,2} "
    r"(?:безопасн|безвред|можно|полезн)\w*",
    r"полезн\w+ для (?:здоровья|кожи|спины|сердца|суставов)",
    r"(?:выпейте|примите|промойте|закапайте)(?: \w+){0,4}",
    r"аллергия тудыр\w+|емдейди|ауруды \w+|денсаулыкка (?:пайдалы|зиянсыз|кауипсиз)",
    r"балаларга (?:\w+ )?(?:кауипсиз|зиянсыз)",
    r"(?:cures?|heals?|hypoallergenic|non-toxic)",
    r"safe (?:\w+ )?(?:for|if|to) (?:\w+ )?(?:children|kids|babies|pregnan\w+|skin|swallow\w*"
    r"|they|eat)",
)
_NO_HARM = re.compile(
    r"аллерги\w+(?: \w+){0,3} не (?:вызыва|быва|буд)\w*|не (?:вызыва|дава)\w+(?: \w+){0,2} аллерги"
    r"|(?:doesn't|won't|does not|will not) cause (?:\w+ )?(?:allerg|irritat)"
    r"|аллергия (?:тудырмай|болмай)"
    r"|(?:не вред|не токсич|не опас)\w*(?: \w+)? (?:для|детям|здоров)"
)
_SORRY = re.compile(r"(?<!\w)(?:жаль|сожале\w+|понима\w+|извин\w+|окин\w+|sorry)(?!\w)")
_WAYS = (
    (r"наличн\w*|налом|нал(?!\w)|кэшем|колма-?кол|cash", r"наличн|колма|cash"),
    (r"перевод(?:ом|у|ить)?(?!\w)|аударым\w*|bank transfer", r"перевод|аудар|transfer"),
    (
        r"по частям|частями|рассрочк\w*|болип[ -]толе\w*|инстал\w*|instal?lments?",
        r"част|рассроч|болип|instal",
    ),
    (r"(?:в )?кредит\w*|несие\w*|on credit|credit", r"кредит|несие|credit"),
    (r"(?:банковск\w+ )?карт(?:ой|очкой)|картамен|by card|картами|терминал\w*", r"карт|card"),
    (
        r"при получении|алганда толе\w*|on delivery|курьеру",
        r"при получени|алганда|on delivery|курьеру",
    ),
    (r"криптовалют\w*|crypto|биткоин\w*|paypal|visa|qiwi|apple pay|google pay", r"$^"),
)
_PAYS = re.compile(r"оплат|плат[ие]|рассч|приним|можно|доступн|толе|pay|accept|available")


_COMES = re.compile(
    r"(?<!\w)(?:(?:приезжа|приходи|подъезжа|заходи|заезжа|загляни|загляды)\w+|жд[её]м вас"
    r"|самовывоз(?! kaspi)|(?:come|drop by|visit us|pick (?:it )?up)|келин\w*|келип кет\w*)"
    r"(?: \w+){0,3}? (?:в|во|к|на|по|со?|из|from|at|to) (?:наш\w+ |the |our )?"
    r"(?P<where>магазин\w*|склад\w*|офис\w*|бутик\w*|шоурум\w*|адрес\w*|нам|shop|store|warehouse"
    r"|office|showroom)"
)
_ELSEWHERE = re.compile(
    r"(?<!\w)(?:инст[аы]\w*|instagram|insta|телеграм\w*|telegram|тикток\w*|tiktok|вайбер\w*|viber"
    r"|facebook|фейсбук\w*|wildberries|вайлдбер\w*|вб|ozon|озон\w*|aliexpress|алиэкспресс\w*"
    r"|olx|олх"
    r"|amazon|амазон\w*|temu|тему(?= (?:есть|можно))|горяч\w+ лини\w+|колл-?центр\w*|личк[ауе]"
    r"|личные сообщения|друго\w+ номер\w*|hotline|call cent(?:er|re))(?!\w)"
)


def did(text: str, brief: Brief) -> bool:
    """Whether a text says that we did, or will do, what only the seller can do."""
    said = _allowed_words(brief)
    cancelled = brief.purpose is Purpose.ORDER_CANCELLED or any(
        order.stage in (Stage.CANCELLED, Stage.CANCELLING) for order in brief.orders
    )
    for clause in told_clauses(text):
        if _OTHERS.search(clause) or clause.strip(" .!") in said:
            continue
        if _DEEDS.search(clause) and not _returning(clause, brief):
            return True
        if not cancelled and _CANCELS.search(clause):
            return True
    return False


def owes(text: str, brief: Brief) -> bool:
    """Whether a text makes an unconditional promise of what a rule only allows on its terms."""
    said = _allowed_words(brief)
    money = re.search(r"деньг|верн(?:ем|ет)|возвраща|средств|акша|refund|money", said) is not None
    for sentence in sentences(text):
        if sentence.asks or sentence.text.strip(" .!") in said:
            continue
        term = _TERM.search(sentence.text) is not None
        if _firm(_REFUNDS, sentence) and not (term and money):
            return True
        if (_firm(_EXCHANGES, sentence) and not term) or _beyond(sentence, said):
            return True
    return False


def assures(text: str, brief: Brief) -> bool:
    """Whether a text settles whose fault it is, or says that a thing heals or does no harm."""
    said = _allowed_words(brief)
    for sentence in sentences(text):
        found = (_NO_HARM.search(sentence.text), *(
            match
            for pattern in (_ADMITS, _CURES)
            for match in pattern.finditer(sentence.text)
            if not (sentence.takes_back(match) or sentence.asks or sentence.defers)
            and not _SORRY.search(sentence.text)
        ))  # fmt: skip
        if any(match and match.group() not in said for match in found):
            return True
    return False


def pays_otherwise(text: str, brief: Brief) -> bool:
    """Whether a text offers a way to pay that the shop's rule of payment does not hold."""
    rule = [one.text for one in brief.statements if one.topic is Topic.PAYMENT]
    if not rule:
        return False
    said = _allowed_words(brief)
    return any(
        re.search(rf"(?<!\w)(?:{way})(?!\w)", clause) and not re.search(stem, said)
        for clause in told_clauses(text)
        if _PAYS.search(clause)
        for way, stem in _WAYS
    )


def invites(text: str, brief: Brief) -> bool:
    """Whether a text asks to come to a place of the shop's that its rules do not name.

    Who picks an order up at the shop comes there.
    """
    shop = "магазин нам shop store" if brief.purpose is Purpose.READY_FOR_PICKUP else ""
    said = f"{_allowed_words(brief)} {shop}"
    return any(
        match.group("where")[:5] not in said
        for clause in told_clauses(text)
        for match in _COMES.finditer(clause)
    )


def elsewhere(text: str, known: str) -> str | None:
    """The network, market or line that a text sends to and ``known`` does not name, if any."""
    found = (match for clause in told_clauses(text) for match in _ELSEWHERE.finditer(clause))
    known = simple(known)
    return next((one.group() for one in found if one.group()[:5] not in known), None)


def _beyond(sentence: Sentence, said: str) -> bool:
    """Whether a sentence takes costs upon the shop, or drops the terms of its rule."""
    borne = _firm(_BORNE, sentence)
    if borne is not None and borne.group() not in said:
        return True
    if _LIFETIME.search(sentence.text) and not re.search("пожизнен|бессроч|lifetime|омир", said):
        return True
    anyhow = _ANYHOW.search(sentence.text)
    if anyhow is None or not _RETURNS.search(sentence.text) or sentence.defers:
        return False
    refuses = _REFUSES.search(sentence.text)
    return anyhow.group() not in said and refuses is None


def _firm(pattern: re.Pattern[str], sentence: Sentence) -> re.Match[str] | None:
    """Where a sentence promises by ``pattern`` and neither denies nor leaves it to the seller."""
    found = (one for one in pattern.finditer(sentence.text) if not sentence.takes_back(one))
    return next(found, None)


def _returning(clause: str, brief: Brief) -> bool:
    """Whether a clause speaks of a return that the order's stage shows."""
    stages = {order.stage for order in brief.orders}
    back = stages & {Stage.RETURN_REQUESTED, Stage.RETURNED}
    return bool(back) and re.search(r"возвра|заявк|верн|кайтар|return", clause) is not None


def _allowed_words(brief: Brief) -> str:
    """What the shop's rules and its people said, in one spelling."""
    people = [line.text for line in brief.history if line.author is Author.PERSON]
    return simple(plain("\n".join([*(one.text for one in brief.statements), *people])))
