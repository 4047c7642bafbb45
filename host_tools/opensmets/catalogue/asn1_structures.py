"""GBCS's ASN.1 structures by name: which fields stand in which order, and what each message's payload is.

The data file is `data/asn1.toml`. A field is written `Name type [@TAG] [?|*]`; its type is a structure of the file or
one of `integer enum bits octets null boolean time oid alert any`, with `:table` for the meanings of its values, or
`:eui`. `@TAG`
is the identifier octet in hex where it is not the type's own, `?` marks a field that may be missing, `*` one that
stands any number of times.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from opensmets.catalogue.use_cases import by_message_code
from opensmets.errors import SmetsError

_FIELD = re.compile(r"(.+?) ([A-Za-z]+)(?::(\w+))?(?: @([0-9A-F]{2}))?(?: ([?*]))?")
#: Identifier octets by type; `time` is either of two.
TAGS = {
    "boolean": (0x01,), "integer": (0x02,), "bits": (0x03,), "octets": (0x04,), "null": (0x05,), "oid": (0x06,),
    "enum": (0x0A,), "time": (0x17, 0x18), "alert": (0x02,), "any": (),
}  # fmt: skip
_SEQUENCE = 0x30


@dataclass(frozen=True, slots=True)
class Asn1Field:
    """A field: its type (a leaf of `TAGS` or a structure), the identifier octets it may have, its value's meanings."""

    name: str
    type: str
    tags: tuple[int, ...]
    meanings: dict[int, str]
    is_eui: bool = False
    optional: bool = False
    repeated: bool = False

    def fits(self, tag: int) -> bool:
        """Say whether an element with this identifier octet can be the field."""
        return not self.tags or tag in self.tags


@cache
def _table() -> dict[str, Any]:
    text = resources.files("opensmets.catalogue").joinpath("data/asn1.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def parse_field(text: str) -> Asn1Field:
    """Read a field as the data file writes it. Raises SmetsError when it is anything else."""
    match = _FIELD.fullmatch(text)
    if not match or not (match[2] in TAGS or match[2] in _table()["structures"]):
        raise SmetsError(f"catalogue: {text!r} is not a field of an ASN.1 structure")
    meanings = {int(value): meaning for value, meaning in _table()["meanings"].get(match[3], {}).items()}
    tags = (int(match[4], 16),) if match[4] else TAGS.get(match[2], (_SEQUENCE,))
    return Asn1Field(match[1], match[2], tags, meanings, match[3] == "eui", match[5] == "?", match[5] == "*")


@cache
def structure(name: str) -> tuple[Asn1Field, ...]:
    """Return the fields of a structure in order; none for a leaf type."""
    return tuple(parse_field(text) for text in _table()["structures"].get(name, ()))


@cache
def alternatives(message_code: int, kind: str) -> tuple[Asn1Field, ...]:
    """Return what the payload of a message may be, `kind` being `command`, `response` or `alert`; none if unknown."""
    table = _table()
    key = table["alerts"].get(f"0x{message_code:04X}")
    names = [one.name for one in by_message_code().get(message_code, ())]
    found = [key] if key else [one for one in table["messages"] if _names(one, kind, names)]
    best = max(found, key=len, default=None)
    return tuple(parse_field(text) for text in table["messages"][best]) if best else ()


def _names(key: str, kind: str, use_cases: list[str]) -> bool:
    prefix, _, key_kind = key.partition(".")
    return key_kind == kind and any(name.startswith(prefix) for name in use_cases)
