"""The test PKI, originator counters, and top-up tokens."""

from __future__ import annotations

import multiprocessing
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from opensmets.errors import SmetsError
from opensmets.security import certificates, pki, utrn
from opensmets.security.counters import Counters
from opensmets.security.keystore import KeyStore, MissingKey, parse_eui
from tests.host import corpus
from tests.reference import needs_reference

SUPPLIER, SECOND = parse_eui("90b3d51f30010000"), parse_eui("90b3d51f30030000")
DEVICE = parse_eui("00db1234567890a0")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    keystore = pki.init(tmp_path_factory.mktemp("pki") / "keys")
    pki.issue_device_certificate(keystore, ec.generate_private_key(ec.SECP256R1()).public_key(), DEVICE, "ka")
    return keystore


def test_every_party_has_its_role_and_keys(store: KeyStore) -> None:
    found = {party.eui.hex(): (party.role, party.private_usages) for party in store.parties(private=True)}
    assert found == {party.eui: (party.role, party.usages) for party in (*pki.DEFAULT_PARTIES, pki.CONTINGENCY)}


def test_openssl_accepts_the_chains(store: KeyStore) -> None:
    folder = store.path
    for leaf, issuer in ((f"{SUPPLIER.hex()}-ds", pki.ISSUING), (f"{DEVICE.hex()}-ka", pki.DEVICE_ISSUING)):
        command = ["openssl", "verify", "-CAfile", folder / "root.pem", "-untrusted"]
        try:
            done = subprocess.run([*command, folder / f"{issuer}.pem", folder / f"{leaf}.pem"], capture_output=True)
        except FileNotFoundError:
            pytest.skip("no openssl command on this machine")
        assert done.returncode == 0, done.stderr


@needs_reference
@pytest.mark.parametrize("eui", [SUPPLIER, DEVICE])
def test_certificates_have_the_profile_of_the_reference(store: KeyStore, eui: bytes) -> None:
    ours, theirs = store.certificate(eui, "ka"), corpus.keystore().certificate(eui, "ka")

    def shape(certificate: x509.Certificate) -> list[tuple[str, bool]]:
        return [(one.oid.dotted_string, one.critical) for one in certificate.extensions]

    assert shape(ours) == shape(theirs)
    assert ours.subject == theirs.subject
    for kind in (x509.KeyUsage, x509.SubjectAlternativeName):
        names = [one.extensions for one in (ours, theirs)]
        found = [[one.value for one in extensions if isinstance(one.value, kind)] for extensions in names]
        assert found[0] == found[1]


def test_private_keys_are_for_the_owner_only(store: KeyStore) -> None:
    for file in store.path.glob("*.key"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_keys_are_not_made_over_others(store: KeyStore) -> None:
    before = (store.path / "root.key").read_bytes()
    with pytest.raises(SmetsError, match="holds keys already"):
        pki.init(store.path)
    assert (store.path / "root.key").read_bytes() == before


@pytest.mark.parametrize(("key", "usage"), [(bytes(64), "ka"), (b"short", "ka"), (None, "pp-ka")])
def test_what_cannot_be_certified(store: KeyStore, key: bytes | None, usage: str) -> None:
    public = key if key is not None else ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(SmetsError):
        pki.issue_device_certificate(store, public, DEVICE, usage)


@needs_reference
def test_the_reference_store_issues_nothing() -> None:
    with pytest.raises(MissingKey, match="was not made by"):
        pki.authority_certificate(corpus.keystore())


def test_counters_only_go_up(tmp_path: Path) -> None:
    counters = Counters(tmp_path)
    assert [counters.next(SUPPLIER) for _ in range(3)] == [1, 2, 3]
    counters.use(SUPPLIER, 1000)
    assert Counters(tmp_path).next(SUPPLIER) == 1001
    assert counters.next(SECOND) == 1
    for old in (0, 1000, 1001):
        with pytest.raises(SmetsError, match="--renumber"):
            counters.use(SUPPLIER, old)
    assert counters.highest(SUPPLIER) == 1001
    assert counters.next(SUPPLIER, "topup") == 1 << 32
    assert counters.next(SUPPLIER) == 1002


def test_a_counter_does_not_run_over(tmp_path: Path) -> None:
    counters = Counters(tmp_path)
    counters.use(SUPPLIER, (1 << 64) - 1)
    with pytest.raises(SmetsError, match="used up"):
        counters.next(SUPPLIER)


@pytest.mark.parametrize("text", ["{", "[]", '{"90b3d51f30010000": 5}', '{"90b3d51f30010000": {"message": -1}}'])
def test_a_damaged_file_is_not_a_fresh_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "counters.json").write_text(text)
    with pytest.raises(SmetsError, match="must not go down"):
        Counters(tmp_path).next(SUPPLIER)
    assert (tmp_path / "counters.json").read_text() == text


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(SmetsError, match="cannot be kept"):
        Counters(tmp_path / "none").next(SUPPLIER)


