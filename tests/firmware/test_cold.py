"""Cold components: nested fields, what a restart keeps, passive values, and that nothing of them stays in the heap."""

import gc
import sys

from smets.bench.control import BenchControl
from smets.bench.faults import Faults
from smets.meter.cold import ColdComponent, restored
from smets.meter.errors import MeterError, OutOfRange, Unavailable
from smets.meter.fields import BOOL
from smets.meter.measurement import Measurement
from smets.meter.model import Meter
from smets.meter.schedule import NEVER
from tests.firmware.meter_world import HOUR_S, START_S, MemoryJournal, Stores, events, make_meter

DAYS = [(1, [(b"\x06\x30\x00\x00", 2), (b"\x16\x00\x00\x00", 1)]), (7, [])]


class Sample(ColdComponent):
    NAME = "sample"
    FIELDS = (("scale", ">b", -5), ("label", 4))
    NESTED = (
        ("days", [3, (">B", [2, (4, ">H")])]),
        ("pair", (">i", BOOL), (-7, True)),
        ("single", (">i", [2, ">B"], 8)),
    )
    METHODS = ("wake_up", "fail")

    def wake_up(self, now_s):
        self.write("pair", (now_s - START_S, False))

    def fail(self, _):
        raise MeterError("on purpose")


class SampleMeter(Meter):
    """A meter that has the sample besides its own cold components."""

    def component(self, name):
        if name == Sample.NAME and name not in self._cold:
            self._cold[name] = restored(self, Sample)
        return super().component(name)


def refused(error, step, *arguments):
    try:
        step(*arguments)
    except error:
        return True
    return False


def sample_meter(journal=None, stores=None):
    meter = SampleMeter(MemoryJournal() if journal is None else journal, stores or Stores())
    if journal is None:
        meter.write("clock.time_s", START_S)
    return meter


def test_a_nested_field_reads_back_what_was_written():
    meter = sample_meter()
    assert meter.read("sample.days") == [] and meter.read("sample.pair") == (-7, True)
    assert meter.read("sample.single") == (0, [], b"")
    meter.write("sample.days", DAYS)
    meter.write("sample.single", [5, [1, 2], b"12345678"])
    assert meter.read("sample.days") == DAYS and meter.read("sample.days.1") == DAYS[1]
    assert meter.read("sample.single") == (5, [1, 2], b"12345678")
    meter.write("sample.days.0", (9, []))
    assert meter.read("sample.days") == [(9, []), DAYS[1]]
    meter.write("sample.scale", -3)
    assert meter.read("sample.scale") == -3


def test_what_does_not_fit_the_shape_is_refused_and_changes_nothing():
    meter = sample_meter()
    meter.write("sample.days", DAYS)
    wrong = (
        7, b"", [(1,)], [(1, [], 2)], [(1, 2)], [(256, [])], [(1, [(b"12345", 1)])], [(1, [(b"1", -1)])],
        [(1, [])] * 4, [(1, [(b"", 0)] * 3)], [(True, None)],
    )  # fmt: skip
    for value in wrong:
        assert refused(OutOfRange, meter.check, "sample.days", value), value
        assert refused(OutOfRange, meter.write, "sample.days", value), value
        assert refused(OutOfRange, meter.set_passive, "sample.days", value), value
    assert refused(Unavailable, meter.write, "sample.days.2", (1, []))
    assert refused(Unavailable, meter.read, "sample.days.2")
    assert refused(Unavailable, meter.read, "sample.nights") and refused(Unavailable, meter.read, "none.such")
    assert refused(OutOfRange, meter.write, "sample.pair", [0, 2])
    assert meter.read("sample.days") == DAYS


def test_all_of_it_outlives_a_restart():
    journal, stores = MemoryJournal(), Stores()
    meter = sample_meter(journal=journal, stores=stores)
    meter.write("sample.days", DAYS)
    meter.write("sample.label", b"ab")
    meter.set_passive("sample.pair", (1, False))
    assert sample_meter(journal=journal).read("sample.days") == []  # nothing is kept before it is committed
    meter.commit()
    again = sample_meter(journal=journal, stores=stores)
    assert again.read("sample.days") == DAYS and again.read("sample.label") == b"ab"
    assert again.passive("sample.pair") == (1, False) and again.read("sample.pair") == (-7, True)


