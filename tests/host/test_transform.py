"""Commands made from hand-written requests, against octets worked out by hand from GBCS, and what is refused."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from opensmets.duis.document import read_request
from opensmets.errors import SmetsError
from opensmets.transform.pre_command import PreCommand, dcc_holds_until, invoke_id, transform
from opensmets.transform.selection import Inventory, Unsupported
from tests.host.duis_documents import COUNTER, NETWORK_OPERATOR, document

ACB = bytes.fromhex("90B3D51F30000002")
#: A command's grouping header to its recipient: `DF`, counter, supplier and meter, no time.
FROM_SUPPLIER = "DF 0901 0000000102030405 08 90B3D51F30010000 08 00DB1234567890A0 00"
#: An access request's beginning: invoke id 20 and the counter's last three octets.
ACCESS = "D9 20030405 00"
IN_2031 = "090C 07EF0203FF04050607 8000FF"
IMMEDIATELY, NEVER = "090C 000000000000000000 8000FF", "090C FFFFFFFFFFFFFFFFFF 8000FF"


def octets(*parts: str) -> bytes:
    return bytes.fromhex("".join(parts))


def sized(payload: bytes) -> bytes:
    """Return a payload behind its length: one octet below 80, else 81 or 82 and the length (GBCS 7.2.5)."""
    size = len(payload)
    prefix = b"" if size < 0x80 else b"\x81" if size < 0x100 else b"\x82"
    return prefix + size.to_bytes(2 if size >= 0x100 else 1, "big") + payload


def make(variant: str, body: str, command_variant: int = 1, **options: object) -> PreCommand:
    return transform(read_request(document(variant, body, command_variant=command_variant)), **options)  # type: ignore[arg-type]


def check(command: PreCommand, use_case: str, expected: bytes) -> None:
    assert command.use_case.name == use_case
    assert command.octets.hex() == expected.hex()


@pytest.mark.parametrize(
    ("variant", "element", "use_case", "code", "script"),
    [
        ("7.1", "EnableSupply", "ECS42", "004F", "0033"),
        ("7.2", "DisableSupply", "ECS43", "0050", "0034"),
        ("7.3", "ArmSupply", "ECS44", "0051", "0036"),
    ],
)
def test_supply(variant: str, element: str, use_case: str, code: str, script: str) -> None:
    command = make(variant, f"<{element}/>", 4)
    assert command.critical
    payload = (ACCESS, "01 03 0009 00000A006AFF 01", "01 12", script)
    check(command, use_case, octets(FROM_SUPPLIER, "02", code, "15", *payload))


def test_simple_reads() -> None:
    payload = (ACCESS, "01 01 0046 000060030AFF 03", "01 00")
    check(make("7.4", "<ReadSupplyStatus/>"), "ECS45", octets(FROM_SUPPLIER, "02 0052 13", *payload))
    payload = (ACCESS, "01 01 0001 0000000201FF 02", "01 00")
    command = make("11.2", "<ReadFirmwareVersion/>")
    check(command, "ECS52", octets(FROM_SUPPLIER, "02 0059 13", *payload))
    assert not command.critical


LOAD_LIMIT = """<UpdateDeviceConfigurationLoadLimitingGeneralSettings>{when}
  <LoadLimitPeriod>600</LoadLimitPeriod><LoadLimitPowerThreshold>12345</LoadLimitPowerThreshold>
  <LoadLimitRestorationPeriod>45</LoadLimitRestorationPeriod><LoadLimitSupplyState>{state}</LoadLimitSupplyState>
