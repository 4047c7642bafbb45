"""The data logs as time fills them: billing periods, days and half hours, their ranges, restarts and power cuts."""

from smets.meter.measurement import Measurement
from tests.firmware.account_world import POUND, account, prepaid, told, use
from tests.firmware.dark import dark_until
from tests.firmware.memory_journal import MemoryJournal
from tests.firmware.meter_world import DAY_S, HOUR_S, START_S, Stores, make_meter

ANY_DAY = b"\xff\xff\xff\xff\xff"
MIDNIGHT = bytes(4)
UPDATED = 0x8F0A


class FailingJournal(MemoryJournal):
    """Loses power before the transaction that takes the clock to `cut_s`."""

    cut_s = 0

    def put_many(self, pairs):
        for key, value in pairs:
            if key == "meter/clock" and self.cut_s and int.from_bytes(bytes(value[:4]), "big") >= self.cut_s:
                raise OSError("the power went")
        super().put_many(pairs)


def rows(meter, name, from_s=0, to_s=0xFFFFFFFF):
    log = meter.log(name)
    return [log.row(place - log.places()[0]) for place in log.places(from_s, to_s)]


def times(meter, name):
    return [row[0] for row in rows(meter, name)]


def billed(meter, *moments):
    meter.write("billing.times", list(moments))
    return meter


def test_a_billing_period_ends_with_the_registers_the_account_and_an_alert():
    # every Friday at 06:00, 30 pence a kWh
    meter = billed(prepaid(100 * POUND), (b"\x06\x00\x00\x00", b"\xff\xff\xff\xff\x05"))
    use(meter, 9 * DAY_S, 1000)
    ends = [START_S + DAY_S + 6 * HOUR_S, START_S + 8 * DAY_S + 6 * HOUR_S]
    assert [when for code, when in told(meter) if code == UPDATED] == [end - START_S for end in ends]
    energy = rows(meter, "billing")
    assert [row[:2] for row in energy] == [(ends[0], 30000), (ends[1], 198000)]
    assert [row[3][0] for row in energy] == [30000, 198000] and sum(energy[1][3]) == 198000
    money = rows(meter, "billing_prepayment")
    assert [row[:2] for row in money] == [(ends[0], 100 * POUND - 900000), (ends[1], 100 * POUND - 5940000)]


def test_a_period_that_ends_at_midnight_is_without_the_next_days_standing_charge():
    meter = billed(
        prepaid(10 * POUND, standing_charge=40, standing_charge_scale=-2), (MIDNIGHT, b"\xff\xff\xff\x03\xff")
    )
    use(meter, 2 * DAY_S)
    assert rows(meter, "billing_prepayment")[0][:2] == (START_S + 2 * DAY_S, 10 * POUND - 40000)
    assert rows(meter, "prepayment_daily")[-1] == rows(meter, "billing_prepayment")[0]
    assert account(meter)[0] == 10 * POUND - 80000


def test_every_period_has_its_row_and_the_thirteenth_takes_the_place_of_the_first():
    meter = billed(make_meter(), (MIDNIGHT, ANY_DAY))
    meter.advance(START_S + 14 * DAY_S + 1, Measurement(1000))
    ends = [START_S + day * DAY_S for day in range(3, 15)]
    assert times(meter, "billing") == times(meter, "billing_prepayment") == ends
    assert [row[1] for row in rows(meter, "billing", ends[2], ends[4] + 1)] == [120000, 144000, 168000]
    assert rows(meter, "billing", ends[2] + 1, ends[3] - 1) == []


def test_a_month_of_days_is_kept_and_asked_for_by_date():
    meter = make_meter()
    meter.advance(START_S + 33 * DAY_S, Measurement(500, 250))
    days = [START_S + day * DAY_S for day in range(3, 34)]
    for name in ("daily_read", "export_daily", "prepayment_daily"):
        assert times(meter, name) == days, name
    assert rows(meter, "daily_read", days[6], days[6])[0][1] == 9 * 12000
    assert [row[1] for row in rows(meter, "export_daily", days[0], days[1])] == [3 * 6000, 4 * 6000]
    assert {row[1] for row in rows(meter, "daily_consumption")} == {12000} and len(meter.log("daily_consumption")) == 32


