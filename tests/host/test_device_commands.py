"""`smets device provision`, `list` and `log` with a device that runs: an image, and what a meter keeps to itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from opensmets.bench.control import LOG
from opensmets.bench.firmware import micropython_path
from opensmets.boards import filesystem
from opensmets.boards.description import read_board
from opensmets.boards.image import Image, build
from opensmets.links import Announcement, RunningDevice, open_link
from tests.command import smets
from tests.host.image.on_unix import ImageOnUnix

pytestmark = [
    pytest.mark.xdist_group("images"),
    pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON"),
]
EUI = "00-DB-12-34-56-78-90-A1"


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageOnUnix]:
    with ImageOnUnix(build(read_board("UNIX")), tmp_path_factory.mktemp("board") / "run") as running:
        yield running


def test_a_board_is_provisioned_listed_and_read(
    device: ImageOnUnix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMETS_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert device.process
    with Announcement(RunningDevice(device.port, EUI, "esme", device.process.pid)):
        (before,) = json.loads(smets("device", "list", "--json").out)
        assert before["port"] == device.port and "smets device provision" in before["state"] and before["eui"] is None
        with device.starting_again():
            done = smets("device", "provision", "--port", device.port, "--eui", EUI)
        assert done.code == 0 and "is a meter now" in done.err, done
        assert {path.name for path in (tmp_path / "keystore").glob("00db1234567890a1*")} == {
            "00db1234567890a1-ds.pem",
            "00db1234567890a1-ka.pem",
        }
        (after,) = json.loads(smets("device", "list", "--json").out)
        assert after["eui"] == EUI and after["state"] == f"meter {EUI}"
        with open_link(device.port):
            assert "in use" in smets("device", "list").out
    again = smets("device", "provision", "--port", device.port, "--eui", EUI)
    assert again.code == 1 and "provisioned already" in again.err.splitlines()[-1]


def test_the_crash_log_of_a_meter_that_runs(device: ImageOnUnix) -> None:
    device.stop()  # what provisioning left in its heap is gone when it starts again
    device.start()
    assert "no errors" in smets("device", "log", "--port", device.port).err
    with open_link(device.port) as link:
        link.send(5, b"\xff" * 10)  # no JSON: refused, and nothing to be kept
        assert link.receive(5) is not None
        link.send(LOG, b"")
        frame = link.receive(5)
        while frame is not None and frame.channel != LOG:  # the meter tells its parties of the attempt
            frame = link.receive(5)
        assert frame is not None and frame.payload == b""


def test_a_meter_keeps_its_prompt_to_itself(device: ImageOnUnix) -> None:
    outcome = smets("flash", "UNIX", "--port", device.port)
    assert outcome.code == 1, outcome
    why = outcome.err.splitlines()[-1]
    assert EUI in why and "hold the board's button" in why


def test_a_device_that_cannot_start_leaves_its_reason(tmp_path: Path) -> None:
    image = build(read_board("UNIX"))
    files = {**image.files, "store/journal/00000001.jnl": b"no journal at all, but of some length"}
    packed = filesystem.pack(files, image.board.flash)
    with ImageOnUnix(Image(image.board, files, packed), tmp_path / "run") as board:
        assert board.process and board.process.wait(20) != 0
        kept = filesystem.unpack((tmp_path / "run" / "flash").read_bytes(), image.board.flash)
    assert kept["store/journal/00000001.jnl"] == files["store/journal/00000001.jnl"]
    assert b"StoreCorrupt" in kept["store/crash.log"] and b"journal" in kept["store/crash.log"]


def test_a_meter_that_runs_tells_what_it_survived(tmp_path: Path) -> None:
    image = build(read_board("UNIX"))
    files = {
        **image.files,
        "store/crash.old": b"--- 7\nOSError: 28\n\n",
        "store/crash.log": b"--- 9\nMemoryError: \n\n",
    }
    packed = filesystem.pack(files, image.board.flash)
    with ImageOnUnix(Image(image.board, files, packed), tmp_path / "run") as board:
        outcome = smets("device", "log", "--port", board.port, "--json")
        assert json.loads(outcome.out) == ["--- 7", "OSError: 28", "--- 9", "MemoryError:"], outcome
