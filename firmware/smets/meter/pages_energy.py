"""Pages of the meter's display: registers, and days gone by (SMETS2 5.5.11)."""

from micropython import const

from smets.meter.page_text import date, kwh, newest

_DAY_S = const(86400)


def energy(meter, unlocked):
    """Return the registers that hold something, and the power now."""
    read = meter.component("registers").get
    found = ["Import", kwh(read("active_import_wh"))]
    if meter.has("twin"):
        found.extend(("Second element", kwh(read("secondary_active_import_wh"))))
    found.extend(("Export", kwh(read("active_export_wh")), "Power now", "%d W" % read("active_power_import_w")))
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
