"""A two-rate prepayment household half hour by half hour, written from the specification for tests to compare with.

Nothing of the firmware is used. Energy in watt-seconds, money in millionths of a millipence, times in seconds since
midnight (UTC) of the first day: no unit is ever rounded but where the specification asks for it.
"""

HALF_HOUR_S, DAY_S, WH = 1800, 86400, 3600
PARTS = 1000000
"""Of a millipence: a price in millipence a kWh is so many of them a Wh when multiplied by 1,000."""


class Household:
    """What registers, logs and balance must come to, for a supply that is never disabled.

    `day_rate` and `night_rate` are prices in millipence a kWh; the night ends at `night_end_s` of each day. Every day
    begins with `standing_charge`, every hour that ends takes `hourly_debt` from a debt of `debt`, all in millipence.
    """

    def __init__(self, balance, day_rate, night_rate, night_end_s, standing_charge, debt, hourly_debt):
        self.rates, self.night_end_s = (day_rate, night_rate), night_end_s
        self.standing_charge, self.debt, self.hourly_debt = standing_charge, debt, hourly_debt
        self.balance, self.parts = balance, 0
        self.import_ws = self.export_ws = self.time_s = 0
        self.by_rate_wh = [0, 0]
        self.half_hours, self.days = [], []
        self._day_began_wh = 0

    def live(self, import_w, export_w):
        """Pass a half hour minute by minute: a rate counts from the minute in which it begins."""
        began = self.import_ws // WH, self.export_ws // WH
        for _ in range(HALF_HOUR_S // 60):
            rate = 1 if self.time_s % DAY_S < self.night_end_s else 0
            before_wh = self.import_ws // WH
            self.import_ws += 60 * import_w
            self.export_ws += 60 * export_w
            self.time_s += 60
            self._charge(rate, self.import_ws // WH - before_wh)
        self.half_hours.append((self.time_s, self.import_ws // WH - began[0], self.export_ws // WH - began[1]))
        if self.time_s % DAY_S == 0:
            self.days.append((self.time_s, self.import_ws // WH - self._day_began_wh, self.balance))
            self._day_began_wh = self.import_ws // WH
            self.balance -= self.standing_charge
        if self.time_s % 3600 == 0:
            paid = min(self.debt, self.hourly_debt)
            self.debt -= paid
            self.balance -= paid

    def _charge(self, rate, energy_wh):
        self.by_rate_wh[rate] += energy_wh
        self.parts += energy_wh * self.rates[rate] * 1000
        self.balance -= self.parts // PARTS
        self.parts %= PARTS
