"""What failed in the field is noted. In the heap only then."""

import sys

from smets.store import crash_log


def note(device, error):
    """Keep an error in the crash log, once while it repeats, and tell it on the log channel.

    Raises OSError when the flash takes no more.
    """
    if device.prints_errors:
        _print(error)
    text = "%s: %s" % (type(error).__name__, error)
    if text != device.noted:
        device.noted = text
        device.trouble = None if isinstance(error, MemoryError) else error
        try:
            crash_log.note(device.store, device.meter.time_s if device.meter else 0, error)
        except (OSError, MemoryError):
            text += " (and no room to keep this)"
    device.log(text)


def _print(error):
    if hasattr(sys, "print_exception"):
        sys.print_exception(error, sys.stderr)  # type: ignore[arg-type]  # the stubs know only the boards' streams
    else:
        sys.stderr.write("%s: %s\n" % (type(error).__name__, error))
