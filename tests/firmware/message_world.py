"""A device's message layer with parties whose private keys the tests know, and the parties' side of a message."""

import struct
from hashlib import sha256

from smets.cosem.access import MalformedRequest
from smets.crypto import compare, kdf, p256
from smets.crypto.gcm import Gcm
from smets.message.alerts import Alerts, AlertTable
from smets.message.authority import UseCaseTable
from smets.message.counters import Counters
from smets.message.envelope import COMMAND, Envelope, Writer
from smets.message.handler import Handler
from smets.message.protection import Protection
from smets.message.station import Station
from smets.trust.cells import DIGITAL_SIGNATURE, KEY_AGREEMENT, MANAGEMENT, PREPAYMENT, TrustAnchors
from smets.trust.certificate import Certificate
from smets.trust.device_keys import DeviceKeys
from tests.firmware.certificates import make_certificate, private
from tests.firmware.memory_journal import MemoryJournal

TABLES = __file__.rsplit("tests/firmware/", 1)[0] + "firmware/tables/"

DEVICE = b"\x00\xdb\x12\x34\x56\x78\x90\xa0"
SUPPLIER = b"\x90\xb3\xd5\x1f\x30\x01\x00\x00"
OPERATOR = b"\x90\xb3\xd5\x1f\x30\x02\x00\x00"
BROKER = b"\x90\xb3\xd5\x1f\x30\x00\x00\x02"
COS = b"\x90\xb3\xd5\x1f\x30\x00\x00\x04"
STRANGER = b"\x90\xb3\xd5\x1f\x30\x03\x00\x00"
NOW_S = 473385600  # 2015-01-01T00:00:00Z

READ_VERSION = 0x0059  # ECS52
READ_SWITCH = 0x0052  # ECS45
DISABLE = 0x0050  # ECS43
READ_REGISTERS = 0x0027  # ECS17b, with a response time
CELL_DETAILS = 0x0008  # CS02a

VERSION = b"\x01\x00\x01\x00\x00\x00\x02\x01\xff\x02"
CONTACTOR = b"\x03\x00\x09\x00\x00\x0a\x00\x6a\xff\x01"

CELLS = (
    (2, "ds", SUPPLIER), (2, "ka", SUPPLIER), (2, "pp", SUPPLIER), (3, "ds", OPERATOR), (3, "ka", OPERATOR),
    (4, "ka", BROKER), (5, "ds", COS),
)  # fmt: skip
_USAGES = {
    "ds": (DIGITAL_SIGNATURE, MANAGEMENT),
    "ka": (KEY_AGREEMENT, MANAGEMENT),
    "pp": (KEY_AGREEMENT, PREPAYMENT),
}


def key_of(eui, usage):
    """Return a party's private key."""
    return private(int.from_bytes(eui + usage.encode(), "big"))


_CERTIFICATES = {}


def certificate_of(eui, usage, role=2):
    """Return a party's certificate (DER), made at first use."""
    name = (eui, usage, role)
    if name not in _CERTIFICATES:
        _CERTIFICATES[name] = make_certificate(eui, role, _USAGES[usage][0], key_of(eui, usage))
    return _CERTIFICATES[name]


class Echo:
    """Stands in for the access service: notes what it was asked and answers with a sealed constant or nulls."""

    def __init__(self):
        self.calls = []

    def execute(self, request, context, sink):
        if len(request) > 7 and request[6] == 99:
            raise MalformedRequest("for the test")
        self.calls.append((bytes(request), context))
        sink.write(b"\xda" + bytes(request[1:5]) + b"\x00\x00")
        if request[8:10] == b"\x00\x1e":
            secret = bytearray(b"sensitive")
            tag = context.protector.seal(memoryview(secret))
            sink.write(secret + tag)


