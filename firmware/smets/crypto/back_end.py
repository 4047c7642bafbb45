"""Choose, once at import, the fastest module that this machine can load.

Machine-code modules (`viper`, inline assembler) are a SyntaxError where the port cannot assemble them and a ValueError
("incompatible arch") when their `.mpy` was made for another core; CPython and a trimmed image have none of them.
"""

import sys

_REFUSALS = (ImportError, SyntaxError, ValueError)


def fastest(names):
    """Return the first module of `names` (dotted, fastest first) that loads here; raises ImportError if none does."""
    for name in names:
        try:
            __import__(name)
        except _REFUSALS:
            continue
        return sys.modules[name]
    raise ImportError("no back end of " + names[-1])
