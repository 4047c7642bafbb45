"""The billing data log's rows by change of payment mode or tariff (SMETS2 5.7.5.7; GBCS ECS20c). Loaded when wanted.

A row is the energy registers and then the account as they are at the change. The tariff changes when a switching
table becomes active; prices alone (ECS01b) are the same tariff at another price.
"""

from micropython import const

from smets.meter.fields import Component

_BLOCKS = const(4)
_BLOCK_TIMES_OF_USE = const(8)


class BillingRows(Component):
    """What is logged when the terms of the supply change."""

    NAME = "billing_rows"

    def change(self):
        """Log the registers and the account now: the payment mode or the tariff changes."""
        payment = self.meter.component("payment")
        self.meter.logs.append("billing_change", (self.meter.time_s,) + self.registers() + payment.shown())

    def registers(self):
        """Return active import, the second element's, and the tariff's registers, in the order of logs."""
        meter, registers = self.meter, self.meter.component("tariff_registers")
        blocks = registers.read("blocks_wh")
        return (
            meter.read("registers.active_import_wh"),
            meter.read("registers.secondary_active_import_wh"),
            registers.read("tou_wh"),
            registers.read("second_tou_wh"),
        ) + tuple([blocks[8 * block : 8 * block + _BLOCK_TIMES_OF_USE] for block in range(_BLOCKS)])


COLD = (BillingRows,)
