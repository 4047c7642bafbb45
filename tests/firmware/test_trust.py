"""DER, certificates, cells, device keys and provisioning, on certificates made here."""

import json
from binascii import hexlify
from hashlib import sha256

from smets.crypto import p256
from smets.message.update_command import contingency_key
from smets.store.kept_message import KeptMessage
from smets.trust import der
from smets.trust.cells import (
    ACCESS_CONTROL_BROKER,
    DIGITAL_SIGNATURE,
    KEY_AGREEMENT,
    MANAGEMENT,
    PREPAYMENT,
    SUPPLIER,
    CellError,
    TrustAnchors,
)
from smets.trust.certificate import Certificate, CertificateError, agreement_key
from smets.trust.device_keys import DeviceKeys, NoDeviceKeys
from smets.trust.identity import read_identity
from smets.trust.own_certificates import own_certificate
from smets.trust.provisioning import Provisioning
from tests.firmware.certificates import ISSUER_PUBLIC, make_certificate, private
from tests.firmware.memory_journal import MemoryJournal
from tests.firmware.power_cut import scratch

SUPPLIER_EUI = b"\x90\xb3\xd5\x1f\x30\x01\x00\x00"
DEVICE = b"\x00\xdb\x12\x34\x56\x78\x90\xa0"


def raises(kind, function, *arguments):
    try:
        function(*arguments)
    except kind:
        return True
    return False


def test_der_lengths():
    for size in (0, 1, 127, 128, 300):
        encoded = der.encode(der.OCTET_STRING, bytes(size))
        assert der.header(memoryview(encoded), 0, len(encoded)) == (4, len(encoded) - size, len(encoded))
    assert der.encode(4, bytes(128))[:4] == b"\x04\x82\x00\x80"
    assert der.header(b"\x04\x81\x01x", 0, 4) == (4, 3, 4)
    for bad in (
        b"",
        b"\x04",
        b"\x04\x80",
        b"\x04\x83\x00\x00\x01x",
        b"\x04\x02x",
        b"\x04\x82\xff\xff",
        b"\x1f\x01\x00",
    ):
        assert raises(der.DerError, der.header, bad, 0, len(bad)), bad


def test_der_numbers():
    for value in (0, 1, 127, 128, 255, 256, 1 << 32, (1 << 64) - 1):
        encoded = der.encode_unsigned(der.INTEGER, value)
        assert der.read_unsigned(encoded, 2, len(encoded)) == value
    assert der.encode_unsigned(der.INTEGER, 128) == b"\x02\x02\x00\x80"
    assert raises(der.DerError, der.read_unsigned, b"\xff", 0, 1)
    assert raises(der.DerError, der.read_unsigned, b"", 0, 0)


def test_der_depth_and_number_are_limited():
    nested = b""
    for _ in range(der.MAX_DEPTH):
        nested = der.encode(der.SEQUENCE, nested)
    der.check(nested, 0, len(nested))
    deeper = der.encode(der.SEQUENCE, nested)
    assert raises(der.DerError, der.check, deeper, 0, len(deeper))
    many = b"\x05\x00" * (der.MAX_CHILDREN + 1)
    assert raises(der.DerError, der.check, many, 0, len(many))


def is_issued_by(certificate, public_key):
    *_, signed, signature = certificate.link()
    return p256.verify(public_key, sha256(signed).digest(), signature)


def test_organisation_certificate():
    encoded = make_certificate(SUPPLIER_EUI, role=2, usage=DIGITAL_SIGNATURE, key=private(7))
    certificate = Certificate(encoded)
    assert (certificate.eui, certificate.role, certificate.usage) == (SUPPLIER_EUI, 2, DIGITAL_SIGNATURE)
    assert certificate.public_key == p256.public_key(private(7))
    assert is_issued_by(certificate, ISSUER_PUBLIC)
    assert not is_issued_by(certificate, p256.public_key(private(8)))


def test_own_certificate():
    certificate = Certificate(make_certificate(DEVICE, role=None, usage=KEY_AGREEMENT, key=private(9)))
    assert (certificate.eui, certificate.role, certificate.usage) == (DEVICE, None, KEY_AGREEMENT)
    assert is_issued_by(certificate, ISSUER_PUBLIC)


