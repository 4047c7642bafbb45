"""Device settings whose form is not a plain value (GBCS ECS25, ECS30, ECS39, ECS50)."""

from __future__ import annotations

from lxml import etree

from opensmets.duis.validation import child_elements, local_name, text_of
from opensmets.layouts.axdr import Data
from opensmets.transform.credentials import device_type
from opensmets.transform.moments import ANY, ANY_YEAR, time_octets
from opensmets.transform.paths import find, need, number
from opensmets.transform.scope import Conversion, Scope

#: How many months lie between billings.
PERIODS = {"Quarterly": 3, "SixMonthly": 6, "Yearly": 12}
MONTHS = 12
#: One bit for each code of the alerts' 256, the last code first.
CODES = 256


def billing_calendar(element: etree._Element, _: Scope) -> Data:
    """Make the execution times of a billing calendar (class 22 attribute 4): one entry for each date of a year."""
    start = time_octets(need(element, "BillingTime"))
    dates = _billing_dates(element)
    entries = (Data("structure", (Data("octets", start), Data("octets", date))) for date in dates)
    return Data("array", tuple(entries))


def _date(month: int = ANY, day: int = ANY, day_of_week: int = ANY) -> bytes:
    return ANY_YEAR.to_bytes(2, "big") + bytes((month, day, day_of_week))


def _billing_dates(element: etree._Element) -> list[bytes]:
    if find(element, "Weekly") is not None:
        return [_date(day_of_week=number(element, "Weekly"))]
    if find(element, "Monthly") is not None:
        return [_date(day=number(element, "Monthly"))]
    for name, months in PERIODS.items():
        if find(element, name) is not None:
            first, day = number(element, f"{name}/BillingPeriodStartMonth"), number(element, f"{name}/DayOfMonth")
            return [_date((first - 1 + month) % MONTHS + 1, day) for month in range(0, MONTHS, months)]
    return [_date()]


def joined(element: etree._Element, _: Scope) -> Data:
    """Make one text of all that stands in an element: MPANs are written one behind the other."""
    return Data("octets", "".join(text_of(child) for child in child_elements(element)).encode("utf-8"))


def alert_behaviour(element: etree._Element, scope: Scope) -> Data:
    """Make the mask and settings of alerts: 256 bits for which codes are set, and 256 for which are enabled.

    What is only for a meter of another number of phases is left out.
    """
    skipped = "SinglePhase" if scope.facts["polyphase"] else "PolyPhase"
    groups = [group for group in child_elements(element) if not local_name(group).endswith(skipped)]
    set_to = {int(local_name(one)[1:], 16) % CODES: text_of(one) for group in groups for one in child_elements(group)}
    mask, enabled = ["0"] * CODES, ["0"] * CODES
    for code, behaviour in set_to.items():
        mask[-1 - code] = "1"
        enabled[-1 - code] = "1" if behaviour == "Enable" else "0"
    return Data("bits", "".join(mask + enabled))


def eui(element: etree._Element, _: Scope) -> Data:
    """Convert an EUI-64."""
    return Data("octets", bytes.fromhex(text_of(element).strip().replace("-", "")))


def hexadecimal(element: etree._Element, _: Scope) -> Data:
    """Convert an xs:hexBinary."""
    return Data("octets", bytes.fromhex("".join(text_of(element).split())))


def other_device_type(_: etree._Element, scope: Scope) -> Data:
    """Make the kind of the device that is to be let in; an electricity meter unless the inventory knows better."""
    return Data("enum", device_type(scope.other_device or "ESME"))


def customer_identification_number(_: etree._Element, scope: Scope) -> Data:
    """Make the number that is to be shown on the meter, its four digits as text."""
    return Data("octets", scope.cin.encode("ascii"))


CONVERSIONS: dict[str, Conversion] = {
    "billing_calendar": billing_calendar, "joined": joined, "alert_behaviour": alert_behaviour,
    "eui": eui, "hex": hexadecimal, "other_device_type": other_device_type,
    "customer_identification_number": customer_identification_number,
}  # fmt: skip
