"""A value that takes several elements, as a pair of functions over the element that holds them.

`write` fills the element, or raises Unfit; `read` gives the value back, or raises ValueError or Absent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opensmets.layouts.axdr import Data, RowType
from opensmets.parse.nodes import Absent, check_type
from opensmets.parse.texts import Unfit
from opensmets.parse.tree import Element, ParseError, Path, local_name, qualified


@dataclass(frozen=True, slots=True)
class Shape:
    """A pair of functions between a value and the content of an element."""

    write: Callable[[Any, Element], None]
    read: Callable[[Element], Any]


@dataclass(frozen=True, slots=True)
class ShapeLeaf:
    """One value whose element has elements (a node, as in `nodes`)."""

    type: str
    shape: Shape
    path: Path

    def write(self, data: Data, at: Element, row: int = 0) -> None:
        """Fill the element; nothing of it stays when the schema has no room for the value."""
        check_type(data, self.type)
        before = self.path.find(at, row)
        element = self.path.make(at, row)
        try:
            self.shape.write(data.value, element)
        except Unfit:
            if before is None:
                self.path.remove(at, row)

    def read(self, at: Element, row: int = 0) -> Data:
        """Return the value that the element holds."""
        element = self.path.find(at, row)
        if element is None:
            raise Absent
        try:
            return Data(self.type, self.shape.read(element))
        except (ValueError, KeyError):
            raise ParseError(f"{local_name(element)} does not hold a value that this package writes") from None

    def row_type(self) -> RowType:
        """Return the type."""
        return RowType(self.type)


def text_in(element: Element, name: str) -> str:
    """Return the text of the child of that name. Raises Absent."""
    text = element.findtext(qualified(name))
    if text is None:
        raise Absent
    return text
