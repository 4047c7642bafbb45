"""The device's time for each kind of command, on the unix port from .mpy files in a 250 KB heap, over the pty."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from opensmets.bench.control import MESSAGES, Bench
from opensmets.bench.provisioning import provision
from opensmets.bench.virtual import HEAP, VirtualDevice
from opensmets.catalogue.use_cases import use_case
from opensmets.layouts import envelope
from opensmets.layouts.axdr import Data
from opensmets.layouts.envelope import COMMAND, RESPONSE, Message
from opensmets.layouts.xdlms import AccessItem, AccessRequest
from opensmets.links import Link, open_link
from opensmets.security import pki
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import protect_command

ROUNDS = 20
EUI = bytes.fromhex("00db1234567890a0")
_SUPPLIER = bytes.fromhex("90b3d51f30010000")


def _command(name: str, data: Data, counter: int, keystore: KeyStore) -> bytes:
    """Return a command that does the first item of a use case."""
    entry = use_case(name)
    target = entry.items[0].target
    item = AccessItem(entry.items[0].verb, target.class_id, target.obis, target.member)
    request = AccessRequest(0x20000000 | counter, (item,), (data,))
    message = Message(COMMAND, counter, _SUPPLIER, EUI, entry.message_code, request.encode())
    return protect_command(envelope.encode(message), keystore)


def _milliseconds(link: Link, make: Callable[[int], bytes], first: int) -> float:
    """Return the mean time from command in to response out."""
    commands = [make(first + number) for number in range(ROUNDS)]
    started = time.perf_counter()
    for command in commands:
        link.send(MESSAGES, command)
        while True:
            frame = link.receive(10.0)
            if frame is None:
                raise RuntimeError("the device does not answer")
            if int(frame.channel) == MESSAGES and envelope.decode(frame.payload).cra_flag == RESPONSE:
                break
    return (time.perf_counter() - started) / ROUNDS * 1000


def run() -> int:
    """Print a line for each kind of command and the ratio between them."""
    with tempfile.TemporaryDirectory() as folder:
        keystore = pki.init(Path(folder) / "keys")
        with VirtualDevice(Path(folder) / "store", bench=True) as device, open_link(device.port) as link:
            provision(link, keystore, EUI)
            Bench(link)("speed", factor=0)
            read = _milliseconds(link, lambda n: _command("ECS45", Data("null", None), n, keystore), 1000)
            critical = _milliseconds(link, lambda n: _command("ECS44", Data("u16", 54), n, keystore), 2000)
    print(f"unix MicroPython, .mpy, heap {HEAP}: command in to response out, mean of {ROUNDS}")
    print(f"  read (MAC in, MAC out)                 {read:8.2f} ms")
    print(f"  critical (signature and MAC, signature) {critical:7.2f} ms")
    print(f"  a critical command costs {critical / read:.1f} reads")
    return 0
