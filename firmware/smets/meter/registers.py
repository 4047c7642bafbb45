"""Registers of energy: total active and reactive, import and export; on a twin element meter the second element's.

Watt-seconds short of a whole watt-hour are kept as state, so nothing is lost however time is cut. On a twin element
meter `active_import_wh` is the first element's. Registers roll over after 4,294,967,295.
"""

from smets.meter.fields import Component

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
    )

    def flow(self, start_s, duration_s, load):
        """Count the energy of a constant load."""
        for register, remainder, power in _FLOWS:
            watts = getattr(load, power)
            if not watts:
                continue
            whole, rest = divmod(self.get(remainder) + watts * duration_s, 3600)
            self.let(remainder, rest)
            if whole:
                self.let(register, (self.get(register) + whole) & 0xFFFFFFFF)
