"""Places in an MMC document: paths that find an element or make it, and the order in which the schema wants elements.

A path is steps with `/` between them, relative to some element:

| step | element |
|---|---|
| `Name` | the child of that name |
| `Name[@index=2]` | the child of that name whose attribute has that value |
| `Name[Phase=2]` | the child of that name that has a child `Phase` of that value |
| `Name[#]` | the child of that name that has the number of the row being read |
| `@index` (last) | an attribute of the element so far |

An empty path is the element itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from opensmets.errors import SmetsError

NAMESPACE = "http://www.dccinterface.co.uk/ResponseAndAlert"
Element = etree._Element
_ATTRIBUTE = re.compile(r"/?@(\w+)$")
_STEP = re.compile(r"(\w+)(?:\[(#|@?\w+)(?:=(\w+))?\])?")


class ParseError(SmetsError):
    """A payload does not have its use case's shape, or a document is not one that this package makes."""


def qualified(name: str) -> str:
    """Return a name in the MMC namespace."""
    return f"{{{NAMESPACE}}}{name}"


def local_name(element: Element) -> str:
    """Return an element's name without its namespace; comments and the like have none."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def add(parent: Element, name: str, text: str | None = None) -> Element:
    """Append a child of that name and text; return it."""
    child = etree.SubElement(parent, qualified(name))
    child.text = text
    return child


def child_text(parent: Element, name: str) -> str:
    """Return the text of the child of that name. Raises ParseError when there is no such child."""
    child = parent.find(qualified(name))
    if child is None:
        raise ParseError(f"{local_name(parent)} has no {name}: not a document made by this package")
    return child.text or ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a child's name and, to choose among several, a key (`#`, `@attribute` or a child's name) and value."""

    name: str
    key: str = ""
    value: str = ""

    def find(self, at: Element, row: int) -> Element | None:
        """Return the child that the step names; `row` counts from 0."""
        children = at.findall(qualified(self.name))
        if self.key == "#":
            return children[row] if row < len(children) else None
        return next((child for child in children if self._chosen(child)), None)

    def _chosen(self, child: Element) -> bool:
        if not self.key:
            return True
        if self.key.startswith("@"):
            return child.get(self.key[1:]) == self.value
        return child.findtext(qualified(self.key)) == self.value

    def make(self, at: Element, row: int) -> Element:
        """Return the child that the step names, made if there is none yet."""
        child = self.find(at, row)
        if child is None:
            child = add(at, self.name)
            if self.key.startswith("@"):
                child.set(self.key[1:], self.value)
            elif self.key and self.key != "#":
                add(child, self.key, self.value)
        return child


@dataclass(frozen=True, slots=True)
class Path:
    """Steps to an element and, if `attribute`, to one of its attributes."""

    steps: tuple[Step, ...] = ()
    attribute: str = ""

    @classmethod
    def parse(cls, text: str) -> Path:
        """Read a path (the table of this module). Raises ParseError when it is none."""
        ending = _ATTRIBUTE.search(text)
        place, attribute = (text[: ending.start()], ending[1]) if ending else (text, "")
        steps = []
        for part in filter(None, place.split("/")):
            match = _STEP.fullmatch(part)
            if not match:
                raise ParseError(f"layout: {part!r} in path {text!r} is no step")
            steps.append(Step(match[1], match[2] or "", match[3] or ""))
        return cls(tuple(steps), attribute)

    def find(self, at: Element, row: int = 0) -> Element | None:
        """Return the element, or None."""
        place: Element | None = at
        for step in self.steps:
            place = step.find(place, row) if place is not None else None
        return place

    def make(self, at: Element, row: int = 0) -> Element:
        """Return the element, with what leads to it, made as far as it is not there."""
        for step in self.steps:
            at = step.make(at, row)
        return at

    def text(self, at: Element, row: int = 0) -> str | None:
        """Return the text or the attribute's value, or None when it is not there."""
        element = self.find(at, row)
        if element is None:
            return None
        return element.get(self.attribute) if self.attribute else element.text or ""

    def put(self, at: Element, text: str, row: int = 0) -> None:
        """Write the text or the attribute's value."""
        element = self.make(at, row)
        if self.attribute:
            element.set(self.attribute, text)
        else:
            element.text = text

    def remove(self, at: Element, row: int = 0) -> None:
        """Take the element out again."""
        element = self.find(at, row)
        parent = element.getparent() if element is not None else None
        if element is not None and parent is not None:
            parent.remove(element)


def sort_children(element: Element, order: Sequence[str]) -> None:
    """Bring children into the schema's order: those that `order` names, as it names them, after the others.

    A name may say whose child it is: `LogEntry/Timestamp`.
    """
    ranks = {name: rank for rank, name in enumerate(order)}
    for parent in list(element.iter()) if order else ():
        children = list(parent)
        owner = local_name(parent)
        keys = {
            child: ranks.get(f"{owner}/{local_name(child)}", ranks.get(local_name(child), -1)) for child in children
        }
        ordered = sorted(children, key=keys.__getitem__)
        if children != ordered:
            parent[:] = ordered


def prune(element: Element, complete: Mapping[str, Sequence[str]]) -> None:
    """Take out, innermost first, elements that lack a child which the schema demands.

    `A|B` is met by either, `*` by any child.

    A value that no element can hold leaves such a gap. The value itself stands in the remainder (`remainder`).
    """
    for inner in reversed(list(element.iterdescendants())):
        wanted = complete.get(local_name(inner), ())
        names = {local_name(child) for child in inner}
        parent = inner.getparent()
        if parent is not None and any(not _met(name, names) for name in wanted):
            parent.remove(inner)


def _met(wanted: str, names: set[str]) -> bool:
    return bool(names) if wanted == "*" else not names.isdisjoint(wanted.split("|"))
