"""What a DUIS request sets is what the matching read request tells, whatever the values: hypothesis makes requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, Phase, assume, given, note, settings
from hypothesis import strategies as st
from lxml import etree

from opensmets.duis.compose import NAMESPACE
from tests.host.duis_strategies import Rules, bodies
from tests.host.round_trip import Household, Trip, household_in_process

EXAMPLES = 10
#: All is set at once: what is future-dated is for tests that move the clock.
AT_ONCE: Rules = {"ExecutionDateTime": None}
#: Names of seasons: whatever makes no more than the 8 octets that a meter keeps.
SEASONS = st.text(st.characters(min_codepoint=33, max_codepoint=0x17F, exclude_categories=["Cc"]), max_size=8).filter(
    lambda name: len(name.encode()) <= 8
)
HALF_HOURS = st.integers(0, 47).map(lambda at: f"{at // 2:02}:{at % 2 * 30:02}:00.00Z")
_SWITCHING = (
    (r"^(ElecTariffElements/)?SwitchingTable/(.*)/DayName$", r"TariffSwitchingTable/\2/Day"),
    (r"^(ElecTariffElements/)?SwitchingTable/(.*)/ReferencedDayName", r"TariffSwitchingTable/\2/ReferencedElecDay"),
    (r"^(ElecTariffElements/)?SwitchingTable", "TariffSwitchingTable"),
    (r"^(ElecTariffElements/)?SpecialDays/(.*)/ReferencedDayName", r"TariffSwitchingTableSpecialDays/\2/ReferencedDay"),
    (r"^(ElecTariffElements/)?SpecialDays$", ""),
    (r"^(ElecTariffElements/)?SpecialDays", "TariffSwitchingTableSpecialDays"),
    (r"^ElecTariffElements/ThresholdMatrix/Thresholds", "TariffThresholdMatrix/ElecTariffThresholds"),
    (r"^ElecTariffElements/CurrencyUnits", "CurrencyUnitsLabel"),
)
_PRICES = (
    (r"^PriceElements/ElectricityPriceElements/\w+Tariff/BlockPrices", "TariffBlockPriceMatrix/TariffBlockPrices"),
    (r"^PriceElements/ElectricityPriceElements/\w+Tariff/TOUPrice", "TariffTOUPriceMatrix/TariffTOUPrice"),
    (r"^PriceElements/ElectricityPriceElement\[", "TariffTOUPriceMatrix/TariffTOUPrice["),
    (r"^PriceElements/ElectricityPriceElements/", "@"),
    (r"^PriceElements/", "@"),
)
_TARIFF_TABLES = ("TariffSwitchingTable", "TariffThresholdMatrix", "TariffBlockPriceMatrix", "TariffTOUPriceMatrix")


def tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def number_names(body: etree._Element) -> None:
    """Give days and weeks a name of their own each, in the order that they stand in, and thresholds no gap."""
    for name, inner in (("DayProfile", "DayName"), ("WeekProfile", "WeekName")):
        for at, profile in enumerate(body.iter(tag(name)), 1):
            profile.find(tag(inner)).text = str(at)
    for thresholds in body.iter(tag("Thresholds")):
        for at, threshold in enumerate(thresholds, 1):
            threshold.set("index", str(at))


def order_days_of_week(body: etree._Element) -> None:
    """Leave each day of the week once, in the week's order."""
    for place in body.iter(tag("DaysOfWeekApplicability")):
        days = {one.findtext(tag("DayOfWeekID")): one for one in place}
        place[:] = [days[name] for name in WEEK if name in days]


WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def number_buttons(body: etree._Element) -> None:
    """Give each of five auxiliary loads its place."""
    for at, button in enumerate(body, 1):
        button.set("index", str(at))


def number_phases(body: etree._Element) -> None:
    """Give each of three phases its settings."""
    for at, phase in enumerate(body.iter(tag("Phase")), 1):
        phase.text = str(at)


