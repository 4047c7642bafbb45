"""Payment: the account's mode and balances (SMETS2 5.7.4, 5.7.5). Money in millipence.

What flows or must be known at any time stands here; what limits, shares out and configures is loaded when it is wanted
(credit.py, account.py, debts.py, non_disablement.py).
"""

from micropython import const

from smets.meter.fields import BOOL, Component
from smets.meter.supply import CREDIT, DISABLED

CREDIT_MODE = const(1)
PREPAYMENT_MODE = const(2)
_DAILY = (
    "meter_balance_millipence",
    "emergency_credit_balance_millipence",
    "time_debt_1_millipence",
    "time_debt_2_millipence",
    "payment_debt_millipence",
    "accumulated_debt_millipence",
)
"""The columns of the daily read log behind its time."""


class Payment(Component):
    """The account: what it holds, what it owes, and below which credit the supply is disabled."""

    NAME = "payment"
    FIELDS = (
        ("meter_balance_millipence", ">i"),
        ("emergency_credit_balance_millipence", ">i"),
        ("time_debt_1_millipence", ">i"),
        ("time_debt_2_millipence", ">i"),
        ("payment_debt_millipence", ">i"),
        ("accumulated_debt_millipence", ">i"),
        ("emergency_credit_limit_millipence", ">i"),
        ("emergency_credit_active", BOOL),
        ("disablement_threshold_millipence", ">i"),
        ("mode", ">B", CREDIT_MODE, 0, CREDIT_MODE, PREPAYMENT_MODE),
    )

    def combined_credit(self):
        """Return the meter balance and, where it is activated, the emergency credit balance, in millipence."""
        combined_millipence = self.get("meter_balance_millipence")
        if self.get("emergency_credit_active"):
            combined_millipence += self.get("emergency_credit_balance_millipence")
        return combined_millipence

    def arm_if_in_credit(self):
        """Arm a supply that was disabled for want of credit, when there is some again."""
        supply = self.meter.supply
        disabled_for_credit = supply.get("state") == DISABLED and supply.get("reason") == CREDIT
        if disabled_for_credit and self.combined_credit() > self.get("disablement_threshold_millipence"):
            supply.arm(CREDIT)

    def midnight(self, now_s):
        """Put the day's row into the prepayment daily read log."""
        self.meter.logs.append("prepayment_daily", (now_s,) + tuple([self.get(register) for register in _DAILY]))
