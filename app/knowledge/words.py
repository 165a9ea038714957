"""What a customer or a price list wrote -> words to search by, each with its part in the whole."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from app.knowledge.reading import PHRASE_KEYS, Sort, Word, read
from app.knowledge.tables import goods, talk


def words(text: str) -> tuple[Word, ...]:
    """The words of ``text`` in their order, links («для», «с») left out and their scope marked."""
    return _scoped(_phrased(list(read(text))))


def _phrased(found: list[Word]) -> list[Word]:
    """Words that name one thing together made one; those that name none together made talk."""
    if not any(word.begins for word in found):
        return found
    result: list[Word] = []
    position = 0
    while position < len(found):
        word, length = _phrase(found[position : position + 3])
        result.append(word)
        position += length
    return result


def _phrase(ahead: list[Word]) -> tuple[Word, int]:
    known, said = goods().phrases, talk().phrases
    if not ahead[0].begins:
        return ahead[0], 1
    for length in range(len(ahead), 1, -1):
        for keys in _choices(ahead[:length]):
            if thing := known.get(keys):
                sort = Sort.NAME if thing in goods().named else Sort.THING
                return _whole(ahead[:length], thing, sort=sort), length
            if keys in said:
                return replace(ahead[0], talk=True, thing=None), length
    return ahead[0], 1


def _choices(ahead: list[Word]) -> Iterator[tuple[str, ...]]:
    tried: list[tuple[str, ...]] = [()]
    for word in ahead:
        tried = [(*start, key) for start in tried for key in {*word.keys[:PHRASE_KEYS], word.text}]
    return iter(tried)


def _whole(parts: list[Word], thing: str, *, sort: Sort) -> Word:
    return Word(
        text=" ".join(part.text for part in parts),
        keys=(thing, *(key for part in parts for key in part.keys if sort is Sort.NAME)),
        sort=sort,
        thing=thing if sort is Sort.THING else None,
        aside=parts[-1].aside,
    )


_LONG_LINKS = frozenset("для на под к ко".split())
_SHORT_LINKS = frozenset("с со из без по от против в".split())
_LINKS = _LONG_LINKS | _SHORT_LINKS | frozenset("for with".split())
_ENDED = "с"  # nothing but the one thing belongs to it: «для кошек Whiskas»
_THANKS = frozenset("спасибо благодарю рахмет thanks спс".split())
_LINKS_BEHIND = frozenset("ушин арналган".split())
_DENIAL = "не"
_TURNING = _LINKS | _LINKS_BEHIND | _THANKS | {_DENIAL}
"""Words without which no other changes its part."""


def _scoped(found: list[Word]) -> tuple[Word, ...]:
    """What a link governs is aside: looks, one thing, and after «для» the model behind it."""
    if _TURNING.isdisjoint([word.text for word in found]):
        return tuple([word for word in found if word.sort is not Sort.LINK])
    return _turned(found)


def _turned(found: list[Word]) -> tuple[Word, ...]:
    result: list[Word] = []
    link: str | None = None
    before = ""
    had = denied = thanked = False
    for word in found:
        thanked = thanked or word.text in _THANKS
        denied = denied or (thanked and before == "за")
        before = word.text
        if denied:
            word = replace(word, talk=True)  # noqa: PLW2901 - the same word, denied
        denied = word.text == _DENIAL
        if word.text in _LINKS:
            link, had = word.text, False
            continue
        if word.text in _LINKS_BEHIND:
            _put_last_aside(result)
            continue
        if link is not None:
            inside, had = _governed(word, link, had=had)
            if not inside:
                link = None
            elif word.sort is not Sort.OTHER:
                if word.sort in {Sort.THING, Sort.UNKNOWN} and not word.thing:
                    link = _ENDED
                word = replace(word, aside=True)  # noqa: PLW2901 - the same word, placed
        if word.sort is not Sort.LINK:
            result.append(word)
    return tuple(result)


def _put_last_aside(found: list[Word]) -> None:
    """What «үшін» stands behind: one word, and the model between them."""
    for place in reversed(range(len(found))):
        found[place] = replace(found[place], aside=True)
        if found[place].sort not in {Sort.NAME, Sort.CODE, Sort.NUMBER}:
            return


def _governed(word: Word, link: str, *, had: bool) -> tuple[bool, bool]:
    """Whether ``link`` still governs ``word``, and whether its thing has been named."""
    match word.sort:
        case Sort.NUMBER | Sort.CODE:
            return link not in _SHORT_LINKS or not had, True
        case Sort.NAME:
            return link not in _SHORT_LINKS or not had, True
        case Sort.THING | Sort.UNKNOWN:
            return not had, True
        case Sort.LOOK:
            return not had, had
        case Sort.OTHER:
            return word.text in {"/", ",", "+", "и"}, had
        case Sort.LINK:
            return False, had
