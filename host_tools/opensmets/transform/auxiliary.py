"""Auxiliary controllers: their scripts and schedules (GBCS 23.1, ECS46c, ECS46d, ECS47).

A script's number tells what it does: `0xnA` in the older form (n the controller, A 01 on, 02 off, 11 and 12 on and off
for a time, 20 reset); in the newer one the high octet is direction (1 output, 2 input) and controller, the low
octet the level in percent, with its high bit set in schedules.
"""

from __future__ import annotations

from lxml import etree

from opensmets.duis.validation import InvalidRequest
from opensmets.layouts.axdr import Data
from opensmets.transform.moments import date
from opensmets.transform.paths import find, find_all, need, number, text_at
from opensmets.transform.schedules import days_of_week, row, special_day, special_days
from opensmets.transform.scope import Conversion, Scope

SCRIPT_TABLE = bytes.fromhex("00000A0067FF")
ACTIVATE, DEACTIVATE = 0x01, 0x02
#: What follows the controller's number in ECS47's scripts, by the request's element.
ACTIONS = {"ActivateALCSHCALCS": 0x11, "DeactivateALCSHCALCS": 0x12, "ResetALCSHCALCS": 0x20}
OUTPUT, INPUT = 0x10, 0x20
SCHEDULED = 0x80
#: What stands where the EUI of a HAN connected switch would.
OWN_SWITCH = bytes(8)


def switch_script(element: etree._Element, _: Scope) -> Data:
    """Make the script that switches one controller on, off or back to its schedule (ECS47)."""
    name, action = next((name, action) for name, action in ACTIONS.items() if find(element, name) is not None)
    return Data("u16", number(element, f"{name}:index") << 8 | action)


def level_script(element: etree._Element, _: Scope) -> Data:
    """Make the script that sets a controller's level (ECS47a, ECS47e)."""
    return Data("u16", _level(element))


def _level(element: etree._Element) -> int:
    direction = OUTPUT if find(element, "InputFromControlledLoad") is None else INPUT
    return (direction | number(element, ".:auxiliaryControllerN")) << 8 | number(element, "CommandedStateLevel")


def _script(schedule: etree._Element) -> int:
    action = find(schedule, "AuxiliaryControllerAction")
    if action is not None:
        return _level(action) | SCHEDULED
    switch = need(schedule, "ActivateDeactivateSwitch")
    return number(switch, ".:index") << 8 | (DEACTIVATE if find(switch, "ActivateSwitch") is None else ACTIVATE)


def _number_of(day: etree._Element) -> int:
    return int(text_at(day, ".:index") or text_at(day, ".:identifier") or 0)


def _special_days(body: etree._Element) -> list[etree._Element]:
    old = find_all(body, "ALCSHCALCSSpecialDays/ALCSHCALCSSpecialDay")
    return old or find_all(body, "AuxiliaryControllerSpecialDayDefinitions/AuxiliaryControllerSpecialDayDefinition")


def controller_days(element: etree._Element, _: Scope) -> Data:
    """Make the special day table of a controllers' calendar."""
    days = [(_number_of(day), day) for day in _special_days(element)]
    return Data("array", tuple(special_day(index, day, index) for index, day in days))


def controller_schedule(element: etree._Element, scope: Scope) -> Data:
    """Make the rows of a controllers' calendar."""
    count = max((_number_of(day) for day in _special_days(element)), default=0)
    schedules = find_all(element, "ALCSHCALCSConnectionSchedule") or find_all(element, "AuxiliaryControllerSchedule")
    return Data("array", tuple(_row(at, one, count, scope) for at, one in enumerate(schedules, 1)))


def _row(index: int, schedule: etree._Element, count: int, scope: Scope) -> Data:
    times = find(schedule, "ALCSScheduleDatesAndTime")
    if times is None:
        times = need(schedule, "AuxiliaryControllerSchedulePeriodAndTime")
    wanted = (_number_of(one) for one in find_all(schedule, "SpecialDaysApplicability"))
    bits = days_of_week(schedule), special_days(wanted, count)
    dates = date(need(times, "StartDate"), scope), date(need(times, "EndDate"), scope)
    return row(index, SCRIPT_TABLE, _script(schedule), need(times, "SwitchTime"), bits, dates)


def switch_identity(element: etree._Element, _: Scope) -> Data:
    """Make who a switch is: the EUI of a HAN connected one, zeros for the meter's own.

    Raises InvalidRequest when a HAN connected one is said to be all zeros.
    """
    written = text_at(element, "HCALCS")
    if written is None:
        return Data("octets", OWN_SWITCH)
    eui = bytes.fromhex(written.strip().replace("-", ""))
    if eui == OWN_SWITCH:
        raise InvalidRequest("SwitchTypeAndId/HCALCS: all zeros tell a switch of the meter's own; write ALCS instead")
    return Data("octets", eui)


CONVERSIONS: dict[str, Conversion] = {
    "switch_script": switch_script, "level_script": level_script, "controller_days": controller_days,
    "controller_schedule": controller_schedule, "switch_identity": switch_identity,
}  # fmt: skip
