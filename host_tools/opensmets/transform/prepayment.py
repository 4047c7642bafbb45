"""Prepayment: the non-disablement calendar and which charges are collected from which credit (GBCS ECS03, ECS08)."""

from __future__ import annotations

from lxml import etree

from opensmets.layouts.axdr import Data
from opensmets.transform.moments import plain_date
from opensmets.transform.paths import find_all, need, number, text
from opensmets.transform.schedules import days_of_week, row, special_day, special_days
from opensmets.transform.scope import Conversion, Scope

SCRIPTS = {"START": 32, "STOP": 33}
NON_DISABLEMENT_TABLE = bytes.fromhex("00000A006AFF")
#: Instances of the credits (0-0:19.10.n) and charges (0-0:19.20.n).
METER_BALANCE, EMERGENCY_CREDIT, ACCUMULATED_DEBT = 0, 1, 2
TARIFF, TIME_DEBT_1, TIME_DEBT_2, PAYMENT_DEBT, STANDING_CHARGE, SECONDARY_TARIFF = range(6)
TIME_DEBTS = (TIME_DEBT_1, TIME_DEBT_2)
#: Collection: always, or not while the supply is disabled.
ALWAYS, NOT_DISABLED = "111", "110"
_BASIC = (
    (METER_BALANCE, TARIFF), (METER_BALANCE, STANDING_CHARGE), (METER_BALANCE, TIME_DEBT_1),
    (METER_BALANCE, TIME_DEBT_2), (METER_BALANCE, PAYMENT_DEBT), (EMERGENCY_CREDIT, PAYMENT_DEBT),
    (EMERGENCY_CREDIT, TARIFF), (EMERGENCY_CREDIT, STANDING_CHARGE), (EMERGENCY_CREDIT, TIME_DEBT_1),
    (EMERGENCY_CREDIT, TIME_DEBT_2),
)  # fmt: skip
_SUSPENDED = ((ACCUMULATED_DEBT, STANDING_CHARGE), (ACCUMULATED_DEBT, TIME_DEBT_1), (ACCUMULATED_DEBT, TIME_DEBT_2))
_TWIN = ((METER_BALANCE, SECONDARY_TARIFF), (EMERGENCY_CREDIT, SECONDARY_TARIFF))


def charge_references(element: etree._Element, scope: Scope) -> Data:
    """Make a prepayment account's collection of charges (class 111 attribute 11) of SuspendDebt flags.

    Debt suspended while emergency credit is in use gathers in the accumulated debt; a meter of two elements has a
    tariff more. Where both are so the reference shows no order: ours is accumulated debt first.
    """
    disabled, emergency = (
        text(element, f"SuspendDebt{name}").strip() in ("true", "1") for name in ("Disabled", "Emergency")
    )
    time_debts = NOT_DISABLED if disabled else ALWAYS
    rows = [_reference(credit, charge, time_debts if charge in TIME_DEBTS else ALWAYS) for credit, charge in _BASIC]
    rows += [_reference(credit, charge, ALWAYS) for credit, charge in _SUSPENDED if emergency]
    rows += [_reference(credit, charge, ALWAYS) for credit, charge in _TWIN if scope.facts["twin"]]
    return Data("array", tuple(rows))


def _reference(credit: int, charge: int, collection: str) -> Data:
    names = (Data("octets", bytes((0, 0, 19, 10, credit, 255))), Data("octets", bytes((0, 0, 19, 20, charge, 255))))
    return Data("structure", (*names, Data("bits", collection)))


def non_disablement_days(element: etree._Element, _: Scope) -> Data:
    """Make the special days of an ElectricityNonDisablementCalendar."""
    days = find_all(element, "ElectricitySpecialDays/SpecialDay")
    numbered = [(number(day, ".:index"), need(day, "Date")) for day in days]
    return Data("array", tuple(special_day(index, date, index) for index, date in numbered))


def non_disablement_schedule(element: etree._Element, scope: Scope) -> Data:
    """Make the rows of an ElectricityNonDisablementCalendar."""
    days = [number(day, ".:index") for day in find_all(element, "ElectricitySpecialDays/SpecialDay")]
    schedules = find_all(element, "ElectricityNonDisablementSchedule")
    return Data("array", tuple(_row(at, one, max(days, default=0), scope) for at, one in enumerate(schedules, 1)))


def _row(index: int, schedule: etree._Element, days: int, scope: Scope) -> Data:
    wanted = find_all(schedule, "SpecialDaysApplicability/SpecialDayApplicability")
    bits = days_of_week(schedule), special_days((number(one, "SpecialDayID") for one in wanted), days)
    times = need(schedule, "ScheduleDatesAndTime")
    dates = plain_date(need(times, "StartDate"), scope), plain_date(need(times, "EndDate"), scope)
    script = SCRIPTS[text(schedule, "NonDisablementScript")]
    return row(index, NON_DISABLEMENT_TABLE, script, need(times, "SwitchTime"), bits, dates)


CONVERSIONS: dict[str, Conversion] = {
    "charge_references": charge_references,
    "non_disablement_days": non_disablement_days,
    "non_disablement_schedule": non_disablement_schedule,
}
