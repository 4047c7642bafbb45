"""CPython's stand-in for MicroPython's module `micropython`: the names the device code uses, without effect."""


def const(value):
    """Return `value`; MicroPython's compiler folds it."""
    return value


def native(function):
    """Return `function`; MicroPython compiles it to machine code."""
    return function


def viper(function):
    """Return `function`; MicroPython compiles it to machine code."""
    return function


def asm_thumb(function):
    """Raise ImportError: there is no Thumb core here."""
    raise ImportError("no Thumb core for " + function.__name__)


def kbd_intr(character):
    """Do nothing: a pipe or pty has no interrupt character to switch off."""


def opt_level(level=0):
    """Return 0: asserts and line numbers stay as CPython was started."""
    return 0


def mem_info(verbose=False):
    """Print nothing: CPython has no heap of MicroPython's kind to tell of."""


def alloc_emergency_exception_buf(size):
    """Do nothing: CPython can always make an exception."""


def schedule(function, argument):
    """Call `function(argument)` at once; MicroPython does it when the running code lets go."""
    function(argument)
