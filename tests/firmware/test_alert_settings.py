"""Alert settings: masks are changed bit by bit, outlive a restart, and events heed them."""

from smets.message import notices
from smets.meter.errors import MeterError
from tests.firmware.meter_world import START_S, MemoryJournal, Stores, events, make_meter

SENT, EVENT_LOG, POWER_LOG, HAN = 2, 4, 16, 128
EUI = b"\x00\xdb\x12\x34\x56\x78\x90\xa0"


def flags_of(code):
    """A table in which 8145 and 8014 are sent and logged, 8154 is only logged, 8168 and 8F34 are announced."""
    return {
        0x8145: SENT | EVENT_LOG, 0x8014: SENT | POWER_LOG, 0x8154: EVENT_LOG, 0x8F0C: SENT | EVENT_LOG,
        0x8168: HAN, 0x8F34: SENT | HAN,
    }.get(code, 0)  # fmt: skip


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
    assert meter.read("alert_settings.supplier_han") == b"\x01\x00" + mask(0x8168)
    assert meter.read("alert_settings.supplier_audible") == b"\x01\x00" + mask()


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


def announced(meter):
    """Return what the meter announces now, as (code, octets)."""
    told = []
    notices.tell(meter.events, EUI, lambda payload: told.append((payload[14] | payload[15] << 8, payload)))
    return told


def test_an_announcement_is_zigbees_publish_event():
    meter = settings_meter()
    for code in (0x8145, 0x8168, 0x8F34):
        meter.record(code)
    first, second = announced(meter)
    time = START_S.to_bytes(4, "little")
    assert first == (0x8168, EUI + b"\x07\x09\x19\x00\x00\x03\x68\x81" + time + b"\x01\x00")
    assert second == (0x8F34, EUI + b"\x07\x09\x19\x01\x00\x03\x34\x8f" + time + b"\x03\x00")
    assert announced(meter) == [] and events(meter) == [0x8145, 0x8F34]


def test_announcement_and_sound_heed_what_was_changed():
    meter = settings_meter()
    meter.write("alert_settings.change_supplier_han", change((0x8145, 0x8168), (0x8145,)))
    meter.write("alert_settings.change_supplier_audible", change((0x8154,), (0x8154,)))
    meter.commit()
    for code in (0x8145, 0x8154, 0x8168, 0x8045):
        meter.record(code)
    assert [code for code, _ in announced(meter)] == [0x8145]
    assert meter.events.sounding == 0x8154 and meter.events.sounded == 1
    assert meter.events.silent_s == START_S + notices.SOUND_S


def test_an_announcement_that_cannot_be_made_waits():
    meter = settings_meter()
    meter.record(0x8168)

    def fail(payload):
        raise OSError("no link")

    try:
        notices.tell(meter.events, EUI, fail)
    except OSError:
        assert [code for code, _ in announced(meter)] == [0x8168]
        return
    raise AssertionError("it was told to nobody")


def test_what_was_taken_back_is_not_announced():
    meter = settings_meter()
    meter.record(0x8168)
    meter.begin()
    meter.record(0x8F34)
    meter.discard()
    assert [code for code, _ in announced(meter)] == [0x8168]


def test_of_many_announcements_the_newest_are_made():
    meter = settings_meter()
    for code in [0x8F34] + 16 * [0x8168]:
        meter.record(code)
    assert [code for code, _ in announced(meter)] == 16 * [0x8168]
