"""`smets requests`: which service requests work today, found out from the catalogue and never written down."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from opensmets.cli.console import write, write_json
from opensmets.cli.options import Json

if TYPE_CHECKING:
    from opensmets.catalogue.use_cases import Item, UseCase

DEVICE = "ESME"
METER, HOST, NOT_YET = "meter", "host", "not yet"
MEANINGS = {
    METER: "sent, carried out by the meter, and its answer read",
    HOST: "made and protected by the host; the meter does not carry it out yet",
    NOT_YET: "not built yet",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A service request variant for an electricity meter, and its use cases by how far they are built."""

    variant: str
    name: str
    critical: bool
    use_cases: dict[str, str]

    @property
    def best(self) -> str:
        """How far the request is built, at best."""
        return next((state for state in MEANINGS if state in self.use_cases.values()), NOT_YET)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("requests")(requests)


def requests(
    as_json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Write the tables of README.md.")] = False,
) -> None:
    """List the service requests for an electricity meter, and how far each is built."""
    entries = list(find_entries())
    if as_json:
        write_json(
            [{"variant": e.variant, "name": e.name, "critical": e.critical, "use_cases": e.use_cases} for e in entries]
        )
    elif markdown:
        write("\n".join(_markdown(entries)))
    elif sys.stdout.isatty():
        _print_table(entries)
    else:
        for entry in entries:
            write(f"{entry.variant:8}{entry.best:9}{entry.name}  {_told(entry)}")


def find_entries() -> Iterator[Entry]:
    """Yield the service request variants that an electricity meter has a use case for."""
    from opensmets.catalogue.service_requests import service_requests
    from opensmets.catalogue.use_cases import use_cases

    known = use_cases()
    for variant, service in service_requests().items():
        names = [name for name in service.use_cases if name in known and DEVICE in known[name].devices]
        if names:
            yield Entry(variant, service.name, service.critical, {name: state_of(known[name]) for name in names})


def state_of(use_case: UseCase) -> str:
    """Return how far a use case is built: METER, HOST or NOT_YET."""
    from opensmets.catalogue.request_mappings import mapping
    from opensmets.transform.evaluation import is_mapped

    if not is_mapped(use_case, mapping(use_case.name)):
        return NOT_YET
    return METER if _meter_has(use_case) else HOST


def _meter_has(use_case: UseCase) -> bool:
    from opensmets.conformance.play import BUILT_ASN1

    if use_case.payload != "dlms":
        return use_case.name in BUILT_ASN1
    return bool(use_case.items) and all(_has_right(item) for item in use_case.items)


def _has_right(item: Item) -> bool:
    from opensmets.catalogue.objects import right

    if item.verb == "protected":
        return right("protected", item.inner or item.target) is not None
    return right("get" if item.verb == "range" else item.verb, item.target) is not None


def _told(entry: Entry) -> str:
    return ", ".join(name if state == entry.best else f"({name})" for name, state in entry.use_cases.items())


def _markdown(entries: list[Entry]) -> Iterator[str]:
    yield f"**{METER}**: {MEANINGS[METER]}. A use case in brackets is not as far as the others."
    yield ""
    yield "| request | | use cases |"
    yield "|---|---|---|"
    for entry in entries:
        if entry.best == METER:
            yield f"| {entry.variant} | {entry.name}{', critical' if entry.critical else ''} | {_told(entry)} |"
    for state in (HOST, NOT_YET):
        found = [f"{entry.variant} {entry.name}" for entry in entries if entry.best == state]
        if found:
            yield ""
            yield f"**{state}** ({len(found)}): {MEANINGS[state]}: {'; '.join(found)}."


def _print_table(entries: list[Entry]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("request", "name", "critical", "built", "use cases")
    for entry in entries:
        table.add_row(entry.variant, entry.name, "critical" if entry.critical else "", entry.best, _told(entry))
    Console().print(table)
