"""The kinds of failure, chosen where the wire is and handled by kind everywhere else.

::

    AiSellerError
    ├── Refused      the caller is at fault: it must change something before asking again
    ├── Transient    not now: the same call may succeed later
    │   └── StoreDown    Redis does not answer; nothing was accepted
    ├── Permanent    never: put aside where people see it, not tried again
    ├── Uncertain    sent, and nobody knows whether it arrived: reconciled, never blindly resent
    └── Conflict     someone else changed the conversation first: decide again

A no of the rules is none of these: it is a value with a reason.
"""

from __future__ import annotations


class AiSellerError(Exception):
    """Any failure we foresaw.

    ``reason`` is one short human sentence, safe to log and to show: no personal data, no secrets.
    ``code`` is the same for a program, e.g. ``"bad_signature"``.
    """

    def __init__(self, reason: str, *, code: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Refused(AiSellerError):
    """The caller is at fault. ``status`` is the HTTP status that says so (400 unless told).

    ``about`` is what it was about, such as an order's number, for whoever keeps a record of it.
    """

    def __init__(
        self, reason: str, *, code: str | None = None, status: int = 400, about: str | None = None
    ) -> None:
        super().__init__(reason, code=code)
        self.status = status
        self.about = about


class Transient(AiSellerError):
    """The same call may succeed later, after ``retry_after`` seconds when that is known."""

    def __init__(
        self, reason: str, *, code: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(reason, code=code)
        self.retry_after = retry_after


class StoreDown(Transient):
    """Redis cannot be reached or cannot write: nothing was accepted, ask again later."""


class Permanent(AiSellerError):
    """Trying again cannot help: it is buried, where people see it."""


class Uncertain(AiSellerError):
    """It was sent and no answer came: it may have arrived, so it is looked up, never resent."""


class Conflict(AiSellerError):
    """The conversation has changed since it was read: read it again and decide again."""
