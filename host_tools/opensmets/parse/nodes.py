"""The nodes of a layout: each walks A-XDR data and MMC XML together, in both directions.

`write(data, at)` puts data under the element `at`; `read(at)` makes the data again from what stands there. A value that
the schema has no room for is left out by `write` (`remainder` carries it); data of another *shape* is a ParseError.
`read` raises Absent where the document has nothing for a node.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from opensmets.layouts.axdr import Compact, Data, RowType
from opensmets.parse.texts import Codec, Unfit
from opensmets.parse.tree import Element, ParseError, Path, add, qualified


class Absent(Exception):
    """The document has nothing for a node. Never leaves this package."""


class Node(Protocol):
    """What every node can do; `row` is the number of the row that it stands in, from 0."""

    def write(self, data: Data, at: Element, row: int = 0) -> None:
        """Put `data` under `at`. Raises ParseError when it has another shape."""

    def read(self, at: Element, row: int = 0) -> Data:
        """Return the data that stands under `at`. Raises Absent."""

    def row_type(self) -> RowType:
        """Return the type that data of this node has in a compact array."""


def check_type(data: Data, *types: str) -> None:
    """Raise ParseError unless `data` has one of the types."""
    if data.type not in types:
        raise ParseError(f"{data.type} where the use case has {' or '.join(types)}")


def text_of(codec: Codec, value: Any) -> str | None:
    """Return the text of a value, or None when the schema has no room for it."""
    try:
        return codec.write(value)
    except (Unfit, ValueError, OverflowError):
        return None


def value_of(codec: Codec, text: str | None) -> Any:
    """Return the value of a text. Raises Absent without one, ParseError when it is not one of this codec's."""
    if text is None:
        raise Absent
    try:
        return codec.read(text)
    except (ValueError, KeyError):
        raise ParseError(f"{text!r} is not a value of this element") from None


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value at one place, or the same at several."""

    type: str
    codec: Codec
    paths: tuple[Path, ...]

    def write(self, data: Data, at: Element, row: int = 0) -> None:
        """Put the text at every path, unless the schema has no room for it."""
        check_type(data, self.type)
        text = text_of(self.codec, data.value)
        for path in self.paths if text is not None else ():
            path.put(at, text or "", row)

    def read(self, at: Element, row: int = 0) -> Data:
        """Return the value at the first path."""
        return Data(self.type, value_of(self.codec, self.paths[0].text(at, row)))

    def row_type(self) -> RowType:
        """Return the type."""
        return RowType(self.type)


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that the use case fixes, so that no element holds it. `value` None is the row's number, from `first`."""

    type: str
    value: Any
    first: int = 1

    def write(self, data: Data, at: Element, row: int = 0) -> None:
        """Look at the shape only; another value stands in the remainder."""
        check_type(data, self.type)

    def read(self, at: Element, row: int = 0) -> Data:
        """Return the fixed value."""
        if self.value is not None:
            return Data(self.type, self.value)
        return Data(self.type, bytes((row + self.first,)) if self.type == "octets" else row + self.first)

    def row_type(self) -> RowType:
        """Return the type."""
        return RowType(self.type)


@dataclass(frozen=True, slots=True)
class Unmapped:
    """Data for which the schema has no element at all: all of it stands in the remainder."""

    def write(self, data: Data, at: Element, row: int = 0) -> None:
        """Write nothing."""

    def read(self, at: Element, row: int = 0) -> Data:
        """Raise Absent."""
        raise Absent

    def row_type(self) -> RowType:
        """Return null's."""
        return RowType("null")


#: The largest number that a scaler makes, where the schema's type sets no other limit.
MOST = 10**18