def define_special_days(body: etree._Element) -> None:
    """Number special days as they stand, leave out references to those that are not defined, order days of the week."""
    order_days_of_week(body)
    days = [one for name in SPECIAL_DAYS for one in body.iter(tag(name))]
    for at, day in enumerate(days, 1):
        day.set(day.keys()[0], str(at))
    applied = list(body.iter(tag("SpecialDaysApplicability"), tag("SpecialDayApplicability")))
    for place in {one.getparent() for one in applied if _special_day(one)}:
        told = {_special_day(one): one for one in place if _special_day(one)}
        at = min(place.index(one) for one in place if _special_day(one))
        for one in [one for one in place if _special_day(one)]:
            place.remove(one)
        place[at:at] = [told[number] for number in sorted(told) if number <= len(days)]


def _special_day(one: etree._Element) -> int:
    """Return the number of the special day that an element refers to; 0 for any other element."""
    if etree.QName(one).localname == "SpecialDaysApplicability" and one.attrib:
        return int(one.attrib.values()[0])
    return int(one.findtext(tag("SpecialDayID")) or 0)


SPECIAL_DAYS = ("SpecialDay", "ALCSHCALCSSpecialDay", "AuxiliaryControllerSpecialDayDefinition")


@dataclass(frozen=True)
class Case:
    """A trip, how its requests are made, and the meter that it goes to."""

    trip: Trip
    rules: Rules = field(default_factory=dict)
    repair: Callable[[etree._Element], None] | None = None
    elements: int = 1
    phases: int = 1
    operator: bool = False


#: What is added to registers, small enough that many additions do not overflow them.
MONEY: Rules = dict.fromkeys(
    ("AdjustMeterBalance", "TimeDebtRegister1", "TimeDebtRegister2", "PaymentDebtRegister"),
    st.integers(-10_000_000, 10_000_000).map(str),
)
#: A meter refuses to measure over no time.
PERIODS: Rules = {"AverageRMSVoltageMeasurementPeriod": st.integers(1, 0xFFFFFFFF).map(str)}
SWITCH, BOOST = "AuxiliaryLoadControlSwitch", r"BoostFunctionControl\1Value"
BOOSTS = {"ReadLogPeriod": {"StartDateTime": "2026-11-01T00:00:00Z", "EndDateTime": "2026-12-01T00:00:00Z"}}
FLAGS: Rules = {f"SuspendDebt{name}": st.sampled_from(("true", "false")) for name in ("Disabled", "Emergency")}
#: What stands in an answer though no request said so: prices of nothing, and a list of no days.
FREE, NO_DAY = r".*Price\[.*=0", r".*/DaysOfWeekApplicability="
_TARIFF: Rules = {"GasTariffElements": None, "GasPriceElements": None, "SeasonName": SEASONS, "StartTime": HALF_HOURS}
_PREPAYMENT = (
    (r"^UpdatePrepayConfigElectricity/MaxMeterBalance", "MaxCreditMaxMeterBalance"),
    (r"^UpdatePrepayConfigElectricity/MaxCreditThreshold", "CreditMaxCreditThreshold"),
    (r"/(ElectricitySpecialDays|SpecialDaysApplicability|DaysOfWeekApplicability)$", ""),
    (r"^.*(/ElectricitySpecialDays/SpecialDay\[\d+\])/Date", r"NonDisablementCalendar\1"),
    (r"^UpdatePrepayConfigElectricity/ElectricityNonDisablementCalendar", "NonDisablementCalendar"),
    (r"^UpdatePrepayConfigElectricity/", "@"),
)
_AVERAGES = (
    (r"^RMSVoltageCountersNotReset", ""),
    (r"AverageRMSVoltageMeasurementPeriod", ""),
)
_OPERATOR_ALERTS = "ElectricityNetworkOperatorAlertEventSettings/"
_ALERTS = "ElectricitySupplierAlertEventSettings/"


