"""GBZ payloads as trees: components, ZCL headers, and the fields of each ZigBee command."""

from __future__ import annotations

from opensmets.catalogue.alert_codes import event_name
from opensmets.catalogue.zcl import Cluster, ZclField, ZclGroup, clusters
from opensmets.explain import words
from opensmets.explain.dlms import use_case_title
from opensmets.explain.node import Node, derived, number
from opensmets.layouts import gbz
from opensmets.layouts.envelope import ALERT, Message
from opensmets.security.suite import TAG_SIZE

_GLOBAL_MASK, _FROM_SERVER = 0x03, 0x08
_READ, _READ_RESPONSE, _DEFAULT_RESPONSE = 0x00, 0x01, 0x0B
_GLOBAL_NAMES = {
    _READ: "Read Attributes",
    _READ_RESPONSE: "Read Attributes Response",
    _DEFAULT_RESPONSE: "Default Response",
}
#: What a default response names when its command was not carried out after another's failure.
_NO_COMMAND = b"\xff"
_STATUS = {0: "success", 1: "failure", 0x8B: "not found", 0xC0: "hardware failure"}
#: ZCL data types: name and octets; None where a length octet says.
_TYPES: dict[int, tuple[str, int | None]] = {
    0x10: ("boolean", 1), 0x41: ("octet string", None), 0x42: ("text", None), 0xE2: ("time", 4),
    **{0x18 + at: (f"bitmap{8 * (at + 1)}", at + 1) for at in range(8)},
    **{0x20 + at: (f"u{8 * (at + 1)}", at + 1) for at in range(8)},
    **{0x28 + at: (f"i{8 * (at + 1)}", at + 1) for at in range(8)},
    0x30: ("enum8", 1), 0x31: ("enum16", 2),
}  # fmt: skip
_EMPTY = Cluster("", {}, {})


class _Reader:
    """Takes octets off a payload; a take beyond the end gets what there is."""

    def __init__(self, octets: bytes) -> None:
        self.octets, self.at = octets, 0

    def take(self, size: int) -> bytes:
        taken = self.octets[self.at : self.at + size]
        self.at += len(taken)
        return taken

    def counted(self) -> bytes:
        """Take a length octet and what it counts; FF stands for no value."""
        size = self.octets[self.at] if self.at < len(self.octets) else 0
        return self.take(1 + (0 if size == 0xFF else size))

    @property
    def done(self) -> bool:
        return self.at >= len(self.octets)


def _text(octets: bytes) -> str:
    return octets[1:].decode("latin-1")


def _value(field: ZclField, name: str, raw: bytes) -> Node:
    little = int.from_bytes(raw, "little")
    if field.type == "text":
        return Node(name, raw, _text(raw))
    if field.type == "octets" or field.type.startswith("hex"):
        return Node(name, raw, (raw[1:] if field.type == "octets" else raw).hex().upper())
    if field.type == "time":
        return Node(name, raw, little, words.seconds(little))
    if field.type == "minutes":
        return Node(name, raw, little, f"{little // 60:02}:{little % 60:02}")
    if field.type == "event":
        return Node(name, raw, f"{little:04X}", event_name(little) if little else "")
    if field.type == "date":
        return Node(name, raw, _date(raw))
    return Node(name, raw, int.from_bytes(raw, "little", signed=field.type.startswith("i")))


def _date(raw: bytes) -> str:
    """Say a ZCL date: years since 1900, month, day, day of week; FF is any."""
    year, month, day, weekday = (*raw, 255, 255, 255, 255)[:4]
    parts = [str(1900 + year) if year != 0xFF else "*"]
    parts += ["*" if part == 0xFF else f"{part:02}" for part in (month, day)]
    return "-".join(parts) + ("" if weekday == 0xFF else f" weekday {weekday}")


def _take_field(field: ZclField, reader: _Reader, name: str) -> Node:
    raw = reader.counted() if field.size is None else reader.take(field.size)
    if field.size is not None and len(raw) < field.size:
        return Node(name, raw, raw.hex().upper(), "cut short")
    return _value(field, name, raw)


