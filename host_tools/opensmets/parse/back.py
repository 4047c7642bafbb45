"""An MMC document back to the values of its message's payload."""

from __future__ import annotations

from opensmets.catalogue.use_cases import UseCase, by_message_code
from opensmets.layouts.asn1 import Element as Der
from opensmets.layouts.envelope import ALERT, Message
from opensmets.layouts.xdlms import AccessResponse, Notification
from opensmets.parse import credentials, dated, replacements, statuses
from opensmets.parse.alert import read_alert
from opensmets.parse.header import body_of, read_header, service_request_of
from opensmets.parse.layouts import alert_layouts, element_of, layouts_of
from opensmets.parse.response import CREDENTIALS, read_dlms
from opensmets.parse.tree import Element, ParseError, qualified


def _use_case(root: Element, message: Message) -> UseCase:
    service_request = service_request_of(root)
    for entry in by_message_code().get(message.message_code, ()):
        if entry.service_request == service_request:
            return entry
    raise ParseError(f"message code 0x{message.message_code:04X} is no use case of the catalogue")


def read_back(root: Element, use_case: UseCase | None = None) -> AccessResponse | Notification | Der:
    """Return the payload's values that a document of `parse_response` or `parse_alert` holds.

    They are equal to those of `plain_response`, `plain_alert` or `plain_asn1`. Without a use case the header
    chooses it. Raises ParseError when the document is not one that this package makes.
    """
    message = read_header(root)
    content = body_of(root)
    if message.cra_flag == ALERT:
        entry = alert_layouts(message.message_code, use_case).entry
        return dated.read(entry, content) if entry.outcome else read_alert(content, message, use_case)
    use_case = use_case or _use_case(root, message)
    if use_case.payload == "dlms":
        return read_dlms(content, message, use_case)
    answer = content.find(f"{qualified('SMETSData')}/{qualified(element_of(use_case))}")
    if answer is None:
        raise ParseError(f"the document holds no answer of {use_case.name}")
    if use_case.name in CREDENTIALS:
        return credentials.read(content, answer)
    entry = layouts_of(use_case).entry
    return (replacements.read_response if entry.outcome else statuses.read)(entry, content, answer)
