"""Reading request documents: what is taken, and that everything else is refused with the element's name."""

from __future__ import annotations

import base64

import pytest

from opensmets.duis.document import MAX_DOCUMENT, read_request
from opensmets.errors import SmetsError
from tests.host.duis_documents import COUNTER, NETWORK_OPERATOR, document

LOAD_LIMIT = """<UpdateDeviceConfigurationLoadLimitingGeneralSettings>
  <LoadLimitPeriod>600</LoadLimitPeriod><LoadLimitPowerThreshold>1</LoadLimitPowerThreshold>
  <LoadLimitRestorationPeriod>1</LoadLimitRestorationPeriod><LoadLimitSupplyState>Unchanged</LoadLimitSupplyState>
</UpdateDeviceConfigurationLoadLimitingGeneralSettings>"""


def refusal(octets: bytes) -> str:
    with pytest.raises(SmetsError) as caught:
        read_request(octets)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_header() -> None:
    request = read_request(document("7.4", "<ReadSupplyStatus/>", originator=NETWORK_OPERATOR, command_variant=3))
    assert request.originator.hex() == "90b3d51f30020000"
    assert request.target.hex() == "00db1234567890a0"
    assert (request.counter, request.command_variant, request.variant) == (COUNTER, 3, "7.4")
    assert request.service.name == "Read Supply Status" and not request.service.critical
    assert not request.has_signature and request.signed_pre_command is None
    assert request.request_id == f"90-B3-D5-1F-30-02-00-00:00-DB-12-34-56-78-90-A0:{COUNTER}"


def test_optional_header_elements_and_comments() -> None:
    octets = document(
        "7.4", "<!-- a note --><ReadSupplyStatus/>", before="<FirstInSequence>true</FirstInSequence><!-- x -->"
    )
    assert read_request(octets).variant == "7.4"


def test_signed_pre_command() -> None:
    payload = bytes(range(40))
    body = f"<SignedPreCommand><GBCSPayload>{base64.b64encode(payload).decode()}</GBCSPayload></SignedPreCommand>"
    assert read_request(document("7.2", body, command_variant=5)).signed_pre_command == payload
    assert "CommandVariant: 4 should be 5 or 6 or 7" in refusal(document("7.2", body, command_variant=4))
    assert "SignedPreCommand: 7.4 is not critical" in refusal(document("7.4", body, command_variant=5))


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"", "not well-formed"),
        (b"<Request", "not well-formed"),
        (b"<Request/>", "not a DUIS Request"),
        (document("7.4", "<ReadSupplyStatus/>", version="5.3"), "schemaVersion: is '5.3'"),
        (document("7.4", "<ReadSupplyStatus/>", version="five"), "schemaVersion: is 'five'"),
        (document("7.4", "<ReadSupplyStatus/>").replace(b' schemaVersion="5.4"', b""), "schemaVersion: is missing"),
        (document("7.4", "<ReadSupplyStatus/>").replace(b"UserGateway", b"UserGatewayV2"), "not a DUIS Request"),
        (document("7.4", "<ReadSupplyStatus/>", counter="1k"), "RequestID: "),
        (document("7.4", "<ReadSupplyStatus/>", counter=1 << 64), "RequestID: the counter does not fit 64 bits"),
        (document("7.4", "<ReadSupplyStatus/>", counter="007"), "RequestID: "),
        (document("7.4", "<ReadSupplyStatus/>", command_variant=0), "CommandVariant: 0 is below 1"),
        (document("7.4", "<ReadSupplyStatus/>", command_variant=4), "CommandVariant: 4 should be 1 or 2 or 3"),
        (
            document("7.2", "<DisableSupply/>", command_variant=1),
            "CommandVariant: 1 should be 4, because 7.2 is critical",
        ),
        (document("7.99", "<DisableSupply/>"), "7.99 is none of DUIS 5.4's"),
        (document("7.2", "<EnableSupply/>", command_variant=4), "EnableSupply: 7.2 is DisableSupply"),
        (document("7.4", ""), "Body: has 0 elements"),
        (document("7.4", "<ReadSupplyStatus/><ReadSupplyStatus/>"), "Body: has 2 elements"),
        (document("7.4", "<ReadSupplyStatus/>", before="<Extra/>"), "CommandVariant: is missing; found Extra"),
        (document("7.4", "<ReadSupplyStatus/>", after="<Extra/>"), "Request: should have Header, Body"),
        (document("7.4", "<ReadSupplyStatus>now</ReadSupplyStatus>"), "ReadSupplyStatus: has the text 'now'"),
        (
            document("7.4", "<ReadSupplyStatus/>").replace(b"<ServiceReference>7.4", b"<ServiceReference>7.5"),
            "ServiceReference: 7.5 should be 7.4",
        ),
        (document("8.2", "<ReadInventory/>", command_variant=1), "CommandVariant: 1 should be 8"),
    ],
)
def test_refusals(octets: bytes, told: str) -> None:
    assert told in refusal(octets)


BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<Request xmlns="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="5.4">&c;&c;&c;</Request>"""


