"""`smets meter panel`: the meter's display in the terminal, live, with its keys."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated

import typer

from opensmets.cli.console import write, write_json
from opensmets.cli.options import AUTO, EXIT_CODES, Json, Port
from opensmets.errors import SmetsError

if TYPE_CHECKING:
    from rich.console import Group

    from opensmets.bench.panel import MeterPanel, Page

#: How often the display is looked at when nobody presses a key.
LOOK_S = 1.0
HELP = "0-9 digits · → ← pages · Enter ok · ⌫ clear · q end"
_NAMES = {
    b"\r": "ok", b"\n": "ok", b"\x7f": "clear", b"\x08": "clear", b" ": "next", b"\t": "next",
    b"\x1b[C": "next", b"\x1b[B": "next", b"\x1bOC": "next", b"\x1bOB": "next",
    b"\x1b[D": "back", b"\x1b[A": "back", b"\x1bOD": "back", b"\x1bOA": "back",
}  # fmt: skip
_ENDS = (b"q", b"Q", b"\x04")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("panel", epilog=EXIT_CODES)(panel)


def panel(
    port: Port = AUTO,
    press: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Press this first: digits, next, back, ok or clear. May be repeated."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Show the page and end.")] = False,
    as_json: Json = False,
) -> None:
    """Show the meter's display and press its keys; the device needs an open bench channel (`device run --bench`).

    On a terminal the keys are yours: digits, arrows for pages, Enter for ok, backspace for clear, q to end. In a pipe
    each page that changes is written as plain lines, or with --json as one line. The port is the panel's alone:
    alerts that come meanwhile are not told.
    """
    from opensmets.bench.control import Bench
    from opensmets.bench.panel import MeterPanel, keys_of
    from opensmets.links import open_link

    keys = keys_of(press or [])
    with open_link(port) as link:
        meter = MeterPanel(Bench(link))
        page = meter.page(*keys)
        if once:
            show(page, as_json)
        elif as_json or not (sys.stdout.isatty() and sys.stdin.isatty()):
            _follow(meter, page, as_json)
        else:
            _live(meter, page)


def show(page: Page, as_json: bool) -> None:
    """Write a page: its lines and an empty one, or one line of JSON."""
    if as_json:
        write_json(page.as_json(), lines=True)
    else:
        sounds = f"(it sounds: 0x{page.sounds:04X})\n" if page.sounds else ""
        write("\n".join(page.lines) + "\n" + sounds + "\n")


def keys_from(typed: bytes) -> tuple[list[str], bool]:
    """Return the meter's keys for what a terminal sent, and whether its user ends. What is no key is dropped."""
    keys: list[str] = []
    while typed:
        size = 3 if typed[:2] in (b"\x1b[", b"\x1bO") else 1
        key, typed = typed[:size], typed[size:]
        if key in _ENDS:
            return keys, True
        if key.isdigit():
            keys.append(key.decode())
        elif key in _NAMES:
            keys.append(_NAMES[key])
    return keys, False


def _follow(meter: MeterPanel, page: Page, as_json: bool) -> None:
    """Write each page that is another than the one before, until Ctrl-C."""
    while True:
        show(page, as_json)
        before = page
        while page == before:
            time.sleep(LOOK_S)
            page = meter.page()


def _live(meter: MeterPanel, page: Page) -> None:
    """Draw the display, and give the terminal's keys to the meter, until its user ends it."""
    from rich.live import Live

    with _raw_keys() as typed, Live(_drawn(page, ""), auto_refresh=False, screen=True) as live:
        ended = False
        while not ended:
            keys, ended = keys_from(typed(LOOK_S))
            why = ""
            try:
                page = meter.page(*keys)
            except SmetsError as error:  # shown: the next look may find the meter again
                why = str(error)
            live.update(_drawn(page, why), refresh=True)


def _drawn(page: Page, why: str) -> Group:
    """Return the display as a frame of its real size, and below it what the keys are, or what is wrong."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    from opensmets.bench.panel import HEIGHT, WIDTH

    shown = Text()
    for number in range(HEIGHT):
        line = page.lines[number] if number < len(page.lines) else ""
        shown.append(line.ljust(WIDTH) + ("\n" if number < HEIGHT - 1 else ""), style="" if number else "bold reverse")
    title = f"meter sounds: 0x{page.sounds:04X}" if page.sounds else "meter"
    return Group(Panel(shown, title=title, expand=False), Text(why or HELP, style="red" if why else "dim"))


def _raw_keys() -> AbstractContextManager[Callable[[float], bytes]]:
    try:
        import termios
        import tty
    except ImportError:  # not a Unix
        raise SmetsError("this terminal's keys cannot be read one by one: use --press and --once") from None

    @contextlib.contextmanager
    def raw() -> Iterator[Callable[[float], bytes]]:
        """Let the terminal give its keys at once and unechoed; Ctrl-C still interrupts."""
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)

        def typed(timeout_s: float) -> bytes:
            """Return what was typed within a time, nothing when nothing was."""
            ready, _, _ = select.select([terminal], [], [], timeout_s)
            return os.read(terminal, 64) or b"q" if ready else b""

        try:
            tty.setcbreak(terminal)
            yield typed
        finally:
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)

    return raw()
