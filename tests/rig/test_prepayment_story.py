"""A prepayment household as a story on a real meter: a week that ends in the dark, and what brings the light back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opensmets.cli.conversation import Refused
from opensmets.errors import SmetsError
from opensmets.rig.reply import ItemRefused

pytestmark = pytest.mark.xdist_group("rig_prepayment")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday
LOW, OFFERED, ACTIVATED, EXHAUSTED, BELOW, PUT_OFF, ARMED = 0x810D, 0x8119, 0x81AB, 0x81AA, 0x8F0F, 0x8F83, 0x8F32
NIGHT, DAY = 1, 2
"""Times of use: 10 pence a kWh until 7 o'clock, 30 pence from then on."""
EVERY_DAY = {
    "DayOfWeekApplicability": [
        {"DayOfWeekID": day} for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    ]
}


def tariff() -> dict[str, Any]:
    """Return two rates for every day of the year, and a standing charge of 40 pence a day."""
    new_years_day = {
        "Year": {"NonSpecifiedYear": {}}, "Month": {"SpecifiedMonth": 1},
        "DayOfMonth": {"SpecifiedDayOfMonth": 1}, "DayOfWeek": {"NonSpecifiedDayOfWeek": {}},
    }  # fmt: skip
    schedule = [
        {"StartTime": "00:00:00.00Z", "TOUTariffAction": NIGHT},
        {"StartTime": "07:00:00.00Z", "TOUTariffAction": DAY},
    ]
    week = {"WeekName": 1, "ReferencedDayName": [{"@index": day, "": 1} for day in range(1, 8)]}
    season = {"SeasonName": "all year", "SeasonStartDate": new_years_day, "ReferencedWeekName": 1}
    endless = {"BlockThreshold": [{"@index": 1, "": 0xFFFFFFFF}]}
    return {
        "ElecTariffElements": {
            "CurrencyUnits": "GBP",
            "SwitchingTable": {
                "DayProfiles": {"DayProfile": [{"DayName": 1, "ProfileSchedule": schedule}]},
                "WeekProfiles": {"WeekProfile": [week]},
                "Seasons": {"Season": [season]},
            },
            "SpecialDays": {},
            "ThresholdMatrix": {"Thresholds": [{"@index": index, **endless} for index in range(1, 9)]},
        },
        "PriceElements": {
            "ElectricityPriceElements": {
                "StandingCharge": 40, "StandingChargeScale": -2, "PriceScale": -5,
                "TOUTariff": {"TOUPrice": [{"@index": NIGHT, "": 10000}, {"@index": DAY, "": 30000}]},
            }
        },
    }  # fmt: skip


def prepayment() -> dict[str, Any]:
    """Return 5 pounds of emergency credit below 1 pound, and nights in which nobody is left in the dark."""

    def entry(script: str, clock: str) -> dict[str, Any]:
        when = {"SwitchTime": clock, "StartDate": "65535-01-01Z", "EndDate": "65535-12-31Z"}
        return {
            "NonDisablementScript": script, "SpecialDaysApplicability": {}, "DaysOfWeekApplicability": EVERY_DAY,
            "ScheduleDatesAndTime": when,
        }  # fmt: skip

    nights = [entry("START", "18:00:00.00Z"), entry("STOP", "09:00:00.00Z")]
    calendar = {"ElectricitySpecialDays": {}, "ElectricityNonDisablementSchedule": nights}
    return {
        "UpdatePrepayConfigElectricity": {
            "DebtRecoveryRateCap": 150, "EmergencyCreditLimit": 500_000, "EmergencyCreditThreshold": 100_000,
            "LowCreditThreshold": 200_000, "ElectricityNonDisablementCalendar": calendar,
            "MaxMeterBalance": 100_000_000, "MaxCreditThreshold": 10_000_000,
        }
    }  # fmt: skip


def debts() -> dict[str, Any]:
    """Return 2.40 pounds at 10 pence a day, and 20 pounds of which a tenth of each payment is taken."""
    daily = {"DebtRecoveryRatePriceScale": -2, "DebtRecoveryRatePeriod": "DAILY"}
    return {
        "TimeDebtRegister1": 240_000, "TimeDebtRegister2": 0, "PaymentDebtRegister": 2_000_000,
        "DebtRecoveryPerPayment": 1000,
        "ElecDebtRecovery1": {"DebtRecoveryRate": 10, **daily}, "ElecDebtRecovery2": {"DebtRecoveryRate": 0, **daily},
    }  # fmt: skip


