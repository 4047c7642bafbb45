"""From a DUIS request document to the command that its device gets: judged, signed, numbered, transformed, protected.

What a head-end, the DCC and the access control broker do between them; here one key store has the keys of all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree

from opensmets.catalogue.use_cases import UseCase
from opensmets.cli.keys import require_device_key
from opensmets.duis import xml_signature
from opensmets.duis.document import Request, read_request
from opensmets.errors import SmetsError, UsageError
from opensmets.layouts import envelope
from opensmets.layouts.envelope import COMMAND, Message
from opensmets.security.counters import Counters, Kind
from opensmets.security.keystore import KeyStore, MissingKey, format_eui
from opensmets.security.protection import protect_command, use_case_of
from opensmets.transform.pre_command import DCC_ROLES, PreCommand, dcc_holds_until, transform
from opensmets.transform.selection import Inventory, select

#: A top-up's RequestID bears its token's counter, which counts apart from the messages' (GBCS 14).
TOP_UP = "2.2"


class Unsigned(SmetsError):
    """A document has no valid XML signature of its originator, and one is wanted."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request and what became of it: its document as signed, the pre-command and the protected command.

    `numbered` says that the request's counter was taken from the key store already.
    """

    request: Request
    use_case: UseCase
    pre_command: bytes
    command: bytes
    numbered: bool = False

    @property
    def document(self) -> bytes:
        """The request's document, with its XML signature."""
        return etree.tostring(self.request.document)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the sender decides: how signatures and numbers are dealt with, and what the document leaves open.

    `numbered` is for a document whose counter was taken for it; `renumber` gives it its originator's next one.
    `rehearse` takes no counter, to find out what is wrong with a request before anything is used up.
    """

    require_signature: bool = False
    renumber: bool = False
    numbered: bool = False
    rehearse: bool = False
    inventory: Inventory = field(default_factory=Inventory)
    use_case: str | None = None


def counter_kind(request: Request) -> Kind:
    """Return which of its originator's counters a request takes its number from."""
    return "topup" if request.variant == TOP_UP else "message"


def sign_document(document: etree._Element, originator: bytes, keystore: KeyStore) -> bytes:
    """Return a document with its originator's XML signature. Raises MissingKey, SignatureError."""
    return xml_signature.sign(document, keystore.private_key(originator, "ds"), keystore.certificate(originator, "ds"))


def ensure_signature(request: Request, keystore: KeyStore, *, required: bool, say: Callable[[str], None]) -> Request:
    """Return the request with a valid XML signature: its own, or one in place of a missing one or a placeholder.

    Raises Unsigned when the signature is another's or the document was altered, and for a missing one when `required`.
    """
    missing = not request.has_signature
    if not missing and not xml_signature.is_placeholder(request.document):
        if not xml_signature.verify(request.document, keystore.certificate(request.originator, "ds")):
            raise Unsigned(
                f"the XML signature is not that of {format_eui(request.originator)} over this document: sign it again"
            )
        return request
    what = "missing" if missing else "a placeholder"
    if required:
        raise Unsigned(f"the XML signature is {what}: sign the document, or leave out --require-signature")
    signed = read_request(sign_document(request.document, request.originator, keystore))
    say(f"the XML signature is {what}; signed with the key of {format_eui(request.originator)}")
    return signed


def renumber(request: Request, keystore: KeyStore, say: Callable[[str], None], *, rehearse: bool = False) -> Request:
    """Return the request with its originator's next counter, signed anew.

    Raises UsageError when the number cannot be changed: it is inside a signed pre-command or a top-up token.
    """
    if request.signed_pre_command is not None:
        raise UsageError("--renumber cannot change a Signed Pre-Command, whose counter is signed: transform it anew")
    if request.variant == TOP_UP:
        raise UsageError("--renumber cannot change a top-up, whose counter is its token's: make a new UTRN")
    counters = Counters(keystore.path)
    number = counters.highest(request.originator) + 1 if rehearse else counters.next(request.originator)
    root = etree.fromstring(etree.tostring(request.document))
    element = root.find("{*}Header/{*}RequestID")
    if element is None:
        raise SmetsError("RequestID: is missing")
    element.text = f"{format_eui(request.originator)}:{format_eui(request.target)}:{number}"
    say(f"renumbered from {request.counter} to {number}, and signed with the key of {format_eui(request.originator)}")
    return read_request(sign_document(root, request.originator, keystore))


