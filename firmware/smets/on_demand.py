"""Code that few messages need: loaded when one does, and given back to the heap afterwards."""

import gc
import sys

from micropython import const

_COLLECT_EVERY = const(4096)
_IS_SMALL = sys.implementation.name == "micropython"


def fetch(module, name):
    """Return what `module` (dotted) calls `name`, and forget the modules that were loaded for it.

    They live as long as what was returned is held, and are then collected.
    """
    loaded = _load(module)
    found = getattr(sys.modules[module], name)
    forget(loaded)
    return found


def call(module, name, *arguments):
    """Call what `module` (dotted) calls `name`, and forget the modules that were loaded for it when it returns.

    What it calls so itself finds those modules, and not copies of them. Raises what it raises.
    """
    loaded = _load(module)
    try:
        return getattr(sys.modules[module], name)(*arguments)
    finally:
        if loaded:
            forget(loaded)
            collect()


def _load(module):
    """Load a module and return the names of those that are to be forgotten again.

    When it cannot be loaded, nothing of it stays.
    """
    if module in sys.modules:
        return ()
    known = set(sys.modules)  # of no small size: gone before what was loaded is called
    collect()  # so that what comes lies together
    try:
        __import__(module)
    except MemoryError:
        forget([loaded for loaded in sys.modules if loaded not in known])
        raise
    return [loaded for loaded in sys.modules if loaded not in known]


class Later:
    """Stands for an object whose code is in the heap only while a method of it runs: it is made anew for each call.

    It is what `module` (dotted) calls `kind`, made of `arguments`.
    """

    def __init__(self, module, kind, *arguments):
        self._module, self._kind, self._arguments = module, kind, arguments

    def __getattr__(self, name):
        """Return a method of the object, which lives as long as that is held."""
        return getattr(fetch(self._module, self._kind)(*self._arguments), name)


def is_scarce(size):
    """Return whether less than `size` bytes of the heap are free, garbage not counted; on CPython never."""
    if not hasattr(gc, "mem_free") or gc.mem_free() >= size:
        return False
    gc.collect()
    return gc.mem_free() < size


def collect():
    """Collect garbage where there is little room; CPython, where it takes long, does it when it likes."""
    if _IS_SMALL:
        gc.collect()


def collect_often(on):
    """Collect garbage every 4 KB, or else when the heap is full; CPython does as it likes.

    While code is loaded and commands are carried out, or what stays lies scattered between what does not, and the heap
    has no place of more than some 200 bytes.
    """
    if _IS_SMALL:
        gc.threshold(_COLLECT_EVERY if on else -1)


def forget(modules):
    """Let go of loaded modules, by their dotted names; a module that is not loaded is passed over.

    CPython has room and keeps them.
    """
    for module in modules if _IS_SMALL else ():
        if sys.modules.pop(module, None) and "." in module:
            package, name = module.rsplit(".", 1)
            if package in sys.modules:  # a package may be forgotten before what is in it
                delattr(sys.modules[package], name)
