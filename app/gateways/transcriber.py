"""Voice notes as text: ``/audio/transcriptions`` over the ``openai`` package.

Any compatible server serves. Whisper, which stands behind most of them, writes the ends of films
and video blogs where nobody speaks: ``spoken`` leaves of its answer only what was said.
"""

from __future__ import annotations

import asyncio
import re
from math import inf, isfinite
from typing import Any

import httpx
import msgspec
import openai
from msgspec import Struct

from app.domain.events import Language
from app.errors import AiSellerError, Permanent, Transient
from app.gateways.model_failures import OPENAI_URL, kind_of
from app.gateways.tls import tls
from app.world import World

TIMEOUT = 30.0
"""Seconds for one voice note, sending it included."""

LONGEST = 4000
"""Characters of a transcript that are kept: ten minutes of talk hold no more that is answered."""

LANES = 10
"""Voice notes under way at once."""

_WHO = "the transcribing model"
_CONNECTIONS = httpx.Limits(max_connections=LANES)
_SECONDS_IN_MINUTE = 60

_TELLING_FORMAT, _PLAIN_FORMAT = "verbose_json", "json"
"""The first tells how long the sound is and is not taken by every model; what was refused is
remembered for the life of the process."""

_UNREADABLE = frozenset({400, 413, 415, 422})
"""What a server says to a sound that it cannot read: too short, too large, spoilt, no speech."""

_NAMES = {
    "audio/ogg": "voice.ogg",
    "audio/opus": "voice.ogg",
    "application/ogg": "voice.ogg",
    "audio/mpeg": "voice.mp3",
    "audio/mp3": "voice.mp3",
    "audio/mp4": "voice.m4a",
    "audio/m4a": "voice.m4a",
    "audio/x-m4a": "voice.m4a",
    "video/mp4": "voice.mp4",
    "audio/aac": "voice.aac",
    "audio/amr": "voice.amr",
    "audio/wav": "voice.wav",
    "audio/wave": "voice.wav",
    "audio/x-wav": "voice.wav",
    "audio/vnd.wave": "voice.wav",
    "audio/webm": "voice.webm",
    "video/webm": "voice.webm",
    "audio/flac": "voice.flac",
    "audio/x-flac": "voice.flac",
}
"""Servers tell a sound's kind by its name."""

_BEGINNINGS = {
    b"OggS": "audio/ogg",
    b"ID3": "audio/mpeg",
    b"\xff\xfb": "audio/mpeg",
    b"\xff\xf3": "audio/mpeg",
    b"RIFF": "audio/wav",
    b"fLaC": "audio/flac",
    b"#!AMR": "audio/amr",
    b"\x1aE\xdf\xa3": "audio/webm",
}
_USUAL = "audio/ogg"
"""What WhatsApp's own voice notes are."""


class Transcript(Struct, frozen=True, kw_only=True):
    """What was said, ``""`` where nobody spoke. ``cost`` is US dollars.

    ``seconds`` is the length of the sound where the server tells it; without it there is no cost.
    """

    text: str
    seconds: float | None = None
    cost: float = 0.0


class _Reply(Struct, frozen=True):
    """A transcription; ``duration`` is a number or one written as text, by the server's version."""

    text: str
    duration: Any = None
    usage: Any = None


