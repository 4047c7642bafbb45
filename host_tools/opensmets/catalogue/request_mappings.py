"""How a use case's command is made from its DUIS request: `data/commands/*.toml`, a table a use case.

| field | meaning |
|---|---|
| when | conditions (catalogue/template.py) that the request has to meet for this use case, all of them |
| role | only for an originator of this role (a name of use_cases.ORIGINATORS) |
| superseded | a newer use case does the same: this one is made only for who asks for it by name |
| data | for each of the use case's `set` and `action` items, in order, the template of its datum |
| items | instead of `data`, all items with their places, where they depend on the request |
| payload | instead of both, the name of the conversion that makes the whole payload (ASN.1) |
| dcc_own | the DCC sends it in its own name: no supplementary party |

Gets, reads of a log for a period and protected reads are wholly told by the use case's items: they need no entry.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from opensmets.catalogue.template import Condition, ItemTemplate, parse_condition, parse_item_template

READ_VERBS = ("get", "range", "protected")


@dataclass(frozen=True, slots=True)
class Mapping:
    """One entry; the fields are those of the data files."""

    when: tuple[Condition, ...] = ()
    role: str | None = None
    superseded: bool = False
    data: tuple[ItemTemplate, ...] = ()
    items: tuple[ItemTemplate, ...] = ()
    payload: str | None = None
    dcc_own: bool = False


@cache
def mappings() -> dict[str, Mapping]:
    """Return every entry by its use case's name."""
    folder = resources.files("opensmets.catalogue").joinpath("data/commands")
    entries: dict[str, Mapping] = {}
    for file in folder.iterdir():
        if file.name.endswith(".toml"):
            tables = tomllib.loads(file.read_text(encoding="utf-8"))
            entries.update({name: _parse(fields) for name, fields in tables.items()})
    return entries


def mapping(use_case: str) -> Mapping:
    """Return a use case's entry; an empty one when there is none."""
    return mappings().get(use_case, Mapping())


def _parse(fields: dict[str, object]) -> Mapping:
    def texts(name: str) -> list[str]:
        value = fields.get(name, [])
        return [str(one) for one in value] if isinstance(value, list) else []

    payload, role = fields.get("payload"), fields.get("role")
    return Mapping(
        when=tuple(parse_condition(text) for text in texts("when")),
        role=None if role is None else str(role),
        superseded=bool(fields.get("superseded", False)),
        data=tuple(parse_item_template(text) for text in texts("data")),
        items=tuple(parse_item_template(text) for text in texts("items")),
        payload=None if payload is None else str(payload),
        dcc_own=bool(fields.get("dcc_own", False)),
    )
