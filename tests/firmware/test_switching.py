# heap: 32m
"""Switching tables: random ones against a naive reading minute by minute, and the specification's rules by example."""

import random

from smets.meter.dates import date_of, day_of, days_in, weekday_of
from smets.meter.switching import NEVER, SwitchingTable
from smets.meter.wildcards import following, latest, matches
from tests.firmware.meter_world import make_meter
from tests.firmware.naive_calendar import Days, NaiveCalendar

DAY_S = 86400
SCRIPTS = tuple(range(1, 49)) + tuple(range(101, 109))
ANY = 0xFF


def date(year, month, day, weekday=ANY):
    return bytes((year >> 8, year & 255, month, day, weekday))


def start(*when):
    return date(*when) + b"\x00\x00\x00\x00\x80\x00\xff"


def table(seasons, weeks, days, special_days=()):
    meter = make_meter()
    meter.write("calendar.seasons", seasons)
    meter.write("calendar.weeks", weeks)
    meter.write("calendar.days", days)
    meter.write("calendar.special_days", list(special_days))
    return SwitchingTable(meter.component("calendar"), SCRIPTS)


def at(clock):
    return bytes((clock // 3600, clock // 60 % 60, clock % 60, 0))


def moment(year, month, day, hour=0, minute=0):
    return day_of(year, month, day) * DAY_S + hour * 3600 + minute * 60


def flat(script=1):
    return [(1, [(at(0), script)])]


ALL_YEAR = [(b"all", start(0xFFFF, 1, 1), b"\x01")]
ONE_WEEK = [(b"\x01", 1, 1, 1, 1, 1, 1, 1)]


def test_days_are_those_of_the_gregorian_calendar():
    naive = Days(2000, 2136)
    for number in list(range(1200)) + list(range(1200, 49900, 7)) + list(range(36000, 37000)):
        year, month, day, weekday, size = naive[number]
        assert date_of(number) == (year, month, day) and day_of(year, month, day) == number
        assert weekday_of(number) == weekday and days_in(year, month) == size


def random_date(years):
    year = random.choice((0xFFFF, 0xFFFF, random.choice(years)))
    month = random.choice((ANY, random.randrange(1, 13), random.randrange(1, 13), 2, 13))
    day = random.choice((ANY, 254, 253, 29, 30, 31, random.randrange(1, 29), random.randrange(1, 29), 0))
    return date(year, month, day, random.choice((ANY, ANY, random.randrange(1, 8), 9)))


def test_dates_with_wildcards_mean_what_a_naive_reading_means():
    random.seed(4)
    years = (2023, 2024, 2025)
    naive = Days(2022, 2026)
    first, last = day_of(2023, 1, 1), day_of(2025, 12, 31)
    for _ in range(60):
        one = random_date(years)
        meant = [number for number in range(first, last + 1) if naive.means(one, number)]
        for _ in range(12):
            number = random.randrange(first, last + 1)
            assert matches(one, number) == (number in meant), (one, number)
            before = [each for each in meant if each <= number]
            after = [each for each in meant if each >= number]
            if before:
                assert latest(one, number) == before[-1], (one, number)
            if after:
                assert following(one, number) == after[0], (one, number)
            elif one[:2] != b"\xff\xff" and one[:2] != date(2026, 1, 1)[:2]:
                assert following(one, last + 7) is None, one


def test_what_no_day_is_never_comes():
    for never in (
        date(0xFFFF, 2, 30),
        date(2023, 2, 29),
        date(0xFFFF, 13, 1),
        date(0xFFFF, 1, 0),
        date(2024, 1, 1, 2),
        b"",
    ):
        assert latest(never, 20000) is None and following(never, 100) is None and not matches(never, 8766), never


def test_a_leap_day_comes_again_over_a_century_without_one():
    assert following(date(0xFFFF, 2, 29), day_of(2096, 3, 1)) == day_of(2104, 2, 29)
    assert latest(date(0xFFFF, 2, 29), day_of(2104, 2, 28)) == day_of(2096, 2, 29)
    assert latest(date(0xFFFF, 3, 254, 7), day_of(2026, 12, 1)) == day_of(2026, 3, 29)  # the last Sunday in March


def random_table(years):
    days = []
    for number in range(1, random.randrange(2, 7)):
        actions = [(at(60 * random.randrange(1440)), random.choice(SCRIPTS)) for _ in range(random.randrange(0, 5))]
        days.append((number, actions))
    weeks = [(bytes((name,)),) + tuple([random.randrange(1, 7) for _ in range(7)]) for name in (1, 2, 3)]
    seasons = [
        (b"s", random_date(years) + bytes(7), bytes((random.randrange(1, 5),))) for _ in range(random.randrange(1, 4))
    ]
    seasons.append((b"s", start(random.choice((0xFFFF, years[0])), 2, 1), b"\x01"))
    special = [(row, random_date(years), random.randrange(1, 8)) for row in range(random.randrange(0, 6))]
    turn = random.randrange(len(seasons))
    return seasons[turn:] + seasons[:turn], weeks, days, special


def test_random_tables_over_random_years_against_minute_by_minute():
    random.seed(20)
    checked = 0
    for _ in range(12):
        year = random.choice((2023, 2024, 2027, 2028, 2099))
        naive_days = Days(year - 3, year + 1)
        given = random_table((year - 1, year))
        ours = table(*given)
        reference = NaiveCalendar(naive_days, *given, default=1)
        first, count, before = day_of(year, random.choice((1, 2, 12)), 1), 40, 40
        scripts = list(reference.scripts(first - before, before + count))
        if scripts[before * 1440] is None:  # what was before the naive reading began, it cannot know
            continue
        check_walk(ours, first, scripts[before * 1440 :])
        checked += 1
    assert checked > 4


def check_walk(ours, first_day, scripts):
    """Look at the table only where it said it is to be looked at again, and find the script of every minute so."""
    now_s, end_s = first_day * DAY_S, first_day * DAY_S + 60 * len(scripts)
    while now_s < end_s:
        script, next_s = ours.look(now_s, 1)
        assert next_s > now_s and (next_s % 60 == 0 or next_s == NEVER)
        for minute in range((now_s - first_day * DAY_S) // 60, (min(next_s, end_s) - first_day * DAY_S) // 60):
            assert scripts[minute] == script, (first_day, minute)
        inside = random.randrange(now_s, min(next_s, end_s))
        again = ours.look(inside, 1)
        assert again[0] == script and again[1] >= next_s
        now_s = next_s


def test_a_script_holds_over_midnight_until_the_next_action():
    ours = table(ALL_YEAR, ONE_WEEK, [(1, [(at(7 * 3600), 101), (at(23 * 3600), 102)])])
    assert ours.look(moment(2026, 5, 4, 6, 59), 1) == (102, moment(2026, 5, 4, 7))
    assert ours.look(moment(2026, 5, 4, 7), 1) == (101, moment(2026, 5, 4, 23))
    assert ours.look(moment(2026, 12, 31, 23), 1) == (102, moment(2027, 1, 1, 7))


def test_seasons_change_at_midnight_and_the_last_of_a_year_goes_on_in_the_next():
    seasons = [(b"s", start(0xFFFF, 3, 254, 7), b"\x01"), (b"w", start(0xFFFF, 10, 254, 7), b"\x02")]
    weeks = [(b"\x01", 1, 1, 1, 1, 1, 1, 1), (b"\x02", 2, 2, 2, 2, 2, 2, 2)]
    ours = table(seasons, weeks, [(1, [(at(0), 1)]), (2, [(at(0), 2)])])
    assert ours.look(moment(2027, 1, 1), 9)[0] == 2  # winter, which began the year before
    assert ours.look(moment(2026, 3, 28, 23, 59), 9) == (2, moment(2026, 3, 29))
    assert ours.look(moment(2026, 10, 24, 23), 9) == (1, moment(2026, 10, 25))


def test_a_special_day_overrides_and_the_first_row_of_two_counts():
    days = [(1, [(at(0), 1)]), (2, [(at(0), 2)]), (3, [(at(0), 3)])]
    special = [(1, date(0xFFFF, 12, 25), 2), (2, date(0xFFFF, 12, ANY), 3)]
    ours = table(ALL_YEAR, ONE_WEEK, days, special)
    assert [ours.look(moment(2026, *day), 9)[0] for day in ((11, 30), (12, 24), (12, 25), (12, 26))] == [1, 3, 2, 3]


def test_what_a_table_leaves_open_is_safe():
    assert table([], [], []).look(moment(2026, 1, 1), 1) == (1, NEVER)
    nothing = ([(b"x", start(2030, 1, 1), b"\x01")], ONE_WEEK, flat(5))  # not begun
    assert table(*nothing).look(moment(2026, 1, 1), 1)[0] == 1
    assert table(ALL_YEAR, [], flat(5)).look(moment(2026, 1, 1), 1)[0] == 1  # no week of that name
    odd = [(1, [(b"\x19\x00\x00\x00", 2), (at(60), 77), (at(120), 3), (at(120), 4)])]
    assert table(ALL_YEAR, ONE_WEEK, odd).look(moment(2026, 1, 2), 1)[0] == 4
    empty = table(ALL_YEAR, ONE_WEEK, [(1, [])])
    script, again_s = empty.look(moment(2026, 1, 1), 1)
    assert script == 1 and again_s > moment(2026, 1, 1)
