"""The bench's hand: typed, through the meter's own setters, and never near a key."""

import json
from array import array

from smets.bench import household
from smets.bench.control import BenchControl
from smets.bench.setting import Setting
from tests.firmware.meter_world import START_S, Tokens, World, events, make_meter


def make_bench(**given):
    world = World(make_meter(**given))
    return world, BenchControl(world.meter, world.faults)


def good(bench, do, **fields):
    fields["do"] = do
    answer = bench.perform(fields)
    assert answer["ok"], answer
    return answer


def bad(bench, do, **fields):
    fields["do"] = do
    answer = bench.perform(fields)
    assert not answer["ok"] and answer["why"], answer
    return answer["why"]


def test_values_are_set_and_got_by_path():
    world, bench = make_bench()
    for path, value in (
        ("registers.active_export_wh", 4294967295), ("load_limit.disables_supply", True),
        ("firmware.version", "0123abcd"), ("voltage.over_counter", [1, 2, 3]), ("voltage.over_counter.1", 9),
        ("payment.meter_balance_millipence", -5),
    ):  # fmt: skip
        good(bench, "set", path=path, value=value)
        assert good(bench, "get", path=path)["value"] == value
    assert world.ask((1, 1, "0-0:0.2.1", 2)) == ([0], b"\x09\x04\x01\x23\xab\xcd")


def test_what_is_wrong_is_refused_in_words():
    _, bench = make_bench()
    bad(bench, "set", path="supply.state", value=3)
    bad(bench, "set", path="supply.state", value="01")
    bad(bench, "set", path="firmware.version", value="0")
    bad(bench, "set", path="firmware.version", value="zz")
    bad(bench, "set", path="supply.state")
    bad(bench, "get", path="keys.private")
    bad(bench, "get", path=5)
    bad(bench, "append", log="event", row=[1])
    bad(bench, "load", import_w=-1)
    bad(bench, "load", voltage_dv=[])
    bad(bench, "keys", button="reset")
    bad(bench, "tamper", cover="lid", open=True)
    bad(bench, "nothing")


def test_numbers_beyond_what_the_meter_can_have_are_refused():
    world, bench = make_bench()
    for do, fields in (
        ("load", {"import_w": 1000001}), ("load", {"voltage_dv": [1 << 40]}), ("event", {"code": 0x10000}),
        ("event", {"code": 0x8F01, "body": "00" * 33}), ("hub", {"time_s": 1 << 32}),
        ("hub", {"time_s": 0, "status": 3}),
        ("time", {"advance_to": 1 << 32}), ("time", {"set": 1 << 32}), ("speed", {"factor": 86401}),
        ("rows", {"log": "event", "from": -1}), ("rows", {"log": "event", "count": 101}),
        ("fault", {"class": 70, "obis": "000060030aff", "member": 3, "result": "no"}),
    ):  # fmt: skip
        bad(bench, do, **fields)
    assert world.ask((1, 70, "0-0:96.3.10", 3))[0] == [0]


def test_too_much_at_once_is_refused_and_the_next_request_works():
    _, bench = make_bench()
    deep = b"[" * 1500
    for payload in (deep, deep + b"]" * 1500, b'{"do":"set","path":"supply.state","value":%s}' % (deep + b"]" * 1500)):
        assert not json.loads(bench.handle(payload))["ok"]
    for number in range(31):
        good(bench, "append", log="prepayment_daily", row=[number] * 7)
    for _ in range(100):
        good(bench, "append", log="event", row=[START_S, 0x8154, "ff" * 16])
    good(bench, "rows", log="prepayment_daily", count=31)
    assert len(bench.handle(b'{"do":"rows","log":"event","count":100}')) < 8192
    assert good(bench, "status")["supply"] == 1


def test_time_ends_where_its_32_bits_do():
    world, bench = make_bench()
    good(bench, "time", set=0xFFFFFFF0)
    for _ in range(2):
        assert good(bench, "time", advance_to=0xFFFFFFFF)["time_s"] == 0xFFFFFFFE
    good(bench, "time", set=START_S)


def test_a_payload_that_is_no_json_object_is_refused():
    _, bench = make_bench()
    for payload in (b"", b"{", b"[]", b"5", b'"do"', b'{"do": []}', b'{"do": null}', b"\xff\xfe", b'{"do": "get"}'):
        assert not json.loads(bench.handle(payload))["ok"], payload
    assert json.loads(bench.handle(memoryview(b'{"do":"status"}')))["ok"]


def test_rows_go_through_the_logs_own_append():
    world, bench = make_bench()
    good(bench, "append", log="event", row=[START_S, 0x8154, "009b"])
    good(bench, "append", log="event", row=[START_S + 1, 0x8F01, ""])
    answer = good(bench, "rows", log="event")
    assert answer["length"] == 2 and answer["rows"] == [[START_S, 0x8154, "009b"], [START_S + 1, 0x8F01, ""]]
    good(bench, "clear", log="event")
    assert len(world.meter.log("event")) == 0


