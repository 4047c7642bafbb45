"""What there is in a store: asked when it is opened, and not resident."""

import os
from errno import EEXIST

from micropython import const

NEW = "new.tmp"
"""The name of a journal's base that is being written."""

_FEW = const(16)


def names(directory, prefix=""):
    """Return the sorted names in `directory`, which is made when it is missing, that start with `prefix`."""
    try:
        return sorted([name for name in _entries(directory) if name.startswith(prefix)])
    except OSError:
        os.mkdir(directory)
        return []


def first_names(directory):
    """Return the names of the first entries of `directory`, at most _FEW: a worn heap may have no room for more."""
    found = []
    for name in _entries(directory):  # to the end: that closes it
        if len(found) < _FEW:
            found.append(name)
    return found


def _entries(directory):
    """Yield the names in `directory`: a list of all of a full store is more than a small heap has room for."""
    if hasattr(os, "ilistdir"):
        for entry in os.ilistdir(directory):
            yield entry[0]
    else:
        yield from os.listdir(directory)


def make_folder(path):
    """Make a folder where there is none yet. Raises OSError when it cannot be made."""
    try:
        os.mkdir(path)
    except OSError as error:
        if error.errno != EEXIST:
            raise


def is_blank(handle, offset):
    """Return whether the file from `offset` on is all 00 or all FF: space that a cut left allocated but unwritten."""
    handle.seek(offset)
    tail = handle.read(1)
    blank = tail
    while tail:
        if blank not in (b"\x00", b"\xff") or tail != blank * len(tail):
            return False
        tail = handle.read(64)
    return True
