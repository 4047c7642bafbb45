"""The contactor that carries out what the supply's state says, the button that closes an armed supply, the buzzer."""

from micropython import const

from smets.meter.supply import ARMED, ENABLED

_DEBOUNCE_ROUNDS = const(2)


class Contactor:
    """A relay on `pin`, an object with `value(level)`: level 1 connects the load."""

    def __init__(self, pin):
        self._pin = pin
        self._closed = None

    def follow(self, meter):
        """Be closed while the meter's supply is enabled; open while there is no meter (None)."""
        closed = meter is not None and meter.read("supply.state") == ENABLED
        if closed is not self._closed:
            self._closed = closed
            self._pin.value(int(closed))


class Button:
    """The customer's push button on `pin`, which it pulls to 0: it closes a supply that is armed."""

    def __init__(self, pin):
        self._pin = pin
        self._rounds = 0

    def is_held(self):
        """Return whether the button is down now."""
        return not self._pin.value()

    def follow(self, meter):
        """Close the meter's armed supply when the button was down for two rounds: what is shorter is a bounce."""
        self._rounds = min(self._rounds + 1, _DEBOUNCE_ROUNDS + 1) if self.is_held() else 0
        if self._rounds == _DEBOUNCE_ROUNDS and meter is not None and meter.read("supply.state") == ARMED:
            meter.call("supply.close_by_customer", None)
            meter.commit()


class Buzzer:
    """An active buzzer on `pin`, which level 1 lets sound: the audible alarm of the events that are to have one."""

    def __init__(self, pin):
        self._pin = pin
        self._level = None

    def follow(self, meter):
        """Sound every other second as long as the meter has something to sound for."""
        now_s = meter.time_s if meter else 0
        level = int(meter is not None and now_s < meter.events.silent_s and not now_s & 1)
        if level != self._level:
            self._level = level
            self._pin.value(level)
