metadata(version="0.1.0", description="The part panel of boards/parts.toml")

import tomllib
from pathlib import Path

require("smets-user-interface")
require("smets-terminals")

root = Path("../../..").resolve()
with open(root / "boards" / "parts.toml", "rb") as file:
    part = tomllib.load(file)["panel"]
for name in part["modules"]:
    path = Path(name.replace(".", "/"))
    path = path / "__init__.py" if (root / "firmware" / path).is_dir() else path.with_suffix(".py")
    module(path.as_posix(), base_path="../../../firmware", opt=3)
