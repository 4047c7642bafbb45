"""GBZ payloads: ZigBee commands in GBCS components (GBCS 7.2.9 and 7.2.12).

    0109 | number of components | [alert code, time] | components, or what else an alert carries

A component is control, cluster, length, then [date], [additional header], ZCL header, and its payload, which is
cipher text with its tag when the component is encrypted. ZCL payloads are little-endian, all around them big-endian.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from construct import Const, GreedyBytes, If, IfThenElse, Int8ub, Int16ub, Int16ul, Int32ub, Int64ub, Struct, this

from opensmets.layouts.wire import LayoutError, Sized, build, parse

PROFILE = bytes.fromhex("0109")
LAST, ENCRYPTED, FROM_DATE = 0x01, 0x02, 0x10
_CONTROL_BITS = LAST | ENCRYPTED | FROM_DATE
#: Before the cipher text of an encrypted component (GBCS 8.4).
SECURITY_HEADER = bytes.fromhex("3100000000")
#: Bit of the ZCL frame control that says a manufacturer code follows.
_MANUFACTURER_SPECIFIC = 0x04
_SIZE_TO_BODY = 5
#: Alert codes of a future-dated instruction: carried out, failed.
FUTURE_DATED_ALERTS = (0x8F66, 0x8F67)
FUTURE_DATED_SIZE = 14


@dataclass(frozen=True, slots=True)
class Component:
    """One GBZ component.

    `payload` is the ZCL payload, or cipher text and tag when `encrypted`. `from_date` is in seconds since 2000;
    `frame_counter` stands in the additional header that an encrypted component has.
    """

    control: int
    cluster: int
    frame_control: int
    sequence: int
    command: int
    payload: bytes
    from_date: int | None = None
    frame_counter: int | None = None
    manufacturer: int | None = None

    @property
    def encrypted(self) -> bool:
        """Whether `payload` is cipher text and a 12-octet tag."""
        return bool(self.control & ENCRYPTED)


@dataclass(frozen=True, slots=True)
class FutureDated:
    """What a future-dated alert says of the instruction that was carried out (GBCS 16.3)."""

    message_code: int
    originator_counter: int
    cluster: int
    frame_control: int
    command: int


@dataclass(frozen=True, slots=True)
class GbzPayload:
    """A GBZ payload. An alert has `alert_code` and `time_s` (seconds since 2000), and its rest in `extra`.

    `count` is the number of components that the payload announces: an alert's `extra` counts as one.
    """

    components: tuple[Component, ...]
    alert_code: int | None = None
    time_s: int = 0
    extra: bytes = b""
    count: int = 0

    @property
    def future_dated(self) -> FutureDated | None:
        """The instruction that a future-dated alert reports, when this is one."""
        if (
            self.alert_code not in FUTURE_DATED_ALERTS
            or len(self.extra) != FUTURE_DATED_SIZE + 1
            or self.extra[0] != FUTURE_DATED_SIZE
        ):
            return None
        fields = parse(_FUTURE_DATED, self.extra[1:], "future-dated alert")
        return FutureDated(fields.message_code, fields.counter, fields.cluster, fields.frame_control, fields.command)

    def encode(self) -> bytes:
        """Return the payload octets. Raises LayoutError when a field does not fit."""
        alert = None if self.alert_code is None else {"code": self.alert_code, "time_s": self.time_s}
        count = self.count or len(self.components)
        head = build(_ALERT_HEAD if alert else _HEAD, {"count": count, "alert": alert}, "GBZ payload")
        return head + b"".join(encode_component(one) for one in self.components) + self.extra


_HEAD = Struct("profile" / Const(PROFILE), "count" / Int8ub)
_ALERT_HEAD = Struct(*_HEAD.subcons, "alert" / Struct("code" / Int16ub, "time_s" / Int32ub))
_SEALED = Struct("security_header" / Const(SECURITY_HEADER), "octets" / GreedyBytes)
_COMPONENT = Struct(
    "control" / Int8ub,
    "cluster" / Int16ub,
    "body"
    / Sized(
        Struct(
            "from_date" / If(this._.control & FROM_DATE, Int32ub),
            "additional_header"
            / If(this._.control & ENCRYPTED, Struct("control" / Const(b"\0"), "frame_counter" / Int8ub)),
            "frame_control" / Int8ub,
            "manufacturer" / If(this.frame_control & _MANUFACTURER_SPECIFIC, Int16ul),
            "sequence" / Int8ub,
            "command" / Int8ub,
            "payload" / IfThenElse(this._.control & ENCRYPTED, Sized(_SEALED, Int16ub), GreedyBytes),
        ),
        Int16ub,
    ),
)
_FUTURE_DATED = Struct(
    "message_code" / Int16ub, "counter" / Int64ub, "cluster" / Int16ub, "frame_control" / Int8ub, "command" / Int8ub
)


def _component(fields: Any) -> Component:
    if fields.control & ~_CONTROL_BITS:
        raise LayoutError(f"GBZ component: control {fields.control:02X} has a bit that GBCS does not define")
    body = fields.body
    sealed = fields.control & ENCRYPTED
    return Component(
        fields.control, fields.cluster, body.frame_control, body.sequence, body.command,
        body.payload.octets if sealed else body.payload, body.from_date,
        body.additional_header.frame_counter if sealed else None, body.manufacturer,
    )  # fmt: skip


def decode_components(octets: bytes) -> tuple[Component, ...]:
    """Read the components that `octets` are. Raises LayoutError naming the field that is wrong."""
    components: list[Component] = []
    rest = octets
    while rest:
        size = _SIZE_TO_BODY + int.from_bytes(rest[3:_SIZE_TO_BODY], "big")
        what = f"GBZ component {len(components) + 1}"
        components.append(_component(parse(_COMPONENT, rest[:size], what)))
        rest = rest[size:]
    return tuple(components)


def encode_component(component: Component) -> bytes:
    """Return the octets of one component. Raises LayoutError when a field does not fit."""
    additional = {"frame_counter": component.frame_counter or 0} if component.encrypted else None
    body = {
        "from_date": component.from_date, "additional_header": additional, "frame_control": component.frame_control,
        "manufacturer": component.manufacturer, "sequence": component.sequence, "command": component.command,
        "payload": {"octets": component.payload} if component.encrypted else component.payload,
    }  # fmt: skip
    fields = {"control": component.control, "cluster": component.cluster, "body": body}
    return build(_COMPONENT, fields, "GBZ component")


def _decode_alert(octets: bytes) -> GbzPayload:
    fields = parse(Struct(*_ALERT_HEAD.subcons, "rest" / GreedyBytes), octets, "GBZ alert")
    components: tuple[Component, ...] = ()
    extra = fields.rest
    if fields.count and extra:
        # an alert's body is a component (GCS53) or octets of its own (FDRA, MIIWA, future-dated): the lengths tell
        with suppress(LayoutError):
            components = decode_components(extra)
            extra = b""
    return GbzPayload(components, fields.alert.code, fields.alert.time_s, extra, fields.count)


def decode(octets: bytes, *, alert: bool = False) -> GbzPayload:
    """Read a GBZ payload; `alert` says that the message is one. Raises LayoutError naming the field that is wrong."""
    if alert:
        return _decode_alert(octets)
    fields = parse(Struct(*_HEAD.subcons, "rest" / GreedyBytes), octets, "GBZ payload")
    components = decode_components(fields.rest)
    if len(components) != fields.count:
        raise LayoutError(f"GBZ payload: count: {fields.count} components announced, {len(components)} present")
    return GbzPayload(components, count=fields.count)
