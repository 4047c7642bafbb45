"""Power cut at every write that a meter makes in a long scenario: its firmware on littlefs, booted again after each.

The meter is real MicroPython with its store on VfsLfs2 over a flash that is recorded write by write. What a command
did must be there at every cut after its response left, whole or not at all before; no counter goes back, no key or
certificate is damaged, and of energy no more is lost than since the last half hour.
"""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from opensmets.bench.control import Bench
from opensmets.bench.firmware import compiled_firmware, firmware_path, micropython_path
from opensmets.bench.flatten import FOLDER
from opensmets.bench.provisioning import provision
from opensmets.bench.virtual import VirtualDevice
from opensmets.duis.compose import Address, compose
from opensmets.layouts.envelope import ALERT, decode
from opensmets.links import open_link
from opensmets.links.framing import FrameReader
from opensmets.security import pki
from opensmets.security.keystore import KeyStore, parse_eui
from tests.command import smets
from tests.reference import ROOT

EUI = "00-DB-12-34-56-78-90-A0"
SCRIPTS = Path(__file__).parent / "power"
SENT, ENTRY = 2, "<BIH"
MESSAGES = 0
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
CREDENTIALS, LOAD_LIMIT, THRESHOLD_W = "6.15.1", "6.4.1", 6900
SECOND_OPERATOR = pki.NewParty("90b3d51f30040000", "network_operator", "Second network operator")
HALF_HOUR_S = 1800
LOAD_W = 4321
PROCESSES = 2
pytestmark = [pytest.mark.xdist_group("power_cuts"), pytest.mark.timeout(1200)]  # thousands of boots, before the first


