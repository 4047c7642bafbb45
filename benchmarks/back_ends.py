"""The ratios between the back ends of P-256, GHASH and AES, and what of them was measured and what was worked out.

No one machine here runs both of P-256's: integers are timed in MicroPython on this computer, the machine code's cycles
are counted on an emulated Cortex-M0. To set them side by side the integers' time is brought to a Pico by what one
multiplication of theirs takes there.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from benchmarks import thumb_cycles
from opensmets.bench.firmware import micropython_path

SCRIPT = Path(__file__).with_name("device_back_ends.py")
PICO_MULTIPLY_US = 185.0
"""`a * b % p` of 256 bits in stock MicroPython on an emulated Pico at 125 MHz (2 to 22 % faster than silicon)."""
PICO_AROUND_MS = 40.0
"""The Python around the machine code in an operation on a Pico, some; its cycles are not counted."""


def run() -> None:
    """Print what each back end takes, and the ratios."""
    command = [str(micropython_path()), "-X", "heapsize=250k", str(SCRIPT)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    _p256(found, thumb_cycles.run())
    print("GHASH, a hash key's table and 1 KiB with it, measured on this machine; a board's ratio is its own:")
    for name in ("integers", "viper"):
        if f"GHASH, {name}, 1 KiB" in found:
            print(f"  {name:9} {found[f'GHASH, {name}, table']:7.0f} us {found[f'GHASH, {name}, 1 KiB']:7.0f} us")
    if "GHASH, viper, 1 KiB" in found:
        ratio = found["GHASH, integers, 1 KiB"] / found["GHASH, viper, 1 KiB"]
        print(f"  viper is {ratio:.0f} times as fast as integers")
    kept, made = found["AES key kept"], found["AES key made each time"]
    print(f"AES-128, a block: {kept:.2f} us with a key that is kept, {made:.2f} us with one made anew (measured here)")


def _p256(found: dict[str, float], cycles: dict[str, int]) -> None:
    """Print the ratio of each operation, and what it is made of."""
    one_us = found["a*b % p"]
    print("P-256 on a Pico. Integers are estimated: their time here, measured, in proportion to that of one a * b % p,")
    print(f"{one_us:.2f} us here and {PICO_MULTIPLY_US:.0f} there. Machine code is counted, cycles at 125 MHz on an")
    print(f"emulated Cortex-M0; some {PICO_AROUND_MS:.0f} ms for the Python around it are not counted, and added")
    for name in ("sign", "verify", "ECDH"):
        here_ms = found[name] / 1000
        integers_ms = here_ms * PICO_MULTIPLY_US / one_us
        code_ms = cycles[f"P-256 {name}"] / thumb_cycles.CLOCK_HZ * 1000
        ratio = integers_ms / (code_ms + PICO_AROUND_MS)
        print(f"  {name:7} integers {integers_ms:5.0f} ms (here {here_ms:.2f}), machine code {code_ms:3.0f} ms", end="")
        print(f" and {PICO_AROUND_MS:.0f}: {ratio:.1f} times as fast")


if __name__ == "__main__":
    run()
