"""A household's loads are what they say, and a chart shows what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opensmets.bench import household as house
from opensmets.bench.household import HALF_HOUR_S, HalfHour, LoadInvalid, Power
from opensmets.chart import blocks, picture
from opensmets.chart.series import of_run

JULY_S = house.time_of("2026-07-01")
JANUARY_S = house.time_of("2026-01-01")


def day(load: house.Load, start_s: int) -> list[Power]:
    return [load(start_s + step * HALF_HOUR_S) for step in range(48)]


def test_a_made_household_is_the_same_every_time_and_another_by_another_seed() -> None:
    assert day(house.synthetic(3), JULY_S) == day(house.synthetic(3), JULY_S) != day(house.synthetic(4), JULY_S)


def test_evenings_take_most_and_the_sun_feeds_back_by_day_and_in_summer() -> None:
    weeks = [day(house.synthetic(1), JULY_S + number * 86400) for number in range(14)]
    exported = [sum(one[step].export_w for one in weeks) for step in range(48)]
    assert not any(exported[:8]) and not any(exported[44:]) and max(exported) == max(exported[20:30])
    night, evening = (sum(one[step].import_w for one in weeks) for step in (6, 37))
    assert evening > 3 * night
    winter = [day(house.synthetic(1), JANUARY_S + number * 86400) for number in range(14)]
    assert sum(sum(power.export_w for power in one) for one in winter) < sum(exported)
    bare = day(house.synthetic(1, solar=False), JULY_S)
    assert all(power.import_w > 0 and power.export_w == 0 for power in bare)


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.tuples(st.integers(1, 7200), st.integers(0, 9000)), min_size=1, max_size=8))
def test_a_csv_file_gives_the_average_of_each_half_hour(
    rows: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path, time_s, watts_of = tmp_path_factory.mktemp("load") / "load.csv", JULY_S, list[int]()
    lines = ["time,import_w,export_w,what"]
    for duration_s, watts in rows:
        lines.append(f"{house.text_of(time_s)},{watts},7,x")
        watts_of += [watts] * duration_s
        time_s += duration_s
    path.write_text("\n".join(lines))
    watts_of += [rows[-1][1]] * HALF_HOUR_S
    load = house.from_csv(path)
    for start in range(0, len(watts_of) - HALF_HOUR_S, HALF_HOUR_S):
        assert load(JULY_S + start) == Power(sum(watts_of[start : start + HALF_HOUR_S]) // HALF_HOUR_S, 7)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,b\n1,2\n",
        "time,import_w\n",
        "time,import_w\n5,-1\n",
        "time,import_w\nnever,1\n",
        "time,import_w\n5,1\n5,2\n",
    ],
)
def test_what_is_no_load_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "load.csv").write_text(text)
    with pytest.raises(LoadInvalid):
        house.from_csv(tmp_path / "load.csv")


def a_run(half_hours: int) -> list[HalfHour]:
    return [
        HalfHour(
            JULY_S + n * HALF_HOUR_S, Power(n % 900, 40), n % 450, 20, 30_000 if n % 48 > 13 else 10_000, 5000 - n, 1
        )
        for n in range(half_hours)
    ]


def test_a_run_is_written_and_read_back(tmp_path: Path) -> None:
    house.write_csv(tmp_path / "run.csv", a_run(100))
    assert house.read_csv(tmp_path / "run.csv") == a_run(100)
    assert house.from_csv(tmp_path / "run.csv")(JULY_S + 7 * HALF_HOUR_S) == Power(7, 40)


def test_many_half_hours_are_shown_by_days_and_no_energy_is_lost() -> None:
    run = a_run(48 * 40)
    series = of_run(run)
    assert series.by_days and len(series.points) == 40
    assert sum(point.import_wh for point in series.points) == sum(each.import_wh for each in run)
    assert series.points[3].price_millipence == (10_000, 30_000)
    assert series.points[3].balance_millipence == run[4 * 48 - 1].balance_millipence
    assert not of_run(a_run(48 * 14)).by_days


@pytest.mark.parametrize("width", [20, 80, 133])
@pytest.mark.parametrize("half_hours", [1, 48, 48 * 60])
def test_a_terminals_chart_fits_and_names_what_it_shows(width: int, half_hours: int) -> None:
    found = blocks.lines(of_run(a_run(half_hours)), width)
    assert max(map(len, found)) <= max(width, blocks.MIN_WIDTH)
    text = "\n".join(found)
    assert all(word in text for word in ("import, kW", "export, kW", "pence a kWh", "balance, pounds", "2026-07-01"))


@pytest.mark.parametrize("half_hours", [48, 48 * 60])
def test_a_picture_is_a_png(half_hours: int, tmp_path: Path) -> None:
    picture.draw(of_run(a_run(half_hours)), tmp_path / "chart.png", "A household")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
