"""Provisioning: what a factory does to a device before it becomes a meter (link channel 5).

A session runs `begin`, `cell`s, `keys`, `certificate`s, `finish`. Its state lives in the journal, so a power cut
leaves a device that is either not provisioned (begin again) or provisioned; once it is, only `who` is answered.
"""

import json
from binascii import hexlify, unhexlify

from micropython import const

from smets.crypto import p256
from smets.trust.cells import (
    ACCESS_CONTROL_BROKER,
    DIGITAL_SIGNATURE,
    KEY_AGREEMENT,
    KEY_CERT_SIGN,
    MANAGEMENT,
    PREPAYMENT,
    ROOT,
    CellError,
)
from smets.trust.certificate import MAX_CERTIFICATE, MAX_KEY_IDENTIFIER, Certificate, CertificateError
from smets.trust.identity import IDENTITY, STAMP, who
from smets.trust.manufacturer import MANUFACTURER
from smets.trust.own_certificates import own_certificate_pair

_MAX_REQUEST = const(4096)
"""Longest request, bytes."""

_USAGES = {"ds": DIGITAL_SIGNATURE, "ka": KEY_AGREEMENT, "certsign": KEY_CERT_SIGN}
_CELL_USAGES = {"management": MANAGEMENT, "prepayment": PREPAYMENT}
_KEY_SIZE = const(64)


class ProvisioningError(ValueError):
    """The request cannot be carried out; the text says why, in one line."""


