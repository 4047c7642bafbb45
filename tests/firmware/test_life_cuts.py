"""The power is cut at any write of a random life with an outage: nothing is made or lost, and no register goes down."""

import random
import sys

from tests.firmware import lives
from tests.firmware.cut_lives import compare_with_whole

ON_DEVICE = sys.implementation.name == "micropython"
"""It takes twenty times as long there."""
LIVES = range(1) if ON_DEVICE else range(24)
STEPS, LONGEST_S, CUTS = (3, 6000, 3) if ON_DEVICE else (8, 30000, 8)


def test_a_life_with_power_cuts_comes_to_what_it_is_without():
    met = 0
    for seed in LIVES:
        random.seed(seed)
        home = lives.random_home(random, low_price=-50)
        found = lives.random_steps(random, home, STEPS, LONGEST_S)
        steps = [step for step in found if step[0] != "new_tariff"]
        dark_s = random.choice((100, 3000, random.randrange(300000)))
        steps.insert(random.randrange(1, len(steps) + 1), ("dark", dark_s))
        cuts = [(random.randrange(1, 200), random.randrange(40)) for _ in range(CUTS)]
        met += compare_with_whole(home, steps, cuts)
    assert met >= len(LIVES)
