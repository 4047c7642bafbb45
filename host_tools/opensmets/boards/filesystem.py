"""The filesystem of a board as one piece of bytes: littlefs as MicroPython mounts it (disk version 2.0)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from littlefs import LittleFS, LittleFSError, UserContext

from opensmets.boards.description import Flash
from opensmets.errors import SmetsError

#: What a stock board's MicroPython can read; one that can do more raises it when it first writes.
DISK_VERSION = 0x0002_0000
_ANY_VERSION = 0
_READ_SIZE, _LOOKAHEAD_SIZE = 32, 32
_NO_SPACE = -28


def pack(files: Mapping[str, bytes], flash: Flash) -> bytes:
    """Return the whole filesystem with `files` (content by path, parts between slashes) in it; free space is FF.

    The same files give the same bytes. Raises SmetsError when they do not fit.
    """
    context = UserContext(flash.size)
    system = _open(flash, context, DISK_VERSION)
    system.format()
    system.mount()
    try:
        for path in sorted(files):
            if "/" in path:
                system.makedirs(path.rpartition("/")[0], exist_ok=True)
            with system.open(path, "wb") as file:
                file.write(files[path])
    except LittleFSError as error:
        if error.code != _NO_SPACE:
            raise
        total = sum(map(len, files.values()))
        raise SmetsError(f"{total} bytes do not fit into a filesystem of {flash.size}: leave a part out") from None
    system.unmount()
    return bytes(context.buffer)


def unpack(image: bytes, flash: Flash) -> dict[str, bytes]:
    """Return the files in a filesystem by their path. Raises SmetsError when it is none."""
    system = _open(flash, UserContext(buffer=bytearray(image)))
    try:
        system.mount()
        return dict(_files(system, ""))
    except LittleFSError:
        raise SmetsError("no littlefs filesystem of that size: was the image made for another board?") from None


def blocks_used(image: bytes, flash: Flash) -> int:
    """Return how many blocks of a filesystem hold something."""
    system = _open(flash, UserContext(buffer=bytearray(image)))
    system.mount()
    return system.used_block_count


def _open(flash: Flash, context: UserContext, disk_version: int = _ANY_VERSION) -> LittleFS:
    # As much cache as MicroPython has: littlefs keeps a file that fits into it in its folder, and must read it so too.
    cache_size = min(flash.block_size, 4 * max(_READ_SIZE, flash.program_size))
    return LittleFS(
        context, mount=False, block_size=flash.block_size, block_count=flash.blocks, read_size=_READ_SIZE,
        prog_size=flash.program_size, cache_size=cache_size, lookahead_size=_LOOKAHEAD_SIZE,
        disk_version=disk_version,
    )  # fmt: skip


def _files(system: LittleFS, folder: str) -> Iterator[tuple[str, bytes]]:
    for root, _, names in system.walk(folder or "/"):
        for name in names:
            path = f"{root}/{name}".lstrip("/")
            with system.open(path, "rb") as file:
                yield path, file.read()
