"""What follows from the credit that there is: warnings, emergency credit, disablement and arming (SMETS2 5.5.7, 5.5.9).

Loaded when credit crossed a threshold, when credit came, or when a setting of the account changed. In prepayment mode

    below the low credit threshold                  0x810D
    balance below the emergency credit threshold    0x8119: emergency credit can be had, if it is not active
    at the disablement threshold with it active     0x81AA: emergency credit is used up
    below the disablement threshold                 0x8F0F, and the supply is disabled, or 0x8F83: not before the
                                                    non-disablement calendar's period ends

each told once, and again only after credit was no longer below its threshold meanwhile (for 0x81AA, above it).
Credit above the disablement threshold arms a supply that was disabled for want of it. Readings chosen: a supply that
a command enabled below the threshold stays so until credit crosses it anew. Emergency credit ends when what was used
of it is repaid and the balance is at its threshold again. A change to credit mode repays it from the meter balance,
and arms a supply that was disabled for want of credit: only a command or the customer closes it.
"""

from micropython import const

from smets.meter.fields import BOOL, Component
from smets.meter.payment import CREDIT_MODE, NEWLY_BELOW, NOTHING_TO_WATCH, PREPAYMENT_MODE
from smets.meter.supply import CREDIT, DISABLED, SUPPLY_ARMED

_LOW = const(0x810D)
_OFFERED = const(0x8119)
_EXHAUSTED = const(0x81AA)
_BELOW = const(0x8F0F)
_MOST = const(0x7FFFFFFF)


class CreditWatch(Component):
    """Which thresholds the account is below, as far as that was told."""

    NAME = "credit_watch"
    FIELDS = (("low", BOOL), ("offered", BOOL), ("exhausted", BOOL), ("below", BOOL))

    def settle(self, armed=SUPPLY_ARMED):
        """Act on the credit that there is now; `armed` is the code that tells of a supply armed thereby."""
        payment = self.meter.component("payment")
        mode = payment.get("mode")
        changed = mode != payment.get("settled_mode")
        if changed or payment.get("terms_changed"):
            payment.put("settled_mode", mode)
            payment.put("terms_changed", False)
            self.meter.component("billing_rows").change()
            self.meter.logs.release()
        if mode == PREPAYMENT_MODE:
            self._end_emergency_credit(payment)
            self._look(payment)
        else:
            self._rest(payment)
        in_credit = payment.combined_credit() > payment.get("disablement_threshold_millipence")
        if in_credit or (changed and mode == CREDIT_MODE):
            self._arm(armed)

    def _arm(self, code):
        """Arm a supply that was disabled for want of credit."""
        supply = self.meter.supply
        if supply.get("state") == DISABLED and supply.get("reason") == CREDIT:
            supply.arm(CREDIT, code)

    def _rest(self, payment):
        """In credit mode nothing is watched, and emergency credit is repaid from the balance."""
        owed = payment.owed()
        if owed:
            balance = payment.get("meter_balance_millipence") - owed
            payment.put("meter_balance_millipence", max(balance, NOTHING_TO_WATCH))
            lent = payment.get("emergency_credit_balance_millipence") + owed
            payment.put("emergency_credit_balance_millipence", lent)
        self.end()
        payment.put("watch_millipence", NOTHING_TO_WATCH)
        payment.put("recheck_s", 0)
        for name in ("low", "offered", "exhausted", "below"):
            if self.get(name):
                self.put(name, False)

    def end(self):
        """End emergency credit; its balance, repaid, counts as credit no longer."""
        payment = self.meter.component("payment")
        if payment.get("emergency_credit_active"):
            payment.put("emergency_credit_active", False)
            payment.put("emergency_credit_lent_millipence", 0)

    def _end_emergency_credit(self, payment):
        enough = max(
            self.meter.component("account").get("emergency_credit_threshold_millipence"),
            payment.get("disablement_threshold_millipence"),
        )
        if not payment.owed() and payment.get("meter_balance_millipence") >= enough:
            self.end()

    def _look(self, payment):
        """Act on every threshold that the account is below, find the next one, and tell."""
        told = []
        account = self.meter.component("account")
        combined, active = payment.combined_credit(), payment.get("emergency_credit_active")
        disablement = payment.get("disablement_threshold_millipence")
        low = account.get("low_credit_threshold_millipence")
        emergency = account.get("emergency_credit_threshold_millipence")
        exhausted = disablement + 1 if active else None
        offers = not active and payment.get("emergency_credit_limit_millipence") > 0
        next_millipence = max(
            self._cross("low", combined < low, _LOW, low, told),
            self._cross("offered", offers and combined < emergency, _OFFERED, emergency if offers else None, told),
            self._cross("exhausted", active and combined <= disablement, _EXHAUSTED, exhausted, told),
            self._cross_disablement(payment, combined, disablement, told),
        )
        payment.put("watch_millipence", min(next_millipence, _MOST))
        for code in told:  # last: logs take room
            self.meter.record(code)

    def _cross(self, name, is_below, code, level, told):
        """Have a threshold told once; return the level to be watched, none when it is crossed or of no concern."""
        if is_below and not self.get(name):
            told.append(code)
        if is_below != self.get(name):
            self.put(name, is_below)
        return NOTHING_TO_WATCH if is_below or level is None else level

    def _cross_disablement(self, payment, combined, threshold, told):
        """Have it decided whether the supply is disabled now; return the level to be watched."""
        below, is_new = combined < threshold, not self.get("below")
        level = self._cross("below", below, _BELOW, threshold, told)
        if not below:
            payment.put("recheck_s", 0)
        elif is_new or payment.get("recheck_s"):  # `payment` has it decided, when what is loaded here is gone
            payment.put("recheck_s", NEWLY_BELOW if is_new else min(payment.get("recheck_s"), self.meter.time_s))
        return level


COLD = (CreditWatch,)
