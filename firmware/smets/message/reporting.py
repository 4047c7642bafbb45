"""What a device tells unasked: alerts of what happens to its meter, and the instructions whose time has come."""

from micropython import const

from smets.message import future
from smets.on_demand import call

_BILLING_LOGGED = const(0x8F0A)
_WITH_OCTETS = const((0x8F72, 0x8F1C, 0x81A0))
"""Codes that tell one octet string: an image's hash (FDRA), a cause (MIIWA).

Here and not in alert_forms.py, because a receipt is signed when the heap has little room.
"""


class Reporting:
    """Speaks for `meter` (the metering model) by `alerts`; `station`, `service` and `protection` make what they say.

    `announce` sends what the home area network is told.
    """

    def __init__(self, meter, station, service, protection, alerts, announce):
        self._announce = announce
        self.meter, self.station, self.service = meter, station, service
        self.protection, self.alerts = protection, alerts

    def settle(self):
        """Carry out the instructions about credentials and firmware whose time has come, and tell of them."""
        if self.meter.time_s >= self.station.due_s:
            self.meter.release()  # certificates want all the room that there is
            self.station.settle(self.alerts)

    def tell_events(self):
        """Send the alerts of what happened since the last call. Cut off in between, it sends them again."""
        self.settle()
        events = self.meter.events
        if events.notices:
            self.meter.release()
            call("smets.message.notices", "tell", events, self.station.eui, self._announce)
        event = self.meter.take_event()
        if event is None:
            return
        self.meter.release()  # a signature wants the room
        while event:
            self._tell_or_keep(event)
            event = self.meter.take_event()
        self.meter.commit()

    def _tell_or_keep(self, event):
        """Send an event's alert; when the link or the heap has no room for it now, it waits for another round.

        One that the heap has no room for lets the others go first.
        """
        try:
            self._tell(*event)
        except OSError:
            self.meter.events.give_back(event)
            raise
        except MemoryError:
            self.meter.events.queue(*event)
            raise

    def _tell(self, code, time_s, body):
        if code in (future.SUCCEEDED, future.FAILED) and len(body) == future.CONTEXT_SIZE:
            future.tell_activation(self.alerts, body, time_s, code == future.SUCCEEDED)
        elif body and code in _WITH_OCTETS:
            self.alerts.tell(code, time_s, (bytes((9, len(body))) + body, 1))
        elif body or code == _BILLING_LOGGED:
            call("smets.message.alert_forms", "tell", self, code, time_s, body)
        else:
            self.alerts.tell(code, time_s)
