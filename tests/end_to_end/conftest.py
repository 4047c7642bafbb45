"""Fixtures of the end-to-end tests: nothing of them touches the user's own folders."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from opensmets.bench.firmware import micropython_path
from tests.end_to_end.meter import Meter, start_meter


@pytest.fixture(autouse=True, scope="session")
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let locks, announcements and default stores live in temporary folders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        patch.setenv("SMETS_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meter]:
    """A meter for all tests of a module."""
    if micropython_path() is None:
        pytest.skip("no MicroPython for this machine: set $MICROPYTHON")
    running = start_meter(tmp_path_factory.mktemp("meter"))
    try:
        yield running
    finally:
        running.stop()
