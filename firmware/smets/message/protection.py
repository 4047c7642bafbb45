"""MACs, signatures and the keys of sensitive attributes (GBCS 6.2, 8.2.4).

Every message key comes from the secret shared with one party and from the message's own header; none is kept.
"""

from hashlib import sha256

from micropython import const

from smets.cosem.results import OTHER_REASON, Refusal
from smets.crypto import compare, kdf, p256
from smets.crypto.gcm import Gcm
from smets.message.envelope import COMMAND, SENSITIVE, give
from smets.on_demand import call
from smets.trust.cells import ACCESS_CONTROL_BROKER, ROOT

_KEY_PREFIX = const(b"\x60\x85\x74\x06\x08\x03\x00")
_COUNTER_ZERO = bytes(4)
_MAC_PREFIX = const(b"\x11\x00\x00\x00\x00\x00")
_SENSITIVE_PREFIX = const(b"\x31")


def seal(secret, device, counter, party, buffer):
    """Encrypt a sensitive part in place and return its tag (12 bytes); `counter` is the message's, 8 bytes."""
    gcm = begin_seal(secret, device, counter, party)
    gcm.encrypt(buffer)
    return gcm.finish()


def begin_seal(secret, device, counter, party):
    """Return the Gcm that encrypts a sensitive part piece by piece, and then has its tag."""
    gcm = Gcm(message_key(secret, SENSITIVE, device, counter, party))
    gcm.start(device + _COUNTER_ZERO, _SENSITIVE_PREFIX)
    return gcm


class NotProtectable(ValueError):
    """The device holds no key agreement key of the party that a MAC or an encrypted part is for."""


def message_key(secret, cra, originator, counter, recipient):
    """Return the AES key (16 bytes) of one message between two parties with a shared secret."""
    return kdf.shared_key(secret, _KEY_PREFIX, originator, b"\x09", bytes((cra,)), counter, recipient)


class Protection:
    """Verifies and protects messages with the device's keys and its trust anchor cells."""

    def __init__(self, anchors, device_keys):
        self._anchors = anchors
        self._keys = device_keys

    def is_mac_valid(self, envelope):
        """Return whether a command's MAC is the access control broker's for this device."""
        broker = self._anchors.cell(ACCESS_CONTROL_BROKER, self._anchors.AGREEMENT)
        if broker is None or envelope.mac is None:
            return False
        secret = self._anchors.shared_secret(broker)
        key = message_key(secret, COMMAND, envelope.originator, envelope.counter, envelope.recipient)
        gcm = Gcm(key)
        gcm.start(bytes(envelope.originator) + _COUNTER_ZERO)
        gcm.add(_MAC_PREFIX)
        give(envelope.authenticated, gcm.add)
        return compare.equal(gcm.finish(), envelope.mac)

    def is_signature_valid(self, envelope, cell):
        """Return whether a command bears the signature of the party whose signing key is in `cell`; by the authority
        of the root's cell, that of its contingency key."""
        if envelope.signature is None:
            return False
        public_key = cell.public_key
        if cell.role == ROOT:
            public_key = call("smets.message.update_command", "contingency_key", envelope.payload, cell)
        if public_key is None:
            return False
        digest = sha256()
        give(envelope.signed, digest.update)
        return p256.verify(public_key, digest.digest(), bytes(envelope.signature))

    def sign(self, writer):
        """Append the device's signature to a message whose header stands."""
        writer.finish(self._keys.sign(sha256(writer.signed()).digest()))

    def sign_digest(self, digest):
        """Return the device's signature (64 bytes) of a message by its SHA-256."""
        return self._keys.sign(digest)

    def add_mac(self, writer, cra, originator, counter, recipient):
        """Append an empty signature and the MAC for `recipient`. Raises NotProtectable when its key is not here."""
        gcm = self.begin_mac(cra, originator, counter, recipient)
        writer.finish(b"")
        gcm.add(writer.authenticated())
        writer.append_mac(gcm.finish())

    def begin_mac(self, cra, originator, counter, recipient):
        """Return the Gcm whose `add` takes the authenticated part of a message and whose `finish` is its MAC.

        Raises NotProtectable as `add_mac` does.
        """
        gcm = Gcm(message_key(self.secret_of(recipient), cra, originator, counter, recipient))
        gcm.start(originator + _COUNTER_ZERO)
        gcm.add(_MAC_PREFIX)
        return gcm

    def secret_of(self, eui):
        """Return the secret shared with a party known by its EUI. Raises NotProtectable when its key is not here."""
        for cell in self._anchors.held_by(eui, self._anchors.AGREEMENT):
            return self._anchors.shared_secret(cell)
        raise NotProtectable("no key agreement key of that party")


class SensitiveProtector:
    """Encrypts sensitive attributes of one response for the party that may read them (GBCS 8.2.4).

    `counter` is the message's, or the supplementary originator counter of a response to an unknown party that sent its
    certificate. The secret is `agree(partner)`, computed only when something is sealed: most commands never need it.
    """

    __slots__ = ("_device", "_party", "_counter", "_agree", "_partner")

    def __init__(self, device, party, counter, agree, partner):
        self._device = device
        self._party = party
        self._counter = counter
        self._agree = agree
        self._partner = partner

    def seal(self, buffer):
        """Encrypt `buffer` in place and return the tag (12 bytes). Raises Refusal when the party's key is not here."""
        gcm = self.begin()
        gcm.encrypt(buffer)
        return gcm.finish()

    def begin(self):
        """Return the Gcm that encrypts the part piece by piece, and then has its tag. Raises Refusal as `seal`."""
        try:
            secret = self._agree(self._partner)
        except NotProtectable:
            raise Refusal(OTHER_REASON)
        return begin_seal(secret, self._device, self._counter, self._party)
