"""Alerts, counters, the use-case table and future-dated instructions' alerts."""

from smets.message import future
from smets.message.authority import TableError, UseCaseTable
from smets.message.counters import Counters
from tests.firmware.memory_journal import MemoryJournal
from tests.firmware.message_world import (
    DEVICE,
    NOW_S,
    OPERATOR,
    SUPPLIER,
    TABLES,
    World,
    is_mac_right,
    is_signature_right,
    parse,
)

READ, WRITE, INVOKE, PROTECTED = 1, 2, 3, 4
NEW_YEAR = b"\x09\x0c\x07\xdf\x01\x01\xff\x00\x00\x00\x00\x80\x00\xff"


def test_critical_alert_is_signed():
    world = World()
    world.alerts.tell(0x8F30, NOW_S)
    alert = parse(world.sent[0])
    counter = bytes(alert.counter)
    assert (alert.cra, alert.code, bytes(alert.originator)) == (3, 0x1000, DEVICE) and alert.mac is None
    assert bytes(alert.recipient) == SUPPLIER and is_signature_right(world, world.sent[0])
    assert bytes(alert.payload) == b"\x0f\x20" + counter[5:] + b"\x00\x02\x02\x12\x8f\x30" + NEW_YEAR


def test_non_critical_alert_is_macked_for_its_recipient():
    world = World()
    world.alerts.tell(0x810E, NOW_S)
    alert = parse(world.sent[0])
    assert alert.code == 0x1001 and alert.signature is None
    assert is_mac_right(world, world.sent[0], SUPPLIER) and not is_mac_right(world, world.sent[0], OPERATOR)


def test_recipients_and_what_is_not_sent():
    world = World()
    world.alerts.tell(0x8010, NOW_S)
    assert [bytes(parse(message).recipient) for message in world.sent] == [OPERATOR]
    world.alerts.tell(0x8F34, NOW_S)
    assert [bytes(parse(message).recipient) for message in world.sent[1:]] == [SUPPLIER, OPERATOR]
    assert len({bytes(parse(message).counter) for message in world.sent}) == 3
    for code in (0x8F43, 0x8F51):
        world.alerts.tell(code, NOW_S)
    assert len(world.sent) == 3
    world.alerts.tell(0x8145, NOW_S)  # its party has let it be sent
    assert [bytes(parse(message).recipient) for message in world.sent[3:]] == [SUPPLIER]
    World(cells=()).alerts.tell(0x8F34, NOW_S)


def test_future_dated_alert():
    world = World()
    context = SUPPLIER + b"\x00\x43" + bytes(6) + b"\x03\xec" + b"\x23\x28\x00\x00\x5e\x2c\x80\x06\x06"
    future.tell_activation(world.alerts, context, NOW_S)
    alert = parse(world.sent[0])
    assert alert.code == 0x00CC and bytes(alert.recipient) == SUPPLIER and is_signature_right(world, world.sent[0])
    assert bytes(alert.payload)[6:] == b"\x02\x03\x12\x8f\x66" + NEW_YEAR + b"\x09\x13" + context[8:]
    future.tell_activation(world.alerts, context, NOW_S, False)
    assert bytes(parse(world.sent[1]).payload)[8:11] == b"\x12\x8f\x67"
    try:
        future.tell_activation(world.alerts, context[1:], NOW_S)
    except ValueError:
        pass
    else:
        raise AssertionError


def test_own_counter_goes_up_across_restarts_and_hardly_writes():
    journal = MemoryJournal()
    writes = []
    put = journal.put
    journal.put = lambda key, value: (writes.append(key), put(key, value))
    seen = []
    for _ in range(3):
        counters = Counters(journal)
        seen.extend([counters.next_own() for _ in range(70)])
    assert seen == sorted(seen) and len(set(seen)) == 210 and len(writes) == 6


def test_received_counters():
    counters = Counters(MemoryJournal())
    one, two = bytes(7) + b"\x01", b"\x00\x00\x00\x01" + bytes(4)
    assert counters.is_fresh(SUPPLIER, 0, bytes(8))
    counters.accept(SUPPLIER, 0, one)
    assert not counters.is_fresh(SUPPLIER, 0, one) and not counters.is_fresh(SUPPLIER, 0, bytes(8))
    assert counters.is_fresh(SUPPLIER, 0, two) and counters.is_fresh(SUPPLIER, 1, one)
    assert counters.is_fresh(OPERATOR, 0, one)


def test_use_case_table():
    table = UseCaseTable(TABLES + "esme.use_cases")
    disable = table.find(0x0050)
    assert disable.is_critical() and disable.payload == 0 and disable.roles == 1 << 2
    contactor = b"\x00\x00\x0a\x00\x6a\xff"
    assert table.allows(disable, INVOKE, 9, contactor, 1)
    assert not table.allows(disable, WRITE, 9, contactor, 1) and not table.allows(disable, INVOKE, 9, contactor, 2)
    version = table.find(0x0059)
    assert not table.allows(version, INVOKE, 9, contactor, 1)
    assert table.allows(version, READ, 1, b"\x00\x00\x00\x02\x01\xff", 2)
    registers = table.find(0x0027)
    assert registers.protection & 16 and not version.protection & 16
    collection = b"\x00\x00\x2b\x02\x08\xff"
    inner = (1, b"\x00\x00\x5e\x2c\x22\x0a", 2)
    assert table.allows(registers, PROTECTED, 30, collection, 1, inner)
    assert not table.allows(registers, PROTECTED, 30, collection, 1, (7, b"\x00\x00\x62\x01\x08\xff", 2))
    assert not table.allows(registers, READ, *inner) and not table.allows(registers, INVOKE, 30, collection, 1)


def test_variants_of_a_message_code_and_unknown_codes():
    table = UseCaseTable(TABLES + "esme.use_cases")
    variants = [table.find(0x0008, number) for number in range(3)]
    assert variants[2] is None and sorted([variant.roles for variant in variants[:2]]) == [1 << 4, 0b1100010]
    for code in (0, 0x1000, 0x7777, 0xFFFF, 0x0051 + 0x4000):
        assert table.find(code) is None


def test_another_file_is_no_table():
    try:
        UseCaseTable(TABLES + "alerts")
    except TableError:
        pass
    else:
        raise AssertionError
