"""`smets demo`: a meter from the test keys to the attacks that it refuses, told as it happens."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opensmets.cli.console import warn, write
from opensmets.cli.device import Runtime
from opensmets.errors import UsageError

if TYPE_CHECKING:
    from opensmets.cli.scene import Scene


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("demo")(demo)


def demo(
    runtime: Annotated[Runtime, typer.Option(help="The interpreter that runs the firmware.")] = Runtime.MICROPYTHON,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep keys, documents, the capture and the store here.")
    ] = None,
) -> None:
    """Show a meter at work: real firmware over a pty, real DUIS XML, every answer verified. Exit 0 only if all did."""
    with ExitStack() as stack:
        if keep is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="smets-demo-")))
        else:
            folder = _empty_folder(keep)
        _tour(stack, folder, runtime)
    if keep is not None:
        warn(f"keys, documents and the capture are in {keep}; Wireshark opens {keep / 'capture.pcapng'}")


def _empty_folder(folder: Path) -> Path:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not an empty folder: name another to --keep")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _tour(stack: ExitStack, folder: Path, runtime: Runtime) -> None:
    from opensmets.cli.scene import open_scene
    from opensmets.cli.tour_steps import STEPS

    started, steps = time.monotonic(), len(STEPS) + 1
    write(f"[1/{steps}] Test keys and a meter")
    scene = open_scene(stack, folder, runtime.value, warn)
    for line in _introduction(scene, runtime):
        write(f"      {line}")
    for number, (title, step) in enumerate(STEPS, 2):
        write(f"[{number}/{steps}] {title}")
        for line in step(scene):
            write(f"      {line}")
    write(f"Every step verified, in {time.monotonic() - started:.1f} s.")


def _introduction(scene: Scene, runtime: Runtime) -> list[str]:
    from opensmets.cli.scene import DEVICE
    from opensmets.security.keystore import format_eui

    parties = sum(1 for party in scene.keystore.parties() if party.role)
    interpreter = "MicroPython" if runtime is Runtime.MICROPYTHON else "CPython"
    heap = f" with {scene.device.heap} of heap" if runtime is Runtime.MICROPYTHON else ""
    return [
        f"{parties} remote parties with P-256 keys and GBCS certificates, for this run alone",
        f"an electricity meter in {interpreter}{heap}, process {scene.device.pid}, at {scene.device.port}",
        f"provisioned as {format_eui(DEVICE)}: it made its own keys, which never leave it",
    ]
