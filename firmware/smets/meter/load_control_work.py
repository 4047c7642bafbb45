"""What the auxiliary controllers do at a time: calendar, boost, ends of commands (load_control.py). Loaded for it."""

from micropython import const

from smets import on_demand
from smets.meter.errors import NotNow, OutOfRange
from smets.meter.load_control import CONTROLLERS, NEVER

_LEAST_BOOST = const(15)
_MOST_BOOST = const(223)
_MINUTE_S = const(60)
_YEAR = const(366)
_WEEK = const(8)
"""Days to look back: into a calendar that is new, and into one whose script of then is known."""


def boost(control, minutes):
    """The customer turns the chosen controllers on for 15 to 223 minutes, anew if they are already.

    Raises OutOfRange for other minutes, and NotNow where there is no boost function or no controller chosen.
    """
    auxiliary, now_s = control.meter.component("auxiliary"), control.meter.time_s
    if not isinstance(minutes, int) or not _LEAST_BOOST <= minutes <= _MOST_BOOST:
        raise OutOfRange("a boost takes 15 to 223 minutes")
    chosen = auxiliary.read("boosted")
    if not (auxiliary.get("boost_available") and any(chosen)):
        raise NotNow("no controller is to be boosted")
    _log_boost(control)
    control.write("boosting", chosen)
    control.put("boost_from_s", now_s)
    control.put("boost_until_s", now_s + minutes * _MINUTE_S)
    ring(control, now_s)


def end_boost(control):
    """The customer ends the boost. Raises NotNow when there is none."""
    if not control.get("boost_until_s"):
        raise NotNow("there is no boost")
    control.put("boost_until_s", control.meter.time_s)
    ring(control, control.meter.time_s)


def ring(control, now_s):
    """Begin and end what is due by now."""
    if 0 < control.get("boost_until_s") <= now_s:
        _log_boost(control)
        control.write("boosting", [False] * CONTROLLERS)
    for place in range(CONTROLLERS):
        limit = control.get("limit", place)
        for name in ("command", "limit"):
            if control.get(name, place) and control.get(name + "_until_s", place) <= now_s:
                control.keep(name, place, 0, 0, 0)
        switched = _follow_calendar(control, place, now_s)
        outcome = control.settle(place)
        if switched and control.governing(place) == switched:
            control.log(switched, outcome)
        if limit and not control.get("limit", place):
            control.tell_ended(place, limit)
    control.await_next()


def _follow_calendar(control, place, now_s):
    """Learn what the calendar says when it is time to; return its script when it is another than before, else 0."""
    asked_s, before = control.get("calendar_s", place), control.get("calendar_script", place)
    if now_s < asked_s:
        return 0
    offset_s = control.meter.borrow("randomised_offset").get("offset_s")
    known, look_back = (before, _WEEK) if asked_s else (0, _YEAR)
    calendar = control.meter.borrow("auxiliary_calendar")
    then_s = max(0, now_s - offset_s)
    script, next_s = on_demand.call("smets.meter.auxiliary_plan", "look", calendar, place, then_s, known, look_back)
    control.put("calendar_script", script, place)
    control.put("calendar_s", min(NEVER, next_s + offset_s), place)
    return script if script != before else 0


def _log_boost(control):
    """Log the boost, if there is one, that ends now or when its time was over."""
    if control.get("boost_until_s"):
        until_s = min(control.get("boost_until_s"), control.meter.time_s)
        control.meter.logs.append("boost", (control.get("boost_from_s"), until_s))
        control.put("boost_until_s", 0)
