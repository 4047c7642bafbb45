"""`smets flash`: an image onto a board, by the road that fits the board and the port."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opensmets.cli.console import warn, working
from opensmets.cli.image import BoardName, Frozen, Parts, WithBench, WithPanel, build_image
from opensmets.cli.options import EXIT_CODES
from opensmets.errors import SmetsError, UsageError

if TYPE_CHECKING:
    from opensmets.boards.image import Image
    from opensmets.boards.prompt import Prompt

_ACTIVE_SLOT = "store/slots/boot"
_WHO_TIMEOUT_S = 1.5
_RESTART_S = 1.0


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("flash", epilog=EXIT_CODES)(flash)


def flash(
    board: BoardName,
    port: Annotated[
        str, typer.Option(metavar="PORT", help="The board's serial port, or an RP2040's drive while BOOTSEL is held.")
    ],
    update: Annotated[bool, typer.Option("--update", help="Only the files that changed.")] = False,
    factory: Annotated[
        bool, typer.Option("--factory", help="Replace an ESP32's whole filesystem, keys and logs with it (esptool).")
    ] = False,
    bench: WithBench = False,
    panel: WithPanel = False,
    frozen: Frozen = False,
    part: Parts = None,
) -> None:
    """Build a board's image and put it on a board that has MicroPython.

    Over a serial port it goes file by file, and what the meter keeps (keys, registers, logs) stays. Onto
    a drive, or with --factory, the whole filesystem is replaced.
    """
    from opensmets.boards.description import boards_path
    from opensmets.boards.flash import flash_drive, flash_partition

    if not port:
        raise UsageError("give the board's serial port, or the drive of an RP2040: PORT=/dev/ttyACM0")
    drive = Path(port)
    if update and (factory or drive.is_dir()):
        raise UsageError("a factory image replaces everything: it is no update; give a serial port, without FACTORY=1")
    with working(f"compiling for {board}"):
        image = build_image(board, bench=bench, panel=panel, frozen=frozen, parts=part)
    folder = boards_path().parent / "build" / "images" / board
    if drive.is_dir():
        with working(f"copying a factory image to {drive}"):
            flash_drive(image, drive, folder)
        warn("the board starts with it now; it is no meter yet: run `smets device provision --port PORT`")
    elif factory:
        with working(f"replacing the filesystem of the board at {port}"):
            flash_partition(image, port, folder)
        warn("reset the board; it is no meter yet: run `smets device provision --port PORT`")
    else:
        _flash_files(image, port, changed_only=update)


def _flash_files(image: Image, port: str, *, changed_only: bool) -> None:
    from opensmets.boards.flash import flash_files

    with open_prompt(port) as prompt:
        try:
            with working(f"writing to {port}") as progress:
                done = flash_files(image, prompt, changed_only=changed_only, progress=progress)
        except KeyboardInterrupt:
            warn("ended before all was written: repeat it, no meter may start until then; keys and logs are kept")
            raise
        record = prompt.read(_ACTIVE_SLOT)
        provisioned = prompt.digests("store/journal")
    warn(f"{done.written} files written ({done.octets} bytes), {done.removed} deleted, {done.same} left as they were")
    if record and record[:1] != b"-":
        warn("the board runs firmware that it was sent, and not these files, until it is sent other firmware")
    if not provisioned:
        warn(f"it is no meter yet: run `smets device provision --port {port}`")


def open_prompt(port: str) -> Prompt:
    """Return the prompt of the board at `port`, having asked a meter with a bench for it.

    Raises SmetsError that says what runs there instead.
    """
    from opensmets.boards.prompt import NoPrompt, Prompt

    try:
        return Prompt(port)
    except NoPrompt:
        meter = _ask_for_prompt(port)
    try:
        return Prompt(port)
    except NoPrompt:
        if meter is None:
            raise SmetsError(
                f"no MicroPython answers on {port}: put it on the board first (boards/README.md), or reset the board"
            ) from None
        raise SmetsError(
            f"{meter} runs on {port} and keeps its prompt to itself: hold the board's button while it starts"
        ) from None


def _ask_for_prompt(port: str) -> str | None:
    """Ask what runs at `port` for its prompt, which only a bench gives; return the meter's name, None for no meter."""
    from opensmets.bench.control import BENCH, PROVISIONING, Caller, NoAnswer
    from opensmets.links import open_link
    from opensmets.security.keystore import format_eui

    with open_link(port) as link:
        try:
            known = Caller(link, PROVISIONING)("who", timeout_s=_WHO_TIMEOUT_S)
        except (NoAnswer, ValueError):
            return None
        link.send(BENCH, b'{"do": "repl"}')
        time.sleep(_RESTART_S)
    return f"the meter {format_eui(bytes.fromhex(known['eui']))}" if known["eui"] else "a meter to be provisioned"