@dataclass(frozen=True, slots=True)
class Scaler:
    """A scaler and unit (Blue Book, scal_unit_type) of the number that stands at `value`.

    The element's unit is the schema's: with another scaler the number there is multiplied, with another unit, or when
    it would no longer be whole, it is taken out. Scaler and unit as sent then stand in the remainder.
    """

    scaler: int
    unit: int
    value: Path
    unit_path: Path | None = None
    unit_name: str = ""
    most: int = MOST

    def write(self, data: Data, at: Element, row: int = 0) -> None:
        """Bring the number to the schema's unit and name the unit, where an element does."""
        check_type(data, "structure")
        if [part.type for part in data] != ["i8", "enum"]:
            raise ParseError("a scaler and unit is a structure of i8 and enum")
        text = self.value.text(at, row)
        if text is None:
            return
        scaled = self._scaled(int(text), data[0].value) if data[1].value == self.unit else None
        if scaled is None:
            self.value.remove(at, row)
            return
        self.value.put(at, str(scaled), row)
        if self.unit_path is not None:
            self.unit_path.put(at, self.unit_name, row)

    def _scaled(self, number: int, scaler: int) -> int | None:
        steps = scaler - self.scaler
        if steps < 0:
            return None if number % 10**-steps else number // 10**-steps
        scaled: int = number * 10**steps
        return scaled if scaled <= self.most else None

    def read(self, at: Element, row: int = 0) -> Data:
        """Return the scaler and unit that the schema implies."""
        if (self.unit_path or self.value).find(at, row) is None:
            raise Absent
        return Data("structure", (Data("i8", self.scaler), Data("enum", self.unit)))

    def row_type(self) -> RowType:
        """Return the type."""
        return RowType("structure", (RowType("i8"), RowType("enum")))


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure. `optional` numbers the elements that some devices leave out, all together (a second element).

    `type` is `array` for an array whose elements have a place of their own each; an empty one, of a meter in which they
    were never set, has no elements in XML and stands in the remainder.
    """

    nodes: tuple[Node, ...]
    optional: frozenset[int] = frozenset()
    type: str = "structure"

    def _nodes(self, whole: bool) -> Iterator[Node]:
        return (node for number, node in enumerate(self.nodes) if whole or number not in self.optional)

    def write(self, data: Data, at: Element, row: int = 0) -> None:
        """Write the elements one after another."""
        check_type(data, self.type)
        if self.type == "array" and not len(data):
            return
        sizes = {len(self.nodes), len(self.nodes) - len(self.optional)}
        if len(data) not in sizes:
            expected = " or ".join(str(size) for size in sorted(sizes))
            raise ParseError(f"{self.type} of {len(data)} elements where the use case has {expected}")
        for node, part in zip(self._nodes(len(data) == len(self.nodes)), data, strict=True):
            node.write(part, at, row)

    def read(self, at: Element, row: int = 0) -> Data:
        """Read the elements; without the optional ones when the document has none of them."""
        parts = []
        for number, node in enumerate(self.nodes):
            try:
                part = node.read(at, row)
            except Absent:
                if number not in self.optional:
                    raise
                continue
            if not (number in self.optional and part.type == "array" and not part.value):
                parts.append(part)
        return Data(self.type, tuple(parts))

    def row_type(self) -> RowType:
        """Return the type without the optional elements."""
        return RowType("structure", tuple(node.row_type() for node in self._nodes(False)))


@dataclass(frozen=True, slots=True)
class Within:
    """A node whose paths start at an element further down."""

    path: Path
    node: Node

    def write(self, data: Data, at: Element, row: int = 0) -> None:
        """Write the node; an element that was made for it and stayed empty goes again."""
        before = self.path.find(at, row)
        element = self.path.make(at, row)
        self.node.write(data, element, row)
        if before is None and not len(element) and not element.attrib:
            self.path.remove(at, row)

    def read(self, at: Element, row: int = 0) -> Data:
        """Read the node."""
        element = self.path.find(at, row)
        if element is None:
            raise Absent
        return self.node.read(element, row)

    def row_type(self) -> RowType:
        """Return the node's."""
        return self.node.row_type()


@dataclass(frozen=True, slots=True)
class Rows:
    """An array or compact array: one element a row, at most `most` of them (the schema's maxOccurs).

    With `beside`, the rows' paths start where the array's does and bear `[#]`; `path` only counts them. An attribute
    in `path` bears the row's number, from 1.
    """

    type: str
    node: Node
    path: Path
    most: int
    size: int = 0
    beside: bool = False

    def write(self, data: Data, at: Element, row: int = 0) -> None:
        """Write a row into an element of its own; rows beyond `most` stand in the remainder."""
        check_type(data, "array", "compact")
        parent = Path(self.path.steps[:-1]).make(at, row) if len(data) else at
        for number, part in enumerate(list(data)[: self.most]):
            if self.beside:
                self.node.write(part, at, number)
                continue
            element = add(parent, self.path.steps[-1].name)
            if self.path.attribute:
                element.set(self.path.attribute, str(number + 1))
            self.node.write(part, element, number)

    def _elements(self, at: Element, row: int) -> list[Element]:
        parent = Path(self.path.steps[:-1]).find(at, row)
        if parent is None:
            return []
        return parent.findall(qualified(self.path.steps[-1].name))

    def read(self, at: Element, row: int = 0) -> Data:
        """Read a row from every element."""
        elements = self._elements(at, row)
        rows = tuple(self.node.read(at if self.beside else element, number) for number, element in enumerate(elements))
        if self.type == "array":
            return Data("array", rows)
        return Data("compact", Compact(type_of(rows[0]) if rows else self.node.row_type(), rows))

    def row_type(self) -> RowType:
        """Return the type."""
        return RowType("array", (self.node.row_type(),), self.size)


def type_of(data: Data) -> RowType:
    """Return the type that a row has in a compact array."""
    if data.type == "structure":
        return RowType("structure", tuple(type_of(part) for part in data))
    if data.type == "array":
        return RowType("array", (type_of(data[0]),) if len(data) else (RowType("null"),), len(data))
    return RowType(data.type)
