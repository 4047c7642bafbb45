"""What a DUIS request sets is what the matching read tells, on real MicroPython in a Pico's heap.

The cases are those of tests/host/test_round_trip.py, in fewer examples; each kind of meter lives through all its own.
"""

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
from tests.host.round_trip import START_S, Household, provisioned
from tests.host.test_round_trip import CASES, go_there_and_back

pytestmark = [
    pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON"),
    pytest.mark.xdist_group("round_trip"),
]
EXAMPLES = 4
ANSWER_TIMEOUT_S = 60.0
Households = Callable[[int, int], Household]


@pytest.fixture(scope="module")
def households(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Households]:
    """Return the meter of so many elements and phases, started when it is wanted first."""
    with ExitStack() as running:

        @cache
        def household(elements: int, phases: int) -> Household:
            folder = tmp_path_factory.mktemp("trips")
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


@pytest.mark.parametrize("name", CASES)
def test_what_is_set_is_read(households: Households, name: str) -> None:
    case = CASES[name]
    go_there_and_back(households(case.elements, case.phases), case, EXAMPLES)
