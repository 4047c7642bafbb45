"""Thirteen months of half hours from a meter that cannot hold them: read whole, lost blocks too, in a Pico's heap."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from lxml import etree

from opensmets.bench.control import Bench, Frame
from opensmets.bench.firmware import micropython_path
from opensmets.bench.provisioning import provision
from opensmets.bench.virtual import VirtualDevice
from opensmets.layouts import axdr, blocks, envelope
from opensmets.layouts.blocks import BLOCK, MAX_COMMAND, Block
from opensmets.layouts.envelope import Message
from opensmets.layouts.link_frame import Channel
from opensmets.links import Link, open_link
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import protect_command, verify
from opensmets.session import BlockReceived, LogLine, ResponseReceived, Session, TransferEnded
from smets.store import files, segments
from tests.command import smets
from tests.host.device_in_process import copy_parties
from tests.reference import REFERENCE, needs_reference

pytestmark = [
    needs_reference,
    pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON"),
    pytest.mark.xdist_group("long_messages"),
]
DEVICE = bytes.fromhex("00db1234567890a0")
ROWS, HALF_HOUR_S = 19056, 1800
END_S = 473385600  # 2015-01-01T00:00:00Z
FIRST_S = END_S - (ROWS - 1) * HALF_HOUR_S
READ = "4.8.1_ECS22b/ECS22b_4.8.1_SINGLE_SUCCESS_COMMAND_GBCS.HEX"
PATIENCE_S = 60.0


class Unsynced(type(files.FLASH)):  # type: ignore[misc]
    """The flash's files, but nothing is waited for: the seeding is not what is tested."""

    def sync(self, handle: object) -> None:
        """Do nothing."""


def seeded(number: int) -> tuple[int, int]:
    """Return a row of the profile: its time, and a consumption that tells every row from its neighbours."""
    return FIRST_S + number * HALF_HOUR_S, number * 7919 % 65521


def seed(store: Path, rows: int = ROWS) -> None:
    folder = store / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    log = segments.SegmentLog(str(folder), "import_profile", 8, ROWS, files=Unsynced())
    for number in range(rows):
        log.append(struct.pack(">II", *seeded(number)))
    log.close()


def date_time(time_s: int) -> bytes:
    then = time.gmtime(time_s + 946684800)
    return struct.pack(">HBBBBBBB", then.tm_year, then.tm_mon, then.tm_mday, 0xFF, then.tm_hour, then.tm_min, 0, 0) + (
        b"\x80\x00\xff"
    )


@dataclass
class Home:
    """A device with a full profile, and the supplier's end of its link."""

    device: VirtualDevice
    link: Link
    keystore: KeyStore
    counter: int = 70000

    def __post_init__(self) -> None:
        self.bench = Bench(self.link, self.note)
        self.said: list[str] = []

    def note(self, frame: Frame) -> None:
        if frame.channel == Channel.LOG:
            self.said.append(bytes(frame.payload).decode())

    def read_profile(self, from_s: int = FIRST_S, to_s: int = END_S) -> bytes:
        """Return a command to read the profile between two times."""
        self.counter += 1
        assert REFERENCE is not None
        message = envelope.decode(bytes.fromhex((REFERENCE / "rtds/messages" / READ).read_text()))
        old, new = message.counter.to_bytes(8, "big"), self.counter.to_bytes(8, "big")
        payload = message.payload.replace(b"\x09\x09\x04" + old, b"\x09\x09\x04" + new)
        at = payload.index(b"\x09\x0c")
        period = b"\x09\x0c" + date_time(from_s) + b"\x09\x0c" + date_time(to_s)
        invoke_id = struct.pack(">I", 0x20000000 | self.counter & 0xFFFFFF)
        payload = payload[:1] + invoke_id + payload[5:at] + period + payload[at + len(period) :]
        bare = replace(message, counter=self.counter, payload=payload, mac=None, signature=None, raw=b"")
        return protect_command(envelope.encode(bare), self.keystore)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    assert REFERENCE is not None
    folder = tmp_path_factory.mktemp("long")
    keystore = copy_parties(REFERENCE, folder / "keys")
    seed(folder / "store")
    with VirtualDevice(folder / "store", bench=True, log=folder / "log") as device, open_link(device.port) as link:
        provision(link, keystore, DEVICE)
        found = Home(device, link, KeyStore.open(folder / "keys"))
        found.bench.set_time(END_S)
        time.sleep(1.5)  # the tariff is worked out for that time at the next second: there is heap for one of the two
        yield found
        assert device.alive(), (folder / "log").read_text()


