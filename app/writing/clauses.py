"""How a sentence says a thing: as a promise, a denial, a question, or the seller's to answer.

Everything here reads a text that went through :func:`app.writing.links.plain`.
"""

from __future__ import annotations

import re

from msgspec import Struct

_FOLDED = str.maketrans("ёәғқңөұүһі’‘`ʼ", "еагкноуухи''''")
_SENTENCE = re.compile(r"(?:[^.!?\n;…]|(?<=\d)[.](?=\d))+[.!?\n;…]*")
_COMMA = re.compile(r"[,:()—–]|(?<!\w)(?:но|а|зато|однако|бирак|алайда|ал|but|however)(?!\w)")

_DEFERS = re.compile(
    r"(?<!\w)(?:продав|менеджер|консультант|оператор|специалист|сотрудни|коллег"
    r"|магазин)\w*[^.]{0,60}"
    r"(?<!\w)(?:уточн(?:ит|ят)|подска[жз](?:ет|ут)|ответ(?:ит|ят)|расска[жз](?:ет|ут)|реша(?:ет|ют)"
    r"|реш(?:ит|ат)|сообщ(?:ит|ат)|провер(?:ит|ят)|посмотр(?:ит|ят)|поможе?т|помогут|прояснит"
    r"|напиш(?:ет|ут)|обсуд(?:ит|ят)|рассмотр(?:ит|ят)|скаж(?:ет|ут)|объясн(?:ит|ят)|разбер\w+ся"
    r"|подключ\w+ся|свяж\w+ся|верн\w+ся)(?!\w)"
    r"|(?<!\w)(?:уточн(?:ит|им|ю|яем|яю)|подска[жз]ет|ответит|расскажет|реша(?:ет|ют)|решит|сообщит"
    r"|проверит|посмотрит|прояснит|узна(?:ю|ем)|спро(?:шу|сим)|переда(?:л|ли|м|дим|ю|ем|ла|но)"
    r"|поможет|обсудит|скажет|объяснит|обсудите|уточните|спросите|позову|позвать|позовем|зовем"
    r"|напишет|рассмотрит|принимает|лучше у|вопрос к|вопрос для)(?!\w)[^.]{0,60}"
    r"(?:продав|менеджер|консультант|специалист|сотрудни|коллег|оператор)\w+"
    r"|(?<!\w)(?:уточн(?:им|ю|яем|яю)|узна(?:ем|ю)|выясн(?:им|ю)|провер(?:им|ю))(?!\w)"
    r"|(?<!\w)(?:сатушы|менеджер|маман|дукен кызметкер|консультант)\w*[^.]{0,60}"
    r"(?:жауап бер|айт|накт|хабарла|тусиндир|шеш|жеткизд|жеткиземиз|сура|караа?й?д|жазады|билип)\w*"
    r"|(?<!\w)(?:нактыла|сура(?:й|п)|билип|аныкта)\w*[^.]{0,60}(?:сатушы|менеджер|маман)\w*"
    r"|(?<!\w)(?:the |our |a )?(?:seller|manager|shop|team|colleague|person"
    r"|specialist|staff)s?\b[^.]{0,60}"
    r"(?:will|can|would|'ll|is going to) (?:\w+ )?(?:tell|clarify|answer|reply"
    r"|let|confirm|check|get"
    r"|decide|explain|advise|look|help|write|respond|see|say|know|review|discuss)\b"
    r"|\b(?:ask(?:ed)?|check(?:ed)? with|pass(?:ed)?|forward(?:ed)?|clarify with"
    r"|up to|let|call(?:ed)?"
    r"|question for|best answered by|decided by)\b[^.]{0,60}\b(?:seller|manager"
    r"|team|colleague|staff|person)\b"
    r"|\b(?:seller|manager) (?:decides|knows)\b"
)
_ASKED = re.compile(r"^\W{0,2}(?:(?:вам|вы|мы|это)\W)?ли(?!\w)|^\w* (?:ма|ме|ба|бе|па|пе)(?!\w)")
_KAZAKH_NO = re.compile(r"[мпб][ае](?:й(?:мыз|миз|мын|мин|ды|ди)|с)(?!\w)")
_NO_VERB = re.compile(r"(?<!\w)(?:не|ни|not|never) \w+$")
_WHETHER = re.compile(r"(?<!\w)ли(?!\w)")
_INTERROGATIVE = re.compile(
    r"(?<!\w)(?:когда|как(?! только)|какой|какую|каким|сколько|можно ли|кто|чем|куда|где|почему"
    r"|кашан|калай|канша|кайда|when|how|whether|if|what|which|who|where)(?!\w)[^,;:—]{0,40}$"
)
_NEGATED = re.compile(
    r"(?<!\w)(?:не|ни|нельзя|невозможно|not|never|cannot|can't|don't|won't"
    r"|doesn't|unable to|n't|no)"
    r"\W(?:(?:мог[уe]?т?|можем|сможем|будем|буду|обещаем|обещаю|планируем|готовы"
    r"|be able to|be able|yet"
    r"|currently|going to|able to|any|promise|promise to|promise a|offer|give"
    r"|provide|have|want to)\W)*$"
)
_ECHO = re.compile(
    r"(?<!\w)(?:понима\w+|поняли|жаль|вы (?:писали|спрашивали|просили|хотели"
    r"|указали|спросили|хотите|ищете)"
    r"|вам нуж\w+|вопрос\w*|про|насчет|запрос\w*|по поводу|тусин\w*|туралы|сураг\w*|сурадыныз"
    r"|кажет\w* болса|you (?:asked|wrote|want|need|mentioned)|understand|question|about|regarding"
    r"|whether|sorry)(?!\w)"
)
_NO = re.compile(
    r"(?<!\w)(?:нет|не|ни|без|жок|емес|нету|no|not|don't|doesn't|isn't|aren't"
    r"|cannot|can't|without|won't)"
    r"(?!\w)|\w(?:ма|ме|па|пе|ба|бе)(?:й(?:мы[зс]|ми[зс]|ды|ди)|ды|ди|ймын|йми)(?!\w)"
)
_GRANTS = re.compile(
    r"(?<!\w)(?:одобр\w*|сдела(?:ем|ю|ет)|дад(?:им|ут)|даст|начисл(?:им|ит)|половин\w*|оформля\w*"
    r"|подтверд\w*|подтвержден\w*|сомне\w*|волнуйт\w*|беспокой\w*|переживай\w*|проблем\w*|не вопрос"
    r"|гарантир\w*|да(?=,)|(?<!не )будет|есть|зато|положим|добавим|получите|согласил\w*|согласен"
    r"|жасаймыз|(?<!жауап )беремиз|макулда\w*|болады|бар|кели\w+|ок|конечно|берилед\w*"
    r"|approved|granted|agreed|of course|sure|certainly|we(?:'ll| will) (?:give|add|include|apply)"
    r"|no problem|don't worry|you(?:'ll| will) (?:get|receive)|there is|there's|enjoy)(?!\w)"
    r"(?!\s+(?:ли|ма|ме|ба|бе|па|пе)(?!\w))|\bconfirm(?:ed|s)?\b(?! (?:if|whether|when))"
)
_IDLE = re.compile(
    r"\W*(?:спасибо|благодар|если|рады|рахмет|рақмет|thank|if you|feel free|happy to)"
)
"""What may follow a «но» and gives nothing."""

