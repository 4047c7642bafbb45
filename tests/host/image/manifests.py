"""MicroPython's manifest files as its makemanifest.py runs them, as far as ours go: what would be frozen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


class Options:
    """The `options` of an included manifest."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given, self._defaults = given, {}

    def defaults(self, **values: Any) -> None:
        self._defaults = values

    def __getattr__(self, name: str) -> Any:
        return self._given.get(name, self._defaults.get(name))


class Manifest:
    """Runs a manifest file; `frozen` is the source of each module by the path that it is frozen at.

    What is MicroPython's own ($(PORT_DIR), $(MPY_DIR)) is noted in `foreign`. Raises ValueError for what
    makemanifest.py refuses: a file that is missing or frozen twice, metadata given twice, an unknown package.
    """

    def __init__(self, file: Path) -> None:
        self.frozen: dict[str, Path] = {}
        self.foreign: list[str] = []
        self._libraries: list[Path] = []
        self._visited: set[Path] = set()
        self._described = [False]
        self._include(str(file))

    def _globals(self, options: dict[str, Any]) -> dict[str, Any]:
        return {
            "metadata": self._metadata, "include": self._include, "require": self._require, "module": self._module,
            "add_library": self._add_library, "freeze": self._freeze, "options": Options(options),
        }  # fmt: skip

    def _metadata(self, **fields: Any) -> None:
        if self._described[-1]:
            raise ValueError("metadata twice")
        self._described[-1] = True

    def _include(self, path: str, **options: Any) -> None:
        if path.startswith("$("):
            self.foreign.append(path)
            return
        file = Path(path).resolve()
        file = file / "manifest.py" if file.is_dir() else file
        if file in self._visited:
            return
        self._visited.add(file)
        before = os.getcwd()
        os.chdir(file.parent)
        try:
            exec(file.read_text(), self._globals(options))
        finally:
            os.chdir(before)

    def _add_library(self, name: str, path: str) -> None:
        self._libraries.append(Path(path).resolve())

    def _require(self, name: str) -> None:
        found = [folder / name for folder in self._libraries if (folder / name / "manifest.py").exists()]
        if not found:
            raise ValueError(f"no package {name}")
        self._described.append(False)
        self._include(str(found[0]))
        self._described.pop()

    def _module(self, path: str, base_path: str = ".", opt: int | None = None) -> None:
        source = (Path(base_path) / path).resolve()
        if not source.is_file() or path in self.frozen:
            raise ValueError(f"{path} is missing, or frozen twice")
        self.frozen[path] = source

    def _freeze(self, path: str, script: tuple[str, ...] | None = None) -> None:
        self.foreign += [f"{path}/{name}" for name in script or ("*",)]
