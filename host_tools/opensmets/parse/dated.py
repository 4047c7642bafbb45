"""What was carried out at its time, as ASN.1 alerts (0x00CA, 0x00CB, 0x0124; GBCS 9.2.2, 13.3), in MMC XML and back.

    credentials  SEQUENCE { alert code INTEGER, execution time, outcome (replacements) }
    firmware     SEQUENCE { alert code INTEGER, execution time, counter of the command INTEGER,
                            SEQUENCE { response code INTEGER, firmware version OCTET STRING } }

Reading chosen: `Timestamp` is the execution time, the only one that there is.
"""

from __future__ import annotations

from opensmets.catalogue.alert_codes import event_name
from opensmets.catalogue.responses import ResponseEntry
from opensmets.layouts import asn1
from opensmets.layouts.asn1 import GENERALIZED_TIME, INTEGER, SEQUENCE
from opensmets.layouts.asn1 import Element as Der
from opensmets.parse import remainder, replacements, statuses
from opensmets.parse.der import PAYLOAD, encode_number, normal, read_time, sequence_of, write_time
from opensmets.parse.texts import EPOCH_TEXT, Unfit
from opensmets.parse.tree import Element, ParseError, Path, add, child_text, qualified

MAX_DESCRIPTION = 250
_CREDENTIALS = (INTEGER, GENERALIZED_TIME, SEQUENCE)
_FIRMWARE = (INTEGER, GENERALIZED_TIME, INTEGER, SEQUENCE)
_COUNTER = "OriginatorCounterFromCommand"


def write(entry: ResponseEntry, payload: bytes, content: Element) -> None:
    """Write the alert that a payload holds. Raises LayoutError or ParseError when it is malformed."""
    tree = asn1.decode(payload)
    parts = sequence_of(tree, (_FIRMWARE if entry.status else _CREDENTIALS,), f"the alert {entry.name}")
    place = add(content, "DeviceAlertContent")
    code, time = parts[0].integer, _time_text(parts[1])
    if 0 <= code <= 0xFFFF:
        add(place, "GBCSHexAlertCode", f"{code:04X}")
    add(place, "AlertDescription", event_name(code)[:MAX_DESCRIPTION])
    add(place, "Timestamp", time or EPOCH_TEXT)
    outcome = Path.parse(entry.outcome or "").make(place)
    if entry.status:
        _write_activation(entry, parts, time, outcome)
    else:
        replacements.write(parts[2], outcome)
    if not _is_told(entry, place, tree):
        remainder.write(content, 0, PAYLOAD, payload)


def _time_text(time: Der) -> str:
    try:
        return write_time(time)
    except Unfit:
        return ""


def _write_activation(entry: ResponseEntry, parts: tuple[Der, ...], time: str, place: Element) -> None:
    if time:
        add(place, "ExecutionDateTime", time)
    if parts[2].integer >= 0:
        add(place, _COUNTER, str(parts[2].integer))
    statuses.write_tree(entry, parts[3], place)


def _is_told(entry: ResponseEntry, place: Element, tree: Der) -> bool:
    try:
        return _read(entry, place) == normal(tree)
    except (ValueError, KeyError, ParseError):
        return False


def _read(entry: ResponseEntry, place: Element) -> Der:
    """Return the alert; raise ValueError, KeyError or ParseError when its elements do not say all of it."""
    code = asn1.make(INTEGER, encode_number(int(child_text(place, "GBCSHexAlertCode"), 16)))
    outcome = Path.parse(entry.outcome or "").find(place)
    if outcome is None:
        raise ParseError("the document holds no outcome of what was carried out")
    head = (code, read_time(child_text(place, "Timestamp")))
    if not entry.status:
        return asn1.make(SEQUENCE, (*head, replacements.read(outcome)))
    counter = asn1.make(INTEGER, encode_number(int(child_text(outcome, _COUNTER))))
    return asn1.make(SEQUENCE, (*head, counter, statuses.read_tree(entry, outcome)))


def read(entry: ResponseEntry, content: Element) -> Der:
    """Return the payload's elements, with shortest lengths, that a document holds. Raises ParseError."""
    whole = remainder.read(content).get((0, PAYLOAD))
    if isinstance(whole, bytes):
        return normal(asn1.decode(whole))
    place = content.find(qualified("DeviceAlertContent"))
    if place is None:
        raise ParseError("the document holds no DeviceAlertContent")
    try:
        return _read(entry, place)
    except (ValueError, KeyError):
        raise ParseError("DeviceAlertContent does not hold what this package writes") from None
