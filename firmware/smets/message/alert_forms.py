"""Alerts that tell more than a code and a time, each with a message code of its own (GBCS 7.2.9.1, 16.2; the alert
table has it).

    ECS68   protection parameters, octets: the newest row of the billing data log, sealed for the recipient
    ECS80   date-time of the loss of supply, date-time of its return
    ECS101  u8 direction and controller, date-time start, date-time end, u8 resulting level in percent
    ECS102  u8 direction and controller, u8 resulting level in percent
    ECS200  text, JSON: levels of output and input, other data; the load controller is named in the header

Reading chosen for ECS200, whose text GBCS leaves open: it is as in the reference message. Loaded when one is to be told
(on_demand.py).
"""

import json
import struct

from micropython import const

from smets.cosem import axdr
from smets.message.alerts import date_time
from smets.message.protection import seal
from smets.trust.cells import LOAD_CONTROLLER

_FIRST_OUTAGE = const(0x8F35)
_LAST_OUTAGE = const(0x8F3C)
_LONGEST = const(255)

_UTF8 = const(0x0C)
_BILLING_LOG = const(b"\x00\x00\x62\x01\x00\xff")
_PROFILE = const(7)
_BUFFER = const(2)


def tell(reporting, code, time_s, body):
    """Tell an event in the form that its code has; in the general one when it has none or `body` is not the form's.

    `body` is that of the event: meter/load_control.py, meter/outage.py; of an operational update the levels of output
    and input (u8 each) and other data in UTF-8.
    """
    code_of_form = _FIRST_OUTAGE if _FIRST_OUTAGE <= code <= _LAST_OUTAGE else code
    least, most, make = _FORMS.get(code_of_form, (0, 0, None))
    form = make(reporting, body) if make and least <= len(body) <= most else ()
    reporting.alerts.tell(code, time_s, form)


def _outage(reporting, body):
    return b"".join([date_time(moment_s) for moment_s in struct.unpack(">II", body)]), 2


def _processed(reporting, body):
    controller, from_s, until_s, level = struct.unpack(">BIIB", body)
    return _octet(controller) + date_time(from_s) + date_time(until_s) + _octet(level), 4


def _ended(reporting, body):
    return _octet(body[0]) + _octet(body[1]), 2


def _octet(value):
    return bytes((axdr.U8, value))


def _operational(reporting, body):
    text = '{"outputState":"%d","inputState":"%d","other-data":' % (body[0], body[1])
    octets = (text + json.dumps(str(body[2:], "utf-8")) + "}").encode()
    anchors = reporting.station.anchors
    cell = anchors.cell(LOAD_CONTROLLER, anchors.AGREEMENT) or anchors.cell(LOAD_CONTROLLER, anchors.SIGNING)
    head = bytes((_UTF8, len(octets))) if len(octets) < 0x80 else bytes((_UTF8, 0x81, len(octets)))
    return head + octets, 1, (cell.eui,) if cell else ()


class _BillingRow:
    """Writes the newest row of the billing data log as the sealed part of an alert."""

    def __init__(self, reporting, newest_s):
        self._reporting = reporting
        self._newest_s = newest_s
        self.class_id, self.obis, self.member = _PROFILE, _BILLING_LOG, _BUFFER

    def write(self, sink, counter, eui):
        """Write protection parameters and sealed row. Raises NotProtectable without the recipient's key."""
        from smets.cosem import protected, table

        station, service = self._reporting.station, self._reporting.service
        sink.write(protected.parameters(int.from_bytes(counter, "big"), station.eui, eui))
        sink.byte(axdr.OCTETS)
        mark = sink.begin_length()
        sink.write(protected.SECURITY_HEADER)
        start = sink.pos
        sink.write(bytes((axdr.STRUCTURE, 1)))
        service.permit_object(self.class_id, self.obis, self.member, table.INNER)
        service.read(self, (self._newest_s, self._newest_s), sink)
        service.make_room()
        secret = self._reporting.protection.secret_of(eui)
        sink.write(seal(secret, station.eui, counter, eui, sink.view(start, sink.pos)))
        sink.end_length(mark)


def _billing(reporting, body):
    log = reporting.meter.logs.get("billing")
    if not len(log):
        return ()
    return _BillingRow(reporting, log.row(len(log) - 1)[0]).write, 2


_FORMS = {
    0x8F0A: (0, 0, _billing), _FIRST_OUTAGE: (8, 8, _outage), 0x8F86: (10, 10, _processed), 0x8F87: (2, 2, _ended),
    0x8F88: (2, _LONGEST, _operational),
}  # fmt: skip
"""By alert code the least and the greatest size of its event's body, and what makes the form of it."""
