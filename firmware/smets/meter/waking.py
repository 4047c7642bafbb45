"""The meter starts again after a loss of supply (GBCS 7.2.3; SMETS2 5.6.7, 5.7.5). Loaded then.

No clock of it ran meanwhile: it lives on from the last time that it kept, and is without supply from then on as far as
it can tell. How long that was it learns from the communications hub's first reliable time, or with Set Clock; then the
clock follows, and the end of the outage is told of each phase, by the rule of three minutes. A clock that was never set
knows no times to tell: nothing is judged. Nor does a start that the supply did not cause, a watchdog's or an update's.

In the dark nothing was measured, no period of voltage or load ran, and no half hour has a row. Standing charge and
debts went on: they are collected for all of it, once. Readings chosen: what disables the supply by time, the end of a
non-disablement period, does so after that; supply that is lost again before the time is known makes it one long outage;
and a hub whose time is earlier than the meter's ends an outage of no length.
"""

from micropython import const

from smets.meter import outage_end

_HALF_HOUR_S = const(1800)
_LONGEST_GAP_S = const(3600)
_INVALID = const(2)


def start(meter):
    """The device starts, because its supply came back: the loss is told, of the last time that was kept."""
    outage, time_s = meter.outage, meter.time_s
    if not time_s or meter.clock.get("status") == _INVALID or outage.get("lost_s"):
        return
    outage.tell_lost(time_s)
    outage.put("lost_s", time_s)
    meter.commit(True)


def wake_whole(meter, now_s):
    """Like `wake`, and when heap or flash fail nothing of it was done, and it may be asked for again."""
    meter.begin()
    is_over = False
    try:
        wake(meter, now_s)
        is_over = True
    finally:
        if not is_over:
            meter.discard()


def wake(meter, now_s):
    """It is `now_s` in truth: tell of the outage that ended at the start, and collect what fell due meanwhile.

    A supply that was taken from the meter before that (outage.off) stays away.
    """
    outage = meter.outage
    lost_s = outage.get("lost_s")
    outage.put("lost_s", 0)
    own_s, since_s, until_s = meter.time_s, meter.payment.get("charged_to_s"), now_s - now_s % _HALF_HOUR_S
    if not 0 <= own_s - since_s <= _LONGEST_GAP_S:  # the clock was set, and no half hour has ended since
        since_s = own_s - own_s % _HALF_HOUR_S
    if meter.payment.is_due(own_s):
        meter.payment.settle()  # what energy used up came before the dark
    if now_s > own_s:
        meter.clock.put("time_s", now_s)
        meter.tell("clock", "time_s")
    if since_s < until_s:
        meter.payment.collect_between(since_s, until_s)
    if not outage.get("off"):
        outage_end.tell_all_restored(outage, lost_s, max(lost_s, now_s - own_s + lost_s))