def _take_group(group: ZclGroup, reader: _Reader, count: int) -> list[Node]:
    nodes: list[Node] = []
    row = 0
    while not reader.done and (group.to_end or row < count):
        row += 1
        nodes += [_take_field(field, reader, f"{field.name} {row}") for field in group.fields if not reader.done]
    return nodes


def _command_fields(cluster: Cluster, from_server: bool, command: int, reader: _Reader) -> list[Node]:
    entry = cluster.commands.get((from_server, command))
    nodes: list[Node] = []
    for part in entry.parts if entry else ():
        if isinstance(part, ZclGroup):
            last = nodes[-1].value if nodes else 0
            nodes += _take_group(part, reader, last if isinstance(last, int) else 0)
        elif not reader.done:
            nodes.append(_take_field(part, reader, part.name))
    return nodes


def _attribute_value(reader: _Reader, kind: int) -> Node:
    name, size = _TYPES.get(kind, ("unknown type", 0))
    if size is None:
        raw = reader.counted()
        return Node("value", raw, _text(raw) if kind == 0x42 else raw[1:].hex().upper())
    # of an unknown type nothing further can be told apart
    raw = reader.take(size or len(reader.octets))
    return Node("value", raw, int.from_bytes(raw, "little", signed=name.startswith("i")))


def _read_response(cluster: Cluster, reader: _Reader) -> list[Node]:
    nodes: list[Node] = []
    while not reader.done:
        raw = reader.take(2)
        status = reader.take(1)
        children = [
            number("attribute", raw, cluster.attributes.get(int.from_bytes(raw, "little"), ""), "little"),
            number("status", status, _STATUS.get(status[0] if status else -1, "unknown status")),
        ]
        if status == b"\0":
            kind = reader.take(1)
            children.append(number("type", kind, _TYPES.get(kind[0] if kind else -1, ("unknown type", 0))[0]))
            children.append(_attribute_value(reader, kind[0] if kind else -1))
        nodes.append(Node(f"[{len(nodes)}]", children=tuple(children)))
    return nodes


def _global_fields(cluster: Cluster, component: gbz.Component, reader: _Reader) -> list[Node]:
    if component.command == _READ_RESPONSE:
        return _read_response(cluster, reader)
    if component.command == _DEFAULT_RESPONSE and len(reader.octets) == 2:
        raw, status = reader.take(1), reader.take(1)
        # the answer goes the other way than the command did
        entry = cluster.commands.get((not component.frame_control & _FROM_SERVER, raw[0]))
        return [
            number("command", raw, "none carried out" if raw == _NO_COMMAND else entry.name if entry else ""),
            number("status", status, _STATUS.get(status[0], "unknown status")),
        ]
    nodes: list[Node] = []
    while component.command == _READ and not reader.done:
        raw = reader.take(2)
        name = cluster.attributes.get(int.from_bytes(raw, "little"), "")
        nodes.append(number(f"attribute {len(nodes) + 1}", raw, name, "little"))
    return nodes


def _fields(component: gbz.Component, octets: bytes) -> tuple[Node, ...]:
    """Explain a ZCL payload; what the catalogue does not know of it is one last node."""
    cluster = clusters().get(component.cluster, _EMPTY)
    reader = _Reader(octets)
    if component.frame_control & _GLOBAL_MASK:
        from_server = bool(component.frame_control & _FROM_SERVER)
        nodes = _command_fields(cluster, from_server, component.command, reader)
    else:
        nodes = _global_fields(cluster, component, reader)
    if not reader.done:
        rest = reader.take(len(octets))
        nodes.append(Node("further octets", rest, rest.hex().upper()))
    return tuple(nodes)


def _command_name(component: gbz.Component) -> str:
    if not component.frame_control & _GLOBAL_MASK:
        return _GLOBAL_NAMES.get(component.command, "")
    cluster = clusters().get(component.cluster, _EMPTY)
    entry = cluster.commands.get((bool(component.frame_control & _FROM_SERVER), component.command))
    return entry.name if entry else ""