class Provisioning:
    """Answers provisioning requests. `role` is the device kind's name."""

    def __init__(self, journal, anchors, device_keys, role):
        self._journal = journal
        self._anchors = anchors
        self._keys = device_keys
        self._role = role

    def answer(self, request):
        """Return the JSON answer (bytes) to one JSON request (bytes or memoryview)."""
        try:
            result = self._carry_out(_decode(request))
            result["ok"] = True
        except (ProvisioningError, CertificateError, CellError) as error:
            result = {"ok": False, "why": str(error)}
        return json.dumps(result).encode()

    def is_done(self):
        """Return whether the device is provisioned."""
        return self._journal.get(STAMP) is not None

    def _carry_out(self, request):
        name = _text(request, "do")
        if name == "who":
            return who(self._journal, self._role)
        if self.is_done():
            raise ProvisioningError("the device is provisioned already")
        step = _STEPS.get(name)
        if step is None:
            raise ProvisioningError("no such request")
        return step(self, request)

    def _begin(self, request):
        eui = _hex(request, "eui", 8)
        if len(eui) != 8:
            raise ProvisioningError("eui: 16 hexadecimal digits are needed")
        elements, phases = request.get("elements", 1), request.get("phases", 1)
        if type(elements) is not int or type(phases) is not int or elements not in (1, 2) or phases not in (1, 3):
            raise ProvisioningError("elements are 1 or 2, phases 1 or 3")
        self._anchors.clear()
        pairs = [own_certificate_pair(usage, None) for usage in (DIGITAL_SIGNATURE, KEY_AGREEMENT)]
        pairs.append((MANUFACTURER, None))
        pairs += [(key, None) for prefix in ("key/", "cells/") for key in self._journal.keys(prefix)]
        self._journal.put_many([(IDENTITY, eui + bytes((elements, phases)))] + pairs)
        return {}

    def _cell(self, request):
        self._need_identity()
        if "key" in request:
            return self._bare_root(request)
        certificate = Certificate(_hex(request, "certificate", MAX_CERTIFICATE))
        role, sequence = request.get("role"), request.get("sequence", 0)
        if type(role) is not int or type(sequence) is not int or not 0 <= sequence < 1 << 63:
            raise ProvisioningError("role and sequence are whole numbers")
        cell_usage = _choice(request, "cell", _CELL_USAGES, "management")
        self._anchors.place(role, _choice(request, "usage", _USAGES), cell_usage, certificate)
        self._anchors.set_sequence(role, sequence)
        return {}

    def _bare_root(self, request):
        """Fill the root cell with a public key alone: the root's certificate is its own word, and adds nothing."""
        public_key, key_id = _hex(request, "key", _KEY_SIZE), _hex(request, "key_id", MAX_KEY_IDENTIFIER)
        if request.get("role") != ROOT or _choice(request, "usage", _USAGES) != KEY_CERT_SIGN:
            raise ProvisioningError("only the root's cell takes a key without a certificate")
        if len(public_key) != _KEY_SIZE or not key_id or not p256.is_valid_public(public_key):
            raise ProvisioningError("key: 64 bytes of a point on P-256 are needed, and its key_id")
        self._anchors.place_root(public_key, key_id)
        return {}

    def _manufacturer(self, request):
        """Keep the key that firmware images must be signed with."""
        self._need_identity()
        public_key = _hex(request, "key", _KEY_SIZE)
        if len(public_key) != _KEY_SIZE or not p256.is_valid_public(public_key):
            raise ProvisioningError("key: 64 bytes of a point on P-256 are needed")
        self._journal.put(MANUFACTURER, public_key)
        return {}

    def _make_keys(self, request):
        self._need_identity()
        self._keys.generate()
        self._anchors.forget_secrets()
        return {
            "ds": hexlify(self._keys.public(DIGITAL_SIGNATURE)).decode(),
            "ka": hexlify(self._keys.public(KEY_AGREEMENT)).decode(),
        }

    def _own_certificate(self, request):
        eui = self._need_identity()
        usage = _choice(request, "usage", _USAGES)
        encoded = _hex(request, "certificate", MAX_CERTIFICATE)
        certificate = Certificate(encoded)
        if usage == KEY_CERT_SIGN or certificate.usage != usage or certificate.eui != eui:
            raise ProvisioningError("the certificate is not this device's for that use")
        if not self._keys.exist() or certificate.public_key != self._keys.public(usage):
            raise ProvisioningError("the certificate is not for the key that the device made")
        self._journal.put_many([own_certificate_pair(usage, encoded)])
        return {}

    def _finish(self, request):
        self._need_identity()
        if not self._keys.exist():
            raise ProvisioningError("the device has no keys yet: ask for them first")
        if self._anchors.cell(ACCESS_CONTROL_BROKER, KEY_AGREEMENT) is None:
            raise ProvisioningError("the access control broker's cell is empty: no command could be checked")
        self._journal.put(STAMP, b"\x01")
        return {}

    def _need_identity(self):
        record = self._journal.get(IDENTITY)
        if record is None:
            raise ProvisioningError("begin first")
        return record[:8]


_STEPS = {
    "begin": Provisioning._begin,
    "cell": Provisioning._cell,
    "manufacturer": Provisioning._manufacturer,
    "keys": Provisioning._make_keys,
    "certificate": Provisioning._own_certificate,
    "finish": Provisioning._finish,
}


def _decode(request):
    if len(request) > _MAX_REQUEST:
        raise ProvisioningError("request too long")
    try:
        decoded = json.loads(bytes(request))
    except (ValueError, RuntimeError, MemoryError):  # nested without end
        raise ProvisioningError("request is not JSON")
    if not isinstance(decoded, dict):
        raise ProvisioningError("request is not a JSON object")
    return decoded


def _hex(request, name, limit):
    text = request.get(name)
    if not isinstance(text, str) or len(text) > 2 * limit:
        raise ProvisioningError(name + ": hexadecimal text of at most " + str(limit) + " bytes is needed")
    try:
        return unhexlify(text)
    except ValueError:
        raise ProvisioningError(name + ": not hexadecimal")


def _text(request, name, default=None):
    value = request.get(name, default)
    return value if isinstance(value, str) else None


def _choice(request, name, choices, default=None):
    value = choices.get(_text(request, name, default))
    if value is None:
        raise ProvisioningError(name + ": one of " + ", ".join(sorted(choices)))
    return value
