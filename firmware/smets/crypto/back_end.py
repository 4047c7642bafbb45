"""Choose the fastest module that this machine can load, and let go of it where memory is short.

Machine-code modules (`viper`, inline assembler) are a SyntaxError where the port cannot assemble them and a ValueError
("incompatible arch") when their `.mpy` was made for another core; CPython and a trimmed image have none of them.
"""

import gc
import sys

from micropython import const

_SCARCE_BYTES = const(131072)
"""Free heap below which code that is not needed all the time is given back."""
_REFUSALS = (ImportError, SyntaxError, ValueError)
_refused: list = []


def fastest(names):
    """Return the first module of `names` (dotted, fastest first) that loads here; raises what the last one raises.

    One that did not load is not tried again.
    """
    if names[-1] not in sys.modules:
        gc.collect()  # so that what comes lies in one piece
    for name in names[:-1]:
        if name in _refused:
            continue
        try:
            __import__(name)
        except _REFUSALS:
            _refused.append(name)
            sys.modules.pop(name, None)
            continue
        return sys.modules[name]
    __import__(names[-1])
    return sys.modules[names[-1]]


def unload_if_scarce(names):
    """Forget loaded modules (dotted) when the heap is short of room; they load again at the next use."""
    if not hasattr(gc, "mem_free") or gc.mem_free() > _SCARCE_BYTES:
        return
    for name in names:
        if sys.modules.pop(name, None) and "." in name:
            package, part = name.rsplit(".", 1)
            delattr(sys.modules[package], part)
