"""Make a DUIS request document from plain Python values: what the command line's shortcuts send.

Content is nested mappings in the schema's element order: `None` leaves an element out, a list repeats it, a key that
begins with `@` is an attribute, and the text of an element with attributes stands under the empty key.

    compose("6.13", {"ReadLogPeriod": {"StartDateTime": start, "EndDateTime": end}, "LogToRead": "Event"}, ...)

The document bears no XML signature yet.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from opensmets.catalogue.request_content import request_content
from opensmets.catalogue.service_requests import service_request
from opensmets.errors import SmetsError

NAMESPACE = "http://www.dccinterface.co.uk/ServiceUserGateway"
SCHEMA_VERSION = "5.4"
#: Command variants (DUIS clause 2.6.1): send a command to the device; transform to a pre-command, for its originator to
#: sign; send a signed pre-command; let the DCC answer.
SEND, TRANSFORM, SEND_SIGNED, DCC_ONLY = 1, 4, 5, 8
MAX_COUNTER = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Address:
    """A RequestID's parts: who asks (8-byte EUI), which device (8-byte EUI), and the originator counter."""

    originator: bytes
    target: bytes
    counter: int

    def __str__(self) -> str:
        if not 0 <= self.counter <= MAX_COUNTER:
            raise SmetsError(f"counter {self.counter} does not fit 64 bits")
        return f"{write_eui(self.originator)}:{write_eui(self.target)}:{self.counter}"


def write_eui(eui: bytes) -> str:
    """Return an EUI-64 as DUIS writes it: `90-B3-D5-1F-30-01-00-00`. Raises SmetsError when it is not 8 octets."""
    if len(eui) != 8:
        raise SmetsError(f"an EUI-64 has 8 octets, not {len(eui)}")
    return eui.hex("-").upper()


def write_time(moment: datetime) -> str:
    """Return a moment as DUIS writes it: in UTC, with hundredths of a second and a Z."""
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 10_000:02d}Z"


def compose(variant: str, content: Mapping[str, Any], address: Address) -> bytes:
    """Return an unsigned request document for a service request variant.

    Raises SmetsError when DUIS has no such variant or a value has no XML form. Whether the content is the variant's is
    for whoever reads the document.
    """
    service, element = service_request(variant), request_content(variant).body.name
    command_variant = DCC_ONLY if service.non_device else TRANSFORM if service.critical else SEND
    root, body = _envelope(variant, str(address), command_variant)
    _fill(_add(body, str(element)), content)
    return _serialise(root)


def compose_signed_pre_command(variant: str, pre_command: bytes, address: Address) -> bytes:
    """Return an unsigned request document that carries a Signed Pre-Command (a GBCS message with its signature)."""
    root, body = _envelope(variant, str(address), SEND_SIGNED)
    _fill(_add(body, "SignedPreCommand"), {"GBCSPayload": pre_command})
    return _serialise(root)


def _envelope(variant: str, request_id: str, command_variant: int) -> tuple[etree._Element, etree._Element]:
    root = etree.Element(f"{{{NAMESPACE}}}Request", nsmap={"sr": NAMESPACE}, attrib={"schemaVersion": SCHEMA_VERSION})
    header = {
        "RequestID": request_id,
        "CommandVariant": command_variant,
        "ServiceReference": ".".join(variant.split(".")[:2]),
        "ServiceReferenceVariant": variant,
    }
    _fill(_add(root, "Header"), header)
    return root, _add(root, "Body")


def _add(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")


def _fill(parent: etree._Element, content: Mapping[str, Any]) -> None:
    for name, value in content.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                _put(parent, name, one)


def _put(parent: etree._Element, name: str, value: Any) -> None:
    if name.startswith("@"):
        parent.set(name[1:], _write_value(name, value))
    elif not name:
        parent.text = _write_value(etree.QName(parent).localname, value)
    elif isinstance(value, Mapping):
        _fill(_add(parent, name), value)
    else:
        _add(parent, name).text = _write_value(name, value)


def _write_value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return write_time(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (int, str)):
        return str(value)
    raise SmetsError(f"{name}: a {type(value).__name__} has no DUIS form")


def _serialise(root: etree._Element) -> bytes:
    etree.indent(root)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))
