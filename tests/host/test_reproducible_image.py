"""The same commit gives the same bytes, wherever and however it is built: what `make image` runs, in two places.

One board here; `make reproducible` does them all.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from opensmets.boards.description import board_names
from tests.command import COMMAND
from tests.reference import ROOT

pytestmark = pytest.mark.xdist_group("images")
LONG_AGO_S = 400_000_000


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file in a folder by its name."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another checkout's firmware: at a longer path with a blank in it, its files old and in another order."""
    place = tmp_path_factory.mktemp("elsewhere") / "a folder of another name"
    for name in ("boards", "firmware"):
        for file in sorted((ROOT / name).rglob("*"), reverse=True):
            if file.is_file() and "__pycache__" not in file.parts:
                copy = place / name / file.relative_to(ROOT / name)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
                os.utime(copy, (LONG_AGO_S, LONG_AGO_S))
    return place


def build(board: str, into: Path, **settings: str) -> None:
    """Build a board's image in a process of its own, under a mask that lets nobody else read it."""
    command = [*COMMAND, "image", board, "--into", str(into)]
    done = subprocess.run(
        command, env={**os.environ, **settings}, umask=0o077 if settings else -1, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("board", board_names() if os.environ.get("SMETS_ALL_BOARDS") else ["RPI_PICO"])
def test_an_image_is_the_same_wherever_it_is_built(elsewhere: Path, tmp_path: Path, board: str) -> None:
    build(board, tmp_path / "here")
    firmware = str(elsewhere / "firmware")
    build(board, tmp_path / "there", SMETS_FIRMWARE=firmware, PYTHONHASHSEED="4321", TZ="Pacific/Kiritimati", LANG="C")
    assert list((elsewhere / "build" / "mpy").iterdir()), "it was compiled there and not taken from here"
    found = hashes(tmp_path / "here")
    assert found and found == hashes(tmp_path / "there")
