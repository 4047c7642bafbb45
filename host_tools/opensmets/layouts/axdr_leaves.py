"""The leaves of A-XDR data: type tags, and the layout of every type that holds no other element."""

from __future__ import annotations

from typing import Any

from construct import (
    Adapter,
    Bytes,
    Computed,
    GreedyBytes,
    Int8sb,
    Int8ub,
    Int16sb,
    Int16ub,
    Int32sb,
    Int32ub,
    Int64sb,
    Int64ub,
    Struct,
    this,
)

from opensmets.layouts.wire import Length, Sized, refuse

TAGS = {
    "null": 0, "array": 1, "structure": 2, "bool": 3, "bits": 4, "i32": 5, "u32": 6, "octets": 9, "visible": 10,
    "utf8": 12, "i8": 15, "i16": 16, "u8": 17, "u16": 18, "compact": 19, "i64": 20, "u64": 21, "enum": 22,
}  # fmt: skip
TYPES = {tag: name for name, tag in TAGS.items()}
INTEGERS = ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "enum")


class TypeName(Adapter):  # type: ignore[misc]
    """A type tag and its name."""

    def _decode(self, obj: int, context: Any, path: str) -> str:
        try:
            return TYPES[obj]
        except KeyError:
            raise refuse(f"type tag {obj} is not one that GBCS uses", path) from None

    def _encode(self, obj: str, context: Any, path: str) -> int:
        try:
            return TAGS[obj]
        except KeyError:
            raise refuse(f"{obj!r} is no A-XDR type name", path) from None


class _Text(Adapter):  # type: ignore[misc]
    """Octets as text in one character set."""

    def __init__(self, subcon: Any, charset: str) -> None:
        super().__init__(subcon)
        self.charset = charset

    def _decode(self, obj: bytes, context: Any, path: str) -> str:
        try:
            return obj.decode(self.charset)
        except UnicodeDecodeError:
            raise refuse(f"text is not {self.charset}", path) from None

    def _encode(self, obj: str, context: Any, path: str) -> bytes:
        try:
            return obj.encode(self.charset)
        except UnicodeEncodeError:
            raise refuse(f"text does not fit {self.charset}", path) from None


class _Bits(Adapter):  # type: ignore[misc]
    """A bit count and its octets, as a str of 0 and 1. The bits that fill the last octet are zero."""

    def _decode(self, obj: Any, context: Any, path: str) -> str:
        text = "".join(f"{octet:08b}" for octet in obj.octets)
        if "1" in text[obj.count :]:
            raise refuse("a bit beyond the bit string's end is set", path)
        return text[: obj.count]

    def _encode(self, obj: str, context: Any, path: str) -> dict[str, Any]:
        if obj.strip("01"):
            raise refuse("a bit string is written in 0 and 1", path)
        padded = obj + "0" * (-len(obj) % 8)
        octets = bytes(int(padded[at : at + 8], 2) for at in range(0, len(padded), 8))
        return {"count": len(obj), "octets": octets}


class _Bool(Adapter):  # type: ignore[misc]
    """The octet as sent; True, which is not an octet, as FF."""

    def _decode(self, obj: int, context: Any, path: str) -> int:
        return obj

    def _encode(self, obj: int, context: Any, path: str) -> int:
        return 0xFF if obj is True else int(obj)


_Octets = Sized(GreedyBytes)

#: The layout of each leaf's octets after its tag, by type name.
LEAVES = {
    "null": Computed(None),
    "bool": _Bool(Int8ub),
    "i8": Int8sb,
    "i16": Int16sb,
    "i32": Int32sb,
    "i64": Int64sb,
    "u8": Int8ub,
    "u16": Int16ub,
    "u32": Int32ub,
    "u64": Int64ub,
    "enum": Int8ub,
    "octets": _Octets,
    "visible": _Text(_Octets, "latin-1"),
    "utf8": _Text(_Octets, "utf-8"),
    "bits": _Bits(Struct("count" / Length, "octets" / Bytes((this.count + 7) // 8))),
}