class World:
    """One device with its cells filled, and its journal, counters, alerts sent and security events reported."""

    def __init__(self, journal=None, cells=CELLS):
        fresh = journal is None
        self.journal = journal or MemoryJournal()
        self.keys = DeviceKeys(self.journal)
        if fresh:
            self.keys.generate()
        self.anchors = TrustAnchors(self.journal, self.keys)
        for role, usage, eui in cells if fresh else ():
            self.anchors.place(role, *_USAGES[usage], Certificate(certificate_of(eui, usage, role)))
        self.anchors.agree_all()
        self.now_s = NOW_S
        self.sent, self.events = [], []
        self.access = Echo()
        self.counters = Counters(self.journal)
        self.protection = Protection(self.anchors, self.keys)
        self.alerts = Alerts(
            AlertTable(TABLES + "alerts"), self.anchors, self.protection, self.counters, DEVICE,
            lambda view: self.sent.append(bytes(view)),
        )  # fmt: skip
        self.station = Station(
            DEVICE, self.journal, self.keys, self.anchors, self.counters, lambda: self.now_s, self.events.append
        )
        use_cases = UseCaseTable(TABLES + "esme.use_cases")
        self.handler = Handler(self.station, use_cases, self.protection, self.alerts, self.access, Writer())

    def handle(self, message):
        """Return the answer as bytes, or None."""
        answer = self.handler.handle(memoryview(message))
        return None if answer is None else bytes(answer)

    def state(self):
        """Return everything that a refused message must leave as it was; own counters are reserved by its alerts."""
        kept = {name: value for name, value in self.journal.values.items() if name != "counter/own"}
        return kept, len(self.access.calls), self.handler.accepted

    def command(self, code, payload, originator=SUPPLIER, counter=1000, **how):
        """Return a command as the party and the broker make it; see `make_command`."""
        return make_command(self.keys.public(KEY_AGREEMENT), code, payload, originator, counter, **how)

    def secret_with(self, eui, usage="ka"):
        """Return the secret that a party shares with the device, from the party's side."""
        return p256.ecdh(key_of(eui, usage), self.keys.public(KEY_AGREEMENT))


def access_request(counter, *items):
    """Return an access-request for items given as `choice class OBIS member`, with null for data."""
    head = b"\xd9" + struct.pack(">I", 0x20000000 | counter & 0xFFFFFF) + b"\x00" + bytes((len(items),))
    return head + b"".join(items) + bytes((len(items),)) + bytes(len(items))


def message_key(secret, cra, originator, counter, recipient):
    """Derive a message key as GBCS writes it down."""
    info = b"\x60\x85\x74\x06\x08\x03\x00" + originator + b"\x09" + bytes((cra,)) + counter + recipient
    return kdf.shared_key(secret, info)


def make_command(
    device_public, code, payload, originator, counter, signed=False, mac=True, supplementary=(), recipient=DEVICE,
    signer=None, cra=COMMAND, certificate=None, mac_by=BROKER,
):  # fmt: skip
    """Return a command. `signer` is a private key other than the originator's; `mac_by` the party that MACs it."""
    writer, counter = Writer(), counter.to_bytes(8, "big")
    writer.begin().write(payload)
    writer.head(cra, counter, originator, recipient, code, b"", supplementary)
    if certificate:
        return _with_certificate(device_public, bytes(writer.signed()), originator, counter, recipient, certificate)
    signature = b""
    if signed:
        signature = p256.sign(signer or key_of(originator, "ds"), sha256(bytes(writer.signed())).digest())
    writer.finish(signature)
    if mac:
        key = message_key(p256.ecdh(key_of(mac_by, "ka"), device_public), cra, originator, counter, recipient)
        prefix = b"\x11\x00\x00\x00\x00\x00"
        writer.append_mac(Gcm(key).tag(originator + bytes(4), prefix + bytes(writer.authenticated())))
    return bytes(writer.message())


def _with_certificate(device_public, header, originator, counter, recipient, certificate):
    """Put a certificate behind the supplementary fields of an unsigned message and MAC it."""
    length = header[29] + len(certificate)
    body = b"\xdf" + header[:29] + b"\x82" + struct.pack(">H", length) + header[30:48] + certificate + header[48:]
    body += b"\x00"
    key = message_key(p256.ecdh(key_of(BROKER, "ka"), device_public), COMMAND, originator, counter, recipient)
    tag = Gcm(key).tag(originator + bytes(4), b"\x11\x00\x00\x00\x00\x00" + body)
    size = 5 + len(body) + 12
    length = b"\x82" + struct.pack(">H", size) if size > 255 else b"\x81" + bytes((size,))
    return b"\xdd" + bytes(6) + length + b"\x11\x00\x00\x00\x00" + body + tag


def parse(message):
    """Return a message's Envelope."""
    envelope = Envelope()
    envelope.parse(memoryview(message))
    return envelope


def is_mac_right(world, message, party):
    """Return whether a message's MAC is the device's for a party."""
    envelope = parse(message)
    counter, recipient = bytes(envelope.counter), bytes(envelope.recipient)
    key = message_key(world.secret_with(party), envelope.cra, bytes(envelope.originator), counter, recipient)
    aad = b"\x11\x00\x00\x00\x00\x00" + bytes(envelope.authenticated)
    return compare.equal(Gcm(key).tag(bytes(envelope.originator) + bytes(4), aad), envelope.mac)


def is_signature_right(world, message):
    """Return whether a message's signature is the device's."""
    envelope = parse(message)
    digest = sha256(bytes(envelope.signed)).digest()
    return p256.verify(world.keys.public(DIGITAL_SIGNATURE), digest, bytes(envelope.signature))


def alert_code(message):
    """Return the alert code of an alert."""
    payload = parse(message).payload
    return payload[9] << 8 | payload[10]
