"""Where the command's words go: data to stdout, everything said about it to stderr, one line each.

On a terminal progress is a spinner or a bar; in a pipe it is plain lines, so that a log reads well.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from opensmets.errors import SmetsError, UsageError

#: The largest file that any command reads whole.
MAX_INPUT = 4 << 20


def one_line(text: str) -> str:
    """Return `text` with its line breaks and control characters turned into spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def warn(text: str) -> None:
    """Say one line on stderr, with the command's name before it."""
    print(f"smets: {one_line(text)}", file=sys.stderr, flush=True)


def write(data: str | bytes) -> None:
    """Write a command's result to stdout, with a newline at its end."""
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return str(value)


def write_json(value: Any, *, lines: bool = False) -> None:
    """Write JSON to stdout, octets as hex; `lines` puts it on one line, for a stream of them."""
    write(json.dumps(value, default=_plain, indent=None if lines else 2, ensure_ascii=False))


@contextmanager
def working(what: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Show on stderr that something is being waited for; give what adds to it, on a terminal, how far it has come."""
    if quiet or not sys.stderr.isatty():
        if not quiet:
            warn(what)
        yield lambda progress: None
        return
    from rich.console import Console

    with Console(stderr=True).status(what) as status:
        yield lambda progress: status.update(f"{what}: {progress}")


@contextmanager
def counting(what: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Give what shows on stderr how many of how many are done: a bar on a terminal, one line in a pipe."""
    if quiet or not sys.stderr.isatty():
        if not quiet:
            warn(what)
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def read_input(source: str) -> bytes:
    """Return the content of a file, or of stdin for `-`.

    Raises UsageError when there is no such file, and SmetsError when it is larger than MAX_INPUT.
    """
    if source == "-":
        data = sys.stdin.buffer.read(MAX_INPUT + 1)
    else:
        path = Path(source)
        if path.is_dir() or not path.exists():  # what is neither may be a pipe of the shell's
            raise UsageError(
                f"{source}: {'is a folder' if path.is_dir() else 'no such file'}; give a file, or - for stdin"
            )
        with path.open("rb") as file:
            data = file.read(MAX_INPUT + 1)
    if len(data) > MAX_INPUT:
        raise SmetsError(f"{source} is larger than {MAX_INPUT} bytes: not something that smets reads")
    return data
