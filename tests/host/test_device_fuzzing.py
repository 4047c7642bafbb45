"""What nobody would send, at the meter's own code: it never fails, counts what it refuses, and changes nothing then.

Commands are altered before they are signed and MACed, so that the meter has to look at what is in them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensmets.bench.control import MESSAGES
from opensmets.blocks import Outgoing
from opensmets.catalogue.use_cases import use_case
from opensmets.cli.conversation import check
from opensmets.layouts import envelope
from opensmets.layouts.blocks import encode as encode_block
from opensmets.layouts.envelope import RESPONSE, Message
from opensmets.layouts.link_frame import Frame
from opensmets.links.framing import encode_frame
from opensmets.security import pki
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import protect_command
from tests.end_to_end.walk import START_S, Visit, Walker
from tests.host.device_in_process import InProcess
from tests.host.mangled import Edit, edits, mangle
from tests.host.round_trip import provisioned

pytestmark = pytest.mark.xdist_group("device_fuzzing")
#: Commands of each kind of payload that a meter takes apart.
NAMES = (
    "ECS01a", "ECS08a", "ECS10", "ECS17b", "ECS21b", "ECS25a", "ECS35a", "ECS43", "ECS46d", "CS01a", "CS02aMAC",
    "CS02bSupplierBySupplier", "CS02c", "CS03A1", "CS06",
)  # fmt: skip


class Target:
    """A meter, good commands for it, and their senders' keys."""

    def __init__(self, folder: Path) -> None:
        pki.init(folder / "keys")
        self.device = InProcess(folder / "store")
        self.keystore: KeyStore = provisioned(self.device, folder / "keys", elements=1, phases=1)
        self.device.bench("time", set=START_S)
        walker = Walker(self.keystore, 1, 1)
        self.commands = {name: envelope.decode(walker.command(Visit(use_case(name)))) for name in NAMES}
        self.counter = 1 << 40

    def protected(self, name: str, payload: bytes) -> bytes:
        """Return a good command with another payload, and a counter of its own."""
        self.counter += 1
        odd = replace(self.commands[name], counter=self.counter, payload=payload, signature=None, mac=None, raw=b"")
        return protect_command(envelope.encode(odd), self.keystore)

    def counts(self) -> tuple[int, int]:
        """Return how many messages were carried out, and how many not."""
        handler = self.device.esme.handler
        return handler.accepted, sum(handler.refused.values()) + handler.dropped

    def state(self) -> dict[str, bytes]:
        """Return all that is stored, but for the counters of received commands: an authentic one spends its own."""
        return {name: value for name, value in self.device.state().items() if not name.startswith("rx/")}

    def ask(self, octets: bytes) -> list[Message]:
        with patch("gc.collect"):  # with every command, for a small heap
            return self.device.ask(octets)


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return Target(tmp_path_factory.mktemp("target"))


@given(st.sampled_from(NAMES), edits(3), st.booleans())
def test_an_authentic_command_of_any_payload(meter: Target, name: str, changes: list[Edit], keep_head: bool) -> None:
    payload = meter.commands[name].payload
    odd = payload[:7] + mangle(payload[7:], changes) if keep_head else mangle(payload, changes)
    command = meter.protected(name, with_invoke_id(odd, meter.counter + 1))
    (accepted, refused), state = meter.counts(), meter.state()
    answers = [one for one in meter.ask(command) if one.cra_flag == RESPONSE]
    now_accepted, now_refused = meter.counts()
    assert (now_accepted - accepted, now_refused - refused) in ((1, 0), (0, 1))
    assert len(answers) == now_accepted - accepted
    for answer in answers:
        check(answer, meter.keystore)
    if not answers:
        assert meter.state() == state


def with_invoke_id(payload: bytes, counter: int) -> bytes:
    """Return an access-request with the invoke id that its counter makes."""
    if payload[:1] != b"\xd9":
        return payload
    return payload[:1] + (0x20000000 | counter & 0xFFFFFF).to_bytes(4, "big") + payload[5:]


@given(st.sampled_from(NAMES), edits(3))
def test_an_altered_message(meter: Target, name: str, changes: list[Edit]) -> None:
    octets = meter.protected(name, meter.commands[name].payload)
    odd = mangle(octets, changes)
    before, state = meter.counts(), meter.device.state()
    answers = meter.ask(odd)
    if odd != octets:
        assert all(one.cra_flag != RESPONSE for one in answers)
        assert meter.counts()[0] == before[0] and meter.device.state() == state


@given(st.binary(max_size=64), st.integers(0, 255), edits(4))
def test_any_octets_on_the_line(meter: Target, payload: bytes, channel: int, changes: list[Edit]) -> None:
    state = meter.device.state()
    meter.device.pipe.to_device += mangle(encode_frame(Frame(channel, payload)), changes) + b"\x00"
    with patch("gc.collect"):
        while meter.device.pipe.to_device:
            meter.device.esme.run_once(0)
    while meter.device.receive(0) is not None:
        pass  # what it says of that
    assert meter.device.state() == state


@given(st.sampled_from(("ECS01a", "CS02bSupplierBySupplier")), edits(3), st.randoms(use_true_random=False))
def test_blocks_that_are_altered_lost_and_mixed(meter: Target, name: str, changes: list[Edit], chance: Random) -> None:
    """The message is carried out only when all of it came as it was sent; the next good one always is."""
    octets = meter.protected(name, meter.commands[name].payload + bytes(2000))
    sent = [encode_block(block) for block in Outgoing(octets).window()]
    chance.shuffle(sent)
    state = meter.state()
    with patch("gc.collect"):
        for at, block in enumerate(sent):
            meter.device.send(MESSAGES, mangle(block, changes) if at == 0 else block)
    while meter.device.receive(0) is not None:
        pass
    assert meter.state() == state
    read = meter.protected("ECS17b", with_invoke_id(meter.commands["ECS17b"].payload, meter.counter + 1))
    assert [one.cra_flag for one in meter.ask(read)] == [RESPONSE]
