"""Every way to alter one leaf of A-XDR data, for tests that ask whether a value is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from opensmets.layouts.axdr import INTEGERS, Data

LIMITS = {"u8": 0xFF, "enum": 0xFF, "u16": 0xFFFF, "u32": 0xFFFFFFFF, "u64": (1 << 64) - 1}
SIGNED = {"i8": 8, "i16": 16, "i32": 32, "i64": 64}


def _number(kind: str, value: int) -> Iterator[int]:
    low, high = (0, LIMITS[kind]) if kind in LIMITS else (-(1 << SIGNED[kind] - 1), (1 << SIGNED[kind] - 1) - 1)
    for other in {value + 1, value - 1, low, high}:
        if low <= other <= high and other != value:
            yield other


def _octets(value: bytes) -> Iterator[bytes]:
    for at in range(len(value)):
        for bit in (0, 7) if len(value) < 16 else (3,):
            yield value[:at] + bytes((value[at] ^ 1 << bit,)) + value[at + 1 :]
    yield value + b"\0"
    yield value[:-1] if value else b"\xff\xff"


def _values(data: Data) -> Iterator[Any]:
    if data.type in INTEGERS:
        yield from _number(data.type, data.value)
    elif data.type == "bool":
        yield from (other for other in (0, 1, 0xFF) if other != data.value)
    elif data.type == "octets":
        yield from _octets(data.value)
    elif data.type == "bits":
        for at, bit in enumerate(data.value):
            yield data.value[:at] + ("0" if bit == "1" else "1") + data.value[at + 1 :]
        yield data.value + "0"
    elif data.type in ("visible", "utf8"):
        yield data.value + "x"
        yield "\x07" + data.value[1:]
        yield " " + data.value[1:] + " "


def _parts(data: Data) -> list[tuple[int, Data]]:
    parts = list(enumerate(data))
    # a long log's rows are alike: its ends stand for it
    return parts if len(parts) <= 8 else [parts[0], parts[-1]]


def altered(data: Data, *, fixed: bool = False) -> Iterator[Data]:
    """Return data that differ in one leaf, or lack a row, one after another; `fixed` keeps every array's length."""
    if data.type == "null":
        return
    if data.type not in ("structure", "array", "compact"):
        yield from (Data(data.type, value) for value in _values(data))
        return
    for at, part in _parts(data):
        for other in altered(part, fixed=fixed or data.type == "compact"):
            yield _with(data, (*list(data)[:at], other, *list(data)[at + 1 :]))
    if data.type != "structure" and len(data) and not fixed:
        yield _with(data, tuple(data)[:-1])
        yield _with(data, ())


def _with(data: Data, parts: tuple[Data, ...]) -> Data:
    return Data(data.type, replace(data.value, rows=parts) if data.type == "compact" else parts)
