"""Every use case of an electricity meter, on a meter fresh from provisioning, in a Pico's heap.

Each command gets its answer from a meter of its own that nothing was done to: real MicroPython, compiled firmware. The
answer is protected as the catalogue says, is read into XML, and refuses nothing but what a fresh meter has to refuse.
A DUIS response passes it on to who asked.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from opensmets.bench.control import Bench
from opensmets.bench.firmware import micropython_path
from opensmets.bench.sizes import make_meter
from opensmets.bench.virtual import VirtualDevice
from opensmets.catalogue.use_cases import UseCase, use_cases
from opensmets.cli.answers import alert_document, duis_response, response_document
from opensmets.cli.conversation import Conversation, Verified
from opensmets.duis.document import Request
from opensmets.duis.response import Identity, read_response
from opensmets.links import open_link
from opensmets.security.keystore import KeyStore
from tests.end_to_end.walk import START_S, Visit, Walker, alerts, kind_of, visits
from tests.reference import REFERENCE

pytestmark = pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON")
ANSWER_TIMEOUT_S = 60.0
DAY_S = 86_400
#: A time and a date as COSEM has them, in hexadecimal.
MIDNIGHT, EVERY_DAY = "00000000", "ffffffffff"
OTHER_REASON = 250
#: What a fresh meter refuses, and with what: emergency credit in credit mode, firmware and keys that it does not hold,
#: a device that it was not joined with, the key of a party that it does not have.
REFUSED = {
    "ECS09": {OTHER_REASON}, "CS06": {1}, "CS02d": {4}, "CS04ACCritical": {1}, "CS02aSignature": {25},
    "CS02fSignature": {25},
}  # fmt: skip
Meters = Callable[[tuple[int, int]], tuple[Path, KeyStore]]


@pytest.fixture(scope="module")
def meters(tmp_path_factory: pytest.TempPathFactory) -> Meters:
    """Return the store and the keys of a meter of so many elements and phases, provisioned and not started since."""

    @cache
    def made(kind: tuple[int, int]) -> tuple[Path, KeyStore]:
        folder = tmp_path_factory.mktemp("meter")
        return folder / "store", make_meter(folder, elements=kind[0], phases=kind[1])

    return made


class Talk:
    """A meter that was just started, and what it said."""

    def __init__(self, conversation: Conversation, walker: Walker, bench: Bench | None) -> None:
        self.conversation, self.walker, self.bench = conversation, walker, bench
        self.alerts: list[Verified] = []
        self.lines: list[str] = []

    def ask(self, visit: Visit) -> Verified:
        return self.conversation.carry_out(self.walker.command(visit), ANSWER_TIMEOUT_S)


@contextmanager
def started(meters: Meters, kind: tuple[int, int], folder: Path, *, bench: bool = False) -> Iterator[Talk]:
    """Start a copy of a meter; fails at the end when it sent anything that is not authentic, or told of an error."""
    store, keystore = meters(kind)
    shutil.copytree(store, folder / "store")
    with VirtualDevice(folder / "store", bench=bench) as device, open_link(device.port) as link:
        conversation = Conversation(link, keystore)
        talk = Talk(conversation, Walker(keystore, *kind), None)
        talk.bench = Bench(link, conversation.take_frame) if bench else None
        conversation._on_alert, conversation._on_log = talk.alerts.append, talk.lines.append
        conversation.give_hub_time(START_S)
        yield talk
        assert not talk.lines and not device.errors()


@cache
def schema(name: str) -> etree.XMLSchema | None:
    return etree.XMLSchema(etree.parse(REFERENCE / "duis" / name)) if REFERENCE else None


def read(document: bytes, name: str = "mmc-5.4.xsd") -> etree._Element:
    """Return a document that is valid, where there is a schema to say so."""
    root = etree.fromstring(document)
    if found := schema(name):
        found.assertValid(root)
    return root


def judge_passed_on(asked: Request, verified: Verified) -> None:
    """See that an answer comes to who asked in a valid DUIS response, under the number that it was asked with."""
    document = duis_response(asked, verified)
    read(document, "duis-5.4.xsd")
    response = read_response(document)
    assert (response.payload, response.variant) == (verified.message.raw, asked.variant)
    assert response.request_id == asked.request_id
    assert response.response_id == str(Identity(asked.target, asked.originator, asked.counter))


def protection(verified: Verified) -> tuple[str, ...]:
    """Return what protects a message that was found authentic."""
    message = verified.message
    there = {"signature": message.signature, "mac": message.mac}
    return tuple(name for name, octets in there.items() if octets)


def codes(answer: etree._Element) -> set[int]:
    """Return the codes in an answer that say that something was not done; an item after a refused one tells nothing."""
    found = [one for one in answer.iter("{*}*") if one.get("ResponseCode")]
    refused = [int(one.get("ResponseCode", "0")) for one in found if one.get("ResponseCode") != "0"]
    return set(refused[:1]) if answer.find(".//{*}COSEMResponse") is not None else set(refused)


def test_no_use_case_is_left_out() -> None:
    walked = {visit.entry.name for visit in visits()} | {entry.name for entry in alerts()}
    assert walked == {name for name, entry in use_cases().items() if "ESME" in entry.devices}
    assert len(walked) == 136


@pytest.mark.parametrize("visit", visits(), ids=str)
def test_a_fresh_meter_answers(meters: Meters, tmp_path: Path, visit: Visit) -> None:
    with started(meters, kind_of(visit), tmp_path) as talk:
        verified = talk.ask(visit)
    message = verified.message
    assert protection(verified) == visit.entry.response
    assert (message.message_code, message.originator) == (visit.entry.message_code, talk.walker.eui)
    answer = read(response_document(verified, visit.entry))
    assert codes(answer) == REFUSED.get(visit.entry.name, set())
    if talk.walker.asked:
        judge_passed_on(talk.walker.asked, verified)


def event(code: int, body: bytes = b"") -> Callable[[Talk], None]:
    """Return what lets an event happen; its body is what its alert tells besides code and time."""

    def happen(talk: Talk) -> None:
        assert talk.bench
        talk.bench("event", code=code, body=body.hex())

    return happen


def open_and_close_covers(talk: Talk) -> None:
    assert talk.bench
    for is_open in (True, False):
        talk.bench("tamper", cover="terminal", open=is_open)


def lose_supply(talk: Talk) -> None:
    """Be without supply for longer than the three minutes from which on an outage is told."""
    assert talk.bench
    talk.bench("power", on=False)
    talk.bench.advance_to(talk.bench.status()["time_s"] + 600)
    talk.bench("power", on=True)


def end_billing_period(talk: Talk) -> None:
    """Have a billing period of a day, and live until one is over."""
    assert talk.bench
    talk.bench.set("billing.times", [[MIDNIGHT, EVERY_DAY]])
    talk.bench.advance_to(talk.bench.status()["time_s"] + DAY_S)


#: What makes a meter send each alert that has a form of its own; load controller and firmware by their events.
CAUSES: dict[str, Callable[[Talk], None]] = {
    "GCA-DLMS": open_and_close_covers,
    "GNCA-DLMS": open_and_close_covers,
    "ECS80": lose_supply,
    "ECS68": end_billing_period,
    "ECS101": event(0x8F86, bytes((1,)) + START_S.to_bytes(4, "big") * 2 + bytes((50,))),
    "ECS102": event(0x8F87, bytes((1, 50))),
    "ECS200": event(0x8F88, bytes((50, 20)) + b"text"),
    "FDRA-DLMS": event(0x8F72, bytes(range(32))),
    "MIIWA-DLMS": event(0x81A0, bytes(range(32))),
}


@pytest.mark.parametrize("entry", alerts(), ids=lambda entry: entry.name)
def test_a_fresh_meter_tells(meters: Meters, tmp_path: Path, entry: UseCase) -> None:
    with started(meters, (1, 1), tmp_path, bench=True) as talk:
        CAUSES[entry.name](talk)
        assert talk.bench
        talk.bench.status()  # alerts leave after the answer to what caused them
    told = [one for one in talk.alerts if one.message.message_code == entry.message_code]
    assert told, [hex(one.message.message_code) for one in talk.alerts]
    for alert in told:
        assert protection(alert) == entry.alert
        assert read(alert_document(alert)).find(".//{*}DeviceAlertMessage") is not None
