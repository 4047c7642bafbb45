"""The access service: what is asked is answered from the meter model, and what cannot be has its result."""

import struct

from smets.cosem.access import AccessService, MalformedRequest
from smets.cosem.sink import BufferSink, SinkFull
from smets.cosem.table import ObjectTable, TableError
from smets.meter.errors import OutOfRange
from tests.firmware.meter_world import (
    BROKER,
    DEVICE,
    PARTY,
    START_S,
    TABLE,
    TAG,
    Stores,
    Tokens,
    World,
    events,
    make_meter,
    obis_of,
    octets,
    request_of,
    time_range,
    u16,
    u32,
)

GET, SET, ACTION, RANGE = 1, 2, 3, 4
HARDWARE, TEMPORARY, DENIED, UNDEFINED, INCONSISTENT = 1, 2, 3, 4, 9
UNAVAILABLE, TYPE, SCOPE, OTHER = 11, 12, 13, 250
VERSION = (GET, 1, "0-0:0.2.1", 2)
SWITCH = (GET, 70, "0-0:96.3.10", 3)
EXPORT = (GET, 3, "1-0:2.8.0", 2)
IMPORT = "0-0:43.2.8"
THRESHOLDS = (21, "0-0:16.0.0", 2)
EXTENDED = 9000
CHARGE = 113
PAYMENT_DEBT = "0-0:19.20.3"
POWER_THRESHOLD = "0-0:94.44.128.7"


def script(number):
    return (ACTION, 9, "0-0:10.0.106", 1, u16(number))


def test_a_get_reads_the_model():
    world = World()
    world.meter.write("registers.active_export_wh", 0x01020304)
    assert world.ask(EXPORT, (GET, 3, "1-0:2.8.0", 3)) == ([0, 0], bytes.fromhex("06010203040202" + "0f00161e"))


def test_actions_move_the_switch():
    world = World()
    for number, state in ((52, 0), (54, 2), (51, 1)):
        assert world.ask(script(number)) == ([0], b"\x00")
        assert world.ask(SWITCH) == ([0], bytes([0x16, state]))
    assert world.ask(script(53))[0] == [OTHER]


def test_a_set_writes_the_model_and_a_get_reads_it_back():
    world = World()
    value = b"\x01\x02" + u32(2300) + u32(4600)
    assert world.ask((SET,) + THRESHOLDS + (value,)) == ([0], b"\x00")
    assert world.meter.read("power_threshold.low_medium_w") == 2300
    assert world.ask((GET,) + THRESHOLDS) == ([0], value)


def test_a_set_of_the_wrong_shape_changes_nothing():
    world = World()
    for value in (
        b"\x01\x02" + u32(2300) + u16(4600), b"\x01\x01" + u32(2300), u32(2300), b"\x02\x02" + u32(1) + u32(2), b"\x00",
        b"\x01\x03" + u32(1) * 3,
    ):  # fmt: skip
        assert world.ask((SET,) + THRESHOLDS + (value,))[0] == [TYPE]
    assert world.meter.read("power_threshold.low_medium_w") == 0
    message = (SET, 1, "0-2:96.13.1", 2)
    assert world.ask(message + (b"\x09\x74" + b"x" * 116,))[0] == [0]
    assert world.ask(message + (b"\x09\x75" + b"y" * 117,))[0] == [TYPE]
    assert world.meter.read("display.message") == b"x" * 116


