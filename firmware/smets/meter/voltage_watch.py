"""RMS voltage beyond its limits: extremes, sag and swell, and phases without any (SMETS2 5.6.8). Loaded when one moves.

A voltage that is beyond a threshold for the limit's period is told (0x8020 to 0x802F), and so is one that was, when it
is back for the same period (0x808D to 0x809C): at the end of the period's last second, with the voltage in V in the
power event log. On the threshold is not beyond it. A polyphase meter has a code for each phase. Without supply no
period runs. Below 5 % of 230 V a phase has no supply (EN 50160 3.2) and no voltage that could be too low.
"""

from micropython import const

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


def look(voltage, now_s, voltage_dv):
    """See what the phases' voltages mean now; let `voltage` know when to look again, and what stays as it is."""
    outage, limits = voltage.meter.outage, voltage.meter.borrow("voltage_limits")
    next_s = _NEVER
    for phase in range(voltage.meter.phases):
        value_dv = voltage_dv[phase]
        dead = value_dv < _NO_SUPPLY_DV
        if dead != outage.is_dead(phase):
            (outage.lose if dead else outage.regain)(phase, now_s)
        if dead:
            voltage.forget_periods(phase)
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
    which = phase + 1 if voltage.meter.phases > 1 else 0
    voltage.meter.record(_KINDS[kind][1 if beyond else 2] + which, measured=(value_dv + 5) // 10)
    return _NEVER
