"""What a text says of the goods: whether they are there, how many are left, and to hurry.

Everything here reads a text that went through :func:`app.writing.links.plain`.
"""

from __future__ import annotations

import re

from app.domain.product import Product
from app.writing.clauses import Sentence, clauses, sentences, simple

_NEGATED = re.compile(
    r"(?<!\w)(?:не|без|ни к чему|незачем|not|don't|no need|never|емес"
    r"|кажет жок)(?!\w)[^.!?,]{0,30}$"
)
_HURRY = re.compile(
    r"(?<!\w)(?:успе(?:й|йте|вайте|ть|ете)(?!\w)|поторопи\w+|торопи(?:тесь"
    r"|сь)(?!\w)|спеши(?:те)?(?!\w)|поспеши\w*"
    r"|(?:не )?(?:упусти\w*|упускай\w*|прозева\w*|пропустите (?:шанс|возможность"
    r"|момент|такую))|только (?:сегодня|сейчас|до|один день|на этой|в эти|\d+ д)"
    r"|лишь сегодня|последн\w+ (?:шанс|возможность|день|дни|часы)"
    r"|(?:скоро|быстро|вот-вот|уже|почти) (?:за|рас|раз)(?:конч|канч|куп|бир|бер"
    r"|бира|продад|продаж|хвата)\w*"
    r"|(?:рас|раз)(?:купа|бира|хватыва|лета)\w+(?!\w)|разлета\w+"
    r"|заканчива(?:ется|ются)|пока (?:есть|не (?:поздно|разобра|закончи|раскуп"
    r"|купил|ушл|подорожа)\w*|товар|в наличии|еще есть|действует)"
    r"|(?:количество|наличие|запас\w*) (?:\w+ )?ограничен\w*|таких (?:\w+ )?(?:больше )?не будет"
    r"|самое время (?:брать|купить|заказать|взять)|(?:сейчас )?выгодно (?:брать|взять|купить)"
    r"|(?:многие|все) (?:\w+ )?(?:берут|покупают|заказывают)|хит продаж|ограниченн\w+|большой спрос"
    r"|спрос (?:\w+ )?(?:большой|высокий|огромный|ажиот\w+)|ажиотаж\w*|нарасхват"
    r"|горячее предложение|горящ\w+"
    r"|(?:цена|цены) (?:\w+ )?(?:вырастет|вырастут|поднимется|поднимутся"
    r"|повысится|повысятся|растет|растут|изменится)|будет дороже|подорожа\w+"
    r"|станет дороже"
    r"|(?:не тяните|не откладывайте|не медлите|не затягивайте)|поскорее (?:заказ"
    r"|купи|бери|оформ)\w*|(?:закажите|оформите|купите|берите|забирайте"
    r"|заказывайте|решайте)\w* (?:прямо )?(?:сейчас|скорее|быстрее|срочно"
    r"|немедленно|сегодня)"
    r"|(?:прямо сейчас|скорее|срочно|быстрее) (?:закажите|оформите|купите|берите"
    r"|забирайте|заказывайте|решайте|оформляйте)|лучше (?:взять|купить|заказать"
    r"|оформить|брать|поторопиться|бронировать)(?: \w+)? (?:сегодня|сейчас|сразу"
    r"|пораньше|быстрее)|(?:потом|завтра|позже) (?:может |уже |их |ее "
    r"|его ){0,3}(?:не быть|не будет|не остан\w+|поздно|будет поздно"
    r"|подорожа\w+)|ненадолго|(?:совету\w+|лучше|рекоменду\w+|стоит) не (?:ждать"
    r"|тянуть|откладывать|медлить|затягивать)|мож(?:ете|но) не успеть"
    r"|пока (?:такая |такие |хорошая )?цен\w+|почти (?:не осталось|закончил\w+"
    r"|распродан\w*|все продал\w*|нет)|осталось (?:совсем )?чуть|уйдет быстро"
    r"|уходит быстро|уходят быстро|другой покупатель|кто[- ]то еще"
    r"|асыг\w*|тек бугин|бугин гана|улгер\w+|соңғы мумкиндик|сонгы (?:мумкиндик"
    r"|кун)\w*|тез арада ал\w+|тезирек (?:ал|тапсырыс)\w*|тез (?:бит|таусыл|отип"
    r"|алып кет)\w+|таусыл(?:ады|ып|май|гал)\w*|битип (?:бар|кал)\w*|битей\w*"
    r"|кешикпе\w*|тез отип\w*|тез (?:жур|кет)ип\w*|казир алмас\w*|битип кал\w*"
    r"|отип кет\w*|калмай (?:кал|кой)\w*|кейин (?:болмай|калмай)\w*"
    r"|саны шектеули|шектеули (?:мерзим|сан|мулш)\w*|жакында (?:битеди"
    r"|таусылады)|баг\w+ (?:кымбаттай|кот)\w+|кымбаттайды|жиберип алма\w*"
    r"|кеш калма\w*|сураныс (?:\w+ )?(?:жогары|улкен|коп)|кешиктирме\w*"
    r"|hurry\w*|rush|act (?:now|fast)|act quickly|last chance|only today"
    r"|today only|(?:don't|do not) (?:miss|wait|delay|hesitate to buy)"
    r"|(?:selling|going|sell|sells|goes) (?:out |off )?(?:fast|quick\w*|soon)"
    r"|sells? out|running (?:low|out)|almost (?:gone|sold out)|won't last|(?:get"
    r"|take|buy|order) (?:it|one|them|yours) (?:now|today|quickly|soon|while)"
    r"|better (?:buy|order|take|get)(?: \w+)? (?:now|today|soon)"
    r"|limited[- ]?(?:time|stock|quantity|offer|edition)?"
    r"|before (?:it's|they're|it is|they are|it) (?:gone|sold|sells|too late"
    r"|run)|while (?:stocks?|supplies|they|it) lasts?|while (?:it's"
    r"|they're) (?:still )?(?:available|in stock)|high demand|in demand"
    r"|price (?:will|is going to|may) (?:go up|rise|increase)|order (?:now|today"
    r"|right now)|buy now|grab (?:it|yours|one)|now or never)(?!\w)"
)
_NOT_HURRY = re.compile(
    r"спешим (?:сообщ|обрад|поздрав)\w+|не (?:нужно|надо|стоит) (?:торопи"
    r"|спеши)\w+|не (?:торопи|спеши)\w+|(?:можно|можете|спокойно) не (?:торопи"
    r"|спеши)\w+|только до\w+ \d\d:\d\d"
    r"|асыкпа\w*|асыгуд\w+ кажети жок|асыгыс емес|no (?:need to )?(?:rush|hurry)"
    r"|(?:don't|do not|needn't|not) (?:need to |have to )?(?:rush|hurry)"
    r"|in no hurry|no hurry|unlimited"
)
_COUNT = (
    r"(?P<n>\d{1,6}|один|одна|одну|два|две|три|четыре|пять|пара|пару|несколько"
    r"|мало|немного|чуть|совсем|единиц\w*|считан\w+|всего|последн\w+"
    r"|бир|еки|уш|торт|бес|аз|бирнеше|one|two|three|four|five|a few|few|a couple|last|a handful)"
    r"(?:-ак)?"
)
_LEFT = re.compile(
    rf"(?<!\w)остал(?:ось|ся|ась|ись)(?: (?:всего|только|лишь|буквально|еще|уже"
    rf"|у нас|на складе|в наличии|совсем|около|ровно))* {_COUNT}(?!\w)"
    rf"|(?<!\w){_COUNT.replace('?P<n>', '?P<n2>')}(?: (?:\w+)){{0,2}} "
    rf"(?:остал(?:ось|ся|ась|ись)|калды|калган|калып тур\w*|left|remain(?:ing"
    rf"|s)?)(?!\w)"
    rf"|(?<!\w)(?:only|just"
    rf"|last) {_COUNT.replace('?P<n>', '?P<n3>')}(?: \w+){{0,3}} (?:left"
    rf"|remaining|in stock|available|remain)(?!\w)"
    rf"|(?<!\w)(?:there (?:are|is)|we have|have) (?:only"
    rf"|just) {_COUNT.replace('?P<n>', '?P<n4>')}(?!\w)"
    rf"|(?<!\w)(?:остат\w+|на складе|в наличии|есть|имеется)(?: (?:всего|только"
    rf"|лишь|буквально|около"
    rf"|еще))* {_COUNT.replace('?P<n>', '?P<n5>')}(?:[-–—]\w+)? ?(?:шт\w*"
    rf"|единиц\w*|экземпляр\w*|пар\w*|упаков\w*)"
    rf"|(?<!\w)(?:калганы|коймада|гана)(?: \w+)? {_COUNT.replace('?P<n>', '?P<n6>')} ?дана"
    rf"|(?<!\w){_COUNT.replace('?P<n>', '?P<n7>')} ?(?:шт\w*|единиц\w*|дана|pcs"
    rf"|pieces|items|units)(?: \w+){{0,2}} (?:в наличии|на складе|коймада|калды"
    rf"|in stock|available|бар)(?!\w)"
)
_LAST = re.compile(
    r"(?<!\w)(?:последн(?:яя|ий|ее|юю|ие|их|ей|его|ем)(?!\w)(?! (?:данн|информац"
    r"|сведен|статус|верси|шаг|минут|момент|месяц|год|обнов|раз(?!м)|врем"
    r"|вопрос|сообщ|новост|слов|заказ|отзыв|переписк|недел|обновл|уточн|штрих"
    r"|этап|письм|пункт|ваш|покупк|просьб|ответ))"
    r"|сонгы(?:сы|лары)?(?!\w)(?! (?:малимет|дерек|акпарат|жаналык|кез|соз|жауап"
    r"|пикир|апта|ай(?!\w)|статус|мартебе|жагда|рет|уакыт|хабар|сурак|тапсырыс|жол"
    r"|сат))"
    r"|the last (?:one|piece|item|unit|pair|size|few|\w+ left)|last (?:one|piece"
    r"|items?|pieces|units?)(?!\w))"
)
_THERE = re.compile(
    r"(?<!\w)(?:(?:есть |имеется |имеются |снова |сейчас |пока )?в наличии"
    r"|на складе (?:есть|имеется)|(?:есть|имеется|имеются) (?:на складе|у нас"
    r"|в продаже|в ассортименте)|у нас (?:\w+ ){0,2}(?:есть|имеется)|доступ(?:ен"
    r"|на|ны|но) (?:для заказа|к заказу|к покупке)|есть в продаже|коймада бар"
    r"|сатылымда бар|колда бар|бизде (?:\w+ ){0,4}бар"
    r"|(?:is|are|it's|they're|still|also) (?:\w+ )?(?:in stock|available)"
    r"|in stock|available (?:now|for order|to order)|we (?:\w+ )?have (?:it|them"
    r"|this|the|a|one))(?!\w)"
)
_GONE = re.compile(
    r"(?<!\w)(?:нет (?:\w+ )?в наличии|в наличии (?:\w+ )?нет|не осталось"
    r"|закончил(?:ся|ась|ись|ось)|кончил(?:ся|ась|ись|ось)|распродан\w*"
    r"|раскупили|отсутству\w+|нет на складе|на складе (?:\w+ )?нет|недоступ(?:ен"
    r"|на|ны)"
    r"|коймада (?:\w+ )?жок|сатылымда (?:\w+ )?жок|колда (?:\w+ )?жок|таусылды"
    r"|битти|битип калды|калмады|out of stock|sold out|(?:not|isn't|aren't"
    r"|no longer) (?:\w+ )?(?:in stock|available)|unavailable|don't have (?:it"
    r"|them|this|that|the)|none left)(?!\w)"
)
_OFFERS = re.compile(
    r"(?<!\w)(?:есть|налич\w+|предлож\w+|предлага\w+|рекоменд\w+|совету\w+"
    r"|посовет\w+|подойд\w+|попроб\w+|возьмите|взять|обратите внимание"
    r"|посмотрите|присмотр\w+|модел\w+|купить|заказать|похож\w+|альтернатив\w+"
    r"|взамен|вместо|также|продаем|продается|продаются|стоит|бар|усын\w+|караныз"
    r"|алуга|орнына"
    r"|have|recommend\w*|offer\w*|suggest\w*|try|consider|alternative\w*"
    r"|available|in stock|instead|also|similar|look at|check out|sell"
    r"|costs?)(?!\w)"
)
_QUOTED = re.compile(r"«([^«»]{2,80})»|“([^“”]{2,80})”|„([^„“]{2,80})“|\"([^\"]{2,80})\"")
_LATIN_NAME = re.compile(r"(?<![\w.@/-])[A-Z][A-Za-z0-9-]{2,}(?![\w@])")
_COMMON = frozenset(
    (
        "kaspi kz whatsapp gold pay magazin sms usb type bluetooth wi-fi wifi ok "
        "id qr led lcd pdf xs xl xxl xxxl android ios google bot"
    ).split()
)
_WORD = re.compile(r"[^\W_]+")
_SPELLED = {
    "один": 1,
    "одна": 1,
    "одну": 1,
    "два": 2,
    "две": 2,
    "три": 3,
    "четыре": 4,
    "пять": 5,
    "бир": 1,
    "еки": 2,
    "уш": 3,
    "торт": 4,
    "бес": 5,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
}
_SHORTEST = 3

