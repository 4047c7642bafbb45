"""Threats to a meter's integrity are told by the code of their cause and by the warning that names it (GBCS 16.2)."""

from smets.meter.measurement import Measurement
from smets.roles import integrity
from smets.store.files import StoreCorrupt
from tests.firmware.meter_world import START_S, events, make_meter

SENT, EVENT_LOG, SECURITY_LOG = 2, 4, 8


def told(trouble, is_writable=True):
    """Return the events of a trouble as (code, body)."""
    meter = make_meter(flags_of=lambda code: SENT | EVENT_LOG)
    integrity.tell(meter, trouble, is_writable)
    found, event = [], meter.take_event()
    while event:
        found.append((event[0], event[2]))
        event = meter.take_event()
    assert [row[1] for row in meter.log("logs.event").rows()] == [code for code, _ in found]
    return found


def test_a_start_that_nobody_meant_is_told():
    assert told("hardware") == [(0x81B2, b""), (0x81A0, b"\x00\x05")]
    assert told("watchdog") == [(0x81B3, b""), (0x81A0, b"\x00\x06")]


def test_an_error_that_was_survived_is_told_by_its_cause():
    memory, program = [(0x81AE, b""), (0x81A0, b"\x00\x01")], [(0x81AF, b""), (0x81A0, b"\x00\x02")]
    assert told(StoreCorrupt("logs/event")) == memory
    assert told(OSError(28, "full")) == memory and told(OSError(5, "fails"), is_writable=False) == memory
    assert told(RuntimeError("too deep")) == program and told(ValueError("too long")) == program


def test_an_error_of_the_link_is_no_threat():
    assert told(OSError(5, "fails")) == []


def test_a_warning_is_told_by_both_codes():
    meter = make_meter(flags_of=lambda code: SENT)
    integrity.warn(meter, integrity.STORAGE)
    assert meter.take_event()[0] == 0x81B0
    code, _, body = meter.take_event()
    assert (code, body) == (0x81A0, b"\x00\x03")


def test_a_stranger_is_told_of_once_a_minute():
    meter = make_meter(flags_of=lambda code: SENT | SECURITY_LOG)
    for seconds, count in ((0, 1), (0, 1), (59, 1), (60, 2), (61, 2)):
        meter.advance(START_S + seconds, Measurement())
        integrity.tell(meter, "stranger", True)
        assert len(meter.log("logs.security")) == count
    assert events(meter) == [0x8F3E, 0x8F3E]