class Radio:
    """The session's way to the device; `loses(block, nth)` says which of the device's blocks never arrive."""

    def __init__(self, home: Home) -> None:
        self.home, self.session = home, Session()
        self.now_s = 0.0
        self.blocks: list[int] = []
        self.largest = 0

    def loses(self, block: Block) -> bool:
        return False

    def carry_out(self, command: bytes) -> Message:
        frame = self.session.send_command(command, self.now_s)
        self.home.link.send(frame.channel, frame.payload)
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            while (frame := self.session.next_frame()) is not None:
                self.home.link.send(frame.channel, frame.payload)
            came = self.home.link.receive(1.0)
            if came is None:
                self.now_s += 6  # the session's time: it asks
            elif came.channel == Channel.MESSAGES and blocks.is_block(came.payload):
                block = blocks.decode(came.payload)
                self.blocks.append(block.number)
                if self.loses(block):
                    came = None
            self.session.receive_data(came, self.now_s)
            while event := self.session.next_event():
                if isinstance(event, ResponseReceived):
                    while (frame := self.session.next_frame()) is not None:
                        self.home.link.send(frame.channel, frame.payload)
                    return event.message
                assert isinstance(event, (BlockReceived, LogLine)), event
        raise AssertionError("no response")


def rows_of(message: Message, keystore: KeyStore) -> list[tuple[int, int]]:
    verdict = verify(message, keystore)
    assert verdict.authentic and not verdict.why, verdict
    (plain,) = verdict.decrypted
    (profile,) = axdr.decode(plain).value
    return [(row[0].value, row[1].value) for row in profile]


