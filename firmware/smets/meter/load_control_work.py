"""What auxiliary controllers do at a time: calendar, ends of commands and boost (load_control.py). Loaded for it."""

from micropython import const

from smets import on_demand
from smets.meter.load_control import CONTROLLERS, NEVER

_YEAR = const(366)
_WEEK = const(8)
"""Days to look back: into a calendar that is new, and into one whose script of then is known."""


def ring(control, now_s):
    """Begin and end what is due by now.

    The calendar is asked about all controllers first: there is hardly heap for that beside an open log.
    """
    planned = [_plan(control, place, now_s) for place in range(CONTROLLERS)]
    if 0 < control.get("boost_until_s") <= now_s:
        on_demand.call("smets.meter.boost", "log", control)
        control.write("boosting", [False] * CONTROLLERS)
    for place in range(CONTROLLERS):
        limit = control.get("limit", place)
        for name in ("command", "limit"):
            if control.get(name, place) and control.get(name + "_until_s", place) <= now_s:
                control.keep(name, place, 0, 0, 0)
        switched = _follow_calendar(control, place, planned[place])
        outcome = control.settle(place)
        if switched and control.governing(place) == switched:
            control.log(switched, outcome)
        if limit and not control.get("limit", place):
            control.tell_ended(place, limit)
    control.await_next()


def _plan(control, place, now_s):
    """Return (script, when to look again) by the calendar, None when it is not time to look."""
    asked_s = control.get("calendar_s", place)
    if now_s < asked_s:
        return None
    known, look_back = (control.get("calendar_script", place), _WEEK) if asked_s else (0, _YEAR)
    return _look(control.meter, place, now_s, known, look_back)


def _follow_calendar(control, place, planned):
    """Learn what the calendar says; return its script when it is another than before, else 0."""
    if planned is None:
        return 0
    script, next_s = planned
    before = control.get("calendar_script", place)
    control.put("calendar_script", script, place)
    control.put("calendar_s", next_s, place)
    return script if script != before else 0


def _look(meter, place, now_s, known, look_back):
    """Return (a controller's script by now, when to look again); what reads a calendar is loaded where there is one."""
    calendar = meter.borrow("auxiliary_calendar")
    if calendar.is_empty():
        return known, NEVER
    offset_s = meter.borrow("randomised_offset").get("offset_s")
    then_s = max(0, now_s - offset_s)
    script, next_s = on_demand.call("smets.meter.auxiliary_plan", "look", calendar, place, then_s, known, look_back)
    return script, min(NEVER, next_s + offset_s)
