"""Pages of the meter's display: registers, and days gone by (SMETS2 5.5.11)."""

from micropython import const

from smets.meter.dates import date_of, weekday_of
from smets.meter.page_text import date, kwh, money, newest

_DAY_S = const(86400)
_USAGE = const(("low", "medium", "high"))


def energy(meter, unlocked):
    """Return the registers that hold something, and the power now with what the ambient indicator makes of it."""
    read = meter.component("registers").get
    found = ["Import", kwh(read("active_import_wh"))]
    if meter.has("twin"):
        found.extend(("Second element", kwh(read("secondary_active_import_wh"))))
    found.extend(("Export", kwh(read("active_export_wh")), "Power now", "%d W" % read("active_power_import_w")))
    found.append("Usage " + _USAGE[meter.component("power_threshold").indicator()])
    registers = meter.component("tariff_registers")
    for rate, energy_wh in enumerate(registers.read("tou_wh")):
        if energy_wh:
            found.extend(("Rate %d" % (rate + 1), kwh(energy_wh)))
    for place, energy_wh in enumerate(registers.read("blocks_wh")[:32]):
        if energy_wh:
            found.extend(("Rate %d block %d" % (place % 8 + 1, place // 8 + 1), kwh(energy_wh)))
    return found


def days(meter, unlocked):
    """Return the last days' consumption, the newest first."""
    rows = newest(meter, "daily_consumption", _DAY_S)
    return ["%s %s" % (date(row[0] - _DAY_S), kwh(row[1])[:-4]) for row in rows] or ["None yet"]


def cost(meter, unlocked):
    """Return what energy cost now and on the days before; nothing that began before the tenancy."""
    since_s = meter.component("customer").get("restrict_data_s")
    consumption = meter.component("consumption")
    now, days = consumption.read("now_millipence"), consumption.read("days_millipence")
    today = meter.time_s // _DAY_S
    begun = today, today - (weekday_of(today) - 1), today - (date_of(today)[2] - 1)
    found = []
    for place, name in enumerate(("Today", "This week", "This month")):
        if begun[place] * _DAY_S >= since_s:
            found.extend((name, " " + money(meter, now[place])))
    for ago, amount_millipence in enumerate(days, 1):
        began_s = (today - ago) * _DAY_S
        if began_s >= since_s and consumption.get("days_wh", ago - 1):
            found.append("%s %s" % (date(began_s), money(meter, amount_millipence)[:-4]))
    return found or ["None yet"]
