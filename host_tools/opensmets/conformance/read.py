"""Level 5: what the device sent becomes XML that is valid and has every value of the payload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from opensmets.catalogue.use_cases import UseCase
from opensmets.conformance.protect import BETWEEN_DEVICES, NO_KEY_BETWEEN_DEVICES
from opensmets.conformance.scenarios import Scenario
from opensmets.conformance.verdicts import PASS, Mismatch, Verdict, not_applicable, unsupported
from opensmets.errors import SmetsError
from opensmets.layouts import asn1, envelope, xdlms
from opensmets.layouts.axdr import Compact, Data
from opensmets.layouts.envelope import ALERT, Message
from opensmets.layouts.xdlms import AccessResponse, Notification
from opensmets.parse import (
    ParseError,
    UnsupportedUseCase,
    parse_alert,
    parse_response,
    plain_alert,
    plain_asn1,
    plain_response,
    read_back,
)
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import use_case_of, verify

Values = AccessResponse | Notification | asn1.Element
SCHEMA = "mmc-5.4.xsd"
NOT_VALIDATED = f"not validated: no {SCHEMA} beside the requests"


@cache
def _schema(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(path)))


def find_schema(requests: Path | None) -> Path | None:
    """Return the MMC schema beside the folder of request documents, if it is there."""
    path = requests.parent / SCHEMA if requests else None
    return path if path and path.exists() else None


def judge(scenario: Scenario, entry: UseCase, keystore: KeyStore | None, schema: Path | None) -> Verdict:
    """Judge one scenario's response and alerts."""
    sent = {name: octets for name, octets in scenario.messages.items() if name != "command"}
    if not sent:
        return not_applicable("the device sends nothing in it")
    if keystore is None:
        return not_applicable("no key store was given (--keystore)")
    if entry.name in BETWEEN_DEVICES:
        return not_applicable(NO_KEY_BETWEEN_DEVICES)
    try:
        for name, octets in sent.items():
            _read(name, envelope.decode(octets), entry, keystore, schema)
    except UnsupportedUseCase as error:
        return unsupported(str(error))
    except (Mismatch, SmetsError) as error:
        return Verdict("fail", str(error))
    return PASS if schema else Verdict("pass", NOT_VALIDATED)


def _read(name: str, message: Message, entry: UseCase, keystore: KeyStore, schema: Path | None) -> None:
    verdict = verify(message, keystore)
    if not verdict.authentic or verdict.why:
        raise Mismatch(f"{name}: {'; '.join(verdict.why) or 'nothing protects it'}")
    # a future-dated alert tells of the command's use case and is none of it
    own = entry if message.message_code == entry.message_code else None
    document = _document(message, verdict.decrypted, own)
    if schema:
        _validate(name, document, schema)
    plain = _plain(message, verdict.decrypted)
    if read_back(document, own) != plain:
        raise Mismatch(f"{name}: the XML does not give the payload's values back")
    _alterations(name, message, plain, own, document)


def _validate(name: str, document: Any, schema: Path) -> None:
    try:
        _schema(schema).assertValid(document)
    except etree.DocumentInvalid as error:
        raise Mismatch(f"{name}: {error}") from None


def _document(message: Message, decrypted: tuple[bytes, ...], entry: UseCase | None) -> Any:
    if message.cra_flag == ALERT:
        return parse_alert(message, decrypted=decrypted, use_case=entry)
    return parse_response(message, decrypted=decrypted, use_case=entry or use_case_of(message))


def _plain(message: Message, decrypted: tuple[bytes, ...]) -> Values:
    if message.payload[0] not in (xdlms.ACCESS_RESPONSE, xdlms.DATA_NOTIFICATION):
        return plain_asn1(message)
    return (plain_alert if message.cra_flag == ALERT else plain_response)(message, decrypted)


def _altered_values(value: Any) -> Iterator[Any]:
    """Yield a scalar changed a little."""
    if isinstance(value, bytes):
        yield bytes([value[0] ^ 1]) + value[1:] if value else b"\1"
    elif isinstance(value, str):
        yield ("0" if value[:1] != "0" else "1") + value[1:]
    elif isinstance(value, int):
        yield value ^ 1


def altered(data: Data) -> Iterator[Data]:
    """Yield `data` with one leaf changed, for every leaf."""
    if isinstance(data.value, Compact):
        for at, row in enumerate(data.value.rows):
            for other in altered(row):
                rows = (*data.value.rows[:at], other, *data.value.rows[at + 1 :])
                yield replace(data, value=replace(data.value, rows=rows))
    elif isinstance(data.value, tuple):
        for at, element in enumerate(data.value):
            for other in altered(element):
                yield replace(data, value=(*data.value[:at], other, *data.value[at + 1 :]))
    else:
        for value in _altered_values(data.value):
            yield replace(data, value=value)


def _alterations(name: str, message: Message, plain: Values, entry: UseCase | None, document: Any) -> None:
    """Expect that no leaf of the payload can change without the XML changing."""
    original = etree.tostring(document, method="c14n")
    for other in _altered_payloads(plain):
        try:
            changed = _document(replace(message, payload=other.encode(), raw=b""), (), entry)
        except (ParseError, SmetsError):
            continue  # refused, hence not lost in silence
        if etree.tostring(changed, method="c14n") == original:
            raise Mismatch(f"{name}: a value of the payload can change and the XML does not")


def altered_element(element: asn1.Element) -> Iterator[asn1.Element]:
    """Yield `element` with the content of one of its leaves changed, for every leaf that has content."""
    for at, child in enumerate(element.children):
        for other in altered_element(child):
            yield asn1.make(element.tag, (*element.children[:at], other, *element.children[at + 1 :]))
    for content in _altered_values(element.content) if element.content else ():
        yield asn1.make(element.tag, content)


def _altered_payloads(plain: Values) -> Iterator[Values]:
    if isinstance(plain, asn1.Element):
        yield from altered_element(plain)
        return
    if isinstance(plain, Notification):
        yield replace(plain, alert_code=plain.alert_code ^ 1)
        for at, data in enumerate(plain.extra):
            yield from (
                replace(plain, extra=(*plain.extra[:at], other, *plain.extra[at + 1 :])) for other in altered(data)
            )
        return
    for at, data in enumerate(plain.data):
        yield from (replace(plain, data=(*plain.data[:at], other, *plain.data[at + 1 :])) for other in altered(data))
    for at, result in enumerate(plain.results):
        changed = replace(result, code=result.code ^ 2)
        yield replace(plain, results=(*plain.results[:at], changed, *plain.results[at + 1 :]))
