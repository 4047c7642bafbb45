"""Give the firmware's modules short names of one part, and its files short paths, before it is compiled for a device.

For each module that was ever loaded MicroPython keeps in RAM its dotted name, the last part of that, and its file's
path: some 60 bytes and three places in the table of names. A module that only the firmware itself names becomes one
that MicroPython has in flash as a name (`rom_names.txt`) and lies in the folder `smets`, which is on the module path.
Modules that something outside names keep theirs.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from string import ascii_lowercase

from opensmets.bench.rename import rom_names

FOLDER = "smets"
"""The folder of the firmware's files."""
_DOTTED = re.compile(r"\bsmets(?:\.[a-z_0-9]+)+")
_FILE_NAME = re.compile(r"[a-z][a-z0-9_]{1,5}")
#: What MicroPython's ports and its library have as modules of their own, besides what CPython has too.
_MODULES_OF_PORTS = frozenset(
    [
        "aioble",
        "apa106",
        "bluetooth",
        "board",
        "boot",
        "btree",
        "cryptolib",
        "deflate",
        "dht",
        "esp",
        "esp32",
        "espnow",
        "flashbdev",
        "framebuf",
        "inisetup",
        "jni",
        "lcd160",
        "machine",
        "main",
        "mip",
        "neopixel",
        "network",
        "ntptime",
        "onewire",
        "openamp",
        "pyb",
        "requests",
        "rp2",
        "tls",
        "uctypes",
        "umqtt",
        "upysh",
        "usb",
        "vfs",
        "webrepl",
        "websocket",
    ]
)


def _candidates() -> Iterator[str]:
    """Yield names for modules: those in flash, the shortest first, then others."""
    taken = _MODULES_OF_PORTS | sys.stdlib_module_names | {FOLDER, "tables", "lib", "store"}
    taken |= {"u" + name for name in taken}
    yield from (name for name in rom_names() if _FILE_NAME.fullmatch(name) and name not in taken)
    yield from ("".join(letters) for letters in product(ascii_lowercase, repeat=3))


def modules_named(text: str) -> set[str]:
    """Return the dotted names that may be modules in a program's text, `from a.b import c` giving a.b and a.b.c."""
    found = set(_DOTTED.findall(text))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def flat_names(modules: Iterable[str], callers: Iterable[str]) -> dict[str, str]:
    """Return new names by the dotted ones, in the order of these, for the modules that no text of `callers` names."""
    kept = {name for text in callers for name in modules_named(text)}
    candidates = _candidates()
    return {name: next(candidates) for name in sorted(modules) if name not in kept and "." in name}


class _Imports(ast.NodeTransformer):
    """Names modules by their new names where they are imported."""

    def __init__(self, new: Mapping[str, str]) -> None:
        self._new = new

    def visit_ImportFrom(self, node: ast.ImportFrom) -> list[ast.stmt]:
        modules, others = [], []
        for alias in node.names:
            new = self._new.get(f"{node.module}.{alias.name}")
            if new:
                modules.append(ast.alias(new, alias.asname or alias.name))
            else:
                others.append(alias)
        rest = ast.ImportFrom(self._new.get(str(node.module), node.module), others, 0)
        return [*([ast.Import(modules)] if modules else []), *([rest] if others else [])]


def flatten_imports(trees: Mapping[str, ast.Module], new: Mapping[str, str]) -> None:
    """Let every module import the others by their new names."""
    for tree in trees.values():
        _Imports(new).visit(tree)


def flatten_texts(trees: Mapping[str, ast.Module], new: Mapping[str, str]) -> None:
    """Let the texts that name modules, to load or forget them, have their new names."""
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                node.value = _DOTTED.sub(lambda found: new.get(found[0], found[0]), node.value)


def path_of(name: str, new: Mapping[str, str]) -> str:
    """Return where the file of the module with a dotted name lies, without its suffix."""
    return f"{FOLDER}/{new[name]}" if name in new else name.replace(".", "/")