_JOINT = re.compile(
    r"[,;()]|\s[—–-]\s|(?<!\w)(?:но|а|зато|однако|и|бирак|алайда|ал|but|however|and)(?!\w)"
)
_ASKS_FIRST = re.compile(
    r"\W*(?:has|have|is|was|did|вам|вы|а вы|подскажите|скажите|уточните|сизге|айтынызшы)(?!\w)"
)
_UNTOLD = re.compile(
    r"(?<!\w)(?:не|ни|нет|нельзя|ли|если|когда|как только|пока|чтобы|прежде чем|до того|будет|будут"
    r"|после того|после|перед тем|вдруг|раз|кажется|будто|может быть|хотите|хотели|спасибо"
    r"|not|never|no|cannot|if|when|once|whether|until|before|after|will be|to be|can be|as soon as"
    r"|gets|next"
    r"|then|далее|дальше|потом|затем|жок|емес|кашан"
    r"|егер|болса|болган сон|without|unless)(?!\w)|n't(?!\w)"
    r"|\w(?:ген|ган|(?<!ду)кен|кан)(?:де|да|нен|нан| сон| кезде| бойда| жок| емес|ша|ше)(?!\w)"
    r"|\w (?:ма|ме|ба|бе|па|пе)(?!\w)"
)
"""What leaves it open, or says no."""

