"""Settings: every name we read from the environment or ``.env``, with its meaning and default.

A setting is one field of :class:`Settings`; its name is the field's in capitals, so
``settings.ai_seller_url`` is ``AI_SELLER_URL``.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import time
from functools import cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, TypeAlias, get_args, get_type_hints
from zoneinfo import ZoneInfo

import msgspec
from dotenv.parser import parse_stream

from app.config import readers
from app.config.readers import Network, Secret
from app.config.shop_facts import ShopFacts, read_shop_facts
from app.config.shop_settings import ShopSettings, shop_of
from app.config.shops_file import ShopsFile, read_shops, token_names, with_tokens
from app.config.strangers import strangers
from app.domain.events import Language
from app.domain.rules import Purpose

LogLevel: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat: TypeAlias = Literal["json", "console"]

_DOTENV = Path(".env")
_EMPTY_MEANS_NONE = {"AI_SELLER_QUIET_HOURS"}
_SHOPS_FILE = "AI_SELLER_SHOPS_FILE"
_OF_ONE_SHOP = {
    "SHOP_ID": "the table's name",
    "SHOP_NAME": "name",
    "WAHA_SESSION_ID": "session",
    "KASPI_API_TOKEN": "token",
    "KASPI_MERCHANT_UID": "merchant_uid",
    "KASPI_PRICE_LIST": "price_list",
    "GOOGLE_SHEET_URL": "sheet",
}
"""Names that say something of one shop, and where it stands in the shops file."""


class ConfigError(Exception):
    """The settings cannot be used.

    ``faults`` has a line for each: the name, what is wrong, what to write. Never a secret.
    """

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Says(NamedTuple):
    """What a setting means, in one line, and how its text is read."""

    meaning: str
    read: Callable[[str], object] = readers.line


_SECONDS = readers.amount(0, 3600)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings, read and checked. Without arguments: the defaults."""

    ai_seller_enabled: Annotated[
        bool, Says("false: facts are recorded, nothing is sent", readers.flag)
    ] = True
    ai_seller_test_mode: Annotated[
        bool,
        Says("true: everything is decided, written and recorded, nothing leaves", readers.flag),
    ] = False
    ai_seller_url: Annotated[
        str, Says("this service as WAHA reaches it; the webhook is registered with it", readers.url)
    ] = "http://localhost:8080"
    ai_seller_host: Annotated[str, Says("the address to listen on", readers.host)] = "127.0.0.1"
    port: Annotated[int, Says("the port to listen on", readers.whole(0, 65535))] = 8080
    ai_seller_data_dir: Annotated[
        Path, Says("where the bundled store keeps its files", readers.path)
    ] = Path("data")
    redis_url: Annotated[
        Secret | None, Says("Redis 7+ or Valkey 8+; unset: the bundled server", readers.redis_url)
    ] = None
    admin_api_key: Annotated[
        Secret | None,
        Says(
            "opens the API and the desk; unset: one is made and kept in the data dir", readers.key
        ),
    ] = None
    ai_seller_trusted_networks: Annotated[
        tuple[Network, ...],
        Says("who may post /event_handler without a token; none = nobody", readers.networks),
    ] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
    ai_seller_event_token: Annotated[
        Secret | None, Says("bearer token of /event_handler from elsewhere", readers.key)
    ] = None
    ai_seller_max_messages: Annotated[
        int, Says("proactive messages a customer may get in the window", readers.count)
    ] = 3
    ai_seller_messages_window_days: Annotated[
        int, Says("that window in days, rolling; 0 = for ever", readers.days)
    ] = 30
    ai_seller_cooldown_hours: Annotated[
        float, Says("hours between two proactive messages to one customer, rolling", readers.hours)
    ] = 24.0
    ai_seller_max_daily_messages: Annotated[
        int, Says("proactive messages per shop and local calendar day", readers.count)
    ] = 100
    ai_seller_warm_up: Annotated[
        bool, Says("true: a new WhatsApp number starts with 10 a day and grows", readers.flag)
    ] = False
    ai_seller_quiet_hours: Annotated[
        tuple[time, time] | None,
        Says("local hours in which proactive messages wait; empty = none", readers.quiet_hours),
    ] = (time(21), time(9))
    ai_seller_timezone: Annotated[
        ZoneInfo, Says("whose hours and calendar days are meant", readers.timezone)
    ] = ZoneInfo("Asia/Almaty")
    ai_seller_opt_out_keywords: Annotated[
        tuple[str, ...], Says("stop words, beside those understood anyway", readers.parts)
    ] = ("стоп", "отписка", "не пишите", "stop")
    ai_seller_fallback: Annotated[
        bool,
        Says("a canned text when the model cannot answer; false: a person is asked", readers.flag),
    ] = True
    # 0 is what it says, a day that may cost nothing; for no limit the name is left out.
    ai_seller_daily_budget_usd: Annotated[
        float | None,
        Says(
            "US dollars the model may cost a local day, then canned texts and people answer;"
            " 0 = no model, unset: no limit",
            readers.amount(0, 1_000_000),
        ),
    ] = None
    ai_seller_reuse_texts: Annotated[
        bool,
        Says(
            "true: equal first messages may reuse a text, with only the name and product changed",
            readers.flag,
        ),
    ] = False
    ai_seller_debounce_seconds: Annotated[
        float, Says("how long a pause means that the customer has finished", _SECONDS)
    ] = 4.0
    ai_seller_debounce_max_seconds: Annotated[
        float, Says("how long an answer waits for that pause at most", _SECONDS)
    ] = 12.0
    ai_seller_typing_chars_per_second: Annotated[
        float, Says("how fast the typing shown is; 0 = none shown", readers.amount(0, 1000))
    ] = 12.0
    ai_seller_send_interval_seconds: Annotated[
        tuple[float, float],
        Says("random pause between two proactive sends of one session; 0 = none", readers.interval),
    ] = (30.0, 60.0)
    ai_seller_review_delay_hours: Annotated[
        float, Says("hours from delivery to the review request", readers.hours)
    ] = 48.0
    ai_seller_handoff_hours: Annotated[
        float,
        Says("hours of a person's silence after which the bot may answer again", readers.hours),
    ] = 4.0
    ai_seller_languages: Annotated[
        tuple[Language, ...],
        Says("languages written in; the first is the default", readers.languages),
    ] = (Language.RU, Language.KK)
    ai_seller_purposes_off: Annotated[
        tuple[Purpose, ...],
        Says("what is never said, such as handed_over,reminder; unset: all is", readers.purposes),
    ] = ()
    ai_seller_shops_file: Annotated[
        ShopsFile | None,
        Says("TOML, one table a shop; unset: one shop from the names below", read_shops),
    ] = None
    ai_seller_price_list_seconds: Annotated[
        float,
        Says(
            "how often a price list at an address, or a sheet, is read", readers.amount(1, 86_400)
        ),
    ] = 600.0
    ai_seller_shop_facts_file: Annotated[
        ShopFacts | None,
        Says("TOML: opening hours, and what may be said of delivery and returns", read_shop_facts),
    ] = None
    shop_id: Annotated[str, Says("the one shop's id", readers.shop_id)] = "default"
    shop_name: Annotated[str, Says("the one shop's name, as customers know it")] = "Kaspi магазин"
    openai_api_key: Annotated[Secret | None, Says("the model's key", readers.key)] = None
    openai_base_url: Annotated[
        str | None, Says("any server with Chat Completions; unset: OpenAI's", readers.url)
    ] = None
    # The small model with no shutdown date that takes a temperature (it does not reason unless
    # asked to); gpt-4.1-mini and gpt-4o-mini end in January 2027.
    openai_model: Annotated[str, Says("the model")] = "gpt-5.4-mini"
    openai_temperature: Annotated[
        float, Says("0 = always the likeliest words, 2 = the wildest", readers.amount(0, 2))
    ] = 0.7
    openai_max_tokens: Annotated[
        int, Says("length of an answer at most", readers.whole(16, 100_000))
    ] = 500
    openai_timeout_seconds: Annotated[
        float, Says("after this a canned text goes out instead", readers.amount(0.1, 600))
    ] = 8.0
    openai_price_input_per_mtok: Annotated[
        float, Says("US dollars for a million tokens read", readers.amount(0, 10_000))
    ] = 0.75
    openai_price_output_per_mtok: Annotated[
        float, Says("US dollars for a million tokens written", readers.amount(0, 10_000))
    ] = 4.5
    openai_small_model: Annotated[
        str | None, Says("a cheaper model for small jobs; unset: the model itself")
    ] = None
    # Of gpt-5.4-nano, the small one's smaller sister.
    openai_small_price_input_per_mtok: Annotated[
        float, Says("US dollars for a million tokens it reads", readers.amount(0, 10_000))
    ] = 0.2
    openai_small_price_output_per_mtok: Annotated[
        float, Says("US dollars for a million tokens it writes", readers.amount(0, 10_000))
    ] = 1.25
    openai_transcribe_model: Annotated[
        str | None,
        Says("listens to voice notes, such as gpt-4o-mini-transcribe; unset: nobody does"),
    ] = None
    openai_transcribe_price_per_minute: Annotated[
        float, Says("US dollars for a minute of a voice note", readers.amount(0, 100))
    ] = 0.003
    waha_api_endpoint: Annotated[
        str | None, Says("the WAHA server, such as http://localhost:3000", readers.url)
    ] = None
    waha_session_id: Annotated[str, Says("the WAHA session", readers.shop_id)] = "default"
    waha_api_key: Annotated[
        Secret | None, Says("the WAHA server's key, plain", readers.waha_key)
    ] = None
    waha_webhook_hmac_key: Annotated[
        Secret | None,
        Says("what WAHA signs its webhooks with; unset: /webhooks/waha stays shut", readers.key),
    ] = None
    waha_settle_seconds: Annotated[
        float,
        Says(
            "how long WAHA may still send what it did not answer; then its history decides",
            readers.amount(1, 3600),
        ),
    ] = 180.0
    kaspi_api_token: Annotated[
        Secret | None, Says("from the Kaspi cabinet; unset: orders are not polled", readers.key)
    ] = None
    kaspi_merchant_uid: Annotated[
        str | None, Says("the merchant's id at Kaspi", readers.shop_id)
    ] = None
    kaspi_api_base_url: Annotated[str, Says("Kaspi's API", readers.url)] = (
        "https://kaspi.kz/shop/api/v2"
    )
    kaspi_proxy: Annotated[
        Secret | None,
        Says("an HTTP proxy to ask Kaspi through; unset: directly", readers.proxy_url),
    ] = None
    kaspi_poll_seconds: Annotated[
        float | None,
        Says("one interval for every kind of poll; unset: the built-in ones", readers.poll_seconds),
    ] = None
    kaspi_webhook_secret: Annotated[
        Secret | None,
        Says("Standard Webhooks secret; unset: /webhooks/kaspi stays shut", readers.webhook_secret),
    ] = None
    kaspi_price_list: Annotated[
        str | None, Says("path or address of the price list: XML, XLSX or CSV")
    ] = None
    google_sheet_url: Annotated[
        str | None, Says("Google sheet of products, of customers too", readers.url)
    ] = None
    google_credentials_file: Annotated[
        Path | None, Says("with it, the customers sheet is kept too", readers.path)
    ] = None
    google_api_base_url: Annotated[str, Says("Google's Sheets API", readers.url)] = (
        "https://sheets.googleapis.com"
    )
    log_level: Annotated[
        LogLevel, Says("DEBUG, INFO, WARNING or ERROR", readers.one_of(*get_args(LogLevel)))
    ] = "INFO"
    log_format: Annotated[
        LogFormat | None,
        Says("json or console; unset: console on a terminal", readers.one_of(*get_args(LogFormat))),
    ] = None

    @classmethod
    def load(
        cls, environ: Mapping[str, str] | None = None, dotenv: Path | None = _DOTENV
    ) -> Settings:
        """The settings of this process; what the environment says wins over ``dotenv``.

        Empty means unset (but no quiet hours for ``AI_SELLER_QUIET_HOURS``). Raises ConfigError
        with all faults at once.
        """
        given, faults = _read_dotenv(dotenv)
        given |= os.environ if environ is None else environ
        names = known()
        owned = token_names(given.get(_SHOPS_FILE, "").strip())
        faults += strangers(given, {*names, *owned})
        values: dict[str, object] = {}
        for name, text in _told(given, names):
            says, hidden = names[name]
            try:
                values[name.lower()] = says.read(text)
            except ValueError as wrong:
                head = f"{name}{'' if hidden else ' is ' + _shown(text)}"
                faults += [f"{head}: {fault}" for fault in _each(wrong)]
        settings = msgspec.structs.replace(cls(), **values)
        if settings.ai_seller_shops_file is not None:
            file, wrong_tokens = with_tokens(settings.ai_seller_shops_file, given)
            settings = msgspec.structs.replace(settings, ai_seller_shops_file=file)
            faults += [f"{_SHOPS_FILE}: {fault}" for fault in wrong_tokens]
        told = {name for name, text in _told(given, names) if text}
        faults += [*_contradictions(settings), *_nobodys(told - owned)]
        if faults:
            raise ConfigError(tuple(faults))
        return settings

    @property
    def shops(self) -> tuple[ShopSettings, ...]:
        """The seller's shops, one at least: those of the shops file, or the one told here."""
        here = self._shop_told_here()
        file = self.ai_seller_shops_file
        return (here,) if file is None else tuple(shop_of(told, here) for told in file.shops)

    def _shop_told_here(self) -> ShopSettings:
        facts = self.ai_seller_shop_facts_file or ShopFacts()
        return ShopSettings(
            id=self.shop_id,
            name=self.shop_name,
            session=self.waha_session_id,
            token=self.kaspi_api_token,
            merchant_uid=self.kaspi_merchant_uid,
            price_list=self.kaspi_price_list,
            sheet=self.google_sheet_url,
            hours=facts.hours,
            stated=facts.stated,
            languages=self.ai_seller_languages,
            quiet_hours=self.ai_seller_quiet_hours,
            max_messages=self.ai_seller_max_messages,
            messages_window_days=self.ai_seller_messages_window_days,
            cooldown_hours=self.ai_seller_cooldown_hours,
            max_daily_messages=self.ai_seller_max_daily_messages,
            review_delay_hours=self.ai_seller_review_delay_hours,
            warm_up=self.ai_seller_warm_up,
            off=frozenset(self.ai_seller_purposes_off),
            poll_seconds=self.kaspi_poll_seconds,
        )


