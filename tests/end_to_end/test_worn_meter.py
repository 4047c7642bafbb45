"""A meter that was told all that can wait for its time, tariffs and load control calendars, lives on in 250 KB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opensmets.bench.control import Bench
from opensmets.bench.firmware import micropython_path
from opensmets.bench.household import live, synthetic
from opensmets.bench.virtual import VirtualDevice
from opensmets.catalogue.use_cases import use_case
from opensmets.cli.conversation import Conversation
from opensmets.cli.prepare import Choices, prepare
from opensmets.links import open_link
from opensmets.security import pki
from tests.end_to_end.test_reference_documents import STRANGE, for_devices, scenario
from tests.end_to_end.walk import Visit, kind_of
from tests.host.round_trip import provisioned
from tests.reference import needs_reference

pytestmark = [
    needs_reference,
    pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON"),
    pytest.mark.xdist_group("end_to_end"),
]
TOLD = ("ECS01a", "ECS08_", "ECS07", "ECS02_", "ECS10", "ECS50", "ECS16", "ECS25a", "ECS28a", "ECS29", "ECS46")
ANSWER_TIMEOUT_S = 60.0
#: Before the dates of the documents: 2026-11-23T12:00:00Z.
START_S = 848_750_400
HALF_HOURS = 10 * 48


def settings() -> list[Path]:
    """Return the documents that change a meter of one element and one phase for long."""
    found = [path for path in for_devices() if scenario(path).startswith(TOLD) and scenario(path) not in STRANGE]
    return [path for path in found if kind_of(Visit(use_case(scenario(path).split("_")[0]))) == (1, 1)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The bench of a meter that has got all settings."""
    pki.init(tmp_path / "keys")
    with VirtualDevice(tmp_path / "store", bench=True) as device, open_link(device.port) as link:
        keystore = provisioned(link, tmp_path / "keys", elements=1, phases=1)
        conversation = Conversation(link, keystore)
        conversation.give_hub_time(START_S)
        for path in settings():
            name = scenario(path).split("_")[0]
            choices = Choices(renumber=True, use_case=name)
            command = prepare(path.read_bytes(), keystore, choices, lambda line: None).command
            conversation.carry_out(command, ANSWER_TIMEOUT_S)
        yield Bench(link)


def test_days_pass_with_all_that_falls_due(bench: Bench) -> None:
    lived = list(live(bench, synthetic(4), HALF_HOURS))
    assert len(lived) == HALF_HOURS
    used_wh = sum(one.import_wh for one in lived)
    assert used_wh == bench.get("registers.active_import_wh") > 0
