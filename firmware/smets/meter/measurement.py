"""What the meter measures: powers and voltages, held constant between two calls of `advance`."""


class Measurement:
    """Powers in W and var, voltages in tenths of a volt, one a phase. `secondary_import_w` is a twin element's second.

    Import and export are of the whole meter; all are at least 0.
    """

    def __init__(
        self, import_w=0, export_w=0, import_var=0, export_var=0, secondary_import_w=0, voltage_dv=(2300,) * 3
    ):
        self.import_w = import_w
        self.export_w = export_w
        self.import_var = import_var
        self.export_var = export_var
        self.secondary_import_w = secondary_import_w
        self.voltage_dv = voltage_dv

    def copy_powers(self, other):
        """Take the powers of another measurement, or none when `other` is None (nothing flows)."""
        for name in ("import_w", "export_w", "import_var", "export_var", "secondary_import_w"):
            setattr(self, name, getattr(other, name) if other else 0)
