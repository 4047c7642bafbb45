"""What a DUIS request sets is what the matching read tells, on real MicroPython in a Pico's heap.

The cases are those of tests/host/test_round_trip.py, in fewer examples; each kind of meter lives through all its own.
"""

from __future__ import annotations

import pytest

from opensmets.bench.firmware import micropython_path
from tests.end_to_end.conftest import Households
from tests.host.test_round_trip import CASES, go_there_and_back

pytestmark = [
    pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON"),
    pytest.mark.xdist_group("round_trip"),
]
EXAMPLES = 4


@pytest.mark.parametrize("name", CASES)
def test_what_is_set_is_read(households: Households, name: str) -> None:
    case = CASES[name]
    go_there_and_back(households(case.elements, case.phases), case, EXAMPLES)
