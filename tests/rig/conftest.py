"""The example's tests run on both runtimes, or once on the board that `--smets-port` names."""

from __future__ import annotations

import pytest

from opensmets.rig.plugin import RUNTIMES


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "smets_runtime" in metafunc.fixturenames and not metafunc.config.getoption("--smets-port"):
        metafunc.parametrize("smets_runtime", RUNTIMES, scope="module")
