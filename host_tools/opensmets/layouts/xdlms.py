"""The xDLMS messages that GBCS uses: access-request, access-response, data-notification (IEC 62056-5-3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from construct import Byte, Bytes, Const, Int8sb, Int16ub, Int32ub, Int64ub, PrefixedArray, Struct, Switch, this

from opensmets.layouts.axdr import DATA, Data
from opensmets.layouts.wire import LayoutError, Length, build, parse

ACCESS_REQUEST, ACCESS_RESPONSE, DATA_NOTIFICATION = 0xD9, 0xDA, 0x0F
#: The choice octet of an access specification.
CHOICES = {"get": 1, "set": 2, "action": 3, "range": 4, "set_range": 5}
VERBS = {choice: verb for verb, choice in CHOICES.items()}
#: Data-access-result and action-result codes by number (IEC 62056-5-3 table 8).
RESULTS = {
    0: "success", 1: "hardware fault", 2: "temporary failure", 3: "read-write denied", 4: "object undefined",
    9: "object class inconsistent", 11: "object unavailable", 12: "type unmatched", 13: "scope of access violated",
    14: "data block unavailable", 15: "long get aborted", 16: "no long get in progress", 17: "long set aborted",
    18: "no long set in progress", 19: "data block number invalid", 250: "other reason",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AccessItem:
    """One access specification: what is done (`CHOICES`) to which attribute or method.

    `selector` is, for `range` and `set_range`, the access selector's parameter; its number is `selector_id`.
    """

    verb: str
    class_id: int
    obis: bytes
    member: int
    selector: Data | None = None
    selector_id: int = 0


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """An access-request: the items and, one for one, their data (null for a get)."""

    invoke_id: int
    items: tuple[AccessItem, ...]
    data: tuple[Data, ...]

    def encode(self) -> bytes:
        """Return the payload octets. Raises LayoutError when a field does not fit."""
        items = [_item_fields(item) for item in self.items]
        return build(
            _REQUEST, {"invoke_id": self.invoke_id, "specifications": items, "data": self.data}, "access-request"
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item: its verb (a `range` is answered as `get`) and result code (`RESULTS`)."""

    verb: str
    code: int

    @property
    def ok(self) -> bool:
        """Whether the item was carried out."""
        return self.code == 0


@dataclass(frozen=True, slots=True)
class AccessResponse:
    """An access-response: for each item of the request, its data and its result."""

    invoke_id: int
    data: tuple[Data, ...]
    results: tuple[Result, ...]

    def encode(self) -> bytes:
        """Return the payload octets. Raises LayoutError when a field does not fit."""
        results = [{"choice": CHOICES[result.verb], "code": result.code} for result in self.results]
        return build(_RESPONSE, {"invoke_id": self.invoke_id, "data": self.data, "results": results}, "access-response")


@dataclass(frozen=True, slots=True)
class FutureDated:
    """What a future-dated alert says of the instruction that was carried out (GBCS 16.2)."""

    message_code: int
    originator_counter: int
    class_id: int
    obis: bytes
    member: int


@dataclass(frozen=True, slots=True)
class Notification:
    """A data-notification: alert code, time stamp (12 octets), and what else the alert carries."""

    invoke_id: int
    alert_code: int
    time_stamp: bytes
    extra: tuple[Data, ...] = ()

    @property
    def future_dated(self) -> FutureDated | None:
        """The instruction that a future-dated alert reports, when this is one."""
        if (
            self.alert_code not in FUTURE_DATED_ALERTS
            or len(self.extra) != 1
            or self.extra[0].type != "octets"
            or len(self.extra[0].value) != FUTURE_DATED_SIZE
        ):
            return None
        fields = parse(_FUTURE_DATED, self.extra[0].value, "future-dated alert")
        return FutureDated(fields.message_code, fields.counter, fields.class_id, fields.obis, fields.member)

    def encode(self) -> bytes:
        """Return the payload octets. Raises LayoutError when a field does not fit."""
        body = Data("structure", (Data("u16", self.alert_code), Data("octets", self.time_stamp), *self.extra))
        return build(_NOTIFICATION, {"invoke_id": self.invoke_id, "body": body}, "data-notification")