@cache
def known() -> dict[str, tuple[Says, bool]]:
    """By name, in order: what a setting says, and whether its value must not be shown."""
    hints = get_type_hints(Settings, include_extras=True)
    return {
        field.upper(): (hints[field].__metadata__[0], Secret in get_args(get_args(hints[field])[0]))
        for field in Settings.__struct_fields__
    }


def _read_dotenv(path: Path | None) -> tuple[dict[str, str], list[str]]:
    """What the file sets, and a fault for every line that sets nothing."""
    if path is None or not path.is_file():
        return {}, []
    try:
        bindings = list(parse_stream(io.StringIO(path.read_text("utf-8-sig"))))
    except (OSError, UnicodeDecodeError) as wrong:
        return {}, [f"{path}: cannot be read ({type(wrong).__name__}); save it as UTF-8 text"]
    faults = [
        f"{path} line {each.original.line}: write NAME=value" for each in bindings if each.error
    ]
    return {each.key: each.value or "" for each in bindings if each.key}, faults


def _told(given: Mapping[str, str], names: Collection[str]) -> Iterator[tuple[str, str]]:
    """The settings that are told, in their order; empty is told only where it means none."""
    for name in names:
        text = given.get(name, "").strip()
        if text or (name in _EMPTY_MEANS_NONE and name in given):
            yield name, text


