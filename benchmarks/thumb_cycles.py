"""What P-256 takes on a Cortex-M0+: cycles of the assembler back end's machine code, on an emulated core."""

from __future__ import annotations

import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from opensmets.bench.firmware import firmware_path
from tests.thumb_core import ThumbCore, assembled_function

CLOCK_HZ = 125_000_000
"""A Pico's."""
_SLOTS = bytearray(512)


def run() -> dict[str, int]:
    """Print a line for each operation and return its cycles. Some 40 ms of Python around them are not counted."""
    with tempfile.TemporaryDirectory() as folder:
        code = assembled_function(firmware_path() / "smets/crypto/field_thumb.py", Path(folder))
    core = ThumbCore(code, counting=True)
    for name, what in (("multiply", 1), ("add", 2), ("subtract", 3)):
        _report("field " + name, core, lambda what=what: core(bytes((what, 5, 3, 4, 0, 0, 0, 0)), _SLOTS, 1))
    return _with_points(core)


def _with_points(core: ThumbCore) -> dict[str, int]:
    sys.path[:0] = [str(firmware_path()), str(firmware_path() / "cpython")]
    field = ModuleType("smets.crypto.field_thumb")
    field.run = core  # type: ignore[attr-defined]
    sys.modules[field.__name__] = field
    from smets.crypto import p256

    private, digest = sha256(b"one key").digest(), sha256(b"message").digest()
    public, signature = p256.public_key(private), p256.sign(private, digest)
    operations = {
        "P-256 sign": lambda: p256.sign(private, digest),
        "P-256 verify": lambda: p256.verify(public, digest, signature),
        "P-256 ECDH": lambda: p256.ecdh(private, public),
    }
    return {name: _report(name, core, operation) for name, operation in operations.items()}


def _report(name: str, core: ThumbCore, operation) -> int:  # type: ignore[no-untyped-def]
    core.cycles = 0
    operation()
    print(f"{name:24s} {core.cycles:10,} cycles  {core.cycles / CLOCK_HZ * 1000:9.3f} ms on a Pico")
    return core.cycles
