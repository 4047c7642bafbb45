"""A firmware image from the build to the version that a meter tells, on real MicroPython; and what goes wrong there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from opensmets.bench.control import IMAGE, MESSAGES, Bench, Frame
from opensmets.bench.firmware import shortened_modules
from opensmets.bench.images import ImageRefused, send_image, unix_image
from opensmets.bench.provisioning import provision
from opensmets.bench.virtual import VirtualDevice
from opensmets.layouts import asn1, envelope, firmware_image, xdlms
from opensmets.layouts.envelope import COMMAND, Message
from opensmets.layouts.firmware_image import Image
from opensmets.links import Link, open_link
from opensmets.security import pki
from opensmets.security.keystore import KeyStore
from opensmets.security.manufacturer import sign_image
from opensmets.security.protection import add_mac, sign_precommand, verify
from tests.command import smets

METER = bytes.fromhex("00db1234567890a0")
VERSION = bytes.fromhex("00020304")
FACTORY_VERSION = bytes.fromhex("00010000")
ACTIVATE, FUTURE_DATED, RECEIPT, WARNING = 0x0012, 0x00CA, 0x00CE, 0x00F0
WAIT_S = 20


@dataclass
class World:
    """A provisioned meter, its link and keys, and the messages that it sent."""

    device: VirtualDevice
    link: Link
    keystore: KeyStore
    messages: list[Message]
    bench: Bench
    counter: int = 0

    def take(self, frame: Frame) -> None:
        """Keep a message, having verified it."""
        if int(frame.channel) == MESSAGES:
            message = envelope.decode(frame.payload)
            assert verify(message, self.keystore).authentic
            self.messages.append(message)

    def wait_for(self, code: int) -> Message:
        """Return the oldest message of a code that was not taken yet."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            for message in self.messages:
                if message.message_code == code:
                    self.messages.remove(message)
                    return message
            frame = self.link.receive(0.2)
            if frame is not None:
                self.take(frame)
        raise AssertionError(f"no message {code:04X}: {self.messages}, {self.bench.status()}")

    def send(self, image: Image) -> bytes:
        """Sign and send an image."""
        return send_image(self.link, sign_image(self.keystore, image).encode(), on_frame=self.take)

    def activate(self, image_hash: bytes, when: str | None = None) -> None:
        """Send a CS06 of the supplier's."""
        self.counter += 1
        supplier = self.keystore.by_role("supplier")[0].eui
        parts = [asn1.make(asn1.OCTET_STRING, image_hash), asn1.make(asn1.INTEGER, bytes((self.counter,)))]
        if when:
            parts.append(asn1.make(asn1.GENERALIZED_TIME, when.encode()))
        payload = asn1.make(asn1.SEQUENCE, tuple(parts)).encode()
        command = envelope.encode(Message(COMMAND, self.counter, supplier, METER, ACTIVATE, payload))
        signed = envelope.decode(sign_precommand(command, self.keystore))
        self.link.send(MESSAGES, envelope.encode(add_mac(replace(signed, raw=b""), self.keystore)))

    def version(self) -> bytes:
        """Return the version that the meter tells."""
        return bytes.fromhex(self.bench.get("firmware.version"))


@pytest.fixture(scope="module")
def image() -> Image:
    return unix_image("micropython", VERSION)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    keystore = pki.init(tmp_path / "keys")
    with (
        VirtualDevice(tmp_path / "store", bench=True, log=tmp_path / "log") as device,
        open_link(device.port) as link,
    ):
        provision(link, keystore, METER)
        made = World(device, link, keystore, [], Bench(link))
        made.bench = Bench(link, made.take)
        yield made


def outcome(message: Message) -> tuple[int, bytes]:
    """Return the response code and the version of an activation's response or alert."""
    element = asn1.decode(message.payload)
    element = element.children[-1] if element.children[-1].tag == asn1.SEQUENCE else element
    code, version = element.children
    return code.integer, version.content


def alert(message: Message) -> tuple[int, list[bytes]]:
    """Return the alert code and the additional octet strings."""
    told = xdlms.decode_notification(message.payload)
    return told.alert_code, [part.value for part in told.extra]


def test_new_version_is_received_activated_and_told(world: World, image: Image) -> None:
    image_hash = world.send(image)
    assert image_hash == image.image_hash()
    assert alert(world.wait_for(RECEIPT)) == (0x8F72, [image_hash])
    assert world.version() == FACTORY_VERSION
    before = world.device.pid
    world.activate(bytes(32))
    assert outcome(world.wait_for(ACTIVATE)) == (2, FACTORY_VERSION)
    world.activate(image_hash)
    assert outcome(world.wait_for(ACTIVATE)) == (0, VERSION)
    assert world.device.pid != before and world.version() == VERSION
    assert world.bench("rows", log="security")["rows"][-1][1] == 0x8F43

    world.device.restart()  # the power is cut: what was confirmed stays
    assert world.version() == VERSION
    assert (world.device.store / "slots" / "boot").read_bytes()[:4] == b"aaI0"
    world.activate(image_hash)
    assert outcome(world.wait_for(ACTIVATE)) == (1, VERSION)