class Transcriber:
    """One model on one server. Opens its own HTTP client; ``close`` it.

    ``base_url`` is None for OpenAI; ``key`` may be empty for a local server; ``minute_price`` is
    US dollars for a minute of sound; ``timeout`` is seconds for a whole answer.
    """

    def __init__(
        self,
        *,
        model: str,
        key: str,
        world: World,
        base_url: str | None = None,
        minute_price: float = 0.0,
        timeout: float = TIMEOUT,
    ) -> None:
        self.name = model
        self._world = world
        self._minute_price = minute_price
        self._timeout = timeout
        self._lanes = asyncio.Semaphore(LANES)
        self._refused: frozenset[str] = frozenset()
        self._client = openai.AsyncOpenAI(
            api_key=key.strip() or "none",
            base_url=base_url or OPENAI_URL,
            timeout=timeout,
            max_retries=0,
            # Ours, not the package's httpx2: one HTTP library in the house, seen by the tests.
            http_client=httpx.AsyncClient(  # type: ignore[arg-type]
                timeout=timeout, limits=_CONNECTIONS, verify=tls()
            ),
        )

    async def transcribe(
        self, sound: bytes, *, mimetype: str | None = None, language: Language | None = None
    ) -> Transcript:
        """What is said in ``sound``. ``language`` is a sure one: a wrong hint spoils the text.

        Raises ``Transient`` (``timeout``, ``connection``, ``server``, ``rate_limit``) or
        ``Permanent`` (``config``, ``unreadable`` for the sound, ``nonsense`` for the answer).
        """
        if not sound:
            return Transcript(text="")
        file = _file_of(sound, mimetype)
        async with self._lanes:
            try:
                async with asyncio.timeout(self._timeout):
                    body = await self._negotiate(file, language)
            except TimeoutError:
                reason = f"{_WHO} did not answer within {self._timeout:g} s"
                raise Transient(reason, code="timeout") from None
            except openai.OpenAIError as error:
                raise self._kind_of(error) from None
        return self._transcript(body)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _negotiate(self, file: tuple[str, bytes, str], language: Language | None) -> bytes:
        """The body of the answer, asked again without what the server says it cannot take."""
        refused = self._refused
        while True:
            wanted = _wanted(language, refused)
            try:
                response = await self._client.audio.transcriptions.with_raw_response.create(
                    file=file, model=self.name, **wanted
                )
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                culprit = _culprit(error, wanted)
                if culprit is None:
                    raise
                refused |= {culprit}
            else:
                self._refused = refused
                body: bytes = response.content
                return body

    def _kind_of(self, error: openai.OpenAIError) -> AiSellerError:
        about_us = isinstance(error, openai.APIError) and error.code == "model_not_found"
        status = error.status_code if isinstance(error, openai.APIStatusError) else None
        if status in _UNREADABLE and not about_us:
            reason = f"{_WHO}'s server answered {status} to a sound"
            return Permanent(reason, code="unreadable")
        return kind_of(error, self._world.now(), who=_WHO)

    def _transcript(self, body: bytes) -> Transcript:
        try:
            reply = msgspec.json.decode(body, type=_Reply)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Permanent("the answer is no transcription", code="nonsense") from None
        seconds = _seconds_of(reply)
        cost = (seconds or 0.0) / _SECONDS_IN_MINUTE * self._minute_price
        return Transcript(text=spoken(reply.text), seconds=seconds, cost=cost)


def _file_of(sound: bytes, mimetype: str | None) -> tuple[str, bytes, str]:
    """A name, the sound and its kind, by what is told of it or else by how it begins."""
    told = (mimetype or "").partition(";")[0].strip().lower()
    if told not in _NAMES:
        told = next((kind for mark, kind in _BEGINNINGS.items() if sound.startswith(mark)), "")
    if not told:
        told = "audio/mp4" if sound[4:8] == b"ftyp" else _USUAL
    return _NAMES[told], sound, told


def _wanted(language: Language | None, refused: frozenset[str]) -> dict[str, Any]:
    telling = _TELLING_FORMAT not in refused
    wanted = {"response_format": _TELLING_FORMAT if telling else _PLAIN_FORMAT}
    if language is not None and language.value not in refused:
        wanted["language"] = language.value
    return wanted


def _culprit(error: openai.APIStatusError, wanted: dict[str, Any]) -> str | None:
    """Which of our wishes the server complains of, its ``param`` before its words."""
    named = [name for name, wish in wanted.items() if wish != _PLAIN_FORMAT]
    if error.param in named:
        return str(wanted[error.param])
    return next((wanted[name] for name in named if name in error.response.text), None)


def _seconds_of(reply: _Reply) -> float | None:
    """What is paid for, else how long the sound is."""
    usage = reply.usage if isinstance(reply.usage, dict) else {}
    told = (_number(usage.get("seconds")), _number(reply.duration))
    return next((seconds for seconds in told if seconds is not None and seconds >= 0), None)


