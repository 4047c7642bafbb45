"""A meter that `smets device run` started, as a user starts it: real MicroPython in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.command import Outcome, smets, smets_process

START_TIMEOUT_S = 60


@dataclass
class Meter:
    """The running device and how to reach it."""

    process: subprocess.Popen[str]
    port: str
    keystore: Path
    store: Path

    def smets(self, *arguments: str | Path, stdin: bytes = b"") -> Outcome:
        """Run a command that talks to the meter."""
        return smets(*arguments, "--port", self.port, "--keystore", self.keystore, stdin=stdin)

    def stop(self, number: int = signal.SIGINT) -> int:
        """End it as Ctrl-C does, or by another signal; return its exit code."""
        self.process.send_signal(number)
        self.process.communicate(timeout=10)
        return self.process.returncode


def start_meter(folder: Path, *options: str) -> Meter:
    """Start a meter whose store and keys are below `folder`; fails with what it said when it does not start."""
    store, keystore = folder / "esme", folder / "keystore"
    process = smets_process("device", "run", "--store", store, "--keystore", keystore, "--json", "--bench", *options)
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        _, err = process.communicate(timeout=START_TIMEOUT_S)
        raise AssertionError(f"the device did not start: {err}")
    return Meter(process, json.loads(line)["port"], keystore, store)