def test_certificate_cut_or_changed():
    encoded = make_certificate(SUPPLIER_EUI, role=2, usage=KEY_AGREEMENT, key=private(7))
    for size in range(0, len(encoded), 5):
        assert raises(CertificateError, Certificate, encoded[:size])
    assert raises(CertificateError, Certificate, encoded + b"\x00")
    public = p256.public_key(private(7))
    place = encoded.find(public)
    assert raises(CertificateError, Certificate, encoded[:place] + bytes(64) + encoded[place + 64 :])
    place = encoded.find(SUPPLIER_EUI)
    changed = encoded[:place] + DEVICE + encoded[place + 8 :]
    assert not is_issued_by(Certificate(changed), ISSUER_PUBLIC)
    assert raises(CertificateError, Certificate, bytes(2000))


def test_what_is_too_long_for_a_certificate_or_a_key_is_refused_in_a_file_too():
    """Of a long command, parts of more than kept_message.SLICE octets are no memoryviews."""
    message = KeptMessage(scratch())
    inner = der.encode(0x80, bytes(2000))
    message.append(der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, inner)))
    kept = message.whole(0)
    assert raises(CertificateError, Certificate, kept)
    assert agreement_key(kept, SUPPLIER_EUI) is None

    class Root:
        contingency = bytes(121)

    assert contingency_key(kept, Root()) is None
    message.close()


def test_device_keys():
    journal = MemoryJournal()
    keys = DeviceKeys(journal)
    assert not keys.exist() and raises(NoDeviceKeys, keys.sign, bytes(32))
    keys.generate()
    digest = sha256(b"message").digest()
    assert p256.verify(keys.public(DIGITAL_SIGNATURE), digest, keys.sign(digest))
    theirs = private(5)
    expected = p256.ecdh(theirs, keys.public(KEY_AGREEMENT))
    assert keys.agree(p256.public_key(theirs)) == expected
    again = DeviceKeys(journal)
    assert again.public(KEY_AGREEMENT) == keys.public(KEY_AGREEMENT)
    assert hexlify(journal.get("key/ds")[:32]).decode() not in repr(keys) + str(keys.__dict__)


def make_anchors(journal):
    keys = DeviceKeys(journal)
    keys.generate()
    return TrustAnchors(journal, keys), keys


def test_cells_survive_and_keep_their_secret():
    journal = MemoryJournal()
    anchors, keys = make_anchors(journal)
    certificate = Certificate(make_certificate(SUPPLIER_EUI, role=2, usage=KEY_AGREEMENT, key=private(7)))
    anchors.place(SUPPLIER, KEY_AGREEMENT, MANAGEMENT, certificate)
    anchors.place(ACCESS_CONTROL_BROKER, KEY_AGREEMENT, MANAGEMENT, certificate)
    anchors.place(SUPPLIER, KEY_AGREEMENT, PREPAYMENT, certificate)
    secret = anchors.shared_secret(anchors.cell(SUPPLIER, KEY_AGREEMENT))
    assert secret == p256.ecdh(private(7), keys.public(KEY_AGREEMENT))
    again = TrustAnchors(journal, None)
    assert again.shared_secret(again.cell(SUPPLIER, KEY_AGREEMENT)) == secret
    assert [cell.role for cell in again.held_by(SUPPLIER_EUI, KEY_AGREEMENT)] == [2, 4]
    assert (
        again.held_by(SUPPLIER_EUI, DIGITAL_SIGNATURE) == [] and again.knows(SUPPLIER_EUI) and not again.knows(DEVICE)
    )
    for cell in again:
        assert hexlify(secret).decode() not in repr(cell) and repr(secret) not in repr(cell)
    anchors.forget_secrets()
    keys.generate()
    assert anchors.shared_secret(anchors.cell(SUPPLIER, KEY_AGREEMENT)) != secret


def test_certificates_that_do_not_fit_a_cell():
    anchors, _ = make_anchors(MemoryJournal())
    certificate = Certificate(make_certificate(SUPPLIER_EUI, role=2, usage=KEY_AGREEMENT, key=private(7)))
    assert raises(CellError, anchors.place, SUPPLIER, DIGITAL_SIGNATURE, MANAGEMENT, certificate)
    assert raises(CellError, anchors.place, 7, KEY_AGREEMENT, MANAGEMENT, certificate)
    assert raises(CellError, anchors.place, 3, KEY_AGREEMENT, PREPAYMENT, certificate)
    assert list(anchors) == []


def ask(provisioning, **request):
    return json.loads(provisioning.answer(json.dumps(request).encode()))


