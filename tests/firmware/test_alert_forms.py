"""Alerts with a message code and a body of their own (GBCS 7.2.9.1): ECS68, ECS80, ECS101, ECS102, ECS200."""

import struct

from smets.crypto.gcm import Gcm
from smets.message.alert_forms import tell
from tests.firmware.message_world import (
    DEVICE,
    NOW_S,
    OPERATOR,
    SUPPLIER,
    World,
    is_signature_right,
    message_key,
    parse,
)
from tests.firmware.meter_world import World as MeterWorld
from tests.firmware.meter_world import make_meter

LOAD_CONTROLLER = b"\x90\xb3\xd5\x1f\x30\x01\x00\x08"
NEW_YEAR = b"\x09\x0c\x07\xdf\x01\x01\xff\x00\x00\x00\x00\x80\x00\xff"
FIRST = b"\x09\x0c\x07\xde\x0c\x1f\xff\x17\x20\x00\x00\x80\x00\xff"  # 28 minutes before
LAST = b"\x09\x0c\x07\xde\x0c\x1f\xff\x17\x3b\x00\x00\x80\x00\xff"  # a minute before
ROW = (NOW_S, 10435000, 512000, list(range(48)), [4, 3, 2, 1]) + tuple([[block] * 8 for block in (11, 12, 13, 14)])
OLDER = (NOW_S - 86400, 1, 2, [0] * 48, [0] * 4) + ([0] * 8,) * 4


class Rooms:
    """What alert_forms.tell is given: the rooms of a meter that has `elements`."""

    def __init__(self, elements=1, **how):
        self.world = World(**how)
        self.alerts, self.protection, self.station = self.world.alerts, self.world.protection, self.world.station
        metered = MeterWorld(make_meter(elements=elements))
        self.meter, self.service = metered.meter, metered.service

    def told(self, code, body=b""):
        """Tell one event and return the alert's (message code, recipient, payload behind the invoke id)."""
        tell(self, code, NOW_S, body)
        (message,) = self.world.sent
        assert is_signature_right(self.world, message)
        alert = parse(message)
        assert alert.cra == 3 and bytes(alert.originator) == DEVICE
        return alert.code, bytes(alert.recipient), bytes(alert.payload)[6:]


def head(code, parts):
    return bytes((2, 2 + parts, 0x12)) + struct.pack(">H", code) + NEW_YEAR


def test_an_outage_bears_start_and_end():
    for code in range(0x8F35, 0x8F3D):
        told = Rooms().told(code, struct.pack(">II", NOW_S - 1680, NOW_S - 60))
        assert told == (0x0067, OPERATOR, head(code, 2) + FIRST + LAST)


def test_what_becomes_of_a_limit():
    body = struct.pack(">BIIB", 0x12, NOW_S - 1680, NOW_S - 60, 75)
    told = Rooms().told(0x8F86, body)
    assert told == (0x0121, SUPPLIER, head(0x8F86, 4) + b"\x11\x12" + FIRST + LAST + b"\x11\x4b")
    assert Rooms().told(0x8F87, b"\x21\x64") == (0x0122, SUPPLIER, head(0x8F87, 2) + b"\x11\x21\x11\x64")


def test_an_operational_update_names_the_load_controller():
    text = b'{"outputState":"100","inputState":"0","other-data":""}'
    rooms = Rooms(cells=((2, "ka", SUPPLIER), (8, "ds", LOAD_CONTROLLER)))
    assert rooms.told(0x8F88, b"\x64\x00") == (0x0123, SUPPLIER, head(0x8F88, 1) + b"\x0c\x36" + text)
    assert bytes(parse(rooms.world.sent[0]).supplementary_id) == LOAD_CONTROLLER


def test_an_operational_update_with_a_long_text_that_is_escaped():
    told = Rooms().told(0x8F88, b"\x05\x06" + b'"' * 60)
    text = b'{"outputState":"5","inputState":"6","other-data":"' + b'\\"' * 60 + b'"}'
    assert told[2] == head(0x8F88, 1) + b"\x0c\x81" + bytes((len(text),)) + text


def test_a_body_that_is_not_the_form_s_is_not_told():
    for code, body in (
        (0x8F36, bytes(7)),
        (0x8F86, bytes(9)),
        (0x8F87, b"\x21"),
        (0x8F88, b"\x64"),
        (0x8F01, bytes(8)),
    ):
        assert Rooms().told(code, body)[0] == 0x1000


def test_the_newest_row_of_the_billing_data_log_is_sealed_for_the_supplier():
    for elements in (1, 2):
        rooms = Rooms(elements)
        for row in (OLDER, ROW):
            rooms.meter.logs.append("billing", row)
        code, recipient, payload = rooms.told(0x8F0A)
        counter = bytes(parse(rooms.world.sent[0]).counter)
        parameters = (
            b"\x01\x01\x02\x02\x16\x02\x02\x05\x09\x09\x04" + counter + b"\x09\x08" + DEVICE + b"\x09\x08" + SUPPLIER
            + b"\x09\x00\x02\x02\x16\x02\x02\x02\x09\x01\x02\x09\x00\x09\x82"
        )  # fmt: skip
        start = head(0x8F0A, 2) + parameters
        assert (code, recipient) == (0x0061, SUPPLIER) and payload.startswith(start)
        size = struct.unpack_from(">H", payload, len(start))[0]
        sealed = payload[len(start) + 2 :]
        assert len(sealed) == size and sealed[:5] == b"\x31\x00\x00\x00\x00"
        plain = opened(rooms.world, counter, sealed[5:])
        second = 2 if elements == 2 else 0
        assert plain[:5] == b"\x02\x01\x13\x02" + bytes((7 + second,)) and plain.endswith(numbers(elements))


def numbers(elements):
    """Return the row's values as they stand behind the type description and the length."""
    columns = ROW if elements == 2 else ROW[:2] + ROW[3:4] + ROW[5:]
    values = [value for column in columns for value in (column if isinstance(column, list) else (column,))]
    octets = b"".join([struct.pack(">I", value) for value in values])
    return b"\x82" + struct.pack(">H", len(octets)) + octets


def opened(world, counter, sealed):
    """Return the clear text, which the supplier finds with its own key."""
    key = message_key(world.secret_with(SUPPLIER), 4, DEVICE, counter, SUPPLIER)
    buffer = bytearray(sealed[:-12])
    Gcm(key).seal(DEVICE + bytes(4), b"\x31", buffer)  # a counter mode: sealing it again opens it
    clear = bytes(buffer)
    assert bytes(Gcm(key).seal(DEVICE + bytes(4), b"\x31", buffer)) == sealed[-12:]
    return clear


def test_an_update_of_a_log_without_rows_is_told_in_the_general_form():
    assert Rooms().told(0x8F0A) == (0x1000, SUPPLIER, head(0x8F0A, 0))
