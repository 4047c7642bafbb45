"""What a capture holds, judged by tshark: direction, channel, and the GBCS message in it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from opensmets.layouts import envelope
from opensmets.layouts.link_frame import Channel, Frame
from opensmets.links import open_link
from opensmets.links.capture import INBOUND, OUTBOUND, Capture
from opensmets.links.framing import encode_frame
from tests.reference import REFERENCE, needs_reference

needs_tshark = pytest.mark.skipif(
    shutil.which("tshark") is None, reason="no tshark on this machine: install the package tshark"
)
SUPPLIER, DEVICE = bytes.fromhex("90B3D51F30010000"), bytes.fromhex("00DB1234567890A0")
COMMAND = envelope.encode(
    envelope.Message(1, 0x0123456789ABCDEF, SUPPLIER, DEVICE, 0x0062, bytes.fromhex("D920000000"), signature=bytes(64))
)
RESPONSE = envelope.encode(
    envelope.Message(2, 0x0123456789ABCDEF, DEVICE, SUPPLIER, 0x0062, bytes.fromhex("DA20000000"), signature=bytes(64))
)


def tshark(path: Path, *options: str) -> str:
    done = subprocess.run(["tshark", "-n", "-r", str(path), *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fields(path: Path, *names: str) -> list[list[str]]:
    options = [word for name in names for word in ("-e", name)]
    return [line.split("\t") for line in tshark(path, "-T", "fields", *options).splitlines()]


GROUPING = "gbcs_message.grouping_header."


@needs_tshark
def test_tshark_reads_our_messages(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng"
    times_ns = iter((1_700_000_000_123_456_000, 1_700_000_001_000_001_000))
    capture = Capture(path, "/dev/pts/3", clock_ns=times_ns.__next__)
    capture.add(OUTBOUND, Frame(Channel.MESSAGES, COMMAND))
    capture.add(INBOUND, Frame(Channel.MESSAGES, RESPONSE))
    capture.close()
    header = [GROUPING + name for name in ("cra_flag", "message_code", "originator_counter")]
    parties = [GROUPING + name for name in ("business_originator_id", "business_target_id")]
    rows = fields(path, "frame.time_epoch", "frame.packet_flags_direction", "frame.comment", *header, *parties)
    counter = str(0x0123456789ABCDEF)
    supplier, device = "90:b3:d5:1f:30:01:00:00", "00:db:12:34:56:78:90:a0"
    assert rows[0][2:] == ["channel messages", "0x01", "0x0062", counter, supplier, device]
    assert rows[1][2:] == ["channel messages", "0x02", "0x0062", counter, device, supplier]
    assert [int(row[1], 16) for row in rows] == [OUTBOUND, INBOUND]
    assert rows[0][0].startswith("1700000000.123456") and rows[1][0].startswith("1700000001.000001")
    assert "Malformed" not in tshark(path, "-V")


@needs_tshark
@needs_reference
def test_tshark_agrees_with_us_about_reference_messages(tmp_path: Path) -> None:
    assert REFERENCE is not None
    messages = [bytes.fromhex(file.read_text()) for file in sorted(REFERENCE.glob("rtds/messages/*/*.HEX"))[::40]]
    path = tmp_path / "capture.pcapng"
    capture = Capture(path, "port")
    for octets in messages:
        capture.add(INBOUND, Frame(Channel.MESSAGES, octets))
    capture.close()
    rows = fields(path, GROUPING + "message_code", GROUPING + "originator_counter", GROUPING + "business_target_id")
    assert len(rows) == len(messages) > 20
    for octets, (code, counter, recipient) in zip(messages, rows, strict=True):
        message = envelope.decode(octets)
        assert (int(code, 16), int(counter)) == (message.message_code, message.counter)
        assert recipient == message.recipient.hex(":")


@needs_tshark
def test_every_channel_is_dissected_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng"
    capture = Capture(path, "port")
    frames = (
        Frame(Channel.BENCH, b'{"do":"status"}'), Frame(Channel.PROVISIONING, b'{"ok":true}'),
        Frame(Channel.LOG, b"booted"), Frame(Channel.HUB_TIME, bytes(5)), Frame(99, b"?"),
    )  # fmt: skip
    for frame in frames:
        capture.add(INBOUND, frame)
    capture.close()
    rows = fields(path, "frame.protocols", "frame.comment")
    assert [row[0].split(":")[1] for row in rows] == ["json", "json", "data-text-lines", "data", "data"]
    assert [row[1] for row in rows] == [f"channel {n}" for n in ("bench", "provisioning", "log", "hub_time", "99")]


@needs_tshark
def test_a_link_captures_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    path = tmp_path / "capture.pcapng"
    master, slave = os.openpty()
    with open_link(os.ttyname(slave), pcap=path) as link:
        link.send(Channel.MESSAGES, COMMAND)
        os.write(master, encode_frame(Frame(Channel.MESSAGES, RESPONSE)))
        received = link.receive(5)
        assert received is not None and received.payload == RESPONSE
    os.close(master)
    os.close(slave)
    rows = fields(path, "frame.packet_flags_direction", GROUPING + "cra_flag")
    assert [[int(cell, 16) for cell in row] for row in rows] == [[OUTBOUND, 1], [INBOUND, 2]]
