"""The bench's channel: requests that are answered by code that is gone again before the meter lives on as they say."""

import sys

from smets.link import framing
from smets.on_demand import call
from smets.store.files import FLASH, StoreCorrupt

_KEPT_BY_SYSTEM = ("linux", "darwin")
"""Platforms on which what a program has written outlives it, whether or not it was synchronised."""
_TIME_REQUEST = b'{"do": "status"}'
_FAILED = '{"ok": false, "why": "%s"}'


def answer(device, request):
    """Answer a bench request. What fails of it is noted and told.

    Years pass without synchronising: a process that is killed loses nothing by it, a computer without power may. On a
    board nothing changes, nor where a flash is mounted.
    """
    bench, meter = device.bench, device.meter
    octets = _answered(device, request)
    FLASH.in_haste = sys.platform in _KEPT_BY_SYSTEM and not _has_flash()
    try:
        if bench.until_s is not None:
            _live_on(device)
            octets = _answered(device, _TIME_REQUEST)
        elif bench.later:
            octets = call(bench.later[0], "answer", meter, bench)
            while octets is None:
                _live_on(device)
                octets = call(bench.later[0], "answer", meter, bench)
    except (OSError, MemoryError, RuntimeError, ValueError, StoreCorrupt) as error:
        meter.discard()
        device.note(error)
        octets = _FAILED % type(error).__name__
    finally:
        FLASH.in_haste = False
        bench.later = None  # what it was to do is no small size
    if isinstance(octets, list):
        device.send(framing.BENCH, *octets)
    else:
        device.send(framing.BENCH, octets if isinstance(octets, bytes) else octets.encode())


def _live_on(device):
    """Let the meter live up to the time that the bench waits for, with the heap to itself."""
    until_s, device.bench.until_s = device.bench.until_s, None
    device.live(until_s)
    device.meter.release()


def _answered(device, request):
    def counts():
        return _counts(device)

    device.catch_up()  # with the bench's code in the heap there is no room for a half hour
    return call("smets.bench.control", "answer", request, device.meter, device.bench.faults, None, counts, device.bench)


def _has_flash():
    """Return whether a file system is mounted besides the operating system's."""
    try:
        import vfs
    except ImportError:  # CPython
        return False
    return len(vfs.mount()) > 1


def _counts(device):
    """Return how many commands were accepted, refused (by code), for other devices, and the cells' checksum."""
    handler = device.handler
    refused = {"%04X" % code: count for code, count in handler.refused.items()}
    cells = device.anchors.check(0)
    return {"accepted": handler.accepted, "refused": refused, "dropped": handler.dropped, "cells": cells}
