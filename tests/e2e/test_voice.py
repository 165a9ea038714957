"""Voice notes, pictures, files, places and calls: answered as text, or honestly not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.demo.faults import Status
from app.demo.waha_files import Endless, FileFault
from tests.builders import PHONE
from tests.e2e.stage import Stage, on_stage

HEARS: dict[str, Any] = {"OPENAI_TRANSCRIBE_MODEL": "emulated"}
SHOP: dict[str, Any] = {"AI_SELLER_SHOP_FACTS_FILE": "app/demo/shop_facts.toml"}


async def says(stage: Stage, words: str, **about: Any) -> None:
    """The customer sends a voice note with these words, and a minute passes."""
    await stage.phone().speaks(f"say:{words}".encode(), **about)
    await stage.advance(minutes=1)


async def writes(stage: Stage, text: str) -> None:
    """The customer writes, and a minute passes."""
    await stage.phone().writes(text)
    await stage.advance(minutes=1)


async def theirs(stage: Stage) -> list[Any]:
    """The customer's messages, by the API."""
    return [m for m in await stage.messages() if m["author"] == "customer"]


async def needs(stage: Stage) -> Any:
    """Why a person is called to this customer, or None."""
    return (await stage.contact())["needs_person"]


def told(stage: Stage) -> str:
    """All that the model was told last."""
    return json.dumps(stage.model.requests[-1], ensure_ascii=False)


# --- voice notes that are heard ---------------------------------------------------------------


