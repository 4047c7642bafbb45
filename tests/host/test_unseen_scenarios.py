"""Scenarios that the reference set has no messages of, made from those that it has.

A hardware fault at one item of each command: what came before it is answered, what comes after it is not carried out.
Each request document with an execution date, sent for later and then cancelled: nothing is told when the time comes.
What the meter answers is valid MMC XML that gives the payload's values back.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from opensmets import parse
from opensmets.bench.provisioning import default_anchors, provision
from opensmets.bench.seeding import Seeding, seeding
from opensmets.catalogue.use_cases import use_case
from opensmets.conformance import encode
from opensmets.conformance.run import device_of
from opensmets.conformance.scenarios import Scenario, find_scenarios
from opensmets.conformance.sensitivity import DATA_PROTECTION, renumbered
from opensmets.layouts import envelope, xdlms
from opensmets.layouts.axdr import Data
from opensmets.layouts.envelope import ALERT, RESPONSE, Message
from opensmets.layouts.xdlms import AccessRequest, AccessResponse, Result
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import add_mac, sign_precommand, verify
from tests.host.device_in_process import TIME_S, InProcess, copy_parties
from tests.reference import REFERENCE, needs_reference

pytestmark = needs_reference
EUI = bytes.fromhex("00db1234567890a0")
DATE = re.compile(rb"(<sr:ExecutionDateTime>)[^<]*")
LATER, CANCEL = b"2015-01-01T00:10:00.00Z", b"3000-12-31T00:00:00.00Z"
LATER_S = TIME_S + 600
HARDWARE_FAULT, NOT_CARRIED_OUT = 1, 250
FUTURE_DATED = 0x00CC
FIRST_COUNTER = 5_000_000
#: The first of three values that it reads is computed from the others: a fault of theirs cannot leave it as it was.
COMPUTED = "ECS26c"


@cache
def reference() -> tuple[Path, KeyStore, etree.XMLSchema]:
    assert REFERENCE is not None
    schema = etree.XMLSchema(etree.parse(str(REFERENCE / "duis" / "mmc-5.4.xsd")))
    return REFERENCE, KeyStore.open(REFERENCE / "rtds" / "keystore"), schema


@cache
def scenarios() -> dict[str, Scenario]:
    """The scenarios of electricity meters that succeed in DLMS."""
    found = find_scenarios(REFERENCE / "rtds" / "messages", REFERENCE / "duis" / "requests") if REFERENCE else []
    return {
        one.name: one
        for one in found
        if one.command and one.response and "SUCCESS" in one.name and device_of(one) == "ESME"
        and use_case(one.use_case).payload == "dlms"
    }  # fmt: skip


class Party:
    """A meter and what the reference's parties need to command it; it stands in for a DeviceUnderTest."""

    def __init__(self, folder: Path, elements: int, phases: int) -> None:
        folder.mkdir()
        self.keystore = copy_parties(reference()[0], folder / "keys")
        self.device = InProcess(folder / "store")
        anchors = default_anchors(self.keystore)
        provision(self.device, self.keystore, EUI, anchors=anchors, elements=elements, phases=phases)
        self.device.bench("time", set=TIME_S)
        self.device.messages()
        self.counters = Counter[bytes]()

    def with_mac(self, message: Message) -> bytes:
        return envelope.encode(add_mac(replace(message, mac=None, raw=b""), self.keystore))

    def counter(self, originator: bytes) -> int:
        self.counters[originator] += 1
        return FIRST_COUNTER + self.counters[originator]

    def ask(self, command: bytes) -> tuple[Message, list[Message]]:
        """Return the response and the alerts."""
        told = self.device.ask(command)
        (response,) = [message for message in told if message.cra_flag == RESPONSE]
        return response, [message for message in told if message.cra_flag == ALERT]


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], Party]:
    folder = tmp_path_factory.mktemp("unseen")
    kinds = [(elements, phases) for elements in (1, 2) for phases in (1, 3)]
    return {kind: Party(folder / f"{kind[0]}{kind[1]}", *kind) for kind in kinds}


def judge_document(message: Message, name: str, keystore: KeyStore) -> None:
    """See that a message is authentic, and that its document is valid and gives its values back."""
    verdict = verify(message, keystore)
    assert verdict.authentic and not verdict.why
    if message.cra_flag == ALERT:
        root, plain = parse.parse_alert(message), parse.plain_alert(message)
        assert parse.read_back(root) == plain
    else:
        entry = use_case(name)
        root = parse.parse_response(message, decrypted=verdict.decrypted, use_case=entry)
        assert parse.read_back(root, entry) == parse.plain_response(message, verdict.decrypted)
    reference()[2].assertValid(root)


