"""Pack the objects into the device's table, `firmware/tables/esme.objects`, read there by seek (cosem/table.py).

    header   "SMTO" | format u8 | record size u8 | count u16
    record   OBIS (6) | class u16 | member u8 | kind u8 | offset u16 | size u16      sorted as bytes, so by OBIS first
    layouts  at the offset, counted from the file's start

A layout is a node, and a node is:

    tag u8 | flags u8 | size u16, of the whole node
    [condition u8] [low i32, high i32, or u16 both of a length] [constant: i32, or u8 and octets] [u8 and path]
    [count u8, and its children]

flags: 1 condition, 2 limits, 4 constant, 8 path, 0x10 passive, 0x20 activation, 0x40 one child for every
element, 0x80 takes its value from the node around it.
All numbers are big-endian.
"""

from __future__ import annotations

import struct

from opensmets.catalogue.layout_text import CONDITIONS, CONTAINERS, NUMBERS, TAGS, TEXTS, Layout
from opensmets.catalogue.objects import KINDS, Right, objects
from opensmets.errors import SmetsError

MAGIC, FORMAT = b"SMTO", 1
HEADER, RECORD = ">4sBBH", ">6sHBBHH"
CONDITION, LIMITS, CONSTANT, PATH, PASSIVE, ACTIVATION, EACH, WANTING = 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80
#: The longest layout that the device reads (cosem/table.py).
MAX_LAYOUT = 512


def _limits(node: Layout) -> bytes:
    if node.limits is None:
        return b""
    return struct.pack(">ii" if node.type in NUMBERS else ">HH", *node.limits)


def _constant(node: Layout) -> bytes:
    if node.constant is None:
        return b""
    if isinstance(node.constant, bytes):
        return bytes((len(node.constant),)) + node.constant
    return struct.pack(">i", node.constant)


def _flags(node: Layout) -> int:
    marks = (
        (CONDITION, node.condition), (LIMITS, node.limits), (CONSTANT, node.constant is not None), (PATH, node.path),
        (PASSIVE, node.role == "passive"), (ACTIVATION, node.role == "activation"), (EACH, node.homogeneous),
        (WANTING, node.wanting),
    )  # fmt: skip
    return sum(flag for flag, there in marks if there)


def pack_layout(node: Layout) -> bytes:
    """Return a layout's nodes as the device interprets them."""
    body = bytes((CONDITIONS.index(node.condition),)) if node.condition else b""
    body += _limits(node) + _constant(node)
    if node.path:
        body += bytes((len(node.path),)) + node.path.encode()
    if node.type in CONTAINERS:
        body += bytes((len(node.children),)) + b"".join(pack_layout(child) for child in node.children)
    return struct.pack(">BBH", TAGS[node.type], _flags(node), 4 + len(body)) + body


def unpack_layout(data: bytes) -> tuple[Layout, int]:
    """Return the layout at the start of `data` and its size: what `pack_layout` made, for the tests' sake."""
    tag, flags, size = struct.unpack_from(">BBH", data)
    name = next(name for name, number in TAGS.items() if number == tag)
    at = 4
    condition = limits = constant = path = None
    if flags & CONDITION:
        condition, at = CONDITIONS[data[at]], at + 1
    if flags & LIMITS:
        shape = ">ii" if name in NUMBERS else ">HH"
        limits, at = struct.unpack_from(shape, data, at), at + struct.calcsize(shape)
    if flags & CONSTANT:
        length = 1 + data[at] if name in TEXTS else 4
        octets = data[at : at + length]
        constant, at = (octets[1:] if name in TEXTS else int.from_bytes(octets, "big", signed=True)), at + length
    if flags & PATH:
        path, at = data[at + 1 : at + 1 + data[at]].decode(), at + 1 + data[at]
    children = []
    count, at = (data[at], at + 1) if name in CONTAINERS else (0, at)
    for _ in range(count):
        child, length = unpack_layout(data[at:])
        children.append(child)
        at += length
    role = "passive" if flags & PASSIVE else "activation" if flags & ACTIVATION else "active"
    return Layout(name, limits, tuple(children), constant, path, role, condition), size


def _key(entry: Right) -> tuple[bytes, int, int, int]:
    return entry.target.obis, entry.target.class_id, entry.target.member, KINDS[entry.verb]


def pack_objects() -> bytes:
    """Return the whole table. Raises SmetsError when a layout is longer than the device reads."""
    entries = sorted(objects().values(), key=_key)
    start = struct.calcsize(HEADER) + len(entries) * struct.calcsize(RECORD)
    records, layouts, places = b"", b"", dict[bytes, int]()
    for entry in entries:
        layout = pack_layout(entry.layout)
        if len(layout) > MAX_LAYOUT:
            raise SmetsError(f"the layout of {entry.title} has {len(layout)} bytes packed, {MAX_LAYOUT} may be")
        if layout not in places:
            places[layout] = start + len(layouts)
            layouts += layout
        records += struct.pack(RECORD, *_key(entry), places[layout], len(layout))
    return struct.pack(HEADER, MAGIC, FORMAT, struct.calcsize(RECORD), len(entries)) + records + layouts
