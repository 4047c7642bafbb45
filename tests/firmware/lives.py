"""Random lives of a whole meter: homes, tariffs and what happens; carried out by a meter and by life_reference.py.

Randomness comes in as an argument: the module `random` with a seed on both Pythons, hypothesis on the host.
"""

from smets.meter.errors import MeterError
from smets.meter.measurement import Measurement
from tests.firmware.account_reference import CREDIT_MODE, PREPAYMENT_MODE, random_terms
from tests.firmware.account_world import AnyTokens, collection, set_fields, top_up
from tests.firmware.dark import dark_until
from tests.firmware.life_reference import DAY_S, UNLIMITED, WholeMeter
from tests.firmware.meter_world import make_meter
from tests.firmware.naive_calendar import Days
from tests.firmware.test_meter import raised

YEARS = (2023, 2024, 2028, 2099)
TIMES_OF_USE = (1, 2, 7, 48)
BLOCK_SCRIPTS = (101, 102, 108)
SECOND_SCRIPTS = (201, 202, 204)
ANY_DAY = b"\xff\xff\xff\xff\xff"
EVERY_DAY = (b"\x00\x07\xfe", b"\x00\x00", ANY_DAY, ANY_DAY)
NOMINAL_DV = 2300
ACCOUNT_CODES = (
    0x810D, 0x8119, 0x81AA, 0x81AB, 0x8F0F, 0x8F83, 0x8F32, 0x8168,
    0x81A7, 0x81A8, 0x81A9, 0x8F5B, 0x8F47, 0x8F51,
)  # fmt: skip
_known_days = {}


def days_of(year):
    """Return the days about a year, counted once."""
    if year not in _known_days:
        _known_days.clear()
        _known_days[year] = Days(year - 2, year + 2)
    return _known_days[year]


def random_home(random, low_price=0, spare=0):
    """Return a meter's terms. Prices are at least `low_price`; `spare` is added to the balance."""
    terms = random_terms(random)
    terms["balance"] += spare
    terms["cap_pence"] = random.choice((0, 20, 500, 65535))
    terms["max_credit"] = random.choice((0x7FFFFFFF, 100000))
    terms["max_balance"] = random.choice((0x7FFFFFFF, 150000 + spare))
    return {
        "terms": terms, "year": random.choice(YEARS), "twin": random.choice((False, True)),
        "phases": random.choice((1, 3)), "day": random.choice((0, 55, random.randrange(365), 364)),
        "billing": random.choice(((), ((at(6 * 60), b"\xff\xff\xff\xff\x05"),), ((at(0), b"\xff\xff\xff\x01\xff"),))),
        "resets_daily": random.choice((False, True)), "tariff": random_tariff(random, low_price),
    }  # fmt: skip


def random_tariff(random, low_price=0):
    """Return switching tables, prices and thresholds of both elements."""
    scripts = TIMES_OF_USE + BLOCK_SCRIPTS
    prices = {script: random.randrange(low_price, 9000) for script in TIMES_OF_USE}
    for block in range(4):
        for script in BLOCK_SCRIPTS:
            prices[block, script] = random.randrange(low_price, 9000)
    thresholds = {}
    for script in BLOCK_SCRIPTS:
        ends = sorted([random.randrange(1, 9000) for _ in range(3)])
        thresholds[script] = ends[: random.randrange(4)]
    return {
        "tables": _random_tables(random, scripts), "second_tables": _random_tables(random, SECOND_SCRIPTS),
        "prices": prices, "second_prices": {script: random.randrange(low_price, 9000) for script in SECOND_SCRIPTS},
        "scale": random.choice((-5, -6, -4)), "thresholds": thresholds,
    }  # fmt: skip


def _random_tables(random, scripts):
    """Return seasons, weeks, days and special days; every day has an action."""
    days = []
    for number in (1, 2, 3):
        minutes = [random.choice((0, 30 * random.randrange(48), random.randrange(1440))) for _ in range(3)]
        days.append((number, [(at(minute), random.choice(scripts)) for minute in minutes]))
    weeks = [(bytes((name,)),) + tuple([random.randrange(1, 4) for _ in range(7)]) for name in (1, 2)]
    seasons = [(b"winter", date(10, random.choice((254, 1, 29))) + bytes(7), b"\x01")]
    seasons.append((b"summer", date(random.choice((2, 3)), random.choice((254, 29, 1))) + bytes(7), b"\x02"))
    special = [
        (row, date(random.choice((2, 12, 255)), random.randrange(1, 32)), random.randrange(1, 4)) for row in range(2)
    ]
    return seasons, weeks, days, special


