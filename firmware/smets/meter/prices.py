"""Prices and the thresholds of blocks (SMETS2 5.7.5; IEC 62056-6-2 class 113, 21). Loaded when it is wanted.

A price is `number` x 10^`scale` of the currency a kWh, the standing charge the same a day. A row of prices is (index,
number): indexes 1 to 48 are times of use, A1 to D8 (hexadecimal) a block's letter and a time of use.
"""

from micropython import const

from smets.meter.cold import ColdComponent
from smets.meter.fields import BOOL

_TIMES_OF_USE = const(48)
_BLOCKS = const(4)
_BLOCK_TIMES_OF_USE = const(8)
_FIRST_BLOCK = const(0xA)
_SECOND_TIMES_OF_USE = const(4)
_ROWS = const(80)
_MILLIPENCE_SCALE = const(-5)
_ROW = (1, ">h")
_THRESHOLDS = [3, ">I"]
_SHOWN = "active_price_millipence"
_UNLIMITED = (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF)


class Prices(ColdComponent):
    """The primary element's. Where a block ends, `thresholds_n_wh` says for its time of use, each block's in turn."""

    NAME = "prices"
    FIELDS: tuple = (
        ("in_sterling", BOOL, True),
        ("standing_charge", ">h"),
        ("standing_charge_scale", ">b", _MILLIPENCE_SCALE),
        ("scale", ">b", _MILLIPENCE_SCALE),
        ("active_price_millipence", ">I"),
    )
    NESTED: tuple = (
        ("prices", [_ROWS, _ROW]),
        ("thresholds_1_wh", _THRESHOLDS, _UNLIMITED),
        ("thresholds_2_wh", _THRESHOLDS, _UNLIMITED),
        ("thresholds_3_wh", _THRESHOLDS, _UNLIMITED),
        ("thresholds_4_wh", _THRESHOLDS, _UNLIMITED),
        ("thresholds_5_wh", _THRESHOLDS, _UNLIMITED),
        ("thresholds_6_wh", _THRESHOLDS, _UNLIMITED),
        ("thresholds_7_wh", _THRESHOLDS, _UNLIMITED),
        ("thresholds_8_wh", _THRESHOLDS, _UNLIMITED),
    )

    def price_of(self, index):
        """Return the price of an index, 0 where none was set."""
        set_once = self.meter.stored(self._key("prices"))  # and not a new meter's rows, which take room
        for name, price in self.elements("prices") if set_once else ():
            if name[0] == index:
                return price
        return 0

    def show(self, price_millipence):
        """Let a price be the one in force."""
        if self.get(_SHOWN) != price_millipence:
            self.put(_SHOWN, price_millipence)

    def get_nested(self, name):
        """Return a nested field's value; before prices were ever set, all of them, 0."""
        value = super().get_nested(name)
        return value or self.free_of_charge() if name == "prices" else value

    def free_of_charge(self):
        """Return the rows of prices of a new meter."""
        indexes = list(range(1, _TIMES_OF_USE + 1))
        for block in range(_FIRST_BLOCK, _FIRST_BLOCK + _BLOCKS):
            indexes.extend(range(block << 4 | 1, (block << 4 | _BLOCK_TIMES_OF_USE) + 1))
        return [(bytes((index,)), 0) for index in indexes]


class SecondPrices(Prices):
    """The second element's, by time of use alone."""

    NAME = "second_prices"
    FIELDS = (("scale", ">b", _MILLIPENCE_SCALE), ("active_price_millipence", ">I"))
    NESTED = (("prices", [_SECOND_TIMES_OF_USE, _ROW]),)

    def free_of_charge(self):
        """Return the rows of prices of a new meter."""
        return [(bytes((index,)), 0) for index in range(1, _SECOND_TIMES_OF_USE + 1)]


COLD = (Prices, SecondPrices)
