"""Every command that talks to a meter, on real firmware: the answers, the exit codes, and that the next one works."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from opensmets.bench.control import Bench
from opensmets.duis.compose import Address, compose
from opensmets.layouts.link_frame import Channel
from opensmets.links import open_link
from opensmets.security.counters import Counters
from opensmets.security.keystore import KeyStore
from tests.command import smets, smets_process
from tests.end_to_end.meter import Meter
from tests.reference import REFERENCE, needs_reference

SUPPLIER = bytes.fromhex("90b3d51f30010000")
OPERATOR = bytes.fromhex("90b3d51f30020000")
DEVICE = bytes.fromhex("00db1234567890a0")
pytestmark = pytest.mark.xdist_group("commands")


def request(meter: Meter, variant: str, content: dict[str, object], originator: bytes = SUPPLIER) -> bytes:
    number = Counters(meter.keystore).highest(originator) + 1
    return compose(variant, content, Address(originator, DEVICE, number))


def bench(meter: Meter, do: str, **fields: object) -> dict[str, object]:
    with open_link(meter.port) as link:
        return Bench(link)(do, **fields)


def test_a_request_is_answered_in_mmc_xml(meter: Meter) -> None:
    outcome = meter.smets("send", "-", stdin=request(meter, "4.1.1", {}))
    assert outcome.code == 0
    assert "the XML signature is missing; signed with the key of 90-B3-D5-1F-30-01-00-00" in outcome.err
    root = etree.fromstring(outcome.out.encode())
    assert etree.QName(root).localname == "GBCSResponse"
    assert root.findtext(".//{*}ActiveImportRegister/{*}Value") is not None
    if REFERENCE:
        etree.XMLSchema(etree.parse(REFERENCE / "duis" / "mmc-5.4.xsd")).assertValid(root)


def test_a_request_is_answered_for_programs(meter: Meter) -> None:
    answer = json.loads(meter.smets("send", "-", "--json", stdin=request(meter, "7.4", {})).out)
    assert (answer["use_case"], answer["outcome"]) == ("ECS45", "done")
    assert answer["GBCSResponse"]["Header"]["BusinessOriginatorID"] == "00-DB-12-34-56-78-90-A0"


def test_a_request_is_answered_in_duis_xml(meter: Meter) -> None:
    outcome = meter.smets("send", "-", "--duis", stdin=request(meter, "7.4", {}))
    root = etree.fromstring(outcome.out.encode())
    assert root.findtext(".//{*}ResponseCode") == "I0"
    decoded = smets("decode", root.findtext(".//{*}GBCSPayload") or "", "--keystore", meter.keystore)
    assert "authentic" in decoded.out


def test_a_signed_pre_command_is_accepted(meter: Meter) -> None:
    pre_command = smets("transform", "-", stdin=request(meter, "7.1", {})).out.strip()
    document = smets("sign", pre_command, "--keystore", meter.keystore, "--form", "xml").out.encode()
    outcome = meter.smets("send", "-", "--require-signature", "--json", stdin=document)
    assert outcome.code == 0
    assert json.loads(outcome.out)["use_case"] == "ECS42"


def test_a_protected_command_is_accepted_once(meter: Meter) -> None:
    pre_command = smets("transform", "-", stdin=request(meter, "7.4", {})).out.strip()
    command = smets("protect", pre_command, "--keystore", meter.keystore).out.strip()
    assert meter.smets("send", command).code == 0
    again = meter.smets("send", command)
    assert again.code == 1
    assert "--renumber" in again.why


@pytest.mark.parametrize(
    ("what", "expected"),
    [("registers", "ActiveImportRegister"), ("supply", "SupplyState  Enabled"), ("log", ""), ("voltage", "Voltage"),
     ("firmware", "FirmwareVersion"), ("credentials", "90-B3-D5-1F-30-02-00-00"), ("prepayment", ""),
     ("balance", "MeterBalance"), ("load-limit", "LoadLimitPeriod"), ("thresholds", "LowMediumPowerThreshold")],
)  # fmt: skip
def test_read(meter: Meter, what: str, expected: str) -> None:
    assert meter.smets("supply", "enable").code == 0
    outcome = meter.smets("read", what)
    assert outcome.code == 0, outcome.err
    assert expected in outcome.out
    assert outcome.out.strip()
    answer = json.loads(meter.smets("read", what, "--json").out)
    assert answer["outcome"] == "done"
    assert meter.smets("read", what, "--xml").out.startswith("<?xml")


def test_read_says_what_was_measured(meter: Meter) -> None:
    before = int(bench(meter, "status")["time_s"])  # type: ignore[call-overload]
    start = json.loads(meter.smets("read", "registers", "--json").out)
    bench(meter, "load", import_w=3000)
    bench(meter, "time", advance_to=before + 7200)
    bench(meter, "load", import_w=0)
    end = json.loads(meter.smets("read", "registers", "--json").out)

    def value(answer: dict[str, object]) -> int:
        return int(re.findall(r"'ActiveImportRegister': {'Value': '(\d+)'", str(answer))[0])

    assert 5900 <= value(end) - value(start) <= 6001


def test_supply(meter: Meter) -> None:
    for action, state in (("disable", "Disabled"), ("arm", "Armed"), ("enable", "Enabled")):
        outcome = meter.smets("supply", action)
        assert outcome.code == 0, outcome.err
        after = meter.smets("supply", "status")
        assert state in after.out
        assert ("0x8F32" in outcome.err + after.err) == (action == "arm")  # the alert may come just behind the answer


def test_topup_is_credited_once(meter: Meter) -> None:
    before = int(str(bench(meter, "get", path="payment.meter_balance_millipence")["value"]))
    outcome = meter.smets("topup", "10.00")
    assert outcome.code == 0, outcome.err
    token = re.findall(r"UTRN (\d{20})", outcome.out)[0]
    assert int(str(bench(meter, "get", path="payment.meter_balance_millipence")["value"])) - before == 1_000_000
    started = time.monotonic()
    again = meter.smets("topup", token)
    assert again.code == 1
    assert "refused the command as not authentic or already used (0x8F3D)" in again.err
    assert time.monotonic() - started < 10  # its alert settles it, before the timeout does
    assert int(str(bench(meter, "get", path="payment.meter_balance_millipence")["value"])) - before == 1_000_000


def test_commission_sets_the_clock(meter: Meter) -> None:
    outcome = meter.smets("commission")
    assert outcome.code == 0, outcome.err
    off_s = (
        int(str(bench(meter, "status")["time_s"]))
        - (datetime.now(UTC) - datetime(2000, 1, 1, tzinfo=UTC)).total_seconds()
    )
    assert abs(off_s) < 5


def test_a_refused_item_is_three(meter: Meter) -> None:
    bench(meter, "fault", **{"class": 9}, obis="00000A006AFF", member=1, result=3)
    try:
        outcome = meter.smets("supply", "disable")
    finally:
        bench(meter, "faults_clear")
    assert outcome.code == 3
    assert re.search(r"refused item 1: [a-z-]+ \(code 3\)", outcome.err)
    assert "Enabled" in meter.smets("supply", "status").out


def test_a_party_without_the_role_is_refused(meter: Meter) -> None:
    outcome = smets(
        "send", "-", "--port", meter.port, "--keystore", meter.keystore, "--timeout", "2",
        stdin=request(meter, "7.2", {}, OPERATOR),
    )  # fmt: skip
    assert outcome.code == 1
    assert "0x8F30" in outcome.err
    assert "Enabled" in meter.smets("supply", "status").out


def test_noise_on_the_line_is_survived(meter: Meter) -> None:
    with open(meter.port, "wb", buffering=0) as line:
        line.write(bytes(range(256)) * 8 + b"\0\0\xff")
    assert meter.smets("supply", "status").code == 0
    with open_link(meter.port) as link:
        for payload in (b"", b"\xdd" * 500, bytes(8192)):
            link.send(Channel.MESSAGES, payload)
    assert meter.smets("supply", "status").code == 0


def test_a_port_in_use_names_its_user(meter: Meter) -> None:
    with open_link(meter.port):
        outcome = meter.smets("supply", "status")
    assert outcome.code == 1
    assert f"{meter.port} is in use by process" in outcome.why
    assert meter.smets("supply", "status").code == 0


def test_auto_finds_the_only_meter(meter: Meter) -> None:
    outcome = smets("supply", "status", "--port", "auto", "--keystore", meter.keystore)
    assert outcome.code == 0, outcome.err


def test_listen_hears_an_alert(meter: Meter) -> None:
    with smets_process(
        "listen", "--port", meter.port, "--keystore", meter.keystore, "--json", "--count", "1", "--for", "20"
    ) as listener:
        assert listener.stderr and listener.stdout
        assert "listening" in listener.stderr.readline()
        # the port is the listener's: the alert comes from what the meter was told before
        listener.kill()
        listener.communicate()
    with open_link(meter.port) as link:
        Bench(link)("tamper", cover="terminal", open=True)
        link.send(Channel.BENCH, b'{"do": "tamper", "cover": "terminal", "open": false}')
    outcome = meter.smets("listen", "--json", "--for", "3")
    assert outcome.code == 0
    codes = [json.loads(line)["GBCSResponse"]["Body"] for line in outcome.out.splitlines()]
    assert codes, outcome.err


@pytest.mark.skipif(shutil.which("tshark") is None, reason="no tshark on this machine")
def test_wireshark_reads_the_capture(meter: Meter, tmp_path: Path) -> None:
    capture = tmp_path / "talk.pcapng"
    assert meter.smets("supply", "disable", "--pcap", capture).code == 0
    assert meter.smets("supply", "enable").code == 0
    done = subprocess.run(["tshark", "-r", str(capture), "-V"], capture_output=True, text=True, check=True)
    assert "0x0050" in done.stdout
    assert "90:b3:d5:1f:30:01:00:00" in done.stdout


@needs_reference
def test_a_reference_document_is_renumbered_and_answered(meter: Meter) -> None:
    assert REFERENCE
    document = REFERENCE / "duis" / "requests" / "ECS45_7.4_SUCCESS_REQUEST_DUIS.XML"
    outcome = meter.smets("send", document, "--renumber", "--timeout", "5")
    assert outcome.code == 0, outcome.err
    assert "renumbered from 1000" in outcome.err


def test_a_party_that_the_meter_does_not_know_reads_too(meter: Meter) -> None:
    """The access control broker asks on its behalf; only the party can decrypt the answer."""
    party = bytes.fromhex("90b3d51f30000007")
    certificate = KeyStore.open(meter.keystore).certificate(party, "ka").public_bytes(Encoding.DER)
    period = {"StartDateTime": datetime(2020, 1, 1, tzinfo=UTC), "EndDateTime": datetime(2030, 1, 1, tzinfo=UTC)}
    content: dict[str, object] = {"ReadLogPeriod": period, "KAPublicSecurityCredentials": certificate}
    outcome = meter.smets("send", "-", "--json", stdin=request(meter, "4.14", content, party))
    assert outcome.code == 0, outcome.err
    header = json.loads(outcome.out)["GBCSResponse"]["Header"]
    assert header["BusinessTargetID"] == "90-B3-D5-1F-30-00-00-02"
    assert header["SupplementaryRemotePartyID"] == "90-B3-D5-1F-30-00-00-07"
