"""What nobody would send: the host refuses it with a SmetsError, whatever it is and wherever it comes from.

Good messages and documents are altered at some places. `make explore TESTS=tests/host/test_fuzzing.py` finds new ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from opensmets import parse
from opensmets.duis.document import read_request
from opensmets.duis.response import read_response
from opensmets.errors import SmetsError
from opensmets.explain import explain
from opensmets.layouts import blocks, envelope
from opensmets.layouts.envelope import ALERT
from opensmets.layouts.link_frame import Frame
from opensmets.links.framing import FrameReader, encode_frame
from opensmets.security.sensitive import decrypt_parts
from tests.host.corpus import keystore, messages
from tests.host.mangled import Edit, edits, mangle
from tests.host.test_duis_mutations import documents
from tests.host.test_parse_reference import built, use_case_of
from tests.reference import REFERENCE, needs_reference

#: Deeper than any parser wants to go.
NESTED = b"\x02\x01" * 2000


def refused_or_taken(act: Callable[[], object]) -> bool:
    """Do something; return whether it was refused, in one line. Anything but a SmetsError fails."""
    try:
        act()
    except SmetsError as error:
        assert "\n" not in str(error)
        return True
    return False


def answers() -> list[str]:
    """Return the names of all that devices send in the reference set; something where there is none."""
    return [name for name in messages() if built(name)] if REFERENCE else [""]


@given(st.binary(max_size=300))
@example(b"\xdf\x09\x02" + NESTED)
@example(b"\x00\x00" + NESTED)
@example(b"\xda\x20\x00\x00\x01\x00\x00\x01" + NESTED)
def test_any_octets(octets: bytes) -> None:
    for act in (explain, envelope.decode, blocks.decode, read_request, read_response):
        refused_or_taken(partial(act, octets))


@given(st.binary(max_size=600), edits(6))
def test_any_octets_on_the_line(noise: bytes, changes: list[Edit]) -> None:
    """Whatever came before, a good frame after a delimiter is found."""
    reader, good = FrameReader(), Frame(0, b"good")
    reader.feed(mangle(encode_frame(Frame(0, noise)), changes) + b"\x00" + encode_frame(good))
    found = []
    while (frame := reader.next_frame()) is not None:
        found.append(frame)
    assert found[-1] == good


@needs_reference
@given(st.sampled_from(answers()), edits(4))
def test_an_altered_answer(name: str, changes: list[Edit]) -> None:
    octets = mangle(messages()[name], changes)
    refused_or_taken(lambda: explain(octets, keystore()))
    refused_or_taken(lambda: decrypt_parts(envelope.decode(octets), keystore()))


@needs_reference
@given(st.sampled_from(answers()), edits(4))
def test_an_authentic_answer_of_any_payload(name: str, changes: list[Edit]) -> None:
    message = envelope.decode(messages()[name])
    parts = decrypt_parts(message, keystore())
    odd = replace(message, payload=mangle(message.payload, changes), raw=b"")
    if message.cra_flag == ALERT:
        refused_or_taken(lambda: parse.parse_alert(odd, decrypted=parts))
    else:
        refused_or_taken(lambda: parse.parse_response(odd, decrypted=parts, use_case=use_case_of(name)))


@cache
def answer_document() -> bytes:
    name = next(name for name in answers() if "ECS24_4.11.1_SUCCESS" in name)
    message = envelope.decode(messages()[name])
    return bytes(etree.tostring(parse.parse_response(message, decrypted=(), use_case=use_case_of(name))))


@needs_reference
@given(edits(3, st.sampled_from((b"<", b">", b"", b"0", b"-1", b"xx", b"&a;", b"\xff", b"9" * 30))))
def test_an_altered_answer_document(changes: list[Edit]) -> None:
    octets = mangle(answer_document(), changes)
    try:
        root = etree.fromstring(octets)
    except etree.XMLSyntaxError:
        return  # lxml's word on what is no XML
    refused_or_taken(lambda: parse.read_back(root))
    refused_or_taken(lambda: parse.read_header(root))


@needs_reference
@given(
    st.sampled_from(documents() or [Path()]),
    edits(3, st.sampled_from((b"<", b">", b"", b"0", b"-1", b"xx", b"&a;", b"\xff", b"9" * 30, b"<!DOCTYPE a>"))),
)
def test_an_altered_request_document(path: Path, changes: list[Edit]) -> None:
    octets = mangle(path.read_bytes(), changes)
    refused_or_taken(lambda: read_request(octets))
    refused_or_taken(lambda: read_response(octets))
