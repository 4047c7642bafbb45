"""A meter on the air: real MicroPython on one multicast group, the host on another, and bad air between the two."""

from __future__ import annotations

import os
import random
import select
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from opensmets.bench.firmware import micropython_path
from opensmets.bench.provisioning import provision
from opensmets.bench.virtual import VirtualDevice
from opensmets.cli.conversation import Conversation
from opensmets.errors import SmetsError, UsageError
from opensmets.layouts import radio_datagram
from opensmets.layouts.blocks import MAX_WHOLE
from opensmets.links import LinkLost, open_link
from opensmets.links.radio import open_radio, parse_group
from opensmets.rig.device import VIRTUAL_EUI, RigDevice
from opensmets.rig.party import Party
from opensmets.security import pki
from opensmets.security.keystore import KeyStore

pytestmark = pytest.mark.xdist_group("radio")
#: Of a hundred datagrams, how many are lost, repeated, put behind the next one, and kept back for some time.
BAD = 10
DELAY_S = 0.06
COMMANDS = 12
LONG_S = 20 * 86400


def group(number: int) -> str:
    """Return a group for this process alone."""
    return f"udp:239.255.{os.getpid() % 200 + 20}.{number}:{20000 + os.getpid() % 20000}"


@dataclass
class BadAir:
    """Carries datagrams between two groups, badly, in a thread of its own."""

    near: str
    far: str
    seed: int = 1
    hits: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("lost", "repeated", "swapped", "delayed"), 0))
    longest: int = 0

    def __post_init__(self) -> None:
        self._random, self._over = random.Random(self.seed), threading.Event()
        self._sockets = [open_radio(port)._air for port in (self.near, self.far)]
        self._waiting: list[tuple[float, socket.socket, tuple[str, int], bytes]] = []
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self) -> BadAir:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        for each in self._sockets:
            each.close()

    def _carry(self) -> None:
        near, far = self._sockets
        ways = {
            near: (far, parse_group(self.far), (radio_datagram.TO_DEVICE, radio_datagram.TO_HOST | 0x80)),
            far: (near, parse_group(self.near), (radio_datagram.TO_HOST, radio_datagram.TO_DEVICE | 0x80)),
        }
        while not self._over.is_set():
            for source in select.select([near, far], [], [], 0.005)[0]:
                octets = source.recv(2048)
                sink, address, kinds = ways[source]
                if octets[0] in kinds:  # and not what came back of what was sent on
                    self.longest = max(self.longest, len(octets))
                    self._pass_on(sink, address, octets)
            now = time.monotonic()
            due = [each for each in self._waiting if each[0] <= now]
            self._waiting = [each for each in self._waiting if each[0] > now]
            for _, sink, address, octets in due:
                sink.sendto(octets, address)

    def _pass_on(self, sink: socket.socket, address: tuple[str, int], octets: bytes) -> None:
        if self._hits("lost"):
            return
        now = time.monotonic()
        wait_s = 0.01 if self._hits("swapped") else DELAY_S if self._hits("delayed") else 0.0
        self._waiting.append((now + wait_s, sink, address, octets))
        if self._hits("repeated"):
            self._waiting.append((now + 2 * wait_s, sink, address, octets))

    def _hits(self, what: str) -> bool:
        hit = self._random.randrange(100) < BAD
        self.hits[what] += hit
        return hit


@pytest.fixture(scope="module")
def air(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BadAir]:
    with BadAir(group(1), group(2)) as air:
        yield air


@pytest.fixture(scope="module", params=["micropython", "cpython"])
def meter(request: pytest.FixtureRequest, air: BadAir, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RigDevice]:
    if request.param == "micropython" and micropython_path() is None:
        pytest.skip("no MicroPython for this machine: set $MICROPYTHON")
    folder = tmp_path_factory.mktemp("radio")
    keystore = pki.init(folder / "keys")
    with VirtualDevice(folder / "esme", runtime=request.param, bench=True, link=air.far):
        with open_link(air.near) as link:
            provision(link, keystore, VIRTUAL_EUI)
            while link.receive(1):
                pass  # what still is in the air is an answer to this link, and not to the next
        meter = RigDevice(air.near, KeyStore.open(folder / "keys"))
        meter.recognise()
        with meter:
            meter.reset()
            yield meter


def test_every_command_arrives_once_over_bad_air(meter: RigDevice, air: BadAir) -> None:
    supplier, before = Party(meter, "supplier"), meter.bench.status()
    for number in range(COMMANDS):
        supplier.supply(("disable", "enable", "status")[number % 3])
    status = meter.bench.status()
    assert status["accepted"] - before["accepted"] == COMMANDS
    assert status["refused"] == before["refused"], "a repeated datagram is not a repeated command"
    assert all(air.hits.values()) and air.longest <= radio_datagram.MTU


def test_an_alert_comes_once_over_bad_air(meter: RigDevice) -> None:
    supplier = Party(meter, "supplier")
    meter.bench("tamper", cover="terminal", open=True)
    supplier.alert(0x8F76)
    with pytest.raises(SmetsError, match="no alert 0x8F76"):
        supplier.alert(0x8F76, timeout_s=0.5)


def test_a_long_answer_in_blocks_is_whole_over_bad_air(meter: RigDevice) -> None:
    meter.bench("load", import_w=1200)
    meter.bench.advance_to(int(meter.bench.status()["time_s"]) + LONG_S)
    period = {"StartDateTime": meter.now() - timedelta(seconds=LONG_S), "EndDateTime": meter.now()}
    reply = Party(meter, "supplier").ask("4.8.1", {"ReadLogPeriod": period})
    assert len(reply.message) > MAX_WHOLE


def test_nobody_on_the_air_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("opensmets.links.radio.PATIENCE_S", 0.2)
    with open_link(group(9)) as link, pytest.raises(LinkLost, match="nobody answers"):
        Conversation(link, pki.init(tmp_path / "keys")).give_hub_time()


@pytest.mark.parametrize("name", ["udp:", "udp:10.0.0.1:5", "udp:239.1.1.1", "udp:239.1.1.1:0", "udp:239.1.1.1:70000"])
def test_what_names_no_group_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="names no multicast group"):
        open_link(name)
