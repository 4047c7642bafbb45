"""Firmware images from compiled firmware, and their way to a device."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from opensmets.bench.control import IMAGE, Frame, FrameLink, NoAnswer
from opensmets.bench.firmware import NATIVE_ARCH, compiled_firmware, firmware_path
from opensmets.errors import SmetsError
from opensmets.layouts import firmware_image
from opensmets.layouts.firmware_image import BLOCK_SIZE, REFUSED, VERIFIED, Image

#: What images for virtual devices are built for, by runtime; boards/UNIX/main.py names itself so.
UNIX_BOARDS = {"micropython": f"unix-{NATIVE_ARCH}" if NATIVE_ARCH else "unix", "cpython": "unix-cpython"}
#: What of a firmware's folder goes into an image.
PARTS = ("smets", "tables")
ANSWER_TIMEOUT_S, FINISH_TIMEOUT_S, TRIES = 5.0, 30.0, 4
_VERSION = re.compile(r"[0-9A-Fa-f]{8}")


class ImageRefused(SmetsError):
    """The device does not take an image, and says why."""


def parse_version(text: str) -> bytes:
    """Return the 4 octets of a version, written as DUIS has them (`00010002`) or in four numbers (`0.1.0.2`).

    Raises SmetsError when it is neither.
    """
    parts = text.split(".")
    if len(parts) == firmware_image.VERSION_SIZE and all(part.isdecimal() and int(part) < 256 for part in parts):
        return bytes(int(part) for part in parts)
    if not _VERSION.fullmatch(text):
        raise SmetsError(f"{text} is no firmware version: write four numbers like 0.1.0.2, or 8 hexadecimal digits")
    return bytes.fromhex(text)


def image_of(folder: Path, *, board: str, role: str, version: bytes) -> Image:
    """Return the unsigned image of a folder with `smets/` and `tables/`, in the order of their paths.

    Raises SmetsError when there is no firmware in it.
    """
    files = {}
    for part in PARTS:
        for file in (folder / part).rglob("*"):
            if file.is_file() and file.suffix != ".pyc":
                files[file.relative_to(folder).as_posix()] = file.read_bytes()
    if not any(path.startswith("smets/roles/") for path in files):
        raise SmetsError(f"no firmware in {folder}: a folder with smets/ and tables/ is needed")
    return image_of_files(files, board=board, role=role, version=version)


def image_of_files(files: Mapping[str, bytes], *, board: str, role: str, version: bytes) -> Image:
    """Return the unsigned image of the firmware among `files`, those in smets/ and tables/, in the order of paths."""
    inside = {path: files[path] for path in sorted(files) if path.partition("/")[0] in PARTS}
    return Image(board, role, version, inside)


def unix_image(runtime: str, version: bytes, role: str = "esme") -> Image:
    """Return the unsigned image of this checkout's firmware for a virtual device of a runtime. Raises SmetsError."""
    folder = firmware_path() if runtime == "cpython" else compiled_firmware()
    return image_of(folder, board=UNIX_BOARDS[runtime], role=role, version=version)


def send_image(
    link: FrameLink,
    octets: bytes,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    on_frame: Callable[[Frame], None] | None = None,
) -> bytes:
    """Send an image until the device has verified it; return the hash that it calculated.

    `on_progress` gets the octets that are there and how many there are. A transfer that was cut off goes on where it
    was. Raises ImageRefused when the device refuses the image, NoAnswer when it does not answer or takes no more of it.
    """
    exchange = _Exchange(link, on_frame)
    image_hash = firmware_image.decode(octets).image_hash()
    offer = firmware_image.encode_offer(len(octets), image_hash)
    last, request, wanted, tries = (len(octets) - 1) // BLOCK_SIZE, offer, -1, 0
    while tries < TRIES:
        kind, said = exchange.ask(request, offer, FINISH_TIMEOUT_S if _is_block(request, last) else ANSWER_TIMEOUT_S)
        if kind == REFUSED:
            raise ImageRefused(f"the device refuses the image: {said}")
        if kind == VERIFIED:
            _show(on_progress, len(octets), len(octets))
            return bytes(said)
        if said > last:
            raise ImageRefused(f"the device asks for block {said}, and the last is {last}")
        tries = tries + 1 if said == wanted else 0
        wanted = said
        _show(on_progress, said * BLOCK_SIZE, len(octets))
        request = firmware_image.encode_block(said, octets[said * BLOCK_SIZE : (said + 1) * BLOCK_SIZE])
    raise NoAnswer(f"the device does not take block {wanted} of the image: `smets device log` may tell why")


def abort_image(link: FrameLink, on_frame: Callable[[Frame], None] | None = None) -> str:
    """Let the device forget what it received so far; return what it says. Raises NoAnswer when it says nothing."""
    request = firmware_image.encode_abort()
    return str(_Exchange(link, on_frame).ask(request, request, ANSWER_TIMEOUT_S, REFUSED)[1])


def _show(on_progress: Callable[[int, int], None] | None, done: int, size: int) -> None:
    if on_progress:
        on_progress(done, size)


def _is_block(request: bytes, number: int) -> bool:
    return request[:5] == bytes((firmware_image.BLOCK,)) + number.to_bytes(4, "big")


class _Exchange:
    """One request and one answer at a time; a request that is not answered is followed by the offer again."""

    def __init__(self, link: FrameLink, on_frame: Callable[[Frame], None] | None) -> None:
        self._link, self._on_frame = link, on_frame

    def ask(self, request: bytes, offer: bytes, timeout_s: float, only: int | None = None) -> tuple[int, Any]:
        """Return what the device answers; answers of another kind than `only` are those to requests of before.

        Raises NoAnswer after some tries.
        """
        for _ in range(TRIES):
            self._link.send(IMAGE, request)
            answer = self._answer(timeout_s, only)
            if answer is not None:
                return firmware_image.decode_answer(answer)
            request = offer
        raise NoAnswer("the device does not answer on the image channel: is it running, and is it a meter yet?")

    def _answer(self, timeout_s: float, only: int | None) -> bytes | None:
        until = time.monotonic() + timeout_s
        while (left := until - time.monotonic()) > 0:
            frame = self._link.receive(left)
            if frame is not None and int(frame.channel) == IMAGE:
                if only in (None, *frame.payload[:1]):
                    return frame.payload
            elif frame is not None and self._on_frame:
                self._on_frame(frame)
        return None
