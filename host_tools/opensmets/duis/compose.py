"""Make a DUIS request document from plain Python values: what the command line's shortcuts send.

Content is written as nested mappings in the schema's element order; `None` leaves an element out and a list repeats it:

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

from opensmets.errors import SmetsError

NAMESPACE = "http://www.dccinterface.co.uk/ServiceUserGateway"
SCHEMA_VERSION = "5.4"
#: Command variants (DUIS clause 2.6): a command for the device, a pre-command to be signed, a signed pre-command.
SEND, TRANSFORM, SEND_SIGNED = 1, 4, 5
MAX_COUNTER = (1 << 64) - 1

#: The body element of each service request variant that can be made from values.
ELEMENTS = {
    "2.2": "TopUpDevice",
    "3.1": "DisplayMessage",
    "4.1.1": "ReadInstantaneousImportRegisters",
    "4.10": "ReadNetworkData",
    "4.14": "ReadPrepaymentDailyReadLog",
    "6.4.1": "UpdateDeviceConfigurationLoadLimitingGeneralSettings",
    "6.11": "SynchroniseClock",
    "6.12": "UpdateDeviceConfigurationInstantaneousPowerThreshold",
    "6.13": "ReadEventOrSecurityLog",
    "6.24.1": "RetrieveDeviceSecurityCredentialsKRP",
    "7.1": "EnableSupply",
    "7.2": "DisableSupply",
    "7.3": "ArmSupply",
    "7.4": "ReadSupplyStatus",
    "8.1.1": "CommissionDeviceSynchroniseClock",
    "11.2": "ReadFirmwareVersion",
}
#: Those of them that are critical: DUIS has them transformed, signed by their originator, and sent back.
CRITICAL = frozenset({"6.4.1", "6.11", "7.1", "7.2", "7.3", "8.1.1"})


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

    Raises SmetsError when the variant is none of ELEMENTS or a value has no XML form.
    """
    if variant not in ELEMENTS:
        raise SmetsError(f"no request {variant} can be made from values: write its DUIS XML and use `smets send`")
    root, body = _envelope(variant, str(address), TRANSFORM if variant in CRITICAL else SEND)
    _fill(_add(body, ELEMENTS[variant]), content)
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
            if one is None:
                continue
            element = _add(parent, name)
            if isinstance(one, Mapping):
                _fill(element, one)
            else:
                element.text = _write_value(name, one)


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