_COLOURS = (
    "черн|кара(?!й)|black", "бел(?!ь)|ак(?!ш)|white", "красн|кызыл|red", "син|кок|blue",
    "зелен|жасыл|green", "сер[ыо]|сур|gr[ae]y", "желт|сары|yellow", "розов|кызгылт|pink",
    "коричн|коныр|brown", "беж|beige", "фиолет|кулгин|purple", "оранж|orange", "голуб|кокшил",
)  # fmt: skip
_COLOUR = re.compile(
    "|".join(rf"(?<!\w)(?P<c{i}>(?:{one}))\w{{0,4}}(?!\w)" for i, one in enumerate(_COLOURS))
)
_SIZE = re.compile(
    r"(?<!\w)(?:размер\w*|олшем\w*|size) (?P<a>\d{1,3}|[smlxхм]{1,4})(?!\w)"
    r"|(?<!\w)(?P<b>\d{1,3}|[smlx]{1,4})(?:-?(?:й|го))? ?(?:размер|олшем|size)"
)
_IS_THERE = re.compile(
    r"(?<!\w)(?:есть|имеется|имеются|остал\w+|бар|найдется|доступ(?:ен|на|ны)|в наличии"
    r"|(?:is|are) (?:\w+ )?available|we (?:\w+ )?have|comes? in|available in|in stock)(?!\w)"
)
_NOT_THERE = re.compile(r"(?<!\w)(?:нет|не|ни|жок|емес|not|no|don't|isn't|aren't|ли|ма|ба)(?!\w)")
_NOT_OFFERED = re.compile(r"(?<!\w)(?:заказ|тапсырыс|order|карточк|сайт|kaspi\\.kz)")


