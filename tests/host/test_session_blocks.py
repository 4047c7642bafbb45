"""Long responses over a bad line: blocks lost, twice, out of order, a whole window gone; and what a capture shows."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from opensmets.explain import explain
from opensmets.layouts import blocks, envelope
from opensmets.layouts.blocks import BLOCK, WINDOW, Block
from opensmets.layouts.envelope import COMMAND, RESPONSE, Message
from opensmets.layouts.link_frame import Channel, Frame
from opensmets.links.capture import INBOUND, OUTBOUND, Capture
from opensmets.session import AlertReceived, CommandTimedOut, Event, ResponseReceived, Session, TransferEnded
from tests.host.test_capture import fields, needs_tshark

SUPPLIER, DEVICE = b"\x90\xb3\xd5\x1f0\x01\0\0", b"\0\xdb\x124Vx\x90\xa0"
ASKED = Message(COMMAND, 7, SUPPLIER, DEVICE, 0x62, b"\xd9", signature=b"", mac=bytes(12))
LONG = bytes(number * 7 & 0xFF for number in range(20 * BLOCK + 300))
ANSWER = replace(ASKED, cra_flag=RESPONSE, originator=DEVICE, recipient=SUPPLIER, payload=b"\xda" + LONG)
Line = Callable[[list[Block]], list[Block]]


class Device:
    """The device's end as IEC 62056-5-3 has it: a window goes out, and then what a confirmation does not have."""

    def __init__(self, message: Message = ANSWER) -> None:
        self.octets = envelope.encode(message)
        self.parts = [self.octets[at : at + BLOCK] for at in range(0, len(self.octets), BLOCK)]
        self.sent = 0

    def window(self, confirmed: int = 0, width: int = WINDOW) -> list[Block]:
        end = min(confirmed + min(width, WINDOW), len(self.parts))
        self.sent += end - confirmed
        return [
            Block(number, 0, self.parts[number - 1], last=number == len(self.parts), streaming=number < end)
            for number in range(confirmed + 1, end + 1)
        ]

    def take(self, frame: Frame) -> list[Block]:
        block = blocks.decode(frame.payload)
        assert block.number and not block.octets, "the host confirms, and ends nothing"
        return self.window(block.confirmed, block.window)


def talk(line: Line, device: Device, session: Session | None = None) -> list[Event]:
    """Let the host wait for the response over a line; return what happened, and let 5 seconds pass in a silence."""
    session, now_s, found = session or Session(), 0.0, list[Event]()
    session.send_command(envelope.encode(ASKED), now_s)
    coming = line(device.window())
    for _ in range(400):
        now_s += 0.01 if coming else 5.0
        session.receive_data(came(coming.pop(0)) if coming else None, now_s)
        while (frame := session.next_frame()) is not None:
            coming += line(device.take(frame))
        while event := session.next_event():
            found.append(event)
            if isinstance(event, (ResponseReceived, TransferEnded, CommandTimedOut)):
                return found
    raise AssertionError("it never ends")


def came(block: Block) -> Frame:
    return Frame(Channel.MESSAGES, blocks.encode(block))


def assert_whole(found: list[Event]) -> None:
    last = found[-1]
    assert isinstance(last, ResponseReceived), last
    assert last.message == ANSWER and not last.late


def test_nothing_is_asked_for_twice_on_a_good_line() -> None:
    device = Device()
    assert_whole(talk(list, device))
    assert device.sent == len(device.parts)


@pytest.mark.parametrize("lost", [1, 2, 6, 7, 21])
def test_one_lost_block_is_sent_again(lost: int) -> None:
    missing = {lost}

    def line(sent: list[Block]) -> list[Block]:
        kept = [block for block in sent if block.number not in missing]
        missing.difference_update(block.number for block in sent)
        return kept

    device = Device()
    assert_whole(talk(line, device))
    assert device.sent <= len(device.parts) + WINDOW


