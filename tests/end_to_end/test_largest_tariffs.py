"""The largest tariffs that DUIS can say, every table full, sent to a meter in a Pico's heap and read back; and cut.

Their commands, 16,846 octets at most, come in blocks and are carried out from a file. One that is not whole, or not of
its originator, changes nothing, and leaves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from lxml import etree

from opensmets.bench.control import Bench
from opensmets.bench.firmware import micropython_path
from opensmets.bench.virtual import VirtualDevice
from opensmets.cli.conversation import Conversation, Verified
from opensmets.layouts import blocks, envelope, xdlms
from opensmets.layouts.axdr import Data
from opensmets.layouts.blocks import BLOCK, MAX_COMMAND, Block
from opensmets.layouts.link_frame import Channel
from opensmets.links import Link, open_link
from opensmets.security import pki
from tests.host.duis_strategies import bodies
from tests.host.round_trip import START_S, Household, provisioned
from tests.host.test_round_trip import AT_ONCE, CASES

pytestmark = [
    pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON"),
    pytest.mark.xdist_group("largest_tariffs"),
]
ANSWER_TIMEOUT_S = 60.0
HARDWARE_FAULT, NOT_CARRIED_OUT = 1, 250
AT_ONCE_TIME = Data("octets", bytes(9) + b"\x80\x00\xff")
#: What the schema's largest tariffs take at least: their dates make some octets more or less.
LEAST = {"tariff": 16_800, "second-tariff": 15_860}


class Home:
    """A meter of two elements in a Pico's heap, and its supplier."""

    def __init__(self, folder: Path, device: VirtualDevice, link: Link) -> None:
        self.device, self.link, self.kept = device, link, folder / "store/message"
        self.longest = 0
        pki.init(folder / "keys")
        keystore = provisioned(link, folder / "keys", elements=2, phases=1)
        self.conversation = Conversation(link, keystore)
        self.conversation.give_hub_time(START_S)
        self.household = Household(keystore, self.carry_out, elements=2, phases=1)

    def carry_out(self, command: bytes) -> Verified:
        """Send a command and return its verified response."""
        self.longest = max(self.longest, len(command))
        return self.conversation.carry_out(command, ANSWER_TIMEOUT_S)

    def read(self, name: str) -> dict[str, str]:
        """Return the values that a case's read request finds."""
        trip = CASES[name].trip
        return trip.found(self.household.ask(trip.read))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("largest")
    with VirtualDevice(folder / "store", bench=True) as device, open_link(device.port) as link:
        yield Home(folder, device, link)


def largest(name: str) -> etree._Element:
    """Return a largest body of a request."""
    case, found = CASES[name], list[etree._Element]()

    @settings(
        max_examples=1, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )  # fmt: skip
    @given(body=bodies(case.trip.variant, {**AT_ONCE, **case.rules}, case.repair, largest=True))
    def draw(body: etree._Element) -> None:
        found.append(body)

    draw()
    return found[0]


@pytest.mark.parametrize("name", LEAST)
def test_a_largest_tariff_is_read_as_it_was_set(home: Home, name: str) -> None:
    trip, body = CASES[name].trip, largest(name)
    home.longest = 0
    home.household.ask(trip.variant, body)
    assert LEAST[name] <= home.longest <= MAX_COMMAND
    trip.judge(body, home.household.ask(trip.read))
    assert not home.kept.exists()


def test_a_largest_tariff_that_is_refused_midway_ends_there(home: Home) -> None:
    """As any command: the first activation is refused, all before it was done and is passive, nothing after it is."""
    before, bench, body = home.read("tariff"), Bench(home.link), largest("tariff")
    command = home.household.prepared("1.1.1", body).command
    request = xdlms.decode_request(envelope.decode(command).payload)
    place = request.data.index(AT_ONCE_TIME)
    refused = request.items[place]
    fault = {"class": refused.class_id, "obis": refused.obis.hex(), "member": refused.member, "method": False}
    bench("fault", **fault, after=0, result=HARDWARE_FAULT)
    answer = xdlms.decode_response(home.carry_out(command).message.payload)
    bench("faults_clear")
    after = [NOT_CARRIED_OUT] * (len(request.items) - place - 1)
    assert place > 10 and after
    assert [result.code for result in answer.results] == [0] * place + [HARDWARE_FAULT] + after
    assert home.read("tariff") == before and not home.kept.exists()


def test_what_is_cut_or_forged_changes_nothing(home: Home) -> None:
    before, bench = home.read("tariff"), Bench(home.link)
    command = home.household.prepared("1.1.1", largest("tariff")).command
    refusals = bench.status().get("refused", {})
    for octets in (command[:BLOCK], command[: 5 * BLOCK], command[:-1], command[:-1] + bytes((command[-1] ^ 1,))):
        send(home.link, octets, ends=True)
        bench.status()
        assert not home.kept.exists()
    now = bench.status()["refused"]
    assert now["8F1E"] == refusals.get("8F1E", 0) + 3, "what is cut is no message"
    assert now["8F3D"] == refusals.get("8F3D", 0) + 1, "its tag is wrong"
    assert home.read("tariff") == before


def test_a_power_cut_between_two_blocks_leaves_nothing(home: Home) -> None:
    before, body = home.read("tariff"), largest("tariff")
    send(home.link, home.household.prepared("1.1.1", body).command[: 7 * BLOCK], ends=False)
    Bench(home.link).status()
    assert home.kept.stat().st_size == 7 * BLOCK
    home.device.restart()
    home.conversation.give_hub_time(START_S)
    assert home.read("tariff") == before
    assert not home.kept.exists()
    home.household.ask("1.1.1", body)
    CASES["tariff"].trip.judge(body, home.household.ask("4.11.1"))


def send(link: Link, octets: bytes, *, ends: bool) -> None:
    """Send octets in blocks, of which the last says so if the message `ends` with them."""
    parts = [octets[at : at + BLOCK] for at in range(0, len(octets), BLOCK)]
    for number, part in enumerate(parts, 1):
        last = ends and number == len(parts)
        link.send(Channel.MESSAGES, blocks.encode(Block(number, 0, part, last=last, streaming=not last)))
