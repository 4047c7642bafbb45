"""What a board is: `boards/<BOARD>/board.toml`, read and checked."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opensmets.bench.firmware import firmware_path
from opensmets.errors import SmetsError, UsageError

#: What main.py and board.py get of a board's description, as board.json.
SETTINGS = ("pulses_per_kwh", "pins", "link")


@dataclass(frozen=True, slots=True)
class Flash:
    """Where a board's filesystem lies: bytes from `offset`, in blocks, written `program_size` at a time.

    A UF2 is made for boards with a `uf2_family`, a partition binary for those with a `chip` that esptool knows.
    """

    offset: int
    size: int
    block_size: int
    program_size: int
    uf2_family: int | None = None
    partition: str | None = None
    chip: str | None = None

    @property
    def blocks(self) -> int:
        """How many blocks the filesystem has."""
        return self.size // self.block_size


@dataclass(frozen=True, slots=True)
class Board:
    """A board: `name` as in `boards/`, how people and MicroPython call it, its core, its flash, its settings."""

    name: str
    title: str
    machine: str
    arch: str
    machine_code: tuple[str, ...]
    flash: Flash
    settings: dict[str, Any]
    folder: Path


def boards_path() -> Path:
    """Return the folder of the boards' descriptions. Raises SmetsError without a checkout."""
    return firmware_path().parent / "boards"


def board_names() -> list[str]:
    """Return the names of the boards that there are."""
    return sorted(file.parent.name for file in boards_path().glob("*/board.toml"))


def read_board(name: str) -> Board:
    """Return a board's description. Raises UsageError when there is no such board or its file cannot be used."""
    folder = boards_path() / name
    if name not in board_names():
        raise UsageError(f"no board is called {name or 'nothing'}: BOARD is one of {', '.join(board_names())}")
    try:
        content = tomllib.loads((folder / "board.toml").read_text(encoding="utf-8"))
        image = content["image"]
        board = Board(
            name, content["name"], content["machine"], image["arch"], tuple(image["machine_code"]),
            Flash(**content["flash"]), {key: content[key] for key in SETTINGS}, folder,
        )  # fmt: skip
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"{folder / 'board.toml'} cannot be used: {error}") from None
    _check(board)
    return board


def _check(board: Board) -> None:
    flash, file = board.flash, board.folder / "board.toml"
    if flash.size % flash.block_size or flash.offset % flash.block_size or flash.block_size % flash.program_size:
        raise SmetsError(f"{file}: offset and size are whole blocks, a block is whole programs")
    wired = board.settings["pins"].values()
    numbers = [number for pin in wired for number in (pin if isinstance(pin, list) else [pin])]
    if len(set(numbers)) != len(numbers):
        raise SmetsError(f"{file}: two things are wired to one pin")
