"""Which messages of the buyers the shop has read: the blue ticks on their phones."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.demo.server import Seen
    from app.demo.waha import EmulatedWaha

_SEEN = "/api/sendSeen"


class Ticks:
    """Follows what WAHA was told to show as read; each request is looked at once."""

    def __init__(self, waha: "EmulatedWaha") -> None:
        self._waha = waha
        self._looked_at = 0
        self._read: set[str] = set()

    def is_read(self, line_id: str) -> bool:
        """Whether the shop has read the message of this short id."""
        news, self._looked_at = self._waha.requests[self._looked_at :], len(self._waha.requests)
        for request in news:
            if request.path == _SEEN:
                self._take(request)
        return line_id in self._read

    def _take(self, request: "Seen") -> None:
        """The messages that are named there by their full ids; without any, the whole chat."""
        asked = request.json if isinstance(request.json, dict) else {}
        named = asked.get("messageIds")
        if isinstance(named, list) and named:
            self._read.update(str(full).rpartition("_")[2] for full in named)
            return
        person = self._waha.find(str(asked.get("chatId") or "?"))
        if person is not None:
            both = {person.peer.id, person.peer.alt}
            lines = (line for line in self._waha.lines if line.at <= request.at)
            self._read.update(line.id for line in lines if line.chat.id in both)
