"""Which events are sent, shown and logged, by party: a bit for each code (GBCS 16.2; ECS25, SRV 6.22).

A mask has 256 bits, the first for the code whose low octet is FF, the last for 00; the supplier's codes are 81xx, the
network operator's 80xx. A mask is read whole, and changed by the `change_` field of its name with 512 bits: which codes
are changed, then what they are changed to. Bit strings are as in cosem/layout.py: u16 number of bits, and the bits.
As long as nothing was changed the meter's alert table holds.
"""

from micropython import const

from smets.meter.errors import OutOfRange
from smets.meter.fields import Component

_MASK = const(34)
_BITS = b"\x01\x00"
_SIZE = const(32)
_CHANGE = "change_"
_CHANGE_BITS = b"\x02\x00"
_SENT = const(2)
_LOGGED = const(0x1C)
_ANNOUNCED = const(0x80)
_ONE_PHASE = const(0x20)
_THREE_PHASES = const(0x40)
_MASKS = (
    ("supplier_wan", 0x8100, _SENT),
    ("supplier_han", 0x8100, _ANNOUNCED),
    ("supplier_audible", 0x8100, 0),
    ("supplier_log", 0x8100, _LOGGED),
    ("operator_wan", 0x8000, _SENT),
    ("operator_log", 0x8000, _LOGGED),
)
"""Name, first code, and the flags of the alert table that say whether it is so at first; none: it is not."""


class AlertSettings(Component):
    """The masks. events.py reads them where they are stored: their order is told there as well."""

    NAME = "alert_settings"
    FIELDS = tuple([(name, _MASK) for name, _, _ in _MASKS])

    def __init__(self, meter):
        super().__init__(meter)
        if meter.stored("meter/" + self.NAME) is None:
            for name, first, flags in _MASKS:
                self.put(name, self._at_first(first, flags))
            self.unsaved = 0

    def read(self, name, index=None):
        """Return a mask, or for a `change_` field the change of all codes to what they are. Raises Unavailable."""
        if not name.startswith(_CHANGE):
            return super().read(name, index)
        return _CHANGE_BITS + b"\xff" * _SIZE + super().read(name[7:], index)[2:]

    def check(self, name, value, index=None):
        """Raise OutOfRange or Unavailable when `write` would."""
        if name.startswith(_CHANGE):
            self._place(name[7:])
            if len(value) != 2 + 2 * _SIZE or bytes(value[:2]) != _CHANGE_BITS:
                raise OutOfRange(self.NAME + "." + name)
            return
        super().check(name, value, index)
        if len(value) != _MASK or bytes(value[:2]) != _BITS:
            raise OutOfRange(self.NAME + "." + name)

    def write(self, name, value, index=None):
        """Set a mask, or change bits of it. Raises as `check`, and then nothing changed."""
        self.check(name, value, index)
        if not name.startswith(_CHANGE):
            self.put(name, value)
            return
        mask = bytearray(self.get(name[7:]))
        for place in range(_SIZE):
            chosen = value[2 + place]
            mask[2 + place] = mask[2 + place] & ~chosen & 0xFF | value[2 + _SIZE + place] & chosen
        self.put(name[7:], mask)

    def _at_first(self, first, flags):
        """Return a mask with the codes that have one of these flags, and that a meter of so many phases has."""
        mask, others = (
            bytearray(_BITS) + bytearray(_SIZE),
            _ONE_PHASE if self.meter.has("three_phase") else _THREE_PHASES,
        )
        for code in range(0x100 if flags else 0):
            found = self.meter.events.flags(first + code)
            if found & flags and not found & others:
                mask[1 + _SIZE - (code >> 3)] |= 1 << (code & 7)
        return mask


COLD = (AlertSettings,)
