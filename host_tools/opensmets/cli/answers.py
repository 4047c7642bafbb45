"""What the device said, as a document: the verified message turned into MMC XML, and whether it refused an item."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from lxml import etree

from opensmets.catalogue.alert_codes import event_name
from opensmets.catalogue.use_cases import UseCase
from opensmets.cli.console import warn
from opensmets.cli.conversation import EPOCH, Conversation, Verified, open_conversation
from opensmets.cli.prepare import Prepared
from opensmets.cli.xml_view import answer_of, as_json, as_lines, read_document
from opensmets.duis.compose import Address
from opensmets.duis.document import Request
from opensmets.duis.response import Identity, build_alert, build_response, serialise
from opensmets.layouts import envelope
from opensmets.layouts.han_event import HanEvent
from opensmets.layouts.wire import LayoutError
from opensmets.parse import ParseError, parse_alert, parse_response
from opensmets.security.counters import Counters, Kind
from opensmets.security.keystore import KeyStore, format_eui
from opensmets.security.protection import use_case_of

EXIT_ITEM_REFUSED = 3


@dataclass(frozen=True)
class Answer:
    """A verified response. `document` is what it says as MMC XML; None with the reason in `unread`."""

    use_case: UseCase
    request_id: str
    verified: Verified
    document: bytes | None
    unread: str | None = None
    alerts: list[bytes] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        """Whether the device answered but refused an item."""
        if self.document is None:
            return False
        elements = read_document(self.document).iter("{*}*")
        return any(element.get("MessageSuccess") == "false" for element in elements)

    @property
    def exit_code(self) -> int:
        """What the command leaves with: 3 for a refused item, 1 when the answer could not be read."""
        return 1 if self.document is None else EXIT_ITEM_REFUSED if self.refused else 0

    def refusals(self) -> list[str]:
        """Return one line for each item that the device refused, such as `item 2: object-undefined (code 4)`."""
        root = read_document(self.document or b"<none/>")
        items = [
            f"item {entry.get('Position')}: {entry[0].text} (code {entry.get('ResponseCode')})"
            for entry in root.iterfind(".//{*}COSEMResponse")
            if entry.get("ResponseCode") != "0" and len(entry)
        ]
        statuses = [
            f"{status.text} (code {parent.get('ResponseCode')})"
            for status in root.iterfind(".//{*}ASN1Status")
            if (parent := status.getparent()) is not None and parent.get("ResponseCode") != "0"
        ]
        return items + statuses

    def lines(self) -> list[tuple[str, str]]:
        """Return the values that the answer holds, each with the names that lead to it."""
        found = answer_of(self.document) if self.document else None
        return as_lines(found) if found is not None else []

    def as_json(self) -> dict[str, Any]:
        """Return the answer for a program."""
        return {
            "request_id": self.request_id, "service_request": self.use_case.service_request,
            "use_case": self.use_case.name,
            "outcome": "unread" if self.document is None else "refused" if self.refused else "done",
            **(as_json(self.document) if self.document else {"message": self.verified.message.raw}),
            "alerts": [as_json(alert) for alert in self.alerts],
        }  # fmt: skip


@contextmanager
def open_talk(
    port: str, keystore: KeyStore, pcap: Path | None = None, *, hub_time: bool = True
) -> Iterator[tuple[Conversation, list[bytes]]]:
    """Open a conversation for a command; give it and the list of the alert documents that came meanwhile.

    Every alert is also told on stderr.
    """
    alerts: list[bytes] = []

    def take(alert: Verified) -> None:
        alerts.append(alert_document(alert))
        warn(f"alert {describe_alert(alerts[-1])}")

    with open_conversation(port, keystore, pcap=pcap, hub_time=hub_time, on_alert=take, on_log=warn) as conversation:
        yield conversation, alerts


def exchange(conversation: Conversation, prepared: Prepared, timeout_s: float) -> Answer:
    """Send a prepared command, its counter taken, and return its answer. Raises as `Conversation.carry_out` does."""
    verified = conversation.carry_out(prepared.command, timeout_s)
    return _answer(prepared.use_case, prepared.request.request_id, verified)


def exchange_command(conversation: Conversation, command: bytes, timeout_s: float) -> Answer:
    """Send a command that somebody protected already, its counter taken, and return its answer. Raises likewise."""
    message = envelope.decode(command)
    verified = conversation.carry_out(command, timeout_s)
    address = Address(message.originator, message.recipient, message.counter)
    return _answer(use_case_of(message, conversation.keystore), str(address), verified)


def take_counter_of(command: bytes, keystore: KeyStore) -> None:
    """Take the counter of a command that somebody protected already. Raises SmetsError, LayoutError."""
    message = envelope.decode(command)
    kind: Kind = "topup" if use_case_of(message, keystore).top_up else "message"
    Counters(keystore.path).use(message.originator, message.counter, kind)


def _answer(use_case: UseCase, request_id: str, verified: Verified) -> Answer:
    try:
        return Answer(use_case, request_id, verified, response_document(verified, use_case))
    except (ParseError, LayoutError) as error:
        return Answer(use_case, request_id, verified, None, str(error))


def response_document(verified: Verified, use_case: UseCase) -> bytes:
    """Return a verified response as MMC XML. Raises ParseError, UnsupportedUseCase."""
    return serialise(parse_response(verified.message, decrypted=verified.decrypted, use_case=use_case))


def alert_document(verified: Verified) -> bytes:
    """Return a verified alert as MMC XML, or as the DUIS document that carries it when it cannot be read."""
    try:
        return serialise(parse_alert(verified.message, decrypted=verified.decrypted))
    except (ParseError, LayoutError):
        return serialise(build_alert(0, verified.message.raw, _identity(verified)))


def han_event_document(event: HanEvent) -> bytes:
    """Return an event that was announced to the HAN as a document of ours: MMC has none, for no party is sent it."""
    root = etree.Element("HANEvent")
    when = (EPOCH + timedelta(seconds=event.time_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = {"Meter": format_eui(event.eui), "Code": f"0x{event.code:04X}", "Description": event_name(event.code)}
    for name, text in (fields | {"DateTime": when, "SentAsAlert": str(event.is_sent).lower()}).items():
        etree.SubElement(root, name).text = text
    return serialise(root)


def duis_response(request: Request, verified: Verified) -> bytes:
    """Return the DUIS response document that carries the device's message as it came.

    It is to who asked, under the request's number, also where the DCC asked the device with a number of its own.
    """
    identity = Identity(request.target, request.originator, request.counter)
    return serialise(build_response(request, gbcs_payload=verified.message.raw, identity=identity))


def describe_alert(document: bytes) -> str:
    """Return one line about an alert document: code, what it means, and when."""
    root = read_document(document)
    code, meaning, moment = (
        root.findtext(f".//{{*}}{name}") for name in ("GBCSHexAlertCode", "AlertDescription", "Timestamp")
    )
    if code is None:
        return "of a kind that is not read yet"
    return f"0x{code} {meaning or ''}{f' at {moment}' if moment else ''}"


def _identity(verified: Verified) -> Identity:
    message = verified.message
    return Identity(message.originator, message.recipient, message.counter)
