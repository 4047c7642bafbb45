"""The tests: `firmware` on both interpreters, `host` on CPython, `end_to_end` against a real MicroPython process."""
