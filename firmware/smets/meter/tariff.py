"""The tariff at work: which register counts, at which price, and until when (SMETS2 5.5.7, 5.7.5).

Resident, for every step of time asks it; what is known here was worked out by tariff_work.py, which is loaded at
a switch, at the end of a block and when tables or prices have changed.

Energy is counted and charged by whole watt-hours, in the register and at the price in force when each is completed: the
tariff's registers together grow by exactly what the total register grows by, and cost what they say. A price is
`number` x 10^`scale` pounds (euros) a kWh; a charge is kept in millionths of a millipence and handed to `payment` in
whole millipence, the rest is state: nothing is created and nothing lost, however time is cut.
"""

from micropython import const

from smets import on_demand
from smets.meter.fields import BOOL, Component

_WHOLE = const(1000000)
"""Millionths of a millipence in one."""
_UNIT_SCALE = const(8)
"""A pound a kWh is 10^8 millionths of a millipence a Wh."""
_MILLIPENCE_A_KWH = const(1000)
"""Millionths of a millipence a Wh in a millipence a kWh."""
_UNLIMITED = const(0xFFFFFFFF)
_WH = const(3600)
_SOURCES = ("calendar", "second_calendar", "prices", "second_prices", "billing", "tariff_registers", "clock")
_NO_SOURCES = ("active_price_millipence", "preset_s", "window_start_s", "window_end_s", "compared_s")


class Tariff(Component):
    """What is in force: `script` and `second_script` (see switching_table.py), their prices, and until when.

    `counted_wh` was counted for `script` since, and is not yet in its register; `room_wh` is left of the block `block`.
    The billing period ends at `billing_s`. What energy has cost in all is `charged_millipence`, which rolls over.
    `stale`: tables, prices, counters or clock are others since this was worked out; it is worked out anew before more
    time passes. `changed`: the same by a supplier's doing, and as soon as the heap is free.
    """

    NAME = "tariff"
    FIELDS = (
        ("script", ">H", 1),
        ("second_script", ">H", 201),
        ("block", ">B"),
        ("room_wh", ">I", _UNLIMITED),
        ("counted_wh", ">I"),
        ("second_counted_wh", ">I"),
        ("price", ">h"),
        ("scale", ">b", -5),
        ("second_price", ">h"),
        ("second_scale", ">b", -5),
        ("charge_rest", ">I"),
        ("switch_s", ">I"),
        ("reset_s", ">I", 0xFFFFFFFF),
        ("stale", BOOL, True),
        ("changed", BOOL),
        ("billing_s", ">I", 0xFFFFFFFF),
        ("charged_millipence", ">I"),
    )

    def __init__(self, meter):
        super().__init__(meter)
        self._unit_price = self._second_unit_price = None  # millionths of a millipence a Wh, worked out when wanted

    def price_millipence(self):
        """Return the price in force, in millipence a kWh; what is less than one is cut."""
        return self._price() // _MILLIPENCE_A_KWH

    # what payment asks

    def charge_after(self, seconds, load):
        """Return what `seconds` under a load will charge, in whole millipence, if the prices stay what they are."""
        registers = self.meter.component("registers")
        rest = self.get("charge_rest")
        if load.import_w:
            energy_wh = (registers.get("active_import_ws") + load.import_w * seconds) // _WH
            rest += energy_wh * self._price()
        if load.secondary_import_w:
            energy_wh = (registers.get("secondary_active_import_ws") + load.secondary_import_w * seconds) // _WH
            rest += energy_wh * self._second_price()
        return rest // _WHOLE

    def seconds_until(self, charge_millipence, load, most_s=1800):
        """Return in how many seconds a load will have charged so much, from 1 to `most_s`; None: not within them.

        The prices may change before: that is a boundary of the tariff's own (`next_boundary_s`), and then ask again.
        """
        if self.charge_after(most_s, load) < charge_millipence:
            return None
        low, high = 0, most_s
        while high - low > 1:
            middle = (low + high) // 2
            if self.charge_after(middle, load) < charge_millipence:
                low = middle
            else:
                high = middle
        return high

    # time

    def count(self, energy_wh, second_wh):
        """Count whole watt-hours of the first and the second element, which `registers` has just completed."""
        rest = self.get("charge_rest")
        if second_wh:
            self.let("second_counted_wh", self.get("second_counted_wh") + second_wh & _UNLIMITED)
            rest += second_wh * self._second_price()
        while energy_wh:
            room_wh = self.get("room_wh")
            part_wh = min(energy_wh, room_wh)
            energy_wh -= part_wh
            rest += part_wh * self._price()
            self.let("counted_wh", self.get("counted_wh") + part_wh & _UNLIMITED)
            if room_wh != _UNLIMITED:
                self.let("room_wh", room_wh - part_wh)
                if part_wh == room_wh:
                    self._enter_block()
        charge_millipence, rest = divmod(rest, _WHOLE)
        self.let("charge_rest", rest)
        if charge_millipence:
            self.let("charged_millipence", self.get("charged_millipence") + charge_millipence & _UNLIMITED)
            self.meter.payment.charge_energy(charge_millipence)

    def next_boundary_s(self, now_s, load):
        """Return when the tariff switches, the block ends or its counters are reset."""
        next_s = min(self.get("switch_s"), self.get("reset_s"))
        room_wh = self.get("room_wh")
        if load.import_w and room_wh != _UNLIMITED:
            wanted_ws = room_wh * _WH - self.meter.component("registers").get("active_import_ws")
            next_s = min(next_s, now_s + (wanted_ws + load.import_w - 1) // load.import_w)
        return next_s

    def arrive(self, now_s, load):
        """Log the billing period's end, before what falls due with the next one is taken."""
        if now_s >= self.get("billing_s"):
            self.meter.drop_cold(False)  # rows of registers want room
            self.meter.component("billing_rows").end_period(now_s)
            self.meter.drop_cold(False)

    def is_due(self, now_s):
        """Return whether `renew` is to be called before more time passes, or a reader asks."""
        return self.get("stale") or now_s >= self.get("switch_s") or now_s >= self.get("reset_s")

    def renew(self, now_s):
        """Work out what is in force from tables, prices and counters."""
        on_demand.call("smets.meter.tariff_work", "renew", self, now_s)
        self._unit_price = self._second_unit_price = None

    # what changes elsewhere

    def written(self, name, field, at_once):
        """A field was set that may be a source of what is known here."""
        if name in _SOURCES and field not in _NO_SOURCES:
            self.put("stale", True)
            if at_once:
                self.put("changed", True)

    def write(self, name, value, index=None):
        """Set a field as any component does."""
        super().write(name, value, index)
        self._unit_price = self._second_unit_price = None

    def restore(self, packed):
        """Take stored state back."""
        super().restore(packed)
        self._unit_price = self._second_unit_price = None

    def _price(self):
        if self._unit_price is None:
            self._unit_price = _unit_price(self.get("price"), self.get("scale"))
        return self._unit_price

    def _second_price(self):
        if self._second_unit_price is None:
            self._second_unit_price = _unit_price(self.get("second_price"), self.get("second_scale"))
        return self._second_unit_price

    def _enter_block(self):
        self.meter.drop_cold()  # what comes wants room
        on_demand.call("smets.meter.tariff_work", "enter_block", self)
        self._unit_price = None


def _unit_price(price, scale):
    """Return the millionths of a millipence that a Wh costs; what a scale below -8 makes smaller than one is cut."""
    places = scale + _UNIT_SCALE
    return price * 10**places if places >= 0 else price // 10**-places
