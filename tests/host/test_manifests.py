"""What is frozen into a MicroPython of one's own: each module of the firmware once, and a start that erases nothing."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

from opensmets.bench.firmware import is_machine_code, micropython_path
from opensmets.boards.description import boards_path, read_board
from opensmets.boards.image import build
from tests.host.image.manifests import Manifest
from tests.reference import ROOT

FIRMWARE = ROOT / "firmware"
UNIX_ONLY = {"smets/link/unix_stream.py"}


def modules() -> dict[str, Path]:
    return {path.relative_to(FIRMWARE).as_posix(): path for path in (FIRMWARE / "smets").rglob("*.py")}


def test_all_parts_together_are_every_module_once(tmp_path: Path) -> None:
    whole = tmp_path / "manifest.py"
    whole.write_text(f'include("{boards_path()}/manifest.py", panel=True, bench=True, thumb=True, radio=True)\n')
    frozen = Manifest(whole).frozen
    assert frozen.keys() == modules().keys() - UNIX_ONLY
    assert all(path == modules()[name] for name, path in frozen.items())


def test_each_part_can_be_left_out(tmp_path: Path) -> None:
    parts = tomllib.loads((boards_path() / "parts.toml").read_text())
    optional = ("load_control", "user_interface", "terminals", "panel", "bench", "radio")
    for part in optional:
        all_but = tmp_path / f"{part}.py"
        options = ", ".join(f"{name}={name != part}" for name in optional)
        all_but.write_text(f'include("{boards_path()}/manifest.py", {options})\n')
        frozen = Manifest(all_but).frozen
        for other, content in parts.items():
            names = {module.replace(".", "/") for module in content["modules"]}
            found = {name for name in names if f"{name}.py" in frozen or f"{name}/__init__.py" in frozen}
            is_needed = other in parts["panel"]["needs"] and part != "panel"
            assert found == (names if is_needed or other not in (part, "unix") else set()), (part, other)


def test_the_parts_name_modules_that_there_are() -> None:
    known = {path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in modules()}
    for part in tomllib.loads((boards_path() / "parts.toml").read_text()).values():
        assert set(part["modules"]) <= known and part["what"]


@pytest.mark.parametrize(("port", "thumb"), [("rp2", True), ("esp32", False)])
def test_a_ports_manifest_is_whole(port: str, thumb: bool) -> None:
    manifest = Manifest(boards_path() / port / "manifest.py")
    assert "smets/roles/esme.py" in manifest.frozen and not any("/bench/" in name for name in manifest.frozen)
    assembler = {name for name, path in manifest.frozen.items() if "@micropython.asm_thumb" in path.read_text()}
    assert bool(assembler) is thumb
    if port == "rp2":
        assert manifest.frozen["_boot.py"] == boards_path() / "rp2" / "_boot.py"
        assert "$(PORT_DIR)/modules/rp2.py" in manifest.foreign
        assert not any(name.endswith(("_boot.py", "*", "boards/manifest.py")) for name in manifest.foreign)
    else:
        assert manifest.foreign == ["$(PORT_DIR)/boards/manifest.py"]


def test_an_image_holds_what_a_manifest_freezes() -> None:
    image = build(read_board("RPI_PICO"))
    frozen = {name for name in Manifest(boards_path() / "rp2" / "manifest.py").frozen if name.startswith("smets/")}
    files = {f"{name.replace('.', '/')}.py" for name in image.modules.values()}
    assert files == {name for name in frozen if not name.endswith("__init__.py")} and any(
        is_machine_code((FIRMWARE / name).read_text()) for name in files
    )


PROGRAM = """
import sys, vfs
class Device:
    def __init__(self, content):
        self.content, self.writes = bytearray(content), 0
    def readblocks(self, number, buffer, offset=0):
        buffer[:] = self.content[number * 4096 + offset : number * 4096 + offset + len(buffer)]
    def writeblocks(self, number, buffer, offset=0):
        self.writes += 1
        self.content[number * 4096 + offset : number * 4096 + offset + len(buffer)] = buffer
    def ioctl(self, operation, argument):
        if operation == 6:
            self.writes += 1
            self.content[argument * 4096 : (argument + 1) * 4096] = b"\\xff" * 4096
        return {4: len(self.content) // 4096, 5: 4096}.get(operation, 0)
class rp2:
    def Flash():
        return device
sys.modules["rp2"] = rp2
source = open(sys.argv[1]).read()
def boot(content):
    global device
    device = Device(content)
    exec(source, {"__name__": "_boot"})
    return device
whole = boot(b"\\xff" * 4096 * 32)
with open("/note", "w") as file:
    file.write("kept")
print("blank", whole.writes > 0)
vfs.umount("/")
again = boot(whole.content)
print("again", again.writes == 0, open("/note").read() == "kept")
vfs.umount("/")
for name, change in (("foreign", b"not a file system of ours"), ("torn", b"\\x00" * 200)):
    content = bytearray(whole.content)
    for block in (0, 1):
        content[block * 4096 : block * 4096 + len(change)] = change
    refused = boot(content)
    print(name, refused.writes == 0, refused.content == content)
"""


@pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON")
def test_flash_that_cannot_be_read_is_never_formatted(tmp_path: Path) -> None:
    (tmp_path / "try.py").write_text(PROGRAM)
    command = [str(micropython_path()), "-X", "heapsize=4m", str(tmp_path / "try.py")]
    done = subprocess.run(
        [*command, str(boards_path() / "rp2" / "_boot.py")], capture_output=True, text=True, timeout=60, check=False
    )
    lines = done.stdout.splitlines()
    for expected in ("blank True", "again True True", "foreign True True", "torn True True"):
        assert expected in lines, done.stdout + done.stderr
    assert sum("was left as it is" in line for line in lines) == 2
