"""Modules get short names for a device, and everything that names them names them so."""

from __future__ import annotations

import ast

from opensmets.bench.firmware import shortened_modules, source_names
from opensmets.bench.flatten import flat_names, flatten_imports, flatten_texts, path_of
from opensmets.bench.tracebacks import in_source_names

SOURCE = """
from smets.meter import clock, errors as wrong
from smets.meter.dates import DAY_S
from smets.link import unix_stream
def load(call):
    return call("smets.meter.clock", "now"), "smets.meter.clock=a,b smets.meter", clock, wrong, DAY_S, unix_stream
"""
NAMES = ("smets.meter.clock", "smets.meter.errors", "smets.meter.dates", "smets.link.unix_stream")


def test_imports_and_texts_have_the_new_names() -> None:
    new = flat_names(NAMES, ["from smets.link import unix_stream"])
    assert new.keys() == set(NAMES[:3]) and len(set(new.values())) == 3, "what something outside names keeps its name"
    tree = ast.parse(SOURCE)
    flatten_imports({"user": tree}, new)
    flatten_texts({"user": tree}, new)
    clock, dates, errors = (new[name] for name in sorted(NAMES[:3]))
    text = ast.unparse(tree)
    assert f"import {clock} as clock, {errors} as wrong" in text and f"from {dates} import DAY_S" in text
    assert "from smets.link import unix_stream" in text and f"'{clock}', 'now'" in text
    assert f"'{clock}=a,b smets.meter'" in text, "a room is no module"
    assert path_of(NAMES[0], new) == f"smets/{clock}" and path_of(NAMES[3], new) == "smets/link/unix_stream"


def test_no_module_of_the_firmware_hides_another() -> None:
    modules = shortened_modules()
    assert len({each.path for each in modules.values()}) == len(modules) == len(source_names())
    assert not {each.name for each in modules.values()} & {"os", "json", "machine", "main", "boot", "board", "asyncio"}
    assert modules["smets.roles.esme"].name == "smets.roles.esme", "main.py names it"


def test_a_traceback_is_told_in_the_source_s_names() -> None:
    module = shortened_modules()["smets.meter.switching"]
    first = next(node for node in ast.walk(ast.parse(module.text)) if isinstance(node, ast.FunctionDef))
    assert first.name == "__init__"
    elsewhere = '\n  File "elsewhere", line 1, in here\nOSError: 5'
    told = in_source_names(f'  File "{module.name}", line 1, in __init__{elsewhere}')
    assert told == f'  File "smets/meter/switching.py", in SwitchingTable.__init__{elsewhere}'
