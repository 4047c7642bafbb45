"""A meter measures what a table of loads says, second by second, however its time is cut."""

import os
import struct

from smets.bench.load_table import LoadTable
from tests.firmware.meter_world import START_S, make_meter
from tests.firmware.power_cut import scratch, wipe, write_file

ROWS = ((START_S + 100, 3600, 0, 0), (START_S + 1000, 0, 7200, 2411), (START_S + 5000, 36000, 3600, 0))


def table(directory, rows, repeat_s=0, base_s=0):
    packed = [struct.pack(">IIIH", *row) for row in rows]
    write_file(directory + "/load.table", struct.pack(">4sII", b"SMTL", repeat_s, base_s) + b"".join(packed))
    return LoadTable(directory + "/load.table")


def live(meter, loads, times):
    for time_s in times:
        meter.advance(time_s, loads.measure(meter, time_s))


def registers(meter):
    return meter.read("registers.active_import_wh"), meter.read("registers.active_export_wh")


def test_a_row_holds_from_its_second_to_the_next_ones():
    directory = scratch()
    for times in ((START_S + 6000,), range(START_S + 7, START_S + 6001, 7), (START_S + 1000, START_S + 6000)):
        meter, loads = make_meter(), table(directory, ROWS)
        live(meter, loads, tuple(times) + (START_S + 6000,))
        # 900 s of 3,600 W, 4,000 s of 7,200 W fed back, 1,000 s of 36,000 W and 3,600 W fed back
        assert registers(meter) == (900 + 10000, 8000 + 1000)
    wipe(directory)


def test_a_voltage_that_is_not_named_is_the_usual_one():
    directory = scratch()
    meter, loads = make_meter(), table(directory, ROWS)
    seen = []
    for time_s in (START_S + 50, START_S + 500, START_S + 2000, START_S + 5500):
        load = loads.measure(meter, time_s)
        meter.advance(time_s, load)
        seen.append(load.voltage_dv[0])
    assert seen == [2300, 2300, 2411, 2300]
    wipe(directory)


def test_a_stretch_comes_again_before_it_and_after_it():
    directory = scratch()
    base_s = START_S + 10 * 3600  # the meter's clock stands before the stretch
    rows = ((base_s, 1000, 0, 0), (base_s + 1800, 3000, 0, 0))
    meter, loads = make_meter(), table(directory, rows, 3600, base_s)
    live(meter, loads, (START_S + 900, START_S + 3600))
    assert registers(meter)[0] == 500 + 1500
    live(meter, loads, (START_S + 30 * 3600,))
    assert registers(meter)[0] == 30 * 2000
    wipe(directory)


def test_a_clock_that_is_set_leaps_in_the_table_too():
    directory = scratch()
    meter, loads = make_meter(), table(directory, ROWS)
    live(meter, loads, (START_S + 500,))
    meter.write("clock.time_s", START_S + 5000)
    assert loads.measure(meter, START_S + 5001).import_w == 36000
    meter.write("clock.time_s", START_S)
    assert loads.measure(meter, START_S + 1).import_w == 0
    wipe(directory)


def test_what_is_no_table_is_refused():
    directory = scratch()
    write_file(directory + "/load.table", b"time,import_w\n1,2\n")
    try:
        LoadTable(directory + "/load.table")
    except ValueError as error:
        assert "no table" in str(error)
    else:
        raise AssertionError("a table was made of text")
    assert "load.table" in os.listdir(directory)
    wipe(directory)