def test_bombs_and_outside_entities_are_refused() -> None:
    assert "DOCTYPE" in refusal(BOMB)
    outside = b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'
    assert "DOCTYPE" in refusal(outside)
    assert "DOCTYPE" in refusal(BOMB.decode().encode("utf-16"))
    assert "more than" in refusal(b" " * (MAX_DOCUMENT + 1))
    deep = b"<a>" * 5000 + b"</a>" * 5000
    assert "well-formed" in refusal(deep) or "not a DUIS" in refusal(deep)


def test_an_undeclared_entity_is_refused() -> None:
    assert "well-formed" in refusal(document("7.4", "<ReadSupplyStatus/>", before="&bomb;"))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("<LoadLimitPeriod>600</LoadLimitPeriod>", "", "LoadLimitPeriod: is missing; found LoadLimitPowerThreshold"),
        ("600", "-1", "LoadLimitPeriod: -1 is below 0"),
        ("600", "4294967296", "LoadLimitPeriod: 4294967296 is above 4294967295"),
        ("600", "6e2", "LoadLimitPeriod: '6e2' is not a whole number"),
        ("600", "", "LoadLimitPeriod: '' is not a whole number"),
        ("600", "<x/>", "LoadLimitPeriod: contains x"),
        ("Unchanged", "unchanged", "LoadLimitSupplyState: 'unchanged' is none of Disable, Unchanged"),
        ("<LoadLimitPeriod>", "<LoadLimitPeriod unit='s'>", "LoadLimitPeriod: attribute unit is not expected"),
        (
            "<LoadLimitPeriod>",
            "<ExecutionDateTime>soon</ExecutionDateTime><LoadLimitPeriod>",
            "ExecutionDateTime: 'soon' is not a date and time",
        ),
        (
            "<LoadLimitPeriod>",
            "<ExecutionDateTime>2031-02-29T00:00:00Z</ExecutionDateTime><LoadLimitPeriod>",
            "is a day that 2031-02 does not have",
        ),
        (
            "</UpdateDevice",
            "<LoadLimitPeriod>1</LoadLimitPeriod></UpdateDevice",
            "LoadLimitPeriod: not expected here",
        ),
    ],
)
def test_a_body_is_judged(old: str, new: str, told: str) -> None:
    assert read_request(document("6.4.1", LOAD_LIMIT, command_variant=4))
    assert told in refusal(document("6.4.1", LOAD_LIMIT.replace(old, new, 1), command_variant=4))


@pytest.mark.parametrize(
    ("variant", "body", "told"),
    [
        ("2.2", "<TopUpDevice><UTRN>123</UTRN></TopUpDevice>", "UTRN: 3 characters, at least 20"),
        (
            "2.2",
            "<TopUpDevice><UTRN>1234567890123456789x</UTRN></TopUpDevice>",
            "UTRN: '1234567890123456789x' has other",
        ),
        ("3.1", f"<DisplayMessage><SupplierMessage>{'x' * 117}</SupplierMessage></DisplayMessage>", "at most 116"),
        ("3.3", "<ClearEventLog><ESMEEventLogType>GSME</ESMEEventLogType></ClearEventLog>", "none of ESME, ALCS"),
        ("6.24.1", "<RetrieveDeviceSecurityCredentialsKRP/>", "RemotePartyRole: is missing"),
        (
            "4.10",
            "<ReadNetworkData><ReadLogPeriod><StartDateTime>2020-01-01T00:00:00Z</StartDateTime></ReadLogPeriod>"
            "</ReadNetworkData>",
            "ReadLogPeriod/EndDateTime: is missing",
        ),
        (
            "6.8",
            "<UpdateDeviceConfigurationBillingCalendar><ElectricityBillingCalendar><BillingTime>12:00:00Z</BillingTime>"
            "</ElectricityBillingCalendar></UpdateDeviceConfigurationBillingCalendar>",
            "ElectricityBillingCalendar: one of Daily, Weekly, Monthly, Quarterly, SixMonthly, Yearly is missing",
        ),
        (
            "7.9",
            "<AddAuxiliaryLoadToBoostButton>"
            + "".join(f'<AddToBoostButton index="{n}">true</AddToBoostButton>' for n in range(1, 5))
            + "</AddAuxiliaryLoadToBoostButton>",
            "AddToBoostButton: stands 4 times, 5 are needed",
        ),
        ("7.5", "<ActivateAuxiliaryLoad><ActivateALCSHCALCS/></ActivateAuxiliaryLoad>", "attribute index is missing"),
        (
            "7.5",
            '<ActivateAuxiliaryLoad><ActivateALCSHCALCS index="6"><Duration>1</Duration></ActivateALCSHCALCS>'
            "</ActivateAuxiliaryLoad>",
            "ActivateALCSHCALCS: attribute index: 6 is above 5",
        ),
    ],
)
def test_other_bodies_are_judged(variant: str, body: str, told: str) -> None:
    critical = variant in ("6.8", "7.5")
    assert told in refusal(document(variant, body, command_variant=4 if critical else 1))
