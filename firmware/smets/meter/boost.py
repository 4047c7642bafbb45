"""The customer's boost button (load_control.py; SMETS2 5.5.13). Loaded when it is pressed, and when a boost is over."""

from micropython import const

from smets.meter.errors import NotNow, OutOfRange

_LEAST_BOOST = const(15)
_MOST_BOOST = const(223)
_MINUTE_S = const(60)


def begin(control, minutes):
    """The customer turns the chosen controllers on for 15 to 223 minutes, anew if they are already.

    Raises OutOfRange for other minutes, and NotNow where there is no boost function or no controller chosen.
    """
    auxiliary, now_s = control.meter.component("auxiliary"), control.meter.time_s
    if not isinstance(minutes, int) or not _LEAST_BOOST <= minutes <= _MOST_BOOST:
        raise OutOfRange("a boost takes 15 to 223 minutes")
    chosen = auxiliary.read("boosted")
    if not (auxiliary.get("boost_available") and any(chosen)):
        raise NotNow("no controller is to be boosted")
    log(control)
    control.write("boosting", chosen)
    control.put("boost_from_s", now_s)
    control.put("boost_until_s", now_s + minutes * _MINUTE_S)
    control.ring(now_s)


def end(control):
    """The customer ends the boost. Raises NotNow when there is none."""
    if not control.get("boost_until_s"):
        raise NotNow("there is no boost")
    control.put("boost_until_s", control.meter.time_s)
    control.ring(control.meter.time_s)


def log(control):
    """Log the boost, if there is one, that ends now or when its time was over."""
    if control.get("boost_until_s"):
        until_s = min(control.get("boost_until_s"), control.meter.time_s)
        control.meter.logs.append("boost", (control.get("boost_from_s"), until_s))
        control.put("boost_until_s", 0)