</UpdateDeviceConfigurationLoadLimitingGeneralSettings>"""


@pytest.mark.parametrize(
    ("when", "time"),
    [
        ("", IMMEDIATELY),
        ("<ExecutionDateTime>2031-02-03T04:05:06.07Z</ExecutionDateTime>", IN_2031),
        ("<ExecutionDateTime>2031-02-03T05:05:06.079+01:00</ExecutionDateTime>", IN_2031),
        ("<ExecutionDateTime>2031-02-03T04:05:06.07</ExecutionDateTime>", IN_2031),
        ("<ExecutionDateTime>3000-12-31T00:00:00.00Z</ExecutionDateTime>", NEVER),
    ],
)
@pytest.mark.parametrize(("state", "boolean"), [("Disable", "03FF"), ("Unchanged", "0300")])
def test_load_limit(when: str, time: str, state: str, boolean: str) -> None:
    objects = ("00005E2C0003", "00005E2C8007", "00005E2C8006", "00005E2C8008")
    items = [f"02 2328 {obis} {attribute}" for attribute in ("04", "06") for obis in objects]
    data = (boolean, "0600003039", "0600000258", "060000002D", *[time] * 4)
    expected = octets(FROM_SUPPLIER, "02 0043 81A1", ACCESS, "08", *items, "08", *data)
    check(make("6.4.1", LOAD_LIMIT.format(when=when, state=state), 4), "ECS28a", expected)


@pytest.mark.parametrize(
    ("variant", "element", "use_case"),
    [("6.11", "SynchroniseClock", "ECS70"), ("8.1.1", "CommissionDeviceSynchroniseClock", "ECS70Commission")],
)
def test_clock(variant: str, element: str, use_case: str) -> None:
    """The preset time is never; the window ends the tolerance later, over midnight and the leap day."""
    body = (
        f"<{element}><CurrentDateTime>2032-02-29T23:59:30.00Z</CurrentDateTime>"
        f"<TolerancePeriod>45</TolerancePeriod></{element}>"
    )
    clock = "0008 0000010000FF"
    items = (f"02 {clock} 09", f"03 {clock} 05", f"03 {clock} 04", f"01 {clock} 02", f"01 {clock} 04")
    window = ("0203", NEVER, "090C 07F0021DFF173B1E00 8000FF", "090C 07F00301FF00000F00 8000FF")
    payload = octets(ACCESS, "05", *items, "05 1605", *window, "0F00 00 00")
    expected = octets(FROM_SUPPLIER, "02 0062") + sized(payload)
    check(make(variant, body, 4), use_case, expected)


def test_thresholds_messages_and_tokens() -> None:
    body = """<UpdateDeviceConfigurationInstantaneousPowerThreshold>
      <LowMediumPowerThreshold>1</LowMediumPowerThreshold>
      <MediumHighPowerThreshold>4294967295</MediumHighPowerThreshold>
    </UpdateDeviceConfigurationInstantaneousPowerThreshold>"""
    payload = (ACCESS, "01 02 0015 0000100000FF 02", "01 0102 0600000001 06FFFFFFFF")
    check(make("6.12", body), "ECS34", octets(FROM_SUPPLIER, "02 0047 1E", *payload))
    body = "<DisplayMessage><SupplierMessage>Hi, you</SupplierMessage></DisplayMessage>"
    payload = (ACCESS, "01 02 0001 0002600D01FF 02", "01 0907 48692C20796F75")
    check(make("3.1", body), "ECS10", octets(FROM_SUPPLIER, "02 0021 1B", *payload))
    body = "<TopUpDevice><UTRN>00000000000000000001</UTRN></TopUpDevice>"
    payload = (ACCESS, "01 03 0073 0000132800FF 01", "01 0914", "30" * 19, "31")
    check(make("2.2", body), "CS01a", octets(FROM_SUPPLIER, "02 0007 28", *payload))


PERIOD = """<ReadLogPeriod><StartDateTime>2020-02-29T12:00:00.00Z</StartDateTime>
  <EndDateTime>2020-03-01T00:00:01.50Z</EndDateTime></ReadLogPeriod>"""
#: 7,364 days and a half after 2000 began, and half a day and a second later.
RANGE = "0204 0204 120001 0906 00005E2C64FF 0F02 120000 06 25ED0EC0 06 25EDB781 0100"


@pytest.mark.parametrize(
    ("log", "use_case", "code", "obis"),
    [
        ("Event", "ECS35a", "0048", "0000636200FF"),
        ("Security", "ECS35b", "0049", "0000636201FF"),
        ("PowerEvent", "ECS35e", "00B9", "0000636204FF"),
        ("ALCSEvent", "ECS35g", "00FD", "0011636202FF"),
    ],
)
def test_logs(log: str, use_case: str, code: str, obis: str) -> None:
    body = f"<ReadEventOrSecurityLog>{PERIOD}<LogToRead>{log}</LogToRead></ReadEventOrSecurityLog>"
    payload = octets(ACCESS, "01 04 0007", obis, "02 01", RANGE, "01 00")
    check(make("6.13", body), use_case, octets(FROM_SUPPLIER, "02", code) + sized(payload))


def test_network_data_for_one_phase_and_for_three() -> None:
    body = f"<ReadNetworkData>{PERIOD}</ReadNetworkData>"

    def phase(channel: str) -> list[str]:
        counters = [f"01 0003 0100{channel}{c}0004 {a}" for c in ("20", "24") for a in ("02", "03")]
        return [*counters, f"04 0007 0100{channel}1800FF 02 01", RANGE, f"01 0007 0100{channel}1800FF 04"]

    single = octets(ACCESS, "06", *phase("20"), "06", "00" * 6)
    check(make("4.10", body), "ECS23", octets(FROM_SUPPLIER, "02 0039") + sized(single))
    three = make("4.10", body, inventory=Inventory(polyphase=True))
    items = [*phase("20"), *phase("34"), *phase("48")]
    payload = octets(ACCESS, "12", *items, "12", "00" * 18)
    check(three, "ECS23b", octets(FROM_SUPPLIER, "02 00BC") + sized(payload))


def protected(counter: str, party: str, what: str, restriction: str) -> str:
    key = "0202 1602 0202 0901 02 0900"
    names = f"0909 04{counter} 0908 {party} 0908 00DB1234567890A0 0900"
    return f"0202 0101 0205 {what} 120000 0202 {restriction} 0101 0202 1602 0205 {names} {key}"


def test_a_protected_read() -> None:
    argument = protected("0000000102030405", "90B3D51F30010000", "120001 0906 00005E2C220A 0F02", "1600 00")
    payload = octets(ACCESS, "01 03 001E 00002B0208FF 01", "01", argument)
    expected = octets(FROM_SUPPLIER, "02 0027") + sized(payload)
    check(make("4.1.1", "<ReadInstantaneousImportRegisters/>"), "ECS17b", expected)


DATE_TIMES = "1601 0202 090C 07E4021DFF0C000000 8000FF 090C 07E40301FF00000132 8000FF"


def test_a_prepayment_log_for_a_party_that_the_device_knows() -> None:
    argument = protected("0000000102030405", "90B3D51F30010000", "120007 0906 0000620108FF 0F02", DATE_TIMES)
    payload = octets(ACCESS, "01 03 001E 00002B0206FF 01", "01", argument)
    expected = octets(FROM_SUPPLIER, "02 0034") + sized(payload)
    check(make("4.14", f"<ReadPrepaymentDailyReadLog>{PERIOD}</ReadPrepaymentDailyReadLog>"), "ECS21b", expected)


def test_a_prepayment_log_for_a_party_that_the_device_does_not_know() -> None:
    """The broker originates with its own counter, which is also the transaction id's; the asker is supplementary."""
    certificate = bytes.fromhex("30820100 0481FD") + bytes(range(253))
    credentials = f"<KAPublicSecurityCredentials>{base64.b64encode(certificate).decode()}</KAPublicSecurityCredentials>"
    body = f"<ReadPrepaymentDailyReadLog>{PERIOD}{credentials}</ReadPrepaymentDailyReadLog>"
    command = make("4.14", body, dcc_eui=ACB, dcc_counter=0x0A0B0C0D0E)
    argument = protected("0000000A0B0C0D0E", "90B3D51F30010000", "120007 0906 0000620108FF 0F02", DATE_TIMES)
    payload = octets("D9 200C0D0E 00", "01 03 001E 00002B0206FF 01", "01", argument)
    header = "DF 0901 0000000A0B0C0D0E 08 90B3D51F30000002 08 00DB1234567890A0 00"
    supplementary = octets("820116 0034 90B3D51F30010000 0000000102030405") + certificate
    check(command, "ECS21b", octets(header) + supplementary + sized(payload))
    with pytest.raises(SmetsError, match="its party's EUI and counter"):
        make("4.14", body)


