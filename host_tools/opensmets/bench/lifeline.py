"""A child process that ends when its parent does, however the parent ends.

On Linux the kernel sees to it (PR_SET_PDEATHSIG, prctl(2)); it goes by the thread that started the child. Elsewhere a
shell waits at a pipe that only the parent holds open, and kills the child when the pipe ends without a word.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_WATCH = 'read -r word; [ -n "$word" ] || kill -9 "$1"'


def end_with_parent() -> Callable[[], None] | None:
    """Return what a child is to do between fork and exec (`preexec_fn`), or None where the kernel cannot do it."""
    if sys.platform != "linux":
        return None
    parent, prctl = os.getpid(), ctypes.CDLL(None).prctl

    def ask_the_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the kernel was asked
            os._exit(1)

    return ask_the_kernel


class Watch:
    """Kills process `pid` when this process ends without having called `close`; for where the kernel does not."""

    def __init__(self, pid: int) -> None:
        self._process = subprocess.Popen(["/bin/sh", "-c", _WATCH, "sh", str(pid)], stdin=subprocess.PIPE)

    def close(self) -> None:
        """Leave the process alone from now on."""
        self._process.communicate(b"leave\n")
