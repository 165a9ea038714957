"""What news of an order may not add: who is to blame, why, what becomes of the money, who calls.

The facts of such a message are the order's stage and how it is brought; nothing else is known.
Everything here reads a text that went through :func:`app.writing.links.plain`.
"""

from __future__ import annotations

import re

from app.domain.brief import Brief
from app.domain.events import Delivery
from app.domain.rules import Purpose
from app.writing.clauses import sentences, simple, told_clauses
from app.writing.likeness import significant, stem
from app.writing.links import plain
from app.writing.money import sums
from app.writing.promises import promises


def _pattern(*parts: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{'|'.join(parts)})(?!\w)")


_KNOWN_NAMES = ("kaspi", "каспи", "достав", "deliver", "postomat", "постамат", "whatsapp", "бот")
_CALENDAR = frozenset(
    {
        *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
        *("january", "february", "march", "april", "may", "june", "july", "august"),
        *("september", "october", "november", "december"),
    }
)
_TO_YOU = re.compile(r"(?:вы|вас|вам|вами|ваш\w*|сіз\w*|сиз\w*)$")
_NAME = re.compile(r"(?<=[\w,;—–-]\s)(?:[A-ZА-ЯЁӘҒҚҢӨҰҮҺІ][^\W\d_]+)")
_STEM = 4

_WORD = re.compile(r"[^\W_]+")
_QUOTED = re.compile(r"«[^«»]*»|“[^“”]*”|\"[^\"]*\"")

