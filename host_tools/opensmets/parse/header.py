"""The header of an MMC document: who, to whom, which counters, which message, when (MMC HeaderType, GBCS 7.2.7).

Reading chosen where the schema leaves room: the response's date-time is `Timestamp`. Its last octet, the clock status,
is FF from a device that has none; otherwise bit 0 makes it `invalid`, bit 1 `unreliable`, and bit 2, "different clock
base", says that it is the gas meter's own time (`isFromGSME`).
"""

from __future__ import annotations

from opensmets.catalogue.use_cases import UseCase
from opensmets.layouts.envelope import ALERT, RESPONSE, Message
from opensmets.parse import remainder
from opensmets.parse.texts import CODECS, Unfit, nearest_date_time, read_date_time, write_date_time
from opensmets.parse.tree import Element, ParseError, add, child_text, qualified

_NO_STATUS = 0xFF
_STATUS = {0: "reliable", 1: "invalid", 2: "unreliable"}
_FROM_GAS_METER = 4
TIME = "date-time"
_EUI = CODECS["eui"]


def _write_time(header: Element, octets: bytes) -> bool:
    """Write the time stamp; return whether it says all that the octets do."""
    status = octets[-1]
    try:
        stamp = add(header, "Timestamp", write_date_time(octets[:-1] + b"\xff"))
    except Unfit:
        add(header, "Timestamp", nearest_date_time(octets))
        return False
    if status == _NO_STATUS:
        return True
    if status & ~_FROM_GAS_METER not in _STATUS:
        return False
    stamp.set("isFromGSME", "true" if status & _FROM_GAS_METER else "false")
    stamp.set("ClockStatus", _STATUS[status & ~_FROM_GAS_METER])
    return True


def write_header(root: Element, message: Message, service_request: str | None) -> bool:
    """Add the Header of a message; return whether it holds the message's whole date-time."""
    header = add(root, "Header")
    add(header, "BusinessOriginatorID", _EUI.write(message.originator))
    add(header, "BusinessTargetID", _EUI.write(message.recipient))
    add(header, "OriginatorCounter", str(message.counter))
    if message.supplementary_party is not None:
        add(header, "SupplementaryRemotePartyID", _EUI.write(message.supplementary_party))
    if message.supplementary_counter is not None:
        add(header, "SupplementaryRemotePartyCounter", str(message.supplementary_counter))
    if message.supplementary_originator_counter is not None:
        add(header, "SupplementaryOriginatorCounter", str(message.supplementary_originator_counter))
    add(header, "GBCSHexadecimalMessageCode", f"{message.message_code:04X}")
    if service_request:
        add(header, "ServiceReference", ".".join(service_request.split(".")[:2]))
        add(header, "ServiceReferenceVariant", service_request)
    return _write_time(header, message.time) if message.time else True


def _read_time(header: Element) -> bytes:
    stamp = header.find(qualified("Timestamp"))
    if stamp is None:
        return b""
    octets = read_date_time(stamp.text or "")
    clock_status = stamp.get("ClockStatus")
    if clock_status is None:
        return octets
    status = {name: number for number, name in _STATUS.items()}[clock_status]
    return octets[:-1] + bytes((status | (_FROM_GAS_METER if stamp.get("isFromGSME") == "true" else 0),))


def _optional_number(header: Element, name: str) -> int | None:
    text = header.findtext(qualified(name))
    return None if text is None else int(text)


def body_of(root: Element) -> Element:
    """Return the one element in a document's Body. Raises ParseError when there is none."""
    body = root.find(qualified("Body"))
    if body is None or not len(body):
        raise ParseError("the document has no Body: it is no MMC response")
    return body[0]


def read_header(root: Element) -> Message:
    """Return the message that a document's header describes, without payload and protection. Raises ParseError."""
    content = body_of(root)
    header = root.find(qualified("Header"))
    if header is None:
        raise ParseError("the document has no Header: it is no MMC response")
    flag = ALERT if content.tag == qualified("DeviceAlertMessage") else RESPONSE
    party = header.findtext(qualified("SupplementaryRemotePartyID"))
    kept = remainder.read(content).get((0, TIME))
    try:
        return Message(
            flag, int(child_text(header, "OriginatorCounter")),
            _EUI.read(child_text(header, "BusinessOriginatorID")), _EUI.read(child_text(header, "BusinessTargetID")),
            int(child_text(header, "GBCSHexadecimalMessageCode"), 16), b"",
            kept if isinstance(kept, bytes) else _read_time(header),
            None if party is None else _EUI.read(party),
            _optional_number(header, "SupplementaryRemotePartyCounter"), None,
            _optional_number(header, "SupplementaryOriginatorCounter"),
        )  # fmt: skip
    except (ValueError, KeyError) as error:
        raise ParseError(f"the document's header does not hold what this package writes: {error}") from None


def service_request_of(root: Element, use_case: UseCase | None = None) -> str | None:
    """Return the service reference variant of a document, or the use case's."""
    found = root.findtext(f"{qualified('Header')}/{qualified('ServiceReferenceVariant')}")
    return found or (use_case.service_request if use_case else None)
