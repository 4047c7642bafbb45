"""Why the meter does not do what it is asked. `kind` is for whoever speaks for the meter on a wire."""


class MeterError(Exception):
    """The meter refuses; nothing changed."""

    kind = "refused"


class Refused(MeterError):
    """The meter's rules forbid it, whenever it is asked."""


class NotNow(MeterError):
    """What it needs is not there yet; asked again later it may work."""

    kind = "not now"


class OutOfRange(MeterError):
    """The value is not one that the field may have."""

    kind = "out of range"


class Unavailable(MeterError):
    """This meter has no such part: no component, field, log or method of that name."""

    kind = "unavailable"
