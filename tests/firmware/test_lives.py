"""Random lives of a whole meter agree with the specification: registers, tariffs, account, logs, events.

Homes of one and two elements and one and three phases, tariffs by time of use and by block over seasons, special days
and leap days; loads, top-ups, adjustments, resets, modes, new tariffs, switching and restarts in any order.
"""

import random
import sys

from tests.firmware import lives
from tests.firmware.test_meter import state_of

ON_DEVICE = sys.implementation.name == "micropython"
"""It takes twenty times as long there."""
LIVES = range(2) if ON_DEVICE else range(20)
STEPS, LONGEST_S = (5, 7000) if ON_DEVICE else (12, 40000)


def random_life(seed, **given):
    """Return a home and what happens there."""
    random.seed(seed)
    home = lives.random_home(random, **given)
    return home, lives.random_steps(random, home, STEPS, LONGEST_S)


def test_random_lives_agree_with_the_specification_to_the_unit_and_the_second():
    for seed in LIVES:
        lives.compare(*random_life(seed))


def test_cutting_time_changes_nothing_of_a_life():
    for seed in LIVES:
        home, steps = random_life(seed, low_price=-50)
        whole, cut = lives.meter_of(home), lives.meter_of(home)
        for step in steps:
            whole = lives.carry_out(whole, home, step)
            cut = lives.carry_out(cut, home, step, random.randrange(7, 5000))
        assert state_of(whole) == state_of(cut), seed


def test_a_restart_anywhere_changes_nothing_of_a_life():
    for seed in LIVES:
        home, steps = random_life(1000 + seed)
        one, other = lives.meter_of(home), lives.meter_of(home)
        for step in steps:
            one = lives.carry_out(one, home, step)
            other = lives.carry_out(other, home, step)
            one.commit(True)
            other = lives.carry_out(other, home, ("restart",))
        assert state_of(one) == state_of(other), seed


def test_a_year_agrees_with_its_leap_day_seasons_and_every_log():
    # a leap year whole, and the winter to 2100, which is none
    for year, first, days, is_twin in ((2024, 0, 370, True), (2099, 330, 100, False))[: 1 if ON_DEVICE else 2]:
        random.seed(year)
        home = lives.random_home(random, spare=2000000000)
        home["year"], home["day"], home["twin"] = year, first, is_twin
        meter, reference = lives.meter_of(home), lives.reference_of(home)
        for _ in range(2 if ON_DEVICE else days):
            step = ("flow", lives.DAY_S, lives.random_load(random, is_twin))
            meter = lives.carry_out(meter, home, step)
            lives.follow(reference, step)
            lives.check(meter, reference, lives.start_s(home))
        lives.check_logs(meter, reference, lives.start_s(home))
