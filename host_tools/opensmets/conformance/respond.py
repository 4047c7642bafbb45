"""Level 4: with the meter's state set so, the device's response and alerts say what the reference's say.

What is compared: the grouping header and the payload. What is not: counters of the device's own, time values in the
header, signatures, MACs, and cipher text, which is decrypted on both sides and compared as clear text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from opensmets.bench.provisioning import ROLE_NUMBERS, Anchors, default_anchors
from opensmets.bench.seeding import Operation, Seeding, seeding
from opensmets.catalogue.use_cases import use_case
from opensmets.conformance import causes, credentials
from opensmets.conformance.device import DeviceUnderTest
from opensmets.conformance.scenarios import Scenario
from opensmets.conformance.verdicts import Mismatch, describe_difference
from opensmets.layouts import asn1, envelope, xdlms
from opensmets.layouts.envelope import ALERT, Message
from opensmets.parse import plain_alert
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import verify
from opensmets.security.sensitive import sealed_parts

#: When a scenario says nothing else, the clock of the reference messages: 2015-01-01T00:00:00Z.
REFERENCE_TIME_S = 473_385_600
#: A future-dated scenario begins this long before its activation, so that little time has to be lived.
LEAD_S = 60
_HEADER = (
    "cra_flag", "counter", "originator", "recipient", "message_code", "supplementary_party", "supplementary_counter",
)  # fmt: skip
_SUCCESS = 0


@dataclass(frozen=True)
class Setting:
    """What a scenario's device has to be before it is booted, and what happens to it afterwards."""

    operations: tuple[Operation, ...] = ()
    elements: int = 1
    phases: int = 1
    certified: bool = False
    anchors: tuple[Anchors, ...] = ()
    time_s: int = REFERENCE_TIME_S


def setting(scenario: Scenario, keystore: KeyStore) -> Setting:
    """Return the setting that a scenario's own messages imply. Raises Unseedable when the model cannot be set so."""
    if not scenario.command:
        return _of_alerts(scenario, keystore)
    command = envelope.decode(scenario.command)
    seeded, anchors = Seeding((), 1, 1), default_anchors(keystore)
    if scenario.response:
        response = envelope.decode(scenario.response)
        if command.payload[0] == xdlms.ACCESS_REQUEST:
            plain = verify(response, keystore).decrypted
            request = xdlms.decode_request(command.payload)
            seeded = seeding(request, xdlms.decode_response(response.payload), plain)
        elif use_case(scenario.use_case).service == "read_credentials":
            anchors = list(_told_anchors(response, anchors))
    anchors = [_holder(anchor, command, keystore) for anchor in anchors]
    settings = seeded.operations
    if command.payload[0] != xdlms.ACCESS_REQUEST:
        settings = credentials.operations(scenario, command)
    certified = credentials.is_certified(scenario)
    return Setting(settings, seeded.elements, seeded.phases, certified, tuple(anchors), _start(scenario))


def _of_alerts(scenario: Scenario, keystore: KeyStore) -> Setting:
    """Return the setting that alerts alone imply, which are of one meter."""
    messages = [envelope.decode(octets) for octets in scenario.alerts.values()]
    seeded = [causes.state(message, verify(message, keystore).decrypted) for message in messages]
    operations = tuple(operation for each in seeded for operation in each.operations)
    elements, phases = max(each.elements for each in seeded), max(each.phases for each in seeded)
    return Setting(operations, elements, phases, anchors=tuple(default_anchors(keystore)))


def _start(scenario: Scenario) -> int:
    times_s = [credentials.instant(envelope.decode(octets)) for octets in scenario.alerts.values()]
    return min(times_s) - LEAD_S if times_s else REFERENCE_TIME_S


def _holder(anchor: Anchors, command: Message, keystore: KeyStore) -> Anchors:
    """Let the command's originator hold the cells of its role, where the key store has several parties of one."""
    same_role = [party.eui for party in keystore.by_role(anchor.role)]
    return replace(anchor, eui=command.originator) if command.originator in same_role else anchor


def _told_anchors(response: Message, anchors: list[Anchors]) -> Iterator[Anchors]:
    """Return the anchors that a credential details response tells of: who is there, who is not, with what number."""
    told = {details.children[0].integer: details for details in asn1.decode(response.payload).children}
    for anchor in anchors:
        details = told.get(ROLE_NUMBERS[anchor.role])
        if details is None:
            yield anchor
        elif details.children[1].integer == _SUCCESS:
            cell = details.children[3].children[0].children
            eui = next(element.content for element in cell if len(element.content) == envelope.EUI_SIZE)
            yield replace(anchor, eui=eui, sequence=details.children[2].integer)


