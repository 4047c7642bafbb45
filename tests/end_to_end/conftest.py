"""Fixtures of the end-to-end tests: nothing of them touches the user's own folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest

from opensmets.bench.firmware import micropython_path
from opensmets.bench.virtual import VirtualDevice
from opensmets.cli.conversation import Conversation, Verified
from opensmets.links import open_link
from opensmets.security import pki
from tests.end_to_end.meter import Meter, start_meter
from tests.host.round_trip import START_S, Household, provisioned

ANSWER_TIMEOUT_S = 60.0
#: Gives the meter of so many elements and phases, in a heap of so many bytes.
Households = Callable[[int, int], Household]


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


@pytest.fixture(scope="module")
def households(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Households]:
    """Meters for all tests of a module, each started when it is wanted first."""
    with ExitStack() as running:

        @cache
        def household(elements: int, phases: int) -> Household:
            folder = tmp_path_factory.mktemp("household")
            pki.init(folder / "keys")
            device = running.enter_context(VirtualDevice(folder / "store", bench=True))
            link = running.enter_context(open_link(device.port))
            keystore = provisioned(link, folder / "keys", elements=elements, phases=phases)
            conversation = Conversation(link, keystore)
            conversation.give_hub_time(START_S)

            def carry_out(command: bytes) -> Verified:
                return conversation.carry_out(command, ANSWER_TIMEOUT_S)

            return Household(keystore, carry_out, elements=elements, phases=phases)

        yield household
