"""Messages made here, and the very XML that they have to become."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest
from lxml import etree

from opensmets import parse
from opensmets.catalogue.responses import response_entries
from opensmets.catalogue.use_cases import UseCase, use_case, use_cases
from opensmets.errors import SmetsError
from opensmets.layouts import axdr
from opensmets.layouts.axdr import Compact, Data, RowType
from opensmets.layouts.envelope import ALERT, RESPONSE, Message
from opensmets.layouts.xdlms import AccessResponse, Notification, Result
from opensmets.parse import ParseError, UnsupportedUseCase
from tests.host.sealed import seal, with_alert, with_response
from tests.reference import REFERENCE

DEVICE, SUPPLIER = bytes.fromhex("00DB123456789ABC"), bytes.fromhex("90B3D51F30010000")
COUNTER = 0x1_0000_0005
INVOKE_ID = 0x20000005
NOON = bytes.fromhex("07EA0B16FF0C0000008000FF")
HEADER = """<Header><BusinessOriginatorID>00-DB-12-34-56-78-9A-BC</BusinessOriginatorID>\
<BusinessTargetID>90-B3-D5-1F-30-01-00-00</BusinessTargetID><OriginatorCounter>4294967301</OriginatorCounter>"""


def u32(number: int) -> Data:
    return Data("u32", number)


def scaler(exponent: int, unit: int) -> Data:
    return Data("structure", (Data("i8", exponent), Data("enum", unit)))


def structure(*parts: Data) -> Data:
    return Data("structure", parts)


def compact(types: Sequence[str], *rows: Sequence[object]) -> Data:
    row_type = RowType("structure", tuple(RowType(name) for name in types))
    made = tuple(structure(*(Data(name, value) for name, value in zip(types, row, strict=True))) for row in rows)
    return Data("compact", Compact(row_type, made))


def message(code: int, flag: int = RESPONSE, time: bytes = b"") -> Message:
    return Message(flag, COUNTER, DEVICE, SUPPLIER, code, b"", time)


def answered(
    name: str, *items: tuple[str, int, Data], protected: Sequence[int] = (), time: bytes = b""
) -> etree._Element:
    """Return the document of a response made of (verb, result, data), and see it read back."""
    case = use_case(name)
    plain = AccessResponse(
        INVOKE_ID, tuple(data for _, _, data in items), tuple(Result(verb, code) for verb, code, _ in items)
    )
    sent, parts = with_response(message(case.message_code, time=time), plain, protected)
    root = etree.fromstring(etree.tostring(parse.parse_response(sent, decrypted=parts, use_case=case)))
    assert parse.read_back(root) == plain == parse.plain_response(sent, parts)
    return judged(root)


def alarmed(code: int, alert: int, *extra: Data, time: bytes = NOON, protected: bool = False) -> etree._Element:
    plain = Notification(INVOKE_ID, alert, time, extra)
    sent, parts = with_alert(message(code, ALERT), plain, protected)
    root = etree.fromstring(etree.tostring(parse.parse_alert(sent, decrypted=parts)))
    assert parse.read_back(root) == plain
    return judged(root)


@cache
def schema() -> etree.XMLSchema | None:
    return etree.XMLSchema(etree.parse(REFERENCE / "duis" / "mmc-5.4.xsd")) if REFERENCE else None


def judged(root: etree._Element) -> etree._Element:
    """Return a document that is valid, where the schema is at hand."""
    judge = schema()
    if judge is not None:
        judge.assertValid(root)
    return root


def body(root: etree._Element) -> str:
    """Return what is in the Body, without the namespace's clutter."""
    text = etree.tostring(root.find("{*}Body"), encoding="unicode").replace("ra:", "")
    return text.replace(f' xmlns:ra="{parse.NAMESPACE}"', "").removeprefix("<Body>").removesuffix("</Body>")


def header(root: etree._Element) -> str:
    text = etree.tostring(root.find("{*}Header"), encoding="unicode").replace("ra:", "")
    return text.replace(f' xmlns:ra="{parse.NAMESPACE}"', "")


def response(answer: str, *results: str, kept: str = "") -> str:
    listed = "".join(
        f'<COSEMResponse ResponseCode="{code}" Position="{position}">{text}</COSEMResponse>'
        for position, (code, text) in enumerate((result.split(None, 1) for result in results), 1)
    )
    debug = f"<DebugInfo><COSEMDebug>{listed}</COSEMDebug></DebugInfo>"
    return f"<ResponseMessage>{kept}<SMETSData>{answer}</SMETSData>{debug}</ResponseMessage>"


