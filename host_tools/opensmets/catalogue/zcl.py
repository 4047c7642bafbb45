"""ZigBee clusters by number: names of attributes, and the fields of each command's payload.

The data file is `data/zcl.toml`: a table a cluster, with `attributes`, and commands by number in `to_server` and
`to_client`. A command is its name and its fields:

    "05" = "Publish Price Matrix: Provider Id u32, ..., *(Tier and Block Id hex1, Price u32)"

Types, all little-endian: `u8 u16 u24 u32 u48 i32` numbers, `time` (u32 seconds since 2000), `minutes` (u16 of the
day), `event` (u16 alert code), `date` (four octets), `hexN` (N octets), `text` and `octets` (a length octet before).
`*( )` is repeated to the end, `#( )` as often as the field before says.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from opensmets.errors import SmetsError

_PART = re.compile(r"([*#])\(([^()]*)\)|([^,*#()]+)")
#: Octets of the types that have a fixed size.
SIZES = {"u8": 1, "u16": 2, "u24": 3, "u32": 4, "u48": 6, "i32": 4, "time": 4, "minutes": 2, "event": 2, "date": 4}
COUNTED = ("text", "octets")


@dataclass(frozen=True, slots=True)
class ZclField:
    """One field of a command's payload; `size` is None when a length octet gives it."""

    name: str
    type: str
    size: int | None


@dataclass(frozen=True, slots=True)
class ZclGroup:
    """Fields that repeat: `to_end`, or as often as the field before them says."""

    fields: tuple[ZclField, ...]
    to_end: bool


@dataclass(frozen=True, slots=True)
class ZclCommand:
    """A command: its name, and the fields and groups of its payload."""

    name: str
    parts: tuple[ZclField | ZclGroup, ...]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster: attributes by id; commands by direction (True from the server) and number."""

    name: str
    attributes: dict[int, str]
    commands: dict[tuple[bool, int], ZclCommand]


def _parse_field(text: str) -> ZclField:
    name, _, kind = text.strip().rpartition(" ")
    size = int(kind[3:]) if re.fullmatch(r"hex\d+", kind) else SIZES.get(kind)
    if not name or (size is None and kind not in COUNTED):
        raise SmetsError(f"catalogue: {text!r} is not a field of a ZigBee command")
    return ZclField(name, kind, size)


def parse_command(text: str) -> ZclCommand:
    """Read a command as the data file writes it. Raises SmetsError when it is anything else."""
    name, _, rest = text.partition(": ")
    parts: list[ZclField | ZclGroup] = []
    for mark, group, single in _PART.findall(rest):
        if mark:
            parts.append(ZclGroup(tuple(_parse_field(one) for one in group.split(",")), mark == "*"))
        elif single.strip():
            parts.append(_parse_field(single))
    return ZclCommand(name, tuple(parts))


@cache
def clusters() -> dict[int, Cluster]:
    """Return the clusters by number."""
    text = resources.files("opensmets.catalogue").joinpath("data/zcl.toml").read_text(encoding="utf-8")
    table = {}
    for number, entry in tomllib.loads(text).items():
        commands = {
            (direction == "to_client", int(code, 16)): parse_command(command)
            for direction in ("to_server", "to_client")
            for code, command in entry.get(direction, {}).items()
        }
        attributes = {int(code, 16): name for code, name in entry.get("attributes", {}).items()}
        table[int(number, 16)] = Cluster(entry["name"], attributes, commands)
    return table