def _number(value: object) -> float | None:
    try:
        seconds = float(value) if isinstance(value, int | float | str) else inf
    except (ValueError, OverflowError):
        return None
    return seconds if isfinite(seconds) else None


# -- what Whisper writes where nobody speaks

_CAPITAL = "[A-ZА-ЯЁӘІҢҒҮҰҚӨҺ]"
_NAME = (
    r"(?!Субтитры|Редактор|Корректор)"
    rf"[«\"(]?(?:{_CAPITAL}\. ?)*{_CAPITAL}[\w'’-]*[»\")]?"
)
_MADE = (
    r"(?:сделал|делал|создал|создавал|добавил|подготовил|подогнал|предоставил|перев[её]л"
    r"|редактировал|корректировал|выполнил|оформил)[аи]?"
    r"|(?:сделаны|созданы|подготовлены|предоставлены)"
)
_NOTE = re.compile(r"\[[^\[\]]{0,80}\]|<[^<>]{0,40}>|♪[^♪]*♪|[♪♫🎵🎶]")
"""A remark on what is heard, between what is said."""
_ASIDES = re.compile(r"(?:\s*(?:\([^()]*\)|\*[^*]*\*))+[\s.!…]*")
"""A whole answer in brackets; inside an answer they may be a size or a remark of the speaker's."""
_CREDIT = re.compile(
    rf"(?:(?i:редактор|автор|перевод\w*)\s+(?i:субтитров)\s+{_NAME}"
    rf"(?:[\s,.]+(?i:корректор)\s+{_NAME})?"
    rf"|(?i:субтитры)(?:\s+(?i:{_MADE})|(?: и \w+)?:)\s+(?:(?i:dima\s?torzok)|{_NAME})"
    rf"(?:\s+{_NAME})*|(?i:корректор)\s+{_CAPITAL}\. ?{_NAME}"
    rf"|[Сс] вами был[аи]?\s+{_NAME}\s+{_NAME})[.!?…]*"
)
"""Who made the subtitles: nobody says that to a shop, so it is cut out wherever it stands."""

_COMMUNITY = "amara.org"
"""Who made many more of them, in every language."""
_ENDS = r"""
(?:спасибо|благодар\w+)(?: вам| всем| большое)* за (?:просмотр\w*|субтитры|подписк\w+|лайк\w*)
продолжение (?:следует|во? \w+ (?:части|серии|видео|выпуске))
подпи(?:сывайтесь|сывайся|шитесь|шись)|подпи(?:саться|сываться) на канал
(?:по)?став(?:ьте|ить|ь) (?:лайк\w*|класс\w*)|нажм\w+ (?:на )?колокольчик\w*
в (?:следующ\w+|нов\w+|других) (?:видео\w*|ролик\w*|выпуск\w*|сери\w+|эфир\w*)
до новых встреч|(?:озвучка|перевод) и субтитры(?: \w+){0,6}
субтитры (?:{made}) \w+(?: \w+)?|редактор субтитров \w+(?: \w+)?(?: корректор \w+(?: \w+)?)?
дякую за перегляд|продовження (?:слідує|буде)|підпи(?:суйтесь|шіться)
жалғасы бар
(?:қараған|көрген|тамашалаған|аударған)(?:дарың|дерің)[ыі]з\w*(?: үшін)?(?: көп)? рахмет
(?:арна|канал)(?:ымыз|мыз|ым)?(?:ға|а) жазыл\w+|лайк бас\w+
келесі (?:бейне|видео|хабар|бағдарлама)\w*(?: \w+)? (?:дейін|кездес\w+)
(?:thanks|thank you)(?: so| very| much| all| guys)* for (?:watching|viewing|listening|tuning in)
(?:like(?: comment)?(?: share)? and )?subscribe(?: to (?:my|our|the|this) channel)?
see you(?: all| guys)?(?: in (?:the|my|our))? next (?:video|episode|one)
to be continued|(?:sub\w+|caption\w*|transcri\w+|translat\w+) by(?: \w+){1,6}|www mooji org
copyright(?: \w+){0,4} all rights reserved
izlediğiniz için|abone ol\w*|altyazı m k|(?:\w+ )*sesli betimleme(?: \w+)*
gracias por ver|suscr[ií]b\w+ al canal|obrigad\w por assistir|merci d avoir regard\w+
(?:vielen )?dank fürs? (?:s )?zuschauen
(?:sous titr|untertitel|sottotitol|subt[ií]tul|legendas|napisy)\w*(?: \w+){0,6}
[^a-zа-я]*(?:ご視聴|チャンネル登録|字幕|시청해|구독|订阅|訂閱|点赞|點讚)[^a-zа-я]*
""".replace("{made}", _MADE)
"""How films and video blogs end, in capitals and stops no more: Russian, Ukrainian, Kazakh (said to
many at once, as to no shop), English, and languages that Whisper takes Kazakh for."""

