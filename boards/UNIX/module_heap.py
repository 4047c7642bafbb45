"""What modules take of MicroPython's heap once they are loaded, each without those that it imports: for `make size`.

    micropython -X heapsize=4m module_heap.py MODULE ...

A line of JSON: bytes by module. What a module makes for a device, such as its buffers, is not loaded yet.
"""

import builtins
import gc
import json
import sys


class Loading:
    """The bytes in use before each module that is being loaded, and what those took that it imports."""

    def __init__(self, modules):
        self.taken = dict.fromkeys(modules, 0)  # whole from the start: one that grew would be counted too
        self._imported = 0
        self._load = builtins.__import__

    def load(self, name, *arguments):
        """Import a module as `import` does, and count what it takes when it is not there yet."""
        if name in sys.modules:
            return self._load(name, *arguments)
        before, others = _in_use(), self._imported
        self._imported = 0
        found = self._load(name, *arguments)
        whole = _in_use() - before
        if name in self.taken:
            self.taken[name] = whole - self._imported
        self._imported = others + whole
        return found


def _in_use():
    gc.collect()
    return gc.mem_alloc()


loading = Loading(sys.argv[1:])
builtins.__import__ = loading.load
for name in sys.argv[1:]:
    __import__(name)
print(json.dumps(loading.taken))
