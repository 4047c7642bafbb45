"""One command of each use case of an electricity meter, made from the catalogue alone.

A request's content is drawn from its declaration (tests/host/duis_strategies.py) until it means the use case, and the
one of middle length is taken: lists are not empty in it. Use cases that no service request asks for are made from the
payload that they have in GBCS.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from lxml import etree

from opensmets.bench import provisioning
from opensmets.catalogue.objects import right
from opensmets.catalogue.request_content import request_content
from opensmets.catalogue.request_mappings import mapping
from opensmets.catalogue.service_requests import service_request
from opensmets.catalogue.use_cases import UseCase, use_cases
from opensmets.cli.conversation import EPOCH
from opensmets.duis.compose import Address, compose, write_time
from opensmets.duis.document import Request, read_request
from opensmets.errors import SmetsError
from opensmets.layouts import envelope
from opensmets.layouts.asn1 import BIT_STRING, SEQUENCE, make
from opensmets.layouts.envelope import COMMAND, Message
from opensmets.layouts.wire import LayoutError
from opensmets.security import contingency, pki, utrn
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import protect_command
from opensmets.transform import contingency as by_contingency
from opensmets.transform.credential_updates import Mode, replace_credentials
from opensmets.transform.credentials import DIGITAL_SIGNATURE, integer
from opensmets.transform.pre_command import DCC_ROLES, transform
from opensmets.transform.scope import Scope
from opensmets.transform.selection import Inventory
from tests.host.duis_strategies import Rules, bodies
from tests.host.test_round_trip import AT_ONCE, CASES

EUI = bytes.fromhex("00db1234567890a0")
START = datetime(2026, 11, 30, tzinfo=UTC)
START_S = int((START - EPOCH).total_seconds())
#: How many contents are drawn, more when none of them means the use case.
DRAWS = (8, 80, 400)
KINDS = ((1, 1), (2, 1), (1, 3), (2, 3))
STRANGER = bytes.fromhex("90b3d51f30030000")
CREDENTIALS = "KAPublicSecurityCredentials"
PERIOD: Rules = {
    "StartDateTime": st.just(write_time(START - timedelta(days=400))),
    "EndDateTime": st.just(write_time(START + timedelta(days=400))),
}
FLOORS = ("RemotePartyFloorSeqNumber", "SupplierFloorSeqNumber", "ACBFloorSeqNumber")
TOP_UP_FLOORS = ("RemotePartyPrepaymentTopUpFloorSeqNumber", "SupplierPrepaymentTopUpFloorSeqNumber")
#: Roles of the key store by GBCS's numbers of them.
ROLE_NUMBERS = {
    "recovery": 1, "supplier": 2, "network_operator": 3, "acb": 4, "transitional_cos": 5, "wan_provider": 6,
}  # fmt: skip


@dataclass(frozen=True)
class Visit:
    """A use case that the meter is asked for; by a party that the meter does not know, when `stranger`."""

    entry: UseCase
    stranger: bool = False

    def __str__(self) -> str:
        return self.entry.name + (" for a stranger" if self.stranger else "")

    @property
    def role(self) -> str:
        """Whose command it is: a name of use_cases.ORIGINATORS."""
        return "acb" if self.stranger else mapping(self.entry.name).role or self.entry.originators[0]


def visits() -> list[Visit]:
    """Return one visit of each use case of an electricity meter that is commanded, and those of strangers."""
    entries = [entry for entry in use_cases().values() if "ESME" in entry.devices and entry.command]
    return [Visit(entry) for entry in entries] + [Visit(entry, True) for entry in entries if _is_for_strangers(entry)]


def alerts() -> list[UseCase]:
    """Return the use cases that a meter begins itself."""
    return [entry for entry in use_cases().values() if "ESME" in entry.devices and not entry.command]


def _is_for_strangers(entry: UseCase) -> bool:
    """Whether an answer is sealed, and may be for a party that the meter does not know."""
    if entry.service_request is None or entry.originators[0] == "acb":
        return False
    return any(child.name == CREDENTIALS for child in request_content(entry.service_request).body.children)


def does(visit: Visit, kind: tuple[int, int]) -> bool:
    """Return whether a meter of so many elements and phases has all that a use case names."""
    twin, polyphase = kind[0] == 2, kind[1] == 3
    has = {"twin": twin, "single": not twin, "three_phase": polyphase, "one_phase": not polyphase}
    facts = {"twin": twin, "polyphase": polyphase}
    wanted = {found.layout.condition for item in visit.entry.items if (found := right(item.verb, item.target))}
    said = [one for one in mapping(visit.entry.name).when if one.is_fact]
    return all(has.get(one or "", True) for one in wanted) and all(facts[one.subject] != one.negated for one in said)


def kind_of(visit: Visit) -> tuple[int, int]:
    """Return the elements and phases of the least meter that has all that a use case names."""
    return next(kind for kind in KINDS if does(visit, kind))


class Walker:
    """Makes the commands. `keystore` has the keys of all parties and the public ones of the meter."""

    def __init__(self, keystore: KeyStore, elements: int, phases: int) -> None:
        self.eui, self._keystore, self._counter = EUI, keystore, 1000
        #: The request that the last command was made of; None for one that no service request asks for.
        self.asked: Request | None = None
        issuer = pki.authority_certificate(keystore, pki.ISSUING).public_bytes(Encoding.DER)
        self._issuer = b64encode(issuer).decode()
        self._inventory = Inventory(polyphase=phases == 3, twin=elements == 2)

    def party(self, role: str) -> bytes:
        """Return the EUI of the first party in a role."""
        return self._keystore.by_role(role)[0].eui

    def command(self, visit: Visit) -> bytes:
        """Return a protected command of a use case. Raises AssertionError when no content means it."""
        self.asked = None
        if visit.entry.name == by_contingency.USE_CASE:
            return self._protected(self._by_contingency())
        if visit.entry.service_request is None:
            return self._protected(self._unasked(visit))
        for count in DRAWS:
            made = [self._made(visit, body) for body in self._contents(visit, count)]
            if commands := [one for one in made if one]:
                self.asked, pre_command = sorted(commands, key=lambda one: len(one[1]))[len(commands) // 2]
                return self._protected(pre_command)
        raise AssertionError(f"no content of {visit.entry.service_request} means {visit}")

    def _protected(self, pre_command: bytes) -> bytes:
        return protect_command(pre_command, self._keystore)

    def _made(self, visit: Visit, body: etree._Element) -> tuple[Request, bytes] | None:
        """Return the request of a content and its pre-command; None when the content does not mean the use case."""
        self._counter += 1
        variant, asks = visit.entry.service_request or "", self._asks(visit)
        document = etree.fromstring(compose(variant, {}, Address(asks, EUI, self._counter)))
        place = document.find("{*}Body")
        assert place is not None
        place[:] = [body]
        dcc = visit.role if visit.role in DCC_ROLES else None
        try:
            request = read_request(etree.tostring(document))
            return request, transform(
                request, dcc_eui=dcc and self.party(dcc), dcc_counter=self._counter,
                dcc_role=dcc or "acb", via_dcc=dcc is not None and asks != self.party(dcc), inventory=self._inventory,
                role=None if dcc else visit.role, use_case=visit.entry.name,
            ).octets  # fmt: skip
        except (SmetsError, LayoutError):
            return None

    def _asks(self, visit: Visit) -> bytes:
        """Return who sends the request: the party itself, or a user of the DCC where the DCC commands."""
        if visit.role not in DCC_ROLES:
            return self.party(visit.role)
        roles = service_request(visit.entry.service_request or "").roles
        return STRANGER if roles else self.party(visit.role)

    def _contents(self, visit: Visit, count: int) -> list[etree._Element]:
        """Draw contents of a request, by what the round trips know of it."""
        variant = visit.entry.service_request or ""
        cases = [case for case in CASES.values() if case.trip.variant == variant]
        ways = [(case.rules, case.repair) for case in cases if count < DRAWS[-1]] or [({}, None)]
        rules = [bodies(variant, {**AT_ONCE, **self._rules(visit), **more}, repair) for more, repair in ways]
        return [body for way in rules for body in drawn(way, count)]

    def _rules(self, visit: Visit) -> Rules:
        """Return what a content has to have that its declaration does not say."""
        replaced = self._replaced(visit)
        stranger = visit.stranger or (visit.role == "acb" and self._asks(visit) == STRANGER)
        found: dict[str, st.SearchStrategy[str] | None] = {
            **PERIOD,
            CREDENTIALS: self._certificate(STRANGER, "ka") if stranger else None,
            "UTRN": st.just(utrn.make(self._keystore, self.party("supplier"), EUI, 1000, self._counter << 32)),
            "CurrentDateTime": st.just(write_time(START)),
            "TolerancePeriod": st.just("86400"),
            "OtherDeviceID": st.just("00-DB-12-34-56-78-90-A5"),
            "DeviceCertificate": self._certificate(EUI, "ds"),
            "DigitalSigningCertificate": self._certificate(replaced, "ds"),
            "KeyAgreementCertificate": self._certificate(replaced, "ka"),
            "KeyAgreementTopUpCertificate": None,
            "Certificate": st.just(self._issuer),
        }
        is_supplier = replaced == self.party("supplier")
        found |= dict.fromkeys(TOP_UP_FLOORS, st.just("0") if is_supplier else None)
        if visit.entry.service_request == "8.5":
            found["ExecutionDateTime"] = st.just(write_time(START))
        return found | dict.fromkeys(FLOORS, st.just("0"))

    def _replaced(self, visit: Visit) -> bytes:
        """Return the party whose certificates a replacement bears."""
        named = next((one.value for one in mapping(visit.entry.name).when if one.subject == "RemotePartyRole"), None)
        role = {"LoadController": "load_controller", "NetworkOperator": "network_operator"}.get(named or "", "supplier")
        return self.party("acb" if visit.entry.service_request == "8.5" else role)

    def _certificate(self, eui: bytes, usage: str) -> st.SearchStrategy[str]:
        der = self._keystore.certificate(eui, usage).public_bytes(Encoding.DER)
        return st.just(b64encode(der).decode())

    def _unasked(self, visit: Visit) -> bytes:
        """Return the pre-command of a use case without service request (GBCS 13.2, 13.3)."""
        self._counter += 1
        party, number = self.party(visit.role), ROLE_NUMBERS[visit.role]
        if visit.entry.service == "read_credentials":
            asks = make(SEQUENCE, (integer(number), make(BIT_STRING, DIGITAL_SIGNATURE)))
            wanted = make(SEQUENCE, tuple(integer(one) for one in ROLE_NUMBERS.values()))
            payload = make(SEQUENCE, (asks, wanted)).encode()
        else:
            der = self._keystore.certificate(party, "ds").public_bytes(Encoding.DER)
            path = {"Certificate": b64decode(self._issuer)}
            content = {
                "DigitalSigningCertificate": der, "CertificationPathCertificates": path,
                "ApplyTimeBasedCPVChecks": False,
            }  # fmt: skip
            body = etree.fromstring(compose("6.24.1", content, Address(party, EUI, 0)))[1][0]
            mode = Mode(visit.entry.form, number, number, dated=False)
            payload = replace_credentials(mode, Scope(body, self._counter, party, EUI, {}))
        return envelope.encode(Message(COMMAND, self._counter, party, EUI, visit.entry.message_code, payload))

    def _by_contingency(self) -> bytes:
        """Return the pre-command by which all certificates take their own places, under their own root."""
        self._counter += 1
        keystore = self._keystore
        anchors = provisioning.default_anchors(keystore)
        found = [(one, each) for one in anchors for each in provisioning.cell_certificates(keystore, one)]
        return by_contingency.pre_command(
            EUI, contingency.holder(keystore), self._counter, contingency.symmetric_key(keystore),
            root=pki.authority_certificate(keystore), issuers=[pki.authority_certificate(keystore, pki.ISSUING)],
            replacements=[(provisioning.ROLE_NUMBERS[anchor.role], *each) for anchor, each in found],
        )  # fmt: skip


def drawn(strategy: st.SearchStrategy[etree._Element], count: int) -> list[etree._Element]:
    """Return the values that hypothesis draws first, the same in every run."""
    found: list[etree._Element] = []

    @seed(0)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def keep(value: etree._Element) -> None:
        found.append(value)

    keep()
    return found
