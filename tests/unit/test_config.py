"""Settings: what may be written, what is said about what may not."""

from __future__ import annotations

import stat
from datetime import time
from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import ConfigError, Secret, Settings, admin_api_key, wants_demo
from app.domain.events import Language
from app.domain.rules import Purpose


def load(dotenv: Path | None = None, /, **environ: str) -> Settings:
    return Settings.load(environ, dotenv)


def faults(dotenv: Path | None = None, /, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as raised:
        Settings.load(environ, dotenv)
    return raised.value.faults


def test_nothing_set_means_the_defaults() -> None:
    assert load() == Settings()
    assert load().ai_seller_quiet_hours == (time(21), time(9))
    assert load().ai_seller_send_interval_seconds == (30, 60)
    assert load().ai_seller_languages == (Language.RU, Language.KK)
    assert load().redis_url is None


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORT=9001\nSHOP_NAME='Дом и сад'  # ours\nexport SHOP_ID=dom\n", "utf-8")
    settings = load(dotenv, PORT="9002")
    assert (settings.port, settings.shop_name, settings.shop_id) == (9002, "Дом и сад", "dom")


def test_a_file_saved_by_notepad_is_read(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_bytes("\ufeffPORT=9001\r\nSHOP_ID=dom\r\n".encode())
    assert load(dotenv).port == 9001


def test_a_value_is_taken_as_written(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("WAHA_API_KEY=a${HOME}b\n", "utf-8")
    assert load(dotenv).waha_api_key == Secret("a${HOME}b")


def test_empty_means_unset() -> None:
    settings = load(PORT="", REDIS_URL=" ", AI_SELLER_OPT_OUT_KEYWORDS="")
    assert settings == Settings()


def test_empty_quiet_hours_mean_none() -> None:
    assert load(AI_SELLER_QUIET_HOURS="").ai_seller_quiet_hours is None


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("AI_SELLER_ENABLED", "False", False),
        ("AI_SELLER_TEST_MODE", "1", True),
        ("AI_SELLER_URL", "https://bot.example/", "https://bot.example"),
        ("AI_SELLER_QUIET_HOURS", "22:30–8:00", (time(22, 30), time(8))),
        ("AI_SELLER_SEND_INTERVAL_SECONDS", "0", (0, 0)),
        ("AI_SELLER_SEND_INTERVAL_SECONDS", "1.5 - 2", (1.5, 2)),
        ("AI_SELLER_COOLDOWN_HOURS", "0.5", 0.5),
        ("AI_SELLER_TIMEZONE", "Asia/Qyzylorda", ZoneInfo("Asia/Qyzylorda")),
        ("AI_SELLER_LANGUAGES", "kk, ru", (Language.KK, Language.RU)),
        ("AI_SELLER_OPT_OUT_KEYWORDS", "хватит, жетер ,", ("хватит", "жетер")),
        ("AI_SELLER_TRUSTED_NETWORKS", "10.0.0.0/8", (ip_network("10.0.0.0/8"),)),
        ("AI_SELLER_TRUSTED_NETWORKS", "none", ()),
        ("AI_SELLER_PURPOSES_OFF", "handed_over", (Purpose.HANDED_OVER,)),
        (
            "AI_SELLER_PURPOSES_OFF",
            "Review-Request , reminder,reminder",
            (Purpose.REVIEW_REQUEST, Purpose.REMINDER),
        ),
        ("KASPI_API_TOKEN", "\tQUJD/+==\n", Secret("QUJD/+==")),
        ("REDIS_URL", "rediss://:pw@host:6380/1", Secret("rediss://:pw@host:6380/1")),
        ("REDIS_URL", "unix:///run/v.sock", Secret("unix:///run/v.sock")),
        ("KASPI_WEBHOOK_SECRET", "whsec_c2VjcmV0", Secret("whsec_c2VjcmV0")),
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("LOG_FORMAT", "JSON", "json"),
        ("OPENAI_TEMPERATURE", "2", 2.0),
    ],
)
def test_a_setting_is_read_as_meant(name: str, text: str, expected: object) -> None:
    assert getattr(load(**{name: f"  {text} "}), name.lower()) == expected


@pytest.mark.parametrize(
    ("name", "text", "advice"),
    [
        ("AI_SELLER_ENABLED", "maybe", "write true or false"),
        ("PORT", "eighty", "write a whole number from 0 to 65535"),
        ("PORT", "70000", "from 0 to 65535"),
        ("PORT", "٨٠", "from 0 to 65535"),
        ("AI_SELLER_HOST", "http://0.0.0.0", "write an address or a host name alone"),
        ("AI_SELLER_URL", "localhost:8080", "write a whole address"),
        ("WAHA_API_ENDPOINT", "http://waha:port", "write a whole address"),
        ("AI_SELLER_COOLDOWN_HOURS", "nan", "write a number"),
        ("AI_SELLER_COOLDOWN_HOURS", "-1", "write a number from 0"),
        ("OPENAI_TEMPERATURE", "2.5", "from 0 to 2"),
        ("AI_SELLER_QUIET_HOURS", "21-9", "21:00-09:00"),
        ("AI_SELLER_QUIET_HOURS", "25:00-09:00", "21:00-09:00"),
        ("AI_SELLER_QUIET_HOURS", "09:00-09:00", "start and end are the same"),
        ("AI_SELLER_SEND_INTERVAL_SECONDS", "60-30", "shortest-longest"),
        ("AI_SELLER_TIMEZONE", "Asia/Atlantis", "such as Asia/Almaty"),
        ("AI_SELLER_TIMEZONE", "../etc/passwd", "such as Asia/Almaty"),
        ("AI_SELLER_LANGUAGES", "ru,en", "write ru,kk"),
        ("AI_SELLER_LANGUAGES", "ru,ru", "write ru,kk"),
        ("AI_SELLER_TRUSTED_NETWORKS", "10.0.0.1/8", "host bits"),
        ("REDIS_URL", "localhost:6379", "write redis://"),
        ("AI_SELLER_PURPOSES_OFF", "handed", "some of post_purchase, order_delivered"),
        ("AI_SELLER_PURPOSES_OFF", "reply", "some of post_purchase, order_delivered"),
        ("SHOP_ID", "a/b", "write letters"),
        ("LOG_LEVEL", "LOUD", "write DEBUG or INFO"),
        ("WAHA_API_KEY", "sha512:abcdef", "the plain key"),
        ("OPENAI_API_KEY", "ключ", "Latin letters"),
        ("KASPI_WEBHOOK_SECRET", "whsec_!", "base64"),
    ],
)
def test_a_fault_says_the_name_and_what_to_write(name: str, text: str, advice: str) -> None:
    (fault,) = faults(**{name: text})
    assert fault.startswith(name)
    assert advice in fault


def test_all_faults_are_told_at_once() -> None:
    told = faults(PORT="x", AI_SELLER_ENABLED="x", AI_SELLER_PORT="80")
    assert sorted(fault.split()[0].rstrip(":") for fault in told) == [
        "AI_SELLER_ENABLED", "AI_SELLER_PORT", "PORT",
    ]  # fmt: skip


def test_settings_that_contradict_each_other_are_a_fault() -> None:
    (fault,) = faults(AI_SELLER_DEBOUNCE_SECONDS="20")
    assert "AI_SELLER_DEBOUNCE_MAX_SECONDS" in fault
    assert "20 or more" in fault


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("AI_SELLER_COOLDOWN_HOUR", "AI_SELLER_COOLDOWN_HOURS"),
        ("AI_SELLER_QUITE_HOURS", "AI_SELLER_QUIET_HOURS"),
        ("WAHA_ENDPOINT", "WAHA_API_ENDPOINT"),
        ("WAHA_HMAC_KEY", "WAHA_WEBHOOK_HMAC_KEY"),
        ("OPENAI_MODLE", "OPENAI_MODEL"),
        ("KASPI_TOKEN", "KASPI_API_TOKEN"),
        ("SHOP_NAMES", "SHOP_NAME"),
        ("GOOGLE_SHEET", "GOOGLE_SHEET_URL"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest_one(wrong: str, meant: str) -> None:
    assert faults(**{wrong: "x"}) == (f"{wrong}: unknown name; did you mean {meant}?",)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("WAHA_DASHBOARD_PASSWORD", "x"),
        ("WAHA_BASE_URL", "http://localhost:3000"),
        ("WAHA_MEDIA_STORAGE", "LOCAL"),
        ("WAHA_PRINT_QR", "False"),
        ("OPENAI_ORG_ID", "org"),
        ("OPENAI_LOG", "info"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/key.json"),
        ("WAHA_SERVICE_HOST", "10.0.0.7"),
        ("AI_SELLER_PORT", "tcp://10.0.0.7:8080"),
        ("AI_SELLER_PORT_8080_TCP_ADDR", "10.0.0.7"),
        ("PATH", "/bin"),
    ],
)
def test_names_of_other_programs_are_left_alone(name: str, text: str) -> None:
    assert load(**{name: text}) == Settings()


def test_a_line_of_the_file_that_sets_nothing_is_a_fault(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORT=9001\nSHOP NAME: x\n", "utf-8")
    assert faults(dotenv) == (f"{dotenv} line 2: write NAME=value",)


def test_a_file_that_is_no_text_is_a_fault(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(b"SHOP_NAME=\xff\xfe\n")
    assert "save it as UTF-8" in faults(dotenv)[0]


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126)))
def test_a_secret_is_never_in_a_fault_or_in_print(ending: str) -> None:
    text = f"Zq9!{ending}"
    hidden = f"{text} {text}"
    for name in ("OPENAI_API_KEY", "ADMIN_API_KEY", "REDIS_URL", "KASPI_WEBHOOK_SECRET"):
        assert text not in faults(**{name: hidden})[0].removeprefix(name)
    shown = Secret(text)
    assert (str(shown), repr(shown), f"{shown}") == ("***",) * 3
    assert shown.reveal() == text


