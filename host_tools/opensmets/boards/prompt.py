"""A board at MicroPython's prompt: its files, over the raw REPL, by mpremote. Nothing else here knows mpremote.

A failure of whatever kind is one line that says what to do.
"""

from __future__ import annotations

import ast
import errno
import io
import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from types import TracebackType

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from opensmets.errors import SmetsError
from opensmets.links.runtime import PortLock

ENTER_TIMEOUT_S, ANSWER_TIMEOUT_S = 2.0, 5.0
_PTY_POLL_S = 0.5  # mpremote looks at its clock only between reads of a pty
_CHUNK = 512
_NEW = ".new"

_IDENTITY = """
import sys, os
_i, _v = sys.implementation, os.statvfs('/')
print([_i.name, _i[1][:3], getattr(_i, '_machine', ''), getattr(_i, '_mpy', 0), _v[0] * _v[3], _v[0]])
"""
_DIGESTS = """
import os, hashlib, binascii
def _d(p):
 try:
  k = os.stat(p)[0]
 except OSError:
  return
 if k & 0x4000:
  for e in os.ilistdir(p):
   _d(p + '/' + e[0])
  return
 h = hashlib.sha256()
 with open(p, 'rb') as f:
  b = f.read(512)
  while b:
   h.update(b)
   b = f.read(512)
 print(p, os.stat(p)[6], binascii.hexlify(h.digest()).decode())
"""


class NoPrompt(SmetsError):
    """Nothing at the port answers as MicroPython's prompt does."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What runs on a board, and its free flash in bytes, in blocks of `block_size`."""

    implementation: str
    version: tuple[int, ...]
    machine: str
    mpy_version: int
    free: int
    block_size: int


class Prompt:
    """The files of the board at `port`. Leaving `with` starts the board again, unless it went away.

    Raises NoPrompt when MicroPython's prompt is not there, SmetsError when the port cannot be used.
    """

    def __init__(self, port: str) -> None:
        self._port = port
        self._lock = PortLock(port)
        try:
            with _plain(port):
                pty = port.startswith("/dev/pts/")
                self._transport = SerialTransport(port, timeout=_PTY_POLL_S if pty else ANSWER_TIMEOUT_S)
            try:
                with _plain(port), redirect_stdout(io.StringIO()):  # it prints what it did not expect
                    self._transport.enter_raw_repl(soft_reset=False, timeout_overall=ENTER_TIMEOUT_S)
            except BaseException:
                self._close_port()
                raise
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Prompt:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError, termios.error):
            self._transport.exit_raw_repl()
            if kind is None:
                self._transport.serial.write(b"\x04")  # a soft reset, which runs main.py
                self._transport.serial.flush()
        self._close_port()
        self._lock.close()

    def identity(self) -> Identity:
        """Return what the board is."""
        name, version, machine, mpy, free, block_size = ast.literal_eval(self._run(_IDENTITY))
        return Identity(name, tuple(version), machine, mpy & 0xFF, free, block_size)

    def digests(self, *paths: str) -> dict[str, tuple[int, str]]:
        """Return (size, SHA-256 in hexadecimal) of each file at or below `paths`; what is not there is left out."""
        said = self._run(_DIGESTS + "".join(f"_d({path!r})\n" for path in paths))
        lines = (line.rsplit(" ", 2) for line in said.splitlines())
        return {path: (int(size), digest) for path, size, digest in lines}

    def read(self, path: str) -> bytes | None:
        """Return a file's content, None when there is none."""
        with _plain(self._port):
            try:
                return bytes(self._transport.fs_readfile(path, _CHUNK))
            except FileNotFoundError:
                return None

    def write(self, path: str, content: bytes) -> None:
        """Write a file: it has its old content or the new, whatever happens. Raises SmetsError when it does not fit."""
        folder = path.rpartition("/")[0]
        for depth in range(1, folder.count("/") + 2 if folder else 1):
            self._make_folder("/".join(folder.split("/")[:depth]))
        try:
            with _plain(self._port):
                self._transport.fs_writefile(path + _NEW, content, _CHUNK)
                self._run(f"import os\nos.rename({path + _NEW!r}, {path!r})")
        except SmetsError:
            with suppress(SmetsError):
                self.remove(path + _NEW)
            raise

    def remove(self, path: str) -> None:
        """Delete a file."""
        self._run(f"import os\nos.remove({path!r})")

    def _make_folder(self, path: str) -> None:
        self._run(f"import os\ntry:\n os.mkdir({path!r})\nexcept OSError as e:\n if e.errno != 17:\n  raise")

    def _run(self, program: str) -> str:
        with _plain(self._port):
            return str(self._transport.exec(program).decode())

    def _close_port(self) -> None:
        with suppress(OSError, termios.error):
            self._transport.close()


@contextmanager
def _plain(port: str) -> Iterator[None]:
    """Turn what mpremote, pyserial and the board's own errors say into a line for a person."""
    try:
        yield
    except TransportExecError as error:
        raise _of_board(port, error) from None
    except TransportError as error:
        if "failed to access" in str(error):
            why = "there is no such port" if not os.path.exists(port) else "another program has it, or you may not"
            raise SmetsError(f"cannot open {port} ({why}): plug the board in, and name its port") from None
        raise NoPrompt(f"{port}: MicroPython's prompt does not answer") from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise SmetsError(_full(port)) from None
        raise SmetsError(f"{port} went away: plug the board in again, and repeat the command") from None
    except (termios.error, IndexError, ValueError, SyntaxError):  # half an answer, as when the cable is pulled
        raise SmetsError(f"{port} stopped in the middle of an answer: plug the board in again, and repeat") from None


def _of_board(port: str, error: TransportExecError) -> SmetsError:
    said = (error.error_output.strip().splitlines() or ["nothing"])[-1]
    if "ENOSPC" in said or said.endswith("OSError: 28"):
        return SmetsError(_full(port))
    return SmetsError(f"{port}: MicroPython there says {said}")


def _full(port: str) -> str:
    return f"{port}: the board's flash is full; build without a part (smets image --part), or flash a factory image"