READ = "0 <DataAccessResult>success</DataAccessResult>"
DONE = "0 <ActionResult>success</ActionResult>"
REGISTERS = """<ReadInstantaneousImportRegistersRsp MessageSuccess="true"><Electricity>\
<ActiveImportRegister><Value>{0}</Value><ActiveEnergyUnit>Wh</ActiveEnergyUnit></ActiveImportRegister>\
<ReactiveImportRegister><Value>77</Value><ReactiveEnergyUnit>varh</ReactiveEnergyUnit></ReactiveImportRegister>\
{1}</Electricity></ReadInstantaneousImportRegistersRsp>"""


def registers(exponent: int = 0, unit: int = 30, *second: Data) -> Data:
    return structure(structure(u32(1234), scaler(exponent, unit), u32(77), scaler(0, 32), *second))


def kept(sequence: int, name: str, data: Data | bytes) -> str:
    octets = data if isinstance(data, bytes) else axdr.encode(data)
    kind = "gbcs" if isinstance(data, bytes) else "dlms"
    text = base64.b64encode(octets).decode()
    return f'<GBCSData format="plain" sequence="{sequence}" name="{name}" type="{kind}">{text}</GBCSData>'


def test_registers_of_one_element() -> None:
    root = answered("ECS17b", ("action", 0, registers()), protected=[0], time=NOON)
    assert body(root) == response(REGISTERS.format(1234, ""), DONE)
    assert header(root) == (
        f"{HEADER}<GBCSHexadecimalMessageCode>0027</GBCSHexadecimalMessageCode><ServiceReference>4.1</ServiceReference>"
        "<ServiceReferenceVariant>4.1.1</ServiceReferenceVariant><Timestamp>2026-11-22T12:00:00Z</Timestamp></Header>"
    )
    assert root.get("schemaVersion") == "5.4"


def test_registers_of_two_elements() -> None:
    root = answered("ECS17b", ("action", 0, registers(0, 30, u32(9))), protected=[0])
    second = "<SecondaryActiveImportRegister><Value>9</Value></SecondaryActiveImportRegister>"
    assert body(root) == response(REGISTERS.format(1234, second), DONE)


def test_another_scaler_gives_the_unit_of_the_schema_and_is_kept() -> None:
    data = registers(3)
    root = answered("ECS17b", ("action", 0, data), protected=[0])
    attribute = "1/0-0:94.44.34.10/2"
    assert body(root) == response(REGISTERS.format(1234000, ""), DONE, kept=kept(1, attribute, data))


@pytest.mark.parametrize(("exponent", "unit"), [(-1, 30), (0, 31)])
def test_a_number_that_the_unit_cannot_say_is_kept_and_not_shown(exponent: int, unit: int) -> None:
    root = answered("ECS17b", ("action", 0, registers(exponent, unit)), protected=[0])
    assert root.find(".//{*}ActiveImportRegister/{*}Value") is None
    assert root.find(".//{*}ActiveImportRegister/{*}ActiveEnergyUnit") is None
    assert root.findtext(".//{*}ReactiveImportRegister/{*}Value") == "77"


def test_a_failed_read() -> None:
    root = answered("ECS45", ("get", 1, Data("null")))
    failed = "1 <DataAccessResult>hardware-fault</DataAccessResult>"
    assert body(root) == response('<ReadSupplyStatusRsp MessageSuccess="false"/>', failed)


def test_a_failed_protected_read_keeps_its_frame() -> None:
    root = answered("ECS17b", ("action", 3, Data("null")))
    name = "ReadInstantaneousImportRegistersRsp"
    frame = f'<{name} MessageSuccess="false"><Electricity/></{name}>'
    assert body(root) == response(frame, "3 <ActionResult>read-write-denied</ActionResult>")


@pytest.mark.parametrize(
    ("verb", "code", "text"),
    [
        ("set", 250, "<DataAccessResult>other-reason</DataAccessResult>"),
        ("set", 99, "<DataAccessResult>response-code-not-known</DataAccessResult>"),
        ("set", 19, "<DataAccessResult>data-block-number-invalid</DataAccessResult>"),
        ("action", 15, "<ActionResult>long-action-aborted</ActionResult>"),
        ("action", 19, "<ActionResult>response-code-not-known</ActionResult>"),
    ],
)
def test_results_by_name(verb: str, code: int, text: str) -> None:
    name, element = (
        ("ECS34", "UpdateDeviceConfigurationInstantaneousPowerThresholdRsp")
        if verb == "set"
        else ("ECS42", "EnableSupplyRsp")
    )
    root = answered(name, (verb, code, Data("null")))
    assert body(root) == response(f'<{element} MessageSuccess="false"/>', f"{code} {text}")