def test_a_calendar_taken_away_ends_nothing_and_a_new_one_counts_from_now():
    meter = billed(make_meter(), (MIDNIGHT, ANY_DAY))
    meter.advance(START_S + DAY_S + 1, Measurement())
    billed(meter)
    meter.advance(START_S + 3 * DAY_S, Measurement())
    assert times(meter, "billing") == [START_S + DAY_S]
    billed(meter, (b"\x0c\x00\x00\x00", ANY_DAY))
    meter.advance(START_S + 4 * DAY_S, Measurement())
    assert times(meter, "billing")[1:] == [START_S + 3 * DAY_S + 12 * HOUR_S]


def test_ends_that_passed_in_the_dark_have_one_row_of_when_the_light_came():
    meter = billed(make_meter(), (MIDNIGHT, ANY_DAY))
    meter.advance(START_S + HOUR_S, Measurement(1000))
    meter = dark_until(meter, START_S + 3 * DAY_S + HOUR_S)
    meter.advance(START_S + 3 * DAY_S + 2 * HOUR_S, Measurement(1000))
    assert [row[:2] for row in rows(meter, "billing")] == [(START_S + 3 * DAY_S + HOUR_S, 1000)]
    meter.advance(START_S + 4 * DAY_S, Measurement())
    assert len(meter.log("billing")) == 2


def test_a_restart_between_takes_nothing_and_gives_nothing():
    journal, stores = MemoryJournal(), Stores()
    meter = billed(make_meter(journal=journal, stores=stores), (MIDNIGHT, ANY_DAY))
    meter.write("clock.time_s", START_S)
    for half_hour in range(1, 4 * 48):
        meter.advance(START_S + half_hour * 1800, Measurement(1000))
        if half_hour % 12 == 0:  # midnights too
            meter = make_meter(journal=journal, stores=stores)
    days = [START_S + day * DAY_S for day in (1, 2, 3)]
    assert times(meter, "billing") == times(meter, "daily_read") == days
    assert [row[1] for row in rows(meter, "billing")] == [24000, 48000, 72000]
    assert len(meter.log("import_profile")) == 4 * 48 - 2


def test_a_power_cut_between_rows_and_state_leaves_no_moment_twice():
    journal, stores = FailingJournal(), Stores()
    meter = billed(make_meter(journal=journal, stores=stores), (MIDNIGHT, ANY_DAY))
    meter.write("clock.time_s", START_S)
    meter.commit()
    journal.cut_s = START_S + DAY_S
    try:
        meter.advance(START_S + DAY_S + HOUR_S, Measurement(1000))
        raise AssertionError("the journal was to fail")
    except OSError:
        journal.cut_s = 0
    meter = make_meter(journal=journal, stores=stores)
    assert meter.time_s < START_S + DAY_S
    meter.advance(START_S + 2 * DAY_S, Measurement(1000))
    days = [START_S + DAY_S, START_S + 2 * DAY_S]
    for name in ("billing", "billing_prepayment", "daily_read", "export_daily", "prepayment_daily"):
        assert times(meter, name) == days, name
    halves = times(meter, "import_profile")
    assert len(halves) == len(set(halves)) == 95
    assert UPDATED in [code for code, _ in told(meter)]


def test_a_clock_put_back_over_midnight_logs_no_day_twice():
    meter = make_meter()
    meter.write("clock.status", 0)
    load = Measurement(1000, voltage_dv=(2300, 0, 0))
    meter.advance(START_S + 2 * DAY_S + 5, load)
    meter.hub_time(meter.time_s - 8, 0)
    assert meter.time_s == START_S + 2 * DAY_S - 3
    meter.advance(START_S + 3 * DAY_S, load)
    for name in ("daily_read", "prepayment_daily", "export_daily"):
        log = meter.log("logs." + name)
        assert [log.row(place)[0] for place in range(len(log))] == [START_S + DAY_S * day for day in (1, 2, 3)], name
