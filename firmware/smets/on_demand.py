"""Code that few messages need: loaded when one does, and given back to the heap afterwards."""

import gc
import sys

from micropython import const

COLLECT_EVERY = const(4096)
"""Bytes between collections while code is loaded and a command is carried out, or what stays lies scattered between
what does not, and the heap has no place of more than some 200 bytes."""


def fetch(module, name):
    """Return what `module` (dotted) calls `name`, and forget the modules that were loaded for it.

    They live as long as what was returned is held, and are then collected. CPython has room and keeps them.
    """
    known = set(sys.modules)
    collect()  # so that what comes lies together
    __import__(module)
    found = getattr(sys.modules[module], name)
    if sys.implementation.name == "micropython":
        forget([loaded for loaded in sys.modules if loaded not in known])
    return found


def call(module, name, *arguments):
    """Call what `module` (dotted) calls `name`, and forget the modules that were loaded for it when it returns.

    What it calls so itself finds those modules, and not copies of them. Raises what it raises.
    """
    loaded = _load(module)
    try:
        return getattr(sys.modules[module], name)(*arguments)
    finally:
        forget(loaded)
        collect()


def _load(module):
    """Load a module and return the names of those that are to be forgotten again; CPython has room and keeps them.

    When it cannot be loaded, nothing of it stays.
    """
    known = set(sys.modules)  # of no small size: gone before what was loaded is called
    collect()
    try:
        __import__(module)
    except MemoryError:
        forget([loaded for loaded in sys.modules if loaded not in known])
        raise
    if sys.implementation.name != "micropython":
        return ()
    return [loaded for loaded in sys.modules if loaded not in known]


def is_scarce(size):
    """Return whether less than `size` bytes of the heap are free, garbage not counted; on CPython never."""
    if not hasattr(gc, "mem_free") or gc.mem_free() >= size:
        return False
    gc.collect()
    return gc.mem_free() < size


def collect():
    """Collect garbage where there is little room; CPython, where it takes long, does it when it likes."""
    if sys.implementation.name == "micropython":
        gc.collect()


def collect_every(octets):
    """Collect garbage whenever so many bytes were allocated, -1 when the heap is full; CPython does as it likes."""
    if hasattr(gc, "threshold"):
        gc.threshold(octets)


def forget(modules):
    """Let go of loaded modules, by their dotted names; a module that is not loaded is passed over."""
    for module in modules:
        if sys.modules.pop(module, None) and "." in module:
            package, name = module.rsplit(".", 1)
            if package in sys.modules:  # a package may be forgotten before what is in it
                delattr(sys.modules[package], name)
