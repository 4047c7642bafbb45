"""What threatens a meter's integrity, told as events: the code of the cause, and the warning that names it (GBCS 16.2).

A supply that was lost is no threat: waking.py tells of it. Of a stranger, who would provision a meter that is one
already, it is told once a minute (0x8F3E): the answers are his, the alerts cost the meter a signature each.

A warning (0x81A0) carries the cause's number; its supplier may want the one, the other, or both (ECS25a). Loaded when
there is something to tell.
"""

from micropython import const

from smets.on_demand import call
from smets.store.damaged import DamagedLog
from smets.store.files import StoreCorrupt

WATCHDOG = "watchdog"
HARDWARE = "hardware"
SUPPLY = "supply"
"""Why a device started, when it was not its own program that had it start."""
STRANGER = "stranger"

_UNAUTHORISED_ACCESS = const(0x8F3E)
_PATIENCE_S = const(60)
_WARNING = const(0x81A0)
MEMORY, EXECUTION, STORAGE, HARDWARE_RESET, BITTEN = const(1), const(2), const(3), const(5), const(6)
"""Causes: non volatile memory, program execution, program storage, unexpected hardware reset, watchdog."""
_CODES = const((0, 0x81AE, 0x81AF, 0x81B0, 0x81B1, 0x81B2, 0x81B3))
_STARTS = {WATCHDOG: BITTEN, HARDWARE: HARDWARE_RESET}
_NO_SPACE = const(28)


def warn(meter, cause):
    """Record the events of a cause."""
    meter.record(_CODES[cause])
    meter.record(_WARNING, bytes((0, cause)))


def tell_of(device):
    """Tell of a device's `trouble`, once."""
    trouble, device.trouble = device.trouble, None
    if trouble == SUPPLY:
        call("smets.meter.waking", "start", device.meter)
        return
    tell(device.meter, trouble, device.journal.is_writable())


def tell(meter, trouble, is_writable):
    """Tell of `trouble`: why the device started, an error that it survived, a stranger. Nothing of what is no threat.

    `is_writable` tells whether its journal takes changes: an error of input or output may be the link's as well.
    """
    if trouble == STRANGER:
        _tell_stranger(meter)
        return
    cause = _STARTS.get(trouble) if isinstance(trouble, str) else _cause_of(trouble, is_writable)
    if cause:
        warn(meter, cause)
        meter.commit()


def _tell_stranger(meter):
    log = meter.logs.get("security")
    time_s, code = log.row(len(log) - 1) if len(log) else (0, 0)
    if code != _UNAUTHORISED_ACCESS or not 0 <= meter.time_s - time_s < _PATIENCE_S:
        meter.record(_UNAUTHORISED_ACCESS)
        meter.commit()


def stand_in(device, name, error):
    """Return what stands in for a log that is damaged; each is told once until the device starts again."""
    device.log(str(error))
    if name not in device.damaged:
        device.damaged.append(name)
        device.trouble = error
    return DamagedLog()


def _cause_of(error, is_writable):
    if isinstance(error, StoreCorrupt):
        return MEMORY
    if isinstance(error, OSError):
        return MEMORY if not is_writable or error.errno == _NO_SPACE else None
    return EXECUTION if isinstance(error, (RuntimeError, ValueError)) else None
