"""A root is replaced with all that is under it, by the contingency key, on real MicroPython in a Pico's heap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from opensmets.bench.control import Bench
from opensmets.bench.firmware import micropython_path
from opensmets.bench.provisioning import METER_CELLS, ROLE_NUMBERS, default_anchors, provision
from opensmets.bench.virtual import VirtualDevice
from opensmets.cli.conversation import Conversation, Refused
from opensmets.layouts import asn1, envelope
from opensmets.layouts.envelope import Message
from opensmets.layouts.link_frame import Channel
from opensmets.links import Link, open_link
from opensmets.security import certificates, contingency, pki
from opensmets.security.certificates import Issuer
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import protect_command
from opensmets.transform.contingency import Replacement, pre_command
from tests.command import smets
from tests.end_to_end.meter import Meter
from tests.reference import REFERENCE

DEVICE = bytes.fromhex("00db1234567890a0")
CELLS = 11
SUCCESS = bytes.fromhex("0a0100")
#: Longest content of a payload in DER that a device looks at (firmware/smets/trust/der.py).
LONGEST = 6144
TIMEOUT_S = 60.0
pytestmark = pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON")


def test_the_command_line_replaces_a_root(meter: Meter, tmp_path: Path) -> None:
    new = tmp_path / "new"
    assert smets("pki", "init", new).code == 0
    other = tmp_path / "other"
    assert smets("pki", "init", other).code == 0
    # with the symmetric key of another root nothing is authentic
    right = (meter.keystore / contingency.FILE).read_bytes()
    (meter.keystore / contingency.FILE).write_bytes((other / contingency.FILE).read_bytes())
    wrong = smets("pki", "contingency", "--to", new, "--keystore", meter.keystore).out.encode()
    assert "0x8F3D" in meter.smets("send", "-", stdin=wrong).err
    (meter.keystore / contingency.FILE).write_bytes(right)
    made = smets("pki", "contingency", "--to", new, "--keystore", meter.keystore).out.encode()
    answer = meter.smets("send", "-", stdin=made)
    assert answer.code == 0 and 'MessageSuccess="true"' in answer.out
    if REFERENCE:
        schema = etree.XMLSchema(etree.parse(REFERENCE / "duis" / "mmc-5.4.xsd"))
        schema.assertValid(etree.fromstring(answer.out.encode()))
    assert "0x8F3D" in meter.smets("supply", "disable").err
    assert smets("supply", "disable", "--port", meter.port, "--keystore", new).code == 0
    # the old root's key is spent: its holder has no say any more, the new root's has
    again = smets("pki", "contingency", "--to", other, "--keystore", meter.keystore).out.encode()
    assert "0x8F3D" in meter.smets("send", "-", stdin=again).err
    made = smets("pki", "contingency", "--to", other, "--keystore", new).out.encode()
    assert smets("send", "-", "--port", meter.port, "--keystore", new, stdin=made).code == 0


@dataclass
class Line:
    """A provisioned meter in a Pico's heap, and who can talk to it."""

    old: KeyStore
    new: KeyStore
    link: Link

    def carry_out(self, command: bytes) -> Message:
        """Send a command as somebody who never sent one before, and return its response."""
        return Conversation(self.link, self.old).carry_out(command, TIMEOUT_S).message


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    old, new = pki.init(tmp_path / "old"), pki.init(tmp_path / "new")
    with VirtualDevice(tmp_path / "esme", bench=True) as device, open_link(device.port) as link:
        provision(link, old, DEVICE)
        yield Line(old, new, link)


def long_certificate(keystore: KeyStore, role: str, usage: str, eui: bytes, padding: int) -> x509.Certificate:
    """Return a certificate under a key store's issuer with an extension of so many octets that nobody knows."""
    issuer = Issuer(
        pki.authority_certificate(keystore, pki.ISSUING).subject, pki._issuer(keystore, pki.ISSUING).private_key
    )
    return certificates.issue(
        issuer, certificates.organisation_name(role, None, eui), ec.generate_private_key(ec.SECP256R1()).public_key(),
        usage, not_before=datetime(2026, 1, 1, tzinfo=UTC), not_after=datetime(2036, 1, 1, tzinfo=UTC),
        extension=x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.1"), bytes(padding)),
    )  # fmt: skip


def largest(line: Line) -> Message:
    """Return the command that replaces every cell, with certificates as long as all together may be."""
    holder, padding = contingency.holder(line.old), 0

    def made(padding: int) -> Message:
        replacements: list[Replacement] = [
            (ROLE_NUMBERS[each.role], usage, long_certificate(line.new, each.role, usage, each.eui, padding))
            for each in default_anchors(line.new)
            for usage in METER_CELLS[each.role]
        ]
        root, issuers = pki.authority_certificate(line.new), [pki.authority_certificate(line.new, pki.ISSUING)]
        octets = pre_command(
            DEVICE, holder, 1, contingency.symmetric_key(line.old),
            root=root, issuers=issuers, replacements=replacements,
        )  # fmt: skip
        return envelope.decode(protect_command(octets, line.old))

    def size(message: Message) -> int:
        return len(asn1.decode(message.payload).encode()) - len(asn1.decode(message.payload).header)

    padding = (LONGEST - size(made(0)) - 3 * CELLS) // (CELLS - 1)
    message = made(padding)
    assert LONGEST - 80 < size(message) <= LONGEST, size(message)
    return message


def test_the_largest_update_there_is_goes_in_blocks_and_is_carried_out(line: Line) -> None:
    message = largest(line)
    answer = line.carry_out(message.raw)
    outcomes = asn1.decode(answer.payload).children[1].children[3].children
    assert [each.children[1].integer for each in outcomes] == [0] * CELLS
    # in blocks the same message is known again, and left alone; whole it is more than one frame may have
    line.link.send(Channel.MESSAGES, message.raw)
    status = Bench(line.link).status()
    assert (status["accepted"], status["refused"]) == (1, {"8F1E": 1})


def test_no_bit_of_the_wrapped_key_may_be_another(line: Line) -> None:
    """What the root's cell holds is looked at by unit tests; here, a command altered on its way."""
    message = largest(line)
    place = message.raw.index(contingency.symmetric_key(line.old))
    for offset in (0, 31):
        altered = bytearray(message.raw)
        altered[place + offset] ^= 0x01
        with pytest.raises(Refused, match="0x8F3D"):
            line.carry_out(bytes(altered))
    root = pki.authority_certificate(line.new).public_bytes(Encoding.DER)
    assert root in message.raw  # and it is as good as before
    assert line.carry_out(message.raw).payload.count(SUCCESS) == CELLS
