"""Which modules of the firmware an image holds: the core, the parts asked for, and its core's machine code."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Mapping

from opensmets.bench.firmware import Shortened, is_machine_code
from opensmets.boards.description import Board, boards_path
from opensmets.errors import SmetsError, UsageError

BENCH = "bench"
PANEL = "panel"
#: What main.py wires, and an image of files therefore always has.
TERMINALS = "terminals"
#: What a board's image has unless somebody says otherwise.
DEFAULT_PARTS = ("load_control", "user_interface", TERMINALS)


def optional_parts() -> dict[str, tuple[str, ...]]:
    """Return the dotted modules of each part that an image may do without."""
    content = tomllib.loads((boards_path() / "parts.toml").read_text(encoding="utf-8"))
    return {name: tuple(part["modules"]) for name, part in content.items()}


def with_needs(parts: Iterable[str]) -> set[str]:
    """Return parts with those that they need (`needs` in parts.toml). Unknown ones stay, for `select` to refuse."""
    content = tomllib.loads((boards_path() / "parts.toml").read_text(encoding="utf-8"))
    found: set[str] = set()
    waiting = set(parts)
    while waiting:
        part = waiting.pop()
        found.add(part)
        waiting |= set(content.get(part, {}).get("needs", ())) - found
    return found


def select(modules: Mapping[str, Shortened], board: Board, parts: Iterable[str]) -> dict[str, Shortened]:
    """Return those of `modules` (by the dotted names of their sources) that a board's image with `parts` holds.

    Raises UsageError for an unknown part, SmetsError when the board names machine code that there is not.
    """
    known, wanted = optional_parts(), set(parts)
    if unknown := wanted - known.keys():
        raise UsageError(f"no part is called {sorted(unknown)[0]}: there are {', '.join(known)}")
    if missing := set(board.machine_code) - modules.keys():
        raise SmetsError(f"{board.folder / 'board.toml'} names {sorted(missing)[0]}, which the firmware does not have")
    left_out = {module for name, part in known.items() if name not in wanted for module in part}
    of_others = {name for name, each in modules.items() if is_machine_code(each.text)} - set(board.machine_code)
    unusable = {modules[name].name for name in of_others}
    return {
        name: each
        for name, each in modules.items()
        if name not in left_out | of_others and not _needs(each.text, unusable)
    }


def _needs(text: str, modules: set[str]) -> bool:
    """Return whether a module cannot be loaded without one of `modules`."""
    found = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return bool(found & modules)
