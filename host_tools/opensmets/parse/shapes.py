"""Values that take several elements: dates with wildcards, days of the week, special days, log events, actions.

A shape is a pair of functions over an element: `write` fills it, or raises Unfit; `read` gives the value back, or
raises ValueError or Absent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opensmets.catalogue.alert_codes import event_name
from opensmets.layouts.axdr import Data, RowType
from opensmets.parse.nodes import Absent, check_type
from opensmets.parse.texts import Unfit
from opensmets.parse.tree import Element, ParseError, Path, add, local_name, qualified

MAX_MEANING = 200
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
#: Elements that define a special day, one each.
_SPECIAL_DAYS = ("SpecialDay", "ALCSHCALCSSpecialDay", "AuxiliaryControllerSpecialDayDefinition")
_MIDNIGHT_UTC = bytes.fromhex("000000008000FF")


@dataclass(frozen=True, slots=True)
class Shape:
    """A pair of functions between a value and the content of an element."""

    write: Callable[[Any, Element], None]
    read: Callable[[Element], Any]


@dataclass(frozen=True, slots=True)
class ShapeLeaf:
    """One value whose element has elements (a node, as in `nodes`)."""

    type: str
    shape: Shape
    path: Path

    def write(self, data: Data, at: Element, row: int = 0) -> None:
        """Fill the element; nothing of it stays when the schema has no room for the value."""
        check_type(data, self.type)
        before = self.path.find(at, row)
        element = self.path.make(at, row)
        try:
            self.shape.write(data.value, element)
        except Unfit:
            if before is None:
                self.path.remove(at, row)

    def read(self, at: Element, row: int = 0) -> Data:
        """Return the value that the element holds."""
        element = self.path.find(at, row)
        if element is None:
            raise Absent
        try:
            return Data(self.type, self.shape.read(element))
        except ValueError:
            raise ParseError(f"{local_name(element)} does not hold a value that this package writes") from None

    def row_type(self) -> RowType:
        """Return the type."""
        return RowType(self.type)


def _text(element: Element, name: str) -> str:
    text = element.findtext(qualified(name))
    if text is None:
        raise Absent
    return text


# parts of the MMC type Date: element, its name when unspecified (FF), and other values by name
_MONTH = ("Month", 1, 12, {0xFF: "NonSpecifiedMonth"})
_DAY = (
    "DayOfMonth", 1, 31,
    {0xFF: "NonSpecifiedDayOfMonth", 0xFE: "LastDayOfMonth", 0xFD: "SecondLastDayOfMonth"},
)  # fmt: skip
_WEEKDAY = ("DayOfWeek", 1, 7, {0xFF: "NonSpecifiedDayOfWeek"})
_YEAR = ("Year", 2014, 9999, {0xFFFF: "NonSpecifiedYear"})


def _date_part(number: int, part: tuple[str, int, int, dict[int, str]]) -> tuple[str, str, str | None]:
    name, low, high, others = part
    if number in others:
        return name, others[number], None
    if not low <= number <= high:
        raise Unfit(f"no {name}")
    return name, f"Specified{name}", str(number)


def write_date(octets: bytes, element: Element) -> None:
    """Write a COSEM date (5 octets) as the MMC type Date. Raises Unfit for what that cannot say."""
    if len(octets) != 5:
        raise Unfit("not five octets")
    numbers = (int.from_bytes(octets[:2], "big"), *octets[2:])
    parts = [_date_part(*pair) for pair in zip(numbers, (_YEAR, _MONTH, _DAY, _WEEKDAY), strict=True)]
    for name, choice, text in parts:
        add(add(element, name), choice, text)


def read_date(element: Element) -> bytes:
    """Return the 5 octets of an MMC Date."""
    numbers = []
    for name, _, _, others in (_YEAR, _MONTH, _DAY, _WEEKDAY):
        part = element.find(qualified(name))
        if part is None or not len(part):
            raise Absent
        codes = {choice: number for number, choice in others.items()}
        numbers.append(codes.get(local_name(part[0])) or int(part[0].text or ""))
    return numbers[0].to_bytes(2, "big") + bytes(numbers[1:])


def _write_midnight(octets: bytes, element: Element) -> None:
    if octets[5:] != _MIDNIGHT_UTC:
        raise Unfit("not midnight UTC, and a Date has no time")
    write_date(octets[:5], element)


def _write_event(code: int, element: Element) -> None:
    add(element, "LogCode", f"{code:04X}")
    add(element, "LogMeaning", event_name(code)[:MAX_MEANING])


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
    return _mask([int(_text(day, "SpecialDayID")) for day in element], element)


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


def _write_tariff_action(selector: int, element: Element) -> None:
    if 1 <= selector <= 48:
        add(element, "TOUTariffAction", str(selector))
    elif 101 <= selector <= 108:
        add(element, "BlockTariffAction", str(selector - 100))
    else:
        raise Unfit("no tariff action")


def _read_tariff_action(element: Element) -> int:
    block = element.findtext(qualified("BlockTariffAction"))
    return 100 + int(block) if block is not None else int(_text(element, "TOUTariffAction"))


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
    return direction << 12 | controller << 8 | 0x80 | int(_text(place, "CommandedStateLevel"))


# block number, then for each block 8 registers; then the same for its counters (ECS17e)
_BLOCKS, _TIMES_OF_USE = 4, 8


def _write_block_registers(numbers: tuple[Data, ...], element: Element) -> None:
    if len(numbers) != 2 * _BLOCKS * _TIMES_OF_USE or any(number.type != "u32" for number in numbers):
        raise Unfit("not a register and a counter for each block and time of use")
    for block in range(_BLOCKS):
        place = add(element, "TariffBlock")
        place.set("index", str(block + 1))
        for half, name in enumerate(("RegisterMatrixTOUValue", "CounterMatrixTOUValue")):
            start = (half * _BLOCKS + block) * _TIMES_OF_USE
            for index, number in enumerate(numbers[start : start + _TIMES_OF_USE], 1):
                add(place, name, str(number.value)).set("index", str(index))


def _read_block_registers(element: Element) -> tuple[Data, ...]:
    halves = ("RegisterMatrixTOUValue", "CounterMatrixTOUValue")
    return tuple(
        Data("u32", int(number.text or ""))
        for name in halves
        for block in element.findall(qualified("TariffBlock"))
        for number in block.findall(qualified(name))
    )


def _clock_state(status: int) -> str:
    """Return what a clock status (Blue Book 4.1.6.1) makes of the time: bits 0 and 3 invalid, 1 and 2 doubtful."""
    if status & 0b1001:
        return "invalid"
    return "unreliable" if status & 0b0110 else "reliable"


def _write_time_status(status: int, element: Element) -> None:
    element.set("TimeStatusCode", str(status))
    add(element, "TimeStatus", _clock_state(status))


_SWITCH_ACTIONS = {
    0x11: "On", 0x12: "Off", 0x20: "Revert to calendar control", 0x00: "Entry relates to a Message from an HC ALCS",
}  # fmt: skip
_INPUT = "InputFromControlledLoad"


def _write_auxiliary_event(code: int, element: Element) -> None:
    direction, switch, action = code >> 12, code >> 8 & 15, code & 0xFF
    if not 1 <= switch <= 5:
        raise Unfit("no such switch")
    if direction == 0 and action in _SWITCH_ACTIONS:
        add(element, "SwitchNumber", str(switch))
        add(element, "SwitchAction", _SWITCH_ACTIONS[action])
    elif direction in (1, 2) and 0x80 <= action <= 0x80 + 100:
        add(element, "SwitchNumber", str(switch))
        add(element, "AuxiliaryControllerLevel", str(action - 0x80))
        if direction == 2:
            add(element, _INPUT)
    else:
        raise Unfit("no such action")


def _read_auxiliary_event(element: Element) -> int:
    switch = int(_text(element, "SwitchNumber")) << 8
    action = element.findtext(qualified("SwitchAction"))
    if action is not None:
        codes = {name: code for code, name in _SWITCH_ACTIONS.items()}
        return switch | codes.get(action, 0)
    direction = 1 if element.find(qualified(_INPUT)) is None else 2
    return direction << 12 | switch | 0x80 | int(_text(element, "AuxiliaryControllerLevel"))


def _write_controller(code: int, element: Element) -> None:
    direction, controller = code >> 4, code & 15
    if direction not in (1, 2) or not 1 <= controller <= 5:
        raise Unfit("no such controller")
    add(element, "AuxiliaryControllerN", str(controller))
    if direction == 2:
        add(element, _INPUT)


def _read_controller(element: Element) -> int:
    direction = 1 if element.find(qualified(_INPUT)) is None else 2
    return direction << 4 | int(_text(element, "AuxiliaryControllerN"))


#: Other information of alert 0x81A0 by its number (GBCS 16.2, Meter Integrity Issue Warning).
_WARNINGS = (
    "Other", "Error Non Volatile Memory", "Error Program Execution", "Error Program Storage", "Error RAM",
    "Error Unexpected Hardware Reset", "Error Watchdog", "Error Metrology Firmware Verification Failure",
    "Error Measurement Fault", "Unspecified Smart Meter Operational Integrity Error",
)  # fmt: skip


def _write_warning(octets: bytes, element: Element) -> None:
    number = int.from_bytes(octets, "big")
    if len(octets) != 2 or number >= len(_WARNINGS):
        raise Unfit("no such warning")
    add(element, "Warning", _WARNINGS[number])


#: Shapes by the name that a layout uses.
SHAPES = {
    "date": Shape(write_date, read_date),
    "date-at-midnight": Shape(_write_midnight, lambda element: read_date(element) + _MIDNIGHT_UTC),
    "event": Shape(_write_event, lambda element: int(_text(element, "LogCode"), 16)),
    "weekdays": Shape(_write_weekdays, _read_weekdays),
    "special-day-ids": Shape(_write_special_day_ids, _read_special_day_ids),
    "special-day-indexes": _special_day_attribute("index"),
    "special-day-identifiers": _special_day_attribute("identifier"),
    "tariff-action": Shape(_write_tariff_action, _read_tariff_action),
    "switch-action": Shape(_write_switch_action, _read_switch_action),
    "block-registers": Shape(_write_block_registers, _read_block_registers),
    "time-status": Shape(_write_time_status, lambda element: int(element.get("TimeStatusCode") or "")),
    "auxiliary-event": Shape(_write_auxiliary_event, _read_auxiliary_event),
    "controller": Shape(_write_controller, _read_controller),
    "warning": Shape(_write_warning, lambda element: _WARNINGS.index(_text(element, "Warning")).to_bytes(2, "big")),
    "controller-action": Shape(_write_controller_action, _read_controller_action),
}
