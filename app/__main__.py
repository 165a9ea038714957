"""``ai-seller …``, also ``python -m app …``."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

import uvloop
from msgspec.structs import replace

from app import __version__
from app.config import ConfigError, Settings, wants_demo
from app.errors import AiSellerError
from app.log import configure
from app.wiring.check import check
from app.wiring.serve import demo, serve, work

USAGE = 2
"""Exit status for settings or arguments that cannot be used."""

_LAST_PORT = 65_535


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; its exit status."""
    arguments = _parser().parse_args(argv)
    try:
        settings = Settings.load()
    except ConfigError as wrong:
        print("The settings cannot be used:", *wrong.faults, sep="\n  ", file=sys.stderr)
        return USAGE
    configure(settings.log_level, settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(_command(arguments, settings)) or 0
        except AiSellerError as error:
            print(f"ai-seller cannot run: {error.reason}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130


def _command(arguments: argparse.Namespace, settings: Settings) -> Coroutine[Any, Any, int | None]:
    match arguments.command:
        case "serve":
            if wants_demo(settings) and not arguments.no_worker:
                return demo(_listening(settings, arguments))
            return serve(_listening(settings, arguments), worker=not arguments.no_worker)
        case "worker":
            return work(settings)
        case "demo":
            return demo(_listening(settings, arguments))
        case _:
            return check(settings, fix=arguments.fix)


def _listening(settings: Settings, arguments: argparse.Namespace) -> Settings:
    return replace(
        settings,
        ai_seller_host=arguments.host or settings.ai_seller_host,
        port=settings.port if arguments.port is None else arguments.port,
    )


def _port(typed: str) -> int:
    if not typed.isascii() or not typed.isdigit() or int(typed) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"a whole number from 0 to {_LAST_PORT}")
    return int(typed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ai-seller", description="WhatsApp selling assistant for Kaspi.kz sellers"
    )
    parser.add_argument("--version", action="version", version=f"ai-seller {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, help_ in (
        ("serve", "web and worker in one process; the demo when nothing is configured"),
        ("demo", "an emulated WAHA, Kaspi and model, and a buyer's phone in the browser"),
    ):
        command = commands.add_parser(name, help=help_, description=help_)
        command.add_argument("--host", help="address to listen on (AI_SELLER_HOST)")
        command.add_argument("--port", type=_port, help="port to listen on (PORT)")
        if name == "serve":
            command.add_argument("--no-worker", action="store_true", help="web only")
    commands.add_parser("worker", help="one more worker process on the same REDIS_URL")
    checking = commands.add_parser("check", help="say what works and what would not")
    checking.add_argument("--fix", action="store_true", help="register the webhook at WAHA")
    return parser


if __name__ == "__main__":
    sys.exit(main())
