"""Date-times of 12 octets (IEC 62056-6-2 clause 4.1.6.1) and seconds since 2000-01-01T00:00:00Z, `time_s`.

Octets: year (2), month, day, day of week, hour, minute, second, hundredths, deviation (2), clock status. What the meter
writes has the day of week and the status unspecified (FF), hundredths 0 and deviation unspecified (8000), as the
reference messages have. GBCS gives two values a meaning of their own: nine octets 00 are NOW, nine octets FF are NEVER.
"""

import struct

from micropython import const

from smets.meter.dates import DAY_S, date_of, day_of, days_in

SIZE = const(12)
NOW = const(0)
NEVER = const(0xFFFFFFFF)
_FIRST_YEAR = const(2000)
LAST_YEAR = const(2135)
"""The last whole year whose seconds fit 32 bits."""
_UNSPECIFIED = const(-0x8000)
_MAX_DEVIATION = const(720)  # minutes


def encode(time_s, octets):
    """Write `time_s` into the 12 octets of a buffer; NOW and NEVER as GBCS has them."""
    if time_s in (NOW, NEVER):
        for index in range(9):
            octets[index] = 0 if time_s == NOW else 0xFF
    else:
        _encode_calendar(time_s, octets)
    octets[9], octets[10], octets[11] = 0x80, 0, 0xFF


def decode(octets):
    """Return the `time_s` of 12 octets, NOW, or NEVER; a deviation other than unspecified is taken off (UTC).

    Raises ValueError for wildcards, which no single moment has, and for dates that do not exist.
    """
    if len(octets) != SIZE:
        raise ValueError("a date-time has 12 octets")
    for value, meaning in ((0, NOW), (0xFF, NEVER)):
        if all(octet == value for octet in octets[:9]):
            return meaning
    year, month, day, _, hour, minute, second, _, deviation, _ = struct.unpack(">HBBBBBBBhB", octets)
    if not (_FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12 and hour < 24 and minute < 60 and second < 60):
        raise ValueError("a date-time that is no moment")
    if not 1 <= day <= days_in(year, month):
        raise ValueError("a day that the month does not have")
    time_s = day_of(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second
    if deviation == _UNSPECIFIED:
        return time_s
    if not -_MAX_DEVIATION <= deviation <= _MAX_DEVIATION or time_s + deviation * 60 < 0:
        raise ValueError("a deviation that no place has")
    return time_s + deviation * 60


def _encode_calendar(time_s, octets):
    days, rest = divmod(time_s, DAY_S)
    year, month, day = date_of(days)
    struct.pack_into(">HBBBBBBB", octets, 0, year, month, day, 0xFF, rest // 3600, rest // 60 % 60, rest % 60, 0)