def alert_case(element: str, becomes: str, polyphase: bool = False) -> Case:
    """Return the case of one kind of alert settings; settings of another kind of meter go nowhere."""
    operator = "NetworkOperator" in element
    others = [one for one in ALERTS if one != element]
    rules: Rules = dict.fromkeys([*others, "GasSupplierAlerts", "GasSupplierAlertEventSettings"])
    if polyphase:
        rules = {**rules, "NetworkOperatorESMESinglePhase": None, "x81B7": st.just("Enable")}
    else:
        rules = {**rules, "NetworkOperatorESMEPolyPhase": None, "SupplierESMEPolyPhase": None}
    places = (("/(Supplier|NetworkOperator)ESME\\w+$", ""), (f"^{element}$", ""), (f"^{element}", becomes))
    trip = Trip(
        "6.22", "6.2.10", places, frame="ElectricityNetworkOperatorAlertEventSettings/" if operator else _ALERTS
    )
    return Case(trip, rules, operator=operator, phases=3 if polyphase else 1)


ALERTS = {
    "ElectricitySupplierAlerts": "ElectricitySupplierWANAlertSettings",
    "ElectricitySupplierHANAlertSettings": "ElectricitySupplierHANAlertSettings",
    "ElectricitySupplierAlarmSettings": "ElectricitySupplierAlarmSettings",
    "ElectricitySupplierLoggingSettings": "ElectricitySupplierLoggingSettings",
    "ElectricityNetworkOperatorAlerts": "ElectricityNetworkOperatorWANAlertSettings",
    "ElectricityNetworkOperatorLoggingSettings": "ElectricityNetworkOperatorLoggingSettings",
}

