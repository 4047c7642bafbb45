"""Write and read DUIS response documents: how the DCC answers a request and passes on what a device sent.

A response bears a device's message as it came, in base64; what the message says, as XML, is an MMC document of its own
(`parse/`). A critical request is first answered with its pre-command, for its originator to sign.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from opensmets.catalogue.request_content import Particle, parse_content
from opensmets.duis.compose import write_eui, write_time
from opensmets.duis.document import SCHEMA_VERSION, SIGNATURE, Request, parse_document
from opensmets.duis.validation import NAMESPACE, InvalidRequest, child_elements, local_name, text_of, validate
from opensmets.errors import SmetsError

#: The version of GBCS that DUIS 5.4 goes with.
GBCS_VERSION = "4.3"
SUCCESS, ACKNOWLEDGED = "I0", "I99"
#: A future-dated instruction was carried out, or was not (alert codes).
FUTURE_DATED_CODES = (0x8F66, 0x8F67)
_CODE = re.compile(r"I0|I99|[EW]\d{1,6}")
_HEADER = Particle(
    "Header",
    children=parse_content(
        "RequestID? request_id\nResponseID? request_id\nResponseCode text 2..7\nResponseDateTime datetime"
    ),
)
_FUTURE_DATED = """
  FutureDatedDeviceAlertMessage
    FutureDatedAlertCode 8F66|8F67|8f66|8f67
    GBCSPayload base64
    InstructionNumber u16
    TotalCommandInstructions u16
"""
_BODIES = {
    "ResponseMessage": "ServiceReference text\nServiceReferenceVariant text\nchoice?\n  GBCSPayload base64\n"
    "  PreCommand\n    GBCSVersion text\n    GBCSPayload base64\n  LocalCommand\n    GBCSPayload base64"
    + _FUTURE_DATED.rstrip(),
    "DeviceAlertMessage": "AlertCode hex 0..2\nThrottledAlertSequenceId? u32\nThrottledAlertCount? u32\n"
    "GBCSPayload base64",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """A ResponseID: who answers (8-byte EUI), to whom (8-byte EUI), and the message's counter."""

    originator: bytes
    recipient: bytes
    counter: int

    def __str__(self) -> str:
        return f"{write_eui(self.originator)}:{write_eui(self.recipient)}:{self.counter}"


@dataclass(frozen=True, slots=True)
class FutureDated:
    """Which instruction of a future-dated command an alert is about, counted from 1, and whether it went well."""

    success: bool
    instruction: int
    instructions: int


@dataclass(frozen=True, slots=True)
class Response:
    """A response document that has the schema's shape.

    `payload` is the GBCS message in it, a device's or a pre-command, or None. `kind` is the element that bears it:
    `GBCSPayload`, `PreCommand`, `LocalCommand`, `FutureDatedDeviceAlertMessage`, `DeviceAlertMessage`, or None.
    """

    code: str
    moment: datetime
    request_id: str | None = None
    response_id: str | None = None
    variant: str | None = None
    kind: str | None = None
    payload: bytes | None = None
    alert_code: int | None = None


def build_response(
    request: Request,
    *,
    code: str = SUCCESS,
    gbcs_payload: bytes | None = None,
    identity: Identity | None = None,
    future_dated: FutureDated | None = None,
    moment: datetime | None = None,
) -> etree._Element:
    """Return the document that answers `request`.

    `gbcs_payload` is the device's message and `identity` its ResponseID; with `future_dated` it is the alert of a
    future-dated command. Without a message the document only says `code`. `moment` is now unless given.
    Raises SmetsError when `code` is no ResponseCode.
    """
    message = _response_message(request)
    if gbcs_payload is not None and future_dated:
        _add_future_dated(message, gbcs_payload, future_dated)
    elif gbcs_payload is not None:
        _add(message, "GBCSPayload", _base64(gbcs_payload))
    return _document(message, code, moment, request.request_id, identity)


def build_pre_command_response(
    request: Request, pre_command: bytes, *, moment: datetime | None = None
) -> etree._Element:
    """Return the document that hands a critical request's pre-command to its originator for signing."""
    message = _response_message(request)
    inner = _add(message, "PreCommand")
    _add(inner, "GBCSVersion", GBCS_VERSION)
    _add(inner, "GBCSPayload", _base64(pre_command))
    return _document(message, SUCCESS, moment, request.request_id, None)