def failing(response: AccessResponse, place: int) -> AccessResponse:
    """Return a response to the same command whose item at `place` fails."""
    codes = [0] * place + [HARDWARE_FAULT] + [NOT_CARRIED_OUT] * (len(response.results) - place - 1)
    results = tuple(Result(result.verb, code) for result, code in zip(response.results, codes, strict=True))
    data = response.data[:place] + (Data("null"),) * (len(response.data) - place)
    return replace(response, data=data, results=results)


def set_up(party: Party, seeded: Seeding) -> None:
    party.device.bench("faults_clear")
    for log in {each["log"] for each in seeded.operations if each["do"] == "append"}:
        party.device.bench("clear", log=log)
    for operation in seeded.operations:
        fields = dict(operation)
        party.device.bench(fields.pop("do"), **fields)
    party.device.messages()


def place_of_fault(name: str, request: AccessRequest) -> int:
    """Choose an item, another for each scenario."""
    return random.Random(name).randrange(len(request.items))


@pytest.mark.parametrize("name", [name for name, one in scenarios().items() if one.use_case != COMPUTED])
def test_a_fault_ends_a_command(parties: dict[tuple[int, int], Party], name: str) -> None:
    scenario = scenarios()[name]
    command, response = (envelope.decode(octets or b"") for octets in (scenario.command, scenario.response))
    request, answered = xdlms.decode_request(command.payload), xdlms.decode_response(response.payload)
    parts = verify(response, reference()[1]).decrypted
    kind = seeding(request, answered, parts)
    party = parties[kind.elements, kind.phases]
    place = place_of_fault(name, request)
    sealed = [at for at in range(place) if request.items[at].class_id == DATA_PROTECTION]
    wanted = failing(answered, place)
    set_up(party, seeding(request, wanted, parts[: len(sealed)]))
    told, _ = party.ask(renumbered(party, command, party.counter(command.originator)))  # type: ignore[arg-type]
    found = xdlms.decode_response(told.payload)
    assert found.results == wanted.results
    clear = [at for at in range(len(wanted.data)) if at not in sealed]
    assert [found.data[at] for at in clear] == [wanted.data[at] for at in clear]
    judge_document(told, scenario.use_case, party.keystore)


def dated() -> list[str]:
    return [name for name, one in scenarios().items() if one.request and DATE.search(one.request.read_bytes())]


def dated_command(party: Party, scenario: Scenario, folder: Path, date: bytes) -> bytes:
    """Return the command of a scenario's request with another execution date, made by the host's own transform."""
    assert scenario.request is not None and scenario.command is not None
    path = folder / "request.xml"
    path.write_bytes(DATE.sub(rb"\g<1>" + date, scenario.request.read_bytes()))
    expected = encode._expected(scenario)
    made = encode._transform(replace(scenario, request=path), "ESME", expected, reference()[1])
    counter = party.counter(made.originator)
    request = replace(xdlms.decode_request(made.payload), invoke_id=0x20000000 | counter & 0xFFFFFF)
    bare = replace(made, counter=counter, payload=request.encode(), signature=None, mac=None, raw=b"")
    if envelope.decode(scenario.command).signature:
        return party.with_mac(envelope.decode(sign_precommand(envelope.encode(bare), party.keystore)))
    return party.with_mac(replace(bare, signature=b""))


def activations(party: Party, commands: Sequence[bytes], name: str) -> int:
    """Send commands, all carried out whole, and return how many alerts of instructions there are in their time."""
    for command in commands:
        response, _ = party.ask(command)
        assert all(result.ok for result in xdlms.decode_response(response.payload).results)
        judge_document(response, name, party.keystore)
    party.device.bench("time", advance_to=LATER_S + 60)
    told = [message for message in party.device.messages() if message.message_code == FUTURE_DATED]
    for message in told:
        judge_document(message, name, party.keystore)
    return len(told)


@pytest.mark.parametrize("name", dated())
def test_what_is_cancelled_is_not_told(parties: dict[tuple[int, int], Party], tmp_path: Path, name: str) -> None:
    scenario, party = scenarios()[name], parties[2, 1]
    party.device.bench("faults_clear")
    party.device.bench("time", set=TIME_S)
    later, cancel = (dated_command(party, scenario, tmp_path, date) for date in (LATER, CANCEL))
    assert activations(party, [later, cancel], scenario.use_case) == 0
    party.device.bench("time", set=TIME_S)
    again = dated_command(party, scenario, tmp_path, LATER)
    assert activations(party, [again], scenario.use_case) > 0
    party.device.bench("time", set=TIME_S)
