metadata(version="0.1.0", description="The part radio of boards/parts.toml")

import tomllib
from pathlib import Path

require("smets-core")

root = Path("../../..").resolve()
with open(root / "boards" / "parts.toml", "rb") as file:
    part = tomllib.load(file)["radio"]
for name in part["modules"]:
    path = Path(name.replace(".", "/"))
    path = path / "__init__.py" if (root / "firmware" / path).is_dir() else path.with_suffix(".py")
    module(path.as_posix(), base_path="../../../firmware", opt=3)
