"""Voice notes as text: what is asked, what is made of each answer, and what nobody said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpx import HTTPXMock

from app.demo.faults import Slow, Status
from app.demo.model import Cut, EmulatedModel
from app.demo.server import serving
from app.domain.events import Language
from app.errors import AiSellerError, Permanent, Transient
from app.gateways.transcriber import LONGEST, Transcriber, Transcript, spoken
from app.world import World

URL = "http://model.test/v1/audio/transcriptions"
KEY = "sk-very-secret-key"
OGG = "audio/ogg; codecs=opus"


class Now(World):
    def now(self) -> datetime:
        return datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
async def ours() -> AsyncIterator[Transcriber]:
    transcriber = Transcriber(
        model="whisper-1",
        key=KEY,
        base_url="http://model.test/v1",
        world=Now(),
        minute_price=0.006,
    )
    yield transcriber
    await transcriber.close()


@asynccontextmanager
async def emulated(**more: Any) -> AsyncIterator[tuple[EmulatedModel, Transcriber]]:
    model = EmulatedModel(KEY)
    async with serving(model.app) as url:
        about: dict[str, Any] = {"model": "small", "key": KEY, "world": Now()}
        about |= {"base_url": f"{url}/v1"} | more
        transcriber = Transcriber(**about)
        yield model, transcriber
        await transcriber.close()


async def failure(transcriber: Transcriber) -> AiSellerError:
    with pytest.raises(AiSellerError) as error:
        await transcriber.transcribe(b"say:Hello", mimetype=OGG)
    return error.value


def form(request: httpx.Request) -> dict[str, bytes]:
    """The parts of a form by name, each with what is said of it."""
    boundary = request.headers["Content-Type"].partition("boundary=")[2].encode()
    parts = request.content.split(b"--" + boundary)[1:-1]
    return {part.partition(b'name="')[2].partition(b'"')[0].decode(): part for part in parts}


# -- what is asked


async def test_a_voice_note_becomes_what_was_said_in_it() -> None:
    async with emulated(minute_price=0.006) as (model, ours):
        model.seconds = 30.0
        said = await ours.transcribe("say:Қайда менің тапсырысым?".encode(), mimetype=OGG)
        assert said == Transcript(text="Қайда менің тапсырысым?", seconds=30.0, cost=0.003)
        (heard,) = model.heard
        assert (heard.filename, heard.mimetype) == ("voice.ogg", "audio/ogg")
        assert heard.asked == {"model": "small", "response_format": "verbose_json"}


@pytest.mark.parametrize(
    ("mimetype", "sound", "name"),
    [
        (OGG, b"x", b"voice.ogg"),
        ("AUDIO/OGG", b"x", b"voice.ogg"),
        ("audio/mpeg", b"x", b"voice.mp3"),
        ("audio/mp4", b"x", b"voice.m4a"),
        ("audio/x-m4a; rate=8000", b"x", b"voice.m4a"),
        ("audio/wav", b"x", b"voice.wav"),
        ("audio/webm;codecs=opus", b"x", b"voice.webm"),
        (None, b"OggS\x00", b"voice.ogg"),
        ("application/octet-stream", b"ID3\x04", b"voice.mp3"),
        ("application/octet-stream", b"\x00\x00\x00\x20ftypM4A ", b"voice.m4a"),
        ("", b"RIFF\x00", b"voice.wav"),
        ("text/html\r\nX-Evil: 1", b"x", b"voice.ogg"),
        (None, b"nobody knows", b"voice.ogg"),
    ],
)
async def test_a_sound_is_named_after_its_kind(
    ours: Transcriber, httpx_mock: HTTPXMock, *, mimetype: str | None, sound: bytes, name: bytes
) -> None:
    httpx_mock.add_response(url=URL, json={"text": "Алло"})
    await ours.transcribe(sound, mimetype=mimetype)
    (request,) = httpx_mock.get_requests()
    assert b'filename="' + name + b'"' in form(request)["file"]
    assert b"X-Evil" not in request.content
    assert request.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("language", "hint"),
    [(None, None), (Language.KK, b"kk"), (Language.RU, b"ru"), (Language.EN, b"en")],
)
async def test_only_a_sure_language_is_hinted_at(
    ours: Transcriber, httpx_mock: HTTPXMock, *, language: Language | None, hint: bytes | None
) -> None:
    httpx_mock.add_response(json={"text": "Сәлем"})
    await ours.transcribe(b"x", language=language)
    part = form(httpx_mock.get_requests()[0]).get("language")
    assert (part is None) if hint is None else (part is not None and hint in part)


async def test_of_an_empty_sound_nobody_is_asked(ours: Transcriber, httpx_mock: HTTPXMock) -> None:
    assert await ours.transcribe(b"", mimetype=OGG) == Transcript(text="")
    assert httpx_mock.get_requests() == []


async def test_a_local_server_needs_no_key(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url=URL, json={"text": "Алло"})
    local = Transcriber(model="base", key="", base_url="http://model.test/v1", world=Now())
    assert (await local.transcribe(b"x")).text == "Алло"
    await local.close()


@pytest.mark.parametrize(
    "complaint",
    [
        {"message": "not compatible with model", "param": "response_format"},
        {"message": "response_format 'verbose_json' is not supported", "param": None},
    ],
)
async def test_a_format_that_a_model_does_not_know_is_asked_for_once(
    ours: Transcriber, httpx_mock: HTTPXMock, complaint: dict[str, Any]
) -> None:
    httpx_mock.add_response(status_code=400, json={"error": complaint})
    httpx_mock.add_response(json={"text": "Алло"}, is_reusable=True)
    for _ in range(2):
        assert (await ours.transcribe(b"x")).text == "Алло"
    formats = [form(request)["response_format"] for request in httpx_mock.get_requests()]
    assert [b"verbose_json" in part for part in formats] == [True, False, False]


async def test_a_language_that_a_server_does_not_know_is_not_hinted_at_again(
    ours: Transcriber, httpx_mock: HTTPXMock
) -> None:
    complaint = {"error": {"message": "unsupported language", "param": "language"}}
    httpx_mock.add_response(status_code=400, json=complaint)
    httpx_mock.add_response(json={"text": "Сәлем"}, is_reusable=True)
    for language in (Language.KK, Language.KK, Language.RU):
        await ours.transcribe(b"x", language=language)
    hints = [form(request).get("language", b"") for request in httpx_mock.get_requests()]
    assert [hint.strip()[-2:] for hint in hints] == [b"kk", b"", b"", b"ru"]


# -- what is made of an answer


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ({}, None),
        ({"duration": 12.5}, 12.5),
        ({"duration": "12.5"}, 12.5),
        ({"usage": {"type": "duration", "seconds": 13}}, 13.0),
        ({"duration": 12.5, "usage": {"type": "duration", "seconds": 13}}, 13.0),
        ({"duration": 12.5, "usage": {"type": "tokens", "total_tokens": 40}}, 12.5),
        ({"duration": 12.5, "usage": None}, 12.5),
        ({"duration": "long", "usage": []}, None),
        ({"duration": -1}, None),
        ({"duration": True}, 1.0),
        ({"duration": "nan", "usage": {"seconds": "inf"}}, None),
    ],
)
async def test_a_minute_is_paid_for_where_the_answer_tells_how_long_it_was(
    ours: Transcriber, httpx_mock: HTTPXMock, *, answer: dict[str, Any], seconds: float | None
) -> None:
    httpx_mock.add_response(json={"text": "Алло"} | answer)
    said = await ours.transcribe(b"x")
    assert said.seconds == seconds
    assert said.cost == pytest.approx((seconds or 0) / 60 * 0.006)


async def test_a_long_speech_is_cut(ours: Transcriber, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"text": "ой " * 100_000})
    assert len((await ours.transcribe(b"x")).text) == LONGEST


@pytest.mark.parametrize(
    "body", [b"", b"Hello", b"[]", b"{}", b'{"text":null}', b'{"text":7}', b"<html>", b"\xff"]
)
async def test_an_answer_without_a_text_is_nonsense(
    ours: Transcriber, httpx_mock: HTTPXMock, body: bytes
) -> None:
    httpx_mock.add_response(content=body)
    error = await failure(ours)
    assert (type(error), error.code) == (Permanent, "nonsense")


# -- failures

SECRET = "Invalid key sk-very-secret-key"
REFUSALS: list[tuple[int, str | None, type[AiSellerError], str]] = [
    (400, None, Permanent, "unreadable"),
    (400, "model_not_found", Permanent, "config"),
    (413, None, Permanent, "unreadable"),
    (415, None, Permanent, "unreadable"),
    (422, None, Permanent, "unreadable"),
    (401, "invalid_api_key", Permanent, "config"),
    (403, None, Permanent, "config"),
    (404, "model_not_found", Permanent, "config"),
    (408, None, Transient, "server"),
    (429, "rate_limit_exceeded", Transient, "rate_limit"),
    (500, None, Transient, "server"),
    (503, None, Transient, "server"),
]


@pytest.mark.parametrize(("status", "code", "kind", "ours_code"), REFUSALS)
async def test_a_refusal_has_its_kind(
    ours: Transcriber,
    httpx_mock: HTTPXMock,
    *,
    status: int,
    code: str | None,
    kind: type[AiSellerError],
    ours_code: str,
) -> None:
    body = {"error": {"message": SECRET, "type": "x", "param": None, "code": code}}
    httpx_mock.add_response(status_code=status, json=body)
    error = await failure(ours)
    assert (type(error), error.code) == (kind, ours_code)
    assert "secret" not in error.reason
    assert len(httpx_mock.get_requests()) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (httpx.ConnectError("refused"), "connection"),
        (httpx.ReadError(""), "connection"),
        (httpx.ReadTimeout(""), "timeout"),
    ],
)
async def test_a_silence_may_be_asked_again(
    ours: Transcriber, httpx_mock: HTTPXMock, *, error: Exception, code: str
) -> None:
    httpx_mock.add_exception(error)
    failed = await failure(ours)
    assert (type(failed), failed.code) == (Transient, code)


async def test_a_server_that_fails_is_asked_again_and_then_answers() -> None:
    async with emulated() as (model, ours):
        model.transcripts.extend([Status(429, headers={"Retry-After": "3"}), Cut(), "Стоп"])
        limited = await failure(ours)
        assert isinstance(limited, Transient)
        assert (limited.code, limited.retry_after) == ("rate_limit", 3.0)
        assert (await failure(ours)).code == "connection"
        assert (await ours.transcribe(b"x")).text == "Стоп"


async def test_an_answer_that_does_not_come_is_not_waited_for() -> None:
    async with emulated(timeout=0.05) as (model, ours):
        model.transcripts.append(Slow(60))
        error = await failure(ours)
        assert (type(error), error.code) == (Transient, "timeout")


async def test_a_wrong_key_is_a_setting() -> None:
    async with emulated(key="other") as (_, ours):
        error = await failure(ours)
        assert (type(error), error.code) == (Permanent, "config")


# -- what nobody said

NOBODY = """
...
…!
♪♪♪
♪ ла-ла-ла ♪
[музыка]
[BLANK_AUDIO] [ Музыка ]
(music)
*вздыхает*
<|nospeech|>
you
Музыка
АПЛОДИСМЕНТЫ
ТРЕВОЖНАЯ МУЗЫКА
ШУМ ДВИГАТЕЛЯ
Продолжение следует...
Смотрите продолжение в следующей серии...
Субтитры сделал DimaTorzok
Субтитры создавал DimaTorzok Субтитры создавал DimaTorzok
Субтитры подготовила Анна Петрова
Редактор субтитров М.Лосева Корректор А.Егорова
РЕДАКТОР СУБТИТРОВ А. СИНЕЦКАЯ КОРРЕКТОР А. ЕГОРОВА
Субтитры предоставлены сообществом Amara.org
Спасибо за просмотр!
Спасибо за просмотр, подписывайтесь на наш канал, ставьте лайки. Всем пока!
Увидимся в следующем видео, друзья!
С вами был Игорь Негода.
Корректор А.Кулакова
Спокойная музыка.
Transcribed by https://otter.ai
Бейнебаянды көргендеріңізге рахмет
Дякую за перегляд!
Жалғасы бар
Көргендеріңізге көп рахмет!
Арнамызға жазылыңыздар.
Thanks for watching!
Thank you all for watching. Don't forget to like and subscribe!
See you in the next video. Bye.
Subtitles by the Amara.org community
To be continued...
İzlediğiniz için teşekkür ederim.
Altyazı M.K.
Untertitelung des ZDF, 2020
Sous-titrage ST' 501
ご視聴ありがとうございました
시청해 주셔서 감사합니다
请不吝点赞 订阅 转发 打赏支持明镜与点点栏目
""".strip().splitlines()


@pytest.mark.parametrize("written", NOBODY)
def test_what_is_written_of_silence_was_not_said(written: str) -> None:
    assert spoken(written) == ""


SOMEBODY = """
Стоп
СТОП!
Стоп, стоп, стоп, стоп.
Не пишите мне больше
Отпишите меня
Хватит слать рекламу
Маған жазбаңыз
Тоқтатыңыз
Please unsubscribe me
Да
Угу
46
+7 701 123 45 67
Алло
Спасибо
Спасибо за внимание
Спасибо большое, до свидания!
Спасибо за быструю доставку
Рахмет, сау болыңыз
Қарағаныңызға рахмет
Thank you very much
Bye
Всем пока
До встречи
Субтитры на казахском есть?
А субтитры сделали на казахском?
Нужен телевизор с субтитрами
Колонка сама играет музыку?
Громкая музыка ночью, что за будильник
ЗВОНИТЕ МНЕ
На видео куртка синяя, а пришла чёрная
В новых роликах сломалось колесо
Где подписаться на рассылку?
Подпишите накладную
Коробка 90*200*30 (большая)
Продолжение гарантии сколько стоит?
Автор Абай есть?
С вами была договорённость
Корректор Erich Krause есть?
Музыкальный центр есть в наличии?
Аплодисменты вашему сервису!
See you tomorrow
""".strip().splitlines()


@pytest.mark.parametrize("said", SOMEBODY)
def test_what_a_customer_says_is_kept(said: str) -> None:
    assert spoken(said) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[музыка] Здравствуйте, сколько стоит?", "Здравствуйте, сколько стоит?"),
        ("[шум [музыка] за окном] Сколько стоит?", "Сколько стоит?"),
        ("Когда привезут? Субтитры сделал DimaTorzok", "Когда привезут?"),
        ("Стоп. Субтитры создавал DimaTorzok", "Стоп."),
        ("Где заказ? Редактор субтитров А.Семкин Корректор А.Егорова", "Где заказ?"),
        ("Есть L? Субтитры от сообщества Amara.org", "Есть L?"),
        ("  Бағасы \n қанша?  ", "Бағасы қанша?"),
        ("Не пишите. Продолжение следует...", "Не пишите. Продолжение следует..."),
    ],
)
def test_what_was_said_beside_it_is_kept(written: str, said: str) -> None:
    assert spoken(written) == said


@given(st.text(max_size=200))
def test_nothing_is_added_to_what_was_written(written: str) -> None:
    said = spoken(written)
    assert set(said) <= set(written) | {" "}
    assert spoken(said) in {said, ""}
