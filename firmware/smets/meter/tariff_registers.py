"""Energy by tariff: registers by time of use, and by block and time of use (SMETS2 5.7.5). Loaded when it is wanted."""

from micropython import const

from smets.meter.errors import Refused
from smets.meter.fields import Component

_TIMES_OF_USE = const(48)
_BLOCKS_AND_TIMES = const(32)
_SECOND_TIMES_OF_USE = const(4)
_BLOCK_TIMES_OF_USE = const(8)
_FIRST_BLOCK_SCRIPT = const(101)
_FIRST_SECOND_SCRIPT = const(201)
_TURN = const(0xFFFFFFFF)
_RESET_BLOCK_COUNTERS = const(99)


class TariffRegisters(Component):
    """All in Wh. `blocks_wh` has 32 registers, block by block and in a block by time of use, then 32 counters alike.

    What was counted since the last switch stands with `tariff` (tariff.py), which is in every value given here.
    """

    NAME = "tariff_registers"
    FIELDS = (
        ("tou_wh", ">I", 0, _TIMES_OF_USE),
        ("blocks_wh", ">I", 0, 2 * _BLOCKS_AND_TIMES),
        ("second_tou_wh", ">I", 0, _SECOND_TIMES_OF_USE),
    )
    METHODS = ("run_script",)

    def get(self, name, index=0):
        """Return a register's or counter's value."""
        value = super().get(name, index)
        for counting, place, counted in self._counting():
            if counting == name and place == index:
                value += self.meter.component("tariff").get(counted)
        return value & _TURN

    def write(self, name, value, index=None):
        """Set a field, or one element of a list."""
        self.settle()
        super().write(name, value, index)

    def settle(self):
        """Take over what `tariff` has counted; `commit` puts both on flash together."""
        tariff = self.meter.component("tariff")
        counting = [(name, place, counted) for name, place, counted in self._counting() if tariff.get(counted)]
        for name, place, _ in counting:
            self.put(name, self.get(name, place), place)
        for _, _, counted in counting:
            tariff.put(counted, 0)

    def counted_wh(self, time_of_use):
        """Return what the counters of a time of use (1 to 8) hold, all blocks together."""
        first = _BLOCKS_AND_TIMES + time_of_use - 1
        return sum([self.get("blocks_wh", place) for place in range(first, 2 * _BLOCKS_AND_TIMES, _BLOCK_TIMES_OF_USE)])

    def reset_counters(self):
        """Set the counters of the blocks to 0."""
        self.settle()
        for place in range(_BLOCKS_AND_TIMES, 2 * _BLOCKS_AND_TIMES):
            self.put("blocks_wh", 0, place)

    def run_script(self, script):
        """Set the counters of the blocks to 0 (script 99, ECS05). Raises Refused for another script.

        The others, which switch between registers, are the switching table's own.
        """
        if script != _RESET_BLOCK_COUNTERS:
            raise Refused("no command runs this script")
        self.reset_counters()
        self.meter.tell(self.NAME, "blocks_wh", True)

    def _counting(self):
        """Return what counts now, registers and counters, as (field, place, field of `tariff` with what waits)."""
        tariff = self.meter.component("tariff")
        script, second = tariff.get("script"), tariff.get("second_script") - _FIRST_SECOND_SCRIPT
        if script < _FIRST_BLOCK_SCRIPT:
            first: tuple = (("tou_wh", script - 1, "counted_wh"),)
        else:
            place = tariff.get("block") * _BLOCK_TIMES_OF_USE + script - _FIRST_BLOCK_SCRIPT
            first = (("blocks_wh", place, "counted_wh"), ("blocks_wh", place + _BLOCKS_AND_TIMES, "counted_wh"))
        return first + (("second_tou_wh", second, "second_counted_wh"),)


COLD = (TariffRegisters,)
