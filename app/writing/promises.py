"""What a text promises, and what the seller's own words allow to promise.

Everything here reads a text that went through :func:`app.writing.links.plain`.
"""

from __future__ import annotations

import re
from enum import StrEnum

from app.writing.clauses import Sentence, clauses, sentences


class Promise(StrEnum):
    """What a shop may owe because a text said so."""

    REFUND = "refund"
    EXCHANGE = "exchange"
    REPAIR = "repair"
    DELIVERY = "delivery"
    WARRANTY = "warranty"
    GUARANTEE = "guarantee"
    RESTOCK = "new stock"
    DISCOUNT = "discount"
    BONUS = "bonus"
    COUPON = "coupon"
    INSTALMENT = "instalment"
    GIFT = "gift"
    FREE = "free"
    FREE_DELIVERY = "free delivery"


FAVOURS = frozenset(
    {
        Promise.DISCOUNT,
        Promise.BONUS,
        Promise.COUPON,
        Promise.INSTALMENT,
        Promise.GIFT,
        Promise.FREE,
        Promise.FREE_DELIVERY,
    }
)
"""What is given beside the goods. To name one is to promise it, unless it is denied."""


def _pattern(*parts: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{'|'.join(parts)})(?!\w)")


def _kazakh(stem: str) -> str:
    """A verb that says what we or somebody will do, with its auxiliaries, whatever its form."""
    return (
        rf"(?:{stem})\w*(?: (?:бер|ал|жибер|кой|тур|аша|тапс|бол)\w*){{0,2}}"
        r"(?:(?<=мыз)|(?<=миз)|(?<=мын)|(?<=мин)|(?<=ады)|(?<=еди)|(?<=сыз)|(?<=сиз))"
    )


_MONEY = r"(?:деньг\w*|денежн\w+|сумм\w+|средств\w*|оплат\w+|стоимост\w+|акша\w*|money|payment)"
_MAY = (
    r"(?:получится|удастся|разреш\w+|(?:с|по)?мож(?:но|ете|ем|ешь)|сможете"
    r"|вправе|имеете право|возможно"
    r"|легко|всегда|готовы|без проблем"
    r"|сделаем так|можем|will be able to|can|may)"
)
_WE = (
    r"(?:we|i|seller|shop|kaspi|they|it|courier|you)(?:'ll| will| can| shall"
    r"| are going to|'re going to| would)?"
)

