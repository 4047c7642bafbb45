"""ASN.1 answers that are a code, or what was asked for instead (GBCS 13.4 to 13.6, CS06), in MMC XML and back.

| payload | XML |
|---|---|
| INTEGER | the entry's `status` element: the code, and its name by the map `statuses` |
| SEQUENCE { INTEGER, OCTET STRING } | the same, and the octets in `version` |
| any other SEQUENCE | base64 of it, as sent, in `content` |
| NULL (the command was accepted for later) | nothing |

`MessageSuccess` says whether the code is 0 or there is none. A code without a name is `notKnown`.
"""

from __future__ import annotations

import base64

from opensmets.catalogue.responses import ResponseEntry
from opensmets.layouts import asn1
from opensmets.layouts.asn1 import INTEGER, NULL, OCTET_STRING, SEQUENCE
from opensmets.layouts.asn1 import Element as Der
from opensmets.parse import remainder
from opensmets.parse.der import PAYLOAD, encode_number, normal
from opensmets.parse.tree import Element, ParseError, add, qualified

_OUTCOME = (INTEGER, OCTET_STRING)
_MAX_VERSION = 4


def _write_code(entry: ResponseEntry, code: int, answer: Element) -> None:
    status = add(answer, entry.status or "")
    status.set("ResponseCode", str(code))
    add(status, "ASN1Status", entry.maps[entry.statuses or ""].get(code, "notKnown"))


def write_tree(entry: ResponseEntry, tree: Der, answer: Element) -> int:
    """Write the elements of an answer; return its code, 0 when it has none. Raises ParseError when it is none."""
    if tree.tag == INTEGER:
        _write_code(entry, tree.integer, answer)
        return tree.integer
    if entry.version and tree.tag == SEQUENCE and tuple(part.tag for part in tree.children) == _OUTCOME:
        _write_code(entry, tree.children[0].integer, answer)
        if 0 < len(tree.children[1].content) <= _MAX_VERSION:
            add(answer, entry.version, tree.children[1].content.hex().upper())
        return tree.children[0].integer
    if entry.content and tree.tag == SEQUENCE:
        add(answer, entry.content, base64.b64encode(tree.encode()).decode("ascii"))
    elif not (entry.version and tree.tag == NULL):
        raise ParseError(f"{entry.name}: the payload is none of this use case's answers")
    return 0


def write(entry: ResponseEntry, payload: bytes, content: Element, answer: Element) -> None:
    """Write the answer that a payload holds. Raises LayoutError or ParseError when it is malformed."""
    tree = asn1.decode(payload)
    code = write_tree(entry, tree, answer)
    answer.set("MessageSuccess", "false" if code else "true")
    if read_tree(entry, answer) != normal(tree):
        remainder.write(content, 0, PAYLOAD, payload)


def read_tree(entry: ResponseEntry, answer: Element) -> Der:
    """Return the elements of an answer, with shortest lengths. Raises ValueError when they are not what is written."""
    request = answer.findtext(qualified(entry.content)) if entry.content else None
    if request is not None:
        return normal(asn1.decode(base64.b64decode(request)))
    status = answer.find(qualified(entry.status or ""))
    if status is None:
        return asn1.make(NULL, b"")
    code = asn1.make(INTEGER, encode_number(int(status.get("ResponseCode") or 0)))
    if not entry.version:
        return code
    version = bytes.fromhex(answer.findtext(qualified(entry.version)) or "")
    return asn1.make(SEQUENCE, (code, asn1.make(OCTET_STRING, version)))


def read(entry: ResponseEntry, content: Element, answer: Element) -> Der:
    """Return the payload's elements, with shortest lengths, that a document holds. Raises ParseError."""
    whole = remainder.read(content).get((0, PAYLOAD))
    if isinstance(whole, bytes):
        return normal(asn1.decode(whole))
    try:
        return read_tree(entry, answer)
    except ValueError:
        raise ParseError(f"the answer of {entry.name} does not hold what this package writes") from None