@pytest.mark.parametrize(("state", "name"), [(0, "Disabled"), (1, "Enabled"), (2, "Armed")])
def test_supply_states(state: int, name: str) -> None:
    root = answered("ECS45", ("get", 0, Data("enum", state)))
    assert body(root) == response(
        f'<ReadSupplyStatusRsp MessageSuccess="true"><SupplyState>{name}</SupplyState></ReadSupplyStatusRsp>', READ
    )


def test_a_state_without_a_name_is_kept() -> None:
    root = answered("ECS45", ("get", 0, Data("enum", 3)))
    answer = '<ReadSupplyStatusRsp MessageSuccess="true"/>'
    assert body(root) == response(answer, READ, kept=kept(1, "70/0-0:96.3.10.255/3", Data("enum", 3)))


def test_security_log() -> None:
    root = answered("ECS35b", ("get", 0, compact(("u32", "u16"), (0, 0x8F3D), (86399, 0x0001))))
    rows = (
        "<LogEntry><Timestamp>2000-01-01T00:00:00Z</Timestamp><LogCode>8F3D</LogCode>"
        f"<LogMeaning>{root.findtext('.//{*}LogMeaning')}</LogMeaning></LogEntry>"
        "<LogEntry><Timestamp>2000-01-01T23:59:59Z</Timestamp><LogCode>0001</LogCode>"
        "<LogMeaning>Code 0x0001, not in the catalogue</LogMeaning></LogEntry>"
    )
    log = f'<ReadEventOrSecurityLogRsp MessageSuccess="true"><Log>{rows}</Log></ReadEventOrSecurityLogRsp>'
    assert body(root) == response(log, READ)
    assert "Authentication" in (root.findtext(".//{*}LogMeaning") or "")


def test_an_empty_log() -> None:
    root = answered("ECS35a", ("get", 0, compact(("u32", "u16", "octets"))))
    assert body(root) == response('<ReadEventOrSecurityLogRsp MessageSuccess="true"/>', READ)


def test_rows_beyond_the_schema_are_kept() -> None:
    log = compact(("u32", "u16"), *((second, 0x8F0C) for second in range(101)))
    root = answered("ECS35b", ("get", 0, log))
    assert len(root.findall(".//{*}LogEntry")) == 100
    assert kept(1, "7/0-0:99.98.1.255/2", log) in body(root)


def test_other_information_may_be_empty() -> None:
    root = answered("ECS35a", ("get", 0, compact(("u32", "u16", "octets"), (1, 0x8154, b""), (2, 0x8154, b"\x00\x9b"))))
    assert [one.text for one in root.iter("{*}OtherInformation")] == [None, "009B"]


def test_voltage_data_up_to_the_item_that_failed() -> None:
    null = Data("null")
    root = answered(
        "ECS23", ("get", 0, u32(5)), ("get", 0, scaler(0, 255)), ("get", 0, u32(6)), ("get", 0, scaler(0, 255)),
        ("get", 2, null), ("get", 250, null),
    )  # fmt: skip
    answer = (
        '<ReadNetworkDataRsp MessageSuccess="false"><Electricity><SinglePhaseESME>'
        "<AvgRMSOverVoltageCounter><Value>6</Value><Unit>count</Unit></AvgRMSOverVoltageCounter>"
        "<AvgRMSUnderVoltageCounter><Value>5</Value><Unit>count</Unit></AvgRMSUnderVoltageCounter>"
        "</SinglePhaseESME></Electricity></ReadNetworkDataRsp>"
    )
    failed = (
        "2 <DataAccessResult>temporary-failure</DataAccessResult>",
        "250 <DataAccessResult>other-reason</DataAccessResult>",
    )
    assert body(root) == response(answer, READ, READ, READ, READ, *failed)