def test_what_is_not_there_has_its_own_result():
    world = World()
    for item, result in (
        ((GET, 1, "0-0:0.2.9", 2), UNDEFINED),
        ((GET, 3, "0-0:0.2.1", 2), INCONSISTENT),
        ((GET, 1, "0-0:0.2.1", 3), UNDEFINED),
        ((SET, 1, "0-0:0.2.1", 2, octets(b"abcd")), DENIED),
        ((GET, 1, "0-2:96.13.1", 2), DENIED),
        ((GET, 1, "0-0:94.44.34.10", 2), DENIED),
        ((GET, 3, "1-0:52.32.0.4", 2), UNAVAILABLE),
        ((RANGE, 1, "0-0:0.2.1", 2, b"\x00", time_range(0, 1)), DENIED),
        ((RANGE, 7, "0-0:99.98.0", 2, b"\x00", b"\x02" + time_range(0, 1)[1:]), TYPE),
        ((RANGE, 7, "0-0:99.98.0", 2, b"\x00", b"\x01\x02\x02" + u32(0) + u32(1)), TYPE),
        ((GET, 1, "0-0:0.2.1", 2, u16(1)), TYPE),
    ):
        assert world.ask(item) == ([result], b"\x00"), (item, result)


def test_what_the_use_case_lacks_is_out_of_scope():
    world = World()
    world.forbidden = (9,)
    assert world.ask(script(52)) == ([SCOPE], b"\x00")
    assert world.ask(SWITCH) == ([0], b"\x16\x01")
    assert world.asked == [
        (3, 9, obis_of("0-0:10.0.106"), 1, None),
        (1, 70, obis_of("0-0:96.3.10"), 3, None),
    ]


def test_a_command_is_logged_with_how_it_ended():
    world = World()
    world.ask(EXPORT, VERSION)  # reading is no command
    world.ask(script(52))
    world.meter.advance(START_S + 60, world.meter.last_load)
    world.ask(script(54), script(53), script(51))
    world.ask(*limit_to(5000, TOMORROW))  # tells of itself when its time has come
    world.ask(*limit_to(5000, NOW))
    code = struct.pack(">H", world.context.message_code)
    rows = [row for row in world.meter.log("logs.event").rows() if row[1] in (0x8154, 0x8155)]
    assert rows == [(START_S, 0x8154, code), (START_S + 60, 0x8155, code), (START_S + 60, 0x8154, code)]


def test_a_command_that_the_log_cannot_take_is_carried_out_and_answered():
    stores = Stores()
    world = World(make_meter(stores=stores))

    def fail(record, at_once):
        raise OSError("no room")

    world.meter.log("logs.event")
    stores.logs["event"].append = fail
    assert world.ask(script(52)) == ([0], b"\x00")
    assert world.ask(SWITCH) == ([0], b"\x16\x00")


def test_the_first_error_stops_the_rest():
    world = World()
    world.faults.set(3, obis_of("1-0:2.8.0"), 2, HARDWARE)
    results, data = world.ask(SWITCH, EXPORT, script(52), SWITCH)
    assert results == [0, HARDWARE, OTHER, OTHER] and data == b"\x16\x01\x00\x00\x00"
    assert world.meter.read("supply.state") == 1
    world.faults.clear()
    assert world.ask(SWITCH, EXPORT, script(52), SWITCH)[0] == [0, 0, 0, 0]
    assert world.meter.read("supply.state") == 0


def test_a_fault_keeps_a_set_and_an_action_from_acting():
    world = World()
    world.faults.set(21, obis_of("0-0:16.0.0"), 2, TEMPORARY)
    world.faults.set(9, obis_of("0-0:10.0.106"), 1, HARDWARE)
    assert world.ask((SET,) + THRESHOLDS + (b"\x01\x02" + u32(1) + u32(2),))[0] == [TEMPORARY]
    assert world.ask(script(52))[0] == [HARDWARE]
    assert (world.meter.read("power_threshold.low_medium_w"), world.meter.read("supply.state")) == (0, 1)


def test_flash_that_fails_is_a_hardware_fault():
    world = World()
    world.meter.log("logs.event").append((START_S, 0x8F01, b""))

    def fail(index, buffer):
        raise OSError(5)

    world.meter.log("logs.event")._store.read_into = fail
    assert world.ask((RANGE, 7, "0-0:99.98.0", 2, b"\x00", time_range(0, START_S)))[0] == [HARDWARE]


def test_nothing_counts_as_done_that_could_not_be_kept():
    world = World()

    def fail(pairs):
        raise OSError(28)

    world.meter.journal.put_many = fail
    assert world.ask(SWITCH, script(52)) == ([HARDWARE, OTHER], b"\x00\x00")


