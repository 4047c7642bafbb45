"""Messages with sensitive parts for tests of `parse`: the parts in the clear, and the message as it says they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from opensmets.layouts import axdr
from opensmets.layouts.axdr import Data
from opensmets.layouts.envelope import ALERT, Message
from opensmets.layouts.xdlms import AccessResponse, Notification
from opensmets.parse.plain import is_protected

_HEADER, _TAG = bytes.fromhex("3100000000"), 12


def _octets(*parts: bytes) -> list[Data]:
    return [Data("octets", part) for part in parts]


def seal(message: Message, content: Data) -> tuple[Data, Data]:
    """Return protection parameters of the message and as much cipher text as `content` needs."""
    key = Data("structure", (Data("enum", 2), Data("structure", tuple(_octets(b"\x02", b"")))))
    names = _octets(b"\x04" + message.counter.to_bytes(8, "big"), message.originator, message.recipient, b"")
    protection = Data("structure", (Data("enum", 2), Data("structure", (*names, key))))
    return Data("array", (protection,)), Data("octets", _HEADER + bytes(_TAG + len(axdr.encode(content))))


def with_response(message: Message, plain: AccessResponse, protected: Sequence[int]) -> tuple[Message, list[bytes]]:
    """Return a message that carries `plain`, and the decrypted parts of the items that `protected` numbers."""
    data, parts = list(plain.data), []
    for at in protected:
        parts.append(axdr.encode(data[at]))
        data[at] = Data("structure", seal(message, data[at]))
    return replace(message, payload=replace(plain, data=tuple(data)).encode(), raw=b""), parts


def with_alert(message: Message, plain: Notification, protected: bool) -> tuple[Message, list[bytes]]:
    """Return a message that carries the alert, and its decrypted part when its data are protected."""
    assert message.cra_flag == ALERT
    parts = [axdr.encode(plain.extra[0])] if protected else []
    extra = seal(message, plain.extra[0]) if protected else plain.extra
    return replace(message, payload=replace(plain, extra=extra).encode(), raw=b""), parts


def protected_items(response: AccessResponse) -> list[int]:
    """Return the numbers of the items that are protected."""
    return [
        at
        for at, item in enumerate(response.data)
        if item.type == "structure" and len(item) == 2 and is_protected(item[0], item[1])
    ]
