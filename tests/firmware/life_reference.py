"""A whole meter minute by minute, written from the specification for tests to compare with.

Nothing of the firmware is used. Tariffs come from naive_calendar.py, the account from account_reference.py; here is
what joins them: energy by element, register and block, its price, logs, billing periods. Energy in watt-seconds, money
in millionths of a millipence until it is whole, times in seconds since midnight (UTC) of the first day.
"""

from tests.firmware.account_reference import DAY_S, ENABLED, PREPAYMENT_MODE, Account
from tests.firmware.naive_calendar import NaiveCalendar

HALF_HOUR_S, WEEK_S, MINUTE_S, WH = 1800, 604800, 60, 3600
PARTS = 1000000
UNLIMITED = 0xFFFFFFFF
ABOVE_CREDIT, ABOVE_BALANCE, DUPLICATE = 0x8F5B, 0x8F47, 0x8F51
FLOWS = ("import", "export", "import_var", "export_var", "second")


class Element:
    """The tariff of one element: its tables, its registers by script, its prices in parts of a millipence a Wh."""

    def __init__(self, days, first_day, scripts):
        self.days, self.first_day, self.default = days, first_day, scripts
        self.wh, self.counters, self.prices, self.thresholds = {}, {}, {}, {}
        self.dearest = 1
        self.calendar, self.actions, self.day, self.script = None, {}, None, scripts

    def set_tables(self, tables, minute):
        """New switching tables: what is in force is what they say for now."""
        self.calendar, self.day = NaiveCalendar(self.days, *tables, default=self.default), None
        self.find_script(minute)

    def find_script(self, minute):
        """What is in force is what the tables say for a minute, whatever was before."""
        self.script = self.default
        for day in (minute // 1440 - 1, minute // 1440):  # every profile of these tests has an action
            for at in range(1440):
                if day * 1440 + at <= minute:
                    self.script = self._actions(day).get(at, self.script)

    def switch(self, minute):
        """A minute begins."""
        if self.calendar:
            self.script = self._actions(minute // 1440).get(minute % 1440, self.script)

    def _actions(self, day):
        if self.day != day:
            self.day, self.actions = day, {}
            for clock, script in self.calendar.profile(self.first_day + day):
                self.actions[clock[0] * 60 + clock[1]] = script
        return self.actions

    def count(self, energy_wh):
        """Put energy into the register in force; return its price in parts."""
        if self.script < 101 or self.script > 108:
            self._add(self.wh, self.script, energy_wh)
            return energy_wh * self.prices.get(self.script, 0)
        parts = 0
        while energy_wh:
            counted = sum([wh for key, wh in self.counters.items() if key[1] == self.script])
            block, room = 0, UNLIMITED
            for limit in self.thresholds.get(self.script, ()):
                if counted < limit:
                    room = limit - counted
                    break
                block += 1
            part = energy_wh if room == UNLIMITED else min(energy_wh, room)
            self._add(self.wh, (block, self.script), part)
            self._add(self.counters, (block, self.script), part)
            parts += part * self.prices.get((block, self.script), 0)
            energy_wh -= part
        return parts

    def set_prices(self, prices):
        """New prices; `dearest` is what a Wh costs at most, in whole millipence."""
        self.prices = prices
        self.dearest = max(prices.values()) // PARTS + 1

    def _add(self, registers, key, energy_wh):
        if energy_wh:
            registers[key] = registers.get(key, 0) + energy_wh


class WholeMeter(Account):
    """What registers, logs and account must come to, whatever is done. `first_day` counts from 2000-01-01."""

    def __init__(self, terms, days, first_day, is_twin=False):
        super().__init__(terms)
        self.is_twin = is_twin
        self.calendar_days, self.first_day = days, first_day
        self.ws = dict.fromkeys(FLOWS, 0)
        self.elements = Element(days, first_day, 1), Element(days, first_day, 201)
        self.parts, self.cap_week, self.cap_used = 0, None, 0
        self.billing, self.resets_daily, self.taken = [], False, []
        self.logs = {name: [] for name in ("half_hour", "day", "billing")}
        self._half_hour = self._day = None

    # energy

    def flow(self, seconds, load):
        """Pass time under a load, a mapping of powers by FLOWS."""
        self.look()
        while seconds:
            step = min(seconds, MINUTE_S - self.time_s % MINUTE_S)
            step = 1 if self._is_near(step, load) else step
            self._step(step, load)
            seconds -= step

    def _is_near(self, step, load):
        """Return whether something may be crossed within a step that has to be told to the second."""
        if self.mode != PREPAYMENT_MODE or self.supply != ENABLED:
            return False
        watts = load["import"] + load["second"]
        most = (watts * step // WH + 3) * max(self.elements[0].dearest, self.elements[1].dearest)
        levels = self.terms["low"], self.terms["emergency"], self.terms["disablement"]
        return min([abs(self.credit() - level) for level in levels]) <= most + 1

    def _step(self, seconds, load):
        self.time_s += seconds
        if self.supply == ENABLED:
            before = self._wh("import"), self._wh("second")
            for flow in FLOWS:
                self.ws[flow] += load[flow] * seconds
            self.parts += self.elements[0].count(self._wh("import") - before[0])
            self.parts += self.elements[1].count(self._wh("second") - before[1])
            self.pay_energy(self.parts // PARTS)
            self.parts %= PARTS
        self.look()
        if self.time_s % MINUTE_S == 0:
            self._minute()

    def _wh(self, flow):
        return self.ws[flow] // WH

    def _minute(self):
        minute, reset = self.time_s // MINUTE_S, False
        if self._bills(minute):
            self.logs["billing"].append((self.time_s,) + self.registers() + self.account())
            reset = True
        if self.time_s % HALF_HOUR_S == 0:
            self._end_half_hour()
        if self.time_s % DAY_S == 0:
            self.logs["day"].append((self.time_s,) + self.registers() + self.account() + (self._consumed(),))
        if self.time_s % 3600 == 0:
            self.collect()
            self.look()
        if reset or (self.resets_daily and self.time_s % DAY_S == 0):
            self.reset_counters()
        for element in self.elements:
            element.switch(minute)

    def _bills(self, minute):
        """Return whether a billing period ends then."""
        at = [date for clock, date in self.billing if minute % 1440 == clock[0] * 60 + clock[1]]
        return any(self.calendar_days.means(date, self.first_day + minute // 1440) for date in at)

    def _end_half_hour(self):
        """Log what the half hour had, but the first one, whose beginning nobody saw."""
        now = [self._wh(flow) for flow in FLOWS]
        if self._half_hour:
            grown = [now[place] - before for place, before in enumerate(self._half_hour)]
            self.logs["half_hour"].append((self.time_s,) + tuple(grown))
        self._half_hour = now

    def _consumed(self):
        """Return what the day had, None for the first one."""
        now, before = self._wh("import") + self._wh("second"), self._day
        self._day = now
        return None if before is None else now - before

    def registers(self):
        """Return import, the second element's, export, and the tariffs' registers by script, without those of 0."""
        by_script = dict(self.elements[0].wh)
        by_script.update(self.elements[1].wh)
        return self._wh("import"), self._wh("second"), self._wh("export"), by_script

    def account(self):
        """Return the account as logs have it; emergency credit that is not active is of no concern."""
        lent = self.emergency if self.active else None
        return (self.balance, lent) + tuple(self.debts) + (self.payment_debt, self.gathered)

    def dark(self, seconds):
        """Be without supply: nothing flows. What fell due with time, and what was to be switched, is done at the end.

        Half hours and days of which nobody saw the begin have no row; ends of billing periods have one together.
        """
        before_s, self.time_s = self.time_s, self.time_s + seconds

        def ended(period_s):
            return self.time_s // period_s - before_s // period_s

        self._half_hour = None if ended(HALF_HOUR_S) else self._half_hour
        self._day = None if ended(DAY_S) else self._day
        self.pay_charge(self.terms["standing_charge"] * ended(DAY_S))
        self.collect_debts(ended)
        self.look()
        minutes = range(before_s // MINUTE_S + 1, self.time_s // MINUTE_S + 1)
        bills = any(self._bills(minute) for minute in minutes)
        if bills:
            self.logs["billing"].append((self.time_s,) + self.registers() + self.account())
        if bills or (self.resets_daily and ended(DAY_S)):
            self.reset_counters()
        for element in self.elements:
            element.find_script(self.time_s // MINUTE_S)

    def reset_counters(self):
        """A billing period ends for the blocks."""
        self.elements[0].counters.clear()

    # account

    def enter(self, number, pence):
        """Enter a token of this number; it is refused as the specification says, or taken."""
        if number in self.taken:
            self.tell(DUPLICATE)
        elif 1000 * pence > self.terms["max_credit"]:
            self.tell(ABOVE_CREDIT)
        elif self.balance + self._rest(1000 * pence) > self.terms["max_balance"]:
            self.tell(ABOVE_BALANCE)
        else:
            self.taken.append(number)
            self.top_up(pence)

    def _rest(self, left):
        """Return what of a payment would come to the balance."""
        left -= min(max(0, self.payment_debt), left * self.terms["debt_share"] // 10000, self.recoverable())
        left -= min(left, self.gathered)
        return left - min(left, self.owed())

    def recoverable(self):
        """The cap is of a week, which begins on a Monday (2000-01-03 was one)."""
        week = (self.first_day * DAY_S + self.time_s - 2 * DAY_S) // WEEK_S
        if week != self.cap_week:
            self.cap_week, self.cap_used = week, 0
        return max(0, 1000 * self.terms["cap_pence"] - self.cap_used)

    def recovered(self, amount):
        """Of the cap so much less is left."""
        self.cap_used += amount

    def adjust(self, amount):
        """Adjust the balance."""
        self.balance += amount
        self.look()

    def adjust_debt(self, number, amount):
        """Adjust time-based debt 1 or 2, or payment-based debt (3)."""
        if number == 3:
            self.payment_debt += amount
        else:
            self.debts[number - 1] += amount

    def reset(self):
        """Reset the balance, emergency credit and accumulated debt, in this order."""
        self.balance = 0
        self.look()
        self.emergency, self.active = 0, False
        self.look()
        self.gathered = 0

    def restart(self):
        """A restart changes nothing."""