def refused(world, request):
    before = world.meter.read("supply.state")
    try:
        world.raw(request)
    except MalformedRequest:
        return world.meter.read("supply.state") == before
    return False


def test_a_malformed_request_is_refused_before_anything_is_done():
    world = World()
    good = request_of(script(52), VERSION)
    for end in range(len(good)):
        assert refused(world, good[:end]), end
    for bad in (
        good + b"\x00", b"\xda" + good[1:], good[:5] + b"\x0c" + good[6:], good[:6] + b"\x00" + good[7:],
        good[:6] + b"\x41" + good[7:], good[:7] + b"\x05" + good[8:], good[:-1] + b"\x07",
        request_of(script(52), VERSION[:4] + (b"\x02\x01" * 9 + b"\x00",)),
    ):  # fmt: skip
        assert refused(world, bad), bad
    assert world.raw(good)


def test_no_flipped_bit_does_more_than_be_refused_or_answered():
    world = World()
    good = request_of(VERSION, (RANGE, 7, "0-0:99.98.0", 2, b"\x00", time_range(0, START_S)), protected(world.context))
    for bit in range(8 * len(good)):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        refused(world, flipped)


def test_rows_are_those_between_two_times_both_included():
    world = World()
    log = world.meter.log("logs.event")
    for index in range(5):
        log.append((START_S + 10 * index, 0x8154, b"\x00\x9b" if index % 2 else b""))
    ranged = (RANGE, 7, "0-0:99.98.0", 2, b"\x00", time_range(START_S + 10, START_S + 30))
    rows = b"".join(
        [
            struct.pack(">IHB", START_S + 10 * index, 0x8154, 2 if index % 2 else 0)
            + (b"\x00\x9b" if index % 2 else b"")
            for index in (1, 2, 3)
        ]
    )
    assert world.ask(ranged) == ([0], b"\x13\x02\x03\x06\x12\x09" + bytes([len(rows)]) + rows)
    empty = (RANGE, 7, "0-0:99.98.0", 2, b"\x00", time_range(START_S + 11, START_S + 19))
    assert world.ask(empty) == ([0], b"\x13\x02\x03\x06\x12\x09\x00")


def test_a_large_log_is_searched_and_its_length_takes_three_octets():
    world = World()
    log = world.meter.log("logs.voltage_1")
    for index in range(300):
        log.append((START_S + 1800 * index, 2300 + index))
    results, data = world.ask(
        (RANGE, 7, "1-0:32.24.0", 2, b"\x00", time_range(START_S + 1800 * 50 - 1, START_S + 1800 * 149))
    )
    assert results == [0] and data[:8] == b"\x13\x02\x02\x06\x06\x82\x03\x20" and len(data) == 8 + 800
    assert data[8:16] == struct.pack(">II", START_S + 1800 * 50, 2350)


def test_an_answer_that_does_not_fit_fails_its_item_alone():
    world = World()
    for _ in range(40):
        world.meter.log("logs.event").append((START_S, 0x8154, b""))
    world.size = 60
    ranged = (RANGE, 7, "0-0:99.98.0", 2, b"\x00", time_range(0, START_S))
    assert world.ask(SWITCH, ranged, SWITCH) == ([0, OTHER, OTHER], b"\x16\x01\x00\x00")
    world.size = 8
    try:
        world.raw(request_of(SWITCH))
    except SinkFull:
        return
    raise AssertionError("an answer in 8 octets")


def parameters(counter, from_eui, to_eui):
    names = octets(b"\x04" + struct.pack(">Q", counter)) + octets(from_eui) + octets(to_eui) + octets(b"")
    return b"\x01\x01\x02\x02\x16\x02\x02\x05" + names + b"\x02\x02\x16\x02\x02\x02" + octets(b"\x02") + octets(b"")


def attribute(class_id, obis, restriction=b"\x16\x00\x00"):
    return b"\x02\x05" + u16(class_id) + octets(obis_of(obis)) + b"\x0f\x02" + u16(0) + b"\x02\x02" + restriction


