"""The tree of an explained message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """One thing in a message.

    `raw` are the octets that are this node's own, its children's apart: read top down, they are the message. `value`
    is a number, text or truth value, `meaning` what it says in words. A `derived` node, such as a decrypted part or a
    verdict, is not in the message, and neither are its children.
    """

    name: str
    raw: bytes = b""
    value: int | str | bool | None = None
    meaning: str = ""
    children: tuple[Node, ...] = ()
    derived: bool = False

    def octets(self) -> bytes:
        """Return the octets of the node and all below it, as they stand in the message."""
        if self.derived:
            return b""
        return self.raw + b"".join(child.octets() for child in self.children)

    def walk(self) -> Iterator[Node]:
        """Walk the node and all below it, top down."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, name: str) -> Node | None:
        """Return the first node of that name, or None."""
        return next((node for node in self.walk() if node.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Return the node for `json.dumps`: octets as hex, what is empty left out."""
        fields: dict[str, Any] = {"name": self.name}
        if self.raw:
            fields["raw"] = self.raw.hex().upper()
        if self.value is not None:
            fields["value"] = self.value
        if self.meaning:
            fields["meaning"] = self.meaning
        if self.derived:
            fields["derived"] = True
        if self.children:
            fields["children"] = [child.to_json() for child in self.children]
        return fields


def number(name: str, raw: bytes, meaning: str = "", order: str = "big") -> Node:
    """Return a node of an unsigned number; `order` is `big` or `little`."""
    return Node(name, raw, int.from_bytes(raw, "little" if order == "little" else "big"), meaning)


def derived(name: str, children: tuple[Node, ...], meaning: str = "") -> Node:
    """Return a node of something that is not in the message."""
    return Node(name, meaning=meaning, children=children, derived=True)
