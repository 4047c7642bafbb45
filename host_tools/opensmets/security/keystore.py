"""A folder of certificates and private keys, by party: `<eui>-ds.pem`, `-ka.pem`, `-pp-ka.pem`, and `.key` beside.

A `.pem` is a certificate or, where no certificate is known, a bare public key. Files are read when first asked for.
`parties.json`, which `smets pki init` writes, gives roles and names; without it a certificate's OU gives the role.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from opensmets.errors import SmetsError, UsageError
from opensmets.security import certificates
from opensmets.security.suite import SharedSecret

INDEX = "parties.json"
#: A certificate or key file larger than this is none.
MAX_FILE = 16_384
_FILE = re.compile(rf"([0-9A-Fa-f]{{16}})-({'|'.join(certificates.USAGES)})(\.pem|\.key)")


class MissingKey(SmetsError):
    """The key store lacks a key that is needed; the message names its file."""


def parse_eui(text: str | bytes) -> bytes:
    """Return the 8 octets of an EUI-64 given as octets or as hex with or without `-` or `:`. Raises UsageError."""
    if isinstance(text, bytes):
        octets = text
    else:
        try:
            octets = bytes.fromhex(text.replace("-", "").replace(":", ""))
        except ValueError:
            octets = b""
    if len(octets) != 8:
        raise UsageError(f"{text!r} is no EUI-64: expected 16 hex digits, such as 90-B3-D5-1F-30-01-00-00")
    return octets


def format_eui(eui: bytes) -> str:
    """Write an EUI-64 the way DUIS does: `90-B3-D5-1F-30-01-00-00`."""
    return eui.hex("-").upper()


@dataclass(frozen=True)
class Party:
    """One party of a key store. `usages` are those it has a public key for, `private_usages` a private one."""

    eui: bytes
    role: str | None
    name: str
    usages: tuple[str, ...]
    private_usages: tuple[str, ...]


@dataclass
class KeyStore:
    """The keys of a folder. Its repr shows the folder alone."""

    path: Path
    _files: dict[tuple[bytes, str, str], Path] = field(default_factory=dict, repr=False)
    _index: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    _certificates: dict[tuple[bytes, str], x509.Certificate | None] = field(default_factory=dict, repr=False)
    _public: dict[tuple[bytes, str], ec.EllipticCurvePublicKey] = field(default_factory=dict, repr=False)
    _private: dict[tuple[bytes, str], ec.EllipticCurvePrivateKey] = field(default_factory=dict, repr=False)
    _secrets: dict[tuple[bytes, str, bytes, str], SharedSecret] = field(default_factory=dict, repr=False)
    _by_role: dict[str, tuple[Party, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, path: str | Path) -> KeyStore:
        """List the folder. Raises SmetsError when it is none or holds no keys."""
        folder = Path(path)
        if not folder.is_dir():
            raise SmetsError(
                f"no key store at {folder}: `smets pki init {folder}` makes test keys, as does `smets device run`"
            )
        store = cls(folder)
        store.rescan()
        if not store._files:
            raise SmetsError(
                f"{folder} holds no <eui>-ds.pem, -ka.pem or .key files; `smets pki init {folder}` makes them"
            )
        return store

    def rescan(self) -> None:
        """List the folder again and forget what was read from it."""
        for cache in (self._files, self._certificates, self._public, self._private, self._secrets, self._by_role):
            cache.clear()
        try:
            files = sorted(self.path.iterdir())
        except OSError as error:
            raise SmetsError(f"{self.path} cannot be read: {error.strerror}") from None
        for file in files:
            named = _FILE.fullmatch(file.name)
            if named:
                self._files[bytes.fromhex(named[1]), named[2], named[3]] = file
        self._index = self._read_index()

    def _read_index(self) -> dict[str, dict[str, str]]:
        file = self.path / INDEX
        if not file.exists():
            return {}
        try:
            index: dict[str, dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))["parties"]
            return index
        except (ValueError, KeyError, TypeError):
            raise SmetsError(f"{file} is not the index of a key store; `smets pki init` writes it anew") from None

    def _read(self, eui: bytes, usage: str, suffix: str) -> bytes:
        file = self._files.get((eui, usage, suffix))
        if file is None:
            kind = "private key" if suffix == ".key" else "public key"
            name = f"{eui.hex()}-{usage}{suffix}"
            raise MissingKey(f"no {usage} {kind} of {format_eui(eui)} in {self.path}: {name} is not there")
        try:
            octets = file.read_bytes()
        except OSError as error:
            raise SmetsError(f"{file} cannot be read: {error.strerror}") from None
        if len(octets) > MAX_FILE:
            raise SmetsError(f"{file} is no key or certificate: it has {len(octets)} octets")
        return octets

    def public_key(self, eui: bytes, usage: str) -> ec.EllipticCurvePublicKey:
        """Return a party's public key. Raises MissingKey naming the file, SmetsError when it is no P-256 key."""
        key = self._public.get((eui, usage))
        if key is None:
            key = self._public[eui, usage] = self._load_public(eui, usage)
        return key

    def _load_public(self, eui: bytes, usage: str) -> ec.EllipticCurvePublicKey:
        if (eui, usage, ".pem") not in self._files and (eui, usage, ".key") in self._files:
            return self.private_key(eui, usage).public_key()
        octets = self._read(eui, usage, ".pem")
        if b"BEGIN PUBLIC KEY" not in octets:
            return certificates.key_of(self.certificate(eui, usage))
        try:
            key = serialization.load_pem_public_key(octets)
        except (ValueError, UnsupportedAlgorithm):
            raise SmetsError(f"{self._files[eui, usage, '.pem']} is no public key") from None
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise SmetsError(f"{self._files[eui, usage, '.pem']} is no P-256 key")
        return key

    def certificate(self, eui: bytes, usage: str) -> x509.Certificate:
        """Return a party's certificate. Raises MissingKey or SmetsError naming the file."""
        if (eui, usage) not in self._certificates:
            octets = self._read(eui, usage, ".pem")
            self._certificates[eui, usage] = None if b"BEGIN PUBLIC KEY" in octets else certificates.load(octets)
        certificate = self._certificates[eui, usage]
        if certificate is None:
            raise MissingKey(f"{self._files[eui, usage, '.pem']} is a bare public key; a certificate is needed")
        return certificate

    def private_key(self, eui: bytes, usage: str) -> ec.EllipticCurvePrivateKey:
        """Return a party's private key. Raises MissingKey naming the file, SmetsError when it is no P-256 key."""
        key = self._private.get((eui, usage))
        if key is None:
            octets = self._read(eui, usage, ".key")
            file = self._files[eui, usage, ".key"]
            try:
                loaded = serialization.load_pem_private_key(octets, None)
            except (ValueError, TypeError, UnsupportedAlgorithm):
                raise SmetsError(f"{file} is no unencrypted PKCS #8 private key") from None
            if not isinstance(loaded, ec.EllipticCurvePrivateKey) or not isinstance(loaded.curve, ec.SECP256R1):
                raise SmetsError(f"{file} is no P-256 key")
            key = self._private[eui, usage] = loaded
        return key

    def has_private_key(self, eui: bytes, usage: str) -> bool:
        """Say whether the store has this private key."""
        return (eui, usage, ".key") in self._files

    def shared_secret(self, one: bytes, other: bytes, *, one_usage: str = "ka") -> SharedSecret:
        """Return the ECDH secret of two parties' key-agreement keys, of which either's private key is here.

        It is agreed once for a pair. Raises MissingKey when a key is lacking.
        """
        found = self._secrets.get((one, one_usage, other, "ka"))
        if found is None:
            if self.has_private_key(one, one_usage) or not self.has_private_key(other, "ka"):
                found = SharedSecret(self.private_key(one, one_usage), self.public_key(other, "ka"))
            else:
                found = SharedSecret(self.private_key(other, "ka"), self.public_key(one, one_usage))
            self._secrets[one, one_usage, other, "ka"] = found
        return found

    def party(self, eui: str | bytes) -> Party:
        """Return what the store has of one party. Raises MissingKey when that is nothing."""
        octets = parse_eui(eui)
        have: dict[str, list[str]] = {".pem": [], ".key": []}
        for owner, usage, suffix in self._files:
            if owner == octets:
                have[suffix].append(usage)
        if not any(have.values()):
            raise MissingKey(f"no keys of {format_eui(octets)} in {self.path}")
        entry = self._index.get(octets.hex(), {})
        role = entry.get("role") or self._role_by_certificate(octets, have[".pem"])
        return Party(octets, role, entry.get("name", role or "device"), tuple(have[".pem"]), tuple(have[".key"]))

    def _role_by_certificate(self, eui: bytes, usages: list[str]) -> str | None:
        for usage in usages:
            if b"BEGIN PUBLIC KEY" in self._read(eui, usage, ".pem"):
                continue
            certificate = self.certificate(eui, usage)
            # a file may hold a copy of another party's certificate: its role is not this party's
            if certificates.eui_of(certificate) == eui:
                return certificates.role_of(certificate)
        return None

    def parties(self, *, private: bool = False) -> Iterator[Party]:
        """Walk the parties in order of EUI; with `private`, those that have a private key here."""
        euis = {eui for eui, _, suffix in self._files if suffix == ".key" or not private}
        return (self.party(eui) for eui in sorted(euis))

    def by_role(self, role: str) -> tuple[Party, ...]:
        """Return the parties of a role whose private keys are here, in order of EUI."""
        if role not in self._by_role:
            self._by_role[role] = tuple(party for party in self.parties(private=True) if party.role == role)
        return self._by_role[role]

    def acb(self) -> bytes:
        """Return the EUI of the access control broker. Raises MissingKey when its private key is not here."""
        found = self.by_role("acb")
        if not found:
            raise MissingKey(f"no access control broker (OU 04) with its private key in {self.path}")
        return found[0].eui