_BUYERS_DOING = _pattern(
    r"(?:вы|вами)(?: (?!не )\w+){0,2} (?:отмен\w+|отказал\w+|передумал\w*|аннулировал\w*|снял\w*)",
    r"вы(?: \w+){0,2} не (?:\w+ )?(?:оплат\w+|подтверд\w+|забрал\w*|вышли|ответил\w*|подписал\w*"
    r"|выкупил\w*|приехал\w*|пришл\w+|открыл\w*)",
    r"(?:отмен\w+|аннулирован\w*|отказ\w*|снят\w*)(?: \w+){0,2} (?:вами|покупателем|клиентом"
    r"|с вашей стороны)",
    r"ваш\w* (?:\w+ )?(?:отмен\w+|отказ\w*)",
    r"(?:по|из-за|согласно|в ответ на)(?: \w+)? ваш\w+ (?:\w+ )?(?:просьб|желани|инициатив|запрос"
    r"|заявк|решени|обращени|отмен|отказ)\w*",
    r"(?:по|из-за) (?:\w+ )?(?:просьб|желани|инициатив|запрос|заявк|решени|вин)\w+"
    r" (?:покупател|клиент)\w+",
    r"(?:до вас|с вами)(?: \w+){0,2} не (?:\w+ )?(?:дозвон|связа|дождал|удал|смогл)\w*|не дозвон\w+"
    r"|вам (?:\w+ ){0,2}не нужн\w+|раз (?:\w+ ){0,4}не нуж\w+|раз вы",
    r"(?:бас тарт|токтат|жой|алма|толеме|раста|шешим кабылда)\w*сы[зн]\w*",
    r"\w+[мбп][ае]г[ае]н[ыи]н[ыи]з\w*",
    r"как вы (?:\w+ )?(?:просил|хотел|писал)\w*",
    r"вы (?:\w+ )?(?:просил|попросил|решил|хотел|пожелал)\w*(?: \w+){0,2} (?:отмен\w+|отказ\w+)",
    r"не (?:\w+ )?(?:смогли|удалось) (?:\w+ ){0,2}(?:до вас|с вами|дозвон\w+|связаться)\w*",
    r"(?:бас тарт|токтат|жой|кайтар)\w*(?:[дт]ыныз|[дт]иниз)",
    r"сиз(?:дин)? (?:\w+ ){0,2}(?:отиниш|тилег|калау|шешим|сураныс)\w*",
    r"сатып алушы\w* (?:\w+ ){0,2}(?:бас тарт|токтат|отиниш|калау|кина|шешим)\w*",
    r"you(?:'ve| have| had)?(?: \w+)? (?:cancell?ed|declined|refused|withdrew|changed your mind)",
    r"(?:by|on|at|per|following) your (?:own )?(?:request|choice|wish|decision|cancell?ation)",
    r"(?:cancell?ed|declined) by (?:you|the (?:customer|buyer))",
    r"as you (?:asked|requested|wished)|(?:since )?you (?:did not|didn't) \w+|your cancell?ation",
)
_CAUSE = _pattern(
    r"(?:больше|уже|сейчас|пока) нет|нет (?:у нас|больше|в магазине)",
    r"\w+[нт]д[ыи]кт[ае]н|\w+(?:каннан|геннен|ганнан|кеннен) (?:кейин|сон)",
    r"поэтому|сондыктан|забы(?:л|т)\w*|закрыва\w+|закры(?:т|л)\w*|прода(?:н|л)\w*|цен[аыуе]\w?"
    r"|стоимост\w+|бага(?:сы|ны)\w*",
    r"опозд\w+|задерж\w+|испорч\w+|пришл[ао]|кел(?:мей|мед|мег)\w*|кеши[кг]\w*",
    r"закончил\w*|кончил[аио]\w*|распродан\w*|раскупил\w*|законч\w+ся|нет (?:\w+ )?(?:в наличии"
    r"|на складе)|не (?:\w+ )?(?:оказал\w+|осталось|нашл\w+|хватило|успел\w*|поступил\w*|прив[её]з"
    r"\w*)|отсутств\w+",
    r"(?:снят\w*|сняли|вывели) (?:\w+ )?с (?:продажи|производства)",
    r"брак\w*|бракован\w+|дефект\w*|поврежд\w+|сломал\w*|разбил\w*|потерял\w*|утерян\w*|украли",
    r"сбо[йяеию]\w*|ошиб\w+|технич\w+|накладк\w*|недоразумени\w*|путаниц\w*|перепутал\w*",
    r"поставщик\w*|поставк\w*|производител\w+|склад(?:е|а|ом|ской)?|таможн\w*|логистик\w*",
    r"из-за|по причине|в связи с|потому что|так как|поскольку|ввиду|причин\w+ (?:в том|стал\w*)",
    r"(?:kaspi|каспи|банк|курьер|служб\w+ доставки|система)(?: \w+){0,2} (?:отменил|отказал|аннул"
    r"|снял|заблок|потерял|повредил|виноват|не прин|не успе)\w*",
    r"(?:цен\w+|стоимост\w+) (?:\w+ ){0,2}(?:изменил|вырос|поднял|неверн|ошибочн|указан)\w*",
    r"таусыл\w*|сатылып (?:кет|бит)\w*|калма(?:ды|ган|п)\w*|коймада\w*|табылма\w*|жетпе[йдг]\w*",
    r"акау\w*|сынып\w*|бузыл\w*|жогал\w*|кате\w*|кателик\w*|техникалык\w*|жеткизуши\w*|ондируши\w*",
    r"себеб\w+|себепт\w*|салдарынан|уйткени|ойткени|байланысты|кесиринен|болгандыктан",
    r"(?:kaspi|каспи|банк|курьер)\w*(?: \w+){0,3} (?:бас тарт|токтат|жой|жогалт|кинали)\w*",
    r"out of stock|sold out|ran out|no longer (?:available|in stock)|unavailable|not available",
    r"because|due to|owing to|as a result|the reason|supplier|manufacturer|warehouse|defect\w*"
    r"|damaged?|lost|error|mistake|mix-up|technical|glitch",
    r"(?:kaspi|the bank|the courier)(?: \w+){0,2} (?:cancell?ed|declined|refused|lost|damaged)",
)
_MONEY = re.compile(
    r"(?<!\w)(?:деньг|денеж|средств|сумм|возврат|возвращ|верн|оплат|платеж|компенс|возме[щс]|карт[аыуе]"
    r"|сч[её]т[ае]?(?!\w)|рассрочк|кредит|неустойк|штраф|акша|кайтар|толем|толе[нд]|отем|шот"
    r"|спис[аы]|(?:за)?плати|начисл|бонус|тенге|обратно|ничего не потеря|артык ала"
    r"|money|refund|payment|paid|compensat|reimburs|charge)"
)
_KASPI = re.compile(r"(?<!\w)(?:kaspi|каспи)(?! (?:red|gold|ред|голд))")
_VOWS = _pattern(
    r"(?:от|пере)?прав(?:им|ят|ит|лю)|вышл[еюу]\w*|приш?л[еюу]м|привез[её][мт]|привезу\w*|достав(?:им|ят|ит)"
    r"|за нами|с нас|обязательно|непременно|точно|найд[её]м"
    r"|собер[её]м|закаж(?:ем|у)|по (?:той же|прежней|старой) \w+|не повтор\w+|впредь",
    r"жибер(?:еми[зн]|ил\w+)|жеткизе(?:ми[зн]|ди)|апара(?:мы[зн]|ды)|кайталан\w+",
    r"(?:we|i)(?:'ll| will) (?:\w+ )?(?:send|ship|deliver|bring|order)|never happen again",
)
_SORRY = re.compile(
    r"(?<!\w)(?:извин\w+|прост(?:ите|и)(?!\w)|прощени\w+|сожале(?:ем|ю)|жаль|кешир\w+|гафу"
    r"|окин(?!ишке)\w+"
    r"|sorry|apolog\w+|regret\w*|forgive)"
)
_DOOR = _pattern(
    r"домой|на дом|(?:до|к) (?:\w+ )?(?:двери|квартиры|подъезда|дома)"
    r"|на (?:ваш )?адрес|(?:ваш|указанн)\w+ адрес\w*"
    r"|(?:ждите|встречайте|встретьте) курьер\w*",
    r"уй(?:инизге|ге|инизге дейин)|еси[кг]\w*|мекенжайыныз\w*",
    r"(?:to|at) your (?:door|home|house|address|doorstep)|doorstep",
)
_LOCKER = _pattern(r"постамат\w*|постомат\w*|postomat\w*|ячейк\w*|терминал\w*|locker\w*|уяшык\w*")
_THERE = _pattern(
    r"забер\w+|забира\w+|забрать|алып кет\w*|pick(?:ed)? (?:it )?up|collect\w*",
    r"прибыл\w*|приехал\w*|дошел|дошла|дошло|приш[её]л|пришла|пришло|поступил\w*|завершен\w*"
    r"|выполнен\w*|вручил\w*|на месте|отдали|отдан[аоы]?|выдан\w*|выдали|получили|получен\w*",
    r"(?:в|на) (?:\w+ )?(?:пункте|постамате|терминале|пвз|отделении|складе|сортиров\w+|городе?)"
    r"|(?:уже|сейчас) во? (?!пути|дороге|доставке|служб)\w+|сортиров\w+",
    r"сизге (?:\w+ )?(?:тапсырды|тапсырылды|берди|берилди|табысталды)|жетип кел\w+|келип жетт\w+"
    r"|(?:пункт|постамат|терминал|кала|койма)(?:те|да|де|нызда|дан|тан)",
)
_SOON = _pattern(
    r"скоро|вскоре|вот-вот|в ближайш\w+|быстро|быстрее|оперативно|вовремя|в срок|без задержек"
    r"|сутк\w+|сутки|недел\w+|дней|час(?:а|ов|ам|у)?|минут\w*",
    r"жакында\w*|тез(?:ирек)?|жылдам|таяу\w*|кеше?икпе[йс]\w*|уакытында",
    r"soon|shortly|quick\w*|fast|on time|any (?:day|minute) now",
)
_CALLS = _pattern(
    r"(?:по|на|за|пере)?звон\w*|свяж[еу]тся|свяжутся|наберут|наберет|предупред\w+|уведом\w+|смс|sms",
    r"(?:курьер|водител|экспедитор|служб\w+ доставки|оператор|kaspi|каспи)\w*(?: \w+){0,4}"
    r" (?:сообщ|напиш|пришл)\w+",
    r"(?:курьер|жеткизуши|kaspi|каспи)\w*(?: \w+){0,4} (?:хабарлас|ескерт|хабарла|жаза)\w*",
    r"конырау\w*|телефон\w*",
    r"(?:courier|driver|kaspi|delivery service)(?: \w+){0,3} (?:contact|text|notify|message)\w*",
    r"(?:will|'ll|may) call|call you",
    r"(?:хорошо|надежно|тщательно|бережно) (?:\w+ )?упакова\w+",
)
_LAPSES = _pattern(
    r"отмен\w+|аннулир\w+|сним\w+|прода[дс]\w+|верн[её]т?ся|верн[её]м|возвра\w+|утилиз\w+|штраф\w*"
    r"|платн\w+|удостоверени\w*|паспорт\w*|документ\w*|сутк\w+|недел\w+|дней"
    r"|скоро|приед\w+|прибуд\w+|поступ\w+|до конца|месяц\w*"
    r"|держ\w+|подерж\w+|купи\w*|довереннос\w*|продл\w+|хран\w+",
    r"токтат\w*|жой(?:ыл|а)\w*|бас тарт\w*|кайтар\w*|айыппул\w*|куали[кг]\w*|сакта(?:й|л)\w*",
    r"cancel\w*|return\w*|a fine|fee|id card|passport|stor(?:e|ed|age) (?:until|for)|kept|keep it",
)

