"""What concerns the people at the meter: their supplier, their privacy, the meter points (SMETS2 5.6.3, 5.7.4)."""

from micropython import const

from smets.meter.fields import Component

_TELEPHONE = const(18)
_NAME = const(15)
_PIN = const(4)
_IDENTIFICATION = const(10)
_SHOWN_S = const(86400)
"""How long the identification number is shown unless it is read before: GBCS leaves it to the maker."""
_LAST_S = const(0xFFFFFFFF)
_MPANS = const(26)
_MPAN = const(13)


class Customer(Component):
    """The supplier's `name` and `telephone` (ECS16), the `identification_number` to be shown (ECS50), and privacy.

    With a `privacy_pin` personal data need it; empty is no protection, which is all that a supplier may set (ECS14).
    What is of before `restrict_data_s` is withheld from the householder after a change of tenancy (ECS12).
    """

    NAME = "customer"
    FIELDS = (
        ("supplier_telephone", _TELEPHONE),
        ("supplier_name", _NAME),
        ("identification_number", _IDENTIFICATION),
        ("privacy_pin", _PIN),
        ("restrict_data_s", ">I"),
        ("number_until_s", ">I"),
    )
    METHODS = ("forget_number",)

    def write(self, name, value, index=None):
        """Set a field; an identification number is shown for a day from now on."""
        super().write(name, value, index)
        if name == "identification_number":
            self.put("number_until_s", min(self.meter.time_s + _SHOWN_S, _LAST_S))

    def number_shown(self):
        """Return the identification number while it is to be shown, else empty; an earlier tenant's never is."""
        until_s = self.get("number_until_s")
        is_shown = self.meter.time_s < until_s and until_s - _SHOWN_S >= self.get("restrict_data_s")
        return self.get("identification_number") if is_shown else b""

    def forget_number(self, _):
        """Show the identification number no longer: it was read."""
        self.put("number_until_s", 0)
        self.put("identification_number", b"")


class MeterPoint(Component):
    """The meter points' numbers, 13 digits each: import, of a twin element meter two in a row, and export (ECS39)."""

    NAME = "meter_point"
    FIELDS = (("import_mpan", _MPANS), ("export_mpan", _MPAN))


COLD = (Customer, MeterPoint)