_ITEM = Struct(
    "choice" / Byte,
    "class_id" / Int16ub,
    "obis" / Bytes(6),
    "member" / Int8sb,
    "selection" / Switch(this.choice, dict.fromkeys((4, 5), Struct("selector" / Byte, "parameters" / DATA))),
)
_RESULT = Struct("choice" / Byte, "code" / Byte)
# the invoke id's zero octet: no date-time
_REQUEST = Struct(
    Const(b"\xd9"), "invoke_id" / Int32ub, Const(b"\0"),
    "specifications" / PrefixedArray(Length, _ITEM), "data" / PrefixedArray(Length, DATA),
)  # fmt: skip
# after the date-time: no access specification repeated
_RESPONSE = Struct(
    Const(b"\xda"), "invoke_id" / Int32ub, Const(b"\0\0"),
    "data" / PrefixedArray(Length, DATA), "results" / PrefixedArray(Length, _RESULT),
)  # fmt: skip
_NOTIFICATION = Struct(Const(b"\x0f"), "invoke_id" / Int32ub, Const(b"\0"), "body" / DATA)
_FUTURE_DATED = Struct(
    "message_code" / Int16ub, "counter" / Int64ub, "class_id" / Int16ub, "obis" / Bytes(6),
    "member" / Int8sb,
)  # fmt: skip
#: Alert codes of a future-dated instruction: carried out, failed.
FUTURE_DATED_ALERTS = (0x8F66, 0x8F67)
FUTURE_DATED_SIZE = 19


def _item_fields(item: AccessItem) -> dict[str, Any]:
    if item.verb not in CHOICES:
        raise LayoutError(f"access-request: {item.verb!r} is none of {', '.join(CHOICES)}")
    selection = {"selector": item.selector_id, "parameters": item.selector} if item.selector else None
    return {
        "choice": CHOICES[item.verb], "class_id": item.class_id, "obis": item.obis, "member": item.member,
        "selection": selection,
    }  # fmt: skip


def _verb(choice: int, what: str) -> str:
    if choice not in VERBS:
        raise LayoutError(f"{what}: choice {choice} is none of get, set, action")
    return VERBS[choice]


def _item(fields: Any) -> AccessItem:
    verb = _verb(fields.choice, "access-request")
    place = (verb, fields.class_id, fields.obis, fields.member)
    return (
        AccessItem(*place, fields.selection.parameters, fields.selection.selector)
        if fields.selection
        else AccessItem(*place)
    )


def decode_request(octets: bytes) -> AccessRequest:
    """Read an access-request. Raises LayoutError naming the field that is wrong."""
    fields = parse(_REQUEST, octets, "access-request")
    if len(fields.specifications) != len(fields.data):
        raise LayoutError(f"access-request: {len(fields.specifications)} items but {len(fields.data)} data")
    return AccessRequest(fields.invoke_id, tuple(_item(one) for one in fields.specifications), tuple(fields.data))


def decode_response(octets: bytes) -> AccessResponse:
    """Read an access-response. Raises LayoutError naming the field that is wrong."""
    fields = parse(_RESPONSE, octets, "access-response")
    results = tuple(Result(_verb(one.choice, "access-response"), one.code) for one in fields.results)
    if len(results) != len(fields.data):
        raise LayoutError(f"access-response: {len(fields.data)} data but {len(results)} results")
    return AccessResponse(fields.invoke_id, tuple(fields.data), results)


def decode_notification(octets: bytes) -> Notification:
    """Read a data-notification. Raises LayoutError naming the field that is wrong."""
    fields = parse(_NOTIFICATION, octets, "data-notification")
    body = fields.body
    if body.type != "structure" or [one.type for one in body.value[:2]] != ["u16", "octets"]:
        raise LayoutError("data-notification: body is not a structure of alert code, time stamp and more")
    return Notification(fields.invoke_id, body[0].value, body[1].value, body.value[2:])


def decode(octets: bytes) -> AccessRequest | AccessResponse | Notification:
    """Read an xDLMS payload by its first octet. Raises LayoutError when it is none of the three."""
    tag = octets[0] if octets else None
    if tag == ACCESS_REQUEST:
        return decode_request(octets)
    if tag == ACCESS_RESPONSE:
        return decode_response(octets)
    if tag == DATA_NOTIFICATION:
        return decode_notification(octets)
    raise LayoutError("payload starts with none of D9, DA, 0F: not xDLMS")
