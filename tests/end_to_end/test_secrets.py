"""No secret leaves a device or the host: not on the link, in a log, an error, a capture or a repr."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from opensmets.bench.control import Bench, Caller, DeviceRefused, Frame
from opensmets.bench.provisioning import provision
from opensmets.bench.virtual import VirtualDevice
from opensmets.catalogue.use_cases import use_case
from opensmets.explain import explain
from opensmets.layouts import envelope
from opensmets.layouts.axdr import Data
from opensmets.layouts.envelope import COMMAND, Message
from opensmets.layouts.xdlms import AccessItem, AccessRequest
from opensmets.links import open_link
from opensmets.security import pki
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import protect_command, verify
from smets.store.journal import Journal

EUI, SUPPLIER = bytes.fromhex("00db1234567890a0"), bytes.fromhex("90b3d51f30010000")
PRIVATE_SIZE = 32
#: Where in its journal a device keeps its key pairs, each private scalar before its public key.
KEY_PAIRS = "key/"


def command(name: str, data: Data, counter: int, keystore: KeyStore) -> bytes:
    """Return a protected command with the first item of a use case."""
    entry = use_case(name)
    target = entry.items[0].target
    item = AccessItem(entry.items[0].verb, target.class_id, target.obis, target.member)
    request = AccessRequest(0x20000000 | counter, (item,), (data,))
    plain = Message(COMMAND, counter, SUPPLIER, EUI, entry.message_code, request.encode())
    return protect_command(envelope.encode(plain), keystore)


def secrets_of(store: Path, keystore: KeyStore) -> Iterator[bytes]:
    """Yield the device's private scalars and agreed secrets, found by their public sides, and the parties' keys."""
    journal = Journal(str(store / "journal"))
    public = [_public(keystore, EUI, usage) for usage in ("ds", "ka")]
    for name in journal.keys(KEY_PAIRS):
        pair = journal.get(name) or b""
        assert pair[PRIVATE_SIZE:] in public
        yield pair[:PRIVATE_SIZE]
    journal.close()
    for party in keystore.parties(private=True):
        for usage in party.private_usages:
            key = keystore.private_key(party.eui, usage)
            yield key.private_numbers().private_value.to_bytes(PRIVATE_SIZE, "big")
            if usage == "ka":
                yield key.exchange(ec.ECDH(), keystore.public_key(EUI, "ka"))


def _public(keystore: KeyStore, eui: bytes, usage: str) -> bytes:
    numbers = keystore.public_key(eui, usage).public_numbers()
    return numbers.x.to_bytes(PRIVATE_SIZE, "big") + numbers.y.to_bytes(PRIVATE_SIZE, "big")


def forms(secret: bytes) -> Iterator[bytes]:
    """Yield what a secret would look like, raw or written."""
    yield from (
        secret,
        secret.hex().encode(),
        secret.hex().upper().encode(),
        str(int.from_bytes(secret, "big")).encode(),
    )
    yield base64.b64encode(secret).rstrip(b"=")[:-1]


@pytest.mark.parametrize("runtime", ["micropython", "cpython"])
def test_no_secret_is_told(runtime: str, tmp_path: Path) -> None:
    keystore = pki.init(tmp_path / "keys")
    told: list[bytes] = []

    def note(frame: Frame) -> None:
        told.append(bytes(frame.payload))

    capture = tmp_path / "capture.pcapng"
    with VirtualDevice(tmp_path / "store", runtime=runtime, bench=True) as device:
        with open_link(device.port, pcap=capture) as link:
            provision(link, keystore, EUI)
            bench = Bench(link, note)
            good = command("ECS44", Data("u16", 54), 1000, keystore)
            for octets in (
                good,
                good,
                good[:-1],
                good[:-20] + bytes(20),
                command("ECS45", Data("null"), 1001, keystore),
            ):
                link.send(0, octets)
                told.append(str(bench.status()).encode())
            for path in ("keys.ds", "trust.keys", "journal.cell", "clock._buffer", "__class__.x"):
                with pytest.raises(DeviceRefused) as refused:
                    bench.get(path)
                told.append(str(refused.value).encode())
            with pytest.raises(DeviceRefused):
                Caller(link, 5)("keys")
        told.append(device.errors().encode())
    told.append(capture.read_bytes())
    told += [repr(keystore).encode(), repr(verify(envelope.decode(good), keystore)).encode()]
    told.append(str(explain(good, keystore).to_json()).encode())
    found = list(secrets_of(tmp_path / "store", keystore))
    assert len(found) > 10, "the test must know the secrets that it looks for"
    everything = b"\n".join(told)
    assert not [True for secret in found for form in forms(secret) if form in everything]
