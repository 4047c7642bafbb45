"""What is wired to a meter: the contactor follows the supply, pulses are energy, a press closes what is armed."""

from smets.meter.measurement import Measurement
from smets.meter.model import Meter
from smets.terminals.contacts import Button, Buzzer, Contactor
from smets.terminals.pulses import PulseInput, PulseOutput
from tests.firmware.memory_journal import MemoryJournal
from tests.firmware.meter_world import START_S, Stores


class Pin:
    def __init__(self, level=1):
        self.levels = [level]

    def value(self, level=None):
        if level is None:
            return self.levels[-1]
        self.levels.append(level)
        return None


class Clock:
    def __init__(self):
        self.now_ms = 1000

    def ticks_ms(self):
        return self.now_ms

    def ticks_diff(self, later_ms, earlier_ms):
        return later_ms - earlier_ms


def make_meter():
    meter = Meter(MemoryJournal(), Stores())
    meter.write("clock.time_s", START_S)
    return meter


def metered_ws(pulse_times_ms, end_s, per_kwh=1000):
    """Return the watt-seconds and the powers that a row of pulses is measured as, asked for every second."""
    clock, meter = Clock(), make_meter()
    pulses = PulseInput(per_kwh, clock)
    waiting, powers = list(pulse_times_ms), []
    for second in range(1, end_s + 1):
        while waiting and waiting[0] <= second * 1000:
            clock.now_ms = waiting.pop(0)
            pulses.count()
        powers.append(pulses.measure(meter, meter.time_s + 1).import_w)
    return sum(powers), powers


def test_every_pulse_is_its_energy():
    # 1,000 pulses for a kWh are 3,600 Ws each, however they come
    for times_ms in ([500], [500, 900], list(range(0, 60000, 700)), [3, 1000, 50000, 50100, 50200]):
        energy_ws, _ = metered_ws(times_ms, 1200)
        assert energy_ws == 3600 * len(times_ms), times_ms
    assert metered_ws([500], 60, per_kwh=10000)[0] == 360


def test_a_constant_load_is_a_constant_power():
    _, powers = metered_ws(range(0, 600000, 3600), 600)  # one pulse in 3.6 s: 1 kW
    for start in range(60, 540, 60):  # by the minute, which is what the meter shows
        assert 980 * 60 <= sum(powers[start : start + 60]) <= 1020 * 60, powers[start : start + 60]
    assert max(powers[60:590]) < 1250
    _, powers = metered_ws(range(0, 3600000, 120000), 3600)  # one in two minutes: 30 W
    assert min(powers[600:3400]) >= 29 and max(powers[600:3400]) <= 31


def test_a_bouncing_contact_is_one_pulse():
    assert metered_ws([5000, 5003, 5011, 9000, 9001], 600)[0] == 2 * 3600


def test_pulses_that_make_no_whole_energy_are_refused():
    for per_kwh in (0, -5, 7000, 3600001):
        try:
            PulseInput(per_kwh, Clock())
        except ValueError:
            continue
        raise AssertionError(per_kwh)


def test_the_led_flashes_once_a_watt_hour():
    meter, pin = make_meter(), Pin(0)
    output = PulseOutput(pin)
    output.follow(None)
    output.follow(meter)
    assert pin.levels == [0]  # what was imported before it was switched on is not told again
    meter.advance(START_S + 3600, Measurement(import_w=8))
    for _ in range(4):
        output.follow(meter)
    assert pin.levels == [0] + [1, 0] * 8


def test_the_contactor_follows_the_supply():
    meter, pin = make_meter(), Pin(0)
    contactor = Contactor(pin)
    contactor.follow(None)
    assert pin.value() == 0
    contactor.follow(meter)
    assert pin.value() == 1
    meter.call("supply.run_script", 52)  # disable
    contactor.follow(meter)
    contactor.follow(meter)
    assert pin.levels == [0, 0, 1, 0]
    meter.call("supply.run_script", 54)  # arm: the customer is to close it
    contactor.follow(meter)
    assert pin.value() == 0


def test_the_buzzer_sounds_every_other_second_until_it_is_over():
    meter, pin = make_meter(), Pin(0)
    buzzer = Buzzer(pin)
    buzzer.follow(None)
    buzzer.follow(meter)
    assert pin.value() == 0
    meter.events.silent_s = START_S + 4
    for second in range(6):
        meter.advance(START_S + second, Measurement())
        buzzer.follow(meter)
    assert pin.levels == [0, 0, 1, 0, 1, 0]


def test_a_press_closes_an_armed_supply_and_no_other():
    meter, pin = make_meter(), Pin(1)
    button = Button(pin)
    meter.call("supply.run_script", 52)
    pin.value(0)
    for _ in range(5):
        button.follow(meter)
    assert meter.read("supply.state") == 0
    meter.call("supply.run_script", 54)
    button.follow(meter)  # still the same press
    assert meter.read("supply.state") == 2
    pin.value(1)
    button.follow(meter)
    pin.value(0)
    button.follow(meter)
    assert meter.read("supply.state") == 2  # one round is a bounce
    button.follow(meter)
    assert meter.read("supply.state") == 1
    button.follow(None)