_VERBS: dict[Promise, re.Pattern[str]] = {
    Promise.REFUND: _pattern(
        r"верн(?:ем|у|ет|ут|ите деньги)",
        r"возврат(?:им|ят|ит|ю)",
        r"возвраща(?:ем|ет|ют)",
        r"возмест(?:им|ит|ят)",
        r"возмеща(?:ем|ет)",
        r"компенсиру(?:ем|ет|ют|ю)",
        r"компенсаци\w+",
        (
            rf"{_MONEY}(?: \w+){{0,4}} (?:верн\w+ся|возвращ\w+ся|вернули|возвращен\w*"
            rf"|придут|поступят|будут)"
        ),
        rf"(?:вернули|возвращен\w*|возвратили|отправили обратно)(?: \w+){{0,3}} {_MONEY}",
        rf"{_MONEY}(?: \w+){{0,3}} (?:отправ|перевел|перечисл|верн|возвра)\w*",
        rf"(?:переведем|перечислим|отдадим|отправим)(?: \w+){{0,3}} {_MONEY}",
        r"верн\w+ся(?: \w+){0,2} (?:деньг\w*|сумм\w+|средств\w*)",
        rf"{_MAY}(?: \w+){{0,3}} (?:вернуть|возвратить|сдать)",
        rf"(?:вернуть|возвратить|сдать)(?: \w+){{0,4}} {_MAY}",
        r"прим(?:ем|у|ут) (?:\w+ ){0,3}(?:обратно|назад)",
        r"заберем (?:\w+ ){0,3}(?:обратно|назад)",
        r"(?<!жауап )(?<!жауап та )" + _kazakh("кайтар"),
        r"кайтар(?:уга|а) (?:болады|аласыз|алас\w+)",
        r"(?:ақша|акша)\w* (?:кайтады|кайтып \w+)",
        r"кайтарып ал\w*",
        r"кери (?:ал|кабылда)\w*",
        r"отеймиз",
        r"орнын толтырамыз",
        rf"{_WE} (?:\w+ )?(?:refund|reimburse|compensate|return (?:your|the) (?:money|payment))",
        r"(?:will|can|would) be (?:\w+ )?(?:refunded|reimbursed|compensated|returned to you)",
        r"(?:is|has been|was) refunded",
        r"(?:get|receive|have|give you|getting) (?:\w+ ){0,3}(?:money back|refund|reimbursement)",
        r"you (?:can|may|could)(?: \w+){0,2} (?:return|send it back|give it back)",
        r"money[- ]back",
        (
            r"(?:return|send back|give back|pay back|take back) (?:you )?(?:your|the"
            r"|all the) (?:money|payment|funds|cash|item|jacket)"
        ),
        r"(?:we|seller|shop)(?:'ll| will| can) take (?:it|them|that) back",
    ),
    Promise.EXCHANGE: _pattern(
        r"об?меня(?:ем|ю|ет|ют)",
        r"меня(?:ем|ю)",
        r"поменя(?:ем|ю|ет|ют)",
        r"замен(?:им|ит|ят|яем|ю)",
        r"(?:пришл|вышл|отправ|отдад|выдад|дад|привез|достав)\w*(?:ем|им|ут|ят|ю)(?: \w+){0,2} "
        r"(?:нов(?:ую|ый|ое|ые)|друг(?:ую|ой|ое|ие)|замену|взамен)",
        rf"{_MAY}(?: \w+){{0,3}} (?:обменять|поменять|заменить)",
        rf"(?:обменять|поменять|заменить)(?: \w+){{0,4}} {_MAY}",
        _kazakh("айырбаста|ауыстыр|алмастыр"),
        r"(?:айырбастау|ауыстыру|алмастыру)га болады",
        r"(?:айырбастап|ауыстырып) (?:бере\w+|ала аласыз)",
        r"(?:ауыстыра|айырбастай|алмастыра) (?:аламыз|аласыз)",
        r"(?:жана|баска)сын (?:жибер\w+|берем\w+)",
        (
            rf"{_WE} (?:\w+ )?(?:replace|exchange|swap|send (?:you )?(?:a "
            rf"|an )?(?:new|another|replacement))"
        ),
        r"(?:will|can|would) be (?:\w+ )?(?:replaced|exchanged|swapped)",
        r"you (?:can|may|could)(?: \w+){0,2} (?:exchange|swap|replace)",
        r"(?:get|receive|have|give you|offer|send)(?: \w+){0,3} (?:replacement|new one|exchange)",
    ),
    Promise.REPAIR: _pattern(
        r"отремонтиру(?:ем|ет|ют)",
        r"почин(?:им|ит|ят)",
        r"устран(?:им|ят) (?:\w+ ){0,2}(?:брак|дефект|поломк\w+)",
        _kazakh("жонде"),
        rf"{_WE} (?:\w+ )?(?:repair|fix) (?:it|the|your)",
    ),
    Promise.DELIVERY: _pattern(
        r"достав(?:им|лю|ят|ит|ляем|ляют)",
        r"привез(?:ем|у|ет|ут)",
        r"привоз(?:им|ят)",
        r"отгруз(?:им|ят|ит)",
        r"довез(?:ем|ут|ет)",
        r"завез(?:ем|ут|ет)",
        (
            r"(?:отправ(?:им|ят|лю)|вышл(?:ем|ют|ю)|пришл(?:ем|ют"
            r"|ю)) (?:\w+ ){0,3}(?:заказ\w*|товар\w*|посылк\w+|курьер\w*|куртк\w+"
            r"|почт\w+|домой)"
        ),
        (
            r"доставка (?:\w+ ){0,3}(?:есть|работает|возможна|доступна|включена"
            r"|действует|осуществляется|по всему)"
        ),
        r"(?:есть|делаем|возможна|осуществляем|организуем|оформим) (?:\w+ ){0,2}доставк[ауи]",
        r"курьер (?:\w+ ){0,3}(?:приедет|будет|заедет|выедет|выехал)",
        _kazakh("жеткиз|апар|акел"),
        r"жеткизу (?:\w+ )?бар",
        r"жеткизип тур\w+",
        rf"{_WE} (?:\w+ )?(?:deliver|ship|dispatch|bring)",
        r"will be (?:\w+ )?(?:delivered|shipped|dispatched)",
        r"delivery is (?:\w+ )?available",
        r"(?:will|should) arrive",
    ),
    Promise.WARRANTY: _pattern(
        r"(?:есть|дает|даем|дадим|действует|распространяется|идет|предоставля\w+"
        r"|официальн\w+|полн\w+|\d+ \w+"
        r"|пожизненн\w+) (?:\w+ ){0,3}гаранти\w+",
        (
            r"гаранти\w{0,2}(?: \w+){0,5} (?:есть|действует|распространяется"
            r"|составляет|предоставля\w+|дает\w*|\d+|год\w*|месяц\w*|лет)"
        ),
        r"с гарантией",
        r"под гаранти\w+",
        r"на гарантии",
        r"пожизненн\w+ гаранти\w+",
        r"гаранти\w+ — \d+",
        (
            r"по гарантии(?: \w+){0,3} (?:мож\w+|сдела\w+|отремонт\w+|почин\w+"
            r"|обменя\w+|замен\w+|верн\w+)"
        ),
        r"кепилди\w*(?: \w+){0,3} (?:бар|берил\w+|берем\w+|болады|\d+)",
        r"кепилди?м?ен",
        (
            r"(?:has|have|with|comes with|includes?|under|gives?|offers?"
            r"|get) (?:\w+[ -]){0,4}(?:warranty|guarantee)"
        ),
        r"(?:full|lifetime|official|extended) (?:warranty|guarantee)",
        r"(?:warranty|guarantee) (?:is|of|for|covers|lasts|applies|included)(?: \w+)?",
    ),
    Promise.RESTOCK: _pattern(
        r"нов(?:ая|ую|ое|ые) (?:парти\w+|поступлен\w+|завоз\w*|поставк\w+)",
        r"(?:ожидаем|ждем|будет|скоро) (?:\w+ )?(?:поступлени\w+|поставк\w+|завоз\w*|парти\w+)",
        r"(?:снова|скоро|опять|еще) (?:\w+ )?(?:появ[ия]тся|привезут|завезут|завезем|поступ[ия]т)",
        (
            r"(?:появ[ия]тся|будет|будут|поступ[ия]т) (?:\w+ ){0,2}(?:в наличии"
            r"|в продаже|на складе|в продажу)"
        ),
        r"поступление (?:ожида\w+|будет|через)",
        r"жана партия\w*",
        r"кайта (?:келеди|туседи|болады)",
        r"(?:back|again) in stock (?:soon|next|in)",
        r"restock\w*",
        r"new (?:batch|delivery|shipment|stock)",
        r"will be (?:back|available again|in stock)",
    ),
    Promise.GUARANTEE: _pattern(
        r"гарантиру\w+",
        r"обеща(?:ем|ю|ет|ют)",
        r"кляне\w+",
        r"клянусь",
        r"даем слово",
        r"даю слово",
        r"ручаемся",
        r"ручаюсь",
        r"берем на себя",
        r"кепилдик беремиз",
        r"кепилдик беремин",
        r"кепилдеме беремиз",
        r"соз беремиз",
        r"уаде беремиз",
        r"уаде етемиз",
        rf"{_WE} (?:\w+ )?(?:guarantee|promise|swear)",
        r"guaranteed",
        r"you have (?:my|our) word",
    ),
}
"""Words that commit by themselves, unless they are denied or asked about."""

