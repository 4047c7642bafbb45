"""Words for values: times, parties, objects, classes, texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from opensmets.catalogue.objects import objects
from opensmets.security.keystore import format_eui

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_NEVER = {0: "now", 0xFFFFFFFF: "never, or not given", 0xFFFFFFFE: "cancel, or the end of time"}
_WILD = 0xFF
#: COSEM interface classes that GBCS uses.
CLASSES = {
    1: "Data", 3: "Register", 4: "Extended register", 6: "Register activation", 7: "Profile generic", 8: "Clock",
    9: "Script table", 11: "Special days table", 15: "Association LN", 18: "Image transfer", 20: "Activity calendar",
    21: "Register monitor", 22: "Single action schedule", 30: "Data protection", 40: "Push setup", 62: "Compact data",
    64: "Security setup", 68: "Arbitrator", 70: "Disconnect control", 71: "Limiter", 104: "ZigBee network control",
    111: "Account", 112: "Credit", 113: "Charge", 115: "Token gateway", 9000: "GBCS extended data",
}  # fmt: skip


def seconds(time_s: int) -> str:
    """Say a number of seconds since 2000 as a time in UTC."""
    if time_s in _NEVER:
        return _NEVER[time_s]
    return f"{_EPOCH + timedelta(seconds=time_s):%Y-%m-%d %H:%M:%S}Z"


def date_time(octets: bytes) -> str:
    """Say a COSEM date-time of 12 octets, `*` for what is not specified (IEC 62056-6-2 4.1.6.1)."""
    year = int.from_bytes(octets[:2], "big")
    fields = [f"{year:04}" if year != 0xFFFF else "*"]
    fields += ["*" if octet == _WILD else f"{octet:02}" for octet in (*octets[2:4], *octets[5:8])]
    text = "{}-{}-{} {}:{}:{}".format(*fields)
    if octets[:9] == bytes(9):
        return "now"
    if octets[:9] == bytes((_WILD,)) * 9:
        return "cancel, or not specified"
    status = octets[11]
    return text if status in (0, _WILD) else f"{text} (clock status {status:02X})"


def obis(octets: bytes) -> str:
    """Write an OBIS code the usual way, `0-0:1.0.0.255`."""
    a, b, *rest = octets
    return f"{a}-{b}:{'.'.join(str(octet) for octet in rest)}"


@cache
def _titles() -> dict[tuple[int, bytes], str]:
    return {(reference.class_id, reference.obis): entry.title for (_, reference), entry in objects().items()}


def object_name(class_id: int, octets: bytes) -> str:
    """Name a COSEM object: the catalogue's title, else its class."""
    return _titles().get((class_id, octets)) or CLASSES.get(class_id, "")


def octet_string(octets: bytes) -> str:
    """Guess what an octet string holds: a date-time, an EUI, an OBIS code, a text; empty when it is none of them."""
    if len(octets) == 12 and octets[9] in (0x80, 0) and 1 <= octets[8] + 1 <= 0x100:
        return date_time(octets)
    if octets and octets.isascii() and octets.decode("ascii").isprintable():
        return f'"{octets.decode("ascii")}"'
    if len(octets) == 8 and octets[:3] in (b"\x00\xdb\x12", b"\x90\xb3\xd5"):
        return format_eui(octets)
    if len(octets) == 6 and octets[0] <= 1:
        return obis(octets)
    return ""
