"""From a DUIS request to the GBCS message that is to be signed or MACed (the DCC's "transform").

For a critical request that is the pre-command; for any other the same octets, grouping header to payload, await a MAC.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from lxml import etree

from opensmets.catalogue.request_mappings import mapping
from opensmets.catalogue.use_cases import UseCase
from opensmets.duis.document import Request
from opensmets.duis.validation import InvalidRequest, local_name
from opensmets.errors import SmetsError
from opensmets.layouts.envelope import COMMAND, Message, encode
from opensmets.layouts.wire import LayoutError
from opensmets.layouts.xdlms import AccessRequest
from opensmets.transform.conversions import PAYLOADS
from opensmets.transform.credentials import certificate
from opensmets.transform.evaluation import specifications
from opensmets.transform.moments import execution_time
from opensmets.transform.paths import find
from opensmets.transform.scope import Scope
from opensmets.transform.selection import Inventory, select

INVOKE_ID_FLAGS, INVOKE_ID_MASK = 0x2000_0000, 0x00FF_FFFF
#: The DCC's parties that originate commands on requests.
DCC_ROLES = ("acb", "transitional_cos")
CREDENTIALS = "KAPublicSecurityCredentials"
#: Attributes that tell elements of one name apart.
INDEX_ATTRIBUTES = ("index", "identifier")
#: The request that has the DCC make up a number for the customer to read out.
CIN_VARIANT = "9.1"


@dataclass(frozen=True, slots=True)
class PreCommand:
    """A command before its protection: `octets` are grouping header to payload; `message` is the same, taken apart.

    `cin` is the customer identification number in it, to be told to the originator; empty in every other command.
    """

    use_case: UseCase
    octets: bytes
    message: Message
    cin: str = ""

    @property
    def critical(self) -> bool:
        """Whether its originator has to sign it."""
        return self.use_case.critical


def invoke_id(counter: int) -> int:
    """Return the invoke id of a message (GBCS 7.3.4): service class confirmed, and the counter's last 24 bits."""
    return INVOKE_ID_FLAGS | counter & INVOKE_ID_MASK


def transform(
    request: Request,
    *,
    dcc_eui: bytes | None = None,
    dcc_counter: int | None = None,
    dcc_role: str = "acb",
    via_dcc: bool | None = None,
    inventory: Inventory | None = None,
    role: str | None = None,
    use_case: str | None = None,
    cin: str | None = None,
) -> PreCommand:
    """Return the command of a request that was read.

    `dcc_eui` (8 octets) and `dcc_counter` are those of the DCC's party `dcc_role`, for commands that it originates:
    when the request carries the credentials of a party that the device does not know, when only the DCC may send the
    use case, or when `via_dcc` says so. Only 6.23 wants another party than the broker, `transitional_cos`.
    `inventory`, `role` and `use_case` decide where the document leaves a choice. `cin` is four digits for the meter to
    show, random unless given (9.1 only). Raises Unsupported when there is no command for it (yet), InvalidRequest
    naming the element that cannot be sent, SmetsError when something else is missing.
    """
    if request.signed_pre_command is not None:
        raise SmetsError("this is a Signed Pre-Command: its message is made and signed already; send it as it is")
    inventory = inventory or Inventory()
    chosen = select(request, inventory, role, use_case)
    _check_indexes(request.body)
    if via_dcc is None:
        via_dcc = find(request.body, CREDENTIALS) is not None or set(chosen.originators) <= set(DCC_ROLES)
    if via_dcc and dcc_role not in chosen.originators:
        raise SmetsError(f"{chosen.name}: originated by the {' or '.join(chosen.originators)}, not by the {dcc_role}")
    header = _header(request, chosen, (dcc_eui, dcc_counter) if via_dcc and role != dcc_role else None)
    party = header.supplementary_party or header.originator
    cin = _cin(cin) if request.variant == CIN_VARIANT else ""
    facts, other = inventory.facts, inventory.other_device
    scope = Scope(request.body, header.counter, party, request.target, facts, cin, other)
    try:
        message = replace(header, payload=_payload(chosen, scope))
        return PreCommand(chosen, encode(message), message, cin)
    except LayoutError as error:
        raise InvalidRequest(f"{chosen.name}: {error}") from None


def dcc_holds_until(request: Request) -> datetime | None:
    """Return when the DCC would send the command of a request that it, not the device, dates; None for at once."""
    return None if "Device" in request.service.future_dating else execution_time(request.body)


def _check_indexes(body: etree._Element) -> None:
    """Refuse two elements of one index, which the schema does not."""
    seen = set()
    for element in body.iter(etree.Element):
        for number in (element.get(name) for name in INDEX_ATTRIBUTES):
            place = (element.getparent(), element.tag, int(number or 0))
            if number is not None and place in seen:
                raise InvalidRequest(f"{local_name(element)}: index {number} stands twice; leave one out")
            if number is not None:
                seen.add(place)


def _cin(given: str | None) -> str:
    cin = f"{secrets.randbelow(10_000):04}" if given is None else given
    if not re.fullmatch("[0-9]{4}", cin):
        raise SmetsError(f"customer identification number {cin!r} should have four digits")
    return cin


def _header(request: Request, use_case: UseCase, broker: tuple[bytes | None, int | None] | None) -> Message:
    """Return the command without payload: from the request's originator, or from the broker on its behalf."""
    code = use_case.message_code
    if broker is None or broker[0] == request.originator:
        return Message(COMMAND, request.counter, request.originator, request.target, code, b"")
    eui, counter = broker
    if eui is None or counter is None:
        raise SmetsError(f"{use_case.name}: the DCC originates this; give its party's EUI and counter")
    header = Message(COMMAND, counter, eui, request.target, code, b"")
    if mapping(use_case.name).dcc_own:
        return header
    return replace(
        header,
        supplementary_party=request.originator,
        supplementary_counter=request.counter,
        certificate=_credentials(request),
    )


def _credentials(request: Request) -> bytes | None:
    """Return the key agreement certificate (DER) of a party that the device does not know."""
    element = find(request.body, CREDENTIALS)
    return None if element is None else certificate(element).encode()


def _payload(use_case: UseCase, scope: Scope) -> bytes:
    how = mapping(use_case.name)
    if how.payload:
        return PAYLOADS[how.payload](scope)
    found = specifications(use_case, how, scope)
    items, data = (tuple(column) for column in zip(*found, strict=True))
    return AccessRequest(invoke_id(scope.counter), items, data).encode()
