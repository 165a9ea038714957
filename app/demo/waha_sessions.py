"""WAHA's HTTP API of its sessions: their life, their configuration, and logging a phone in."""

import io
import secrets
from base64 import b64encode
from typing import TYPE_CHECKING

import segno
from litestar import Response

from app.demo.server import hold
from app.demo.waha_replies import Answer, Asked, answer, bad_request, missing, wrong_status
from app.demo.waha_shapes import Body
from app.demo.webhooks import config_problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from app.demo.waha import EmulatedWaha, Session

    Handle: TypeAlias = Callable[["SessionDoors", Asked], Awaitable[Answer]]

_LETTERS = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"


def new_qr() -> str:
    """What stands in a QR code of WhatsApp: a reference and three keys."""
    keys = [b64encode(secrets.token_bytes(32)).decode() for _ in range(4)]
    return "2@" + ",".join([*keys, "1"])


def new_pairing_code() -> str:
    """A code as WhatsApp gives it for a phone that does not scan."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def picture(value: str) -> bytes:
    """``value`` as a QR code, a PNG that a phone can scan."""
    out = io.BytesIO()
    segno.make(value, error="l", boost_error=False).save(out, kind="png", scale=5, border=4)
    return out.getvalue()


class SessionDoors:
    """One method a route."""

    def __init__(self, waha: "EmulatedWaha") -> None:
        self._waha = waha

    @classmethod
    def session_routes(cls) -> "dict[str, Handle]":
        """The routes of sessions."""
        one = "/api/sessions/{session:str}"
        return {
            "GET /api/sessions": cls.list_sessions,
            "POST /api/sessions": cls.create_session,
            f"GET {one}": cls.show_session,
            f"PUT {one}": cls.update_session,
            f"GET {one}/me": cls.show_me,
            f"POST {one}/start": cls.start,
            f"POST {one}/stop": cls.stop,
            f"POST {one}/restart": cls.restart,
            f"POST {one}/logout": cls.logout,
            "GET /api/{session:str}/auth/qr": cls.qr,
            "POST /api/{session:str}/auth/request-code": cls.request_code,
        }

    # -- what there is

    async def list_sessions(self, request: Asked) -> Answer:
        """Without ``all`` those that are stopped are not told of."""
        everything = request.query_params.get("all") == "true"
        shown = [s for s in self._waha.sessions.values() if everything or s.status != "STOPPED"]
        return answer(200, [self._described(session) for session in shown])

    async def create_session(self, request: Asked) -> Answer:
        """A new one, started unless it was asked not to."""
        body = await request.json()
        name, config = body.get("name") or "default", body.get("config") or {}
        if name in self._waha.sessions:
            message = f"Session '{name}' already exists. Use PUT to update it."
            return answer(
                422, {"message": message, "error": "Unprocessable Entity", "statusCode": 422}
            )
        problem = config_problem(config)
        if problem is not None:
            return bad_request([problem])
        session = self._waha.new_session(name, config, logged_in=False)
        if body.get("start", True):
            self._waha.begin(session)
        return answer(201, self._described(session))

    async def show_session(self, request: Asked) -> Answer:
        """The session, its configuration and account."""
        session = self._session(request)
        return answer(200, self._described(session)) if session else missing("Session not found")

    async def show_me(self, request: Asked) -> Answer:
        """Its account alone."""
        session = self._session(request)
        if session is None:
            return missing("Session not found")
        return answer(200, self._me(session))

    async def update_session(self, request: Asked) -> Answer:
        """Another configuration; what runs is stopped and started."""
        session = self._session(request)
        if session is None:
            return missing("Session not found")
        config = (await request.json()).get("config") or {}
        problem = config_problem(config)
        if problem is not None:
            return bad_request([problem])
        session.config = config
        if session.status != "STOPPED":
            self._restarted(session)
        return answer(200, self._described(session))

    # -- its life

    async def start(self, request: Asked) -> Answer:
        """Refused where it is started already."""
        session = self._session(request)
        if session is None:
            return missing("Session not found")
        if session.status != "STOPPED":
            return answer(422, {"error": f"Session '{session.name}' is already started."})
        self._waha.begin(session)
        return answer(201, self._described(session))

    async def stop(self, request: Asked) -> Answer:
        """It stays logged in."""
        session = self._session(request)
        if session is None:
            return missing("Session not found")
        self._waha.change_status(session, "STOPPED")
        return answer(201, self._described(session))

    async def restart(self, request: Asked) -> Answer:
        """Stopped and started."""
        session = self._session(request)
        if session is None:
            return missing("Session not found")
        self._restarted(session)
        return answer(201, self._described(session))

    async def logout(self, request: Asked) -> Answer:
        """The phone is forgotten; what ran starts anew and waits for one."""
        session = self._session(request)
        if session is None:
            return missing("Session not found")
        session.logged_in = False
        if session.status != "STOPPED":
            self._restarted(session)
        return answer(201, self._described(session))

    def _restarted(self, session: "Session") -> None:
        self._waha.change_status(session, "STOPPED")
        self._waha.begin(session)

    # -- logging in

    async def qr(self, request: Asked) -> Answer:
        """The QR code of now: a picture, in JSON for who takes that, or what stands in it."""
        session = self._session(request)
        if session is None or session.status != "SCAN_QR_CODE":
            return await self._not_to_be_scanned(request, session)
        if request.query_params.get("format") == "raw":
            return answer(200, {"value": session.qr})
        drawn = picture(session.qr)
        if "application/json" in request.headers.get("Accept", ""):
            return answer(200, {"mimetype": "image/png", "data": b64encode(drawn).decode()})
        return Response(drawn, status_code=200, media_type="image/png")

    async def request_code(self, request: Asked) -> Answer:
        """A code to be typed in instead."""
        session = self._session(request)
        if session is None or session.status != "SCAN_QR_CODE":
            return await self._not_to_be_scanned(request, session)
        body = await request.json()
        if not isinstance(body.get("phoneNumber"), str):
            return bad_request(["phoneNumber must be a string"])
        session.pairing_code = new_pairing_code()
        return answer(201, {"code": session.pairing_code})

    async def _not_to_be_scanned(self, request: Asked, session: "Session | None") -> Answer:
        if session is None:
            name = request.path_params["session"]
            return answer(422, {"error": f'Session "{name}" does not exist', "session": name})
        await hold(request.receive, self._waha.status_wait)
        return wrong_status(session, "SCAN_QR_CODE")

    # -- as it is told

    def _session(self, request: Asked) -> "Session | None":
        return self._waha.sessions.get(request.path_params["session"])

    def _me(self, session: "Session") -> Body | None:
        return self._waha.shapes.account(session.timelock) if session.logged_in else None

    def _described(self, session: "Session") -> Body:
        activity = int(self._waha.world.now().timestamp() * 1000)
        return {
            "name": session.name,
            "status": session.status,
            "config": session.config,
            "me": self._me(session),
            "presence": None,
            "timestamps": {"activity": activity},
            "engine": {"engine": self._waha.shapes.engine},
        }