def test_a_first_window_that_is_lost_whole_is_asked_for() -> None:
    windows = []

    def line(sent: list[Block]) -> list[Block]:
        windows.append(sent)
        return sent if len(windows) > 1 else []

    assert_whole(talk(line, Device()))


@pytest.mark.parametrize("seed", range(20))
def test_loss_duplication_and_reordering_together(seed: int) -> None:
    chance = random.Random(seed)

    def line(sent: list[Block]) -> list[Block]:
        kept = [block for block in sent for _ in range(chance.choice((0, 1, 1, 1, 2)))]
        chance.shuffle(kept)
        return kept

    assert_whole(talk(line, Device()))


def test_a_dead_line_ends_in_a_timeout() -> None:
    (event,) = talk(lambda sent: [], Device())
    assert isinstance(event, CommandTimedOut)


def test_a_line_that_dies_on_the_way_ends_the_transfer() -> None:
    windows = []

    def line(sent: list[Block]) -> list[Block]:
        windows.append(sent)
        return sent if len(windows) < 3 else []

    *_, last = talk(line, Device())
    assert isinstance(last, TransferEnded)
    assert "send a new command" in last.why


def test_a_device_that_takes_its_time_may_be_asked_and_answers_in_one_frame() -> None:
    session, short = Session(), replace(ANSWER, payload=b"\xda")
    session.send_command(envelope.encode(ASKED), 0.0)
    assert session.deadline == 10.0
    session.receive_data(None, 10.0)
    assert [blocks.decode(frame.payload) for frame in iter(session.next_frame, None)] == [Block(1, 0, last=True)]
    session.receive_data(Frame(Channel.MESSAGES, envelope.encode(short)), 12.0)
    assert session.next_event() == ResponseReceived(ASKED, short)
    assert session.deadline is None


def test_alerts_come_between_blocks() -> None:
    session, device = Session(), Device()
    session.send_command(envelope.encode(ASKED), 0.0)
    alert = Message(3, 9, DEVICE, SUPPLIER, 0x1000, b"\x0f", signature=bytes(64))
    first, *rest = device.window()
    session.receive_data(came(first), 0.1)
    session.receive_data(Frame(Channel.MESSAGES, envelope.encode(alert)), 0.2)
    session.receive_data(came(rest[0]), 0.3)
    events = list(iter(session.next_event, None))
    assert [event for event in events if isinstance(event, AlertReceived)] == [AlertReceived(alert)]


def test_a_block_is_explained_to_its_last_octet() -> None:
    for block, meaning in ((Device().window()[0], ""), (Block(1, 12, last=True), "12"), (Block(0, 0, last=True), "on")):
        octets = blocks.encode(block)
        node = explain(octets)
        assert node.octets() == octets and node.name == "general block transfer"
        assert meaning in node.meaning
    assert explain(blocks.encode(Device().window()[-1])).find("block control").meaning == "window 6"  # type: ignore[union-attr]


@needs_tshark
def test_tshark_reads_what_blocks_make(tmp_path: Path) -> None:
    capture, device = Capture(tmp_path / "capture.pcapng", "/dev/pts/3"), Device()
    capture.add(OUTBOUND, Frame(Channel.MESSAGES, envelope.encode(ASKED)))
    sent = [block for at in range(0, len(device.parts), WINDOW) for block in device.window(at)]
    for block in [*sent[1:], sent[0], sent[-1]]:  # the first late, the last twice
        capture.add(INBOUND, came(block))
        capture.add(OUTBOUND, came(Block(1, 1, last=True)))
    capture.close()
    rows = fields(tmp_path / "capture.pcapng", "frame.comment", "gbcs_message.grouping_header.cra_flag")
    whole = [row for row in rows if "put together" in row[0]]
    assert [row[1] for row in whole] == ["0x02"] and len(rows) == 2 + 2 * (len(sent) + 1)
