"""RMS voltage beyond its limits: extremes, sag and swell, and phases without any (SMETS2 5.6.8). Loaded when one moves.

A voltage that is beyond a threshold for the limit's period is told (0x8020 to 0x802F), and so is one that was, when it
is back for the same period (0x808D to 0x809C): at the end of the period's last second, with the voltage in V in the
power event log. On the threshold is not beyond it. A polyphase meter has a code for each phase. Without supply no
period runs. Below 5 % of 230 V a phase has no supply (EN 50160 3.2) and no voltage that could be too low.

Averages are judged here as well (0x8002 to 0x8009, 0x8085 to 0x808C): each that lies elsewhere than the one before.
"""

from micropython import const

from smets.meter.outage_end import lose, regain

_NO_SUPPLY_DV = const(115)
_MOST_DV = const(0xFFFFFFFF)
_NEVER = const(0xFFFFFFFF)
_KINDS = (
    ("extreme_over", 0x8020, 0x808D),
    ("swell", 0x8024, 0x8091),
    ("extreme_under", 0x8028, 0x8095),
    ("sag", 0x802C, 0x8099),
)
"""Name in VoltageLimits, first code of going beyond, first of being back. The first _OVERS are beyond when above."""
_OVERS = const(2)
_ALL = const(4)
_INSIDE = const(0)
_UNDER = const(1)
_OVER = const(2)
_WENT = const((0, 0x8006, 0x8002))
_CAME_FROM = const((0, 0x8089, 0x8085))
"""Events of an average by the band that it went to, or came from."""


def look(voltage, now_s, voltage_dv):
    """See what the phases' voltages mean now; let `voltage` know when to look again, and what stays as it is."""
    outage, limits = voltage.meter.outage, voltage.meter.borrow("voltage_limits")
    next_s = _NEVER
    if not voltage.get("watch_s"):
        for place in range(3 * _ALL):
            voltage.let("since_s", 0, place)
    for phase in range(voltage.meter.phases):
        value_dv = voltage_dv[phase]
        dead = value_dv < _NO_SUPPLY_DV
        if dead != outage.is_dead(phase):
            (lose if dead else regain)(outage, phase, now_s)
        if dead:
            for kind in range(_ALL):
                voltage.let("since_s", 0, phase * _ALL + kind)
            voltage.let("low_dv", 0, phase)
            voltage.let("high_dv", _NO_SUPPLY_DV - 1, phase)
        else:
            next_s = min(next_s, _judge(voltage, limits, phase, now_s, value_dv))
    voltage.let("watch_s", next_s)


def _judge(voltage, limits, phase, now_s, value_dv):
    """Compare a phase's voltage with every threshold; return when its next period is over."""
    low_dv, high_dv, next_s = _NO_SUPPLY_DV, _MOST_DV, _NEVER
    for kind, (name, _, _) in enumerate(_KINDS):
        # the least voltage of the upper side
        upper_dv = min(_MOST_DV, limits.get(name + "_v") * 10 + (1 if kind < _OVERS else 0))
        is_upper = value_dv >= upper_dv
        if is_upper:
            low_dv = max(low_dv, upper_dv)
        else:
            high_dv = min(high_dv, upper_dv - 1)
        beyond = is_upper == (kind < _OVERS)
        next_s = min(next_s, _run(voltage, phase, kind, beyond, limits.get(name + "_s"), now_s, value_dv))
    voltage.let("low_dv", low_dv, phase)
    voltage.let("high_dv", high_dv, phase)
    return next_s


def _run(voltage, phase, kind, beyond, period_s, now_s, value_dv):
    """Let a limit's period run as long as the voltage is where it was not told to be; return when it is over."""
    place, bit = phase * _ALL + kind, 1 << kind
    told = voltage.get("beyond", phase)
    if beyond == bool(told & bit):
        voltage.let("since_s", 0, place)
        return _NEVER
    since_s = voltage.get("since_s", place) or now_s
    voltage.let("since_s", since_s, place)
    if now_s < since_s + period_s:
        return since_s + period_s
    voltage.let("since_s", 0, place)
    voltage.put("beyond", told ^ bit, phase)
    _tell(voltage, _KINDS[kind][1 if beyond else 2], phase, (value_dv + 5) // 10)
    return _NEVER


def judge_average(voltage, average_v, phase):
    """Count and report an average that leaves its band."""
    band, before = _band(voltage, average_v, phase), voltage.get("band", phase)
    if band == before:
        return
    voltage.put("band", band, phase)
    if before != _INSIDE:
        _tell(voltage, _CAME_FROM[before], phase, average_v)
    if band != _INSIDE:
        counter = "under_counter" if band == _UNDER else "over_counter"
        voltage.put(counter, voltage.get(counter, phase) + 1 & _MOST_DV, phase)
        _tell(voltage, _WENT[band], phase, average_v)


def _band(voltage, average_v, phase):
    if average_v > voltage.get("over_threshold_v", phase):
        return _OVER
    return _UNDER if average_v < voltage.get("under_threshold_v", phase) else _INSIDE


def _tell(voltage, code, phase, volts):
    """Record an event of a phase with what was measured."""
    voltage.meter.record(code + phase + 1 if voltage.meter.phases > 1 else code, measured=volts)
