"""Alert settings: masks are changed bit by bit, outlive a restart, and events heed them."""

from smets.meter.errors import MeterError
from tests.firmware.meter_world import MemoryJournal, Stores, events, make_meter

SENT, EVENT_LOG, POWER_LOG = 2, 4, 16


def flags_of(code):
    """A table in which 8145 and 8014 are sent and logged, and 8154 is only logged."""
    return {0x8145: SENT | EVENT_LOG, 0x8014: SENT | POWER_LOG, 0x8154: EVENT_LOG, 0x8F0C: SENT | EVENT_LOG}.get(
        code, 0
    )


def mask(*codes):
    bits = 0
    for code in codes:
        bits |= 1 << (code & 0xFF)
    return bits.to_bytes(32, "big")


def change(chosen, to):
    return b"\x02\x00" + mask(*chosen) + mask(*to)


def rows(meter, log):
    return [row[1] for row in meter.log("logs." + log).rows()]


def settings_meter():
    return make_meter(flags_of=flags_of)


def test_at_first_the_table_holds():
    meter = settings_meter()
    assert meter.read("alert_settings.supplier_wan") == b"\x01\x00" + mask(0x8145)
    assert meter.read("alert_settings.supplier_log") == b"\x01\x00" + mask(0x8145, 0x8154)
    assert meter.read("alert_settings.operator_wan") == b"\x01\x00" + mask(0x8014)
    assert meter.read("alert_settings.supplier_han") == b"\x01\x00" + mask()


def test_only_chosen_codes_change():
    meter = settings_meter()
    meter.write("alert_settings.change_supplier_wan", change((0x8145, 0x8154), (0x8154, 0x8161)))
    assert meter.read("alert_settings.supplier_wan") == b"\x01\x00" + mask(0x8154)
    meter.write("alert_settings.change_supplier_wan", meter.read("alert_settings.change_supplier_wan"))
    assert meter.read("alert_settings.supplier_wan") == b"\x01\x00" + mask(0x8154)
    assert meter.read("alert_settings.supplier_log") == b"\x01\x00" + mask(0x8145, 0x8154)


def test_events_heed_what_was_changed_also_after_a_restart():
    journal, stores = MemoryJournal(), Stores()
    meter = make_meter(journal=journal, stores=stores, flags_of=flags_of)
    meter.write("alert_settings.change_supplier_wan", change((0x8145, 0x8154), (0x8154,)))
    meter.write("alert_settings.change_supplier_log", change((0x8154,), ()))
    meter.write("alert_settings.change_operator_log", change((0x8014, 0x8015), (0x8015,)))
    meter.commit()
    for each in (meter, make_meter(journal=journal, stores=stores, flags_of=flags_of)):
        each.log("logs.event").clear()
        each.log("logs.power_event").clear()
        for code in (0x8145, 0x8154, 0x8014, 0x8015, 0x8F0C):
            each.record(code)
        assert events(each) == [0x8154, 0x8014, 0x8F0C]
        assert rows(each, "event") == [0x8145, 0x8F0C] and rows(each, "power_event") == [0x8015]


def test_masks_of_another_size_are_refused():
    meter = settings_meter()
    wrong = (b"", b"\x01\x00" + bytes(31), b"\x02\x00" + bytes(63), b"\x02\x00" + bytes(32), b"\x01\x01" + bytes(32))
    for value in wrong:
        for name in ("supplier_wan", "change_supplier_wan"):
            try:
                meter.write("alert_settings." + name, value)
            except MeterError:
                continue
            raise AssertionError(value)