_AT_ALL_HOURS = _pattern(
    r"круглосуточно|24/7|без выходных|любое время|когда (?:\w+ )?(?:угодно|удобно)|ежедневно",
    r"таулик бойы|кез келген (?:уакыт|кез)\w*|кунде|кун сайын|демалыссыз",
    r"any ?time|around the clock|every day|daily|whenever",
)
_SPOTS = _pattern(
    r"этаж\w*|бутик\w*|вход\w*|подъезд\w*|кабинет\w*|павильон\w*|слева|справа|напротив|рядом с"
    r"|трц?|т[дк]|рынк\w*|базар\w*|кабат\w*|он жа[кг]\w*|сол жа[кг]\w*|жанында",
    r"floor|entrance|opposite|next to|mall|market",
)
_BRINGS = re.compile(
    r"(?<!\w)(?:достав(?:к|и[мтл]|ля|ят)|привез|подвез|довез|завез|курьер|жеткиз|апарып|апарам"
    r"|deliver|courier|ship)"
)

_TO_THE_DOOR = frozenset({Delivery.KASPI, Delivery.OWN})
_ONCE = 1


def blames(text: str, brief: Brief) -> bool:
    """Whether a text says that the customer cancelled what the shop could not fulfil."""
    if not _failed(brief):
        return False
    return _BUYERS_DOING.search(_own_words(text, brief)) is not None


