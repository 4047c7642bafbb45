"""A half hour whose end fails for want of heap or flash is lived again: it has its rows, and its charges once."""

from smets.meter.measurement import Measurement
from tests.firmware.meter_world import DAY_S, HOUR_S, START_S, make_meter

MIDNIGHT_S = START_S + DAY_S
BEGIN_S, END_S = MIDNIGHT_S - 2 * HOUR_S, MIDNIGHT_S + 2 * HOUR_S
LOGS = (
    "import_profile", "export_profile", "reactive_profile", "voltage_1", "export_daily", "daily_read",
    "prepayment_daily", "billing",
)  # fmt: skip
SETTINGS = (
    ("payment.mode", 2), ("payment.meter_balance_millipence", 9000000), ("prices.standing_charge", 40),
    ("prices.standing_charge_scale", -2), ("billing.times", [(bytes(4), b"\xff\xff\xff\xff\xff")]),
)  # fmt: skip
LOAD = Measurement(1000, 200, 30, 10, voltage_dv=(2300, 0, 0))
PLACES = [(name, "arrive") for name in ("registers", "tariff", "load_limit", "voltage", "payment")]
PLACES += [(name, method) for name in ("registers", "tariff", "payment") for method in ("half_hour", "midnight")]


class Failing:
    """Stands for a component's method: what fails `times` times when it was done, at `time_s`."""

    def __init__(self, step, time_s, times, error):
        self._step, self._time_s, self.left, self._error = step, time_s, times, error

    def __call__(self, now_s, *given):
        self._step(now_s, *given)
        if now_s == self._time_s and self.left:
            self.left -= 1
            raise self._error("no room now")


def begun():
    meter = make_meter(time_s=BEGIN_S)
    for path, value in SETTINGS:
        meter.write(path, value)
    meter.commit(True)
    return meter


def fail(meter, name, method, time_s, times, error=MemoryError):
    component = meter.component(name)
    failing = Failing(getattr(component, method), time_s, times, error)
    setattr(component, method, failing)
    return failing


def live(meter, after_failure):
    """Let a meter live to the end; `after_failure` is given it when it failed, and returns the one that goes on."""
    failures = 0
    while meter.time_s < END_S:
        try:
            meter.advance(meter.time_s + 1800, LOAD)
        except (MemoryError, OSError):
            failures += 1
            assert failures < 20
            meter = after_failure(meter)
    return meter


def lived(meter):
    """Return all that a meter has of its life."""
    found = []
    for name in LOGS:
        log = meter.log(name)
        found.append([log.row(place) for place in range(len(log))])
    values = [meter.read(path) for path in ("registers.active_import_wh", "payment.meter_balance_millipence")]
    return found, values + meter.read("tariff_registers.tou_wh")


def command_and_cut(meter):
    """A command is carried out and kept, and then the power goes: the meter lives on from what is on flash."""
    meter.release()
    meter.begin()
    meter.write("load_limit.power_threshold_w", 7000)
    meter.commit()
    return make_meter(journal=meter.journal, stores=meter.logs._open_store)


def test_what_fails_at_a_half_hour_is_done_wholly_at_the_next_try():
    whole = lived(live(begun(), None))
    assert [len(rows) for rows in whole[0]] == [7, 7, 7, 8, 1, 1, 1, 1]
    for name, method in PLACES:
        for time_s in (MIDNIGHT_S - 1800, MIDNIGHT_S):
            if method == "midnight" and time_s != MIDNIGHT_S:
                continue
            for error in (MemoryError, OSError):
                meter = begun()
                failing = fail(meter, name, method, time_s, 1, error)
                found = lived(live(meter, command_and_cut))
                assert failing.left == 0 and found == whole, (name, method, time_s)


def test_what_fails_whenever_it_is_tried_does_not_stop_time():
    for name, method in PLACES:
        meter = begun()
        failing = fail(meter, name, method, MIDNIGHT_S, 99)
        meter = live(meter, lambda meter: meter)
        assert failing.left == 90 and meter.time_s == END_S, (name, method)
        assert meter.read("registers.active_import_wh") == 4000, (name, method)
