"""Top-ups: which tokens are taken, and what their credit does (SMETS2 5.6.6, 5.7.4). Loaded when one is entered.

A credit goes, in this order, to payment-based debt (a share of it, within the cap of the recovery period), to
accumulated debt, to emergency credit used, and the rest to the meter balance: nothing is created and nothing lost.
Shares are rounded down. The rows of it are on flash with the credit, or none is. A token is spent only when its credit
was taken: one above a limit may be entered again.
The cap of the recovery period is in pence: GBCS carries it in 16 bits, which could not hold a week's in millipence.
Recovery periods follow each other from a Monday on, so a week's is from Monday to Sunday.
"""

from micropython import const

from smets.meter.errors import Refused, Unavailable
from smets.meter.fields import Component
from smets.meter.payment import LOOK_AT_ONCE

_DUPLICATE = const(0x8F51)
_ABOVE_MAXIMUM_CREDIT = const(0x8F5B)
_ABOVE_MAXIMUM_BALANCE = const(0x8F47)
_ADDED_LOCALLY = const(0x810E)
_SHARE_WHOLE = const(10000)
_WEEK_S = const(604800)
_MOST = const(0x7FFFFFFF)
_MILLIPENCE = const(1000)
_FIRST_MONDAY_S = const(172800)
_NO_TOKEN = const(0xFFFFFFFF)
_DEBT_PAID = const(0x81A9)


class Credit(Component):
    """What limits a credit. `debt_share` is parts of 10,000; `recovered_millipence` of the cap is used since
    `cap_start_s`. `last_token` is the number of one whose credit is not known to be on flash yet."""

    NAME = "credit"
    FIELDS = (
        ("max_credit_millipence", ">i", _MOST),
        ("max_meter_balance_millipence", ">i", _MOST),
        ("debt_share", ">H", 0, 0, 0, _SHARE_WHOLE),
        ("recovery_cap_pence", ">H", 0xFFFF),
        ("recovery_cap_period_s", ">i", _WEEK_S),
        ("recovered_millipence", ">i"),
        ("cap_start_s", ">I"),
        ("last_token", ">I", _NO_TOKEN),
    )
    METHODS = ("enter_token", "enter_token_locally")

    def enter_token(self, digits):
        """Take the credit of a UTRN, 20 ASCII digits, that came by command. Raises Refused; the log says why."""
        self._enter(digits, False)

    def enter_token_locally(self, digits):
        """Take the credit of a UTRN keyed in at the meter; reported as credit added locally. Raises Refused.

        Whatever else it raises, nothing is taken then: no command stands around it that would see to that.
        """
        meter, is_over = self.meter, False
        meter.begin()
        try:
            self._enter(digits, True)
            is_over = True
        except Refused:
            meter.commit()
            is_over = True
            raise
        finally:
            if not is_over:
                meter.discard()

    def add_credit(self, credit_millipence):
        """Share out a credit, as this module's text says. What follows from it `payment` sees to, when this is gone."""
        payment = self.meter.component("payment")
        for register, amount in self._shares(credit_millipence):
            holder = self if register == "recovered_millipence" else payment
            holder.put(register, holder.get(register) + amount)
            if register == "payment_debt_millipence" and amount:
                self._log_debt_payment(-amount, payment.get(register))
        self.meter.logs.keep("credits", (self.meter.time_s, credit_millipence))
        payment.put("watch_millipence", LOOK_AT_ONCE)

    def _enter(self, digits, by_hand):
        if self.meter.tokens is None:
            raise Unavailable("no token verifier")
        refusal, amount_pence, token = self.meter.tokens.check(digits, by_hand, self.meter.time_s)
        credit_millipence = amount_pence * _MILLIPENCE
        refusal = refusal or self._limit_passed(token, credit_millipence)
        if refusal:
            self.meter.record(refusal)
            raise Refused("token refused: 0x%04X" % refusal)
        # the token's number stands with the balance: one that could not be kept is not credited twice either
        self.put("last_token", token)
        self.add_credit(credit_millipence)
        if by_hand:
            self.meter.record(_ADDED_LOCALLY)
        self.meter.stage(*self.meter.tokens.used(token))
        self.meter.commit(True)  # energy, money and the token that was used: all are kept, or none is
        self.put("last_token", _NO_TOKEN)

    def _log_debt_payment(self, amount_millipence, owed_millipence):
        self.meter.logs.keep("debt_payments", (self.meter.time_s, amount_millipence))
        if not owed_millipence:
            self.meter.record(_DEBT_PAID)

    def _limit_passed(self, token, credit_millipence):
        """Return the code of what forbids a credit, or 0."""
        if token == self.get("last_token"):
            return _DUPLICATE
        if credit_millipence > self.get("max_credit_millipence"):
            return _ABOVE_MAXIMUM_CREDIT
        payment = self.meter.component("payment")
        _, rest = self._shares(credit_millipence)[-1]
        limit = self.get("max_meter_balance_millipence")
        if payment.get("meter_balance_millipence") + rest > limit:
            return _ABOVE_MAXIMUM_BALANCE
        return 0

    def _shares(self, credit_millipence):
        """Return what a credit changes in each register, the meter balance last."""
        self._renew_cap()
        payment = self.meter.component("payment")
        room = max(0, self.get("recovery_cap_pence") * _MILLIPENCE - self.get("recovered_millipence"))
        share = min(room, credit_millipence * self.get("debt_share") // _SHARE_WHOLE)
        to_debt = min(share, max(0, payment.get("payment_debt_millipence")))
        rest = credit_millipence - to_debt
        to_accumulated = min(rest, max(0, payment.get("accumulated_debt_millipence")))
        to_emergency = min(rest - to_accumulated, payment.owed())
        return (
            ("payment_debt_millipence", -to_debt),
            ("recovered_millipence", to_debt),
            ("accumulated_debt_millipence", -to_accumulated),
            ("emergency_credit_balance_millipence", to_emergency),
            ("meter_balance_millipence", rest - to_accumulated - to_emergency),
        )

    def _renew_cap(self):
        """Start a new recovery period when the last is over; a period below a second is none, and never over."""
        period_s, now_s = self.get("recovery_cap_period_s"), self.meter.time_s
        if period_s <= 0:
            return
        start_s = max(0, now_s - (now_s - _FIRST_MONDAY_S) % period_s)
        if start_s != self.get("cap_start_s"):
            self.put("cap_start_s", start_s)
            self.put("recovered_millipence", 0)


COLD = (Credit,)
