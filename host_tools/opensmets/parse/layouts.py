"""The compiled layouts of a response or alert, from the catalogue's data files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from opensmets.catalogue.responses import ResponseEntry, response_elements, response_entries
from opensmets.catalogue.use_cases import UseCase
from opensmets.layouts.axdr import Data
from opensmets.parse.layout import compile_all
from opensmets.parse.nodes import Absent, Node
from opensmets.parse.tree import Element, ParseError, Path, prune, sort_children


class UnsupportedUseCase(ParseError):
    """The catalogue does not say where the payload of this use case stands in MMC XML."""


@dataclass(frozen=True, slots=True)
class Layouts:
    """Where the items of one payload stand. An entry without items has none with data."""

    entry: ResponseEntry
    items: tuple[Node, ...]

    def write(self, data: Sequence[Data], at: Element) -> None:
        """Put items under `at`. Raises ParseError naming the item whose shape is not the use case's."""
        for position, (node, item) in enumerate(zip(self.items, data, strict=False), 1):
            if item.type == "null":
                continue
            try:
                node.write(item, at)
            except ParseError as error:
                raise ParseError(f"{self.entry.name}: item {position}: {error}") from None
        if self.entry.frame:
            Path.parse(self.entry.frame).make(at)
        sort_children(at, self.entry.order)
        prune(at, self.entry.complete)

    def read(self, at: Element, position: int) -> Data:
        """Return one item as the elements under `at` say it; null where they say nothing."""
        if position > len(self.items):
            return Data("null")
        try:
            return self.items[position - 1].read(at)
        except Absent:
            return Data("null")


_NOTHING = ResponseEntry("no entry")


@cache
def _compiled(name: str) -> Layouts:
    entry = response_entries().get(name, ResponseEntry(name))
    return Layouts(entry, compile_all(entry.items, entry.maps, entry.layouts))


def layouts_of(use_case: UseCase) -> Layouts:
    """Return the layouts of a use case's response or alert."""
    return _compiled(use_case.name)


def alert_layouts(message_code: int, use_case: UseCase | None) -> Layouts:
    """Return the layouts of an alert: by its use case, or by message code where it is none of the catalogue's."""
    if use_case is not None:
        return _compiled(use_case.name)
    named = [entry.name for entry in response_entries().values() if entry.message_code == message_code]
    return _compiled(named[0]) if named else Layouts(_NOTHING, ())


def element_of(use_case: UseCase) -> str:
    """Return the name of a use case's response element. Raises UnsupportedUseCase when there is none."""
    name = layouts_of(use_case).entry.element or response_elements().get(use_case.service_request or "")
    if not name:
        raise UnsupportedUseCase(f"{use_case.name} is answered in no MMC element: it has no service request")
    return name