def test_provisioning_from_begin_to_finish():
    journal = MemoryJournal()
    keys = DeviceKeys(journal)
    anchors = TrustAnchors(journal, keys)
    provisioning = Provisioning(journal, anchors, keys, "esme")
    assert ask(provisioning, do="who") == {"ok": True, "eui": None, "role": "esme", "provisioned": False}
    assert not ask(provisioning, do="keys")["ok"]
    assert ask(provisioning, do="begin", eui=hexlify(DEVICE).decode(), elements=2, phases=1)["ok"]
    cell = hexlify(make_certificate(SUPPLIER_EUI, role=2, usage=DIGITAL_SIGNATURE, key=private(7))).decode()
    assert ask(provisioning, do="cell", role=2, usage="ds", cell="management", certificate=cell, sequence=3)["ok"]
    assert not ask(provisioning, do="finish")["ok"]
    made = ask(provisioning, do="keys")
    assert made["ds"] == hexlify(keys.public(DIGITAL_SIGNATURE)).decode() and len(made["ka"]) == 128
    own = make_certificate(DEVICE, role=None, usage=KEY_AGREEMENT, public=keys.public(KEY_AGREEMENT))
    assert ask(provisioning, do="certificate", usage="ka", certificate=hexlify(own).decode())["ok"]
    other = make_certificate(DEVICE, role=None, usage=DIGITAL_SIGNATURE, key=private(3))
    assert not ask(provisioning, do="certificate", usage="ds", certificate=hexlify(other).decode())["ok"]
    assert not ask(provisioning, do="finish")["ok"] and read_identity(journal) is None
    broker = hexlify(make_certificate(SUPPLIER_EUI, role=4, usage=KEY_AGREEMENT, key=private(7))).decode()
    assert ask(provisioning, do="cell", role=4, usage="ka", certificate=broker)["ok"]
    assert ask(provisioning, do="finish")["ok"]
    identity = read_identity(journal)
    assert (identity.eui, identity.elements, identity.phases) == (DEVICE, 2, 1)
    assert own_certificate(journal, KEY_AGREEMENT) == own and anchors.sequence(2) == 3
    for name in ("begin", "cell", "keys", "certificate", "finish"):
        assert ask(provisioning, do=name) == {"ok": False, "why": "the device is provisioned already"}
    assert ask(provisioning, do="who")["provisioned"]


def test_beginning_again_forgets_what_an_earlier_attempt_left():
    journal = MemoryJournal()
    keys = DeviceKeys(journal)
    anchors = TrustAnchors(journal, keys)
    provisioning = Provisioning(journal, anchors, keys, "esme")
    assert ask(provisioning, do="begin", eui=hexlify(DEVICE).decode())["ok"]
    fresh = journal.keys("")
    cell = hexlify(make_certificate(SUPPLIER_EUI, role=2, usage=DIGITAL_SIGNATURE, key=private(7))).decode()
    assert ask(provisioning, do="cell", role=2, usage="ds", certificate=cell, sequence=3)["ok"]
    assert ask(provisioning, do="keys")["ok"] and journal.keys("") != fresh
    assert ask(provisioning, do="begin", eui=hexlify(DEVICE).decode())["ok"]
    assert journal.keys("") == fresh and list(anchors) == [] and not keys.exist()


def test_bad_provisioning_requests():
    journal = MemoryJournal()
    keys = DeviceKeys(journal)
    provisioning = Provisioning(journal, TrustAnchors(journal, keys), keys, "esme")
    for raw in (b"", b"{", b"[]", b"7", b"\xff", b"{" * 500, bytes(5000)):
        assert not json.loads(provisioning.answer(raw))["ok"], raw[:8]
    for request in ({}, {"do": ["who"]}, {"do": "open"}, {"do": "begin"}, {"do": "begin", "eui": "zz" * 8}):
        assert not ask(provisioning, **request)["ok"], request
    assert not ask(provisioning, do="begin", eui="00" * 8, elements=3)["ok"]
    assert not ask(provisioning, do="begin", eui="00" * 8, elements=1.0)["ok"]
    assert ask(provisioning, do="begin", eui="00" * 8)["ok"]
    for bad in (
        {"usage": {}},
        {"usage": "ds"},
        {"usage": "ds", "certificate": "00"},
        {"usage": "ds", "certificate": 5},
    ):
        assert not ask(provisioning, do="cell", role=2, **bad)["ok"], bad