def excuses(text: str, brief: Brief) -> bool:
    """Whether the news of a cancellation gives a reason: none is known."""
    if brief.purpose is not Purpose.ORDER_CANCELLED:
        return False
    return _CAUSE.search(_own_words(text, brief)) is not None


def settles(text: str, brief: Brief) -> bool:
    """Whether the news of a cancellation promises anything instead, or speaks of money.

    Of money all it may say is that Kaspi sees to it.
    """
    if brief.purpose is not Purpose.ORDER_CANCELLED:
        return False
    prices = {float(product.price) for product in brief.products if product.price is not None}
    if sums(text) - prices or _VOWS.search(_own_words(text, brief)):
        return True
    return any(
        _MONEY.search(one.text) and (not _KASPI.search(one.text) or promises(one.text))
        for one in sentences(_own_words(text, brief))
    )


def grovels(text: str, brief: Brief) -> bool:
    """Whether the news of a cancellation apologises more than once."""
    if brief.purpose is not Purpose.ORDER_CANCELLED:
        return False
    return len(_SORRY.findall(_own_words(text, brief))) > _ONCE


def misdirects(text: str, brief: Brief) -> bool:
    """Whether a text brings an order to a door or a locker, and it goes to another place.

    Where nobody told how it goes, an answer may repeat what it was asked; news may not guess.
    """
    guessed = brief.purpose is Purpose.HANDED_OVER
    ways = {order.delivery for order in brief.orders}
    if not guessed and (not ways or None in ways):
        return False
    said = _own_words(text if guessed else ". ".join(told_clauses(text)), brief)
    if _DOOR.search(said) and not ways & _TO_THE_DOOR:
        return True
    return _LOCKER.search(said) is not None and Delivery.POSTOMAT not in ways


def adds(text: str, brief: Brief) -> bool:
    """Whether news of an order tells what nobody knows: who calls, how long a parcel is kept."""
    said = _own_words(text, brief)
    match brief.purpose:
        case Purpose.HANDED_OVER:
            return any(one.search(said) for one in (_THERE, _SOON, _CALLS)) or _places(text, brief)
        case Purpose.READY_FOR_PICKUP:
            return _keeps(said, brief) or _places(text, brief)
        case _:
            return False


def _keeps(said: str, brief: Brief) -> bool:
    """Whether it tells how long an order is kept, at what hours, or that it could be brought."""
    if any(one.search(said) for one in (_LAPSES, _BRINGS, _MONEY)):
        return True
    known = simple(_known(brief))
    told = (match.group() for one in (_AT_ALL_HOURS, _SPOTS) for match in one.finditer(said))
    return any(words not in known for words in told)


def _places(text: str, brief: Brief) -> bool:
    """Whether a name stands in it, of a street or a town, that nobody told."""
    known = _known(brief).casefold()
    found = (match.group().casefold() for match in _NAME.finditer(_QUOTED.sub(" ", text)))
    return any(
        not (name.startswith(_KNOWN_NAMES) or name in _CALENDAR or _TO_YOU.match(name))
        and name[:_STEM] not in known
        for name in found
    )


def _known(brief: Brief) -> str:
    """All that such a text may name."""
    items = [item.name for order in brief.orders for item in order.items]
    rules = [one.text for one in brief.stated]
    known = [brief.shop, brief.customer_name or "", brief.stated_hours or "", *items, *rules]
    return plain("\n".join(known))


def _failed(brief: Brief) -> bool:
    """Whether what is spoken of was cancelled by the shop, all of it."""
    if brief.purpose is Purpose.ORDER_CANCELLED:
        return True
    return bool(brief.orders) and all(order.cancelled_by_shop for order in brief.orders)


def _own_words(text: str, brief: Brief) -> str:
    """``text`` in one spelling, without what stands in quotes and the words of the goods' names.

    A «карта памяти» is no talk of money.
    """
    items = [item.name for order in brief.orders for item in order.items]
    goods = plain(" ".join([*items, *(product.name for product in brief.products)]))
    stems = tuple(stem(simple(word)) for word in significant(goods))
    read = simple(_QUOTED.sub(" ", text))
    return _WORD.sub(lambda word: " " if word.group().startswith(stems) else word.group(), read)
