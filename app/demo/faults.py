"""What can be told to go wrong with the next requests to an emulated service."""

from typing import TypeAlias

import msgspec

from app.demo.server import Json


class Slow(msgspec.Struct, frozen=True):
    """Answers after so many real seconds; a client that gives up earlier was still served."""

    seconds: float


class Status(msgspec.Struct, frozen=True):
    """Answers with this status instead of doing the work."""

    code: int
    body: Json = None
    headers: dict[str, str] = {}


class CutBefore(msgspec.Struct, frozen=True):
    """Reads the request, does nothing and cuts the connection."""


class CutAfterAccepting(msgspec.Struct, frozen=True):
    """Does the work, then cuts the connection without an answer."""


class Hang(msgspec.Struct, frozen=True):
    """Reads the request, does nothing and never answers: waits until the client leaves."""


class LateAccept(msgspec.Struct, frozen=True):
    """Cuts the connection at once without an answer, and does the work so many seconds later.

    The seconds are the world's: where a test moves the clock, it is done by then. This is why
    nothing may be sent again because it was not seen yet.
    """

    seconds: float


class Timelock(msgspec.Struct, frozen=True):
    """WhatsApp opens no new chats (463): GOWS says so at once, the others by an ack of -1."""


SendFault: TypeAlias = Slow | Status | CutBefore | CutAfterAccepting | Hang | LateAccept | Timelock
