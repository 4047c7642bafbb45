"""A firmware image, and what passes on the link's image channel (ARCHITECTURE.md, "The wire", channel 3).

    head       "SMFI", u8 format 1, u16 files, board (16), role (8), firmware version (4), u32 size of the image
    table      for each file: path (60), u32 size
    files      one after the other
    signature  the manufacturer's, ECDSA P-256 r || s, over the SHA-256 of all before it: the image's hash

The device's side is firmware/smets/update/image.py and transfer.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from construct import Array, Bytes, Const, Int8ub, Int16ub, Int32ub, PaddedString, Struct, this

from opensmets.layouts.wire import LayoutError, build, parse

MAX_IMAGE = 1 << 20
MAX_FILES = 192
MAX_PATH = 60
BLOCK_SIZE = 1024
HASH_SIZE, SIGNATURE_SIZE, VERSION_SIZE = 32, 64, 4
OFFER, BLOCK, ABORT = 1, 2, 3
WANTED, VERIFIED, REFUSED = 0x81, 0x82, 0x83

_HEAD = Struct(
    "magic" / Const(b"SMFI"), "format" / Const(1, Int8ub), "count" / Int16ub, "board" / PaddedString(16, "ascii"),
    "role" / PaddedString(8, "ascii"), "version" / Bytes(VERSION_SIZE), "size" / Int32ub,
)  # fmt: skip
_ENTRY = Struct("path" / PaddedString(MAX_PATH, "ascii"), "size" / Int32ub)
_OPENING = Struct("head" / _HEAD, "table" / Array(this.head.count, _ENTRY))
_OFFER = Struct("kind" / Const(OFFER, Int8ub), "size" / Int32ub, "image_hash" / Bytes(HASH_SIZE))
_BLOCK = Struct("kind" / Const(BLOCK, Int8ub), "number" / Int32ub, "content" / Bytes(this._params.content_size))
_WANTED = Struct("kind" / Const(WANTED, Int8ub), "number" / Int32ub)
_VERIFIED = Struct("kind" / Const(VERIFIED, Int8ub), "image_hash" / Bytes(HASH_SIZE))


@dataclass(frozen=True, slots=True)
class Image:
    """What an image is for (`board`, `role`), its 4-octet `version`, `files` by path, and `signature`, b"" before."""

    board: str
    role: str
    version: bytes
    files: Mapping[str, bytes]
    signature: bytes = b""

    def signed_part(self) -> bytes:
        """Return all but the signature. Raises LayoutError when something is too long, or there is nothing."""
        if not 0 < len(self.files) <= MAX_FILES:
            raise LayoutError(f"firmware image: {len(self.files)} files, where it may have 1 to {MAX_FILES}")
        size = _HEAD.sizeof() + sum(_ENTRY.sizeof() + len(content) for content in self.files.values()) + SIGNATURE_SIZE
        if size > MAX_IMAGE:
            raise LayoutError(f"firmware image: {size} octets, more than the {MAX_IMAGE} it may have")
        head = {"count": len(self.files), "board": self.board, "role": self.role, "version": self.version, "size": size}
        table = [{"path": path, "size": len(content)} for path, content in self.files.items()]
        return build(_OPENING, {"head": head, "table": table}, "firmware image") + b"".join(self.files.values())

    def image_hash(self) -> bytes:
        """Return the SHA-256 that the manufacturer signs and an activation (CS06) names."""
        return hashlib.sha256(self.signed_part()).digest()

    def encode(self) -> bytes:
        """Return the image's octets. Raises LayoutError as `signed_part`, and without a signature."""
        if len(self.signature) != SIGNATURE_SIZE:
            raise LayoutError("firmware image: signature: not signed yet")
        return self.signed_part() + self.signature


def decode(octets: bytes) -> Image:
    """Return the image that `octets` are. Raises LayoutError naming the part that is wrong."""
    opening = parse(Struct("opening" / _OPENING, "rest" / Bytes(_rest(octets))), octets, "firmware image")
    head, content, place = opening.opening.head, opening.rest, 0
    files: dict[str, bytes] = {}
    for entry in opening.opening.table:
        files[entry.path] = content[place : place + entry.size]
        place += entry.size
    if head.size != len(octets) or place + SIGNATURE_SIZE != len(content) or len(files) != head.count:
        raise LayoutError("firmware image: its sizes do not agree: it is cut short, or no image")
    return Image(head.board, head.role, head.version, files, content[place:])


def _rest(octets: bytes) -> int:
    """Return how many octets follow the table."""
    count = int.from_bytes(octets[5:7], "big")
    if octets[:4] != b"SMFI" or not 0 < count <= MAX_FILES:
        raise LayoutError("firmware image: it does not begin as one does")
    rest = len(octets) - _HEAD.sizeof() - count * _ENTRY.sizeof()
    if not SIGNATURE_SIZE <= rest <= MAX_IMAGE:
        raise LayoutError("firmware image: it is cut short")
    return int(rest)


def encode_offer(size: int, image_hash: bytes) -> bytes:
    """Return the request that offers an image."""
    return build(_OFFER, {"size": size, "image_hash": image_hash}, "image offer")


def encode_block(number: int, content: bytes) -> bytes:
    """Return the request that carries block `number`, of at most BLOCK_SIZE octets."""
    return build(_BLOCK, {"number": number, "content": content}, "image block", content_size=len(content))


def encode_abort() -> bytes:
    """Return the request that gives a transfer up."""
    return bytes((ABORT,))


def decode_answer(octets: bytes) -> tuple[int, Any]:
    """Return (kind, what it says): the block WANTED, the hash that is VERIFIED, or the text of why it is REFUSED."""
    kind = octets[0] if octets else 0
    if kind == WANTED:
        return kind, int(parse(_WANTED, octets, "image answer").number)
    if kind == VERIFIED:
        return kind, bytes(parse(_VERIFIED, octets, "image answer").image_hash)
    if kind == REFUSED:
        return kind, octets[1:].decode("ascii", "replace")
    raise LayoutError(f"image answer: kind {kind:02x} is none")
