"""ASN.1 scenarios: what a device must be and what must have happened to it, for real, to answer as the reference does.

A certificate that does not chain to the root, or a party that does not stand in a cell, is in the reference command or
in the cells that the response tells of. What is left to bring about is here: commands that come before the scenario's
own, made and signed like it; an image that is held; a fault of the bench; and, where the device has keys of its own, a
certificate for them in the command.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from opensmets.bench.seeding import Operation, Unseedable, moment
from opensmets.catalogue.use_cases import UseCase, use_case
from opensmets.conformance.device import DeviceUnderTest
from opensmets.conformance.scenarios import Scenario
from opensmets.conformance.verdicts import Mismatch
from opensmets.layouts import asn1, envelope, xdlms
from opensmets.layouts.envelope import Message
from opensmets.security import certificates, pki
from opensmets.security.protection import sign_precommand

#: Kinds of device, besides those built, whose trust anchor cells are a meter's: their scenarios are played on it.
LIKE_A_METER = ("GSME",)
OWN_CERTIFICATE_REMARK = "the certificate is one for this device's own keys"
STRUCTURE_REMARK = "the device's own keys are in it: compared by structure, and its signature and key checked"
_SECURITY_SETUP, _SETUP_OBIS = 64, "00002b0000ff"
_GENERATE_KEY_PAIR, _GENERATE_REQUEST, _IMPORT, _EXPORT = 4, 5, 6, 7
_FAULTS = {
    ("CS02c", 2): _GENERATE_KEY_PAIR, ("CS02c", 3): _GENERATE_REQUEST, ("CS02d", 6): _IMPORT, ("CS02e", 3): _EXPORT,
}  # fmt: skip
_NO_CERTIFICATE = ("CS02e", 2)
_USAGES = {bytes.fromhex("0780"): "ds", bytes.fromhex("0308"): "ka"}
_INCOMPATIBLE, _LOG_FULL, _MOST_DEVICES = 3, 4, 16
_SUCCESS, _NO_IMAGE, _HASH_MISMATCH = 0, 1, 2
_OTHER_EUI = bytes(7) + b"\x01"
_PRINTABLE = (asn1.UTF8_STRING, asn1.PRINTABLE_STRING)


def is_built(entry: UseCase, device: str, built: Sequence[str]) -> bool:
    """Return whether a built device carries out an ASN.1 use case for a scenario of `device`."""
    shared = any(kind in entry.devices for kind in built)
    return entry.service is not None and shared and (device in built or device in LIKE_A_METER)


def instant(alert: Message) -> int:
    """Return when the thing happened that an alert tells of, as time_s."""
    if alert.payload[0] == xdlms.DATA_NOTIFICATION:
        return moment(xdlms.decode_notification(alert.payload).time_stamp)
    told = asn1.decode(alert.payload).children[1].content.decode("ascii")
    pairs = [int(told[at : at + 2]) for at in range(4, 14, 2)]
    return moment(int(told[:4]).to_bytes(2, "big") + bytes((*pairs[:2], 0xFF, *pairs[2:], 0)) + bytes.fromhex("8000FF"))


def _code(scenario: Scenario) -> int | None:
    """Return the response code of a scenario whose response is nothing else, or None."""
    payload = envelope.decode(scenario.response).payload if scenario.response else b""
    element = asn1.decode(payload) if payload else None
    return element.integer if element and element.tag == asn1.INTEGER else None


def operations(scenario: Scenario, command: Message) -> tuple[Operation, ...]:
    """Return the bench's operations that a scenario wants. Raises Unseedable when the meter cannot be brought there."""
    if use_case(scenario.use_case).service == "activate_firmware":
        return _firmware(scenario, command)
    method = _FAULTS.get((scenario.use_case, _code(scenario) or 0))
    if method is None:
        return ()
    return ({"do": "fault", "class": _SECURITY_SETUP, "obis": _SETUP_OBIS, "member": method, "result": 3},)


