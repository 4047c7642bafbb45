"""Pick the firmware that runs: one of two slots, or the factory's. This file stays when the firmware changes.

`<store>/slots/boot` is four characters and their CRC-32, big-endian: the active slot (a, b, or - for the factory's
files), the slot tried last, its state (I idle, T on trial, C confirmed, F failed) and how many starts it has left.
`main.py` calls `choose` before it imports `smets`; when that ends with an error while `is_trial`, it starts again.

Compiled firmware has most of its modules in the folder `smets` under names of one part: that is on the module path too.
"""

import os
import sys
import time
from binascii import crc32

_FACTORY = "--I0"
_LAST_WORDS_S = 0.2  # so long a board keeps what it sent last before its host has taken it
_MODULES = "/smets"

if "/lib" in sys.path and "/lib" + _MODULES not in sys.path:  # on a board; this file runs there at every start
    sys.path.insert(0, "/lib" + _MODULES)


def choose(store):
    """Put the slot to be run first on the module path and return its folder, None for the factory's files.

    A start on trial is counted before it: one that never confirms itself is not run for ever.
    """
    active, tried, state, starts = read_record(store)
    if state == "T" and starts != "0":
        _write_record(store, "%s%sT%d" % (active, tried, int(starts) - 1))
        active = tried
    elif state == "T":
        _write_record(store, active + tried + "F0")
    folder = store + "/slots/" + active
    try:
        os.stat(folder + "/verified")
    except OSError:
        return None
    sys.path.insert(0, folder)
    sys.path.insert(0, folder + _MODULES)
    return folder


def is_trial(store):
    """Return whether the firmware that runs has still to prove itself."""
    return read_record(store)[2] == "T"


def start_again(store, machine):
    """Start the board again, and let the next start know that it was meant: it is no trouble, whatever its cause."""
    try:
        open(store + "/planned", "wb").close()
    except OSError:
        pass  # then it is told as trouble, which such a flash is
    time.sleep(_LAST_WORDS_S)
    machine.reset()


def started_by(store, machine):
    """Return why the board started, as Esme has its trouble; None when the program itself did it, or nobody knows.

    A start that was meant is known once: the next call tells the cause that the board gives.
    """
    try:
        os.remove(store + "/planned")
        return None
    except OSError:
        cause = machine.reset_cause()
    if cause == machine.WDT_RESET:
        return "watchdog"
    if cause == machine.PWRON_RESET:
        return "supply"
    return "hardware" if cause == getattr(machine, "HARD_RESET", None) else None  # an RP2040 knows no such thing


def read_record(store):
    """Return the record's characters; without one, those of a device that has only its factory's files."""
    try:
        with open(store + "/slots/boot", "rb") as handle:
            packed = handle.read(8)
    except OSError:
        return _FACTORY
    good = crc32(packed[:4]).to_bytes(4, "big") == packed[4:] and packed[2] in b"ITCF"  # erased flash has a good CRC
    return packed[:4].decode() if good else _FACTORY


def _write_record(store, text):
    path = store + "/slots/boot"
    with open(path + ".new", "wb") as handle:
        handle.write(text.encode() + crc32(text.encode()).to_bytes(4, "big"))
        handle.flush()  # MicroPython's flush is the file system's sync
        if hasattr(os, "fsync"):
            os.fsync(handle.fileno())
    os.rename(path + ".new", path)  # whole or not at all, on littlefs and POSIX alike
