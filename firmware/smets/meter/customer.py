"""What concerns the people at the meter: their supplier, their privacy, the meter points (SMETS2 5.6.3, 5.7.4)."""

from micropython import const

from smets.meter.fields import Component

_TELEPHONE = const(18)
_NAME = const(15)
_PIN = const(4)
_IDENTIFICATION = const(10)
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
    )


class MeterPoint(Component):
    """The meter points' numbers, 13 digits each: import, of a twin element meter two in a row, and export (ECS39)."""

    NAME = "meter_point"
    FIELDS = (("import_mpan", _MPANS), ("export_mpan", _MPAN))


COLD = (Customer, MeterPoint)
