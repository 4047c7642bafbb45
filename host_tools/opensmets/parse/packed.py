"""Octets that hold several fields one after another, as some alerts carry them (GBCS 16.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from opensmets.layouts.axdr import Data, RowType
from opensmets.parse.nodes import Absent, check_type
from opensmets.parse.tree import Element, ParseError, Path

_FIELD = re.compile(r"(hex|number)(\d)")


def _text(kind: str, octets: bytes) -> str:
    return octets.hex().upper() if kind == "hex" else str(int.from_bytes(octets, "big"))


def _octets(kind: str, text: str, size: int) -> bytes:
    read: Callable[[], bytes] = (
        (lambda: bytes.fromhex(text)) if kind == "hex" else lambda: int(text).to_bytes(size, "big")
    )
    try:
        octets = read()
    except (ValueError, OverflowError):
        raise ParseError(f"{text!r} is no {kind} of {size} octets") from None
    return octets


@dataclass(frozen=True, slots=True)
class Packed:
    """Octets of a fixed length: fields (`hex2`, `number8`, ...: how it is written, and how many octets) and places."""

    fields: tuple[tuple[str, Path], ...]

    def _fields(self) -> list[tuple[str, int, Path]]:
        parts = []
        for name, path in self.fields:
            match = _FIELD.fullmatch(name)
            if not match:
                raise ParseError(f"layout: no packed field {name!r}")
            parts.append((match[1], int(match[2]), path))
        return parts

    def write(self, data: Data, at: Element, row: int = 0) -> None:
        """Write each field. Raises ParseError when the length is not the fields' sum."""
        check_type(data, "octets")
        fields = self._fields()
        size = sum(width for _, width, _ in fields)
        if len(data.value) != size:
            raise ParseError(f"{len(data.value)} octets where the use case has {size}")
        start = 0
        for kind, width, path in fields:
            path.put(at, _text(kind, data.value[start : start + width]), row)
            start += width

    def read(self, at: Element, row: int = 0) -> Data:
        """Put the fields together."""
        octets = b""
        for kind, width, path in self._fields():
            text = path.text(at, row)
            if text is None:
                raise Absent
            octets += _octets(kind, text, width)
        return Data("octets", octets)

    def row_type(self) -> RowType:
        """Return the type."""
        return RowType("octets")
