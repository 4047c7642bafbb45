"""How one value stands as text in MMC XML, and back: numbers, times, hexadecimal, names.

A codec is a pair of functions. `write` gives the text, or raises Unfit when the schema's type has no room for the
value; `read` gives the value back, or raises ValueError. Times are UTC, with `Z` (MMC's xs:dateTime).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
#: For where the schema demands a time and there is none.
EPOCH_TEXT = "2000-01-01T00:00:00Z"
ANY_YEAR = 0xFFFF
_SECONDS = "%Y-%m-%dT%H:%M:%SZ"
#: What follows the seconds in a COSEM date-time that is UTC: no deviation, no clock status (GBCS 9.1.4).
_UTC = bytes.fromhex("8000FF")
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d\d))?")


class Unfit(Exception):
    """The schema has no room for a value. Never leaves this package."""


@dataclass(frozen=True, slots=True)
class Codec:
    """A pair of functions between a value and its text."""

    write: Callable[[Any], str]
    read: Callable[[str], Any]


def _moment(year: int, *rest: int) -> datetime:
    try:
        return datetime(year, *rest, tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        raise Unfit("no such date or time") from None


def _clock(octets: bytes) -> str:
    hour, minute, second, hundredths = octets
    if hour > 23 or minute > 59 or second > 59 or hundredths > 99:
        raise Unfit("not a time of day")
    return f"{hour:02}:{minute:02}:{second:02}" + (f".{hundredths:02}" if hundredths else "")


def write_clock(octets: bytes) -> str:
    """Return a COSEM time (4 octets) as xs:time. Raises Unfit for wildcards."""
    if len(octets) != 4:
        raise Unfit("not four octets")
    return _clock(octets)


def read_clock(text: str) -> bytes:
    """Return the 4 octets of an xs:time. Raises ValueError."""
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is no time of day")
    return bytes(int(part or 0) for part in match.groups())


def write_date_time(octets: bytes) -> str:
    """Return a COSEM date-time (12 octets) as xs:dateTime.

    Raises Unfit for what xs:dateTime cannot say: wildcards, a day of week, a deviation, a clock status.
    """
    if len(octets) != 12 or octets[4] != 0xFF or octets[9:] != _UTC:
        raise Unfit("not a plain UTC date and time")
    _moment(int.from_bytes(octets[:2], "big"), octets[2], octets[3])
    return f"{int.from_bytes(octets[:2], 'big'):04}-{octets[2]:02}-{octets[3]:02}T{_clock(octets[5:9])}Z"


def read_date_time(text: str) -> bytes:
    """Return the 12 octets of an xs:dateTime as `write_date_time` writes it. Raises ValueError."""
    date, _, time = text.removesuffix("Z").partition("T")
    year, month, day = (int(part) for part in date.split("-"))
    return year.to_bytes(2, "big") + bytes((month, day, 0xFF)) + read_clock(time) + _UTC


def write_plain_date(octets: bytes) -> str:
    """Return a COSEM date (5 octets) as xs:date. A year that is not specified is 65535, as DUIS requests have it.

    Raises Unfit for other wildcards and a day of week.
    """
    if len(octets) != 5 or octets[4] != 0xFF:
        raise Unfit("not a plain date")
    year = int.from_bytes(octets[:2], "big")
    _moment(2001 if year == ANY_YEAR else year, octets[2], octets[3])
    return f"{year:04}-{octets[2]:02}-{octets[3]:02}Z"


def read_plain_date(text: str) -> bytes:
    """Return the 5 octets of an xs:date as `write_plain_date` writes it. Raises ValueError."""
    year, month, day = (int(part) for part in text.removesuffix("Z").split("-"))
    return year.to_bytes(2, "big") + bytes((month, day, 0xFF))


def nearest_date_time(octets: bytes) -> str:
    """Return an xs:dateTime close to 12 octets that are none, for where the schema demands one.

    A field that is unspecified or no date becomes the lowest; an impossible date the epoch of 2000.
    """
    padded = octets[:9].ljust(9, b"\xff")
    date = (int.from_bytes(padded[:2], "big"), padded[2], padded[3])
    clock = bytes(part if part < limit else 0 for part, limit in zip(padded[5:8], (24, 60, 60), strict=True))
    try:
        _moment(*(1 if part in (0xFF, 0xFFFF) else part for part in date))
    except Unfit:
        return EPOCH_TEXT
    year, month, day = (low if part in (0xFF, 0xFFFF) else part for part, low in zip(date, (2000, 1, 1), strict=True))
    return f"{year:04}-{month:02}-{day:02}T{_clock(clock + bytes(1))}Z"


def _write_octets(size: int | None) -> Callable[[bytes], str]:
    def write(octets: bytes) -> str:
        if size is not None and len(octets) != size:
            raise Unfit(f"not {size} octets")
        return octets.hex().upper()

    return write


def _write_text(octets: bytes) -> str:
    try:
        return write_characters(octets.decode("utf-8"))
    except UnicodeDecodeError:
        raise Unfit("not UTF-8") from None


def write_characters(text: str) -> str:
    """Return text that XML can hold and gives back unchanged. Raises Unfit."""
    if any(not ("\x20" <= character < "\x7f" or "\xa0" <= character < "\ud800") for character in text):
        raise Unfit("characters that XML does not keep")
    return text


def _write_eui(octets: bytes) -> str:
    if len(octets) != 8:
        raise Unfit("not an EUI-64")
    return octets.hex("-").upper()


def _write_boolean(octet: int) -> str:
    if octet not in (0, 0xFF):
        raise Unfit("neither 00 nor FF")
    return "true" if octet else "false"


def _read_boolean(text: str) -> int:
    return {"true": 0xFF, "false": 0}[text]


def hexadecimal(digits: int) -> Codec:
    """Return the codec of a number as that many hexadecimal digits (xs:hexBinary)."""
    mask = (1 << 4 * digits) - 1
    return Codec(lambda number: f"{number & mask:0{digits}X}", lambda text: int(text, 16))


def bounded(codec: Codec, low: int, high: int) -> Codec:
    """Return a codec of decimal numbers that takes those from `low` to `high` only."""

    def write(number: Any) -> str:
        text = codec.write(number)
        if not low <= int(text) <= high:
            raise Unfit(f"not {low} to {high}")
        return text

    return Codec(write, codec.read)


def limited(codec: Codec, low: int, high: int) -> Codec:
    """Return a codec of texts that takes those of `low` to `high` characters only."""

    def write(value: Any) -> str:
        text = codec.write(value)
        if not low <= len(text) <= high:
            raise Unfit(f"not {low} to {high} characters")
        return text

    return Codec(write, codec.read)


def names(table: Mapping[int, str]) -> Codec:
    """Return the codec of a number that stands in XML by a name."""
    numbers = {name: number for number, name in table.items()}

    def write(number: int) -> str:
        if number not in table:
            raise Unfit("no name for this number")
        return table[number]

    return Codec(write, lambda text: numbers[text])


NUMBER = Codec(str, int)
HEX = Codec(_write_octets(None), bytes.fromhex)
#: Codecs by the name that a layout uses.
CODECS = {
    "number": NUMBER,
    "hex": HEX,
    "hex1": hexadecimal(2),
    "hex2": hexadecimal(4),
    "hex4": hexadecimal(8),
    "hex6": Codec(_write_octets(6), bytes.fromhex),
    "seconds": Codec(
        lambda time_s: (EPOCH + timedelta(seconds=time_s)).strftime(_SECONDS),
        lambda text: int((datetime.strptime(text, _SECONDS).replace(tzinfo=UTC) - EPOCH).total_seconds()),
    ),
    "date-time": Codec(write_date_time, read_date_time),
    "plain-date": Codec(write_plain_date, read_plain_date),
    "clock": Codec(write_clock, read_clock),
    "text": Codec(_write_text, lambda text: text.encode("utf-8")),
    "characters": Codec(write_characters, str),
    "eui": Codec(_write_eui, lambda text: bytes.fromhex(text.replace("-", ""))),
    "boolean": Codec(_write_boolean, _read_boolean),
    "octet": Codec(lambda octets: str(_single(octets)), lambda text: bytes((int(text),))),
}


def _single(octets: bytes) -> int:
    if len(octets) != 1:
        raise Unfit("not one octet")
    return octets[0]
