"""Instructions of ASN.1 commands that wait for their time, and the alerts that tell how they ended (GBCS 9.2).

An instruction waits in the journal, one for each message code: a later command takes its place, one dated
9999-12-31T23:59:59Z takes it away. When it is carried out, what it changes, its own end, and the alert that is still to
be sent are one transaction; an alert that a power cut held up is sent after it.
"""

import struct

from micropython import const

from smets.message import generalized_time
from smets.message.future import FAILED, SUCCEEDED
from smets.message.on_demand import fetch
from smets.message.station import NOTHING_DUE
from smets.trust import der

CREDENTIALS = const(0)
FIRMWARE = const(1)
"""Kinds of instruction."""
_MODULES = ("smets.message.replacement", "smets.message.activation")

_RECORD = const(">IBH8s8s")
_RECORD_SIZE = const(23)
_MAX_BODY = const(4000)
"""Longest body of an instruction, bytes: one value of the journal holds it."""
_TOLD = const(">8sH")
_TOLD_SIZE = const(10)


class Instruction:
    """One instruction: `time_s`, `kind`, message `code`, `originator`, `counter` (8 bytes each), and `body`."""

    __slots__ = ("time_s", "kind", "code", "originator", "counter", "body")

    def __init__(self, record):
        head = struct.unpack(_RECORD, record[:_RECORD_SIZE])
        self.time_s, self.kind, self.code, self.originator, self.counter = head
        self.body = record[_RECORD_SIZE:]


def schedule(station, command, time_s, kind, body):
    """Let a command wait for `time_s`, or cancel what waits; return False when it is too long to be kept."""
    if len(body) > _MAX_BODY:
        return False
    if time_s == generalized_time.CANCEL:
        station.journal.delete(_waiting(command.code))
        return True
    head = struct.pack(_RECORD, time_s, kind, command.code, bytes(command.originator), bytes(command.counter))
    station.journal.put(_waiting(command.code), head + body)
    station.due_s = min(station.due_s, time_s)
    return True


def settle(station, alerts):
    """Carry out what is due, in the order of its times, send the alerts, and set `station.due_s`."""
    _tell(station, alerts)
    while True:
        waiting = [(station.journal.get(key)[:4], key) for key in station.journal.keys("later/")]
        time, key = min(waiting) if waiting else (None, None)
        station.due_s = NOTHING_DUE if time is None else int.from_bytes(time, "big")
        if station.due_s > station.clock() or time is None:
            return
        instruction = Instruction(station.journal.get(key))
        fetch(_MODULES[instruction.kind], "carry_out")(instruction, station)
        _tell(station, alerts)


def closing(instruction, alert_code, succeeded, *outcome):
    """Return the journal's pairs that end an instruction and keep its alert; for the transaction that carries it out.

    The alert's payload is SEQUENCE { alert code, execution time, `outcome` (elements) }.
    """
    payload = der.encode(
        der.SEQUENCE,
        der.encode_unsigned(der.INTEGER, SUCCEEDED if succeeded else FAILED),
        der.encode(der.GENERALIZED_TIME, generalized_time.encode(instruction.time_s)),
        *outcome,
    )
    told = struct.pack(_TOLD, instruction.originator, alert_code) + payload
    return [(_waiting(instruction.code), None), ("told/%04X" % instruction.code, told)]


def _tell(station, alerts):
    for key in station.journal.keys("told/"):
        record = station.journal.get(key)
        eui, code = struct.unpack(_TOLD, record[:_TOLD_SIZE])
        alerts.send_payload(eui, code, record[_TOLD_SIZE:])
        station.journal.delete(key)


def _waiting(code):
    return "later/%04X" % code
