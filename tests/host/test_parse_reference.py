"""Every reference response and alert that is built: valid against the MMC schema, read back, and no leaf lost."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from lxml import etree

from opensmets import parse
from opensmets.catalogue.use_cases import UseCase, use_cases
from opensmets.errors import SmetsError
from opensmets.layouts import asn1, envelope
from opensmets.layouts.asn1 import Element
from opensmets.layouts.axdr import Data
from opensmets.layouts.envelope import ALERT, COMMAND, Message
from opensmets.layouts.xdlms import AccessResponse, Notification, Result
from opensmets.parse.der import normal
from opensmets.parse.response import is_built
from opensmets.security.sensitive import decrypt_parts
from tests.host.altered import altered
from tests.host.corpus import keystore, messages
from tests.host.sealed import protected_items, with_alert, with_response
from tests.reference import REFERENCE, needs_reference

pytestmark = needs_reference
#: Use cases whose ASN.1 alerts are read: what was carried out at its time.
DATED = ("CS06", "CS02bSupplierBySupplier", "CS02bSupplierByTransCoS", "CS02gLoadControllerBySupplier",
         "CS02gLoadControllerByLoadController")  # fmt: skip
Values = AccessResponse | Notification | Element


@cache
def schema() -> etree.XMLSchema:
    assert REFERENCE is not None
    return etree.XMLSchema(etree.parse(REFERENCE / "duis" / "mmc-5.4.xsd"))


def use_case_of(name: str) -> UseCase | None:
    return use_cases().get(name.split("/")[0].split("_", 1)[1])


def built(name: str) -> bool:
    use_case = use_case_of(name)
    kind = name.split("/")[1]
    if use_case is None or "_RESPONSE" not in kind and "_ALERT" not in kind:
        return False
    return use_case.payload == "dlms" or ("_RESPONSE" in kind and is_built(use_case)) or use_case.name in DATED


def payload_of(name: str) -> str:
    use_case = use_case_of(name)
    return use_case.payload if use_case else ""


NAMES = [name for name in messages() if built(name)] if REFERENCE else []


def test_no_message_of_a_meter_is_left_out() -> None:
    """Every response and alert of an electricity meter in the set is turned into a document and judged below."""
    meters = {name for name, entry in use_cases().items() if "ESME" in entry.devices}
    sent = [name for name in messages() if "_RESPONSE" in name.split("/")[1] or "_ALERT" in name.split("/")[1]]
    wanted = {name for name in sent if (entry := use_case_of(name)) and entry.name in meters}
    assert wanted - set(NAMES) == set() and len(wanted) > 300


def document(message: Message, decrypted: tuple[bytes, ...] | list[bytes], use_case: UseCase) -> etree._Element:
    """Return the document, written and read as its reader would."""
    if message.cra_flag == ALERT:
        root = parse.parse_alert(message, decrypted=decrypted)
    else:
        root = parse.parse_response(message, decrypted=decrypted, use_case=use_case)
    return etree.fromstring(etree.tostring(root))


def values(message: Message, decrypted: tuple[bytes, ...] | list[bytes], use_case: UseCase) -> Values:
    if use_case.payload == "asn1":
        return parse.plain_asn1(message)
    if message.cra_flag == ALERT:
        return parse.plain_alert(message, decrypted)
    return parse.plain_response(message, decrypted)


def read(name: str) -> tuple[Message, tuple[bytes, ...], UseCase]:
    message = envelope.decode(messages()[name])
    use_case = use_case_of(name)
    assert use_case is not None and message.cra_flag != COMMAND
    return message, decrypt_parts(message, keystore()), use_case


def text(root: etree._Element) -> bytes:
    return etree.tostring(root, method="c14n")


@pytest.mark.parametrize("name", NAMES)
def test_document_is_valid_and_holds_the_message(name: str) -> None:
    message, decrypted, use_case = read(name)
    root = document(message, decrypted, use_case)
    schema().assertValid(root)
    assert parse.read_back(root) == values(message, decrypted, use_case)
    header = parse.read_header(root)
    for field in ("cra_flag", "counter", "originator", "recipient", "time", "message_code", "supplementary_party",
                  "supplementary_counter", "supplementary_originator_counter"):  # fmt: skip
        assert getattr(header, field) == getattr(message, field), field


def other_responses(response: AccessResponse) -> list[AccessResponse]:
    found = []
    for at, item in enumerate(response.data):
        for other in altered(item):
            found.append(replace(response, data=(*response.data[:at], other, *response.data[at + 1 :])))
    for at, result in enumerate(response.results):
        for code in {0, 1, 2, 15, 19, 77, 250} - {result.code}:
            results = (*response.results[:at], Result(result.verb, code), *response.results[at + 1 :])
            found.append(replace(response, results=results))
    found.append(replace(response, invoke_id=response.invoke_id + 1))
    return found


def other_alerts(alert: Notification) -> list[Notification]:
    found = [replace(alert, alert_code=alert.alert_code + 1), replace(alert, alert_code=0)]
    found += [replace(alert, time_stamp=time.value) for time in altered(Data("octets", alert.time_stamp))]
    for at, part in enumerate(alert.extra):
        for other in altered(part):
            found.append(replace(alert, extra=(*alert.extra[:at], other, *alert.extra[at + 1 :])))
    return found


def check(message: Message, parts: list[bytes], use_case: UseCase, wanted: Values, original: bytes) -> None:
    try:
        root = document(message, parts, use_case)
    except SmetsError as error:
        # a length that the use case fixes; a change of value alone is never refused
        assert " octets where the use case has " in str(error) or " elements where the use case has " in str(error)
        return
    assert text(root) != original, wanted
    schema().assertValid(root)
    assert parse.read_back(root) == wanted


@pytest.mark.parametrize("name", [name for name in NAMES if payload_of(name) == "dlms"])
def test_no_leaf_is_lost(name: str) -> None:
    message, decrypted, use_case = read(name)
    original = text(document(message, decrypted, use_case))
    plain = values(message, decrypted, use_case)
    if isinstance(plain, Notification):
        for alert in other_alerts(plain):
            check(*with_alert(message, alert, bool(decrypted)), use_case, alert, original)
        return
    assert isinstance(plain, AccessResponse)
    protected = protected_items(parse.plain_response(message))
    for response in other_responses(plain):
        check(*with_response(message, response, protected), use_case, response, original)


def other_elements(element: Element) -> list[Element]:
    """Return trees that differ in the content of one element, or lack one."""
    found = []
    for at, child in enumerate(element.children):
        rest = element.children[:at], element.children[at + 1 :]
        found += [asn1.make(element.tag, (*rest[0], other, *rest[1])) for other in other_elements(child)]
    if not element.constructed:
        for bit in (0, 3, 7) if element.content else ():
            content = element.content[:-1] + bytes((element.content[-1] ^ 1 << bit,))
            found.append(asn1.make(element.tag, content))
        found.append(asn1.make(element.tag, element.content + b"\x01"))
    return found


@pytest.mark.parametrize("name", [name for name in NAMES if payload_of(name) == "asn1"])
def test_no_asn1_value_is_lost(name: str) -> None:
    message, _, use_case = read(name)
    original = text(document(message, (), use_case))
    for tree in other_elements(normal(asn1.decode(message.payload))):
        check(replace(message, payload=tree.encode(), raw=b""), [], use_case, tree, original)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_cut_short_is_refused_in_one_line(name: str) -> None:
    message, decrypted, use_case = read(name)
    for cut in {1, 2, len(message.payload) // 2, len(message.payload) - 1} - {len(message.payload)}:
        with pytest.raises(SmetsError) as refused:
            document(replace(message, payload=message.payload[:cut], raw=b""), decrypted, use_case)
        assert "\n" not in str(refused.value)
