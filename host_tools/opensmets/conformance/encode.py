"""Level 1: the request document gives the pre-command byte for byte; without one, the command's header to payload."""

from __future__ import annotations

from dataclasses import replace

from opensmets.conformance.scenarios import Scenario
from opensmets.conformance.verdicts import PASS, Verdict, describe_difference, not_applicable, unsupported
from opensmets.duis.document import read_request
from opensmets.errors import SmetsError
from opensmets.layouts import envelope, xdlms
from opensmets.layouts.envelope import Message
from opensmets.security.keystore import KeyStore
from opensmets.transform.pre_command import transform
from opensmets.transform.selection import Inventory, Unsupported

#: Value group C of the objects of phases 2 and 3.
OTHER_PHASES = (52, 72)
CERTIFICATE_REMARK = "the request's certificate is a reissue: the reference's was put in its place before comparing"


def _expected(scenario: Scenario) -> Message:
    """Return the reference as a message without protection."""
    message = envelope.decode(scenario.precommand or scenario.command or b"")
    return replace(message, signature=None, mac=None, raw=b"")


def _inventory(scenario: Scenario, device: str, expected: Message) -> Inventory:
    """Return what the DCC would know of the reference command's meter and the document does not say."""
    polyphase = False
    if expected.payload[0] == xdlms.ACCESS_REQUEST:
        items = xdlms.decode_request(expected.payload).items
        polyphase = any(item.obis[2] in OTHER_PHASES for item in items)
    return Inventory(device, polyphase, "TWIN" in scenario.name)


def judge(scenario: Scenario, device: str, keystore: KeyStore | None) -> Verdict:
    """Judge one scenario's request document."""
    if scenario.request is None:
        return not_applicable("no request document")
    if not (scenario.precommand or scenario.command):
        return not_applicable("no command to compare with")
    expected = _expected(scenario)
    try:
        request = read_request(scenario.request.read_bytes())
        broker = keystore.acb() if keystore else None
        via_dcc = expected.originator == broker and request.originator != broker
        made = transform(
            request,
            dcc_eui=expected.originator if via_dcc else broker,
            dcc_counter=expected.counter,
            via_dcc=via_dcc or None,
            inventory=_inventory(scenario, device, expected),
            role=keystore.party(request.originator).role if keystore else None,
            use_case=scenario.use_case,
        ).message
    except Unsupported as error:
        return unsupported(str(error))
    except SmetsError as error:
        return Verdict("fail", str(error))
    remark = ""
    if made.certificate and expected.certificate and made.certificate != expected.certificate:
        made, remark = replace(made, certificate=expected.certificate, raw=b""), CERTIFICATE_REMARK
    octets, wanted = envelope.encode(made), envelope.encode(expected)
    if octets != wanted:
        return Verdict("fail", describe_difference(wanted, octets))
    return Verdict("pass", remark) if remark else PASS
