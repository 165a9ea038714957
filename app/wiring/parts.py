"""The parts of one process, put together and connected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from app.config import Secret, Settings
from app.domain.experiments import with_arms
from app.gateways.model import Model, Price
from app.gateways.transcriber import Transcriber
from app.gateways.waha import Waha
from app.log import get_logger
from app.store.adjustments import Ruled, Ruling
from app.store.changes import Changes
from app.store.chats import Chats
from app.store.connection import Redis, connect
from app.store.contacts import Contacts
from app.store.counters import Counters
from app.store.embedded import EmbeddedStore
from app.store.index import Index
from app.store.journal import Journal
from app.store.kaspi import KaspiOrders
from app.store.logins import Logins
from app.store.mailbox import Mailbox
from app.store.offers import Offers
from app.store.sessions import Sessions
from app.store.sheet import Customers
from app.store.texts import Texts
from app.web.front import Front, NamedList
from app.wiring.assembly import Assembly
from app.wiring.kaspi import kaspi_of
from app.wiring.line import phone_line
from app.wiring.preview import Previewing, textbook
from app.wiring.prices import customers_sheet, list_names, price_sources
from app.wiring.probe import Probing, kind_of
from app.wiring.rules import rules_of
from app.worker.bot import Bot
from app.worker.loop import make_docket, register_names, scheduler
from app.worker.poll import pull
from app.worker.shelves import Shelves
from app.world import World
from app.writing.prompts import Prompts
from app.writing.writer import Writer


@asynccontextmanager
async def store_of(settings: Settings) -> AsyncIterator[str]:
    """The address of the store: the one set, or the bundled server, running while inside."""
    if settings.redis_url is not None:
        yield settings.redis_url.reveal()
        return
    async with EmbeddedStore(settings.ai_seller_data_dir) as url:
        yield url


@asynccontextmanager
async def assembled(settings: Settings, *, world: World, redis_url: str) -> AsyncIterator[Assembly]:
    """The parts of one process, open while inside. Nothing runs yet.

    Raises ``PromptError`` when prompts are missing; the store need not answer yet.
    """
    async with AsyncExitStack() as stack:
        redis = connect(redis_url)
        stack.push_async_callback(redis.aclose)
        docket = await stack.enter_async_context(make_docket(redis_url))
        register_names(docket)
        model, waha = _model(settings, world, stack), await _waha(settings, stack)
        rules = with_arms(rules_of(settings), Prompts.load().arms)
        counters = Counters(redis, daily_budget=settings.ai_seller_daily_budget_usd)
        orders, offers, prices = KaspiOrders(redis), Offers(redis), price_sources(settings, stack)
        bot = Bot(
            ruling=Ruling(rules, Ruled(redis)),
            world=world,
            mailbox=Mailbox(redis, scheduler(docket, world), zone=rules.zone),
            contacts=Contacts(redis, zone=rules.zone),
            counters=counters,
            journal=Journal(redis, zone=rules.zone),
            sessions=Sessions(redis),
            writer=_writer(settings, world, redis=redis, model=model, stack=stack),
            waha=waha,
            orders=orders,
            kaspi=await kaspi_of(settings, world, counters=counters, stack=stack),
            poll_seconds={s.id: s.poll_seconds for s in settings.shops if s.poll_seconds},
            offers=offers,
            shelves=Shelves(offers, orders, list_names(prices)),
            prices=prices,
            customers=Customers(redis),
            index=Index(redis),
            sheet=customers_sheet(settings, stack),
            transcriber=_transcriber(settings, world, stack),
            log=get_logger("turn").bind(),
        )
        yield Assembly(
            settings=settings, world=world, redis=redis, docket=docket, bot=bot, model=model,
            changes=_changes(redis, stack),
        )  # fmt: skip


def _changes(redis: Redis, stack: AsyncExitStack) -> Changes:
    changes = Changes(redis)
    stack.push_async_callback(changes.aclose)
    return changes


def _writer(
    settings: Settings, world: World, *, redis: Redis, model: Model | None, stack: AsyncExitStack
) -> Writer:
    """Raises ``PromptError`` when prompts are missing."""
    return Writer(
        model=model,
        small=_small(settings, world, stack),
        texts=Texts(redis) if settings.ai_seller_reuse_texts else None,
        prompts=Prompts.load(),
        fallback=settings.ai_seller_fallback,
        patience=settings.openai_timeout_seconds,
    )


def _model(settings: Settings, world: World, stack: AsyncExitStack) -> Model | None:
    """The model, when there is a key, or a server of one's own that needs none."""
    price = Price(
        tokens_in=settings.openai_price_input_per_mtok,
        tokens_out=settings.openai_price_output_per_mtok,
    )
    return _opened(settings, world, stack, name=settings.openai_model, price=price)