def offers_unknown(text: str, products: tuple[Product, ...], *, said: str) -> bool:
    """Whether a text says that a size or a colour is there which no product in stock has.

    ``said`` is what the shop itself has told.
    """
    there = simple(" ".join([*(one.name for one in products if one.in_stock), said]))
    for sentence in sentences(text):
        if sentence.asks or sentence.defers or _NOT_OFFERED.search(sentence.text):
            continue
        for clause in clauses(sentence.text):
            if not _IS_THERE.search(clause) or _NOT_THERE.search(clause):
                continue
            sizes = [match["a"] or match["b"] for match in _SIZE.finditer(clause)]
            if any(not re.search(rf"(?<!\w){one}(?!\w)", there) for one in sizes):
                return True
            hues = [_COLOURS[int((one.lastgroup or "c0")[1:])] for one in _COLOUR.finditer(clause)]
            if any(not re.search(rf"(?<!\w)(?:{hue})", there) for hue in hues):
                return True
    return False


def hurries(text: str) -> bool:
    """Whether a text presses the customer to be quick."""
    for sentence in sentences(text):
        calm = _NOT_HURRY.sub(" ", sentence.text)
        if _HURRY.search(calm):
            return True
    return False


def scarce(text: str, products: tuple[Product, ...]) -> bool:
    """Whether a text says that few are left where the stock does not show exactly that."""
    for sentence in sentences(text):
        counts = {product.stock for product in _nearest(sentence.text, products)}
        for match in _LEFT.finditer(sentence.text):
            said = next(one for one in match.groups() if one)
            number = int(said) if said.isdecimal() else _SPELLED.get(said)
            if re.search(rf"{said}[-–—]\w", match.group()):
                return True
            if number is None or number not in counts:
                return True
        if _LAST.search(sentence.text) and 1 not in counts and not sentence.defers:
            return True
    return False


