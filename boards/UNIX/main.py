"""A virtual device on the unix port or CPython, speaking link frames on its standard input and output.

    micropython -X heapsize=250k boards/UNIX/main.py --store DIR [--role esme] [--bench] [--speed N] [--blocking]

Standard input and output are the master side of a pty, with O_NONBLOCK set by whoever starts this (`--blocking` says
that it is not). The firmware is the package `smets` on the module path (`MICROPYPATH`, `PYTHONPATH`), or else of this
checkout. Errors go to standard error; exit code 2 means wrong usage, 3 a store that cannot be used.
"""

import gc
import sys

ROLES = ("esme",)


def read_options(arguments):
    """Return the options as a dict. Raises ValueError with a line that says what is wrong."""
    options = {"store": None, "role": "esme", "speed": "1", "bench": False, "blocking": False}
    rest = list(arguments)
    while rest:
        name = rest.pop(0)
        if name not in ("--store", "--role", "--speed", "--bench", "--blocking"):
            raise ValueError("unknown option " + name)
        if name in ("--bench", "--blocking"):
            options[name[2:]] = True
        elif rest:
            options[name[2:]] = rest.pop(0)
        else:
            raise ValueError(name + " needs a value")
    if not options["store"] or options["role"] not in ROLES or not options["speed"].isdigit():
        raise ValueError("needed: --store DIR; --role is " + " or ".join(ROLES) + ", --speed a whole number")
    return options


def find_firmware():
    """Put this checkout's firmware on the module path unless `smets` is on it already."""
    root = __file__.replace("\\", "/").rsplit("/boards/", 1)[0] if "/boards/" in __file__ else "."
    sys.path.append(root + "/firmware")
    if sys.implementation.name == "cpython":
        sys.path.append(root + "/firmware/cpython")


def main(arguments):
    """Run the device; return an exit code when it cannot start."""
    try:
        options = read_options(arguments)
    except ValueError as error:
        sys.stderr.write("main.py: " + str(error) + "\n")
        return 2
    find_firmware()
    if hasattr(gc, "threshold"):
        gc.threshold(4096)  # so that loading the firmware leaves the heap in one piece
    from smets.link.unix_stream import open_standard
    from smets.roles.esme import Esme
    from smets.store.files import StoreCorrupt

    try:
        stream = open_standard(nonblocking=not options["blocking"])
        device = Esme(stream, options["store"], None, options["bench"], int(options["speed"]))
    except (OSError, ValueError, StoreCorrupt) as error:
        sys.stderr.write("main.py: " + options["store"] + ": " + str(error) + "\n")
        return 3
    return device.run()


def guarded_main(arguments):
    """Run `main`; what it cannot survive is told on standard error, for standard output is the link."""
    try:
        return main(arguments)
    except Exception as error:  # noqa: BLE001 - the last one to see it, on its way out
        if hasattr(sys, "print_exception"):
            sys.print_exception(error, sys.stderr)
        else:
            sys.stderr.write(type(error).__name__ + ": " + str(error) + "\n")
        return 1


if __name__ == "__main__":
    sys.exit(guarded_main(sys.argv[1:]))
