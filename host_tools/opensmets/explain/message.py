"""A whole message as a tree: headers, payload, protection, and what verification says of it."""

from __future__ import annotations

from opensmets.catalogue.use_cases import by_message_code
from opensmets.explain import asn1, dlms, gbz, words
from opensmets.explain.node import Node, derived, number
from opensmets.layouts import blocks, envelope, xdlms
from opensmets.layouts.envelope import MAC_SIZE, SECURITY_HEADER, Message
from opensmets.layouts.gbz import PROFILE
from opensmets.layouts.wire import LayoutError, encode_length
from opensmets.security.keystore import KeyStore, MissingKey, format_eui
from opensmets.security.protection import Verdict, verify

_XDLMS = (xdlms.ACCESS_REQUEST, xdlms.ACCESS_RESPONSE, xdlms.DATA_NOTIFICATION)
_ROLES = {
    "acb": "access control broker",
    "transitional_cos": "transitional change of supplier",
    "wan_provider": "WAN provider",
}
#: Use cases that the catalogue of requests does not list, but alerts name.
_ALERT_TITLES = {
    0x00CA: "Future-dated firmware activation alert",
    0x00CB: "Future-dated update security credentials alert",
    0x00CC: "Future-dated execution of instruction alert (DLMS)",
    0x00CD: "Future-dated execution of instruction alert (GBZ)",
    0x0124: "Future-dated update security credentials alert (load controller)",
}


def _party(eui: bytes, keystore: KeyStore | None) -> str:
    if keystore is None:
        return ""
    try:
        party = keystore.party(eui)
    except MissingKey:
        return ""
    return _ROLES.get(party.role or "", (party.role or party.name).replace("_", " "))


def _eui(name: str, eui: bytes, keystore: KeyStore | None) -> tuple[Node, Node]:
    return Node(f"{name} length", b"\x08", 8), Node(name, eui, format_eui(eui), _party(eui, keystore))


def title(message_code: int) -> str:
    """Name what a message code is for; empty when it is unknown."""
    return dlms.use_case_title(message_code) or _ALERT_TITLES.get(message_code, "")


def _other_information(message: Message, keystore: KeyStore | None) -> Node:
    code = message.message_code
    children = [Node("message code", code.to_bytes(2, "big"), f"{code:04X}", title(code) or "unknown")]
    if message.supplementary_party is not None:
        party = message.supplementary_party
        children.append(Node("supplementary party", party, format_eui(party), _party(party, keystore)))
    if message.supplementary_counter is not None:
        children.append(number("supplementary counter", message.supplementary_counter.to_bytes(8, "big")))
    if message.certificate is not None:
        children.append(asn1.certificate_node("key agreement certificate", message.certificate))
    if message.supplementary_originator_counter is not None:
        counter = message.supplementary_originator_counter
        children.append(number("supplementary originator counter", counter.to_bytes(8, "big")))
    size = sum(len(child.octets()) for child in children)
    return Node("other information", encode_length(size), size, children=tuple(children))


def _mac_header(message: Message) -> Node:
    start = message.grouping_start
    header = message.raw[:start]
    size = len(message.raw) - (start - len(SECURITY_HEADER))
    children = (
        Node("general ciphering", header[:7], meaning="no further fields"),
        Node("length", header[7 : start - len(SECURITY_HEADER)], size),
        Node("security header", SECURITY_HEADER, meaning="suite 1, authenticated"),
    )
    return Node("MAC header", children=children)


def _grouping_header(message: Message, keystore: KeyStore | None) -> Node:
    time = Node("no date-time", b"\0")
    if message.time:
        time = Node("date-time", bytes((len(message.time),)) + message.time, meaning=words.date_time(message.time))
    children = (
        Node("general signing", b"\xdf"),
        Node("transaction id length", b"\x09", 9),
        number("CRA flag", bytes((message.cra_flag,)), message.kind),
        number("originator counter", message.counter.to_bytes(8, "big")),
        *_eui("originator", message.originator, keystore),
        *_eui("recipient", message.recipient, keystore),
        time,
        _other_information(message, keystore),
        Node("content length", encode_length(len(message.payload)), len(message.payload)),
    )
    return Node("grouping header", children=children)