def _each(wrong: ValueError) -> tuple[str, ...]:
    return wrong.faults if isinstance(wrong, readers.Faults) else (str(wrong),)


def _shown(text: str) -> str:
    """The value for a message: short, and without a password in an address."""
    return repr(re.sub(r"//[^/@]*@", "//***@", text)[:60])


def _contradictions(settings: Settings) -> Iterator[str]:
    if settings.ai_seller_debounce_max_seconds < settings.ai_seller_debounce_seconds:
        yield (
            "AI_SELLER_DEBOUNCE_MAX_SECONDS is less than AI_SELLER_DEBOUNCE_SECONDS: "
            f"write {settings.ai_seller_debounce_seconds:g} or more"
        )


def _nobodys(told: Collection[str]) -> Iterator[str]:
    """What is told of one shop while the shops file says which shops there are.

    The sheet may stay: with credentials it is where the customers sheet is kept.
    """
    if _SHOPS_FILE not in told:
        return
    for name, place in _OF_ONE_SHOP.items():
        if name == "GOOGLE_SHEET_URL" and "GOOGLE_CREDENTIALS_FILE" in told:
            continue
        if name in told:
            says = f"with {_SHOPS_FILE} it is of no shop; write it there as {place}"
            yield f"{name}: {says}, and unset it here"


def wants_demo(settings: Settings, *, dotenv: Path = _DOTENV) -> bool:
    """Nothing is configured: no WAHA to talk to and no ``.env``."""
    return settings.waha_api_endpoint is None and not dotenv.is_file()