@pytest.mark.parametrize(("status", "name"), [(0, "reliable"), (0x80, "reliable"), (1, "invalid"), (2, "unreliable")])
def test_clock(status: int, name: str) -> None:
    null = Data("null")
    root = answered(
        "ECS70", ("set", 0, null), ("action", 0, null), ("action", 0, null),
        ("get", 0, Data("octets", NOON)), ("get", 0, Data("u8", status)),
    )  # fmt: skip
    answer = (
        '<SynchroniseClockRsp MessageSuccess="true"><DeviceTime>2026-11-22T12:00:00Z</DeviceTime><Electricity>'
        f'<ElecClockTimeStatus TimeStatusCode="{status}"><TimeStatus>{name}</TimeStatus></ElecClockTimeStatus>'
        "</Electricity></SynchroniseClockRsp>"
    )
    assert body(root) == response(answer, READ, DONE, DONE, READ, READ)


def test_commissioning_has_an_element_of_its_own() -> None:
    null = Data("null")
    root = answered(
        "ECS70Commission",
        ("set", 0, null),
        ("action", 0, null),
        ("action", 1, null),
        ("get", 250, null),
        ("get", 250, null),
    )
    assert root.find(".//{*}CommissionDeviceSynchroniseClockRsp") is not None


@pytest.mark.parametrize("stamp", ["FFFF0B16FF0C0000008000FF", "07EA0B16FF0C0000FF8000FF", "07EA0D16FF0C0000008000FF"])
def test_a_time_that_is_no_date_time_is_kept(stamp: str) -> None:
    octets = bytes.fromhex(stamp)
    root = alarmed(0x1001, 0x810E, time=octets)
    assert kept(0, "time stamp", octets) in body(root)


def test_prepayment_log_sorts_its_elements() -> None:
    log = compact(("u32", *["i32"] * 6), (3600, -1, 2, 3, 4, 5, 6))
    root = answered("ECS21b", ("action", 0, structure(log)), protected=[0])
    answer = (
        '<ReadPrepaymentDailyReadLogRsp MessageSuccess="true"><Electricity><LogEntry>'
        "<AccumulatedDebtRegister>6</AccumulatedDebtRegister><EmergencyCreditBalance>2</EmergencyCreditBalance>"
        "<MeterBalance>-1</MeterBalance><PaymentDebtRegister>5</PaymentDebtRegister>"
        "<TimeDebtRegisters1>3</TimeDebtRegisters1><TimeDebtRegisters2>4</TimeDebtRegisters2>"
        "<Timestamp>2000-01-01T01:00:00Z</Timestamp></LogEntry></Electricity></ReadPrepaymentDailyReadLogRsp>"
    )
    assert body(root) == response(answer, DONE)


def alert_content(code: str, text: str, payload: str = "") -> str:
    return (
        f"<DeviceAlertMessage><DeviceAlertContent><GBCSHexAlertCode>{code}</GBCSHexAlertCode>"
        f"<AlertDescription>{text}</AlertDescription><Timestamp>2026-11-22T12:00:00Z</Timestamp>{payload}"
        "</DeviceAlertContent></DeviceAlertMessage>"
    )


def test_a_generic_alert() -> None:
    root = alarmed(0x1000, 0x8F30)
    assert body(root) == alert_content("8F30", "Source Does not have Authority for Command")
    assert header(root) == f"{HEADER}<GBCSHexadecimalMessageCode>1000</GBCSHexadecimalMessageCode></Header>"


def test_an_alert_that_the_catalogue_does_not_know() -> None:
    assert body(alarmed(0x1001, 0x80FF)) == alert_content("80FF", "Code 0x80FF, not in the catalogue")


def test_a_future_dated_alert() -> None:
    octets = bytes.fromhex("0043 00000000000003EC 2328 00005E2C8006 06")
    payload = (
        "<Payload><FutureDatedCommandOutcomeDeviceAlert><COSEMFutureDatedAlert>"
        "<FutureDatedCommandMessageCode>0043</FutureDatedCommandMessageCode>"
        "<FutureDatedCommandOriginatorCounter>1004</FutureDatedCommandOriginatorCounter>"
        "<DLMSCOSEMFDInstructionIdentification><ClassId>2328</ClassId><InstanceId>00005E2C8006</InstanceId>"
        "<AttributeId>06</AttributeId></DLMSCOSEMFDInstructionIdentification>"
        "</COSEMFutureDatedAlert></FutureDatedCommandOutcomeDeviceAlert></Payload>"
    )
    root = alarmed(0x00CC, 0x8F66, Data("octets", octets))
    text = root.findtext(".//{*}AlertDescription") or ""
    assert text.startswith("Future")
    assert body(root) == alert_content("8F66", text, payload)


