"""What holds of the meter model under any load and any cutting of time: hypothesis looks for a counterexample."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from smets.meter.measurement import Measurement
from smets.meter.model import Meter
from tests.firmware.meter_world import START_S, make_meter
from tests.firmware.test_meter import state_of

POWERS = st.integers(0, 30_000)
STRETCHES = st.lists(st.tuples(st.integers(1, 20_000), POWERS), min_size=1, max_size=6)


def limited() -> Meter:
    meter = make_meter()
    for name, value in (("power_threshold_w", 9000), ("period_s", 700), ("restoration_period_s", 500)):
        meter.write(f"load_limit.{name}", value)
    meter.write("load_limit.disables_supply", True)
    meter.set_passive("load_limit.power_threshold_w", 4000)
    meter.activate("load_limit.power_threshold_w", START_S + 5000, b"origin")
    return meter


@settings(max_examples=40, deadline=None)
@given(stretches=STRETCHES, cuts=st.lists(st.integers(1, 7000), min_size=1, max_size=12))
def test_cutting_time_changes_nothing(stretches: list[tuple[int, int]], cuts: list[int]) -> None:
    whole, cut = limited(), limited()
    end_s, piece = START_S, 0
    for duration_s, watts in stretches:
        load = Measurement(watts, voltage_dv=(2000 + watts % 700,) * 3)
        end_s += duration_s
        whole.advance(end_s, load)
        while cut.time_s < end_s:
            cut.advance(min(end_s, cut.time_s + cuts[piece % len(cuts)]), load)
            piece += 1
    assert state_of(whole) == state_of(cut)


@settings(max_examples=60, deadline=None)
@given(stretches=STRETCHES)
def test_registers_hold_all_energy_that_flowed(stretches: list[tuple[int, int]]) -> None:
    meter, end_s = make_meter(), START_S
    for duration_s, watts in stretches:
        end_s += duration_s
        meter.advance(end_s, Measurement(watts, watts // 3))
    for register, factor in (("active_import", 1), ("active_export", 3)):
        flowed_ws = sum(duration_s * (watts // factor) for duration_s, watts in stretches)
        kept_ws = meter.read(f"registers.{register}_wh") * 3600 + meter.read(f"registers.{register}_ws")
        assert kept_ws == flowed_ws


@settings(max_examples=30, deadline=None)
@given(stretches=STRETCHES, restart=st.integers(1, 5))
def test_a_restart_at_a_half_hour_changes_nothing(stretches: list[tuple[int, int]], restart: int) -> None:
    one, other = limited(), limited()
    end_s = START_S
    for index, (duration_s, watts) in enumerate(stretches):
        end_s += duration_s - duration_s % 1800
        for meter in (one, other):
            meter.advance(end_s, Measurement(watts))
        if index % restart == 0:
            other = make_meter(journal=other.journal, stores=other.logs._open_store)
    assert state_of(one) == state_of(other)
