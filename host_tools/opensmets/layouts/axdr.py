"""A-XDR data (IEC 62056-6-2 and IEC 61334-6) as plain typed values that encode to the very same octets.

`Data(type, value)` is one element. Its value by type:

| type | value |
|---|---|
| null | None |
| bool | int, the octet as sent (0 is false); True encodes as FF, which is what the reference messages send |
| i8 i16 i32 i64 u8 u16 u32 u64 enum | int |
| octets | bytes |
| visible utf8 | str |
| bits | str of 0 and 1, first bit first |
| structure array | tuple of Data |
| compact | Compact: the type of a row, and the rows |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from construct import (
    Adapter,
    Byte,
    Computed,
    Construct,
    Int16ub,
    LazyBound,
    PrefixedArray,
    Struct,
    Subconstruct,
    Switch,
    this,
)

from opensmets.layouts.axdr_leaves import INTEGERS, LEAVES, TAGS, TypeName
from opensmets.layouts.axdr_swift import UNFIT, SwiftReader
from opensmets.layouts.wire import Length, Sized, build, parse, refuse

__all__ = ["INTEGERS", "TAGS", "Compact", "Data", "RowType", "decode", "encode"]

#: How deep elements may lie within elements. The reference messages reach 7.
MAX_DEPTH = 16
#: How many elements one value may have in all, compact rows opened: 19,056 half hours have four each (SMETS2 5.7.5).
MAX_ELEMENTS = 100_000


@dataclass(frozen=True, slots=True)
class Data:
    """One A-XDR element: its type name and its value (the table of this module)."""

    type: str
    value: Any = None

    def __iter__(self) -> Iterator[Data]:
        """Walk the elements of an array or structure, or the rows of a compact array."""
        return iter(self.value.rows if self.type == "compact" else self.value)

    def __getitem__(self, index: int) -> Data:
        """Return one element of an array or structure, or one row of a compact array."""
        element: Data = (self.value.rows if self.type == "compact" else self.value)[index]
        return element

    def __len__(self) -> int:
        """Return how many elements, rows, octets, characters or bits there are."""
        return len(self.value.rows if self.type == "compact" else self.value)


@dataclass(frozen=True, slots=True)
class RowType:
    """The type description of a compact array: a type name; for a structure its elements, for an array also `count`."""

    type: str
    elements: tuple[RowType, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class Compact:
    """A compact array: every row has the type `element`, which stands once before them."""

    element: RowType
    rows: tuple[Data, ...]


class _Budget:
    """What is left of the depth and the elements of one value."""

    def __init__(self) -> None:
        self.depth = MAX_DEPTH
        self.elements = MAX_ELEMENTS

    def enter(self, path: str) -> None:
        self.depth -= 1
        self.elements -= 1
        if self.depth < 0:
            raise refuse(f"elements lie deeper than {MAX_DEPTH}", path)
        if self.elements < 0:
            raise refuse(f"more than {MAX_ELEMENTS} elements", path)

    def leave(self) -> None:
        self.depth += 1


def _budget(context: Any) -> _Budget:
    params = context["_params"]
    if "budget" not in params:
        params["budget"] = _Budget()
    budget: _Budget = params["budget"]
    return budget


class _Bounded(Subconstruct):  # type: ignore[misc]
    """An element that counts against the depth and the number of elements."""

    def _parse(self, stream: BytesIO, context: Any, path: str) -> Any:
        budget = _budget(context)
        budget.enter(path)
        value = self.subcon._parsereport(stream, context, path)
        budget.leave()
        return value

    def _build(self, obj: Any, stream: BytesIO, context: Any, path: str) -> Any:
        budget = _budget(context)
        budget.enter(path)
        value = self.subcon._build(obj, stream, context, path)
        budget.leave()
        return value


class _Element(Adapter):  # type: ignore[misc]
    """Tag and body as Data."""

    def _decode(self, obj: Any, context: Any, path: str) -> Data:
        return Data(obj.type, tuple(obj.value) if obj.type in ("structure", "array") else obj.value)

    def _encode(self, obj: Data, context: Any, path: str) -> dict[str, Any]:
        return {"type": obj.type, "value": obj.value}


class _RowType(Adapter):  # type: ignore[misc]
    """Tag and inner types as RowType."""

    def _decode(self, obj: Any, context: Any, path: str) -> RowType:
        if obj.type == "array":
            return RowType("array", (obj.of.element,), obj.of.count)
        if obj.type == "compact":
            raise refuse("a compact array cannot lie in a compact array", path)
        return RowType(obj.type, tuple(obj.of) if obj.type == "structure" else ())

    def _encode(self, obj: RowType, context: Any, path: str) -> dict[str, Any]:
        if obj.type == "array":
            return {"type": "array", "of": {"count": obj.count, "element": obj.elements[0]}}
        return {"type": obj.type, "of": list(obj.elements)}


class _Rows(Construct):  # type: ignore[misc]
    """Rows of one type, without tags, to the end of the contents."""

    def _parse(self, stream: BytesIO, context: Any, path: str) -> tuple[Data, ...]:
        rows = []
        size = len(stream.getvalue())
        while stream.tell() < size:
            start = stream.tell()
            rows.append(_parse_row(context.element, stream, context, path))
            if stream.tell() == start:
                raise refuse("a compact array's row has no octets", path)
        return tuple(rows)

    def _build(self, obj: tuple[Data, ...], stream: BytesIO, context: Any, path: str) -> tuple[Data, ...]:
        for row in obj:
            _build_row(context.element, row, stream, context, path)
        return obj


def _inner_types(row_type: RowType) -> tuple[RowType, ...]:
    return row_type.elements * row_type.count if row_type.type == "array" else row_type.elements


def _parse_row(row_type: RowType, stream: BytesIO, context: Any, path: str) -> Data:
    budget = _budget(context)
    budget.enter(path)
    value: Any
    if row_type.type in ("structure", "array"):
        value = tuple(_parse_row(inner, stream, context, path) for inner in _inner_types(row_type))
    else:
        value = LEAVES[row_type.type]._parsereport(stream, context, path)
    budget.leave()
    return Data(row_type.type, value)


def _build_row(row_type: RowType, row: Data, stream: BytesIO, context: Any, path: str) -> None:
    if row.type != row_type.type:
        raise refuse(f"a row has {row.type} where its type says {row_type.type}", path)
    if row.type not in ("structure", "array"):
        LEAVES[row.type]._build(row.value, stream, context, path)
        return
    inner = _inner_types(row_type)
    if len(inner) != len(row.value):
        raise refuse(f"a row's {row.type} has {len(row.value)} elements, its type {len(inner)}", path)
    for one_type, one in zip(inner, row.value, strict=True):
        _build_row(one_type, one, stream, context, path)


class _Compact(Adapter):  # type: ignore[misc]
    """Row type and rows as Compact."""

    def _decode(self, obj: Any, context: Any, path: str) -> Compact:
        return Compact(obj.element, obj.rows)

    def _encode(self, obj: Compact, context: Any, path: str) -> dict[str, Any]:
        return {"element": obj.element, "rows": obj.rows}


_INNER = LazyBound(lambda: DATA)

ROW_TYPE: Any = _Bounded(
    _RowType(
        Struct(
            "type" / TypeName(Byte),
            "of"
            / Switch(
                this.type,
                {
                    "structure": PrefixedArray(Length, LazyBound(lambda: ROW_TYPE)),
                    "array": Struct("count" / Int16ub, "element" / LazyBound(lambda: ROW_TYPE)),
                },
                default=Computed(None),
            ),
        )
    )
)

_BODIES: dict[str, Any] = {
    **LEAVES,
    "structure": PrefixedArray(Length, _INNER),
    "array": PrefixedArray(Length, _INNER),
    "compact": _Compact(Struct("element" / ROW_TYPE, "rows" / Sized(_Rows()))),
}


class _Swift(Subconstruct):  # type: ignore[misc]
    """The declared layout, tried first by the faster reader; see `axdr_swift`."""

    def _parse(self, stream: BytesIO, context: Any, path: str) -> Any:
        budget = _budget(context)
        start = stream.tell()
        reader = SwiftReader(Data, budget.elements)
        try:
            value, end = reader.read(stream.getvalue(), start, budget.depth)
        except UNFIT:
            return self.subcon._parsereport(stream, context, path)
        budget.elements = reader.elements
        stream.seek(end)
        return value


#: One A-XDR element, as declared.
DECLARED: Any = _Bounded(_Element(Struct("type" / TypeName(Byte), "value" / Switch(this.type, _BODIES))))
#: One A-XDR element.
DATA: Any = _Swift(DECLARED)


def decode(octets: bytes) -> Data:
    """Return the one A-XDR element that `octets` are. Raises LayoutError when they are not exactly one."""
    value: Data = parse(DATA, octets, "A-XDR data")
    return value


def encode(data: Data) -> bytes:
    """Return the octets of one element. Raises LayoutError when a value does not fit its type."""
    return build(DATA, data, "A-XDR data")
