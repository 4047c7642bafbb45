"""What went wrong on a device that nobody watched: a small text file beside its journal, for `smets device log`.

Two files of at most _LIMIT bytes take turns, so that the flash holds the last errors and never more. It is in the heap
only while an error is written down or read.
"""

import os
import sys

from micropython import const

_NAME = "/crash.log"
_OLDER = "/crash.old"
_LIMIT = const(2048)
_MAX_ENTRY = const(600)
_CHUNK = const(160)


def note(store, time_s, error):
    """Add an error with its place in the program, at the meter's `time_s`, to the log in the folder `store`.

    Raises OSError when the flash takes no more.
    """
    entry = ("--- %d\n%s" % (time_s, _described(error))).encode()[:_MAX_ENTRY]
    if _size(store + _NAME) + len(entry) > _LIMIT:
        _remove(store + _OLDER)
        os.rename(store + _NAME, store + _OLDER)
    with open(store + _NAME, "ab") as file:
        file.write(entry + b"\n")


def tell(store, say):
    """Call `say` with each line of the log, the oldest first, and at last with an empty one."""
    for name in (_OLDER, _NAME):
        if _size(store + name):
            with open(store + name, "rb") as file:
                line = file.readline(_CHUNK)
                while line:
                    text = str(line, "utf-8").rstrip()
                    if text:
                        say(text)
                    line = file.readline(_CHUNK)
    say("")


def _described(error):
    """Return an error with the lines that it came from, where the port can tell them."""
    if not hasattr(sys, "print_exception"):
        return "%s: %s" % (type(error).__name__, error)
    from io import StringIO

    text = StringIO()
    sys.print_exception(error, text)  # type: ignore[arg-type]  # the stubs know only the boards' streams
    return text.getvalue().rstrip()


def _size(path):
    try:
        return os.stat(path)[6]
    except OSError:
        return 0


def _remove(path):
    try:
        os.remove(path)
    except OSError:  # there is none yet
        pass
