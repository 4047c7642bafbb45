"""Masks of alert and event behaviours: a bit for each code, `Enable` or `Disable` in an element named after the code.

Bit 0 stands for the low octet FF, the last one for 00; the high octet is the party's, 81 the supplier's and 80 the
network operator's (so in all of the reference's ECS25a to ECS25b3). The schema names the codes that there are; a mask
with another bit set stands in the remainder as well. A meter of one phase and one of three have elements of their own:
three phases when a bit of theirs is set.
"""

from __future__ import annotations

from opensmets.parse.nodes import Absent
from opensmets.parse.shape import Shape
from opensmets.parse.texts import Unfit
from opensmets.parse.tree import Element, add

_SIZE = 256
_SUPPLIER = """
810D 810E 8119 8145 8154 8155 8161 8162 8168 8183 81A0 81A1 81A2 81A3 81A4 81A5 81A6 81A7 81A8 81A9 81AA 81AB 81AC 81AD
81AE 81AF 81B0 81B1 81B2 81B3 81B8 81B9 81BA 81BB 81BC 81BD 81BE 81C0 81C1 81C4 81C5 81C6"""
_SUPPLIER_THREE_PHASES = "81B7"
_OPERATOR = "8014 8015"
_OPERATOR_ONE_PHASE = "8002 8006 8020 8024 8028 802C 8085 8089 808D 8091 8095 8099 8010"
_OPERATOR_THREE_PHASES = """
8003 8004 8005 8007 8008 8009 8021 8022 8023 8025 8026 8027 8029 802A 802B 802D 802E 802F 8086 8087 8088 808A 808B 808C
808E 808F 8090 8092 8093 8094 8096 8097 8098 809A 809B 809C 8011 8016 8013"""


def _set(bits: str, code: str) -> bool:
    return bits[_SIZE - 1 - int(code[2:], 16)] == "1"


def _write_codes(bits: str, element: Element, name: str, codes: str) -> None:
    place = add(element, name)
    for code in codes.split():
        add(place, f"x{code}", "Enable" if _set(bits, code) else "Disable")


def _any(bits: str, codes: str) -> bool:
    return any(_set(bits, code) for code in codes.split())


def _write_supplier(bits: str, element: Element) -> None:
    if len(bits) != _SIZE:
        raise Unfit("not a mask of 256 codes")
    _write_codes(bits, element, "SupplierESMECommon", _SUPPLIER)
    if _any(bits, _SUPPLIER_THREE_PHASES):
        _write_codes(bits, element, "SupplierESMEPolyPhase", _SUPPLIER_THREE_PHASES)


def _write_operator(bits: str, element: Element) -> None:
    if len(bits) != _SIZE:
        raise Unfit("not a mask of 256 codes")
    _write_codes(bits, element, "NetworkOperatorESMECommon", _OPERATOR)
    if _any(bits, _OPERATOR_THREE_PHASES):
        _write_codes(bits, element, "NetworkOperatorESMEPolyPhase", _OPERATOR_THREE_PHASES)
    else:
        _write_codes(bits, element, "NetworkOperatorESMESinglePhase", _OPERATOR_ONE_PHASE)


def _read(element: Element) -> str:
    if not len(element):
        raise Absent
    bits = ["0"] * _SIZE
    for group in element:
        for code in group:
            if code.text == "Enable":
                bits[_SIZE - 1 - int(str(code.tag)[-2:], 16)] = "1"
    return "".join(bits)


MASK_SHAPES = {"supplier-alerts": Shape(_write_supplier, _read), "operator-alerts": Shape(_write_operator, _read)}
