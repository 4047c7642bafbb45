"""What a switching table means, minute by minute and as slowly as can be: the tests' own reading of the specification.

IEC 62056-6-2 class 20 (activity calendar), class 11 (special days), clause 4.1.6.1 (wildcards in dates). It knows
nothing of the firmware's code and shares none: dates come from counting days one by one.
"""

DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Days:
    """Every day of some years: (year, month, day of the month, day of the week, days that the month has)."""

    def __init__(self, first_year, last_year):
        self.days = []
        year, weekday = 2000, 6  # 2000-01-01 was a Saturday
        self.first = 0
        while year <= last_year:
            leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
            for month in range(1, 13):
                size = 29 if month == 2 and leap else DAYS[month - 1]
                for day in range(1, size + 1):
                    if year >= first_year:
                        self.days.append((year, month, day, weekday, size))
                    else:
                        self.first += 1
                    weekday = weekday % 7 + 1
            year += 1

    def __getitem__(self, number):
        return self.days[number - self.first]

    def means(self, date, number):
        """Return whether a date with wildcards means the day `number` since 2000-01-01."""
        year, month, weekday = date[0] * 256 + date[1], date[2], date[4]
        own_year, own_month, own_day, own_weekday, size = self[number]
        if weekday == 255 or date[3] == 255:
            if year not in (0xFFFF, own_year) or month not in (255, own_month) or weekday not in (255, own_weekday):
                return False
            return date[3] == 255 or own_day == {254: size, 253: size - 1}.get(date[3], date[3])
        if weekday != own_weekday:
            return False
        if date[3] in (254, 253):
            left = size - own_day
            last = left < 7 if date[3] == 254 else 7 <= left < 14
            return year in (0xFFFF, own_year) and month in (255, own_month) and last
        for back in range(7):  # the weekday on or following a day of the month
            if number - back < self.first:
                return False
            then_year, then_month, then_day, _, _ = self[number - back]
            asked = year in (0xFFFF, then_year) and month in (255, then_month)
            if asked and then_day == date[3]:
                return back == 0 or year == 0xFFFF or month == 255
        return False


class NaiveCalendar:
    """A table as the wire has it; `script(minute)` is asked minute by minute, in order, of minutes since 2000."""

    def __init__(self, days, seasons, weeks, day_profiles, special_days, default):
        self.days, self.seasons, self.weeks = days, seasons, weeks
        self.profiles, self.special_days = dict(day_profiles), special_days
        self.default = default

    def profile(self, number):
        """Return the actions of a day."""
        for _, date, name in self.special_days:
            if self.days.means(date, number):
                return self.profiles.get(name, [])
        begun = None
        for back in range(number - self.days.first + 1):
            for _, start, week in self.seasons:
                if self.days.means(start[:5], number - back):
                    begun = week
            if begun is not None:
                break
        for week in self.weeks:
            if week[0] == begun:
                return self.profiles.get(week[self.days[number][3]], [])
        return []

    def scripts(self, first_day, count):
        """Yield the script of every minute of `count` days; before the first action it is None."""
        script = None
        for number in range(first_day, first_day + count):
            actions = {}
            for clock, action in self.profile(number):
                actions[clock[0] * 60 + clock[1]] = action
            for minute in range(1440):
                script = actions.get(minute, script)
                yield script
