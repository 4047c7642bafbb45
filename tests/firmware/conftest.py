"""Collect each device test file twice: as plain pytest functions on CPython, and once more on unix MicroPython."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

RUNNER = Path(__file__).with_name("mini_runner.py")
TIMEOUT_S = 280


def micropython() -> str | None:
    """Return the MicroPython to test with: $MICROPYTHON, else the one installed beside this Python, else None."""
    named = os.environ.get("MICROPYTHON")
    beside = Path(sys.executable).with_name("micropython")
    return named or (str(beside) if beside.exists() else None)


class MicroPythonFile(pytest.Collector):
    """One device test file, run whole in one MicroPython process; its tests become items of their own."""

    def collect(self) -> Iterable[pytest.Item]:
        source = self.path.read_text()
        heap = re.search(r"^# heap: (\w+)", source, re.M)
        run = _Run(self.path, heap.group(1) if heap else "4m")
        for name in re.findall(r"^def (test_\w+)\(\)", source, re.M):
            item = MicroPythonTest.from_parent(self, name=name, run=run)
            item.add_marker(pytest.mark.xdist_group(str(self.path)))
            yield item


class _Run:
    """The MicroPython process of one file, started when its first test wants a result."""

    def __init__(self, path: Path, heap: str) -> None:
        self.path, self.heap, self.lines = path, heap, None

    def result(self, name: str) -> str:
        """Return "" when the test passed, else what went wrong; skip the pytest test when it skipped."""
        if self.lines is None:
            command = [micropython(), "-X", f"heapsize={self.heap}", str(RUNNER), str(self.path)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
            self.lines = (done.stdout + done.stderr).splitlines()
        if f"pass {name}" in self.lines:
            return ""
        for line in self.lines:
            if line.startswith(f"skip {name}: "):
                pytest.skip(line.partition(": ")[2])
        if f"fail {name}" in self.lines:
            told = self.lines[self.lines.index(f"fail {name}") :]
            end = next((i for i, line in enumerate(told) if i and re.match(r"(pass|fail|skip) test_|end$", line)), None)
            return "\n".join(told[:end])
        return "never ran:\n" + "\n".join(self.lines[-20:])


class MicroPythonTest(pytest.Item):
    """One test function's result on MicroPython."""

    def __init__(self, *, run: _Run, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = run

    def runtest(self) -> None:
        if micropython() is None:
            pytest.skip("no MicroPython for this machine: install it or set $MICROPYTHON")
        problem = self.run.result(self.name)
        if problem:
            pytest.fail(problem, pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"micropython: {self.name}"


@pytest.hookimpl
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Add the MicroPython twin of every device test file."""
    if file_path.parent == RUNNER.parent and file_path.name.startswith("test_") and file_path.suffix == ".py":
        name = f"micropython:{file_path.name}"
        return MicroPythonFile.from_parent(parent, path=file_path, name=name, nodeid=f"{parent.nodeid}/{name}")
    return None
