"""What the bench has set, which stays while its code is not loaded."""

from smets.bench.faults import Faults
from smets.meter.measurement import Measurement


class Setting:
    """`load` is what is measured, `speed` seconds of the meter a second, `faults` what fails.

    `until_s` is None, or the time to which the bench wants the meter to live on before it is answered.
    `steps` is None, or what household.py lets the meter live through: (step in s, import of each in W, export in W).
    """

    def __init__(self, speed=1):
        self.load = Measurement()
        self.speed = speed
        self.faults = Faults()
        self.until_s = self.steps = None
