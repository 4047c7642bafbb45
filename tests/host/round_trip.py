"""A meter that is asked by DUIS documents and answers by MMC documents, and the values that both hold.

A document's values are told by their place: the names that lead there, an element's attributes in brackets, and for
one of several alike its number (`Season#2`). A `Trip` says where a request's values are read again, and knows no GBCS.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from lxml import etree

from opensmets.bench.control import FrameLink
from opensmets.bench.provisioning import provision
from opensmets.catalogue.request_content import request_content
from opensmets.catalogue.service_requests import service_request
from opensmets.cli.answers import response_document
from opensmets.cli.conversation import Verified, check
from opensmets.cli.prepare import Choices, Prepared, prepare
from opensmets.duis.compose import Address, compose
from opensmets.layouts.envelope import RESPONSE
from opensmets.layouts.wire import LayoutError
from opensmets.security import pki
from opensmets.security.keystore import KeyStore
from opensmets.transform.selection import Inventory
from tests.host.device_in_process import InProcess

EUI = bytes.fromhex("00db1234567890a0")
#: 2026-11-30T00:00:00Z: before every moment that is drawn.
START_S = 849_312_000
#: What is set is read again, and that answer has to fit the meter's buffer: rows of logs alone may be longer.
MAX_COMMAND = 17408
Content = Mapping[str, Any]
_MOMENT = re.compile(r"((?:\d+-\d\d-\d\d)?T?)((?:\d\d:\d\d:\d\d)?)(?:\.(\d+))?Z?")


class Household:
    """A provisioned meter behind `carry_out`, which sends a command and gives the verified response."""

    def __init__(
        self, keystore: KeyStore, carry_out: Callable[[bytes], Verified], *, elements: int = 1, phases: int = 1
    ) -> None:
        self.keystore, self.carry_out, self._counter = keystore, carry_out, 1000
        self.inventory = Inventory(polyphase=phases == 3, twin=elements == 2)
        self.supplier, self.operator = (keystore.by_role(role)[0].eui for role in ("supplier", "network_operator"))

    def prepared(
        self, variant: str, body: etree._Element | None, party: bytes | None = None, content: Content | None = None
    ) -> Prepared:
        """Make the command of a request, with a counter of its own."""
        self._counter += 1
        document = etree.fromstring(
            compose(variant, content or {}, Address(party or self.supplier, EUI, self._counter))
        )
        if body is not None:
            place = document.find("{*}Body")
            assert place is not None and body.tag == place[0].tag
            place[:] = [body]
        choices = Choices(numbered=True, inventory=self.inventory)
        return prepare(etree.tostring(document), self.keystore, choices, lambda line: None)

    def fits(self, variant: str, body: etree._Element, party: bytes | None = None) -> bool:
        """Return whether a request's command is short enough for its values to be read in one answer."""
        try:
            return len(self.prepared(variant, body, party).command) <= MAX_COMMAND
        except LayoutError:
            return False

    def ask(
        self,
        variant: str,
        body: etree._Element | None = None,
        party: bytes | None = None,
        content: Content | None = None,
    ) -> etree._Element:
        """Send a request and return what answers it in SMETSData. Fails when an item of it is refused."""
        prepared = self.prepared(variant, body, party, content)
        root = etree.fromstring(response_document(self.carry_out(prepared.command), prepared.use_case))
        (answer,) = root.iterfind(".//{*}SMETSData/*")
        results = [entry.get("ResponseCode") for entry in root.iterfind(".//{*}COSEMResponse")]
        assert answer.get("MessageSuccess", "true") == "true", f"{variant} is refused: {results}"
        return answer


def household_in_process(folder: Path, *, elements: int = 1, phases: int = 1) -> tuple[Household, InProcess]:
    """Return a new meter in this process, with test keys."""
    pki.init(folder / "keys")
    device = InProcess(folder / "store")
    keystore = provisioned(device, folder / "keys", elements=elements, phases=phases)
    device.bench("time", set=START_S)

    def carry_out(command: bytes) -> Verified:
        with patch(
            "gc.collect"
        ):  # with every command, for a small heap; here it would go through all that pytest keeps
            messages = device.ask(command)
        responses = [message for message in messages if message.cra_flag == RESPONSE]
        assert len(responses) == 1, f"no response, but {[message.payload.hex() for message in messages]}"
        return check(responses[0], keystore)

    return Household(keystore, carry_out, elements=elements, phases=phases), device


