"""Commands made from the reference's requests, byte for byte; and the catalogue's templates, which they exercise."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import pytest
from lxml import etree

from opensmets.catalogue.request_mappings import READ_VERBS, mapping, mappings
from opensmets.catalogue.template import Template, parse_condition, parse_item_template
from opensmets.catalogue.use_cases import UseCase, use_case, use_cases
from opensmets.conformance.encode import OF_ANOTHER_DOCUMENT
from opensmets.conformance.scenarios import Scenario, find_scenarios
from opensmets.duis.document import read_request
from opensmets.duis.validation import InvalidRequest
from opensmets.errors import SmetsError
from opensmets.layouts import asn1, envelope
from opensmets.layouts.axdr import TAGS
from opensmets.transform.conversions import CONVERSIONS, PAYLOADS
from opensmets.transform.evaluation import is_mapped
from opensmets.transform.pre_command import transform
from opensmets.transform.selection import Inventory, Unsupported, select
from tests.reference import REFERENCE, needs_reference

#: Scenarios whose meter has three phases, which only their messages tell.
THREE_PHASES = ("ECS23b", "ECS26k", "ECS29f")
VERSION_TAG = 0xA0


def scenarios() -> list[Scenario]:
    if not REFERENCE:
        return []
    found = find_scenarios(REFERENCE / "rtds" / "messages", REFERENCE / "duis" / "requests")
    return [one for one in found if one.request and is_built(use_case(one.use_case))]


def is_built(entry: UseCase) -> bool:
    """Every command for an electricity meter is; of the hub's, the gas meter's and others' some are."""
    return "ESME" in entry.devices or is_mapped(entry, mapping(entry.name))


def device(entry: UseCase) -> str:
    return "ESME" if "ESME" in entry.devices else entry.devices[0]


def certificates(element: asn1.Element) -> list[bytes]:
    """Return the certificates in a payload: sequences that begin with a sequence that begins with a version."""
    if len(element.children) == 3 and [one.tag for one in element.children[0].children[:1]] == [VERSION_TAG]:
        return [element.encode()]
    return [one for child in element.children for one in certificates(child)]


def with_reference_certificates(document: bytes, payload: bytes) -> bytes:
    """Return a request with the certificates of the reference's command: those in the documents are reissues."""
    if payload[:1] != b"\x30" or b"Certificate>" not in document:
        return document
    texts = iter(base64.b64encode(one) for one in certificates(asn1.decode(payload)))
    pattern = rb"(<sr:(?:\w*Certificate)>)[A-Za-z0-9+/=\s]+"
    return re.sub(pattern, lambda match: match[1] + next(texts), document)


@needs_reference
@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_reference_commands(scenario: Scenario, request: pytest.FixtureRequest) -> None:
    if scenario.name in OF_ANOTHER_DOCUMENT:
        request.node.add_marker(pytest.mark.xfail(reason="the message is not its document's"))
    expected = replace(envelope.decode(scenario.precommand or scenario.command or b""), signature=None, mac=None)
    assert scenario.request
    asked = read_request(with_reference_certificates(scenario.request.read_bytes(), expected.payload))
    via_dcc = expected.originator != asked.originator
    cin = expected.payload[-4:].decode("ascii") if scenario.use_case == "ECS50" else None
    made = transform(
        asked,
        dcc_eui=expected.originator,
        dcc_counter=expected.counter,
        via_dcc=via_dcc,
        dcc_role="transitional_cos" if scenario.service_request == "6.23" else "acb",
        inventory=Inventory(
            device(use_case(scenario.use_case)), scenario.use_case in THREE_PHASES, "TWIN" in scenario.name
        ),
        use_case=scenario.use_case,
        cin=cin,
    )
    # the certificate of an unknown party is a reissue, too
    message = replace(made.message, certificate=expected.certificate)
    assert (made.message.certificate is None) == (expected.certificate is None)
    assert envelope.encode(message).hex() == envelope.encode(expected).hex()
    assert made.critical == bool(envelope.decode(scenario.command or b"").signature)


