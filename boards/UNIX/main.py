"""A virtual device on the unix port or CPython, speaking link frames on its standard input and output.

    micropython -X heapsize=250k boards/UNIX/main.py --store DIR [--role esme] [--bench] [--speed N] [--blocking]
        [--link udp:GROUP:PORT] [--load TABLE] [--started-by watchdog|hardware|program]

Standard input and output are the master side of a pty, with O_NONBLOCK set by whoever starts this (`--blocking` says
that it is not); with `--link` a multicast group is the link instead. `--load` is a table of what is measured
(smets/bench/load_rows.py); `--started-by` says that a watchdog ended the program before, its hardware, or itself: else
its supply was lost. The factory's firmware is the package `smets` on the module path (`MICROPYPATH`, `PYTHONPATH`), or
else of this checkout; boot.py may pick another from the store. Errors go to standard error; exit code 2 means wrong
usage, 3 a store or table that cannot be used, 75 that the device wants to be started again.
"""

import gc
import sys

ROLES = ("esme",)
START_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: try again
X64 = 2  # MicroPython's number of that architecture


def read_options(arguments):
    """Return the options as a dict. Raises ValueError with a line that says what is wrong."""
    options = {"store": None, "role": "esme", "speed": "1", "bench": False, "blocking": False, "link": None}
    options["started-by"] = options["load"] = None
    rest = list(arguments)
    while rest:
        name = rest.pop(0)
        if name not in ("--store", "--role", "--speed", "--bench", "--blocking", "--link", "--load", "--started-by"):
            raise ValueError("unknown option " + name)
        if name in ("--bench", "--blocking"):
            options[name[2:]] = True
        elif rest:
            options[name[2:]] = rest.pop(0)
        else:
            raise ValueError(name + " needs a value")
    if not options["store"] or options["role"] not in ROLES or not options["speed"].isdigit():
        raise ValueError("needed: --store DIR; --role is " + " or ".join(ROLES) + ", --speed a whole number")
    if options["started-by"] not in (None, "watchdog", "hardware", "program"):
        raise ValueError("--started-by is watchdog, hardware or program")
    return options


def find_firmware():
    """Put this checkout's firmware on the module path unless `smets` is on it already."""
    root = __file__.replace("\\", "/").rsplit("/boards/", 1)[0] if "/boards/" in __file__ else "."
    sys.path.append(root + "/firmware")
    if sys.implementation.name == "cpython":
        sys.path.append(root + "/firmware/cpython")


def board():
    """Return what firmware images must be for: byte code, with this machine's native code in it, or Python's source."""
    if sys.implementation.name == "cpython":
        return "unix-cpython"
    return "unix-x64" if sys.implementation._mpy >> 10 & 15 == X64 else "unix"


def main(arguments):
    """Run the device; return an exit code when it cannot start."""
    try:
        options = read_options(arguments)
    except ValueError as error:
        sys.stderr.write("main.py: " + str(error) + "\n")
        return 2
    find_firmware()
    import boot

    boot.choose(options["store"])
    code = guarded(run, options)
    return START_AGAIN if boot.is_trial(options["store"]) else code


def open_stream(options):
    """Return the link. Raises ValueError when it is not named as `udp:GROUP:PORT`, OSError when it cannot be used."""
    if options["link"] is None:
        from smets.link.unix_stream import open_standard

        return open_standard(nonblocking=not options["blocking"])
    from smets.link.radio_stream import RadioStream
    from smets.link.udp_radio import UdpRadio

    use, group, port = options["link"].split(":")
    if use != "udp":
        raise ValueError("--link is udp:GROUP:PORT")
    return RadioStream(UdpRadio(group, int(port)))


def run(options):
    """Run the device with the firmware that is on the module path; return an exit code when it ends."""
    if hasattr(gc, "threshold"):
        gc.threshold(4096)  # so that loading the firmware leaves the heap in one piece
    from smets.roles.esme import Esme
    from smets.store.files import StoreCorrupt

    try:
        stream = open_stream(options)
        device = Esme(stream, options["store"], None, options["bench"], int(options["speed"]), True, board())
        device.trouble = options["started-by"] or "supply"
        if options["load"]:
            from smets.bench.load_table import LoadTable

            device.measure = LoadTable(options["load"]).measure
    except (OSError, ValueError, StoreCorrupt) as error:
        sys.stderr.write("main.py: " + options["store"] + ": " + str(error) + "\n")
        return 3
    device.run()
    return START_AGAIN


def guarded(step, *arguments):
    """Return a step's exit code; what it cannot survive is told on standard error, for standard output is the link."""
    try:
        return step(*arguments)
    except Exception as error:  # noqa: BLE001 - the last one to see it, on its way out
        if hasattr(sys, "print_exception"):
            sys.print_exception(error, sys.stderr)
        else:
            sys.stderr.write(type(error).__name__ + ": " + str(error) + "\n")
        return 1


if __name__ == "__main__":
    sys.exit(guarded(main, sys.argv[1:]))
