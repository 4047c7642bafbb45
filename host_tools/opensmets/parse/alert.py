"""A verified alert as MMC XML (`DeviceAlertMessage`), and back.

Readings chosen: `Payload` is there for the alerts whose additional data have an element in the schema; data of any
other alert stand in `GBCSData`, `sequence` being their position behind code and time stamp. The schema demands a
`Timestamp`: where the time sent is no date-time (wildcards), the element has the nearest one and `GBCSData` the octets.
"""

from __future__ import annotations

from collections.abc import Sequence

from opensmets.catalogue.alert_codes import event_name
from opensmets.catalogue.use_cases import UseCase, by_message_code
from opensmets.layouts import xdlms
from opensmets.layouts.axdr import Data
from opensmets.layouts.envelope import ALERT, Message
from opensmets.layouts.xdlms import Notification
from opensmets.parse import dated, remainder
from opensmets.parse.dated import MAX_DESCRIPTION
from opensmets.parse.der import PAYLOAD
from opensmets.parse.layouts import Layouts, UnsupportedUseCase, alert_layouts
from opensmets.parse.plain import invoke_id, is_protected, plain_alert
from opensmets.parse.response import new_document
from opensmets.parse.texts import Unfit, nearest_date_time, read_date_time, write_date_time
from opensmets.parse.tree import Element, ParseError, add, child_text, qualified

TIME_STAMP = "time stamp"


def alert_use_case(message_code: int, payload: str = "dlms") -> UseCase | None:
    """Return the catalogue's alert of a message code, or None."""
    return next((entry for entry in by_message_code().get(message_code, ()) if entry.payload == payload), None)


def parse_alert(message: Message, *, decrypted: Sequence[bytes] = (), use_case: UseCase | None = None) -> Element:
    """Return the MMC document (root `GBCSResponse`) of a verified alert.

    `decrypted` as in `parse_response`. Without a use case the message code chooses it; the codes of future-dated
    execution (0x00CA to 0x00CC, 0x0124) are no use case. Raises LayoutError or ParseError when the payload is
    malformed, UnsupportedUseCase when its kind is not built.
    """
    if message.cra_flag != ALERT:
        raise ParseError(f"message 0x{message.message_code:04X} is a {message.kind}, not an alert")
    layouts = alert_layouts(message.message_code, use_case or alert_use_case(message.message_code))
    content = new_document(message, None, "DeviceAlertMessage")
    if layouts.entry.outcome:
        dated.write(layouts.entry, message.payload, content)
    elif message.payload[:1] == bytes((xdlms.DATA_NOTIFICATION,)):
        alert = plain_alert(message, decrypted)
        _write(alert, layouts, content)
        if alert.invoke_id != invoke_id(message.counter):
            remainder.write(content, 0, PAYLOAD, alert.encode())
    else:
        raise UnsupportedUseCase(f"alert 0x{message.message_code:04X}: its kind of payload is not built yet")
    root: Element = content.getroottree().getroot()
    return root


def _write(alert: Notification, layouts: Layouts, content: Element) -> None:
    place = add(content, "DeviceAlertContent")
    add(place, "GBCSHexAlertCode", f"{alert.alert_code:04X}")
    add(place, "AlertDescription", event_name(alert.alert_code)[:MAX_DESCRIPTION])
    try:
        add(place, "Timestamp", write_date_time(alert.time_stamp))
    except Unfit:
        add(place, "Timestamp", nearest_date_time(alert.time_stamp))
        remainder.write(content, 0, TIME_STAMP, alert.time_stamp)
    closed = len(alert.extra) == 2 and is_protected(alert.extra[0], alert.extra[1])
    if not closed:
        layouts.write(alert.extra, place)
    for position, part in enumerate(alert.extra, 1):
        if layouts.read(place, position) != part:
            remainder.write(content, position, f"alert data {position}", part, encrypted=closed)


def read_alert(content: Element, message: Message, use_case: UseCase | None = None) -> Notification:
    """Return the alert that a DeviceAlertMessage holds. Raises ParseError when it is none of ours."""
    pieces = remainder.read(content)
    whole = pieces.get((0, PAYLOAD))
    if isinstance(whole, bytes):
        return xdlms.decode_notification(whole)
    place = content.find(qualified("DeviceAlertContent"))
    if place is None:
        raise ParseError("the document holds no DeviceAlertContent")
    stamp = pieces.get((0, TIME_STAMP))
    try:
        code = int(child_text(place, "GBCSHexAlertCode"), 16)
        time = stamp if isinstance(stamp, bytes) else read_date_time(child_text(place, "Timestamp"))
    except ValueError:
        raise ParseError("DeviceAlertContent does not hold what this package writes") from None
    layouts = alert_layouts(message.message_code, use_case or alert_use_case(message.message_code))
    return Notification(invoke_id(message.counter), code, time, _extra(layouts, place, pieces))


def _extra(layouts: Layouts, place: Element, pieces: dict[tuple[int, str], Data | bytes]) -> tuple[Data, ...]:
    last = max([sequence for sequence, _ in pieces], default=0)
    parts = []
    for position in range(1, max(last, len(layouts.items)) + 1):
        piece = pieces.get((position, ""))
        part = piece if isinstance(piece, Data) else layouts.read(place, position)
        if part.type != "null" or isinstance(piece, Data):
            parts.append(part)
    return tuple(parts)
