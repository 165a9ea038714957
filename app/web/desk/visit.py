"""One request of somebody who is logged in: who, in which language, and the answers they get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import SkipValidation
from litestar.response import Redirect

from app.domain.events import Language
from app.errors import Refused
from app.store.logins import Login
from app.web.desk.catalogue import kazakh, said
from app.web.desk.pages import html, rendered, static
from app.web.desk.words import Words
from app.web.front import Front
from app.web.problems import AnyRequest

Kind = TypeVar("Kind", bound=msgspec.Struct)

TABS: Sequence[tuple[str, str, str]] = (
    ("chats", "/desk/chats", "Чаты"),
    ("today", "/desk/today", "Сегодня"),
    ("connection", "/desk/connection", "Связь"),
    ("texts", "/desk/texts", "Тексты"),
    ("problems", "/desk/problems", "Проблемы"),
)
"""What the desk has: the name of each tab, where it is, and what it is called."""


class Visit:
    """A request of a person at the desk. ``csrf`` goes with whatever they change.

    ``waiting`` is how much waits for a person, by the name of its tab.
    """

    def __init__(
        self,
        request: AnyRequest,
        front: Front,
        *,
        login: Login,
        csrf: str,
        waiting: Mapping[str, int],
    ) -> None:
        self.request = request
        self.front = front
        self.who = login.who
        self.lang = login.lang
        self.csrf = csrf
        self.waiting = waiting
        self.now: datetime = front.world.now()
        self.words = Words(self.lang, now=self.now, zone=front.rules.zone)

    def t(self, text: str, **values: object) -> str:
        """``text`` in the language of the visitor, its ``{names}`` filled in."""
        return said(text, self.lang, **values)

    def page(self, name: str, *, tab: str, status: int = 200, **values: object) -> Response[str]:
        """The page made by the template ``name``."""
        return html(self.rendered(name, tab=tab, **values), status=status, framed=self.front.demo)

    def rendered(self, name: str, *, tab: str, **values: object) -> str:
        """The HTML of the template ``name``."""
        about: dict[str, object] = {
            "t": self.t,
            "csrf": self.csrf,
            "lang": self.lang.value,
            "who": self.who,
            "tab": tab,
            "tabs": TABS,
            "tab_counts": self.waiting,
            "words": self.words,
            "now": self.now,
            "demo": self.front.demo,
            "enabled": self.front.rules.speaks,
            "test_mode": self.front.rules.test_mode,
            "shop_name": self.front.rules.shops[0].name,
            "here": self.here,
            "note": self._note(),
            "page_css": static(f"{tab}.css"),
            "page_js": static(f"{tab}.js"),
        }
        return rendered(name, about | values)

    @property
    def here(self) -> str:
        """Where the visitor is, within the desk: path and query, what was said left out."""
        url = self.request.url
        query = [pair for pair in self.request.query_params.multi_items() if pair[0] not in _NOTE]
        return f"{url.path}?{urlencode(query)}" if query else url.path

    def back(self, to: str, *, said: str | None = None, tone: str = "ok") -> Redirect:
        """To the page ``to`` after a change; there ``said`` is shown once.

        ``said`` is a text of the catalogue: an address can make the desk say nothing else.
        """
        parts = urlsplit(to)
        note = {} if said is None else {"said": said, "tone": tone}
        query = "&".join(filter(None, [parts.query, urlencode(note)]))
        return Redirect(
            urlunsplit(("", "", parts.path, query, parts.fragment)),
            status_code=303,
            headers={"Cache-Control": "no-store"},
        )

    def _note(self) -> tuple[str, str] | None:
        """What was just done, and whether it went well."""
        text = self.request.query_params.get("said")
        if text is None or text not in kazakh():
            return None
        tone = self.request.query_params.get("tone")
        return self.t(text), tone if tone in ("ok", "no", "wait") else "ok"

    async def form(self, kind: type[Kind]) -> Kind:
        """The form that was sent. Raises Refused (400) when it is not of this kind."""
        return await form_of(self.request, kind)


async def form_of(request: AnyRequest, kind: type[Kind]) -> Kind:
    """The form that was sent. Raises Refused (400) when it is not of this kind."""
    fields = await fields_of(request)
    try:
        return msgspec.convert(
            {name: fields[name] for name in fields if name != CSRF_FIELD}, kind, strict=False
        )
    except msgspec.ValidationError as error:
        raise Refused(f"the form is not as it should be: {error}", code="bad_form") from None


async def fields_of(request: AnyRequest) -> Mapping[str, str]:
    """The fields of a form of ours. No form of ours has files or parts: a body that has is none."""
    if request.content_type[0] != RequestEncodingType.URL_ENCODED:
        return {}
    return {name: told for name, told in (await request.form()).items() if isinstance(told, str)}


CSRF_FIELD = "csrf"
"""The field by which a form shows that it is of a page of ours."""

_NOTE = ("said", "tone")

FromVisit: TypeAlias = NamedDependency[SkipValidation[Visit]]
"""A handler's parameter ``visit``."""

LANGUAGES = (Language.RU, Language.KK)
"""The languages the desk speaks."""
