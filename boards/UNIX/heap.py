"""main.py, and what its heap holds is told on standard error: for `make size` and for the heap gate.

    micropython -X heapsize=250k boards/UNIX/heap.py --store DIR [as main.py]

Lines of JSON, whenever a number grew: `peak`, bytes in use when a module was loaded or octets were sent, with what
garbage there was (4 KB at most); `rest`, bytes in use between two frames, without garbage; `size`, all there is; and
`modules`, those that are loaded at rest, sorted.
"""

import builtins
import gc
import json
import sys

import main


class Watched:
    """A link driver that looks at the heap whenever it is used."""

    def __init__(self, stream):
        self._stream = stream
        self._peak = self._rest = self._modules = 0
        self._load = builtins.__import__
        builtins.__import__ = self._import

    def _import(self, *arguments):
        found = self._load(*arguments)
        self._look()
        return found

    def _look(self):
        used = gc.mem_alloc()
        if used > self._peak:
            self._peak = used

    def readinto(self, buffer, timeout_ms):
        """Wait for octets as the driver does: the device is at rest now."""
        count = self._stream.readinto(buffer, 0)
        if count:
            return count
        gc.collect()
        rest = gc.mem_alloc()
        if rest > self._rest or len(sys.modules) != self._modules:
            self._rest, self._modules = max(rest, self._rest), len(sys.modules)
            self._tell()
        return self._stream.readinto(buffer, timeout_ms)

    def write(self, octets):
        """Send octets."""
        self._look()
        return self._stream.write(octets)

    def _tell(self):
        told = {"peak": self._peak, "rest": self._rest, "size": gc.mem_alloc() + gc.mem_free()}
        told["modules"] = sorted(sys.modules)
        sys.stderr.write(json.dumps(told) + "\n")


def watch():
    """Let the device be made with a link that looks at its heap."""
    from smets.link import unix_stream

    opened = unix_stream.open_standard
    unix_stream.open_standard = lambda nonblocking: Watched(opened(nonblocking))


if __name__ == "__main__":
    main.find_firmware()
    watch()
    sys.exit(main.guarded(main.main, sys.argv[1:]))