def test_a_meter_without_mpans() -> None:
    root = answered("ECS40", ("get", 0, Data("octets", b"")), ("get", 0, Data("octets", b"")))
    assert root.find(".//{*}GBCSData") is None
    assert [root.findtext(f".//{{*}}{name}MPAN") for name in ("Import", "SecondaryImport", "Export")] == ["", None, ""]


def test_a_demand_time_period_that_was_never_set() -> None:
    scaler = structure(Data("i8", 0), Data("enum", 27))
    value = [("get", 0, Data("u32", 5)), ("get", 0, scaler), ("get", 0, Data("octets", NOON))]
    times = [("get", 0, Data("octets", NOON))] * 2
    root = answered("ECS18b", *times, *value, *value, ("get", 0, Data("array", ())), time=NOON)
    assert root.find(".//{*}MaxDemandConfigurableTimePeriod") is None
    assert kept(9, "9000/0-0:94.44.1.20/2", Data("array", ())).split(" name=")[0] in body(root)


def test_an_outage() -> None:
    root = alarmed(0x0067, 0x8F36, Data("octets", NOON), Data("octets", NOON))
    moments = "".join(f"<{name}>2026-11-22T12:00:00Z</{name}>" for name in ("interruptionValue", "restorationValue"))
    payload = f"<Payload><SupplyOutageRestoreAlert>{moments}</SupplyOutageRestoreAlert></Payload>"
    text = root.findtext(".//{*}AlertDescription") or ""
    assert "Outage" in text
    assert body(root) == alert_content("8F36", text.replace(">", "&gt;"), payload)


def test_half_an_outage_is_kept_whole() -> None:
    unknown = Data("octets", b"\xff" * 12)
    root = alarmed(0x0067, 0x8F36, Data("octets", NOON), unknown)
    assert root.find(".//{*}Payload") is None
    assert len(root.findall(".//{*}GBCSData")) == 2


def test_alert_data_without_an_element_are_kept() -> None:
    root = alarmed(0x1001, 0x8F1E, Data("octets", b"\x01\x02"))
    assert kept(1, "alert data 1", Data("octets", b"\x01\x02")) in body(root)


def test_a_closed_part_stays_encrypted() -> None:
    case = use_case("ECS17b")
    sent = message(case.message_code)
    closed = structure(*seal(sent, registers()))
    plain = AccessResponse(INVOKE_ID, (closed,), (Result("action", 0),))
    root = parse.parse_response(replace(sent, payload=plain.encode()), use_case=case)
    assert root.find(".//{*}GBCSData").get("format") == "encrypted"
    assert parse.read_back(root) == plain


def refused(name: str, *items: tuple[str, int, Data]) -> str:
    with pytest.raises(SmetsError) as error:
        answered(name, *items)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_is_no_answer_of_the_use_case_is_refused() -> None:
    assert refused("ECS45", ("get", 0, Data("u8", 1))) == "ECS45: item 1: u8 where the use case has enum"
    assert refused("ECS45", ("set", 0, Data("null"))) == "ECS45: item 1 is answered as set, not get"
    assert refused("ECS45", ("action", 0, Data("null"))) == "answer 1 is none of ECS45's items"
    assert refused("ECS45", ("get", 0, Data("enum", 1)), ("get", 0, Data("enum", 1))) == (
        "ECS45: 2 answers where there are 1 items"
    )
    assert refused("ECS45") == "ECS45: 0 answers where there are 1 items"
    assert refused("ECS82", ("get", 0, structure())) == "ECS82: item 1: structure where the use case has i32"


def test_parts_that_are_not_of_the_message_are_refused() -> None:
    case = use_case("ECS17b")
    plain = AccessResponse(INVOKE_ID, (registers(),), (Result("action", 0),))
    sent, parts = with_response(message(case.message_code), plain, [0])
    with pytest.raises(ParseError, match="more parts were decrypted than the message has"):
        parse.parse_response(sent, decrypted=[*parts, b"\0"], use_case=case)
    with pytest.raises(ParseError, match="does not hold"):
        parse.parse_response(sent, decrypted=[parts[0] + b"\0"], use_case=case)
    with pytest.raises(ParseError, match="not those of its message"):
        parse.parse_response(replace(sent, recipient=DEVICE), decrypted=parts, use_case=case)