IMPORT_REGISTERS = attribute(1, "0-0:94.44.34.10")


def protected(context, attributes=(IMPORT_REGISTERS,), asked=None, collection=IMPORT):
    party = context.supplementary_eui or context.originator_eui
    asked = asked or parameters(context.counter, party, context.device_eui)
    data = b"\x02\x02\x01" + bytes([len(attributes)]) + b"".join(attributes) + asked
    return (ACTION, 30, collection, 1, data)


def test_a_protected_read_is_sealed_for_its_recipient():
    world = World()
    world.meter.write("registers.active_import_wh", 1234)
    plain = b"\x02\x01\x02\x04" + u32(1234) + b"\x02\x02\x0f\x00\x16\x1e" + u32(0) + b"\x02\x02\x0f\x00\x16\x20"
    sealed = octets(b"\x31\x00\x00\x00\x00" + plain + TAG)
    results, data = world.ask(protected(world.context))
    assert results == [0] and data == b"\x02\x02" + parameters(1000, DEVICE, PARTY) + sealed
    assert world.asked[-1][:3] == (4, 30, obis_of(IMPORT)) and world.asked[-1][4] == (1, obis_of("0-0:94.44.34.10"), 2)
    assert world.context.protector.length == len(plain)


def test_an_unknown_party_asks_through_the_broker():
    world = World()
    world.context.originator_eui, world.context.supplementary_eui = BROKER, PARTY
    results, data = world.ask(protected(world.context))
    assert results == [0] and data.startswith(b"\x02\x02" + parameters(1000, DEVICE, BROKER))


def test_a_twin_element_meter_reads_its_second_element_too():
    world = World(make_meter(elements=2))
    world.meter.write("registers.secondary_active_import_wh", 77)
    results, data = world.ask(protected(world.context))
    assert results == [0] and b"\x02\x01\x02\x05" in data and u32(77) + TAG in data


def test_a_protected_log_is_read_by_dates():
    world = World()
    for day in range(4):
        world.meter.log("logs.prepayment_daily").append((START_S + 86400 * day, 1, 2, 3, 4, 5, -6))
    first, last = "07df0102ff000000008000ff", "07df0103ff173b3b008000ff"
    dates = b"\x16\x01\x02\x02" + octets(bytes.fromhex(first)) + octets(bytes.fromhex(last))
    results, data = world.ask(protected(world.context, (attribute(7, "0-0:98.1.8", dates),), None, "0-0:43.2.6"))
    assert results == [0] and b"\x13\x02\x07\x06\x05\x05\x05\x05\x05\x05\x38" in data
    assert struct.pack(">Iiiiiii", START_S + 86400, 1, 2, 3, 4, 5, -6) in data


def test_dates_outside_what_a_row_can_have_bound_nothing():
    world = World()
    world.meter.log("logs.prepayment_daily").append((START_S, 1, 2, 3, 4, 5, -6))

    def read(first, last):
        dates = b"\x16\x01\x02\x02" + octets(bytes.fromhex(first)) + octets(bytes.fromhex(last))
        results, data = world.ask(protected(world.context, (attribute(7, "0-0:98.1.8", dates),), None, "0-0:43.2.6"))
        return results, struct.pack(">Iiiiiii", START_S, 1, 2, 3, 4, 5, -6) in data

    before, after = "07b20101ff000000008000ff", "0bb80c1fff000000008000ff"  # 1970 and 3000
    assert read(before, after) == read("07d00101ff000000008000ff", "08580101ff000000008000ff") == ([0], True)
    assert read(after, after) == read(before, before) == ([0], False)
    for no_date in ("ffff0101ff000000008000ff", "00000101ff000000008000ff", "0bb80101ff0000000080"):
        assert read(before, no_date) == ([TYPE], False)


