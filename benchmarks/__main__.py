"""Run every benchmark: `python -m benchmarks`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks import back_ends, device_commands, device_requests, device_year, flash_wear, host_messages, thumb_cycles
from opensmets.bench.firmware import micropython_path


def main() -> int:
    """Print every benchmark's lines. Returns 1 when the host is below its budget, as a remark to whoever reads it."""
    outcome = host_messages.run()
    interpreter = micropython_path()
    if interpreter is None:
        thumb_cycles.run()
        print("device: no MicroPython for this machine; set $MICROPYTHON")
        return outcome
    script = Path(__file__).with_name("device_crypto.py")
    subprocess.run([str(interpreter), "-X", "heapsize=250k", str(script)], check=True)
    back_ends.run()
    flash_wear.run()
    device_requests.run()
    return outcome | device_commands.run() | device_year.run()


if __name__ == "__main__":
    sys.exit(main())
