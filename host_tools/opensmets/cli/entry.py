"""Where the `smets` command begins: Ctrl-C is quiet from the first moment, even while the command is being loaded."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

EXIT_INTERRUPTED = 130


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(EXIT_INTERRUPTED)  # nothing has been begun


def main() -> int:
    """Load and run the command; return its exit code."""
    signal.signal(signal.SIGINT, _leave)
    from opensmets.cli.main import run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    return run()


if __name__ == "__main__":
    sys.exit(main())