_NOUNS: dict[Promise, re.Pattern[str]] = {
    Promise.REFUND: _pattern(
        r"возврат\w{0,2}", r"возмещени\w", r"кайтарым\w*", r"кайтару\w*", r"refunds?", r"returns?"
    ),
    Promise.EXCHANGE: _pattern(
        r"обмен\w{0,2}",
        r"замен[ауые]",
        r"айырбастау\w*",
        r"ауыстыру\w*",
        r"replacements?",
        r"exchanges?",
    ),
    Promise.REPAIR: _pattern(r"ремонт\w{0,2}", r"repairs?"),
}
_GIVES = re.compile(
    r"(?<!\w)(?:возмож\w+|можно|можете|оформ(?:им|ят|ит|лен\w*|ляем|лю)|одобр\w+"
    r"|сдела(?:ем|ю|ют|ет|ли)|прин(?:имаем|ят\w*)|примем"
    r"|будет|доступ\w+|положен\w*|предусмотрен\w*|действу\w+|дад(?:им|ут)|даем"
    r"|проведем|провед(?:ен\w*|ут)"
    r"|пройдет|придет|поступит|получите|бесплатн\w+|в течение|\d+ дн\w+"
    r"|согласован\w*|готов\w*|устро(?:им|ят)"
    r"|есть(?! вопрос)|без проблем|жасаймыз|жасалады|болады|беремиз|макулда\w*"
    r"|рәсімде\w*|расимде\w+|мумкин"
    r"|кабылдаймыз|approved|possible|available|will be|processed|issued|arrange"
    r"|accepted?|offer|allowed|within"
    r"|(?:give|make|issue|process|do|start) (?:you )?(?:a |an |the "
    r"|your )?(?=refund|return|exchange|replacement))(?!\w)"
    r"(?!\s+(?:ли|ма|ме|ба|бе|па|пе)(?!\w))"
)
"""Words that make a promise of a noun like «возврат», which alone promises nothing."""

