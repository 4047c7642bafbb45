"""Levels 3 and 4 of a scenario, played on a device of its own after what must be the device's own was made so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from opensmets.bench.seeding import Unseedable
from opensmets.catalogue.objects import right
from opensmets.catalogue.use_cases import Reference, use_case
from opensmets.conformance import accept, causes, credentials, sensitivity
from opensmets.conformance.device import DeviceUnderTest
from opensmets.conformance.respond import (
    Setting,
    alerts_in_time,
    clear_payload,
    compare_alerts,
    compare_headers,
    compare_responses,
    prepare,
    setting,
    stop_clock,
)
from opensmets.conformance.scenarios import Scenario
from opensmets.conformance.verdicts import PASS, Mismatch, Verdict, not_applicable, unsupported
from opensmets.errors import SmetsError
from opensmets.layouts import envelope, xdlms
from opensmets.layouts.axdr import Data
from opensmets.layouts.envelope import Message
from opensmets.security import utrn
from opensmets.security.keystore import KeyStore

#: Kinds of device whose firmware is built.
BUILT_DEVICES = ("ESME",)
TOKEN_REMARK = "the UTRN was made anew with this device's own keys"
_TOKEN_GATEWAY = 115


@dataclass(frozen=True)
class Options:
    """How scenarios are played."""

    keystore: Path
    runtime: str = "micropython"
    all_bits: bool = False


def missing(command: Message) -> str | None:
    """Return the first object that a command names and the meter's table has not, or None."""
    if command.payload[0] != xdlms.ACCESS_REQUEST:
        return None
    request = xdlms.decode_request(command.payload)
    for item, argument in zip(request.items, request.data, strict=True):
        verb = "get" if item.verb == "range" else item.verb
        wanted = [(verb, Reference(item.class_id, item.obis, item.member))]
        if item.class_id == sensitivity.DATA_PROTECTION:
            inner = argument[0].value
            wanted += [("protected", Reference(one[0].value, one[1].value, one[2].value)) for one in inner]
        for kind, target in wanted:
            if right(kind, target) is None:
                a, b, *rest = target.obis
                return f"{target.class_id}/{a}-{b}:{'.'.join(map(str, rest))}/{target.member}"
    return None


def judge(scenario: Scenario, device: str, options: Options) -> tuple[Verdict, Verdict]:
    """Return the verdicts of accept and respond."""
    keystore = KeyStore.open(options.keystore)
    why = _unbuilt(scenario, device)
    if why:
        no_command = not_applicable("an alert is no command")
        return (unsupported(why) if scenario.command else no_command), unsupported(why)
    if not scenario.command:
        if scenario.alerts:
            return not_applicable("an alert is no command"), _alert_alone(scenario, keystore, options)
        return not_applicable("the scenario has no command"), not_applicable("the scenario has no command")
    try:
        chosen = setting(scenario, keystore)
    except Unseedable as error:
        failed = Verdict("fail", f"the meter cannot be set so: {error}")
        return failed, failed
    return _command(scenario, keystore, chosen, options)


def _unbuilt(scenario: Scenario, device: str) -> str | None:
    entry = use_case(scenario.use_case)
    if device not in BUILT_DEVICES and not credentials.is_built(entry, device, BUILT_DEVICES):
        return f"no firmware for a {device} yet"
    if scenario.command:
        command = envelope.decode(scenario.command)
        if command.payload[0] == xdlms.ACCESS_REQUEST:
            name = missing(command)
            return f"the meter has no object {name} yet" if name else None
        built = credentials.is_built(entry, device, BUILT_DEVICES)
        return None if built else f"the meter does not carry out {scenario.use_case} yet"
    alerts = [envelope.decode(octets) for octets in scenario.alerts.values()]
    if all(causes.can_cause(scenario.use_case, alert) for alert in alerts):
        return None
    return f"the meter does not raise the alerts of {scenario.use_case} yet"


def _boot(scenario: Scenario, eui: bytes, chosen: Setting, options: Options) -> DeviceUnderTest:
    return DeviceUnderTest(
        options.keystore, eui, runtime=options.runtime, anchors=list(chosen.anchors),
        elements=chosen.elements, phases=chosen.phases, certified=chosen.certified,
    )  # fmt: skip


def _own_token(device: DeviceUnderTest, command: Message) -> Message:
    """Return a top-up command with the same amount in a token for this device's own keys."""
    request = xdlms.decode_request(command.payload)
    if [item.class_id for item in request.items] != [_TOKEN_GATEWAY]:
        return command
    amount = utrn.read(request.data[0].value.decode()).value_pence
    token = utrn.make(device.keystore, command.originator, command.recipient, amount, command.counter)
    payload = replace(request, data=(Data("octets", token.encode()),)).encode()
    return replace(command, payload=payload, mac=None, raw=b"")


def _command(scenario: Scenario, keystore: KeyStore, chosen: Setting, options: Options) -> tuple[Verdict, Verdict]:
    command = envelope.decode(scenario.command or b"")
    try:
        with _boot(scenario, command.recipient, chosen, options) as device:
            device.signed_only = "mac" not in use_case(scenario.use_case).command
            original, remark = command, ""
            if command.payload[0] == xdlms.ACCESS_REQUEST:
                command = _own_token(device, command)
                remark = TOKEN_REMARK if command != original else ""
            else:
                command = credentials.lead_up(device, scenario, command)
                remark = credentials.OWN_CERTIFICATE_REMARK if command != original else ""
            stop_clock(device, chosen)
            accept.refuse(device, command, all_bits=options.all_bits)
            prepare(device, chosen)
            response = accept.accept(device, command)
            accepted = Verdict("pass", remark)
            return accepted, _respond(scenario, keystore, chosen, device, command, response)
    except (Mismatch, SmetsError) as error:
        failed = Verdict("fail", str(error))
        return failed, Verdict("fail", "not judged: the command was not accepted as it should be")


def _respond(
    scenario: Scenario,
    keystore: KeyStore,
    chosen: Setting,
    device: DeviceUnderTest,
    command: Message,
    response: Message,
) -> Verdict:
    if scenario.response is None:
        return not_applicable("the scenario has no response")
    try:
        device.take()
        expected = envelope.decode(scenario.response)
        by_structure = credentials.shows_own_keys(scenario)
        if by_structure:
            compare_headers(expected, response)
            own = clear_payload(response, device.keystore)
            credentials.compare_structure(expected.payload, own, device, command.recipient)
        else:
            compare_responses(expected, keystore, response, device.keystore)
        if scenario.alerts:
            alerts = [envelope.decode(octets) for octets in scenario.alerts.values()]
            compare_alerts(alerts, keystore, alerts_in_time(device, scenario), device.keystore)
        elif chosen.operations and sensitivity.only_reads(command):
            sensitivity.check(device, command, chosen.operations)
    except (Mismatch, SmetsError) as error:
        return Verdict("fail", str(error))
    return Verdict("pass", credentials.STRUCTURE_REMARK) if by_structure else PASS


def _alert_alone(scenario: Scenario, keystore: KeyStore, options: Options) -> Verdict:
    alerts = [envelope.decode(octets) for octets in scenario.alerts.values()]
    try:
        chosen = setting(scenario, keystore)
        with _boot(scenario, alerts[0].originator, chosen, options) as device:
            stop_clock(device, chosen)
            prepare(device, chosen)
            for alert in alerts:
                causes.cause(device, alert)
            compare_alerts(alerts, keystore, device.take(), device.keystore, timed=False)
    except (Mismatch, SmetsError) as error:
        return Verdict("fail", str(error))
    return PASS