async def test_a_voice_note_is_answered_as_if_it_had_been_written(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        await stage.ordered()
        await stage.advance(minutes=5)
        await says(stage, "Где мой заказ?")
        assert len(stage.texts) == 2
        assert "Где мой заказ?" in told(stage)
        [note] = await theirs(stage)
        assert (note["text"], note["media"]) == ("Где мой заказ?", "voice")
        assert await needs(stage) is None


async def test_a_kazakh_voice_note_is_answered_in_kazakh(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        await says(stage, "Сәлеметсіз бе, тапсырысым қайда?")
        assert any(letter in "әғқңөұүһі" for letter in stage.texts[0])
        assert (await stage.contact())["language"] == "kk"


async def test_what_is_said_and_written_in_a_row_gets_one_answer_in_order(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        phone = stage.phone()
        await phone.writes("Здравствуйте, первый вопрос: где заказ")
        await stage.waha.delivered()
        await phone.speaks("say:второй вопрос, а гарантия есть".encode())
        await stage.waha.delivered()
        await phone.writes("и третий вопрос, сколько стоит")
        await stage.advance(minutes=1)
        assert len(stage.texts) == 1
        assert len(stage.model.requests) == 1
        places = [told(stage).rindex(word) for word in ("первый", "второй", "третий")]
        assert places == sorted(places)


async def test_two_voice_notes_are_heard_in_order(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        phone = stage.phone()
        await phone.speaks("say:Сначала вот что".encode())
        await stage.waha.delivered()
        await phone.speaks("say:Ещё вот это".encode())
        await stage.advance(minutes=1)
        assert [note["text"] for note in await theirs(stage)] == ["Сначала вот что", "Ещё вот это"]
        assert len(stage.texts) == 1


async def test_a_complaint_in_a_voice_note_calls_a_person(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        await stage.ordered("ORDER_DELIVERED")
        await stage.advance(minutes=5)
        await says(stage, "Куртка порвана, верните деньги")
        assert (await needs(stage))["reason"] == "refund"
        assert (await stage.messages())[-1]["purpose"] == "handoff_notice"
        assert "порвана" in (await needs(stage))["summary"]


async def test_praise_in_a_voice_note_gets_the_review_link(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        await stage.ordered("ORDER_DELIVERED")
        await stage.advance(minutes=5)
        await says(stage, "Всё отлично, большое спасибо")
        assert "productreview" in stage.texts[-1]


async def test_with_the_model_down_a_voice_note_is_answered_from_facts(store_url: str) -> None:
    async with on_stage(store_url, **HEARS, **SHOP) as stage:
        stage.model.script.append(Status(500))
        await says(stage, "Какая гарантия?")
        assert "12 месяцев" in stage.texts[0]


async def test_what_hearing_costs_is_counted(store_url: str) -> None:
    async with on_stage(store_url, OPENAI_TRANSCRIBE_PRICE_PER_MINUTE="0.6", **HEARS) as stage:
        stage.model.seconds = 30.0
        await says(stage, "стоп")
        costs = (await stage.api.get("/ai-seller/costs")).json()
        assert costs["total"]["requests"] == 1
        assert costs["total"]["cost"] == pytest.approx(0.3)
        assert [(day["purpose"], day["shop"]) for day in costs["days"]] == [("reply", "default")]
        assert costs["budget"]["spent_today"] == pytest.approx(0.3)


async def test_a_voice_note_told_twice_is_heard_and_answered_once(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        stage.waha.twice = True
        await says(stage, "Где мой заказ?")
        assert len(stage.model.heard) == 1
        assert len(stage.texts) == 1


async def test_a_file_that_waha_has_only_later_is_asked_for_again(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        stage.waha.files.faults.append(Status(404))
        await says(stage, "Где мой заказ?")
        assert [note["text"] for note in await theirs(stage)] == ["Где мой заказ?"]
        assert await needs(stage) is None


async def test_an_address_elsewhere_is_not_gone_to(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        stage.waha.files.told_at = "http://evil.example:9"
        await says(stage, "Где мой заказ?")
        assert len(stage.model.heard) == 1  # the path alone counts, and WAHA alone is asked


async def test_a_voice_note_after_a_stop_is_answered(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        await writes(stage, "стоп")
        await says(stage, "А где мой заказ?")
        assert len(stage.texts) == 2
        assert (await stage.contact())["opted_out"] is True


async def test_while_people_own_the_chat_a_voice_note_is_left_to_them(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        await stage.waha.owner_writes(PHONE, "Здравствуйте, это Асель")
        await stage.settle()
        await says(stage, "Где мой заказ?")
        assert stage.texts == []


# --- voice notes that are not -----------------------------------------------------------------


async def is_honest_about_voice(stage: Stage) -> None:
    """One text that says who will listen, and a person called."""
    [text] = stage.texts
    assert "продав" in text
    assert "олосово" in text
    person = await needs(stage)
    assert person["reason"] == "media:voice"
    assert person["told"] is True
    assert stage.model.requests == []


async def test_without_transcription_a_person_listens(stage: Stage) -> None:
    await says(stage, "Где мой заказ?")
    await is_honest_about_voice(stage)
    assert stage.model.heard == []


async def test_silence_is_not_answered_as_words(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        await stage.phone().sends_voice()
        await stage.advance(minutes=1)
        await is_honest_about_voice(stage)


async def test_what_whisper_dreams_of_is_not_answered(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        stage.model.transcripts.append("Субтитры сделал DimaTorzok")
        await stage.phone().sends_voice()
        await stage.advance(minutes=1)
        await is_honest_about_voice(stage)


async def test_a_file_that_cannot_be_had_is_a_persons(store_url: str) -> None:
    cases: tuple[tuple[FileFault, ...], ...] = (
        (Status(404),) * 3,
        (Status(500),) * 3,
        (Endless(),),
        (Status(302, None, {"Location": "/"}),),
    )
    async with on_stage(store_url, **HEARS) as stage:
        for n, faults in enumerate(cases):
            stage.waha.files.faults.clear()
            stage.waha.files.faults.extend(faults)
            phone = f"7705000000{n}"
            await stage.phone(phone).speaks("say:Где мой заказ?".encode())
            await stage.advance(minutes=1)
            assert "олосово" in stage.texts[n]
            person = (await stage.contact(phone))["needs_person"]
            assert (n, person["reason"], person["told"]) == (n, "media:voice", True)
        assert stage.model.heard == []


async def test_a_file_whatsapp_did_not_give_out_is_a_persons(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        await says(stage, "Где мой заказ?", failed=True)
        assert len(stage.texts) == 1
        assert (await needs(stage))["told"] is True


async def test_a_file_that_is_none_of_wahas_is_not_asked_for(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        stage.waha.files.told_at = "http://localhost:3000/api/sessions/default?of="
        await says(stage, "Где мой заказ?")
        await is_honest_about_voice(stage)
        asked = [seen.path for seen in stage.waha.requests if seen.method == "GET"]
        assert not any("/api/files" in path or "?of" in path for path in asked)


async def test_a_transcription_that_fails_is_a_persons(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        for n, code in enumerate((500, 401, 400, 429)):
            stage.model.transcripts.clear()
            stage.model.transcripts.extend([Status(code)] * 3)
            phone = f"7705000000{n}"
            await stage.phone(phone).speaks("say:Где мой заказ?".encode())
            await stage.advance(minutes=1)
            assert "олосово" in stage.texts[n]
            person = (await stage.contact(phone))["needs_person"]
            assert (code, person["reason"]) == (code, "media:voice")


async def test_a_transcription_that_failed_once_is_tried_again(store_url: str) -> None:
    async with on_stage(store_url, **HEARS) as stage:
        stage.model.transcripts.append(Status(500))
        await says(stage, "Где мой заказ?")
        assert [note["text"] for note in await theirs(stage)] == ["Где мой заказ?"]


async def test_the_same_voice_note_unheard_twice_is_told_once(stage: Stage) -> None:
    phone = stage.phone()
    await phone.sends_voice()
    await phone.sends_voice()
    await stage.advance(minutes=1)
    assert len(stage.texts) == 1


# --- what cannot be read ----------------------------------------------------------------------


async def test_what_the_bot_cannot_read_a_person_looks_at(stage: Stage) -> None:
    await stage.phone("77050000001").sends_image()
    await stage.phone("77050000002").hands(b"%PDF-1.7")
    await stage.phone("77050000003").is_at(43.238, 76.889)
    await stage.advance(minutes=1)
    assert len(stage.texts) == 3
    assert all("продав" in text and "от " in text for text in stage.texts)
    for n in (1, 2, 3):
        assert (await stage.contact(f"7705000000{n}"))["needs_person"]["told"] is True


async def test_in_kazakh_too(stage: Stage) -> None:
    await writes(stage, "Сәлеметсіз бе, тапсырысым қашан келеді?")
    await stage.phone().sends_image()
    await stage.advance(minutes=1)
    assert "сатушы" in stage.texts[-1].casefold()


async def test_a_caption_is_answered_and_a_person_looks_at_the_picture(store_url: str) -> None:
    async with on_stage(store_url, **SHOP) as stage:
        await stage.phone().shows(b"\xff\xd8\xff", "Какая гарантия на такое?")
        await stage.advance(minutes=1)
        assert len(stage.texts) == 1
        assert "12 месяцев" in stage.texts[0]
        assert (await needs(stage))["reason"] == "media:image"


async def test_a_complaint_in_a_caption_is_a_complaint(stage: Stage) -> None:
    await stage.ordered("ORDER_DELIVERED")
    await stage.advance(minutes=5)
    await stage.phone().shows(b"\xff\xd8\xff", "Пришла порванная")
    await stage.advance(minutes=1)
    assert (await needs(stage))["reason"] == "complaint"
    assert (await stage.messages())[-1]["purpose"] == "handoff_notice"


async def test_a_picture_is_told_to_the_model_as_one_it_has_not_seen(stage: Stage) -> None:
    await stage.phone().shows(b"\xff\xd8\xff", "Есть такая куртка?")
    await stage.advance(minutes=1)
    assert "[image] Есть такая куртка?" in json.dumps(stage.model.requests[0], ensure_ascii=False)


async def test_several_pictures_get_one_text(stage: Stage) -> None:
    phone = stage.phone()
    for _ in range(4):
        await phone.sends_image()
    await stage.advance(minutes=1)
    assert len(stage.texts) == 1


# --- calls ------------------------------------------------------------------------------------


async def test_a_call_gets_one_polite_text_a_day_and_a_person(stage: Stage) -> None:
    phone = stage.phone()
    for _ in range(3):
        await phone.calls()
        await stage.advance(minutes=10)
    [text] = stage.texts
    assert "сюда" in text
    assert (await needs(stage))["reason"] == "call"
    assert stage.model.requests == [] or len(stage.model.requests) == 1
    await stage.advance(hours=24)
    await phone.calls()
    await stage.advance(minutes=1)
    assert len(stage.texts) == 2


async def test_a_caller_is_answered_in_their_language(stage: Stage) -> None:
    await writes(stage, "Тапсырысым қайда екен?")
    await stage.phone().calls()
    await stage.advance(minutes=1)
    assert "қоңырау" in stage.texts[-1].casefold()


async def test_while_people_own_the_chat_a_call_gets_no_text(stage: Stage) -> None:
    await stage.waha.owner_writes(PHONE, "Здравствуйте, это Асель")
    await stage.settle()
    await stage.phone().calls()
    await stage.advance(minutes=1)
    assert stage.texts == []


async def test_a_call_after_a_stop_starts_nothing_else(stage: Stage) -> None:
    await stage.ordered("ORDER_DELIVERED")
    await stage.advance(minutes=5)
    await writes(stage, "стоп")
    await stage.phone().calls()
    await stage.advance(days=20)
    purposes = [m["purpose"] for m in await stage.messages() if m["direction"] == "out"]
    assert purposes == ["order_delivered", "opt_out_confirmation", "reply"]
