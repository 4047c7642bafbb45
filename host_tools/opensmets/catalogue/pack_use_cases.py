"""Pack the use cases that one kind of device carries out into the table that its firmware reads by seek.

Layout, big-endian:

    header   `UC` | version u8 | zero u8 | number of records u16 | number of items u16
    records  code u16 | payload u8 | protection u8 | roles u16 | first item u16 | items u16, sorted by code
             of an ASN.1 use case: the same up to roles, then service u16 | form u16
    items    verb u8 | class u16 | OBIS 6 bytes | member i8

Payload: 0 dlms, 1 gbz, 2 asn1. Services are numbered as SERVICES has them; 0 is none, the device refuses the command.

Protection bits: 1 command signed, 2 command MACed, 4 response signed, 8 response MACed, 16 a date-time in the
response, 32 the counter is one of top-ups. Roles: bit n for the trust anchor cell of remote party role n. Variants of a
message code that differ only in their items are one record; variants that differ in protection or originator are
records side by side. A protected read is two items, the data protection object and behind it the attribute that is
asked for.
"""

from __future__ import annotations

import struct

from opensmets.catalogue.use_cases import Item, Reference, UseCase, use_cases

VERSION = 2
PAYLOADS = ("dlms", "gbz", "asn1")
SERVICES = (
    None, "read_credentials", "replace_credentials", "device_credentials", "join", "activate_firmware",
)  # fmt: skip
"""The device's services for ASN.1 payloads, by the numbers that firmware/smets/message/handler.py knows them by."""
ROLES = {
    "contingency": 0, "recovery": 1, "supplier": 2, "network_operator": 3, "acb": 4,
    "transitional_cos": 5, "wan_provider": 6, "load_controller": 8,
}  # fmt: skip
"""Remote party roles of trust anchor cells (GBCS RemotePartyRole); who has the contingency key acts by the root's."""
READ, WRITE, INVOKE, PROTECTED, INNER = 1, 2, 3, 4, 5
VERBS = {"get": READ, "range": READ, "set": WRITE, "action": INVOKE, "protected": PROTECTED}


def _protection(entry: UseCase) -> int:
    flags = (
        "signature" in entry.command, "mac" in entry.command,
        "signature" in entry.response, "mac" in entry.response, entry.response_time, entry.top_up,
    )  # fmt: skip
    return sum(1 << bit for bit, flag in enumerate(flags) if flag)


def _roles(entry: UseCase) -> int:
    return sum(1 << ROLES[name] for name in entry.originators if name in ROLES)


def _pack_reference(verb: int, reference: Reference) -> bytes:
    return struct.pack(">BH6sb", verb, reference.class_id, reference.obis, reference.member)


def _pack_item(item: Item) -> list[bytes]:
    packed = [_pack_reference(VERBS[item.verb], item.target)]
    if item.inner:
        packed.append(_pack_reference(INNER, item.inner))
    return packed


def pack_use_cases(device: str) -> bytes:
    """Return the packed table of the use cases whose command a kind of device ("ESME") carries out."""
    variants: dict[tuple[int, int, int, int], list[list[bytes]]] = {}
    services: dict[tuple[int, int, int, int], bytes] = {}
    for entry in use_cases().values():
        if device in entry.devices and entry.command:
            key = (entry.message_code, PAYLOADS.index(entry.payload), _protection(entry), _roles(entry))
            items = variants.setdefault(key, [])
            services[key] = struct.pack(">HH", SERVICES.index(entry.service), entry.form)
            items.extend(packed for packed in map(_pack_item, entry.items) if packed not in items)
    records, all_items = b"", b""
    for key, entries in sorted(variants.items()):
        block = b"".join(b"".join(packed) for packed in entries)
        place = struct.pack(">HH", len(all_items) // 10, len(block) // 10)
        records += struct.pack(">HBBH", *key) + (services[key] if key[1] == PAYLOADS.index("asn1") else place)
        all_items += block
    return struct.pack(">2sBxHH", b"UC", VERSION, len(variants), len(all_items) // 10) + records + all_items
