"""How the customer is with the purchase, as the answer to «всё ли в порядке?». Rules, no model.

A problem must not be thanked away: praise with a fault, a doubt or a «но» beside it is bad.
"""

from __future__ import annotations

import re
from functools import lru_cache

from app.domain.concerns import concern_in
from app.domain.faults import without_fears
from app.domain.meaning import Concern, Mood
from app.domain.stems import ANGRY_SIGN, BAD_SIGN, GOOD_SIGN, Clause, Said, clause_of, phrases, said

_FINE = """хорош*|харош*|отличн*|атличн*|супер|суперски|супер*|класс|классн*|клас|крут*|топ
    |топчик|огонь|норм*|нармально|ок|окей|оке|окей|порядк*|довол*|давол*|понрав*|пондрав*|нрав*
    |идеальн*|прекрасн*|замечат*|шикарн*|великолеп*|чудесн*|бомба|бомбически|качествен*|кайф*
    |четко|чётко|зашибись|офигенн*|восхит*|восторг*|красив*|красот*|люблю|рада|рад|рады
    |счастлив*|здорово|здоров|молодц*|удобн*|мягк*|устраивает|устроил*|подош*|подход*|подашл*
    |вкусн*|лучше|лучш*|прекрасный|безупречн*|зачет|зачёт|целый|целая|целое|целые|целости
    |работает|работают|пашет|включается|благополучн*|зашло|зашел|зашла|пушка|бомбезн*|радует
    |радуюсь|нарадуюсь|влитая|влитой|влитые|гуд|найс|кайфово|любимый|любимая|прочный|прочная
    |крепкий|красавцы|лайк|годнот*|невероятн*|потрясающ*|обалденн*|хороший|вау|ура|впечатлен*
    |благодарна|улет|бест|балдеж|оценил*|эффектн*|аккуратн*|надежн*|симпатичн*|прикольн*|порядок
    |соответств*|советую|рекоменд*|оперативн*|вовремя|быстро|прелесть|бесподобн*|хорошечно|годно
    |збс|найс|шик|ништяк|респект|приятн*|довольны|удачн*|обожа*|жақсы*|жаксы|керемет*|ұнады
    |ұнайды|ұнап|тамаша|күшті|риза*|ризамын|дұрыс|мықты|жарайды|әдемі|мінсіз|қуаныш*|сапалы
    |жақс*|әдемі|ыңғайлы|бәрекелді|сай|дәл|ойдағыдай|қуан*|жақты|разымын|ұнатты*|ұнатып|ұнаттық
    |келісті|жарасты|жарасады|уақытында|тез|ұқыпты|супер|істейді|істеп|зың|good|great|fine
    |perfect*|love|excellent|awesome|nice|cool|works|happy|satisfied|wonderful|amazing|okay|best
    |super|brilliant|like|alright|loves|loved|fits|pleased"""
