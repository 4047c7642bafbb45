"""The `smets` command: its groups, and the boundary where an error becomes one line and an exit code.

Exit codes: 0 done; 1 failed or refused; 2 wrong usage; 3 the device answered but refused an item; 130 interrupted.
"""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from types import FrameType
from typing import Annotated

import typer

from opensmets.cli import (
    board,
    check,
    contingency,
    device,
    explain,
    firmware,
    flash,
    image,
    keys,
    listen,
    meter,
    send,
    shortcuts,
    steps,
    support,
    tour,
)
from opensmets.cli.console import warn, write
from opensmets.cli.options import EXIT_CODES
from opensmets.errors import SmetsError

EXIT_INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
EXIT_PIPE_CLOSED = 141  # 128 + SIGPIPE
REPORT_TO = "please report it with the output of SMETS_DEBUG=1"

#: What the parser of the command line says, and what is meant.
_PLAIN = (
    (r"Value error, ", ""),
    (r"('[^']*') does not match the formats? .*%H.*", r"\1 is no date: write 2026-01-31 or 2026-01-31T14:30"),
    (r"('[^']*') does not match the formats? .*", r"\1 is no date: write it like 2026-01-31"),
    (r"No such option:? (-[0-9.]+)", r"'\1' is no amount in pounds: write it like 10.00"),
)

app = typer.Typer(
    name="smets",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        write(f"smets {version('opensmets')}")
        raise typer.Exit


@app.callback(epilog=EXIT_CODES)
def options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Talk to SMETS2 devices: DUIS XML in, GBCS over a serial line, verified answers back as XML."""


for _module in (
    tour,
    device,
    board,
    image,
    firmware,
    flash,
    send,
    shortcuts,
    listen,
    meter,
    explain,
    steps,
    keys,
    contingency,
    support,
    check,
):
    _module.register(app)


class _Ended(BaseException):
    """A signal asks the command to end; what it started is to be ended too."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


@contextmanager
def _endable() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into an exception, so that a virtual device never outlives its command."""

    def end(number: int, _: FrameType | None) -> None:
        raise _Ended(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fail(error: BaseException, text: str, code: int) -> int:
    if os.environ.get("SMETS_DEBUG"):
        traceback.print_exception(error)
    warn(text)
    return code


def _hang_up() -> int:
    # The reader has gone. Give Python's own flush at exit somewhere to write to, or it complains.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_PIPE_CLOSED


def _usage(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    hint = f"; try `{context.command_path} --help`" if context else ""
    text = error.format_message().rstrip(".")
    for pattern, plain in _PLAIN:
        text = re.sub(pattern, plain, text, flags=re.DOTALL)
    return text + hint


def _os_error(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}; check the path and its permissions"


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code. No exception and no traceback leaves it (SMETS_DEBUG=1 shows them)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a pound sign shows something else
            stream.reconfigure(errors="replace")
    try:
        with _endable():
            code = app(arguments, prog_name="smets", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except SmetsError as error:
        return _fail(error, str(error), error.exit_code)
    except typer.TyperException as error:
        # without arguments a group shows its help, and there is nothing to add
        return _fail(error, _usage(error), error.exit_code) if error.format_message() else error.exit_code
    except _Ended as ended:
        return ended.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except (BrokenPipeError, SystemExit):  # rich makes the one into the other
        return _hang_up()
    except OSError as error:
        return _fail(error, _os_error(error), 1)
    except Exception as error:  # noqa: BLE001 - the boundary: whatever went wrong, the user gets one line
        return _fail(error, f"a fault in smets itself ({type(error).__name__}: {error}); {REPORT_TO}", 1)


if __name__ == "__main__":
    sys.exit(run())
