"""The shops file: read as written, every fault told with its place and without a secret."""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path
from textwrap import dedent

import pytest

from app.config import ConfigError, Secret, Settings, ShopSettings, is_open_to_others
from app.domain.events import Language
from app.domain.meaning import Topic
from app.domain.rules import Hours, OwnText, Purpose, Stated

RU, KK, EN = Language.RU, Language.KK, Language.EN
DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE, PAGE = DOCS / "shops.example.toml", DOCS / "shops.md"


def load(tmp_path: Path, text: str, /, **environ: str) -> Settings:
    path = tmp_path / "shops.toml"
    path.write_text(dedent(text), encoding="utf-8")
    return Settings.load({"AI_SELLER_SHOPS_FILE": str(path), **environ}, None)


def shops(tmp_path: Path, text: str, /, **environ: str) -> tuple[ShopSettings, ...]:
    return load(tmp_path, text, **environ).shops


def faults(tmp_path: Path, text: str, /, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, text, **environ)
    head = f"AI_SELLER_SHOPS_FILE is {str(tmp_path / 'shops.toml')[:60]!r}: "
    return tuple(fault.removeprefix(head) for fault in raised.value.faults)


# --- what is read -----------------------------------------------------------------------------


def test_every_key_is_read(tmp_path: Path) -> None:
    text = """
        [tdom]
        name = " Тёплый дом "
        session = "tdom_1"
        token = "  QUJD+/==\\t"
        merchant_uid = 30000001
        price_list = "https://tdom.example/prices/"
        sheet = "https://docs.google.com/spreadsheets/d/1abc/edit?gid=0#gid=0"
        languages = ["kk", "ru"]
        quiet_hours = ""
        max_messages = 5
        messages_window_days = 0
        cooldown_hours = 0.5
        max_daily_messages = "40"
        review_delay_hours = 24.0
        warm_up = true
        off = ["handed_over", "reminder"]
        poll_seconds = 90
        [tdom.hours]
        days = "mon-fri"
        opens = 10:00:00
        closes = "19:00"
        [tdom.delivery]
        ru = "Завтра."
        [tdom.texts.review_request]
        kk = "\\n{hello} Пікір қалдырасыз ба?\\r\\nРақмет!\\n"
    """
    review = "{hello} Пікір қалдырасыз ба?\nРақмет!"
    assert shops(tmp_path, text) == (
        ShopSettings(
            id="tdom",
            name="Тёплый дом",
            session="tdom_1",
            token=Secret("QUJD+/=="),
            merchant_uid="30000001",
            price_list="https://tdom.example/prices/",
            sheet="https://docs.google.com/spreadsheets/d/1abc/edit?gid=0#gid=0",
            hours=Hours(opens=time(10), closes=time(19), days=(0, 1, 2, 3, 4)),
            stated=(Stated(topic=Topic.DELIVERY, texts={RU: "Завтра."}),),
            texts=(OwnText(purpose=Purpose.REVIEW_REQUEST, language=KK, text=review),),
            languages=(KK, RU),
            quiet_hours=None,
            max_messages=5,
            messages_window_days=0,
            cooldown_hours=0.5,
            max_daily_messages=40,
            review_delay_hours=24.0,
            warm_up=True,
            off=frozenset({Purpose.HANDED_OVER, Purpose.REMINDER}),
            poll_seconds=90.0,
        ),
    )


