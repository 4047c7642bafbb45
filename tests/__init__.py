"""The tests of OpenSMETS: `firmware` on both interpreters, `host` on CPython, `end_to_end` on a real MicroPython process."""