def prepare(octets: bytes, keystore: KeyStore, choices: Choices, say: Callable[[str], None]) -> Prepared:
    """Read a request document and make its command; its counter is still to be taken (`take_counter`).

    Raises InvalidRequest naming the element, Unsupported, Unsigned, MissingKey, UsageError.
    """
    request = read_request(octets)
    if choices.renumber:
        if choices.require_signature:
            raise UsageError("--renumber changes the document, which --require-signature forbids: choose one")
        request = renumber(request, keystore, say, rehearse=choices.rehearse)
    request = ensure_signature(request, keystore, required=choices.require_signature, say=say)
    if request.signed_pre_command is not None:
        message = check_signed_pre_command(request)
        use_case, pre_command = use_case_of(message, keystore), request.signed_pre_command
    else:
        made = transformed(request, keystore, choices)
        _tell_of_waiting(request, say)
        use_case, pre_command = made.use_case, made.octets
    require_device_key(keystore, request.target)
    command = protect_command(pre_command, keystore)
    return Prepared(request, use_case, pre_command, command, choices.renumber or choices.numbered)


def transformed(request: Request, keystore: KeyStore | None, choices: Choices) -> PreCommand:
    """Return a request's pre-command; one that a party of the DCC originates takes that party's next counter.

    Raises Unsupported, InvalidRequest, SmetsError.
    """
    role = _role(request, keystore)
    dcc_role = _dcc_role(select(request, choices.inventory, role, choices.use_case))
    party = keystore.by_role(dcc_role)[:1] if keystore else ()
    eui = party[0].eui if party else None
    counters = Counters(keystore.path) if keystore else None
    number = counters.highest(eui) + 1 if counters and eui else None
    made = transform(
        request, dcc_eui=eui, dcc_counter=number, dcc_role=dcc_role, inventory=choices.inventory, role=role,
        use_case=choices.use_case,
    )  # fmt: skip
    if counters and eui and number and not choices.rehearse and made.message.originator == eui != request.originator:
        counters.use(eui, number)
    return made


def _dcc_role(use_case: UseCase) -> str:
    """Return which party of the DCC originates a use case's command, where one does: the broker, or if only the
    transitional change of supplier party may, that one (6.23)."""
    return next((role for role in DCC_ROLES if role in use_case.originators), DCC_ROLES[0])


def _tell_of_waiting(request: Request, say: Callable[[str], None]) -> None:
    """Say so when the DCC would keep a request back until its execution time: here it goes out at once."""
    moment = dcc_holds_until(request)
    if moment is not None:
        say(f"the DCC would send {request.variant} at {moment:%Y-%m-%d %H:%M:%S} UTC; here it goes out at once")


def _role(request: Request, keystore: KeyStore | None) -> str | None:
    try:
        return keystore.party(request.originator).role if keystore else None
    except MissingKey:
        return None


def take_counter(prepared: Prepared, keystore: KeyStore) -> None:
    """Take the request's counter, just before its command goes out. Raises SmetsError when it is not above the last."""
    if not prepared.numbered:
        request = prepared.request
        Counters(keystore.path).use(request.originator, request.counter, counter_kind(request))


def check_signed_pre_command(request: Request) -> Message:
    """Return the message of a Signed Pre-Command. Raises UsageError when it is not what the document's header says."""
    message = envelope.decode(request.signed_pre_command or b"")
    if message.cra_flag != COMMAND or not message.signature or message.mac is not None:
        raise UsageError("GBCSPayload: is no signed pre-command: sign it with `smets sign`")
    told = (message.originator, message.recipient, message.counter)
    if told != (request.originator, request.target, request.counter):
        raise UsageError(
            f"GBCSPayload: is {format_eui(message.originator)}:{format_eui(message.recipient)}:{message.counter}, "
            f"and RequestID says {request.request_id}"
        )
    return message