def test_what_is_not_told_is_as_the_environment_says(tmp_path: Path) -> None:
    environ = {
        "AI_SELLER_LANGUAGES": "kk",
        "AI_SELLER_QUIET_HOURS": "22:00-08:00",
        "AI_SELLER_MAX_MESSAGES": "7",
        "AI_SELLER_MESSAGES_WINDOW_DAYS": "9",
        "AI_SELLER_COOLDOWN_HOURS": "11",
        "AI_SELLER_MAX_DAILY_MESSAGES": "13",
        "AI_SELLER_REVIEW_DELAY_HOURS": "15",
        "AI_SELLER_WARM_UP": "true",
        "AI_SELLER_PURPOSES_OFF": "campaign",
        "KASPI_POLL_SECONDS": "17",
    }
    (alone,) = Settings.load({**environ, "SHOP_ID": "a"}, None).shops
    told = shops(tmp_path, '[a]\n[b]\noff = []\nname = ""\nmax_messages = 1', **environ)
    assert told[0] == alone
    assert (told[1].off, told[1].name, told[1].max_messages) == (frozenset(), "Kaspi магазин", 1)
    assert (told[1].languages, told[1].cooldown_hours, told[1].warm_up) == ((KK,), 11, True)


def test_without_the_file_there_is_one_shop_from_the_environment() -> None:
    (shop,) = Settings.load(
        {
            "SHOP_ID": "dom",
            "SHOP_NAME": "Дом",
            "WAHA_SESSION_ID": "s1",
            "KASPI_API_TOKEN": " QUJD== ",
            "KASPI_MERCHANT_UID": "3",
            "KASPI_PRICE_LIST": "p.xml",
            "GOOGLE_SHEET_URL": "https://sheet.example/1",
        },
        None,
    ).shops
    assert (shop.id, shop.name, shop.session, shop.token) == ("dom", "Дом", "s1", Secret("QUJD=="))
    assert (shop.merchant_uid, shop.price_list, shop.sheet, shop.max_messages) == (
        "3", "p.xml", "https://sheet.example/1", 3,
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        '[tdom]\nname = "А"\n[balalar]\nname = "Б"',
        '[shops.tdom]\nname = "А"\n[shops.balalar]\nname = "Б"',
        '[[shops]]\nid = "tdom"\nname = "А"\n[[shops]]\nid = "balalar"\nname = "Б"',
        '[[shops]]\nid = " tdom "\nname = "А"\n[[shops]]\nid = "balalar"\nname = "Б"',
        'shops = [{id = "tdom", name = "А"}, {id = "balalar", name = "Б"}]',
        '[tdom]\nid = "tdom"\nname = "А"\n[shops.balalar]\nname = "Б"',
        '\ufeff[tdom]\r\nname = "А"\r\n[balalar]\r\nname = "Б"',
    ],
)
def test_shops_may_be_written_in_several_ways(tmp_path: Path, text: str) -> None:
    assert [(shop.id, shop.name) for shop in shops(tmp_path, text)] == [
        ("tdom", "А"),
        ("balalar", "Б"),
    ]


def test_a_shop_may_be_called_shops(tmp_path: Path) -> None:
    text = '[shops]\nname = "А"\n[shops.returns]\nru = "14 дней."\n["b.kz"]'
    assert [shop.id for shop in shops(tmp_path, text)] == ["shops", "b.kz"]


def test_what_belongs_to_one_shop_is_not_taken_from_another(tmp_path: Path) -> None:
    text = """
        [a]
        token = "QUJD"
        merchant_uid = "1"
        price_list = "a.xml"
        sheet = "https://sheet.example/a"
        texts.campaign.ru = "Здравствуйте!"
        [b]
    """
    other = shops(tmp_path, text)[1]
    assert (other.token, other.merchant_uid, other.price_list, other.sheet) == (None,) * 4
    assert other.texts == ()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('language = "kk"', (KK, RU)),
        ('language = "ru"', (RU, KK)),
        ('language = "kk"\nlanguages = ["ru", "kk"]', (KK, RU)),
        ('languages = "kk"', (KK,)),
        ('languages = "kk, ru"', (KK, RU)),
        ('language = ""', (RU, KK)),
    ],
)
def test_a_language_leads_the_others(
    tmp_path: Path, lines: str, expected: tuple[Language, ...]
) -> None:
    assert shops(tmp_path, f"[a]\n{lines}")[0].languages == expected


