"""A display of 128 x 64 points with an SSD1306 on I2C: eight lines of 16 characters. Loaded when something is shown.

The chip's memory is eight pages of 128 octets, each column of eight points an octet, the topmost its lowest bit: a line
of framebuf's 8 x 8 characters is a page.
"""

import framebuf
from micropython import const

ADDRESS = const(0x3C)
WIDTH, LINES = 128, 8
_LINE_HEIGHT = const(8)
_COMMANDS, _DATA = const(0x00), const(0x40)
"""The octet before commands, and before what goes into the memory."""
_SET_UP = const(
    b"\x00"
    b"\xd5\x80"  # clock: as it is out of reset
    b"\xa8\x3f\xd3\x00\x40"  # 64 rows, from the first on
    b"\x8d\x14"  # its own charge pump is its supply
    b"\xa1\xc8\xda\x12"  # as the common modules are mounted: pins above the picture
    b"\x81\xcf\xd9\xf1\xdb\x40"  # contrast and its timing
    b"\x20\x00\x21\x00\x7f\x22\x00\x07"  # left to right, page after page, from the first on
    b"\xa4\xa6\xaf"  # what is in the memory, a one shines, on
)
_OFF = const(b"\x00\xae")


def show(i2c, lines):
    """Show lines of text, at most eight of 16 ASCII characters; below them nothing is left of what was shown.

    `i2c` has MicroPython's `writeto(address, octets)`. The display is set up each time, so that one that was plugged in
    meanwhile, or lost its power, shows too. Raises OSError when no display answers.
    """
    i2c.writeto(ADDRESS, _SET_UP)
    octets = bytearray(1 + WIDTH)
    octets[0] = _DATA
    line = framebuf.FrameBuffer(memoryview(octets)[1:], WIDTH, _LINE_HEIGHT, framebuf.MONO_VLSB)
    for place in range(LINES):
        line.fill(0)
        if place < len(lines):
            line.text(lines[place], 0, 0)
        i2c.writeto(ADDRESS, octets)


def turn_off(i2c):
    """Let the display be dark. Raises OSError when no display answers."""
    i2c.writeto(ADDRESS, _OFF)
