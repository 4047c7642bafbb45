"""`smets image`: what a board has in flash, compiled and packed into what one flashes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opensmets.cli.console import warn, working, write, write_json
from opensmets.cli.options import Json

if TYPE_CHECKING:
    from opensmets.boards.image import Image

BoardName = Annotated[str, typer.Argument(metavar="BOARD", help="A folder of boards/, such as RPI_PICO.")]
WithBench = Annotated[
    bool, typer.Option("--bench", help="With the bench channel: who has the port then has the meter.")
]
WithPanel = Annotated[bool, typer.Option("--panel", help="With a display and a keypad, wired as in its board.toml.")]
Frozen = Annotated[
    bool, typer.Option("--frozen", help="Without the firmware, for a MicroPython that has it frozen in.")
]
Parts = Annotated[
    list[str] | None, typer.Option("--part", metavar="PART", help="The optional parts, of boards/parts.toml.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("image")(image)


def image(
    board: BoardName,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="DIR", help="Where to [default: build/images/BOARD]")
    ] = None,
    bench: WithBench = False,
    panel: WithPanel = False,
    frozen: Frozen = False,
    part: Parts = None,
    as_json: Json = False,
) -> None:
    """Build a board's image: a UF2 or a partition binary, and the littlefs filesystem that is in it.

    It is a factory image: it replaces the board's whole filesystem, keys and logs with it. There are
    no keys in it; `smets device provision` gives a board its own.
    """
    from opensmets.boards.description import boards_path
    from opensmets.boards.image import sizes, write_image

    with working(f"compiling for {board}", quiet=as_json):
        made = build_image(board, bench=bench, panel=panel, frozen=frozen, parts=part)
        files = write_image(made, into or boards_path().parent / "build" / "images" / board)
    if as_json:
        rooms = [{"room": room, "files": count, "bytes": size} for room, count, size in sizes(made)]
        write_json({"board": board, "files": [str(file) for file in files], "rooms": rooms,
                    "blocks": made.board.flash.blocks, "blocks_used": made.blocks_used})  # fmt: skip
        return
    print("\n".join(_table(made, sizes(made))), file=sys.stderr)
    for file in files:
        write(str(file))
    for line in _what_to_do(made, files):
        warn(line)


def build_image(board: str, *, bench: bool, panel: bool, frozen: bool, parts: list[str] | None = None) -> Image:
    """Return a board's image. Raises SmetsError as boards.image.build."""
    from opensmets.boards.description import read_board
    from opensmets.boards.image import build

    return build(read_board(board), parts, bench=bench, panel=panel, frozen=frozen)


def _table(made: Image, rooms: list[tuple[str, int, int]]) -> Iterator[str]:
    """Yield the sizes of an image, one room to a line."""
    yield f"{'room':<12}{'files':>6}{'bytes':>9}"
    for room, count, size in rooms:
        yield f"{room:<12}{count:>6}{size:>9}"
    flash, total = made.board.flash, sum(size for _, _, size in rooms)
    yield f"{'in all':<12}{len(made.files):>6}{total:>9}"
    used, free = made.blocks_used * flash.block_size, (flash.blocks - made.blocks_used) * flash.block_size
    yield f"{used >> 10} KiB of {flash.size >> 10} in flash; {free >> 10} are left for keys, registers and logs"


def _what_to_do(made: Image, files: list[Path]) -> Iterator[str]:
    """Yield how an image gets to its board, and whether it leaves too little room there."""
    from opensmets.boards.image import FULL_STORE

    flash, name = made.board.flash, made.board.name
    if (flash.blocks - made.blocks_used) * flash.block_size < FULL_STORE:
        yield f"13 months of half hours take {FULL_STORE >> 10} KiB: freeze the firmware in for them (boards/README.md)"
    yield "this is a factory image: it replaces the board's whole filesystem, keys and logs with it; it has no keys"
    for file in files:
        if file.suffix == ".uf2":
            yield f"hold BOOTSEL while you plug the board in, then: make flash BOARD={name} PORT=/path/of/RPI-RP2"
        elif file.suffix == ".bin":
            yield f"esptool --chip {flash.chip} --port PORT write-flash 0x{flash.offset:X} {file}"
    yield f"file by file, keys and logs kept: make flash BOARD={name} PORT=PORT"
