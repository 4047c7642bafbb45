"""A prepayment account second by second, as simple as can be, written from the specification for tests to compare with.

Nothing of the firmware is used: no boundaries are foreseen, every second is looked at. Money in millipence, time in
seconds since midnight of the first day.
"""

DISABLED, ENABLED, ARMED = 0, 1, 2
CREDIT_MODE, PREPAYMENT_MODE = 1, 2
ENABLE, DISABLE, ARM = 51, 52, 54
"""The scripts by which a supplier switches."""
LOW, OFFERED, EXHAUSTED, BELOW, SUSPENDED = 0x810D, 0x8119, 0x81AA, 0x8F0F, 0x8F83
DAY_S, HOUR_S = 86400, 3600


class Account:
    """What a meter's account must come to. `terms` are those of `random_terms`."""

    def __init__(self, terms):
        self.terms = terms
        self.balance, self.emergency, self.active = terms["balance"], 0, False
        self.debts = [terms["time_debt_1"], terms["time_debt_2"]]
        self.payment_debt, self.gathered = terms["payment_debt"], 0
        self.supply, self.wanted_off, self.by_command = ENABLED, False, False
        self.mode = PREPAYMENT_MODE
        self.time_s = self.energy_ws = self.energy_wh = 0
        self.below, self.events = [], []

    def live(self, seconds, watts):
        """Pass seconds under a load."""
        self.look()
        for _ in range(seconds):
            self.time_s += 1
            if self.supply == ENABLED:
                self.energy_ws += watts
                while self.energy_ws >= 3600:
                    self.energy_ws -= 3600
                    self.energy_wh += 1
                    self.pay_energy(self.terms["price"])
            self.look()
            if self.time_s % HOUR_S == 0:
                self.collect()
                self.look()

    def collect(self):
        """Take the standing charge of the day that begins, and the debts of the hour or day that ended."""
        if self.time_s % DAY_S == 0:
            self.pay_charge(self.terms["standing_charge"])
        self.collect_debts(lambda period_s: self.time_s % period_s == 0)

    def collect_debts(self, ended):
        """Take the debts of the hours and days that ended; `ended` returns how many of a period did."""
        for number, period_s in ((0, HOUR_S), (1, DAY_S)) if self.mode == PREPAYMENT_MODE else ():
            suspended = self.supply == DISABLED and self.terms["suspend_disabled"]
            if ended(period_s) and self.debts[number] > 0 and not suspended:
                amount = min(self.debts[number], ended(period_s) * self.terms[("rate_1", "rate_2")[number]])
                self.debts[number] -= amount
                self.pay_charge(amount)
                if not self.debts[number]:
                    self.tell(0x81A7 + number)

    def pay_energy(self, amount):
        """Take the price of energy: the balance to the threshold, emergency credit, the balance again."""
        lent = 0
        if self.active:
            lent = min(self.emergency, max(0, amount - max(0, self.balance - self.terms["disablement"])))
        self.emergency -= lent
        self.balance -= amount - lent

    def pay_charge(self, amount):
        """Take what is due with time."""
        if self.mode == CREDIT_MODE or (not self.active and self.supply != DISABLED):
            self.balance -= amount
            return
        from_balance = min(amount, max(0, self.balance - self.terms["disablement"]))
        self.balance -= from_balance
        left = amount - from_balance
        if self.active and not self.terms["suspend_emergency"]:
            usable = max(0, self.credit() - self.terms["disablement"])
            self.emergency -= min(left, usable)
            left -= min(left, usable)
        self.gathered += left

    def top_up(self, pence):
        """Share out a payment: debt, accumulated debt, emergency credit used, balance."""
        left = 1000 * pence
        share = min(max(0, self.payment_debt), left * self.terms["debt_share"] // 10000, self.recoverable())
        self.payment_debt -= share
        self.recovered(share)
        if share and not self.payment_debt:
            self.tell(0x81A9)
        left -= share
        gathered = min(left, self.gathered)
        self.gathered -= gathered
        left -= gathered
        used = min(left, self.terms["limit"] - self.emergency) if self.active else 0
        self.emergency += used
        self.balance += left - used
        self.look()

    def recoverable(self):
        """Return how much of a payment may go to payment-based debt now."""
        return 1 << 40

    def recovered(self, amount):
        """So much of a payment went to payment-based debt."""

    def set_mode(self, mode):
        """Change the payment mode. Credit mode owes no emergency credit and disables nothing for want of credit."""
        if mode == CREDIT_MODE and self.mode != mode:
            self.balance, self.emergency = self.balance - self.owed(), self.emergency + self.owed()
            self.active, self.wanted_off, self.below = False, False, []
            if self.supply == DISABLED and not self.by_command:
                self.supply = ARMED
                self.tell(0x8F32)
        self.mode = mode
        self.look()

    def command(self, script):
        """Switch the supply as a supplier does; credit does not arm what a supplier disabled."""
        if script == ARM and self.supply == DISABLED:
            self.supply = ARMED
            self.tell(0x8F32)
        elif script == ENABLE:
            self.supply = ENABLED
        elif script == DISABLE:
            self.supply, self.by_command = DISABLED, True

    def activate(self):
        """Lend emergency credit, if it is to be had."""
        if self.mode == PREPAYMENT_MODE and not self.active and self.balance < self.terms["emergency"]:
            self.active, self.emergency = True, self.terms["limit"]
            self.tell(0x81AB)
            self.look(0x8168)

    def close(self):
        """Press the button."""
        if self.supply == ARMED:
            self.supply = ENABLED

    def credit(self):
        return self.balance + (self.emergency if self.active else 0)

    def owed(self):
        return self.terms["limit"] - self.emergency if self.active else 0

    def tell(self, code):
        self.events.append((code, self.time_s))

    def look(self, armed=0x8F32):
        """Tell of thresholds, disable, arm."""
        terms = self.terms
        if self.mode == CREDIT_MODE:
            return
        if self.active and not self.owed() and self.balance >= max(terms["emergency"], terms["disablement"]):
            self.active = False
        credit = self.credit()
        for code, is_below in (
            (LOW, credit < terms["low"]), (OFFERED, not self.active and credit < terms["emergency"]),
            (EXHAUSTED, self.active and credit <= terms["disablement"]), (BELOW, credit < terms["disablement"]),
        ):  # fmt: skip
            if is_below and code not in self.below:
                self.below.append(code)
                self.tell(code)
                if code == BELOW:
                    self.wanted_off = True
                    if self.at_night():
                        self.tell(SUSPENDED)
            elif not is_below and code in self.below:
                self.below.remove(code)
                if code == BELOW:
                    self.wanted_off = False
        if self.wanted_off and not self.at_night():
            self.by_command = self.by_command and self.supply == DISABLED
            self.supply, self.wanted_off = DISABLED, False
        if self.supply == DISABLED and not self.by_command and credit > terms["disablement"]:
            self.supply = ARMED
            self.tell(armed)

    def at_night(self):
        """Return whether the supply is not to be disabled: from 18:00 to 09:00, if so agreed."""
        return self.terms["nights"] and not 9 * HOUR_S <= self.time_s % DAY_S < 18 * HOUR_S


def random_terms(random):
    """Return the terms of an account of which nearly everything happens within days."""
    low = random.randrange(0, 40000)
    return {
        "balance": random.randrange(-500, 60000), "price": random.randrange(1, 60),
        "standing_charge": random.randrange(0, 30000), "payment_debt": random.randrange(0, 30000),
        "time_debt_1": random.randrange(0, 9000), "rate_1": random.randrange(0, 900),
        "time_debt_2": random.randrange(0, 9000), "rate_2": random.randrange(0, 9000),
        "debt_share": random.randrange(0, 10001), "low": low, "emergency": random.randrange(-100, 20000),
        "limit": random.randrange(1, 40000), "disablement": random.choice((0, 0, -7000, 7000)),
        "suspend_emergency": random.choice((False, True)), "suspend_disabled": random.choice((False, True)),
        "nights": random.choice((False, True)),
    }  # fmt: skip