def date(month, day):
    """Return a date of every year."""
    return bytes((255, 255, month, day, 255))


def at(minute):
    """Return a time of day."""
    return bytes((minute // 60, minute % 60, 0, 0))


def meter_of(home, journal=None, stores=None):
    """Return a meter with the terms of a home."""
    given = _given(home)
    if journal is not None:
        given.update({"journal": journal, "stores": stores})
    meter = make_meter(tokens=AnyTokens(), **given)
    meter.write("clock.time_s", start_s(home))
    terms = home["terms"]
    meter.write("payment.mode", PREPAYMENT_MODE)
    set_fields(meter, {
        "standing_charge": terms["standing_charge"], "standing_charge_scale": -5, "payment_debt": terms["payment_debt"],
        "debt_share": terms["debt_share"], "time_debt_1": terms["time_debt_1"], "rate_1": terms["rate_1"],
        "period_1_s": 3600, "time_debt_2": terms["time_debt_2"], "rate_2": terms["rate_2"], "period_2_s": DAY_S,
        "low_credit_threshold": terms["low"], "emergency_credit_threshold": terms["emergency"],
        "emergency_credit_limit": terms["limit"], "disablement_threshold": terms["disablement"],
        "meter_balance": terms["balance"], "recovery_cap_pence": terms["cap_pence"],
        "max_credit": terms["max_credit"], "max_meter_balance": terms["max_balance"],
    })  # fmt: skip
    meter.write("account.collection", collection(terms["suspend_emergency"], terms["suspend_disabled"]))
    if terms["nights"]:
        entries = [(1, 32, at(18 * 60)) + EVERY_DAY, (2, 33, at(9 * 60)) + EVERY_DAY]
        meter.write("non_disablement.entries", entries)
    meter.write("billing.times", list(home["billing"]))
    meter.write("billing.block_reset_times", [(at(0), ANY_DAY)] if home["resets_daily"] else [])
    set_tariff(meter, home["tariff"])
    meter.commit()
    return meter


def restarted(home, journal, stores, tokens):
    """Return the meter of a home as it starts again."""
    return make_meter(journal=journal, stores=stores, tokens=tokens, **_given(home))


def _given(home):
    return {"elements": 2 if home["twin"] else 1, "phases": home["phases"]}


def start_s(home):
    """Return the meter's time of the midnight at which a home's life begins."""
    return (days_of(home["year"]).first + 731 + home["day"]) * DAY_S


def set_tariff(meter, tariff):
    """Give a meter a tariff: the tables, what the registers cost, where blocks end."""
    for which in ("", "second_"):
        for place, name in enumerate(("seasons", "weeks", "days", "special_days")):
            meter.write(which + "calendar." + name, tariff[which + "tables"][place])
    rows = []
    for script, price in tariff["prices"].items():
        index = (0xA + script[0]) << 4 | script[1] - 100 if isinstance(script, tuple) else script
        rows.append((bytes((index,)), price))
    meter.write("prices.prices", rows)
    meter.write(
        "second_prices.prices", [(bytes((script - 200,)), price) for script, price in tariff["second_prices"].items()]
    )
    meter.write("prices.scale", tariff["scale"])
    meter.write("second_prices.scale", tariff["scale"])
    for script, ends in tariff["thresholds"].items():
        meter.write(f"prices.thresholds_{script - 100}_wh", ends + [UNLIMITED] * (3 - len(ends)))


def reference_of(home):
    """Return the reference for a home."""
    days = days_of(home["year"])
    reference = WholeMeter(home["terms"], days, days.first + 731 + home["day"], home["twin"])
    reference.billing, reference.resets_daily = home["billing"], home["resets_daily"]
    give_tariff(reference, home["tariff"])
    return reference


def give_tariff(reference, tariff):
    """Give the reference a tariff."""
    for place, which in enumerate(("", "second_")):
        element = reference.elements[place]
        prices = tariff[which + "prices"]
        element.set_prices({key: parts(price, tariff["scale"]) for key, price in prices.items()})
        element.set_tables(tariff[which + "tables"], reference.time_s // 60)
    reference.elements[0].thresholds = tariff["thresholds"]


def parts(price, scale):
    """Return the parts of a millipence that a Wh costs at `price` x 10^`scale` pounds a kWh."""
    return price * 10 ** (scale + 8)


def random_load(random, twin):
    """Return what flows: powers by the reference's names, and a voltage of each phase."""
    return {
        "import": random.choice((0, 300, 1000, random.randrange(12000))),
        "export": random.choice((0, 0, random.randrange(4000))), "import_var": random.choice((0, 70)),
        "export_var": random.choice((0, 30)), "second": random.choice((0, random.randrange(4000))) if twin else 0,
        "voltage": random.choice((NOMINAL_DV, NOMINAL_DV, 2600, 1900)),
    }  # fmt: skip


def measurement(load):
    """Return a load as the meter measures it."""
    names = ("import", "export", "import_var", "export_var", "second")
    return Measurement(*[load[name] for name in names], voltage_dv=(load["voltage"],) * 3)


def random_steps(random, home, count, longest_s=40000):
    """Return what happens, as (method of the reference, its arguments); time may pass for `longest_s` at once."""
    steps = []
    for number in range(count):
        steps.append(("flow", random.randrange(1, longest_s), random_load(random, home["twin"])))
        what = random.randrange(15)
        if what < 3:
            steps.append(("enter", number + 1, random.choice((1, 10, 50, random.randrange(1, 200)))))
        elif what == 3:
            steps.append(("enter", random.randrange(number + 1), 50))
        elif what < 6:
            steps.append(("activate",))
        elif what < 8:
            steps.append(("close",))
        elif what == 8:
            steps.append(("adjust", random.randrange(-20000, 40000)))
        elif what == 9:
            steps.append(("adjust_debt", random.randrange(1, 4), random.randrange(-5000, 9000)))
        elif what == 10:
            steps.append(random.choice((("reset",), ("reset_counters",))))
        elif what == 11:
            steps.append(("set_mode", random.choice((CREDIT_MODE, PREPAYMENT_MODE, PREPAYMENT_MODE))))
        elif what == 13:
            steps.append(("command", random.choice((51, 52, 54))))
        elif what == 12:
            steps.append(("dark", random.choice((100, 3000, 50000, random.randrange(300000)))))
        elif random.randrange(2):
            steps.append(("new_tariff", random_tariff(random)))
        else:
            steps.append(("restart",))
    return steps


def carry_out(meter, home, step, cut_s=0):
    """Let a meter do a step, its time cut into pieces of `cut_s`; returns the meter, after a restart another."""
    what, given = step[0], step[1:]
    if what == "flow":
        end_s, load = meter.time_s + given[0], measurement(given[1])
        while meter.time_s < end_s:
            meter.advance(min(end_s, meter.time_s + cut_s) if cut_s else end_s, load)
        return meter
    if what == "restart":
        meter.commit(True)
        return restarted(home, meter.journal, meter.logs._open_store, meter.tokens)
    if what == "dark":
        meter = dark_of(meter, home, meter.time_s + given[0])
        meter.advance(meter.time_s, Measurement())
        return meter
    raised(MeterError, _ACTIONS[what], meter, *given)  # what is refused is not done
    meter.commit()
    meter.release()
    meter.advance(meter.time_s, Measurement())
    return meter


def dark_of(meter, home, until_s):
    """Return the meter of a home after an outage that ended at `until_s`."""
    return dark_until(meter, until_s, home["phases"], _given(home)["elements"])


def _reset(meter):
    for name in ("balance", "emergency_credit", "accumulated_debt"):
        meter.call("account.reset_" + name, 0)


def _adjust_debt(meter, number, amount):
    meter.call("account.adjust_" + ("time_debt_1", "time_debt_2", "payment_debt")[number - 1], amount)


_ACTIONS = {
    "enter": top_up,
    "activate": lambda meter: meter.call("account.activate_emergency_credit", 0),
    "close": lambda meter: meter.call("supply.close_by_customer", 0),
    "adjust": lambda meter, amount: meter.call("account.adjust_balance", amount),
    "adjust_debt": _adjust_debt,
    "reset": _reset,
    "reset_counters": lambda meter: meter.call("tariff_registers.run_script", 99),
    "set_mode": lambda meter, mode: meter.write("payment.mode", mode),
    "command": lambda meter, script: meter.call("supply.run_script", script),
    "new_tariff": set_tariff,
}  # fmt: skip


def follow(reference, step):
    """Let the reference do a step."""
    if step[0] == "new_tariff":
        give_tariff(reference, step[1])
    else:
        getattr(reference, step[0])(*step[1:])


def registers(meter):
    """Return import, the second element's, export, and the tariffs' registers by script, without those of 0."""
    return (
        meter.read("registers.active_import_wh"), meter.read("registers.secondary_active_import_wh"),
        meter.read("registers.active_export_wh"),
        by_script(
            meter.read("tariff_registers.tou_wh"), meter.read("tariff_registers.second_tou_wh"),
            meter.read("tariff_registers.blocks_wh")[:32],
        ),
    )  # fmt: skip


def by_script(tou_wh, second_wh, blocks_wh):
    """Return the registers that are not 0 as the reference names them."""
    found = {place + 1: value for place, value in enumerate(tou_wh)}
    found.update({place + 201: value for place, value in enumerate(second_wh or ())})
    found.update({(place // 8, place % 8 + 101): value for place, value in enumerate(blocks_wh)})
    return {key: value for key, value in found.items() if value}


def counters(meter):
    """Return the counters of the blocks as the reference has them."""
    return by_script((), (), meter.read("tariff_registers.blocks_wh")[32:])


def shown_account(meter, row=None):
    """Return the account as the reference has it: of now, or of a log's columns."""
    row = row or meter.payment.shown()
    return (row[0], row[1] if meter.payment.get("emergency_credit_active") else None) + tuple(row[2:])


def told(meter, begun_s):
    """Return the waiting events of the account as (code, seconds since the life began)."""
    found = []
    event = meter.take_event()
    while event:
        if event[0] in ACCOUNT_CODES:
            found.append((event[0], event[1] - begun_s))
        event = meter.take_event()
    return found


def rows(meter, name):
    """Return the rows of a log."""
    log = meter.log(name)
    return [log.row(place) for place in range(len(log))]


def check_logs(meter, reference, begun_s):
    """Compare every log that the reference keeps, as far back as the meter's goes."""
    halves = reference.logs["half_hour"]
    for name, columns in (("import_profile", (1, 5)), ("export_profile", (2, 4)), ("reactive_profile", (3,))):
        found = [row if reference.is_twin or name != "import_profile" else row[:2] for row in rows(meter, name)]
        wanted = columns if reference.is_twin or name != "import_profile" else columns[:1]
        expected = [(half[0] + begun_s,) + tuple([half[column] for column in wanted]) for half in halves]
        assert found == expected[-len(found) or len(expected) :], name
        assert len(found) == min(len(halves), 19056 if name == "import_profile" else 4464)
    days = reference.logs["day"]
    assert rows(meter, "daily_consumption") == [(day[0] + begun_s, day[-1]) for day in days if day[-1] is not None]
    assert rows(meter, "export_daily") == [(day[0] + begun_s, day[3]) for day in days[-31:]]
    for name, kept in (("daily_read", days[-31:]), ("billing", reference.logs["billing"][-12:])):
        found = [_read_row(row) for row in rows(meter, name)]
        expected = [(row[0] + begun_s, row[1], row[2] if reference.is_twin else 0, row[4]) for row in kept]
        assert found == expected, name
    for name, kept in (("prepayment_daily", days[-31:]), ("billing_prepayment", reference.logs["billing"][-12:])):
        found = [(row[0], row[1]) + tuple(row[3:]) for row in rows(meter, name)]
        assert found == [(row[0] + begun_s, row[5]) + row[7:11] for row in kept], name


def _read_row(row):
    blocks = []
    for block in row[-4:]:
        blocks.extend(block)
    return row[0], row[1], row[2], by_script(row[3], row[4], blocks)


def check(meter, reference, begun_s):
    """Compare everything that the reference knows of now."""
    assert registers(meter) == reference.registers()
    assert counters(meter) == reference.elements[0].counters
    assert shown_account(meter) == reference.account()
    assert meter.read("supply.state") == reference.supply
    assert meter.read("tariff.charge_rest") == reference.parts
    assert told(meter, begun_s) == reference.events
    reference.events = []


def compare(home, steps):
    """Let a meter and the reference live a life; raises AssertionError where they part."""
    meter, reference = meter_of(home), reference_of(home)
    for step in steps:
        meter = carry_out(meter, home, step)
        follow(reference, step)
        check(meter, reference, start_s(home))
    check_logs(meter, reference, start_s(home))