CASES = {
    "tariff": Case(
        Trip("1.1.1", "4.11.1", (*_SWITCHING, *_PRICES), whole=_TARIFF_TABLES, absent=FREE),
        _TARIFF,
        number_names,
    ),
    "second-tariff": Case(
        Trip("1.1.2", "4.11.2", (*_SWITCHING, *_PRICES), whole=_TARIFF_TABLES, absent=FREE),
        _TARIFF,
        number_names,
        2,
    ),
    "price": Case(Trip("1.2.1", "4.11.1", _PRICES, whole=_TARIFF_TABLES[2:], absent=FREE), {"GasPriceElements": None}),
    "second-price": Case(Trip("1.2.2", "4.11.2", _PRICES, whole=_TARIFF_TABLES[2:], absent=FREE), elements=2),
    "prepayment": Case(
        Trip("2.1", "4.13", _PREPAYMENT, whole=("NonDisablementCalendar",), absent=r".*/(Days|SpecialDays)\w+="),
        {"UpdatePrepayConfigGas": None},
        define_special_days,
    ),
    "debt": Case(
        Trip("2.3", "4.13", ((r"^(TimeDebtRegister|PaymentDebtRegister)", ""), ("^ElecDebtRecovery", "DebtRecovery"))),
        {**MONEY, "GasDebtRecovery1": None, "GasDebtRecovery2": None},
    ),
    "debt-registers": Case(
        Trip("2.3", "4.3", (("^DebtRecoveryPerPayment|^ElecDebtRecovery", ""),), adds=True),
        {**MONEY, "GasDebtRecovery1": None, "GasDebtRecovery2": None},
    ),
    "prepayment-mode": Case(Trip("1.6", "4.13", (("^Prepayment/", "@"),)), {"Credit": None, **FLAGS}),
    "prepayment-mode-twin": Case(Trip("1.6", "4.13", (("^Prepayment/", "@"),)), {"Credit": None, **FLAGS}, elements=2),
    "balance": Case(
        Trip("1.5", "4.18", (("^CreditMode/Adjust", ""),), adds=True),
        {**MONEY, "ResetMeterBalance": None, "PrepaymentMode": None},
    ),
    "load-limit": Case(Trip("6.4.1", "4.15")),
    "voltage": Case(Trip("6.5", "6.2.1", _AVERAGES), {"PolyPhaseVoltageSettings": None, **PERIODS}, operator=True),
    "voltage-polyphase": Case(
        Trip("6.5", "6.2.1", (*_AVERAGES, (r"^PolyPhaseVoltageSettings#\d", ""))),
        {"SinglePhaseVoltageSettings": None, **PERIODS},
        number_phases,
        phases=3,
        operator=True,
    ),
    "billing": Case(
        Trip("6.8", "6.2.3", (("^Electricity", "BillingCalendar/Electricity"),), whole=("BillingCalendar",)),
        {"GasBillingCalendar": None},
    ),
    "power-thresholds": Case(Trip("6.12", "6.2.5")),
    "switch-labels": Case(
        Trip(
            "6.14.1",
            "7.7",
            ((r"^ALCSHCALCSDescription(.*)/SwitchDescription", r"AuxiliaryLoadControlSwitch\1/Description"),),
        )
    ),
    "switch-schedule": Case(
        Trip(
            "6.14.2",
            "7.7",
            (
                (r"DaysOfWeekApplicability$|^ALCSHCALCSSpecialDays$", ""),
                ("^ALCSHCALCSConnectionSchedule", "ALCSScheduler"),
                (r"^SwitchTypeAndId(\[.\])/ALCS", rf"{SWITCH}\1/TypeAndIdentifier/ALCS"),
                (r"^SwitchTypeAndId(\[.\])/HCALCS", rf"{SWITCH}\1/TypeAndIdentifier/HCALCS"),
            ),
            whole=("ALCSScheduler", "ALCSHCALCSSpecialDays"),
            absent=NO_DAY,
        ),
        {},
        define_special_days,
    ),
    "controller-schedule": Case(
        Trip(
            "6.14.3",
            "7.14",
            ((r"DaysOfWeekApplicability$|^AuxiliaryControllerSpecialDayDefinitions$", ""),),
            whole=("AuxiliaryControllerSchedule", "AuxiliaryControllerSpecialDayDefinitions"),
            absent=NO_DAY,
        ),
        {},
        define_special_days,
    ),
    "demand-period": Case(
        Trip("6.18.1", "4.12.1", (("^MaximumDemandTimePeriodSchedule", "MaxDemandConfigurableTimePeriod"),)),
        operator=True,
    ),
    "import-mpan": Case(Trip("6.20.1", "6.2.7", (("^ImportMPANs/", "@"),)), {"ImportMPRN": None}),
    "export-mpan": Case(Trip("6.20.2", "6.2.7")),
    "tamper-state": Case(Trip("6.25", "6.2.4")),
    "boost-add": Case(
        Trip(
            "7.9",
            "7.11",
            ((r"^AddToBoostButton\[(.)\]", BOOST),),
            {"1": "true"},
            content=BOOSTS,
        ),
        {"AddToBoostButton": st.sampled_from(("true", "1"))},
        number_buttons,
    ),
    "boost-remove": Case(
        Trip(
            "7.10",
            "7.11",
            ((r"^RemoveFromBoostButton\[(.)\]", BOOST),),
            {"1": "false", "true": "false"},
            content=BOOSTS,
        ),
        {"RemoveFromBoostButton": st.sampled_from(("true", "1"))},
        number_buttons,
    ),
    "offset-limit": Case(Trip("7.12", "6.2.2")),
    **{f"alerts-{name}": alert_case(name, place) for name, place in ALERTS.items()},
    **{f"alerts-polyphase-{name}": alert_case(name, place, True) for name, place in ALERTS.items()},
}


@cache
def household(elements: int, phases: int) -> Household:
    return household_in_process(Path(mkdtemp()), elements=elements, phases=phases)[0]


def go_there_and_back(meter: Household, case: Case, examples: int) -> None:
    """Draw requests of a case, send each to a meter, and judge what is read after it."""
    party = meter.operator if case.operator else None

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,), report_multiple_bugs=False,
    )  # fmt: skip
    @given(body=bodies(case.trip.variant, {**AT_ONCE, **case.rules}, case.repair))
    def there_and_back(body: etree._Element) -> None:
        note(etree.tostring(body).decode().replace(f' xmlns:ns0="{NAMESPACE}"', "").replace("ns0:", ""))
        assume(meter.fits(case.trip.variant, body))
        before = meter.ask(case.trip.read, party=party, content=case.trip.content) if case.trip.adds else None
        meter.ask(case.trip.variant, body, party)
        case.trip.judge(body, meter.ask(case.trip.read, party=party, content=case.trip.content), before)

    there_and_back()


@pytest.mark.parametrize("name", CASES)
def test_what_is_set_is_read(name: str) -> None:
    case = CASES[name]
    go_there_and_back(household(case.elements, case.phases), case, EXAMPLES)
