"""Shorten the names of the firmware before it is compiled for a device.

MicroPython keeps every distinct name of the loaded code in RAM for ever, and doubles its table of names when that is
full: past some 620 names the next table is 7 KB in one piece, past 1,260 it is 14, on a heap of 228. Constants become
numbers (inline.py). Private names (one underscore) and the parameters that no call names become `_a`, `_b`, ... in
every module alike, so that modules share them. Then all that nobody outside knows becomes names that cost nothing
(rename.py). Nothing else changes, and the result is what the tests of the compiled firmware run.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Mapping
from string import ascii_lowercase

from opensmets.bench.flatten import flatten_imports, flatten_texts
from opensmets.bench.inline import inline
from opensmets.bench.rename import identifiers, rename
from opensmets.errors import SmetsError

_FUNCTIONS = (ast.FunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _short_names(prefix: str, taken: set[str]) -> Iterator[str]:
    """Yield `prefix` with a, b .. z, aa, ab and so on, passing over the names that are taken."""
    for name in [*ascii_lowercase, *(first + second for first in ascii_lowercase for second in ascii_lowercase)]:
        if prefix + name not in taken:
            yield prefix + name


def is_private(name: str) -> bool:
    """Return whether a name is its module's own: one underscore in front, and more than that."""
    return name.startswith("_") and not name.startswith("__") and name != "_"


