"""An explained message for the terminal."""

from __future__ import annotations

from rich.text import Text
from rich.tree import Tree

from opensmets.explain.node import Node

#: Octets shown of one node; `--json` has them all.
SHOWN = 24


def _label(node: Node) -> Text:
    label = Text(node.name, style="bold" if node.children else "")
    if node.raw:
        cut = " .." if len(node.raw) > SHOWN else ""
        label.append(f"  {node.raw[:SHOWN].hex().upper()}{cut}", style="cyan")
    if node.value is not None and not _repeats(node):
        label.append(f"  {node.value}", style="yellow")
    if node.meaning:
        label.append(f"  {node.meaning}", style="green")
    return label


def _repeats(node: Node) -> bool:
    """Whether the value is the octets over again."""
    return isinstance(node.value, str) and node.raw.hex().upper().endswith(node.value)


def render(node: Node) -> Tree:
    """Return the node as a rich tree; what is not in the message itself stands in italics."""
    tree = Tree(_label(node), guide_style="dim")
    _grow(tree, node)
    return tree


def _grow(tree: Tree, node: Node) -> None:
    for child in node.children:
        branch = tree.add(_label(child), style="italic" if child.derived else "none")
        _grow(branch, child)