class RecordedDevice(VirtualDevice):
    """A virtual meter whose store is on a recorded flash."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "host", bench=True)
        self.image, self.recording = folder / "flash.image", folder / "flash.recording"

    def _command(self) -> tuple[list[str], dict[str, str]]:
        script = [str(SCRIPTS / "recorded_device.py"), str(self.image), str(self.recording)]
        options = ["--store", "/flash/esme", "--bench"]
        path = os.pathsep.join([str(compiled_firmware() / FOLDER), str(compiled_firmware()), ".frozen"])
        return [str(micropython_path()), "-X", "heapsize=1m", *script, *options], {"MICROPYPATH": path}

    def recorded(self) -> int:
        """Return how long the recording is by now."""
        return self.recording.stat().st_size


@dataclass
class Step:
    """Something that the meter was told, and what it knew before and after."""

    name: str
    start: int
    end: int
    before: dict[str, Any]
    after: dict[str, Any]
    answered: int = 0

    def is_command(self) -> bool:
        return bool(self.answered)


@dataclass
class Scenario:
    """A meter's life, step by step."""

    folder: Path
    device: RecordedDevice = field(init=False)
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.device = RecordedDevice(self.folder)

    def live(self) -> None:
        """Provision the meter, then let it meter and be commanded."""
        keystore = pki.init(self.folder / "keys", parties=(*pki.DEFAULT_PARTIES, SECOND_OPERATOR))
        with self.device:
            with open_link(self.device.port) as link:
                provision(link, keystore, EUI)
            self.freeze()
            self.command("commission")
            for amount in ("10.00", "3.21", "50.00"):
                self.command("topup", amount)
                self.consume(HALF_HOUR_S + 700)
            for action in ("disable", "arm", "enable", "disable", "enable"):
                self.command("supply", action)
            self.consume(5 * HALF_HOUR_S)
            self.command("topup", "7.00")
            for _ in range(4):
                self.consume(2 * HALF_HOUR_S + 1)
            self.replace_operator(keystore)
            self.date_ahead(keystore)
            self.consume(HALF_HOUR_S + 60)
            self.command("read", "registers")

    def replace_operator(self, keystore: KeyStore) -> None:
        """Let the network operator hand its cells to another one."""
        first, second = (party.eui for party in keystore.by_role("network_operator"))
        ds, ka, authority = (
            certificate.public_bytes(serialization.Encoding.DER)
            for certificate in (*(keystore.certificate(second, usage) for usage in ("ds", "ka")),
                                pki.authority_certificate(keystore, pki.ISSUING))
        )  # fmt: skip
        replacement = {"DigitalSigningCertificate": ds, "KeyAgreementCertificate": ka}
        self.send(CREDENTIALS, first, {
            "RemotePartyRole": "NetworkOperator", "RemotePartyFloorSeqNumber": 0,
            "ReplacementCertificates": {"SupplierOrNetworkOperatorCertificates": replacement},
            "CertificationPathCertificates": {"Certificate": authority}, "ApplyTimeBasedCPVChecks": False,
        })  # fmt: skip

    def date_ahead(self, keystore: KeyStore) -> None:
        """Let the supplier change the load limit in half an hour."""
        with open_link(self.device.port) as link:
            moment = EPOCH + timedelta(seconds=int(Bench(link).status()["time_s"]) + HALF_HOUR_S)
        self.send(LOAD_LIMIT, keystore.by_role("supplier")[0].eui, {
            "ExecutionDateTime": moment, "LoadLimitPeriod": 300, "LoadLimitPowerThreshold": THRESHOLD_W,
            "LoadLimitRestorationPeriod": 30, "LoadLimitSupplyState": "Unchanged",
        })  # fmt: skip

    def send(self, variant: str, originator: bytes, content: dict[str, Any]) -> None:
        """Send a service request as a document."""
        document = self.folder / f"{variant}.xml"
        document.write_bytes(compose(variant, content, Address(originator, parse_eui(EUI), 1)))
        self.command("send", str(document), "--renumber")

    def freeze(self) -> None:
        """Take the flash as it is for the first point of the recording."""
        (self.folder / "start.image").write_bytes(self.device.image.read_bytes())
        self.device.recording.write_bytes(b"")

    def command(self, *arguments: str) -> None:
        start, before = self.device.recorded(), self.knowledge()
        outcome = smets(*arguments, "--port", self.device.port, "--keystore", self.folder / "keys")
        assert outcome.code == 0, outcome.err
        self.done(" ".join(arguments), start, before, True)

    def consume(self, duration_s: int) -> None:
        start, before = self.device.recorded(), self.knowledge()
        with open_link(self.device.port) as link:
            bench = Bench(link)
            bench("load", import_w=LOAD_W)
            bench.advance_to(int(bench.status()["time_s"]) + duration_s)
            bench("load", import_w=0)
        self.done(f"{duration_s} s", start, before, False)

    def done(self, name: str, start: int, before: dict[str, Any], is_command: bool) -> None:
        end, after = self.device.recorded(), self.knowledge()
        step = Step(name, start, end, before, after)
        if is_command:
            step.answered = max(at for at, _ in self.messages() if start < at <= end)
        self.steps.append(step)

    def messages(self) -> Iterator[tuple[int, bytes]]:
        """Yield where in the recording a message had left, and the message."""
        content, at, reader = self.device.recording.read_bytes(), 0, FrameReader()
        while at < len(content):
            kind, _, size = struct.unpack_from(ENTRY, content, at)
            data = content[at + struct.calcsize(ENTRY) :][:size]
            at += struct.calcsize(ENTRY) + size
            if kind != SENT:
                continue
            reader.feed(data)
            while frame := reader.next_frame():
                if frame.channel == MESSAGES:
                    yield at, frame.payload

    def knowledge(self) -> dict[str, Any]:
        """Return what the meter knows of what must survive."""
        with open_link(self.device.port) as link:
            bench = Bench(link)
            return {name: bench.get(name) for name in DURABLE} | {"wh": bench.get("registers.active_import_wh")}


DURABLE = ("payment.meter_balance_millipence", "supply.state")
"""What commands of the scenario change."""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    if micropython_path() is None:
        pytest.skip("no MicroPython for this machine: set $MICROPYTHON")
    scenario = Scenario(tmp_path_factory.mktemp("power"))
    scenario.live()
    return scenario


@pytest.fixture(scope="module")
def boots(scenario: Scenario) -> list[dict[str, Any]]:
    """What the meter knew after each cut, in the order of the cuts."""
    command = [str(micropython_path()), "-X", "heapsize=4m", str(SCRIPTS / "boot_after_cuts.py"),
               str(scenario.folder / "start.image"), str(scenario.device.recording), str(firmware_path())]  # fmt: skip
    outputs = [scenario.folder / f"boots.{part}" for part in range(PROCESSES)]
    running = []
    for part, output in enumerate(outputs):
        with output.open("w") as file:
            running.append(subprocess.Popen([*command, str(part), str(PROCESSES)], stdout=file))
    assert [process.wait() for process in running] == [0] * PROCESSES
    lines = [line for output in outputs for line in output.read_text().splitlines()]
    return sorted(map(json.loads, lines), key=lambda boot: (boot["at"], boot["torn"]))


def test_the_meter_boots_after_every_cut(boots: list[dict[str, Any]]) -> None:
    told = re.search(r"at more than (\d+) points", (ROOT / "README.md").read_text())
    assert told and len(boots) > int(told[1]), "README.md tells how many cuts were tried"
    assert not [boot for boot in boots if "error" in boot["found"] or not boot["found"]["provisioned"]]