def _small(settings: Settings, world: World, stack: AsyncExitStack) -> Model | None:
    """The cheaper model for small jobs, when one is named."""
    price = Price(
        tokens_in=settings.openai_small_price_input_per_mtok,
        tokens_out=settings.openai_small_price_output_per_mtok,
    )
    return _opened(settings, world, stack, name=settings.openai_small_model, price=price)


def _opened(
    settings: Settings, world: World, stack: AsyncExitStack, *, name: str | None, price: Price
) -> Model | None:
    """The model of this name, closed with the ``stack``; None without a name or a server."""
    if name is None or _no_model(settings):
        return None
    model = Model(
        model=name,
        key=revealed(settings.openai_api_key),
        world=world,
        base_url=settings.openai_base_url,
        temperature=settings.openai_temperature,
        max_tokens=settings.openai_max_tokens,
        price=price,
        timeout=settings.openai_timeout_seconds,
    )
    stack.push_async_callback(model.close)
    return model


def _transcriber(settings: Settings, world: World, stack: AsyncExitStack) -> Transcriber | None:
    """Who listens to voice notes, when a model for it is named."""
    if settings.openai_transcribe_model is None or _no_model(settings):
        return None
    transcriber = Transcriber(
        model=settings.openai_transcribe_model,
        key=revealed(settings.openai_api_key),
        world=world,
        base_url=settings.openai_base_url,
        minute_price=settings.openai_transcribe_price_per_minute,
    )
    stack.push_async_callback(transcriber.close)
    return transcriber


def _no_model(settings: Settings) -> bool:
    return settings.openai_api_key is None and settings.openai_base_url is None


async def _waha(settings: Settings, stack: AsyncExitStack) -> Waha | None:
    if settings.waha_api_endpoint is None:
        return None
    return await stack.enter_async_context(
        Waha(settings.waha_api_endpoint, revealed(settings.waha_api_key))
    )


def revealed(secret: Secret | None) -> str:
    """A secret's text for a client that needs it; '' when it is not set."""
    return "" if secret is None else secret.reveal()


def front_of(assembly: Assembly, *, admin_key: str, demo: bool = False) -> Front:
    """The edge of this process."""
    settings, bot = assembly.settings, assembly.bot
    token, kaspi = settings.ai_seller_event_token, settings.kaspi_webhook_secret
    return Front(
        ruling=bot.ruling,
        world=bot.world,
        mailbox=bot.mailbox,
        contacts=bot.contacts,
        counters=bot.counters,
        journal=bot.journal,
        sessions=bot.sessions,
        logins=Logins(assembly.redis),
        chats=Chats(assembly.redis),
        changes=assembly.changes,
        offers=bot.offers,
        lists=tuple(
            NamedList(shop=each.shop, kind=kind_of(each), stored_as=each.list_, name=each.name)
            for each in bot.prices
        ),
        log=get_logger("door").bind(),
        probe=Probing(assembly),
        admin_key=admin_key,
        event_token=revealed(token) or None,
        waha_hmac_key=revealed(settings.waha_webhook_hmac_key) or None,
        kaspi_secret=revealed(kaspi) or None,
        trusted=settings.ai_seller_trusted_networks,
        shop_id=bot.rules.shops[0].id,
        pull=partial(pull, bot),
        demo=demo,
        home="/demo" if demo else "/desk",
        phone_line=phone_line(assembly),
        url=settings.ai_seller_url,
        texts=partial(textbook, Prompts.load()),
        preview=Previewing(assembly, Prompts.load()),
    )