def _control(control: int) -> str:
    bits = ((gbz.LAST, "last"), (gbz.ENCRYPTED, "encrypted"), (gbz.FROM_DATE, "from a date"))
    return ", ".join(name for bit, name in bits if control & bit)


def _payload(component: gbz.Component, plain: bytes | None) -> Node:
    if not component.encrypted:
        return Node("payload", children=_fields(component, component.payload))
    sealed = component.payload
    children = [
        number("length", (len(gbz.SECURITY_HEADER) + len(sealed)).to_bytes(2, "big")),
        Node("security header", gbz.SECURITY_HEADER, meaning="authenticated and encrypted"),
        Node("cipher text", sealed[:-TAG_SIZE], meaning="" if plain is not None else "not decrypted"),
        Node("tag", sealed[-TAG_SIZE:]),
    ]
    if plain is not None:
        children.append(derived("decrypted content", _fields(component, plain)))
    return Node("payload", meaning="encrypted", children=tuple(children))


def _component(index: int, component: gbz.Component, plain: list[bytes]) -> Node:
    encoded = gbz.encode_component(component)
    reader = _Reader(encoded)
    cluster = clusters().get(component.cluster, _EMPTY)
    children = [
        number("control", reader.take(1), _control(component.control)),
        Node("cluster", reader.take(2), f"{component.cluster:04X}", cluster.name),
        number("length", reader.take(2)),
    ]
    if component.from_date is not None:
        children.append(number("from date", reader.take(4), words.seconds(component.from_date)))
    if component.encrypted:
        children += [number("additional header", reader.take(1)), number("frame counter", reader.take(1))]
    way = "from the server" if component.frame_control & _FROM_SERVER else "to the server"
    children.append(number("frame control", reader.take(1), way))
    if component.manufacturer is not None:
        children.append(number("manufacturer", reader.take(2), order="little"))
    children.append(number("sequence", reader.take(1)))
    name = _command_name(component)
    children.append(number("command", reader.take(1), name))
    children.append(_payload(component, plain.pop(0) if component.encrypted and plain else None))
    return Node(f"component {index + 1}", meaning=f"{cluster.name}: {name}", children=tuple(children))


def _future_dated(extra: bytes, fields: gbz.FutureDated) -> Node:
    cluster = clusters().get(fields.cluster, _EMPTY)
    entry = cluster.commands.get((bool(fields.frame_control & _FROM_SERVER), fields.command))
    children = (
        number("message code", extra[1:3], use_case_title(fields.message_code)),
        number("originator counter", extra[3:11]),
        Node("cluster", extra[11:13], f"{fields.cluster:04X}", cluster.name),
        number("frame control", extra[13:14]),
        number("command", extra[14:], entry.name if entry else ""),
    )
    return Node("instruction", extra[:1], meaning="future-dated instruction", children=children)


def _alert_nodes(payload: gbz.GbzPayload) -> list[Node]:
    code = payload.alert_code or 0
    return [
        Node("alert code", code.to_bytes(2, "big"), f"{code:04X}", event_name(code)),
        number("time stamp", payload.time_s.to_bytes(4, "big"), words.seconds(payload.time_s)),
    ]


def payload_nodes(message: Message, plain: tuple[bytes, ...]) -> tuple[Node, ...]:
    """Explain a GBZ payload; `plain` are its decrypted parts in order. Raises LayoutError."""
    payload = gbz.decode(message.payload, alert=message.cra_flag == ALERT)
    left = list(plain)
    nodes = [Node("profile", gbz.PROFILE, "0109", "smart energy"), number("components", bytes((payload.count,)))]
    if payload.alert_code is not None:
        nodes += _alert_nodes(payload)
    nodes += [_component(index, component, left) for index, component in enumerate(payload.components)]
    if payload.extra:
        future = payload.future_dated
        other = Node("other information", payload.extra, payload.extra.hex().upper())
        nodes.append(_future_dated(payload.extra, future) if future else other)
    return tuple(nodes)
