"""The rooms of an electricity meter that is provisioned: the metering model, and the message layer that speaks for it.

Apart from `esme` so that a device that is still to be provisioned has room for the certificates that it gets.
"""

from micropython import const

from smets.cosem.access import AccessService
from smets.cosem.table import ObjectTable
from smets.message import future
from smets.message.alerts import Alerts, AlertTable
from smets.message.authority import UseCaseTable
from smets.message.counters import Counters
from smets.message.handler import Handler
from smets.message.protection import Protection
from smets.message.station import Station
from smets.meter.measurement import Measurement
from smets.meter.model import Meter
from smets.on_demand import call, fetch
from smets.store.files import StoreCorrupt

_BILLING_LOGGED = const(0x8F0A)
_WITH_OCTETS = const((0x8F72, 0x00CE, 0x8F1C, 0x00CE, 0x81A0, 0x00F0))
"""Codes, each with the message code of its alert, that tell one octet string: an image's hash (FDRA), a cause (MIIWA).

Here and not in message/alert_forms.py, because a receipt is signed when the heap has little room.
"""


class Tokens:
    """The top-up token checker, in the heap only while a token is entered."""

    def __init__(self, *arguments):
        self._arguments = arguments

    def check(self, digits, by_hand, time_s):
        """Return (refusal code or 0, amount in pence, token number); see message/utrn.py."""
        return self._checker().check(digits, by_hand, time_s)

    def used(self, number):
        """Return the journal's (key, value) by which a token is known as used."""
        return self._checker().used(number)

    def _checker(self):
        return fetch("smets.message.utrn", "UtrnChecker")(*self._arguments)


class Firmware:
    """What CS06 asks of the slots; see firmware_update.py, which is in the heap only then."""

    def __init__(self, *arguments):
        self._arguments = arguments

    def activate(self, image_hash, keep):
        """Return how the activation ended; None when the device starts again first, and `keep()` was called."""
        device, meter = self._arguments
        if device.has_slots():
            return call("smets.roles.firmware_update", "activate", device, meter, image_hash, keep)
        meter.call("firmware.activate", image_hash)
        return meter.read("firmware.outcome")

    def told(self):
        """How it ended is on its way to those who are to know."""
        if self._arguments[0].has_slots():
            call("smets.roles.firmware_update", "told", self._arguments[0])


class MeterRooms:
    """What a provisioned device has besides its store and keys: the meter, and the rooms that speak for it."""

    def __init__(self, device, identity, send):
        counters = Counters(device.journal)
        self.protection = Protection(device.anchors, device.keys)
        alert_table = AlertTable(device.tables + "/alerts")
        tokens = Tokens(device.journal, device.anchors, identity.eui)
        self.meter = Meter(
            device.journal,
            device.open_log,
            lambda code: alert_table.find(code)[0],
            tokens,
            identity.elements,
            identity.phases,
            identity.eui,
        )
        self.meter.logs.store_code = ("smets.store.segments", "smets.store.damaged")
        self._announce = device.announce
        self._measurement = Measurement()
        self.faults = self.bench = None
        if device.with_bench:
            self._start_bench(device)
        self.alerts = Alerts(alert_table, device.anchors, self.protection, counters, identity.eui, send)
        self.station = Station(
            identity.eui,
            device.journal,
            device.keys,
            device.anchors,
            counters,
            self.time_s,
            self.report,
            self.meter,
            self.faults,
            Firmware(device, self.meter),
        )
        self.service = AccessService(
            ObjectTable(device.tables + "/esme.objects"), self.meter, self.faults, (OSError, StoreCorrupt)
        )
        self.handler = Handler(
            self.station,
            UseCaseTable(device.tables + "/esme.use_cases"),
            self.protection,
            self.alerts,
            self.service,
            device.writer,
        )

    def load(self):
        """Return the Measurement that holds now: the bench's, or none while no meter chip is bound in."""
        return self.bench.load if self.bench else self._measurement

    def time_s(self):
        """Return the meter's time."""
        return self.meter.time_s

    def report(self, code):
        """Put a security event into the security log; its alert is the message layer's."""
        self.meter.logs.append("security", (self.meter.time_s, code))

    def counts(self):
        """Return how many commands were accepted, refused (by code), for other devices, and the cells' checksum."""
        handler = self.handler
        refused = {"%04X" % code: count for code, count in handler.refused.items()}
        cells = self.station.anchors.check(0)
        return {"accepted": handler.accepted, "refused": refused, "dropped": handler.dropped, "cells": cells}

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
            message_code = _WITH_OCTETS[_WITH_OCTETS.index(code) + 1]
            self.alerts.tell(code, time_s, (message_code, bytes((9, len(body))) + body, 1))
        elif body or code == _BILLING_LOGGED:
            call("smets.message.alert_forms", "tell", self, code, time_s, body)
        else:
            self.alerts.tell(code, time_s)

    def _start_bench(self, device):
        from smets.bench.setting import Setting

        self.bench = Setting(device.speed)
        self.faults = self.bench.faults
