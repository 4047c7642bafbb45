"""Choose, once at import, the fastest module that this machine can load.

Machine-code modules (`viper`, inline assembler) are a SyntaxError where the port cannot assemble them and a ValueError
("incompatible arch") when their `.mpy` was made for another core; CPython and a trimmed image have none of them.
"""

import sys

_REFUSALS = (ImportError, SyntaxError, ValueError)


def fastest(names):
    """Return the first module of `names` (dotted, fastest first) that loads here; raises what the last one raises."""
    for name in names[:-1]:
        try:
            __import__(name)
        except _REFUSALS:
            continue
        return sys.modules[name]
    __import__(names[-1])
    return sys.modules[names[-1]]