def test_the_broker_asks_for_credentials_in_its_own_name() -> None:
    roles = "".join(f"<RemotePartyRole>{role}</RemotePartyRole>" for role in ("Recovery", "TransCoS", "ACB"))
    body = f"<RetrieveDeviceSecurityCredentialsKRP>{roles}</RetrieveDeviceSecurityCredentialsKRP>"
    command = make("6.24.1", body, dcc_eui=ACB, dcc_counter=7)
    header = "DF 0901 0000000000000007 08 90B3D51F30000002 08 00DB1234567890A0 00 02 0008 16"
    payload = "3014 3007 020104 03020308 3009 020101 020105 020104"
    check(command, "CS02aMAC", octets(header, payload))


def test_optional_elements_leave_their_items_out() -> None:
    body = "<ResetMaximumDemandRegisters><MaxDemandActivePowerExportValue/></ResetMaximumDemandRegisters>"
    payload = (ACCESS, "01 03 0004 0100020600FF 01", "01 0F00")
    check(make("6.18.2", body), "ECS57", octets(FROM_SUPPLIER, "02 005A 14", *payload))
    with pytest.raises(SmetsError, match="asks for nothing"):
        make("6.18.2", "<ResetMaximumDemandRegisters/>")
    buttons = "".join(f'<AddToBoostButton index="{n}">{n == 4}</AddToBoostButton>'.lower() for n in range(1, 6))
    body = f"<AddAuxiliaryLoadToBoostButton>{buttons.replace('addto', 'AddTo').replace('boostbutton', 'BoostButton')}"
    payload = (ACCESS, "01 02 0001 00005E2C0604 02", "01 03FF")
    command = make("7.9", f"{body}</AddAuxiliaryLoadToBoostButton>")
    check(command, "ECS62Add", octets(FROM_SUPPLIER, "02 005F 14", *payload))