def test_a_protected_read_of_another_message_is_refused():
    world = World()
    for asked, result in (
        (parameters(1001, PARTY, DEVICE), SCOPE),
        (parameters(1000, BROKER, DEVICE), SCOPE),
        (parameters(1000, PARTY, PARTY), SCOPE),
        (b"\x01\x00", SCOPE),
    ):
        assert world.ask(protected(world.context, asked=asked)) == ([result], b"\x00")
    for attributes, result in (
        ((attribute(1, "0-0:0.2.1"),), DENIED),
        ((attribute(1, "0-0:94.44.34.99"),), UNDEFINED),
        ((), TYPE),
        ((attribute(1, "0-0:94.44.34.10", b"\x16\x02\x00"),), TYPE),
        ((attribute(1, "0-0:94.44.34.10", b"\x16\x01\x00"),), TYPE),
        ((IMPORT_REGISTERS,) * 9, TYPE),
    ):
        assert world.ask(protected(world.context, attributes)) == ([result], b"\x00"), result
    world.forbidden = (1,)
    assert world.ask(protected(world.context)) == ([SCOPE], b"\x00")
    assert world.ask((ACTION, 30, "0-0:43.2.99", 1, b"\x00"))[0] == [UNDEFINED]


def test_a_fault_fails_a_protected_read_whole():
    world = World()
    world.faults.set(30, obis_of(IMPORT), 1, HARDWARE)
    assert world.ask(protected(world.context)) == ([HARDWARE], b"\x00")
    world.faults.clear()
    world.faults.set(1, obis_of("0-0:94.44.34.10"), 2, TEMPORARY)
    assert world.ask(protected(world.context)) == ([TEMPORARY], b"\x00")


NOW = bytes(9) + b"\x80\x00\xff"
NEVER = b"\xff" * 9 + b"\x80\x00\xff"
TOMORROW = bytes.fromhex("07df0102ff000000008000ff")


def limit_to(watts, when):
    return (
        (SET, EXTENDED, POWER_THRESHOLD, 4, u32(watts)),
        (SET, EXTENDED, POWER_THRESHOLD, 6, octets(when)),
    )


def test_a_passive_value_becomes_active_now_later_or_never():
    world = World()
    meter = world.meter
    assert world.ask(*limit_to(6900, NOW))[0] == [0, 0]
    assert meter.read("load_limit.power_threshold_w") == 6900 and meter.take_event() is None
    assert world.ask(*limit_to(5000, TOMORROW))[0] == [0, 0]
    assert world.ask(*limit_to(4000, NEVER))[0] == [0, 0]
    assert world.ask(limit_to(3000, TOMORROW)[1])[0] == [0]
    meter.advance(START_S + 86399, meter.last_load)
    assert meter.read("load_limit.power_threshold_w") == 6900
    meter.advance(START_S + 86400, meter.last_load)
    assert meter.read("load_limit.power_threshold_w") == 4000
    origin = b"origin" + struct.pack(">H6sb", EXTENDED, obis_of(POWER_THRESHOLD), 6)
    assert meter.take_event() == (0x8F66, START_S + 86400, origin)


def test_an_activation_time_is_a_moment():
    world = World()
    for when in (b"\xff\xff" + TOMORROW[2:], TOMORROW[:11], b""):
        assert world.ask(limit_to(1, when)[1])[0] == [TYPE]
    assert world.ask((SET, EXTENDED, POWER_THRESHOLD, 4, u16(1)))[0] == [TYPE]
    assert world.ask((SET, CHARGE, PAYMENT_DEBT, 13, u16(10001)))[0] == [TYPE]  # more than the whole


def set_clock(start, end):
    moments = octets(NEVER) + octets(bytes.fromhex(start)) + octets(bytes.fromhex(end))
    return (
        (SET, 8, "0-0:1.0.0", 9, b"\x16\x05"), (ACTION, 8, "0-0:1.0.0", 5, b"\x02\x03" + moments),
        (ACTION, 8, "0-0:1.0.0", 4, b"\x0f\x00"), (GET, 8, "0-0:1.0.0", 2), (GET, 8, "0-0:1.0.0", 4),
    )  # fmt: skip


