"""Shortened firmware does what the firmware does: only names that nobody else uses are others."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from opensmets.bench.firmware import shortened_modules
from opensmets.bench.inline import inline
from opensmets.bench.rename import identifiers, rename, rom_names
from opensmets.bench.shorten import is_private, shorten, shorten_private
from opensmets.boards.parts import optional_parts
from opensmets.errors import SmetsError

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
    shortened = shorten(sources, words=["answers"])
    assert run(shortened) == run(sources)
    assert "amount" not in shortened["library"] and "__slots__" not in shortened["library"]
    assert "scale" in shortened["library"], "a parameter that is called by name keeps it"


def test_private_names_are_shared_by_modules_and_kept_apart_in_a_family() -> None:
    trees = {"library": ast.parse(LIBRARY), "user": ast.parse(USER)}
    shorten_private(trees, [])
    attributes = {node.attr for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert len(set(filter(is_private, attributes))) == len({"_first", "_double", "_second", "_own"})
    apart = {"one": ast.parse("def _red():\n    return 1\n"), "two": ast.parse("def _green():\n    return 2\n")}
    shorten_private(apart, [])
    assert [tree.body[0].name for tree in apart.values()] == ["_a", "_a"]  # type: ignore[attr-defined]


def test_constants_are_numbers_wherever_they_are_used() -> None:
    codes = "from micropython import const\nLOW = const(2)\nHIGH = const(LOW << 3)\nTEXT = const('x')\n"
    handed_on = "from codes import HIGH\nboth = HIGH + 1\n"
    user = "import codes\nfrom handed import HIGH\nplaces = [0] * 99\nplaces[HIGH:codes.LOW] = [codes.TEXT, HIGH]\n"
    trees = {"codes": ast.parse(codes), "handed": ast.parse(handed_on), "user": ast.parse(user)}
    inline(trees, [])
    assert "LOW" not in ast.unparse(trees["codes"]) and "TEXT" in ast.unparse(trees["codes"])
    assert ast.unparse(trees["handed"]) == "both = 16 + 1"
    assert "places[16:codes.LOW] = [codes.TEXT, 16]" in ast.unparse(trees["user"]), "a module by import stays one"
    kept = {"codes": ast.parse(codes)}
    inline(kept, ["LOW"])
    assert "LOW = const(2)" in ast.unparse(kept["codes"])


def test_names_that_are_known_outside_stay() -> None:
    kept = "".join(f"def {name}():\n    pass\n" for name in ("in_text", "called", "tabled", "append"))
    source = f"FIELDS = ('in_text',)\nclass Lost(OSError):\n    pass\n{kept}def unknown(first):\n    first.own = 1\n"
    trees = {"module": ast.parse(source)}
    new = rename(trees, [ast.parse("called()")], {"tabled"})
    assert new.keys() == {"FIELDS", "own", "unknown"} and set(new.values()) <= set(rom_names())
    board = {"board": ast.parse("import machine\ndef start(pin):\n    pin.drive = machine.Pin.DRIVE_3\n")}
    assert not rename(board, [], set()), "what objects of hardware have is theirs"


def test_a_parameter_named_by_a_caller_outside_is_kept() -> None:
    source = "def open_port(path, blocking):\n    return path, blocking\n"
    assert "blocking" in shorten({"port": source}, ["open_port('x', blocking=True)"])["port"]
    assert "blocking" not in shorten({"port": source})["port"]


def test_names_that_never_meet_share_one() -> None:
    red = "class Red:\n    def glow(self):\n        self.warm = 1\n"
    blue = "class Blue:\n    def rain(self):\n        self.cold = 2\n"
    apart = {"one": red, "two": blue}
    trees = {name: ast.parse(text) for name, text in apart.items()}
    new = rename(trees, [], set(), [{"one"}, {"two"}])
    assert {new["glow"], new["warm"]} == {new["rain"], new["cold"]} and new["glow"] != new["warm"]
    related = {name: ast.parse(text) for name, text in apart.items()}
    new = rename(related, [], set(), [{"one", "two"}])
    assert len({new[name] for name in ("glow", "warm", "rain", "cold")}) == 4, "an object may have all of them"
    local = {"one": red, "two": blue, "three": "def mix(glow, rain):\n    return glow.warm, rain.cold\n"}
    new = rename({name: ast.parse(text) for name, text in local.items()}, [], set(), [{"one"}, {"two"}])
    assert new["glow"] != new["rain"], "both are variables of one function"
    attached = {"one": ast.parse(apart["one"]), "two": ast.parse(apart["two"] + "def mark(it):\n    it.glow = 3\n")}
    new = rename(attached, [], set(), [{"one"}, {"two"}])
    assert new["glow"] not in (new["rain"], new["cold"], new["mark"]), "any object may have it"


@pytest.mark.parametrize(
    "text",
    [
        "from smets import a\nBase = a.Alpha\nclass Beta(Base):\n    pass\n",
        "import smets.a\nclass Beta(smets.a.Alpha):\n    pass\n",
        "from smets.on_demand import fetch\nclass Beta(fetch('smets.a', 'Alpha')):\n    pass\n",
        "from smets.c import Base\nclass Beta(Base):\n    pass\n",
    ],
)
def test_a_base_that_is_not_named_is_refused(text: str) -> None:
    """The names of its objects would be taken for those of two classes that never meet."""
    others = {"smets.a": "class Alpha:\n    pass\n", "smets.c": "from smets import a\nBase = a.Alpha\n"}
    with pytest.raises(SmetsError, match="is no class of"):
        shorten(others | {"smets.b": text})


def test_what_is_called_by_name_is_renamed_where_it_is_named() -> None:
    sources = {
        "smets.work": "def begin_work(amount):\n    return amount\n",
        "smets.user": "from smets.on_demand import call\ndef use():\n    return call('smets.work', 'begin_work', 3)\n",
    }
    shortened = shorten(sources, ["use()"], modules={"smets.work": "abs"})
    called = ast.parse(shortened["smets.user"]).body[1].body[0].value  # type: ignore[attr-defined]
    module, name, _ = (each.value for each in called.args)
    assert module == "abs" and name != "begin_work" and f"def {name}(" in shortened["smets.work"]


def test_the_firmware_s_names_fit_the_first_tables() -> None:
    """MicroPython's tables hold 620 names in RAM: the one after that takes 7 KB in one piece.

    A file's path is one too; locals take none, nor does what few devices load.
    """
    radio = optional_parts()["radio"]  # a device has these in place of its other links' drivers
    modules = [each for name, each in shortened_modules().items() if name not in radio]
    names = {name for each in modules for name in identifiers(ast.parse(each.text))}
    assert len(names - set(rom_names())) + len(modules) < 960


def test_assembler_keeps_its_registers() -> None:
    source = "@micropython.asm_thumb\ndef run(r0, r1):\n    label(_NEXT)\n    add(r0, r0, r1)\n    b(_NEXT)\n"
    assert shorten({"code": source}, words=["run"])["code"] == source.rstrip()