_STRONG_FINE = phrases(_FINE.replace("|быстро", "").replace("|ок|", "|") + f"|{GOOD_SIGN}")
_GOOD = phrases(
    f"""
    {_FINE}|{GOOD_SIGN}
    не плох*|жале*|пожале*|жалу*|хуже|подвел*
    неплох*
    на высоте|уровне|отлично|все_сто|пятерку|пятерочку|ура|5|кайфе|месте
    как на? фото|картинке|описан*|раз|часы|надо|обещали|заказывали|хотел*
    то|самое|самый что|то|раз надо|нужно|$
    самое|само то
    все|всё|вещь|товар|заказ ~ дошло|дошел|пришло|пришли|пришел|получили|получила|получил|целое
    полет нормальный
    көңіл* толды|толдық|шықты|тоқ
    айтқандай|күткендей|ойлағандай $
    arrived|came fine|safely|well|quickly
    без нареканий|проблем|замечаний|вопросов|претензий|дефектов|брака|царапин|изъянов|жалоб
    |повреждений|нареканья
    проблем*|вопрос*|претензи*|жалоб*|нареканий|замечаний|царапин|брака|дефектов|повреждений
    |недостатков|минусов нет|нету|никаких|не
    нет|никаких|нету ~ проблем|вопросов|претензий|жалоб|нареканий|замечаний|брака|царапин|дефектов
    |минусов|повреждений
    жаман|нашар|кем емес
    проблема|шағым*|мәселе|ақау*|кемшілік*|мін|сұрақ*|арыз* жоқ
    no|any|without problem*|issue*|complaint*|defect*
    не течет|шумит|гремит|скрипит|сломал*|жмет|пахнет|линяет|подкачал*
    """
)
_YES = phrases(
    """
    ^ ну|о|ой|так? да|ага|угу|дап|даа|иә|ия|иа|йа|ие|ooo|yes|yeah|yep|yup|конечно|разумеется|әрине
    |да-да|аха|всё|все|бәрі|болды|болад*|мақұл|пойдет|жарай* ~ $
    ^ плюс $
    ^ да|ага|угу|иә|ия|иа|ие|yes|yeah|yep|конечно|әрине
    """
)
_THANKS = phrases(
    """
    спасиб*|спс|спасиб|пасиб*|благодар*|рахмет*|ракмет*|рақмет*|thank*|thx|tnx|мерси|алғыс*|сэнкс
    """
)
_NO = phrases(
    """
    ^ ну|к? ой? нет|неа|не|жоқ|нету|no|nope|nah|жок сожалению|не|жоқ|нет|совсем|вообще|блин|эх|$
    ^ к? сожалению|увы? нет|не|жоқ|нету|no|nope|неа|увы $
    честно|говоря|наверное|скорее|думаю|пожалуй|увы|блин|сожалению ~ нет|жоқ|no $
    ^ нет|неа|no|nope|жоқ не|все|всё|плох*|к|вообще|совсем|ұнама*
    """
)
_NO_NEED = phrases("нет|жоқ|no спасибо|рахмет|thanks|надо|нужно|thank $")

