"""Give the firmware's own names to a device as names that its MicroPython has in flash.

Each distinct name of loaded code takes RAM for ever, but for those that the interpreter itself uses. So every name that
only the firmware knows becomes one of `rom_names.txt` that the firmware does not use: one for one through the whole
program, which changes nothing that it does. (On a port that lacks one of them it is a name in RAM, as before.)

Names stay that anything outside may know: what is part of a text or of a packed table (fields and methods go by text),
what callers and modules for hardware name, keyword arguments, exceptions (they are shown), and what Python has.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice, pairwise, product
from pathlib import Path
from string import ascii_letters

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HARDWARE = ("machine", "network", "espnow", "esp32", "rp2", "uctypes", "framebuf", "vfs", "neopixel")
"""Modules whose objects have names that only boards know."""
_EXCEPTIONS = ("Exception", "OSError", "ValueError", "RuntimeError")
_ON_DEMAND = ("call", "fetch", "Later")
"""Functions of on_demand.py: their first argument is a module's dotted name, the second what it calls something."""
_OF_EXCEPTIONS = ("args", "errno", "value", "strerror")
"""Attributes that every exception has: no name for one of our own."""


@cache
def rom_names() -> tuple[str, ...]:
    """Return names that MicroPython's ports have in flash, the shortest first."""
    text = Path(__file__).with_name("rom_names.txt").read_text(encoding="utf-8")
    return tuple(sorted(text.split(), key=lambda name: (len(name), name)))


def _called_by_name(node: ast.AST) -> Iterator[ast.Constant]:
    """Yield the text in a call of on_demand.py that names what is wanted: it follows the name of a module."""
    if not isinstance(node, ast.Call):
        return
    for module, wanted in pairwise(node.args):
        if isinstance(wanted, ast.Constant) and isinstance(wanted.value, str):
            called = ast.unparse(node.func).removeprefix("on_demand.") in _ON_DEMAND
            if called and isinstance(module, ast.Name) or _is_module(module):
                yield wanted


def _is_module(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("smets.")


def identifiers(tree: ast.AST) -> Iterator[str]:
    """Yield every name of a program text, as often as it occurs."""
    for node in ast.walk(tree):
        yield from (str(wanted.value) for wanted in _called_by_name(node))
        for field in ("id", "attr", "name", "arg", "asname"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                yield from value.split(".")
        if isinstance(node, ast.Global):
            yield from node.names
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from node.module.split(".")


def words_of_texts(tree: ast.AST) -> set[str]:
    """Return the words of every text that may name something: a docstring does not, nor a sentence in one line."""
    shown = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    shown |= {id(wanted) for node in ast.walk(tree) for wanted in _called_by_name(node)}
    texts = (
        node.value if isinstance(node.value, str) else node.value.decode("latin-1")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in shown
    )
    return {word for text in texts if " " not in text or "\n" in text for word in _WORD.findall(text)}


def _defined(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
            yield from (
                target.id
                for each in (node.body if isinstance(node, ast.ClassDef) else ())
                if isinstance(each, ast.Assign)
                for target in each.targets
                if isinstance(target, ast.Name)
            )
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
    for assigned in tree.body if isinstance(tree, ast.Module) else ():
        for place in assigned.targets if isinstance(assigned, ast.Assign) else ():
            yield from (each.id for each in ast.walk(place) if isinstance(each, ast.Name))


def _exceptions(trees: Iterable[ast.AST]) -> set[str]:
    """Return the names of the exception classes, those of the program itself and what it builds them on."""
    found, classes = (
        set(_EXCEPTIONS),
        [each for tree in trees for each in ast.walk(tree) if isinstance(each, ast.ClassDef)],
    )
    for _ in range(4):  # a class may be derived from one that comes later
        for each in classes:
            if any(isinstance(base, ast.Name) and base.id in found for base in each.bases):
                found.add(each.name)
    return found


def _constants(tree: ast.Module) -> set[str]:
    """Return the names whose values MicroPython folds, which it does by their underscore."""
    assigned = [each for each in tree.body if isinstance(each, ast.Assign) and isinstance(each.value, ast.Call)]
    return {
        target.id
        for each in assigned
        for target in each.targets
        if isinstance(target, ast.Name) and ast.unparse(each.value).startswith("const(")
    }


def _is_for_hardware(tree: ast.AST) -> bool:
    if any(isinstance(node, ast.Attribute) and node.attr == "asm_thumb" for node in ast.walk(tree)):
        return True  # instructions look like calls
    imported = (name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names)
    taken = (node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return any(name.name in _HARDWARE for name in imported) or any(module in _HARDWARE for module in taken)


def outside_names(trees: Mapping[str, ast.Module], callers: Iterable[ast.AST], words: set[str]) -> set[str]:
    """Return the names that must stay; `words` are known outside besides, such as those of packed tables."""
    names = set(words) | set(rom_names()) | set(dir(builtins)) | set(keyword.kwlist) | _exceptions(trees.values())
    for tree in trees.values():
        names |= words_of_texts(tree) | _constants(tree)
        names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg}
        names |= set(identifiers(tree)) if _is_for_hardware(tree) else set()
    for caller in callers:
        names |= set(identifiers(caller)) | words_of_texts(caller)
    return names


def _new_names(used: set[str]) -> Iterator[str]:
    yield from (name for name in rom_names() if name not in used | set(_OF_EXCEPTIONS) and not hasattr(builtins, name))
    yield from (name for pair in product(ascii_letters, repeat=3) if (name := "".join(pair)) not in used)


class _Renamer(ast.NodeTransformer):
    """Renames every occurrence of a name."""

    def __init__(self, new: Mapping[str, str]) -> None:
        self._new = new

    def visit(self, node: ast.AST) -> ast.AST:
        for field in ("id", "attr", "name", "arg", "asname"):
            value = getattr(node, field, None)
            if isinstance(value, str) and value in self._new and not isinstance(node, ast.keyword):
                setattr(node, field, self._new[value])
        for wanted in _called_by_name(node):
            wanted.value = self._new.get(str(wanted.value), wanted.value)
        if isinstance(node, ast.Global):
            node.names = [self._new.get(name, name) for name in node.names]
        self.generic_visit(node)
        return node


def _of_objects(tree: ast.AST) -> set[str]:
    """Return the names that come after a dot, and those that classes define."""
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return found | _of_classes(tree)


def _of_classes(tree: ast.AST) -> set[str]:
    """Return the names that classes define for their objects: in their bodies, and by what their methods store."""
    found: set[str] = set()
    for each in ast.walk(tree):
        if isinstance(each, ast.ClassDef):
            found |= set(_defined(each)) - {each.name}
    return found


def _attached(tree: ast.Module) -> set[str]:
    """Return the names that are not one class's alone: stored in other objects than `self`, or the module's own."""
    found = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and not isinstance(node.ctx, ast.Load)
        and not (isinstance(node.value, ast.Name) and node.value.id == "self")
    }
    inside = {name for each in tree.body if isinstance(each, ast.ClassDef) for name in _defined(each)}
    return (
        found
        | {name for name in _defined(tree) if name not in inside}
        | {each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.ClassDef)}
    )


def _unbound(tree: ast.AST) -> set[str]:
    """Return the names that stand for themselves somewhere: variables, parameters, what is imported, keywords."""
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    found |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg | ast.keyword) and node.arg}
    found |= {node.asname or node.name for node in ast.walk(tree) if isinstance(node, ast.alias)}
    return found | {
        name for node in ast.walk(tree) if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names
    }