@pytest.mark.parametrize(
    ("how", "dates"),
    [
        ("<Daily/>", ["FFFFFFFFFF"]),
        ("<Weekly>3</Weekly>", ["FFFFFFFF03"]),
        ("<Monthly>28</Monthly>", ["FFFFFF1CFF"]),
        (
            "<Quarterly><DayOfMonth>5</DayOfMonth><BillingPeriodStartMonth>11</BillingPeriodStartMonth></Quarterly>",
            ["FFFF0B05FF", "FFFF0205FF", "FFFF0505FF", "FFFF0805FF"],
        ),
        (
            "<Yearly><DayOfMonth>1</DayOfMonth><BillingPeriodStartMonth>4</BillingPeriodStartMonth></Yearly>",
            ["FFFF0401FF"],
        ),
    ],
)
def test_billing_calendar(how: str, dates: list[str]) -> None:
    body = f"""<UpdateDeviceConfigurationBillingCalendar><ElectricityBillingCalendar>
      <BillingTime>06:30:15.25Z</BillingTime>{how}</ElectricityBillingCalendar></UpdateDeviceConfigurationBillingCalendar>"""
    entries = [f"0202 0904 061E0F19 0905 {date}" for date in dates]
    payload = octets(ACCESS, "01 02 0016 00000F0000FF 04", f"01 01{len(dates):02X}", *entries)
    check(make("6.8", body, 4), "ECS30a", octets(FROM_SUPPLIER, "02 00D7") + sized(payload))


def test_alert_behaviour_is_a_mask_and_its_settings() -> None:
    """Code 8119's bit is 0x19 from the right in the first 256 bits, 8168's 0x68; only 8168 is enabled."""
    body = """<ConfigureAlertBehaviour><ElectricitySupplierHANAlertSettings><SupplierESMECommon>
      <x8119>Disable</x8119><x8168>Enable</x8168>
    </SupplierESMECommon></ElectricitySupplierHANAlertSettings></ConfigureAlertBehaviour>"""
    mask, enabled = (1 << 0x68) | (1 << 0x19), 1 << 0x68
    bits = mask.to_bytes(32, "big") + enabled.to_bytes(32, "big")
    payload = octets(ACCESS, "01 02 0001 001E61620CFF 02", "01 04820200") + bits
    expected = octets(FROM_SUPPLIER, "02 00EA") + sized(payload)
    check(make("6.22", body), "ECS25a1", expected)


def test_invoke_id_has_the_counter_s_last_24_bits() -> None:
    assert invoke_id(0xFFFFFFFFFFFFFFFF) == 0x20FFFFFF
    assert invoke_id(COUNTER) == 0x20030405


def test_roles_and_names_settle_what_the_document_leaves_open() -> None:
    behaviours = "<ReadDeviceConfigurationEventAndAlertBehaviours/>"
    assert make("6.2.10", behaviours).use_case.name == "ECS25r1"
    request = read_request(document("6.2.10", behaviours, originator=NETWORK_OPERATOR))
    assert transform(request, role="network_operator").use_case.name == "ECS25r2"
    calendar = "<ReadDeviceConfigurationBillingCalendar/>"
    assert make("6.2.3", calendar).use_case.name == "ECS26l"
    assert make("6.2.3", calendar, use_case="ECS26d").use_case.name == "ECS26d"
    with pytest.raises(SmetsError, match="ECS45 is not what this 6.2.3 request for ESME means"):
        make("6.2.3", calendar, use_case="ECS45")


