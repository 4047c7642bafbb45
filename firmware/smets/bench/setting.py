"""What the bench has set, which stays while its code is not loaded."""

from smets.bench.faults import Faults
from smets.meter.measurement import Measurement


class Setting:
    """`load` is what is measured, `speed` seconds of the meter a second, `faults` what fails.

    `until_s` is None, or the time to which the bench wants the meter to live on before it is answered.
    """

    def __init__(self, speed=1):
        self.load = Measurement()
        self.speed = speed
        self.faults = Faults()
        self.until_s = None
