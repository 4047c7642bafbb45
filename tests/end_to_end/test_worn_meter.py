"""A meter that was told all that can wait for its time, tariffs and load control calendars, lives on in 250 KB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opensmets.bench.control import Bench
from opensmets.bench.firmware import micropython_path
from opensmets.bench.household import live, synthetic
from opensmets.bench.virtual import VirtualDevice
from opensmets.cli.conversation import Conversation
from opensmets.cli.prepare import Choices, prepare
from opensmets.links import open_link
from opensmets.security import pki
from opensmets.transform.selection import Inventory
from tests.end_to_end.test_reference_documents import STRANGE, for_devices, scenario
from tests.host.round_trip import provisioned
from tests.reference import needs_reference

pytestmark = [
    needs_reference,
    pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON"),
    pytest.mark.xdist_group("end_to_end"),
]
TOLD = (
    "ECS01", "ECS02_", "ECS07", "ECS08_", "ECS10", "ECS16", "ECS24", "ECS25a", "ECS26a", "ECS28a", "ECS29", "ECS46",
    "ECS50",
)  # fmt: skip
ANSWER_TIMEOUT_S = 60.0
#: Before the dates of the documents: 2026-11-23T12:00:00Z.
START_S = 848_750_400
HALF_HOURS = 10 * 48


def settings() -> list[Path]:
    """Return the documents that tell a meter of one element much, and for long."""
    other = ("TWIN", "ECS01c", "ECS01d", "ECS24b")
    found = [path for path in for_devices() if scenario(path).startswith(TOLD) and scenario(path) not in STRANGE]
    return [path for path in found if not any(part in path.name for part in other)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The bench of a meter that has got all settings."""
    pki.init(tmp_path / "keys")
    with VirtualDevice(tmp_path / "store", bench=True) as device, open_link(device.port) as link:
        keystore = provisioned(link, tmp_path / "keys", elements=1, phases=1)
        conversation = Conversation(link, keystore)
        conversation.give_hub_time(START_S)
        choices = Choices(renumber=True, inventory=Inventory("ESME", False, False))
        for path in settings():
            command = prepare(path.read_bytes(), keystore, choices, lambda line: None).command
            conversation.carry_out(command, ANSWER_TIMEOUT_S)
        yield Bench(link)


def test_days_pass_with_all_that_falls_due(bench: Bench) -> None:
    lived = list(live(bench, synthetic(4), HALF_HOURS))
    assert [one.time_s for one in lived] == list(range(lived[0].time_s, lived[0].time_s + HALF_HOURS * 1800, 1800))
    used_wh = sum(one.import_wh for one in lived)
    assert used_wh == bench.get("registers.active_import_wh") > 0
