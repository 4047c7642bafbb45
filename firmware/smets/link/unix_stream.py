"""The link as a byte stream over file descriptors: the unix port and CPython.

A virtual device's standard input and output are the master side of a pty whose slave the host opens. Whoever starts the
device opens the pty, sets it raw, and sets O_NONBLOCK on the master (`nonblocking=True` says so): the unix port's
`readinto` blocks until its buffer is full and cannot ask for less. Without that the bytes are read one by one, safe
but at some 1 us each. A tty may be named instead (`open_path`).
"""

import select
import time

from micropython import const

from smets.link.whole_frames import WholeFrames

_HANGUP_PAUSE_MS = const(20)  # nobody has the slave open: polling returns at once, so wait here


def open_path(path):
    """Return a UnixStream over the tty at `path`, set raw. Raises OSError when it cannot be opened."""
    import termios  # type: ignore[import-not-found]

    handle = open(path, "r+b", buffering=0)
    if hasattr(termios, "setraw"):
        termios.setraw(handle.fileno())
    else:
        import tty  # type: ignore[import-not-found]

        tty.setraw(handle.fileno())
    return UnixStream(handle, handle, _reads_what_is_there())


def open_standard(nonblocking=False):
    """Return a UnixStream over standard input and output. `nonblocking`: the starter set O_NONBLOCK on them."""
    source, sink = open(0, "rb", buffering=0), open(1, "wb", buffering=0)
    return UnixStream(source, sink, nonblocking or _reads_what_is_there())


def _reads_what_is_there():
    """Return whether a blocking `readinto` comes back with less than asked for, as CPython's does."""
    import sys

    return sys.implementation.name != "micropython"


class UnixStream:
    """Bytes to and from the host. A host that goes away and comes back is survived without an exception.

    `write(data)` takes the next part of a frame, which is sent whole or not at all: `frames` sees to that.
    """

    def __init__(self, source, sink, reads_what_is_there):
        self._source, self._sink = source, sink
        self._reads_what_is_there = reads_what_is_there
        readable, writable = select.poll(), select.poll()
        readable.register(source, select.POLLIN)
        writable.register(sink, select.POLLOUT)
        # MicroPython's ipoll allocates nothing; CPython has poll alone
        self._poll_source = getattr(readable, "ipoll", readable.poll)
        self._poll_sink = getattr(writable, "ipoll", writable.poll)
        self._one = bytearray(1)
        self.frames = WholeFrames(self._write_some)
        self.write = self.frames.write

    def readinto(self, buffer, timeout_ms):
        """Wait up to `timeout_ms` for bytes, read what is there, and return how many; 0 when nothing came."""
        for _, event in self._poll_source(timeout_ms):
            if event & select.POLLIN:
                count = self._read(buffer) if self._reads_what_is_there else self._read_singly(buffer)
                if count:
                    return count
            _sleep_ms(min(timeout_ms, _HANGUP_PAUSE_MS))
        return 0

    def close(self):
        """Close both descriptors."""
        self._source.close()
        self._sink.close()

    def _read(self, buffer):
        try:
            return self._source.readinto(buffer) or 0
        except OSError:  # EIO: the host closed its side
            return 0

    def _read_singly(self, buffer):
        count = 0
        while count < len(buffer) and self._is_ready() and self._read(self._one):
            buffer[count] = self._one[0]
            count += 1
        return count

    def _is_ready(self):
        for _, event in self._poll_source(0):
            return event & select.POLLIN
        return False

    def _write_some(self, view, timeout_ms):
        """Write the start of `view` once there is room; return how much, 0 when there was none in time."""
        for _, event in self._poll_sink(timeout_ms):
            if event & select.POLLOUT:
                try:
                    return self._sink.write(view) or 0
                except OSError:
                    return 0
        return 0


def _sleep_ms(duration_ms):
    if hasattr(time, "sleep_ms"):
        time.sleep_ms(duration_ms)
    else:
        time.sleep(duration_ms / 1000)
