"""What a log or an alert tells of: event codes, the clock's status, warnings, auxiliary controllers."""

from __future__ import annotations

import json

from opensmets.catalogue.alert_codes import event_name
from opensmets.parse.shape import Shape, text_in
from opensmets.parse.texts import Unfit, write_characters
from opensmets.parse.tree import Element, add, qualified

MAX_MEANING = 200


def _write_event(code: int, element: Element) -> None:
    add(element, "LogCode", f"{code:04X}")
    add(element, "LogMeaning", event_name(code)[:MAX_MEANING])


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
    switch = int(text_in(element, "SwitchNumber")) << 8
    action = element.findtext(qualified("SwitchAction"))
    if action is not None:
        codes = {name: code for code, name in _SWITCH_ACTIONS.items()}
        return switch | codes.get(action, 0)
    direction = 1 if element.find(qualified(_INPUT)) is None else 2
    return direction << 12 | switch | 0x80 | int(text_in(element, "AuxiliaryControllerLevel"))


def _write_controller(code: int, element: Element) -> None:
    direction, controller = code >> 4, code & 15
    if direction not in (1, 2) or not 1 <= controller <= 5:
        raise Unfit("no such controller")
    add(element, "AuxiliaryControllerN", str(controller))
    if direction == 2:
        add(element, _INPUT)


def _read_controller(element: Element) -> int:
    direction = 1 if element.find(qualified(_INPUT)) is None else 2
    return direction << 4 | int(text_in(element, "AuxiliaryControllerN"))


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


_STATE = "StateAndAssociatedInformation"
_LEVELS = {"outputState": "OutputState", "inputState": "InputState"}
_MAX_STATE = 1200


def _level(value: object) -> int | None:
    number = int(value) if isinstance(value, int | str) and str(value).isdecimal() else -1
    return number if 0 <= number <= 100 else None


def _write_controller_state(text: str, element: Element) -> None:
    """Write a controller's state, JSON text, and beside it the levels that it names."""
    if len(text) > _MAX_STATE:
        raise Unfit("too long")
    write_characters(text)
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    for name, path in _LEVELS.items() if isinstance(fields, dict) else ():
        if (level := _level(fields.get(name))) is not None:
            add(element, path, str(level))
    add(element, _STATE, text)


_NONE, _APC, _ALCS = b"", b"\xff", bytes(8)
_CONTROLLERS = {_NONE: "None", _APC: "APC", _ALCS: "ALCS"}


def _write_controller_type(octets: bytes, element: Element) -> None:
    if octets not in _CONTROLLERS and len(octets) != len(_ALCS):
        raise Unfit("no type and identifier")
    add(element, "AuxiliaryControllerType", _CONTROLLERS.get(octets, "HCALCS"))
    if octets not in _CONTROLLERS:
        add(element, "HCALCSID", octets.hex("-").upper())


def _read_controller_type(element: Element) -> bytes:
    octets = {name: octets for octets, name in _CONTROLLERS.items()}.get(text_in(element, "AuxiliaryControllerType"))
    return bytes.fromhex(text_in(element, "HCALCSID").replace("-", "")) if octets is None else octets


def _write_switch_type(octets: bytes, element: Element) -> None:
    if len(octets) != len(_ALCS):
        raise Unfit("no type and identifier")
    add(element, "ALCS") if octets == _ALCS else add(element, "HCALCS", octets.hex("-").upper())


def _read_switch_type(element: Element) -> bytes:
    identifier = element.findtext(qualified("HCALCS"))
    return _ALCS if identifier is None else bytes.fromhex(identifier.replace("-", ""))


EVENT_SHAPES = {
    "event": Shape(_write_event, lambda element: int(text_in(element, "LogCode"), 16)),
    "time-status": Shape(_write_time_status, lambda element: int(element.get("TimeStatusCode") or "")),
    "auxiliary-event": Shape(_write_auxiliary_event, _read_auxiliary_event),
    "controller": Shape(_write_controller, _read_controller),
    "controller-state": Shape(_write_controller_state, lambda element: text_in(element, _STATE)),
    "controller-type": Shape(_write_controller_type, _read_controller_type),
    "switch-type": Shape(_write_switch_type, _read_switch_type),
    "warning": Shape(_write_warning, lambda element: _WARNINGS.index(text_in(element, "Warning")).to_bytes(2, "big")),
}
