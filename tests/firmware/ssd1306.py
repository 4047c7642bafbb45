"""An SSD1306 on a fake I2C bus: its commands as the data sheet has them, its memory, and what one sees and reads.

It knows neither the driver nor framebuf's layout of the memory; letters are recognised by comparing points.
"""

WIDTH, HEIGHT = 128, 64
_ARGUMENTS = {
    0x20: 1, 0x21: 2, 0x22: 2, 0x81: 1, 0x8D: 1, 0xA8: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1,
}  # fmt: skip
_PLAIN = (0x40, 0xA0, 0xA1, 0xA4, 0xA5, 0xA6, 0xA7, 0xAE, 0xAF, 0xC0, 0xC8, 0xE3)


class Ssd1306:
    """`writeto` is the bus. `is_there` false: nobody acknowledges."""

    def __init__(self):
        self.memory = [[0x5A] * WIDTH for _ in range(HEIGHT // 8)]  # a chip starts with noise
        self.is_on = self.is_pumped = False
        self.is_there, self.drawn = True, 0
        self.is_horizontal = False  # out of reset it writes a page and stays in it
        self.columns, self.pages = (0, WIDTH - 1), (0, 7)
        self.column = self.page = 0

    def writeto(self, address, octets):
        if not self.is_there or address != 0x3C:
            raise OSError(19)
        octets = list(bytes(octets))
        if octets[0] == 0x00:
            self._commands(octets[1:])
        elif octets[0] == 0x40:
            for octet in octets[1:]:
                self._store(octet)
        else:
            raise AssertionError("no such control octet: " + hex(octets[0]))

    def _commands(self, octets):
        while octets:
            command = octets.pop(0)
            assert command in _ARGUMENTS or command in _PLAIN, hex(command)
            given = [octets.pop(0) for _ in range(_ARGUMENTS.get(command, 0))]
            if command == 0x20:
                self.is_horizontal = given[0] == 0
            elif command == 0x21:
                self.columns, self.column = tuple(given), given[0]
            elif command == 0x22:
                self.pages, self.page = tuple(given), given[0]
            elif command == 0x8D:
                self.is_pumped = given[0] == 0x14
            elif command == 0xA8:
                assert given == [63]
            elif command in (0xAE, 0xAF):
                self.is_on = command == 0xAF

    def _store(self, octet):
        self.memory[self.page][self.column] = octet
        self.column += 1
        if self.column > self.columns[1]:
            self.column = self.columns[0]
            if self.is_horizontal:
                self.page = self.page + 1 if self.page < self.pages[1] else self.pages[0]
                self.drawn += self.page == self.pages[0]

    def is_lit(self, x, y):
        """Return whether a point shines."""
        return self.is_on and self.is_pumped and bool(self.memory[y // 8][x] >> y % 8 & 1)

    def read(self):
        """Return the lines that one reads, without blanks behind; "?" for what is no letter. None when it is dark."""
        if not (self.is_on and self.is_pumped):
            return None
        letters = {_points(_glyph(chr(code)).pixel, 0, 0): chr(code) for code in range(126, 31, -1)}
        lines = []
        for y in range(0, HEIGHT, 8):
            lines.append("".join([letters.get(_points(self.is_lit, x, y), "?") for x in range(0, WIDTH, 8)]).rstrip())
        while lines and not lines[-1]:
            lines.pop()
        return lines


def _points(point, left, top):
    """Return the 64 points from a place on as a text."""
    return "".join(["#" if point(left + x, top + y) else "." for y in range(8) for x in range(8)])


def _glyph(letter):
    """Return a letter drawn into a picture of its own, row by row."""
    import framebuf

    picture = framebuf.FrameBuffer(bytearray(8), 8, 8, framebuf.MONO_HLSB)
    picture.text(letter, 0, 0)
    return picture