def clear_payload(message: Message, keystore: KeyStore) -> bytes:
    """Return the payload with clear text for its sealed parts. Raises Mismatch when the message is not authentic."""
    verdict = verify(message, keystore)
    if not verdict.authentic or verdict.why:
        raise Mismatch(f"the {message.kind} is not authentic: {'; '.join(verdict.why) or 'nothing protects it'}")
    payload = message.payload
    for part, plain in zip(sealed_parts(message), verdict.decrypted, strict=True):
        payload = payload.replace(part.octets, plain)
    return payload


def compare_responses(expected: Message, reference: KeyStore, actual: Message, own: KeyStore) -> None:
    """Compare a device's response with the reference's. Raises Mismatch naming the first difference."""
    compare_headers(expected, actual)
    payloads = clear_payload(expected, reference), clear_payload(actual, own)
    if payloads[0] != payloads[1]:
        raise Mismatch(f"response payload {describe_difference(*payloads)}")


def compare_headers(expected: Message, actual: Message) -> None:
    """Compare the grouping headers of two responses and how they are protected. Raises Mismatch."""
    for name in _HEADER:
        if getattr(expected, name) != getattr(actual, name):
            raise Mismatch(f"response: {name} is {getattr(actual, name)!r}, not {getattr(expected, name)!r}")
    if bool(expected.time) != bool(actual.time) or expected.time[-1:] != actual.time[-1:]:
        raise Mismatch(f"response: date-time is {actual.time.hex() or 'absent'}, not {expected.time.hex() or 'absent'}")
    counters = expected.supplementary_originator_counter, actual.supplementary_originator_counter
    if (counters[0] is None) != (counters[1] is None):
        raise Mismatch("response: supplementary originator counter is missing, or should not be there")
    if (bool(expected.signature), bool(expected.mac)) != (bool(actual.signature), bool(actual.mac)):
        raise Mismatch("response: signed where it should be MACed, or the other way about")


def _alert_essence(message: Message, keystore: KeyStore, *, timed: bool) -> tuple[object, ...]:
    """Return what of an alert depends neither on the device's own counter nor, unless `timed`, on its clock."""
    what: tuple[object, ...] = (message.payload,)
    if message.payload[0] == xdlms.DATA_NOTIFICATION:
        told = plain_alert(message, verify(message, keystore).decrypted)
        what = (told.alert_code, told.extra, told.time_stamp if timed else len(told.time_stamp))
        if told.invoke_id != 0x20000000 | message.counter & 0xFFFFFF:
            raise Mismatch("an alert's invoke id is not that of its counter")
    head = message.message_code, message.recipient, message.supplementary_party
    return *head, bool(message.signature), bool(message.mac), *what


def compare_alerts(
    expected: Sequence[Message], reference: KeyStore, actual: Sequence[Message], own: KeyStore, *, timed: bool = True
) -> None:
    """Find each reference alert among those that the device sent, once. Raises Mismatch for the first that lacks.

    `timed` compares time stamps too: those of future-dated instructions are the instruction's.
    """
    left = [message for message in actual if message.cra_flag == ALERT]
    for message in left:
        clear_payload(message, own)
    essences = [(each, _alert_essence(each, own, timed=timed)) for each in left]
    for wanted in expected:
        essence = _alert_essence(wanted, reference, timed=timed)
        found = next((pair for pair in essences if pair[1] == essence), None)
        if found is None:
            codes = [f"{each.message_code:04X} {each.payload.hex()}" for each in left]
            raise Mismatch(
                f"no alert {wanted.message_code:04X} {wanted.payload.hex()}; the device sent {codes or 'none'}"
            )
        essences.remove(found)


def stop_clock(device: DeviceUnderTest, chosen: Setting) -> None:
    """Let time stand still at the scenario's time."""
    device.bench("speed", factor=0)
    device.set_time(chosen.time_s)


def prepare(device: DeviceUnderTest, chosen: Setting) -> None:
    """Put the meter into the state that the scenario's response shows."""
    for log in {operation["log"] for operation in chosen.operations if operation["do"] == "append"}:
        device.bench("clear", log=log)
    for operation in chosen.operations:
        fields = dict(operation)
        device.bench(fields.pop("do"), **fields)
    device.take()


def alerts_in_time(device: DeviceUnderTest, scenario: Scenario) -> list[Message]:
    """Let time pass until the last reference alert is due, and return what the device sent unasked."""
    wanted = [envelope.decode(octets) for octets in scenario.alerts.values()]
    last_s = max(credentials.instant(message) for message in wanted)
    device.bench.advance_to(last_s)
    return device.take()