def test_a_nested_passive_value_becomes_active_when_it_is_time():
    meter = sample_meter()
    meter.set_passive("sample.days", DAYS)
    meter.set_passive("sample.label", b"new")
    assert meter.read("sample.days") == [] and meter.passive("sample.days") == DAYS
    meter.activate("sample.days+sample.label", START_S + HOUR_S + 7, b"origin")
    meter.commit()
    meter.release()
    assert meter.activation("sample.days+sample.label") == START_S + HOUR_S + 7
    step(meter, START_S + HOUR_S + 6)
    assert meter.read("sample.days") == []
    step(meter, START_S + HOUR_S + 7)
    assert meter.read("sample.days") == DAYS and meter.read("sample.label") == b"new"
    assert events(meter) == [0x8F66]


def test_a_waiting_value_that_is_no_value_of_its_shape_stays_out():
    meter = sample_meter()
    meter.set_passive("sample.days", DAYS)
    sample = meter.component("sample")
    packed = sample.pack("days", DAYS)
    for wrong in (b"", packed[:-1], packed + b"\0", b"\x04" + packed[1:], packed[:2] + b"\x03" + packed[3:]):
        assert refused(OutOfRange, sample.adopt, "days", wrong), wrong
        assert refused(OutOfRange, sample.check_packed, "days", wrong), wrong
    assert meter.read("sample.days") == []
    sample.adopt("days", packed)
    assert meter.read("sample.days") == DAYS


def test_a_method_is_called_at_its_time_and_once():
    meter = sample_meter()
    meter.schedule.call_at("sample.wake_up", START_S + 100)
    meter.schedule.call_at("sample.wake_up", START_S + 50)
    meter.schedule.call_at("sample.fail", START_S + 60)
    step(meter, START_S + 49)
    assert meter.read("sample.pair") == (-7, True)
    step(meter, START_S + 200)
    assert meter.read("sample.pair") == (50, False)
    meter.schedule.call_at("sample.wake_up", START_S + 300)
    meter.schedule.call_at("sample.wake_up", NEVER)
    step(meter, START_S + 400)
    assert meter.read("sample.pair") == (50, False) and events(meter) == []


def test_the_bench_sets_and_gets_nested_values():
    meter = sample_meter()
    bench = BenchControl(meter, Faults())
    days = [[1, [["06300000", 2]]]]
    assert bench.perform({"do": "set", "path": "sample.days", "value": days})["ok"]
    assert bench.perform({"do": "get", "path": "sample.days"})["value"] == days
    before = bench.perform({"do": "status"})["state"]
    assert not bench.perform({"do": "set", "path": "sample.days", "value": [[1]]})["ok"]
    assert bench.perform({"do": "status"})["state"] == before
    assert bench.perform({"do": "set", "path": "sample.days.0", "value": [3, []]})["ok"]
    assert bench.perform({"do": "get", "path": "sample.days"})["value"] == [[3, []]]
    assert bench.perform({"do": "status"})["state"] != before


def test_release_keeps_what_is_not_on_flash_yet():
    meter = sample_meter()
    meter.write("sample.scale", 3)
    meter.release()
    assert meter.read("sample.scale") == 3
    meter.commit()
    meter.release()
    assert meter.read("sample.scale") == 3


def test_nothing_of_a_cold_component_stays_in_the_heap():
    if sys.implementation.name != "micropython":
        return
    meter = make_meter()
    sizes = [0] * 6
    for turn in range(6):
        meter.write("power_threshold.low_medium_w", turn)
        meter.write("display.message", b"message %d" % turn)
        assert refused(Unavailable, meter.read, "none.such")
        meter.commit()
        meter.release()
        assert "smets.meter.panel" not in sys.modules and "smets.meter.cold" not in sys.modules
        gc.collect()
        sizes[turn] = gc.mem_alloc()
    assert max(sizes[2:]) <= sizes[1]


def step(meter, time_s):
    meter.advance(time_s, Measurement())


def test_what_a_command_that_ended_half_way_left_is_discarded():
    journal = MemoryJournal()
    meter = make_meter(journal=journal)
    meter.write("clock.time_s", START_S)
    meter.commit()
    before = {key: journal.get(key) for key in journal.keys("")}
    meter.stage("half", b"way")
    meter.write("display.message", b"half way")
    meter.discard()
    meter.release()
    meter.commit()
    assert {key: journal.get(key) for key in journal.keys("")} == before
    assert meter.read("display.message") == b"" and "half" not in journal.keys("")
