"""How a device test skips on both interpreters: `raise SkipTest(reason)`."""

try:
    from unittest import SkipTest
except ImportError:  # MicroPython has no unittest; its runner knows this class

    class SkipTest(Exception):
        """The test cannot be judged here; the message says why."""