def test_no_key_or_certificate_is_damaged(scenario: Scenario, boots: list[dict[str, Any]]) -> None:
    """The device's keys stay; the trust anchors are all the old ones, or all the new once the answer has left."""
    assert len({boot["found"]["keys"] for boot in boots}) == 1
    step = next(step for step in scenario.steps if CREDENTIALS in step.name)
    old, new = boots[0]["found"]["cells"], boots[-1]["found"]["cells"]
    assert old != new
    for boot in boots:
        if not step.start <= boot["at"] < step.answered:
            assert boot["found"]["cells"] == (old if boot["at"] < step.start else new), boot["at"]
    cells = [boot["found"]["cells"] for boot in boots]
    assert cells == [old] * cells.count(old) + [new] * cells.count(new)


def test_a_change_dated_ahead_is_neither_lost_nor_done_by_half(scenario: Scenario, boots: list[dict[str, Any]]) -> None:
    step = next(step for step in scenario.steps if LOAD_LIMIT in step.name)
    limits = [(boot["at"], boot["found"]["load_limit.power_threshold_w"]) for boot in boots]
    assert {limit for at, limit in limits if at < step.end} == {limits[0][1]}
    assert limits[-1][1] == THRESHOLD_W
    done = [limit == THRESHOLD_W for _, limit in limits]
    assert done == sorted(done), "once done it stays"


def test_no_counter_goes_back(boots: list[dict[str, Any]]) -> None:
    highest: dict[str, str] = {}
    for boot in boots:
        found = boot["found"]["counters"]
        assert highest.keys() <= found.keys(), boot["at"]
        for name, counter in found.items():
            assert counter >= highest.get(name, ""), boot["at"]
        highest = found
    assert len(highest) >= 2


def test_a_command_is_done_when_its_answer_left_and_whole_or_not_at_all_before(
    scenario: Scenario, boots: list[dict[str, Any]]
) -> None:
    judged = 0
    for step in filter(Step.is_command, scenario.steps):
        for boot in boots:
            if step.start <= boot["at"] < step.end:
                allowed = [step.after] if boot["at"] >= step.answered else [step.before, step.after]
                found = {name: boot["found"][name] for name in DURABLE}
                assert found in [{name: state[name] for name in DURABLE} for state in allowed], (step.name, boot)
                judged += 1
    assert judged > 50


def test_no_energy_of_a_finished_half_hour_is_lost(scenario: Scenario, boots: list[dict[str, Any]]) -> None:
    most = LOAD_W * HALF_HOUR_S // 3600 + 1
    for step in scenario.steps:
        for boot in boots:
            if step.start <= boot["at"] < step.end:
                assert step.before["wh"] - most <= boot["found"]["registers.active_import_wh"] <= step.after["wh"]
    registers = [boot["found"]["registers.active_import_wh"] for boot in boots]
    assert registers == sorted(registers)


def test_a_counter_is_on_flash_when_the_answer_leaves(scenario: Scenario, boots: list[dict[str, Any]]) -> None:
    """What a command moved, that is: an alert that follows its answer may take a number of the meter's own later."""
    for step in filter(Step.is_command, scenario.steps):
        answered = [received(boot) for boot in boots if step.answered <= boot["at"] < step.end]
        assert all(counters == answered[-1] for counters in answered), step.name


def received(boot: dict[str, Any]) -> dict[str, str]:
    """Return the counters that a meter keeps of those who command it."""
    return {name: counter for name, counter in boot["found"]["counters"].items() if name.startswith("rx/")}


def test_no_number_of_an_alert_is_given_again(scenario: Scenario, boots: list[dict[str, Any]]) -> None:
    """What a meter counts with after a cut is above every alert that had left."""
    alerts = [(at, message) for at, octets in scenario.messages() if (message := decode(octets)).cra_flag == ALERT]
    assert len({message.counter for _, message in alerts}) == len(alerts) > 0
    for at, message in alerts:
        for boot in (boot for boot in boots if boot["at"] >= at):
            assert int(boot["found"]["counters"]["counter/own"], 16) >= message.counter, (at, boot["at"])


def test_time_never_goes_back(boots: list[dict[str, Any]]) -> None:
    """The clock of a meter that boots is never behind that of one cut earlier."""
    for earlier, later in zip(boots, boots[1:], strict=False):
        assert later["found"]["clock.time_s"] >= earlier["found"]["clock.time_s"]
