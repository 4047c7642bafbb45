"""`smets firmware` and `smets device update`: signed images that a meter takes over its link, and their way there.

`smets image` makes what one flashes onto a board; these images replace the firmware of a meter that runs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opensmets.cli.console import read_input, warn, working, write, write_json
from opensmets.cli.device import Role, device_app
from opensmets.cli.image import WithPanel
from opensmets.cli.keys import open_keystore
from opensmets.cli.options import AUTO, EXIT_CODES, Json, Keystore, Pcap, Port, keystore_path
from opensmets.errors import SmetsError, UsageError

if TYPE_CHECKING:
    from opensmets.layouts.firmware_image import Image

#: What a virtual device's images are built for, by the name that --board takes.
UNIX_RUNTIMES = {"unix": "micropython", "unix-cpython": "cpython"}
#: In a pipe, progress is a line for each part of that many.
STEPS = 10
_SIGNED = {True: "by this key store's manufacturer", False: "not by this key store's manufacturer",
           None: "unknown: the key store has no manufacturer"}  # fmt: skip

firmware_app = typer.Typer(help="Signed images that a meter takes over its link.", no_args_is_help=True)
ImageFile = Annotated[str, typer.Argument(metavar="IMAGE", help="A file of `smets firmware build`; - for stdin.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    firmware_app.command("build", epilog=EXIT_CODES)(build)
    firmware_app.command("inspect", epilog=EXIT_CODES)(inspect)
    app.add_typer(firmware_app, name="firmware")
    device_app.command("update", epilog=EXIT_CODES)(update)


def build(
    version: Annotated[
        str, typer.Option("--version", metavar="VERSION", help="What the meter says it runs: 0.1.0.2 or 00010002.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to [default: BOARD-VERSION.smfi]")
    ] = None,
    board: Annotated[
        str, typer.Option(metavar="BOARD", help="unix, unix-cpython (virtual devices), or a folder of boards/.")
    ] = "unix",
    role: Annotated[Role, typer.Option(help="What device it is for.")] = Role.ESME,
    panel: WithPanel = False,
    keystore: Keystore = None,
    as_json: Json = False,
) -> None:
    """Build this checkout's firmware into a signed image: the same sources and key give the same bytes.

    The manufacturer's key is the key store's: `smets pki init` makes one, and `smets device provision`
    gives meters its public half.
    """
    from opensmets.bench.images import parse_version
    from opensmets.security.manufacturer import sign_image

    octets = parse_version(version)
    keys = open_keystore(keystore_path(keystore))
    with working(f"compiling for {board}", quiet=as_json):
        image = sign_image(keys, firmware_of(board, octets, role.value, panel=panel))
    file = output or Path(f"{board}-{octets.hex().upper()}.smfi")
    file.write_bytes(image.encode())
    if as_json:
        write_json({"file": str(file), **description(image)})
    else:
        write(str(file))


def firmware_of(board: str, version: bytes, role: str, *, panel: bool = False) -> Image:
    """Return the unsigned image of this checkout's firmware for a board, which may have a panel. Raises SmetsError."""
    from opensmets.bench.images import image_of_files, unix_image

    if board in UNIX_RUNTIMES:
        return unix_image(UNIX_RUNTIMES[board], version, role)
    from opensmets.boards.description import read_board
    from opensmets.boards.image import LIBRARY, build

    files = build(read_board(board), panel=panel).files.items()
    below = {path.removeprefix(f"{LIBRARY}/"): octets for path, octets in files if path.startswith(f"{LIBRARY}/")}
    return image_of_files(below, board=board, role=role, version=version)


def inspect(
    image: ImageFile,
    keystore: Keystore = None,
    files: Annotated[bool, typer.Option("--files", help="List the files in it.")] = False,
    as_json: Json = False,
) -> None:
    """Say what an image is: for which board and role, its version and hash, and whether its signature is good.

    The hash is what an activation (CS06) names. With a signature that is not the manufacturer's: exit code 1.
    """
    from opensmets.security.keystore import KeyStore
    from opensmets.security.manufacturer import is_signed

    found = read_image(image)
    folder = keystore_path(keystore)
    signed = is_signed(KeyStore.open(folder), found) if keystore or folder.exists() else None
    fields: dict[str, Any] = {**description(found), "signed": signed}
    if as_json:
        sizes = {path: len(octets) for path, octets in found.files.items()}
        write_json({**fields, "files": sizes if files else len(sizes)})
    else:
        write("\n".join(_lines(found, {**fields, "signed": _SIGNED[signed]}, files)))
    if signed is False:
        raise SmetsError(f"the manufacturer of {folder} did not sign this image: a meter of its would refuse it")


def read_image(source: str) -> Image:
    """Return the image in a file, or on stdin for `-`. Raises SmetsError, and LayoutError for what is none."""
    from opensmets.layouts.firmware_image import decode

    return decode(read_input(source))


def description(image: Image) -> dict[str, Any]:
    """Return what is said of an image, for people and programs alike."""
    return {"board": image.board, "role": image.role, "version": image.version.hex().upper(),
            "hash": image.image_hash().hex().upper(), "size": len(image.encode())}  # fmt: skip


def _lines(image: Image, fields: dict[str, Any], with_files: bool) -> Iterator[str]:
    for name, value in fields.items():
        yield f"{name:<10}{value}"
    yield f"{'files':<10}{len(image.files)}"
    if with_files:
        for path, octets in image.files.items():
            yield f"{len(octets):>9}  {path}"


def update(
    image: ImageFile = "",
    port: Port = AUTO,
    abort: Annotated[bool, typer.Option("--abort", help="Let the meter forget what it has of an image.")] = False,
    pcap: Pcap = None,
    as_json: Json = False,
) -> None:
    """Send an image to a meter. It runs it once its supplier activates it (service request 11.3, CS06).

    The meter checks board, role and the manufacturer's signature. Cut off, by Ctrl-C too, the next try
    goes on where it was.
    """
    from opensmets.bench.images import abort_image, send_image
    from opensmets.links import open_link

    if abort == bool(image):
        raise UsageError("give an image to send, or --abort")
    octets = b"" if abort else read_image(image).encode()
    with open_link(port, pcap=pcap) as link:
        if abort:
            said = abort_image(link)
            if not as_json:
                warn(f"{link.port}: {said}")
            result: dict[str, Any] = {"port": link.port, "aborted": True}
        else:
            start = time.monotonic()
            with progress_of(f"sending to {link.port}", quiet=as_json) as show:
                image_hash = send_image(link, octets, on_progress=show)
            result = {"port": link.port, "hash": image_hash.hex().upper(), "size": len(octets)}
            if not as_json:
                took_s = time.monotonic() - start
                warn(f"the meter has verified {len(octets)} bytes in {took_s:.0f} s; CS06 with this hash activates it")
                write(result["hash"])
    if as_json:
        write_json(result)


@contextmanager
def progress_of(what: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Give what shows on stderr how many octets of how many are there: a bar on a terminal, some lines in a pipe."""
    if quiet:
        yield lambda done, size: None
    elif sys.stderr.isatty():
        with _bar(what) as show:
            yield show
    else:
        yield _line_writer(what)


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(True), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, size: bar.update(task, completed=done, total=size)


def _line_writer(what: str) -> Callable[[int, int], None]:
    told = -1

    def show(done: int, size: int) -> None:
        nonlocal told
        step = done * STEPS // size
        if step != told:
            told = step
            warn(f"{what}: {done} of {size} bytes")

    return show
