"""xDLMS payloads and A-XDR data as trees."""

from __future__ import annotations

from collections.abc import Sequence

from opensmets.catalogue.alert_codes import event_name
from opensmets.catalogue.use_cases import Item, by_message_code
from opensmets.explain import words
from opensmets.explain.node import Node, derived, number
from opensmets.layouts import axdr, xdlms
from opensmets.layouts.axdr import Compact, Data, RowType
from opensmets.layouts.axdr_leaves import TAGS
from opensmets.layouts.envelope import Message
from opensmets.layouts.wire import encode_length
from opensmets.security.suite import ENCRYPTION_HEADER, TAG_SIZE

_TYPE_NAMES = {
    "null": "nothing", "bool": "boolean", "octets": "octet string", "visible": "text", "utf8": "UTF-8 text",
    "bits": "bit string", "enum": "enumeration",
}  # fmt: skip


def _leaf(name: str, data: Data, raw: bytes) -> Node:
    kind = _TYPE_NAMES.get(data.type, data.type)
    if data.type == "octets":
        return Node(name, raw, data.value.hex().upper(), words.octet_string(data.value) or kind)
    if data.type == "bool":
        return Node(name, raw, bool(data.value), kind)
    return Node(name, raw, data.value, kind)


def _row(name: str, data: Data) -> Node:
    """Explain a row of a compact array, which has no tags."""
    if data.type in ("structure", "array"):
        children = tuple(_row(f"[{at}]", one) for at, one in enumerate(data.value))
        return Node(name, meaning=data.type, children=children)
    return _leaf(name, data, axdr.encode(data)[1:])


def _row_type(name: str, row_type: RowType) -> Node:
    """Explain the type description of a compact array."""
    tag = bytes((TAGS[row_type.type],))
    if row_type.type == "array":
        raw = tag + row_type.count.to_bytes(2, "big")
        return Node(name, raw, row_type.count, f"array of {row_type.count}", (_row_type("each", row_type.elements[0]),))
    children = tuple(_row_type(f"[{at}]", one) for at, one in enumerate(row_type.elements))
    if row_type.type == "structure":
        return Node(name, tag + encode_length(len(children)), len(children), "structure", children)
    return Node(name, tag, meaning=_TYPE_NAMES.get(row_type.type, row_type.type))


def _compact(name: str, compact: Compact) -> Node:
    described = _row_type("type description", compact.element)
    encoded = axdr.encode(Data("compact", compact))
    contents = encoded[1 + len(described.octets()) :]
    rows = tuple(_row(f"[{at}]", row) for at, row in enumerate(compact.rows))
    size = len(contents) - len(b"".join(row.octets() for row in rows))
    children = (
        described,
        Node("contents", contents[:size], meaning=f"{len(rows)} rows", children=rows),
    )
    return Node(name, encoded[:1], meaning="compact array", children=children)


def data_node(name: str, data: Data) -> Node:
    """Explain one A-XDR element."""
    if data.type == "compact":
        return _compact(name, data.value)
    if data.type not in ("structure", "array"):
        return _leaf(name, data, axdr.encode(data))
    raw = bytes((TAGS[data.type],)) + encode_length(len(data.value))
    children = tuple(data_node(f"[{at}]", one) for at, one in enumerate(data.value))
    return Node(name, raw, len(data.value), f"{data.type} of {len(data.value)}", children)


def plain_nodes(octets: bytes) -> tuple[Node, ...]:
    """Explain a decrypted protected attribute: one A-XDR element."""
    return (data_node("decrypted", axdr.decode(octets)),)


def _sealed(name: str, data: Data, plain: bytes | None) -> Node:
    """Explain the octet string of a protected attribute, its decrypted content below it."""
    octets = data.value
    end = len(octets) - TAG_SIZE
    children = [
        Node("security header", octets[: len(ENCRYPTION_HEADER)], meaning="authenticated and encrypted"),
        Node("cipher text", octets[len(ENCRYPTION_HEADER) : end], meaning="" if plain is not None else "not decrypted"),
        Node("tag", octets[end:]),
    ]
    if plain is not None:
        children.append(derived("decrypted content", plain_nodes(plain)))
    header = axdr.encode(data)[: -len(octets)]
    return Node(name, header, meaning="protected attributes", children=tuple(children))


def _is_sealed(data: Data) -> bool:
    return data.type == "octets" and data.value.startswith(ENCRYPTION_HEADER) and len(data.value) > TAG_SIZE


def _answer(name: str, data: Data, plain: list[bytes]) -> Node:
    """Explain one item's data; each protected attribute takes the next of the decrypted parts."""
    if data.type == "structure" and len(data) == 2 and _is_sealed(data[1]) and data[0].type == "array":
        children = (
            data_node("protection parameters", data[0]),
            _sealed("protected attributes", data[1], plain.pop(0) if plain else None),
        )
        return Node(name, bytes((TAGS["structure"], 2)), meaning="protected", children=children)
    return data_node(name, data)


