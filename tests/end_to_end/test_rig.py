"""The pytest plugin as its user has it: ten lines in a folder of their own, a failure to read, and a board's port."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.meter import Meter
from tests.reference import ROOT

pytestmark = pytest.mark.xdist_group("rig")
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]


def run_pytest(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder outside the checkout, as somebody does who has installed OpenSMETS."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    command = [*PYTEST, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def readme_rig() -> str:
    """Return the rig that README.md shows."""
    found = re.search(r"<!-- the rig -->\n```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert found, "README.md shows a rig"
    return found[1]


def test_the_rig_of_the_readme_passes_outside_the_checkout(tmp_path: Path) -> None:
    rig = readme_rig()
    assert len(rig.strip().splitlines()) <= 10
    (tmp_path / "test_meter.py").write_text(rig)
    done = run_pytest(tmp_path)
    assert done.returncode == 0 and re.search(r"\d passed", done.stdout), done.stdout + done.stderr


def test_a_failure_shows_the_last_messages_taken_apart(tmp_path: Path) -> None:
    test = "def test_it(supplier):\n    assert supplier.supply('status').text('SupplyState') == 'Locked'\n"
    (tmp_path / "test_meter.py").write_text(test)
    done = run_pytest(tmp_path, "--smets-runtime", "cpython")
    assert done.returncode == 1
    told = done.stdout.partition("last messages of the meter")[2]
    assert "to the meter: GBCS command" in told and "from the meter: GBCS response  ECS45" in told
    assert "authentic" in told


def test_the_example_passes_on_the_device_at_a_port(meter: Meter, tmp_path: Path) -> None:
    """As with a board: nothing is restarted, and the bench brings back the first state between the tests."""
    example = (ROOT / "tests" / "rig" / "test_example.py").read_text()
    (tmp_path / "test_example.py").write_text(example)
    done = run_pytest(tmp_path, "--smets-port", meter.port, "--smets-keystore", meter.keystore)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_port_that_is_not_there_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "test_meter.py").write_text("def test_it(meter):\n    pass\n")
    done = run_pytest(tmp_path, "--smets-port", tmp_path / "ttyACM9", "--smets-keystore", tmp_path)
    assert done.returncode == 1 and "SmetsError" in done.stdout


def test_other_peoples_runs_import_nothing_of_the_rig(tmp_path: Path) -> None:
    test = "import sys\ndef test_it():\n    assert not [name for name in sys.modules if name.startswith('opensmets.')\n"
    test += "        and name not in ('opensmets.rig', 'opensmets.rig.plugin')]\n    assert 'lxml' not in sys.modules\n"
    (tmp_path / "test_other.py").write_text(test)
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout
