"""What the services of a command need of the device, in one place, so that they need not stay in the heap."""

from micropython import const

from smets.on_demand import call

NOTHING_DUE = const(0xFFFFFFFF)
"""`due_s` while no instruction waits for its time."""

_SECURITY_SETUP = const(64)
_SETUP_OBIS = const(b"\x00\x00\x2b\x00\x00\xff")
"""The security setup (IEC 62056-6-2 5.4.7), whose methods the bench's faults of key handling are named by."""


class Station:
    """The device: `eui`, its `journal`, `keys`, trust `anchors` and `counters`; `clock()` gives time_s, `report(code)`
    logs a security event (None: in the meter's log); `meter` is the metering model, `faults` the bench's or None.
    `firmware` has `activate(image_hash, keep)`, which returns how it ended or None when the device starts again first,
    and `told()`.

    `due_s` is when the next instruction of `deferred` is due; at first, whether there is any is all that is known.
    """

    __slots__ = (
        "eui",
        "journal",
        "keys",
        "anchors",
        "counters",
        "clock",
        "report",
        "meter",
        "faults",
        "due_s",
        "firmware",
    )

    def __init__(self, eui, journal, keys, anchors, counters, clock, report, meter=None, faults=None, firmware=None):
        self.eui, self.journal, self.keys, self.anchors, self.counters = eui, journal, keys, anchors, counters
        self.clock, self.meter, self.faults, self.firmware = clock, meter, faults, firmware
        self.report = report or self._log_security
        waiting = journal.keys("later/") or journal.keys("told/") or journal.keys("answer/")
        self.due_s = 0 if waiting else NOTHING_DUE

    def _log_security(self, code):
        """Put an event into the meter's security log; whoever detected it tells of it."""
        self.meter.logs.append("security", (self.clock(), code))

    def settle(self, alerts):
        """Carry out the instructions whose time has come, in the order of their times, and send their alerts."""
        while self.clock() >= self.due_s:
            due = call("smets.message.deferred", "next_due", self, alerts)
            if due:
                call(due[0], "carry_out", due[1], self)

    def fails(self, method):
        """Return whether the bench lets a method of the security setup fail."""
        return self.faults is not None and self.faults.result(_SECURITY_SETUP, _SETUP_OBIS, method, True) != 0