_BAD = phrases(
    f"""
    не понрав*|нрав*|подош*|подход*|подашл*|устроил*|устраивает|довол*|хорош*|отличн*|супер|очень
    |рад|рада|рады|нормальн*|норм|айс|рекоменд*|советую|фонтан|порядк*|качествен*|ок|впечатл*
    |оправда*|пондрав*|ожидал*|такой|такая|такое|соответств*|все|всё|совсем|красив*|удобн*|вовремя
    |то|тот|та|те|влез*|налез*|сел|села|идеальн*|мое|моё|комильфо|лучш*|смог*|могу|получается
    |получилось
    недовол*|неудобн*|некрасив*|неприятн*|неудачн*|неважн*|нехорош*|ненадежн*|непрочн*|нетоварн*
    плох*|пло|плоховат*|хреново|хренов*|паршив*|ужас*|кошмар*|отврат*|отстой*|дно|жесть|фигня
    |фигов*|фигня|фу|фуу|хлам|барахло|мусор|ерунд*|дешевк*|дешёвк*|шляпа|беда|бяка|параш*|дрянь
    |гадость|халтура|тряпк*|трэш|треш
    так себе
    такое ^? ~ себе
    ^ ну|да|как-то|как? ну|себе? такое|такой|такая|так|посредственно $
    ну такое|такой|такая|так
    такое $
    средн*|средне|посредствен*|троечк*|троечку|тройк*|двойк*|кол|терпимо|еле|слабо*|слабоват*
    |никак*|не_айс|не_оч
    разочар*|расстро*|растро*|огорч*|обидн*|обида|обидел*|жаль|жалею|жалко|зря|пожалел*|грустн*
    |печал*
    лучше бы|б
    ^ да|ну уж
    ^ мда|мдаа|нда|мдя|н_да|м_да
    удружил*|подсобил*|нечего_сказать
    бекер|текке ~ алд*|алып*|ал*
    алмағаным дұрыс|жақсы|абзал
    should|shouldnt not? have bought|ordered
    wish ~ hadnt|not|never
    деньги|ақша* ~ ветер|выброшен*|жалко|босқа|желге|выкинул*
    лучше ~ чем|нежели в|на жизни|деле|реальности|самом
    на фото|картинке|сайте ~ лучше|другой|друг*|красивее|иначе
    качеств* ~ хрома*|подкач*|подвел*
    ждал|ждала|ждали ~ больш*|лучш*
    дубов*|груб*|слабый|слабая|слабенький|тихий|тихо|тускл*|громкий|громко
    держит ~ час*|мало|минут*
    дольше ~ чем|ожидал*|обещал*
    нет конечно|вообще
    больше|никогда ~ не куп*|заказ*|закаж*|возьму|буду|обращ*|покуп*
    ожидал*|ожидали|думал* ~ лучш*|больш*|друг*|качеств*|будет
    могло|мог|могла ~ лучше|быть
    хуже|худш*|минус*|проблем*|нарекан*|недостат*|замечан*|претензи*|неполадк*|косяк*|накосяч*
    |недоразум*|вопросы|нюанс*
    мал|мала|мало|малы|малова*|маленьк*|маломер*|большемер*|велик|велика|велико|велики|великоват*
    |большоват*|тесн*|тесен|жмет|жмёт|узк*|узок|коротк*|коротк*|коротковат*|тонк*|тонок|жестк*
    |тяжел*|широк*|длинн* оказал*|на|мне|размер*|слишком|очень|сильно|в|$
    мал|мала|мало|малы|малова*|маломер*|большемер*|велик|велика|велико|велики|великоват*|большоват*
    |тесноват*|тесно|тесен|жмет|жмёт|узко|узковат*|коротковат*|тонковат*|хлипк*|хрупк*|колется
    |колючий|колючая|скользит|скатал*|катышк*|просвечива*
    сел|села|сели|село ~ стирк*|размер*
    слишком|очень|чуть|немного|сильно ~ больш*|маленьк*|мал*|узк*|тонк*|коротк*|тесн*|длинн*|широк*
    |тяжел*|жестк*|громк*|шумн*|шумит|слаб*|дорог*
    размер* ~ не|мал*|больш*
    долго|поздно|опозда*|опазд*|задерж*|затянул* ~ вез*|шла|шел|шло|ждал*|достав*|привез*|$|пришл*
    |пришел
    долго вез*|шла|шел|шло|ждал*|жду|достав*
    жду|ждем|ждём ~ недел*|месяц*|день|дней|дня|до
    верн*|возврат|возвращ*|обменя*|обмен
    {BAD_SIGN}|{ANGRY_SIGN}
    ұнама*|ұнаған|ұнамай*|ұнамапты
    ұнаған|риза|жақсы|дұрыс|керемет|көңілім|толған жоқ*|емес*
    ондай|онша|соншалық|сондай жақсы? емес
    жаман*|нашар*|сапасыз*|өкін*|ренжі*|сұмдық|масқара|жарамай*|жарамсыз|шамалы|ортақол|орташа|онша
    |наразы*|әттең
    көңіл* ~ қалды*|толмады*|толмай*|шықпады*|толған_жоқ
    *мады|*меді|*пады|*педі|*бады|*беді|*майды|*мейді|*пайды|*пейді|*мапты|*мепті|*папты
    кіші|кішкентай|үлкен|тар|кең|ұзын|қысқа|жұқа|қатты|ауыр|жұмсақ|әлсіз ~ екен|болды|болып|келді
    |кеп
    сыймай*|сыймады*|сай ~ келме*|жоқ
    келмей|келмеді|болмады|болмай*|істемей*
    bad|poor|terrible|awful|horrible|worst|worse|disappoint*|unhappy|hate|hated|small|big|tight
    |late|wrong|broken|meh|unfortunately|ugly|cheap|useless|dissatisf*|unsatisf*|regret|sad|upset
    not|dont|didnt|doesnt|isnt|wasnt|never ~ good|great|fine|like|happy|ok|okay|satisfied|work
    |works|fit|love|recommend|really|what|pleased|well|much
    not really|much|so|at|yet
    не особо|ахти|огонь|бог|сильно|вау|лучший|красиво|то|по|соответ*|как
    хотелось|хотелось_бы|могли|можно|лучше ~ лучше|получше|больш*|качествен*|другого
    ничего хорош*
    да? ну его|её|нафиг|вас
    цвет*|размер*|ткань|качество|материал|модель|запах ~ друг*|дешев*|груб*|тонк*|темн*|светл*
    |блекл*|плох*|странн*|ужас*
    дешев* ~ ткань|материал|качество|выглядит|пластик|вид
    выглядит|смотрится ~ дешев*|плох*|стран*|не
    солғын|көмескі|күңгірт|арзанқол*
    so_so|so-so|waste|cheaply
    could be better
    feels|looks|seems cheap
    expected ~ better|more
    """,
    never_after="не без нет никаких нету no",
)
_BUT = phrases("но|однако|бірақ|but|тока|только|правда|зато|жаль|алайда")
_BUT_FINE = phrases("зато|вопрос|еще|ещё|пока|сначала|потом")
_UNSURE = phrases(
    """
    не|еще|ещё|пока ~ пробовал*|открывал*|провер*|забрал*|забирал*|смотрел*|успел*|распаков*|знаю
    |тестил*|мерил*|пример*|носил*|использов*|пользовал*|включал|включала|подключал*|устанавл*
    |вскрывал*|опробовал*
    потом|позже|посмотрю|завтра|вечером|подумаю|проверю|попробую|примерю ~ напиш*|скажу|отпиш*|$
    |провер*|посмотр*|вечером|завтра|потом
    какой|кто|что|вы ~ заказ|это|такие|кто
    әлі ~ ашпа*|көрме*|тексерме*|киме*|қолданба*|жоқ*|алмадым
    көріп|тексеріп|кейін|қазір_айтам*|жаз*|көрем*|көрейін
    havent|not|yet ~ tried|opened|checked|used|yet
    жду|ждем|ожидаю|подожду|ждать|күтемін|күтеміз|күтіп_отырмын|күтейін|күтудемін ~ $
    |заказ*|доставк*|посылк*|курьер*|звонк*|ответ*
    күтем $
    wait|waiting ~ $
    """
)
_OF_RETURNS = phrases(
    """
    верн*|возврат*|возвращ*|обмен*|сдать|поменять|замен*|қайтар*|ауыстыр*|айырбаста*|refund*|return*
    |exchange*
    """
)
_ASSENTS = phrases(
    """
    ^ ну|а? да? хорошо|ок|окей|оке|ладно|понятно|ясно|норм|жақсы|мақұл|ok|okay|fine|good|alright $
    """
)
_UNFINISHED = phrases("но|однако|бірақ|but|алайда $")
_OUT_OF = re.compile(r"(?<!\d)(\d{1,2})\s*(?:из|/|out of|ден|дан)\s*(5|10|100)(?!\d)")
_STARS = re.compile(r"(?<!\d)([1-5])\s*(?:зв[её]зд\w*|ж[ұу]лдыз\w*|stars?|⭐|балл\w*|-?ка\b)")
_NUMBER = re.compile(r"\W*([1-5]|10)(?:\s*[+➕])?\W*")
_PLUS = re.compile(r"\s*[+➕][\s+➕!.]*")
_MINUS = re.compile(r"\s*[-–—➖]\s*")
_ENOUGH = 0.8
"""The share of the best mark from which it is praise."""