@pytest.fixture
def household(bench, supplier):
    """A household of half a kilowatt, put on prepayment at New Year with 4.50 pounds."""
    bench.load(import_w=500)
    supplier.ask("1.1.1", tariff())
    supplier.ask("2.1", prepayment())
    supplier.ask("2.3", debts())
    supplier.top_up("5.00")  # a tenth of it pays debt
    suspend = {"SuspendDebtDisabled": True, "SuspendDebtEmergency": True, "DisablementThreshold": 0}
    supplier.ask("1.6", {"Prepayment": suspend})
    return supplier


def account(supplier) -> tuple[int, ...]:
    """Return balance, emergency credit, accumulated debt, time debt and payment debt, in millipence."""
    values = supplier.ask("4.3")
    names = "MeterBalance", "EmergencyCreditBalance", "AccumulatedDebtRegister", "TimeDebtRegister1"
    return tuple(values.number(name) for name in (*names, "PaymentDebtRegister"))


def imported(supplier) -> int:
    return supplier.read("registers").number("ActiveImportRegister/Value")


def live_to_the_dark(bench, household) -> None:
    """Live until Sunday morning: the credit is gone at 6, and the supply at 9."""
    # Thursday: 3.5 kWh at night and 8.5 by day are 2.90; midnight takes 40 pence, and 10 of the debt
    bench.advance_to(NEW_YEAR + timedelta(days=1))
    assert account(household) == (450_000 - 290_000 - 50_000, 0, 0, 230_000, 1_950_000)
    household.alert(LOW)

    # Friday at 2 less than a pound is left: emergency credit can be had, and at 10 the customer takes it
    with pytest.raises(SmetsError, match="no alert 0x8119"):
        household.alert(OFFERED, timeout_s=0.1)
    bench.advance_to(NEW_YEAR + timedelta(days=1, hours=10))
    household.alert(OFFERED)
    bench.press("emergency")
    household.alert(ACTIVATED)
    assert account(household)[:2] == (30_000, 500_000)

    # the balance lasts until noon; in emergency credit charge and debt are put by: 50 pence each midnight
    bench.advance_to(NEW_YEAR + timedelta(days=2))
    assert account(household) == (0, 320_000, 50_000, 220_000, 1_950_000)
    bench.advance_to(NEW_YEAR + timedelta(days=3))
    assert account(household) == (0, 30_000, 100_000, 210_000, 1_950_000)

    # Sunday: 30 pence are 3 kWh until 6 o'clock, but nobody is left in the dark before 9
    bench.advance_to(NEW_YEAR + timedelta(days=3, hours=8, minutes=59, seconds=59))
    for code in (EXHAUSTED, BELOW, PUT_OFF):
        household.alert(code)
    assert household.supply("status").text("SupplyState") == "Enabled"
    bench.let_pass(seconds=1)
    assert household.supply("status").text("SupplyState") == "Disabled"
    # 500 Wh at 10 pence, 1 kWh at 30 pence
    assert account(household)[:2] == (-35_000, 0) and imported(household) == 3 * 12_000 + 4_500


def test_a_week_ends_in_the_dark_on_the_right_half_hour(bench, household) -> None:
    live_to_the_dark(bench, household)
    bench.advance_to(NEW_YEAR + timedelta(days=4, hours=10))
    assert imported(household) == 3 * 12_000 + 4_500
    # Monday: the standing charge goes on in the dark, the debt does not
    assert account(household) == (-35_000, 0, 140_000, 210_000, 1_950_000)


@pytest.mark.parametrize("closed_by", ["customer", "supplier"])
def test_a_top_up_repays_in_its_order_and_arms(bench, household, closed_by: str) -> None:
    live_to_the_dark(bench, household)
    bench.advance_to(NEW_YEAR + timedelta(days=4, hours=10))
    # 20 pounds: 1.50 of debt are the most of a week, 1.40 were put by, 5.00 were lent
    household.top_up("20.00")
    household.alert(ARMED)
    assert account(household) == (-35_000 + 1_210_000, 500_000, 0, 210_000, 1_800_000)
    bench.let_pass(hours=1)
    assert imported(household) == 3 * 12_000 + 4_500
    if closed_by == "customer":
        bench.press("supply")
    else:
        household.supply("enable")
    bench.let_pass(hours=1)
    assert household.supply("status").text("SupplyState") == "Enabled"
    assert imported(household) == 3 * 12_000 + 5_000


def test_a_top_up_above_the_maximum_credit_leaves_the_account(household) -> None:
    before = account(household)
    with pytest.raises((ItemRefused, Refused)):
        household.top_up("101.00")  # above the maximum credit
    assert account(household) == before
