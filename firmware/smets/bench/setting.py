"""What the bench has set, which stays while its code is not loaded."""

from smets.bench.faults import Faults
from smets.meter.measurement import Measurement


class Setting:
    """`load` is what is measured, `speed` seconds of the meter a second, `faults` what fails.

    `until_s` is None, or the time to which the bench wants the meter to live on before it is answered.
    `later` is None, or what is to be done with the bench's code gone: (module, what its `answer` is to know) with
    household.py (step in s, import of each in W, export in W; when it makes room for a step, its answer so far and the
    step's place), with pages.py (the key to be pressed or None, the event for which the meter sounds).
    """

    def __init__(self, speed=1):
        self.load = Measurement()
        self.speed = speed
        self.faults = Faults()
        self.until_s = self.later = None
