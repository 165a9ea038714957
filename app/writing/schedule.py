"""Whether the facts hold a day or a time as a sentence means it.

Everything here reads a text that went through :func:`app.writing.links.plain`.
"""

from __future__ import annotations

import re

from app.domain.meaning import Topic
from app.writing.clauses import simple
from app.writing.dates import Said
from app.writing.facts import HOURS, NOW, Facts

_ANSWERS = re.compile(
    r"(?<!\w)(?:ответ|отвеч|напиш|работ|открыт|откро|на связи|график|закрыт"
    r"|выход|свяж|жауап|жумыс|ашык|жабык|хабарлас"
    r"|answer|repl|open|close|work|get back|available|online|write|contact|respond)"
)
_MOVES = re.compile(
    r"достав|привез|привоз|отправ|вышл|пришл|отгруз|придет|приедет|прибуд|поступ"
    r"|(?<!\w)(?:едет|едут|везут|везет|в пути|постамат)|жолда"
    r"|получит|получат|верн[еу][мт]|обмен|замен"
    r"|у вас будет|будет у вас|жди|ожида|курьер|забрать|самовывоз|жетки|жибер"
    r"|апар|акел|келеди|келип|кайтар|кутин"
    r"|deliver|ship|arriv|send|bring|refund|replac|dispatch|expect|be there"
    r"|be with you|have it|get it"
)
_WILL = re.compile(
    r"(?<!\w)(?:достав\w*[мтк]|доставк\w+|привез[еу][мт]|отправ(?:им|ят|ит)"
    r"|вышл[еу][мт]|пришл[еу][мт]|отгруз(?:им|ят)|придет|приедет|прибудет"
    r"|жди(?:те)?|ожида\w+|күтіңіз|кутиниз|expect|ships?|поступит|получите|будет"
    r"|будут|верн[еу][мт](?:ся)?|обменяем|замен(?:им|ят)|ответ(?:им|ит|ят)"
    r"|свяж[еу]\w+|позвон\w+|перезвон\w+|реш(?:им|ит)"
    r"|сдела(?:ем|ет)|напиш[еу][мт]|забер[еу]\w+|переда(?:дим|м|ст)|работа(?:ем"
    r"|ет|ют)|открыт\w*|курьер\w*|можете забрать|сможете|уточн(?:им|ит)|едет"
    r"|\w{2,}(?:амыз|емиз|ймыз|ймиз|ады|еди|йды|йди)"
    r"|will|(?:\w+)?'ll|should|may|can|going to|delivery|arrives?|can pick|open|be)(?!\w)"
)
_CLOSED = re.compile(
    r"не работа|выходн|закрыт|не отвеча|кроме|демалыс|жумыс истем|жабык|closed"
    r"|day off|except|not open"
)
_NOT_OF_DELIVERY = frozenset({HOURS, "statement hours", NOW})
_NEVER_OURS = frozenset({"always", "soon"})
_PASSING = frozenset({"word", "weekday"})


def not_held(days: list[Said], part: str, facts: Facts) -> list[Said]:
    """The days and times of a sentence that the facts do not hold as this sentence means them.

    When the shop works says when somebody answers there, and nothing of when things arrive.
    """
    read = simple(part)
    moves, will = _MOVES.search(read) is not None, _WILL.search(read) is not None
    answers = _ANSWERS.search(read) is not None and not moves
    works = answers and bool(facts.brief.stated_hours or Topic.HOURS in facts.rules)
    closed = not moves and _CLOSED.search(read) is not None
    timetable = not moves and any(said.kind == "clock" for said in days)

    def held(said: Said) -> bool:
        passing = said.kind in _PASSING
        if (said.soft and not will) or (closed and said.kind == "weekday"):
            return True
        if works and passing and said.keys[-1][1] not in _NEVER_OURS:
            return True
        hours = (will and moves) or (said.kind == "weekday" and not (answers or timetable))
        ignored = _NOT_OF_DELIVERY if hours else frozenset()
        if will or (passing and not said.soft):
            ignored |= {NOW}
        return facts.source_of(said, but=ignored) is not None

    return [said for said in days if not held(said)]