def test_paths_are_relative_to_the_folder_of_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "facts"
    folder.mkdir()
    (folder / "f.toml").write_text('[returns]\nru = "14 дней."', "utf-8")
    text = '[a]\nprice_list = "lists/a.xml"\nfacts = "facts/f.toml"\n[b]\nprice_list = "/b.xml"'
    first, second = shops(tmp_path, text)
    assert (first.price_list, second.price_list) == (f"{tmp_path}/lists/a.xml", "/b.xml")
    assert [stated.topic for stated in first.stated] == [Topic.RETURNS]


def test_the_nearest_word_of_the_seller_counts(tmp_path: Path) -> None:
    for name in ("all", "own"):
        (tmp_path / f"{name}.toml").write_text(
            f'[returns]\nru = "{name}"\n[delivery]\nru = "{name}"\n'
            f"[{'warranty' if name == 'all' else 'hours'}]\n"
            + ('ru = "all"' if name == "all" else 'opens = "10:00"\ncloses = "12:00"'),
            "utf-8",
        )
    text = '[a]\nfacts = "own.toml"\n[a.returns]\nru = "here"\n[b]'
    everybodys = str(tmp_path / "all.toml")
    first, second = shops(tmp_path, text, AI_SELLER_SHOP_FACTS_FILE=everybodys)
    assert {each.topic: each.texts[RU] for each in first.stated} == {
        Topic.RETURNS: "here", Topic.DELIVERY: "own", Topic.WARRANTY: "all",
    }  # fmt: skip
    assert {each.texts[RU] for each in second.stated} == {"all"}
    assert first.hours == Hours(opens=time(10), closes=time(12))
    assert second.hours is None


def test_the_example_is_read() -> None:
    tokens = {"KASPI_TOKEN_TDOM": "QUJD", "KASPI_TOKEN_BALALAR": "REVG"}
    settings = Settings.load({"AI_SELLER_SHOPS_FILE": str(EXAMPLE), **tokens}, None)
    tdom, balalar = settings.shops
    assert (tdom.token, balalar.token) == (Secret("QUJD"), Secret("REVG"))
    assert tdom.off == frozenset({Purpose.HANDED_OVER})
    assert {own.language for own in tdom.texts} == {RU, KK}
    assert (balalar.languages, balalar.quiet_hours) == ((KK, RU), (time(20), time(10)))


# --- tokens -----------------------------------------------------------------------------------


def test_a_token_may_stand_in_the_environment(tmp_path: Path) -> None:
    text = '[a]\ntoken_env = "KASPI_TOKEN_A"\n[b]\ntoken_env = "KASPI_API_TOKEN"'
    told = shops(tmp_path, text, KASPI_TOKEN_A=" QUJD== \n", KASPI_API_TOKEN="REVG")
    assert [shop.token for shop in told] == [Secret("QUJD=="), Secret("REVG")]


def test_a_token_may_stand_in_the_dotenv(tmp_path: Path) -> None:
    (tmp_path / "shops.toml").write_text('[a]\ntoken_env = "WAHA_X"', "utf-8")
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"WAHA_X=QUJD\nAI_SELLER_SHOPS_FILE={tmp_path}/shops.toml\n", "utf-8")
    assert Settings.load({}, dotenv).shops[0].token == Secret("QUJD")


def test_a_token_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, '[a]\ntoken_env = "KASPI_TOKEN_A"')
    assert fault.startswith("AI_SELLER_SHOPS_FILE: [a] token_env: the environment has nothing")
    assert "KASPI_TOKEN_A" in fault


def test_a_name_that_a_broken_file_means_is_no_stranger(tmp_path: Path) -> None:
    told = faults(tmp_path, '[a]\ntoken_env = "KASPI_TOKEN_A"\nname = Дом', KASPI_TOKEN_A="QUJD")
    assert len(told) == 1
    assert "no TOML" in told[0]


