"""The whole electricity meter in real MicroPython from .mpy files, in a stock Pico's heap, over a pty."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from opensmets.bench.control import LOG, MESSAGES, Bench, Frame, send_hub_time
from opensmets.bench.firmware import micropython_path
from opensmets.bench.provisioning import provision, who
from opensmets.bench.virtual import VirtualDevice
from opensmets.layouts import envelope
from opensmets.layouts.envelope import Message
from opensmets.links import Link, open_link
from opensmets.security import utrn
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import protect_command, verify
from tests.host.device_in_process import TIME_S, copy_parties
from tests.host.test_device_messages import ECS
from tests.reference import REFERENCE, needs_reference

pytestmark = [
    needs_reference,
    pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON"),
    pytest.mark.xdist_group("esme_micropython"),
]
DEVICE = bytes.fromhex("00db1234567890a0")
SUPPLIER = bytes.fromhex("90b3d51f30010000")
ANSWER_TIMEOUT_S = 8.0
NOT_AUTHENTIC, RESTORED_LONG = 0x8F3D, 0x8F36


@dataclass
class Home:
    """A virtual device, the host's end of its link, and the parties' keys."""

    device: VirtualDevice
    link: Link
    keystore: KeyStore
    counter: int = 5000

    def __post_init__(self) -> None:
        self.unasked: list[Message] = []
        self.log: list[str] = []
        self.bench = Bench(self.link, self.note)

    def note(self, frame: Frame) -> None:
        if frame.channel == MESSAGES:
            self.unasked.append(envelope.decode(bytes(frame.payload)))
        elif frame.channel == LOG:
            self.log.append(bytes(frame.payload).decode())

    def make(self, octets: bytes, payload: bytes | None = None, counter: int | None = None) -> bytes:
        """Return a reference command made anew: next counter, signature and MAC by the parties' keys."""
        self.counter += 1
        number = counter or self.counter
        message = envelope.decode(octets)
        old, new = message.counter.to_bytes(8, "big"), number.to_bytes(8, "big")
        payload = payload if payload is not None else message.payload
        if payload[0] == 0xD9:
            invoke_id = struct.pack(">I", 0x20000000 | number & 0xFFFFFF)
            payload = payload[:1] + invoke_id + payload[5:].replace(b"\x09\x09\x04" + old, b"\x09\x09\x04" + new)
        bare = replace(message, counter=number, payload=payload, mac=None, signature=None, raw=b"")
        return protect_command(envelope.encode(bare), self.keystore)

    def ask(self, octets: bytes) -> Message:
        """Send a command and return its response, whatever comes first instead put by."""
        self.link.send(MESSAGES, octets)
        sent, deadline = envelope.decode(octets), time.monotonic() + ANSWER_TIMEOUT_S
        while time.monotonic() < deadline:
            frame = self.link.receive(0.5)
            if frame is None:
                continue
            if frame.channel == MESSAGES:
                message = envelope.decode(bytes(frame.payload))
                if (message.cra_flag, message.counter, message.message_code) == (2, sent.counter, sent.message_code):
                    return message
            self.note(frame)
        raise AssertionError(f"no answer to {sent.message_code:04X}: {self.log} {self.device.errors()}")

    def drain(self, quiet_s: float = 0.4) -> list[Message]:
        """Return what came unasked until nothing more comes."""
        while (frame := self.link.receive(quiet_s)) is not None:
            self.note(frame)
        found, self.unasked = self.unasked, []
        return found

    def restart(self) -> None:
        self.device.restart("program")  # an outage would be told of as well
        assert who(self.link)["provisioned"]
        self.bench.set_time(TIME_S)


def read(name: str) -> bytes:
    assert REFERENCE is not None
    return bytes.fromhex((REFERENCE / "rtds/messages" / f"{name}_COMMAND_GBCS.HEX").read_text())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    assert REFERENCE is not None
    folder = tmp_path_factory.mktemp("esme")
    keystore = copy_parties(REFERENCE, folder / "keys")
    with VirtualDevice(folder / "store", bench=True, log=folder / "log") as device, open_link(device.port) as link:
        provision(link, keystore, DEVICE)
        found = Home(device, link, KeyStore.open(folder / "keys"))
        found.bench.set_time(TIME_S)
        yield found
        assert device.alive() and not found.log, (found.log, (folder / "log").read_text())


def of_issue() -> list[str]:
    if REFERENCE is None:
        return []
    root = REFERENCE / "rtds/messages"
    files = [file for folder in ECS for file in sorted((root / folder).glob("*SUCCESS_COMMAND_GBCS.HEX"))]
    return [f"{file.parent.name}/{file.name.removesuffix('_COMMAND_GBCS.HEX')}" for file in files]


def test_one_of_every_command_twice_in_one_heap(home: Home) -> None:
    names = [name for name in of_issue() if envelope.decode(read(name)).recipient == DEVICE and "CS01a" not in name]
    for _ in range(2):
        for name in names:
            send_hub_time(home.link, TIME_S)
            response = home.ask(home.make(read(name)))
            verdict = verify(response, home.keystore)
            assert verdict.authentic and not verdict.why, (name, verdict)
    assert len(names) >= 15