def test_what_no_device_gets_is_said() -> None:
    read = "<ReadSchedule><DSPScheduleID>5</DSPScheduleID></ReadSchedule>"
    with pytest.raises(Unsupported, match="the DCC carries it out itself"):
        make("5.2", read, 8)
    with pytest.raises(Unsupported, match="GSME: not built yet: GCS33"):
        make("7.4", "<ReadSupplyStatus/>", inventory=Inventory("GSME"))
    with pytest.raises(Unsupported, match="HCALCS: no use case"):
        make("7.4", "<ReadSupplyStatus/>", inventory=Inventory("HCALCS"))
    with pytest.raises(SmetsError, match="is made and signed already"):
        make("7.2", "<SignedPreCommand><GBCSPayload>AAAA</GBCSPayload></SignedPreCommand>", 5)


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        ("2020-01-02T00:00:00Z", "2020-01-01T00:00:00Z", "EndDateTime lies before StartDateTime"),
        ("1999-12-31T23:59:59Z", "2020-01-01T00:00:00Z", "StartDateTime: 1999-12-31 lies outside 2000 to 2136"),
        ("2020-01-01T00:00:00Z", "2136-02-08T00:00:00Z", "EndDateTime: 2136-02-08 lies outside"),
        ("2020-01-01T00:00:00Z", "12020-01-01T00:00:00Z", "EndDateTime: '12020-01-01T00:00:00Z' is no moment"),
    ],
)
def test_periods_that_cannot_be_sent_are_refused(start: str, end: str, told: str) -> None:
    period = f"<StartDateTime>{start}</StartDateTime><EndDateTime>{end}</EndDateTime>"
    with pytest.raises(SmetsError, match=told):
        make("4.10", f"<ReadNetworkData><ReadLogPeriod>{period}</ReadLogPeriod></ReadNetworkData>")


def test_an_execution_time_beyond_the_calendar_is_refused() -> None:
    for moment in ("10000-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00"):
        when = f"<ExecutionDateTime>{moment}</ExecutionDateTime>"
        with pytest.raises(SmetsError, match="ExecutionDateTime: "):
            make("6.4.1", LOAD_LIMIT.format(when=when, state="Disable"), 4)


def test_the_identification_number_is_random_unless_given() -> None:
    body = "<RequestCustomerIdentificationNumber/>"
    given = make("9.1", body, dcc_eui=ACB, dcc_counter=5, cin="0407")
    assert given.cin == "0407" and given.octets.endswith(b"\x09\x040407")
    drawn = {make("9.1", body, dcc_eui=ACB, dcc_counter=5).cin for _ in range(20)}
    assert len(drawn) > 1 and all(len(cin) == 4 and cin.isdigit() for cin in drawn)
    with pytest.raises(SmetsError, match="four digits"):
        make("9.1", body, dcc_eui=ACB, dcc_counter=5, cin="12345")


@pytest.mark.parametrize("mode", ["PrepaymentMode", "CreditMode"])
def test_a_balance_is_adjusted_or_reset_in_either_mode(mode: str) -> None:
    body = f"<UpdateMeterBalance><{mode}><AdjustMeterBalance>-2</AdjustMeterBalance></{mode}></UpdateMeterBalance>"
    payload = octets(ACCESS, "01 03 0070 0000130A00FF 01", "01 05FFFFFFFE")
    check(make("1.5", body, 4), "ECS04a", octets(FROM_SUPPLIER, "02 001C") + sized(payload))
    body = f"<UpdateMeterBalance><{mode}><ResetMeterBalance/></{mode}></UpdateMeterBalance>"
    items = [f"03 0070 0000130A0{n}FF 02" for n in range(3)]
    payload = octets(ACCESS, "03", *items, "03", "0500000000" * 3)
    check(make("1.5", body, 4), "ECS04b", octets(FROM_SUPPLIER, "02 00B3") + sized(payload))


