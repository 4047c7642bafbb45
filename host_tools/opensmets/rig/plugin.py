"""The pytest plugin: `meter`, `bench`, `supplier` and `network_operator` as fixtures, on a virtual device or a board.

Every pytest run on a machine with OpenSMETS loads this module, so it imports nothing but pytest: the rig itself is
imported by the first test that wants it. A device is made once a module and reset before every test (device.py says
how). What passed last is shown, decoded, with a test that fails.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from opensmets.rig.device import RigDevice
    from opensmets.rig.party import Party
    from opensmets.rig.workbench import Workbench

RUNTIMES = ("micropython", "cpython")
_SHOWN = pytest.StashKey["RigDevice"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the rig's options."""
    group = parser.getgroup("smets", "SMETS meters under test")
    group.addoption("--smets-port", metavar="PORT", help="a provisioned board with a bench image; else a virtual meter")
    group.addoption("--smets-runtime", choices=RUNTIMES, default=RUNTIMES[0], help="what runs the virtual meter")
    group.addoption("--smets-keystore", metavar="DIR", help="the board's keys (default: as the smets command has them)")


@pytest.fixture(scope="module")
def smets_device(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, smets_runtime: str
) -> Iterator[RigDevice]:
    """The device under test, for all tests of a module. A module may override `smets_runtime` to choose another one."""
    from opensmets.rig.device import open_board, open_virtual

    port = request.config.getoption("--smets-port")
    if port:
        device = open_board(port, request.config.getoption("--smets-keystore"))
    else:
        device = open_virtual(tmp_path_factory.mktemp("smets"), smets_runtime)
    with device:
        yield device


@pytest.fixture(scope="module")
def smets_runtime(request: pytest.FixtureRequest) -> str:
    """What runs the virtual meter: the option `--smets-runtime`."""
    return str(request.config.getoption("--smets-runtime"))


@pytest.fixture
def meter(smets_device: RigDevice, request: pytest.FixtureRequest) -> RigDevice:
    """A provisioned electricity meter (ESME) in its first state: EUI, alerts as they come, power cuts."""
    request.node.stash[_SHOWN] = smets_device
    smets_device.reset()
    return smets_device


@pytest.fixture
def bench(meter: RigDevice) -> Workbench:
    """What is around the meter: load, voltage, covers, keypad, supply, time."""
    from opensmets.rig.workbench import Workbench

    return Workbench(meter)


@pytest.fixture
def supplier(meter: RigDevice) -> Party:
    """The meter's supplier: sends requests, has verified and decrypted answers."""
    from opensmets.rig.party import Party

    return Party(meter, "supplier")


@pytest.fixture
def network_operator(meter: RigDevice) -> Party:
    """The meter's network operator."""
    from opensmets.rig.party import Party

    return Party(meter, "network_operator")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the last messages with a test that failed."""
    report = yield
    device = item.stash.get(_SHOWN, None)
    if report.failed and device is not None:
        report.sections.append(("last messages of the meter", device.told()))
    return report
