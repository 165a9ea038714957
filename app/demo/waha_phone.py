"""A buyer's phone: everything a person can do to the shop's WhatsApp."""

# ruff: noqa: A002 - `id` is what WAHA itself calls it

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from msgspec import structs

from app.demo.bell import Bell
from app.demo.waha_files import File, suffix_of
from app.demo.waha_shapes import Body, Kind, Line, Peer

if TYPE_CHECKING:
    from app.demo.waha import EmulatedWaha


class Phone:
    """One person's WhatsApp; made by `EmulatedWaha.phone`.

    `received` is what the shop sent, `typing` whether it is writing now, `address` which of the
    two addresses WhatsApp shows; without `shows_other_address` nothing tells the second one.
    """

    def __init__(
        self,
        waha: "EmulatedWaha",
        *,
        number: str,
        lid: str,
        name: str | None,
        address: Literal["pn", "lid"],
    ) -> None:
        self.number = number
        self.lid = lid
        self.name = name
        self.address = address
        self.shows_other_address = True
        self.typing = False
        self.received: list[Line] = []
        self._bell = Bell()
        self._waha = waha
        self._read: set[str] = set()

    @property
    def peer(self) -> Peer:
        """Its chat as WhatsApp shows it now; set `address` to flip it."""
        both = f"{self.number}@c.us", f"{self.lid}@lid"
        shown, other = both if self.address == "pn" else both[::-1]
        return Peer(id=shown, alt=other if self.shows_other_address else None, name=self.name)

    @property
    def unread(self) -> int:
        """How many messages of the shop were not read yet."""
        return sum(line.id not in self._read for line in self.received)

    def takes(self, line: Line) -> None:
        """Receive a message of the shop."""
        self.received.append(line)
        self._bell.ring()

    async def wait_for_received(self, n: int, within: float = 5.0) -> list[Line]:
        """Return what was received once there are at least `n` messages; TimeoutError otherwise."""
        what = f"{n} messages to a buyer"
        await self._bell.until(lambda: len(self.received) >= n, what, within)
        return self.received

    async def writes(
        self,
        text: str,
        *,
        id: str | None = None,
        at: datetime | None = None,
        event: str | None = None,
        reply_to: str | None = None,
    ) -> str:
        """Write to the shop; the short id. `at`: an old message. `event`: only this one, forced."""
        line = self._line(text, id=id, at=at, reply_to=reply_to)
        self._waha.write(line, (event,) if event else (), forced=event is not None)
        return line.id

    async def edits(self, id: str, text: str) -> str:
        """Change the text of one's message; the id of the edit."""
        line = self._line(text)
        self._waha.emit("message.edited", self._waha.shapes.edited(line, id), chat=line.chat)
        return line.id

    async def revokes(self, id: str) -> None:
        """Take a message back for everyone."""
        line = self._line(None)
        payload = self._waha.shapes.revoked(line, self._find(id), id)
        self._waha.emit("message.revoked", payload, chat=line.chat)

    async def reacts(self, id: str, emoji: str) -> None:
        """Put an emoji on a message of either side, or take it off with an empty one."""
        line = self._line(None)
        target = self._find(id)
        if target is None:
            raise LookupError(f"no message {id}")
        payload = self._waha.shapes.reaction(line, emoji, target)
        self._waha.emit("message.reaction", payload, chat=line.chat)

    async def calls(self) -> None:
        """Ring the shop."""
        payload = self._waha.shapes.call(
            self._waha.new_message_id(), self.peer, self._waha.world.now()
        )
        self._waha.emit("call.received", payload, chat=self.peer)

    async def speaks(
        self,
        sound: bytes,
        *,
        mimetype: str = "audio/ogg; codecs=opus",
        failed: bool = False,
        at: datetime | None = None,
    ) -> str:
        """Send a voice message; the short id. `failed`: WAHA could not get it from WhatsApp."""
        line = self._line(None, at=at, kind="voice")
        return self._sends(line, sound, mimetype=mimetype, failed=failed)

    async def shows(
        self,
        picture: bytes,
        caption: str | None = None,
        *,
        mimetype: str = "image/jpeg",
        failed: bool = False,
    ) -> str:
        """Send a picture; the short id."""
        line = self._line(caption, kind="picture")
        return self._sends(line, picture, mimetype=mimetype, failed=failed)

    async def hands(
        self,
        document: bytes,
        caption: str | None = None,
        *,
        filename: str = "чек.pdf",
        mimetype: str = "application/pdf",
    ) -> str:
        """Send a document; the short id."""
        line = self._line(caption, kind="document")
        return self._sends(line, document, mimetype=mimetype, filename=filename)

    async def is_at(self, latitude: float, longitude: float, description: str | None = None) -> str:
        """Send a place; the short id."""
        place = {"latitude": str(latitude), "longitude": str(longitude)}
        line = self._line(None, kind="place", place={**place, "description": description})
        self._waha.write(line)
        return line.id

    async def sends_voice(self) -> str:
        """Send a voice message in which nobody speaks; the short id."""
        return await self.speaks(b"OggS")

    async def sends_image(self, caption: str | None = None) -> str:
        """Send some picture; the short id."""
        return await self.shows(b"\xff\xd8\xff", caption)

    def _sends(
        self,
        line: Line,
        content: bytes,
        *,
        mimetype: str,
        filename: str | None = None,
        failed: bool = False,
    ) -> str:
        name = f"{line.id}.{suffix_of(mimetype)}"
        file = File(name=name, mimetype=mimetype, filename=filename, content=content)
        files = self._waha.files
        media = files.failed(file) if failed else files.keep(file)
        self._waha.write(structs.replace(line, media=media))
        return line.id

    async def reads(self) -> None:
        """Read everything received that was not read yet."""
        for line in self.received:
            if line.id not in self._read:
                self._read.add(line.id)
                self._waha.emit("message.ack", self._waha.shapes.ack(line, 3), chat=line.chat)

    def _line(
        self,
        text: str | None,
        *,
        id: str | None = None,
        at: datetime | None = None,
        kind: Kind | None = None,
        place: Body | None = None,
        reply_to: str | None = None,
    ) -> Line:
        return Line(
            id=id or self._waha.new_message_id(),
            chat=self.peer,
            text=text,
            at=at or self._waha.world.now(),
            ack=1 if self._waha.shapes.engine == "WEBJS" else 2,
            kind=kind,
            place=place,
            reply_to=reply_to,
        )

    def _find(self, id: str) -> Line | None:
        return next((line for line in self._waha.lines if line.id == id), None)
