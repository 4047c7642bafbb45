"""The contingency key on the host: in the root's certificate, and in the command that its holder makes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding

from opensmets.layouts import asn1, envelope
from opensmets.security import certificates, contingency, pki
from opensmets.security.counters import Counters
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import verify
from smets.crypto import key_wrap
from smets.trust.contingency import unwrap
from tests.command import smets

DEVICE = bytes.fromhex("00db1234567890a0")
SUPPLIER = bytes.fromhex("90b3d51f30010000")


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[KeyStore, KeyStore]:
    """Two test PKIs, the first with a device."""
    folder = tmp_path_factory.mktemp("stores")
    old, new = pki.init(folder / "old"), pki.init(folder / "new")
    for usage in ("ds", "ka"):
        pki.issue_device_certificate(old, old.private_key(SUPPLIER, usage).public_key(), DEVICE, usage)
    return old, new


def test_rfc_5649_s_own_examples() -> None:
    key = bytes.fromhex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")
    examples = {
        "c37b7e6492584340bed12207808941155068f738": "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
        "466f7250617369": "afbeb0f07dfbf5419200f2ccb50bb24f",
    }
    for plain, wrapped in examples.items():
        assert key_wrap.unwrap_padded(key, bytes.fromhex(wrapped)) == bytes.fromhex(plain)


def test_the_device_unwraps_any_length_that_others_wrap() -> None:
    for size in range(1, 100):
        key, plain = os.urandom(32), os.urandom(size)
        assert key_wrap.unwrap_padded(key, aes_key_wrap_with_padding(key, plain)) == plain


def test_the_root_wraps_the_holders_key(stores: tuple[KeyStore, KeyStore]) -> None:
    old, new = stores
    extension = pki.authority_certificate(old).extensions.get_extension_for_oid(contingency.EXTENSION)
    assert not extension.critical
    assert isinstance(extension.value, type(contingency.wrap(old.public_key(SUPPLIER, "ds"), bytes(32))))
    wrapped, holder = extension.value.value, contingency.holder(old)
    public_key = certificates.point(old.private_key(holder, "ds").public_key())[1:]
    assert unwrap(wrapped, contingency.symmetric_key(old)) == public_key
    assert unwrap(wrapped, contingency.symmetric_key(new)) is None
    assert (old.path / contingency.FILE).stat().st_mode & 0o077 == 0
    assert public_key not in wrapped


def test_the_command_replaces_every_cell(stores: tuple[KeyStore, KeyStore]) -> None:
    old, new = stores
    Counters(old.path).next(SUPPLIER)
    made = smets("pki", "contingency", "--keystore", old.path, "--to", new.path)
    assert made.code == 0
    message = envelope.decode(bytes.fromhex(made.out))
    assert (message.message_code, message.originator, message.recipient) == (0x0109, contingency.holder(old), DEVICE)
    assert message.mac is None and verify(message, old).authentic
    control, replacements, path = asn1.decode(message.payload).children
    assert control.children[0].integer == 9 and control.children[1].content == contingency.symmetric_key(old)
    names = [b"".join(part.content for part in each.children[1].children).hex() for each in replacements.children]
    assert names == [
        "000204", "010780", "020780", "020308", "02030801", "030780", "030308", "040308", "050780", "080780", "080308",
    ]  # fmt: skip
    issued = [certificates.load(each.children[0].encode()) for each in replacements.children]
    issuer, root = certificates.load(path.children[0].encode()), pki.authority_certificate(new)
    issuer.verify_directly_issued_by(root)
    for each in issued[1:]:
        each.verify_directly_issued_by(issuer)
    # the new parties know the device, and go on where the old ones were
    new.rescan()
    assert new.public_key(DEVICE, "ka") == old.public_key(DEVICE, "ka")
    assert Counters(new.path).highest(SUPPLIER) == Counters(old.path).highest(SUPPLIER) == 1
    assert Counters(new.path).highest(message.originator) == message.counter == 1
    # decoded, it says what it is
    tree = smets("decode", "-", stdin=made.out.encode()).out
    assert "Plaintext Symmetric Key" in tree and "any by contingency" in tree


def test_it_may_be_dated(stores: tuple[KeyStore, KeyStore]) -> None:
    old, new = stores
    made = smets("pki", "contingency", "--keystore", old.path, "--to", new.path, "--at", "2026-11-23T03:00:00")
    last = asn1.decode(envelope.decode(bytes.fromhex(made.out)).payload).children[-1]
    assert (last.tag, last.content) == (asn1.GENERALIZED_TIME, b"20261123030000Z")


def test_what_is_missing_is_named(stores: tuple[KeyStore, KeyStore], tmp_path: Path) -> None:
    old, new = stores
    bare = tmp_path / "bare"
    shutil.copytree(old.path, bare)
    (bare / contingency.FILE).write_text("no key")
    assert "is no AES key" in smets("pki", "contingency", "--keystore", bare, "--to", new.path).why
    (bare / contingency.FILE).unlink()
    assert contingency.FILE in smets("pki", "contingency", "--keystore", bare, "--to", new.path).why
    (bare / f"{contingency.holder(old).hex()}-ds.key").unlink()
    assert "no contingency key" in smets("pki", "contingency", "--keystore", bare, "--to", new.path).why
    assert "no key store" in smets("pki", "contingency", "--keystore", old.path, "--to", tmp_path / "nowhere").why
