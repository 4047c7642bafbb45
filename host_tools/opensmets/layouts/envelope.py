"""The GBCS message around every payload (GBCS 7.2): MAC header, grouping header, payload, signature, MAC.

    [MAC header] grouping header | payload | signature [MAC]

`decode` and `encode` are exact inverses. A pre-command is the message before signing: it ends with its payload.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import Any

from construct import (
    Bytes,
    Const,
    ConstructError,
    ExprValidator,
    If,
    Int8ub,
    Int16ub,
    Int64ub,
    OneOf,
    Struct,
    Tell,
    this,
)

from opensmets.layouts.blocks import MAX_MESSAGE
from opensmets.layouts.wire import LayoutError, Length, build, encode_length, parse

COMMAND, RESPONSE, ALERT = 1, 2, 3
CRA_NAMES = {COMMAND: "command", RESPONSE: "response", ALERT: "alert"}
MAC_SIZE, SIGNATURE_SIZE, TIME_SIZE, EUI_SIZE = 12, 64, 12, 8
#: `security_header` of a MACed message: suite 1, authenticated, its counter always zero (GBCS 7.2.6).
SECURITY_HEADER = bytes.fromhex("1100000000")
#: What the MAC covers before the grouping header: the security header and the empty additional authenticated data.
MAC_PREFIX = SECURITY_HEADER + b"\0"
_CIPHERING, _SIGNING = 0xDD, 0xDF
_CODE_ONLY, _WITH_PARTY, _WITH_COUNTER, _LONG_FORM = 2, 10, 18, 26
_SHORT_FORMS = (_CODE_ONLY, _WITH_PARTY, _WITH_COUNTER)


@dataclass(frozen=True, slots=True)
class Message:
    """One GBCS message.

    EUIs are 8 octets. `time` is the grouping header's date-time, 12 octets or empty. `signature` is 64 octets, empty
    when the message says there is none, None in a pre-command, which ends before it. `mac` is 12 octets, None when
    the message has no MAC header. `raw` is the message as read; `grouping_start`, `payload_start` and `payload_end`
    lie in it. They are not compared.
    """

    cra_flag: int
    counter: int
    originator: bytes
    recipient: bytes
    message_code: int
    payload: bytes
    time: bytes = b""
    supplementary_party: bytes | None = None
    supplementary_counter: int | None = None
    certificate: bytes | None = None
    supplementary_originator_counter: int | None = None
    signature: bytes | None = None
    mac: bytes | None = None
    raw: bytes = field(default=b"", compare=False, repr=False)
    grouping_start: int = field(default=0, compare=False, repr=False)
    payload_start: int = field(default=0, compare=False, repr=False)
    payload_end: int = field(default=0, compare=False, repr=False)

    @property
    def signed_octets(self) -> bytes:
        """What the signature covers: all after the `DF` octet, to the end of the payload (GBCS 6.3.3)."""
        message = self if self.raw else decode(encode(self))
        return message.raw[message.grouping_start + 1 : message.payload_end]

    @property
    def maced_octets(self) -> bytes:
        """What the MAC covers: the security header, `00`, and the grouping header to the signature (GBCS 7.2.6)."""
        message = self if self.raw else decode(encode(self))
        end = len(message.raw) - (MAC_SIZE if message.mac is not None else 0)
        return MAC_PREFIX + message.raw[message.grouping_start : end]

    @property
    def kind(self) -> str:
        """`command`, `response` or `alert`."""
        return CRA_NAMES[self.cra_flag]

    @property
    def is_precommand(self) -> bool:
        """Whether the message ends with its payload, awaiting a signature."""
        return self.signature is None


#: The grouping header after its `DF`, and the payload.
_GROUPING = (
    "transaction_id_length" / Const(b"\x09"),
    "cra_flag" / OneOf(Int8ub, list(CRA_NAMES)),
    "counter" / Int64ub,
    "originator_length" / Const(b"\x08"),
    "originator" / Bytes(EUI_SIZE),
    "recipient_length" / Const(b"\x08"),
    "recipient" / Bytes(EUI_SIZE),
    "time_length" / OneOf(Int8ub, [0, TIME_SIZE]),
    "time" / Bytes(this.time_length),
    "other_information_length" / ExprValidator(Length, lambda size, _: size in _SHORT_FORMS or size >= _LONG_FORM),
    "message_code" / Int16ub,
    "supplementary_party" / If(this.other_information_length >= _WITH_PARTY, Bytes(EUI_SIZE)),
    "supplementary_counter" / If(this.other_information_length >= _WITH_COUNTER, Int64ub),
    "supplementary_rest"
    / If(this.other_information_length > _WITH_COUNTER, Bytes(this.other_information_length - _WITH_COUNTER)),
    "content_length" / Length,
    "payload_start" / Tell,
    "payload" / Bytes(this.content_length),
    "payload_end" / Tell,
)

PRECOMMAND = Struct("tag" / Const(bytes((_SIGNING,))), *_GROUPING)
SIGNED = Struct(
    "tag" / Const(bytes((_SIGNING,))),
    *_GROUPING,
    "signature_length" / OneOf(Int8ub, [0, SIGNATURE_SIZE]),
    "signature" / Bytes(this.signature_length),
)
MACED = Struct(
    "ciphering_tag" / Const(bytes((_CIPHERING, 0, 0, 0, 0, 0, 0))),
    "ciphered_length" / Length,
    "ciphered_start" / Tell,
    "security_header" / Const(SECURITY_HEADER),
    "tag" / Const(bytes((_SIGNING,))),
    *_GROUPING,
    "signature_length" / OneOf(Int8ub, [0, SIGNATURE_SIZE]),
    "signature" / Bytes(this.signature_length),
    "mac" / Bytes(MAC_SIZE),
)


@cache
def _compiled(layout: Any) -> Any:
    return layout.compile()


def _read_fast(layout: Any, octets: bytes) -> Any:
    """Return the fields, read by the compiled layout, or None when anything is wrong.

    Compiled constructs take a short read at the end for a whole one, hence the comparisons.
    """
    stream = BytesIO(octets)
    try:
        fields = _compiled(layout).parse_stream(stream)
    except (ConstructError, struct.error):
        return None
    whole = stream.tell() == len(octets) and fields.payload_end - fields.payload_start == fields.content_length
    if layout is not PRECOMMAND:
        whole = whole and len(fields.signature) == fields.signature_length
    if layout is MACED:
        whole = whole and len(fields.mac) == MAC_SIZE
    return fields if whole else None


def _read(octets: bytes) -> Any:
    """Return the fields of the one form that fits. Raises LayoutError naming the field."""
    layout = MACED if octets[:1] == bytes((_CIPHERING,)) else SIGNED
    fields = _read_fast(layout, octets)
    if fields is None and layout is SIGNED:
        fields = _read_fast(PRECOMMAND, octets)
        # only a command can wait for its signature
        if fields is not None and fields.cra_flag != COMMAND:
            fields = None
    # the declared layout is slower but knows the name of the field that is wrong
    return parse(layout, octets, "message") if fields is None else fields


def _check_certificate(octets: bytes) -> bytes:
    header = b"\x30" + encode_length(len(octets) - 4)
    if len(header) != 4 or octets[:4] != header:
        raise LayoutError("message: other_information: what follows the supplementary counter is not one certificate")
    return octets


def _supplementary(fields: Any) -> tuple[bytes | None, int | None, bytes | None, int | None]:
    """Return the party, its counter, its certificate and the supplementary originator counter."""
    length, rest = fields.other_information_length, fields.supplementary_rest
    party, counter = fields.supplementary_party, fields.supplementary_counter
    if length in _SHORT_FORMS:
        return party, counter, None, None
    if rest and fields.cra_flag == COMMAND:
        return party, counter, _check_certificate(rest), None
    if rest and len(rest) == EUI_SIZE:
        return party, counter, None, int.from_bytes(rest, "big")
    raise LayoutError(
        f"message: other_information_length: {length} octets fit no form of a {CRA_NAMES[fields.cra_flag]}"
    )


def decode(octets: bytes) -> Message:
    """Read one whole message, pre-commands too. Raises LayoutError naming the field that is wrong."""
    if len(octets) > MAX_MESSAGE:
        raise LayoutError(f"message: {len(octets)} octets, more than the {MAX_MESSAGE} that a message may have")
    octets = bytes(octets)
    fields = _read(octets)
    maced = octets[0] == _CIPHERING
    if maced and fields.ciphered_length != len(octets) - fields.ciphered_start:
        raise LayoutError(f"message: ciphered_length: {fields.ciphered_length} is not what follows it")
    if not maced and fields.get("signature") == b"":
        raise LayoutError("message: signature_length: 0, and there is no MAC either: nothing protects this message")
    return Message(
        fields.cra_flag, fields.counter, fields.originator, fields.recipient, fields.message_code, fields.payload,
        fields.time, *_supplementary(fields), fields.get("signature"), fields.mac if maced else None,
        octets, fields.ciphered_start + len(SECURITY_HEADER) if maced else 0, fields.payload_start, fields.payload_end,
    )  # fmt: skip


def _other_information(message: Message) -> bytes:
    """Return what follows the message code in other information."""
    parts = [message.supplementary_party, message.supplementary_counter]
    parts.append(message.supplementary_originator_counter if message.certificate is None else message.certificate)
    if any(later is not None and earlier is None for earlier, later in zip(parts, parts[1:], strict=False)):
        raise LayoutError(
            "message: supplementary fields stand in order: party, its counter, then certificate or counter"
        )
    octets = [part.to_bytes(8, "big") if isinstance(part, int) else part for part in parts if part is not None]
    return b"".join(octets)


def _fields(message: Message) -> dict[str, Any]:
    other = _other_information(message)
    return {
        "cra_flag": message.cra_flag, "counter": message.counter, "originator": message.originator,
        "recipient": message.recipient, "time_length": len(message.time), "time": message.time,
        "other_information_length": _CODE_ONLY + len(other), "message_code": message.message_code,
        "supplementary_party": message.supplementary_party, "supplementary_counter": message.supplementary_counter,
        "supplementary_rest": other[2 * EUI_SIZE :] or None,
        "content_length": len(message.payload), "payload": message.payload,
    }  # fmt: skip


def encode(message: Message) -> bytes:
    """Return the octets of `message`. Raises LayoutError naming a field that does not fit."""
    fields = _fields(message)
    if message.signature is None:
        if message.mac is not None:
            raise LayoutError("message: a MAC needs a signature field before it; give b'' for none")
        return build(PRECOMMAND, fields, "message")
    fields |= {"signature_length": len(message.signature), "signature": message.signature}
    octets = build(SIGNED, fields, "message")
    if message.mac is None:
        return octets
    fields["mac"] = message.mac
    fields["ciphered_length"] = len(SECURITY_HEADER) + len(octets) + MAC_SIZE
    return build(MACED, fields, "message")
