"""Alerts: what the device tells its remote parties unasked (GBCS 7.2.9, 16.2).

A critical alert is signed, any other is MACed for its recipient. Each has the device's own next counter. Which codes
are critical, who is told and by which message code stands in the packed alert table
(host_tools/opensmets/catalogue/pack_alerts.py).
"""

import struct

from micropython import const

from smets.cosem import axdr, dates
from smets.message.envelope import ALERT, RESPONSE, Writer
from smets.trust.cells import SUPPLIER

_CRITICAL_ALERT = const(0x1000)
_NON_CRITICAL_ALERT = const(0x1001)
"""Message codes of what tells only a code and a time; that of any other form stands in the alert table."""

_NOT_SUPPORTED = const(0x8F85)

_CRITICAL = const(1)
_SENT = const(2)
"""Flags of the alert table that matter here; the others name logs."""

_DATA_NOTIFICATION = const(0x0F)
_INVOKE_FLAGS = const(0x20)
_MAX_ALERT = const(768)
"""Longest payload, bytes: the outcome of a credential update of nine cells, each with its parties, has 576."""
_RECORD_SIZE = const(7)
_HEADER_SIZE = const(6)
_MAX_RECORDS = const(1024)
_FIRST_CRITICAL = const(0x8F00)

_BURST = const(5)
_REFILL_S = const(60)


class AlertTable:
    """The packed alert table in a file. Raises ValueError when it is none, OSError when it cannot be read."""

    def __init__(self, path):
        self._file = open(path, "rb")
        self._record = bytearray(_RECORD_SIZE)
        magic, version, self._count = struct.unpack(">2sBxH", self._file.read(_HEADER_SIZE))
        if magic != b"AL" or version != 2 or self._count > _MAX_RECORDS:
            raise ValueError("not an alert table of version 2: " + path)

    def flags(self, code):
        """Return the flags of a code alone."""
        return self.find(code)[0]

    def find(self, code):
        """Return (flags, recipients, message code of its form or 0); a code that the table lacks is the supplier's."""
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            self._file.seek(_HEADER_SIZE + middle * _RECORD_SIZE)
            self._file.readinto(self._record)
            found, flags, recipients, message_code = struct.unpack(">HBHH", self._record)
            if found == code:
                return flags, recipients, message_code
            if found < code:
                low = middle + 1
            else:
                high = middle
        return _SENT | (_CRITICAL if code >= _FIRST_CRITICAL else 0), 1 << SUPPLIER, 0


class Alerts:
    """Builds alerts and hands each to `send(view)`, which must be done with the view when it returns."""

    def __init__(self, alert_table, anchors, protection, counters, device, send):
        self._table = alert_table
        self._anchors = anchors
        self._protection = protection
        self._counters = counters
        self._device = device
        self._send = send
        self._writer = Writer(_MAX_ALERT)
        self._repeats = {}

    def tell(self, code, time_s, form=()):
        """Send an event's alert to each party that the table names and a cell holds.

        Whether it is sent at all is for meter/events.py, which knows what the parties have set.

        `form` is what `send` takes from `body` on, of an alert that has a message code of its own.
        """
        flags, recipients, message_code = self._table.find(code)
        if not form:
            message_code = _CRITICAL_ALERT if flags & _CRITICAL else _NON_CRITICAL_ALERT
        for role in range(16):
            eui = self._party(role, flags & _CRITICAL) if recipients & 1 << role else None
            if eui:
                self.send(eui, message_code, flags & _CRITICAL, code, time_s, *form)

    def tell_refusal(self, code, time_s):
        """Like `tell`, for what a stranger can provoke: _BURST at once, then one in _REFILL_S."""
        if self._may_repeat(code, time_s):
            self.tell(code, time_s)

    def tell_not_supported(self, envelope, time_s):
        """Tell a command's originator that its message code is not supported (ECS100); a stranger's, the supplier.

        The body is the command's message code and originator counter.
        """
        if not self._may_repeat(_NOT_SUPPORTED, time_s):
            return
        originator = bytes(envelope.originator)
        eui = originator if self._anchors.knows(originator) else self._party(SUPPLIER, True)
        if eui:
            supplementary = [envelope.supplementary_id, envelope.supplementary_counter]
            if envelope.supplementary_counter is None:
                supplementary = []
            body = b"\x09\x0a" + struct.pack(">H", envelope.code) + bytes(envelope.counter)
            message_code = self._table.find(_NOT_SUPPORTED)[2]
            self.send(eui, message_code, True, _NOT_SUPPORTED, time_s, body, 1, supplementary)

    def send(self, eui, message_code, critical, code, time_s, body=b"", count=0, supplementary=()):
        """Send one alert to one party: `body` is `count` A-XDR elements that follow code and time stamp.

        A body that depends on the alert's counter or recipient is a function that writes it: body(sink, counter, eui).
        """
        writer, counter = self._writer, self._counters.next_own()
        sink = writer.begin()
        sink.byte(_DATA_NOTIFICATION)
        sink.byte(_INVOKE_FLAGS)
        sink.write(counter[5:])
        sink.write(bytes((0, axdr.STRUCTURE, 2 + count, axdr.U16, code >> 8, code & 0xFF)))
        sink.write(date_time(time_s))
        if callable(body):
            body(sink, counter, eui)
        else:
            sink.write(body)
        writer.head(ALERT, counter, self._device, eui, message_code, b"", supplementary)
        if critical:
            self._protection.sign(writer)
        else:
            self._protection.add_mac(writer, ALERT, self._device, counter, eui)
        self._send(writer.message())

    def send_payload(self, eui, message_code, payload):
        """Send a critical alert whose payload is no data-notification, as those of credential updates are."""
        writer = self._writer
        writer.begin().write(payload)
        writer.head(ALERT, self._counters.next_own(), self._device, eui, message_code)
        self._protection.sign(writer)
        self._send(writer.message())

    def answer(self, message_code, eui, counter, time_s, payload):
        """Send the response to a critical command that could not be answered at once: signed, with the time."""
        writer = self._writer
        writer.begin().write(payload)
        writer.head(RESPONSE, counter, self._device, eui, message_code, date_time(time_s)[2:])
        self._protection.sign(writer)
        self._send(writer.message())

    def _party(self, role, critical):
        """Return the EUI of the party in a role, or None: a MAC needs its key agreement cell, a signature any."""
        cell = self._anchors.cell(role, self._anchors.AGREEMENT)
        if cell is None and critical:
            cell = self._anchors.cell(role, self._anchors.SIGNING)
        return cell.eui if cell else None

    def _may_repeat(self, code, time_s):
        left, since_s = self._repeats.get(code, (_BURST, time_s))
        since_s = min(since_s, time_s)  # the clock may have been set back: that must not silence the device
        refill = (time_s - since_s) // _REFILL_S
        left = min(_BURST, left + refill)
        self._repeats[code] = (max(0, left - 1), since_s + refill * _REFILL_S if left < _BURST else time_s)
        return left > 0


def date_time(time_s):
    """Return `time_s` as an A-XDR date-time: octets of 12."""
    octets = bytearray(2 + dates.SIZE)
    octets[0], octets[1] = axdr.OCTETS, dates.SIZE
    dates.encode(time_s, memoryview(octets)[2:])
    return octets
