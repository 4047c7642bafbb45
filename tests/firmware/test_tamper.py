"""Tampers, as the bench brings them about: their events, the logs they go to, and the supply's lock."""

from smets.bench.control import BenchControl
from smets.bench.faults import Faults
from tests.firmware.meter_world import START_S, events, make_meter

SENT, EVENT_LOG, SECURITY_LOG = 2, 4, 8
ENABLED, DISABLED = 1, 0
TAMPERS = (
    ("terminal", 0x8F76, 0x81C1),
    ("second_terminal", 0x8F77, 0x81C1),
    ("meter", 0x8F74, 0x81B9),
    ("battery", 0x8F73, 0x81A1),
    ("magnet", 0x8F75, 0x81BC),
)


def make_bench():
    meter = make_meter(flags_of=lambda code: SENT | (SECURITY_LOG if code >= 0x8F00 else EVENT_LOG))
    return meter, BenchControl(meter, Faults())


def done(bench, **request):
    assert bench.perform(request)["ok"], request


def test_a_tamper():
    """Somebody opens the terminal cover of a meter that locks its supply then; only the supplier can undo it."""
    meter, bench = make_bench()
    done(bench, do="set", path="tamper_state.locks_supply", value=True)
    done(bench, do="tamper", cover="terminal", open=True)
    assert events(meter) == [0x8F76, 0x81BE]
    assert meter.read("supply.state") == DISABLED and meter.read("supply.locked")
    done(bench, do="tamper", cover="terminal", open=False)
    assert events(meter) == [0x81C1] and meter.read("supply.state") == DISABLED
    assert not bench.perform({"do": "keys", "button": "supply"})["ok"]
    meter.call("supply.run_script", 51)
    assert meter.read("supply.state") == ENABLED and not meter.read("supply.locked")
    assert list(meter.log("logs.security").rows()) == [(START_S, 0x8F76)]
    assert [row[:2] for row in meter.log("logs.event").rows()] == [(START_S, 0x81BE), (START_S, 0x81C1)]


def test_each_tamper_has_its_events():
    for cover, opened, closed in TAMPERS:
        meter, bench = make_bench()
        done(bench, do="tamper", cover=cover, open=True)
        done(bench, do="tamper", cover=cover, open=False)
        assert events(meter) == [opened, closed], cover
        assert meter.read("supply.state") == ENABLED


def test_clearing_a_log_is_told():
    meter, _ = make_bench()
    meter.record(0x81C1)
    events(meter)
    meter.call("logs.clear_event", 0)
    assert len(meter.log("logs.event")) == 0 and events(meter) == [0x8F52]
    assert list(meter.log("logs.security").rows()) == [(START_S, 0x8F52)]


def test_the_boost_button():
    meter, bench = make_bench()
    assert not bench.perform({"do": "keys", "button": "boost", "minutes": 60})["ok"]
    done(bench, do="set", path="auxiliary.boosted.3", value=True)
    done(bench, do="set", path="auxiliary.boost_available", value=True)
    done(bench, do="keys", button="boost", minutes=60)
    assert meter.read("auxiliary.on") == [False, False, False, True, False]
    done(bench, do="keys", button="boost", minutes=0)
    assert meter.read("auxiliary.on") == [False] * 5
