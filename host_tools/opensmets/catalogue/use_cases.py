"""The use cases: what each message code is for, who may send it, how it is protected, which objects it names.

The data files are `data/use_cases/*.toml`, one table a use case:

| field | meaning |
|---|---|
| title | GBCS use case title |
| message_code | GBCS message code; several use cases may share one (variants) |
| service_request | DUIS service reference variant; absent for alerts and for use cases without a DUIS request |
| devices | the kinds of device that carry it out or send it |
| payload | `dlms`, `gbz` or `asn1` |
| command, response, alert | how each is protected: any of `signature`, `mac` |
| originators | the trust anchor cells whose holder may originate the command |
| recipients | for an alert: the parties that it goes to |
| alert_codes | for an alert with a message code of its own: the codes of the events that a meter tells by it |
| response_time | the response's grouping header bears a date-time |
| top_up | the command has its counter from the top-ups', which count apart |
| service, form | for `asn1`: the device service that carries it out, if any, and which form of it (CS02b: its mode) |
| items | for `dlms`: the attributes and methods in order, `VERB CLASS/OBIS/ID`, a protected read naming two |
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from opensmets.errors import SmetsError

ORIGINATORS = (
    "supplier", "network_operator", "acb", "transitional_cos", "wan_provider", "recovery", "contingency",
    "load_controller", "device",
)  # fmt: skip
VERBS = ("get", "set", "action", "range", "protected")
_REFERENCE = r"(\d+)/(\d+)-(\d+):(\d+)\.(\d+)\.(\d+)\.(\d+)/(-?\d+)"
_ITEM = re.compile(rf"(\w+) {_REFERENCE}(?: {_REFERENCE})?")


@dataclass(frozen=True, slots=True)
class Reference:
    """One COSEM attribute or method: class id, OBIS code (6 bytes), attribute or method id."""

    class_id: int
    obis: bytes
    member: int


@dataclass(frozen=True, slots=True)
class Item:
    """One access specification of a use case. `inner` is the attribute that a protected read asks for."""

    verb: str
    target: Reference
    inner: Reference | None = None


@dataclass(frozen=True, slots=True)
class UseCase:
    """One entry of the catalogue; the fields are those of the data files."""

    name: str
    title: str
    message_code: int
    devices: tuple[str, ...]
    payload: str
    service_request: str | None = None
    command: tuple[str, ...] = ()
    response: tuple[str, ...] = ()
    alert: tuple[str, ...] = ()
    originators: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    alert_codes: tuple[int, ...] = ()
    response_time: bool = False
    top_up: bool = False
    items: tuple[Item, ...] = ()
    service: str | None = None
    form: int = 0

    @property
    def critical(self) -> bool:
        """Whether the command needs the originator's signature (SME.C.C)."""
        return "signature" in self.command


def parse_item(text: str) -> Item:
    """Read `VERB CLASS/OBIS/ID [CLASS/OBIS/ID]`. Raises SmetsError when it is anything else."""
    match = _ITEM.fullmatch(text)
    if not match or match[1] not in VERBS:
        raise SmetsError(f"catalogue item {text!r} is not VERB CLASS/OBIS/ID")
    numbers = [int(part) for part in match.groups()[1:] if part is not None]
    target = Reference(numbers[0], bytes(numbers[1:7]), numbers[7])
    inner = Reference(numbers[8], bytes(numbers[9:15]), numbers[15]) if len(numbers) > 8 else None
    return Item(match[1], target, inner)


def _load_file(text: str) -> dict[str, UseCase]:
    entries = {}
    for name, fields in tomllib.loads(text).items():
        items = tuple(parse_item(item) for item in fields.pop("items", ()))
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
        }
        entries[name] = UseCase(name=name, items=items, **values)
    return entries


@cache
def use_cases() -> dict[str, UseCase]:
    """Return every use case by name."""
    folder = resources.files("opensmets.catalogue").joinpath("data/use_cases")
    entries: dict[str, UseCase] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        entries.update(_load_file(file.read_text(encoding="utf-8")))
    return entries


@cache
def by_message_code() -> dict[int, tuple[UseCase, ...]]:
    """Return the use cases of each message code, variants together."""
    table: dict[int, tuple[UseCase, ...]] = {}
    for entry in use_cases().values():
        table[entry.message_code] = (*table.get(entry.message_code, ()), entry)
    return table


def use_case(name: str) -> UseCase:
    """Return one use case. Raises SmetsError when the catalogue has none of that name."""
    try:
        return use_cases()[name]
    except KeyError:
        raise SmetsError(f"no use case {name} in the catalogue") from None
