metadata(version="0.1.0", description="A SMETS2 electricity meter: all that is in no part of boards/parts.toml")

import tomllib
from pathlib import Path

root = Path("../../..").resolve()
with open(root / "boards" / "parts.toml", "rb") as file:
    parts = tomllib.load(file).values()
optional = {module.replace(".", "/") for part in parts for module in part["modules"]}


def is_core(path):
    """Return whether a module, by its path from the firmware on, is in no optional part and for any core."""
    name = path.with_suffix("").as_posix().removesuffix("/__init__")
    return name not in optional and "@micropython.asm_" not in (root / "firmware" / path).read_text(encoding="utf-8")


for source in sorted((root / "firmware" / "smets").rglob("*.py")):
    path = source.relative_to(root / "firmware")
    if is_core(path):
        module(path.as_posix(), base_path="../../../firmware", opt=3)
