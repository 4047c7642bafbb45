"""Rows of the billing data log and the daily read log (SMETS2 5.7.5; GBCS ECS20b, ECS20c, ECS21a). Loaded when wanted.

A row is the energy registers, or the account, or one and then the other, as they are when a billing period ends, at
midnight, or when payment mode or tariff change. The tariff changes when a switching table becomes active; prices alone
(ECS01b) are the same tariff at another price.

Readings chosen: a period that ends at midnight is logged before the standing charge of the day that begins is taken,
like the day itself. Ends over which the clock leapt, or that came while there was no supply, have one row together, of
the time at which it was written: what the registers were before is not made up.
"""

from micropython import const

from smets.meter.fields import Component

_BLOCKS = const(4)
_BLOCK_TIMES_OF_USE = const(8)
_NEVER = const(0xFFFFFFFF)
_LOGGED = const(0x8F0A)


class BillingRows(Component):
    """What is logged of registers and account together."""

    NAME = "billing_rows"

    def change(self):
        """Log the registers and the account now: the payment mode or the tariff changes."""
        payment = self.meter.component("payment")
        self.meter.logs.append("billing_change", (self.meter.time_s,) + self.registers() + payment.shown())

    def end_period(self, now_s):
        """Log the registers and the account: a billing period ends. ECS68 tells the supplier."""
        logs = self.meter.logs
        logs.append_once("billing", (now_s,) + self.registers())
        logs.append_once("billing_prepayment", (now_s,) + self.meter.component("payment").shown())
        self.meter.component("consumption").end_bill()
        self.meter.component("tariff").put("billing_s", _NEVER)  # until the next end is worked out
        self.meter.record(_LOGGED, b"", now_s)
        logs.release()

    def end_day(self, now_s):
        """Log the registers as they are at midnight."""
        self.meter.logs.get("daily_read")  # opened before there is the row, which is large
        self.meter.logs.append_once("daily_read", (now_s,) + self.registers())

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
