"""Response documents: written, read back, refused, and judged by the schema where it is at hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

import pytest
from lxml import etree

from opensmets.catalogue.use_cases import use_cases
from opensmets.conformance.scenarios import Scenario, find_scenarios
from opensmets.duis.document import Request, read_request
from opensmets.duis.response import (
    ACKNOWLEDGED,
    FUTURE_DATED_CODES,
    FutureDated,
    Identity,
    build_alert,
    build_pre_command_response,
    build_response,
    read_response,
    serialise,
)
from opensmets.errors import SmetsError
from opensmets.layouts import envelope
from tests.host.duis_documents import COUNTER, document
from tests.reference import REFERENCE, needs_reference

MOMENT = datetime(2031, 2, 3, 4, 5, 6, 70_000, tzinfo=UTC)
METER, SUPPLIER = bytes.fromhex("00DB1234567890A0"), bytes.fromhex("90B3D51F30010000")
IDENTITY = Identity(METER, SUPPLIER, COUNTER)
MESSAGE = bytes(range(200))


def request() -> Request:
    return read_request(document("7.2", "<DisableSupply/>", command_variant=4))


def documents() -> dict[str, etree._Element]:
    future = FutureDated(True, 2, 4)
    return {
        "message": build_response(request(), gbcs_payload=MESSAGE, identity=IDENTITY, moment=MOMENT),
        "acknowledgement": build_response(request(), code=ACKNOWLEDGED, moment=MOMENT),
        "refusal": build_response(request(), code="E4"),
        "pre-command": build_pre_command_response(request(), MESSAGE),
        "future": build_response(request(), gbcs_payload=MESSAGE, identity=IDENTITY, future_dated=future),
        "alert": build_alert(0x8F30, MESSAGE, IDENTITY),
    }


def test_a_message_is_read_back() -> None:
    response = read_response(serialise(documents()["message"]))
    assert (response.code, response.moment, response.variant, response.kind) == ("I0", MOMENT, "7.2", "GBCSPayload")
    assert response.payload == MESSAGE
    assert response.request_id == f"90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A0:{COUNTER}"
    assert response.response_id == f"00-DB-12-34-56-78-90-A0:90-B3-D5-1F-30-01-00-00:{COUNTER}"


def test_what_stands_in_the_document() -> None:
    text = serialise(documents()["message"]).decode()
    for part in (
        "<sr:ResponseCode>I0</sr:ResponseCode>",
        "<sr:ResponseDateTime>2031-02-03T04:05:06.07Z</sr:ResponseDateTime>",
        "<sr:ServiceReference>7.2</sr:ServiceReference>",
        'schemaVersion="5.4"',
    ):
        assert part in text


def test_other_kinds_are_read_back() -> None:
    found = {name: read_response(serialise(root)) for name, root in documents().items()}
    assert (found["acknowledgement"].code, found["acknowledgement"].payload) == ("I99", None)
    assert (found["refusal"].code, found["refusal"].kind) == ("E4", None)
    assert (found["pre-command"].kind, found["pre-command"].payload) == ("PreCommand", MESSAGE)
    assert found["future"].kind == "FutureDatedDeviceAlertMessage"
    assert (found["future"].alert_code, found["future"].payload) == (0x8F66, MESSAGE)
    assert (found["alert"].alert_code, found["alert"].request_id) == (0x8F30, None)


def test_bad_responses_are_refused() -> None:
    good = serialise(documents()["message"])
    for old, new, told in (
        (b"I0", b"I7", "ResponseCode 'I7'"),
        (b"2031-02-03T", b"2031-02-30T", "ResponseDateTime: "),
        (b":GBCSPayload>AAEC", b":GBCSPayload>????", "GBCSPayload: is not base64"),
        (b"sr:ResponseMessage", b"sr:DCCAlertMessage", "DCCAlertMessage: is not read here"),
        (b'schemaVersion="5.4"', b'schemaVersion="4.0"', "schemaVersion"),
    ):
        assert old in good
        with pytest.raises(SmetsError, match=told):
            read_response(good.replace(old, new))
    with pytest.raises(SmetsError, match="ResponseCode"):
        build_response(request(), code="OK")
    with pytest.raises(SmetsError, match="16 bits"):
        build_alert(0x18F30, MESSAGE, IDENTITY)


@needs_reference
def test_the_schema_takes_every_document() -> None:
    assert REFERENCE
    schema = etree.XMLSchema(etree.parse(str(REFERENCE / "duis" / "duis-5.4.xsd")))
    for name, root in documents().items():
        assert schema.validate(root), f"{name}: {schema.error_log.last_error}"


def scenarios() -> list[Scenario]:
    """Return the reference's scenarios whose device is an electricity meter."""
    found = find_scenarios(REFERENCE / "rtds" / "messages", REFERENCE / "duis" / "requests") if REFERENCE else []
    meters = {name for name, entry in use_cases().items() if "ESME" in entry.devices}
    return [one for one in found if one.use_case in meters]


@cache
def duis_schema() -> etree.XMLSchema:
    assert REFERENCE
    return etree.XMLSchema(etree.parse(str(REFERENCE / "duis" / "duis-5.4.xsd")))


@cache
def asked_by() -> dict[str, Request]:
    """Return a request of each service request, for the scenarios that have no document of their own."""
    found = [one for one in scenarios() if one.request]
    return {one.service_request: read_request(one.request.read_bytes()) for one in found if one.request}


def sent_back(scenario: Scenario) -> Iterator[tuple[etree._Element, bytes]]:
    """Yield each document that the DCC makes in a scenario, and the message in it."""
    asked = read_request(scenario.request.read_bytes()) if scenario.request else None
    asked = asked or asked_by().get(scenario.service_request)
    if asked and scenario.precommand:
        yield build_pre_command_response(asked, scenario.precommand), scenario.precommand
    if asked and scenario.response:
        answer = build_response(asked, gbcs_payload=scenario.response, identity=identity(scenario.response))
        yield answer, scenario.response
    for name, alert in scenario.alerts.items():
        code = next((int(part, 16) for part in name.split("_") if len(part) == 4 and part[0] == "8"), 0x8F66)
        if asked and code in FUTURE_DATED_CODES:
            future = FutureDated(code == FUTURE_DATED_CODES[0], 1, 1)
            yield build_response(asked, gbcs_payload=alert, identity=identity(alert), future_dated=future), alert
        yield build_alert(code, alert, identity(alert)), alert


def identity(octets: bytes) -> Identity:
    message = envelope.decode(octets)
    return Identity(message.originator, message.recipient, message.counter)


@needs_reference
@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_every_message_of_a_meter_is_passed_on(scenario: Scenario) -> None:
    for root, message in sent_back(scenario):
        octets = serialise(root)
        assert duis_schema().validate(etree.fromstring(octets)), duis_schema().error_log.last_error
        assert read_response(octets).payload == message


@needs_reference
def test_some_messages_of_each_kind_are_passed_on() -> None:
    """No response to a service request is left out; what none asks for (credentials, for the DCC) has no document."""
    kinds = Counter(read_response(serialise(root)).kind for one in scenarios() for root, _ in sent_back(one))
    answers = [one for one in scenarios() if one.response and one.service_request != "NA"]
    assert kinds["GBCSPayload"] == len(answers) > 240 and kinds["PreCommand"] > 60
    assert kinds["DeviceAlertMessage"] > 30 and kinds["FutureDatedDeviceAlertMessage"] > 10
