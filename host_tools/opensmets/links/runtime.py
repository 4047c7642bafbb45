"""Where running processes leave notes for each other: locks of ports, and virtual devices that can be found.

A note counts while its writer holds the file locked (flock): the kernel lets go when the process ends in any way, so a
crash leaves nothing to clean up and a reused process id deceives nobody.
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import stat
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Self

from opensmets.errors import SmetsError

_TRIES, _PAUSE_S = 5, 0.02


#: How the names of ports begin that are no files (links/radio.py).
RADIO = "udp:"
#: The file in a virtual device's store that is locked while a process has it.
STORE_LOCK = "store.lock"


class PortBusy(SmetsError):
    """Another process has the port."""


class StoreBusy(SmetsError):
    """Another process runs a device from the store."""


def runtime_path(part: str) -> Path:
    """Return this user's folder for `part`, made when missing: under $XDG_RUNTIME_DIR, else /tmp/opensmets-<uid>.

    Raises SmetsError when it belongs to somebody else or cannot be made.
    """
    base = os.environ.get("XDG_RUNTIME_DIR")
    root = Path(base) / "opensmets" if base and os.access(base, os.W_OK) else Path(f"/tmp/opensmets-{os.getuid()}")
    try:
        root.mkdir(mode=0o700, exist_ok=True)
        found = root.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise SmetsError(f"{root} belongs to another user: set XDG_RUNTIME_DIR to a folder of yours")
        (root / part).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SmetsError(f"cannot use {root}: {error.strerror}; set XDG_RUNTIME_DIR to a folder of yours") from None
    return root / part


def _take(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _command_line() -> str:
    try:
        words = Path("/proc/self/cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:  # no /proc, as on macOS
        words = sys.orig_argv
    return shorten_command(words)


def shorten_command(words: list[str]) -> str:
    """Return a command line as somebody typed it: without the interpreter and the folders of the program's name."""
    if len(words) > 1 and Path(words[0]).name.startswith("python"):
        words = words[1:]
    return shlex.join([Path(words[0]).name, *words[1:]]) if words else "?"


class _Note:
    """A file that is locked as long as this object lives and is not closed."""

    def __init__(self, handle: IO[str]) -> None:
        self._handle = handle

    def _write(self, text: str) -> None:
        self._handle.seek(0)
        self._handle.truncate()
        self._handle.write(text)
        self._handle.flush()

    def close(self) -> None:
        """Let go."""
        self._handle.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class PortLock(_Note):
    """The exclusive use of a port among this user's processes. Raises PortBusy naming who has it."""

    def __init__(self, port: str) -> None:
        resolved = port if port.startswith(RADIO) else os.path.realpath(port)
        path = runtime_path("locks") / (resolved.strip("/").replace("/", "_") + ".lock")
        super().__init__(path.open("a+"))
        if not _take(self._handle):
            self._handle.seek(0)
            pid, _, command = self._handle.read().strip().partition(" ")
            self.close()
            holder = f"process {pid} ({command})" if pid else "another process"
            raise PortBusy(f"{port} is in use by {holder}: wait until it ends, or end it")
        self._write(f"{os.getpid()} {_command_line()}\n")


class StoreLock(_Note):
    """The exclusive use of a virtual device's store, for the device at `port`. Raises StoreBusy naming who has it.

    The device's process inherits `fileno()`, so that the lock holds for as long as either process lives.
    """

    def __init__(self, store: Path, port: str) -> None:
        try:
            super().__init__((store / STORE_LOCK).open("a+"))
        except OSError as error:
            raise SmetsError(f"the store {store} cannot be used: {error.strerror}; name another --store") from None
        if not _take(self._handle):
            self._handle.seek(0)
            pid, _, its_port = self._handle.read().strip().partition(" ")
            self.close()
            holder = f"process {pid} (port {its_port})" if pid else "another process"
            raise StoreBusy(f"store {store} is in use by {holder}: end it first, or name another --store")
        self._write(f"{os.getpid()} {port}\n")

    def fileno(self) -> int:
        """Return the descriptor that holds the lock."""
        return self._handle.fileno()


@dataclass(frozen=True, slots=True)
class RunningDevice:
    """A virtual device that announced itself: its pty, EUI-64 as text, role, and process id."""

    port: str
    eui: str
    role: str
    pid: int


class Announcement(_Note):
    """Makes a virtual device findable by `--port auto` until it is closed or the process ends."""

    def __init__(self, device: RunningDevice) -> None:
        self._path = runtime_path("devices") / (device.port.strip("/").replace("/", "_") + ".json")
        for _ in range(_TRIES):
            super().__init__(self._path.open("a+"))
            # a reader that found a dead note holds it for a moment and removes it
            if _take(self._handle) and os.fstat(self._handle.fileno()).st_nlink:
                self._write(json.dumps(asdict(device)))
                return
            self._handle.close()
            time.sleep(_PAUSE_S)
        raise SmetsError(f"a virtual device is running on {device.port} already")

    def close(self) -> None:
        """Take the announcement back."""
        if not self._handle.closed:
            self._path.unlink(missing_ok=True)
        super().close()


def running_devices() -> list[RunningDevice]:
    """Return the virtual devices of this user that run now; notes of dead ones are removed."""
    found = []
    for path in sorted(runtime_path("devices").glob("*.json")):
        try:
            with path.open("r") as handle:
                if _take(handle):
                    path.unlink(missing_ok=True)
                    continue
                found.append(RunningDevice(**json.load(handle)))
        except (OSError, ValueError, TypeError):  # gone, or just being written
            continue
    return found