def _identifiers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        for field in ("id", "attr", "name", "arg"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                yield value


def _imported_modules(tree: ast.AST) -> dict[str, str]:
    """Return the dotted module that each imported name comes from, or is."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                found[alias.asname or alias.name] = node.module
                found[f"{alias.asname or alias.name}."] = f"{node.module}.{alias.name}"
    return found


def _relatives(module: str, trees: Mapping[str, ast.AST]) -> set[str]:
    """Return the modules whose classes those of `module` inherit from: they share names.

    Raises SmetsError for a base of which the text does not say what class it is: a name of it would be given twice.
    """
    imports = _imported_modules(trees[module])
    found = set()
    for node in ast.walk(trees[module]):
        for base in node.bases if isinstance(node, ast.ClassDef) else ():
            where, name = module, ast.unparse(base)
            if isinstance(base, ast.Name):
                where = imports.get(base.id, module)
            elif isinstance(base, ast.Attribute) and isinstance(base.value, ast.Name):
                where, name = imports.get(f"{base.value.id}.", module), base.attr
            if where == module and hasattr(builtins, name):
                continue
            if where in trees and name not in _classes(trees[where]):
                raise SmetsError(f"{module}: the base {ast.unparse(base)} is no class of {where}: name it where it is")
            found.add(where)
    return found & trees.keys()


def _classes(tree: ast.AST) -> set[str]:
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def _families(trees: Mapping[str, ast.AST]) -> list[set[str]]:
    """Return the modules in groups that no inheritance crosses."""
    families: list[set[str]] = []
    for module in trees:
        joined = {module} | _relatives(module, trees)
        for family in [each for each in families if each & joined]:
            families.remove(family)
            joined |= family
        families.append(joined)
    return families


def _private_names(trees: Iterable[ast.AST]) -> dict[str, str]:
    used = {name for tree in trees for name in _identifiers(tree)}
    return dict(zip(sorted(filter(is_private, used)), _short_names("_", set()), strict=False))


ASSEMBLER = "asm_thumb"
"""The decorator of a function in assembler."""


class _Scope:
    """What a function binds: its renamed parameters, and its other names."""

    def __init__(self, renamed: dict[str, str], own: set[str]) -> None:
        self.renamed, self.own = renamed, own


class _Shortener(ast.NodeTransformer):
    """Renames in one module. `private` maps its private names; parameters in `named` are called by name and stay."""

    def __init__(self, tree: ast.AST, private: dict[str, str], named: set[str]) -> None:
        self._private, self._named = private, named
        self._taken = set(_identifiers(tree)) | set(private.values())
        self._scopes: list[_Scope] = []

    def visit_Name(self, node: ast.Name) -> ast.AST:
        for scope in reversed(self._scopes):
            if node.id in scope.renamed:
                return ast.Name(scope.renamed[node.id], node.ctx)
            if node.id in scope.own:
                break
        return ast.Name(self._private.get(node.id, node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return ast.Attribute(self.visit(node.value), self._private.get(node.attr, node.attr), node.ctx)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        if isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__slots__":
            return ast.Pass()  # MicroPython heeds no slots and would keep their names
        return self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> ast.AST:
        return ast.Global([self._private.get(name, name) for name in node.names])

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self._private.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if any(isinstance(each, ast.Attribute) and each.attr == ASSEMBLER for each in node.decorator_list):
            return node  # its parameters are registers
        node.name = self._private.get(node.name, node.name)
        node.decorator_list = [self.visit(each) for each in node.decorator_list]
        self._enter(node)
        node.body = [self.visit(each) for each in node.body]
        self._scopes.pop()
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._enter(node)
        node.body = self.visit(node.body)
        self._scopes.pop()
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._comprehension(node)

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp  # type: ignore[assignment]

    def _comprehension(self, node: ast.AST) -> ast.AST:
        bound = {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
        self._scopes.append(_Scope({}, bound))
        changed = self.generic_visit(node)
        self._scopes.pop()
        return changed

    def _enter(self, node: ast.FunctionDef | ast.Lambda) -> None:
        """Rename a function's parameters and open its scope; defaults belong to the scope around it."""
        arguments = node.args
        arguments.defaults = [self.visit(each) for each in arguments.defaults]
        plain = [each for each in arguments.args if each.arg not in self._named | {"self", "cls"}]
        around = {short for scope in self._scopes for short in scope.renamed.values()}
        renamed = dict(zip((each.arg for each in plain), _short_names("", self._taken | around), strict=False))
        others = {each.arg for each in (*arguments.args, arguments.vararg, arguments.kwarg) if each} - renamed.keys()
        for each in plain:
            each.arg = renamed[each.arg]
        self._scopes.append(_Scope(renamed, others | _assigned(node) - renamed.keys()))


def _assigned(node: ast.AST) -> set[str]:
    """Return the names that a function itself assigns and does not declare global."""
    found, declared = set(), set()
    waiting = list(ast.iter_child_nodes(node))
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.Global):
            declared |= set(each.names)
        elif isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            found.add(each.id)
        elif isinstance(each, ast.ExceptHandler) and each.name:
            found.add(each.name)
        if not isinstance(each, (*_FUNCTIONS, *_COMPREHENSIONS)):
            waiting.extend(ast.iter_child_nodes(each))
    return found - declared


def shorten(
    sources: Mapping[str, str],
    callers: Iterable[str] = (),
    words: Iterable[str] = (),
    modules: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the sources, by dotted module name and in their order, with their own names shortened.

    `callers` are sources that stay as they are and may use these; `words` are names that are known outside besides;
    `modules` are new names of modules by their dotted ones (flatten.py).
    """
    trees, outside = {module: ast.parse(source) for module, source in sources.items()}, [*map(ast.parse, callers)]
    inline(trees, {name for tree in outside for name in identifiers(tree)})
    shorten_private(trees, outside)
    called = dict(modules or {})
    parts = {part for module in trees if module not in called for part in module.split(".")}
    families = _families(trees)
    flatten_imports(trees, called)
    rename(trees, outside, parts.union(words), families)
    flatten_texts(trees, called)
    return {module: ast.unparse(ast.fix_missing_locations(tree)) for module, tree in trees.items()}


def shorten_private(trees: dict[str, ast.Module], outside: Iterable[ast.AST]) -> None:
    """Shorten private names and parameters, but those that a call names, here or `outside`."""
    named = {
        keyword.arg
        for tree in (*trees.values(), *outside)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg
    }
    for family in _families(trees):
        private = _private_names([trees[module] for module in family])
        for module in family:
            _Shortener(trees[module], private, named).visit(trees[module])