def misstated(text: str, products: tuple[Product, ...]) -> bool:
    """Whether a text says that something is there, or is not, and the products say otherwise."""
    before: tuple[Product, ...] = ()
    offered = False
    for sentence in sentences(text):
        if sentence.defers or (sentence.asks and not _GONE.search(sentence.text)):
            continue
        for clause in clauses(sentence.text):
            meant = _named(clause, products) or before
            gone = _GONE.search(clause) is not None
            there = not gone and _THERE.search(clause) is not None
            there = there and not Sentence(text=clause, asks=False).denies
            if there and not any(one.in_stock for one in meant or products):
                return True
            if gone and meant and all(one.in_stock for one in meant):
                return True
            offered = offered or there
            before = _named(clause, products) or before
    return _only_denies(text, products) and not offered


def unknown(text: str, *, known: str, told: str) -> str | None:
    """A thing a text offers that is in no fact: its name in quotes, or a Latin one; else None.

    ``told`` is what the customer wrote: its names may be said where nothing is offered.
    """
    words, asked = _words(known), _words(told)
    for raw in re.findall(r"[^.!?\n]+[.!?\n]?", text):
        sentence = Sentence(text=simple(raw), asks="?" in raw)
        offers = _OFFERS.search(sentence.text) is not None
        free = sentence.defers or (sentence.denies and not sentence.grants)
        names = [match.group()[1:-1] for match in _QUOTED.finditer(raw)]
        latin: list[str] = [] if _is_latin(raw) else _LATIN_NAME.findall(raw)
        for name in [*names, *latin]:
            fresh = [one for one in _words(name) if not _is_known(one, words)]
            echoed = free and all(_is_known(one, asked) for one in fresh)
            if fresh and offers and not echoed and not set(fresh) <= _COMMON:
                return name
    return None


