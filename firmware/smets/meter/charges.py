"""What is collected as time passes: standing charge and time-based debts (SMETS2 5.5.7; GBCS ECS01, ECS03, ECS07).

Loaded when something is due. Readings chosen:

- A day's standing charge is taken whole at the midnight (UTC) that begins the day, at the charge in force from then,
  after the row of the day that ended was logged. Credit mode has it too; time-based debts are of prepayment mode alone.
- A debt's rate is taken at each whole period of UTC (an hour, a day), until its register is zero. First the standing
  charge, then debt 1, then debt 2. Parts of a millipence are kept.
- While emergency credit is active or the supply is disabled, what credit above the disablement threshold cannot pay
  goes to the accumulated debt; so does all that is below that threshold when *suspend debt emergency* is set. Otherwise
  the meter balance pays whatever it holds.
- *Suspend debt disabled* stops time-based debts while the supply is disabled, for whatever reason.

The flags are those of the account's collection of charges as ECS03 sets it (collection.py).
"""

from micropython import const

from smets import on_demand
from smets.meter.fields import Component
from smets.meter.payment import CREDIT_MODE, PREPAYMENT_MODE
from smets.meter.supply import DISABLED

_DAY_S = const(86400)
_TIME_DEBT_1 = const(1)
_TIME_DEBT_2 = const(2)
_STANDING_CHARGE = const(4)
_IS_COLLECTED = const(1)
_IS_WHEN_DISABLED = const(2)
_IS_GATHERED = const(4)
"""What collection.py says of a charge."""
_MILLIPENCE_SCALE = const(-5)
_FINEST_SCALE = const(-14)
_PARTS = const(1000000000)
"""Parts of a millipence that are kept: a price of scale -14 is exact."""
_MOST = const(0x7FFFFFFF)
_COLLECTED = {_TIME_DEBT_1: 0x81A7, _TIME_DEBT_2: 0x81A8}


class Charges(Component):
    """What is left of each charge below a whole millipence, in parts of 10^9: the two debts', the standing charge's."""

    NAME = "charges"
    FIELDS = (("rest_1", ">I"), ("rest_2", ">I"), ("standing_rest", ">I"))

    def collect(self, since_s, now_s):
        """Collect what fell due after `since_s`, up to `now_s`."""
        self._payment = self.meter.component("payment")
        self._collection = on_demand.call("smets.meter.collection", "read", self.meter)
        days = now_s // _DAY_S - since_s // _DAY_S
        if days:
            self._collect_standing_charge(days)
        if self._payment.get("mode") == PREPAYMENT_MODE:
            for number in (_TIME_DEBT_1, _TIME_DEBT_2):
                self._collect_debt(number, since_s, now_s)

    def _collect_standing_charge(self, days):
        prices = self.meter.component("prices")
        rate, scale = prices.get("standing_charge"), prices.get("standing_charge_scale")
        self._pay(self._whole("standing_rest", rate, scale, days), _STANDING_CHARGE)

    def _collect_debt(self, number, since_s, now_s):
        register = "time_debt_%d_millipence" % number
        owed, due = self._payment.get(register), self._due(number, since_s, now_s)
        if owed <= 0 or not due or not self._is_collected(number):
            return
        debts = self.meter.component("debts")
        rate, scale = debts.get("rate_%d" % number), debts.get("rate_%d_scale" % number)
        amount = min(owed, self._whole("rest_%d" % number, rate, scale, due))
        self._payment.put(register, owed - amount)
        self._pay(amount, number)
        if amount == owed:
            self.put("rest_%d" % number, 0)
            self.meter.record(_COLLECTED[number])

    def _due(self, number, since_s, now_s):
        """Return how many of a debt's periods ended."""
        period_s = self.meter.component("debts").get("period_%d_s" % number)
        return now_s // period_s - since_s // period_s if period_s else 0

    def _whole(self, rest, rate, scale, times):
        """Return `times` a rate of `rate` x 10^`scale` pounds in whole millipence, and keep what is left over."""
        if rate <= 0:
            return 0
        scale = min(max(scale, _FINEST_SCALE), 4)
        parts = rate * times * 10 ** (scale - _MILLIPENCE_SCALE + 9) + self.get(rest)
        self.put(rest, parts % _PARTS)
        return min(parts // _PARTS, _MOST)

    def _is_collected(self, charge):
        """Return whether a time-based debt is collected now."""
        wanted = _IS_WHEN_DISABLED if self.meter.supply.get("state") == DISABLED else _IS_COLLECTED
        return bool(self._collection[charge] & wanted)

    def _pay(self, amount, charge):
        """Take an amount from the credit that has to pay a charge; no part of it is lost."""
        payment = self._payment
        active = payment.get("emergency_credit_active")
        disabled = self.meter.supply.get("state") == DISABLED
        if payment.get("mode") == CREDIT_MODE or not (active or disabled):
            self._take("meter_balance_millipence", amount)
            return
        threshold = payment.get("disablement_threshold_millipence")
        paid = min(amount, max(0, payment.get("meter_balance_millipence") - threshold))
        self._take("meter_balance_millipence", paid)
        if active and not self._collection[charge] & _IS_GATHERED:
            lent = min(amount - paid, max(0, payment.combined_credit() - threshold))
            self._take("emergency_credit_balance_millipence", lent)
            paid += lent
        self._take("accumulated_debt_millipence", paid - amount)

    def _take(self, register, amount):
        value = self._payment.get(register) - amount
        self._payment.put(register, min(max(value, -_MOST - 1), _MOST))


COLD = (Charges,)
