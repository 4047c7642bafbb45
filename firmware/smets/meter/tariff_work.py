"""Works out what of the tariff is in force (tariff.py), from tables, prices and counters. Cold: loaded at a switch.

The block of a time of use is the first whose threshold its counters, all blocks' together, have not reached; one that
is not given, or is FFFFFFFF, is never reached. The counters are reset when a billing period ends and, where ECS48 asks
for it, daily.
"""

from micropython import const

from smets.meter.dates import DAY_S
from smets.meter.switching import NEVER, SwitchingTable
from smets.meter.wildcards import following

_FIRST_BLOCK_SCRIPT = const(101)
_TIMES_OF_USE = const(8)
_BLOCKS = const(4)
_FIRST_BLOCK_PRICE = const(0xA0)
_UNLIMITED = const(0xFFFFFFFF)
_MILLIPENCE_SCALE = const(5)
_SCRIPTS = tuple(range(1, 49)) + tuple(range(101, 109))
_SECOND_SCRIPTS = tuple(range(201, 205))


def renew(tariff, now_s):
    """Let `tariff` know what is in force at a time, and when it must be asked again."""
    meter = tariff.meter
    if now_s >= tariff.get("billing_s"):  # the clock leapt over it
        meter.component("billing_rows").end_period(now_s)
        meter.drop_cold(False)
    billing = meter.component("billing")
    billing_s = _next_s(billing, "times", now_s)
    reset_s = min(billing_s, _next_s(billing, "block_reset_times", now_s))
    billing = None
    meter.drop_cold(False)  # one part at a time: the heap of a small board does not hold them all
    script, switch_s = SwitchingTable(meter.component("calendar"), _SCRIPTS).look(now_s, _SCRIPTS[0])
    second_script = _SECOND_SCRIPTS[0]
    if meter.has("twin"):
        second = SwitchingTable(meter.component("second_calendar"), _SECOND_SCRIPTS)
        second_script, second_switch_s = second.look(now_s, second_script)
        switch_s = min(switch_s, second_switch_s)
        del second
    meter.drop_cold(False)
    registers = meter.component("tariff_registers")
    registers.settle()
    if now_s >= tariff.get("reset_s"):
        registers.reset_counters()
    tariff.put("reset_s", reset_s)
    tariff.put("billing_s", billing_s)
    tariff.put("script", script)
    tariff.put("second_script", second_script)
    tariff.put("switch_s", switch_s)
    enter_block(tariff)
    if meter.has("twin"):
        _set_price(tariff, "second_", meter.component("second_prices"), second_script - _SECOND_SCRIPTS[0] + 1)
    tariff.put("stale", False)
    tariff.put("changed", False)


def enter_block(tariff):
    """Let `tariff` know the block that its counters lie in, how much room it has, and the price."""
    meter, script = tariff.meter, tariff.get("script")
    registers, prices = meter.component("tariff_registers"), meter.component("prices")
    registers.settle()
    block, room_wh, index = 0, _UNLIMITED, script
    if script >= _FIRST_BLOCK_SCRIPT:
        time_of_use = script - _FIRST_BLOCK_SCRIPT + 1
        thresholds = prices.get_nested("thresholds_%d_wh" % time_of_use)
        block, room_wh = _block(thresholds, registers.counted_wh(time_of_use))
        index = _FIRST_BLOCK_PRICE + (block << 4) + time_of_use
    tariff.put("block", block)
    tariff.put("room_wh", room_wh)
    _set_price(tariff, "", prices, index)


def _block(thresholds, counted_wh):
    """Return (the block in which a counter lies, how much room it has)."""
    for block, threshold_wh in enumerate(thresholds):
        if threshold_wh == _UNLIMITED:
            return block, _UNLIMITED
        if counted_wh < threshold_wh:
            return block, threshold_wh - counted_wh
    return len(thresholds), _UNLIMITED


def _set_price(tariff, which, prices, index):
    """Set the price of an index, and the price in force that is shown."""
    price, scale = prices.price_of(index), prices.get("scale")
    tariff.put(which + "price", price)
    tariff.put(which + "scale", scale)
    places = scale + _MILLIPENCE_SCALE
    shown = price * 10**places if places >= 0 else price // 10**-places
    prices.show(max(0, min(_UNLIMITED, shown)))


def _next_s(billing, name, now_s):
    """Return the next of the calendar's moments after `now_s`, NEVER when nothing is to come."""
    return min([NEVER] + [next_moment_s(clock, date, now_s) for clock, date in billing.elements(name)])


def next_moment_s(clock, date, now_s):
    """Return the first moment after `now_s` of a time of day and a date with wildcards, NEVER when there is none."""
    if not (len(clock) == 4 and clock[0] < 24 and clock[1] < 60 and clock[2] < 60):
        return NEVER
    second = clock[0] * 3600 + clock[1] * 60 + clock[2]
    day = following(date, now_s // DAY_S if now_s % DAY_S < second else now_s // DAY_S + 1)
    return NEVER if day is None else min(NEVER, day * DAY_S + second)