def test_the_wrong_message_is_refused() -> None:
    case = use_case("ECS45")
    sent = replace(message(0x0053), payload=AccessResponse(INVOKE_ID, (), ()).encode())
    with pytest.raises(ParseError, match="message 0x0053 .response. is no response of ECS45"):
        parse.parse_response(sent, use_case=case)
    with pytest.raises(ParseError, match="is a response, not an alert"):
        parse.parse_alert(sent)
    with pytest.raises(UnsupportedUseCase, match="GCS33"):
        parse.parse_response(message(use_case("GCS33").message_code), use_case=use_case("GCS33"))
    with pytest.raises(UnsupportedUseCase, match="its kind of payload"):
        parse.parse_alert(replace(message(0x1000, ALERT), payload=b"\x01\x09\x01"))


def test_another_document_is_refused() -> None:
    for text in (
        "<a/>",
        "<a><Body><b/></Body></a>",
        f'<GBCSResponse xmlns="{parse.NAMESPACE}"><Body><ResponseMessage/></Body></GBCSResponse>',
    ):
        with pytest.raises(ParseError):
            parse.read_back(etree.fromstring(text))
    root = answered("ECS45", ("get", 0, Data("enum", 1)))
    root.find(".//{*}SupplyState").text = "On fire"
    with pytest.raises(ParseError, match="'On fire' is not a value of this element"):
        parse.read_back(root)


def test_credentials() -> None:
    cell = "3018 03020780 0408 90B3D51F30010000 0408 0102030405060708"
    payload = bytes.fromhex(f"302F 3025 020102 0A0100 020105 301A {cell} 3006 020103 0A0119")
    root = parse.parse_response(replace(message(0x0008), payload=payload), use_case=use_case("CS02aMAC"))
    answer = (
        '<RetrieveDeviceSecurityCredentialsKRPRsp MessageSuccess="false"><RemotePartyDetails>'
        "<RemotePartyRole>Supplier</RemotePartyRole>"
        '<StatusCode ResponseCode="0"><ASN1Status>success</ASN1Status></StatusCode>'
        "<RemotePartyFloorSeqNumber>5</RemotePartyFloorSeqNumber><CertificateUsage>DigitalSigning</CertificateUsage>"
        "<ExistingRemotePartyID>90-B3-D5-1F-30-01-00-00</ExistingRemotePartyID>"
        "<ExistingCertificateHash>AQIDBAUGBwg=</ExistingCertificateHash></RemotePartyDetails><RemotePartyDetails>"
        "<RemotePartyRole>NetworkOperator</RemotePartyRole>"
        '<StatusCode ResponseCode="25"><ASN1Status>trustAnchorNotFound</ASN1Status></StatusCode>'
        "</RemotePartyDetails></RetrieveDeviceSecurityCredentialsKRPRsp>"
    )
    assert body(root) == f"<ResponseMessage><SMETSData>{answer}</SMETSData></ResponseMessage>"


def test_a_party_without_a_name_is_kept_whole() -> None:
    payload = bytes.fromhex("3008 3006 020106 0A0119")
    root = parse.parse_response(replace(message(0x0008), payload=payload), use_case=use_case("CS02aMAC"))
    assert kept(0, "payload", payload) in body(root)


def test_a_price_that_stands_twice_is_shown_once() -> None:
    prices = [structure(Data("octets", b"\x01"), Data("i16", 5)), structure(Data("octets", b"\x01"), Data("i16", 6))]
    head = (
        structure(Data("i8", 3), Data("i8", -5)),
        structure(Data("u16", 3), Data("octets", bytes.fromhex("0100010800FF")), Data("i8", 2)),
    )
    null = [("get", 250, Data("null"))] * 16
    root = answered("ECS24", *null, ("get", 0, structure(*head, Data("array", tuple(prices)))))
    assert [price.text for price in root.iter("{*}TariffTOUPrice")] == ["5"]
    assert root.find(".//{*}GBCSData") is not None


def coded(element: str, status: str, code: int, name: str, more: str = "") -> str:
    text = f'<{status} ResponseCode="{code}"><ASN1Status>{name}</ASN1Status></{status}>{more}'
    return f'<{element} MessageSuccess="{"false" if code else "true"}">{text}</{element}>'