WINDOW = ("07de0c1fff173b0a008000ff", "07df0101ff00000a008000ff")


def test_the_clock_follows_the_hub_inside_the_window_only():
    world = World(make_meter(time_s=1000))
    assert world.ask(*set_clock(*WINDOW))[0] == [0, 0, TEMPORARY, OTHER, OTHER]
    world.meter.hub_time(START_S + 11, 0)
    assert world.ask(*set_clock(*WINDOW))[0] == [0, 0, TEMPORARY, OTHER, OTHER]
    world.meter.hub_time(START_S, 1)
    assert world.ask(*set_clock(*WINDOW))[0] == [0, 0, TEMPORARY, OTHER, OTHER]
    assert world.meter.time_s == 1000 and world.meter.read("clock.status") == 2
    world.meter.hub_time(START_S + 5, 0)
    results, data = world.ask(*set_clock(*WINDOW))
    assert results == [0] * 5
    assert data == b"\x00\x00\x00" + octets(bytes.fromhex("07df0101ff000005008000ff")) + b"\x11\x00"
    assert world.ask((SET, 8, "0-0:1.0.0", 9, b"\x16\x06"))[0] == [TYPE]


class OnceTokens(Tokens):
    """Knows the tokens that were used, as the checker of message/utrn.py does."""

    def check(self, digits, by_hand, time_s):
        refusal, pence, number = super().check(digits, by_hand, time_s)
        return 0x8F51 if number in self.accepted else refusal, pence, number


def test_a_token_credits_the_meter_once():
    tokens = OnceTokens({b"1" * 20: (0, 1000, 41), b"2" * 20: (0x8F64, 0, 0)})
    world = World(make_meter(tokens=tokens))

    def enter(digits):
        return world.ask((ACTION, 115, "0-0:19.40.0", 1, octets(digits)))[0]

    assert enter(b"1" * 20) == [0] and tokens.accepted == [41]
    assert world.ask((GET, 112, "0-0:19.10.0", 2)) == ([0], struct.pack(">Bi", 5, 1000000))
    assert enter(b"1" * 20) == [OTHER] and enter(b"2" * 20) == [OTHER] and enter(b"3" * 20) == [OTHER]
    assert enter(b"1" * 19) == [TYPE]
    assert events(world.meter) == [0x8F51, 0x8F64, 0x8F63]
    assert world.meter.read("payment.meter_balance_millipence") == 1000000


def test_state_is_in_the_journal_when_the_answer_leaves():
    world = World()
    world.ask(script(52))
    world.ask(*limit_to(5000, TOMORROW))
    again = make_meter(journal=world.meter.journal)
    assert again.read("supply.state") == 0 and again.passive("load_limit.power_threshold_w") == 5000
    assert again.activation("load_limit.power_threshold_w") == START_S + 86400


def test_a_value_and_its_layout_disagreeing_is_told_by_the_model():
    meter = make_meter()
    for value in (-1, 1 << 32, b"1", None):
        try:
            meter.write("registers.active_export_wh", value)
        except OutOfRange:
            continue
        raise AssertionError(value)


def test_another_file_is_no_object_table():
    try:
        ObjectTable(__file__)
    except TableError:
        pass
    else:
        raise AssertionError("a test file taken for a table")
    assert (
        AccessService(ObjectTable(TABLE), make_meter()).execute(
            memoryview(request_of(VERSION)), World().context, BufferSink(bytearray(64))
        )
        is None
    )


def test_a_meter_is_commissioned_once():
    world = World(make_meter(time_s=1000))
    world.meter.hub_time(START_S + 11, 0)
    world.ask(*set_clock(*WINDOW))
    assert 0x8F69 not in events(world.meter)
    for second in (5, 7):
        world.meter.hub_time(START_S + second, 0)
        assert world.ask(*set_clock(*WINDOW))[0] == [0] * 5
        event = world.meter.take_event()
        assert event == ((0x8F69, START_S + 5, b"") if second == 5 else None), event
