"""What a schedule's entry does and when: days of the week, special days, switches and auxiliary controllers.

Reading chosen: a mask of special days has as many bits as the document defines special days.
"""

from __future__ import annotations

from opensmets.parse.nodes import Absent
from opensmets.parse.shape import Shape, text_in
from opensmets.parse.texts import Unfit
from opensmets.parse.tree import Element, add, local_name, qualified

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
#: Elements that define a special day, one each.
_SPECIAL_DAYS = ("SpecialDay", "ALCSHCALCSSpecialDay", "AuxiliaryControllerSpecialDayDefinition")


def _write_weekdays(bits: str, element: Element) -> None:
    if len(bits) != 7:
        raise Unfit("not seven days")
    for name, bit in zip(WEEKDAYS, bits, strict=True):
        if bit == "1":
            add(add(element, "DayOfWeekApplicability"), "DayOfWeekID", name)


def _read_weekdays(element: Element) -> str:
    days = {day.findtext(qualified("DayOfWeekID")) for day in element}
    return "".join("1" if name in days else "0" for name in WEEKDAYS)


def _special_days(element: Element) -> int:
    """Return how many special days the document defines: the length of every mask of them."""
    root = element.getroottree().getroot()
    definitions = [one for name in _SPECIAL_DAYS for one in root.iter(qualified(name))]
    return len(definitions)


def _mask(numbers: list[int], element: Element) -> str:
    bits = ["0"] * _special_days(element)
    for number in numbers:
        if not 1 <= number <= len(bits):
            raise Absent
        bits[number - 1] = "1"
    return "".join(bits)


def _write_special_day_ids(bits: str, element: Element) -> None:
    for number, bit in enumerate(bits[:20], 1):
        if bit == "1":
            add(add(element, "SpecialDayApplicability"), "SpecialDayID", str(number))


def _read_special_day_ids(element: Element) -> str:
    return _mask([int(text_in(day, "SpecialDayID")) for day in element], element)


def _special_day_attribute(attribute: str) -> Shape:
    """Return the shape of a mask as `SpecialDaysApplicability` elements that bear a number in an attribute."""

    def write(bits: str, element: Element) -> None:
        for number, bit in enumerate(bits[:20], 1):
            if bit == "1":
                add(element, "SpecialDaysApplicability").set(attribute, str(number))

    def read(element: Element) -> str:
        days = element.findall(qualified("SpecialDaysApplicability"))
        return _mask([int(day.get(attribute) or 0) for day in days], element)

    return Shape(write, read)


def _write_switch_action(selector: int, element: Element) -> None:
    switch, action = selector >> 8, selector & 0xFF
    if not 1 <= switch <= 5 or action not in (1, 2):
        raise Unfit("no switch action")
    place = add(element, "ActivateDeactivateSwitch")
    place.set("index", str(switch))
    add(place, "ActivateSwitch" if action == 1 else "DeactivateSwitch")


def _read_switch_action(element: Element) -> int:
    place = element.find(qualified("ActivateDeactivateSwitch"))
    if place is None or not len(place):
        raise Absent
    return int(place.get("index") or 0) << 8 | (1 if local_name(place[0]) == "ActivateSwitch" else 2)


def _write_controller_action(selector: int, element: Element) -> None:
    direction, controller, level = selector >> 12, selector >> 8 & 15, selector & 0x7F
    if direction not in (1, 2) or not 1 <= controller <= 5 or not selector & 0x80 or level > 100:
        raise Unfit("no auxiliary controller action")
    place = add(element, "AuxiliaryControllerAction")
    place.set("auxiliaryControllerN", str(controller))
    add(place, "CommandedStateLevel", str(level))
    if direction == 2:
        add(place, "InputFromControlledLoad")


def _read_controller_action(element: Element) -> int:
    place = element.find(qualified("AuxiliaryControllerAction"))
    if place is None:
        raise Absent
    direction = 1 if place.find(qualified("InputFromControlledLoad")) is None else 2
    controller = int(place.get("auxiliaryControllerN") or 0)
    return direction << 12 | controller << 8 | 0x80 | int(text_in(place, "CommandedStateLevel"))


SCHEDULE_SHAPES = {
    "weekdays": Shape(_write_weekdays, _read_weekdays),
    "special-day-ids": Shape(_write_special_day_ids, _read_special_day_ids),
    "special-day-indexes": _special_day_attribute("index"),
    "special-day-identifiers": _special_day_attribute("identifier"),
    "switch-action": Shape(_write_switch_action, _read_switch_action),
    "controller-action": Shape(_write_controller_action, _read_controller_action),
}