def test_a_password_in_an_address_is_not_told() -> None:
    assert "pw" not in faults(WAHA_API_ENDPOINT="ftp://user:pw@host/")[0].split(":", 1)[0]


def test_settings_in_print_hide_their_secrets() -> None:
    settings = load(ADMIN_API_KEY="open-sesame", REDIS_URL="redis://:open-sesame@host")
    assert "open-sesame" not in repr(settings)


def test_nothing_configured_wants_the_demo(tmp_path: Path) -> None:
    nowhere = tmp_path / ".env"
    assert wants_demo(load(), dotenv=nowhere)
    assert not wants_demo(load(WAHA_API_ENDPOINT="http://waha:3000"), dotenv=nowhere)
    nowhere.touch()
    assert not wants_demo(load(), dotenv=nowhere)


def test_an_admin_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(Settings(), ai_seller_data_dir=tmp_path / "data")
    key, path = admin_api_key(settings)
    assert admin_api_key(settings) == (key, path)
    assert len(key.reveal()) >= 32
    assert path == tmp_path / "data" / "admin.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_an_admin_key_that_is_set_is_not_written_down(tmp_path: Path) -> None:
    settings = load(ADMIN_API_KEY="sesame", AI_SELLER_DATA_DIR=str(tmp_path))
    assert admin_api_key(settings) == (Secret("sesame"), None)
    assert list(tmp_path.iterdir()) == []
