"""Put the firmware's numeric constants where they are used, before it is compiled for a device.

MicroPython folds a module's private `const()`; a public one stays a global: a name in RAM, an entry of a dict, and the
same again in each module that imports it. Here `from smets.cosem.results import SUCCESS` becomes the number itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

Constants = dict[str, int]


def _number(node: ast.AST, known: Mapping[str, int]) -> int | None:
    """Return the number that an expression of numbers and known constants is, or None."""
    try:
        code = compile(ast.Expression(node), "const", "eval")  # type: ignore[arg-type]
        value = eval(code, {"__builtins__": {}}, dict(known))  # the project's own source, no builtins
    except (NameError, TypeError, ValueError, ZeroDivisionError, AttributeError):
        return None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _constant(node: ast.stmt) -> tuple[str, ast.expr] | None:
    """Return the name and expression of `NAME = const(expression)`."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call) or len(node.targets) != 1:
        return None
    target, call = node.targets[0], node.value
    if isinstance(target, ast.Name) and isinstance(call.func, ast.Name) and call.func.id == "const":
        return target.id, call.args[0]
    return None


def _imports(tree: ast.AST) -> dict[str, tuple[str, str]]:
    """Return (module, name) of each name that a module takes from another."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def _bound(tree: ast.AST) -> list[str]:
    """Return every name that is assigned or is a parameter, as often as it is."""
    stored = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    return stored + [node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)]


def constants(trees: Mapping[str, ast.Module]) -> dict[str, Constants]:
    """Return the numbers that each module has names for: its own, and those that it takes from others."""
    found: dict[str, Constants] = {module: {} for module in trees}
    for _ in range(4):  # a constant may be made of another module's, or be handed on
        for module, tree in trees.items():
            bound = _bound(tree)
            for name, (home, original) in _imports(tree).items():
                if original in found.get(home, ()) and name not in bound:
                    found[module][name] = found[home][original]
            for name, expression in filter(None, map(_constant, tree.body)):
                number = _number(expression, found[module])
                if number is not None and bound.count(name) == 1:
                    found[module][name] = number
    return found


class _Inliner(ast.NodeTransformer):
    """Puts numbers for names in one module; definitions of names in `kept` stay."""

    def __init__(self, module: str, tree: ast.Module, found: Mapping[str, Constants], kept: set[str]) -> None:
        self._numbers, self._found, self._kept = found[module], found, kept
        self._modules = {alias: f"{home}.{name}" for alias, (home, name) in _imports(tree).items()}

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        constant = _constant(node)
        if constant and constant[0] in self._numbers and constant[0] not in self._kept:
            return None
        return self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        node.names = [alias for alias in node.names if (alias.asname or alias.name) not in self._numbers]
        return node if node.names else None

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and node.id in self._numbers:
            return ast.Constant(self._numbers[node.id])
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load):
            number = self._found.get(self._modules.get(node.value.id, ""), {}).get(node.attr)
            if number is not None:
                return ast.Constant(number)
        return self.generic_visit(node)


def inline(trees: Mapping[str, ast.Module], kept: Iterable[str]) -> None:
    """Put numbers for constants in all modules; those whose names are in `kept` also stay where they are defined."""
    found, names = constants(trees), set(kept)
    for module, tree in trees.items():
        _Inliner(module, tree, found, names).visit(tree)
        for node in ast.walk(tree):
            if hasattr(node, "body") and isinstance(node.body, list) and not node.body and node is not tree:
                node.body = [ast.Pass()]
        ast.fix_missing_locations(tree)
