"""Reads of a log's entries of a period, and reads of protected attributes (GBCS 7.3.9, 9.1; IEC 62056-6-2 4.4.9).

There are two forms of the period: a range of seconds since 2000 in the access selector, and a range of date-times among
the arguments of a protected read.
"""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from opensmets.catalogue.use_cases import Reference
from opensmets.duis.validation import InvalidRequest
from opensmets.layouts.axdr import Data
from opensmets.transform.moments import date_time_octets, parse_moment, seconds_since_2000
from opensmets.transform.paths import need
from opensmets.transform.scope import Scope

RANGE_SELECTOR = 1
#: The column that a range restricts: a log entry's time stamp.
TIME_STAMP = bytes.fromhex("00005E2C64FF")
PROFILE_CLASS = 7
#: The first octet of the transaction id under which protected data is encrypted (GBCS 4.3.3.4).
_PROTECTION_FLAG = b"\x04"


def log_range(body: etree._Element) -> Data:
    """Return the range descriptor of the request's ReadLogPeriod.

    Raises InvalidRequest when it ends before it starts.
    """
    _check_order(body)
    start, end = (
        Data("u32", seconds_since_2000(parse_moment(need(body, f"ReadLogPeriod/{name}")), name))
        for name in ("StartDateTime", "EndDateTime")
    )
    column = Data("structure", (Data("u16", 1), Data("octets", TIME_STAMP), Data("i8", 2), Data("u16", 0)))
    return Data("structure", (column, start, end, Data("array", ())))


def protected_read(objects: Iterable[Reference], scope: Scope) -> Data:
    """Return the argument of get_protected_attributes for some attributes, a log's with the request's period."""
    described = tuple(_object(one, scope.body) for one in objects)
    return Data("structure", (Data("array", described), Data("array", (_protection(scope),))))


def _check_order(body: etree._Element) -> None:
    start, end = (parse_moment(need(body, f"ReadLogPeriod/{name}")) for name in ("StartDateTime", "EndDateTime"))
    if end < start:
        raise InvalidRequest("ReadLogPeriod: EndDateTime lies before StartDateTime")


def _restriction(class_id: int, body: etree._Element) -> Data:
    if class_id != PROFILE_CLASS:
        return Data("structure", (Data("enum", 0), Data("null")))
    _check_order(body)
    moments = (parse_moment(need(body, f"ReadLogPeriod/{name}")) for name in ("StartDateTime", "EndDateTime"))
    period = tuple(Data("octets", date_time_octets(moment)) for moment in moments)
    return Data("structure", (Data("enum", 1), Data("structure", period)))


def _object(reference: Reference, body: etree._Element) -> Data:
    place = (Data("u16", reference.class_id), Data("octets", reference.obis), Data("i8", reference.member))
    return Data("structure", (*place, Data("u16", 0), _restriction(reference.class_id, body)))


def _protection(scope: Scope) -> Data:
    """Return how the answer is to be encrypted: for the party, by agreement of its key and the device's."""
    transaction = _PROTECTION_FLAG + scope.counter.to_bytes(8, "big")
    agreement = Data("structure", (Data("octets", b"\x02"), Data("octets", b"")))
    names = (Data("octets", transaction), Data("octets", scope.party), Data("octets", scope.target))
    key = Data("structure", (Data("enum", 2), agreement))
    return Data("structure", (Data("enum", 2), Data("structure", (*names, Data("octets", b""), key))))
