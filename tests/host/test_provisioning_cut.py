"""Provisioning cut short at any request, by Ctrl-C, a pulled cable or the power: the same command completes it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from opensmets.bench.control import FrameLink
from opensmets.bench.provisioning import provision, who
from opensmets.errors import SmetsError
from opensmets.links import LinkLost
from opensmets.security import certificates, pki
from opensmets.security.keystore import KeyStore
from smets.trust.cells import DIGITAL_SIGNATURE, KEY_AGREEMENT
from tests.command import silent_port, smets_process
from tests.host.device_in_process import InProcess

EUI = bytes.fromhex("00db1234567890a5")


class Pulled:
    """A link whose cable is pulled when `left` requests were sent; the last of them still arrives."""

    def __init__(self, link: FrameLink, left: int) -> None:
        self._link, self.left = link, left

    def send(self, channel: int, payload: bytes) -> None:
        if not self.left:
            raise LinkLost("pulled")
        self.left -= 1
        self._link.send(channel, payload)

    def receive(self, timeout_s: float) -> Any:
        if not self.left:
            raise LinkLost("pulled")
        return self._link.receive(timeout_s)


@pytest.fixture(scope="module")
def keystore(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    folder = tmp_path_factory.mktemp("keys")
    pki.init(folder / "keys")
    return KeyStore.open(folder / "keys")


def begun(store: Path, keystore: KeyStore, requests: int) -> bool:
    """Provision a device up to a number of requests; return whether the host saw it through."""
    try:
        provision(Pulled(InProcess(store), requests), keystore, EUI)
    except LinkLost:
        return False
    return True


def test_what_was_cut_short_is_completed_by_the_same_command(keystore: KeyStore, tmp_path: Path) -> None:
    requests, cut = 1, 0
    while not begun(tmp_path / str(requests), keystore, requests):
        device = InProcess(tmp_path / str(requests))  # its power was cut too
        if who(device)["provisioned"]:  # the last request arrived, its answer did not
            with pytest.raises(SmetsError, match="provisioned already"):
                provision(device, keystore, EUI)
        else:
            assert device.esme.meter is None
            provision(device, keystore, EUI)
            cut += 1
        assert device.esme.meter is not None
        for name, usage in (("ds", DIGITAL_SIGNATURE), ("ka", KEY_AGREEMENT)):
            known = certificates.point(certificates.key_of(keystore.certificate(EUI, name)))
            assert known[1:] == device.esme.keys.public(usage)
        requests += 1
    assert cut > 12


def test_ctrl_c_says_what_to_do(keystore: KeyStore) -> None:
    with (
        silent_port() as port,
        smets_process("device", "provision", "--port", port, "--keystore", keystore.path) as process,
    ):
        assert process.stderr
        assert "provisioning" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        (why,) = process.stderr.read().splitlines()
    assert why == "smets: ended before it was a meter: repeat it, what was begun is forgotten then"
