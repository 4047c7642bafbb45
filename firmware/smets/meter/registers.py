"""Registers of energy: total active and reactive, import and export; on a twin element meter the second element's.

Watt-seconds short of a whole watt-hour are kept as state, so nothing is lost however time is cut. On a twin element
meter `active_import_wh` is the first element's. Registers roll over after 4,294,967,295.

The active power import that a meter shows is the average of the last whole minute of UTC.
"""

from micropython import const

from smets.meter.fields import Component

_MINUTE_S = const(60)

_FLOWS = (
    ("active_import_wh", "active_import_ws", "import_w"),
    ("active_export_wh", "active_export_ws", "export_w"),
    ("reactive_import_varh", "reactive_import_vars", "import_var"),
    ("reactive_export_varh", "reactive_export_vars", "export_var"),
    ("secondary_active_import_wh", "secondary_active_import_ws", "secondary_import_w"),
)


class Registers(Component):
    """The energy registers, in Wh and varh, each with its remainder of 0 to 3,599 Ws or vars."""

    NAME = "registers"
    FIELDS = (
        ("active_import_wh", ">I"),
        ("active_export_wh", ">I"),
        ("reactive_import_varh", ">I"),
        ("reactive_export_varh", ">I"),
        ("secondary_active_import_wh", ">I"),
        ("active_import_ws", ">H"),
        ("active_export_ws", ">H"),
        ("reactive_import_vars", ">H"),
        ("reactive_export_vars", ">H"),
        ("secondary_active_import_ws", ">H"),
        ("active_power_import_w", ">I"),
        ("primary_power_import_w", ">I"),
        ("minute_ws", ">I"),
        ("primary_minute_ws", ">I"),
    )

    def flow(self, start_s, duration_s, load):
        """Count the energy of a constant load."""
        import_wh = second_wh = 0
        for register, remainder, power in _FLOWS:
            watts = getattr(load, power)
            if not watts:
                continue
            whole, rest = divmod(self.get(remainder) + watts * duration_s, 3600)
            self.let(remainder, rest)
            if whole:
                self.let(register, (self.get(register) + whole) & 0xFFFFFFFF)
                if power == "import_w":
                    import_wh = whole
                elif power == "secondary_import_w":
                    second_wh = whole
        if import_wh or second_wh:
            self.meter.component("tariff").count(import_wh, second_wh)
        power_w = load.import_w + load.secondary_import_w
        self._average("active_power_import_w", "minute_ws", power_w, start_s, duration_s)
        self._average("primary_power_import_w", "primary_minute_ws", load.import_w, start_s, duration_s)

    def half_hour(self, now_s):
        """Let the half hour's energy be logged (demand.py)."""
        self.meter.component("demand").half_hour(now_s)

    def midnight(self, now_s):
        """Let the day's energy be logged, and what it cost, and the registers as they stand."""
        for name in ("demand", "consumption"):
            self.meter.component(name).midnight(now_s)
            self.meter.drop_cold(False)
        self.meter.component("billing_rows").end_day(now_s)

    def _average(self, register, remainder, power_w, start_s, duration_s):
        """Let a register be the average of the last minute that ended, and keep what the minute begun has so far."""
        rest_s = (start_s + duration_s) % _MINUTE_S
        ended_s = duration_s - rest_s  # how much of the time was before the last end of a minute
        if ended_s <= 0:
            self.let(remainder, self.get(remainder) + power_w * duration_s)
            return
        whole = ended_s >= _MINUTE_S
        self.let(register, power_w if whole else (self.get(remainder) + power_w * ended_s) // _MINUTE_S)
        self.let(remainder, power_w * rest_s)