def _specification(index: int, item: xdlms.AccessItem) -> Node:
    noun = "method" if item.verb == "action" else "attribute"
    children = [
        number("choice", bytes((xdlms.CHOICES[item.verb],)), item.verb),
        number("class", item.class_id.to_bytes(2, "big"), words.CLASSES.get(item.class_id, "")),
        Node("object", item.obis, words.obis(item.obis), words.object_name(item.class_id, item.obis)),
        Node(noun, item.member.to_bytes(1, "big", signed=True), item.member),
    ]
    if item.selector is not None:
        children.append(number("selector", bytes((item.selector_id,))))
        children.append(data_node("selection", item.selector))
    return Node(f"[{index}]", meaning=f"{item.verb} {_target(item)}", children=tuple(children))


def _target(item: xdlms.AccessItem) -> str:
    return f"{item.class_id}/{words.obis(item.obis)}/{item.member}"


def _listed(name: str, nodes: Sequence[Node]) -> Node:
    return Node(name, encode_length(len(nodes)), len(nodes), children=tuple(nodes))


def _head(tag: int, invoke_id: int, name: str, zeroes: int) -> tuple[Node, ...]:
    return (
        Node("tag", bytes((tag,)), meaning=name),
        number("invoke id", invoke_id.to_bytes(4, "big"), f"counter {invoke_id & 0xFFFFFF}"),
        Node("no date-time" if zeroes == 1 else "no date-time, no specification repeated", bytes(zeroes)),
    )


def _request(payload: xdlms.AccessRequest) -> tuple[Node, ...]:
    items = [_specification(index, item) for index, item in enumerate(payload.items)]
    data = [data_node(f"[{index}]", one) for index, one in enumerate(payload.data)]
    head = _head(xdlms.ACCESS_REQUEST, payload.invoke_id, "access request", 1)
    return (*head, _listed("items", items), _listed("data", data))


def _asked(message: Message, count: int) -> tuple[Item | None, ...]:
    """Return the items that a response answers, when the catalogue has a use case with so many."""
    for entry in by_message_code().get(message.message_code, ()):
        if len(entry.items) == count:
            return entry.items
    return (None,) * count


def _item_name(index: int, item: Item | None) -> str:
    if item is None:
        return f"[{index}]"
    target = item.inner or item.target
    title = words.object_name(target.class_id, target.obis)
    return f"[{index}] {target.class_id}/{words.obis(target.obis)}/{target.member}" + (f" {title}" if title else "")


def _response(payload: xdlms.AccessResponse, message: Message, plain: list[bytes]) -> tuple[Node, ...]:
    names = [_item_name(index, item) for index, item in enumerate(_asked(message, len(payload.data)))]
    data = [_answer(name, one, plain) for name, one in zip(names, payload.data, strict=True)]
    results = [
        Node(f"[{index}]", children=(
            number("choice", bytes((xdlms.CHOICES[result.verb],)), result.verb),
            number("result", bytes((result.code,)), xdlms.RESULTS.get(result.code, "unknown result")),
        ))
        for index, result in enumerate(payload.results)
    ]  # fmt: skip
    head = _head(xdlms.ACCESS_RESPONSE, payload.invoke_id, "access response", 2)
    return (*head, _listed("data", data), _listed("results", results))


def _future_dated(data: Data, fields: xdlms.FutureDated) -> Node:
    octets = data.value
    children = (
        number("message code", octets[:2], use_case_title(fields.message_code)),
        number("originator counter", octets[2:10]),
        number("class", octets[10:12], words.CLASSES.get(fields.class_id, "")),
        Node("object", octets[12:18], words.obis(fields.obis), words.object_name(fields.class_id, fields.obis)),
        Node("attribute", octets[18:], fields.member),
    )
    return Node("instruction", axdr.encode(data)[:2], meaning="future-dated instruction", children=children)


def use_case_title(message_code: int) -> str:
    """Name the use cases of a message code; empty when the catalogue has none."""
    entries = by_message_code().get(message_code, ())
    return f"{' / '.join(entry.name for entry in entries)}: {entries[0].title}" if entries else ""


def _notification(payload: xdlms.Notification, plain: list[bytes]) -> tuple[Node, ...]:
    code, stamp = Data("u16", payload.alert_code), Data("octets", payload.time_stamp)
    future = payload.future_dated
    extra = []
    for index, data in enumerate(payload.extra):
        if future is not None:
            extra.append(_future_dated(data, future))
        elif _is_sealed(data):
            extra.append(_sealed("protected attributes", data, plain.pop(0) if plain else None))
        else:
            extra.append(data_node(f"[{index}]", data))
    body = (
        Node("alert code", axdr.encode(code), f"{payload.alert_code:04X}", event_name(payload.alert_code)),
        data_node("time stamp", stamp),
        *extra,
    )
    raw = bytes((TAGS["structure"],)) + encode_length(len(body))
    head = _head(xdlms.DATA_NOTIFICATION, payload.invoke_id, "data notification", 1)
    return (*head, Node("body", raw, children=body))


def payload_nodes(message: Message, plain: tuple[bytes, ...]) -> tuple[Node, ...]:
    """Explain an xDLMS payload; `plain` are its decrypted parts in order. Raises LayoutError."""
    payload = xdlms.decode(message.payload)
    if isinstance(payload, xdlms.AccessRequest):
        return _request(payload)
    if isinstance(payload, xdlms.AccessResponse):
        return _response(payload, message, list(plain))
    return _notification(payload, list(plain))
