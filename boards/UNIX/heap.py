"""main.py, and what its heap holds is told on standard error: for `make size` and for the heap gate.

    micropython -X heapsize=250k -m heap --store DIR [as main.py]

It is compiled like main.py (opensmets.bench.firmware). Lines of JSON: `peak`, the most bytes in use when a module was
loaded or octets were sent since the device was at rest, with what garbage there was (4 KB at most), told before those
octets leave; `rest`, bytes in use when it is at rest again, without garbage; and with it, when other modules are there,
`size`, all there is, and `modules`, sorted.
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
        self._peak = self._told = self._modules = 0
        self._was_busy = True
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
        if count == 0:
            if self._was_busy:
                self._tell()
            count = self._stream.readinto(buffer, timeout_ms)
        self._was_busy = count > 0
        return count

    def _tell(self):
        gc.collect()
        self._peak = self._told = 0
        told = {"rest": gc.mem_alloc()}
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            told["size"] = gc.mem_alloc() + gc.mem_free()
            told["modules"] = sorted(sys.modules)
        sys.stderr.write(json.dumps(told) + "\n")

    def write(self, octets):
        """Send octets."""
        self._look()
        if self._peak > self._told:
            self._told = self._peak
            sys.stderr.write(json.dumps({"peak": self._told}) + "\n")
        return self._stream.write(octets)


def watch():
    """Let the device be made with a link that looks at its heap."""
    from smets.link import unix_stream

    opened = unix_stream.open_standard
    unix_stream.open_standard = lambda nonblocking: Watched(opened(nonblocking))


if __name__ == "__main__":
    main.find_firmware()
    watch()
    sys.exit(main.guarded(main.main, sys.argv[1:]))
