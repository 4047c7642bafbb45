"""Payment: balances, debts and thresholds, and what a top-up does to them (SMETS2 5.7.3, 5.6.6). Money in millipence.

A credit goes, in this order, to payment-based debt (a share of it, within the cap of the recovery period), to
accumulated debt, to emergency credit used, and the rest to the meter balance: nothing is created and nothing lost.
Shares are rounded down. A token is spent only when its credit was taken: one above a limit may be entered again.
"""

from micropython import const

from smets.meter.errors import Refused, Unavailable
from smets.meter.fields import BOOL, Component
from smets.meter.supply import CREDIT, DISABLED

_DUPLICATE = const(0x8F51)
_ABOVE_MAXIMUM_CREDIT = const(0x8F5B)
_ABOVE_MAXIMUM_BALANCE = const(0x8F47)
_ADDED_LOCALLY = const(0x810E)
_CAP_PERIOD_S = const(604800)
_SHARE_WHOLE = const(10000)
_MOST = const(0x7FFFFFFF)
_MILLIPENCE = const(1000)
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
    """The account. `debt_share` is parts of 10,000; `recovered_millipence` of the cap is used since `cap_start_s`."""

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
        ("max_credit_millipence", ">i", _MOST, 0, 0, _MOST),
        ("max_meter_balance_millipence", ">i", _MOST, 0, 0, _MOST),
        ("debt_share", ">H", 0, 0, 0, _SHARE_WHOLE),
        ("recovery_cap_millipence", ">i", _MOST, 0, 0, _MOST),
        ("recovered_millipence", ">i"),
        ("cap_start_s", ">I"),
        ("last_token", ">I"),
    )
    METHODS = ("enter_token", "enter_token_locally")

    def enter_token(self, digits):
        """Take the credit of a UTRN, 20 ASCII digits, that came by command. Raises Refused; the log says why."""
        self._enter(digits, False)

    def enter_token_locally(self, digits):
        """Take the credit of a UTRN keyed in at the meter; reported as credit added locally. Raises Refused."""
        self._enter(digits, True)
        self.meter.record(_ADDED_LOCALLY)

    def add_credit(self, credit_millipence):
        """Share out a credit, as this module's text says, and arm a supply that was disabled for want of it."""
        for register, amount in self._shares(credit_millipence):
            self.put(register, self.get(register) + amount)
        self._arm_if_in_credit()

    def midnight(self, now_s):
        """Put the day's row into the prepayment daily read log."""
        self.meter.logs.append("prepayment_daily", (now_s,) + tuple([self.get(register) for register in _DAILY]))

    def _enter(self, digits, by_hand):
        if self.meter.tokens is None:
            raise Unavailable("no token verifier")
        refusal, amount_pence, token = self.meter.tokens.check(digits, by_hand, self.meter.time_s)
        credit_millipence = amount_pence * _MILLIPENCE
        refusal = refusal or self._limit_passed(token, credit_millipence)
        if refusal:
            self.meter.record(refusal)
            raise Refused("token refused: 0x%04X" % refusal)
        # the last token's number stands with the balance: a power cut before `accept` credits nothing twice
        self.put("last_token", token)
        self.add_credit(credit_millipence)
        self.meter.commit()
        self.meter.tokens.accept(token)

    def _limit_passed(self, token, credit_millipence):
        """Return the code of what forbids a credit, or 0."""
        if token == self.get("last_token"):
            return _DUPLICATE
        if credit_millipence > self.get("max_credit_millipence"):
            return _ABOVE_MAXIMUM_CREDIT
        _, rest = self._shares(credit_millipence)[-1]
        if self.get("meter_balance_millipence") + rest > self.get("max_meter_balance_millipence"):
            return _ABOVE_MAXIMUM_BALANCE
        return 0

    def _shares(self, credit_millipence):
        """Return what a credit changes in each register, the meter balance last."""
        self._renew_cap()
        room = max(0, self.get("recovery_cap_millipence") - self.get("recovered_millipence"))
        share = min(room, credit_millipence * self.get("debt_share") // _SHARE_WHOLE)
        to_debt = min(share, max(0, self.get("payment_debt_millipence")))
        rest = credit_millipence - to_debt
        to_accumulated = min(rest, max(0, self.get("accumulated_debt_millipence")))
        to_emergency = min(rest - to_accumulated, self._emergency_credit_used())
        return (
            ("payment_debt_millipence", -to_debt),
            ("recovered_millipence", to_debt),
            ("accumulated_debt_millipence", -to_accumulated),
            ("emergency_credit_balance_millipence", to_emergency),
            ("meter_balance_millipence", rest - to_accumulated - to_emergency),
        )

    def _renew_cap(self):
        """Start a new recovery period when the last is over."""
        if self.meter.time_s - self.get("cap_start_s") >= _CAP_PERIOD_S:
            self.put("cap_start_s", self.meter.time_s - self.meter.time_s % _CAP_PERIOD_S)
            self.put("recovered_millipence", 0)

    def _emergency_credit_used(self):
        if not self.get("emergency_credit_active"):
            return 0
        limit = self.get("emergency_credit_limit_millipence")
        return max(0, limit - self.get("emergency_credit_balance_millipence"))

    def _arm_if_in_credit(self):
        combined = self.get("meter_balance_millipence")
        if self.get("emergency_credit_active"):
            combined += self.get("emergency_credit_balance_millipence")
        supply = self.meter.supply
        disabled_for_credit = supply.get("state") == DISABLED and supply.get("reason") == CREDIT
        if disabled_for_credit and combined > self.get("disablement_threshold_millipence"):
            supply.arm(CREDIT)
