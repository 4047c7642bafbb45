"""Energy by tariff: registers by time of use, and by block and time of use (SMETS2 5.7.5). Loaded when it is wanted."""

from micropython import const

from smets.meter.errors import Refused
from smets.meter.fields import Component

_TIMES_OF_USE = const(48)
_BLOCKS_AND_TIMES = const(32)
_SECOND_TIMES_OF_USE = const(4)
_RESET_BLOCK_COUNTERS = const(99)


class TariffRegisters(Component):
    """All in Wh. `blocks_wh` has 32 registers, block by block and in a block by time of use, then 32 counters alike."""

    NAME = "tariff_registers"
    FIELDS = (
        ("tou_wh", ">I", 0, _TIMES_OF_USE),
        ("blocks_wh", ">I", 0, 2 * _BLOCKS_AND_TIMES),
        ("second_tou_wh", ">I", 0, _SECOND_TIMES_OF_USE),
    )
    METHODS = ("run_script",)

    def run_script(self, script):
        """Set the counters of the blocks to 0 (script 99, ECS05). Raises Refused for another script.

        The others, which switch between registers, are the switching table's own.
        """
        if script != _RESET_BLOCK_COUNTERS:
            raise Refused("no command runs this script")
        for place in range(_BLOCKS_AND_TIMES, 2 * _BLOCKS_AND_TIMES):
            self.put("blocks_wh", 0, place)


COLD = (TariffRegisters,)
