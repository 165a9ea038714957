"""What a text says of where an order is: paid, packed, sent, there, cancelled, returned.

Everything here reads a text that went through :func:`app.writing.links.plain`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.domain.brief import Brief
from app.domain.conversation import Author
from app.domain.events import Delivery, Order, Stage
from app.domain.rules import Purpose
from app.writing.clauses import simple, told_clauses
from app.writing.links import plain

_LEFT_THE_SHOP = frozenset(
    {Stage.HANDED_OVER, Stage.DELIVERED, Stage.RETURN_REQUESTED, Stage.RETURNED}
)
_ARRIVED = _LEFT_THE_SHOP - {Stage.HANDED_OVER}
_NEWS = {
    Purpose.ORDER_DELIVERED: Stage.DELIVERED,
    Purpose.REVIEW_REQUEST: Stage.DELIVERED,
    Purpose.HANDED_OVER: Stage.HANDED_OVER,
    Purpose.ORDER_CANCELLED: Stage.CANCELLED,
}
"""What is only written about an order in that stage."""

_WITH_US = frozenset({Stage.PAID, Stage.ACCEPTED, Stage.PACKED})
_WAITS_IN_SHOP = frozenset({Stage.ACCEPTED, Stage.PACKED})
"""Stages in which an order may be picked up, where that was agreed and it is in stock."""

_NEVER: frozenset[Stage] = frozenset()
_BEEN = (
    r"(?:(?:is|are|was|were|been|got|'s|have|has|just|now|already|we|i|'ve|shop|seller"
    r"|safely|successfully)\s+)"
)
_EN_LEFT = rf"{_BEEN}(?:shipped|dispatched|sent (?:out|off|to you|your|the order)|handed over)"

_ORDER = r"(?:ваш\w* (?:\w+ )?(?:заказ|посылк|товар)\w*|его|ее|их|он[аио]?)"
"""This very order: how orders can be picked up is a rule, and no news of one."""

_STATES: tuple[tuple[frozenset[Stage], re.Pattern[str]], ...] = tuple(
    (stages, re.compile(rf"(?<![\w-])(?:{words})(?!\w)"))
    for stages, words in (
        (
            frozenset({Stage.HANDED_OVER}),
            (
                r"(?:в|на) пути|в дороге|(?:везут|везет|едет|едут|мчится)|(?:у|с) курьера?"
                r"|курьер\w* (?:\w+ ){0,3}(?:выехал\w*|едет|забрал\w*|вез[её]т|в пути"
                r"|получил\w*|взял\w*)"
                r"|(?:выехал|забрал)\w* курьер|(?:в|на) (?:службе )?доставке"
                r"|жолда|жолга шык(?:ты|кан)|(?:келе|апара|алып бара|жеткизип) жатыр\w*|курьерде"
                r"|курьер\w* (?:\w+ ){0,3}(?:шыкты|шыгып кетти|алып кетти|алды|жолда)"
                r"|жеткизу кызметинде"
                r"|on (?:its|the|their) way|in transit|out for delivery|with (?:the|a|our) courier"
                r"|(?:courier|driver) (?:\w+ ){0,2}(?:left|set off|coming|picked|collected)"
            ),
        ),
        (
            _LEFT_THE_SHOP,
            (
                r"отправлен[аоы]?|отгружен[аоы]?|выслан[аоы]?|отправил(?:и|а|ся|ась)?|отгрузил[аи]?"
                r"|выслал[аи]?|(?:ушел|ушла|уехал[аи]?|выехал[аи]?|поехал[аи]?)"
                r"|(?:передан[аоы]?|передал[аи]?|сдан[аоы]?|сдал[аи]?|отдал[аи]?)"
                r"(?: \w+){0,4} (?:курьер\w*|доставк\w+|служб\w+|kaspi|каспи|перевозчик\w*|почт\w+)"
                r"|(?:жонелтил|жиберил)(?:ди|ген)|жонелтти[кмн]|жонелтип жибер\w+|жибердик"
                r"|(?:курьерге|жеткизуге|жеткизу\w*|каспиге|kaspi\w*) (?:\w+ )?(?:берил|тапсырыл"
                rf"|отки?зил)(?:ди|ген)|(?:курьерге|жеткизуге) (?:бердик|тапсырдык)|{_EN_LEFT}"
            ),
        ),
        (
            frozenset({Stage.PACKED}) | _LEFT_THE_SHOP,
            (
                r"(?:собран|укомплектован|скомплектован)[аоы]?|(?:собрал|упаковал)[аи]?"
                r"|(?:заказ|посылк|товар)\w* (?:\w+ ){0,3}упакован[аоы]?|готов[аоы]? к отправке"
                r"|жинал(?:ды|ган)|жинадык|оралды|оралган|буып-туйил\w+|жонелтуге дайын"
                rf"|{_BEEN}packed|ready to (?:ship|be shipped|go out)"
            ),
        ),
        (
            _ARRIVED,
            (
                r"доставлен[аоы]?|вручен[аоы]?|доставил[аи]?|(?:вы (?:уже )?получили|получен[аоы]?)"
                r"|(?:заказ|посылк|товар)\w* (?:уже )?у вас|привезли"
                r"|жеткизил(?:ди|ген)|жетип келди|колыныз(?:да|га тиди)"
                rf"|{_BEEN}delivered|{_BEEN}arrived|(?:it|order) arrived"
            ),
        ),
        (
            _NEVER,
            (
                r"(?:ждет|ожидает|лежит|находится|прибыл\w*|поступил\w*|приехал\w*|привезли"
                r"|доставлен\w*|доставили|пришел|уже|хранится)(?: \w+){0,3} (?:в"
                r"|на) (?:\w+ )?(?:пункт|постамат"
                r"|терминал|пвз|отделени)\w*|(?:в|на) (?:\w+ )?(?:пункте|постамате|терминале|пвз)"
                r"(?: \w+){0,3} (?:ждет|ожидает|лежит)"
                r"|(?:пунк?тте|постаматта|терминалда)(?: \w+){0,3} (?:тур\w*|кутип|жатыр\w*)"
                r"|(?:arrived|is|waiting for you|waiting) at the (?:\w+ )?(?:point|locker)"
            ),
        ),
        (
            _WAITS_IN_SHOP,
            (
                r"можно (?:уже )?(?:забирать|получать)|можете (?:уже )?забирать"
                r"|готов[аоы]? к (?:выдаче|получению|самовывозу)"
                r"|(?:ждет|ожидает) (?:вас(?! \w+ (?:пункт|постамат))|(?:\w+ )?(?:в|на) (?:нашем )?"
                r"(?:магазине|складе|офисе))"
                rf"|{_ORDER}(?:\W+\w+){{0,6}}?\W+(?:можно|можете|готовы) (?:\w+ ){{0,2}}забрать"
                rf"|(?:можно|можете|приходите|приезжайте) (?:\w+ ){{0,3}}забрать (?:\w+ )?{_ORDER}"
                r"|алуга дайын|сизди (?:\w+ ){0,2}кутип тур\w*"
                r"|дукенде (?:\w+ ){0,2}(?:кутип|тур)\w*"
                r"|алып (?:кету(?:инизге|ге) болады|кете (?:аласыз|бериниз))"
                r"|ready (?:for|to) (?:pick(?: |-)?up|collect\w*|be (?:collected|picked up))"
                r"|waiting (?:for you )?(?:at|in)"
                r"|(?:it|order) can (?:now |already )?be (?:picked up|collected)"
                r"|you can (?:now |already )?(?:pick (?:it |your order )?up|collect (?:it|your))"
            ),
        ),
        (
            frozenset({Stage.CANCELLED, Stage.CANCELLING}),
            (
                r"(?:отменен|аннулирован)[аоы]?|отменил(?:ся|ась|ось)|снят[аоы]? с доставки"
                r"|токтатыл(?:ды|ган)|бас тартыл(?:ды|ган)|жойыл(?:ды|ган)|кушин жойды"
                rf"|{_BEEN}cancell?ed"
            ),
        ),
        (
            frozenset({Stage.RETURNED}),
            (
                r"возврат(?: \w+){0,3} (?:одобрен|подтвержден|завершен|принят|согласован|проведен)"
                r"|(?:одобрен|подтвержден|принят)(?:или|а|о)? (?:\w+ )?возврат"
                r"|возвращен[аоы]?|одобрили (?:\w+ )?возврат"
                r"|(?:деньги|средства|сумма|оплата)(?: \w+){0,3} (?:вернулись|вернулась"
                r"|поступил[аи]?"
                r"|зачислен[аоы]?|пришли|возвращен[аоы]?|(?:на|у) (?:вас )?(?:\w+ )?(?:карте"
                r"|счете|счету))"
                r"|кайтар(?:ы[лм]\w*|у\w*)(?: \w+){0,2} (?:макулданды|кабылданды|бекитилди)"
                r"|кайтарыл(?:ды|ган)|акша\w*(?: \w+){0,3} (?:тусти|кайтты|аударылды|тускен)"
                r"|(?:refund|return)(?: request)? (?:has been|have been|was|is|got)(?: \w+)?"
                rf" (?:approved|processed|issued|accepted|completed|done)|{_BEEN}(?:refunded"
                rf"|returned)"
                r"|(?:approved|accepted) (?:your|the) (?:refund|return)"
            ),
        ),
        (
            _WITH_US | _LEFT_THE_SHOP | {Stage.CANCELLED, Stage.CANCELLING},
            (
                r"оплачен[аоы]?|оплат\w+ (?:\w+ )?(?:прошла|получена|поступила|принята"
                r"|подтверждена)"
                r"|заказ\w* (?:\w+ ){0,2}(?:принят|подтвержден)|толенди|толенген"
                r"|толем\w* (?:\w+ )?(?:отти|кабылданды|тусти)"
                rf"|{_BEEN}paid|payment (?:\w+ )?(?:went through|received|accepted|confirmed)"
            ),
        ),
    )
)
_NOT_OF_AN_ORDER = re.compile(
    r"(?<!\w)(?:вопрос|сообщени|просьб|запрос|обращени|пожелани|ссылк|отзыв|инструкци|картинк"
    r"|фото|видео"
    r"|жалоб|информаци|слов|сурак|сураг|хабар|маселе|отиниш|question|message|request|link|review"
    r"|photo|complaint)\w*|(?:продавц|менеджер|коллег)(?:у|ам|е)(?!\w)|(?<!\w)сатушыга(?!\w)"
)
_OF_AN_ORDER = re.compile(r"(?<!\w)(?:заказ|посылк|товар|тапсырыс|order|parcel|package)\w*")


def misstated(text: str, brief: Brief) -> bool:
    """Whether a text says that an order is where none of the brief's orders is."""
    rules = simple(plain("\n".join(one.text for one in brief.statements)))
    people = [line.text for line in brief.history if line.author is Author.PERSON]
    heard = {stages for line in people for stages, _ in _claims(plain(line))}
    for stages, clause in _claims(text):
        if stages in heard or clause.strip(" .!;") in rules:
            continue
        meant = _meant(clause, brief.orders)
        if not (
            _waits(meant, brief) if stages is _WAITS_IN_SHOP else stages & _known(meant, brief)
        ):
            return True
    return False


def _known(orders: tuple[Order, ...], brief: Brief) -> set[Stage]:
    """The stages of ``orders``, and the one that the news is of."""
    news = _NEWS.get(brief.purpose)
    return {order.stage for order in orders} | ({news} if news else set())


def _waits(orders: tuple[Order, ...], brief: Brief) -> bool:
    """Whether one of ``orders`` can be picked up at the shop."""
    return brief.purpose is Purpose.READY_FOR_PICKUP or any(
        order.stage in _WAITS_IN_SHOP and order.delivery is Delivery.PICKUP and not order.preordered
        for order in orders
    )


def _claims(text: str) -> Iterator[tuple[frozenset[Stage], str]]:
    """The stages that each claim of a text needs one of, and the clause it is in."""
    for clause in told_clauses(text):
        if _NOT_OF_AN_ORDER.search(clause) and not _OF_AN_ORDER.search(clause):
            continue
        for stages, pattern in _STATES:
            if pattern.search(clause):
                yield stages, clause


def _meant(clause: str, orders: tuple[Order, ...]) -> tuple[Order, ...]:
    """The orders whose number a clause names, or else all of them."""
    return tuple(one for one in orders if one.code and one.code in clause) or orders
