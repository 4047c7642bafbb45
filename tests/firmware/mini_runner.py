"""Run one device test file on MicroPython: `micropython tests/firmware/mini_runner.py FILE`.

Prints a line per test, `pass NAME`, `skip NAME: reason` or `fail NAME` and the traceback, which the pytest plugin
beside it reads. The same file runs under CPython through pytest, so a device test is plain functions and `assert`; it
skips by raising `tests.firmware.skipping.SkipTest`.
"""

import sys


def _run(path):
    root = path.rsplit("/tests/", 1)[0]
    sys.path[:] = [root + "/firmware", root, path.rsplit("/", 1)[0]] + sys.path
    from tests.firmware.skipping import SkipTest

    module = __import__(path.rsplit("/", 1)[1][:-3])
    for name in sorted(dir(module)):
        if not name.startswith("test_"):
            continue
        try:
            getattr(module, name)()
        except SkipTest as skipped:
            print("skip " + name + ": " + str(skipped))
        except BaseException as error:  # noqa: BLE001 - the runner reports whatever a test raises
            print("fail " + name)
            sys.print_exception(error)
        else:
            print("pass " + name)
    print("end")


_run(sys.argv[1])
