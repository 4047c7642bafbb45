"""A verified response as MMC XML (`GBCSResponse`), and back.

What the elements of the schema cannot hold stands in `GBCSData` (`remainder`), so a document always has all of the
payload: `read_back(parse_response(message, ...))` gives the very values of `plain_response(message, ...)`.
"""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from opensmets.catalogue.use_cases import Item, UseCase, by_message_code
from opensmets.layouts import xdlms
from opensmets.layouts.axdr import Data
from opensmets.layouts.envelope import RESPONSE, Message
from opensmets.layouts.xdlms import AccessResponse, Result
from opensmets.parse import credentials, remainder, replacements, statuses
from opensmets.parse.der import PAYLOAD
from opensmets.parse.header import TIME, write_header
from opensmets.parse.layouts import Layouts, UnsupportedUseCase, element_of, layouts_of
from opensmets.parse.outcome import read_outcome, verbs_of, write_outcome
from opensmets.parse.plain import invoke_id, is_protected, plain_response
from opensmets.parse.tree import NAMESPACE, Element, ParseError, add, qualified

SCHEMA_VERSION = "5.4"
CREDENTIALS = ("CS02aMAC", "CS02aSignature", "CS02fMAC", "CS02fSignature")


def is_built(use_case: UseCase) -> bool:
    """Tell whether `parse_response` knows the payload of a use case's response."""
    entry = layouts_of(use_case).entry
    return use_case.payload == "dlms" or use_case.name in CREDENTIALS or bool(entry.status or entry.outcome)


def new_document(message: Message, service_request: str | None, kind: str) -> Element:
    """Return the element in the Body, of that kind, of a new document that has the message's header."""
    root = etree.Element(qualified("GBCSResponse"), nsmap={"ra": NAMESPACE})
    root.set("schemaVersion", SCHEMA_VERSION)
    complete = write_header(root, message, service_request)
    content = add(add(root, "Body"), kind)
    if not complete:
        remainder.write(content, 0, TIME, message.time)
    return content


def _answers(message_code: int, use_case: UseCase) -> bool:
    """Tell whether a message of that code may answer a use case: its own code, or another of its service request.

    A device that refuses CS04B answers with the code of CS04AC (reference 8.8.2).
    """
    entries = (use_case, *by_message_code().get(message_code, ()))
    return any(
        entry.message_code == message_code and entry.service_request == use_case.service_request for entry in entries
    )


def parse_response(message: Message, *, decrypted: Sequence[bytes] = (), use_case: UseCase) -> Element:
    """Return the MMC document (root `GBCSResponse`) of a verified response.

    `decrypted` are the A-XDR octets of the encrypted parts, in order; without them those parts stay in the document as
    they were sent. Raises LayoutError or ParseError when the payload is not the use case's, UnsupportedUseCase when
    there is no mapping for it yet.
    """
    if message.cra_flag != RESPONSE or not _answers(message.message_code, use_case):
        raise ParseError(f"message 0x{message.message_code:04X} ({message.kind}) is no response of {use_case.name}")
    if not is_built(use_case):
        raise UnsupportedUseCase(
            f"{use_case.name}: responses with a payload of kind {use_case.payload} are not built yet"
        )
    content = new_document(message, use_case.service_request, "ResponseMessage")
    answer = add(add(content, "SMETSData"), element_of(use_case))
    if use_case.payload == "dlms":
        _write_dlms(message, plain_response(message, decrypted), use_case, content, answer)
    elif use_case.name in CREDENTIALS:
        credentials.write(message.payload, content, answer)
    else:
        entry = layouts_of(use_case).entry
        write = replacements.write_response if entry.outcome else statuses.write
        write(entry, message.payload, content, answer)
    root: Element = content.getroottree().getroot()
    return root


def _check(response: AccessResponse, use_case: UseCase, layouts: Layouts) -> None:
    """Raise ParseError unless the answers can be those of the use case."""
    count, expected = len(response.results), len(layouts.items)
    if not count or (expected and count != expected and not (layouts.entry.optional and count < expected)):
        raise ParseError(f"{use_case.name}: {count} answers where there are {expected or 'some'} items")
    verbs = verbs_of(use_case, (result.verb == "action" for result in response.results))
    for position, (verb, result) in enumerate(zip(verbs, response.results, strict=True), 1):
        if verb != result.verb:
            raise ParseError(f"{use_case.name}: item {position} is answered as {result.verb}, not {verb}")


def _write_dlms(
    message: Message, response: AccessResponse, use_case: UseCase, content: Element, answer: Element
) -> None:
    layouts = layouts_of(use_case)
    _check(response, use_case, layouts)
    answer.set("MessageSuccess", "true" if all(result.ok for result in response.results) else "false")
    closed = [_closed(item) for item in response.data]
    layouts.write(
        [Data("null") if hidden else item for item, hidden in zip(response.data, closed, strict=True)], answer
    )
    write_outcome(content, response.results)
    for position, item in enumerate(response.data, 1):
        if _read_item(layouts, answer, position, response.results[position - 1]) != item:
            name = _item_name(use_case, position)
            remainder.write(content, position, name, item, encrypted=closed[position - 1])
    if response.invoke_id != invoke_id(message.counter):
        remainder.write(content, 0, PAYLOAD, response.encode())


def _closed(item: Data) -> bool:
    return item.type == "structure" and len(item) == 2 and is_protected(item[0], item[1])


def _reference(item: Item) -> str:
    place = item.inner or item.target
    a, b, *rest = place.obis
    return f"{place.class_id}/{a}-{b}:{'.'.join(str(part) for part in rest)}/{place.member}"


def _item_name(use_case: UseCase, position: int) -> str:
    """Return the attribute or method of an item, where the catalogue has one for each."""
    items = use_case.items
    if len(items) != len(layouts_of(use_case).items) or position > len(items):
        return f"item {position}"
    return _reference(items[position - 1])


def _read_item(layouts: Layouts, answer: Element, position: int, result: Result) -> Data:
    return layouts.read(answer, position) if result.ok else Data("null")


def read_dlms(content: Element, message: Message, use_case: UseCase) -> AccessResponse:
    """Return the DLMS response that a ResponseMessage holds. Raises ParseError when it is none of ours."""
    pieces = remainder.read(content)
    whole = pieces.get((0, PAYLOAD))
    if isinstance(whole, bytes):
        return xdlms.decode_response(whole)
    answer = content.find(f"{qualified('SMETSData')}/{qualified(element_of(use_case))}")
    if answer is None:
        raise ParseError(f"the document holds no answer of {use_case.name}")
    layouts = layouts_of(use_case)
    results = read_outcome(content, use_case)
    data = []
    for position, result in enumerate(results, 1):
        piece = pieces.get((position, ""))
        data.append(piece if isinstance(piece, Data) else _read_item(layouts, answer, position, result))
    return AccessResponse(invoke_id(message.counter), tuple(data), results)