def test_a_name_that_nothing_means_is_a_stranger(tmp_path: Path) -> None:
    assert faults(tmp_path, "[a]", KASPI_TOKEN_A="QUJD") == (
        "KASPI_TOKEN_A: unknown name; did you mean KASPI_API_TOKEN?",
    )


@pytest.mark.parametrize(
    "lines",
    [
        'token = "Zq9 secret"',
        'token = ["Zq9secret"]',
        'token = "Zq9секрет"',
        'token_env = "Zq9secret"',
        'token_env = "Zq9+secret=="',
        'token = "Zq9secret"\ntoken_env = "A"',
        'token = "Zq9secret"\n[b]\ntoken = "Zq9secret"',
        "token = Zq9secret",
        "token Zq9secret",
        'token = "Zq9secret',
        'token = "Zq9secret"\ntoken = "Zq9secret"',
        'tokn = "Zq9secret"',
        'merchant_uid = "Zq9/secret"',
        'quiet_hours = "Zq9secret"',
        'max_messages = "Zq9secret"',
        'off = ["Zq9secret"]',
        'sheet = "ftp://Zq9secret/"',
        'price_list = "ftp://Zq9secret/"',
    ],
)
def test_a_value_is_never_in_a_fault(tmp_path: Path, lines: str) -> None:
    told = faults(tmp_path, f"[a]\n{lines}")
    assert told
    assert not [fault for fault in told if "Zq9" in fault]


def test_the_settings_in_print_hide_the_tokens(tmp_path: Path) -> None:
    text = '[a]\ntoken = "Zq9"\n[b]\ntoken_env = "KASPI_B"'
    settings = load(tmp_path, text, KASPI_B="Xw8")
    for printed in (repr(settings), repr(settings.shops)):
        assert "Zq9" not in printed
        assert "Xw8" not in printed