def _meetings(
    trees: Mapping[str, ast.Module], families: Iterable[set[str]], names: set[str]
) -> tuple[set[str], dict[str, set[str]]]:
    """Return the names that must be the only ones of their kind, and for each other one those that it meets.

    A name of a module or of something local meets all in the text of each module that has it; a name that is always
    an object's those of the modules that define it, and of those related by inheritance, for other objects have no part
    in it.
    """
    texts = {module: set(identifiers(tree)) for module, tree in trees.items()}
    of_objects = names & set().union(*map(_of_objects, trees.values()))
    alone = of_objects & set().union(*map(_attached, trees.values()))
    met: dict[str, set[str]] = {name: set() for name in names - alone}
    for module, text in texts.items():
        for name in text & met.keys() - (of_objects - _unbound(trees[module])):
            met[name] |= text
    for family in families:
        text = set().union(*(texts[module] for module in family))
        for name in set().union(*(_of_classes(trees[module]) for module in family)) & met.keys() & of_objects:
            met[name] |= text
    unknown = {name for name in met if not met[name]}
    return alone | unknown, {name: met[name] for name in met.keys() - unknown}


def _shared(met: Mapping[str, set[str]], names: Iterable[str]) -> dict[str, str]:
    """Return new names: two that never meet may get the same one."""
    order, new = [*names], dict[str, str]()
    both = {name: set(others) for name, others in met.items()}
    for name, others in met.items():
        for other in others & met.keys():
            both[other].add(name)
    for name in sorted(met, key=lambda one: (-len(both[one]), one)):
        taken = {new[other] for other in both[name] if other in new}
        new[name] = next(each for each in order if each not in taken)
    return new


def rename(
    trees: Mapping[str, ast.Module], callers: Iterable[ast.AST], words: set[str], families: Iterable[set[str]] = ()
) -> dict[str, str]:
    """Rename in all modules; return the new names by the old ones.

    `families` are groups of modules whose classes inherit from one another; without them each name stays apart.
    """
    kept = outside_names(trees, callers, words)
    used = kept - set(rom_names()) | {name for tree in trees.values() for name in identifiers(tree)}
    own = {name for tree in trees.values() for name in _defined(tree)}
    candidates = {name for name in own - kept if not name.startswith("__")}
    alone, met = _meetings(trees, families, candidates)
    names = _new_names(used)
    new = dict(zip(sorted(alone), names, strict=False))
    new |= _shared(met, islice(names, len(met)))
    for tree in trees.values():
        _Renamer(new).visit(tree)
    return new