_BUT = re.compile(r"(?<!\w)(?:но|однако|зато|бирак|алайда|but|however)(?!\w)(.*)", re.DOTALL)


class Sentence(Struct, frozen=True, kw_only=True):
    """One sentence, its letters folded by :func:`simple`."""

    text: str
    asks: bool

    @property
    def defers(self) -> bool:
        """Whether it leaves something to the seller."""
        return _DEFERS.search(self.text) is not None

    @property
    def denies(self) -> bool:
        """Whether it says no to something."""
        return _NO.search(self.text) is not None

    @property
    def echoes(self) -> bool:
        """Whether it may repeat what the customer has said, for it grants nothing of it."""
        return self.asks or self.defers or self.denies or _ECHO.search(self.text) is not None

    @property
    def grants(self) -> bool:
        """Whether it says yes to something, or says it after a «но»."""
        contrast = _BUT.search(self.text)
        after = contrast.group(1) if contrast else ""
        if after and not _DEFERS.search(after) and not _IDLE.match(after):
            return True
        return _GRANTS.search(self.text) is not None

    def takes_back(self, match: re.Match[str]) -> bool:
        """Whether what was found here is denied, or asked about and left to the seller."""
        before, after = self.text[max(0, match.start() - 60) : match.start()], match.end()
        if _NEGATED.search(before) or _ASKED.match(self.text[after : after + 20]):
            return True
        if any(one.search(match.group()) for one in (_WHETHER, _KAZAKH_NO, _NO_VERB)):
            return True
        return self.defers and _INTERROGATIVE.search(before) is not None

    def clause_of(self, match: re.Match[str]) -> str:
        """The part of the sentence, between commas and «но», where something was found."""
        start = 0
        for comma in _COMMA.finditer(self.text):
            if comma.start() >= match.end():
                return self.text[start : comma.start()]
            if comma.end() <= match.start():
                start = comma.end()
        return self.text[start:]


def simple(text: str) -> str:
    """``text`` with one spelling of every word: no case, no ё, Kazakh letters as if mistyped.

    It keeps its length, so that a place in it is a place in the text.
    """
    return text.lower().translate(_FOLDED)


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text."""
    return [
        Sentence(text=one.strip(), asks="?" in one[-4:])
        for one in _SENTENCE.findall(simple(text))
        if one.strip()
    ]


def told_clauses(text: str) -> list[str]:
    """The parts of a text that state something: not asked, denied, wished for or conditional."""
    told: list[str] = []
    for sentence in sentences(text):
        parts = [part for part in _JOINT.split(sentence.text) if part.strip()]
        stated = parts[:-1] if sentence.asks else parts
        if sentence.asks and _ASKS_FIRST.match(sentence.text):
            stated = []
        told += [part for part in stated if not _UNTOLD.search(part)]
    return told


def clauses(text: str) -> list[str]:
    """The parts of all sentences between commas and «но»."""
    return [part for one in sentences(text) for part in _COMMA.split(one.text) if part.strip()]