def provisioned(link: FrameLink, keys: Path, *, elements: int, phases: int) -> KeyStore:
    """Provision the device at a link and return the key store, which then has its public keys."""
    provision(link, KeyStore.open(keys), EUI, elements=elements, phases=phases)
    return KeyStore.open(keys)


def normal(text: str) -> str:
    """Return a text so that two ways to write one number, moment or truth are the same."""
    text = text.strip()
    if re.fullmatch(r"[+-]?\d+", text):
        return str(int(text)) if len(text) < 12 else text
    moment = _MOMENT.fullmatch(text)
    if text and moment:
        return f"{moment[1]}{moment[2]}.{(moment[3] or '').ljust(2, '0')}"
    return text


def values(element: etree._Element, place: str = "") -> dict[str, str]:
    """Return every value below an element by its place; an element that is empty has the value that it is there."""
    children = [child for child in element if isinstance(child.tag, str)]
    if not children:
        return {place: normal(element.text or "")} if place else {}
    steps = [_step(child) for child in children]
    alike, seen, found = Counter(steps), Counter[str](), dict[str, str]()
    for child, step in zip(children, steps, strict=True):
        seen[step] += 1
        step += f"#{seen[step]}" if alike[step] > 1 or step in REPEATED else ""
        found.update(values(child, f"{place}/{step}" if place else step))
    return found


#: Elements that may be repeated, and are numbered even when they are not.
REPEATED = {
    "DayProfile", "ProfileSchedule", "WeekProfile", "Season", "SpecialDay", "ElectricityNonDisablementSchedule",
    "DayOfWeekApplicability", "SpecialDayApplicability", "ALCSHCALCSConnectionSchedule", "ALCSScheduler",
    "AuxiliaryControllerSchedule", "PolyPhaseVoltageSettings",
}  # fmt: skip


def _step(element: etree._Element) -> str:
    attributes = "".join(f"[{value}]" for _, value in sorted(element.attrib.items()))
    return etree.QName(element).localname + attributes


@dataclass(frozen=True)
class Trip:
    """Where what a request says is read again.

    `variant` is asked and then `read`. `places` turns a place of the request into one of the answer: a pattern and
    what it becomes; the first that fits counts, an empty one says that the answer does not have it, none that it is the
    same. `words` are what stands for a value of the request in the answer. `whole` are the places of the answer below
    which nothing more may stand, but what the pattern `absent` fits, as `place=value`. `frame` is left out of the
    answer's places. `adds` says that what is set is added to what there was. `content` is the read request's.
    """

    variant: str
    read: str
    places: tuple[tuple[str, str], ...] = ()
    words: dict[str, str] = field(default_factory=dict)
    whole: tuple[str, ...] = ()
    absent: str = ""
    frame: str = "Electricity/"
    adds: bool = False
    content: Content | None = None

    @property
    def critical(self) -> bool:
        """Whether the request is signed by its originator."""
        return service_request(self.variant).critical

    def place(self, place: str) -> str:
        """Return where a value of the request stands in the answer; empty when nowhere."""
        for pattern, becomes in self.places:
            if re.search(pattern, place):
                return re.sub(pattern, becomes, place).replace("@", "") if becomes else ""
        return place

    def expected(self, body: etree._Element) -> dict[str, str]:
        """Return the values that the answer has to have."""
        assert etree.QName(body).localname == request_content(self.variant).body.name
        found = {self.place(place): self.words.get(text, text) for place, text in values(body).items()}
        found.pop("", None)
        return found

    def judge(self, body: etree._Element, answer: etree._Element, before: etree._Element | None = None) -> None:
        """Fail unless the answer has just the request's values, `before` being the answer before the request."""
        expected, found = self.expected(body), self.found(answer)
        if before is not None:
            was = self.found(before)
            expected = {place: str(int(was[place]) + int(text)) for place, text in expected.items()}
        lost = {place: (text, found.get(place)) for place, text in expected.items() if found.get(place) != text}
        assert not lost, f"{self.variant} read by {self.read}: (wanted, found) {lost}"
        more = {place: text for place, text in found.items() if place not in expected and self._surplus(place, text)}
        assert not more, f"{self.read} tells more than {self.variant} said: {more}"

    def found(self, answer: etree._Element) -> dict[str, str]:
        """Return the values of an answer."""
        return {place.removeprefix(self.frame): text for place, text in values(answer).items()}

    def _surplus(self, place: str, text: str) -> bool:
        return any(place.startswith(one) for one in self.whole) and not re.fullmatch(self.absent, f"{place}={text}")