_EASILY = re.compile(
    r"(?<!\w)(?:без|without|no)(?: \w+)? (?:проблем|вопрос|труд|доплат"
    r"|questions?|problems?|hassle|issues?)\w*"
)
"""A «без» that denies nothing."""

_FAVOUR_WORDS: dict[Promise, re.Pattern[str]] = {
    Promise.DISCOUNT: re.compile(
        r"(?<!\w)(?:скид(?:к|ок|оч|он|ос)\w*|скин[уе]\w*|акци(?:я|и|ю|ей"
        r"|он\w+)(?!\w)|распродаж\w*|уцен\w+"
        r"|(?:особ|приятн|хорош|выгодн|лучш|индивидуальн)\w+ цен[ауые]\w?|цен[ауы] (?:\w+ ){0,3}"
        r"(?:особ\w+|приятн\w+|только для вас)|договор\w+ (?:\w+ )?(?:по|о|насчет|на) цен\w+"
        r"|по себестоимости|без (?:наценк|накрутк)\w+|выгоднее|сторгу\w+|(?:по)?торг(?:ова\w+"
        r"|у\w+)?(?!\w)"
        r"|(?:часть|половину) (?:денег|стоимости|суммы)|бага\w* (?:\w+ )?келис\w+|келисемиз"
        r"|negotiat\w+|better price|good price|best price|at cost|part of the (?:price|money)"
        r"|дисконт\w*|спец(?:предлож|цен)\w*|специальн\w+ (?:цен|предлож)\w*"
        r"|уступ\w+|(?:по)?дешевле"
        r"|жарты бага\w*|в?пол ?цены|половин\w+(?! дня| недел| месяц)"
        r"|на (?:треть|четверть)|по цене одно\w+|сниз[иь]\w+"
        r"|женилд\w*|арзанда\w*|арзанырак\w*|бага\w* (?:\w+ ){0,3}(?:томенде"
        r"|тусир|азайт|кемит)\w+|жартысы\w*|арнайы бага\w*|тусирип бер\w+"
        r"|discount\w*|(?<!after-)(?<!after )sale(?!s? (?:dep|team))(?!\w)"
        r"|half[- ]price|cheaper|special (?:price|offer|deal)s?|promotion\w*"
        r"|price cut|reduced price|lower (?:the )?price)"
        r"|1 ?\+ ?1|(?<![\w-])[-−–]\d{1,2} ?(?:%|на(?!\w))|\d ?%\s?off(?!\w)"
    ),
    Promise.BONUS: re.compile(
        r"(?<!\w)(?:к[эе]ш[ -]?б[эе]к\w*|бонус\w*|балл(?:ы|ов|ами)?(?!\w)"
        r"|cash ?back|bonus(?:es)?(?!\w))"
    ),
    Promise.COUPON: re.compile(
        r"(?<!\w)(?:промо(?!бот)\w*|купон\w*|сертификат\w* на|ваучер\w*"
        r"|coupon\w*|promo\w*|voucher\w*)"
    ),
    Promise.INSTALMENT: re.compile(
        r"(?<!\w)(?:рассрочк\w*|болип толеу\w*|installments?|instalments?)"
    ),
    Promise.GIFT: re.compile(
        r"(?<!\w)(?:подар\w+|презент(?!ац)\w*|сюрприз\w*|дар(?:им|ю)(?!\w)"
        r"|сыйлы[кг]\w*|сыйла\w*|gift\w*)"
        r"|(?<!\w)(?:положим|вложим|докинем|подкинем|приложим|прилож[уа]"
        r"|полож[уа])(?!\w)|(?<!\w)добав(?:им|лю) (?:\w+ ){0,3}(?:сверху|бонусом"
        r"|от нас|от себя|в заказ|в коробку|к заказу)"
    ),
    Promise.FREE: re.compile(
        r"(?<!\w)(?:бесплатн\w*|даром|безвозмездн\w*|за наш счет"
        r"|за счет магазина|тегин\w*|(?<!feel )(?<!-)free(?!\w)(?!-)"
        r"|at no (?:extra |additional )?(?:cost|charge)|on the house|complimentary)"
    ),
}
_DELIVERS = re.compile(r"достав|привез|привоз|пересыл|курьер|deliver|shipp|жетки|апар")
_NO_FAVOUR = re.compile(
    r"(?<!\w)(?:подар\w+|сыйлык\w*|gift)(?: \w+){0,3} (?:понрав|удал|порадова"
    r"|обрадова|унады|унаса|unad|liked|enjoyed|loved)\w*"
    r"|(?<!\w)(?:для|к выбору|выбор|выборе|выбрали|выбираете|выбирали|как"
    r"|обрадова\w+) подар(?:ка|ку|ок)(?!\w)"
    r"|(?:liked?|enjoy(?:ed)?|loved?) the gift|as a gift\?"
    r"|(?<!\w)подарочн\w+ (?:набор|короб|упаков|пакет)\w*"
    r"|сыйлыкка (?:алды|ала)\w*|не (?:дешевле|уступа)\w+|уступит место"
)
_D = (
    r"(?:скид\w+|акци\w+|промо\w*|распродаж\w*|к[эе]ш\w*|бонус\w*|балл\w*"
    r"|подар\w+|купон\w*|сюрприз\w*"
    r"|рассрочк\w*|бесплатн\w+|дешевле|дисконт\w*|уценк\w*)"
)
_E = (
    r"(?:discount|gift|coupon|bonus|cashback|sale|promo|free|voucher|instal?lment"
    r"|promotion|special offer)\w*"
)
_DENIES = re.compile(
    rf"{_D}(?:\s+(?!сомнен|проблем|вопрос)[\w%-]+){{0,4}}\s+(?:нет"
    rf"|не\s+(?:предусмотр|действ|предоставля|да[е]м"
    r"|дела|быва|буд|планир|провод|мо[жг]|обеща|подтвержда|начисля|назнач|положен)\w*)(?!\w)"
    rf"|(?<!\w)нет(?:\s+(?:сейчас|пока|у|нас|никаких|таких|больше|и|ни))*\s+{_D}"
    rf"|не\s+(?:мо(?:гу|жем)|обеща\w*|да[е]м|делаем|предоставля\w*|проводим"
    rf"|планируем|предусмотр\w*|вижу|видим)"
    rf"(?:\s+\w+){{0,3}}?\s+{_D}|(?<!\w)без\s+{_D}"
    r"|(?:женилди|акция|бонус|сыйлы|тегин|купон|кэшбэк)\w*(?:\s+\w+){0,3}?\s+"
    r"(?:жок|емес|\w*[мпб][ае]й(?:мыз|миз|мын|мин|ды|ди)|жаса[лй]?ма\w*|берме\w*"
    r"|берилме\w*|карастырылма\w*|болма\w*|корсетилме\w*)(?!\w)"
    rf"|(?:no|not|don't|cannot|can't|without|unable to|doesn't|aren't|isn't"
    rf"|never)\W(?:[\w%]+\W+){{0,4}}?{_E}"
    rf"|{_E} (?:is|are) (?:not|n't|currently not)|{_E} (?:isn't|aren't)"
)