_GRAVE = frozenset({Concern.REFUND, Concern.COMPLAINT, Concern.LEGAL, Concern.HEALTH})


@lru_cache(maxsize=512)
def mood_of(text: str) -> Mood | None:
    """How the customer is with the purchase; None for a question or what cannot be told.

    Never raises.
    """
    marked = _mark(text)
    message = without_fears(said(text))
    bad = _bad(message, text)
    if marked is not None:
        return Mood.BAD if bad else marked
    if bad:
        return Mood.BAD
    return _mood_without_fault(message)


def _mark(text: str) -> Mood | None:
    """A mark alone («5», «4 из 5», «2 звезды»), «+» or «-»."""
    if _PLUS.fullmatch(text):
        return Mood.GOOD
    if _MINUS.fullmatch(text):
        return Mood.BAD
    out_of = _OUT_OF.search(text.casefold())
    if out_of:
        return _praise(int(out_of[1]) / int(out_of[2]))
    stars = _STARS.search(text.casefold()) or _NUMBER.fullmatch(text)
    return _praise(min(int(stars[1]), 5) / 5) if stars else None


def _praise(share: float) -> Mood:
    return Mood.GOOD if share >= _ENOUGH else Mood.BAD


def _bad(message: Said, text: str) -> bool:
    """Whether something is said to be wrong, however much is praised beside it."""
    if concern_in(message, text) in _GRAVE:
        return True
    if any(_bad_clause(clause) for clause in message.clauses):
        return True
    if any(_NO.found(clause) for clause in message.clauses[:1]):
        return not _denies_trouble(message)
    return any(_reserves(sentence) for sentence in message.sentences)


