"""Instructions of ASN.1 commands that wait for their time, and the alerts that tell how they ended (GBCS 9.2).

An instruction waits in the journal, one for each message code: a later command takes its place, one dated
9999-12-31T23:59:59Z takes it away. When it is carried out, what it changes, its own end, and the alert that is still to
be sent are one transaction; an alert that a power cut held up is sent after it.
"""

import struct

from micropython import const

from smets.message import generalized_time
from smets.message.future import FAILED, SUCCEEDED
from smets.message.station import NOTHING_DUE
from smets.trust import der

_MODULES = ("smets.message.replacement", "smets.message.activation")
"""The modules whose `carry_out` carries instructions out, by the kind that a record names."""

_RECORD = const(">IBH8s8s")
_RECORD_SIZE = const(23)
_MAX_BODY = const(4000)
"""Longest body of an instruction, bytes: one value of the journal holds it."""
_TOLD = const(">8sH")
_TOLD_SIZE = const(10)


def schedule(station, command, time_s, module, body):
    """Let a command wait for `time_s`, when `module` carries it out, or cancel what waits; return False when it is too
    long to be kept."""
    if len(body) > _MAX_BODY:
        return False
    if time_s == generalized_time.CANCEL:
        station.journal.delete(_waiting(command.code))
        return True
    kind = _MODULES.index(module)
    head = struct.pack(_RECORD, time_s, kind, command.code, bytes(command.originator), bytes(command.counter))
    station.journal.put(_waiting(command.code), head + body)
    station.due_s = min(station.due_s, time_s)
    return True


def next_due(station, alerts):
    """Send the alerts that wait and return what is due first as (module, instruction), or None; set `station.due_s`.

    An instruction is (time_s, kind, message code, originator, counter, body as a view).
    """
    _tell(station, alerts)
    waiting = [(station.journal.get(key)[:4], key) for key in station.journal.keys("later/")]
    if not waiting:
        station.due_s = NOTHING_DUE
        return None
    time, key = min(waiting)
    station.due_s = int.from_bytes(time, "big")
    if station.due_s > station.clock():
        return None
    record = station.journal.get(key)
    instruction = struct.unpack(_RECORD, record[:_RECORD_SIZE]) + (memoryview(record)[_RECORD_SIZE:],)
    return _MODULES[instruction[1]], instruction


def closing(instruction, alert_code, succeeded, *outcome):
    """Return the journal's pairs that end an instruction and keep its alert; for the transaction that carries it out.

    The alert's payload is SEQUENCE { alert code, execution time, `outcome` (elements) }.
    """
    payload = der.encode(
        der.SEQUENCE,
        der.encode_unsigned(der.INTEGER, SUCCEEDED if succeeded else FAILED),
        der.encode(der.GENERALIZED_TIME, generalized_time.encode(instruction[0])),
        *outcome,
    )
    told = struct.pack(_TOLD, instruction[3], alert_code) + payload
    return [(_waiting(instruction[2]), None), ("told/%04X" % instruction[2], told)]


def answering(instruction, payload):
    """Return the journal's pairs that end a command and keep its response, as `closing` does for an alert."""
    return [
        (_waiting(instruction[2]), None),
        ("answer/%04X" % instruction[2], instruction[3] + instruction[4] + payload),
    ]


def _tell(station, alerts):
    for key in station.journal.keys("answer/"):
        record = station.journal.get(key)
        alerts.answer(int(key[7:], 16), record[:8], record[8:16], station.clock(), record[16:])
        station.journal.delete(key)
    for key in station.journal.keys("told/"):
        record = station.journal.get(key)
        eui, code = struct.unpack(_TOLD, record[:_TOLD_SIZE])
        alerts.send_payload(eui, code, record[_TOLD_SIZE:])
        station.journal.delete(key)


def _waiting(code):
    return "later/%04X" % code