def _unread(payload: bytes, why: str) -> tuple[Node, ...]:
    return (Node("payload octets", payload, payload.hex().upper(), why),)


def _payload(message: Message, plain: tuple[bytes, ...]) -> Node:
    payload = message.payload
    try:
        if payload.startswith(PROFILE):
            kind, children = "GBZ", gbz.payload_nodes(message, plain)
        elif payload[:1] and payload[0] in _XDLMS:
            kind, children = "xDLMS", dlms.payload_nodes(message, plain)
        elif payload:
            kind, children = "ASN.1", asn1.payload_nodes(message)
        else:
            kind, children = "empty", ()
    except LayoutError as error:
        # the message is whole, so it is explained as far as it goes
        kind, children = "not understood", _unread(payload, str(error))
    return Node("payload", meaning=kind, children=children)


def _protection(message: Message) -> tuple[Node, ...]:
    nodes: tuple[Node, ...] = ()
    if message.signature is not None:
        size = Node("length", bytes((len(message.signature),)), len(message.signature))
        value = (Node("r and s", message.signature),) if message.signature else ()
        nodes += (Node("signature", children=(size, *value)),)
    if message.mac is not None:
        nodes += (Node("MAC", message.mac[:MAC_SIZE]),)
    return nodes


def _verdict(verdict: Verdict) -> Node:
    children = (
        Node("MAC", value=verdict.mac, derived=True),
        Node("signature", value=verdict.signature, derived=True),
        *(Node("why", value=why, derived=True) for why in verdict.why),
    )
    return derived("verification", children, "authentic" if verdict.authentic else "not proved authentic")


def _block(octets: bytes) -> Node:
    """Explain a general-block-transfer APDU: the message is not in it, but a part of one."""
    block = blocks.decode(octets)
    marks = [mark for mark, is_set in (("last block", block.last), ("streaming", block.streaming)) if is_set]
    control = ", ".join([*marks, f"window {block.window}"])
    size = len(block.octets)
    length = octets[blocks.FIXED : len(octets) - size]
    content = (Node("block octets", block.octets, block.octets.hex().upper(), "a part of a message"),) if size else ()
    if block.ends:
        meaning = "the transfer cannot go on"
    else:
        meaning = "" if size else f"confirms the blocks up to {block.confirmed}"
    return Node("general block transfer", value=block.number, meaning=meaning, children=(
        Node("tag", octets[:1], "E0", "general block transfer"), number("block control", octets[1:2], control),
        number("block number", octets[2:4]), number("block number confirmed", octets[4:6]),
        Node("length", length, size), *content,
    ))  # fmt: skip


def explain(octets: bytes, keystore: KeyStore | None = None) -> Node:
    """Explain a GBCS message, pre-commands too, or a block of one, down to its last octet.

    With a key store MAC and signature are verified and sensitive parts decrypted. A payload that cannot be read is one
    node that says why. Raises LayoutError naming the field when the message itself is not well formed.
    """
    if blocks.is_block(octets):
        return _block(octets)
    message = envelope.decode(octets)
    verdict = verify(message, keystore) if keystore is not None else None
    children: list[Node] = [] if message.mac is None else [_mac_header(message)]
    children.append(_grouping_header(message, keystore))
    children.append(_payload(message, verdict.decrypted if verdict else ()))
    children += _protection(message)
    if verdict:
        children.append(_verdict(verdict))
    names = {one.name for one in by_message_code().get(message.message_code, ())}
    kind = "pre-command" if message.is_precommand else message.kind
    return Node(f"GBCS {kind}", value=" / ".join(sorted(names)) or None, meaning=title(message.message_code),
                children=tuple(children))  # fmt: skip
