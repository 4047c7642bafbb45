"""A faster reader for A-XDR data, for good input only: whatever it cannot read is left to the declared layout.

It takes its sizes from that layout, so nothing is declared twice, and tests hold the two against each other.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from opensmets.layouts.axdr_leaves import INTEGERS, LEAVES, TAGS

#: What a cut or otherwise bad element raises in here.
UNFIT = (IndexError, KeyError, ValueError, struct.error)


def _format(layout: Any) -> str:
    """Return the struct format of an integer's layout, under whatever adapters it has."""
    text: str = layout.fmtstr if hasattr(layout, "fmtstr") else _format(layout.subcon)
    return text


_NUMBERS = {name: struct.Struct(_format(LEAVES[name])) for name in (*INTEGERS, "bool")}


def _length(octets: bytes, at: int) -> tuple[int, int]:
    """Return the length that stands at `at`, and where it ends."""
    first = octets[at]
    if first < 0x80:
        return first, at + 1
    if first == 0x81 and octets[at + 1] >= 0x80:
        return octets[at + 1], at + 2
    if first == 0x82 and octets[at + 1]:
        return octets[at + 1] << 8 | octets[at + 2], at + 3
    if first == 0x83 and octets[at + 1]:
        return int.from_bytes(octets[at + 1 : at + 4], "big"), at + 4
    raise ValueError


def _octets(octets: bytes, at: int) -> tuple[bytes, int]:
    size, at = _length(octets, at)
    end = at + size
    if end > len(octets):
        raise IndexError
    return octets[at:end], end


def _visible(octets: bytes, at: int) -> tuple[str, int]:
    content, end = _octets(octets, at)
    return content.decode("latin-1"), end


def _utf8(octets: bytes, at: int) -> tuple[str, int]:
    content, end = _octets(octets, at)
    return content.decode(), end


def _bits(octets: bytes, at: int) -> tuple[str, int]:
    count, at = _length(octets, at)
    end = at + (count + 7) // 8
    text = "".join(f"{octet:08b}" for octet in octets[at:end])
    if len(text) < count or "1" in text[count:]:
        raise ValueError
    return text[:count], end


def _null(octets: bytes, at: int) -> tuple[None, int]:
    return None, at


def _number(name: str) -> Callable[[bytes, int], tuple[int, int]]:
    unpack, size = _NUMBERS[name].unpack_from, _NUMBERS[name].size

    def read(octets: bytes, at: int) -> tuple[int, int]:
        return unpack(octets, at)[0], at + size

    return read


#: By type name, what reads a leaf's octets at a place and returns its value and its end.
READERS: dict[str, Callable[[bytes, int], tuple[Any, int]]] = {
    "null": _null, "octets": _octets, "visible": _visible, "utf8": _utf8, "bits": _bits,
    **{name: _number(name) for name in _NUMBERS},
}  # fmt: skip
_BY_TAG = {TAGS[name]: (name, reader) for name, reader in READERS.items()}
_CONTAINERS = {TAGS["structure"]: "structure", TAGS["array"]: "array"}


class SwiftReader:
    """Reads one element. `make` builds a Data; `elements` and the depth are limited as in the declared layout."""

    def __init__(self, make: Callable[[str, Any], Any], elements: int) -> None:
        """Start with so many elements allowed."""
        self.make, self.elements = make, elements

    def read(self, octets: bytes, at: int, depth: int) -> tuple[Any, int]:
        """Return the element at `at` and its end. Raises one of UNFIT for what the declared layout must judge."""
        self.elements -= 1
        if depth <= 0 or self.elements < 0:
            raise ValueError
        tag = octets[at]
        leaf = _BY_TAG.get(tag)
        if leaf is not None:
            value, at = leaf[1](octets, at + 1)
            return self.make(leaf[0], value), at
        # a compact array is left to the declared layout
        name = _CONTAINERS[tag]
        count, at = _length(octets, at + 1)
        inner = []
        for _ in range(count):
            element, at = self.read(octets, at, depth - 1)
            inner.append(element)
        return self.make(name, tuple(inner)), at