def _only_denies(text: str, products: tuple[Product, ...]) -> bool:
    """Whether a text says that nothing is there while all the products are."""
    gone = any(_GONE.search(one.text) and not one.defers for one in sentences(text))
    there = bool(products) and all(product.in_stock for product in products)
    return gone and there and not _named(simple(text), products)


def _nearest(text: str, products: tuple[Product, ...]) -> tuple[Product, ...]:
    return _named(text, products) or products


def _named(text: str, products: tuple[Product, ...]) -> tuple[Product, ...]:
    """The products that share the most words with ``text``; none when no word is shared."""
    said = _words(text)
    scores = [_score(product.name, said) for product in products]
    best = max(scores, default=(0, 0.0))
    return tuple(
        one for one, score in zip(products, scores, strict=True) if best[0] and score == best
    )


def _score(name: str, said: set[str]) -> tuple[int, float]:
    """How many words of a name were said, and which share of it that is."""
    words = _words(name)
    shared = sum(_is_known(word, said) for word in words)
    return shared, shared / max(1, len(words))


def _words(text: str) -> set[str]:
    return {word for word in _WORD.findall(simple(text)) if len(word) >= _SHORTEST}


def _is_known(word: str, words: set[str]) -> bool:
    """Whether a word is among ``words``, whatever its ending."""
    stem = _stem(word)
    return any(
        one == word
        or one.startswith(stem)
        or (len(one) > _SHORTEST and word.startswith(_stem(one)))
        for one in words
    )


def _stem(word: str) -> str:
    return word[: max(_SHORTEST + 1, len(word) - 2)]


def _is_latin(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return sum(letter.isascii() for letter in letters) > len(letters) * 0.6