def _bad_clause(clause: Clause) -> bool:
    return not clause.asked and _BAD.found(clause) and not _denied(clause)


def _denied(clause: Clause) -> bool:
    """«Проблем нет», «не плохо»: the bad word is there to be denied."""
    left = _DENIALS.without(clause)
    return left != clause and not _BAD.found(left)


_DENIALS = phrases(
    """
    проблем*|вопрос*|претензи*|жалоб*|нарекан*|замечан*|недостат*|минус*|косяк* нет|нету|никаких|не
    нет|никаких|нету|без|не ~ проблем*|вопрос*|претензи*|жалоб*|нарекан*|замечан*|недостат*|минус*
    |косяк*
    не ~ плох*|хуже|жалею|мал*|разочар*|маломер*|жмет|жалко
    неплох*
    жаман|нашар|кем емес
    проблема|мәселе|шағым* жоқ
    жаман емес*
    not|no bad|problem*|issue*|disappointed
    """
)


def _denies_trouble(message: Said) -> bool:
    """«Нет, всё хорошо», «нет, спасибо»: the no is not about the purchase."""
    return message.has(_GOOD) or message.has(_NO_NEED) or message.has(_THANKS)


def _reserves(sentence: Clause) -> bool:
    """Praise with a «но»: what comes after must be praise as well."""
    but = _BUT.span(sentence)
    if but is None or sentence.asked:
        return False
    before = clause_of(sentence.tokens[1 : but[0]])
    after = clause_of(sentence.tokens[but[1] : -1])
    if not (_GOOD.found(before) or _THANKS.found(before) or _YES.found(before)):
        return False
    if not after.words:
        return _UNFINISHED.found(sentence)
    if _BUT_FINE.found(clause_of(sentence.tokens[but[0] : -1])):
        return False
    return not _GOOD.found(after) or _BAD.found(after)


def _mood_without_fault(message: Said) -> Mood | None:
    if message.has(_UNSURE):
        return None
    told = [clause for clause in message.clauses if not clause.asked]
    asked = len(told) < len(message.clauses)
    if asked:
        if any(clause.asked and _OF_RETURNS.found(clause) for clause in message.clauses):
            return None
        strong = any(_STRONG_FINE.found(each) and not _ASSENTS.found(each) for each in told)
        return Mood.GOOD if strong else None
    if any(_GOOD.found(clause) for clause in told):
        return Mood.GOOD
    if any(_YES.found(clause) for clause in told[:1]):
        return Mood.GOOD
    return Mood.GOOD if _only_thanks(message) else None


_THANKING = 5
"""Words of a message that is thanks and little else."""


def _only_thanks(message: Said) -> bool:
    words = sum(len(clause.words) for clause in message.clauses)
    return words <= _THANKING and message.has(_THANKS) and not message.has(_NO_NEED)
