"""Payment: the account's mode and balances, as energy flows and time passes (SMETS2 5.5.7, 5.7.5). Money in millipence.

What each step needs stands here: charging for energy, and the level of credit below which something has to be done.
What is done then is loaded when it is wanted: credit_watch.py (thresholds), charges.py (standing charge and debts),
credit.py (top-ups), account.py (what a supplier does).

Readings chosen. The meter balance pays down to the disablement threshold, then emergency credit that is active, then
the meter balance again; so emergency credit is used up just when combined credit comes to the threshold. Registers end
at the limits of 32 bits.
"""

from micropython import const

from smets import on_demand
from smets.meter.fields import BOOL, Component

CREDIT_MODE = const(1)
PREPAYMENT_MODE = const(2)
NOTHING_TO_WATCH = const(-0x80000000)
LOOK_AT_ONCE = const(0x7FFFFFFF)
NEWLY_BELOW = const(1)
"""Instead of a time at which disablement is decided: now, and for the first time."""
_LEAST = const(-0x80000000)
_MOST = const(0x7FFFFFFF)
_HALF_HOUR_S = const(1800)
_DAY_S = const(86400)
_NEVER = const(0xFFFFFFFF)
_SETTINGS = const(("payment", "account", "non_disablement"))
_SWITCHING_TABLES = const(("calendar", "second_calendar"))
_LONGEST_GAP_S = const(3600)
"""Between two half hours that follow each other, when an adjustment of the clock leapt over one; else it was set."""
SHOWN = (
    "meter_balance_millipence",
    "emergency_credit_balance_millipence",
    "time_debt_1_millipence",
    "time_debt_2_millipence",
    "payment_debt_millipence",
    "accumulated_debt_millipence",
)
"""The columns of logs of the account, in their order."""


class Payment(Component):
    """The account: what it holds, what it owes, and below which credit the supply is disabled.

    `emergency_credit_lent_millipence` is what was lent when it was activated: what is missing of it is owed.
    `watch_millipence` is the combined credit below which `settle` is due, `recheck_s` a time at which it is, or 0.
    Standing charge and debts are collected up to `charged_to_s`. `settled_mode` is the mode that was acted on;
    `terms_changed`: a new tariff came, and is to be logged.
    """

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
        ("emergency_credit_lent_millipence", ">i"),
        ("watch_millipence", ">i", NOTHING_TO_WATCH),
        ("recheck_s", ">I"),
        ("charged_to_s", ">I"),
        ("settled_mode", ">B", CREDIT_MODE),
        ("terms_changed", BOOL),
    )

    def written(self, name, field, at_once):
        """A setting of the account changed, or a switching table became active: `settle` is due."""
        if at_once and name in _SWITCHING_TABLES and field != "special_days":
            self.put("terms_changed", True)
        elif name not in _SETTINGS:
            return
        self.put("watch_millipence", LOOK_AT_ONCE)

    def combined_credit(self):
        """Return the meter balance and, where it is activated, the emergency credit balance, in millipence."""
        combined_millipence = self.get("meter_balance_millipence")
        if self.get("emergency_credit_active"):
            combined_millipence += self.get("emergency_credit_balance_millipence")
        return combined_millipence

    def owed(self):
        """Return how much of the emergency credit that was lent is used, in millipence."""
        if not self.get("emergency_credit_active"):
            return 0
        lent = self.get("emergency_credit_lent_millipence") or self.get("emergency_credit_limit_millipence")
        return max(0, lent - self.get("emergency_credit_balance_millipence"))

    def charge_energy(self, amount_millipence):
        """Take the price of energy; for the tariff's `flow`, in either mode."""
        balance = self.get("meter_balance_millipence")
        if self.get("emergency_credit_active"):
            spare = max(0, balance - self.get("disablement_threshold_millipence"))
            emergency = self.get("emergency_credit_balance_millipence")
            used = min(max(0, amount_millipence - spare), emergency)
            if used:
                self.let("emergency_credit_balance_millipence", emergency - used)
                amount_millipence -= used
        self.let("meter_balance_millipence", min(max(_LEAST, balance - amount_millipence), _MOST))

    def room_millipence(self):
        """Return the smallest charge after which something has to be done: a boundary of time; None when none has."""
        watch = self.get("watch_millipence")
        return None if watch == NOTHING_TO_WATCH else max(1, self.combined_credit() - watch + 1)

    def is_due(self, now_s):
        """Return whether `settle` is to be called before more time passes."""
        return self.combined_credit() < self.get("watch_millipence") or 0 < self.get("recheck_s") <= now_s

    def settle(self):
        """Do what follows from the credit that there is: warn, offer, disable or arm (credit_watch.py)."""
        if self.get("mode") == self.get("settled_mode") == CREDIT_MODE and not self.get("terms_changed"):
            self.put("watch_millipence", NOTHING_TO_WATCH)
            return
        self.meter.logs.put_away()
        self.meter.drop_cold()  # what comes wants room
        self.meter.component("credit_watch").settle()
        if 0 < self.get("recheck_s") <= self.meter.time_s:
            self.meter.drop_cold()
            on_demand.call("smets.meter.non_disablement_periods", "decide", self.meter)

    def next_boundary_s(self, now_s, load):
        """Return when the load will have used up the room, or disablement that was suspended is looked at again."""
        recheck_s, room, next_s = self.get("recheck_s"), self.room_millipence(), None
        if recheck_s:
            next_s = max(recheck_s, now_s + 1)
        seconds = None if room is None else self.meter.component("tariff").seconds_until(room, load)
        if seconds:
            next_s = min(now_s + seconds, next_s or _NEVER)
        return next_s

    def half_hour(self, now_s):
        """Collect what is due with time; at midnight, see there."""
        if now_s % _DAY_S:
            self._collect(now_s)

    def midnight(self, now_s):
        """Put the day's row into the prepayment daily read log, and then collect: the row is of the day that ends."""
        self.meter.logs.append_once("prepayment_daily", (now_s,) + self.shown())
        self.meter.drop_cold(False)  # charges want the room
        self._collect(now_s)

    def shown(self):
        """Return the account's balances in the order in which logs have them."""
        return tuple([self.get(register) for register in SHOWN])

    def _collect(self, now_s):
        since_s = self.get("charged_to_s")
        if not 0 <= now_s - since_s <= _LONGEST_GAP_S:  # the clock was set: nothing is made up
            since_s = now_s - _HALF_HOUR_S
            if self.get("recheck_s"):
                self.put("watch_millipence", LOOK_AT_ONCE)
        if self._falls_due(since_s, now_s) and self.is_due(now_s):
            self.settle()  # what energy used up comes before what is due now
        self.collect_between(since_s, now_s)

    def collect_between(self, since_s, now_s):
        """Collect what fell due with time after `since_s`, up to `now_s`, each a half hour's end."""
        self.let("charged_to_s", now_s)
        if self._falls_due(since_s, now_s):
            self.meter.drop_cold()
            self.meter.component("charges").collect(since_s, now_s)
            self.meter.drop_cold()

    def _falls_due(self, since_s, now_s):
        indebted = self.get("time_debt_1_millipence") > 0 or self.get("time_debt_2_millipence") > 0
        return indebted or since_s // _DAY_S != now_s // _DAY_S
