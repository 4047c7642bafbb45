"""Bad input at a real meter, MicroPython in a process of its own: nothing changes, and the next good command works."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from opensmets.bench.control import BENCH, LOG, MESSAGES, PROVISIONING, Bench, Frame
from opensmets.bench.firmware import micropython_path
from opensmets.bench.provisioning import provision, who
from opensmets.bench.virtual import VirtualDevice
from opensmets.layouts import envelope
from opensmets.layouts.envelope import COMMAND, RESPONSE, Message
from opensmets.links import Link, open_link
from opensmets.security import pki, suite
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import add_mac, verify

pytestmark = [
    pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON"),
    pytest.mark.xdist_group("bad_input"),
]
SUPPLIER, OPERATOR = bytes.fromhex("90b3d51f30010000"), bytes.fromhex("90b3d51f30020000")
DEVICE = bytes.fromhex("00db1234567890a0")
READ_SWITCH, DISABLE, READ_LOG = 0x0052, 0x0050, 0x0047
SWITCH = b"\x01\x00\x46\x00\x00\x60\x03\x0a\xff\x03"
CONTACTOR = b"\x03\x00\x09\x00\x00\x0a\x00\x6a\xff\x01"
SCRIPT = b"\x12\x00\x34"
MALFORMED, NO_AUTHORITY, NOT_AUTHENTIC, NOT_SUPPORTED = "8F1E", "8F30", "8F3D", "8F85"
TIME_S = 820454400  # 2026-01-01T00:00:00Z
CUTS = 25


@dataclass
class Rig:
    """A meter, the host's end of its link, and the parties' keys; time stands still."""

    device: VirtualDevice
    link: Link
    keystore: KeyStore
    counter: int = 0
    messages: list[Message] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bench = Bench(self.link, self.note)

    def note(self, frame: Frame) -> None:
        """Put by what came while something else was waited for."""
        if frame.channel == MESSAGES:
            self.messages.append(envelope.decode(bytes(frame.payload)))
        elif frame.channel == LOG:
            self.log.append(bytes(frame.payload).decode())

    def begin(self) -> None:
        """Wait until the meter is there, and let its time stand still."""
        assert who(self.link)["provisioned"]
        self.bench("speed", factor=0)
        self.bench.set_time(TIME_S)

    def status(self) -> dict[str, object]:
        """Return the meter's counts and the checksum of its state."""
        return dict(self.bench.status())

    def take(self) -> list[Message]:
        """Return the messages that have come; frames are dealt with in order, so all that was due has."""
        self.status()
        taken, self.messages = self.messages, []
        return taken

    def message(self, code: int, items: bytes, data: bytes, *, count: int = 1, **other: object) -> Message:
        """Return a command without its protection, with the next counter; `other` changes its fields."""
        self.counter += 1
        head = b"\xd9" + struct.pack(">I", 0x20000000 | self.counter) + bytes((0, count))
        payload = head + items + bytes((count,)) + data
        made = Message(COMMAND, self.counter, SUPPLIER, DEVICE, code, payload)
        return replace(made, **other)  # type: ignore[arg-type]

    def protected(self, message: Message, *, signer: bytes = b"") -> bytes:
        """Return a command with the broker's MAC, and the signature of `signer` where one is named."""
        key = self.keystore.private_key(signer, "ds") if signer else None
        signature = suite.sign(key, message.signed_octets) if key else b""
        return envelope.encode(replace(add_mac(replace(message, signature=signature), self.keystore), raw=b""))

    def read(self) -> bytes:
        """Return a good command that reads the supply's state."""
        return self.protected(self.message(READ_SWITCH, SWITCH, b"\x00"))

    def disable(self, **other: object) -> bytes:
        """Return a good critical command."""
        return self.protected(self.message(DISABLE, CONTACTOR, SCRIPT, **other), signer=SUPPLIER)

    def works(self) -> None:
        """The next good commands are answered, each once."""
        for command in (self.read(), self.disable()):
            self.link.send(MESSAGES, command)
            (answer,) = [one for one in self.take() if one.cra_flag == RESPONSE]
            assert answer.payload[-1] == 0 and verify(answer, self.keystore).authentic
        self.bench.set("supply.state", 1)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One meter for all tests here: what one leaves behind must not trouble the next."""
    folder = tmp_path_factory.mktemp("bad_input")
    pki.init(folder / "keys")
    keystore = KeyStore.open(folder / "keys")
    with VirtualDevice(folder / "store", bench=True, log=folder / "log") as device, open_link(device.port) as link:
        provision(link, keystore, DEVICE)
        found = Rig(device, link, KeyStore.open(folder / "keys"))
        found.begin()
        found.works()
        yield found
        assert device.alive(), (folder / "log").read_text()


def _replayed(rig: Rig) -> bytes:
    command = rig.disable()
    rig.link.send(MESSAGES, command)
    rig.take()
    rig.bench.set("supply.state", 1)
    return command


def _numbered(rig: Rig, counter: int) -> bytes:
    """Return a good command with an old counter."""
    now, rig.counter = rig.counter, counter - 1
    command = rig.disable()
    rig.counter = now
    return command


def _flipped(octets: bytes, place: int) -> bytes:
    return octets[:place] + bytes((octets[place] ^ 1,)) + octets[place:][1:]


def _with_length(octets: bytes, length: bytes) -> bytes:
    """Return a message whose payload claims another length."""
    start = octets.index(b"\xd9") - 1
    return octets[:start] + length + octets[start + 1 :]


REFUSED: dict[str, tuple[str, Callable[[Rig], bytes]]] = {
    "cut": (MALFORMED, lambda rig: rig.disable()[:-1]),
    "cut in the header": (MALFORMED, lambda rig: rig.disable()[:40]),
    "extended": (MALFORMED, lambda rig: rig.disable() + b"\x00"),
    "nothing": (MALFORMED, lambda rig: b""),
    "a length beyond the message": (MALFORMED, lambda rig: _with_length(rig.disable(), b"\x82\xff\xff")),
    "a length that is not the shortest": (MALFORMED, lambda rig: _with_length(rig.disable(), b"\x81\x17")),
    "a length of four octets": (MALFORMED, lambda rig: _with_length(rig.disable(), b"\x84\xff\xff\xff\xff")),
    "a response": (MALFORMED, lambda rig: rig.disable().replace(b"\xdf\x09\x01", b"\xdf\x09\x02")),
    "a bit of the payload flipped": (NOT_AUTHENTIC, lambda rig: _flipped(rig.disable(), 70)),
    "a bit of the signature flipped": (NOT_AUTHENTIC, lambda rig: _flipped(rig.disable(), -20)),
    "a bit of the MAC flipped": (NOT_AUTHENTIC, lambda rig: _flipped(rig.disable(), -1)),
    "signed by another party": (
        NOT_AUTHENTIC, lambda rig: rig.protected(rig.message(DISABLE, CONTACTOR, SCRIPT), signer=OPERATOR)
    ),
    "not signed": (NOT_AUTHENTIC, lambda rig: rig.protected(rig.message(DISABLE, CONTACTOR, SCRIPT))),
    "replayed": (NOT_AUTHENTIC, _replayed),
    "an old counter": (NOT_AUTHENTIC, lambda rig: _numbered(rig, 1)),
    "a party without the role": (
        NO_AUTHORITY,
        lambda rig: rig.protected(rig.message(DISABLE, CONTACTOR, SCRIPT, originator=OPERATOR), signer=OPERATOR),
    ),
    "a supplementary party of another than the broker": (
        NO_AUTHORITY, lambda rig: rig.disable(supplementary_party=OPERATOR, supplementary_counter=7)
    ),
    "an unknown message code": (
        NOT_SUPPORTED, lambda rig: rig.protected(rig.message(0x7777, CONTACTOR, SCRIPT), signer=SUPPLIER)
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refused_and_nothing_changed(rig: Rig, what: str) -> None:
    code, make = REFUSED[what]
    octets = make(rig)
    before = rig.status()
    rig.take()
    rig.link.send(MESSAGES, octets)
    assert all(one.cra_flag != RESPONSE and verify(one, rig.keystore).authentic for one in rig.take())
    after = rig.status()
    refused = dict(before["refused"])  # type: ignore[call-overload]
    refused[code] = refused.get(code, 0) + 1
    assert after == {**before, "refused": refused}
    rig.works()


def test_another_device_s_message_is_dropped_in_silence(rig: Rig) -> None:
    octets = rig.disable()
    octets = _flipped(octets, octets.index(DEVICE))
    before = rig.status()
    rig.link.send(MESSAGES, octets)
    assert rig.take() == []
    assert rig.status() == {**before, "dropped": int(str(before["dropped"])) + 1}
    rig.works()


DEEP = b"\x02\x01" * 300 + b"\x00"
UNFIT: dict[str, tuple[bytes, bytes, int]] = {
    "nested too deep": (CONTACTOR, DEEP, 1),
    "more elements than there are octets": (CONTACTOR, b"\x01\x82\xff\xff\x00", 1),
    "octets beyond the end": (CONTACTOR, b"\x09\x82\xff\xff", 1),
    "a length of four octets": (CONTACTOR, b"\x09\x84\x00\x00\x00\x01\x00", 1),
    "more items than the limit": (CONTACTOR * 65, b"\x00" * 65, 65),
    "no such type": (CONTACTOR, b"\x7f", 1),
    "octets left over": (CONTACTOR, SCRIPT + b"\x00", 1),
    "no items": (b"", b"", 0),
}


@pytest.mark.parametrize("what", UNFIT)
def test_an_authentic_command_of_another_shape_is_answered_by_an_error(rig: Rig, what: str) -> None:
    items, data, count = UNFIT[what]
    before = rig.status()
    rig.link.send(MESSAGES, rig.protected(rig.message(DISABLE, items, data, count=count), signer=SUPPLIER))
    (answer,) = rig.take()
    assert verify(answer, rig.keystore).authentic
    assert answer.payload == b"\xda" + struct.pack(">I", 0x20000000 | rig.counter) + bytes(4)
    assert rig.status()["state"] == before["state"]
    rig.works()


def test_values_that_do_not_fit_are_refused_by_their_item(rig: Rig) -> None:
    before = rig.status()
    for data in (b"\x12\x00\x63", b"\x00", b"\x09\x02\x00\x34", b"\x11\x34"):
        rig.link.send(MESSAGES, rig.protected(rig.message(DISABLE, CONTACTOR, data), signer=SUPPLIER))
        (answer,) = rig.take()
        assert verify(answer, rig.keystore).authentic and answer.payload[-2] == 3 and answer.payload[-1]
    outside = rig.protected(rig.message(READ_SWITCH, CONTACTOR, SCRIPT))
    rig.link.send(MESSAGES, outside)
    (answer,) = rig.take()
    assert answer.payload[-2:] == b"\x03\x0d"
    assert rig.status()["state"] == before["state"]
    rig.works()


def test_a_flood_of_forgeries_is_counted_and_its_alerts_are_few(rig: Rig) -> None:
    forged = _flipped(rig.disable(), -1)
    refused = rig.status()["refused"]
    for _ in range(100):
        rig.link.send(MESSAGES, forged)
    assert len(rig.take()) <= 5
    assert rig.status()["refused"][NOT_AUTHENTIC] == refused[NOT_AUTHENTIC] + 100  # type: ignore[index]
    rig.works()


def test_noise_on_the_line_is_survived(rig: Rig) -> None:
    noise = random.Random(22)
    before = rig.status()
    for size in (1, 5, 300, 5000, 20_000):
        rig.link._stream.write(noise.randbytes(size) + b"\x00")
        rig.take()
    for size in (4352, 4353, 8192):
        rig.link.send(MESSAGES, bytes(size))
    for channel in (1, 3, 4, 77):
        rig.link.send(channel, noise.randbytes(40))
    rig.take()
    assert rig.status()["state"] == before["state"]
    rig.works()
    assert any("channel 77" in line for line in rig.log)


BAD_REQUESTS = (
    b"", b"{", b"[]", b"\xff\xfe", b'{"do": []}', b'{"do": "begin", "eui": "00"}', b"[" * 3500, b'{"a":' * 700,
    b'{"do": "set", "path": "supply.state", "value": ' + b"[" * 1500 + b"]" * 1500 + b"}",
    b'{"do": "load", "voltage_dv": [1e99]}', b'{"do": "load", "voltage_dv": [4294967296]}',
    b'{"do": "event", "code": 36660, "body": "' + b"00" * 300 + b'"}', b'{"do": "speed", "factor": 1000000000000}',
    b'{"do": "rows", "log": "event", "from": 1e9, "count": 1e9}', b'{"do": "get", "path": "key/ka"}',
    b'{"do": "fault", "class": 9, "obis": "00", "member": 1, "result": "x"}',
)  # fmt: skip


@pytest.mark.parametrize("channel", [BENCH, PROVISIONING])
def test_bad_requests_are_refused_and_answered(rig: Rig, channel: int) -> None:
    rig.take()
    before = rig.status()
    for request in BAD_REQUESTS:
        rig.link.send(channel, request)
        while (frame := rig.link.receive(5)) and frame.channel == MESSAGES:
            pass  # the alert of who would provision a meter again
        assert frame and frame.channel == channel and not json.loads(bytes(frame.payload))["ok"], request[:40]
    after = rig.status()
    assert after == before
    rig.works()


def test_a_device_that_is_not_provisioned_survives_bad_requests(tmp_path: Path) -> None:
    with VirtualDevice(tmp_path / "store") as device, open_link(device.port) as link:
        assert not who(link)["provisioned"]
        for request in (*BAD_REQUESTS, b'{"do": "finish"}', b'{"do": "cell"}', b'{"do": "keys"}'):
            link.send(PROVISIONING, request)
            frame = link.receive(5)
            assert frame and frame.channel == PROVISIONING and not json.loads(bytes(frame.payload))["ok"], request[:40]
        pki.init(tmp_path / "keys")
        provision(link, KeyStore.open(tmp_path / "keys"), DEVICE)
        assert who(link)["provisioned"]


def test_a_damaged_log_is_told_and_does_not_hold_up_the_meter(rig: Rig) -> None:
    for _ in range(3):
        rig.bench.append("security", [TIME_S, 0x8F3D])
    rig.device.stop()
    files = sorted((rig.device.store / "logs").glob("security.*"))
    kept = [file.read_bytes() for file in files]
    for file, octets in zip(files, kept, strict=True):
        file.write_bytes(b"\xa5" * len(octets))
    rig.device.start()
    rig.begin()
    rig.log.clear()
    rig.link.send(MESSAGES, _flipped(rig.disable(), -1))
    *_, alert = rig.take()  # what the meter makes of its damaged log may come first
    assert verify(alert, rig.keystore).authentic
    assert any("security" in line for line in rig.log)
    with pytest.raises(Exception, match="damaged"):
        rig.bench("rows", log="security")
    rig.works()
    rig.device.stop()
    for file, octets in zip(files, kept, strict=True):
        assert file.read_bytes() == b"\xa5" * len(octets)
        file.write_bytes(octets)
    rig.device.start()
    rig.begin()
    assert int(rig.bench("rows", log="security")["length"]) >= 3
    rig.works()


def test_power_cuts_lose_nothing_that_was_answered_and_open_no_way_for_replays(rig: Rig) -> None:
    chance = random.Random(7)
    counters: list[int] = []
    for _ in range(CUTS):
        state = int(rig.bench.get("supply.state"))
        command = rig.disable()
        rig.link.send(MESSAGES, command)
        frame = rig.link.receive(chance.random() * 0.05 + 0.001)
        rig.device.restart()
        answered = frame is not None and frame.channel == MESSAGES
        rig.begin()
        now = int(rig.bench.get("supply.state"))
        assert now == 0 if answered else now in (0, state)
        rig.messages.clear()
        rig.link.send(MESSAGES, command)
        came = rig.take()
        assert not [one for one in came if one.cra_flag == RESPONSE and answered]
        counters += [one.counter for one in came if one.cra_flag != RESPONSE]
        rig.bench.set("supply.state", 1)
    assert counters == sorted(set(counters))
    rig.works()
