"""Names in the environment that look like ours and are not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping

_PREFIXES = ("AI_SELLER_", "WAHA_", "KASPI_", "OPENAI_", "SHOP_", "GOOGLE_")

# Names with our prefixes that belong to others. Wider than what we have met: a WAHA server,
# the openai package and Google's tools may share a machine or a .env with us, and Kubernetes
# and Docker links add addresses for a service called waha or ai-seller.
_FOREIGN = re.compile(
    r"""
      WAHA_(API_KEY_(PLAIN|EXCLUDE_PATH) | (BASE|PUBLIC)_URL | DEBUG_MODE | NAMESPACE | PRINT_QR
        | RUN_XVFB | LOCAL_STORE_BASE_DIR | ZIPPER
        | (APPS|AUTO|CLIENT|DASHBOARD|GOWS|HTTP|LOG|MEDIA|NOWEB|PRESENCE|PROXY|S3|WEBJS|WORKER|WPP)
          _\w+)
    | OPENAI_(ADMIN_KEY|API_TYPE|API_VERSION|CUSTOM_HEADERS|LOG|ORG_ID|ORGANIZATION|PROJECT_ID
        |WEBHOOK_SECRET)
    | GOOGLE_(APPLICATION_CREDENTIALS | APPLICATION_CREDENTIALS_JSON | API_\w+ | CLOUD_\w+
        | COMPUTE_\w+ | GENAI_\w+)
    | \w+_SERVICE_HOST | \w+_SERVICE_PORT(_\w+)? | \w+_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?
    """,
    re.VERBOSE,
)
_LINKED_PORT = re.compile(r"(tcp|udp|sctp)://")


def strangers(given: Mapping[str, str], known: Collection[str]) -> Iterator[str]:
    """A fault for every name with one of our prefixes that is neither ours nor another tool's."""
    for name, text in given.items():
        if name in known or not name.startswith(_PREFIXES) or _FOREIGN.fullmatch(name):
            continue
        if name.endswith("_PORT") and _LINKED_PORT.match(text):
            continue
        near = nearest(name, known)
        advice = f"did you mean {near}?" if near else ".env.example lists every name"
        yield f"{name}: unknown name; {advice}"


def nearest(name: str, known: Collection[str]) -> str | None:
    """The name of ours that was meant: one with all its words before one that looks alike."""
    words = set(name.split("_"))
    fuller = [ours for ours in known if words <= set(ours.split("_"))]
    near = difflib.get_close_matches(name, fuller or known, n=1)
    return near[0] if near else None