_HELD: dict[Promise, re.Pattern[str]] = {
    Promise.REFUND: re.compile(
        r"возврат|(?<!\w)верн(?!ис)|возвращ|refund|return|money back|кайтар"
    ),
    Promise.EXCHANGE: re.compile(
        r"обмен|поменя|(?<!\w)замен|(?<!\w)меняем|exchange|replac|swap|айырбаст|ауыстыр|алмастыр"
    ),
    Promise.REPAIR: re.compile(r"ремонт|почин|repair|жонде"),
    Promise.DELIVERY: re.compile(r"достав|привоз|привез|курьер|deliver|shipp|жетки[зл]|апар"),
    Promise.WARRANTY: re.compile(r"гаранти|warrant|guarantee|кепилд"),
    Promise.RESTOCK: re.compile(
        r"парти[яию]|поступлени|завоз|restock|new batch|back in stock|келеди"
    ),
    Promise.GUARANTEE: re.compile(r"гарантиру|обеща|we guarantee|promise|кепилдик берем|уаде"),
}

_LONGEST_CLAUSE = 400
"""Characters of one sentence in which a promise is looked for."""


def promises(text: str) -> set[Promise]:
    """What a text promises. A sentence that denies it or leaves it to the seller does not."""
    found: set[Promise] = set()
    for sentence in sentences(text):
        for begin in range(0, len(sentence.text), _LONGEST_CLAUSE):
            part = Sentence(
                text=sentence.text[begin : begin + 2 * _LONGEST_CLAUSE], asks=sentence.asks
            )
            found |= _verbs(part) | _nouns(part) | _favours(part)
    return found


