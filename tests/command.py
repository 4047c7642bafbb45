"""The `smets` command as tests run it: in this process, or in one of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from opensmets.cli.main import run

COMMAND = [sys.executable, "-m", "opensmets.cli.main"]


@dataclass
class Outcome:
    """What a command left: exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def why(self) -> str:
        """The one line that a failed command says; anything else fails the test."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("smets: "), self.err
        assert "Traceback" not in self.err
        return lines[0]


class _Stdin(io.TextIOWrapper):
    def __init__(self, octets: bytes) -> None:
        super().__init__(io.BytesIO(octets))


def smets(*arguments: str | Path, stdin: bytes = b"") -> Outcome:
    """Run the command here; quick, and good for everything but signals and pipes."""
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), patch.object(sys, "stdin", _Stdin(stdin)):
        code = run([str(argument) for argument in arguments])
        out.flush()
    return Outcome(code, out.buffer.getvalue().decode("utf-8", "replace"), err.getvalue())  # type: ignore[attr-defined]


def smets_process(*arguments: str | Path, **options: object) -> subprocess.Popen[str]:
    """Start the command in a process of its own, its output piped."""
    command = [*COMMAND, *(str(argument) for argument in arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload, no-any-return]


@contextmanager
def silent_port() -> Iterator[str]:
    """Give the path of a pty at which nobody answers."""
    import tty

    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        yield os.ttyname(slave)
    finally:
        os.close(master)
        os.close(slave)