_BESIDE = r"""
спасибо|благодарю|вам|вас|всем|с вами|большое|за внимание|пока|до встречи|увидимся|до свидания|удачи
всего|доброго|хорошего|друзья|зрители|комментарии|пишите|и|а|на|не забудьте|не забывайте
пожалуйста|смотрите|этого|нашего|моего|наш|мой|этот|видео|ролика|канал\w*
рахмет|назарларыңызға|ұмытпаңыз\w*|сау бол\w*
thank you|thanks|bye|everyone|please|don t forget to|i ll|this|my|the|our|peace|channel
teşekkür\w*|eder\w*|unutma\w*|videoyu|beni|cette|vid[eé]o|бейне\w*|назар
"""
"""What may stand beside them; alone it may have been said to us."""


def _any_of(phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(rf"\b(?:{line})\b" for line in phrases.split("\n") if line))


_END, _FILLER = _any_of(_ENDS), _any_of(_BESIDE)

_NOTHING = re.compile(
    r"you|the end|конец фильма|аплодисменты|тишина|(?:играет |звучит )?(?:\w+ая )?музыка"
)
_SOUNDS = re.compile(
    r"\b(?:музык|мелоди|песн|аплодис|смех|шум|гудок|гудки|сигнал|лай|выстрел|взрыв|перестрел|сирен|стук"
    r"|звонок|каш[её]л|плач|крик|тишин|вздох|свист|по[её]т|music|applause|laughter|silence|noise)"
)
_CAPTION_WORDS = 5
_LONGEST_END = 1000
_SENTENCES = re.compile(r"(?<=[.!?…])\s+|\n+")


def spoken(written: str) -> str:
    """What of a transcript was really said: no remarks on noise, no credits, no ends of films."""
    sentences = _SENTENCES.split(_without_notes(written[: 2 * LONGEST]))
    text = " ".join(part for part in sentences if _COMMUNITY not in part.lower())
    text = " ".join(_CREDIT.sub(" ", text).split())[:LONGEST]
    silent = not any(map(str.isalnum, text)) or _ASIDES.fullmatch(text)
    return "" if silent or _is_caption(text) or _is_end(text) else text


def _without_notes(written: str) -> str:
    """No remarks, nor those around them: «[шум [музыка]]»."""
    while (less := _NOTE.sub(" ", written)) != written:
        written = less
    return written


def _is_caption(text: str) -> bool:
    """«СПОКОЙНАЯ МУЗЫКА», «ЛАЙ СОБАК»: sounds in capitals, as captions have them."""
    few = len(text.split()) <= _CAPTION_WORDS
    return few and text.isupper() and _SOUNDS.search(text.lower()) is not None


def _is_end(text: str) -> bool:
    """Whether this is the end of a film and nothing else; it asks nothing."""
    if len(text) > _LONGEST_END or "?" in text:
        return False
    lower = text.casefold().replace("\u0307", "")  # the dot that «İ» leaves behind
    plain = " ".join(re.sub(r"[\W_]+", " ", lower).split())
    left, ends = _END.subn(" ", plain)
    return _NOTHING.fullmatch(plain) is not None or (
        ends > 0 and not _FILLER.sub(" ", left).strip()
    )