def _count(folder: str) -> list[int]:
    return [Counters(folder).next(SUPPLIER) for _ in range(20)]


def test_two_processes_never_get_the_same_number(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        taken = pool.map(_count, [str(tmp_path)] * 2)
    assert sorted(taken[0] + taken[1]) == list(range(1, 41))


#: Tokens of the reference commands CS01a and CS01b: text, supplier's device, pence, counter.
TOKENS = [
    ("73946144332040217315", "00db1234567890a0", 1000, 3),
    ("73948959061972833313", "00db1234567890a0", 1000, 5),
    ("73950067887105178605", "00db1234567890a1", 1250, 6),
]


@needs_reference
@pytest.mark.parametrize(("token", "device", "pence", "counter"), TOKENS)
def test_reference_tokens(token: str, device: str, pence: int, counter: int) -> None:
    ptut, whole = utrn.check(corpus.keystore(), SUPPLIER, parse_eui(device), token)
    assert (ptut.value_pence, whole) == (pence, counter << 32)
    assert ptut.token() == token
    with pytest.raises(SmetsError, match="not from"):
        utrn.check(corpus.keystore(), SECOND, parse_eui(device), token)


@needs_reference
def test_the_reference_token_is_made_again() -> None:
    store = corpus.keystore()
    assert utrn.make(store, SUPPLIER, parse_eui("00db1234567890a1"), 1250, 6 << 32) == "73950067887105178605"


def test_a_wrong_or_swapped_digit_is_noticed() -> None:
    token = "73946144332040217315"
    utrn.read(token)
    for place in range(20):
        for digit in set("0123456789") - {token[place]}:
            with pytest.raises(SmetsError):
                utrn.read(token[:place] + digit + token[place + 1 :])
    for place in range(19):
        swapped = token[:place] + token[place + 1] + token[place] + token[place + 2 :]
        if swapped != token:
            with pytest.raises(SmetsError):
                utrn.read(swapped)


@pytest.mark.parametrize(
    "token", ["", "1" * 19, "7394 6144", "7394614433204021731x", "\u0667" * 20, "9" * 20, "0" * 20]
)
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(SmetsError):
        utrn.read(token)


def test_blanks_and_dashes_are_fine() -> None:
    assert utrn.read("7394-6144 3320-4021 7315").value_pence == 1000


@pytest.mark.parametrize("pence", [0, -5, 8192, 819_200, 10_001])
def test_amounts_that_no_token_holds(store: KeyStore, pence: int) -> None:
    with pytest.raises(SmetsError, match="cannot hold"):
        utrn.make(store, SUPPLIER, DEVICE, pence, 1 << 32)


@pytest.mark.parametrize("counter", [0, 5, (1 << 32) + 1, -(1 << 32), 1 << 64])
def test_counters_that_no_token_has(store: KeyStore, counter: int) -> None:
    with pytest.raises(SmetsError, match="multiple of 2"):
        utrn.make(store, SUPPLIER, DEVICE, 100, counter)


AMOUNTS = st.integers(1, 8191) | st.integers(82, 8191).map(lambda pounds: pounds * 100)


@given(AMOUNTS, st.integers(1, (1 << 32) - 1), st.integers(-500, 500))
def test_tokens_round_trip(store: KeyStore, pence: int, step: int, distance: int) -> None:
    token = utrn.make(store, SUPPLIER, DEVICE, pence, step << 32)
    highest = max(0, step + distance) << 32
    ptut, counter = utrn.check(store, SUPPLIER, DEVICE, token, highest=highest)
    assert (ptut.value_pence, counter) == (pence, step << 32)


def test_device_eui_of_a_certificate(store: KeyStore) -> None:
    assert certificates.eui_of(store.certificate(DEVICE, "ka")) == DEVICE
    with pytest.raises(SmetsError, match="not an X.509"):
        certificates.load(b"\x30\x00")