# --- what is wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it has no shop: write [tdom]"),
        ("[shops]", "it has no shop: write [tdom]"),
        ("shops = []", "it has no shop: write [tdom]"),
        ('name = "А"\n[a]', "name: is outside of the shops; write it into the table of its shop"),
        ("[shops]\nquiet_hours = ''\n[shops.a]", "quiet_hours: is outside of the shops"),
        ("[[a]]", "[[a]]: write a list of shops as [[shops]], each with its id"),
        ('[[shops]]\nname = "А"', '[[shops]] number 1: has no id; write id = "tdom"'),
        ("shops = ['a']", "[[shops]] number 1: has no id"),
        ('["a/b"]', '["a/b"] as an id: write letters, digits'),
        ('["Тёплый дом"]', '["Тёплый дом"] as an id: write letters, digits'),
        ("[[shops]]\nid = 'a'\n[[shops]]\nid = 'a'", "[shops.a]: another shop has this id"),
        ("[a]\n[shops.a]", "[shops.a]: another shop has this id"),
        ("[a]\nid = 'b'", "[a] id: the table's name is the id"),
        ("[a]\n[a]", "the file is no TOML: Cannot declare"),
        ("[a", "the file is no TOML"),
        ("[a]\nname = ['А']", "[a] name: write one text in quotes"),
        ("[a]\nname = true", "[a] name: write one text in quotes"),
        ('[a]\nname = "А\\nБ"', "[a] name: write one line of plain text"),
        ("[a]\nsession = 'a b'", "[a] session: write letters, digits"),
        ("[a]\nmerchant_uid = 'a b'", "[a] merchant_uid: write letters"),
        ("[a]\nlanguages = ['ru', 'en']", "[a] languages: write ru,kk or kk,ru"),
        ("[a]\nlanguages = []", "[a] languages: name one at least"),
        ("[a]\nlanguages = [1]", "[a] languages: write one text in quotes"),
        ("[a]\nlanguage = 'kz'", "[a] language: write ru,kk"),
        ("[a]\nlanguage = 'ru,kk'", "[a] language: write one, ru or kk"),
        ("[a]\nlanguage = 'ru'\nlanguages = ['kk']", "[a] language: is none of languages"),
        ("[a]\nquiet_hours = '21-9'", "[a] quiet_hours: write from-till"),
        ("[a]\nquiet_hours = 21:00:00", "[a] quiet_hours: write one text in quotes"),
        ("[a]\nmax_messages = -1", "[a] max_messages: write a whole number from 0"),
        ("[a]\nmax_messages = 1.5", "[a] max_messages: write a whole number from 0"),
        ("[a]\nmax_messages = true", "[a] max_messages: write one text in quotes, or a number"),
        ("[a]\ncooldown_hours = nan", "[a] cooldown_hours: write a number from 0"),
        ("[a]\nwarm_up = 'maybe'", "[a] warm_up: write true or false"),
        ("[a]\npoll_seconds = 0", "[a] poll_seconds: write a number from 1"),
        ("[a]\noff = ['reply']", "[a] off: write, by commas, some of post_purchase"),
        ("[a]\nprice_list = 'ftp://a/b'", "[a] price_list: write a whole address"),
        ("[a]\nsheet = 'docs.google.com/x'", "[a] sheet: write a whole address"),
        ("[a]\nfacts = 'none.toml'", "[a] facts: the file cannot be read"),
        ("[a]\ndelivery = 'Завтра'", "[a] delivery: write a table of its own, [a.delivery]"),
        ("[a.delivery]\nde = 'x'", "[a.delivery] de: write one of ru, kk, en"),
        ("[a.hours]\nopens = 'x'", '[a.hours] opens: write a time such as "10:00"'),
        ("[a]\ntexts = 'x'", "[a.texts]: write a table for each purpose"),
        ("[a.texts]\npost_purchase = 'x'", "[a.texts.post_purchase]: write a text for each"),
        ("[a.texts.post_purchse]\nru = 'x'", "did you mean post_purchase?"),
        ("[a.texts.reply]\nru = 'x'", "[a.texts.reply]: no purpose that has texts"),
        ("[a.texts.reminder]\nkz = 'x'", "[a.texts.reminder] kz: unknown language; write one of"),
        ("[a.texts.reminder]\nru = ''", "[a.texts.reminder] ru: write the text in quotes"),
        ("[a.texts.reminder]\nru = 7", "[a.texts.reminder] ru: write the text in quotes"),
        ("[a.texts.reminder]\nru = '{user}, привет'", "[a.texts.reminder] ru: {user} is not known"),
        ("[a.kz]\nname = 'А'", '[a] kz: unknown table; for a shop write [kz], or ["a.kz"]'),
        ('["a\\nb"]', '["a?b"] as an id: write letters'),
        ("[a]\ntoken = '${KASPI_A}'", "[a] token: variables are not filled in; write token_env"),
    ],
)
def test_a_fault_says_the_table_and_what_to_write(tmp_path: Path, text: str, says: str) -> None:
    (fault,) = faults(tmp_path, text)
    assert says in fault


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("sesion", "session"),
        ("waha_session_id", "session"),
        ("KASPI_API_TOKEN", "token"),
        ("Token", "token"),
        ("shop_name", "name"),
        ("max-messages", "max_messages"),
        ("AI_SELLER_MAX_DAILY_MESSAGES", "max_daily_messages"),
        ("cooldown", "cooldown_hours"),
        ("quite_hours", "quiet_hours"),
        ("merchant_id", "merchant_uid"),
        ("google_sheet_url", "sheet"),
        ("delivry", "delivery"),
        ("text", "texts"),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_one(
    tmp_path: Path, wrong: str, meant: str
) -> None:
    expected = f"[a] {wrong}: unknown key; did you mean {meant}?"
    assert faults(tmp_path, f"[a]\n{wrong} = 1") == (expected,)


