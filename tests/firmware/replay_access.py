"""Answer recorded access-requests: `micropython tests/firmware/replay_access.py CASES`, or `answer` under CPython.

CASES has a JSON object a line: `operations` for the bench, `elements`, `phases`, and the command's `request`,
`counter`, `originator`, `supplementary` (octets in hexadecimal, the last null when there is none). Prints an answer a
line: the response in hexadecimal, its sealed parts left as they are and tagged with meter_world.TAG.
"""

import json
import sys
from binascii import hexlify, unhexlify

if __name__ == "__main__":
    ROOT = sys.argv[0].rsplit("/tests/", 1)[0]
    sys.path[:] = [ROOT + "/firmware", ROOT] + sys.path

from smets.bench.control import BenchControl
from tests.firmware.meter_world import DEVICE, Tokens, World, make_meter


class AnyToken(Tokens):
    """Takes every token for ten pounds."""

    def check(self, digits, by_hand, time_s):
        return 0, 1000, 1


def answer(case):
    """Bring a new meter into the state that a case wants and return its response."""
    meter = make_meter(tokens=AnyToken({}), eui=DEVICE, elements=case["elements"], phases=case["phases"])
    world = World(meter)
    bench = BenchControl(meter, world.faults)
    for operation in case["operations"]:
        done = bench.perform(operation)
        if not done["ok"]:
            raise ValueError(str(operation) + ": " + done["why"])
    context = world.context
    context.device_eui, context.counter = DEVICE, case["counter"]
    context.originator_eui = unhexlify(case["originator"])
    context.supplementary_eui = unhexlify(case["supplementary"]) if case["supplementary"] else None
    world.size = 8192
    return world.raw(unhexlify(case["request"]))


def run(path):
    with open(path) as cases:
        for line in cases:
            print(hexlify(answer(json.loads(line))).decode())


if __name__ == "__main__":
    run(sys.argv[1])
