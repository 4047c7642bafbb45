"""What holds of any life of a whole meter: hypothesis looks for one in which it does not (tests/firmware/lives.py)."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.firmware import lives
from tests.firmware.cut_lives import compare_with_whole
from tests.firmware.test_meter import state_of

CHANCE = st.randoms(use_true_random=False)
CUTS = st.lists(st.tuples(st.integers(1, 200), st.integers(0, 40)), max_size=8)
PIECES = st.lists(st.integers(1, 7000), min_size=1, max_size=8)


@settings(max_examples=40)
@given(chance=CHANCE)
def test_any_life_agrees_with_the_specification_to_the_unit_and_the_second(chance: Random) -> None:
    home = lives.random_home(chance)
    lives.compare(home, lives.random_steps(chance, home, 6))


@settings(max_examples=30)
@given(chance=CHANCE, pieces=PIECES)
def test_cutting_time_and_restarting_change_nothing_of_any_life(chance: Random, pieces: list[int]) -> None:
    home = lives.random_home(chance, low_price=-50)
    whole, cut = lives.meter_of(home), lives.meter_of(home)
    for place, step in enumerate(lives.random_steps(chance, home, 6)):
        whole = lives.carry_out(whole, home, step)
        cut = lives.carry_out(cut, home, step, pieces[place % len(pieces)])
        whole.commit(True)
        cut = lives.carry_out(cut, home, ("restart",))
    assert state_of(whole) == state_of(cut)


@settings(max_examples=30)
@given(chance=CHANCE, cuts=CUTS)
def test_power_cuts_at_any_write_make_and_lose_no_money_and_no_energy(
    chance: Random, cuts: list[tuple[int, int]]
) -> None:
    home = lives.random_home(chance, low_price=-50)
    found = lives.random_steps(chance, home, 5, 20000)
    steps = [step for step in found if step[0] not in ("new_tariff", "dark")]
    compare_with_whole(home, steps, cuts)
