"""Print what a display shows: `micropython read_display.py ROOT FILE`, FILE with what was written to it."""

import sys
from binascii import unhexlify

sys.path.append(sys.argv[1])

from tests.firmware.ssd1306 import Ssd1306  # noqa: E402 - found by the path above

display = Ssd1306()
with open(sys.argv[2]) as file:
    for line in file:
        octets = unhexlify(line.strip())
        display.writeto(octets[0], octets[1:])
print("\n".join(display.read() or ["dark"]))
