"""What a message says once its encrypted parts are open: the values that an MMC document has to hold.

A protected item (class 30, GBCS 8.4) is replaced by the data that it carried. Its protection parameters have to be
those of the message around it; they are not values, and not kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from opensmets.layouts import asn1, axdr, xdlms
from opensmets.layouts.axdr import Data
from opensmets.layouts.envelope import Message
from opensmets.layouts.xdlms import AccessResponse, Notification
from opensmets.parse.der import normal
from opensmets.parse.tree import ParseError

_SECURITY_HEADER = bytes.fromhex("3100000000")
#: Security header and tag around the cipher text.
_SEAL = len(_SECURITY_HEADER) + 12
_ENCRYPTED_AND_AUTHENTICATED, _AGREED_KEY = 2, 2
_STATIC_AGREEMENT = b"\x02"


def invoke_id(counter: int) -> int:
    """Return the invoke id that belongs to a message counter (GBCS 7.2.9)."""
    return 0x20000000 | (counter & 0xFFFFFF)


def _parameters(message: Message) -> Data:
    octets = [b"\x04" + message.counter.to_bytes(8, "big"), message.originator, message.recipient, b""]
    agreed = Data("structure", (Data("octets", _STATIC_AGREEMENT), Data("octets", b"")))
    key = Data("structure", (Data("enum", _AGREED_KEY), agreed))
    options = Data("structure", (*(Data("octets", part) for part in octets), key))
    protection = Data("structure", (Data("enum", _ENCRYPTED_AND_AUTHENTICATED), options))
    return Data("array", (protection,))


def is_protected(parameters: Data, sealed: Data) -> bool:
    """Tell whether two elements are protection parameters and a cipher text."""
    shaped = parameters.type == "array" and len(parameters) == 1 and sealed.type == "octets"
    return shaped and bytes(sealed.value).startswith(_SECURITY_HEADER)


def _open(message: Message, parameters: Data, sealed: Data, octets: bytes) -> Data:
    if parameters != _parameters(message):
        raise ParseError("the protection parameters of an encrypted part are not those of its message")
    if len(sealed.value) != _SEAL + len(octets):
        raise ParseError(f"an encrypted part of {len(sealed.value)} octets does not hold {len(octets)}")
    return axdr.decode(octets)


class _Opener:
    """The decrypted parts of a message, taken one after another; without any, parts stay as they are."""

    def __init__(self, message: Message, decrypted: Sequence[bytes]) -> None:
        self.message = message
        self.parts: Iterator[bytes] = iter(decrypted)
        self.given = bool(decrypted)

    def item(self, data: Data) -> Data:
        """Return the content of a protected item, any other as it is."""
        if data.type != "structure" or len(data) != 2 or not is_protected(data[0], data[1]) or not self.given:
            return data
        return self.open(data[0], data[1])

    def open(self, parameters: Data, sealed: Data) -> Data:
        part = next(self.parts, None)
        if part is None:
            raise ParseError("the message has more encrypted parts than were decrypted")
        return _open(self.message, parameters, sealed, part)

    def finish(self) -> None:
        if next(self.parts, None) is not None:
            raise ParseError("more parts were decrypted than the message has")


def plain_response(message: Message, decrypted: Sequence[bytes] = ()) -> AccessResponse:
    """Return a DLMS response with the content of its protected items in their place.

    `decrypted` are the A-XDR octets of each, in order; without any, the items stay closed. Raises LayoutError or
    ParseError when payload or parts are not whole or do not belong together.
    """
    response = xdlms.decode_response(message.payload)
    opener = _Opener(message, decrypted)
    data = tuple(opener.item(item) for item in response.data)
    opener.finish()
    return replace(response, data=data)


def plain_alert(message: Message, decrypted: Sequence[bytes] = ()) -> Notification:
    """Return a DLMS alert with the content of its protected part in the part's place. As `plain_response`."""
    alert = xdlms.decode_notification(message.payload)
    opener = _Opener(message, decrypted)
    extra = alert.extra
    if opener.given and len(extra) == 2 and is_protected(extra[0], extra[1]):
        extra = (opener.open(extra[0], extra[1]),)
    opener.finish()
    return replace(alert, extra=extra)


def plain_asn1(message: Message) -> asn1.Element:
    """Return an ASN.1 payload's elements with shortest lengths: GBCS seals none of them. Raises LayoutError."""
    return normal(asn1.decode(message.payload))
