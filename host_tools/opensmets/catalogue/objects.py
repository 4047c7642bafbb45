"""The objects: every COSEM attribute and method of the devices, its access rights, where the meter keeps its value.

The data files are `data/objects/*.toml`, one table an object, named `CLASS/OBIS`, with a title and a line a right:

    ["9000/0-0:94.44.128.7"]
    title = "Load limit power threshold"
    4.set = "u32 passive @load_limit.power_threshold_w"
    6.set = "date_time activation @load_limit.power_threshold_w"

The verbs are `get`, `set`, `action` (the number is the method's) and `protected` (readable only through a data
protection object, class 30). What a right allows is written in the language of `layout_text`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from opensmets.catalogue.layout_text import Layout, parse_layout
from opensmets.catalogue.use_cases import Reference
from opensmets.errors import SmetsError

__all__ = ["KINDS", "Layout", "Right", "objects", "parse_object", "right"]

#: The verbs and their numbers in the packed table (cosem/access.py has the same).
KINDS = {"get": 1, "set": 2, "action": 3, "protected": 5}
_OBJECT = re.compile(r"(\d+)/(\d+)-(\d+):(\d+)\.(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class Right:
    """One thing that may be done to one attribute or method, and the layout of what is read, written or passed."""

    verb: str
    target: Reference
    layout: Layout
    title: str


def parse_object(text: str) -> tuple[int, bytes]:
    """Read `CLASS/A-B:C.D.E[.F]` (F is 255 when left out) as class id and OBIS code. Raises SmetsError otherwise."""
    match = _OBJECT.fullmatch(text)
    numbers = [int(part) for part in match.groups("255")] if match else []
    if not match or max(numbers[1:]) > 0xFF or numbers[0] > 0xFFFF:
        raise SmetsError(f"catalogue object {text!r} is not CLASS/A-B:C.D.E.F")
    return numbers[0], bytes(numbers[1:])


def _rights(name: str, fields: dict[str, Any]) -> list[Right]:
    class_id, obis = parse_object(name)
    title = fields.pop("title", "")
    if not title:
        raise SmetsError(f"catalogue object {name} has no title")
    found = []
    for member, verbs in fields.items():
        for verb, text in verbs.items():
            if verb not in KINDS or not member.isdigit():
                raise SmetsError(f"catalogue object {name}: {member}.{verb} is not NUMBER.VERB")
            found.append(Right(verb, Reference(class_id, obis, int(member)), parse_layout(text), title))
    return found


@cache
def objects() -> dict[tuple[str, Reference], Right]:
    """Return every right by verb and target. Raises SmetsError when two files say the same thing twice."""
    folder = resources.files("opensmets.catalogue").joinpath("data/objects")
    table: dict[tuple[str, Reference], Right] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        for name, fields in tomllib.loads(file.read_text(encoding="utf-8")).items():
            for entry in _rights(name, dict(fields)):
                if (entry.verb, entry.target) in table:
                    raise SmetsError(f"catalogue object {name}: {entry.verb} {entry.target.member} stands in two files")
                table[entry.verb, entry.target] = entry
    return table


def right(verb: str, target: Reference) -> Right | None:
    """Return what `verb` may do to `target`, or None when it may not, or the object is not built yet."""
    return objects().get((verb, target))
