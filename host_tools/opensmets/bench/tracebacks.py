"""Tracebacks of a device in the names of the firmware's source.

Compiled firmware has other names (rename.py, flatten.py) and no line numbers. As the functions of a module stay in
their order, the place of a name among them says which one of the source it is.
"""

from __future__ import annotations

import ast
import re
from functools import cache

from opensmets.bench.firmware import firmware_path, shortened_modules

_PLACE = re.compile(r'File "(?P<file>[^"]+)", line \d+, in (?P<function>\S+)')


def in_source_names(text: str) -> str:
    """Return a device's traceback with this checkout's names: `File "smets/meter/credit.py", in Credit.add`.

    A place that this checkout's firmware does not have stays as it is; one of two functions that have the same name on
    the device is shown with the other.
    """
    return _PLACE.sub(lambda found: _readable(found["file"], found["function"]) or found[0], text)


def _readable(file: str, function: str) -> str | None:
    names = _functions().get(file)
    if names is None:
        return None
    module, functions = names
    called = [source for device, source in functions if device == function] or [function]
    return f'File "{module.replace(".", "/")}.py", in {" or ".join(called)}'


@cache
def _functions() -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Return by a file's name on a device its module, and pairs of a function's name there and in the source."""
    found = {}
    for module, shortened in shortened_modules().items():
        source = (firmware_path() / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
        here = [name.rpartition(".")[2] for name in _names(ast.parse(shortened.text))]
        found[shortened.path.rpartition("/")[2]] = module, list(zip(here, _names(ast.parse(source)), strict=False))
    return found


def _names(tree: ast.AST, owner: str = "") -> list[str]:
    """Return the names of functions in the order of the text, those of a class with its name before."""
    found = []
    for node in ast.iter_child_nodes(tree):
        name = f"{owner}{node.name}" if isinstance(node, ast.FunctionDef | ast.ClassDef) else ""
        if isinstance(node, ast.FunctionDef):
            found.append(name)
        found += _names(node, f"{name}." if name else owner)
    return found