def test_two_elements_of_one_index_are_refused() -> None:
    one = '<ALCSHCALCSDescription index="2"><SwitchDescription>Boiler</SwitchDescription></ALCSHCALCSDescription>'
    body = "<UpdateDeviceConfigurationALCDescriptions>{}</UpdateDeviceConfigurationALCDescriptions>"
    payload = octets(ACCESS, "01 02 0001 00005E2C000C 02", "01 0A06 426F696C6572")
    check(make("6.14.1", body.format(one), 4), "ECS46a", octets(FROM_SUPPLIER, "02 0053") + sized(payload))
    with pytest.raises(SmetsError, match="ALCSHCALCSDescription: index 2 stands twice"):
        make("6.14.1", body.format(one + one), 4)


def test_credentials_that_are_no_certificate_are_refused() -> None:
    for octets_ in (b"", b"\x30\x05\x01", b"\x05\x00"):
        text = base64.b64encode(octets_).decode()
        body = f"<ReadPrepaymentDailyReadLog>{PERIOD}<KAPublicSecurityCredentials>{text}</KAPublicSecurityCredentials>"
        with pytest.raises(SmetsError, match="KAPublicSecurityCredentials: is no certificate in DER"):
            make("4.14", f"{body}</ReadPrepaymentDailyReadLog>", dcc_eui=ACB, dcc_counter=1)


def test_what_the_dcc_holds_back_is_told_from_what_the_device_does() -> None:
    when = "<ExecutionDateTime>2031-02-03T04:05:06.07Z</ExecutionDateTime>"
    dated = read_request(document("7.7", f"<ReadALCSData>{when}</ReadALCSData>"))
    assert dcc_holds_until(dated) == datetime(2031, 2, 3, 4, 5, 6, 70_000, tzinfo=UTC)
    assert transform(dated).octets == make("7.7", "<ReadALCSData/>").octets
    assert dcc_holds_until(read_request(document("7.7", "<ReadALCSData/>"))) is None
    body = LOAD_LIMIT.format(when=when, state="Disable")
    assert dcc_holds_until(read_request(document("6.4.1", body, command_variant=4))) is None


@pytest.mark.parametrize(("index", "level", "script"), [(1, 0, "1100"), (5, 100, "1564")])
def test_a_controller_is_set_by_its_own_objects(index: int, level: int, script: str) -> None:
    body = f"""<SetAuxiliaryControllerState auxiliaryControllerN="{index}">
      <StartDateTime>2031-02-03T04:05:06.07Z</StartDateTime><EndDateTime>2031-02-03T04:05:06.07Z</EndDateTime>
      <CommandedStateLevel>{level}</CommandedStateLevel></SetAuxiliaryControllerState>"""
    obis = f"00005E2C{116 + index:02X}"
    items = (f"02 0001 {obis}01 02", f"02 0001 {obis}02 02", "03 0009 00000A0067FF 01")
    payload = octets(ACCESS, "03", *items, "03", IN_2031, IN_2031, "12", script)
    check(make("7.13", body, 4), "ECS47a", octets(FROM_SUPPLIER, "02 011E") + sized(payload))


def replacement(role: str, more: str, certificate: bytes) -> str:
    text = base64.b64encode(certificate).decode()
    return f"""<UpdateSecurityCredentialsKRP>{more}<RemotePartyRole>{role}</RemotePartyRole>
      <RemotePartyFloorSeqNumber>200</RemotePartyFloorSeqNumber>
      <ReplacementCertificates><SupplierOrNetworkOperatorCertificates>
        <KeyAgreementTopUpCertificate>{text}</KeyAgreementTopUpCertificate>
      </SupplierOrNetworkOperatorCertificates></ReplacementCertificates>
      <CertificationPathCertificates><Certificate>{text}</Certificate></CertificationPathCertificates>
      <ApplyTimeBasedCPVChecks>false</ApplyTimeBasedCPVChecks></UpdateSecurityCredentialsKRP>"""


def test_replaced_credentials() -> None:
    """A floor of 200 takes two octets; the sequence number is the command's counter; the time stands last."""
    certificate = octets("3003 020107")
    when = "<ExecutionDateTime>2031-02-03T04:05:06.07Z</ExecutionDateTime>"
    control = "301A 020102 810101 A207 020102 03020780 8305 0102030405 840200C8"
    command = make("6.15.1", replacement("Supplier", when, certificate), 4)
    assert command.use_case.name == "CS02bSupplierBySupplier"
    cell = "300A 020102 03020308 020101"
    replaced = "3013 3011 3003020107" + cell
    body = octets(control, replaced, "3005 3003020107", "180F") + b"20310203040506Z"
    expected = octets("30", f"{len(body):02X}") + body
    assert command.message.payload.hex() == expected.hex()