def build_alert(
    alert_code: int, gbcs_payload: bytes, identity: Identity, *, moment: datetime | None = None
) -> etree._Element:
    """Return the document that passes on a device's alert. Raises SmetsError when the code has more than 16 bits."""
    if not 0 <= alert_code <= 0xFFFF:
        raise SmetsError(f"alert code {alert_code:X} has more than 16 bits")
    message = _element("DeviceAlertMessage")
    _add(message, "AlertCode", f"{alert_code:04X}")
    _add(message, "GBCSPayload", _base64(gbcs_payload))
    return _document(message, SUCCESS, moment, None, identity)


def serialise(document: etree._Element) -> bytes:
    """Return a document's octets, indented."""
    etree.indent(document)
    return bytes(etree.tostring(document, xml_declaration=True, encoding="UTF-8"))


def read_response(octets: bytes) -> Response:
    """Read a response document. Raises InvalidRequest naming the element that is wrong or that is not read here."""
    root = parse_document(octets, "Response")
    parts = [part for part in child_elements(root) if part.tag != SIGNATURE]
    if [local_name(part) for part in parts] != ["Header", "Body"] or len(child_elements(parts[1])) != 1:
        raise InvalidRequest("Response: should have Header and Body with one element")
    validate(parts[0], _HEADER)
    header = _texts(parts[0])
    body = child_elements(parts[1])[0]
    name = local_name(body)
    if name not in _BODIES:
        raise InvalidRequest(f"{name}: is not read here; only {' and '.join(_BODIES)} bear a device's message")
    validate(body, Particle(name, children=parse_content(_BODIES[name])))
    return Response(
        code=_checked_code(header["ResponseCode"]),
        moment=_moment(header["ResponseDateTime"]),
        request_id=header.get("RequestID"),
        response_id=header.get("ResponseID"),
        variant=_texts(body).get("ServiceReferenceVariant"),
        kind=_kind(body),
        payload=_payload(body),
        alert_code=_alert_code(body),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _kind(body: etree._Element) -> str | None:
    if local_name(body) == "DeviceAlertMessage":
        return "DeviceAlertMessage"
    last = local_name(child_elements(body)[-1])
    return None if last == "ServiceReferenceVariant" else last


def _payload(body: etree._Element) -> bytes | None:
    found = body.find(f".//{{{NAMESPACE}}}GBCSPayload")
    return None if found is None else base64.b64decode("".join(text_of(found).split()))


def _alert_code(body: etree._Element) -> int | None:
    for name in ("AlertCode", "FutureDatedDeviceAlertMessage/{*}FutureDatedAlertCode"):
        found = body.find(f"{{*}}{name}")
        if found is not None:
            return int(text_of(found), 16)
    return None


def _texts(element: etree._Element) -> dict[str, str]:
    return {local_name(child): text_of(child).strip() for child in child_elements(element)}


def _element(name: str) -> etree._Element:
    return etree.Element(f"{{{NAMESPACE}}}{name}", nsmap={"sr": NAMESPACE})


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    element.text = text
    return element


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _checked_code(code: str) -> str:
    if not _CODE.fullmatch(code):
        raise SmetsError(f"ResponseCode {code!r} is none: I0, I99, or E or W and a number")
    return code


def _response_message(request: Request) -> etree._Element:
    message = _element("ResponseMessage")
    _add(message, "ServiceReference", ".".join(request.variant.split(".")[:2]))
    _add(message, "ServiceReferenceVariant", request.variant)
    return message


def _add_future_dated(message: etree._Element, payload: bytes, about: FutureDated) -> None:
    inner = _add(message, "FutureDatedDeviceAlertMessage")
    _add(inner, "FutureDatedAlertCode", f"{FUTURE_DATED_CODES[0 if about.success else 1]:04X}")
    _add(inner, "GBCSPayload", _base64(payload))
    _add(inner, "InstructionNumber", str(about.instruction))
    _add(inner, "TotalCommandInstructions", str(about.instructions))


def _document(
    message: etree._Element, code: str, moment: datetime | None, request_id: str | None, identity: Identity | None
) -> etree._Element:
    root = _element("Response")
    root.set("schemaVersion", str(SCHEMA_VERSION))
    header = _add(root, "Header")
    if request_id is not None:
        _add(header, "RequestID", request_id)
    if identity is not None:
        _add(header, "ResponseID", str(identity))
    _add(header, "ResponseCode", _checked_code(code))
    _add(header, "ResponseDateTime", write_time(moment or datetime.now(UTC)))
    _add(root, "Body").append(message)
    return root
