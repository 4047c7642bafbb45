"""Verification, protection and decryption, judged by every reference message and by keys of our own."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from opensmets.catalogue.use_cases import use_case
from opensmets.errors import SmetsError
from opensmets.layouts import envelope
from opensmets.layouts.envelope import COMMAND, RESPONSE, Message
from opensmets.security import certificates, pki, protection, sensitive
from opensmets.security.keystore import KeyStore, MissingKey, parse_eui
from opensmets.security.protection import add_mac, protect_command, sign_precommand, verify
from tests.host import corpus
from tests.reference import needs_reference

SUPPLIER, ACB = parse_eui("90b3d51f30010000"), parse_eui("90b3d51f30000002")
OPERATOR, DEVICE = parse_eui("90-B3-D5-1F-30-02-00-00"), parse_eui("00:db:12:34:56:78:90:a0")
READ, DISABLE = use_case("ECS26c").message_code, use_case("ECS42").message_code
PCS = ("NA_PCS01", "NA_PCS02")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    """A test PKI with one device, whose private key is in the store as no real one is."""
    keystore = pki.init(tmp_path_factory.mktemp("pki") / "keys")
    for usage in ("ds", "ka"):
        key = ec.generate_private_key(ec.SECP256R1())
        pki.issue_device_certificate(keystore, key.public_key(), DEVICE, usage)
        pki._write_key(keystore.path, f"{DEVICE.hex()}-{usage}", key)
    keystore.rescan()
    return keystore


@needs_reference
def test_every_reference_message_verifies() -> None:
    macs: Counter[str] = Counter()
    signatures: Counter[str] = Counter()
    decrypted = 0
    for name, octets in corpus.messages().items():
        verdict = verify(envelope.decode(octets), corpus.keystore())
        macs[verdict.mac] += 1
        signatures[verdict.signature] += 1
        decrypted += len(verdict.decrypted)
        assert bool(verdict.why) == name.startswith(PCS), (name, verdict)
    assert macs == {"valid": 689, "absent": 401, "no key": 4}
    assert signatures == {"valid": 413, "absent": 681}
    assert decrypted == 58


@needs_reference
def test_decrypted_parts_are_those_of_the_reference() -> None:
    for name, octets in corpus.messages().items():
        parts = sensitive.decrypt_parts(envelope.decode(octets), corpus.keystore())
        assert corpus.decoded(name).count("Decrypted Payload") == len(parts), name


@needs_reference
def test_the_mac_made_again_gives_the_message_again() -> None:
    judged = 0
    for name, octets in corpus.messages().items():
        message = envelope.decode(octets)
        if message.mac is not None and not name.startswith(PCS):
            assert envelope.encode(add_mac(message, corpus.keystore())) == octets, name
            judged += 1
    assert judged == 689


@needs_reference
def test_precommand_and_signature_give_the_command() -> None:
    messages, pairs = corpus.messages(), 0
    for name, octets in messages.items():
        if "PRECOMMAND" not in name:
            continue
        command = messages[name.replace("PRECOMMAND", "COMMAND")]
        signature = envelope.decode(command).signature
        assert protect_command(octets, corpus.keystore(), signature=signature) == command, name
        fresh = verify(envelope.decode(protect_command(octets, corpus.keystore())), corpus.keystore())
        assert fresh.authentic and fresh.signature == "valid", name
        pairs += 1
    assert pairs == 150


@needs_reference
def test_any_flipped_bit_of_a_message_is_noticed() -> None:
    for name in ("4.14_ECS21b/ECS21b_4.14_URP_SUCCESS_RESPONSE", "NA_GCA-DLMS/GCA-DLMS_NA_8F30_ALERT"):
        octets = corpus.messages()[name]
        for bit in range(0, len(octets) * 8, 7):
            bent = bytearray(octets)
            bent[bit // 8] ^= 1 << bit % 8
            try:
                verdict = verify(envelope.decode(bytes(bent)), corpus.keystore())
            except SmetsError:
                continue
            assert not verdict.authentic, bit
            # a reader without the broker's key may decrypt all the same: the part has a tag of its own
            assert not verdict.decrypted or verdict.mac == "no key", bit


def precommand(code: int, originator: bytes = SUPPLIER) -> bytes:
    payload = bytes.fromhex("D9200003E9000101000100005E2C0000020100")
    return envelope.encode(Message(COMMAND, 1001, originator, DEVICE, code, payload))


def test_a_critical_command_is_signed_and_maced(store: KeyStore) -> None:
    command = envelope.decode(protect_command(precommand(DISABLE), store))
    verdict = verify(command, store)
    assert (verdict.mac, verdict.signature, verdict.authentic) == ("valid", "valid", True)


def test_a_read_is_maced_only(store: KeyStore) -> None:
    verdict = verify(envelope.decode(protect_command(precommand(READ), store)), store)
    assert (verdict.mac, verdict.signature) == ("valid", "absent")


def test_a_signed_precommand_keeps_its_signature(store: KeyStore) -> None:
    signed = sign_precommand(precommand(DISABLE), store)
    command = envelope.decode(protect_command(signed, store))
    assert command.signature == envelope.decode(signed).signature
    assert verify(command, store).authentic
    with pytest.raises(SmetsError, match="signed already"):
        sign_precommand(signed, store)
    with pytest.raises(SmetsError, match="not a pre-command"):
        protect_command(envelope.encode(command), store)


def test_recovery_signs_and_nobody_macs(store: KeyStore) -> None:
    recovery = store.by_role("recovery")[0].eui
    command = envelope.decode(protect_command(precommand(0x0108, recovery), store))
    assert command.mac is None
    assert verify(command, store).authentic


def test_unknown_code_and_unknown_party_are_refused(store: KeyStore) -> None:
    with pytest.raises(SmetsError, match="7777"):
        protect_command(precommand(0x7777), store)
    with pytest.raises(MissingKey, match=r"1111111111111111-ds\.key"):
        protect_command(precommand(DISABLE, b"\x11" * 8), store)


def test_a_wrong_key_is_not_valid(store: KeyStore, tmp_path: Path) -> None:
    other = pki.init(tmp_path / "keys")
    for usage in ("ds", "ka"):
        pki.issue_device_certificate(other, store.public_key(DEVICE, usage), DEVICE, usage)
    verdict = verify(envelope.decode(protect_command(precommand(DISABLE), store)), other)
    assert (verdict.mac, verdict.signature) == ("invalid", "invalid")
    assert len(verdict.why) == 2


@pytest.mark.parametrize("known", [True, False])
def test_what_a_device_encrypts_its_reader_decrypts(store: KeyStore, known: bool) -> None:
    head = (RESPONSE, 7, DEVICE, OPERATOR if known else ACB, READ)
    extra = {} if known else {
        "supplementary_party": OPERATOR, "supplementary_counter": 5, "supplementary_originator_counter": 9,
    }  # fmt: skip
    draft = Message(*head, b"", **extra)  # type: ignore[arg-type]
    sealed = sensitive.encrypt_part(draft, store, b"\x06\0\0\0\x2a")
    body = bytes.fromhex("DA20000007000001") + bytes.fromhex("0202 0100".replace("0100", "010100"))
    body += b"\x09" + bytes((5 + len(sealed),)) + bytes.fromhex("3100000000") + sealed + bytes.fromhex("010300")
    response = envelope.decode(envelope.encode(add_mac(replace(draft, payload=body, signature=b""), store)))
    assert verify(response, store).decrypted == (b"\x06\0\0\0\x2a",)


def test_the_key_of_another_counter_does_not_decrypt(store: KeyStore) -> None:
    draft = Message(RESPONSE, 7, DEVICE, OPERATOR, READ, b"")
    sealed = sensitive.encrypt_part(draft, store, b"secret")
    key = sensitive.encryption_key(replace(draft, counter=8), store)
    with pytest.raises(SmetsError, match="does not decrypt"):
        protection.suite.decrypt(key, DEVICE, sealed)
    with pytest.raises(SmetsError, match="shorter than its tag"):
        protection.suite.decrypt(key, DEVICE, b"short")


def test_no_secret_shows_itself(store: KeyStore) -> None:
    secret = store.shared_secret(SUPPLIER, DEVICE)
    scalar = store.private_key(SUPPLIER, "ka").private_numbers().private_value
    shown = repr(store) + repr(secret) + repr(store.party(SUPPLIER)) + repr(pki._issuer(store, pki.ROOT))
    assert f"{scalar:x}" not in shown and str(scalar) not in shown
    assert repr(secret) == "SharedSecret(...)"
    assert "27" not in repr(protection.Verdict("valid", "valid", (b"\x27" * 20,)))


@needs_reference
def test_roles_come_from_the_certificates() -> None:
    store = corpus.keystore()
    assert store.acb() == ACB
    assert [party.eui for party in store.by_role("supplier")] == [SUPPLIER, parse_eui("90b3d51f30030000")]
    assert store.party(DEVICE).role is None and store.party(DEVICE).usages == ("ds", "ka")
    assert certificates.eui_of(store.certificate(DEVICE, "ka")) == DEVICE
    assert certificates.eui_of(store.certificate(SUPPLIER, "ds")) == SUPPLIER
    # a copy of the second supplier's certificate stands under the WAN provider's name
    assert store.party("90b3d51f30000007").role == "wan_provider"


@needs_reference
def test_key_identifiers_are_made_as_the_reference_certificates_have_them() -> None:
    store = corpus.keystore()
    for eui in (SUPPLIER, ACB, DEVICE):
        certificate = store.certificate(eui, "ds")
        found = certificate.extensions.get_extension_for_oid(certificates.x509.OID_SUBJECT_KEY_IDENTIFIER).value
        assert isinstance(found, certificates.x509.SubjectKeyIdentifier)
        assert found.digest == certificates.key_identifier(store.public_key(eui, "ds"))


def test_bad_folders_and_files(tmp_path: Path) -> None:
    with pytest.raises(SmetsError, match="no key store"):
        KeyStore.open(tmp_path / "none")
    with pytest.raises(SmetsError, match="pki init"):
        KeyStore.open(tmp_path)
    for usage, octets in (("ds", b"rubbish"), ("ka", b"x" * 20_000)):
        (tmp_path / f"{SUPPLIER.hex()}-{usage}.pem").write_bytes(octets)
        (tmp_path / f"{SUPPLIER.hex()}-{usage}.key").write_bytes(octets)
    store = KeyStore.open(tmp_path)
    for usage in ("ds", "ka"):
        for read in (store.public_key, store.private_key, store.certificate):
            with pytest.raises(SmetsError) as caught:
                read(SUPPLIER, usage)
            assert "\n" not in str(caught.value)
    with pytest.raises(MissingKey, match="no keys of"):
        store.party(DEVICE)


@pytest.mark.parametrize("text", ["", "90b3", "zz" * 8, "90b3d51f3001000000", b"short"])
def test_bad_euis(text: str | bytes) -> None:
    with pytest.raises(SmetsError, match="EUI-64"):
        parse_eui(text)


def test_strange_files_are_passed_over(store: KeyStore, tmp_path: Path) -> None:
    for name in ("notes_about_keys-ds.pem", "90b3d51f30010000.pem", "90b3d51f30010000-xx.key", "README"):
        (tmp_path / name).write_text("not a key")
    with pytest.raises(SmetsError, match="holds no"):
        KeyStore.open(tmp_path)
    (tmp_path / "90B3D51F30010000-ka.key").write_bytes((store.path / "90b3d51f30010000-ka.key").read_bytes())
    # a private key alone gives its public key
    found = KeyStore.open(tmp_path).public_key(SUPPLIER, "ka")
    assert found == store.public_key(SUPPLIER, "ka")


def test_a_damaged_index_is_named(store: KeyStore, tmp_path: Path) -> None:
    (tmp_path / "90b3d51f30010000-ka.key").write_bytes((store.path / "90b3d51f30010000-ka.key").read_bytes())
    (tmp_path / "parties.json").write_text("{}")
    with pytest.raises(SmetsError, match=r"parties\.json is not the index"):
        KeyStore.open(tmp_path)