@needs_reference
def test_the_broker_s_part_is_found_without_help() -> None:
    """With the broker's EUI and counter at hand, document and use case tell which commands it originates."""
    for scenario in scenarios():
        expected = envelope.decode(scenario.precommand or scenario.command or b"")
        if use_case(scenario.use_case).originators != ("acb",) or expected.supplementary_party is None:
            continue
        assert scenario.request
        asked = read_request(scenario.request.read_bytes())
        made = transform(
            asked,
            dcc_eui=expected.originator,
            dcc_counter=expected.counter,
            inventory=Inventory(device(use_case(scenario.use_case))),
            use_case=scenario.use_case,
        ).message
        assert (made.originator, made.counter) == (expected.originator, expected.counter)
        assert made.supplementary_party == asked.originator == expected.supplementary_party
        assert made.supplementary_counter == asked.counter


@needs_reference
def test_gas_and_hub_requests_are_recognised_and_refused_clearly() -> None:
    assert REFERENCE
    found = find_scenarios(REFERENCE / "rtds" / "messages", REFERENCE / "duis" / "requests")
    for scenario in found:
        entry = use_case(scenario.use_case)
        if scenario.request and entry.payload == "gbz":
            with pytest.raises(Unsupported, match=f"{entry.service_request} .* not built yet: .*{entry.name}"):
                transform(
                    read_request(scenario.request.read_bytes()),
                    inventory=Inventory(entry.devices[0]),
                    use_case=scenario.use_case,
                )


def words(template: Template) -> set[str]:
    return {template.word}.union(*(words(child) for child in template.elements or ()))


def test_templates_name_only_types_and_conversions_and_fit_their_use_case() -> None:
    for name, entry in mappings().items():
        assert name in use_cases(), name
        assert entry.payload is None or entry.payload in PAYLOADS
        for item in (*entry.data, *entry.items):
            assert words(item.template) <= set(TAGS) | set(CONVERSIONS), name
        if entry.data:
            writes = [item for item in use_cases()[name].items if item.verb not in READ_VERBS]
            assert len(writes) == len(entry.data), name
    assert mapping("ECS45").data == ()


@pytest.mark.parametrize(
    "text",
    [
        "", "u8 =", "u8 =z", "structure(u8 =1", "structure(u8 =1 u8 =2)", "u8 =1 u8", "U8 =1", "bool @A {B}",
        "bool @A {B=true", "octets =x0", "u8 =1)",
    ],
)  # fmt: skip
def test_templates_out_of_the_language_are_refused(text: str) -> None:
    with pytest.raises(SmetsError, match="catalogue template"):
        parse_item_template(text)


def test_template_language() -> None:
    item = parse_item_template(
        "if !A/B[2]:index=3: set 1/0-0:1.2.3.4/2 <- array(u8 =1, if twin: each C: bool @. {x=true})"
    )
    assert item.place == "set 1/0-0:1.2.3.4/2"
    condition = item.condition
    assert condition is not None and (condition.subject, condition.value, condition.negated) == (
        "A/B[2]:index",
        "3",
        True,
    )
    one, many = item.template.elements or ()
    assert (one.constant, many.each, many.table) == (1, "C", {"x": 0xFF})
    assert many.condition is not None and many.condition.is_fact
    assert parse_condition("Credit").value is None
    with pytest.raises(SmetsError):
        parse_condition("a b")


@needs_reference
def test_the_use_case_is_found_by_document_role_and_inventory() -> None:
    """Without a name, each request means the newest use case that fits it."""
    for scenario in scenarios():
        entry = use_case(scenario.use_case)
        if mapping(entry.name).superseded:
            continue
        assert scenario.request
        asked = read_request(scenario.request.read_bytes())
        role = "network_operator" if asked.originator[5] == 2 else "supplier"
        polyphase = scenario.use_case in THREE_PHASES
        assert select(asked, Inventory(device(entry), polyphase), role).name == entry.name


@needs_reference
def test_a_load_controller_has_no_top_up_floor() -> None:
    """The floor of tokens is a supplier's alone; a meter would refuse the command."""
    assert REFERENCE
    name = "CS02gLoadControllerBySupplier_6.15.1_IMMEDIATE_SUCCESS_REQUEST_DUIS.XML"
    root = etree.parse(REFERENCE / "duis" / "requests" / name).getroot()
    floor = next(root.iter("{*}RemotePartyFloorSeqNumber"))
    assert transform(read_request(etree.tostring(root))).use_case.name == "CS02gLoadControllerBySupplier"
    top_up = etree.Element(floor.tag.replace("FloorSeq", "PrepaymentTopUpFloorSeq"))
    top_up.text = "5"
    floor.addnext(top_up)
    with pytest.raises(InvalidRequest, match="RemotePartyPrepaymentTopUpFloorSeqNumber"):
        transform(read_request(etree.tostring(root)))