def test_thirteen_months_are_read_whole_within_a_picos_heap(home: Home) -> None:
    radio = Radio(home)
    started = time.monotonic()
    message = radio.carry_out(home.read_profile())
    print(f"{len(message.raw)} octets in {time.monotonic() - started:.1f} s")
    assert len(message.raw) > ROWS * 8 and len(radio.blocks) == -(-len(message.raw) // BLOCK)
    assert rows_of(message, home.keystore) == [seeded(number) for number in range(ROWS)]


class Lossy(Radio):
    """Loses every seventh block, the first and the last, once each; hears every fifth twice."""

    def loses(self, block: Block) -> bool:
        return self.blocks.count(block.number) == 1 and (block.number % 7 == 1 or block.last)


def test_lost_blocks_are_made_again_while_the_log_grows(home: Home) -> None:
    radio = Lossy(home)
    message = radio.carry_out(home.read_profile())
    assert rows_of(message, home.keystore) == [seeded(number) for number in range(ROWS)]
    lost = {number for number in radio.blocks if number % 7 == 1}
    assert len(radio.blocks) >= len(set(radio.blocks)) + len(lost)


class Growing(Radio):
    """Lets the log grow in the midst of the answer."""

    def loses(self, block: Block) -> bool:
        if self.blocks.count(block.number) == 1 and block.number in (1, 60, 149):
            self.home.link.send(Channel.BENCH, APPEND % (END_S + block.number))
            return True
        return False


APPEND = b'{"do": "append", "log": "import_profile", "row": [%d, 1, 0]}'


def test_rows_that_leave_the_ring_meanwhile_are_still_sent(home: Home) -> None:
    message = Growing(home).carry_out(home.read_profile())
    assert rows_of(message, home.keystore) == [seeded(number) for number in range(ROWS)]
    rows = rows_of(Radio(home).carry_out(home.read_profile(0, END_S + 1000)), home.keystore)
    assert len(rows) == ROWS and rows[0] == seeded(3) and rows[-1] == (END_S + 149, 1)


def test_a_part_of_the_profile_that_fits_comes_whole(home: Home) -> None:
    first, last = seeded(1000)[0], seeded(1100)[0]
    radio = Radio(home)
    message = radio.carry_out(home.read_profile(first, last))
    assert not radio.blocks
    assert rows_of(message, home.keystore) == [seeded(number) for number in range(1000, 1101)]


def test_a_long_command_arrives_in_blocks_and_a_longer_one_is_refused(home: Home) -> None:
    home.bench.status()
    refused = home.bench.status().get("refused", {}).get("8F1E", 0)
    short = home.read_profile(END_S, END_S)
    assert verify(_by_blocks(home, short, 100), home.keystore).authentic
    for number in range(1, MAX_COMMAND // BLOCK + 2):
        block = Block(number, 0, bytes((number,)) * BLOCK, streaming=True)
        home.link.send(Channel.MESSAGES, blocks.encode(block))
    assert home.bench.status()["refused"]["8F1E"] == refused + 1
    assert f"{MAX_COMMAND} octets" in home.said[-1]
    assert verify(_by_blocks(home, home.read_profile(END_S, END_S), 70), home.keystore).authentic


def test_an_answer_whose_rows_are_gone_is_ended(home: Home) -> None:
    radio = Radio(home)
    frame = radio.session.send_command(home.read_profile(), 0.0)
    home.link.send(frame.channel, frame.payload)
    while not blocks.is_block((came := home.link.receive(3)).payload):  # type: ignore[union-attr]
        pass
    radio.session.receive_data(came, 0.0)
    home.bench("clear", log="import_profile")
    seen = home.link.receive(0.3)
    assert seen is None or seen.channel == Channel.MESSAGES
    events = []
    for now_s in range(0, 60, 6):
        radio.session.receive_data(home.link.receive(0.1), now_s)
        while (frame := radio.session.next_frame()) is not None:
            home.link.send(frame.channel, frame.payload)
        while event := radio.session.next_event():
            events.append(event)
    assert any(isinstance(event, TransferEnded) for event in events), events[-3:]
    assert home.device.alive()


def _by_blocks(home: Home, command: bytes, size: int) -> Message:
    """Send a command in small blocks, as another head-end might, and return the response."""
    parts = [command[at : at + size] for at in range(0, len(command), size)]
    for number, part in enumerate(parts, 1):
        last = number == len(parts)
        home.link.send(Channel.MESSAGES, blocks.encode(Block(number, 0, part, last=last, streaming=not last)))
    confirmed = 0
    while (frame := home.link.receive(3)) is not None:
        if frame.channel == Channel.MESSAGES and blocks.is_block(frame.payload):
            confirmed = blocks.decode(frame.payload).confirmed
        elif frame.channel == Channel.MESSAGES:
            assert confirmed == len(parts)
            return envelope.decode(frame.payload)
    raise AssertionError("no response")


def test_the_command_prints_every_row_of_the_profile(home: Home, tmp_path: Path) -> None:
    """`smets send` of the DUIS document that asks for all of it: the rows as MMC XML. The last: it takes the port."""
    assert REFERENCE is not None
    home.bench("clear", log="import_profile")
    home.bench.status()
    home.link.close()
    home.device.stop()
    for file in (home.device.store / "logs").glob("import_profile*"):
        file.unlink()
    seed(home.device.store)
    home.device.start()
    text = (REFERENCE / "duis/requests/ECS22b_4.8.1_SINGLE_SUCCESS_REQUEST_DUIS.XML").read_text()
    request = tmp_path / "request.xml"
    request.write_text(text.replace("2014-12-31T00:00:00.00Z", "2013-11-01T00:00:00.00Z").replace(":1002<", ":200000<"))
    where = ("--port", home.device.port, "--keystore", home.keystore.path)
    sent = smets("send", request, *where, "--timeout", "60")
    assert sent.code == 0, sent.err
    found = [entry.text for entry in etree.fromstring(sent.out.encode()).iterfind(".//{*}PrimaryValue")]
    wanted = [number for number in range(ROWS) if seeded(number)[0] >= FIRST_S]
    assert found == [str(seeded(number)[1]) for number in wanted]