def test_flipped_bit_is_refused_with_an_alert(world: World, image: Image) -> None:
    octets = bytearray(sign_image(world.keystore, image).encode())
    octets[len(octets) // 2] ^= 1
    with pytest.raises(ImageRefused, match="did not sign"):
        send_image(world.link, bytes(octets), on_frame=world.take)
    code, extra = alert(world.wait_for(RECEIPT))
    assert code == 0x8F1C and extra != [image.image_hash()]
    world.activate(image.image_hash())
    assert outcome(world.wait_for(ACTIVATE)) == (1, FACTORY_VERSION)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("smets.crypto.p256", b"no byte code"),  # it does not even load
        ("tables/esme.use_cases", b"UC\x02\x00\x00\x00\x00\x00"),  # it loads, and knows no command any more
    ],
)
def test_failing_firmware_falls_back(world: World, image: Image, path: str, content: bytes) -> None:
    file = f"{shortened_modules()[path].path}.mpy" if path.startswith("smets.") else path
    assert file in image.files
    image_hash = world.send(replace(image, files={**image.files, file: content}))
    world.wait_for(RECEIPT)
    world.activate(image_hash)
    assert outcome(world.wait_for(ACTIVATE)) == (3, FACTORY_VERSION)
    assert alert(world.wait_for(WARNING)) == (0x81A0, [b"\x00\x02"])
    assert world.version() == FACTORY_VERSION
    assert (world.device.store / "slots" / "boot").read_bytes()[:1] == b"-"


def test_activation_at_a_time_is_told_by_an_alert(world: World, image: Image) -> None:
    image_hash = world.send(image)
    world.bench.set_time(473_385_600)  # 2015-01-01
    world.activate(image_hash, "20150101001000Z")
    assert world.wait_for(ACTIVATE).payload == b"\x05\x00"
    assert world.version() == FACTORY_VERSION
    world.bench.advance_to(473_385_600 + 600)
    told = world.wait_for(FUTURE_DATED)
    assert asn1.decode(told.payload).children[0].integer == 0x8F66
    assert outcome(told) == (0, VERSION) and world.version() == VERSION


def test_altered_files_of_the_running_slot_are_told_of(world: World, image: Image) -> None:
    image_hash = world.send(image)
    world.activate(image_hash)
    world.wait_for(ACTIVATE)
    world.device.stop()
    file = world.device.store / "slots" / "a" / f"{shortened_modules()['smets.message.utrn'].path}.mpy"
    file.write_bytes(file.read_bytes()[:-1] + b"\x55")
    world.device.start()
    assert alert(world.wait_for(0x1000)) == (0x8F1B, [])
    assert alert(world.wait_for(WARNING)) == (0x81A0, [b"\x00\x03"])


def test_transfer_goes_on_after_a_power_cut(world: World, image: Image) -> None:
    octets = sign_image(world.keystore, image).encode()
    places: list[int] = []

    def cut(done: int, size: int) -> None:
        places.append(done)
        if len(places) == 60:
            world.device.restart()

    assert send_image(world.link, octets, on_frame=world.take, on_progress=cut) == image.image_hash()
    assert min(places[61:]) >= places[59] - 1024, "it began anew"


def test_image_for_another_board_or_role_is_refused(world: World, image: Image) -> None:
    for other in (replace(image, board="RPI_PICO"), replace(image, role="ppmid")):
        with pytest.raises(ImageRefused, match="the image is for"):
            world.send(other)
    assert world.send(image) == image.image_hash()


def test_hanging_firmware_falls_back(world: World, image: Image) -> None:
    hangs = "import time\nwhile True:\n    time.sleep(1)\n"
    files = {path: content for path, content in image.files.items() if path != "smets/roles/esme.mpy"}
    image_hash = world.send(replace(image, files={**files, "smets/roles/esme.py": hangs.encode()}))
    world.wait_for(RECEIPT)
    world.device.trial_s = 2.0
    world.activate(image_hash)
    assert outcome(world.wait_for(ACTIVATE)) == (3, FACTORY_VERSION)
    assert (world.device.store / "slots" / "boot").read_bytes()[:1] == b"-"


def test_image_by_command_in_a_pipe_and_for_a_program(world: World, tmp_path: Path) -> None:
    """`smets firmware build`, then `smets device update`: aborted, sent with plain lines, sent again with JSON."""
    file, store, port = tmp_path / "new.smfi", world.keystore.path, world.device.port
    built = smets("firmware", "build", "--version", "0.1.0.3", "-o", file, "--keystore", store, "--json")
    image_hash = json.loads(built.out)["hash"]
    world.link.close()
    begun = open_link(port)
    octets = file.read_bytes()
    begun.send(IMAGE, firmware_image.encode_offer(len(octets), bytes.fromhex(image_hash)))
    begun.close()
    aborted = smets("device", "update", "--abort", "--port", port)
    assert aborted.code == 0 and "given up" in aborted.err
    assert not (world.device.store / "slots" / "a" / "offer").exists()
    sent = smets("device", "update", file, "--port", port)
    assert (sent.code, sent.out.strip()) == (0, image_hash), sent.err
    lines = [line for line in sent.err.splitlines() if "sending to" in line]
    assert f"0 of {len(octets)} bytes" in lines[0] and f"{len(octets)} of {len(octets)} bytes" in lines[-1]
    assert "\r" not in sent.err and "\x1b" not in sent.err
    again = smets("device", "update", file, "--port", port, "--json")
    assert json.loads(again.out) == {"port": port, "hash": image_hash, "size": len(octets)} and not again.err