def allowed(text: str) -> set[Promise]:
    """What words of the seller's allow to promise: all they name without denying it."""
    held = promises(text)
    for clause in clauses(text):
        one = Sentence(text=clause, asks=False)
        if not one.denies:
            held |= {kind for kind, named in _HELD.items() if named.search(clause)}
    return held


def _verbs(sentence: Sentence) -> set[Promise]:
    return {
        kind
        for kind, pattern in _VERBS.items()
        if any(not sentence.takes_back(match) for match in pattern.finditer(sentence.text))
    }


def _nouns(sentence: Sentence) -> set[Promise]:
    if _is_harmless(sentence) or sentence.asks:
        return set()
    return {
        kind
        for kind, pattern in _NOUNS.items()
        for match in pattern.finditer(sentence.text)
        if _GIVES.search(clause := _EASILY.sub("можно", sentence.clause_of(match)))
        and not Sentence(text=clause, asks=False).denies
    }


def _favours(sentence: Sentence) -> set[Promise]:
    text = _NO_FAVOUR.sub(" ", sentence.text)
    if _is_harmless(sentence):
        return set()
    named = {kind for kind, pattern in _FAVOUR_WORDS.items() if pattern.search(text)}
    if Promise.FREE in named and _DELIVERS.search(text):
        named = (named - {Promise.FREE}) | {Promise.FREE_DELIVERY}
    return named


def _is_harmless(sentence: Sentence) -> bool:
    """Whether a sentence denies a favour, or leaves it to the seller, and grants nothing."""
    if sentence.grants:
        return False
    return _DENIES.search(sentence.text) is not None or sentence.defers
