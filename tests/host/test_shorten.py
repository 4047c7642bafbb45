"""Shortened firmware does what the firmware does: only names that nobody else uses are others."""

from __future__ import annotations

import ast
from typing import Any

from opensmets.bench.firmware import firmware_path
from opensmets.bench.shorten import is_private, shorten

LIBRARY = """
from micropython import const
_LIMIT = const(3)
_table = {}
class Base:
    __slots__ = ("_first", "kept")
    def __init__(self, amount, scale=1):
        self._first = amount * scale
        self.kept = _LIMIT
    def _double(self, number):
        return number * 2
    def result(self, number):
        def add(other, number_two):
            return self._double(number) + other + number_two
        return add(self._first, 1) + sum([number for number in range(_LIMIT)])
def _remember(key, value):
    global _table
    _table = dict(_table)
    _table[key] = value
    return _table
def remember(key, *, again=False, **rest):
    picked = (lambda key, value: (value, key))(key, again)
    return _remember(picked, len(rest))
"""
USER = """
from library import Base, remember
import library
class _Child(Base):
    def _own(self, first):
        self._second = first
        return self._first + self._double(self._second)
def answers(start):
    child = _Child(start, scale=2)
    return child.result(start), child._own(5), remember("k", again=True, extra=1), library.Base(1).kept
"""


def run(sources: dict[str, str]) -> Any:
    """Run the two modules and return what the user's answers."""
    modules: dict[str, Any] = {}
    for name, source in sources.items():
        source = source.replace("from micropython import const", "const = int")
        for other, content in modules.items():
            source = source.replace(f"from {other} import", "#").replace(f"import {other}", "#")
            globals_ = dict(vars(content)) | {other: content}
        namespace = {"__name__": name} | (globals_ if modules else {})
        exec(compile(source, name, "exec"), namespace)
        modules[name] = type("Module", (), namespace)
    return modules["user"].answers(4)


def test_the_same_answers_with_other_names() -> None:
    sources = {"library": LIBRARY, "user": USER}
    shortened = shorten(sources)
    assert run(shortened) == run(sources)
    assert "amount" not in shortened["library"] and "__slots__" not in shortened["library"]
    assert "scale" in shortened["library"], "a parameter that is called by name keeps it"


def test_private_names_are_shared_by_modules_and_kept_apart_in_a_family() -> None:
    shortened = shorten({"library": LIBRARY, "user": USER})
    attributes = [
        {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute) and is_private(node.attr)}
        for source in shortened.values()
    ]
    assert len(attributes[0] | attributes[1]) == len({"_first", "_double", "_second", "_own"})
    apart = shorten({"one": "def _red():\n    return 1\n", "two": "def _green():\n    return 2\n"})
    assert apart["one"].split("(")[0] == apart["two"].split("(")[0] == "def _a"


def test_a_parameter_named_by_a_caller_outside_is_kept() -> None:
    source = "def open_port(path, blocking):\n    return path, blocking\n"
    assert "blocking" in shorten({"port": source}, ["open_port('x', blocking=True)"])["port"]
    assert "blocking" not in shorten({"port": source})["port"]


def test_the_firmware_s_names_fit_the_first_tables() -> None:
    """MicroPython's tables of names hold 1,260 before the next takes 14 KB in one piece."""
    folder = firmware_path()
    files = sorted((folder / "smets").rglob("*.py"))
    sources = {".".join(file.relative_to(folder).with_suffix("").parts): file.read_text() for file in files}
    names = set()
    for source in shorten(sources).values():
        for node in ast.walk(ast.parse(source)):
            names |= {
                getattr(node, field) for field in ("attr", "name", "arg") if isinstance(getattr(node, field, 0), str)
            }
    assert len(names) < 1000


def test_assembler_keeps_its_registers() -> None:
    source = "@micropython.asm_thumb\ndef run(r0, r1):\n    label(_NEXT)\n    add(r0, r0, r1)\n    b(_NEXT)\n"
    assert shorten({"code": source})["code"] == source.rstrip()
