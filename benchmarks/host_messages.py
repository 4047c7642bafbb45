"""The host's speed over the reference messages: `python -m benchmarks.host_messages`.

One thread, caches warm: keys loaded, ECDH agreed once for each pair of parties. A message is parsed, its MAC and
signature are verified, and its sensitive parts decrypted. The peer, in Node.js on these machines, does 2,134 a second.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from opensmets.layouts import asn1, envelope, gbz, xdlms
from opensmets.layouts.envelope import ALERT, Message
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import verify
from opensmets.security.sensitive import decrypt_parts

PEER_PER_SECOND = 2134
ROUNDS = 5
_XDLMS = (xdlms.ACCESS_REQUEST, xdlms.ACCESS_RESPONSE, xdlms.DATA_NOTIFICATION)


def reference_folder() -> Path | None:
    """Return the folder of reference messages and keys: $SMETS_REFERENCE, or ../shared beside the project."""
    beside = Path(__file__).resolve().parent.parent.parent / "shared"
    for candidate in (os.environ.get("SMETS_REFERENCE"), beside):
        if candidate and (Path(candidate) / "rtds").is_dir():
            return Path(candidate) / "rtds"
    return None


def read_payload(message: Message) -> object:
    """Take a payload apart, which parsing a message leaves until it is asked for."""
    if message.payload.startswith(gbz.PROFILE):
        return gbz.decode(message.payload, alert=message.cra_flag == ALERT)
    if message.payload[0] in _XDLMS:
        return xdlms.decode(message.payload)
    return asn1.decode_all(message.payload)


def per_second(work: Callable[[], Iterable[object]], count: int) -> float:
    """Return how many of `count` things `work` does a second, at its best of a few rounds after one to warm up."""
    times = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        for _ in work():
            pass
        times.append(time.perf_counter() - started)
    return count / min(times[1:])


def run() -> int:
    """Print a line a stage. Returns 0, or 1 when the whole is slower than twice the peer; 0 without reference data."""
    folder = reference_folder()
    if folder is None:
        print("host messages: no reference data; set $SMETS_REFERENCE or put it at ../shared")
        return 0
    messages = [bytes.fromhex(file.read_text()) for file in sorted(folder.glob("messages/*/*.HEX"))]
    keystore = KeyStore.open(folder / "keystore")
    parsed = [envelope.decode(one) for one in messages]
    stages: dict[str, Callable[[], Iterable[object]]] = {
        "parse the envelope": lambda: (envelope.decode(one) for one in messages),
        "verify and decrypt": lambda: (verify(one, keystore) for one in parsed),
        "of which decrypt": lambda: (decrypt_parts(one, keystore) for one in parsed),
        "parse the payload": lambda: (read_payload(one) for one in parsed),
        "parse, verify, decrypt": lambda: (verify(envelope.decode(one), keystore) for one in messages),
        "the same, payload too": lambda: (_whole(one, keystore) for one in messages),
    }
    print(f"{len(messages)} reference messages, one thread, caches warm")
    speed = 0.0
    for name, work in stages.items():
        speed = per_second(work, len(messages))
        print(f"  {name:24s} {speed:9,.0f} messages/s")
    print(f"  {speed / PEER_PER_SECOND:.1f} times the peer's {PEER_PER_SECOND:,} messages/s, payload included")
    return 0 if speed >= 2 * PEER_PER_SECOND else 1


def _whole(octets: bytes, keystore: KeyStore) -> object:
    message = envelope.decode(octets)
    return verify(message, keystore), read_payload(message)


if __name__ == "__main__":
    sys.exit(run())