def sequence(*parts: str) -> str:
    """Return a DER SEQUENCE, in hexadecimal, of elements in hexadecimal."""
    content = bytes.fromhex("".join(parts)).hex()
    size = len(content) // 2
    return f"30{size:02X}{content}" if size < 0x80 else f"3081{size:02X}{content}"


CELL = "3007 020102 03020780"
PARTIES = "0408 90B3D51F30010000 0408 0102030405060708 0408 90B3D51F30030000 0408 1112131415161718"
CHANGE = sequence("020102", "020105", sequence(sequence("020100", "020107")))
OUTCOME = sequence("020203E9", "020102", sequence(CHANGE), sequence(sequence(CELL, "0A010A", PARTIES)))
OUTCOME_ELEMENTS = """<AuthorisingRemotePartyOriginatorCounter>1001</AuthorisingRemotePartyOriginatorCounter>\
<CredentialsReplacementMode>SupplierBySupplier</CredentialsReplacementMode>\
<RemotePartySeqNumberChange><RemotePartyRole>Supplier</RemotePartyRole>\
<RemotePartyFloorSeqNumber>5</RemotePartyFloorSeqNumber>\
<RemotePartyPrepaymentTopUpFloorSeqNumber>7</RemotePartyPrepaymentTopUpFloorSeqNumber></RemotePartySeqNumberChange>\
<ReplacementOutcome><StatusCode ResponseCode="10"><ASN1Status>noTrustAnchor</ASN1Status></StatusCode>\
<CertificateType>DigitalSigning</CertificateType><RemotePartyRole>Supplier</RemotePartyRole>\
<ExistingRemotePartyID>90-B3-D5-1F-30-01-00-00</ExistingRemotePartyID>\
<NewRemotePartyID>90-B3-D5-1F-30-03-00-00</NewRemotePartyID>\
<ExistingCertificateHash>AQIDBAUGBwg=</ExistingCertificateHash>\
<NewCertificateHash>ERITFBUWFxg=</NewCertificateHash></ReplacementOutcome>"""


def test_what_became_of_a_credential_update() -> None:
    case = use_case("CS02bSupplierBySupplier")
    payload = bytes.fromhex(sequence("0500", OUTCOME))
    root = parse.parse_response(replace(message(case.message_code), payload=payload), use_case=case)
    judged(etree.fromstring(etree.tostring(root)))
    answer = f"<ExecutionOutcome>{OUTCOME_ELEMENTS}</ExecutionOutcome>"
    answer = f'<UpdateSecurityCredentialsKRPRsp MessageSuccess="false">{answer}</UpdateSecurityCredentialsKRPRsp>'
    assert body(root) == f"<ResponseMessage><SMETSData>{answer}</SMETSData></ResponseMessage>"


def test_a_credential_update_that_is_for_later() -> None:
    case = use_case("CS02bSupplierByTransCoS")
    sent = replace(message(case.message_code), payload=bytes.fromhex("30020500"))
    root = parse.parse_response(sent, use_case=case)
    answer = '<UpdateSecurityCredentialsCoSRsp MessageSuccess="true"/>'
    assert body(root) == f"<ResponseMessage><SMETSData>{answer}</SMETSData></ResponseMessage>"


def dated_alert(message_code: int, payload: str) -> str:
    """Return the content of an alert, its frame and description taken off."""
    octets = bytes.fromhex(payload)
    root = parse.parse_alert(replace(message(message_code, ALERT), payload=octets))
    judged(etree.fromstring(etree.tostring(root)))
    assert parse.read_back(root).encode() == octets
    head, frame = "<GBCSHexAlertCode>8F66</GBCSHexAlertCode>", "<FutureDatedCommandOutcomeDeviceAlert>"
    before, text = body(root).split("<Timestamp>2030-01-15T00:00:00Z</Timestamp><Payload>" + frame)
    assert before.startswith(f"<DeviceAlertMessage><DeviceAlertContent>{head}<AlertDescription>")
    end = f"{frame.replace('<', '</')}</Payload></DeviceAlertContent></DeviceAlertMessage>"
    return text.removesuffix(end)


TIME = "180F" + b"20300115000000Z".hex()


@pytest.mark.parametrize("message_code", [0x00CB, 0x0124])
def test_a_credential_update_in_its_time(message_code: int) -> None:
    element = "UpdateSecurityCredentialsDeviceAlert"
    outcome = OUTCOME_ELEMENTS.join(f"<{slash}UpdateSecurityCredentialsExecutionOutcome>" for slash in ("", "/"))
    wanted = f"<{element}>{outcome}</{element}>"
    assert dated_alert(message_code, sequence("0203008F66", TIME, OUTCOME)) == wanted