def test_a_key_like_none_of_ours_is_told_with_all_that_the_page_explains(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "[a]\nxyzzy = 1")
    explained = re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert set(re.findall(r"\w+", fault.partition("write one of ")[2].partition(", or")[0])) == set(
        explained
    )


def test_the_page_shows_what_is_read(tmp_path: Path) -> None:
    shown = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for text in shown:
        names = re.findall(r'token_env = "(\w+)"', text)
        assert shops(tmp_path, text, **{name: name for name in names})[0].id == "tdom"
    assert len(shown) == 5


def test_all_faults_of_the_file_are_told_at_once(tmp_path: Path) -> None:
    text = """
        [a]
        sesion = "a"
        max_messages = "many"
        [a.returns]
        [a.texts.reminder]
        ru = "{x}"
        kk = "{y}"
        [b]
        off = ["all"]
    """
    told = faults(tmp_path, text, PORT="x")
    assert len(told) == 7
    assert told[0].startswith("PORT")
    assert [fault.split("]")[0] for fault in told[1:]] == [
        "[a", "[a", "[a.returns", "[a.texts.reminder", "[a.texts.reminder", "[b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[a]\ntoken = 'Q'\n[b]\ntoken = ' Q '", "[b] token: that of [a] too"),
        ("[a]\ntoken = 'Q'\n[b]\ntoken_env = 'KASPI_B'", "[b] token: that of [a] too"),
        ("[a]\nmerchant_uid = 7\n[b]\nmerchant_uid = '7'", "[b] merchant_uid: that of [a] too"),
    ],
)
def test_two_shops_cannot_be_one_at_kaspi(tmp_path: Path, text: str, says: str) -> None:
    environ = {"KASPI_B": "Q"} if "KASPI_B" in text else {}
    (fault,) = faults(tmp_path, text, **environ)
    assert says in fault


def test_two_shops_may_share_a_whatsapp_number(tmp_path: Path) -> None:
    assert [shop.session for shop in shops(tmp_path, "[a]\n[b]")] == ["default", "default"]


@pytest.mark.parametrize(
    "name",
    [
        "SHOP_ID",
        "SHOP_NAME",
        "WAHA_SESSION_ID",
        "KASPI_API_TOKEN",
        "KASPI_MERCHANT_UID",
        "KASPI_PRICE_LIST",
    ],
)
def test_what_is_told_of_one_shop_besides_the_file_is_a_fault(tmp_path: Path, name: str) -> None:
    (fault,) = faults(tmp_path, "[a]", **{name: "default"})
    assert fault.startswith(f"{name}: with AI_SELLER_SHOPS_FILE it is of no shop")
    assert shops(tmp_path, "[a]", **{name: " "})


def test_the_sheet_of_the_customers_may_stand_besides_the_file(tmp_path: Path) -> None:
    sheet = {"GOOGLE_SHEET_URL": "https://sheet.example/1"}
    (fault,) = faults(tmp_path, "[a]", **sheet)
    assert "write it there as sheet" in fault
    (shop,) = shops(tmp_path, "[a]", **sheet, GOOGLE_CREDENTIALS_FILE="key.json")
    assert shop.sheet is None


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.toml"):
        with pytest.raises(ConfigError, match="cannot be read"):
            Settings.load({"AI_SELLER_SHOPS_FILE": str(path)}, None)
    (tmp_path / "shops.toml").write_bytes(b'[a]\nname = "\xc4\xee\xec"')
    with pytest.raises(ConfigError, match="save it as UTF-8"):
        Settings.load({"AI_SELLER_SHOPS_FILE": str(tmp_path / "shops.toml")}, None)


def test_a_file_that_others_may_read_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "shops.toml"
    path.touch()
    for mode, is_open in ((0o644, True), (0o604, True), (0o640, False), (0o600, False)):
        path.chmod(mode)
        assert is_open_to_others(path) is is_open
    assert not is_open_to_others(tmp_path / "none.toml")