def test_top_up(home: Home) -> None:
    octets = read("2.2_CS01a/CS01a_2.2_SUCCESS")
    before = home.bench.get("payment.meter_balance_millipence")
    counter = 7 << 32
    token = utrn.make(home.keystore, SUPPLIER, DEVICE, 1000, counter)
    payload = envelope.decode(octets).payload[:-20] + token.encode()
    assert home.ask(home.make(octets, payload, counter)).payload[-2:] == b"\x03\x00"
    assert home.bench.get("payment.meter_balance_millipence") - before == 1_000_000
    again = home.ask(home.make(octets, payload, 8 << 32))
    assert again.payload[-1] and home.bench.get("payment.meter_balance_millipence") - before == 1_000_000


def test_attacks_change_nothing_and_noise_is_survived(home: Home) -> None:
    home.drain()
    before = home.bench.get("supply.state")
    disable = home.make(read("7.2_ECS43/ECS43_7.2_SUCCESS"))
    home.link.send(MESSAGES, disable[:-20] + bytes((disable[-20] ^ 1,)) + disable[-19:])
    (alert,) = home.drain()
    assert alert.payload[8:11] == b"\x12" + struct.pack(">H", NOT_AUTHENTIC) and verify(alert, home.keystore).authentic
    assert home.bench.get("supply.state") == before
    for size in (0, 1, 30, 200, 8192):
        home.link.send(MESSAGES, bytes(size))
    home.link.send(77, b"unknown channel")
    home.drain()
    home.log.clear()  # it says that it does nothing with channel 77
    assert verify(home.ask(disable), home.keystore).authentic
    home.ask(home.make(read("7.1_ECS42/ECS42_7.1_SUCCESS")))


def test_counters_keys_and_state_survive_a_power_cut(home: Home) -> None:
    read_switch = home.make(read("7.4_ECS45/ECS45_7.4_SUCCESS"))
    first = home.ask(read_switch)
    home.restart()
    home.link.send(MESSAGES, read_switch)
    (alert,) = home.drain()
    assert alert.payload[9:11] == struct.pack(">H", NOT_AUTHENTIC)
    again = home.ask(home.make(read("7.4_ECS45/ECS45_7.4_SUCCESS")))
    assert again.payload[5:] == first.payload[5:] and verify(again, home.keystore).authentic


def test_future_dated_change_and_its_alerts(home: Home) -> None:
    home.drain()
    command = home.make(read("6.4.1_ECS28a/ECS28a_6.4.1_FUTURE_DATED_SUCCESS"))
    sent = envelope.decode(command)
    assert set(home.ask(command).payload[-16:]) == {0, 2}
    home.restart()
    due_s = 948013200  # 2030-01-15T09:00:00Z
    home.bench.set_time(due_s - 5)
    home.bench.advance_to(due_s + 5)
    alerts = [alert for alert in home.drain() if alert.message_code == 0x00CC]
    assert len(alerts) == 4 and home.bench.get("load_limit.power_threshold_w") == 6900
    context = struct.pack(">HQ", sent.message_code, sent.counter)
    for alert in alerts:
        assert alert.recipient == SUPPLIER and verify(alert, home.keystore).authentic
        assert context in alert.payload and alert.payload[8:11] == b"\x12\x8f\x66"
    home.bench.set_time(TIME_S)


def test_outage_alert(home: Home) -> None:
    home.drain()
    now_s = home.bench.status()["time_s"]
    home.bench("power", on=False)
    home.bench.advance_to(now_s + 600)
    home.bench("power", on=True)
    (alert,) = [alert for alert in home.drain() if alert.message_code == 0x0067]
    assert alert.payload[9:11] == struct.pack(">H", RESTORED_LONG) and verify(alert, home.keystore).authentic


def test_without_the_bench_there_is_none(tmp_path: Path) -> None:
    with VirtualDevice(tmp_path / "store") as device, open_link(device.port) as link:
        assert who(link) == {"ok": True, "eui": None, "role": "esme", "provisioned": False}
        link.send(2, b'{"do": "status"}')
        frame = link.receive(3)
        assert frame is not None and frame.channel == LOG and b"provision" in bytes(frame.payload)


def test_wrong_usage_and_a_damaged_store(tmp_path: Path) -> None:
    import subprocess
    import sys

    from opensmets.bench.firmware import main_path

    program = [sys.executable, str(main_path())]
    for arguments in (
        [],
        ["--store"],
        ["--speed", "x", "--store", "a"],
        ["--role", "gsme", "--store", "a"],
        ["--what"],
    ):
        done = subprocess.run([*program, *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2 and done.stderr.count("\n") == 1 and done.stderr.startswith("main.py: ")
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal/00000001.jnl").write_bytes(b"not a journal at all")
    program += ["--store", str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 3 and "journal" in done.stderr and done.stderr.count("\n") == 1