def test_firmware_activated_in_its_time() -> None:
    code = '<ActivateImageResponseCode ResponseCode="0"><ASN1Status>success</ASN1Status></ActivateImageResponseCode>'
    assert dated_alert(0x00CA, sequence("0203008F66", TIME, "020203E9", sequence("020100", "0404 01020304"))) == (
        "<FirmwareActivationDeviceAlert><ExecutionDateTime>2030-01-15T00:00:00Z</ExecutionDateTime>"
        f"<OriginatorCounterFromCommand>1001</OriginatorCounterFromCommand>{code}"
        "<FirmwareVersion>01020304</FirmwareVersion></FirmwareActivationDeviceAlert>"
    )


def test_an_update_of_every_key_is_kept_whole() -> None:
    case = use_case("CS02bAnyExceptAbnormalRootByRecovery")
    row = sequence(CELL, "0A0100", PARTIES)
    payload = bytes.fromhex(sequence("0500", sequence("020203E9", "020108", "3000", sequence(row * 4))))
    root = parse.parse_response(replace(message(case.message_code), payload=payload), use_case=case)
    judged(etree.fromstring(etree.tostring(root)))
    assert kept(0, "payload", payload) in body(root)
    assert root.find(".//{*}ReplacementOutcome") is None
    assert parse.read_back(root).encode() == payload


UPDATE = ("UpdateSecurityCredentialsDeviceRsp", "UpdateSecurityCredentialsResponseCode")
ACTIVATE = ("ActivateFirmwareRsp", "ActivateImageResponseCode")
JOIN = ("JoinServiceCriticalRsp", "joinResponseCode")
REQUEST = """<IssueSecurityCredentialsRsp MessageSuccess="true"><CertificationRequest>MAMCAQE=</CertificationRequest>\
</IssueSecurityCredentialsRsp>"""


@pytest.mark.parametrize(
    ("name", "payload", "answer"),
    [
        ("CS02d", "020103", coded(*UPDATE, 3, "invalidKeyUsage")),
        ("CS02c", "3003020101", REQUEST),
        (
            "CS06",
            "3009020100040401020304",
            coded(*ACTIVATE, 0, "success", "<FirmwareVersion>01020304</FirmwareVersion>"),
        ),
        ("CS06", "0500", '<ActivateFirmwareRsp MessageSuccess="true"/>'),
        ("CS03A1", "02017F", coded(*JOIN, 127, "notKnown")),
    ],
)
def test_statuses(name: str, payload: str, answer: str) -> None:
    case = use_case(name)
    octets = bytes.fromhex(payload)
    root = parse.parse_response(replace(message(case.message_code), payload=octets), use_case=case)
    judged(etree.fromstring(etree.tostring(root)))
    assert body(root) == f"<ResponseMessage><SMETSData>{answer}</SMETSData></ResponseMessage>"
    assert parse.read_back(root).encode() == octets


def test_an_answer_of_another_kind_is_refused() -> None:
    for name, payload in (("CS02d", "0500"), ("CS03A1", "3000"), ("CS02c", "0401FF")):
        case = use_case(name)
        with pytest.raises(ParseError, match="none of this use case's answers"):
            parse.parse_response(replace(message(case.message_code), payload=bytes.fromhex(payload)), use_case=case)


VERBS = {"get": "get", "range": "get", "set": "set", "action": "action", "protected": "action"}
READ_OR_SET = [case for case in use_cases().values() if case.payload == "dlms" and case.items and not case.alert]


@pytest.mark.parametrize("case", READ_OR_SET, ids=lambda case: case.name)
@pytest.mark.parametrize("first", [0, 1])
def test_every_use_case_can_fail(case: UseCase, first: int) -> None:
    """Every item but the first fails, or all of them."""
    count = len(response_entries()[case.name].items) if case.name in response_entries() else len(case.items)
    verbs = [VERBS[item.verb] for item in case.items] + ["get"] * count
    null = Data("null")
    items = [(verb, 0 if at < first else 2, null) for at, verb in enumerate(verbs[: count or len(case.items)])]
    root = answered(case.name, *items)
    assert root.find(".//{*}SMETSData")[0].get("MessageSuccess") == ("true" if first == count == 1 else "false")
