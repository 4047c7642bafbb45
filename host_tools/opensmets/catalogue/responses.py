"""Where each piece of a response or alert stands in MMC XML: the data files `data/responses/*.toml`.

`elements.toml` names the element of each service request. Every other file has

| table | meaning |
|---|---|
| `[maps.NAME]` | numbers and the names that stand for them in XML |
| `[layouts]` | pieces of layout, which a layout takes in by `$name` |
| `[complete]` | elements that are left out when a child in the list is missing (`*`: any child) |
| `[USE-CASE]` | one response or alert |

and an entry has

| field | meaning |
|---|---|
| items | a layout for each item of the response, or for each part of an alert beyond its code and time |
| element | the element of the response or the alert's payload, where it is not the service request's |
| frame | a path that is always there, as a choice in the schema demands |
| order | elements in the schema's order, where the payload has them in another |
| optional | items at the end may be missing |
| message_code | of an alert that is no use case of the catalogue |
| status, statuses | of an ASN.1 answer: the element of its code, and the map that names codes |
| outcome | of an ASN.1 answer or alert: the path of the element that says what became of an update |
| version, content | of an ASN.1 answer: the elements of a firmware version, and of a certificate or request |

The language of layouts is described in `parse.layout`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

_TABLES = ("maps", "layouts", "complete")


@dataclass(frozen=True, slots=True)
class ResponseEntry:
    """One entry of the data files, with the shared tables of its file."""

    name: str
    items: tuple[str, ...] = ()
    element: str | None = None
    frame: str | None = None
    order: tuple[str, ...] = ()
    optional: bool = False
    message_code: int | None = None
    status: str | None = None
    statuses: str | None = None
    outcome: str | None = None
    version: str | None = None
    content: str | None = None
    maps: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    layouts: Mapping[str, str] = field(default_factory=dict)
    complete: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _files() -> dict[str, dict[str, Any]]:
    folder = resources.files("opensmets.catalogue").joinpath("data/responses")
    files = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return {file.name: tomllib.loads(file.read_text(encoding="utf-8")) for file in files if file.name.endswith(".toml")}


def _entries(table: dict[str, Any]) -> dict[str, ResponseEntry]:
    maps = {name: {int(key): text for key, text in entry.items()} for name, entry in table.get("maps", {}).items()}
    complete = {name: tuple(children) for name, children in table.get("complete", {}).items()}
    shared: dict[str, Any] = {"maps": maps, "layouts": table.get("layouts", {}), "complete": complete}
    entries = {}
    for name, fields in table.items():
        if name not in _TABLES:
            values: dict[str, Any] = {
                key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
            }
            entries[name] = ResponseEntry(name, **values, **shared)
    return entries


@cache
def response_entries() -> dict[str, ResponseEntry]:
    """Return every entry by the name of its use case."""
    entries: dict[str, ResponseEntry] = {}
    for name, table in _files().items():
        if name != "elements.toml":
            entries.update(_entries(table))
    return entries


@cache
def response_elements() -> dict[str, str]:
    """Return the MMC element of each service reference variant."""
    return dict(_files()["elements.toml"]["elements"])
