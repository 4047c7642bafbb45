"""Money at the limits of its registers, prices below nothing, and failures in the middle of what flows."""

from smets.meter.measurement import Measurement
from tests.firmware.account_world import prepaid, top_up
from tests.firmware.meter_world import DAY_S, HOUR_S, START_S, make_meter
from tests.firmware.test_meter import raised

LEAST, MOST = -0x80000000, 0x7FFFFFFF


def balance(meter):
    return meter.read("payment.meter_balance_millipence")


def test_a_price_below_nothing_pays_the_customer():
    meter = prepaid(1000, price=-30)
    meter.advance(START_S + HOUR_S, Measurement(1000))
    assert balance(meter) == 1000 + 30000 and meter.read("supply.state") == 1
    assert meter.read("prices.active_price_millipence") == 0  # what is shown has no sign


def test_a_balance_ends_at_the_limits_of_its_register():
    meter = prepaid(MOST - 10, price=-30)
    meter.advance(START_S + HOUR_S, Measurement(1000))
    assert balance(meter) == MOST
    meter = prepaid(LEAST + 10, price=30)
    meter.write("payment.mode", 1)
    meter.advance(START_S + HOUR_S, Measurement(1000))
    assert balance(meter) == LEAST


def test_any_price_that_can_be_sent_is_survived():
    for price in (-0x8000, -1, 0, 1, 0x7FFF):
        for scale in (-128, -14, -5, 0, 4, 127):
            meter = prepaid(0, price=price, standing_charge=price, standing_charge_scale=scale)
            meter.write("prices.scale", scale)
            meter.write("payment.mode", 1)
            meter.advance(START_S + DAY_S, Measurement(2000))
            assert LEAST <= balance(meter) <= MOST and meter.read("registers.active_import_wh") == 48000
            assert (balance(meter) > 0) <= (price < 0), (price, scale)


def test_a_top_up_at_the_limit_is_refused_and_below_it_taken():
    meter = prepaid(MOST - 1000)
    top_up(meter, 1, 1)
    assert balance(meter) == MOST
    assert raised(Exception, top_up, meter, 2, 1) and balance(meter) == MOST


def test_a_block_that_ends_when_the_heap_is_at_its_end_counts_its_energy_once():
    for failure in (MemoryError, OSError):
        meter = make_meter()
        meter.write("calendar.days", [(1, [(bytes(4), 101)])])
        meter.write("calendar.weeks", [(b"\x01", 1, 1, 1, 1, 1, 1, 1)])
        meter.write("calendar.seasons", [(b"all", b"\xff\xff\x01\x01\xff" + bytes(7), b"\x01")])
        meter.write("prices.thresholds_1_wh", [500, 0xFFFFFFFF, 0xFFFFFFFF])
        meter.write("prices.prices", [(b"\xa1", 10), (b"\xb1", 20)])
        meter.write("prices.scale", -2)
        meter.advance(START_S + 1000, Measurement(1000))
        enter = meter.tariff._enter_block

        def fail(enter=enter, failure=failure):
            enter()
            raise failure

        meter.tariff._enter_block = fail
        for _ in range(3):
            assert raised(failure, meter.advance, START_S + HOUR_S, Measurement(1000))
        meter.tariff._enter_block = enter
        meter.advance(START_S + HOUR_S, Measurement(1000))
        assert meter.read("registers.active_import_wh") == 1000 and meter.time_s == START_S + HOUR_S
        blocks = meter.read("tariff_registers.blocks_wh")
        assert (blocks[0], blocks[8]) == (500, 500)
        assert balance(meter) == -500 * 10 - 500 * 20
        profile = [row[:2] for row in meter.log("logs.import_profile").rows()]
        assert profile == [(START_S + HOUR_S, 500)]


def test_a_credit_that_could_not_be_kept_leaves_no_row():
    meter = prepaid(0)
    meter.write("payment.payment_debt_millipence", 5000)
    meter.write("credit.debt_share", 5000)
    meter.commit()
    commit = meter.commit

    def fail(everything=False):
        if everything:
            raise OSError(28)
        commit()

    meter.commit = fail
    assert raised(OSError, meter.call, "credit.enter_token_locally", b"1:10")
    meter.commit = commit
    meter.commit(True)
    assert len(meter.log("logs.credits")) == len(meter.log("logs.debt_payments")) == balance(meter) == 0
    meter.call("credit.enter_token_locally", b"2:10")
    assert [row[1] for row in meter.log("logs.credits").rows()] == [10000]
    assert [row[1] for row in meter.log("logs.debt_payments").rows()] == [5000]
