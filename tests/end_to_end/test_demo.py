"""`smets demo` in a pipe, on real MicroPython."""

from __future__ import annotations

import subprocess
import time

import pytest

from opensmets.bench.firmware import micropython_path
from opensmets.cli.scene import DemoFailed, expect
from tests.command import COMMAND, smets

pytestmark = pytest.mark.xdist_group("demo")
MUST_SAY = (
    "provisioned as 00-DB-12-34-56-78-90-A0", "DUIS 8.1.1 became ECS70Commission", "2300 Wh", "UTRN 7394",
    "rose by £10.00", "Disabled", "Armed", "Enabled", "0x8F66", "81C1", "one bit flipped", "sent again",
    "network operator", "Every step verified",
)  # fmt: skip


@pytest.mark.skipif(micropython_path() is None, reason="no MicroPython for this machine: set $MICROPYTHON")
def test_the_demo_verifies_in_a_pipe() -> None:
    started = time.monotonic()
    done = subprocess.run([*COMMAND, "demo"], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 60
    for words in MUST_SAY:
        assert words in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr == ""


def test_a_step_that_does_not_verify_fails_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opensmets.cli.tour_steps.TOP_UP_PENCE", 0)
    outcome = smets("demo", "--runtime", "cpython")
    assert outcome.code == 1
    assert "Every step verified" not in outcome.out


def test_expect_raises() -> None:
    with pytest.raises(DemoFailed, match="the moon"):
        expect(False, "the moon is no cheese")