def test_a_fault_of_a_method_leaves_the_attribute_of_its_number_and_may_come_later():
    world, bench = make_bench()
    good(bench, "fault", **{"class": 8}, obis="0000010000ff", member=4, result=1, method=True, after=2)
    found = [world.faults.result(8, b"\0\0\1\0\0\xff", 4, method) for method in (True, False, True, True, True)]
    assert found == [0, 0, 0, 1, 1]
    bad(bench, "fault", **{"class": 8}, obis="0000010000ff", member=4, result=1, method="yes")


def test_faults_fail_the_access_service_until_cleared():
    world, bench = make_bench()
    switch = (1, 70, "0-0:96.3.10", 3)
    obis = "000060030aff"
    bench.perform({"do": "fault", "class": 70, "obis": obis, "member": 3, "result": 1})
    assert world.ask(switch)[0] == [1]
    good(bench, "faults_clear")
    assert world.ask(switch)[0] == [0]


def test_load_time_and_power():
    world, bench = make_bench()
    good(bench, "load", import_w=1000, voltage_dv=[2400])
    assert good(bench, "time", advance_to=START_S + 3600)["time_s"] == START_S + 3600
    assert world.meter.read("registers.active_import_wh") == 1000
    good(bench, "power", on=False)
    good(bench, "time", advance_to=START_S + 7200)
    good(bench, "power", on=True)
    assert events(world.meter)[-1] == 0x8F36 and world.meter.read("registers.active_import_wh") == 1000
    good(bench, "time", set=START_S)
    good(bench, "speed", factor=60)
    status = good(bench, "status")
    assert (status["time_s"], status["speed"], status["supply"], status["has_supply"]) == (START_S, 60, 1, True)


def test_hands_on_the_meter():
    world, bench = make_bench(tokens=Tokens({b"1" * 20: (0, 500, 3)}))
    good(bench, "keys", digits="1" * 20)
    bad(bench, "keys", digits="2" * 20)
    bad(bench, "keys", button="supply")
    good(bench, "tamper", cover="terminal", open=True, lock=True)
    good(bench, "tamper", cover="terminal", open=False)
    good(bench, "event", code=0x81A0, body="0005")
    assert events(world.meter) == [0x810E, 0x8F63, 0x8F76, 0x81BE, 0x81C1, 0x81A0]
    assert world.meter.read("payment.meter_balance_millipence") == 500000 and world.meter.read("supply.state") == 0


def test_time_lived_so_far_is_caught_up_with_before_anything_changes():
    world = World()
    lived = []
    bench = BenchControl(world.meter, world.faults, lambda: lived.append(bench.setting.load.import_w))
    good(bench, "load", import_w=700)
    good(bench, "load", import_w=900)
    assert lived == [0, 700]


def test_a_household_lives_step_by_step_and_tells_how_each_ended():
    world, bench = make_bench()
    meter = world.meter
    meter.write("prices.prices", [(b"\x01", 30)])
    meter.write("prices.scale", -2)
    good(bench, "time", advance_to=START_S + 600)
    # the first step is what is left of the half hour: 20 minutes
    answer = bench.perform({"do": "household", "import_w": [300, 2000], "export_w": [0, 500]})
    assert answer["ok"] and answer["import_wh"] == [100, 1100] and answer["export_wh"] == [0, 250]
    assert answer["price_millipence"] == [30000, 30000] and answer["balance_millipence"] == [-3000, -33000]
    assert answer["supply"] == [1, 1] and meter.time_s == START_S + 3600
    for request in (
        {"import_w": []}, {"import_w": [1] * 97}, {"import_w": [1], "export_w": []}, {"import_w": [-1]},
        {"import_w": [1], "step_s": 0}, {"import_w": 7}, {},
    ):  # fmt: skip
        request["do"] = "household"
        assert not bench.perform(request)["ok"] and meter.time_s == START_S + 3600


class Tight:
    """A meter whose heap has no room for one of its steps, while the household's code is there."""

    def __init__(self, meter, step):
        self._meter, self._left = meter, step

    def __getattr__(self, name):
        return getattr(self._meter, name)

    def advance(self, time_s, load):
        """Do as a meter, or fail."""
        if time_s > self._meter.time_s:
            self._left -= 1
            if not self._left:
                raise MemoryError
        self._meter.advance(time_s, load)


def household_of(meter, imports):
    setting = Setting()
    setting.later = "smets.bench.household", (1800, array("I", imports), array("I", [7] * len(imports)))
    return household.answer(meter, setting), setting


def test_a_household_makes_room_for_a_step_and_goes_on_behind_it():
    imports = [300, 2000, 150, 800]
    wanted = household_of(make_meter(), imports)[0]
    for step in range(1, 5):
        meter = make_meter()
        answer, setting = household_of(Tight(meter, step), imports)
        assert answer is None and setting.until_s == START_S - START_S % 1800 + step * 1800
        meter.advance(setting.until_s, setting.load)
        setting.until_s = None
        assert household.answer(meter, setting) == wanted
