"""What of a message the elements of the schema cannot hold, so that nothing is lost: `GBCSData`.

MMC gives `GBCSData` to parts of a message that stand as they were sent: `encrypted` for a second pass, or `plain`.
Reading chosen: a piece whose elements do not say all of it (another scaler than the schema's unit implies, a wildcard
in an xs:dateTime, a number that the schema's type refuses, data for which there is no element) stands beside them as
`plain`. `sequence` is the item's position, from 1, as in `COSEMResponse`; `name` says what it is; type `dlms` is A-XDR
data, `gbcs` other octets of the message. Sequence 0 is not of one item.
"""

from __future__ import annotations

import base64
import binascii

from opensmets.layouts import axdr
from opensmets.layouts.axdr import Data
from opensmets.parse.tree import Element, ParseError, add, qualified

#: The schema's maxOccurs.
MOST = 100


def write(message: Element, sequence: int, name: str, value: Data | bytes, *, encrypted: bool = False) -> None:
    """Add one `GBCSData` before the message's other content, behind those that are there."""
    element = add(message, "GBCSData")
    octets = value if isinstance(value, bytes) else axdr.encode(value)
    element.text = base64.b64encode(octets).decode("ascii")
    element.set("format", "encrypted" if encrypted else "plain")
    element.set("sequence", str(sequence))
    element.set("name", name)
    element.set("type", "gbcs" if isinstance(value, bytes) else "dlms")
    others = len(message.findall(qualified("GBCSData")))
    if others > MOST:
        raise ParseError(f"more than {MOST} pieces of the message have no place in the schema")
    message.remove(element)
    message.insert(others - 1, element)


def read(message: Element) -> dict[tuple[int, str], Data | bytes]:
    """Return every piece by its sequence and name; for items also under the empty name."""
    pieces: dict[tuple[int, str], Data | bytes] = {}
    for element in message.findall(qualified("GBCSData")):
        try:
            octets = base64.b64decode(element.text or "", validate=True)
            sequence = int(element.get("sequence") or "")
        except (ValueError, binascii.Error):
            raise ParseError("a GBCSData element is not one that this package makes") from None
        piece = axdr.decode(octets) if element.get("type") == "dlms" else octets
        pieces[sequence, element.get("name") or ""] = piece
        if sequence:
            pieces[sequence, ""] = piece
    return pieces
