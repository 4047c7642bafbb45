"""A child ends with its parent: by the kernel, and by the watch that stands in where the kernel does not do it."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from opensmets.bench.lifeline import Watch

KERNEL = "preexec_fn=end_with_parent()"
PARENT = """
import os, signal, subprocess, sys
from opensmets.bench.lifeline import Watch, end_with_parent
child = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL{options})
{watch}
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def _runs(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


@pytest.mark.parametrize(
    ("options", "watch"),
    [
        pytest.param(f", {KERNEL}", "", marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux's prctl")),
        ("", "watch = Watch(child.pid)"),
    ],
)
def test_a_child_ends_with_a_killed_parent(options: str, watch: str) -> None:
    code = PARENT.format(options=options, watch=watch)
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    child = int(parent.stdout.readline())
    parent.wait(10)
    parent.stdout.close()
    until = time.monotonic() + 5
    while _runs(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _runs(child)


def test_a_closed_watch_leaves_the_child_alone() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        Watch(child.pid).close()
        time.sleep(0.1)
        assert child.poll() is None
        child.kill()
