"""Which charges an account collects from which credit, as the two flags that MMC has for it.

GBCS says the flags by a table (class 111, attribute 11): a row names a credit, a charge and when it is collected. Debt
is suspended while the supply is disabled when the time debts are not collected then (`110` where others have `111`),
and while emergency credit is in use when charges are collected from the accumulated debt. Any other table stands in the
remainder; one that names no time debt has no flags.
"""

from __future__ import annotations

from opensmets.layouts.axdr import Data
from opensmets.parse.shape import Shape, text_in
from opensmets.parse.texts import Unfit
from opensmets.parse.tree import Element, add

#: Instances of the credits (0-0:19.10.n) and of the charges (0-0:19.20.n).
_BALANCE, _EMERGENCY, _DEBT = 0, 1, 2
_TARIFF, _TIME_DEBT_1, _TIME_DEBT_2, _PAYMENT_DEBT, _STANDING = range(5)
_TIME_DEBTS = (_TIME_DEBT_1, _TIME_DEBT_2)
_BASIC = (
    (_BALANCE, _TARIFF), (_BALANCE, _STANDING), (_BALANCE, _TIME_DEBT_1), (_BALANCE, _TIME_DEBT_2),
    (_BALANCE, _PAYMENT_DEBT), (_EMERGENCY, _PAYMENT_DEBT), (_EMERGENCY, _TARIFF), (_EMERGENCY, _STANDING),
    (_EMERGENCY, _TIME_DEBT_1), (_EMERGENCY, _TIME_DEBT_2),
)  # fmt: skip
_FROM_DEBT = ((_DEBT, _STANDING), (_DEBT, _TIME_DEBT_1), (_DEBT, _TIME_DEBT_2))
_ALWAYS, _NOT_DISABLED = "111", "110"


def _name(kind: int, instance: int) -> Data:
    return Data("octets", bytes((0, 0, 19, kind, instance, 255)))


def _row(credit: int, charge: int, when: str) -> Data:
    return Data("structure", (_name(10, credit), _name(20, charge), Data("bits", when)))


def _table(disabled: bool, emergency: bool) -> tuple[Data, ...]:
    debts = _NOT_DISABLED if disabled else _ALWAYS
    rows = [_row(credit, charge, debts if charge in _TIME_DEBTS else _ALWAYS) for credit, charge in _BASIC]
    return (*rows, *(_row(credit, charge, _ALWAYS) for credit, charge in _FROM_DEBT if emergency))


def _write(rows: tuple[Data, ...], element: Element) -> None:
    if any(row.type != "structure" or [part.type for part in row] != ["octets", "octets", "bits"] for row in rows):
        raise Unfit("not a table of charges")
    table = {(row[0].value, row[1].value): row[2].value for row in rows}
    debts = [table.get((_name(10, _BALANCE).value, _name(20, charge).value)) for charge in _TIME_DEBTS]
    if None in debts:
        raise Unfit("no time debt")
    emergency = any(credit == _name(10, _DEBT).value for credit, _ in table)
    add(element, "SuspendDebtDisabled", "true" if debts == [_NOT_DISABLED] * 2 else "false")
    add(element, "SuspendDebtEmergency", "true" if emergency else "false")


def _read(element: Element) -> tuple[Data, ...]:
    flags = (text_in(element, "SuspendDebtDisabled"), text_in(element, "SuspendDebtEmergency"))
    return _table(*(flag == "true" for flag in flags))


CHARGE_SHAPES = {"charges": Shape(_write, _read)}
