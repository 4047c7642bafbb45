"""What a supplier does to the account: adjust, reset, lend emergency credit (SMETS2 5.7.4; GBCS ECS04, ECS07, ECS09).

Loaded when it is wanted. `collection` says which charge is collected from which credit and when, in the words of
COSEM's account (IEC 62056-6-2 class 111, attribute 11). Credits 0-0:19.10.n: 0 meter balance, 1 emergency credit,
2 accumulated debt. Charges 0-0:19.20.n: 0 tariff, 1 and 2 time debts, 3 payment debt, 4 standing charge, 5 the tariff
of the second element.

Readings chosen: an adjustment is taken whole whatever its sign, so that nothing of it is lost, and one that a register
cannot hold is refused; resetting emergency credit ends it, so that what was lent is not asked back.
"""

from micropython import const

from smets.meter.cold import ColdComponent
from smets.meter.errors import OutOfRange, Refused
from smets.meter.fields import fits
from smets.meter.payment import PREPAYMENT_MODE

_COLLECTIONS = const(16)
_NAME = const(6)
_COLLECTION_BITS = const(3)
_ACTIVATED = const(0x81AB)
_ARMED_BY_EMERGENCY_CREDIT = const(0x8168)


class Account(ColdComponent):
    """Thresholds that warn and that lend, and the collection of charges: (credit, charge, three bits) a row."""

    NAME = "account"
    FIELDS = (
        ("low_credit_threshold_millipence", ">i"),
        ("emergency_credit_threshold_millipence", ">i"),
    )
    NESTED = (("collection", [_COLLECTIONS, (_NAME, _NAME, _COLLECTION_BITS)]),)
    METHODS = (
        "adjust_balance", "reset_balance", "reset_emergency_credit", "activate_emergency_credit",
        "reset_accumulated_debt", "adjust_payment_debt", "adjust_time_debt_1", "adjust_time_debt_2",
    )  # fmt: skip

    def adjust_balance(self, amount_millipence):
        """Add to the meter balance (ECS04a). Raises OutOfRange."""
        self._adjust("meter_balance_millipence", amount_millipence)
        self.meter.component("credit_watch").settle()

    def reset_balance(self, _):
        """Set the meter balance to 0 (ECS04b)."""
        payment = self.meter.component("payment")
        payment.put("meter_balance_millipence", 0)
        self.meter.component("credit_watch").settle()

    def reset_emergency_credit(self, _):
        """Set the emergency credit balance to 0 and end emergency credit (ECS04b)."""
        payment = self.meter.component("payment")
        payment.put("emergency_credit_balance_millipence", 0)
        payment.put("emergency_credit_lent_millipence", 0)
        payment.put("emergency_credit_active", False)
        self.meter.component("credit_watch").settle()

    def reset_accumulated_debt(self, _):
        """Set the accumulated debt to 0 (ECS04b)."""
        self.meter.component("payment").put("accumulated_debt_millipence", 0)

    def adjust_payment_debt(self, amount_millipence):
        """Add to payment-based debt (ECS07). Raises OutOfRange."""
        self._adjust("payment_debt_millipence", amount_millipence)

    def adjust_time_debt_1(self, amount_millipence):
        """Add to time-based debt 1 (ECS07). Raises OutOfRange."""
        self._adjust("time_debt_1_millipence", amount_millipence)

    def adjust_time_debt_2(self, amount_millipence):
        """Add to time-based debt 2 (ECS07). Raises OutOfRange."""
        self._adjust("time_debt_2_millipence", amount_millipence)

    def activate_emergency_credit(self, _=None):
        """Lend emergency credit; nothing when it is lent already (ECS09).

        Raises Refused when it is not to be had: in credit mode, at or above the threshold, or with a limit of 0.
        """
        payment = self.meter.component("payment")
        if payment.get("emergency_credit_active"):
            return
        if not self.lends():
            raise Refused("emergency credit is not available")
        limit_millipence = payment.get("emergency_credit_limit_millipence")
        payment.put("emergency_credit_balance_millipence", limit_millipence)
        payment.put("emergency_credit_lent_millipence", limit_millipence)
        payment.put("emergency_credit_active", True)
        self.meter.record(_ACTIVATED)
        self.meter.component("credit_watch").settle(_ARMED_BY_EMERGENCY_CREDIT)

    def lends(self):
        """Return whether emergency credit is to be had, apart from being lent already."""
        payment = self.meter.component("payment")
        low = payment.get("meter_balance_millipence") < self.get("emergency_credit_threshold_millipence")
        prepaid = payment.get("mode") == PREPAYMENT_MODE
        return prepaid and low and payment.get("emergency_credit_limit_millipence") > 0

    def _adjust(self, register, amount_millipence):
        payment = self.meter.component("payment")
        value = payment.get(register) + amount_millipence
        if not fits(">i", value):
            raise OutOfRange("payment." + register)
        payment.put(register, value)


COLD = (Account,)