def is_certified(scenario: Scenario) -> bool:
    """Return whether the device of a scenario has certificates of its own."""
    entry = use_case(scenario.use_case)
    return entry.service == "device_credentials" and (scenario.use_case, _code(scenario)) != _NO_CERTIFICATE


def _firmware(scenario: Scenario, command: Message) -> tuple[Operation, ...]:
    """Return how a meter is set that ends an activation as the response or the alert tells."""
    told = [envelope.decode(octets) for octets in (*scenario.alerts.values(), scenario.response) if octets]
    outcome = next((found for message in told if (found := _outcome(asn1.decode(message.payload)))), None)
    if outcome is None:
        return ()
    wanted = asn1.decode(command.payload).children[0].content
    code, version = outcome
    if code == _NO_IMAGE:
        return ({"do": "set", "path": "firmware.version", "value": version.hex()},)
    if code not in (_SUCCESS, _HASH_MISMATCH):
        raise Unseedable(f"nothing makes an activation end with {code}")
    held = wanted if code == _SUCCESS else bytes(octet ^ 0xFF for octet in wanted)
    settings = {"firmware.image_hash": held, "firmware.image_version": version}
    if code == _HASH_MISMATCH:
        settings["firmware.version"] = version
    return tuple({"do": "set", "path": path, "value": value.hex()} for path, value in settings.items())


def _outcome(element: asn1.Element) -> tuple[int, bytes] | None:
    """Return (code, version) of an activation's outcome, that of an alert too."""
    if element.tag != asn1.SEQUENCE:
        return None
    last = element.children[-1]
    first, second = element.children if last.tag == asn1.OCTET_STRING else last.children
    return first.integer, second.content


def lead_up(device: DeviceUnderTest, scenario: Scenario, command: Message) -> Message:
    """Bring about what comes before a scenario's command, and return the command as this device is to be sent it.

    Raises Mismatch when the device does not take a command of before.
    """
    entry = use_case(scenario.use_case)
    if entry.service == "join":
        _join_before(device, command, _code(scenario), unjoin=bool(entry.form))
    if scenario.use_case == "CS02d":
        return _own_certificate(device, command, _code(scenario))
    return command


def _send_before(device: DeviceUnderTest, command: Message, name: str, payload: bytes, back: int) -> Message:
    """Let a use case be carried out by the originator of `command`, with the counter `back` before its own."""
    entry, counter = use_case(name), command.counter - back
    message = Message(command.cra_flag, counter, command.originator, command.recipient, entry.message_code, payload)
    signed = sign_precommand(envelope.encode(message), device.keystore)
    return device.ask(device.with_mac(envelope.decode(signed)))


def _join_before(device: DeviceUnderTest, command: Message, code: int | None, *, unjoin: bool) -> None:
    """Fill the device log so that a join or unjoin is answered with a response code."""
    tree = asn1.decode(command.payload)
    if unjoin and code == _SUCCESS:
        _join(device, command, tree.content, 5, 1)
    elif not unjoin and code == _INCOMPATIBLE:
        other = 4 if tree.children[2].integer != 4 else 5
        _join(device, command, tree.children[1].content, other, 1)
    elif not unjoin and code == _LOG_FULL:
        for number in range(_MOST_DEVICES):
            _join(device, command, number.to_bytes(8, "big"), 5, _MOST_DEVICES - number)


def _join(device: DeviceUnderTest, command: Message, eui: bytes, device_type: int, back: int) -> None:
    method, kind = asn1.make(asn1.INTEGER, b"\0"), asn1.make(asn1.INTEGER, bytes((device_type,)))
    payload = asn1.make(asn1.SEQUENCE, (method, asn1.make(asn1.OCTET_STRING, eui), kind)).encode()
    answer = _send_before(device, command, "CS03A1", payload, back)
    if answer.payload != bytes((asn1.INTEGER, 1, _SUCCESS)):
        raise Mismatch(f"a device could not be joined before the scenario: {answer.payload.hex()}")


