"""No alert is lost because the link or the heap had no room for it when it was to be sent."""

from smets.message.reporting import Reporting
from tests.firmware.meter_world import START_S, make_meter


class Speaker(Reporting):
    """Reporting over a link that fails as it is told to."""

    def __init__(self, meter, failures):
        self.meter, self.told, self._failures = meter, [], failures

    def settle(self):
        pass

    def _tell(self, code, time_s, body):
        failure = self._failures.get(code)
        if failure:
            raise failure()
        self.told.append((code, time_s, body))


def speaker(failures):
    meter = make_meter()
    for code in (0x8F01, 0x8F02, 0x8F03):
        meter.record(code, b"body")
    return Speaker(meter, failures)


def fails(step, failure):
    try:
        step()
    except failure:
        return True
    return False


def test_alerts_wait_in_their_order_for_a_link_that_fails():
    world = speaker({0x8F02: OSError})
    for _ in range(3):
        assert fails(world.tell_events, OSError)
    assert [code for code, _, _ in world.told] == [0x8F01]
    world._failures.clear()
    world.tell_events()
    assert world.told == [(code, START_S, b"body") for code in (0x8F01, 0x8F02, 0x8F03)]
    assert world.meter.take_event() is None


def test_an_alert_that_waits_outlives_a_power_cut():
    world = speaker({0x8F02: OSError})
    assert fails(world.tell_events, OSError)
    world.meter.commit()
    again = Speaker(make_meter(journal=world.meter.journal), {})
    again.tell_events()
    assert [code for code, _, _ in again.told] == [0x8F02, 0x8F03]


def test_an_alert_that_the_heap_has_no_room_for_lets_the_others_go_first():
    world = speaker({0x8F01: MemoryError})
    for _ in range(3):
        assert fails(world.tell_events, MemoryError)
    assert [code for code, _, _ in world.told] == [0x8F02, 0x8F03]
    world._failures.clear()
    world.tell_events()
    assert world.told[-1] == (0x8F01, START_S, b"body")