def _own_certificate(device: DeviceUnderTest, command: Message, code: int | None) -> Message:
    """Return the command with a certificate for a pair that the device has made, spoilt as the response code says."""
    reference = certificates.load(command.payload)
    usage = "ds" if reference.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature else "ka"
    bits = next(bits for bits, name in _USAGES.items() if name == usage)
    wanted = asn1.make(asn1.SEQUENCE, (asn1.make(asn1.BIT_STRING, bits),)).encode()
    key = certificates.key_of(reference)
    if code != _NO_PAIR:
        request = x509.load_der_x509_csr(_send_before(device, command, "CS02c", wanted, 1).payload).public_key()
        key = key if code == _WRONG_KEY else certificates.public_key(request.public_bytes(*_POINT))
    eui = _OTHER_EUI if code == _WRONG_IDENTITY else command.recipient
    made = pki.device_certificate(device.keystore, key, eui, "certsign" if code == _WRONG_USAGE else usage)
    if code in (_SUCCESS, None):
        made = pki.issue_device_certificate(device.keystore, key, eui, usage)
    payload = made.public_bytes(serialization.Encoding.DER)
    payload = payload[:-1] if code == _UNREADABLE else payload
    bare = replace(command, payload=payload, signature=None, mac=None, raw=b"")
    return envelope.decode(sign_precommand(envelope.encode(bare), device.keystore))


_UNREADABLE, _WRONG_IDENTITY, _WRONG_USAGE, _NO_PAIR, _WRONG_KEY = 1, 2, 3, 4, 5
_POINT = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def shows_own_keys(scenario: Scenario) -> bool:
    """Return whether a scenario's response holds the device's own keys, so that only its structure can be compared."""
    if use_case(scenario.use_case).service != "device_credentials" or not scenario.response:
        return False
    return envelope.decode(scenario.response).payload[0] == asn1.SEQUENCE


def compare_structure(expected: bytes, actual: bytes, device: DeviceUnderTest, eui: bytes) -> None:
    """Compare certificates or certification requests by structure, and see that the device's has its own key.

    Raises Mismatch naming the first difference.
    """
    _compare_elements(asn1.decode(expected), asn1.decode(actual), "payload")
    check: Callable[[bytes, DeviceUnderTest, bytes], None] = _check_certificate
    try:
        x509.load_der_x509_csr(actual)
        check = _check_request
    except ValueError:
        pass
    check(actual, device, eui)


def _check_request(octets: bytes, device: DeviceUnderTest, eui: bytes) -> None:
    request = x509.load_der_x509_csr(octets)
    if not request.is_signature_valid:
        raise Mismatch("the certification request is not signed by its own key")
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if not any(isinstance(name, x509.OtherName) and name.value.endswith(eui) for name in names):
        raise Mismatch("the certification request is for another device")


def _check_certificate(octets: bytes, device: DeviceUnderTest, eui: bytes) -> None:
    shown = certificates.load(octets)
    usage = "ds" if shown.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature else "ka"
    key = certificates.point(certificates.key_of(shown))
    if certificates.eui_of(shown) != eui or key != certificates.point(device.keystore.public_key(eui, usage)):
        raise Mismatch("the certificate is not this device's")
    issuer = pki.authority_certificate(device.keystore, pki.DEVICE_ISSUING)
    try:
        shown.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        raise Mismatch("the certificate was altered since it was issued") from None


def _compare_elements(expected: asn1.Element, actual: asn1.Element, where: str) -> None:
    """Compare tags, numbers of elements and what object identifiers name, down to the last element."""
    same = expected.tag == actual.tag or (expected.tag in _PRINTABLE and actual.tag in _PRINTABLE)
    if not same or len(expected.children) != len(actual.children):
        raise Mismatch(f"{where}: {actual.header.hex()} stands where the reference has {expected.header.hex()}")
    if expected.tag == asn1.OBJECT_ID and expected.content != actual.content:
        raise Mismatch(f"{where}: object {actual.content.hex()}, not {expected.content.hex()}")
    for place, pair in enumerate(zip(expected.children, actual.children, strict=True)):
        _compare_elements(*pair, f"{where}.{place}")
